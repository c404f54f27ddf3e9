/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Lists beside rules: what dataset, datarep and filemd5, filesha1, filesha256 look values up in.
 * The reader of rules is given their texts under their names (files of a bundle, or of the
 * configuration); a keyword that names one makes of it a table in the set's blob.
 *
 * A table is a run of entries, sorted by key. Of fixed-size kinds an entry is the key's bytes and
 * four bytes of value; of strings it is where the key stands in the blob, its length and the value,
 * four bytes each. Numbers are in native order. Loader only.
 */
#ifndef SIGNATURES_LISTS_H
#define SIGNATURES_LISTS_H

#include "signatures/draft.h"

struct buf;

/** Values of one list. */
#define LISTS_ENTRIES_MAX (4u << 20)

enum list_kind {
    LIST_STRING, /* base64 lines, as Suricata writes them */
    LIST_MD5,
    LIST_SHA1,
    LIST_SHA256,
    LIST_IPV4, /* four bytes */
    LIST_IP,   /* sixteen bytes; IPv4 as ::ffff:a.b.c.d */
    LIST_KINDS,
};

/** What stands on a line of a list. */
enum list_lines {
    LIST_KEYS,
    LIST_VALUES, /* KEY,VALUE (0 to 65,535) */
    LIST_SUMS,   /* a digest, and anything behind it; lines that begin with none are passed over */
};

/** Bytes of a key, 0 for strings. */
uint32_t lists_key_len(enum list_kind kind);

/** Read a value as a line of a list has it; appends the key. False when it is none. */
bool lists_key_read(struct text t, enum list_kind kind, struct buf *out);

/** Append a value as lists_key_read reads it, and a newline. */
void lists_key_write(const void *key, uint32_t len, enum list_kind kind, struct buf *out);

/** The kind of a word ("md5"), LIST_KINDS for an unknown one. */
enum list_kind lists_kind_find(struct text word);

/**
 * Call `each` with every list that the text of a rules file names (dataset's and datarep's load,
 * filemd5 and its like); read roughly: comments and texts may name some too. `name` is what stands
 * behind the last slash.
 */
void lists_named(struct text all, void (*each)(void *arg, struct text name), void *arg);

/**
 * The table of list `file`, made when no rule has named it before in this way. 0, or refused: no
 * such list, a line that can't be read, no room.
 */
int lists_table(struct draft *d, struct text file, enum list_kind kind, enum list_lines lines,
                struct sig_bytes *out);

#endif
