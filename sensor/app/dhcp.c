/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DHCP (RFC 2131, 2132) over UDP. As in Suricata 7 each message is a transaction of its own that
 * rules of both directions look at, and options are read as they stand, without respect to what
 * RFC 2132 says of padding.
 */
#include "config.h"
#include "sensor/app/parsers.h"

#include <stdio.h>
#include <string.h>

#include "common/cursor.h"
#include "common/json.h"

/** Fixed part of a message with the cookie behind it. */
#define DHCP_HEADER_LEN 240
/** Longest hardware address. */
#define HARDWARE_MAX 16

enum dhcp_option {
    OPTION_HOSTNAME = 12,
    OPTION_REQUESTED = 50,
    OPTION_LEASE = 51,
    OPTION_TYPE = 53,
    OPTION_RENEWAL = 58,
    OPTION_REBINDING = 59,
    OPTION_CLIENT = 61,
    OPTION_END = 255,
};

enum dhcp_event { DHCP_TRUNCATED_OPTIONS, DHCP_MALFORMED_OPTIONS };

static const char *const dhcp_events[] = { "truncated_options", "malformed_options", NULL };

/** Times of a message, in the order of `time_names`. */
enum dhcp_time { TIME_LEASE, TIME_RENEWAL, TIME_REBINDING, TIMES };

static const char *const time_names[TIMES] = { "dhcp.leasetime", "dhcp.renewal_time",
                                               "dhcp.rebinding_time" };

struct dhcp_tx {
    struct app_tx tx;
    uint32_t id, times[TIMES];
    uint8_t has_times; /* bits by enum dhcp_time */
    uint8_t opcode, type, hardware_len, hostname_len;
    bool has_type, has_requested;
    uint8_t hardware[HARDWARE_MAX], client[4], assigned[4], requested[4];
    uint8_t hostname[UINT8_MAX];
};

static void time_put(struct dhcp_tx *t, uint8_t code, uint32_t seconds)
{
    enum dhcp_time which = code == OPTION_LEASE     ? TIME_LEASE
                           : code == OPTION_RENEWAL ? TIME_RENEWAL
                                                    : TIME_REBINDING;
    if (t->has_times >> which & 1)
        return; /* the first one counts */
    t->times[which] = seconds;
    t->has_times |= (uint8_t)(1u << which);
}

static void option_keep(struct dhcp_tx *t, uint8_t code, const uint8_t *data, uint8_t len)
{
    if (code == OPTION_TYPE && len > 0) {
        t->type = data[0];
        t->has_type = true;
    } else if (code == OPTION_REQUESTED && len == sizeof(t->requested)) {
        memcpy(t->requested, data, len);
        t->has_requested = true;
    } else if (code == OPTION_HOSTNAME) {
        memcpy(t->hostname, data, len);
        t->hostname_len = len;
    }
}

/** One option; false at the end, or where the bytes do not suffice (`c` is bad then). */
static bool option_read(struct cursor *c, struct dhcp_tx *t)
{
    uint8_t code = cursor_u8(c);
    if (c->bad || code == OPTION_END)
        return false;
    uint8_t len = cursor_u8(c);
    if (code == OPTION_LEASE || code == OPTION_RENEWAL || code == OPTION_REBINDING) {
        uint32_t seconds = cursor_be32(c); /* whatever length it claims */
        if (!c->bad)
            time_put(t, code, seconds);
        return !c->bad;
    }
    if (code == OPTION_CLIENT && len <= 1)
        c->bad = true;
    const uint8_t *data = cursor_take(c, len);
    if (!c->bad)
        option_keep(t, code, data, len);
    return !c->bad;
}

