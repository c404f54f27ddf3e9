/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Frames: named ranges of a stream or datagram, as their protocol cuts it (a TLS record, a line of
 * SIP). Parsers say where they are (sensor/app/frames.h); rules look into them with `frame:`. Names
 * are those of Suricata 7.0.10.
 */
#ifndef SIGNATURES_FRAME_H
#define SIGNATURES_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "signatures/buffer.h"

/* clang-format off */
enum sig_frame {
    SIG_FRAME_STREAM, /* all of a direction, over TCP; each protocol has it */
    SIG_FRAME_HTTP1_REQUEST, SIG_FRAME_HTTP1_RESPONSE,
    SIG_FRAME_TLS_PDU, SIG_FRAME_TLS_HDR, SIG_FRAME_TLS_DATA, SIG_FRAME_TLS_ALERT,
    SIG_FRAME_TLS_HEARTBEAT, SIG_FRAME_TLS_SSL2_HDR, SIG_FRAME_TLS_SSL2_PDU,
    SIG_FRAME_TELNET_PDU, SIG_FRAME_TELNET_CTL, SIG_FRAME_TELNET_DATA,
    SIG_FRAME_MQTT_PDU, SIG_FRAME_MQTT_HEADER, SIG_FRAME_MQTT_DATA,
    SIG_FRAME_RFB_PDU,
    SIG_FRAME_SIP_PDU, SIG_FRAME_SIP_REQUEST_LINE, SIG_FRAME_SIP_RESPONSE_LINE,
    SIG_FRAME_SIP_REQUEST_HEADERS, SIG_FRAME_SIP_RESPONSE_HEADERS, SIG_FRAME_SIP_REQUEST_BODY,
    SIG_FRAME_SIP_RESPONSE_BODY,
    SIG_FRAME_SMB_NBSS_PDU, SIG_FRAME_SMB_NBSS_HDR, SIG_FRAME_SMB_NBSS_DATA,
    SIG_FRAME_SMB1_PDU, SIG_FRAME_SMB1_HDR, SIG_FRAME_SMB1_DATA,
    SIG_FRAME_SMB2_PDU, SIG_FRAME_SMB2_HDR, SIG_FRAME_SMB2_DATA,
    SIG_FRAME_SMB3_PDU, SIG_FRAME_SMB3_HDR, SIG_FRAME_SMB3_DATA,
    SIG_FRAME_NFS_RPC_PDU, SIG_FRAME_NFS_RPC_HDR, SIG_FRAME_NFS_RPC_DATA, SIG_FRAME_NFS_RPC_CREDS,
    SIG_FRAME_NFS_PDU, SIG_FRAME_NFS_STATUS,
    SIG_FRAME_NFS4_PDU, SIG_FRAME_NFS4_HDR, SIG_FRAME_NFS4_OPS, SIG_FRAME_NFS4_STATUS,
    SIG_FRAME_DNS_PDU,
    SIG_FRAME_COUNT
};
/* clang-format on */

_Static_assert(SIG_FRAME_COUNT <= 64, "sets of frames are words");

/** The frame of `app` called `name` ("pdu"), SIG_FRAME_COUNT when it has none. */
enum sig_frame sig_frame_find(enum sig_app app, const char *name, size_t len);

#endif
