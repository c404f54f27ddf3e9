/* SPDX-License-Identifier: Apache-2.0 */
/* A load, inside the loader process. */
#include "config.h"
#include "sensor/loader.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "common/sign.h"
#include "common/xalloc.h"
#include "sensor/app/app.h"
#include "sensor/conf.h"
#include "sensor/decode/event.h"
#include "sensor/detect/build.h"
#include "sensor/monitor/channel.h"
#include "sensor/stream/event.h"
#include "signatures/bundle.h"
#include "signatures/frame.h"
#include "signatures/lists.h"
#include "signatures/parse.h"
#include "signatures/policy.h"
#include "signatures/report.h"
#include "signatures/ruleset.h"

/* Bytes of one rules file, bundle or signature; ET Open is 25 MB. */
#define SOURCE_MAX    (512u << 20)
#define SIGNATURE_MAX (8u << 10)
#define REPORT_MAX    (256u << 20)
#define KEY_TEXT      41 /* 20 bytes in hex */

/* Lists that rules files name and that stand beside them. */
#define BESIDE_MAX 64

struct beside {
    char name[CHANNEL_NAME_MAX];
    struct buf text;
};

struct load {
    const struct loader_conf *conf;
    struct buf *texts; /* content of each source, in their order */
    struct buf classification;
    struct beside *beside;
    unsigned beside_count, naming; /* naming: the source whose lists are being looked for */
    struct sig_parser *parser;
    struct sig_policy *policy;
    struct bundle **bundles; /* by source, NULL: none, or left out */
    char key[KEY_TEXT];
    char name[64]; /* of the rule set, as alerts carry it */
    char reason[CHANNEL_TEXT_MAX];
};

static int fail(struct load *l, const char *where, const char *why)
{
    snprintf(l->reason, sizeof(l->reason), "%s: %s", where, why);
    return ABENG_ERR;
}

/* ---- what goes in ---------------------------------------------------------------------------- */

static int read_sources(struct load *l)
{
    const struct loader_conf *c = l->conf;
    l->texts = xcalloc(c->source_count, sizeof(*l->texts));
    for (unsigned i = 0; i < c->source_count; i++) {
        buf_init(&l->texts[i], SOURCE_MAX);
        int err = file_read_fd(c->sources[i].fd, &l->texts[i]);
        if (err < 0)
            return fail(l, c->sources[i].name, err_text(err));
    }
    buf_init(&l->classification, SOURCE_MAX);
    if (c->classification_fd >= 0 && file_read_fd(c->classification_fd, &l->classification) < 0)
        return fail(l, "classification-file", "cannot be read");
    return ABENG_OK;
}

static bool has_list(const struct load *l, const char *name)
{
    for (unsigned i = 0; i < l->beside_count; i++) {
        if (strcmp(l->beside[i].name, name) == 0)
            return true;
    }
    for (unsigned i = 0; i < l->conf->source_count; i++) {
        const struct loader_source *s = &l->conf->sources[i];
        const char *slash = strrchr(s->name, '/');
        if (s->role == LOADER_LIST && strcmp(slash ? slash + 1 : s->name, name) == 0)
            return true;
    }
    return false;
}

/* What can't be had stays away: the rule that names it says so. */
static void read_beside(void *arg, struct text name)
{
    struct load *l = arg;
    struct channel_message m = { .verb = CHANNEL_LIST_OPEN, .arg = l->naming };
    int fd = -1;
    if (name.len >= sizeof(m.name))
        return;
    memcpy(m.name, name.at, name.len);
    if (!channel_name_ok(m.name) || has_list(l, m.name))
        return;
    if (l->beside_count == BESIDE_MAX) {
        log_warn("rules", "%s: more than %d lists beside rules files; put them into list-files",
                 l->conf->sources[l->naming].name, BESIDE_MAX);
        return;
    }
    if (channel_ask(l->conf->channel, &m, &fd) == ABENG_OK && fd >= 0) {
        struct beside *b = &l->beside[l->beside_count];
        snprintf(b->name, sizeof(b->name), "%s", m.name);
        buf_init(&b->text, SOURCE_MAX);
        if (file_read_fd(fd, &b->text) == ABENG_OK)
            l->beside_count++;
        else
            buf_free(&b->text);
    }
    if (fd >= 0)
        close(fd);
}

