/* SPDX-License-Identifier: Apache-2.0 */
/* The collector's own certificate authority, by GnuTLS. */
#include "config.h"
#include "collector/auth/ca.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/addr.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/xalloc.h"

#define DAY          86400
#define CA_DAYS      (20 * 365)
#define SERVER_DAYS  (2 * 365)
#define SERVER_RENEW (60 * DAY)
/* Sensors' clocks may be behind: certificates begin an hour ago. */
#define BACKDATE        3600
#define PEM_FILE_MAX    (64u << 10)
#define SERIAL_BYTES    16
#define REQUEST_PEM_MAX (16u << 10)
#define URI_PREFIX      "abeng:sensor:"
#define URI_MAX         (CA_ID_MAX + CA_SITE_MAX + CA_STATES_MAX + 64)

struct ca {
    char *dir;
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t cert;
    uint8_t fingerprint[CA_FINGERPRINT];
    char *cert_pem;
    char *server_cert_pem;
    char *server_key_pem;
};

/* ---- files -------------------------------------------------------------------------------- */

static char *path_of(const struct ca *ca, const char *name)
{
    return xasprintf("%s/%s", ca->dir, name);
}

/* A file as text, or NULL (errno says why). */
static char *load(const struct ca *ca, const char *name)
{
    struct buf b;
    char *path = path_of(ca, name), *text = NULL;

    buf_init(&b, PEM_FILE_MAX);
    if (file_read(path, &b) == ABENG_OK)
        text = xstrndup((const char *)b.data, b.len);
    gnutls_memset(b.data, 0, b.len);
    buf_free(&b);
    free(path);
    return text;
}

static int save(const struct ca *ca, const char *name, const char *text, unsigned mode)
{
    char *path = path_of(ca, name);
    int err = file_replace(path, text, strlen(text), mode);

    if (err)
        log_error("auth", "can't write %s: %s", path, strerror(errno));
    free(path);
    return err;
}

static gnutls_datum_t datum(const void *bytes, size_t len)
{
    return (gnutls_datum_t){ (unsigned char *)(uintptr_t)bytes, (unsigned)len };
}

/* ---- making certificates ------------------------------------------------------------------ */

static char *key_pem(gnutls_x509_privkey_t key)
{
    gnutls_datum_t out;
    if (gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &out) < 0)
        return NULL;
    char *text = xstrndup((const char *)out.data, out.size);
    gnutls_memset(out.data, 0, out.size);
    gnutls_free(out.data);
    return text;
}

static char *crt_pem(gnutls_x509_crt_t crt)
{
    gnutls_datum_t out;
    if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &out) < 0)
        return NULL;
    char *text = xstrndup((const char *)out.data, out.size);
    gnutls_free(out.data);
    return text;
}

