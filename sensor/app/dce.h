/* SPDX-License-Identifier: Apache-2.0 */
/**
 * DCE/RPC messages (C706 chapter 12) where they come in order: on a TCP connection of their own
 * (dcerpc.c) and inside SMB's named pipes (smb_pipe.c). What both need: the common header, the
 * interfaces that a bind asks for and its answer grants, and EVE's words.
 */
#ifndef SENSOR_APP_DCE_H
#define SENSOR_APP_DCE_H

#include "common/cursor.h"
#include "sensor/app/parser.h"

enum dce_type {
    DCE_REQUEST = 0,
    DCE_RESPONSE = 2,
    DCE_BIND = 11,
    DCE_BIND_ACK = 12,
    DCE_ALTER_CONTEXT = 14,
    DCE_ALTER_CONTEXT_RESPONSE = 15,
    DCE_TYPE_LAST = 20,   /* RTS, the highest one there is */
    DCE_TYPE_UNKNOWN = 99 /* no such message was seen */
};

#define DCE_HEADER_LEN  16
#define DCE_FIRST_FRAG  1u
#define DCE_LAST_FRAG   2u
#define DCE_FLAG_LITTLE 0x10u
/** Bytes of a request before its stub data: size, context, operation. */
#define DCE_REQUEST_LEN  8
#define DCE_RESPONSE_LEN 8
/** What dcerpc.iface looks at: UUID as its text orders it, version (big-endian), 1: first frag. */
#define DCE_KEY_LEN 19
/** Interfaces kept for a connection; those of later binds are left out. */
#define DCE_IFACES_MAX 255u
/** Stub data kept for one direction of a call. */
#define DCE_STUB_MAX (1u << 19)

struct dce_header {
    uint8_t type, flags;
    bool little; /* byte order of what follows */
    uint16_t frag_len, auth_len;
    uint32_t call_id;
};

struct dce_iface {
    uint8_t key[DCE_KEY_LEN];
    bool acked;
    uint16_t context, version_minor, result, reason;
};

/** Interfaces of a connection, in the order of their binds. */
struct dce_ifaces {
    struct dce_iface *list;
    uint32_t count, cap;
    uint32_t asked; /* where the newest bind's begin */
};

/** Stub data of one direction. */
struct dce_stub {
    struct app_bytes data;
    uint32_t size; /* bytes there were, kept or not */
    uint16_t frags;
};

/** Two and four bytes in the order of the header. */
static inline uint16_t dce_u16(struct cursor *c, bool little)
{
    return little ? cursor_le16(c) : cursor_be16(c);
}

static inline uint32_t dce_u32(struct cursor *c, bool little)
{
    return little ? cursor_le32(c) : cursor_be32(c);
}

/**
 * Read the common header (C706 12.6.3.1); false when there are not 16 bytes or it is of no version
 * 5.0 or 5.1. Its fragment length is what the sender says, and may be less than the header's.
 */
bool dce_header_read(struct cursor *c, struct dce_header *out);

/**
 * Read a bind's (or alter_context's) body and keep the interfaces that it asks for; false when it
 * is malformed. With `replace` the earlier ones are forgotten. Each item is taken to have one
 * transfer syntax, as Suricata does.
 */
bool dce_bind_read(struct app_ctx *ctx, struct dce_ifaces *ifaces, const struct dce_header *h,
                   struct cursor c, bool replace);

/** Read the answer to it: which interfaces are granted. False when it is malformed. */
bool dce_bind_ack_read(struct dce_ifaces *ifaces, struct cursor c);

/**
 * Instance `index` of the granted interfaces, as dcerpc.iface looks at them; `context` limits them
 * to one presentation context (-1: any).
 */
bool dce_iface_view(const struct dce_ifaces *ifaces, int context, uint32_t index,
                    struct app_view *out);

/** Append stub data; what is beyond DCE_STUB_MAX is left out and counted. */
void dce_stub_add(struct app_ctx *ctx, struct dce_stub *stub, const uint8_t *data, uint32_t len);

/** The stub data as a buffer; false when there is none. */
bool dce_stub_view(const struct dce_stub *stub, struct app_view *out);

/** EVE's name of a message type. Static. */
const char *dce_type_name(uint8_t type);

/** Write EVE's "interfaces" array of a bind; nothing without any. */
void dce_ifaces_describe(const struct dce_ifaces *ifaces, bool reasons, struct json *out);

/** Free the interfaces. */
void dce_ifaces_free(struct app_ctx *ctx, struct dce_ifaces *ifaces);

#endif
