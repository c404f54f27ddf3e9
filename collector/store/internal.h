/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the one place where a reply is hiredis's. */
#ifndef COLLECTOR_STORE_INTERNAL_H
#define COLLECTOR_STORE_INTERNAL_H

/* The function library's text, made at build from lua/. */
extern const char store_library[];

/* The version that lua/common.lua gives; a store with a higher one was written by a newer Abeng. */
#define STORE_LIBRARY_VERSION 5

#endif