static int make_key(gnutls_x509_privkey_t *key)
{
    gnutls_x509_privkey_init(key);
    return gnutls_x509_privkey_generate(*key, GNUTLS_PK_ECDSA,
                                        GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
}

/* What all our certificates share: version, serial, validity, name, usage. */
static int begin_crt(gnutls_x509_crt_t crt, const char *name, unsigned days, unsigned usage)
{
    uint8_t serial[SERIAL_BYTES];
    time_t now = (time_t)(clock_now(clock_system()) / NS_PER_S);

    gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
    serial[0] =
        (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, always 16 bytes: RFC 5280 4.1.2.2 */
    int rc = gnutls_x509_crt_set_version(crt, 3);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
    if (rc >= 0)
        rc = gnutls_x509_crt_set_activation_time(crt, now - BACKDATE);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_expiration_time(crt, now + (time_t)days * DAY);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                           (unsigned)strlen(name));
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_usage(crt, usage);
    return rc;
}

static int sign_crt(const struct ca *ca, gnutls_x509_crt_t crt)
{
    uint8_t id[64];
    size_t len = sizeof(id);

    int rc = gnutls_x509_crt_get_key_id(ca->cert, GNUTLS_KEYID_USE_SHA1, id, &len);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_authority_key_id(crt, id, len);
    return rc >= 0 ? gnutls_x509_crt_sign2(crt, ca->cert, ca->key, GNUTLS_DIG_SHA256, 0) : rc;
}

static int self_sign(struct ca *ca)
{
    uint8_t id[64];
    size_t len = sizeof(id);

    gnutls_x509_crt_init(&ca->cert);
    int rc = begin_crt(ca->cert, "Abeng collector CA", CA_DAYS,
                       GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_basic_constraints(ca->cert, 1, 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key(ca->cert, ca->key);
    if (rc >= 0)
        rc = gnutls_x509_crt_get_key_id(ca->cert, GNUTLS_KEYID_USE_SHA1, id, &len);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_subject_key_id(ca->cert, id, len);
    return rc >= 0 ? gnutls_x509_crt_sign2(ca->cert, ca->cert, ca->key, GNUTLS_DIG_SHA256, 0) : rc;
}

static int load_ca(struct ca *ca)
{
    char *key = load(ca, "ca.key");
    int rc = GNUTLS_E_FILE_ERROR;

    gnutls_x509_privkey_init(&ca->key);
    gnutls_x509_crt_init(&ca->cert);
    if (key) {
        gnutls_datum_t k = datum(key, strlen(key)), c = datum(ca->cert_pem, strlen(ca->cert_pem));
        rc = gnutls_x509_privkey_import2(ca->key, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
        if (rc >= 0)
            rc = gnutls_x509_crt_import(ca->cert, &c, GNUTLS_X509_FMT_PEM);
        gnutls_memset(key, 0, strlen(key));
    }
    free(key);
    if (rc >= 0)
        return ABENG_OK;
    log_error("auth", "%s/ca.key or ca.crt: %s; restore them from the backup", ca->dir,
              gnutls_strerror(rc));
    return ABENG_ERR;
}

static int make_ca(struct ca *ca)
{
    int rc = make_key(&ca->key);
    if (rc >= 0)
        rc = self_sign(ca);
    if (rc < 0) {
        log_error("auth", "can't make the CA: %s", gnutls_strerror(rc));
        return ABENG_ERR;
    }
    char *key = key_pem(ca->key);
    ca->cert_pem = crt_pem(ca->cert);
    /* The certificate last: a CA without one was never used. */
    int err = key && ca->cert_pem ? save(ca, "ca.key", key, 0600) : ABENG_ERR;
    if (!err)
        err = save(ca, "ca.crt", ca->cert_pem, 0644);
    if (key)
        gnutls_memset(key, 0, strlen(key));
    free(key);
    /* What was just signed can't verify yet: only a certificate that was read can. */
    gnutls_x509_crt_deinit(ca->cert);
    gnutls_x509_privkey_deinit(ca->key);
    ca->cert = NULL;
    ca->key = NULL;
    return err ? err : load_ca(ca);
}

/* ---- the listeners' certificate ----------------------------------------------------------- */

static bool server_cert_fits(const struct ca *ca, const char *const *names, size_t count)
{
    gnutls_x509_crt_t crt;
    gnutls_datum_t pem = datum(ca->server_cert_pem, strlen(ca->server_cert_pem));
    time_t now = (time_t)(clock_now(clock_system()) / NS_PER_S);
    unsigned status = 0;

    gnutls_x509_crt_init(&crt);
    bool ok = gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM) >= 0 &&
              gnutls_x509_crt_verify(crt, &ca->cert, 1, 0, &status) >= 0 && !status &&
              gnutls_x509_crt_get_expiration_time(crt) - now > SERVER_RENEW;
    for (size_t i = 0; i < count && ok; i++)
        ok = gnutls_x509_crt_check_hostname(crt, names[i]) != 0;
    gnutls_x509_crt_deinit(crt);
    return ok;
}

static int add_name(gnutls_x509_crt_t crt, const char *name)
{
    struct addr a;

    if (addr_parse(name, &a) != ABENG_OK)
        return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
                                                    (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
    unsigned skip = addr_is_v4(&a) ? 12 : 0;
    return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, a.bytes + skip,
                                                16 - skip, GNUTLS_FSAN_APPEND);
}

static int fill_server_cert(const struct ca *ca, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
                            const char *const *names, size_t count)
{
    int rc = begin_crt(crt, count ? names[0] : "abeng-collector", SERVER_DAYS,
                       GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key(crt, key);
    for (size_t i = 0; i < count && rc >= 0; i++)
        rc = add_name(crt, names[i]);
    return rc >= 0 ? sign_crt(ca, crt) : rc;
}

static int make_server_cert(struct ca *ca, const char *const *names, size_t count)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;

    gnutls_x509_crt_init(&crt);
    int rc = make_key(&key);
    if (rc >= 0)
        rc = fill_server_cert(ca, crt, key, names, count);
    free(ca->server_cert_pem);
    free(ca->server_key_pem);
    ca->server_cert_pem = rc >= 0 ? crt_pem(crt) : NULL;
    ca->server_key_pem = rc >= 0 ? key_pem(key) : NULL;
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
    if (!ca->server_cert_pem || !ca->server_key_pem) {
        log_error("auth", "can't make the server certificate: %s", gnutls_strerror(rc));
        return ABENG_ERR;
    }
    int err = save(ca, "server.key", ca->server_key_pem, 0600);
    return err ? err : save(ca, "server.crt", ca->server_cert_pem, 0644);
}

/* ---- opening ------------------------------------------------------------------------------ */

static int open_server_cert(struct ca *ca, const char *const *names, size_t count)
{
    ca->server_cert_pem = load(ca, "server.crt");
    ca->server_key_pem = load(ca, "server.key");
    if (ca->server_cert_pem && ca->server_key_pem && server_cert_fits(ca, names, count))
        return ABENG_OK;
    return make_server_cert(ca, names, count);
}

struct ca *ca_open(const char *dir, const char *const *names, size_t name_count, int *created)
{
    struct ca *ca = xcalloc(1, sizeof(*ca));
    size_t len = sizeof(ca->fingerprint);

    ca->dir = xstrdup(dir);
    *created = 0;
    if (file_make_dirs(dir, 0700) != ABENG_OK) {
        log_error("auth", "can't make %s: %s", dir, strerror(errno));
        goto fail;
    }
    ca->cert_pem = load(ca, "ca.crt");
    *created = !ca->cert_pem;
    if ((*created ? make_ca(ca) : load_ca(ca)) != ABENG_OK)
        goto fail;
    if (gnutls_x509_crt_get_fingerprint(ca->cert, GNUTLS_DIG_SHA256, ca->fingerprint, &len) < 0 ||
        open_server_cert(ca, names, name_count) != ABENG_OK)
        goto fail;
    return ca;
fail:
    ca_close(ca);
    return NULL;
}

void ca_close(struct ca *ca)
{
    if (!ca)
        return;
    gnutls_x509_privkey_deinit(ca->key);
    if (ca->cert)
        gnutls_x509_crt_deinit(ca->cert);
    if (ca->server_key_pem)
        gnutls_memset(ca->server_key_pem, 0, strlen(ca->server_key_pem));
    free(ca->server_key_pem);
    free(ca->server_cert_pem);
    free(ca->cert_pem);
    free(ca->dir);
    free(ca);
}

const char *ca_cert_pem(const struct ca *ca)
{
    return ca->cert_pem;
}

const char *ca_server_cert_pem(const struct ca *ca)
{
    return ca->server_cert_pem;
}

const char *ca_server_key_pem(const struct ca *ca)
{
    return ca->server_key_pem;
}

const uint8_t *ca_fingerprint(const struct ca *ca)
{
    return ca->fingerprint;
}

void ca_fingerprint_text(const uint8_t fingerprint[CA_FINGERPRINT], char out[CA_FINGERPRINT_TEXT])
{
    for (size_t i = 0; i < CA_FINGERPRINT; i++)
        snprintf(out + 2 * i, 3, "%02x", fingerprint[i]);
}

/* ---- requests ----------------------------------------------------------------------------- */

static int import_request(const char *pem, size_t len, gnutls_x509_crq_t *crq, char *why,
                          size_t why_len)
{
    gnutls_datum_t d = datum(pem, len);

    if (len > REQUEST_PEM_MAX) {
        snprintf(why, why_len, "the certification request is longer than %u bytes",
                 REQUEST_PEM_MAX);
        return ABENG_ELIMIT;
    }
    gnutls_x509_crq_init(crq);
    int rc = gnutls_x509_crq_import(*crq, &d, GNUTLS_X509_FMT_PEM);
    if (rc >= 0)
        return ABENG_OK;
    snprintf(why, why_len, "not a certification request (PKCS #10, PEM): %s", gnutls_strerror(rc));
    gnutls_x509_crq_deinit(*crq);
    return ABENG_EFORMAT;
}

static bool key_allowed(gnutls_x509_crq_t crq)
{
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
    gnutls_pubkey_t key;

    gnutls_pubkey_init(&key);
    if (gnutls_pubkey_import_x509_crq(key, crq, 0) >= 0)
        gnutls_pubkey_export_ecc_raw2(key, &curve, NULL, NULL, 0);
    gnutls_pubkey_deinit(key);
    return curve == GNUTLS_ECC_CURVE_SECP256R1 || curve == GNUTLS_ECC_CURVE_ED25519;
}

int ca_check_request(const char *pem, size_t len, uint8_t fingerprint[CA_FINGERPRINT], char *why,
                     size_t why_len)
{
    gnutls_x509_crq_t crq;
    size_t id_len = CA_FINGERPRINT;

    int err = import_request(pem, len, &crq, why, why_len);
    if (err)
        return err;
    if (!key_allowed(crq)) {
        snprintf(why, why_len, "the key must be ECDSA P-256 or Ed25519");
        err = ABENG_EINVAL;
    } else if (gnutls_x509_crq_verify(crq, 0) < 0) {
        snprintf(why, why_len, "the request is not signed by its own key");
        err = ABENG_EINVAL;
    } else if (gnutls_x509_crq_get_key_id(crq, GNUTLS_KEYID_USE_SHA256, fingerprint, &id_len) < 0) {
        snprintf(why, why_len, "the request's key can't be read");
        err = ABENG_EFORMAT;
    }
    gnutls_x509_crq_deinit(crq);
    return err;
}

static int fill_client_cert(const struct ca *ca, gnutls_x509_crt_t crt, gnutls_x509_crq_t crq,
                            const struct ca_identity *who, unsigned days)
{
    gnutls_pubkey_t key;
    char uri[URI_MAX];
    int len = snprintf(uri, sizeof(uri), URI_PREFIX "%s?states=%s&site=%s", who->id, who->states,
                       who->site);

    gnutls_pubkey_init(&key);
    int rc = gnutls_pubkey_import_x509_crq(key, crq, 0);
    if (rc >= 0)
        rc = begin_crt(crt, who->id, days, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_URI, uri, (unsigned)len,
                                                  GNUTLS_FSAN_SET);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_pubkey(crt, key);
    gnutls_pubkey_deinit(key);
    return rc >= 0 ? sign_crt(ca, crt) : rc;
}

int ca_sign_request(const struct ca *ca, const char *pem, size_t len, struct ca_identity *who,
                    unsigned days, struct buf *out, char *why, size_t why_len)
{
    gnutls_x509_crq_t crq;
    gnutls_x509_crt_t crt;
    size_t print_len = sizeof(who->fingerprint);

    int err = import_request(pem, len, &crq, why, why_len);
    if (err)
        return err;
    gnutls_x509_crt_init(&crt);
    int rc = fill_client_cert(ca, crt, crq, who, days);
    char *text = rc >= 0 ? crt_pem(crt) : NULL;
    if (rc >= 0)
        rc = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, who->fingerprint, &print_len);
    if (rc < 0 || !text) {
        snprintf(why, why_len, "can't sign: %s", gnutls_strerror(rc));
        err = ABENG_ERR;
    } else {
        who->not_after_ns = (uint64_t)gnutls_x509_crt_get_expiration_time(crt) * NS_PER_S;
        buf_text(out, text);
    }
    free(text);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_crq_deinit(crq);
    return err;
}

/* ---- reading who it is -------------------------------------------------------------------- */

static bool copy_word(const char *from, size_t len, char *to, size_t cap, const char *extra)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (!len || len >= cap)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!strchr(word, from[i]) && !strchr(extra, from[i]))
            return false;
    }
    memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

