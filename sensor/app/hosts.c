/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts that were asked for last. */
#include "config.h"
#include "sensor/app/hosts.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/xalloc.h"
#include "sensor/app/named.h"

#define PLACES 1024u /* a power of two; 90 KiB */

struct place {
    char host[NAMED_HOST_MAX]; /* "": free */
    struct hosts_answer answer;
};

struct hosts {
    struct place places[PLACES];
};

struct hosts *hosts_create(void)
{
    return xcalloc(1, sizeof(struct hosts));
}

/* Who makes hosts collide gains nothing by it, so the hash needs no key. */
static uint64_t hash_host(const char *host, size_t len)
{
    uint64_t hash = len;
    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, host + i, len - i < sizeof(word) ? len - i : sizeof(word));
        hash = hash_mix(hash, word);
    }
    return hash;
}

struct hosts_answer *hosts_look(struct hosts *h, const char *host, bool *known)
{
    size_t len = strnlen(host, NAMED_HOST_MAX - 1);
    struct place *p = &h->places[hash_host(host, len) & (PLACES - 1)];
    *known = memcmp(p->host, host, len) == 0 && p->host[len] == '\0' && len > 0;
    if (!*known) {
        memcpy(p->host, host, len);
        p->host[len] = '\0';
        p->answer = (struct hosts_answer){ 0 };
    }
    return &p->answer;
}

void hosts_free(struct hosts *h)
{
    free(h);
}
