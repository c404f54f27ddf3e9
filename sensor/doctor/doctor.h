/* SPDX-License-Identifier: Apache-2.0 */
/**
 * `abeng-sensor doctor`: what of this host stands in the way of seeing every packet, and what to
 * type against it. It reads /proc, /sys and asks the drivers (ethtool), and changes nothing.
 *
 * Each check is one row of a const table in the file that implements it; it looks at one thing and
 * adds findings. All paths lie below a root that tests set to a folder of their own.
 */
#ifndef SENSOR_DOCTOR_H
#define SENSOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Findings of one run at most; more are left out. */
#define DOCTOR_FINDINGS_MAX 256

enum doctor_level { DOCTOR_GOOD, DOCTOR_HINT, DOCTOR_WARNING, DOCTOR_WRONG };

/** What was found, and the command that mends it ("" none). */
struct doctor_finding {
    enum doctor_level level;
    char about[48];   /* "kernel", "eth1", "eth1 queue" */
    char found[200];  /* one line */
    char remedy[200]; /* to be typed */
};

/** What is to be looked at. Strings are the caller's. */
struct doctor_conf {
    const char *root; /* "" for the real one */
    const char *const *interfaces;
    unsigned interface_count;
    unsigned workers;
    uint64_t worker_bytes; /* memory that a worker may take, evidence ring included */
    uint64_t ring_bytes;   /* kernel memory for the rings of one worker, all interfaces */
    const char *state_dir;
    uint64_t disk_bytes; /* that spool and evidence may take there */
};

struct doctor {
    const struct doctor_conf *conf;
    struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
    unsigned count;
};

/** A check of the host, and one of an interface. */
typedef void doctor_host_check(struct doctor *d);
typedef void doctor_nic_check(struct doctor *d, const char *interface);

/** Run all checks; findings stand in `d`. */
void doctor_run(struct doctor *d, const struct doctor_conf *conf);

/** Print the findings, as lines or one JSON object; false when one of them is DOCTOR_WRONG. */
bool doctor_print(const struct doctor *d, bool json);

/** Add a finding; `remedy` may be NULL. For checks. */
void doctor_add(struct doctor *d, enum doctor_level level, const char *about, const char *remedy,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/**
 * First line of a file below the root, without its newline; false when it can't be read. For
 * checks.
 */
bool doctor_read(const struct doctor *d, char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** The same as a number. */
bool doctor_number(const struct doctor *d, long *out, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** The checks, ended by NULL. */
extern doctor_host_check *const doctor_host_checks[];
extern doctor_host_check *const doctor_kernel_checks[];
extern doctor_nic_check *const doctor_nic_checks[];

#endif
