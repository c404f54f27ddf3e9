/* SPDX-License-Identifier: Apache-2.0 */
/* EVE's "smb" object. */
#include "config.h"
#include "sensor/app/smb_ops.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"

#define OPTION_DIRECTORY       0x1u
#define OPTION_DELETE_ON_CLOSE 0x1000u
#define HANDLE_TEXT            37

/** A number and its name; tables end with a NULL name. */
struct named {
    uint32_t value;
    const char *name;
};

static const struct named commands_v1[] = {
    { SMB1_CLOSE, "SMB1_COMMAND_CLOSE" },
    { SMB1_RENAME, "SMB1_COMMAND_RENAME" },
    { SMB1_WRITE, "SMB1_COMMAND_WRITE" },
    { SMB1_LOCKING_ANDX, "SMB1_COMMAND_LOCKING_ANDX" },
    { SMB1_TRANS, "SMB1_COMMAND_TRANS" },
    { 0x2b, "SMB1_COMMAND_ECHO" },
    { SMB1_WRITE_AND_CLOSE, "SMB1_COMMAND_WRITE_AND_CLOSE" },
    { SMB1_OPEN_ANDX, "SMB1_COMMAND_OPEN_ANDX" },
    { SMB1_READ_ANDX, "SMB1_COMMAND_READ_ANDX" },
    { SMB1_WRITE_ANDX, "SMB1_COMMAND_WRITE_ANDX" },
    { SMB1_TRANS2, "SMB1_COMMAND_TRANS2" },
    { SMB1_TRANS2_SECONDARY, "SMB1_COMMAND_TRANS2_SECONDARY" },
    { SMB1_TREE_DISCONNECT, "SMB1_COMMAND_TREE_DISCONNECT" },
    { SMB1_NEGOTIATE, "SMB1_COMMAND_NEGOTIATE_PROTOCOL" },
    { SMB1_SESSION_SETUP_ANDX, "SMB1_COMMAND_SESSION_SETUP_ANDX" },
    { SMB1_LOGOFF_ANDX, "SMB1_COMMAND_LOGOFF_ANDX" },
    { SMB1_TREE_CONNECT_ANDX, "SMB1_COMMAND_TREE_CONNECT_ANDX" },
    { SMB1_NT_CREATE_ANDX, "SMB1_COMMAND_NT_CREATE_ANDX" },
    { SMB1_NT_CANCEL, "SMB1_COMMAND_NT_CANCEL" },
    { 0, NULL },
};

static const struct named commands_v2[] = {
    { SMB2_NEGOTIATE, "SMB2_COMMAND_NEGOTIATE_PROTOCOL" },
    { SMB2_SESSION_SETUP, "SMB2_COMMAND_SESSION_SETUP" },
    { 2, "SMB2_COMMAND_SESSION_LOGOFF" },
    { SMB2_TREE_CONNECT, "SMB2_COMMAND_TREE_CONNECT" },
    { SMB2_TREE_DISCONNECT, "SMB2_COMMAND_TREE_DISCONNECT" },
    { SMB2_CREATE, "SMB2_COMMAND_CREATE" },
    { SMB2_CLOSE, "SMB2_COMMAND_CLOSE" },
    { 7, "SMB2_COMMAND_FLUSH" },
    { SMB2_READ, "SMB2_COMMAND_READ" },
    { SMB2_WRITE, "SMB2_COMMAND_WRITE" },
    { 10, "SMB2_COMMAND_LOCK" },
    { SMB2_IOCTL, "SMB2_COMMAND_IOCTL" },
    { 12, "SMB2_COMMAND_CANCEL" },
    { 13, "SMB2_COMMAND_KEEPALIVE" },
    { 14, "SMB2_COMMAND_FIND" },
    { 15, "SMB2_COMMAND_CHANGE_NOTIFY" },
    { SMB2_GET_INFO, "SMB2_COMMAND_GET_INFO" },
    { SMB2_SET_INFO, "SMB2_COMMAND_SET_INFO" },
    { 18, "SMB2_COMMAND_OPLOCK_BREAK" },
    { 0, NULL },
};

