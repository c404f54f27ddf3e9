/* SPDX-License-Identifier: Apache-2.0 */
/** Mail by SMTP and signed webhooks, by libcurl, which is included in this folder's send.c only. */
#ifndef NOTIFY_SEND_H
#define NOTIFY_SEND_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct sign_secret;

/** Longest a server may take, in seconds. */
#define SEND_SECONDS 30L

/** How to reach the outside; texts NULL where not used. All is borrowed. */
struct send_conf {
    const char *smtp_url;  /* smtp://HOST[:PORT], smtps://HOST[:PORT] */
    const char *smtp_user; /* with smtp_password */
    const char *smtp_password;
    const char *mail_from;         /* sender's address */
    const struct sign_secret *key; /* signs webhooks besides their secrets; NULL: nothing does */
    const char *ca_file;           /* trusted besides the system's, for mail servers and webhooks */
};

struct send_mail {
    const char *to; /* one address, checked by contact_check */
    const char *subject;
    const char *text;
    const char *message_id; /* local part; the same for a second try, so that doubles collapse */
    const char *tlp;
    uint64_t now_ms;
};

/**
 * Write the message as RFC 5322 has it: headers encoded by RFC 2047, body as base64 of UTF-8. What
 * would end a header is no part of it.
 */
void send_compose(const struct send_conf *conf, const struct send_mail *mail, struct buf *out);

/**
 * Send it. 0 when the server took it; ABENG_EINVAL nothing is set up; ABENG_EIO with one line in
 * `why`. With smtp:// TLS is used when the server has it. Blocks for SEND_SECONDS at most.
 */
int send_mail(const struct send_conf *conf, const struct send_mail *mail, char *why,
              size_t why_len);

/**
 * POST `body` (JSON) to an https:// URL with the signatures of send_sign. No redirects. 0 on any
 * 2xx; ABENG_EIO with `why`. Blocks likewise.
 */
int send_webhook(const struct send_conf *conf, const char *url, const char *secret,
                 const char *body, uint64_t now_ms, char *why, size_t why_len);

/** Longest line of send_sign, NUL included. */
#define SEND_SIGN_TEXT 256

/**
 * The header line `Abeng-Signature: t=SECONDS,v1=HEX[,ed25519=BASE64]` for a body: the HMAC-SHA256
 * of "SECONDS.BODY" under `secret`, and the Ed25519 signature (RFC 8032) of the same bytes by `key`
 * (NULL: none), which a receiver verifies with a public key alone.
 */
void send_sign(const struct sign_secret *key, const char *secret, const char *body, uint64_t now_ms,
               char out[SEND_SIGN_TEXT]);

#endif
