/* SPDX-License-Identifier: Apache-2.0 */
/* The enrolment token. */
#include "config.h"
#include "common/token.h"

#include <jansson.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"

#define PREFIX     "abeng1."
#define SECRET_LEN 32
#define VARIANT    sodium_base64_VARIANT_URLSAFE_NO_PADDING

void token_make_secret(char secret[TOKEN_SECRET_TEXT])
{
    uint8_t bytes[SECRET_LEN];
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(secret, TOKEN_SECRET_TEXT, bytes, sizeof(bytes), VARIANT);
    sodium_memzero(bytes, sizeof(bytes));
}

void token_write(struct buf *out, const struct token *t)
{
    struct buf b;
    struct json j;
    char text[TOKEN_MAX];

    buf_init(&b, TOKEN_MAX / 2);
    json_begin(&j, &b);
    json_open(&j, NULL);
    json_str(&j, "id", t->id);
    json_str(&j, "secret", t->secret);
    json_str(&j, "ca", t->ca);
    json_open_array(&j, "at");
    for (size_t i = 0; i < t->address_count; i++)
        json_str(&j, NULL, t->addresses[i]);
    json_close_array(&j);
    json_close(&j);
    sodium_bin2base64(text, sizeof(text), b.data, b.len, VARIANT);
    buf_text(out, PREFIX);
    buf_text(out, text);
    sodium_memzero(b.data, b.len);
    sodium_memzero(text, sizeof(text));
    buf_free(&b);
}

static bool copy_member(const json_t *o, const char *name, char *to, size_t cap)
{
    const char *text = json_string_value(json_object_get(o, name));
    if (!text || !*text || strlen(text) >= cap)
        return false;
    memcpy(to, text, strlen(text) + 1);
    return true;
}

static bool good_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    return colon && colon != text && colon[1] &&
           strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

static bool read_addresses(const json_t *list, struct token *out)
{
    size_t n = json_array_size(list);

    if (n < 1 || n > TOKEN_ADDRESSES)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || strlen(text) >= TOKEN_ADDRESS_MAX || !good_address(text))
            return false;
        memcpy(out->addresses[i], text, strlen(text) + 1);
    }
    out->address_count = n;
    return true;
}

static int read_members(const json_t *o, struct token *out, char *why, size_t why_len)
{
    const char *bad = NULL;

    if (!copy_member(o, "id", out->id, sizeof(out->id)))
        bad = "id";
    else if (!copy_member(o, "secret", out->secret, sizeof(out->secret)))
        bad = "secret";
    else if (!copy_member(o, "ca", out->ca, sizeof(out->ca)) ||
             strlen(out->ca) != TOKEN_CA_TEXT - 1 ||
             strspn(out->ca, "0123456789abcdef") != strlen(out->ca))
        bad = "CA fingerprint";
    else if (!read_addresses(json_object_get(o, "at"), out))
        bad = "collector address";
    if (!bad)
        return ABENG_OK;
    snprintf(why, why_len, "the token's %s is missing or wrong; ask for a new one", bad);
    return ABENG_EFORMAT;
}

static void trim(const char **text, size_t *len)
{
    static const char blanks[] = " \t\r\n";
    while (*len && memchr(blanks, **text, 4))
        (*text)++, (*len)--;
    while (*len && memchr(blanks, (*text)[*len - 1], 4))
        (*len)--;
}

int token_read(const char *text, size_t len, struct token *out, char *why, size_t why_len)
{
    uint8_t bytes[TOKEN_MAX];
    size_t n = 0;

    memset(out, 0, sizeof(*out));
    trim(&text, &len);
    if (len < strlen(PREFIX) || memcmp(text, PREFIX, strlen(PREFIX)) != 0) {
        snprintf(why, why_len, "not an enrolment token: it begins with \"" PREFIX "\"");
        return ABENG_EFORMAT;
    }
    if (len >= TOKEN_MAX || sodium_base642bin(bytes, sizeof(bytes), text + strlen(PREFIX),
                                              len - strlen(PREFIX), NULL, &n, NULL, VARIANT) != 0) {
        snprintf(why, why_len, "the token was cut or changed on its way; copy the whole line");
        return ABENG_EFORMAT;
    }
    json_t *o = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
    sodium_memzero(bytes, sizeof(bytes));
    int err = ABENG_EFORMAT;
    if (!json_is_object(o))
        snprintf(why, why_len, "the token was cut or changed on its way; copy the whole line");
    else
        err = read_members(o, out, why, why_len);
    json_decref(o);
    return err;
}
