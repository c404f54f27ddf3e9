/* SPDX-License-Identifier: Apache-2.0 */
/* What DCE/RPC over TCP and over named pipes share. */
#include "config.h"
#include "sensor/app/dce.h"

#include <stdio.h>

#include "common/json.h"

#define UUID_LEN    16
#define UUID_TEXT   37
#define IFACES_STEP 8u

bool dce_header_read(struct cursor *c, struct dce_header *out)
{
    uint8_t major = cursor_u8(c), minor = cursor_u8(c);
    out->type = cursor_u8(c);
    out->flags = cursor_u8(c);
    out->little = cursor_u8(c) & DCE_FLAG_LITTLE;
    cursor_skip(c, 3); /* the rest of the data representation */
    out->frag_len = dce_u16(c, out->little);
    out->auth_len = dce_u16(c, out->little);
    out->call_id = dce_u32(c, out->little);
    return !c->bad && major == 5 && minor <= 1;
}

/* ---- interfaces ---------------------------------------------------------------------------- */

/** A UUID's first three fields are numbers; text has them big-endian. */
static void uuid_order(uint8_t out[UUID_LEN], const uint8_t *wire, bool little)
{
    static const uint8_t places[UUID_LEN] = {
        3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
    };
    for (unsigned i = 0; i < UUID_LEN; i++)
        out[i] = wire[little ? places[i] : i];
}

static struct dce_iface *iface_add(struct app_ctx *ctx, struct dce_ifaces *ifaces)
{
    size_t size = sizeof(*ifaces->list);
    if (ifaces->count == DCE_IFACES_MAX) {
        app_count(ctx, APP_COUNT_DCE_LIMIT);
        return NULL;
    }
    if (ifaces->count == ifaces->cap) {
        uint32_t cap = ifaces->cap ? ifaces->cap * 2 : IFACES_STEP;
        void *grown =
            ifaces->list ? slab_try_realloc(ctx->slab, ifaces->list, ifaces->cap * size, cap * size)
                         : slab_try_alloc(ctx->slab, cap * size);
        if (!grown) {
            app_count(ctx, APP_COUNT_NO_MEMORY);
            return NULL;
        }
        ifaces->list = grown;
        ifaces->cap = cap;
    }
    return &ifaces->list[ifaces->count++];
}

/** One item of a bind: context, how many transfer syntaxes, the interface, one syntax. */
static bool item_read(struct app_ctx *ctx, struct dce_ifaces *ifaces, const struct dce_header *h,
                      struct cursor *c)
{
    uint16_t context = dce_u16(c, h->little);
    cursor_skip(c, 2);
    const uint8_t *uuid = cursor_take(c, UUID_LEN);
    uint16_t version = dce_u16(c, h->little), minor = dce_u16(c, h->little);
    cursor_skip(c, UUID_LEN + 4);
    if (c->bad)
        return false;
    struct dce_iface *iface = iface_add(ctx, ifaces);
    if (!iface)
        return true;
    *iface = (struct dce_iface){ .context = context, .version_minor = minor };
    uuid_order(iface->key, uuid, h->little);
    iface->key[UUID_LEN] = (uint8_t)(version >> 8);
    iface->key[UUID_LEN + 1] = (uint8_t)version;
    iface->key[UUID_LEN + 2] = h->flags & DCE_FIRST_FRAG;
    return true;
}

bool dce_bind_read(struct app_ctx *ctx, struct dce_ifaces *ifaces, const struct dce_header *h,
                   struct cursor c, bool replace)
{
    cursor_skip(&c, 8); /* fragment sizes, association group */
    unsigned items = cursor_u8(&c);
    cursor_skip(&c, 3);
    if (c.bad)
        return false;
    if (replace)
        ifaces->count = 0;
    ifaces->asked = ifaces->count;
    for (unsigned i = 0; i < items; i++)
        if (!item_read(ctx, ifaces, h, &c))
            return false;
    return true;
}

