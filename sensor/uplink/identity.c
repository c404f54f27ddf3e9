/* SPDX-License-Identifier: Apache-2.0 */
/* The sensor's key, request and certificate. */
#include "config.h"
#include "sensor/uplink/identity.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/json.h"
#include "common/xalloc.h"

#define FILE_MAX (64u << 10)
#define KEY      "sensor.key"
#define KEY_NEXT "sensor.key.next"
#define CERT     "sensor.crt"
#define CA       "ca.crt"
#define IDENTITY "identity.json"

static char *below(const char *dir, const char *name)
{
    return xasprintf("%s/%s", dir, name);
}

static int complain(char *why, size_t why_len, const char *path)
{
    snprintf(why, why_len, "%s: %s", path, strerror(errno));
    return ABENG_EIO;
}

static int put(const char *dir, const char *name, const void *bytes, size_t len, unsigned mode,
               char *why, size_t why_len)
{
    char *path = below(dir, name);
    int err = file_replace(path, bytes, len, mode);

    if (err)
        err = complain(why, why_len, path);
    free(path);
    return err;
}

/* ---- reading ------------------------------------------------------------------------------ */

static char *text_member(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text && *text ? xstrdup(text) : NULL;
}

static bool read_members(const json_t *o, struct identity *out)
{
    const json_t *list = json_object_get(o, "collectors");
    size_t i;
    json_t *item;

    out->id = text_member(o, "id");
    out->site = text_member(o, "site");
    out->states = text_member(o, "states");
    out->begins_s = (uint64_t)json_integer_value(json_object_get(o, "begins"));
    out->ends_s = (uint64_t)json_integer_value(json_object_get(o, "ends"));
    json_array_foreach(list, i, item)
    {
        if (json_is_string(item) && out->collector_count < IDENTITY_COLLECTORS_MAX)
            out->collectors[out->collector_count++] = xstrdup(json_string_value(item));
    }
    return out->id && out->site && out->states && out->collector_count;
}

int identity_load(const char *state_dir, struct identity *out, char *why, size_t why_len)
{
    struct buf b;
    char *path = below(state_dir, IDENTITY);
    json_t *o = NULL;

    memset(out, 0, sizeof(*out));
    buf_init(&b, FILE_MAX);
    int err = file_read(path, &b);
    if (err) {
        err = errno == ENOENT ? ABENG_ENOENT : ABENG_EIO;
        complain(why, why_len, path);
    } else {
        o = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
        if (!read_members(o, out)) {
            snprintf(why, why_len, "%s is damaged; enrol this sensor again", path);
            err = ABENG_EFORMAT;
        }
    }
    out->key_path = below(state_dir, KEY);
    out->cert_path = below(state_dir, CERT);
    out->ca_path = below(state_dir, CA);
    json_decref(o);
    buf_free(&b);
    free(path);
    if (err)
        identity_free(out);
    return err;
}

void identity_free(struct identity *id)
{
    free(id->id);
    free(id->site);
    free(id->states);
    free(id->key_path);
    free(id->cert_path);
    free(id->ca_path);
    for (size_t i = 0; i < id->collector_count; i++)
        free(id->collectors[i]);
    memset(id, 0, sizeof(*id));
}

/* ---- key and request ---------------------------------------------------------------------- */

static int import_key(const char *dir, const char *name, gnutls_x509_privkey_t key)
{
    struct buf b;
    char *path = below(dir, name);

    buf_init(&b, FILE_MAX);
    int err = file_read(path, &b);
    if (!err) {
        gnutls_datum_t pem = { b.data, (unsigned)b.len };
        if (gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0) < 0)
            err = ABENG_EFORMAT;
        explicit_bzero(b.data, b.len);
    } else if (errno == ENOENT) {
        err = ABENG_ENOENT;
    }
    buf_free(&b);
    free(path);
    return err;
}

static int generate_key(const char *dir, const char *name, gnutls_x509_privkey_t key, char *why,
                        size_t why_len)
{
    gnutls_datum_t pem;

    int rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                          GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (rc >= 0)
        rc = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem);
    if (rc < 0) {
        snprintf(why, why_len, "can't make a key: %s", gnutls_strerror(rc));
        return ABENG_ERR;
    }
    int err = put(dir, name, pem.data, pem.size, 0600, why, why_len);
    explicit_bzero(pem.data, pem.size);
    gnutls_free(pem.data);
    return err;
}

