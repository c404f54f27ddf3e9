/* SPDX-License-Identifier: Apache-2.0 */
/* Mail and webhooks. */
#include "config.h"
#include "collector/notify/send.h"

#include <curl/curl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/sign.h"

/** Longest message; bytes of text in one encoded word and in one line of the body. */
#define MESSAGE_MAX (1u << 20)
#define WORD_BYTES  42
#define LINE_BYTES  57

/* ---- the message ----------------------------------------------------------------------------- */

static void add_base64(struct buf *out, const void *bytes, size_t len)
{
    char text[sodium_base64_ENCODED_LEN(LINE_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    sodium_bin2base64(text, sizeof text, bytes, len, sodium_base64_VARIANT_ORIGINAL);
    buf_text(out, text);
}

/* Bytes of `text` from here that make one encoded word: no character is cut in two. */
static size_t word_bytes(const char *text)
{
    size_t n = strlen(text);
    if (n <= WORD_BYTES)
        return n;
    for (n = WORD_BYTES; n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80;)
        n--;
    return n;
}

static void add_subject(struct buf *out, const char *text)
{
    buf_text(out, "Subject:");
    do {
        size_t n = word_bytes(text);
        buf_text(out, " =?UTF-8?B?");
        add_base64(out, text, n);
        buf_text(out, "?=\r\n");
        text += n;
    } while (*text);
}

static void add_date(struct buf *out, uint64_t now_ms)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct tm tm;
    time_t seconds = (time_t)(now_ms / 1000);
    gmtime_r(&seconds, &tm);
    buf_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
               months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void send_compose(const struct send_conf *conf, const struct send_mail *mail, struct buf *out)
{
    const char *domain = strchr(conf->mail_from, '@');
    size_t left = strlen(mail->text);
    const char *at = mail->text;
    buf_printf(out, "From: <%s>\r\nTo: <%s>\r\n", conf->mail_from, mail->to);
    add_subject(out, mail->subject);
    add_date(out, mail->now_ms);
    buf_printf(out, "Message-ID: <%s%s>\r\n", mail->message_id, domain ? domain : "@abeng");
    buf_printf(out, "X-TLP: TLP:%s\r\nAuto-Submitted: auto-generated\r\n", mail->tlp);
    buf_text(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n");
    while (left) {
        size_t n = left < LINE_BYTES ? left : LINE_BYTES;
        add_base64(out, at, n);
        buf_text(out, "\r\n");
        at += n;
        left -= n;
    }
}

/* ---- sending --------------------------------------------------------------------------------- */

struct source {
    const struct buf *message;
    size_t at;
};

static size_t give(char *to, size_t size, size_t count, void *arg)
{
    struct source *s = arg;
    size_t n = size * count, left = s->message->len - s->at;
    n = n < left ? n : left;
    memcpy(to, s->message->data + s->at, n);
    s->at += n;
    return n;
}

static size_t drop(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * count;
}

static void set_common(CURL *c, const struct send_conf *conf, char error[CURL_ERROR_SIZE])
{
    *error = '\0';
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, SEND_SECONDS);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    if (conf->ca_file)
        curl_easy_setopt(c, CURLOPT_CAINFO, conf->ca_file);
}

static int perform(CURL *c, const char *error, char *why, size_t why_len)
{
    CURLcode code = curl_easy_perform(c);
    if (code == CURLE_OK)
        return 0;
    snprintf(why, why_len, "%s", *error ? error : curl_easy_strerror(code));
    return ABENG_EIO;
}

int send_mail(const struct send_conf *conf, const struct send_mail *mail, char *why, size_t why_len)
{
    char error[CURL_ERROR_SIZE];
    if (!conf->smtp_url || !conf->mail_from) {
        snprintf(why, why_len, "no mail server is set up: smtp-url and mail-from are needed");
        return ABENG_EINVAL;
    }
    CURL *c = curl_easy_init();
    struct buf message;
    struct source source = { &message, 0 };
    struct curl_slist *to = curl_slist_append(NULL, mail->to);
    int err = ABENG_ENOMEM;
    snprintf(why, why_len, "out of memory, or the message is longer than 1 MiB");
    buf_init(&message, MESSAGE_MAX);
    if (!c || !to)
        goto out;
    send_compose(conf, mail, &message);
    if (message.bad)
        goto out;
    set_common(c, conf, error);
    curl_easy_setopt(c, CURLOPT_URL, conf->smtp_url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(c, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
    curl_easy_setopt(c, CURLOPT_MAIL_FROM, conf->mail_from);
    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(c, CURLOPT_READDATA, &source);
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    if (conf->smtp_user && conf->smtp_password) {
        curl_easy_setopt(c, CURLOPT_USERNAME, conf->smtp_user);
        curl_easy_setopt(c, CURLOPT_PASSWORD, conf->smtp_password);
        curl_easy_setopt(c, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    }
    err = perform(c, error, why, why_len);
out:
    buf_free(&message);
    curl_slist_free_all(to);
    curl_easy_cleanup(c);
    return err;
}

static void add_public_signature(const struct sign_secret *key, const struct buf *signed_,
                                 char *out, size_t size)
{
    uint8_t raw[SIGN_RAW_LEN];
    char text[sodium_base64_ENCODED_LEN(SIGN_RAW_LEN, sodium_base64_VARIANT_ORIGINAL)];
    sign_raw(key, signed_->data, signed_->len, raw);
    sodium_bin2base64(text, sizeof text, raw, sizeof raw, sodium_base64_VARIANT_ORIGINAL);
    snprintf(out, size, ",ed25519=%s", text);
}

void send_sign(const struct sign_secret *key, const char *secret, const char *body, uint64_t now_ms,
               char out[SEND_SIGN_TEXT])
{
    char hex[2 * crypto_auth_hmacsha256_BYTES + 1];
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    struct buf text;
    buf_init(&text, MESSAGE_MAX);
    buf_printf(&text, "%llu.", (unsigned long long)(now_ms / 1000));
    int seconds = (int)text.len - 1;
    buf_text(&text, body);
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, text.data, text.len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2hex(hex, sizeof hex, mac, sizeof mac);
    int n = snprintf(out, SEND_SIGN_TEXT, "Abeng-Signature: t=%.*s,v1=%s", seconds,
                     (const char *)text.data, hex);
    if (key)
        add_public_signature(key, &text, out + n, SEND_SIGN_TEXT - (size_t)n);
    buf_free(&text);
}

int send_webhook(const struct send_conf *conf, const char *url, const char *secret,
                 const char *body, uint64_t now_ms, char *why, size_t why_len)
{
    char error[CURL_ERROR_SIZE], sign[SEND_SIGN_TEXT];
    long status = 0;
    CURL *c = curl_easy_init();
    send_sign(conf->key, secret, body, now_ms, sign);
    struct curl_slist *heads = curl_slist_append(NULL, sign);
    int err = ABENG_ENOMEM;
    snprintf(why, why_len, "out of memory");
    if (!c || !heads || !curl_slist_append(heads, "Content-Type: application/json"))
        goto out;
    set_common(c, conf, error);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, heads);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
    err = perform(c, error, why, why_len);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    if (!err && (status < 200 || status > 299)) {
        snprintf(why, why_len, "the server answered %ld", status);
        err = ABENG_EIO;
    }
out:
    curl_slist_free_all(heads);
    curl_easy_cleanup(c);
    return err;
}
