/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The named buffers that rules look into: one const table says each one's sticky and legacy
 * names, the protocols and directions that have it, and how far a transaction must have come
 * before it is whole. The application parsers (sensor/app) fill them, the rule parser and
 * sensor/detect name them by this enum.
 */
#ifndef SIGNATURES_BUFFER_H
#define SIGNATURES_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Application protocols that rules can name; the first four are states of the detection. */
enum sig_app {
    SIG_APP_UNKNOWN,
    SIG_APP_FAILED,
    SIG_APP_ANY_HTTP, /* `alert http`: http1 or http2 */
    SIG_APP_HTTP1,
    SIG_APP_HTTP2,
    SIG_APP_TLS,
    SIG_APP_DNS,
    SIG_APP_SMTP,
    SIG_APP_FTP,
    SIG_APP_FTP_DATA,
    SIG_APP_SSH,
    SIG_APP_SMB,
    SIG_APP_DCERPC,
    SIG_APP_QUIC,
    SIG_APP_NFS,
    SIG_APP_NTP,
    SIG_APP_TFTP,
    SIG_APP_IKE,
    SIG_APP_KRB5,
    SIG_APP_DHCP,
    SIG_APP_SNMP,
    SIG_APP_SIP,
    SIG_APP_RFB,
    SIG_APP_RDP,
    SIG_APP_MQTT,
    SIG_APP_MODBUS,
    SIG_APP_DNP3,
    SIG_APP_ENIP,
    SIG_APP_TELNET,
    SIG_APP_PGSQL,
    SIG_APP_IMAP,
    SIG_APP_BITTORRENT_DHT,
    SIG_APP_COUNT
};

/**
 * Name as rules and EVE write it ("http", "tls"); "unknown" and "failed" for the states. Static.
 */
const char *sig_app_name(enum sig_app app);

/** The protocol of a name as rules write it, SIG_APP_UNKNOWN when there is none. */
enum sig_app sig_app_find(const char *name, size_t len);

/**
 * Whether the sensor has a parser for `app`; rules that need one it has not are refused. Grows
 * with sensor/app.
 */
bool sig_app_parsed(enum sig_app app);

/**
 * Whether rules may name `app`: Suricata 7.0.10 as it is shipped neither detects Modbus, DNP3,
 * EtherNet/IP nor PostgreSQL, and refuses their rules.
 */
bool sig_app_offered(enum sig_app app);

enum sig_dir {
    SIG_DIR_TOSERVER = 0,
    SIG_DIR_TOCLIENT = 1,
};
#define SIG_DIRS_TOSERVER 1u
#define SIG_DIRS_TOCLIENT 2u
#define SIG_DIRS_BOTH     3u

/**
 * How far one direction of a transaction has come. Protocols without steps go from START to DONE.
 */
enum sig_progress {
    SIG_PROGRESS_START,
    SIG_PROGRESS_LINE,    /* HTTP: request or status line; TLS: hello */
    SIG_PROGRESS_HEADERS, /* HTTP headers; TLS certificate */
    SIG_PROGRESS_BODY,
    SIG_PROGRESS_TRAILER,
    SIG_PROGRESS_DONE,
};