static int sign_request(gnutls_x509_privkey_t key, struct buf *request)
{
    static const char name[] = "abeng-sensor"; /* the collector gives the real one */
    gnutls_x509_crq_t crq;
    gnutls_datum_t pem;

    gnutls_x509_crq_init(&crq);
    int rc = gnutls_x509_crq_set_version(crq, 1);
    if (rc >= 0)
        rc = gnutls_x509_crq_set_dn_by_oid(crq, GNUTLS_OID_X520_COMMON_NAME, 0, name, strlen(name));
    if (rc >= 0)
        rc = gnutls_x509_crq_set_key(crq, key);
    if (rc >= 0)
        rc = gnutls_x509_crq_sign2(crq, key, GNUTLS_DIG_SHA256, 0);
    if (rc >= 0)
        rc = gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, &pem);
    if (rc >= 0) {
        buf_add(request, pem.data, pem.size);
        gnutls_free(pem.data);
    }
    gnutls_x509_crq_deinit(crq);
    return rc;
}

int identity_request(const char *state_dir, int fresh, struct buf *request, char *why,
                     size_t why_len)
{
    const char *name = fresh ? KEY_NEXT : KEY;
    gnutls_x509_privkey_t key;

    if (file_make_dirs(state_dir, 0700) != ABENG_OK)
        return complain(why, why_len, state_dir);
    gnutls_x509_privkey_init(&key);
    int err = fresh ? ABENG_ENOENT : import_key(state_dir, name, key);
    if (err == ABENG_ENOENT)
        err = generate_key(state_dir, name, key, why, why_len);
    else if (err)
        snprintf(why, why_len, "%s/%s can't be read; remove it to make a new key", state_dir, name);
    if (!err) {
        int rc = sign_request(key, request);
        if (rc < 0) {
            snprintf(why, why_len, "can't make a request: %s", gnutls_strerror(rc));
            err = ABENG_ERR;
        }
    }
    gnutls_x509_privkey_deinit(key);
    return err;
}

int identity_cert_print(const char *pem, size_t len, char out[65])
{
    gnutls_x509_crt_t crt;
    gnutls_datum_t d = { (unsigned char *)(uintptr_t)pem, (unsigned)len };
    uint8_t print[32];
    size_t n = sizeof(print);

    gnutls_x509_crt_init(&crt);
    int rc = gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_PEM);
    if (rc >= 0)
        rc = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, print, &n);
    gnutls_x509_crt_deinit(crt);
    for (size_t i = 0; i < sizeof(print) && rc >= 0; i++)
        snprintf(out + 2 * i, 3, "%02x", print[i]);
    return rc < 0 ? ABENG_EFORMAT : ABENG_OK;
}

/* ---- signing ------------------------------------------------------------------------------ */

static int read_below(const char *dir, const char *name, struct buf *out, char *why, size_t why_len)
{
    char *path = below(dir, name);
    int err = file_read(path, out);

    if (err)
        err = complain(why, why_len, path);
    free(path);
    return err;
}

/* The signature as DER. */
static int sign_bytes(const char *dir, const void *bytes, size_t len, gnutls_datum_t *out)
{
    gnutls_datum_t data = { (unsigned char *)(uintptr_t)bytes, (unsigned)len };
    gnutls_x509_privkey_t key;
    gnutls_privkey_t abstract;

    gnutls_x509_privkey_init(&key);
    gnutls_privkey_init(&abstract);
    int rc = import_key(dir, KEY, key) ? GNUTLS_E_FILE_ERROR : 0;
    if (rc >= 0)
        rc = gnutls_privkey_import_x509(abstract, key, 0);
    if (rc >= 0)
        rc = gnutls_privkey_sign_data2(abstract, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, out);
    gnutls_privkey_deinit(abstract);
    gnutls_x509_privkey_deinit(key);
    return rc;
}

static void write_signed(const gnutls_datum_t *signature, const struct buf *certificate,
                         struct buf *out)
{
    gnutls_datum_t text;
    struct json j;

    if (gnutls_base64_encode2(signature, &text) < 0)
        abort();
    json_begin(&j, out);
    json_open(&j, NULL);
    json_str(&j, "algorithm", "ECDSA-SHA256");
    json_strn(&j, "signature", text.data, text.size);
    json_strn(&j, "certificate", certificate->data, certificate->len);
    json_close(&j);
    buf_byte(out, '\n');
    gnutls_free(text.data);
}

int identity_sign(const char *state_dir, const void *bytes, size_t len, struct buf *out, char *why,
                  size_t why_len)
{
    gnutls_datum_t signature = { NULL, 0 };
    struct buf certificate;

    buf_init(&certificate, FILE_MAX);
    int err = read_below(state_dir, CERT, &certificate, why, why_len);
    int rc = err ? 0 : sign_bytes(state_dir, bytes, len, &signature);
    if (rc < 0) {
        snprintf(why, why_len, "%s/" KEY ": %s", state_dir, gnutls_strerror(rc));
        err = ABENG_EIO;
    }
    if (!err) {
        write_signed(&signature, &certificate, out);
        /* A renewal may have put a new key beside the old certificate just now. */
        err = identity_check(state_dir, bytes, len, out, why, why_len);
    }
    gnutls_free(signature.data);
    buf_free(&certificate);
    return err;
}

