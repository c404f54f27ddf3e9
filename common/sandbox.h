/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a process gives up before it touches bytes from outside. Each call is one step, in the order
 * in which they stand here; all are final. Built with a sanitizer, system call filters and Landlock
 * are left out (its runtime needs more), the rest stays.
 */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/** A folder or file that stays within reach after sandbox_paths. */
struct sandbox_path {
    const char *path; /* NULL entries are skipped; one that is not there is skipped too */
    bool write;       /* make, write, rename and remove below it; else read alone */
};

/**
 * Make files of `path` (and itself) belong to `user`, so that a process that becomes `user` can
 * work there. As root only, else does nothing. 0 or ABENG_EIO with a log line.
 */
int sandbox_give_folder(const char *path, const char *user);

/**
 * Become `user` (and its group, no others) when running as root; otherwise stay who we are. Falls
 * back to `nobody` when there is no such user, with a warning. 0 or ABENG_ERR with a log line.
 */
int sandbox_become_user(const char *user);

/** Drop every capability, for good, and set no_new_privs. 0 or ABENG_ERR with a log line. */
int sandbox_drop_privileges(void);

/**
 * Landlock: no file system but `paths` (`count` may be 0: none at all). Kernels without Landlock
 * are reported once and the process goes on. 0 or ABENG_ERR.
 */
int sandbox_paths(const struct sandbox_path *paths, size_t count);

/**
 * Allow only the system calls named in `calls` (NULL-ended array of names; those unknown to this
 * machine are skipped). Any other one ends the process with a line that names it; clone3 answers
 * ENOSYS so that libc uses clone, which may make threads alone. For all threads that come. 0 or
 * ABENG_ERR with a log line.
 */
int sandbox_system_calls(const char *const calls[]);

#endif
