/* SPDX-License-Identifier: Apache-2.0 */
/* Linux: capabilities by libcap-ng, Landlock by system call, seccomp by libseccomp. */
#include "config.h"
#include "common/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                                               \
    (READ_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR)
#define ALL_RIGHTS                                                                                 \
    (WRITE_RIGHTS | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                    \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
     LANDLOCK_ACCESS_FS_MAKE_SYM)
#define FILE_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

static const struct passwd *find_user(const char *user)
{
    const struct passwd *pw = getpwnam(user);
    if (!pw && (pw = getpwnam("nobody")))
        log_info("sandbox", "there is no user %s; nobody takes its place", user);
    return pw;
}

int sandbox_give_folder(const char *path, const char *user)
{
    const struct passwd *pw = geteuid() == 0 ? find_user(user) : NULL;
    char *const roots[] = { (char *)(uintptr_t)path, NULL };
    if (!pw)
        return ABENG_OK;
    uid_t uid = pw->pw_uid;
    gid_t gid = pw->pw_gid;
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!tree)
        goto failed;
    for (FTSENT *e; (e = fts_read(tree));) {
        bool wanted = e->fts_info == FTS_D || e->fts_info == FTS_F;
        if (wanted && lchown(e->fts_accpath, uid, gid) < 0 && errno != ENOENT) {
            fts_close(tree);
            goto failed;
        }
    }
    fts_close(tree);
    return ABENG_OK;
failed:
    log_error("sandbox", "cannot give %s to user %s: %m", path, user);
    return ABENG_EIO;
}

/*
 * The kernel forgets the signal for a parent's death when credentials change. It is asked for
 * again, and a parent that died meanwhile is noticed, so that no child is left alone.
 */
struct parent {
    pid_t pid;
    int signal;
};

static struct parent parent_note(void)
{
    struct parent p = { .pid = getppid() };
    if (prctl(PR_GET_PDEATHSIG, &p.signal) < 0)
        p.signal = 0;
    return p;
}

static void parent_keep(const struct parent *p)
{
    if (p->signal && (prctl(PR_SET_PDEATHSIG, p->signal) < 0 || getppid() != p->pid))
        raise(p->signal);
}

int sandbox_become_user(const char *user)
{
    if (geteuid() != 0)
        return ABENG_OK;
    const struct passwd *pw = find_user(user);
    const struct parent parent = parent_note();
    if (!pw || setgroups(0, NULL) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
        setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0) {
        log_error("sandbox", "cannot become user %s: %m", user);
        return ABENG_ERR;
    }
    parent_keep(&parent);
    return ABENG_OK;
}

int sandbox_drop_privileges(void)
{
    tzset(); /* libc reads its time zone at first use, and gmtime_r(3) is one: now, while it may */
    const struct parent parent = parent_note();
    capng_clear(CAPNG_SELECT_BOTH);
    /* The bounding set needs CAP_SETPCAP, which a plain user never had. */
    if (capng_apply(CAPNG_SELECT_CAPS) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        log_error("sandbox", "cannot drop privileges: %m");
        return ABENG_ERR;
    }
    parent_keep(&parent);
    return ABENG_OK;
}

#ifdef ABENG_SANITIZER

int sandbox_paths(const struct sandbox_path *paths, size_t count)
{
    (void)paths;
    (void)count;
    return ABENG_OK;
}

int sandbox_system_calls(const char *const calls[])
{
    (void)calls;
    return ABENG_OK;
}

#else

static int allow_path(int rules, const struct sandbox_path *p)
{
    struct landlock_path_beneath_attr beneath = { 0 };
    int fd = p->path ? open(p->path, O_PATH | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    beneath.parent_fd = fd;
    beneath.allowed_access = p->write ? WRITE_RIGHTS : READ_RIGHTS;
    int err = (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    if (err < 0 && errno == EINVAL) { /* a file, which has no folder rights */
        beneath.allowed_access &= FILE_RIGHTS;
        err = (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    }
    close(fd);
    return err;
}

int sandbox_paths(const struct sandbox_path *paths, size_t count)
{
    struct landlock_ruleset_attr attr = { .handled_access_fs = ALL_RIGHTS };
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (rules < 0) {
        log_info("sandbox",
                 "this kernel has no Landlock; file access is bounded by user and filter alone");
        return ABENG_OK;
    }
    int err = 0;
    for (size_t i = 0; i < count && err == 0; i++)
        err = allow_path(rules, &paths[i]);
    if (err == 0)
        err = (int)syscall(SYS_landlock_restrict_self, rules, 0);
    close(rules);
    if (err < 0)
        log_error("sandbox", "cannot bound file access by Landlock: %m");
    return err < 0 ? ABENG_ERR : ABENG_OK;
}

/* Async-signal-safe: the number in decimal, by write(2) alone. */
static void report_violation(int signal, siginfo_t *info, void *context)
{
    char line[] = "sandbox: system call      is not on this process's list; ending it\n";
    unsigned n = (unsigned)info->si_syscall;
    (void)signal;
    (void)context;
    for (char *at = line + 24; n && at > line + 20; n /= 10)
        *at-- = (char)('0' + n % 10);
    (void)!write(STDERR_FILENO, line, sizeof(line) - 1);
    _exit(159);
}

static int add_rules(scmp_filter_ctx filter, const char *const calls[])
{
    int err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    bool may_open = false;
    for (size_t i = 0; calls[i] && err == 0; i++) {
        int number = seccomp_syscall_resolve_name(calls[i]);
        may_open |= strcmp(calls[i], "openat") == 0;
        if (number != __NR_SCMP_ERROR && number >= 0)
            err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    }
    /* Libraries look whether this or that file is there (how many CPUs, say) and do without. */
    if (err == 0 && !may_open)
        err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
    return err;
}

int sandbox_system_calls(const char *const calls[])
{
    struct sigaction on_violation = { .sa_sigaction = report_violation, .sa_flags = SA_SIGINFO };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    int err = filter ? 0 : -ENOMEM;
    sigaction(SIGSYS, &on_violation, NULL);
    if (err == 0)
        err = add_rules(filter, calls);
    if (err == 0)
        err = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    if (err < 0)
        log_error("sandbox", "cannot set the system call filter: %s", strerror(-err));
    return err < 0 ? ABENG_ERR : ABENG_OK;
}

#endif
