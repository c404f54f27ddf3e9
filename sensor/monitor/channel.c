/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with descriptors between the processes. */
#include "config.h"
#include "sensor/monitor/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"

int channel_pair(int out[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out) < 0 ? ABENG_EIO : ABENG_OK;
}

int channel_send(int socket, const struct channel_message *m, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec body = { (void *)(uintptr_t)m, sizeof(*m) };
    struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1 };
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    }
    ssize_t n;
    do
        n = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(*m) ? ABENG_OK : ABENG_EIO;
}

int channel_receive(int socket, struct channel_message *m, int *fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec body = { m, sizeof(*m) };
    struct msghdr message = { .msg_iov = &body,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof(control.bytes) };
    ssize_t n;
    *fd = -1;
    do
        n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n == 0 || errno == ECONNRESET ? ABENG_EOF : ABENG_EIO;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(fd, CMSG_DATA(c), sizeof(*fd));
    if (n != (ssize_t)sizeof(*m) || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        if (*fd >= 0)
            close(*fd);
        *fd = -1;
        return ABENG_EFORMAT;
    }
    m->name[sizeof(m->name) - 1] = 0;
    m->text[sizeof(m->text) - 1] = 0;
    return ABENG_OK;
}

int channel_ask(int socket, struct channel_message *m, int *fd)
{
    uint32_t verb = m->verb;
    int err = channel_send(socket, m, -1);
    *fd = -1;
    if (err == ABENG_OK)
        err = channel_receive(socket, m, fd);
    if (err == ABENG_OK && m->verb != verb)
        err = ABENG_EFORMAT;
    return err == ABENG_OK ? m->status : err;
}

bool channel_name_ok(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);
    return len > 0 && len < CHANNEL_NAME_MAX && name[0] != '.' && strspn(name, allowed) == len;
}
