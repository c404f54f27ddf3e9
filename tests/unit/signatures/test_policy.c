/* SPDX-License-Identifier: Apache-2.0 */
/* Local policy: which rules are read, as what, and where they are silent. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "signatures/parse.h"
#include "signatures/policy.h"
#include "signatures/ruleset.h"

static const char rules[] =
    "alert tcp any any -> any any (msg:\"one\"; sid:1;)\n"
    "# alert tcp any any -> any any (msg:\"two\"; sid:2;)\n"
    "# just words (and more)\n"
    "alert tcp $HOME_NET any -> any any (msg:\"three\"; sid:3; metadata:deployment perimeter, a "
    "b;)\n"
    "alert tcp any any -> any any (msg:\"four\"; threshold:type limit, track by_src, count 1, "
    "seconds 9; sid:4;)\n"
    "alert tcp any any -> any any (msg:\"five\"; gid:7; sid:5;)\n";

struct file {
    const char *name, *text;
};

static void policy_read(struct sig_policy *p, const struct file *f)
{
    char reason[200];
    assert_true(sig_policy_has(f->name));
    if (sig_policy_read(p, f->name, f->text, strlen(f->text), reason, sizeof(reason)))
        fail_msg("%s", reason);
}

/* The sids that are read under a policy of these files, in their order, one digit each. */
static struct sig_ruleset *load(const struct file *files, size_t count, const char *site,
                                const char *want)
{
    struct sig_policy *p = sig_policy_create(site);
    struct sig_parser *parser = sig_parser_create();
    const char *reason;
    char got[32] = "";
    for (size_t i = 0; i < count; i++)
        policy_read(p, &files[i]);
    if (sig_parser_use_policy(parser, p, &reason))
        fail_msg("%s", reason);
    sig_parser_read_rules(parser, rules, strlen(rules), "rules/emerging-dos.rules");
    struct sig_ruleset *set = sig_parser_finish(parser);
    for (uint32_t i = 0; i < set->rule_count && i < sizeof(got) - 1; i++)
        got[i] = (char)('0' + set->rules[i].sid % 10);
    assert_string_equal(got, want);
    sig_parser_free(parser);
    sig_policy_free(p);
    return set;
}

#define LOAD(site, want, ...)                                                                      \
    load((const struct file[]){ __VA_ARGS__ },                                                     \
         sizeof((struct file[]){ __VA_ARGS__ }) / sizeof(struct file), site, want)

static void test_names(void **state)
{
    (void)state;
    sig_ruleset_free(LOAD(NULL, "1345", { "disable.conf", "# nothing\n" }));
    sig_ruleset_free(LOAD(NULL, "45", { "disable.conf", "1, 1:3\n5\n" })); /* 5 is of gid 7 */
    sig_ruleset_free(LOAD(NULL, "134", { "x/disable.conf", "7:5" }));
    sig_ruleset_free(LOAD(NULL, "135", { "disable.conf", "re:msg:\"FOUR\"" }));
    sig_ruleset_free(LOAD(NULL, "145", { "disable.conf", "metadata: deployment perimeter" }));
    sig_ruleset_free(LOAD(NULL, "", { "disable.conf", "group:emerging-dos.rules" }));
    sig_ruleset_free(LOAD(NULL, "", { "disable.conf", "group:*-dos" }));
    sig_ruleset_free(LOAD(NULL, "1345", { "disable.conf", "filename:dos" }));
    sig_ruleset_free(LOAD(NULL, "24", { "disable.conf", "*" }, { "enable.conf", "2\nre:four" }));
}

static void test_disabled_says_so(void **state)
{
    (void)state;
    struct sig_ruleset *set = LOAD(NULL, "345", { "disable.conf", "# x\n1\n" });
    assert_int_equal(set->verdicts[0].sid, 1);
    assert_false(set->verdicts[0].loaded);
    assert_string_equal(set->verdicts[0].reason, "local policy: disable.conf:2 disables it");
    assert_int_equal(set->verdict_count, 4); /* what is commented out is no refusal */
    sig_ruleset_free(set);
}

static void test_modify(void **state)
{
    (void)state;
    struct sig_ruleset *set = LOAD(NULL, "1345",
                                   { "modify.conf", "1 \"msg:\\\"(\\w+)\" \"msg:\\\"$\\1 \\1\"\n"
                                                    "* \"any any\" \"192.0.2.1 any\"\n" });
    assert_string_equal(set->rules[0].msg, "$one one");
    assert_int_equal(set->rules[0].src.count, 1);
    assert_int_equal(set->rules[0].dst.count, 1); /* all of them */
    assert_string_equal(set->rules[1].msg, "three");
    sig_ruleset_free(set);
}

