/* SPDX-License-Identifier: Apache-2.0 */
/* The machine: kernel, processors, memory, disk, clock. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include "sensor/doctor/doctor.h"

#define MIB            (1u << 20)
#define LANDLOCK_ASK   1u /* LANDLOCK_CREATE_RULESET_VERSION */
#define KERNEL_MAJOR   5  /* the first with Landlock: 5.13 */
#define KERNEL_MINOR   13
#define OFFSET_MOST_US 500000

static void check_kernel(struct doctor *d)
{
    char release[128];
    int major = 0, minor = 0;
    if (!doctor_read(d, release, sizeof(release), "/proc/sys/kernel/osrelease") ||
        sscanf(release, "%d.%d", &major, &minor) != 2)
        return;
    bool old = major < KERNEL_MAJOR || (major == KERNEL_MAJOR && minor < KERNEL_MINOR);
    doctor_add(d, old ? DOCTOR_WARNING : DOCTOR_GOOD, "kernel",
               old ? "apt-get install linux-image-amd64 && reboot" : NULL, "Linux %s%s", release,
               old ? ": without Landlock (5.13), the processes are confined less" : "");
    if (old || d->conf->root[0])
        return;
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_ASK);
    if (abi < 1)
        doctor_add(d, DOCTOR_WARNING, "kernel", "add lsm=landlock,... to the kernel's command line",
                   "Landlock is not active; the processes are confined by seccomp alone");
}

static void check_rights(struct doctor *d)
{
    if (d->conf->interface_count && geteuid() != 0)
        doctor_add(d, DOCTOR_HINT, "rights", "sudo abeng-sensor doctor",
                   "not root: drivers and queues answer only in part");
}

/* The processor's flags, in as many pieces as the line has. */
static bool has_flag(const char *flags, const char *flag)
{
    size_t n = strlen(flag);
    for (const char *at = flags; (at = strstr(at, flag)); at += n) {
        if ((at == flags || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0 || at[n] == '\n'))
            return true;
    }
    return false;
}

static bool cpu_flags(const struct doctor *d, char *out, size_t size)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/proc/cpuinfo", d->conf->root);
    FILE *f = fopen(path, "re");
    bool found = false;
    while (f && !found && fgets(out, (int)size, f))
        found = strncmp(out, "flags", 5) == 0;
    if (f)
        fclose(f);
    return found;
}

static void check_processor(struct doctor *d)
{
    char flags[8192];
    if (!cpu_flags(d, flags, sizeof(flags)))
        return;
    if (!has_flag(flags, "ssse3"))
        doctor_add(d, DOCTOR_WRONG, "processor", NULL,
                   "without SSSE3, which Hyperscan needs: use another machine, or Vectorscan");
    else if (!has_flag(flags, "avx2"))
        doctor_add(d, DOCTOR_WARNING, "processor", NULL,
                   "without AVX2: matching takes about twice as long");
    else
        doctor_add(d, DOCTOR_GOOD, "processor", NULL, "%s",
                   has_flag(flags, "avx512vbmi") ? "AVX-512 with VBMI" : "AVX2");
}

static void check_governor(struct doctor *d)
{
    char governor[64];
    if (!doctor_read(d, governor, sizeof(governor),
                     "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))
        return;
    bool fast = strcmp(governor, "performance") == 0;
    doctor_add(d, fast ? DOCTOR_GOOD : DOCTOR_HINT, "processor",
               fast ? NULL : "cpupower frequency-set -g performance  (package linux-cpupower)",
               "frequency governor %s", governor);
}

static void check_workers(struct doctor *d)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores > 0 && d->conf->workers > (unsigned long)cores)
        doctor_add(d, DOCTOR_WARNING, "workers", NULL,
                   "%u workers on %ld cores: they take turns; set workers: %ld", d->conf->workers,
                   cores, cores);
    else
        doctor_add(d, DOCTOR_GOOD, "workers", NULL, "%u on %ld cores", d->conf->workers, cores);
}

static void check_memory(struct doctor *d)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    uint64_t have = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
    uint64_t most = d->conf->workers * d->conf->worker_bytes;
    bool enough = most <= have / 10 * 9;
    doctor_add(d, enough ? DOCTOR_GOOD : DOCTOR_WRONG, "memory", NULL,
               "workers may take %llu MiB of %llu MiB%s", (unsigned long long)(most / MIB),
               (unsigned long long)(have / MIB),
               enough ? "" : ": lower limits: worker-memory-mib, or workers");
}

static void check_huge_pages(struct doctor *d)
{
    char text[128];
    if (!doctor_read(d, text, sizeof(text), "/sys/kernel/mm/transparent_hugepage/enabled"))
        return;
    bool never = strstr(text, "[never]");
    doctor_add(d, never ? DOCTOR_HINT : DOCTOR_GOOD, "memory",
               never ? "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled" : NULL,
               "transparent huge pages: %s", text);
}

static void check_disk(struct doctor *d)
{
    struct statvfs fs;
    if (!d->conf->state_dir || statvfs(d->conf->state_dir, &fs) < 0)
        return;
    uint64_t have = (uint64_t)fs.f_bavail * fs.f_frsize;
    bool enough = have >= d->conf->disk_bytes;
    doctor_add(d, enough ? DOCTOR_GOOD : DOCTOR_WARNING, "disk", NULL,
               "%s: %llu MiB free, spool and evidence may take %llu MiB%s", d->conf->state_dir,
               (unsigned long long)(have / MIB), (unsigned long long)(d->conf->disk_bytes / MIB),
               enough ? "" : ": lower spool: max-mib or evidence: max-mib");
}

static void check_clock(struct doctor *d)
{
    struct timex t = { 0 };
    char source[64];
    if (doctor_read(d, source, sizeof(source),
                    "/sys/devices/system/clocksource/clocksource0/current_clocksource"))
        doctor_add(d, DOCTOR_GOOD, "clock", NULL, "source %s", source);
    int state = adjtimex(&t);
    bool wild = state == TIME_ERROR || t.esterror > OFFSET_MOST_US;
    doctor_add(d, wild ? DOCTOR_WARNING : DOCTOR_GOOD, "clock",
               wild ? "apt-get install chrony" : NULL, "%s",
               wild ? "nobody sets it: times of alerts will not agree with other sensors'"
                    : "is being set");
}

doctor_host_check *const doctor_host_checks[] = {
    check_kernel, check_rights,     check_processor, check_governor, check_workers,
    check_memory, check_huge_pages, check_disk,      check_clock,    NULL,
};