static void header_read(struct cursor *c, struct dhcp_tx *t)
{
    t->opcode = cursor_u8(c);
    cursor_skip(c, 1);
    t->hardware_len = cursor_u8(c);
    cursor_skip(c, 1);
    t->id = cursor_be32(c);
    cursor_skip(c, 4);
    const uint8_t *addresses = cursor_take(c, 16), *hardware = cursor_take(c, HARDWARE_MAX);
    if (c->bad)
        return;
    memcpy(t->client, addresses, 4);
    memcpy(t->assigned, addresses + 4, 4);
    if (t->hardware_len > HARDWARE_MAX)
        t->hardware_len = HARDWARE_MAX;
    memcpy(t->hardware, hardware, HARDWARE_MAX);
    cursor_skip(c, DHCP_HEADER_LEN - 44);
}

static void dhcp_datagram(struct app_io *io, const uint8_t *data, uint32_t len)
{
    if (len < DHCP_HEADER_LEN)
        return;
    struct dhcp_tx *t = (struct dhcp_tx *)app_tx_new(io);
    if (!t)
        return;
    struct cursor c = cursor_make(data, len);
    header_read(&c, t);
    while (option_read(&c, t)) {
    }
    for (unsigned dir = 0; dir < 2; dir++) {
        if (c.bad)
            app_tx_event(&t->tx, dir, DHCP_TRUNCATED_OPTIONS);
        app_tx_progress(&t->tx, dir, SIG_PROGRESS_DONE);
    }
}

static bool dhcp_number(struct app_flow *af, struct app_tx *tx, unsigned dir, const char *name,
                        uint64_t *out)
{
    (void)af;
    (void)dir;
    const struct dhcp_tx *t = (const struct dhcp_tx *)tx;
    for (unsigned i = 0; i < TIMES; i++) {
        if (strcmp(name, time_names[i]) == 0 && t->has_times >> i & 1) {
            *out = t->times[i];
            return true;
        }
    }
    return false;
}

/* ---- EVE ----------------------------------------------------------------------------------- */

static void describe_address(const char *key, const uint8_t *a, struct json *out)
{
    char text[16];
    snprintf(text, sizeof(text), "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
    json_str(out, key, text);
}

static void describe_hardware(const struct dhcp_tx *t, struct json *out)
{
    char text[HARDWARE_MAX * 3 + 1] = "";
    for (unsigned i = 0; i < t->hardware_len; i++)
        snprintf(text + 3 * i, 4, "%02x:", t->hardware[i]);
    json_strn(out, "client_mac", text, t->hardware_len ? t->hardware_len * 3u - 1 : 0);
}

static void dhcp_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    static const char *const types[] = { "discover", "offer", "request", "decline",
                                         "ack",      "nak",   "release", "inform" };
    static const char *const times[TIMES] = { "lease_time", "renewal_time", "rebinding_time" };
    (void)af;
    const struct dhcp_tx *t = (const struct dhcp_tx *)tx;
    bool known = t->type >= 1 && t->type <= sizeof(types) / sizeof(types[0]);
    json_open(out, "dhcp");
    json_str(out, "type", t->opcode == 1 ? "request" : t->opcode == 2 ? "reply" : "unknown");
    json_u64(out, "id", t->id);
    describe_hardware(t, out);
    describe_address("assigned_ip", t->assigned, out);
    describe_address("client_ip", t->client, out);
    if (t->has_type)
        json_str(out, "dhcp_type", known ? types[t->type - 1] : "unknown");
    if (t->has_requested)
        describe_address("requested_ip", t->requested, out);
    if (t->hostname_len)
        json_strn(out, "hostname", t->hostname, t->hostname_len);
    for (unsigned i = 0; i < TIMES; i++) {
        if (t->has_times >> i & 1)
            json_u64(out, times[i], t->times[i]);
    }
    json_close(out);
}

const struct app_parser app_parser_dhcp = {
    .app = SIG_APP_DHCP,
    .datagram = dhcp_datagram,
    .number = dhcp_number,
    .describe = dhcp_describe,
    .tx_size = sizeof(struct dhcp_tx),
    .events = dhcp_events,
};
