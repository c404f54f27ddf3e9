/* SPDX-License-Identifier: Apache-2.0 */
/* The handler in the engine, and what the monitor makes of it. */
#define _GNU_SOURCE /* dladdr, registers of a context */
#include "config.h"
#include "sensor/blackbox.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "sensor/capture/capture.h"

#define STACK_BYTES (64u << 10)
#define NAME_BYTES  160
#define JSON_MAX    4096
#define FLOWS_MOST  (1ull << 32)

/* Begins the handler's stack: that is how it finds its slot. */
struct watch {
    struct blackbox_slot *slot;
};

struct blackbox *blackbox_create(unsigned workers)
{
    size_t bytes = sizeof(struct blackbox) + workers * sizeof(struct blackbox_slot);
    struct blackbox *b =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b == MAP_FAILED)
        return NULL;
    b->workers = workers;
    for (unsigned w = 0; w < workers; w++) {
        for (unsigned i = 0; i < ENGINE_INTERFACES_MAX; i++)
            b->slots[w].places[i].skip = UINT32_MAX;
    }
    return b;
}

/* ---- in the engine --------------------------------------------------------------------------- */

static uint64_t code_of(const void *context)
{
    const ucontext_t *u = context;
#if defined(__x86_64__)
    return (uint64_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return u->uc_mcontext.pc;
#else
    (void)u;
    return 0;
#endif
}

/* On the dying thread: only copying. Default action comes when it returns (SA_RESETHAND) and the
 * instruction is tried again; for a signal that was sent, by sending it once more. */
static void on_death(int number, siginfo_t *info, void *context)
{
    stack_t stack;
    if (sigaltstack(NULL, &stack) == 0 && stack.ss_flags & SS_ONSTACK) {
        struct blackbox_slot *slot = ((struct watch *)stack.ss_sp)->slot;
        const struct frame *f = slot->mark.at;
        slot->code = code_of(context);
        if (f) {
            struct blackbox_place *place = &slot->places[slot->interface];
            if (slot->burst) /* of a ring; files are not gone on with */
                place->skip = place->through + (uint32_t)(f - slot->burst);
            slot->link = f->link;
            slot->ts_ns = f->ts_ns;
            slot->wire_len = f->wire_len;
            slot->len = f->len < BLACKBOX_FRAME_MAX ? f->len : BLACKBOX_FRAME_MAX;
            memcpy(slot->frame, f->data, slot->len);
        }
        slot->signal = (uint32_t)number;
    }
    if (info->si_code <= 0)
        raise(number);
}

#ifdef __SANITIZE_ADDRESS__ /* it has handlers of its own, and says more */
#define HAS_HANDLERS true
#else
#define HAS_HANDLERS false
#endif

void blackbox_arm(void)
{
    static const int deadly[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
    struct sigaction action = { .sa_sigaction = on_death,
                                .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND };
    for (unsigned i = 0; !HAS_HANDLERS && i < sizeof(deadly) / sizeof(deadly[0]); i++)
        sigaction(deadly[i], &action, NULL);
}

bool blackbox_watch(struct blackbox_slot *slot)
{
    struct watch *watch = malloc(STACK_BYTES);
    stack_t stack = { .ss_sp = watch, .ss_size = STACK_BYTES };
    if (!watch)
        return false;
    watch->slot = slot;
    if (sigaltstack(&stack, NULL) == 0)
        return true;
    free(watch);
    return false;
}

void blackbox_unwatch(void)
{
    stack_t off = { .ss_flags = SS_DISABLE }, stack;
    if (sigaltstack(NULL, &stack) == 0 && !(stack.ss_flags & SS_DISABLE) &&
        sigaltstack(&off, NULL) == 0)
        free(stack.ss_sp);
}

/* ---- in the monitor -------------------------------------------------------------------------- */

/* Where the processor stood, by the module's name and the distance from its start: the engine was
 * forked from us, so that modules lie where ours do. */
static void signature(const struct blackbox_slot *s, char out[NAME_BYTES])
{
    Dl_info in;
    const char *module = "unknown";
    uint64_t offset = s->code;
    if (dladdr((void *)(uintptr_t)s->code, &in) && in.dli_fname) {
        const char *slash = strrchr(in.dli_fname, '/');
        module = slash ? slash + 1 : in.dli_fname;
        offset = s->code - (uint64_t)(uintptr_t)in.dli_fbase;
    }
    const char *name = sigabbrev_np((int)s->signal);
    snprintf(out, NAME_BYTES, "%s-%.64s+%" PRIx64, name ? name : "signal", module, offset);
}

static int file_in(int dir_fd, const char *sign, const char *end)
{
    char name[NAME_BYTES + 32];
    snprintf(name, sizeof(name), "crash-%s.%s", sign, end);
    return openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
}

static unsigned kept(int dir_fd)
{
    unsigned n = 0;
    int own = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        const char *dot = strrchr(e->d_name, '.');
        n += strncmp(e->d_name, "crash-", 6) == 0 && dot && strcmp(dot, ".json") == 0;
    }
    if (dir)
        closedir(dir);
    return n;
}

static void pcap_make(const struct blackbox_slot *s, uint32_t len, struct buf *out)
{
    const uint32_t head[] = { 0xa1b23c4d, 2 | 4u << 16, 0, 0, 262144, s->link };
    const uint32_t record[] = { (uint32_t)(s->ts_ns / NS_PER_S), (uint32_t)(s->ts_ns % NS_PER_S),
                                len, s->wire_len };
    buf_add(out, head, sizeof(head));
    buf_add(out, record, sizeof(record));
    buf_add(out, s->frame, len);
}

static void json_make(const struct blackbox_slot *s, const char *sign, uint32_t len,
                      struct buf *out)
{
    char now[CLOCK_TEXT_MAX];
    struct json j;
    clock_format_rfc3339(clock_now(clock_system()), now);
    json_begin(&j, out);
    json_open(&j, NULL);
    json_str(&j, "timestamp", now);
    json_str(&j, "version", PACKAGE_VERSION);
    json_str(&j, "signature", sign);
    json_u64(&j, "signal", s->signal);
    json_u64(&j, "interface", s->interface);
    json_u64(&j, "frame_bytes", len);
    json_u64(&j, "flows_lost", s->flows < FLOWS_MOST ? s->flows : 0);
    json_close(&j);
    buf_byte(out, '\n');
}

static void keep(const struct blackbox_slot *s, int dir_fd)
{
    char sign[NAME_BYTES];
    struct buf pcap, json;
    uint32_t len = s->len < BLACKBOX_FRAME_MAX ? s->len : BLACKBOX_FRAME_MAX;
    signature(s, sign);
    log_error("monitor", "the engine was killed at %s by a frame of %u bytes", sign, len);
    if (kept(dir_fd) >= BLACKBOX_KEPT)
        return;
    buf_init(&pcap, 2 * BLACKBOX_FRAME_MAX);
    buf_init(&json, JSON_MAX);
    if (len)
        pcap_make(s, len, &pcap);
    json_make(s, sign, len, &json);
    int frame = len ? file_in(dir_fd, sign, "pcap") : -1, about = file_in(dir_fd, sign, "json");
    if (about < 0 || file_write_all(about, json.data, json.len) < 0 ||
        (len && (frame < 0 || file_write_all(frame, pcap.data, pcap.len) < 0)))
        log_error("monitor", "crash-%s could not be kept: %m", sign);
    if (frame >= 0)
        close(frame);
    if (about >= 0)
        close(about);
    buf_free(&pcap);
    buf_free(&json);
}

/* What the burst at hand had brought through counts; the next life begins behind it. */
static void slot_close(struct blackbox_slot *s, struct blackbox_sums *before)
{
    uint32_t i = s->interface < ENGINE_INTERFACES_MAX ? s->interface : 0;
    struct blackbox_place *at = &s->places[i];
    bool killed = s->signal && s->len && at->skip != UINT32_MAX;
    uint32_t through = s->mark.through < CAPTURE_BURST_MAX ? s->mark.through : CAPTURE_BURST_MAX;
    at->through += through;
    if (!killed)
        at->skip = UINT32_MAX;
    before->received += s->sums.received;
    before->dropped += s->sums.dropped;
    before->taken += s->sums.taken + through;
    before->shed += s->sums.shed;
    before->killed += killed;
    before->flows_lost += s->flows < FLOWS_MOST ? s->flows : 0;
    s->sums = (struct blackbox_sums){ 0 };
    s->mark.at = NULL;
    s->mark.through = 0;
    s->flows = s->signal = s->len = 0;
}

void blackbox_close_life(struct blackbox *b, int dir_fd)
{
    b->before.lives++;
    for (unsigned w = 0; w < b->workers; w++) {
        if (b->slots[w].signal)
            keep(&b->slots[w], dir_fd);
        slot_close(&b->slots[w], &b->before);
    }
    if (b->before.flows_lost)
        log_warn("monitor", "%" PRIu64 " flows were lost with engines that died",
                 b->before.flows_lost);
}
