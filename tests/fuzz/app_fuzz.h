/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the fuzz targets of the application parsers share: an input is a conversation in pieces,
 * `@@C` and `@@S` before bytes of the client and the server, `@@G` before a gap of the client's and
 * `@@H` of the server's stream, `@@E` and `@@F` ending them. Whatever is made is read, described
 * and freed.
 */
#ifndef TESTS_FUZZ_APP_FUZZ_H
#define TESTS_FUZZ_APP_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "signatures/buffer.h"

/** Run one input as a flow of `ip_proto` that is known to speak `app`. */
int app_fuzz_run(enum sig_app app, unsigned ip_proto, const uint8_t *data, size_t size);

#endif
