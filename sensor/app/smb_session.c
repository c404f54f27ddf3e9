/* SPDX-License-Identifier: Apache-2.0 */
/* NTLMSSP in SMB's session setup ([MS-NLMP] 2.2.1.3): who authenticates. */
#include "config.h"
#include "sensor/app/smb_ops.h"

#include <string.h>

#define SIGNATURE_LEN 8
#define AUTHENTICATE  3
/** Bytes of signature and type; offsets count from the signature. */
#define LEAD 12u

/** One of the message's fields: its length and where it stands. */
struct field {
    uint32_t len, at;
};

static struct field field_read(struct cursor *c)
{
    struct field f = { .len = cursor_le16(c) };
    cursor_skip(c, 2);
    f.at = cursor_le32(c);
    return f;
}

/** Whether a field lies within the message, behind its first twelve bytes. */
static bool is_within(const struct field *f, uint32_t len)
{
    return f->at >= LEAD && f->at <= len && f->len <= len - f->at;
}

/** Read an AUTHENTICATE message, signature included. */
static void authenticate_read(struct app_io *io, struct smb_tx *t, const uint8_t *message,
                              uint32_t len)
{
    struct cursor c = cursor_make(message, len);
    cursor_skip(&c, LEAD);
    struct field fields[6]; /* LM, NT, domain, user, host, session key */
    for (unsigned i = 0; i < 6; i++) {
        fields[i] = field_read(&c);
        if (fields[i].len >= len || fields[i].at >= len)
            return;
    }
    const struct field *domain = &fields[2], *user = &fields[3], *host = &fields[4];
    cursor_skip(&c, 4);
    if (c.bad || !is_within(domain, len) || !is_within(user, len) || !is_within(host, len))
        return;
    if ((user->at > 0 && user->at < domain->at + domain->len) ||
        (host->at > 0 && host->at < user->at + user->len))
        smb_event(io, t, SMB_MALFORMED_NTLMSSP_REQUEST);
    smb_name_add(io->ctx, &t->name, message + user->at, user->len);
    smb_name_add(io->ctx, &t->more, message + domain->at, domain->len);
    smb_name_add(io->ctx, &t->host, message + host->at, host->len);
    t->ntlmssp = true;
}

void smb_session_read(struct app_io *io, struct smb_tx *t, const uint8_t *blob, uint32_t len)
{
    static const uint8_t signature[SIGNATURE_LEN] = "NTLMSSP";
    for (uint32_t at = 0; at + LEAD <= len; at++) {
        if (memcmp(blob + at, signature, SIGNATURE_LEN) != 0)
            continue;
        struct cursor type = cursor_make(blob + at + SIGNATURE_LEN, 4);
        if (cursor_le32(&type) == AUTHENTICATE)
            authenticate_read(io, t, blob + at, len - at);
        return;
    }
}
