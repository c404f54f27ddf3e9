/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NTP versions 3 and 4 (RFC 1305, 5905) over UDP. As in Suricata a question is a transaction, an
 * answer none; of what they say rules have no words.
 */
#include "config.h"
#include "sensor/app/parsers.h"

#include "common/cursor.h"

/** The header; what follows are extension fields and a key's digest. */
#define NTP_HEADER 48

enum ntp_mode { MODE_SYMMETRIC_ACTIVE = 1, MODE_CLIENT = 3 };

enum ntp_event { NTP_MALFORMED_DATA };

static const char *const ntp_events[] = { "malformed_data", NULL };

static void ntp_datagram(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    uint8_t first = cursor_u8(&c);
    uint8_t version = first >> 3 & 7, mode = first & 7;
    if (len < NTP_HEADER || version < 3 || version > 4) {
        app_tx_event(io->af->last, io->dir, NTP_MALFORMED_DATA);
        return;
    }
    if (mode != MODE_CLIENT && mode != MODE_SYMMETRIC_ACTIVE)
        return;
    struct app_tx *tx = app_tx_new(io);
    if (!tx)
        return;
    app_tx_one_way(tx, io->dir);
    app_tx_progress(tx, io->dir, SIG_PROGRESS_DONE);
}

const struct app_parser app_parser_ntp = {
    .app = SIG_APP_NTP,
    .datagram = ntp_datagram,
    .tx_size = sizeof(struct app_tx),
    .events = ntp_events,
};