enum sig_buffer {
    SIG_BUF_PAYLOAD, /* packet payload or stream chunk: pkt_data, no sticky buffer */
    SIG_BUF_HTTP_METHOD,
    SIG_BUF_HTTP_URI,
    SIG_BUF_HTTP_URI_RAW,
    SIG_BUF_HTTP_HOST,
    SIG_BUF_HTTP_HOST_RAW,
    SIG_BUF_HTTP_PROTOCOL,
    SIG_BUF_HTTP_REQUEST_LINE,
    SIG_BUF_HTTP_RESPONSE_LINE,
    SIG_BUF_HTTP_HEADER,
    SIG_BUF_HTTP_HEADER_RAW,
    SIG_BUF_HTTP_HEADER_NAMES,
    SIG_BUF_HTTP_START,
    SIG_BUF_HTTP_USER_AGENT,
    SIG_BUF_HTTP_REFERER,
    SIG_BUF_HTTP_COOKIE,
    SIG_BUF_HTTP_ACCEPT,
    SIG_BUF_HTTP_ACCEPT_LANG,
    SIG_BUF_HTTP_ACCEPT_ENC,
    SIG_BUF_HTTP_CONNECTION,
    SIG_BUF_HTTP_CONTENT_TYPE,
    SIG_BUF_HTTP_CONTENT_LEN,
    SIG_BUF_HTTP_SERVER,
    SIG_BUF_HTTP_LOCATION,
    SIG_BUF_HTTP_STAT_CODE,
    SIG_BUF_HTTP_STAT_MSG,
    SIG_BUF_HTTP_REQUEST_BODY,
    SIG_BUF_HTTP_RESPONSE_BODY,
    SIG_BUF_HTTP_REQUEST_HEADER, /* multi-instance, one `Name: value` each */
    SIG_BUF_HTTP_RESPONSE_HEADER,
    SIG_BUF_HTTP2_HEADER_NAME, /* multi-instance, as are those that follow */
    SIG_BUF_HTTP2_FRAMETYPE,   /* one byte */
    SIG_BUF_HTTP2_ERRORCODE,   /* be32 */
    SIG_BUF_HTTP2_PRIORITY,    /* one byte */
    SIG_BUF_HTTP2_WINDOW,      /* be32 */
    SIG_BUF_HTTP2_SIZE_UPDATE, /* be64 */
    SIG_BUF_HTTP2_SETTINGS,    /* be16 identifier, be32 value */
    SIG_BUF_FILE_DATA,
    SIG_BUF_FILE_NAME,
    SIG_BUF_FILE_SIZE, /* struct app_file_size (sensor/app); its end is the file's */
    SIG_BUF_FILE_MAGIC,
    SIG_BUF_FILE_MD5, /* bytes of the digest, of a whole file alone; likewise those that follow */
    SIG_BUF_FILE_SHA1,
    SIG_BUF_FILE_SHA256,
    SIG_BUF_DNS_QUERY, /* multi-instance */
    SIG_BUF_TLS_SNI,
    SIG_BUF_TLS_CERT_SUBJECT,
    SIG_BUF_TLS_CERT_ISSUER,
    SIG_BUF_TLS_CERT_SERIAL,
    SIG_BUF_TLS_CERT_FINGERPRINT,
    SIG_BUF_TLS_CERTS, /* multi-instance, DER */
    SIG_BUF_TLS_VERSION,
    SIG_BUF_TLS_RANDOM,
    SIG_BUF_TLS_RANDOM_TIME,
    SIG_BUF_TLS_RANDOM_BYTES,
    SIG_BUF_JA3_HASH,
    SIG_BUF_JA3_STRING,
    SIG_BUF_JA3S_HASH,
    SIG_BUF_JA3S_STRING,
    SIG_BUF_JA4_HASH,
    SIG_BUF_SSH_PROTO,
    SIG_BUF_SSH_SOFTWARE,
    SIG_BUF_SSH_HASSH,
    SIG_BUF_SSH_HASSH_STRING,
    SIG_BUF_SSH_HASSH_SERVER,
    SIG_BUF_SSH_HASSH_SERVER_STRING,
    SIG_BUF_SMTP_HELO,
    SIG_BUF_SMTP_MAIL_FROM,
    SIG_BUF_SMTP_RCPT_TO, /* multi-instance */
    SIG_BUF_FTP_COMMAND,
    SIG_BUF_SMB_NAMED_PIPE,
    SIG_BUF_SMB_SHARE,
    SIG_BUF_SMB_NTLMSSP_USER,
    SIG_BUF_SMB_NTLMSSP_DOMAIN,
    SIG_BUF_KRB5_CNAME, /* multi-instance, the parts of a name */
    SIG_BUF_KRB5_SNAME, /* likewise */
    SIG_BUF_SNMP_COMMUNITY,
    SIG_BUF_SNMP_USM,
    SIG_BUF_DCE_STUB_DATA,
    /* multi-instance, one a granted interface: UUID as text orders it (16), version (2),
     * whether its bind was a first fragment (1) */
    SIG_BUF_DCE_IFACE,
    SIG_BUF_IKE_INIT_SPI,
    SIG_BUF_IKE_RESP_SPI,
    SIG_BUF_IKE_VENDOR, /* multi-instance */
    SIG_BUF_IKE_KEY_EXCHANGE,
    SIG_BUF_IKE_NONCE,
    SIG_BUF_IKE_CHOSEN, /* multi-instance: number of an attribute (1), its value (be32) */
    SIG_BUF_QUIC_SNI,
    SIG_BUF_QUIC_UA,
    SIG_BUF_QUIC_VERSION,
    SIG_BUF_QUIC_CYU_HASH,
    SIG_BUF_QUIC_CYU_STRING,
    /* clang-format off */
    SIG_BUF_MQTT_MESSAGE, /* multi-instance: type, flags, those of CONNECT, session, version */
    SIG_BUF_MQTT_REQUEST, SIG_BUF_MQTT_CONNACK, /* the same, to the server and to the client */
    SIG_BUF_MQTT_REASON_CODE, /* multi-instance, one byte */
    SIG_BUF_MQTT_CONNECT_CLIENTID, SIG_BUF_MQTT_CONNECT_USERNAME, SIG_BUF_MQTT_CONNECT_PASSWORD,
    SIG_BUF_MQTT_CONNECT_WILLTOPIC, SIG_BUF_MQTT_CONNECT_WILLMESSAGE, SIG_BUF_MQTT_PUBLISH_TOPIC,
    SIG_BUF_SIP_METHOD, SIG_BUF_SIP_URI, SIG_BUF_SIP_REQUEST_LINE, SIG_BUF_SIP_PROTOCOL,
    SIG_BUF_SIP_STAT_CODE, SIG_BUF_SIP_STAT_MSG, SIG_BUF_SIP_RESPONSE_LINE, SIG_BUF_RFB_NAME,
    SIG_BUF_MQTT_PUBLISH_MESSAGE, SIG_BUF_MQTT_SUBSCRIBE_TOPIC, SIG_BUF_MQTT_UNSUBSCRIBE_TOPIC,
    /* clang-format on */
    SIG_BUF_ICMPV4_HDR,
    SIG_BUF_ICMPV6_HDR,
    SIG_BUF_IPV4_HDR,
    SIG_BUF_IPV6_HDR,
    SIG_BUF_TCP_HDR,
    SIG_BUF_IP_SRC,
    SIG_BUF_IP_DST,
    SIG_BUF_UDP_HDR,
    SIG_BUF_FRAME, /* which one the spec says: signatures/frame.h */
    SIG_BUF_COUNT
};

