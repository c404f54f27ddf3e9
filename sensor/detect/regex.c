/* SPDX-License-Identifier: Apache-2.0 */
/* PCRE2 with JIT behind regex.h; the only user of pcre2.h in the sensor. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "sensor/detect/regex.h"

#include <pcre2.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/xalloc.h"

/* JIT code leaves the machine stack for this one when a pattern nests deeply. */
#define JIT_STACK_MIN ((size_t)32 << 10)
#define JIT_STACK_MAX ((size_t)512 << 10)
/* Below this many regexes a second thread costs more than it saves. */
#define PARALLEL_MIN 256
#define THREADS_MAX  8

struct regex {
    pcre2_code *code; /* NULL: refused */
    bool jit;
};

struct regex_set {
    uint32_t count;
    uint32_t pairs; /* most capture pairs of any */
    struct regex *all;
};

struct regex_scratch {
    const struct regex_set *set;
    pcre2_match_data *data;
    pcre2_match_context *limited, *unlimited;
    pcre2_jit_stack *stack;
    uint32_t groups; /* of the last match, the whole one counted */
};

static pcre2_code *regex_compile(const struct regex_source *source, int *error, size_t *where)
{
    return pcre2_compile((PCRE2_SPTR)source->pattern, source->len, source->options, error, where,
                         NULL);
}

bool regex_check(const struct regex_source *source, uint32_t *groups, char *reason,
                 size_t reason_len)
{
    int error = 0;
    size_t where = 0;
    pcre2_code *code = regex_compile(source, &error, &where);
    if (!code) {
        PCRE2_UCHAR text[128];
        pcre2_get_error_message(error, text, sizeof(text));
        snprintf(reason, reason_len, "pcre: %s at byte %zu of the regex", (const char *)text,
                 where);
    }
    if (code && groups)
        pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, groups);
    pcre2_code_free(code);
    return code != NULL;
}

/* One thread's share: every `step`th regex from `first` on. */
struct compile_job {
    const struct regex_source *sources;
    struct regex *all;
    uint32_t count, first, step;
    pthread_t thread;
};

static void *compile_share(void *arg)
{
    struct compile_job *job = arg;
    for (uint32_t i = job->first; i < job->count; i += job->step) {
        int error;
        size_t where;
        struct regex *r = &job->all[i];
        r->code = regex_compile(&job->sources[i], &error, &where);
        r->jit = r->code && pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) == 0;
    }
    return NULL;
}

static uint32_t compile_threads(uint32_t count)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (count < PARALLEL_MIN || cpus < 2)
        return 1;
    return cpus > THREADS_MAX ? THREADS_MAX : (uint32_t)cpus;
}

/* The caller's thread takes the first share, and those of threads that can't be made. */
static void compile_all(const struct regex_source *sources, struct regex *all, uint32_t count)
{
    struct compile_job jobs[THREADS_MAX];
    bool running[THREADS_MAX] = { false };
    uint32_t threads = compile_threads(count);
    for (uint32_t i = 0; i < threads; i++) {
        jobs[i] = (struct compile_job){ sources, all, count, i, threads, 0 };
        running[i] = i > 0 && pthread_create(&jobs[i].thread, NULL, compile_share, &jobs[i]) == 0;
    }
    for (uint32_t i = 0; i < threads; i++) {
        if (!running[i])
            compile_share(&jobs[i]);
    }
    for (uint32_t i = 0; i < threads; i++) {
        if (running[i])
            pthread_join(jobs[i].thread, NULL);
    }
}

struct regex_set *regex_set_create(const struct regex_source *sources, uint32_t count)
{
    struct regex_set *set = xcalloc(1, sizeof(*set));
    set->count = count;
    set->pairs = 1;
    set->all = xcalloc(count ? count : 1, sizeof(*set->all));
    compile_all(sources, set->all, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t captures = 0;
        if (set->all[i].code)
            pcre2_pattern_info(set->all[i].code, PCRE2_INFO_CAPTURECOUNT, &captures);
        if (captures + 1 > set->pairs)
            set->pairs = captures + 1;
    }
    return set;
}

uint32_t regex_set_refused(const struct regex_set *set)
{
    uint32_t refused = 0;
    for (uint32_t i = 0; i < set->count; i++)
        refused += set->all[i].code == NULL;
    return refused;
}

void regex_set_free(struct regex_set *set)
{
    if (!set)
        return;
    for (uint32_t i = 0; i < set->count; i++)
        pcre2_code_free(set->all[i].code);
    free(set->all);
    free(set);
}

static pcre2_match_context *context_make(pcre2_jit_stack *stack, bool limited)
{
    pcre2_match_context *c = pcre2_match_context_create(NULL);
    if (!c)
        return NULL;
    if (limited) {
        pcre2_set_match_limit(c, REGEX_MATCH_LIMIT);
        pcre2_set_depth_limit(c, REGEX_DEPTH_LIMIT);
    }
    pcre2_jit_stack_assign(c, NULL, stack);
    return c;
}

struct regex_scratch *regex_scratch_create(const struct regex_set *set)
{
    struct regex_scratch *s = xcalloc(1, sizeof(*s));
    s->set = set;
    s->data = pcre2_match_data_create(set->pairs, NULL);
    s->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    s->limited = context_make(s->stack, true);
    s->unlimited = context_make(s->stack, false);
    if (s->data && s->limited && s->unlimited)
        return s;
    regex_scratch_free(s);
    return NULL;
}

enum regex_verdict regex_search(struct regex_scratch *s, uint32_t index, const uint8_t *data,
                                uint32_t len, uint32_t start, bool unlimited, uint32_t *from,
                                uint32_t *to)
{
    const struct regex *r = &s->set->all[index];
    pcre2_match_context *limits = unlimited ? s->unlimited : s->limited;
    PCRE2_SPTR subject = len ? data : (PCRE2_SPTR) "";
    int got;
    if (!r->code || start > len)
        return r->code ? REGEX_NONE : REGEX_ERROR;
    if (r->jit)
        got = pcre2_jit_match(r->code, subject, len, start, 0, s->data, limits);
    else
        got = pcre2_match(r->code, subject, len, start, 0, s->data, limits);
    s->groups = got > 0 ? (uint32_t)got : 0;
    if (got < 0)
        return got == PCRE2_ERROR_NOMATCH ? REGEX_NONE : REGEX_ERROR;
    const PCRE2_SIZE *where = pcre2_get_ovector_pointer(s->data);
    *from = (uint32_t)where[0];
    *to = (uint32_t)where[1];
    return REGEX_MATCH;
}

bool regex_group(const struct regex_scratch *s, uint32_t group, uint32_t *from, uint32_t *to)
{
    const PCRE2_SIZE *where = pcre2_get_ovector_pointer(s->data);
    if (group >= s->groups || where[2 * group] == PCRE2_UNSET ||
        where[2 * group + 1] < where[2 * group])
        return false;
    *from = (uint32_t)where[2 * group];
    *to = (uint32_t)where[2 * group + 1];
    return true;
}

void regex_scratch_free(struct regex_scratch *s)
{
    if (!s)
        return;
    pcre2_match_context_free(s->limited);
    pcre2_match_context_free(s->unlimited);
    pcre2_jit_stack_free(s->stack);
    pcre2_match_data_free(s->data);
    free(s);
}
