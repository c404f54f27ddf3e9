/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: first messages that tell a flow's name. */
#include "config.h"
#include "sensor/app/named.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

/** libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A name that was found is one: not empty, ended, of plain letters. */
static void check(const char host[NAMED_HOST_MAX])
{
    char again[NAMED_HOST_MAX];
    size_t len = strnlen(host, NAMED_HOST_MAX);
    if (len == 0 || len == NAMED_HOST_MAX ||
        !named_host((const uint8_t *)host, (uint32_t)len, again) || strcmp(host, again) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char host[NAMED_HOST_MAX];
    uint8_t *copy = xmemdup(data, size); /* so that a read behind the end is one of the heap */
    uint32_t len = (uint32_t)size;
    if (named_client_hello(copy, len, host))
        check(host);
    if (named_dns_query(copy, len, host))
        check(host);
    if (named_http_request(copy, len, host))
        check(host);
    (void)named_server_hello(copy, len);
    (void)named_http_answer(copy, len);
    free(copy);
    return 0;
}
