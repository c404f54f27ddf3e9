/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one error enum. Functions that can fail return int: 0 or more is success, below 0 is one of
 * these.
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

enum abeng_err {
    ABENG_OK = 0,
    ABENG_ERR = -1,        /* failed, and a log line or a reason text has said why */
    ABENG_ENOMEM = -2,     /* a cap or the system's memory is used up */
    ABENG_EINVAL = -3,     /* an argument or a value that is not allowed */
    ABENG_EIO = -4,        /* the system refused a read, a write or a call; errno says why */
    ABENG_EOF = -5,        /* the end, where more was expected or the caller has all */
    ABENG_EFORMAT = -6,    /* bytes that are not what their format says */
    ABENG_ELIMIT = -7,     /* a documented limit was reached */
    ABENG_ENOENT = -8,     /* not there */
    ABENG_EEXIST = -9,     /* there already */
    ABENG_EAGAIN = -10,    /* not now; try again */
    ABENG_EAUTH = -11,     /* who asks is not known, or the signature is wrong */
    ABENG_EDENIED = -12,   /* who asks is known and may not */
    ABENG_ECONFLICT = -13, /* changed by somebody else meanwhile */
    ABENG_ETIME = -14,     /* took longer than it may */
    ABENG_EUNSUPPORTED = -15, /* understood, and not done by this build */
};

/** A short text for `err` (an `enum abeng_err`), never NULL, static. */
const char *err_text(int err);

#endif
