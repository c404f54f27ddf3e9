/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MQTT 3.1, 3.1.1 and 5 over TCP. As in Suricata a transaction is a request with the messages that
 * answer it, found by their packet identifier, and belongs to the direction of its first message;
 * rules see it when it is complete.
 */
#include "config.h"
#include "sensor/app/frames.h"
#include "sensor/app/parsers.h"

#include "common/cursor.h"
#include "common/json.h"

/** Longest message that is read; of a longer one only type and flags are known. */
#define MESSAGE_MAX 65536u
/** Messages of a transaction, reason codes, topics of a (un)subscription that rules see. */
#define MESSAGES_MAX 64u
#define REASONS_MAX  256u
#define TOPICS_MAX   100u

enum mqtt_type {
    MQTT_UNASSIGNED,
    MQTT_CONNECT,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH,
};

enum mqtt_event {
    MQTT_MISSING_CONNECT,
    MQTT_MISSING_PUBLISH,
    MQTT_MISSING_SUBSCRIBE,
    MQTT_MISSING_UNSUBSCRIBE,
    MQTT_DOUBLE_CONNECT,
    MQTT_UNINTRODUCED,
    MQTT_INVALID_QOS,
    MQTT_MISSING_ID,
    MQTT_UNASSIGNED_TYPE,
    MQTT_TOO_MANY,
    MQTT_MALFORMED,
};

static const char *const mqtt_events[] = {
    [MQTT_MISSING_CONNECT] = "missing_connect",
    [MQTT_MISSING_PUBLISH] = "missing_publish",
    [MQTT_MISSING_SUBSCRIBE] = "missing_subscribe",
    [MQTT_MISSING_UNSUBSCRIBE] = "missing_unsubscribe",
    [MQTT_DOUBLE_CONNECT] = "double_connect",
    [MQTT_UNINTRODUCED] = "unintroduced_message",
    [MQTT_INVALID_QOS] = "invalid_qos_level",
    [MQTT_MISSING_ID] = "missing_msg_id",
    [MQTT_UNASSIGNED_TYPE] = "unassigned_msg_type",
    [MQTT_TOO_MANY] = "too_many_transactions",
    [MQTT_MALFORMED] = "malformed_traffic",
    NULL,
};

/* Flags of CONNECT (MQTT 3.1.1 3.1.2.3). */
#define CONNECT_USERNAME 0x80
#define CONNECT_PASSWORD 0x40
#define CONNECT_WILL     0x04

/** What a packet identifier can't be. */
#define ID_NONE    UINT32_MAX
#define ID_CONNECT (UINT32_MAX - 1)

/** Texts of a transaction. */
enum mqtt_text {
    TEXT_CLIENT_ID,
    TEXT_USERNAME,
    TEXT_PASSWORD,
    TEXT_WILL_TOPIC,
    TEXT_WILL_MESSAGE,
    TEXT_TOPIC,
    TEXT_MESSAGE,
    TEXT_COUNT
};

/** One message as hidden buffers hand it out: see SIG_BUF_MQTT_MESSAGE. */
struct message {
    uint8_t type, flags, connect_flags, session_present, version;
};

struct mqtt_tx {
    struct app_tx tx;
    uint32_t id; /* packet identifier that an answer will name */
    uint8_t dir;
    bool broken;                /* its message could not be read: rules see nothing of it */
    struct app_bytes messages;  /* struct message */
    struct app_bytes reasons;   /* one byte each */
    struct app_bytes topics[2]; /* of SUBSCRIBE and UNSUBSCRIBE: be16 length, text */
    struct app_bytes text[TEXT_COUNT];
};

struct mqtt_state {
    uint8_t version;
    bool connected;
    uint32_t skip[2]; /* rest of a message that is too long */
};

/** A message being read. */
struct reading {
    struct message message;
    uint32_t id;
    struct mqtt_tx *made, *joined; /* the transaction it made, or was joined to */
    struct cursor c;               /* behind the fixed header */
};

/* ---- transactions -------------------------------------------------------------------------- */

static void tx_complete(struct mqtt_tx *t)
{
    t->id = ID_NONE;
    app_tx_progress(&t->tx, t->dir, SIG_PROGRESS_DONE);
}

