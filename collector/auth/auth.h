/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Who analysts are and what they may see: users, sessions, and the one gate that every request
 * passes. A session is a random token; the store has its hash, whose it is and until when. What a
 * session may see is a set of states, taken from its user and never from the request; handlers hand
 * it to the read model, which answers for what is outside as if it were not there.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth;
struct clock;
struct http_request;
struct http_route;
struct json;
struct store;
struct store_conn;

/** Roles, and as bits what a route asks for. */
enum role {
    ROLE_REGIONAL = 1 << 0, /* all states, decides */
    ROLE_NATIONAL = 1 << 1, /* own states, decides */
    ROLE_CONTACT = 1 << 2,  /* own states, reads and notes */
    ROLE_ADMIN = 1 << 3,    /* all states, decides, and users, sensors, feeds */
    ROLE_AUDITOR = 1 << 4,  /* reads */
    ROLE_PARTNER = 1 << 5,  /* own channels of signatures, no state's data */
    ROLE_HOST = 1 << 6,     /* own sensors, no state's data */
    ROLE_CLIENT = 1 << 7,   /* a program: own states, reads and exports */
};
#define ROLE_READERS  (ROLE_REGIONAL | ROLE_NATIONAL | ROLE_CONTACT | ROLE_ADMIN | ROLE_AUDITOR)
#define ROLE_DECIDERS (ROLE_REGIONAL | ROLE_NATIONAL | ROLE_ADMIN)
#define ROLE_NOTERS   (ROLE_DECIDERS | ROLE_CONTACT)
#define ROLE_VIEWERS  (ROLE_READERS | ROLE_CLIENT)
#define ROLE_ALL      (ROLE_READERS | ROLE_PARTNER | ROLE_HOST | ROLE_CLIENT)

/**
 * Whose data a route is about: exactly one of these stands beside the roles in http_route.roles.
 * The gate refuses a route without one, so a new route can't be open by oversight.
 */
enum scope_rule {
    SCOPE_NONE = 1 << 16,   /* needs no session; then no roles either */
    SCOPE_SELF = 1 << 17,   /* about the session itself */
    SCOPE_LIST = 1 << 18,   /* the handler shows what session.scope allows, and no more */
    SCOPE_ID = 1 << 19,     /* {id} is "jm-12": the gate answers 404 for another state's */
    SCOPE_STATE = 1 << 20,  /* {state}, else ?state=, is a code: the gate answers 404 likewise */
    SCOPE_REGION = 1 << 21, /* holds no state's data; the role alone decides */
};
/** A flag of a route besides: its answer holds a secret, which is kept nowhere. */
#define ROUTE_SECRET (1u << 24)

#define SCOPE_RULES  (SCOPE_NONE | SCOPE_SELF | SCOPE_LIST | SCOPE_ID | SCOPE_STATE | SCOPE_REGION)

/** Longest name of a user (also its id), full name, list of states; NULs included. */
#define AUTH_USER_MAX   64
#define AUTH_NAME_MAX   128
#define AUTH_STATES_MAX 64

/** Longest subject of a user: a partner's name, a host's sensors ("a,b"). */
#define AUTH_SUBJECT_MAX 256

/** Passwords: from here to there. */
#define AUTH_PASSWORD_MIN 10
#define AUTH_PASSWORD_MAX 256

/** A session that is not used ends after this; after this in any case. */
#define AUTH_IDLE_MS    (12 * 3600000ull)
#define AUTH_LONGEST_MS (7 * 86400000ull)

/** A program's token that is not used ends after this. */
#define AUTH_CLIENT_MS (90 * 86400000ull)

/** Failed logins per user and address before they have to wait, and how long a failure counts. */
#define AUTH_TRIES     5
#define AUTH_WINDOW_MS (15 * 60000ull)

/** Name of the administrator on the collector's own host. */
#define AUTH_LOCAL "local"

/** Who asks. */
struct session {
    char user[AUTH_USER_MAX];
    char name[AUTH_NAME_MAX];
    enum role role;
    char states[AUTH_STATES_MAX]; /* "jm,bb" or "*" */
    unsigned scope;               /* set of 1 << state index; 0 for partners and hosts */
    char subject[AUTH_SUBJECT_MAX];
    char csrf[48];
    char key[96]; /* of the session in the store */
};

/** Make it, with its hashing thread. `clock` NULL: the system's. */
struct auth *auth_create(struct store *store, const struct clock *clock);

/** End the thread, free. NULL is allowed. */
void auth_free(struct auth *a);

/**
 * When no user is there, make "admin" with a random password, which goes to `password` and nowhere
 * else. 1 when made, 0 when there are users, ABENG_EAGAIN.
 */
int auth_first_admin(struct auth *a, char password[24]);

/**
 * Write a fresh token of the local administrator to `path` (0600); older ones are void. 0,
 * ABENG_EIO or ABENG_EAGAIN.
 */