/* several instances a transaction; a repeated sticky name starts another */
#define SIG_BUFFER_MULTI (1u << 0)
/* grows, inspected in windows; depth and offset count from the body's start */
#define SIG_BUFFER_BODY   (1u << 1)
#define SIG_BUFFER_FILE   (1u << 2) /* of each file of a transaction */
#define SIG_BUFFER_PACKET (1u << 3) /* of the packet, not of a transaction */
/* holds lower case only: nocase and upper case contents are refused (http.host) */
#define SIG_BUFFER_LOWER (1u << 4)
/* a hash in lower case hex: contents are lowered, as the reference does */
#define SIG_BUFFER_HASH (1u << 5)
/* may get longer, or have more instances, until the transaction is done: looked at each time */
#define SIG_BUFFER_GROWS (1u << 6)
/* a range of the stream, looked at apart from transactions */
#define SIG_BUFFER_FRAME (1u << 8)
/* Suricata 7.0.10 has it not: for the profile abeng alone */
#define SIG_BUFFER_BEYOND (1u << 9)
#define SIG_BUFFER_EMPTY (1u << 7) /* no parser fills it yet: rules on it are refused */

/** One row of the table. */
struct sig_buffer_def {
    const char *name;     /* sticky: "http.uri"; "" where only a keyword of its own reaches it */
    const char *aliases;  /* another sticky name: "file_data", or NULL */
    const char *modifier; /* legacy content modifier: "http_uri", or NULL */
    /* protocols that have it, bit 1 << enum sig_app; 0 for packet buffers */
    uint64_t apps;
    uint8_t dirs; /* SIG_DIRS_* */
    /* enum sig_progress from which on it is whole (BODY: may be inspected), by direction */
    uint8_t progress[2];
    uint16_t flags; /* SIG_BUFFER_* */
};

/** The row of a buffer; never NULL for a valid one. Static. */
const struct sig_buffer_def *sig_buffer_def(enum sig_buffer buffer);

/** Find by sticky name or alias; SIG_BUF_COUNT when there is none. */
enum sig_buffer sig_buffer_find(const char *name, size_t len);

/** Find by legacy modifier name; SIG_BUF_COUNT when there is none. */
enum sig_buffer sig_buffer_find_modifier(const char *name, size_t len);

#endif
