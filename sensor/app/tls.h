/* SPDX-License-Identifier: Apache-2.0 */
/**
 * TLS inside this stage: what the parts of its parser share (records in tls.c, hello messages in
 * tls_hello.c).
 */
#ifndef SENSOR_APP_TLS_H
#define SENSOR_APP_TLS_H

#include "sensor/app/ja4.h"
#include "sensor/app/parser.h"
#include "sensor/app/x509.h"

#define TLS_RANDOM_LEN 32
/** Room for the name of a version. */
#define TLS_VERSION_TEXT_MAX 24

enum tls_event {
    TLS_INVALID_RECORD_TYPE,
    TLS_INVALID_RECORD_VERSION,
    TLS_INVALID_RECORD_LENGTH,
    TLS_INVALID_HANDSHAKE,
    TLS_MULTIPLE_SNI,
    TLS_ALERT_SEEN,
    TLS_HEARTBEAT,
    TLS_INVALID_HEARTBEAT,
    TLS_OVERFLOW_HEARTBEAT,
    TLS_DATALEAK_HEARTBEAT,
    TLS_INVALID_SNI_TYPE,
    TLS_INVALID_SNI_LENGTH,
    TLS_INVALID_CERTIFICATE,
    TLS_CERTIFICATE_LENGTH,
    TLS_CERTIFICATE_DER, /* from here on in the order of enum x509_fault */
    TLS_CERTIFICATE_VERSION,
    TLS_CERTIFICATE_SERIAL,
    TLS_CERTIFICATE_ALGORITHM,
    TLS_CERTIFICATE_NAME,
    TLS_CERTIFICATE_DATE,
    TLS_CERTIFICATE_SUBJECT,
    TLS_CERTIFICATE_ISSUER,
    TLS_CERTIFICATE_VALIDITY,
    TLS_HANDSHAKE_LENGTH,
    TLS_INVALID_SSL2_HEADER,
    TLS_INVALID_SSL_RECORD,
    /* Suricata 7.0.10 has a name for it and never raises it */
    TLS_NEVER,
};

/** Bits of ssl_state, in the order of its words (signatures/keyword/tls.c). */
enum tls_state_bit {
    TLS_STATE_CLIENT_HELLO = 1,
    TLS_STATE_SERVER_HELLO = 2,
    TLS_STATE_CLIENT_KEYX = 4,
    TLS_STATE_SERVER_KEYX = 8,
};

/** What is written out of a certificate. */
enum tls_text {
    TLS_TEXT_SUBJECT,
    TLS_TEXT_ISSUER,
    TLS_TEXT_SERIAL,
    TLS_TEXT_FINGERPRINT,
    TLS_TEXTS
};

/** What one side of the handshake said. */
struct tls_side {
    uint16_t version;        /* as negotiated or offered; 0: no hello */
    uint16_t record_version; /* of the record that the hello begins in, which counts until then */
    uint8_t random[TLS_RANDOM_LEN];
    bool certified;           /* `certs` is there */
    struct app_bytes certs;   /* the chain as on the wire: three bytes of length, then DER */
    struct app_bytes text[TLS_TEXTS]; /* made when asked for */
    struct app_bytes ja3;     /* JA3 or JA3S string */
    char ja3_hash[33];
    char ja4[JA4_LEN + 1]; /* of the client; empty without */
    int64_t read_s;        /* when the certificates came */
    bool sound;            /* the first certificate was read without fault */
    uint8_t readable;      /* texts before the first that has a fault; the fingerprint always is */
};

/** The one transaction of a flow. */
struct tls_tx {
    struct app_tx tx;
    struct tls_side side[2]; /* by direction: what the client said stands under SIG_DIR_TOSERVER */
    struct app_bytes sni;
    char version_text[TLS_VERSION_TEXT_MAX];
    /* the client offered 0-RTT: its ciphertext may come before the server's hello */
    bool early_data;
    uint8_t state; /* enum tls_state_bit of the handshake message read last */
};

/**
 * Read a ClientHello (RFC 8446 4.1.2) or ServerHello (4.1.3) body into its side; false when
 * malformed.
 */
bool tls_hello_read(struct app_io *io, struct tls_tx *t, const uint8_t *body, uint32_t len);

/** Name of a version as EVE writes it ("TLS 1.2"). Static or `scratch`. */
const char *tls_version_name(uint16_t version, char scratch[TLS_VERSION_TEXT_MAX]);

#endif