/* Rules files name lists by file; bundles carry theirs. */
static void read_all_beside(struct load *l)
{
    l->beside = xcalloc(BESIDE_MAX, sizeof(*l->beside));
    for (unsigned i = 0; i < l->conf->source_count; i++) {
        const struct loader_source *s = &l->conf->sources[i];
        l->naming = i;
        if (!s->channel && s->role == LOADER_RULES)
            lists_named((struct text){ (const char *)l->texts[i].data, l->texts[i].len },
                        read_beside, l);
    }
}

static void hash_text(crypto_generichash_state *h, const void *text, size_t len)
{
    uint64_t size = len; /* the length first, so that two texts never read as one */
    crypto_generichash_update(h, (const uint8_t *)&size, sizeof(size));
    crypto_generichash_update(h, text, len);
}

static void hash_variables(crypto_generichash_state *h, const struct conf_variable *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        hash_text(h, v[i].name, strlen(v[i].name));
        hash_text(h, v[i].value, strlen(v[i].value));
    }
}

/* Events are numbers in an image, in the order of their stages' lists. */
static void hash_events(crypto_generichash_state *h)
{
    const char *name;
    for (unsigned i = 0; (name = decode_event_name(i)); i++)
        hash_text(h, name, strlen(name));
    for (unsigned i = 0; (name = stream_event_name(i)); i++)
        hash_text(h, name, strlen(name));
    for (unsigned app = 0; app < SIG_APP_COUNT; app++)
        for (unsigned i = 0; (name = app_event_name((enum sig_app)app, i)); i++)
            hash_text(h, name, strlen(name));
}

/* Everything that can change the image: what it is made of, and what makes it. */
static void make_key(struct load *l)
{
    const struct sensor_conf *s = l->conf->conf;
    crypto_generichash_state h;
    uint8_t digest[(KEY_TEXT - 1) / 2];
    const char *version = detect_image_version();
    /* instructions, buffers and frames are numbers in an image: another set of them, another key */
    const uint32_t shape[] = { SIG_APP_COUNT, SIG_BUF_COUNT, SIG_FRAME_COUNT, SIG_OP_APP_UINT };
    crypto_generichash_init(&h, NULL, 0, sizeof(digest));
    hash_text(&h, PACKAGE_VERSION, strlen(PACKAGE_VERSION));
    hash_text(&h, version, strlen(version));
    hash_text(&h, shape, sizeof(shape));
    hash_events(&h);
    hash_text(&h, s->site ? s->site : "", s->site ? strlen(s->site) : 0);
    hash_text(&h, s->profile ? s->profile : "", s->profile ? strlen(s->profile) : 0);
    hash_variables(&h, s->address_groups, s->address_groups_count);
    hash_variables(&h, s->port_groups, s->port_groups_count);
    hash_text(&h, l->classification.data, l->classification.len);
    for (unsigned i = 0; i < l->conf->source_count; i++) {
        const struct loader_source *source = &l->conf->sources[i];
        const char *label = source->channel ? source->channel : source->name;
        hash_text(&h, label, strlen(label));
        hash_text(&h, &source->role, sizeof(source->role));
        hash_text(&h, l->texts[i].data, l->texts[i].len);
    }
    for (unsigned i = 0; i < l->beside_count; i++) {
        hash_text(&h, l->beside[i].name, strlen(l->beside[i].name));
        hash_text(&h, l->beside[i].text.data, l->beside[i].text.len);
    }
    crypto_generichash_final(&h, digest, sizeof(digest));
    sodium_bin2hex(l->key, sizeof(l->key), digest, sizeof(digest));
}

static bool in_cache(struct load *l)
{
    struct channel_message m = { .verb = CHANNEL_CACHE_GET };
    int fd;
    snprintf(m.name, sizeof(m.name), "%s", l->key);
    int status = channel_ask(l->conf->channel, &m, &fd);
    if (fd >= 0)
        close(fd);
    return status == ABENG_OK;
}

/* ---- rules ----------------------------------------------------------------------------------- */