static const struct named statuses[] = {
    { SMB_STATUS_SUCCESS, "STATUS_SUCCESS" },
    { SMB_STATUS_PENDING, "STATUS_PENDING" },
    { SMB_STATUS_BUFFER_OVERFLOW, "STATUS_BUFFER_OVERFLOW" },
    { SMB_STATUS_END_OF_FILE, "STATUS_END_OF_FILE" },
    { 0xc0000016, "STATUS_MORE_PROCESSING_REQUIRED" },
    { 0xc0000022, "STATUS_ACCESS_DENIED" },
    { 0xc0000034, "STATUS_OBJECT_NAME_NOT_FOUND" },
    { 0xc000006d, "STATUS_LOGON_FAILURE" },
    { 0, NULL },
};

static const struct named dialects_v2[] = {
    { 0x0202, "2.02" }, { 0x0210, "2.10" }, { 0x0222, "2.22" }, { 0x0224, "2.24" },
    { 0x02ff, "2.??" }, { 0x0300, "3.00" }, { 0x0302, "3.02" }, { 0x0310, "3.10" },
    { 0x0311, "3.11" }, { 0, NULL },
};

/** The name of a number, or the number itself. */
static void named_str(struct json *out, const char *key, const struct named *table, uint32_t value)
{
    char number[16];
    for (; table->name; table++)
        if (table->value == value) {
            json_str(out, key, table->name);
            return;
        }
    snprintf(number, sizeof(number), "%u", value);
    json_str(out, key, number);
}

static void bytes_str(struct json *out, const char *key, const struct app_bytes *bytes)
{
    json_strn(out, key, bytes->data ? (const char *)bytes->data : "", bytes->len);
}

static void describe_handle(const struct smb_handle *h, struct json *out)
{
    static const uint8_t order[SMB_HANDLE_MAX] = { 3, 2, 1,  0,  5,  4,  7,  6,
                                                   9, 8, 11, 10, 15, 14, 13, 12 };
    char text[HANDLE_TEXT] = "";
    size_t n = 0;
    if (h->len == SMB_HANDLE_MAX)
        for (unsigned i = 0; i < SMB_HANDLE_MAX; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%02x",
                                  i >= 4 && i <= 10 && i % 2 == 0 ? "-" : "", h->bytes[order[i]]);
    else if (h->len > 0)
        snprintf(text, sizeof(text), "%02x%02x", h->bytes[1], h->bytes[0]);
    json_str(out, "fuid", text);
}

static void describe_status(const struct smb_tx *t, struct json *out)
{
    char code[16];
    if (!t->has_status)
        return;
    if (t->dos)
        snprintf(code, sizeof(code), "0x%04x", t->status >> 16);
    else
        snprintf(code, sizeof(code), "0x%x", t->status);
    if (!t->dos)
        named_str(out, "status", statuses, t->status);
    json_str(out, "status_code", code);
}

static void describe_dialect(const struct smb_state *s, struct json *out)
{
    if (s->dialect != 0)
        named_str(out, "dialect", dialects_v2, s->dialect);
    else if (s->dialect_v1.len > 0)
        bytes_str(out, "dialect", &s->dialect_v1);
    else
        json_str(out, "dialect", "unknown");
}

static void describe_session(const struct smb_tx *t, struct json *out)
{
    if (!t->ntlmssp)
        return;
    json_open(out, "ntlmssp");
    bytes_str(out, "domain", &t->more);
    bytes_str(out, "user", &t->name);
    bytes_str(out, "host", &t->host);
    json_close(out);
}