/* abeng:sensor:ID?states=jm,bb&site=SITE */
static bool parse_uri(const char *uri, struct ca_identity *out)
{
    if (strncmp(uri, URI_PREFIX, strlen(URI_PREFIX)) != 0)
        return false;
    const char *id = uri + strlen(URI_PREFIX);
    const char *states = strstr(id, "?states=");
    const char *site = states ? strstr(states, "&site=") : NULL;
    if (!site)
        return false;
    const char *list = states + strlen("?states="), *name = site + strlen("&site=");
    return copy_word(id, (size_t)(states - id), out->id, sizeof(out->id), "") &&
           copy_word(list, (size_t)(site - list), out->states, sizeof(out->states), ",") &&
           copy_word(name, strlen(name), out->site, sizeof(out->site), "");
}

static bool read_identity(gnutls_x509_crt_t crt, struct ca_identity *out)
{
    char uri[URI_MAX + 1] = "", name[CA_ID_MAX] = "";
    size_t uri_len = sizeof(uri) - 1, name_len = sizeof(name);

    if (gnutls_x509_crt_get_subject_alt_name(crt, 0, uri, &uri_len, NULL) != GNUTLS_SAN_URI)
        return false;
    uri[uri_len < URI_MAX ? uri_len : URI_MAX] = '\0';
    return gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &name_len) >=
               0 &&
           parse_uri(uri, out) && strcmp(out->id, name) == 0;
}

