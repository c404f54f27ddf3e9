/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telnet (RFC 854): commands and lines of text, as frames only; there are no transactions. As in
 * Suricata a text frame is a line with its end, or a login prompt.
 */
#include "config.h"
#include "sensor/app/frames.h"
#include "sensor/app/parsers.h"

#define IAC 0xff
#define SB  0xfa /* begins a suboption, which ends with IAC SE */
#define SE  0xf0
/** Commands below this have no option behind them. */
#define WILL 0xfb
/** Longest line or suboption that is waited for. */
#define LINE_MAX_BYTES 4096u

/** Length of the command at `data`, 0 when it is not all there. */
static uint32_t command_len(const uint8_t *data, uint32_t len)
{
    if (len < 2)
        return 0;
    if (data[1] == SB) {
        for (uint32_t i = 2; i + 1 < len; i++)
            if (data[i] == IAC && data[i + 1] == SE)
                return i + 2;
        return len > LINE_MAX_BYTES ? len : 0;
    }
    uint32_t n = data[1] < WILL ? 2 : 3;
    return len < n ? 0 : n;
}

/** A prompt waits for an answer: no line end follows it. */
static bool prompt_stands(const uint8_t *data, uint32_t len)
{
    static const char login[] = "login: ", password[] = "Password:";
    return (len >= sizeof(login) - 1 &&
            memcmp(data + len - (sizeof(login) - 1), login, sizeof(login) - 1) == 0) ||
           (len >= sizeof(password) - 1 && memcmp(data, password, sizeof(password) - 1) == 0);
}

/** Length of the text at `data`, up to a line end or the next command; 0: not all there. */
static uint32_t text_len(const uint8_t *data, uint32_t len)
{
    uint32_t n = 0;
    while (n < len && data[n] != IAC && data[n] != '\n')
        n++;
    if (n < len)
        return n + (data[n] == '\n');
    return prompt_stands(data, len) || len > LINE_MAX_BYTES ? len : 0;
}

static uint32_t telnet_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    (void)old;
    uint32_t used = 0;
    while (used < len) {
        bool command = data[used] == IAC;
        uint32_t n =
            command ? command_len(data + used, len - used) : text_len(data + used, len - used);
        if (n == 0)
            break;
        app_frame_open(io, SIG_FRAME_TELNET_PDU, data + used, n);
        app_frame_open(io, command ? SIG_FRAME_TELNET_CTL : SIG_FRAME_TELNET_DATA, data + used, n);
        used += n;
    }
    return used;
}

/** What follows a gap may begin within a line; nothing depends on it. */
static bool telnet_gap(struct app_io *io, uint32_t len)
{
    (void)io;
    (void)len;
    return true;
}

const struct app_parser app_parser_telnet = {
    .app = SIG_APP_TELNET,
    .stream = telnet_stream,
    .gap = telnet_gap,
};
