/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of the SMB parser do for each other (smb.h says which is which). */
#ifndef SENSOR_APP_SMB_OPS_H
#define SENSOR_APP_SMB_OPS_H

#include "sensor/app/smb.h"

/* ---- smb_tx.c ------------------------------------------------------------------------------ */

/** Make a transaction of a record; NULL at a limit. Too many open ones: the oldest is ended. */
struct smb_tx *smb_tx_make(struct app_io *io, const struct smb_record *r, enum smb_kind kind,
                           enum smb_key key);

/** The oldest transaction of a kind with the record's session and message (key's type `key`). */
struct smb_tx *smb_tx_find(struct app_io *io, const struct smb_record *r, enum smb_kind kind,
                           enum smb_key key);

/** The oldest one of the record's version and command, whatever its kind. */
struct smb_tx *smb_tx_of_command(struct app_io *io, const struct smb_record *r, enum smb_key key);

/** One side is done. */
void smb_tx_done(struct smb_tx *t, unsigned dir);

/** Its answer came: status, and the answering side is done (unless it is only pending). */
void smb_tx_answered(struct smb_tx *t, const struct smb_record *r);

/** Raise an event on a transaction (NULL: on the flow's newest), for rules of both directions. */
void smb_event(struct app_io *io, struct smb_tx *t, enum smb_event event);

/** Id of an entry: the record's session, tree and message. */
struct smb_id smb_id_of(const struct smb_record *r);

/** Id of an entry by session and tree alone. */
struct smb_id smb_id_tree(const struct smb_record *r);

/** Id of an entry by handle alone. */
struct smb_id smb_id_handle(const struct smb_handle *handle);

/** A handle of version 1 (two bytes, and the record's user) or 2 (sixteen bytes). */
struct smb_handle smb_handle_make(const struct smb_record *r, const uint8_t *bytes);

/** Remember something with a text (cut at `limit`); NULL when there is no memory. */
struct smb_entry *smb_entry_put(struct app_ctx *ctx, struct smb_state *s, enum smb_entry_kind kind,
                                const struct smb_id *id, const void *text, uint32_t len);

/** What is remembered, NULL when nothing is. */
struct smb_entry *smb_entry_find(struct smb_state *s, enum smb_entry_kind kind,
                                 const struct smb_id *id);

/** Forget it. NULL is allowed. */
void smb_entry_drop(struct app_ctx *ctx, struct smb_state *s, enum smb_entry_kind kind,
                    struct smb_entry *entry);

/** Append the bytes of a UTF-16 name that are not 0, as Suricata makes names. */
void smb_name_add(struct app_ctx *ctx, struct app_bytes *out, const uint8_t *wide, uint32_t len);

/* ---- smb1.c, smb2.c ------------------------------------------------------------------------ */

/** One whole record of version 1, header included. False when it can't be read. */
bool smb1_record_take(struct app_io *io, const uint8_t *data, uint32_t len);

/** Read the header of version 1. False when it can't be read. */
bool smb1_header_read(struct cursor *c, struct smb_record *out);

/** A write request (the command at `at` behind the header) of which the beginning is there. */
void smb1_write_take(struct app_io *io, const struct smb_record *r, uint32_t at, uint8_t command);

/** A read answer, likewise. */
void smb1_read_take(struct app_io *io, const struct smb_record *r, uint32_t at);

/** All records of version 2 that one message holds. False when one can't be read. */
bool smb2_records_take(struct app_io *io, const uint8_t *data, uint32_t len);

/** Read the header of version 2; `next` receives the offset of the next record, 0: none. */
bool smb2_header_read(struct cursor *c, struct smb_record *out, uint32_t *next);

/** A write request of which at least the beginning is there. */
void smb2_write_take(struct app_io *io, const struct smb_record *r);

/** A read answer, likewise. */
void smb2_read_take(struct app_io *io, const struct smb_record *r);

/* ---- smb_file.c ---------------------------------------------------------------------------- */

/** A piece of a file that is read or written. */
struct smb_piece {
    struct smb_handle handle;
    uint64_t offset;
    uint32_t size; /* as the record says */
    const uint8_t *data;
    uint32_t len; /* what is there of it */
};

/** The transaction of an open file in one direction, NULL when there is none. */
struct smb_tx *smb_file_find(struct app_io *io, const struct smb_handle *handle, unsigned dir);

/**
 * Take a piece, for `t` or (NULL) a new transaction; `unknown`: what a file without a name is
 * called.
 */
void smb_file_piece(struct app_io *io, const struct smb_record *r, struct smb_tx *t,
                    const struct smb_piece *piece, const char *unknown);

/** More of the piece at hand; returns how many bytes were taken. */
uint32_t smb_file_more(struct app_io *io, const uint8_t *data, uint32_t len);

/** The file of a direction is closed, if it is open. */
void smb_file_close(struct app_io *io, const struct smb_handle *handle, unsigned dir);

/* ---- smb_pipe.c ---------------------------------------------------------------------------- */

/** Whether a handle's name is that of a DCE/RPC service. */
bool smb_pipe_is_service(struct smb_state *s, const struct smb_handle *handle);

/** Whether bytes look like a DCE/RPC message. */
bool smb_pipe_probe(const uint8_t *data, uint32_t len);

/** A message written into a pipe. */
void smb_pipe_write(struct app_io *io, const struct smb_record *r, const uint8_t *data,
                    uint32_t len);

/** A message read from a pipe; `handle` says which, for answers in parts. */
void smb_pipe_read(struct app_io *io, const struct smb_record *r, const struct smb_handle *handle,
                   const uint8_t *data, uint32_t len);

/* ---- smb_session.c ------------------------------------------------------------------------- */

/** User, domain and host of an NTLMSSP authentication in a security blob, if there is one. */
void smb_session_read(struct app_io *io, struct smb_tx *t, const uint8_t *blob, uint32_t len);

/* ---- smb_eve.c ----------------------------------------------------------------------------- */

/** As app_describe. */
void smb_describe(struct app_flow *af, struct app_tx *tx, struct json *out);

#endif