static int set_variables(struct load *l, const struct conf_variable *v, uint32_t n,
                         int (*set)(struct sig_parser *, const char *, const char *, const char **))
{
    for (uint32_t i = 0; i < n; i++) {
        const char *why = "";
        if (set(l->parser, v[i].name, v[i].value, &why) < 0)
            return fail(l, v[i].name, why);
    }
    return ABENG_OK;
}

static void add_name(struct load *l, const char *channel, uint64_t version)
{
    size_t at = strlen(l->name);
    snprintf(l->name + at, sizeof(l->name) - at, "%s%s:%llu", at ? "+" : "", channel,
             (unsigned long long)version);
}

/* A bundle that does not verify is left out, and said; the rest loads. NULL then. */
static struct bundle *open_bundle(struct load *l, unsigned i)
{
    const struct loader_source *source = &l->conf->sources[i];
    struct buf signature;
    char reason[256] = "";
    struct bundle *bundle = NULL;
    buf_init(&signature, SIGNATURE_MAX);
    if (file_read_fd(source->signature_fd, &signature) == ABENG_OK)
        bundle = bundle_open(l->texts[i].data, l->texts[i].len, (const char *)signature.data,
                             signature.len, source->key, reason, sizeof(reason));
    else
        snprintf(reason, sizeof(reason), "its signature cannot be read");
    buf_free(&signature);
    if (bundle && strcmp(bundle_manifest(bundle)->channel, source->channel) != 0) {
        snprintf(reason, sizeof(reason), "it is of channel %s", bundle_manifest(bundle)->channel);
        goto out;
    }
    if (bundle && bundle_check_fresh(bundle_manifest(bundle), 0, clock_now(clock_system()), reason,
                                     sizeof(reason)) == 0)
        return bundle;
out:
    bundle_free(bundle);
    log_error("rules", "bundle of channel %s is left out: %s", source->channel, reason);
    return NULL;
}

static void say_bad_lines(const char *name, unsigned bad)
{
    if (bad)
        log_warn("rules", "%s: %u lines of reputation can't be read and are passed over", name,
                 bad);
}

/* Categories first, whatever their order in the bundle. */
static void read_bundle_reputation(struct load *l, const struct bundle *bundle)
{
    for (unsigned lists = 0; bundle && lists < 2; lists++) {
        for (size_t n = 0; n < bundle_manifest(bundle)->file_count; n++) {
            const struct bundle_file *file = bundle_file(bundle, n);
            const char *slash = strrchr(file->name, '/'), *dot = strrchr(file->name, '.');
            const char *name = slash ? slash + 1 : file->name;
            if (!lists && strcmp(name, "categories.txt") == 0)
                say_bad_lines(name, sig_parser_read_categories(l->parser, (const char *)file->bytes,
                                                               file->len));
            else if (lists && dot && strcmp(dot, ".reputation") == 0)
                say_bad_lines(name, sig_parser_read_reputation(l->parser, (const char *)file->bytes,
                                                               file->len));
        }
    }
}

static void read_bundle(struct load *l, unsigned i)
{
    const struct bundle *bundle = l->bundles[i];
    sig_parser_begin_source(l->parser, l->conf->sources[i].channel);
    read_bundle_reputation(l, bundle);
    for (size_t n = 0; bundle && n < bundle_manifest(bundle)->file_count; n++) {
        const struct bundle_file *file = bundle_file(bundle, n);
        sig_parser_add_list(l->parser, file->name, (const char *)file->bytes, file->len);
    }
    for (size_t n = 0; bundle && n < bundle_manifest(bundle)->file_count; n++) {
        const struct bundle_file *file = bundle_file(bundle, n);
        const char *dot = strrchr(file->name, '.');
        if (dot && strcmp(dot, ".rules") == 0)
            sig_parser_read_rules(l->parser, (const char *)file->bytes, file->len, file->name);
    }
    if (bundle)
        add_name(l, l->conf->sources[i].channel, bundle_manifest(bundle)->version);
}

/* ---- local policy ---------------------------------------------------------------------------- */

static int read_policy_file(struct load *l, const char *name, const void *text, size_t len)
{
    return sig_policy_read(l->policy, name, text, len, l->reason, sizeof(l->reason));
}

