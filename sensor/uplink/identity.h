/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Who this sensor is: files of STATE_DIR that enrolment makes and renewal replaces.
 *
 *   sensor.key (0600)  sensor.crt  ca.crt
 *   identity.json {id, site, states, collectors, begins, ends}
 */
#ifndef SENSOR_UPLINK_IDENTITY_H
#define SENSOR_UPLINK_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#define IDENTITY_COLLECTORS_MAX 8

struct buf;

/** Free what it holds with identity_free. */
struct identity {
    char *id;
    char *site;
    char *states;
    char *key_path;
    char *cert_path;
    char *ca_path;
    char *collectors[IDENTITY_COLLECTORS_MAX]; /* "HOST:PORT" */
    size_t collector_count;
    uint64_t begins_s; /* when the certificate was given, seconds since 1970 */
    uint64_t ends_s;
};

/**
 * Read the identity of `state_dir`. 0; ABENG_ENOENT when there is none; ABENG_EFORMAT, ABENG_EIO
 * with `why`.
 */
int identity_load(const char *state_dir, struct identity *out, char *why, size_t why_len);

/** Free. */
void identity_free(struct identity *id);

/**
 * The sensor's key, made on first use (ECDSA P-256, 0600), and a certification request (PEM) by it.
 * `fresh` makes a new key that identity_keep puts in place. 0 or ABENG_EIO with `why`.
 */
int identity_request(const char *state_dir, int fresh, struct buf *request, char *why,
                     size_t why_len);

/**
 * Put certificate (PEM), identity and, after a fresh request, its key in place. 0 or ABENG_EIO with
 * `why`.
 */
int identity_keep(const char *state_dir, const struct identity *id, const char *certificate,
                  int fresh, char *why, size_t why_len);

/** Keep the CA certificate (PEM). 0 or ABENG_EIO with `why`. */
int identity_keep_ca(const char *state_dir, const char *pem, char *why, size_t why_len);

/**
 * Sign bytes with the sensor's key: JSON with "signature" (ECDSA with SHA-256, DER, base64) and
 * "certificate" (PEM). 0, or ABENG_EIO, ABENG_EFORMAT with `why`.
 */
int identity_sign(const char *state_dir, const void *bytes, size_t len, struct buf *out, char *why,
                  size_t why_len);

/**
 * Check what identity_sign wrote: the certificate is of the CA in `state_dir` (its time does not
 * matter: it held when it signed), and the signature fits the bytes. 0, ABENG_EFORMAT, ABENG_EIO or
 * ABENG_EAUTH with `why`.
 */
int identity_check(const char *state_dir, const void *bytes, size_t len, const struct buf *signed_,
                   char *why, size_t why_len);

/** SHA-256 of a PEM certificate's DER as lower-case hex (65 bytes with NUL). 0 or ABENG_EFORMAT. */
int identity_cert_print(const char *pem, size_t len, char out[65]);

#endif