int auth_local_token(struct auth *a, const char *path);

/**
 * The gate (http_admit_fn, `arg` is the auth): finds the session by cookie or bearer token, checks
 * role, scope rule and CSRF token, keeps the session with the request. 401 nobody, 403 role or
 * CSRF, 404 another state's, 500 a route without a rule.
 */
int auth_admit(void *arg, struct http_request *req, const struct http_route *route);

/**
 * Log in; `code` is the second factor's, or NULL. `token` gets the session's token, `who` the
 * session. 0; ABENG_EAUTH; ABENG_EDENIED the password is right and a code is needed; ABENG_ELIMIT
 * too many tries, `*wait_ms` says how long to wait; ABENG_EAGAIN store away or too many logins at
 * once.
 */
int auth_login(struct auth *a, const char *user, const char *password, const char *code,
               const char *address, char token[48], struct session *who, uint64_t *wait_ms);

/** End a session. */
int auth_logout(struct auth *a, const struct session *s);

/**
 * A token for a user of role client, which has no password; ends when unused for AUTH_CLIENT_MS or
 * when the user is changed. 0, ABENG_ENOENT, ABENG_ECONFLICT (another role) with `why`,
 * ABENG_EAGAIN.
 */
int auth_client_token(struct auth *a, const char *user, char token[48], char *why, size_t why_len);

/**
 * Check the second factor of a user: 0 it has none, or `code` is good and was not used before;
 * ABENG_EDENIED it has one and there is no code; ABENG_EAUTH; ABENG_EAGAIN.
 */
int auth_second(struct auth *a, const char *user, const char *code);

/** Begin a second factor: `secret` (TOTP_SECRET_TEXT). 0, ABENG_EEXIST, ABENG_EAGAIN. */
int auth_totp_begin(struct auth *a, const char *user, char *secret);

/** It counts from now on, if `code` fits: 0, ABENG_EAUTH, ABENG_ENOENT not begun, ABENG_EAGAIN. */
int auth_totp_confirm(struct auth *a, const char *user, const char *code);

/** End it; `code` NULL: an administrator does. 0, ABENG_EAUTH, ABENG_ENOENT, ABENG_EAGAIN. */
int auth_totp_end(struct auth *a, const char *user, const char *code);

/** Write the open sessions as array elements: one's own, all for an administrator. */
int auth_sessions_write(struct auth *a, const struct session *s, struct json *out, size_t *count);

/** End the session of this id, likewise: 0, ABENG_ENOENT, ABENG_EAGAIN. */
int auth_session_end(struct auth *a, const struct session *s, const char *digest);

/** What a user is to be; texts NULL: as it is. */
struct auth_user {
    const char *user, *name, *role, *states, *password, *subject;
};

/** Add a user: 0, ABENG_EEXIST, ABENG_EINVAL with `why`, ABENG_EAGAIN. */
int auth_user_add(struct auth *a, const struct auth_user *u, char *why, size_t why_len);

/** Change a user; ends its sessions. 0, ABENG_ENOENT, ABENG_EINVAL with `why`, ABENG_EAGAIN. */
int auth_user_change(struct auth *a, const struct auth_user *u, char *why, size_t why_len);

/** Remove a user and its sessions: 0, ABENG_ENOENT, ABENG_EAGAIN. */
int auth_user_remove(struct auth *a, const char *user);

/** Write one user's object: 0, ABENG_ENOENT, ABENG_EAGAIN. */
int auth_user_write(struct auth *a, const char *user, struct json *out);

/** Write all users as array elements; `*count` gets how many. 0 or ABENG_EAGAIN. */
int auth_users_write(struct auth *a, struct json *out, size_t *count);

/** Role of a word, or ABENG_ENOENT. */
int role_find(const char *word);

/** "regional", …; static. */
const char *role_word(enum role role);

/**
 * Whether the scope rule of `roles` lets `s` at what `id` ("jm-12") or `state` ("jm") names; NULL
 * where the request names none: 1 yes, 0 answer 404, ABENG_EINVAL the route has no rule.
 */
int auth_in_scope(const struct session *s, uint32_t roles, const char *id, const char *state);

/**
 * The store's connection to ask about state `code` with. A session of some states gets the Redis
 * user of that state when it is one of them, else of its own first one, which Redis then refuses:
 * a mistake in a handler can't show what the session may not see.
 */
struct store_conn *auth_conn(struct auth *a, const struct session *s, const char *code);

/** The set of states of a list ("jm,bb" or "*"); 0 when it is empty or names what is none. */
unsigned auth_scope(const char *states);

/** Write `"states":[…]`. */
void auth_write_states(struct json *out, const char *states);

/** An entry of the region's audit: who did what to whom. */
void auth_audit(struct auth *a, const char *who, const char *verb, const char *what,
                const char *text);

#endif