bool dce_bind_ack_read(struct dce_ifaces *ifaces, struct cursor c)
{
    cursor_skip(&c, 8);
    uint16_t address = cursor_le16(&c);
    cursor_skip(&c, address);
    cursor_skip(&c, (4 - (2 + address) % 4) % 4);
    unsigned items = cursor_u8(&c);
    cursor_skip(&c, 3);
    if (c.bad)
        return false;
    for (unsigned i = 0; i < items; i++) {
        uint16_t result = cursor_le16(&c), reason = cursor_le16(&c);
        cursor_skip(&c, UUID_LEN + 4);
        if (c.bad)
            return false;
        uint32_t at = ifaces->asked + i;
        if (at >= ifaces->count)
            return true;
        ifaces->list[at].acked = true;
        ifaces->list[at].result = result;
        ifaces->list[at].reason = reason;
    }
    return true;
}

bool dce_iface_view(const struct dce_ifaces *ifaces, int context, uint32_t index,
                    struct app_view *out)
{
    for (uint32_t i = 0; i < ifaces->count; i++) {
        const struct dce_iface *iface = &ifaces->list[i];
        bool granted = iface->acked && iface->result == 0;
        if (!granted || (context >= 0 && iface->context != context))
            continue;
        if (index-- == 0)
            return app_view_set(out, iface->key, DCE_KEY_LEN);
    }
    return false;
}

void dce_ifaces_free(struct app_ctx *ctx, struct dce_ifaces *ifaces)
{
    slab_free(ctx->slab, ifaces->list, ifaces->cap * sizeof(*ifaces->list));
    *ifaces = (struct dce_ifaces){ 0 };
}

/* ---- stub data ----------------------------------------------------------------------------- */

void dce_stub_add(struct app_ctx *ctx, struct dce_stub *stub, const uint8_t *data, uint32_t len)
{
    uint32_t room = DCE_STUB_MAX - stub->data.len;
    stub->size = len < UINT32_MAX - stub->size ? stub->size + len : UINT32_MAX;
    if (len > room) {
        app_count(ctx, APP_COUNT_DCE_LIMIT);
        len = room;
    }
    if (len > 0 && !app_bytes_add(ctx->slab, &stub->data, data, len))
        app_count(ctx, APP_COUNT_NO_MEMORY);
}

bool dce_stub_view(const struct dce_stub *stub, struct app_view *out)
{
    return stub->data.len > 0 && app_view_set(out, stub->data.data, stub->data.len);
}

/* ---- EVE ----------------------------------------------------------------------------------- */

const char *dce_type_name(uint8_t type)
{
    static const char *const names[] = {
        "REQUEST",   "PING",     "RESPONSE",      "FAULT",
        "WORKING",   "NOCALL",   "REJECT",        "ACK",
        "CL_CANCEL", "FACK",     "CANCEL_ACK",    "BIND",
        "BINDACK",   "BINDNAK",  "ALTER_CONTEXT", "ALTER_CONTEXT_RESP",
        "AUTH3",     "SHUTDOWN", "CO_CANCEL",     "ORPHANED",
        "RTS",
    };
    return type <= DCE_TYPE_LAST ? names[type] : "UNKNOWN";
}

static void uuid_text(const uint8_t *u, char out[UUID_TEXT])
{
    snprintf(out, UUID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13],
             u[14], u[15]);
}

void dce_ifaces_describe(const struct dce_ifaces *ifaces, bool reasons, struct json *out)
{
    if (ifaces->count == 0)
        return;
    json_open_array(out, "interfaces");
    for (uint32_t i = 0; i < ifaces->count; i++) {
        const struct dce_iface *iface = &ifaces->list[i];
        char uuid[UUID_TEXT], version[16];
        uuid_text(iface->key, uuid);
        snprintf(version, sizeof(version), "%u.%u",
                 (unsigned)iface->key[UUID_LEN] << 8 | iface->key[UUID_LEN + 1],
                 iface->version_minor);
        json_open(out, NULL);
        json_str(out, "uuid", uuid);
        json_str(out, "version", version);
        if (iface->acked)
            json_u64(out, "ack_result", iface->result);
        if (iface->acked && reasons)
            json_u64(out, "ack_reason", iface->reason);
        json_close(out);
    }
    json_close_array(out);
}
