/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of application protocols and of named buffers. */
#include "config.h"
#include "signatures/buffer.h"

#include <string.h>

#define APP(x) (UINT64_C(1) << SIG_APP_##x)
#define HTTP   (APP(HTTP1) | APP(HTTP2))
#define LATER  (SIG_BUFFER_FILE | SIG_BUFFER_EMPTY)
#define MANY   (SIG_BUFFER_MULTI | SIG_BUFFER_GROWS)
#define FILES  (HTTP | APP(SMTP) | APP(FTP_DATA) | APP(SMB) | APP(NFS))
#define NAMED  (FILES & ~APP(HTTP2)) /* the reference knows no names of HTTP/2's files */
#define TS     SIG_DIRS_TOSERVER
#define TC     SIG_DIRS_TOCLIENT
#define BOTH   SIG_DIRS_BOTH

static const char *const app_names[SIG_APP_COUNT] = {
    [SIG_APP_UNKNOWN] = "unknown", [SIG_APP_FAILED] = "failed",
    [SIG_APP_ANY_HTTP] = "http",   [SIG_APP_HTTP1] = "http1",
    [SIG_APP_HTTP2] = "http2",     [SIG_APP_TLS] = "tls",
    [SIG_APP_DNS] = "dns",         [SIG_APP_SMTP] = "smtp",
    [SIG_APP_FTP] = "ftp",         [SIG_APP_FTP_DATA] = "ftp-data",
    [SIG_APP_SSH] = "ssh",         [SIG_APP_SMB] = "smb",
    [SIG_APP_DCERPC] = "dcerpc",   [SIG_APP_QUIC] = "quic",
    [SIG_APP_NFS] = "nfs",         [SIG_APP_NTP] = "ntp",
    [SIG_APP_TFTP] = "tftp",       [SIG_APP_IKE] = "ike",
    [SIG_APP_KRB5] = "krb5",       [SIG_APP_DHCP] = "dhcp",
    [SIG_APP_SNMP] = "snmp",       [SIG_APP_SIP] = "sip",
    [SIG_APP_RFB] = "rfb",         [SIG_APP_RDP] = "rdp",
    [SIG_APP_MQTT] = "mqtt",       [SIG_APP_MODBUS] = "modbus",
    [SIG_APP_DNP3] = "dnp3",       [SIG_APP_ENIP] = "enip",
    [SIG_APP_TELNET] = "telnet",   [SIG_APP_PGSQL] = "pgsql",
    [SIG_APP_IMAP] = "imap",       [SIG_APP_BITTORRENT_DHT] = "bittorrent-dht",
};

/* Progress columns, by direction: P1 where both need the same. */
#define P(ts, tc)                                                                                  \
    {                                                                                              \
        SIG_PROGRESS_##ts, SIG_PROGRESS_##tc                                                       \
    }
#define P1(both) P(both, both)

