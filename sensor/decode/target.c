/* SPDX-License-Identifier: Apache-2.0 */
/* Networks and what they run; who wins where bytes overlap. */
#include "config.h"
#include "sensor/decode/target.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/prefixes.h"
#include "common/xalloc.h"

#define NETWORKS_MAX 4096

struct targets {
    struct prefixes *systems; /* enum target_os */
    uint32_t count;
};

const char *target_os_name(enum target_os os)
{
    static const char *const names[TARGET_OS_COUNT] = {
        [TARGET_BSD] = "bsd",
        [TARGET_BSD_RIGHT] = "bsd-right",
        [TARGET_OLD_LINUX] = "old-linux",
        [TARGET_LINUX] = "linux",
        [TARGET_OLD_SOLARIS] = "old-solaris",
        [TARGET_SOLARIS] = "solaris",
        [TARGET_HPUX10] = "hpux10",
        [TARGET_HPUX11] = "hpux11",
        [TARGET_IRIX] = "irix",
        [TARGET_MACOS] = "macos",
        [TARGET_WINDOWS] = "windows",
        [TARGET_VISTA] = "vista",
        [TARGET_WINDOWS2K3] = "windows2k3",
    };
    return os < TARGET_OS_COUNT ? names[os] : NULL;
}

struct targets *targets_create(void)
{
    struct targets *t = xcalloc(1, sizeof(*t));
    t->systems = prefixes_create();
    return t;
}

int targets_add(struct targets *t, const char *prefix, enum target_os os)
{
    struct addr net;
    unsigned bits;
    if (addr_parse_prefix(prefix, &net, &bits) < 0)
        return ABENG_EFORMAT;
    if (t->count == NETWORKS_MAX)
        return ABENG_ELIMIT;
    prefixes_add(t->systems, &net, bits, (int)os);
    t->count++;
    return ABENG_OK;
}

enum target_os targets_find(const struct targets *t, const struct addr *host)
{
    int os = t ? prefixes_find(t->systems, host) : -1;
    if (os >= 0)
        return (enum target_os)os;
    return addr_is_v4(host) ? TARGET_WINDOWS : TARGET_BSD;
}

bool target_fragment_stays(enum target_os os, struct target_range old, struct target_range fresh)
{
    bool before = fresh.start < old.start;
    switch (os) {
    case TARGET_BSD:
    case TARGET_HPUX10:
    case TARGET_IRIX:
        return !before;
    case TARGET_BSD_RIGHT:
        return before;
    case TARGET_LINUX:
    case TARGET_OLD_LINUX:
        return fresh.start > old.start;
    case TARGET_SOLARIS:
        return !(before && fresh.end >= old.end);
    case TARGET_WINDOWS:
    case TARGET_VISTA:
    case TARGET_WINDOWS2K3:
        return !(before && fresh.end > old.end);
    default: /* the first word counts: old Solaris, HP-UX 11, macOS */
        return true;
    }
}

bool target_segment_stays(enum target_os os, struct target_range old, struct target_range fresh)
{
    bool before = fresh.start < old.start, same = fresh.start == old.start;
    switch (os) {
    case TARGET_SOLARIS:
    case TARGET_OLD_SOLARIS:
    case TARGET_HPUX11: /* the new one when it reaches further, or as far and begins not later */
        return before || same ? fresh.end < old.end : fresh.end <= old.end;
    case TARGET_OLD_LINUX:
        return !before && !(same && fresh.end >= old.end);
    case TARGET_LINUX:
        return !before && !(same && fresh.end > old.end);
    case TARGET_VISTA: /* the first word counts */
        return true;
    default: /* the one that begins first */
        return !before;
    }
}

void targets_free(struct targets *t)
{
    if (!t)
        return;
    prefixes_free(t->systems);
    free(t);
}