/* The CERT's own word, from files of the configuration and from bundles of channels that carry it.
 * Half a policy would let through what the other half forbids: any error refuses the load. */
static int read_policy(struct load *l)
{
    int err = ABENG_OK;
    l->policy = sig_policy_create(l->conf->conf->site);
    l->bundles = xcalloc(l->conf->source_count, sizeof(struct bundle *));
    for (unsigned i = 0; err == ABENG_OK && i < l->conf->source_count; i++) {
        const struct loader_source *source = &l->conf->sources[i];
        if (source->channel)
            l->bundles[i] = open_bundle(l, i);
        else if (source->role == LOADER_POLICY)
            err = read_policy_file(l, source->name, l->texts[i].data, l->texts[i].len);
        for (size_t n = 0; err == ABENG_OK && source->role == LOADER_POLICY && l->bundles[i] &&
                           n < bundle_manifest(l->bundles[i])->file_count;
             n++) {
            const struct bundle_file *file = bundle_file(l->bundles[i], n);
            if (sig_policy_has(file->name))
                err = read_policy_file(l, file->name, file->bytes, file->len);
        }
    }
    return err;
}

static int use_policy(struct load *l)
{
    const char *why;
    if (sig_parser_use_policy(l->parser, l->policy, &why) == 0)
        return ABENG_OK;
    return fail(l, "local policy", why);
}

/* Lists of the configuration are for rules of files; those stand before all bundles. */
static void add_lists(struct load *l)
{
    for (unsigned i = 0; i < l->conf->source_count; i++) {
        const struct loader_source *source = &l->conf->sources[i];
        if (source->role == LOADER_LIST)
            sig_parser_add_list(l->parser, source->name, (const char *)l->texts[i].data,
                                l->texts[i].len);
        else if (source->role == LOADER_CATEGORIES)
            say_bad_lines(source->name,
                          sig_parser_read_categories(l->parser, (const char *)l->texts[i].data,
                                                     l->texts[i].len));
        else if (source->role == LOADER_REPUTATION)
            say_bad_lines(source->name,
                          sig_parser_read_reputation(l->parser, (const char *)l->texts[i].data,
                                                     l->texts[i].len));
    }
    for (unsigned i = 0; i < l->beside_count; i++)
        sig_parser_add_list(l->parser, l->beside[i].name, (const char *)l->beside[i].text.data,
                            l->beside[i].text.len);
}

static int read_rules(struct load *l)
{
    const struct sensor_conf *s = l->conf->conf;
    int err = set_variables(l, s->address_groups, s->address_groups_count, sig_parser_set_address);
    if (err == ABENG_OK)
        err = set_variables(l, s->port_groups, s->port_groups_count, sig_parser_set_ports);
    if (err == ABENG_OK && l->classification.len)
        err = sig_parser_read_classification(l->parser, (const char *)l->classification.data,
                                             l->classification.len, s->classification_file);
    if (err < 0)
        return l->reason[0] ? err : fail(l, "classification-file", err_text(err));
    err = read_policy(l);
    if (err == ABENG_OK)
        err = use_policy(l);
    add_lists(l);
    for (unsigned i = 0; err == ABENG_OK && i < l->conf->source_count; i++) {
        const struct loader_source *source = &l->conf->sources[i];
        if (source->channel)
            read_bundle(l, i);
        else if (source->role == LOADER_RULES)
            sig_parser_read_rules(l->parser, (const char *)l->texts[i].data, l->texts[i].len,
                                  source->name);
    }
    return err;
}

/* The name says what was loaded: bundles with their versions, or "local", and a part of the key. */
static void finish_name(struct load *l)
{
    if (!l->name[0])
        snprintf(l->name, sizeof(l->name), "local");
    l->name[48] = 0;
    size_t at = strlen(l->name);
    snprintf(l->name + at, sizeof(l->name) - at, ":%.10s", l->key);
}

/* ---- what comes out -------------------------------------------------------------------------- */

