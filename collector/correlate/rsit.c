/* SPDX-License-Identifier: Apache-2.0 */
/* The taxonomy's 39 types and our fold keys for them. */
#include "config.h"
#include "collector/correlate/rsit.h"

#include <string.h>

#define MALWARE (RSIT_VICTIM | RSIT_NAME)
#define ATTEMPT (RSIT_ATTACKER | RSIT_FLAW | RSIT_NET | RSIT_SWEEP)
#define WEEKLY  (RSIT_VICTIM | RSIT_SID | RSIT_WEEK)

/* clang-format off */
static const struct rsit types[] = {
    { "abusive-content", "spam", "Spam", RSIT_ATTACKER | RSIT_DAY, true, 0 },
    { "abusive-content", "harmful-speech", "Harmful Speech", RSIT_ATTACKER, true, 0 },
    { "abusive-content", "violence", "(Child) Sexual Exploitation/Sexual/Violent Content",
      RSIT_ATTACKER, true, 0 },
    { "malicious-code", "infected-system", "Infected System", MALWARE, false, 10 },
    { "malicious-code", "c2-server", "C2 Server", MALWARE, false, 10 },
    { "malicious-code", "malware-distribution", "Malware Distribution", MALWARE, false, 0 },
    { "malicious-code", "malware-configuration", "Malware Configuration", MALWARE, false, 0 },
    { "information-gathering", "scanner", "Scanning", RSIT_ATTACKER | RSIT_DAY, true, 0 },
    { "information-gathering", "sniffing", "Sniffing", RSIT_ATTACKER, true, 0 },
    { "information-gathering", "social-engineering", "Social Engineering", RSIT_NAME, false, 0 },
    { "intrusion-attempts", "ids-alert", "Exploitation of Known Vulnerabilities", ATTEMPT, false,
      0 },
    { "intrusion-attempts", "brute-force", "Login Attempts", RSIT_ATTACKER | RSIT_VICTIM |
      RSIT_DAY, false, 0 },
    { "intrusion-attempts", "exploit", "New Attack Signature", ATTEMPT, false, 0 },
    { "intrusions", "privileged-account-compromise", "Privileged Account Compromise", RSIT_VICTIM,
      false, 15 },
    { "intrusions", "unprivileged-account-compromise", "Unprivileged Account Compromise",
      RSIT_VICTIM, false, 15 },
    { "intrusions", "application-compromise", "Application Compromise", RSIT_VICTIM, false, 15 },
    { "intrusions", "system-compromise", "System Compromise", RSIT_VICTIM, false, 15 },
    { "intrusions", "burglary", "Burglary", RSIT_VICTIM, false, 15 },
    { "availability", "dos", "Denial of Service", RSIT_VICTIM | RSIT_PORT, false, 10 },
    { "availability", "ddos", "Distributed Denial of Service", RSIT_VICTIM | RSIT_PORT, false, 10
      },
    { "availability", "misconfiguration", "Misconfiguration", RSIT_VICTIM, false, 0 },
    { "availability", "sabotage", "Sabotage", RSIT_VICTIM, false, 10 },
    { "availability", "outage", "Outage", RSIT_VICTIM, false, 10 },
    { "information-content-security", "unauthorised-information-access",
      "Unauthorised Access to Information", RSIT_VICTIM, false, 15 },
    { "information-content-security", "unauthorised-information-modification",
      "Unauthorised Modification of Information", RSIT_VICTIM, false, 15 },
    { "information-content-security", "data-loss", "Data Loss", RSIT_VICTIM, false, 15 },
    { "information-content-security", "data-leak", "Leak of Confidential Information",
      RSIT_VICTIM, false, 15 },
    { "fraud", "unauthorised-use-of-resources", "Unauthorised Use of Resources", RSIT_VICTIM |
      RSIT_NAME, false, 0 },
    { "fraud", "copyright", "Copyright", RSIT_VICTIM, false, 0 },
    { "fraud", "masquerade", "Masquerade", RSIT_NAME, false, 0 },
    { "fraud", "phishing", "Phishing", RSIT_NAME, false, 0 },
    { "vulnerable", "weak-crypto", "Weak Cryptography", WEEKLY, false, 0 },
    { "vulnerable", "ddos-amplifier", "DDoS Amplifier", WEEKLY, false, 0 },
    { "vulnerable", "potentially-unwanted-accessible", "Potentially Unwanted Accessible Services",
      WEEKLY, false, 0 },
    { "vulnerable", "information-disclosure", "Information Disclosure", WEEKLY, false, 0 },
    { "vulnerable", "vulnerable-system", "Vulnerable System", WEEKLY, false, 0 },
    { "other", "other", "Uncategorised", RSIT_VICTIM | RSIT_SID, false, 0 },
    { "other", "undetermined", "Undetermined", RSIT_VICTIM | RSIT_SID, false, 0 },
    { "test", "test", "Test", RSIT_SENSOR, false, 0 },
};
/* clang-format on */

size_t rsit_count(void)
{
    return sizeof types / sizeof *types;
}

const struct rsit *rsit_at(size_t index)
{
    return &types[index];
}

const struct rsit *rsit_find(const char *class_and_type)
{
    const char *slash = strchr(class_and_type, '/');
    for (size_t i = 0; slash && i < rsit_count(); i++)
        if (strlen(types[i].class) == (size_t)(slash - class_and_type) &&
            !strncmp(types[i].class, class_and_type, (size_t)(slash - class_and_type)) &&
            !strcmp(types[i].type, slash + 1))
            return &types[i];
    return NULL;
}
