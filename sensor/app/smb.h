/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SMB versions 1 to 3 ([MS-CIFS], [MS-SMB2]): what the files of this parser share.
 *
 *     smb.c       framing by NetBIOS session messages, large reads and writes, what rules see
 *     smb1.c      commands of version 1
 *     smb2.c      commands of versions 2 and 3 (what is encrypted is skipped)
 *     smb_pipe.c  DCE/RPC in named pipes
 *     smb_session.c  who authenticates (NTLMSSP)
 *     smb_file.c  files that are read and written
 *     smb_tx.c    transactions, and what is remembered between request and answer
 *     smb_eve.c   EVE's part
 *
 * A transaction is a command and its answer, a call through a pipe, or a file from its first
 * piece to its close, as in Suricata 7.0.10.
 */
#ifndef SENSOR_APP_SMB_H
#define SENSOR_APP_SMB_H

#include "common/cursor.h"
#include "sensor/app/dce.h"
#include "sensor/app/parser.h"
#include "sensor/app/transfer.h"

/** Handle of an open file: version 2 has 16 bytes, version 1 two and the user's four. */
#define SMB_HANDLE_MAX 16
/** Things of one kind that a flow remembers; the ones not used for longest are forgotten. */
#define SMB_ENTRIES_MAX 512u
/** Longest name of a share or file that is kept. */
#define SMB_NAME_MAX 4096u
/** Bytes of an answer in parts that are put together. */
#define SMB_PART_MAX 65536u
/** Sizes of reads and writes that count as too large. */
#define SMB_SIZE_MAX (16u << 20)

/** Open transactions of a flow; one more ends the oldest, as in Suricata. */
#define SMB_TX_OPEN_MAX            1024u

#define SMB_STATUS_SUCCESS         0u
#define SMB_STATUS_PENDING         0x00000103u
#define SMB_STATUS_BUFFER_OVERFLOW 0x80000005u
#define SMB_STATUS_END_OF_FILE     0xc0000011u

enum smb_event {
    SMB_INTERNAL_ERROR,
    SMB_MALFORMED_DATA,
    SMB_RECORD_OVERFLOW,
    SMB_MALFORMED_NTLMSSP_REQUEST,
    SMB_MALFORMED_NTLMSSP_RESPONSE,
    SMB_DUPLICATE_NEGOTIATE,
    SMB_NEGOTIATE_MALFORMED_DIALECTS,
    SMB_FILE_OVERLAP,
    SMB_REQUEST_TO_CLIENT,
    SMB_RESPONSE_TO_SERVER,
    SMB_NEGOTIATE_MAX_READ_SIZE_TOO_LARGE,
    SMB_NEGOTIATE_MAX_WRITE_SIZE_TOO_LARGE,
    SMB_READ_REQUEST_TOO_LARGE,
    SMB_READ_RESPONSE_TOO_LARGE,
    SMB_READ_QUEUE_SIZE_EXCEEDED,
    SMB_READ_QUEUE_CNT_EXCEEDED,
    SMB_WRITE_REQUEST_TOO_LARGE,
    SMB_WRITE_QUEUE_SIZE_EXCEEDED,
    SMB_WRITE_QUEUE_CNT_EXCEEDED,
    SMB_TOO_MANY_TRANSACTIONS,
};

enum smb_kind {
    SMB_TX_GENERIC,
    SMB_TX_NEGOTIATE,
    SMB_TX_SESSION,
    SMB_TX_TREE,
    SMB_TX_CREATE,
    SMB_TX_IOCTL,
    SMB_TX_CALL, /* DCE/RPC */
    SMB_TX_FILE,
};

/** What a transaction's key is made of; only those of one type are compared. */
enum smb_key { SMB_KEY_NONE, SMB_KEY_COMMAND, SMB_KEY_HEADER, SMB_KEY_TREE };

/** What is remembered, each kind in a list of its own. */
enum smb_entry_kind {
    SMB_ENTRY_TREE,   /* session, tree: share's name, whether a pipe */
    SMB_ENTRY_NAME,   /* handle: file's name */
    SMB_ENTRY_CREATE, /* request to open: file's name */
    SMB_ENTRY_READ,   /* request to read: handle, offset */
    SMB_ENTRY_HANDLE, /* request by handle: the handle */
    SMB_ENTRY_PART,   /* session, tree, handle: first part of an answer */
    SMB_ENTRY_KINDS
};

