/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Mail as it is sent (RFC 5322, 2045, 2046), line by line: the fields that records name, and the
 * attachments, decoded, as files. Nothing but the current field, the boundaries and the files is
 * kept.
 */
#ifndef SENSOR_APP_MIME_H
#define SENSOR_APP_MIME_H

#include "sensor/app/files.h"

/** Multiparts inside one another that are followed. */
#define MIME_DEPTH_MAX 8

enum mime_encoding { MIME_PLAIN, MIME_BASE64, MIME_QUOTED };

struct mime {
    struct app_bytes field; /* header field in progress, unfolded */
    struct app_bytes boundary[MIME_DEPTH_MAX];
    struct app_bytes name;              /* of the part, if it has one */
    struct app_bytes from, to, subject; /* of the outermost header */
    unsigned depth, parts;
    uint8_t encoding;               /* enum mime_encoding */
    bool in_body, attached, nested; /* nested: message/rfc822 */
    bool multipart;                 /* the header in progress opened a boundary */
    uint8_t line_end[2], line_end_len; /* is written only if more of the part follows */
    bool long_name;                 /* a file's name was longer than is kept */
    bool long_boundary;             /* one was longer than is compared */
    bool piece;                     /* the last call ended within a line */
    uint8_t quad[4];                /* base64 digits not yet decoded */
    unsigned quads;
    struct app_file *file;
};

/** Take one line with its end (or a piece of a very long one, without). */
void mime_line(struct app_ctx *ctx, struct mime *m, struct app_files *files, const uint8_t *line,
               uint32_t len);

/** The message is over. */
void mime_end(struct app_ctx *ctx, struct mime *m);

/** Free what it holds. */
void mime_free(struct app_ctx *ctx, struct mime *m);

#endif
