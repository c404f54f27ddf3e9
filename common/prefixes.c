/* SPDX-License-Identifier: Apache-2.0 */
/* A binary trie, IPv4 under a root of its own. */
#include "config.h"
#include "common/prefixes.h"

#include <stdlib.h>

#include "common/xalloc.h"

#define V4_BITS 96 /* of the mapped prefix, which the IPv4 root stands behind */

/* Index 0 and 1 are the roots; a child of 0 is none. */
struct node {
    uint32_t child[2];
    int number; /* -1: none */
};

struct prefixes {
    struct node *nodes;
    uint32_t count, cap;
};

static uint32_t node_new(struct prefixes *p)
{
    if (p->count == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 256;
        p->nodes = xreallocarray(p->nodes, p->cap, sizeof(*p->nodes));
    }
    p->nodes[p->count] = (struct node){ .number = -1 };
    return p->count++;
}

struct prefixes *prefixes_create(void)
{
    struct prefixes *p = xcalloc(1, sizeof(*p));
    node_new(p);
    node_new(p);
    return p;
}

static unsigned bit_at(const struct addr *a, unsigned i)
{
    return a->bytes[i / 8] >> (7 - i % 8) & 1;
}

void prefixes_add(struct prefixes *p, const struct addr *net, unsigned bits, int number)
{
    bool four = addr_is_v4(net) && bits >= V4_BITS;
    uint32_t at = four;
    for (unsigned i = four ? V4_BITS : 0; i < bits; i++) {
        unsigned b = bit_at(net, i);
        if (!p->nodes[at].child[b]) {
            uint32_t child = node_new(p);
            p->nodes[at].child[b] = child;
        }
        at = p->nodes[at].child[b];
    }
    p->nodes[at].number = number;
}

int prefixes_find(const struct prefixes *p, const struct addr *a)
{
    bool four = addr_is_v4(a);
    uint32_t at = four;
    int best = p->nodes[at].number;
    for (unsigned i = four ? V4_BITS : 0; i < 128; i++) {
        at = p->nodes[at].child[bit_at(a, i)];
        if (!at)
            break;
        if (p->nodes[at].number >= 0)
            best = p->nodes[at].number;
    }
    return best;
}

void prefixes_free(struct prefixes *p)
{
    if (!p)
        return;
    free(p->nodes);
    free(p);
}
