/* SPDX-License-Identifier: Apache-2.0 */
/* The classification table and the roles of an alert's two hosts. */
#include "config.h"
#include "collector/correlate/classify.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "collector/correlate/lines.h"
#include "collector/correlate/observation.h"
#include "collector/correlate/rsit.h"
#include "collector/correlate/score.h"
#include "collector/correlate/table.h"
#include "common/err.h"
#include "common/xalloc.h"

/**
 * The table's longest file, tests of one line, and rules whose facts are kept before all are
 * forgotten.
 */
#define TABLE_MAX (1u << 20)
#define TESTS_MAX 6
#define FACTS_MAX 65536

/** A rule's text as far as it tells rules apart, and the key it is a part of. */
#define FACTS_TEXT_MAX 400
#define FACTS_KEY_MAX  (4 * 8 + FACTS_TEXT_MAX + 1)

enum field {
    FIELD_SIGNATURE,
    FIELD_CATEGORY,
    FIELD_SEVERITY,
    FIELD_GID,
    FIELD_SID,
    FIELD_METADATA,
    FIELD_APP_PROTO, /* from here on: of the alert, not of the rule */
    FIELD_NDPI,
};

static const char *const field_words[] = { "signature", "category",  "severity",  "gid",
                                           "sid",       "metadata.", "app_proto", "ndpi" };

enum role { ROLE_CLIENT, ROLE_SERVER, ROLE_AUTO };

struct test {
    enum field field;
    char *key; /* of metadata */
    char *pattern;
};

struct line {
    struct test tests[TESTS_MAX];
    unsigned test_count;
    bool per_alert; /* has a test of the alert itself */
    const struct rsit *rsit;
    enum stage stage;
    enum role role;
    unsigned prior;
    unsigned alerts;
};

/* What is known of one rule. */
struct facts {
    char *metadata_text;
    json_t *metadata;
    size_t line; /* first line that holds and asks nothing of the alert */
    int confidence;
    enum role target;
    char family[CLASSIFY_WORD_MAX];
    char cve[CLASSIFY_WORD_MAX];
};

struct classify {
    struct line *lines;
    size_t count;
    size_t *asking; /* those that have a test of the alert itself: the others once a rule */
    size_t asking_count;
    const struct rsit *undetermined;
    struct table *facts;
    const struct assets *homes;
};

static const char *const stage_words[STAGE_COUNT] = { "none",   "probe", "exploit",
                                                      "answer", "c2",    "out" };

const char *stage_word(enum stage stage)
{
    return stage_words[stage];
}

int stage_find(const char *word)
{
    for (int i = 0; i < STAGE_COUNT; i++)
        if (!strcmp(stage_words[i], word))
            return i;
    return ABENG_ENOENT;
}

const char *direction_word(enum direction direction)
{
    static const char *const words[] = { "in", "out", "lateral" };
    return words[direction];
}

