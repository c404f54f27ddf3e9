/* SPDX-License-Identifier: Apache-2.0 */
/* Lines, headers, options. */
#include "config.h"
#include "signatures/lex.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/xalloc.h"

void lex_begin(struct lex *l, const char *text, size_t len)
{
    *l = (struct lex){
        .rest = {text, len},
          .line = 1
    };
}

void lex_end(struct lex *l)
{
    free(l->joined);
    l->joined = NULL;
}

/* The next physical line, its end cut off. */
static bool physical(struct lex *l, struct text *out)
{
    if (!l->rest.len)
        return false;
    const char *nl = memchr(l->rest.at, '\n', l->rest.len);
    size_t n = nl ? (size_t)(nl - l->rest.at) : l->rest.len;
    *out = (struct text){ l->rest.at, n };
    l->rest.at += nl ? n + 1 : n;
    l->rest.len -= nl ? n + 1 : n;
    l->line++;
    if (out->len && out->at[out->len - 1] == '\r')
        out->len--;
    return true;
}

static bool continues(struct text t)
{
    return t.len && t.at[t.len - 1] == '\\';
}

/* Join `first` with the lines that continue it, without backslashes. */
static struct text join(struct lex *l, struct text first)
{
    struct text part = first;
    size_t len = 0, cap = 0;
    for (bool more = true; more;) {
        bool on = continues(part);
        size_t n = part.len - on;
        if (len + n > LEX_LINE_MAX)
            n = 0;
        if (cap - len < n) {
            cap = (len + n) * 2;
            l->joined = xreallocarray(l->joined, cap, 1);
        }
        if (n)
            memcpy(l->joined + len, part.at, n);
        len += n;
        more = on && physical(l, &part);
    }
    return (struct text){ l->joined ? l->joined : "", len };
}

bool lex_line(struct lex *l, struct text *out, uint32_t *line)
{
    struct text t;
    for (;;) {
        *line = l->line;
        if (!physical(l, &t))
            return false;
        struct text seen = text_trim(t);
        if (!seen.len || (seen.at[0] == '#' && !l->comments))
            continue;
        if (continues(t)) {
            lex_end(l);
            t = join(l, t);
        }
        *out = text_trim(t);
        if (out->len)
            return true;
    }
}

bool lex_rule(struct text line, struct text *header, struct text *options)
{
    const char *open = memchr(line.at, '(', line.len);
    if (!open || line.at[line.len - 1] != ')')
        return false;
    *header = text_trim((struct text){ line.at, (size_t)(open - line.at) });
    *options = (struct text){ open + 1, line.len - (size_t)(open - line.at) - 2 };
    return true;
}

bool lex_word(struct text *header, struct text *word)
{
    *header = text_trim(*header);
    if (!header->len)
        return false;
    int level = 0;
    size_t n = 0;
    for (; n < header->len; n++) {
        char c = header->at[n];
        level += (c == '[') - (c == ']');
        if (level <= 0 && (c == ' ' || c == '\t'))
            break;
    }
    *word = (struct text){ header->at, n };
    header->at += n;
    header->len -= n;
    return true;
}

int lex_option(struct text *options, struct text *name, struct text *value)
{
    *options = text_trim(*options);
    if (!options->len)
        return 0;
    size_t end = 0;
    for (;; end++) {
        const char *p = memchr(options->at + end, ';', options->len - end);
        if (!p)
            return ABENG_EFORMAT;
        end = (size_t)(p - options->at);
        if (!end || options->at[end - 1] != '\\')
            break;
    }
    struct text option = { options->at, end };
    const char *colon = memchr(option.at, ':', option.len);
    *name = text_trim((struct text){ option.at, colon ? (size_t)(colon - option.at) : end });
    *value = (struct text){ NULL, 0 };
    if (colon)
        *value = text_trim((struct text){ colon + 1, end - (size_t)(colon - option.at) - 1 });
    options->at += end + 1;
    options->len -= end + 1;
    return 1;
}