static int sealed_memfd(const char *name)
{
    return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

static int seal(int fd)
{
    lseek(fd, 0, SEEK_SET);
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

static int give_image(struct load *l, struct sig_ruleset *set)
{
    char reason[256] = "";
    int fd = sealed_memfd("rules");
    if (fd < 0 || detect_image_build(set, l->name, fd, reason, sizeof(reason)) < 0 ||
        seal(fd) < 0) {
        if (fd >= 0)
            close(fd);
        return fail(l, "compiling the rules", reason[0] ? reason : "no memory");
    }
    struct channel_message m = { .verb = CHANNEL_RULESET_DONE };
    for (uint32_t i = 0; i < set->verdict_count; i++) {
        m.arg += set->verdicts[i].loaded;
        m.arg2 += !set->verdicts[i].loaded;
    }
    int err = channel_send(l->conf->channel, &m, fd);
    close(fd);
    return err;
}

static int give_report(struct load *l, const struct sig_ruleset *set)
{
    struct channel_message m = { .verb = CHANNEL_REPORT_DONE };
    struct buf text;
    int fd = sealed_memfd("report");
    buf_init(&text, REPORT_MAX);
    sig_report_write(set, &text);
    int err = fd < 0 ? ABENG_EIO : file_write_all(fd, text.data, text.len);
    if (err == ABENG_OK && (err = seal(fd)) == 0)
        err = channel_send(l->conf->channel, &m, fd);
    if (fd >= 0)
        close(fd);
    buf_free(&text);
    return err < 0 ? fail(l, "rule report", err_text(err)) : ABENG_OK;
}

static int compile(struct load *l)
{
    struct sig_ruleset *set = NULL;
    l->parser = sig_parser_create();
    if (l->conf->conf->profile && strcmp(l->conf->conf->profile, "abeng") == 0)
        sig_parser_go_beyond(l->parser);
    int err = read_rules(l);
    if (err == ABENG_OK) {
        set = sig_parser_finish(l->parser);
        finish_name(l);
        err = give_image(l, set);
    }
    if (err == ABENG_OK)
        err = give_report(l, set);
    sig_ruleset_free(set);
    sig_parser_free(l->parser);
    sig_policy_free(l->policy);
    for (unsigned i = 0; l->bundles && i < l->conf->source_count; i++)
        bundle_free(l->bundles[i]);
    free(l->bundles);
    return err;
}

static void tell_failure(struct load *l)
{
    struct channel_message m = { .verb = CHANNEL_FAILED };
    snprintf(m.text, sizeof(m.text), "%s", l->reason);
    channel_send(l->conf->channel, &m, -1);
}

/* The loader's list: memory, threads that compile, the descriptors it was given. No open, no
 * socket, no exec. */
static const char *const loader_calls[] = {
    "read",
    "write",
    "pread64",
    "pwrite64",
    "lseek",
    "close",
    "fstat",
    "newfstatat",
    "ftruncate",
    "fallocate",
    "fcntl",
    "memfd_create",
    "mmap",
    "munmap",
    "mprotect",
    "mremap",
    "madvise",
    "brk",
    "membarrier",
    "futex",
    "sched_yield",
    "sysinfo",
    "sched_getaffinity",
    "set_robust_list",
    "rseq",
    "gettid",
    "getpid",
    "tgkill",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "clock_gettime",
    "clock_nanosleep",
    "nanosleep",
    "restart_syscall",
    "poll",
    "recvmsg",
    "sendmsg",
    "getrandom",
    "exit",
    "exit_group",
    NULL,
};

int loader_run(const struct loader_conf *conf)
{
    struct load l = { .conf = conf };
    if (sandbox_system_calls(loader_calls) < 0)
        return 1;
    int err = read_sources(&l);
    if (err == ABENG_OK) {
        read_all_beside(&l);
        make_key(&l);
        if (!in_cache(&l))
            err = compile(&l);
    }
    if (err < 0)
        tell_failure(&l);
    for (unsigned i = 0; l.texts && i < conf->source_count; i++)
        buf_free(&l.texts[i]);
    free(l.texts);
    for (unsigned i = 0; i < l.beside_count; i++)
        buf_free(&l.beside[i].text);
    free(l.beside);
    buf_free(&l.classification);
    return err < 0 ? 1 : 0;
}