bool classify_glob(const char *pattern, const char *text, size_t len)
{
    const char *star = NULL;
    size_t at = 0, back = 0;
    while (at < len) {
        if (*pattern == '*') {
            star = pattern++;
            back = at;
        } else if (*pattern && (*pattern == '?' || tolower((unsigned char)*pattern) ==
                                                       tolower((unsigned char)text[at]))) {
            pattern++;
            at++;
        } else if (star) {
            pattern = star + 1;
            at = ++back;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

bool classify_private(const struct addr *a)
{
    const uint8_t *b = a->bytes;
    if (!addr_is_v4(a))
        return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
    return b[12] == 10 || b[12] == 127 || (b[12] == 172 && (b[13] & 0xf0) == 16) ||
           (b[12] == 192 && b[13] == 168) || (b[12] == 100 && (b[13] & 0xc0) == 64) ||
           (b[12] == 169 && b[13] == 254);
}

/* ---- reading the table ---------------------------------------------------------------------- */

static int read_test(struct line *l, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || l->test_count == TESTS_MAX)
        return ABENG_EFORMAT;
    *equals = '\0';
    struct test *t = &l->tests[l->test_count];
    for (size_t i = 0; i < sizeof field_words / sizeof *field_words; i++) {
        size_t n = strlen(field_words[i]);
        bool prefix = i == FIELD_METADATA;
        if (prefix ? strncmp(text, field_words[i], n) != 0 || !text[n]
                   : strcmp(text, field_words[i]) != 0)
            continue;
        t->field = (enum field)i;
        t->key = prefix ? xstrdup(text + n) : NULL;
        t->pattern = xstrdup(equals + 1);
        l->per_alert |= t->field >= FIELD_APP_PROTO;
        l->test_count++;
        return 0;
    }
    return ABENG_EFORMAT;
}

static int read_tests(struct line *l, char *text)
{
    while (text) {
        char *next = strstr(text, " & ");
        if (next) {
            *next = '\0';
            next += 3;
        }
        if (read_test(l, text))
            return ABENG_EFORMAT;
        text = next;
    }
    return 0;
}

static int read_number(const char *text, unsigned max, unsigned *out)
{
    char *end;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || n > max)
        return ABENG_EFORMAT;
    *out = (unsigned)n;
    return 0;
}

static int read_role(const char *word, enum role *out)
{
    static const char *const words[] = { "client", "server", "auto" };
    for (int i = 0; i < 3; i++)
        if (!strcmp(word, words[i])) {
            *out = (enum role)i;
            return 0;
        }
    return ABENG_EFORMAT;
}

/* Reads one line's columns; returns what is wrong, or NULL. */
static const char *read_columns(struct line *l, char *text)
{
    char *column[6];
    unsigned n = 0;
    for (char *save = NULL, *word = strtok_r(text, "\t", &save); word;
         word = strtok_r(NULL, "\t", &save)) {
        if (n == 6)
            return "more than six columns";
        column[n++] = word;
    }
    if (n < 6)
        return "six columns are needed: when rsit stage victim prior alerts, separated by tabs";
    if (read_tests(l, column[0]))
        return "a test is not FIELD=PATTERN, its field is not known, or there are more than six";
    l->rsit = rsit_find(column[1]);
    if (!l->rsit)
        return "the second column is not a class/type of RSIT 1003";
    int stage = stage_find(column[2]);
    if (stage < 0)
        return "the stage is not none, probe, exploit, answer, c2 or out";
    l->stage = (enum stage)stage;
    if (read_role(column[3], &l->role))
        return "the victim is not client, server or auto";
    if (read_number(column[4], 99, &l->prior) || !l->prior)
        return "the prior is not a number from 1 to 99";
    if (strcmp(column[5], "-") != 0 && (read_number(column[5], 1000000, &l->alerts) || !l->alerts))
        return "alerts is neither - nor a number from 1 to 1000000";
    return NULL;
}

static const char *read_line(void *arg, char *text)
{
    struct classify *c = arg;
    c->lines = xreallocarray(c->lines, c->count + 1, sizeof *c->lines);
    struct line *l = &c->lines[c->count++];
    memset(l, 0, sizeof *l);
    return read_columns(l, text);
}

struct classify *classify_open(const char *path, char *why, size_t why_len)
{
    struct classify *c = xcalloc(1, sizeof *c);
    c->facts = table_create();
    c->undetermined = rsit_find("other/undetermined");
    if (lines_read(path, TABLE_MAX, read_line, c, why, why_len)) {
        classify_close(c);
        return NULL;
    }
    c->asking = xcalloc(c->count + 1, sizeof *c->asking);
    for (size_t i = 0; i < c->count; i++)
        if (c->lines[i].per_alert)
            c->asking[c->asking_count++] = i;
    return c;
}

static void forget_facts(struct classify *c)
{
    size_t at = 0;
    for (struct facts *f; (f = table_next(c->facts, &at));) {
        json_decref(f->metadata);
        free(f->metadata_text);
        free(f);
    }
    table_free(c->facts);
    c->facts = NULL;
}

void classify_close(struct classify *c)
{
    if (!c)
        return;
    forget_facts(c);
    for (size_t i = 0; i < c->count; i++)
        for (unsigned t = 0; t < c->lines[i].test_count; t++) {
            free(c->lines[i].tests[t].key);
            free(c->lines[i].tests[t].pattern);
        }
    free(c->lines);
    free(c->asking);
    free(c);
}

void classify_homes(struct classify *c, const struct assets *homes)
{
    c->homes = homes;
}

/* ---- asking it ------------------------------------------------------------------------------ */

static bool metadata_holds(const json_t *metadata, const char *key, const char *pattern)
{
    json_t *values = json_object_get(metadata, key);
    const char *one = json_string_value(values);
    if (one)
        return classify_glob(pattern, one, strlen(one));
    for (size_t i = 0; i < json_array_size(values); i++) {
        const char *value = json_string_value(json_array_get(values, i));
        if (value && classify_glob(pattern, value, strlen(value)))
            return true;
    }
    return false;
}

static bool number_holds(const char *pattern, unsigned number)
{
    char text[12];
    int n = snprintf(text, sizeof text, "%u", number);
    return classify_glob(pattern, text, (size_t)n);
}

static bool test_holds(const struct test *t, const struct observation *o, const json_t *metadata)
{
    switch (t->field) {
    case FIELD_SIGNATURE:
        return classify_glob(t->pattern, o->signature.at, o->signature.len);
    case FIELD_CATEGORY:
        return classify_glob(t->pattern, o->category.at, o->category.len);
    case FIELD_SEVERITY:
        return number_holds(t->pattern, o->severity);
    case FIELD_GID:
        return number_holds(t->pattern, o->gid);
    case FIELD_SID:
        return number_holds(t->pattern, o->sid);
    case FIELD_METADATA:
        return metadata_holds(metadata, t->key, t->pattern);
    case FIELD_APP_PROTO:
        return classify_glob(t->pattern, o->app_proto.at, o->app_proto.len);
    case FIELD_NDPI:
        return classify_glob(t->pattern, o->ndpi.at, o->ndpi.len);
    }
    return false;
}

static bool line_holds(const struct line *l, const struct observation *o, const json_t *metadata)
{
    for (unsigned i = 0; i < l->test_count; i++)
        if (!test_holds(&l->tests[i], o, metadata))
            return false;
    return true;
}

static void first_word(const json_t *metadata, const char *key, char out[CLASSIFY_WORD_MAX])
{
    json_t *values = json_object_get(metadata, key);
    const char *value = json_is_string(values) ? json_string_value(values)
                                               : json_string_value(json_array_get(values, 0));
    snprintf(out, CLASSIFY_WORD_MAX, "%s", value ? value : "");
}

static enum role target_role(const json_t *metadata)
{
    static const char *const clients[] = { "Client_Endpoint", "Mobile_Client", "SMB_Client" };
    char word[CLASSIFY_WORD_MAX];
    first_word(metadata, "attack_target", word);
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++)
        if (!strcmp(word, clients[i]))
            return ROLE_CLIENT;
    if (!*word || !strcmp(word, "Any") || !strcmp(word, "Client_and_Server"))
        return ROLE_AUTO;
    return ROLE_SERVER;
}