struct smb_handle {
    uint8_t len;
    uint8_t bytes[SMB_HANDLE_MAX];
};

/** Names an entry; what its kind does not use is 0. */
struct smb_id {
    uint64_t session, message;
    uint32_t tree;
    struct smb_handle handle;
};

struct smb_entry {
    struct smb_entry *next;
    struct smb_id id;
    struct app_bytes text;
    struct smb_handle handle; /* SMB_ENTRY_READ, SMB_ENTRY_HANDLE */
    uint64_t offset;          /* SMB_ENTRY_READ */
    bool pipe;                /* SMB_ENTRY_TREE */
};

struct smb_tx {
    struct app_tx tx;
    uint8_t kind, version, key; /* enum smb_kind; 1 or 2; enum smb_key */
    uint16_t command;
    uint64_t session, message;
    uint32_t tree;
    bool has_status, dos;
    uint32_t status;
    struct app_bytes name; /* share or file; session: user */
    struct app_bytes more; /* share of a file; session: domain; tree: service asked for */
    struct app_bytes host; /* session */
    struct smb_handle handle;
    /* tree */
    bool pipe;
    uint8_t share_type;
    /* create */
    uint32_t disposition, options;
    uint64_t size;
    uint32_t function; /* ioctl */
    bool ntlmssp;      /* session: user and domain are known */
    /* call */
    struct dce_stub stub[2];
    uint32_t call_id;
    uint16_t opnum, context;
    uint8_t request, response; /* enum dce_type */
    bool little, requested, answered;
    /* file */
    uint8_t dir;
    struct app_transfer transfer;
};

struct smb_state {
    struct smb_entry *entries[SMB_ENTRY_KINDS];
    uint32_t counts[SMB_ENTRY_KINDS];
    struct dce_ifaces ifaces;
    uint32_t skip[2]; /* bytes of a record that nobody wants */
    uint32_t left[2]; /* bytes of a read or write that is going on, and its file */
    struct smb_handle left_handle[2];
    bool lost[2]; /* after a gap: search for a record */
    uint32_t max_read, max_write;
    uint16_t dialect;
    uint8_t dialect_count;       /* version 1: names offered */
    struct app_bytes dialects;   /* version 1: as offered, each ended by NUL */
    struct app_bytes dialect_v1; /* version 1: the one chosen */
};

/** One request or answer. */
struct smb_record {
    uint8_t version; /* 1 or 2 */
    bool answer, dos, unicode;
    bool whole; /* all of its bytes are in `data` */
    uint16_t command;
    uint32_t status, tree;
    uint64_t session, message;
    const uint8_t *data; /* behind the header */
    uint32_t len;
};

/** Bytes of the headers of versions 1 and 2. */
#define SMB1_HEADER 32u
#define SMB2_HEADER 64u

enum smb1_command {
    SMB1_CLOSE = 0x04,
    SMB1_RENAME = 0x07,
    SMB1_WRITE = 0x0b,
    SMB1_LOCKING_ANDX = 0x24,
    SMB1_TRANS = 0x25,
    SMB1_WRITE_AND_CLOSE = 0x2c,
    SMB1_OPEN_ANDX = 0x2d,
    SMB1_READ_ANDX = 0x2e,
    SMB1_WRITE_ANDX = 0x2f,
    SMB1_TRANS2 = 0x32,
    SMB1_TRANS2_SECONDARY = 0x33,
    SMB1_TREE_DISCONNECT = 0x71,
    SMB1_NEGOTIATE = 0x72,
    SMB1_SESSION_SETUP_ANDX = 0x73,
    SMB1_LOGOFF_ANDX = 0x74,
    SMB1_TREE_CONNECT_ANDX = 0x75,
    SMB1_NT_CREATE_ANDX = 0xa2,
    SMB1_NT_CANCEL = 0xa4,
    SMB1_NONE = 0xff,
};

enum smb2_command {
    SMB2_NEGOTIATE = 0,
    SMB2_SESSION_SETUP = 1,
    SMB2_TREE_CONNECT = 3,
    SMB2_TREE_DISCONNECT = 4,
    SMB2_CREATE = 5,
    SMB2_CLOSE = 6,
    SMB2_READ = 8,
    SMB2_WRITE = 9,
    SMB2_IOCTL = 11,
    SMB2_GET_INFO = 16,
    SMB2_SET_INFO = 17,
};

#endif
