/* SPDX-License-Identifier: Apache-2.0 */
/* Classes and reference systems. */
#include "config.h"
#include "signatures/classification.h"

#include <stdlib.h>

#include "common/arena.h"
#include "common/log.h"
#include "common/xalloc.h"

/* Most classes a table may have. */
#define CLASSES_MAX 4096

/* clang-format off */
static const struct classification builtin[] = {
    { "not-suspicious", "Not Suspicious Traffic", 3 },
    { "unknown", "Unknown Traffic", 3 },
    { "bad-unknown", "Potentially Bad Traffic", 2 },
    { "attempted-recon", "Attempted Information Leak", 2 },
    { "successful-recon-limited", "Information Leak", 2 },
    { "successful-recon-largescale", "Large Scale Information Leak", 2 },
    { "attempted-dos", "Attempted Denial of Service", 2 },
    { "successful-dos", "Denial of Service", 2 },
    { "attempted-user", "Attempted User Privilege Gain", 1 },
    { "unsuccessful-user", "Unsuccessful User Privilege Gain", 1 },
    { "successful-user", "Successful User Privilege Gain", 1 },
    { "attempted-admin", "Attempted Administrator Privilege Gain", 1 },
    { "successful-admin", "Successful Administrator Privilege Gain", 1 },
    { "rpc-portmap-decode", "Decode of an RPC Query", 2 },
    { "shellcode-detect", "Executable code was detected", 1 },
    { "string-detect", "A suspicious string was detected", 3 },
    { "suspicious-filename-detect", "A suspicious filename was detected", 2 },
    { "suspicious-login", "An attempted login using a suspicious username was detected", 2 },
    { "system-call-detect", "A system call was detected", 2 },
    { "tcp-connection", "A TCP connection was detected", 4 },
    { "trojan-activity", "A Network Trojan was detected", 1 },
    { "unusual-client-port-connection", "A client was using an unusual port", 2 },
    { "network-scan", "Detection of a Network Scan", 3 },
    { "denial-of-service", "Detection of a Denial of Service Attack", 2 },
    { "non-standard-protocol", "Detection of a non-standard protocol or event", 2 },
    { "protocol-command-decode", "Generic Protocol Command Decode", 3 },
    { "web-application-activity", "access to a potentially vulnerable web application", 2 },
    { "web-application-attack", "Web Application Attack", 1 },
    { "misc-activity", "Misc activity", 3 },
    { "misc-attack", "Misc Attack", 2 },
    { "icmp-event", "Generic ICMP event", 3 },
    { "policy-violation", "Potential Corporate Privacy Violation", 1 },
    { "default-login-attempt", "Attempt to login by a default username and password", 2 },
    { "targeted-activity", "Targeted Malicious Activity was Detected", 1 },
    { "exploit-kit", "Exploit Kit Activity Detected", 1 },
    { "external-ip-check", "Device Retrieving External IP Address Detected", 2 },
    { "domain-c2", "Domain Observed Used for C2 Detected", 1 },
    { "pup-activity", "Possibly Unwanted Program Detected", 2 },
    { "credential-theft", "Successful Credential Theft Detected", 1 },
    { "social-engineering", "Possible Social Engineering Attempted", 2 },
    { "coin-mining", "Crypto Currency Mining Activity Detected", 2 },
    { "command-and-control", "Malware Command and Control Activity Detected", 1 },
};

static const struct { const char *name, *prefix; } systems[] = {
    { "bugtraq", "http://www.securityfocus.com/bid/" },
    { "bid", "http://www.securityfocus.com/bid/" },
    { "cve", "http://cve.mitre.org/cgi-bin/cvename.cgi?name=" },
    { "secunia", "http://secunia.com/advisories/" },
    { "arachNIDS", "http://www.whitehats.com/info/IDS" },
    { "McAfee", "http://vil.nai.com/vil/content/v_" },
    { "nessus", "http://cgi.nessus.org/plugins/dump.php3?id=" },
    { "url", "http://" },
    { "et", "http://doc.emergingthreats.net/" },
    { "etpro", "http://doc.emergingthreatspro.com/" },
    { "telus", "http://" },
    { "osvdb", "http://osvdb.org/show/osvdb/" },
    { "threatexpert", "http://www.threatexpert.com/report.aspx?md5=" },
    { "md5", "http://www.threatexpert.com/report.aspx?md5=" },
    { "exploitdb", "http://www.exploit-db.com/exploits/" },
    { "openpacket", "https://www.openpacket.org/capture/grab/" },
    { "securitytracker", "http://securitytracker.com/id?" },
    { "xforce", "http://xforce.iss.net/xforce/xfdb/" },
    { "msft", "http://technet.microsoft.com/security/bulletin/" },
};
/* clang-format on */

#define BUILTIN_COUNT (sizeof(builtin) / sizeof(builtin[0]))

struct classifications {
    struct arena *arena;
    const struct classification *list;
    struct classification *own; /* NULL: the built-in table */
    unsigned count;
};

struct classifications *classifications_create(void)
{
    struct classifications *c = xcalloc(1, sizeof(*c));
    c->arena = arena_create(0);
    c->list = builtin;
    c->count = BUILTIN_COUNT;
    return c;
}

/* "config classification: name,description,priority" */
static bool read_line(struct classifications *c, struct text line, struct classification *out)
{
    struct text name, description;
    uint64_t priority;
    if (!text_skip(&line, "config classification:") || !text_cut(&line, ',', &name) ||
        !text_cut(&line, ',', &description) || text_u64(line, UINT8_MAX, &priority) || !name.len ||
        !priority)
        return false;
    out->name = arena_strndup(c->arena, name.at, name.len);
    out->description = arena_strndup(c->arena, description.at, description.len);
    out->priority = (uint8_t)priority;
    return true;
}

unsigned classifications_read(struct classifications *c, struct text text, const char *file)
{
    struct text line;
    unsigned wrong = 0, number = 0;
    c->own = xreallocarray(c->own, CLASSES_MAX, sizeof(*c->own));
    c->list = c->own;
    c->count = 0;
    while (text_cut(&text, '\n', &line)) {
        number++;
        if (!line.len || line.at[0] == '#')
            continue;
        if (c->count < CLASSES_MAX && read_line(c, line, &c->own[c->count])) {
            c->count++;
            continue;
        }
        log_warn("signatures",
                 "%s:%u: not 'config classification: name,description,priority' (or more than %d); "
                 "skipped",
                 file, number, CLASSES_MAX);
        wrong++;
    }
    return wrong;
}

const struct classification *classifications_find(const struct classifications *c, struct text name)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (text_is_nocase(name, c->list[i].name))
            return &c->list[i];
    }
    return NULL;
}

void classifications_free(struct classifications *c)
{
    if (!c)
        return;
    free(c->own);
    arena_free(c->arena);
    free(c);
}

const char *classification_reference(struct text name)
{
    for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
        if (text_is_nocase(name, systems[i].name))
            return systems[i].prefix;
    }
    return NULL;
}