static struct facts *learn(const struct classify *c, const struct observation *o)
{
    struct facts *f = xcalloc(1, sizeof *f);
    char word[CLASSIFY_WORD_MAX];
    f->metadata_text = xstrndup(o->metadata.len ? o->metadata.at : "", o->metadata.len);
    f->metadata = json_loadb(f->metadata_text, o->metadata.len, 0, NULL);
    f->target = target_role(f->metadata);
    first_word(f->metadata, "malware_family", f->family);
    first_word(f->metadata, "cve", f->cve);
    first_word(f->metadata, "confidence", word);
    f->confidence = !strcasecmp(word, "High") ? 1 : !strcasecmp(word, "Low") ? -1 : 0;
    for (f->line = 0; f->line < c->count; f->line++)
        if (!c->lines[f->line].per_alert && line_holds(&c->lines[f->line], o, f->metadata))
            break;
    return f;
}

/* A rule by its numbers, in hexadecimal, and its text: once an alert, so without printf. */
static void facts_key(const struct observation *o, char out[FACTS_KEY_MAX])
{
    const uint32_t numbers[] = { o->gid, o->sid, o->rev, o->severity };
    size_t at = 0, len = o->signature.len < FACTS_TEXT_MAX ? o->signature.len : FACTS_TEXT_MAX;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (int shift = 28; shift >= 0; shift -= 4)
            out[at++] = "0123456789abcdef"[numbers[i] >> shift & 15];
    if (len)
        memcpy(out + at, o->signature.at, len);
    out[at + len] = '\0';
}

