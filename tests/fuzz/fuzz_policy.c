/* SPDX-License-Identifier: Apache-2.0 */
/* A file of local policy: the first byte says which, the rest is its text; a few rules are read under
 * it. */
#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "signatures/parse.h"
#include "signatures/policy.h"
#include "signatures/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules[] =
    "alert tcp any any -> any any (msg:\"one\"; flags:S; sid:1;)\n"
    "# alert udp $HOME_NET any -> any any (msg:\"two\"; metadata:a b; sid:2;)\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "disable.conf", "enable.conf", "modify.conf",
                                         "threshold.config", "sites.conf" };
    char reason[256];
    const char *why;
    if (!size)
        return 0;
    struct sig_policy *p = sig_policy_create("here");
    struct sig_parser *parser = sig_parser_create();
    const char *name = names[data[0] % (sizeof(names) / sizeof(names[0]))];
    if (sig_policy_read(p, name, (const char *)data + 1, size - 1, reason, sizeof(reason)) == 0 &&
        sig_parser_use_policy(parser, p, &why) == 0)
        sig_parser_read_rules(parser, rules, strlen(rules), "fuzz.rules");
    sig_ruleset_free(sig_parser_finish(parser));
    sig_parser_free(parser);
    sig_policy_free(p);
    return 0;
}
