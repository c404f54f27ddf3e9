/* SPDX-License-Identifier: Apache-2.0 */
/* Old keywords for files: name, extension, storing. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include <ctype.h>

#include "common/err.h"

/* Longest file name or extension. */
#define NAME_MAX_LEN 255

static int name_content(struct draft *d, const char *keyword, const char *lead, struct text value,
                        uint32_t flags)
{
    uint8_t bytes[NAME_MAX_LEN + 1];
    uint32_t list;
    size_t n = 0;
    if (!value.len)
        return draft_refuse(d, "%s: an empty name", keyword);
    if (value.len > NAME_MAX_LEN)
        return draft_refuse(d, "%s: longer than %d characters", keyword, NAME_MAX_LEN);
    for (; *lead; lead++)
        bytes[n++] = (uint8_t)*lead;
    for (size_t i = 0; i < value.len; i++)
        bytes[n++] = (uint8_t)tolower((unsigned char)value.at[i]);
    if (draft_buffer_find(d, SIG_BUF_FILE_NAME, &list))
        return ABENG_EFORMAT;
    uint32_t was = d->current;
    d->current = list;
    flags |= SIG_F_NOCASE | (d->negated ? SIG_F_NEGATED : 0);
    struct sig_op *op = keyword_content_add(d, bytes, n, flags);
    d->current = was;
    return op ? 0 : ABENG_EFORMAT;
}

static int parse_filename(struct draft *d, struct text value)
{
    return name_content(d, "filename", "", value, 0);
}

static int parse_fileext(struct draft *d, struct text value)
{
    return name_content(d, "fileext", ".", value, SIG_F_ENDSWITH);
}

/* A kind that the sensor does not tell would never match. */
static int parse_filemagic(struct draft *d, struct text value)
{
    uint32_t list, was = d->current;
    uint8_t bytes[NAME_MAX_LEN + 1];
    if (!value.len || value.len > NAME_MAX_LEN)
        return draft_refuse(d, "filemagic: 1 to %d characters", NAME_MAX_LEN);
    long n = keyword_unescape(d, value, bytes);
    if (n < 0 || draft_buffer_find(d, SIG_BUF_FILE_MAGIC, &list))
        return ABENG_EFORMAT;
    for (long i = 0; i < n; i++)
        bytes[i] = (uint8_t)tolower(bytes[i]);
    d->current = list;
    uint32_t flags = SIG_F_NOCASE | (d->negated ? SIG_F_NEGATED : 0);
    struct sig_op *op = keyword_content_add(d, bytes, (size_t)n, flags);
    d->current = was;
    return op ? 0 : ABENG_EFORMAT;
}

static struct sig_op *size_op(struct draft *d)
{
    uint32_t list;
    if (draft_buffer_find(d, SIG_BUF_FILE_SIZE, &list))
        return NULL;
    return draft_op_add(d, list, SIG_OP_FILE_SIZE);
}

static int parse_filesize(struct draft *d, struct text value)
{
    struct sig_op *op = size_op(d);
    return op ? keyword_number(d, "filesize", value, UINT64_MAX, op) : ABENG_EFORMAT;
}

/* filestore:DIRECTION[,SCOPE]: words that are not known mean nothing, as in the reference. */
static bool is_store_word(struct text t)
{
    bool ok = t.len > 0;
    for (size_t i = 0; ok && i < t.len; i++)
        ok = isalpha((unsigned char)t.at[i]) || t.at[i] == '_';
    return ok;
}

static uint8_t store_direction(struct text word)
{
    if (text_is(word, "both"))
        return SIG_STORE_TOSERVER | SIG_STORE_TOCLIENT;
    if (text_is(word, "request") || text_is(word, "to_server"))
        return SIG_STORE_TOSERVER;
    if (text_is(word, "response") || text_is(word, "to_client"))
        return SIG_STORE_TOCLIENT;
    return SIG_STORE_MATCH;
}

/* The rule alerts too, and by itself on any file. All scopes mean the files of the transaction. */
static int parse_filestore(struct draft *d, struct text value)
{
    struct text word;
    d->rule.store = SIG_STORE_MATCH;
    for (unsigned words = 0; value.at && text_cut(&value, ',', &word); words++) {
        if (words == 2 || !is_store_word(word))
            return draft_refuse(d, "filestore: direction and scope, like both,file");
        if (words == 0)
            d->rule.store = store_direction(word);
    }
    for (uint32_t i = 1; i < d->list_count; i++) {
        if (sig_buffer_def(d->lists[i].buffer)->flags & SIG_BUFFER_FILE)
            return 0;
    }
    struct sig_op *op = size_op(d);
    if (!op)
        return ABENG_EFORMAT;
    op->u.number.compare = SIG_CMP_GE;
    op->u.number.field = 1;
    return 0;
}

const struct sig_keyword keywords_file[] = {
    { "filename", parse_filename, KEYWORD_MAY_QUOTE | KEYWORD_NEGATABLE, NULL },
    { "fileext", parse_fileext, KEYWORD_MAY_QUOTE | KEYWORD_NEGATABLE, NULL },
    { "filemagic", parse_filemagic, KEYWORD_QUOTED | KEYWORD_NEGATABLE, NULL },
    { "filesize", parse_filesize, 0, NULL },
    { "filestore", parse_filestore, KEYWORD_OPTIONAL, NULL },
    { NULL, NULL, 0, NULL },
};