static void message_add(struct app_io *io, struct mqtt_tx *t, struct reading *r)
{
    if (t->messages.len < MESSAGES_MAX * sizeof(r->message) &&
        !app_bytes_add(io->ctx->slab, &t->messages, &r->message, sizeof(r->message)))
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
}

static struct mqtt_tx *tx_new(struct app_io *io, struct reading *r)
{
    struct mqtt_tx *t = (struct mqtt_tx *)app_tx_new(io);
    if (!t) { /* the oldest is given up, so that those that follow can be */
        struct mqtt_tx *oldest = (struct mqtt_tx *)io->af->first;
        if (oldest) {
            app_tx_event(&oldest->tx, oldest->dir, MQTT_TOO_MANY);
            tx_complete(oldest);
        }
        return NULL;
    }
    t->id = ID_NONE;
    t->dir = (uint8_t)io->dir;
    app_tx_one_way(&t->tx, io->dir);
    message_add(io, t, r);
    r->made = t;
    return t;
}

/** The newest transaction that waits for `id`. */
static struct mqtt_tx *tx_find(struct app_io *io, uint32_t id)
{
    struct mqtt_tx *found = NULL;
    for (struct app_tx *tx = io->af->first; tx; tx = tx->next)
        if (((struct mqtt_tx *)tx)->id == id)
            found = (struct mqtt_tx *)tx;
    return found;
}

/* ---- reading ------------------------------------------------------------------------------- */

/** A variable byte integer (MQTT 5 1.5.5). */
static uint32_t varint_read(struct cursor *c)
{
    uint32_t v = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t b = cursor_u8(c);
        v |= (uint32_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return v;
    }
    c->bad = true;
    return 0;
}

/** Pass over the value of property `id` (MQTT 5 2.2.2.2); false when there is no such one. */
static bool property_skip(struct cursor *c, uint32_t id)
{
    /* by identifier: digits are bytes of a number, v a variable byte integer, s a text, p two */
    static const char kinds[] = " 14s    ss v     4s2 ss141s s  s 22211p4111";
    char kind = id < sizeof(kinds) - 1 ? kinds[id] : ' ';
    unsigned texts = kind == 'p' ? 2 : kind == 's';
    for (unsigned i = 0; i < texts; i++) {
        uint16_t n = cursor_be16(c);
        cursor_skip(c, n);
    }
    if (kind == 'v')
        (void)varint_read(c);
    else if (kind >= '1' && kind <= '4')
        cursor_skip(c, (size_t)(kind - '0'));
    return kind != ' ' && !c->bad;
}

/** Properties of version 5: all of them known and whole, or the message is malformed. */
static void properties_skip(struct reading *r)
{
    if (r->message.version < 5)
        return;
    uint32_t len = varint_read(&r->c);
    struct cursor all = cursor_sub(&r->c, len);
    while (cursor_left(&all) > 0)
        if (!property_skip(&all, varint_read(&all)))
            r->c.bad = true;
    r->c.bad |= all.bad;
}

/** A string or binary data behind two bytes of length, kept as `text` of the transaction. */
static void text_read(struct app_io *io, struct reading *r, struct mqtt_tx *t, enum mqtt_text which)
{
    uint16_t n = cursor_be16(&r->c);
    const uint8_t *data = cursor_take(&r->c, n);
    if (data && t && !app_bytes_add(io->ctx->slab, &t->text[which], data, n))
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
}

static void reason_add(struct app_io *io, struct mqtt_tx *t, uint8_t reason)
{
    if (t && t->reasons.len < REASONS_MAX)
        (void)app_bytes_add(io->ctx->slab, &t->reasons, &reason, 1);
}

/** CONNECT's variable header: all that must be known before its transaction is made. */
static void connect_begin(struct mqtt_state *s, struct reading *r)
{
    uint16_t n = cursor_be16(&r->c);
    cursor_skip(&r->c, n);
    r->message.version = cursor_u8(&r->c);
    r->message.connect_flags = cursor_u8(&r->c);
    cursor_skip(&r->c, 2);
    s->version = r->message.version;
}

