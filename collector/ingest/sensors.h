/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The register of sensors: invited -> (pending, when the invitation holds) -> active -> revoked,
 * and what each of them says of itself. Kept in {rg}:sensor:ID; a sensor's account of received,
 * lost and late records is kept per state beside the streams and summed here. Functions wait for
 * the store (bounded), so call them from work threads.
 */
#ifndef COLLECTOR_INGEST_SENSORS_H
#define COLLECTOR_INGEST_SENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/auth/ca.h"
#include "collector/http/http.h"
#include "common/buf.h"

struct json;
struct sensors;
struct store;

/** Minutes an invitation is good for when nothing else is said. */
#define SENSORS_TOKEN_MINUTES 15

struct sensors_conf {
    struct store *store;
    struct ca *ca;
    const char *const *addresses; /* what sensors connect to, "HOST:PORT"; goes into tokens */
    size_t address_count;
    unsigned cert_days; /* life of a sensor's certificate; 0: 90 */
};

/** Make the register; `conf` is copied, what it points to borrowed. */
struct sensors *sensors_create(const struct sensors_conf *conf);

/** Free. NULL is allowed. */
void sensors_free(struct sensors *s);

/** Live connections of revoked sensors are closed on this server from now on. */
void sensors_attach(struct sensors *s, struct http_server *server);

/** Requests of a sensor that wait for commands are parked on this and its id. */
#define SENSORS_TOPIC "sensor:"

/**
 * The admit hook of the sensors' listener (`arg` is the register): verifies the client certificate,
 * refuses revoked ones, and makes a struct ca_identity the session. Routes with roles 0 need none.
 */
int sensors_admit(void *arg, struct http_request *req, const struct http_route *route);

struct sensors_invitation {
    const char *name;   /* also the id; letters, digits, . _ - */
    const char *states; /* "jm" or "jm,bb" */
    const char *site;   /* may be NULL: same as name */
    bool hold;          /* a person approves the key first */
    unsigned minutes;   /* 0: SENSORS_TOKEN_MINUTES */
};

/**
 * Invite a sensor. Appends the one-line token ("abeng1....") to `token`, which is shown once: the
 * store has its hash. 0, ABENG_EEXIST (active under this name: revoke first), ABENG_EINVAL,
 * ABENG_EAGAIN, with `why`.
 */
int sensors_invite(struct sensors *s, const struct sensors_invitation *in, struct buf *token,
                   uint64_t *expires_ns, char *why, size_t why_len);

/**
 * Let a pending sensor in; `fingerprint` (hex of the key, as the host reads it out) must be the
 * pending one's. 0, ABENG_ENOENT, ABENG_ECONFLICT (not pending), ABENG_EDENIED (another
 * fingerprint), with `why`.
 */
int sensors_approve(struct sensors *s, const char *id, const char *fingerprint, char *why,
                    size_t why_len);

/**
 * Revoke a sensor's certificates and invitations; live connections end within a second. 0,
 * ABENG_ENOENT.
 */
int sensors_revoke(struct sensors *s, const char *id, const char *reason, char *why,
                   size_t why_len);

/**
 * Write sensors as a JSON array value (docs/API: GET /api/v1/sensors items): those that speak for a
 * state of `scope` ("jm,bb" or "*"), and of each only what is those states'; with `only` ("a,b",
 * may be NULL) only the sensors it names. 0 or ABENG_EAGAIN.
 */
int sensors_write_json(struct sensors *s, const char *scope, const char *only, struct json *out);

/**
 * The states that sensor `id` speaks for and that `scope` has too, "jm,bb", and its clock's offset.
 * 0, ABENG_ENOENT (not there, or none), ABENG_EAGAIN.
 */
int sensors_states(struct sensors *s, const char *id, const char *scope, char out[CA_STATES_MAX],
                   int64_t *offset_ms);

/** The CA's certificate, PEM; owned by the CA. */
const char *sensors_ca_pem(const struct sensors *s);

/** What an enrolment or renewal comes to. */
struct sensors_grant {
    bool pending; /* a person has to approve the key first; ask again */
    struct ca_identity who;
    uint8_t key[CA_FINGERPRINT]; /* SHA-256 of the public key */
    struct buf certificate;      /* PEM; the caller frees, after errors too */
};

/**
 * Use an invitation: `secret` of the token, `request` (PEM). The same key may ask again, another
 * one may not. 0, ABENG_EDENIED (invitation unknown, used, expired), ABENG_EFORMAT, ABENG_EINVAL,
 * ABENG_EAGAIN with `why`.
 */
int sensors_enrol(struct sensors *s, const char *secret, const char *request, size_t len,
                  struct sensors_grant *out, char *why, size_t why_len);

/**
 * A new certificate for a sensor that has one; states and site as the register says now. Errors as
 * above.
 */
int sensors_renew(struct sensors *s, const struct ca_identity *who, const char *request, size_t len,
                  struct sensors_grant *out, char *why, size_t why_len);

/** Keep a health report (a JSON object, checked by the caller). 0, ABENG_ENOENT, ABENG_EAGAIN. */
int sensors_health(struct sensors *s, const char *id, const char *report, size_t len,
                   uint64_t now_ns, int64_t clock_offset_ms);

/**
 * Queue a command ("pull_bundle" with a channel, "renew") for one sensor, NULL: for each active
 * one; wakes them.
 */
int sensors_command(struct sensors *s, const char *id, const char *verb, const char *argument);

/** Wake a sensor's waiting poll, so that it comes for what there is. */
void sensors_wake(struct sensors *s, const char *id);

/**
 * Which sensor sent `lane` (of member state `state`) in `epoch`; its id into `out` (CA_ID_MAX).
 * Known for seven days after the last batch. 0, ABENG_ENOENT or ABENG_EAGAIN.
 */
int sensors_of_epoch(struct sensors *s, const char *state, const char *epoch, const char *lane,
                     char *out);

/** Take a sensor's waiting commands and write them as array elements. 0 or ABENG_EAGAIN. */
int sensors_take_commands(struct sensors *s, const char *id, struct json *out, size_t *count);

#endif