static void test_thresholds(void **state)
{
    (void)state;
    struct sig_ruleset *set = LOAD(
        "x", "1345",
        { "threshold.config",
          "threshold gen_id 0, sig_id 0, type both, track by_dst, count 2, seconds 3\n"
          "event_filter gen_id 1, sig_id 4, type threshold, track by_rule, count 5, seconds 6\n"
          "rate_filter gen_id 1, sig_id 1, track by_src, count 5, seconds 6, new_action drop, "
          "timeout 7\n"
          "suppress gen_id 1, sig_id 3\n"
          "suppress gen_id 1, sig_id 1, track by_src, ip 192.0.2.1\n"
          "suppress gen_id 0, sig_id 0, track by_either, ip [198.51.100.0/24, $HOME_NET]\n" },
        { "sites.conf", "x HOME_NET 10.0.0.0/8\ny HOME_NET 172.16.0.0/12\n* HOME_NET any\n" });
    const struct sig *r = set->rules;
    assert_int_equal(r[0].threshold.type, SIG_THRESHOLD_BOTH);
    assert_int_equal(r[0].threshold.track, SIG_TRACK_DST);
    assert_int_equal(r[2].threshold.type, SIG_THRESHOLD_THRESHOLD); /* said of it alone */
    assert_int_equal(r[2].threshold.count, 5);
    assert_true(r[1].noalert);
    assert_false(r[0].noalert);
    assert_int_equal(r[0].suppress_count, 2);
    assert_int_equal(r[3].suppress_count, 1);
    assert_int_equal(r[3].suppress[0]->track, SIG_TRACK_PAIR);
    assert_int_equal(r[3].suppress[0]->addrs.count, 2);
    assert_int_equal(r[1].src.count, 1); /* the site's word goes before that for all */
    assert_false(r[1].src.any);
    sig_ruleset_free(set);
}

/** A rate_filter gives way to what is there, and the first one to none behind it. */
static void test_rates(void **state)
{
    (void)state;
    struct sig_ruleset *set = LOAD(
        "x", "1345",
        { "threshold.config",
          "rate_filter gen_id 1, sig_id 3, track by_rule, count 2, seconds 3, new_action pass, "
          "timeout 4\n"
          "threshold gen_id 1, sig_id 4, type limit, track by_src, count 9, seconds 9\n"
          "rate_filter gen_id 0, sig_id 0, track by_src, count 5, seconds 6, new_action drop, "
          "timeout 7\n"
          "rate_filter gen_id 1, sig_id 1, track by_dst, count 1, seconds 1, new_action alert, "
          "timeout 1\n"
          "rate_filter gen_id 1, sig_id 5, track by_dst, count 1, seconds 1, new_action log, "
          "timeout 1\n" });
    const struct sig *r = set->rules;
    assert_int_equal(r[1].threshold.type, SIG_THRESHOLD_RATE);
    assert_int_equal(r[1].threshold.action, SIG_ACTION_PASS);
    assert_int_equal(r[1].threshold.timeout, 4);
    assert_int_equal(r[2].threshold.type, SIG_THRESHOLD_LIMIT);
    assert_int_equal(r[0].threshold.type, SIG_THRESHOLD_RATE);
    assert_int_equal(r[0].threshold.action, SIG_ACTION_DROP);
    assert_int_equal(r[0].threshold.count, 5);
    sig_ruleset_free(set);
}

static void test_exclude(void **state)
{
    (void)state;
    struct sig_ruleset *set =
        LOAD("x", "11345", { "sites.conf", "* exclude 192.0.2.0/24\ny exclude 10.0.0.0/8\n" });
    assert_int_equal(set->rules[0].action, SIG_ACTION_PASS);
    assert_int_equal(set->rules[0].kind, SIG_KIND_IP_ONLY);
    assert_true(set->rules[0].bidirectional);
    sig_ruleset_free(set);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        struct file file;
        const char *reason;
    } cases[] = {
        { { "disable.conf", "1\nnonsense\n" }, "disable.conf:2: names rules by" },
        { { "disable.conf", "re:a(b" }, "its regex" },
        { { "disable.conf", "group:" }, "names rules by" },
        { { "modify.conf", "1 \"a\"" }, "replacement" },
        { { "modify.conf", "1 \"a(\" \"b\"" }, "its regex" },
        { { "threshold.config", "suppress gen_id 1" }, "gen_id N" },
        { { "threshold.config", "suppress gen_id 1, sig_id 2, track by_src" }, "suppress wants" },
        { { "threshold.config", "threshold gen_id 1, sig_id 2, track by_src, count 1, seconds 2" },
          "all needed" },
        { { "threshold.config", "limit gen_id 1" }, "begins with" },
        { { "sites.conf", "* HOME_NET" }, "SITE NAME VALUE" },
        { { "other.conf", "" }, "not the name" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sig_policy *p = sig_policy_create(NULL);
        char reason[200];
        const struct file *f = &cases[i].file;
        assert_int_not_equal(
            sig_policy_read(p, f->name, f->text, strlen(f->text), reason, sizeof(reason)), 0);
        if (!strstr(reason, cases[i].reason))
            fail_msg("'%s': %s", f->text, reason);
        sig_policy_free(p);
    }
}

/* What only the parser's variables can tell is told when the policy is used. */
static void test_refused_later(void **state)
{
    (void)state;
    static const struct file files[] = {
        { "threshold.config", "suppress gen_id 1, sig_id 1, track by_src, ip $NOWHERE" },
        { "sites.conf", "* HOME_NET 192.0.2.300" },
    };
    for (size_t i = 0; i < 2; i++) {
        struct sig_policy *p = sig_policy_create(NULL);
        struct sig_parser *parser = sig_parser_create();
        const char *reason;
        policy_read(p, &files[i]);
        assert_int_not_equal(sig_parser_use_policy(parser, p, &reason), 0);
        assert_non_null(strstr(reason, files[i].name));
        sig_parser_free(parser);
        sig_policy_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),         cmocka_unit_test(test_disabled_says_so),
        cmocka_unit_test(test_modify),        cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_exclude),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