static bool is_client(gnutls_x509_crt_t crt)
{
    char oid[64];
    size_t len = sizeof(oid);
    return gnutls_x509_crt_get_key_purpose_oid(crt, 0, oid, &len, NULL) >= 0 &&
           strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT) == 0;
}

static int judge(const struct ca *ca, gnutls_x509_crt_t crt, uint64_t now_ns,
                 struct ca_identity *out, char *why, size_t why_len)
{
    time_t now = (time_t)(now_ns / NS_PER_S);
    unsigned status = 0;
    size_t len = sizeof(out->fingerprint);

    int rc = gnutls_x509_crt_verify(crt, &ca->cert, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status);
    if (rc < 0 || status)
        snprintf(why, why_len, "the certificate is not of this collector's CA");
    else if (gnutls_x509_crt_get_expiration_time(crt) <= now)
        snprintf(why, why_len, "the certificate has expired; enrol again with a new invitation");
    else if (gnutls_x509_crt_get_activation_time(crt) > now)
        snprintf(why, why_len, "the certificate is not valid yet; is a clock wrong?");
    else if (!is_client(crt))
        snprintf(why, why_len, "the certificate is not a client's");
    else if (gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, out->fingerprint, &len) < 0 ||
             !read_identity(crt, out)) {
        snprintf(why, why_len, "the certificate does not name a sensor");
        return ABENG_EFORMAT;
    } else {
        out->not_after_ns = (uint64_t)gnutls_x509_crt_get_expiration_time(crt) * NS_PER_S;
        return ABENG_OK;
    }
    return ABENG_EAUTH;
}

int ca_verify_client(const struct ca *ca, const uint8_t *der, size_t len, uint64_t now_ns,
                     struct ca_identity *out, char *why, size_t why_len)
{
    gnutls_x509_crt_t crt;
    gnutls_datum_t d = datum(der, len);
    int err = ABENG_EFORMAT;

    memset(out, 0, sizeof(*out));
    gnutls_x509_crt_init(&crt);
    if (gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_DER) < 0)
        snprintf(why, why_len, "the certificate can't be read");
    else
        err = judge(ca, crt, now_ns, out, why, why_len);
    gnutls_x509_crt_deinit(crt);
    return err;
}

int ca_states_have(const char *states, const char *state)
{
    size_t len = strlen(state);

    for (const char *p = states; len; p++) {
        size_t n = strcspn(p, ",");
        if (n == len && memcmp(p, state, len) == 0)
            return 1;
        p += n;
        if (!*p)
            break;
    }
    return 0;
}