static void connect_rest(struct app_io *io, struct reading *r, struct mqtt_tx *t)
{
    uint8_t flags = r->message.connect_flags;
    properties_skip(r);
    text_read(io, r, t, TEXT_CLIENT_ID);
    if (flags & CONNECT_WILL) {
        properties_skip(r);
        text_read(io, r, t, TEXT_WILL_TOPIC);
        text_read(io, r, t, TEXT_WILL_MESSAGE);
    }
    if (flags & CONNECT_USERNAME)
        text_read(io, r, t, TEXT_USERNAME);
    if (flags & CONNECT_PASSWORD)
        text_read(io, r, t, TEXT_PASSWORD);
}

static void publish_rest(struct app_io *io, struct reading *r, struct mqtt_tx *t)
{
    text_read(io, r, t, TEXT_TOPIC);
    if (r->message.flags & 0x06)
        r->id = cursor_be16(&r->c);
    properties_skip(r);
    uint32_t n = (uint32_t)cursor_left(&r->c);
    if (t && n > 0 && !app_bytes_add(io->ctx->slab, &t->text[TEXT_MESSAGE], r->c.at, n))
        app_count(io->ctx, APP_COUNT_NO_MEMORY);
}

static void topics_rest(struct app_io *io, struct reading *r, struct mqtt_tx *t)
{
    bool subscribe = r->message.type == MQTT_SUBSCRIBE;
    unsigned count = 0;
    r->id = cursor_be16(&r->c);
    properties_skip(r);
    while (cursor_left(&r->c) > 0) {
        const uint8_t *at = r->c.at;
        uint16_t n = cursor_be16(&r->c);
        cursor_skip(&r->c, n);
        cursor_skip(&r->c, subscribe ? 1 : 0);
        if (!r->c.bad && t && count++ < TOPICS_MAX &&
            !app_bytes_add(io->ctx->slab, &t->topics[!subscribe], at, 2u + n))
            app_count(io->ctx, APP_COUNT_NO_MEMORY);
    }
}

/** The codes of an answer, behind its identifier. */
static void reasons_rest(struct app_io *io, struct reading *r, struct mqtt_tx *t)
{
    uint8_t type = r->message.type;
    bool list = type == MQTT_SUBACK || type == MQTT_UNSUBACK;
    if (type == MQTT_CONNACK) {
        reason_add(io, t, cursor_u8(&r->c));
        properties_skip(r);
        return;
    }
    if (list)
        properties_skip(r);
    if (type != MQTT_SUBACK && r->message.version < 5)
        return;
    /* Nothing behind the identifier means success (MQTT 5 3.4.2.1). Of a DISCONNECT or AUTH the
     * reference reads no code either when nothing follows it. */
    bool lone = type == MQTT_DISCONNECT || type == MQTT_AUTH;
    if (!list && cursor_left(&r->c) < (lone ? 2 : 1)) {
        reason_add(io, t, 0);
        return;
    }
    while (cursor_left(&r->c) > 0) {
        reason_add(io, t, cursor_u8(&r->c));
        if (!list && cursor_left(&r->c) > 0)
            properties_skip(r);
        if (!list)
            break;
    }
}

/* ---- messages ------------------------------------------------------------------------------ */

static void unintroduced(struct app_io *io, const struct mqtt_state *s, struct mqtt_tx *t)
{
    if (!s->connected && t)
        app_tx_event(&t->tx, io->dir, MQTT_UNINTRODUCED);
}

/** A message that answers another: joined to it, or a transaction of its own, with an event. */
static struct mqtt_tx *answer(struct app_io *io, struct mqtt_state *s, struct reading *r,
                              enum mqtt_event missing, bool last)
{
    struct mqtt_tx *t = tx_find(io, r->id);
    bool found = t != NULL;
    if (found) {
        message_add(io, t, r);
        r->joined = t;
    } else {
        t = tx_new(io, r);
        app_tx_event(t ? &t->tx : NULL, io->dir, missing);
        if (r->message.type != MQTT_CONNACK)
            unintroduced(io, s, t);
    }
    if (found && r->message.type == MQTT_CONNACK)
        s->connected = true;
    if (t && (last || !found))
        tx_complete(t);
    return t;
}

