/* SPDX-License-Identifier: Apache-2.0 */
/* Audit, sessions, second factor. */
#include "config.h"
#include "collector/ctl/ctl.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/client.h"
#include "collector/ctl/print.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/xalloc.h"

#define COUNT(columns) (sizeof(columns) / sizeof *(columns))

/** A SHA-256 in hex, NUL included. */
#define HASH_TEXT (2 * crypto_hash_sha256_BYTES + 1)

/* ---- audit ----------------------------------------------------------------------------------- */

static enum ctl_exit audit_list(struct ctl *c)
{
    static const struct print_column columns[] = {
        { "AT", "at", 0 },      { "WHO", "who", 24 }, { "DID", "verb", 24 },
        { "WHAT", "what", 32 }, { "", "text", 80 },
    };
    char *path = ctl_path(c, "/api/v1/audit?state=", "");
    enum ctl_exit done = ctl_list(c, path, columns, COUNT(columns));
    free(path);
    return done;
}

static enum ctl_exit audit_root_list(struct ctl *c)
{
    static const struct print_column columns[] = {
        { "HOUR", "at", 0 },
        { "STATE", "state", 0 },
        { "ENTRIES", "count", 0 },
        { "ROOT", "root", 0 },
    };
    return ctl_list(c, "/api/v1/audit/roots?limit=500", columns, COUNT(columns));
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

/* What an entry's hash must be: over the one before and its own fields, each ended by 0x1f. */
static void hash_of(const json_t *entry, const char *before, char out[HASH_TEXT])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char at[24];
    uint64_t ns = 0;
    const char *time = text_of(entry, "at");
    crypto_hash_sha256_state s;
    if (clock_parse(time, strlen(time), &ns))
        ns = 0;
    snprintf(at, sizeof at, "%llu", (unsigned long long)(ns / NS_PER_MS));
    const char *const parts[] = { before,
                                  at,
                                  text_of(entry, "who"),
                                  text_of(entry, "verb"),
                                  text_of(entry, "what"),
                                  text_of(entry, "text") };
    crypto_hash_sha256_init(&s);
    for (size_t i = 0; i < COUNT(parts); i++) {
        if (i)
            crypto_hash_sha256_update(&s, (const unsigned char *)"\x1f", 1);
        crypto_hash_sha256_update(&s, (const unsigned char *)parts[i], strlen(parts[i]));
    }
    crypto_hash_sha256_final(&s, hash);
    sodium_bin2hex(out, HASH_TEXT, hash, sizeof hash);
}

struct chain {
    char before[HASH_TEXT];
    unsigned long long entries, roots;
    char wrong[512]; /* "" as long as it holds */
};

static void check_entry(struct chain *chain, const json_t *entry, const json_t *roots)
{
    char want[HASH_TEXT];
    const char *id = text_of(entry, "id"), *hash = text_of(entry, "hash");
    hash_of(entry, chain->before, want);
    const char *root = json_string_value(json_object_get(roots, id));
    if (strcmp(text_of(entry, "prev"), chain->before) != 0)
        snprintf(chain->wrong, sizeof chain->wrong, "entry %s does not follow the one before", id);
    else if (strcmp(hash, want) != 0)
        snprintf(chain->wrong, sizeof chain->wrong, "entry %s was changed", id);
    else if (root && strcmp(root, hash) != 0)
        snprintf(chain->wrong, sizeof chain->wrong, "entry %s is not what its root says", id);
    chain->roots += root != NULL;
    chain->entries++;
    snprintf(chain->before, sizeof chain->before, "%s", hash);
}

/* The roots of a state by the entry they name: the collector's, or a file kept elsewhere. */
static enum ctl_exit read_roots(struct ctl *c, const char *state, json_t **out)
{
    const char *file = ctl_option(c, "roots");
    json_t *reply = NULL, *root;
    enum ctl_exit done = CTL_OK;
    size_t i;
    *out = json_object();
    if (file && !(reply = json_load_file(file, 0, NULL)))
        return ctl_fail("%s: not a list of roots (abengctl audit roots --json)", file);
    if (!file)
        done = ctl_call(c, "GET", "/api/v1/audit/roots?limit=500", NULL, &reply);
    json_array_foreach(json_object_get(reply, "items"), i,
                       root) if (!strcmp(text_of(root, "state"), state))
        json_object_set(*out, text_of(root, "id"), json_object_get(root, "root"));
    json_decref(reply);
    return done;
}

static enum ctl_exit verify_pages(struct ctl *c, const json_t *roots, struct chain *chain)
{
    char *start = ctl_path(c, "/api/v1/audit?state=", "&order=oldest&limit=500");
    char after[64] = "";
    enum ctl_exit done = CTL_OK;
    do {
        json_t *page, *entry;
        size_t i;
        char *path = xasprintf("%s%s%s", start, *after ? "&after=" : "", after);
        done = ctl_call(c, "GET", path, NULL, &page);
        free(path);
        json_array_foreach(json_object_get(page, "items"), i, entry) if (!*chain->wrong)
            check_entry(chain, entry, roots);
        snprintf(after, sizeof after, "%s", text_of(page, "next"));
        json_decref(page);
    } while (!done && *after && !*chain->wrong);
    free(start);
    return done;
}