static void describe_tree(const struct smb_tx *t, struct json *out)
{
    static const char *const types[] = { "UNKNOWN", "FILE", "PIPE", "PRINT" };
    bytes_str(out, t->pipe ? "named_pipe" : "share", &t->name);
    if (t->version == 2) {
        json_str(out, "share_type", types[t->share_type <= 3 ? t->share_type : 0]);
        return;
    }
    json_open(out, "service");
    bytes_str(out, "request", &t->more);
    json_close(out);
}

static void describe_create(const struct smb_tx *t, struct json *out)
{
    static const char *const dispositions[] = { "FILE_SUPERSEDE", "FILE_OPEN",
                                                "FILE_CREATE",    "FILE_OPEN_IF",
                                                "FILE_OVERWRITE", "FILE_OVERWRITE_IF" };
    if (t->name.len == 0)
        json_str(out, "filename", "<share_root>");
    else
        bytes_str(out, t->options & OPTION_DIRECTORY ? "directory" : "filename", &t->name);
    json_str(out, "disposition", t->disposition <= 5 ? dispositions[t->disposition] : "UNKNOWN");
    json_str(out, "access", t->options & OPTION_DELETE_ON_CLOSE ? "delete on close" : "normal");
    json_u64(out, "size", t->size);
    describe_handle(&t->handle, out);
}

static void describe_stub(const char *key, const struct dce_stub *stub, struct json *out)
{
    json_open(out, key);
    json_u64(out, "frag_cnt", stub->frags);
    json_u64(out, "stub_data_size", stub->size);
    json_close(out);
}

static void describe_call(const struct smb_state *s, const struct smb_tx *t, struct json *out)
{
    json_open(out, "dcerpc");
    json_str(out, "request", t->requested ? dce_type_name(t->request) : "REQUEST_LOST");
    json_str(out, "response", t->answered ? dce_type_name(t->response) : "UNREPLIED");
    if (t->requested && t->request == DCE_REQUEST) {
        json_u64(out, "opnum", t->opnum);
        describe_stub("req", &t->stub[SIG_DIR_TOSERVER], out);
    }
    if (t->requested && (t->request == DCE_REQUEST || t->request == DCE_BIND))
        dce_ifaces_describe(&s->ifaces, true, out);
    if (t->answered && t->response == DCE_RESPONSE)
        describe_stub("res", &t->stub[SIG_DIR_TOCLIENT], out);
    json_u64(out, "call_id", t->call_id);
    json_close(out);
}

static void describe_file(const struct smb_tx *t, struct json *out)
{
    bytes_str(out, "filename", &t->name);
    bytes_str(out, "share", &t->more);
    describe_handle(&t->handle, out);
}

static void describe_kind(const struct smb_state *s, const struct smb_tx *t, struct json *out)
{
    char function[16];
    switch (t->kind) {
    case SMB_TX_SESSION:
        describe_session(t, out);
        break;
    case SMB_TX_TREE:
        describe_tree(t, out);
        break;
    case SMB_TX_CREATE:
        describe_create(t, out);
        break;
    case SMB_TX_IOCTL:
        snprintf(function, sizeof(function), "0x%08x", t->function);
        json_str(out, "function", function);
        break;
    case SMB_TX_CALL:
        describe_call(s, t, out);
        break;
    case SMB_TX_FILE:
        describe_file(t, out);
        break;
    default:
        break;
    }
}

void smb_describe(struct app_flow *af, struct app_tx *tx, struct json *out)
{
    const struct smb_state *s = af->state;
    const struct smb_tx *t = (const struct smb_tx *)tx;
    json_open(out, "smb");
    json_u64(out, "id", t->tx.id + 1);
    describe_dialect(s, out);
    named_str(out, "command", t->version == 1 ? commands_v1 : commands_v2, t->command);
    describe_status(t, out);
    json_u64(out, "session_id", t->session);
    json_u64(out, "tree_id", t->tree);
    describe_kind(s, t, out);
    json_close(out);
}