static void publish_take(struct app_io *io, struct mqtt_state *s, struct reading *r)
{
    unsigned qos = r->message.flags >> 1 & 3;
    struct mqtt_tx *t = tx_new(io, r);
    publish_rest(io, r, t);
    unintroduced(io, s, t);
    if (!t)
        return;
    if (qos == 3)
        app_tx_event(&t->tx, io->dir, MQTT_INVALID_QOS);
    else if (qos > 0)
        t->id = r->id;
    if (qos == 0)
        tx_complete(t);
}

static void request_take(struct app_io *io, struct mqtt_state *s, struct reading *r)
{
    bool connect = r->message.type == MQTT_CONNECT;
    if (connect)
        connect_begin(s, r);
    struct mqtt_tx *t = tx_new(io, r);
    if (connect)
        connect_rest(io, r, t);
    else
        topics_rest(io, r, t);
    if (!t)
        return;
    t->id = connect ? ID_CONNECT : r->id;
    if (connect && s->connected)
        app_tx_event(&t->tx, io->dir, MQTT_DOUBLE_CONNECT);
    if (!connect)
        unintroduced(io, s, t);
}

static void answer_take(struct app_io *io, struct mqtt_state *s, struct reading *r)
{
    static const uint8_t missing[] = {
        [MQTT_CONNACK] = MQTT_MISSING_CONNECT,     [MQTT_PUBACK] = MQTT_MISSING_PUBLISH,
        [MQTT_PUBREC] = MQTT_MISSING_PUBLISH,      [MQTT_PUBREL] = MQTT_MISSING_PUBLISH,
        [MQTT_PUBCOMP] = MQTT_MISSING_PUBLISH,     [MQTT_SUBACK] = MQTT_MISSING_SUBSCRIBE,
        [MQTT_UNSUBACK] = MQTT_MISSING_UNSUBSCRIBE
    };
    uint8_t type = r->message.type;
    bool last = type != MQTT_PUBREC && type != MQTT_PUBREL;
    if (type == MQTT_CONNACK) {
        r->message.session_present = cursor_u8(&r->c) & 1;
        r->id = ID_CONNECT;
    } else {
        r->id = cursor_be16(&r->c);
    }
    reasons_rest(io, r, answer(io, s, r, (enum mqtt_event)missing[type], last));
}

static void lone_take(struct app_io *io, struct mqtt_state *s, struct reading *r)
{
    struct mqtt_tx *t = tx_new(io, r);
    if (r->message.type == MQTT_DISCONNECT || r->message.type == MQTT_AUTH)
        reasons_rest(io, r, t);
    if (!t)
        return;
    if (r->message.type == MQTT_UNASSIGNED)
        app_tx_event(&t->tx, io->dir, MQTT_UNASSIGNED_TYPE);
    else
        unintroduced(io, s, t);
    tx_complete(t);
}

/** One message; false when it can't be read. */
static bool message_take(struct app_io *io, struct reading *r)
{
    struct mqtt_state *s = io->af->state;
    r->message.version = s->version;
    switch (r->message.type) {
    case MQTT_CONNECT:
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        request_take(io, s, r);
        break;
    case MQTT_PUBLISH:
        publish_take(io, s, r);
        break;
    case MQTT_UNASSIGNED:
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
    case MQTT_DISCONNECT:
    case MQTT_AUTH:
        lone_take(io, s, r);
        break;
    default:
        answer_take(io, s, r);
        break;
    }
    return !r->c.bad;
}

/** What can't be read ends the parser, with a transaction that says so. */
static uint32_t malformed(struct app_io *io, struct reading *r)
{
    struct reading nothing = { .id = ID_NONE };
    if (r->made) {
        r->made->broken = true;
        r->made->tx.events[io->dir] = 0;
        tx_complete(r->made);
    }
    if (r->joined && r->joined->messages.len >= sizeof(r->message))
        r->joined->messages.len -= (uint32_t)sizeof(r->message);
    struct mqtt_tx *t = tx_new(io, &nothing);
    if (t) {
        t->broken = true;
        app_tx_event(&t->tx, io->dir, MQTT_MALFORMED);
        tx_complete(t);
    }
    return APP_GIVE_UP;
}

