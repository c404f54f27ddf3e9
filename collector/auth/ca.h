/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The collector's own small certificate authority: one ECDSA P-256 key in the data folder (0600),
 * that signs the server certificate of the listeners and the client certificates of sensors. Who a
 * sensor is, where it stands and which states it may speak for stands in its certificate and
 * nowhere else:
 *
 *   subject CN=ID, SAN URI abeng:sensor:ID?states=jm,bb&site=SITE, extended key usage client
 *
 * Pure of the store: revocation and invitations are ingest/sensors. Any thread may call after
 * ca_open.
 */
#ifndef COLLECTOR_AUTH_CA_H
#define COLLECTOR_AUTH_CA_H

#include <stddef.h>
#include <stdint.h>

struct ca;
struct buf;

/** Longest id, site and list of states, NULs included. */
#define CA_ID_MAX     64
#define CA_SITE_MAX   64
#define CA_STATES_MAX 64

/** Bytes of a SHA-256 fingerprint, and of its lower-case hex text with NUL. */
#define CA_FINGERPRINT      32
#define CA_FINGERPRINT_TEXT 65

/** What a verified client certificate says. */
struct ca_identity {
    char id[CA_ID_MAX];
    char site[CA_SITE_MAX];
    char states[CA_STATES_MAX];          /* "jm,bb" */
    uint8_t fingerprint[CA_FINGERPRINT]; /* SHA-256 of the DER */
    uint64_t not_after_ns;
};

/**
 * Open the CA in `dir`, made there on first use (`*created` tells). The server certificate is made
 * or renewed when it lacks one of `names` (DNS names or addresses) or is near its end. NULL and a
 * log line on failure.
 */
struct ca *ca_open(const char *dir, const char *const *names, size_t name_count, int *created);

/** Free. NULL is allowed. */
void ca_close(struct ca *ca);

/** The CA certificate, PEM, owned by the CA. */
const char *ca_cert_pem(const struct ca *ca);
/** The server's certificate chain and key, PEM, owned by the CA. */
const char *ca_server_cert_pem(const struct ca *ca);
/** The server's key, PEM, owned by the CA. */
const char *ca_server_key_pem(const struct ca *ca);
/** SHA-256 of the CA certificate's DER. */
const uint8_t *ca_fingerprint(const struct ca *ca);

/**
 * Check a certification request (PEM): well-formed, signed by its own key, ECDSA P-256 or Ed25519.
 * `fingerprint` gets the SHA-256 of its public key (what the host reads out). 0, or
 * ABENG_EFORMAT/EINVAL with one line in `why`.
 */
int ca_check_request(const char *pem, size_t len, uint8_t fingerprint[CA_FINGERPRINT], char *why,
                     size_t why_len);

/**
 * Sign a checked request for `who` (id, site, states; the request's own subject is ignored), valid
 * from an hour ago for `days`. Appends PEM to `out`, fills who->fingerprint and not_after_ns. 0 or
 * ABENG_ERR with `why`.
 */
int ca_sign_request(const struct ca *ca, const char *pem, size_t len, struct ca_identity *who,
                    unsigned days, struct buf *out, char *why, size_t why_len);

/**
 * Verify a client certificate (DER) against this CA at `now_ns` and read who it names. 0,
 * ABENG_EAUTH (not ours, expired, not yet valid, not a client's) or ABENG_EFORMAT, with one line in
 * `why`.
 */
int ca_verify_client(const struct ca *ca, const uint8_t *der, size_t len, uint64_t now_ns,
                     struct ca_identity *out, char *why, size_t why_len);

/** Whether `states` ("jm,bb") names `state`. */
int ca_states_have(const char *states, const char *state);

/** Hex of a fingerprint. */
void ca_fingerprint_text(const uint8_t fingerprint[CA_FINGERPRINT], char out[CA_FINGERPRINT_TEXT]);

#endif