static const struct facts *facts_of(struct classify *c, const struct observation *o)
{
    char key[FACTS_KEY_MAX];
    facts_key(o, key);
    struct facts *f = table_find(c->facts, key);
    if (f && strlen(f->metadata_text) == o->metadata.len &&
        (!o->metadata.len || !memcmp(f->metadata_text, o->metadata.at, o->metadata.len)))
        return f;
    if (!f && table_count(c->facts) >= FACTS_MAX) {
        forget_facts(c);
        c->facts = table_create();
    }
    struct facts *old = table_put(c->facts, key, f = learn(c, o));
    if (old) {
        json_decref(old->metadata);
        free(old->metadata_text);
        free(old);
    }
    return f;
}

/* The two hosts by who began the flow, and which of them are ours. */
struct hosts {
    struct addr client, server;
    unsigned client_port, server_port;
    bool client_ours, server_ours;
};

static bool ours(const struct classify *c, const struct addr *a)
{
    return classify_private(a) || assets_know(c->homes, a);
}

static struct hosts hosts_of(const struct classify *c, const struct observation *o)
{
    bool src_ours = ours(c, &o->src), dest_ours = ours(c, &o->dest);
    if (o->to_client)
        return (struct hosts){ o->dest, o->src, o->dest_port, o->src_port, dest_ours, src_ours };
    return (struct hosts){ o->src, o->dest, o->src_port, o->dest_port, src_ours, dest_ours };
}

static bool victim_is_client(const struct line *l, const struct facts *f,
                             const struct observation *o, const struct hosts *h)
{
    if (o->has_target)
        return !addr_compare(&o->target, &h->client);
    bool one_ours = h->client_ours != h->server_ours;
    enum role role = l ? l->role : ROLE_AUTO;
    if (role == ROLE_AUTO)
        role = f->target;
    if (role == ROLE_AUTO)
        return one_ours ? h->client_ours : addr_compare(&h->client, &o->dest) == 0;
    /* Whoever talks to a master or loses data is the one of ours, whichever side began. */
    if (l && l->stage >= STAGE_C2 && one_ours)
        return h->client_ours;
    return role == ROLE_CLIENT;
}

static enum direction direction_of(const struct hosts *h, bool client_is_victim)
{
    if (h->client_ours && h->server_ours)
        return DIRECTION_LATERAL;
    if (h->client_ours != h->server_ours)
        return h->client_ours ? DIRECTION_OUT : DIRECTION_IN;
    return client_is_victim ? DIRECTION_OUT : DIRECTION_IN;
}

void classify_alert(struct classify *c, const struct observation *o, struct verdict *out)
{
    const struct facts *f = facts_of(c, o);
    const struct line *l = f->line < c->count ? &c->lines[f->line] : NULL;
    for (size_t i = 0; i < c->asking_count && c->asking[i] < f->line; i++)
        if (line_holds(&c->lines[c->asking[i]], o, f->metadata)) {
            l = &c->lines[c->asking[i]];
            break;
        }
    struct hosts h = hosts_of(c, o);
    memset(out, 0, sizeof *out);
    out->rsit = l ? l->rsit : c->undetermined;
    out->stage = l ? l->stage : STAGE_NONE;
    out->prior = l ? l->prior : 5;
    out->alerts = l ? l->alerts : 0;
    out->confidence = f->confidence;
    out->victim_is_client = victim_is_client(l, f, o, &h);
    out->direction = direction_of(&h, out->victim_is_client);
    out->victim = out->victim_is_client ? h.client : h.server;
    out->peer = out->victim_is_client ? h.server : h.client;
    out->victim_port = out->victim_is_client ? h.client_port : h.server_port;
    out->peer_port = out->victim_is_client ? h.server_port : h.client_port;
    memcpy(out->family, f->family, sizeof out->family);
    memcpy(out->cve, f->cve, sizeof out->cve);
}
