/* SPDX-License-Identifier: Apache-2.0 */
/* The list of parsers, and the stage's counters. */
#include "config.h"
#include "sensor/app/parsers.h"

/* clang-format off */
static const struct app_parser *const parsers[] = {
    &app_parser_dcerpc,
    &app_parser_dhcp,
    &app_parser_dns,
    &app_parser_ftp,
    &app_parser_ftp_data,
    &app_parser_http,
    &app_parser_http2,
    &app_parser_ike,
    &app_parser_krb5,
    &app_parser_mqtt,
    &app_parser_nfs,
    &app_parser_ntp,
    &app_parser_smb,
    &app_parser_quic,
    &app_parser_rfb,
    &app_parser_sip,
    &app_parser_smtp,
    &app_parser_snmp,
    &app_parser_ssh,
    &app_parser_telnet,
    &app_parser_tls,
};
/* clang-format on */

const struct app_parser *app_parser_of(enum sig_app app)
{
    for (unsigned i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++)
        if (parsers[i]->app == app)
            return parsers[i];
    return NULL;
}

#define FLOWS(id, name) [APP_COUNT_FLOWS + (id)] = { "app.flows_" name, "Flows that speak " name }

const struct counter_def app_counters[] = {
    [APP_COUNT_TX] = { "app.transactions", "Transactions made" },
    [APP_COUNT_TX_LIMIT] = { "app.transaction_limit",
                             "Transactions not made: too many live on a flow" },
    [APP_COUNT_NO_MEMORY] = { "app.no_memory", "Application bytes not followed: memory cap" },
    [APP_COUNT_GAVE_UP] = { "app.gave_up", "Flows whose parser gave up" },
    [APP_COUNT_GAP] = { "app.gaps", "Gaps in streams given to parsers" },
    [APP_COUNT_CARRY_LIMIT] = { "app.carry_limit", "Unfinished messages longer than is kept" },
    [APP_COUNT_UNKNOWN] = { "app.unknown", "Flows whose protocol was not recognised" },
    [APP_COUNT_HEADER_LIMIT] = { "app.header_limit",
                                 "HTTP header lines or counts beyond the limit" },
    [APP_COUNT_BODY_LIMIT] = { "app.body_limit", "Bodies cut at the inspection limit" },
    [APP_COUNT_DECOMPRESS_LIMIT] = { "app.decompress_limit", "Decompressions stopped at a limit" },
    [APP_COUNT_DECOMPRESS_ERROR] = { "app.decompress_error", "Bodies that did not decompress" },
    [APP_COUNT_FRAME_LIMIT] = { "app.frame_limit", "Frames, or bytes of them, not followed" },
    [APP_COUNT_HANDSHAKE_LIMIT] = { "app.handshake_limit",
                                    "TLS handshake messages longer than is kept" },
    [APP_COUNT_EXPECT_LIMIT] = { "app.expect_limit",
                                 "Expected connections displaced by newer ones" },
    [APP_COUNT_DCE_LIMIT] = { "app.dcerpc_limit",
                              "DCE/RPC interfaces or stub data beyond the limit" },
    [APP_COUNT_SMB_LIMIT] = { "app.smb_limit",
                              "SMB names, handles or parts of answers beyond the limit" },
    [APP_COUNT_TRANSFER_LIMIT] = { "app.transfer_limit",
                                   "Pieces of files beyond what waits for earlier ones" },
    [APP_COUNT_NFS_LIMIT] = { "app.nfs_limit", "NFS calls, names or handles beyond the limit" },
    FLOWS(SIG_APP_UNKNOWN, "unknown"),
    FLOWS(SIG_APP_FAILED, "failed"),
    FLOWS(SIG_APP_ANY_HTTP, "http_any"),
    FLOWS(SIG_APP_HTTP1, "http"),
    FLOWS(SIG_APP_HTTP2, "http2"),
    FLOWS(SIG_APP_TLS, "tls"),
    FLOWS(SIG_APP_DNS, "dns"),
    FLOWS(SIG_APP_SMTP, "smtp"),
    FLOWS(SIG_APP_FTP, "ftp"),
    FLOWS(SIG_APP_FTP_DATA, "ftp_data"),
    FLOWS(SIG_APP_SSH, "ssh"),
    FLOWS(SIG_APP_SMB, "smb"),
    FLOWS(SIG_APP_DCERPC, "dcerpc"),
    FLOWS(SIG_APP_QUIC, "quic"),
    FLOWS(SIG_APP_NFS, "nfs"),
    FLOWS(SIG_APP_NTP, "ntp"),
    FLOWS(SIG_APP_TFTP, "tftp"),
    FLOWS(SIG_APP_IKE, "ike"),
    FLOWS(SIG_APP_KRB5, "krb5"),
    FLOWS(SIG_APP_DHCP, "dhcp"),
    FLOWS(SIG_APP_SNMP, "snmp"),
    FLOWS(SIG_APP_SIP, "sip"),
    FLOWS(SIG_APP_RFB, "rfb"),
    FLOWS(SIG_APP_RDP, "rdp"),
    FLOWS(SIG_APP_MQTT, "mqtt"),
    FLOWS(SIG_APP_MODBUS, "modbus"),
    FLOWS(SIG_APP_DNP3, "dnp3"),
    FLOWS(SIG_APP_ENIP, "enip"),
    FLOWS(SIG_APP_TELNET, "telnet"),
    FLOWS(SIG_APP_PGSQL, "pgsql"),
    FLOWS(SIG_APP_IMAP, "imap"),
    FLOWS(SIG_APP_BITTORRENT_DHT, "bittorrent_dht"),
    { NULL, NULL },
};

_Static_assert(sizeof(app_counters) / sizeof(app_counters[0]) ==
                   APP_COUNT_FLOWS + SIG_APP_COUNT + 1,
               "one counter for each protocol");
