/* SPDX-License-Identifier: Apache-2.0 */
/* The table of frames. */
#include "config.h"
#include "signatures/frame.h"

#include <string.h>

/* clang-format off */
static const struct {
    uint8_t app; /* enum sig_app */
    const char *name;
} frames[SIG_FRAME_COUNT] = {
    [SIG_FRAME_STREAM] = { SIG_APP_UNKNOWN, "stream" },
    [SIG_FRAME_HTTP1_REQUEST] = { SIG_APP_HTTP1, "request" },
    [SIG_FRAME_HTTP1_RESPONSE] = { SIG_APP_HTTP1, "response" },
    [SIG_FRAME_TLS_PDU] = { SIG_APP_TLS, "pdu" },
    [SIG_FRAME_TLS_HDR] = { SIG_APP_TLS, "hdr" },
    [SIG_FRAME_TLS_DATA] = { SIG_APP_TLS, "data" },
    [SIG_FRAME_TLS_ALERT] = { SIG_APP_TLS, "alert" },
    [SIG_FRAME_TLS_HEARTBEAT] = { SIG_APP_TLS, "heartbeat" },
    [SIG_FRAME_TLS_SSL2_HDR] = { SIG_APP_TLS, "ssl2.hdr" },
    [SIG_FRAME_TLS_SSL2_PDU] = { SIG_APP_TLS, "ssl2.pdu" },
    [SIG_FRAME_TELNET_PDU] = { SIG_APP_TELNET, "pdu" },
    [SIG_FRAME_TELNET_CTL] = { SIG_APP_TELNET, "ctl" },
    [SIG_FRAME_TELNET_DATA] = { SIG_APP_TELNET, "data" },
    [SIG_FRAME_MQTT_PDU] = { SIG_APP_MQTT, "pdu" },
    [SIG_FRAME_MQTT_HEADER] = { SIG_APP_MQTT, "header" },
    [SIG_FRAME_MQTT_DATA] = { SIG_APP_MQTT, "data" },
    [SIG_FRAME_RFB_PDU] = { SIG_APP_RFB, "pdu" },
    [SIG_FRAME_SIP_PDU] = { SIG_APP_SIP, "pdu" },
    [SIG_FRAME_SIP_REQUEST_LINE] = { SIG_APP_SIP, "request.line" },
    [SIG_FRAME_SIP_RESPONSE_LINE] = { SIG_APP_SIP, "response.line" },
    [SIG_FRAME_SIP_REQUEST_HEADERS] = { SIG_APP_SIP, "request.headers" },
    [SIG_FRAME_SIP_RESPONSE_HEADERS] = { SIG_APP_SIP, "response.headers" },
    [SIG_FRAME_SIP_REQUEST_BODY] = { SIG_APP_SIP, "request.body" },
    [SIG_FRAME_SIP_RESPONSE_BODY] = { SIG_APP_SIP, "response.body" },
    [SIG_FRAME_SMB_NBSS_PDU] = { SIG_APP_SMB, "nbss.pdu" },
    [SIG_FRAME_SMB_NBSS_HDR] = { SIG_APP_SMB, "nbss.hdr" },
    [SIG_FRAME_SMB_NBSS_DATA] = { SIG_APP_SMB, "nbss.data" },
    [SIG_FRAME_SMB1_PDU] = { SIG_APP_SMB, "smb1.pdu" },
    [SIG_FRAME_SMB1_HDR] = { SIG_APP_SMB, "smb1.hdr" },
    [SIG_FRAME_SMB1_DATA] = { SIG_APP_SMB, "smb1.data" },
    [SIG_FRAME_SMB2_PDU] = { SIG_APP_SMB, "smb2.pdu" },
    [SIG_FRAME_SMB2_HDR] = { SIG_APP_SMB, "smb2.hdr" },
    [SIG_FRAME_SMB2_DATA] = { SIG_APP_SMB, "smb2.data" },
    [SIG_FRAME_SMB3_PDU] = { SIG_APP_SMB, "smb3.pdu" },
    [SIG_FRAME_SMB3_HDR] = { SIG_APP_SMB, "smb3.hdr" },
    [SIG_FRAME_SMB3_DATA] = { SIG_APP_SMB, "smb3.data" },
    [SIG_FRAME_NFS_RPC_PDU] = { SIG_APP_NFS, "rpc.pdu" },
    [SIG_FRAME_NFS_RPC_HDR] = { SIG_APP_NFS, "rpc.hdr" },
    [SIG_FRAME_NFS_RPC_DATA] = { SIG_APP_NFS, "rpc.data" },
    [SIG_FRAME_NFS_RPC_CREDS] = { SIG_APP_NFS, "rpc.creds" },
    [SIG_FRAME_NFS_PDU] = { SIG_APP_NFS, "nfs.pdu" },
    [SIG_FRAME_NFS_STATUS] = { SIG_APP_NFS, "nfs.status" },
    [SIG_FRAME_NFS4_PDU] = { SIG_APP_NFS, "nfs4.pdu" },
    [SIG_FRAME_NFS4_HDR] = { SIG_APP_NFS, "nfs4.hdr" },
    [SIG_FRAME_NFS4_OPS] = { SIG_APP_NFS, "nfs4.ops" },
    [SIG_FRAME_NFS4_STATUS] = { SIG_APP_NFS, "nfs4.status" },
    [SIG_FRAME_DNS_PDU] = { SIG_APP_DNS, "pdu" },
};
/* clang-format on */

enum sig_frame sig_frame_find(enum sig_app app, const char *name, size_t len)
{
    for (unsigned i = 0; i < SIG_FRAME_COUNT; i++) {
        bool has = frames[i].app == app || i == SIG_FRAME_STREAM;
        if (has && strlen(frames[i].name) == len && memcmp(frames[i].name, name, len) == 0)
            return (enum sig_frame)i;
    }
    return SIG_FRAME_COUNT;
}