static enum ctl_exit audit_verify(struct ctl *c)
{
    struct chain chain = { .entries = 0 };
    json_t *roots;
    memset(chain.before, '0', HASH_TEXT - 1);
    enum ctl_exit done = read_roots(c, ctl_word(c, 0), &roots);
    if (!done)
        done = verify_pages(c, roots, &chain);
    /* A root whose entry is not there any more: the chain was cut. */
    if (!done && !*chain.wrong && chain.roots < json_object_size(roots))
        snprintf(chain.wrong, sizeof chain.wrong, "an entry that a root names is not there");
    if (!done && c->json) {
        json_t *said = json_pack("{s:s, s:I, s:I, s:s*}", "state", ctl_word(c, 0), "entries",
                                 (json_int_t)chain.entries, "roots", (json_int_t)chain.roots,
                                 "wrong", *chain.wrong ? chain.wrong : NULL);
        print_json(said);
        json_decref(said);
    } else if (!done && !*chain.wrong) {
        printf("%s: %llu entries hold, %llu roots among them\n", ctl_word(c, 0), chain.entries,
               chain.roots);
    }
    json_decref(roots);
    return done ? done : *chain.wrong ? ctl_fail("%s: %s", ctl_word(c, 0), chain.wrong) : CTL_OK;
}

/* ---- sessions and second factor -------------------------------------------------------------- */

static enum ctl_exit session_list(struct ctl *c)
{
    static const struct print_column columns[] = {
        { "ID", "id", 12 },
        { "USER", "user", 32 },
        { "FROM", "address", 40 },
        { "SINCE", "created_at", 0 },
        { "LAST USED", "last_used_at", 0 },
        { "THIS ONE", "current", 0 },
    };
    return ctl_list(c, "/api/v1/sessions", columns, COUNT(columns));
}

static enum ctl_exit act(struct ctl *c, const char *method, const char *path, json_t *body,
                         const char *said)
{
    json_t *reply;
    enum ctl_exit done = ctl_call(c, method, path, body, &reply);
    if (!done && c->json && reply)
        print_json(reply);
    else if (!done)
        puts(said);
    json_decref(reply);
    return done;
}

static enum ctl_exit session_end(struct ctl *c)
{
    char *path = ctl_path(c, "/api/v1/sessions/", "");
    enum ctl_exit done = act(c, "DELETE", path, NULL, "ended");
    free(path);
    return done;
}

static enum ctl_exit totp_begin(struct ctl *c)
{
    json_t *reply;
    enum ctl_exit done = ctl_call(c, "POST", "/api/v1/me/totp", json_object(), &reply);
    if (!done && c->json)
        print_json(reply);
    else if (!done)
        printf("secret for the phone: %s\n%s\nthen: abengctl totp confirm CODE\n",
               text_of(reply, "secret"), text_of(reply, "uri"));
    json_decref(reply);
    return done;
}

static enum ctl_exit totp_confirm(struct ctl *c)
{
    return act(c, "POST", "/api/v1/me/totp:confirm", json_pack("{s:s}", "code", ctl_word(c, 0)),
               "from now on logins need a code");
}

static enum ctl_exit totp_end(struct ctl *c)
{
    return act(c, "DELETE", "/api/v1/me/totp", json_pack("{s:s}", "code", ctl_word(c, 0)),
               "logins need no code");
}

static enum ctl_exit totp_reset(struct ctl *c)
{
    char *path = ctl_path(c, "/api/v1/users/", "/totp");
    enum ctl_exit done = act(c, "DELETE", path, NULL, "the user's logins need no code");
    free(path);
    return done;
}

/* clang-format off */
static const struct ctl_command commands[] = {
    { "audit list", "STATE", "", 1, 1, "who did what, the newest first; STATE is jm, or rg",
      audit_list },
    { "audit roots", "", "", 0, 0, "how far each chain had come, by hour", audit_root_list },
    { "audit verify", "STATE [--roots FILE]", "roots=", 1, 1,
      "check a chain from its first entry, and the roots (or those kept in FILE)", audit_verify },
    { "session list", "", "", 0, 0, "open sessions: yours, all for an administrator",
      session_list },
    { "session end", "ID", "", 1, 1, "end one", session_end },
    { "totp begin", "", "", 0, 0, "a second factor: the secret for your phone", totp_begin },
    { "totp confirm", "CODE", "", 1, 1, "it counts from now on", totp_confirm },
    { "totp end", "CODE", "", 1, 1, "end it", totp_end },
    { "totp reset", "USER", "", 1, 1, "end another's, who has lost the phone", totp_reset },
};
/* clang-format on */

const struct ctl_commands ctl_security_commands = { commands, sizeof commands / sizeof *commands };