/* clang-format off */
static const struct sig_buffer_def buffers[SIG_BUF_COUNT] = {
    [SIG_BUF_PAYLOAD] = { "pkt_data", NULL, NULL, 0, BOTH, P1(START), SIG_BUFFER_PACKET },
    [SIG_BUF_HTTP_METHOD] = { "http.method", NULL, "http_method", HTTP, TS, P1(LINE), 0 },
    [SIG_BUF_HTTP_URI] = { "http.uri", NULL, "http_uri", HTTP, TS, P1(LINE), 0 },
    [SIG_BUF_HTTP_URI_RAW] = { "http.uri.raw", NULL, "http_raw_uri", HTTP, TS, P1(LINE), 0 },
    [SIG_BUF_HTTP_HOST] =
        { "http.host", NULL, "http_host", HTTP, TS, P1(HEADERS), SIG_BUFFER_LOWER },
    [SIG_BUF_HTTP_HOST_RAW] = { "http.host.raw", NULL, "http_raw_host", HTTP, TS, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_PROTOCOL] = { "http.protocol", "http_protocol", NULL, HTTP, BOTH, P1(LINE), 0 },
    [SIG_BUF_HTTP_REQUEST_LINE] =
        { "http.request_line", "http_request_line", NULL, HTTP, TS, P1(LINE), 0 },
    [SIG_BUF_HTTP_RESPONSE_LINE] =
        { "http.response_line", "http_response_line", NULL, HTTP, TC, P1(LINE), 0 },
    [SIG_BUF_HTTP_HEADER] = { "http.header", NULL, "http_header", HTTP, BOTH, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_HEADER_RAW] =
        { "http.header.raw", NULL, "http_raw_header", HTTP, BOTH, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_HEADER_NAMES] =
        { "http.header_names", "http_header_names", NULL, HTTP, BOTH, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_START] = { "http.start", "http_start", NULL, APP(HTTP1), BOTH, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_USER_AGENT] =
        { "http.user_agent", NULL, "http_user_agent", HTTP, TS, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_REFERER] = { "http.referer", "http_referer", NULL, HTTP, TS, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_COOKIE] = { "http.cookie", NULL, "http_cookie", HTTP, BOTH, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_ACCEPT] = { "http.accept", "http_accept", NULL, HTTP, TS, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_ACCEPT_LANG] =
        { "http.accept_lang", "http_accept_lang", NULL, HTTP, TS, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_ACCEPT_ENC] =
        { "http.accept_enc", "http_accept_enc", NULL, HTTP, TS, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_CONNECTION] =
        { "http.connection", "http_connection", NULL, HTTP, BOTH, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_CONTENT_TYPE] =
        { "http.content_type", "http_content_type", NULL, HTTP, BOTH, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_CONTENT_LEN] =
        { "http.content_len", "http_content_len", NULL, HTTP, BOTH, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_SERVER] = { "http.server", "http_server", NULL, HTTP, TC, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_LOCATION] = { "http.location", "http_location", NULL, HTTP, TC, P1(HEADERS), 0 },
    [SIG_BUF_HTTP_STAT_CODE] = { "http.stat_code", NULL, "http_stat_code", HTTP, TC, P1(LINE), 0 },
    [SIG_BUF_HTTP_STAT_MSG] = { "http.stat_msg", NULL, "http_stat_msg", HTTP, TC, P1(LINE), 0 },
    [SIG_BUF_HTTP_REQUEST_BODY] =
        { "http.request_body", NULL, "http_client_body", HTTP, TS, P1(BODY), SIG_BUFFER_BODY },
    [SIG_BUF_HTTP_RESPONSE_BODY] =
        { "http.response_body", NULL, "http_server_body", HTTP, TC, P1(BODY), SIG_BUFFER_BODY },
    [SIG_BUF_HTTP_REQUEST_HEADER] =
        { "http.request_header", NULL, NULL, HTTP, TS, P1(HEADERS), SIG_BUFFER_MULTI },
    [SIG_BUF_HTTP_RESPONSE_HEADER] =
        { "http.response_header", NULL, NULL, HTTP, TC, P1(HEADERS), SIG_BUFFER_MULTI },
    [SIG_BUF_HTTP2_HEADER_NAME] =
        { "http2.header_name", NULL, NULL, APP(HTTP2), BOTH, P1(START), SIG_BUFFER_MULTI },
    [SIG_BUF_HTTP2_FRAMETYPE] = { "", NULL, NULL, APP(HTTP2), BOTH, P1(START), MANY },
    [SIG_BUF_HTTP2_ERRORCODE] = { "", NULL, NULL, APP(HTTP2), BOTH, P1(START), MANY },
    [SIG_BUF_HTTP2_PRIORITY] = { "", NULL, NULL, APP(HTTP2), BOTH, P1(START), MANY },
    [SIG_BUF_HTTP2_WINDOW] = { "", NULL, NULL, APP(HTTP2), BOTH, P1(START), MANY },
    [SIG_BUF_HTTP2_SIZE_UPDATE] = { "", NULL, NULL, APP(HTTP2), BOTH, P1(START), MANY },
    [SIG_BUF_HTTP2_SETTINGS] = { "", NULL, NULL, APP(HTTP2), BOTH, P1(START), MANY },
    [SIG_BUF_FILE_DATA] =
        { "file.data", "file_data", NULL, FILES, BOTH, P1(BODY),
            SIG_BUFFER_BODY | SIG_BUFFER_FILE },
    [SIG_BUF_FILE_NAME] = { "file.name", NULL, NULL, NAMED, BOTH, P1(BODY), SIG_BUFFER_FILE },
    [SIG_BUF_FILE_SIZE] = { "", NULL, NULL, FILES, BOTH, P1(BODY), SIG_BUFFER_FILE },
    [SIG_BUF_FILE_MAGIC] = { "file.magic", NULL, NULL, FILES, BOTH, P1(BODY), SIG_BUFFER_FILE },
    [SIG_BUF_FILE_MD5] = { "", NULL, NULL, FILES, BOTH, P1(BODY), SIG_BUFFER_FILE },
    [SIG_BUF_FILE_SHA1] = { "", NULL, NULL, FILES, BOTH, P1(BODY), SIG_BUFFER_FILE },
    [SIG_BUF_FILE_SHA256] = { "", NULL, NULL, FILES, BOTH, P1(BODY), SIG_BUFFER_FILE },
    [SIG_BUF_DNS_QUERY] =
        { "dns.query", "dns_query", NULL, APP(DNS), TS, P1(START), SIG_BUFFER_MULTI },
    [SIG_BUF_TLS_SNI] = { "tls.sni", "tls_sni", NULL, APP(TLS), TS, P1(START), 0 },
    [SIG_BUF_TLS_CERT_SUBJECT] =
        { "tls.cert_subject", "tls_cert_subject", NULL, APP(TLS), BOTH, P1(HEADERS), 0 },
    [SIG_BUF_TLS_CERT_ISSUER] =
        { "tls.cert_issuer", "tls_cert_issuer", NULL, APP(TLS), BOTH, P1(HEADERS), 0 },
    [SIG_BUF_TLS_CERT_SERIAL] =
        { "tls.cert_serial", "tls_cert_serial", NULL, APP(TLS), BOTH, P1(HEADERS), 0 },
    [SIG_BUF_TLS_CERT_FINGERPRINT] =
        { "tls.cert_fingerprint", "tls_cert_fingerprint", NULL, APP(TLS), BOTH, P1(HEADERS), 0 },
    [SIG_BUF_TLS_CERTS] =
        { "tls.certs", NULL, NULL, APP(TLS), BOTH, P1(HEADERS), SIG_BUFFER_MULTI },
    [SIG_BUF_TLS_VERSION] = { "", NULL, NULL, APP(TLS), BOTH, P1(START), 0 },
    [SIG_BUF_TLS_RANDOM] = { "tls.random", NULL, NULL, APP(TLS), BOTH, P1(START), 0 },
    [SIG_BUF_TLS_RANDOM_TIME] = { "tls.random_time", NULL, NULL, APP(TLS), BOTH, P1(START), 0 },
    [SIG_BUF_TLS_RANDOM_BYTES] = { "tls.random_bytes", NULL, NULL, APP(TLS), BOTH, P1(START), 0 },
    [SIG_BUF_JA3_HASH] =
        { "ja3.hash", "ja3_hash", NULL, APP(TLS) | APP(QUIC), TS, P1(START), SIG_BUFFER_HASH },
    [SIG_BUF_JA3_STRING] =
        { "ja3.string", "ja3_string", NULL, APP(TLS) | APP(QUIC), TS, P1(START), 0 },
    [SIG_BUF_JA3S_HASH] =
        { "ja3s.hash", "ja3s_hash", NULL, APP(TLS) | APP(QUIC), TC, P1(START), SIG_BUFFER_HASH },
    [SIG_BUF_JA3S_STRING] =
        { "ja3s.string", "ja3s_string", NULL, APP(TLS) | APP(QUIC), TC, P1(START), 0 },
    [SIG_BUF_JA4_HASH] =
        { "ja4.hash", NULL, NULL, APP(TLS) | APP(QUIC), TS, P1(START), 0 },
    [SIG_BUF_SSH_PROTO] = { "ssh.proto", "ssh_proto", NULL, APP(SSH), BOTH, P1(LINE), 0 },
    [SIG_BUF_SSH_SOFTWARE] = { "ssh.software", "ssh_software", NULL, APP(SSH), BOTH, P1(LINE), 0 },
    [SIG_BUF_SSH_HASSH] =
        { "ssh.hassh", "ssh-hassh", NULL, APP(SSH), TS, P1(HEADERS), SIG_BUFFER_HASH },
    [SIG_BUF_SSH_HASSH_STRING] =
        { "ssh.hassh.string", "ssh-hassh-string", NULL, APP(SSH), TS, P1(HEADERS), 0 },
    [SIG_BUF_SSH_HASSH_SERVER] =
        { "ssh.hassh.server", "ssh-hassh-server", NULL, APP(SSH), TC, P1(HEADERS),
            SIG_BUFFER_HASH },
    [SIG_BUF_SSH_HASSH_SERVER_STRING] =
        { "ssh.hassh.server.string", "ssh-hassh-server-string", NULL, APP(SSH), TC, P1(HEADERS),
            0 },
    [SIG_BUF_SMTP_HELO] = { "smtp.helo", NULL, NULL, APP(SMTP), TS, P1(START), SIG_BUFFER_BEYOND },
    [SIG_BUF_SMTP_MAIL_FROM] =
        { "smtp.mail_from", NULL, NULL, APP(SMTP), TS, P1(START), SIG_BUFFER_BEYOND },
    [SIG_BUF_SMTP_RCPT_TO] =
        { "smtp.rcpt_to", NULL, NULL, APP(SMTP), TS, P1(START),
            SIG_BUFFER_MULTI | SIG_BUFFER_BEYOND },
    [SIG_BUF_FTP_COMMAND] =
        { "ftp.command", NULL, NULL, APP(FTP), TS, P1(START), SIG_BUFFER_BEYOND },
    [SIG_BUF_SMB_NAMED_PIPE] =
        { "smb.named_pipe", "smb_named_pipe", NULL, APP(SMB), TS, P1(START), 0 },
    [SIG_BUF_SMB_SHARE] = { "smb.share", "smb_share", NULL, APP(SMB), TS, P1(START), 0 },
    [SIG_BUF_SMB_NTLMSSP_USER] = { "smb.ntlmssp_user", NULL, NULL, APP(SMB), TS, P1(START), 0 },
    [SIG_BUF_SMB_NTLMSSP_DOMAIN] = { "smb.ntlmssp_domain", NULL, NULL, APP(SMB), TS, P1(START), 0 },
    [SIG_BUF_KRB5_CNAME] =
        { "krb5.cname", "krb5_cname", NULL, APP(KRB5), TC, P1(START), SIG_BUFFER_MULTI },
    [SIG_BUF_KRB5_SNAME] =
        { "krb5.sname", "krb5_sname", NULL, APP(KRB5), TC, P1(START), SIG_BUFFER_MULTI },
    [SIG_BUF_SNMP_COMMUNITY] = { "snmp.community", NULL, NULL, APP(SNMP), BOTH, P1(START), 0 },
    [SIG_BUF_SNMP_USM] = { "snmp.usm", NULL, NULL, APP(SNMP), BOTH, P1(START), 0 },
    [SIG_BUF_DCE_STUB_DATA] =
        { "dcerpc.stub_data", "dce_stub_data", NULL, APP(DCERPC) | APP(SMB), BOTH, P1(START),
            SIG_BUFFER_GROWS },
    [SIG_BUF_DCE_IFACE] =
        { "", NULL, NULL, APP(DCERPC) | APP(SMB), BOTH, P1(START), SIG_BUFFER_MULTI },
    [SIG_BUF_IKE_INIT_SPI] = { "ike.init_spi", NULL, NULL, APP(IKE), TS, P1(START), 0 },
    [SIG_BUF_IKE_RESP_SPI] = { "ike.resp_spi", NULL, NULL, APP(IKE), TC, P1(START), 0 },
    [SIG_BUF_IKE_VENDOR] =
        { "ike.vendor", NULL, NULL, APP(IKE), TS, P1(START), SIG_BUFFER_MULTI },
    [SIG_BUF_IKE_KEY_EXCHANGE] =
        { "ike.key_exchange_payload", NULL, NULL, APP(IKE), BOTH, P1(START), 0 },
    [SIG_BUF_IKE_NONCE] = { "ike.nonce_payload", NULL, NULL, APP(IKE), BOTH, P1(START), 0 },
    [SIG_BUF_IKE_CHOSEN] = { "", NULL, NULL, APP(IKE), TC, P1(START), SIG_BUFFER_MULTI },
    [SIG_BUF_QUIC_SNI] = { "quic.sni", NULL, NULL, APP(QUIC), TS, P1(START), 0 },
    [SIG_BUF_QUIC_UA] = { "quic.ua", NULL, NULL, APP(QUIC), TS, P1(START), 0 },
    [SIG_BUF_QUIC_VERSION] = { "quic.version", NULL, NULL, APP(QUIC), BOTH, P1(START), 0 },
    [SIG_BUF_QUIC_CYU_HASH] =
        { "quic.cyu.hash", NULL, NULL, APP(QUIC), TS, P1(START), SIG_BUFFER_HASH },
    [SIG_BUF_QUIC_CYU_STRING] = { "quic.cyu.string", NULL, NULL, APP(QUIC), TS, P1(START), 0 },
    [SIG_BUF_MQTT_MESSAGE] = { "", NULL, NULL, APP(MQTT), BOTH, P1(DONE), SIG_BUFFER_MULTI },
    [SIG_BUF_MQTT_REQUEST] = { "", NULL, NULL, APP(MQTT), TS, P1(DONE), SIG_BUFFER_MULTI },
    [SIG_BUF_MQTT_CONNACK] = { "", NULL, NULL, APP(MQTT), TC, P1(DONE), SIG_BUFFER_MULTI },
    [SIG_BUF_MQTT_REASON_CODE] = { "", NULL, NULL, APP(MQTT), BOTH, P1(DONE), SIG_BUFFER_MULTI },
    [SIG_BUF_MQTT_CONNECT_CLIENTID] =
        { "mqtt.connect.clientid", NULL, NULL, APP(MQTT), TS, P1(DONE), 0 },
    [SIG_BUF_MQTT_CONNECT_USERNAME] =
        { "mqtt.connect.username", NULL, NULL, APP(MQTT), TS, P1(DONE), 0 },
    [SIG_BUF_MQTT_CONNECT_PASSWORD] =
        { "mqtt.connect.password", NULL, NULL, APP(MQTT), TS, P1(DONE), 0 },
    [SIG_BUF_MQTT_CONNECT_WILLTOPIC] =
        { "mqtt.connect.willtopic", NULL, NULL, APP(MQTT), TS, P1(DONE), 0 },
    [SIG_BUF_MQTT_CONNECT_WILLMESSAGE] =
        { "mqtt.connect.willmessage", NULL, NULL, APP(MQTT), TS, P1(DONE), 0 },
    [SIG_BUF_MQTT_PUBLISH_TOPIC] =
        { "mqtt.publish.topic", NULL, NULL, APP(MQTT), BOTH, P1(DONE), 0 },
    [SIG_BUF_MQTT_PUBLISH_MESSAGE] =
        { "mqtt.publish.message", NULL, NULL, APP(MQTT), TS, P1(DONE), 0 },
    [SIG_BUF_MQTT_SUBSCRIBE_TOPIC] =
        { "mqtt.subscribe.topic", NULL, NULL, APP(MQTT), BOTH, P1(DONE), SIG_BUFFER_MULTI },
    [SIG_BUF_MQTT_UNSUBSCRIBE_TOPIC] =
        { "mqtt.unsubscribe.topic", NULL, NULL, APP(MQTT), TS, P1(DONE), SIG_BUFFER_MULTI },
    [SIG_BUF_SIP_METHOD] = { "sip.method", NULL, NULL, APP(SIP), TS, P1(START), 0 },
    [SIG_BUF_SIP_URI] = { "sip.uri", NULL, NULL, APP(SIP), TS, P1(START), 0 },
    [SIG_BUF_SIP_REQUEST_LINE] = { "sip.request_line", NULL, NULL, APP(SIP), TS, P1(START), 0 },
    [SIG_BUF_SIP_PROTOCOL] = { "sip.protocol", NULL, NULL, APP(SIP), BOTH, P1(START), 0 },
    [SIG_BUF_SIP_STAT_CODE] = { "sip.stat_code", NULL, NULL, APP(SIP), TC, P1(START), 0 },
    [SIG_BUF_SIP_STAT_MSG] = { "sip.stat_msg", NULL, NULL, APP(SIP), TC, P1(START), 0 },
    [SIG_BUF_SIP_RESPONSE_LINE] = { "sip.response_line", NULL, NULL, APP(SIP), TC, P1(START), 0 },
    [SIG_BUF_RFB_NAME] = { "rfb.name", NULL, NULL, APP(RFB), TC, P1(DONE), 0 },
    [SIG_BUF_ICMPV4_HDR] = { "icmpv4.hdr", NULL, NULL, 0, BOTH, P1(START), SIG_BUFFER_PACKET },
    [SIG_BUF_ICMPV6_HDR] = { "icmpv6.hdr", NULL, NULL, 0, BOTH, P1(START), SIG_BUFFER_PACKET },
    [SIG_BUF_IPV4_HDR] = { "ipv4.hdr", NULL, NULL, 0, BOTH, P1(START), SIG_BUFFER_PACKET },
    [SIG_BUF_IPV6_HDR] = { "ipv6.hdr", NULL, NULL, 0, BOTH, P1(START), SIG_BUFFER_PACKET },
    [SIG_BUF_UDP_HDR] = { "udp.hdr", NULL, NULL, 0, BOTH, P1(START), SIG_BUFFER_PACKET },
    [SIG_BUF_IP_SRC] = { "ip.src", NULL, NULL, 0, BOTH, P1(START), SIG_BUFFER_PACKET },
    [SIG_BUF_IP_DST] = { "ip.dst", NULL, NULL, 0, BOTH, P1(START), SIG_BUFFER_PACKET },
    [SIG_BUF_FRAME] = { "", NULL, NULL, 0, BOTH, P1(START), SIG_BUFFER_FRAME },
    [SIG_BUF_TCP_HDR] = { "tcp.hdr", NULL, NULL, 0, BOTH, P1(START), SIG_BUFFER_PACKET },
};
/* clang-format on */