/** A message that is too long: known by its type alone. */
static uint32_t message_skip(struct app_io *io, struct reading *r, uint32_t head, uint32_t size,
                             uint32_t have)
{
    struct mqtt_state *s = io->af->state;
    struct mqtt_tx *t = tx_new(io, r);
    app_count(io->ctx, APP_COUNT_CARRY_LIMIT);
    if (t)
        tx_complete(t);
    uint32_t rest = size < have - head ? size : have - head;
    s->skip[io->dir] = size - rest;
    return head + rest;
}

/** Take one message; 0: not all there. */
static uint32_t message_next(struct app_io *io, const uint8_t *data, uint32_t len)
{
    struct cursor c = cursor_make(data, len);
    uint8_t first = cursor_u8(&c);
    struct reading r = { .message = { .type = first >> 4, .flags = first & 15 }, .id = ID_NONE };
    uint32_t size = varint_read(&c);
    if (c.bad)
        return len >= 5 ? malformed(io, &r) : 0;
    uint32_t head = (uint32_t)(c.at - data);
    if (size > MESSAGE_MAX)
        return message_skip(io, &r, head, size, len);
    if (cursor_left(&c) < size) {
        io->want = head + size;
        return 0;
    }
    /* The reference takes header and data from the front of what it was given, and the header for
     * two bytes. */
    app_frame_open(io, SIG_FRAME_MQTT_PDU, data, head + size);
    app_frame_open(io, SIG_FRAME_MQTT_HEADER, io->data, 2);
    app_frame_open(io, SIG_FRAME_MQTT_DATA, io->data + 2, size);
    r.c = cursor_make(c.at, size);
    return message_take(io, &r) ? head + size : malformed(io, &r);
}

static uint32_t mqtt_stream(struct app_io *io, const uint8_t *data, uint32_t len, uint32_t old)
{
    struct mqtt_state *s = io->af->state;
    uint32_t *skip = &s->skip[io->dir], used = 0;
    (void)old;
    while (used < len) {
        uint32_t n = *skip < len - used ? *skip : len - used;
        if (n > 0)
            *skip -= n;
        else
            n = message_next(io, data + used, len - used);
        if (n == APP_GIVE_UP)
            return n;
        if (n == 0)
            break;
        used += n;
    }
    return used;
}

/* ---- what rules and records see ------------------------------------------------------------- */

static bool topic_view(const struct app_bytes *topics, uint32_t index, struct app_view *out)
{
    struct cursor c = cursor_make(topics->data, topics->len);
    for (;;) {
        uint16_t n = cursor_be16(&c);
        const uint8_t *text = cursor_take(&c, n);
        if (!text)
            return false;
        if (index-- == 0)
            return app_view_set(out, text, n);
    }
}

static bool mqtt_buffer(struct app_ctx *ctx, struct app_flow *af, struct app_tx *tx, unsigned dir,
                        enum sig_buffer buffer, uint32_t index, struct app_view *out)
{
    static const struct {
        enum sig_buffer buffer;
        enum mqtt_text text;
    } texts[] = {
        { SIG_BUF_MQTT_CONNECT_CLIENTID, TEXT_CLIENT_ID },
        { SIG_BUF_MQTT_CONNECT_USERNAME, TEXT_USERNAME },
        { SIG_BUF_MQTT_CONNECT_PASSWORD, TEXT_PASSWORD },
        { SIG_BUF_MQTT_CONNECT_WILLTOPIC, TEXT_WILL_TOPIC },
        { SIG_BUF_MQTT_CONNECT_WILLMESSAGE, TEXT_WILL_MESSAGE },
        { SIG_BUF_MQTT_PUBLISH_TOPIC, TEXT_TOPIC },
        { SIG_BUF_MQTT_PUBLISH_MESSAGE, TEXT_MESSAGE },
    };
    (void)ctx;
    (void)af;
    const struct mqtt_tx *t = (const struct mqtt_tx *)tx;
    const uint32_t size = sizeof(struct message);
    if (dir != t->dir || t->broken)
        return false;
    if (buffer == SIG_BUF_MQTT_MESSAGE || buffer == SIG_BUF_MQTT_REQUEST ||
        buffer == SIG_BUF_MQTT_CONNACK)
        return index < t->messages.len / size &&
               app_view_set(out, t->messages.data + index * size, size);
    if (buffer == SIG_BUF_MQTT_REASON_CODE)
        return index < t->reasons.len && app_view_set(out, t->reasons.data + index, 1);
    if (buffer == SIG_BUF_MQTT_SUBSCRIBE_TOPIC || buffer == SIG_BUF_MQTT_UNSUBSCRIBE_TOPIC)
        return topic_view(&t->topics[buffer == SIG_BUF_MQTT_UNSUBSCRIBE_TOPIC], index, out);
    for (unsigned i = 0; index == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].buffer == buffer)
            return t->text[texts[i].text].len > 0 &&
                   app_view_set(out, t->text[texts[i].text].data, t->text[texts[i].text].len);
    return false;
}

