/* SPDX-License-Identifier: Apache-2.0 */
/* Read, check, hand over. */
#include "config.h"
#include "sensor/evidence/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/file.h"
#include "common/sandbox.h"
#include "common/sign.h"
#include "sensor/evidence/store.h"

#define PATIENCE_MS 2000
#define SEALS       (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* Exit statuses of the process. */
enum { DONE, SHORT, CHANGED, BROKEN };

static int read_whole(int file, uint64_t offset, uint8_t *bytes, uint32_t length)
{
    for (uint32_t done = 0; done < length;) {
        ssize_t n = pread(file, bytes + done, length - done, (off_t)(offset + done));
        if (n <= 0)
            return n < 0 ? BROKEN : SHORT;
        done += (uint32_t)n;
    }
    return DONE;
}

static int child(int file, uint64_t offset, uint32_t length, const char *hash, int out)
{
    static uint8_t bytes[EVIDENCE_EXTENT_MAX];
    static const char *const calls[] = { "pread64", "write", "exit", "exit_group", NULL };
    char digest[SIGN_DIGEST_TEXT];
    if (sandbox_paths(NULL, 0) < 0 || sandbox_system_calls(calls) < 0)
        return BROKEN;
    int status = read_whole(file, offset, bytes, length);
    if (status != DONE)
        return status;
    sign_digest_text(bytes, length, digest);
    if (strcmp(digest, hash) != 0)
        return CHANGED;
    return file_write_all(out, bytes, length) < 0 ? BROKEN : DONE;
}

/* The process's status; one that does not end in time is ended. */
static int await(pid_t pid)
{
    int status = 0, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = { .fd = pidfd, .events = POLLIN };
    if (pidfd < 0 || poll(&p, 1, PATIENCE_MS) != 1)
        kill(pid, SIGKILL);
    if (pidfd >= 0)
        close(pidfd);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : BROKEN;
}

static int as_error(int status)
{
    return status == SHORT ? ABENG_EOF : status == CHANGED ? ABENG_EAUTH : ABENG_EIO;
}

int evidence_extract(int file, uint64_t offset, uint32_t length, const char *hash, const char *user)
{
    if (length == 0 || length > EVIDENCE_EXTENT_MAX)
        return ABENG_ELIMIT;
    int out = memfd_create("evidence", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (out < 0)
        return ABENG_EIO;
    pid_t pid = fork();
    if (pid == 0) {
        bool confined = sandbox_become_user(user) == ABENG_OK && sandbox_drop_privileges() == 0;
        _exit(confined ? child(file, offset, length, hash, out) : BROKEN);
    }
    int status = pid < 0 ? BROKEN : await(pid);
    if (status == DONE && fcntl(out, F_ADD_SEALS, SEALS) == 0 && lseek(out, 0, SEEK_SET) == 0)
        return out;
    close(out);
    return as_error(status == DONE ? BROKEN : status);
}