const char *sig_app_name(enum sig_app app)
{
    return app < SIG_APP_COUNT ? app_names[app] : "unknown";
}

static bool same(const char *name, const char *text, size_t len)
{
    return name && strlen(name) == len && memcmp(name, text, len) == 0;
}

enum sig_app sig_app_find(const char *name, size_t len)
{
    for (unsigned i = SIG_APP_ANY_HTTP; i < SIG_APP_COUNT; i++) {
        if (same(app_names[i], name, len))
            return (enum sig_app)i;
    }
    return SIG_APP_UNKNOWN;
}

bool sig_app_parsed(enum sig_app app)
{
    /* clang-format off */
    const uint64_t parsed =
        APP(ANY_HTTP) | APP(HTTP1) | APP(HTTP2) |
        APP(DCERPC) |
        APP(DHCP) |
        APP(DNS) |
        APP(FTP) | APP(FTP_DATA) |
        APP(IKE) |
        APP(MQTT) |
        APP(KRB5) |
        APP(NFS) |
        APP(NTP) |
        APP(SMB) |
        APP(QUIC) |
        APP(RFB) |
        APP(SIP) |
        APP(SMTP) |
        APP(SNMP) |
        APP(SSH) |
        APP(TELNET) |
        APP(TLS);
    /* clang-format on */
    return parsed >> app & 1;
}

bool sig_app_offered(enum sig_app app)
{
    const uint64_t off = APP(MODBUS) | APP(DNP3) | APP(ENIP) | APP(PGSQL);
    return !(off >> app & 1);
}

const struct sig_buffer_def *sig_buffer_def(enum sig_buffer buffer)
{
    return &buffers[buffer < SIG_BUF_COUNT ? buffer : SIG_BUF_PAYLOAD];
}

enum sig_buffer sig_buffer_find(const char *name, size_t len)
{
    for (unsigned i = 0; len && i < SIG_BUF_COUNT; i++) {
        if (same(buffers[i].name, name, len) || same(buffers[i].aliases, name, len))
            return (enum sig_buffer)i;
    }
    return SIG_BUF_COUNT;
}

enum sig_buffer sig_buffer_find_modifier(const char *name, size_t len)
{
    for (unsigned i = 0; i < SIG_BUF_COUNT; i++) {
        if (same(buffers[i].modifier, name, len))
            return (enum sig_buffer)i;
    }
    return SIG_BUF_COUNT;
}
