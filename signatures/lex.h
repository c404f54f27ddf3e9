/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Cutting rule files: logical lines, a line's header and options. No meaning is looked at here.
 */
#ifndef SIGNATURES_LEX_H
#define SIGNATURES_LEX_H

#include "signatures/text.h"

/** Longest logical line that is read as a rule. */
#define LEX_LINE_MAX (256u << 10)

/** A file being cut. */
struct lex {
    struct text rest;
    uint32_t line; /* number of the line that comes next, from 1 */
    char *joined;  /* owned: a line with continuations */
    bool comments; /* lines behind a # come too, with it */
};

/** Begin with `len` bytes at `text` (borrowed). */
void lex_begin(struct lex *l, const char *text, size_t len);

/**
 * The next logical line that is neither empty nor a comment (unless `comments` is set), trimmed;
 * `line` receives its first line's number. Backslash and newline continue a line. The text is valid
 * until the next call. False at the end.
 */
bool lex_line(struct lex *l, struct text *out, uint32_t *line);

/** Free what it holds. */
void lex_end(struct lex *l);

/**
 * Cut a rule into its header and the text between the outer parentheses. False when there are
 * none.
 */
bool lex_rule(struct text line, struct text *header, struct text *options);

/** The next word of a header; brackets may hold blanks. False at the end. */
bool lex_word(struct text *header, struct text *word);

/**
 * The next `name:value;` of the options. `value.at` is NULL for an option without one. 1 with an
 * option, 0 at the end, ABENG_EFORMAT for an option without its semicolon.
 */
int lex_option(struct text *options, struct text *name, struct text *value);

#endif
