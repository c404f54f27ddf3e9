/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT: what a message's header says. Texts have sticky buffers. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

/* Bytes of an instance of SIG_BUF_MQTT_MESSAGE, and bits of its flags (MQTT 3.1.1 2.2, 3.1.2.3). */
#define AT_TYPE          0
#define AT_FLAGS         1
#define AT_CONNECT_FLAGS 2
#define AT_SESSION       3
#define AT_VERSION       4

#define TYPE_CONNECT     1
#define TYPE_CONNACK     2

static const char *const types[] = { NULL,        "CONNECT",  "CONNACK",     "PUBLISH",
                                     "PUBACK",    "PUBREC",   "PUBREL",      "PUBCOMP",
                                     "SUBSCRIBE", "SUBACK",   "UNSUBSCRIBE", "UNSUBACK",
                                     "PINGREQ",   "PINGRESP", "DISCONNECT",  "AUTH" };

struct flag {
    const char *name;
    uint8_t bit;
};

static const struct flag header_flags[] = { { "retain", 0x01 }, { "dup", 0x08 }, { NULL, 0 } };

static const struct flag connect_flags[] = { { "username", 0x80 },      { "password", 0x40 },
                                             { "will_retain", 0x20 },   { "will", 0x04 },
                                             { "clean_session", 0x02 }, { NULL, 0 } };

/* A test of one byte of the messages; NULL when refused. */
static struct sig_op *byte_test(struct draft *d, uint32_t list, uint8_t at, uint64_t value)
{
    struct keyword_field field = { .list = list, .offset = at, .nbytes = 1 };
    return keyword_field_test(d, field, SIG_CMP_EQ, value);
}

/* Messages of requests alone: what the reference knows of the other direction is its type. */
static int open_requests(struct draft *d, uint32_t *list)
{
    return keyword_field_open(d, SIG_BUF_MQTT_REQUEST, list);
}

static int parse_type(struct draft *d, struct text value)
{
    uint32_t list;
    for (unsigned i = 1; i < sizeof(types) / sizeof(types[0]); i++) {
        if (text_is_nocase(value, types[i]))
            return keyword_field_open(d, SIG_BUF_MQTT_MESSAGE, &list) ||
                           !byte_test(d, list, AT_TYPE, i)
                       ? ABENG_EFORMAT
                       : 0;
    }
    return draft_refuse(d, "mqtt.type: '%.*s' is no type of message", (int)value.len, value.at);
}

/* "dup,!retain": each one set, or not set with `!`, in one message. */
static int parse_bits(struct draft *d, const char *keyword, const struct flag *flags, uint8_t at,
                      uint32_t list, struct text value)
{
    struct text t;
    while (text_cut(&value, ',', &t)) {
        t = text_trim(t);
        bool clear = text_skip(&t, "!");
        const struct flag *f = flags;
        while (f->name && !text_is(t, f->name))
            f++;
        if (!f->name)
            return draft_refuse(d, "%s: '%.*s' is no flag", keyword, (int)t.len, t.at);
        struct sig_op *op = byte_test(d, list, at, !clear);
        if (!op)
            return ABENG_EFORMAT;
        op->u.byte_test.bitmask = f->bit;
    }
    return 0;
}

static int parse_flags(struct draft *d, struct text value)
{
    uint32_t list;
    if (open_requests(d, &list))
        return ABENG_EFORMAT;
    return parse_bits(d, "mqtt.flags", header_flags, AT_FLAGS, list, value);
}

static int parse_connect_flags(struct draft *d, struct text value)
{
    uint32_t list;
    if (open_requests(d, &list) || !byte_test(d, list, AT_TYPE, TYPE_CONNECT))
        return ABENG_EFORMAT;
    return parse_bits(d, "mqtt.connect.flags", connect_flags, AT_CONNECT_FLAGS, list, value);
}

static int parse_qos(struct draft *d, struct text value)
{
    uint64_t qos;
    uint32_t list;
    if (text_u64(value, 2, &qos))
        return draft_refuse(d, "mqtt.qos: 0, 1 or 2");
    struct sig_op *op = open_requests(d, &list) ? NULL : byte_test(d, list, AT_FLAGS, qos);
    if (!op)
        return ABENG_EFORMAT;
    op->u.byte_test.bitmask = 0x06;
    return 0;
}

static int parse_version(struct draft *d, struct text value)
{
    struct keyword_field field = { .offset = AT_VERSION, .nbytes = 1 };
    if (open_requests(d, &field.list))
        return ABENG_EFORMAT;
    return keyword_field_compare(d, "mqtt.protocol_version", field, value, UINT8_MAX);
}

static int parse_session_present(struct draft *d, struct text value)
{
    bool yes = text_is_nocase(value, "yes") || text_is_nocase(value, "true");
    bool no = text_is_nocase(value, "no") || text_is_nocase(value, "false");
    uint32_t list;
    if (!yes && !no)
        return draft_refuse(d, "mqtt.connack.session_present: yes or no");
    return keyword_field_open(d, SIG_BUF_MQTT_CONNACK, &list) ||
                   !byte_test(d, list, AT_TYPE, TYPE_CONNACK) ||
                   !byte_test(d, list, AT_SESSION, yes)
               ? ABENG_EFORMAT
               : 0;
}

static int parse_reason(struct draft *d, struct text value)
{
    struct keyword_field field = { .nbytes = 1 };
    uint64_t code;
    if (text_u64(value, UINT8_MAX, &code))
        return draft_refuse(d, "mqtt.reason_code: a number up to 255");
    return keyword_field_open(d, SIG_BUF_MQTT_REASON_CODE, &field.list) ||
                   !keyword_field_test(d, field, SIG_CMP_EQ, code)
               ? ABENG_EFORMAT
               : 0;
}

const struct sig_keyword keywords_mqtt[] = {
    { "mqtt.type", parse_type, 0, NULL },
    { "mqtt.flags", parse_flags, 0, NULL },
    { "mqtt.qos", parse_qos, 0, NULL },
    { "mqtt.protocol_version", parse_version, 0, NULL },
    { "mqtt.reason_code", parse_reason, 0, NULL },
    { "mqtt.connect.flags", parse_connect_flags, 0, NULL },
    { "mqtt.connack.session_present", parse_session_present, 0, NULL },
    { NULL, NULL, 0, NULL },
};