static void mqtt_clear(struct app_ctx *ctx, struct app_tx *tx)
{
    struct mqtt_tx *t = (struct mqtt_tx *)tx;
    app_bytes_free(ctx->slab, &t->messages);
    app_bytes_free(ctx->slab, &t->reasons);
    app_bytes_free(ctx->slab, &t->topics[0]);
    app_bytes_free(ctx->slab, &t->topics[1]);
    for (unsigned i = 0; i < TEXT_COUNT; i++)
        app_bytes_free(ctx->slab, &t->text[i]);
}

static void describe_text(const struct mqtt_tx *t, enum mqtt_text which, const char *key,
                          struct json *out)
{
    if (t->text[which].len > 0)
        json_strn(out, key, t->text[which].data, t->text[which].len);
}

static void describe_connect(const struct mqtt_tx *t, const struct message *m, struct json *out)
{
    json_u64(out, "protocol_version", m->version);
    describe_text(t, TEXT_CLIENT_ID, "client_id", out);
    json_open(out, "flags");
    json_bool(out, "username", m->connect_flags & CONNECT_USERNAME);
    json_bool(out, "password", m->connect_flags & CONNECT_PASSWORD);
    json_bool(out, "will_retain", m->connect_flags & 0x20);
    json_bool(out, "will", m->connect_flags & CONNECT_WILL);
    json_bool(out, "clean_session", m->connect_flags & 0x02);
    json_close(out);
    describe_text(t, TEXT_USERNAME, "username", out);
    if (m->connect_flags & CONNECT_WILL) {
        json_open(out, "will");
        describe_text(t, TEXT_WILL_TOPIC, "topic", out);
        describe_text(t, TEXT_WILL_MESSAGE, "message", out);
        json_close(out);
    }
}

static void describe_message(const struct mqtt_tx *t, const struct message *m, struct json *out)
{
    static const char *const names[] = { NULL,        "connect",  "connack",     "publish",
                                         "puback",    "pubrec",   "pubrel",      "pubcomp",
                                         "subscribe", "suback",   "unsubscribe", "unsuback",
                                         "pingreq",   "pingresp", "disconnect",  "auth" };
    if (!names[m->type & 15])
        return;
    json_open(out, names[m->type & 15]);
    json_u64(out, "qos", m->flags >> 1 & 3);
    json_bool(out, "retain", m->flags & 1);
    json_bool(out, "dup", m->flags & 8);
    if (m->type == MQTT_CONNECT)
        describe_connect(t, m, out);
    if (m->type == MQTT_PUBLISH)
        describe_text(t, TEXT_TOPIC, "topic", out);
    json_close(out);
}

static void mqtt_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    (void)af;
    const struct mqtt_tx *t = (const struct mqtt_tx *)tx;
    const struct message *all = (const void *)t->messages.data;
    uint32_t count = t->messages.len / (uint32_t)sizeof(*all), seen = 0;
    json_open(out, "mqtt");
    for (uint32_t i = 0; i < count; i++) {
        if (!(seen >> all[i].type & 1))
            describe_message(t, &all[i], out);
        seen |= 1u << all[i].type;
    }
    json_close(out);
}

const struct app_parser app_parser_mqtt = {
    .app = SIG_APP_MQTT,
    .state_size = sizeof(struct mqtt_state),
    .stream = mqtt_stream,
    .buffer = mqtt_buffer,
    .tx_clear = mqtt_clear,
    .describe = mqtt_describe,
    .stay_open = true,
    .tx_size = sizeof(struct mqtt_tx),
    .events = mqtt_events,
};
