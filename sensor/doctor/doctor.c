/* SPDX-License-Identifier: Apache-2.0 */
/* Running checks, keeping and printing findings. */
#include "config.h"
#include "sensor/doctor/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"

#define PATH_BYTES 512
#define JSON_MAX   (1u << 20)

void doctor_add(struct doctor *d, enum doctor_level level, const char *about, const char *remedy,
                const char *fmt, ...)
{
    va_list ap;
    if (d->count == DOCTOR_FINDINGS_MAX)
        return;
    struct doctor_finding *f = &d->findings[d->count++];
    f->level = level;
    snprintf(f->about, sizeof(f->about), "%s", about);
    snprintf(f->remedy, sizeof(f->remedy), "%s", remedy ? remedy : "");
    va_start(ap, fmt);
    vsnprintf(f->found, sizeof(f->found), fmt, ap);
    va_end(ap);
}

static bool read_line(const struct doctor *d, char *out, size_t size, const char *fmt, va_list ap)
{
    char path[PATH_BYTES], name[PATH_BYTES];
    vsnprintf(name, sizeof(name), fmt, ap);
    if (snprintf(path, sizeof(path), "%s%s", d->conf->root, name) >= (int)sizeof(path))
        return false;
    FILE *f = fopen(path, "re");
    bool got = f && fgets(out, (int)size, f);
    if (f)
        fclose(f);
    if (got)
        out[strcspn(out, "\n")] = 0;
    return got;
}

bool doctor_read(const struct doctor *d, char *out, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool got = read_line(d, out, size, fmt, ap);
    va_end(ap);
    return got;
}

bool doctor_number(const struct doctor *d, long *out, const char *fmt, ...)
{
    char text[64], *end;
    va_list ap;
    va_start(ap, fmt);
    bool got = read_line(d, text, sizeof(text), fmt, ap);
    va_end(ap);
    if (!got)
        return false;
    errno = 0;
    *out = strtol(text, &end, 10);
    return end != text && errno == 0;
}

void doctor_run(struct doctor *d, const struct doctor_conf *conf)
{
    d->conf = conf;
    d->count = 0;
    for (unsigned i = 0; doctor_host_checks[i]; i++)
        doctor_host_checks[i](d);
    for (unsigned i = 0; doctor_kernel_checks[i]; i++)
        doctor_kernel_checks[i](d);
    for (unsigned n = 0; n < conf->interface_count; n++) {
        for (unsigned i = 0; doctor_nic_checks[i]; i++)
            doctor_nic_checks[i](d, conf->interfaces[n]);
    }
}

static const char *level_name(enum doctor_level level)
{
    static const char *const names[] = {
        [DOCTOR_GOOD] = "good",
        [DOCTOR_HINT] = "hint",
        [DOCTOR_WARNING] = "warning",
        [DOCTOR_WRONG] = "wrong",
    };
    return names[level];
}

static void print_json(const struct doctor *d)
{
    struct buf out;
    struct json j;
    buf_init(&out, JSON_MAX);
    json_begin(&j, &out);
    json_open(&j, NULL);
    json_open_array(&j, "findings");
    for (unsigned i = 0; i < d->count; i++) {
        const struct doctor_finding *f = &d->findings[i];
        json_open(&j, NULL);
        json_str(&j, "level", level_name(f->level));
        json_str(&j, "about", f->about);
        json_str(&j, "found", f->found);
        json_str(&j, "remedy", f->remedy[0] ? f->remedy : NULL);
        json_close(&j);
    }
    json_close_array(&j);
    json_close(&j);
    printf("%.*s\n", (int)out.len, (const char *)out.data);
    buf_free(&out);
}

bool doctor_print(const struct doctor *d, bool json)
{
    unsigned counts[DOCTOR_WRONG + 1] = { 0 };
    for (unsigned i = 0; i < d->count; i++) {
        const struct doctor_finding *f = &d->findings[i];
        counts[f->level]++;
        if (json)
            continue;
        printf("%-8s %-12s %s\n", level_name(f->level), f->about, f->found);
        if (f->remedy[0])
            printf("%-8s %-12s   type: %s\n", "", "", f->remedy);
    }
    if (json)
        print_json(d);
    else
        printf("%u good, %u hints, %u warnings, %u wrong\n", counts[DOCTOR_GOOD],
               counts[DOCTOR_HINT], counts[DOCTOR_WARNING], counts[DOCTOR_WRONG]);
    return counts[DOCTOR_WRONG] == 0;
}