/* Whether the certificate is of the CA, whatever the time. */
static int check_issuer(gnutls_x509_crt_t crt, const struct buf *ca)
{
    gnutls_datum_t pem = { ca->data, (unsigned)ca->len };
    gnutls_x509_trust_list_t trust;
    unsigned status = 1;

    gnutls_x509_trust_list_init(&trust, 0);
    int rc = gnutls_x509_trust_list_add_trust_mem(trust, &pem, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
    if (rc > 0)
        rc = gnutls_x509_trust_list_verify_crt(trust, &crt, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS,
                                               &status, NULL);
    gnutls_x509_trust_list_deinit(trust, 1);
    return rc < 0 || status ? ABENG_EAUTH : ABENG_OK;
}

static int check_signature(gnutls_x509_crt_t crt, const char *base64, const void *bytes, size_t len)
{
    gnutls_datum_t text = { (unsigned char *)(uintptr_t)base64, (unsigned)strlen(base64) };
    gnutls_datum_t data = { (unsigned char *)(uintptr_t)bytes, (unsigned)len }, signature;
    gnutls_pubkey_t key;

    if (gnutls_base64_decode2(&text, &signature) < 0)
        return ABENG_EFORMAT;
    gnutls_pubkey_init(&key);
    int rc = gnutls_pubkey_import_x509(key, crt, 0);
    if (rc >= 0)
        rc = gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &signature);
    gnutls_pubkey_deinit(key);
    gnutls_free(signature.data);
    return rc < 0 ? ABENG_EAUTH : ABENG_OK;
}

int identity_check(const char *state_dir, const void *bytes, size_t len, const struct buf *signed_,
                   char *why, size_t why_len)
{
    json_t *o = json_loadb((const char *)signed_->data, signed_->len, JSON_REJECT_DUPLICATES, NULL);
    const char *signature = json_string_value(json_object_get(o, "signature"));
    const char *certificate = json_string_value(json_object_get(o, "certificate"));
    gnutls_datum_t pem = { (unsigned char *)(uintptr_t)certificate,
                           certificate ? (unsigned)strlen(certificate) : 0 };
    gnutls_x509_crt_t crt;
    struct buf ca;

    buf_init(&ca, FILE_MAX);
    gnutls_x509_crt_init(&crt);
    int err = read_below(state_dir, CA, &ca, why, why_len);
    if (!err && (!signature || !certificate ||
                 gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM) < 0)) {
        snprintf(why, why_len, "the signature is none");
        err = ABENG_EFORMAT;
    }
    if (!err && (err = check_issuer(crt, &ca)))
        snprintf(why, why_len, "the certificate that signed it is not of this collector's CA");
    if (!err && (err = check_signature(crt, signature, bytes, len)))
        snprintf(why, why_len, "the signature does not fit: it was changed after it was signed");
    gnutls_x509_crt_deinit(crt);
    buf_free(&ca);
    json_decref(o);
    return err;
}

/* ---- keeping ------------------------------------------------------------------------------ */

static int keep_json(const char *dir, const struct identity *id, char *why, size_t why_len)
{
    struct buf b;
    struct json j;

    buf_init(&b, FILE_MAX);
    json_begin(&j, &b);
    json_open(&j, NULL);
    json_str(&j, "id", id->id);
    json_str(&j, "site", id->site);
    json_str(&j, "states", id->states);
    json_open_array(&j, "collectors");
    for (size_t i = 0; i < id->collector_count; i++)
        json_str(&j, NULL, id->collectors[i]);
    json_close_array(&j);
    json_u64(&j, "begins", id->begins_s);
    json_u64(&j, "ends", id->ends_s);
    json_close(&j);
    buf_byte(&b, '\n');
    int err = put(dir, IDENTITY, b.data, b.len, 0644, why, why_len);
    buf_free(&b);
    return err;
}

static int swap_key(const char *dir, char *why, size_t why_len)
{
    char *from = below(dir, KEY_NEXT), *to = below(dir, KEY);
    int err = rename(from, to) == 0 ? ABENG_OK : complain(why, why_len, to);

    free(from);
    free(to);
    return err;
}

int identity_keep(const char *state_dir, const struct identity *id, const char *certificate,
                  int fresh, char *why, size_t why_len)
{
    int err = fresh ? swap_key(state_dir, why, why_len) : ABENG_OK;
    if (!err)
        err = put(state_dir, CERT, certificate, strlen(certificate), 0644, why, why_len);
    return err ? err : keep_json(state_dir, id, why, why_len);
}

int identity_keep_ca(const char *state_dir, const char *pem, char *why, size_t why_len)
{
    return put(state_dir, CA, pem, strlen(pem), 0644, why, why_len);
}
