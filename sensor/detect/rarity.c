/* SPDX-License-Identifier: Apache-2.0 */
/* A model of pairs of bytes, and a set of common grams. */
#include "config.h"
#include "sensor/detect/rarity.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define BYTES 256u
#define GRAM  4u
#define FOLD  0x20u
/** Costs are in this many parts of a bit. */
#define PARTS 16u
/** What most traffic says counts as if so many patterns had it. */
#define COMMON_TIMES 32u
/** A gram of it counts as this much less rare. */
#define COMMON_SHARE 4u
/** Slots of the set of common grams: some two a hundred of them are taken. */
#define COMMON_SLOTS (1u << 16)

/* What much traffic says: bytes found in here stand for no pattern when it has others. Folded. */
static const char common_text[] =
    "get / http/1.1\r\nhost: www.\r\nuser-agent: mozilla/5.0 (windows nt 10.0; win64; x64) "
    "applewebkit/537.36 (khtml, like gecko) chrome/ safari/537.36 firefox/ gecko/20100101\r\n"
    "accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8\r\n"
    "accept-language: en-us,en;q=0.5\r\naccept-encoding: gzip, deflate, br\r\nconnection: "
    "keep-alive\r\ncookie: referer: http://https://www.google.com/index.php?id= .html .com/ .net "
    "upgrade-insecure-requests: 1\r\ncache-control: max-age=0, no-cache, no-store, private\r\n"
    "pragma: content-type: application/x-www-form-urlencoded; charset=utf-8\r\n"
    "content-length: 0\r\n\r\npost / http/1.0\r\nhttp/1.1 200 ok\r\nserver: nginx apache date: "
    "mon, jan 2024 00:00:00 gmt\r\nlast-modified: expires: etag: vary: set-cookie: path=/; "
    "domain= transfer-encoding: chunked\r\nlocation: x-powered-by: <html><head><title></title>"
    "<script type=\"text/javascript\" src=\"function() { var return document.window.</script>"
    "<body><div class=\" style=\"</div><a href=\"http://<img src=\"<meta name=\"content=\"";

/* And what pages say, in the languages of these states: their commonest words. */
static const char common_words[] =
    "the of and to in is that for it as was with be by on not he his but at are this have from or "
    "had an they which one you were all her she there would their we him been has when who will "
    "no more if out so up said what its about than into them can only other time new some could "
    "these two may first then do any like my now over such our man me even most made after also "
    "well many before must through years where much your way down should because long each just "
    "state people those too mr how little good world make very year still see own work men day "
    "get here old life both between being under three never know same last another while us off "
    "might great go come since against right came take used himself few house use place home "
    "search news contact login password email page site service please click online free "
    "update download file name user version data value type text link image width height color "
    "border none block display position margin padding left button input form action submit title "
    "copyright all rights reserved return else null true false length "
    "que los del las por una para con como pero sus este todo esta entre cuando muy sin sobre "
    "tambien hasta donde quien desde todos durante estados contra ese eso nosotros informacion "
    "les des est pour dans qui pas sur plus par avec tout faire son mais comme nous vous leur "
    "bien cette ces deux aussi elle sans etre alors votre notre entre apres toujours "
    "het een van dat niet zijn voor met die ook maar aan naar door over wordt kunnen deze heeft ";

struct rarity {
    uint32_t pairs[BYTES][BYTES]; /* how often the second follows the first, then what it costs */
    uint32_t firsts[BYTES];       /* how often a byte comes, then what it costs */
    uint32_t common[COMMON_SLOTS / 32]; /* bits: hashes of grams of common_text */
};

static uint32_t common_slot(const uint8_t gram[GRAM])
{
    uint32_t v = 0;
    for (unsigned i = 0; i < GRAM; i++)
        v = v << 8 | gram[i] | FOLD;
    return v * 0x9E3779B1u >> 16;
}

static void learn(struct rarity *r, const uint8_t *bytes, size_t len, uint32_t times)
{
    for (size_t i = 0; i < len; i++) {
        r->firsts[bytes[i] | FOLD] += times;
        if (i + 1 < len)
            r->pairs[bytes[i] | FOLD][bytes[i + 1] | FOLD] += times;
    }
}

static void learn_common(struct rarity *r, const char *text, size_t len)
{
    const uint8_t *bytes = (const uint8_t *)text;
    learn(r, bytes, len, COMMON_TIMES);
    for (size_t at = 0; at + GRAM <= len; at++) {
        uint32_t slot = common_slot(bytes + at);
        r->common[slot / 32] |= 1u << slot % 32;
    }
}

struct rarity *rarity_create(void)
{
    struct rarity *r = xcalloc(1, sizeof(*r));
    learn_common(r, common_text, sizeof(common_text) - 1);
    learn_common(r, common_words, sizeof(common_words) - 1);
    return r;
}

void rarity_learn(struct rarity *r, const uint8_t *bytes, size_t len)
{
    learn(r, bytes, len, 1);
}

/* The logarithm of `n` (not 0) to base 2, in PARTS; between powers of two a straight line. */
static uint32_t log_parts(uint32_t n)
{
    unsigned power = 31 - (unsigned)__builtin_clz(n);
    uint64_t beyond = n - (1u << power);
    return power * PARTS + (uint32_t)(beyond * PARTS >> power);
}

/* What was never seen counts as a quarter of once. */
static uint32_t cost(uint32_t all, uint32_t times)
{
    return log_parts(4 * all + BYTES) - log_parts(4 * times + 1);
}

void rarity_settle(struct rarity *r)
{
    uint32_t all = 0;
    for (unsigned a = 0; a < BYTES; a++)
        all += r->firsts[a];
    for (unsigned a = 0; a < BYTES; a++) {
        uint32_t followed = 0;
        for (unsigned b = 0; b < BYTES; b++)
            followed += r->pairs[a][b];
        for (unsigned b = 0; b < BYTES; b++)
            r->pairs[a][b] = cost(followed, r->pairs[a][b]);
        r->firsts[a] = cost(all, r->firsts[a]);
    }
}

unsigned rarity_of(const struct rarity *r, const uint8_t gram[4])
{
    bool one = true;
    uint32_t sum = r->firsts[gram[0] | FOLD], slot = common_slot(gram);
    for (unsigned i = 0; i + 1 < GRAM; i++) {
        sum += r->pairs[gram[i] | FOLD][gram[i + 1] | FOLD];
        one = one && gram[i] == gram[i + 1];
    }
    if (one || sum == 0) /* a run of one byte, as padding is */
        return 1;
    return r->common[slot / 32] >> slot % 32 & 1 ? sum / COMMON_SHARE : sum;
}

double rarity_share(const struct rarity *r, uint8_t a, uint8_t b)
{
    const double folded_pairs = BYTES / 2.0 * (BYTES / 2.0);
    uint32_t sum = r->firsts[a | FOLD] + r->pairs[a | FOLD][b | FOLD];
    return 0.5 * exp2(-(double)sum / PARTS) + 0.5 / folded_pairs;
}

void rarity_free(struct rarity *r)
{
    free(r);
}
