/* SPDX-License-Identifier: Apache-2.0 */
/* Notices: when contacts may be reached, what is sent, and the ladder on a clock that we move. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/correlate/score.h"
#include "collector/correlate/worker.h"
#include "collector/notify/contact.h"
#include "collector/notify/notice.h"
#include "collector/notify/notify.h"
#include "collector/store/store.h"
#include "collector/triage/model.h"
#include "collector/triage/verbs.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/state.h"
#include "tests/unit/collector/alerts.h"
#include "tests/unit/link/fixture.h"

static uint64_t at(const char *text)
{
    uint64_t ns;
    assert_int_equal(clock_parse(text, strlen(text), &ns), 0);
    return ns / NS_PER_MS;
}

static void reached(const char *contact, unsigned tier, const char *now, const char *then)
{
    char text[CLOCK_TEXT_MAX];
    json_t *doc = json_loads(contact, 0, NULL);
    assert_non_null(doc);
    clock_format_rfc3339(contact_when(doc, tier, at(now)) * NS_PER_MS, text);
    assert_string_equal(text, then);
    json_decref(doc);
}

static void contacts_have_their_hours(void **state)
{
    static const char night[] = "{\"quiet_from\":\"22:00\",\"quiet_to\":\"06:00\"}";
    static const char jamaica[] =
        "{\"quiet_from\":\"22:00\",\"quiet_to\":\"06:00\",\"utc_offset\":-300}";
    static const char office[] = "{\"workdays_only\":true,\"holidays\":[\"2026-12-25\"],"
                                 "\"quiet_from\":\"17:00\",\"quiet_to\":\"09:00\"}";
    static const char daily[] = "{\"digest\":true}";
    (void)state;
    reached("{}", 3, "2026-11-21T03:00:00.123Z", "2026-11-21T03:00:00.123Z");
    reached(night, 2, "2026-11-21T21:59:59.000Z", "2026-11-21T21:59:59.000Z");
    reached(night, 2, "2026-11-21T22:00:00.000Z", "2026-11-22T06:00:00.000Z");
    reached(night, 2, "2026-11-22T05:59:30.000Z", "2026-11-22T06:00:00.000Z");
    reached(night, 1, "2026-11-21T23:00:00.000Z", "2026-11-21T23:00:00.000Z");
    reached(jamaica, 3, "2026-11-21T22:30:00.000Z", "2026-11-21T22:30:00.000Z");
    reached(jamaica, 3, "2026-11-21T04:00:00.000Z", "2026-11-21T11:00:00.000Z");
    /* Thursday evening, a holiday, a weekend: Monday morning. */
    reached(office, 3, "2026-12-24T18:00:00.000Z", "2026-12-28T09:00:00.000Z");
    reached(office, 1, "2026-12-25T12:00:00.000Z", "2026-12-25T12:00:00.000Z");
    reached(daily, 3, "2026-11-21T08:00:00.000Z", "2026-11-22T07:00:00.000Z");
    reached(daily, 2, "2026-11-21T08:00:00.000Z", "2026-11-21T08:00:00.000Z");
}

static void someone_stands_in(void **state)
{
    json_t *doc = json_loads("{\"delegate\":\"jm-2\",\"away_from\":\"2026-11-20T00:00:00Z\","
                             "\"away_until\":\"2026-11-25T00:00:00Z\"}",
                             0, NULL);
    (void)state;
    assert_false(contact_away(doc, at("2026-11-19T23:59:59Z")));
    assert_true(contact_away(doc, at("2026-11-20T00:00:00Z")));
    assert_false(contact_away(doc, at("2026-11-25T00:00:00Z")));
    json_object_del(doc, "delegate");
    assert_false(contact_away(doc, at("2026-11-21T00:00:00Z")));
    json_decref(doc);
}

static void messages_end_no_header_early(void **state)
{
    struct send_conf conf = { .mail_from = "cert@example.org" };
    struct send_mail mail = { .to = "a@example.org",
                              .subject = "x\r\nBcc: all@example.org\r\n\r\nbody \xc3\xa9",
                              .text = ".\r\nQUIT\r\n",
                              .message_id = "notice-1",
                              .tlp = "amber",
                              .now_ms = 1763720000000ull };
    struct buf out;
    (void)state;
    buf_init(&out, 1u << 16);
    send_compose(&conf, &mail, &out);
    const char *text = buf_str(&out), *body = strstr(text, "\r\n\r\n");
    assert_null(strstr(text, "Bcc"));
    assert_null(strstr(text, "QUIT"));
    assert_non_null(strstr(text, "Date: Fri, 21 Nov 2025 10:13:20 +0000\r\n"));
    assert_non_null(strstr(text, "Message-ID: <notice-1@example.org>\r\n"));
    assert_non_null(body);
    for (const char *c = text; *c; c++)
        assert_true((*c >= ' ' && *c <= '~') || *c == '\r' || *c == '\n');
    buf_free(&out);
}

static void hooks_are_signed(void **state)
{
    char line[SEND_SIGN_TEXT];
    (void)state;
    /* python3: hmac.new(b"key", b"1763720000.{}", "sha256").hexdigest() */
    send_sign(NULL, "key", "{}", 1763720000000ull, line);
    assert_string_equal(
        line, "Abeng-Signature: "
              "t=1763720000,v1=83d09edd9fc18b64e44bb0f3160b0eb5393fe973fdbe98b46af037fc7840fde5");
}

/* ---- the ladder ------------------------------------------------------------------------------ */

struct rig {
    struct fixture *f;
    struct worker *worker;
    struct model *model;
    struct notify *notify;
    struct store_conn *c;
    unsigned jm;
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    char path[1024];
    struct head h;
    if (fixture_setup((void **)&r->f))
        return -1;
    fixture_flush(r->f);
    snprintf(path, sizeof path, "%s/collector/correlate/classify.tsv", getenv("ABENG_SRCDIR"));
    r->worker = worker_start(
        &(struct worker_conf){ .store = r->f->store, .classify_path = path, .owner = "one" });
    r->model = model_start(r->f->store, NULL);
    r->c = store_conn(r->f->store, "jm");
    r->jm = (unsigned)state_find("jm", 2);
    alerts_put_beacons(r->f->store, 2, 4);
    for (int i = 0; i < 3000 && model_head(r->model, ~0u, "jm-2", &h); i++)
        usleep(10000);
    *state = r;
    return model_head(r->model, ~0u, "jm-2", &h);
}

static int teardown(void **state)
{
    struct rig *r = *state;
    model_stop(r->model);
    worker_stop(r->worker);
    fixture_teardown((void **)&r->f);
    free(r);
    return 0;
}

static void start_ladder(struct rig *r)
{
    r->notify = notify_create(&(struct notify_conf){
        .store = r->f->store, .model = r->model, .public_url = "https://cert.example.org" });
}

static uint64_t put_contact(struct rig *r, const char *text)
{
    char why[256];
    struct record_doc c = { .state = r->jm, .doc = json_loads(text, 0, NULL) };
    struct record_change change = { .who = "ann", .verb = "contact.add" };
    assert_int_equal(record_save(r->c, RECORDS_CONTACT, &c, &change, why, sizeof why), 0);
    record_clear(&c);
    return c.number;
}

static uint64_t put_notice(struct rig *r, const char *incident, uint64_t contact, uint64_t now)
{
    char why[256], said[512];
    struct record_doc n = { .state = r->jm, .doc = json_object() }, to;
    struct record_change change = { .who = "ann", .verb = "notice", .now_ms = now, .due_ms = now };
    json_t *row = json_pack("{s:s, s:s, s:i, s:s}", "id", incident, "title", "evil \x1b[31m\nname",
                            "tier", 2, "tlp", "amber");
    assert_int_equal(record_load(r->c, RECORDS_CONTACT, r->jm, contact, &to), 0);
    notice_draft(&n, row, &to, "ann", now);
    assert_null(strchr(record_text(&n, "subject"), '\x1b'));
    assert_null(strchr(record_text(&n, "subject"), '\n'));
    struct notice_wish wish = { .verb = NOTICE_SEND, .who = "ann" };
    assert_int_equal(notice_decide(&n, &wish, now, said, sizeof said, why, sizeof why), 0);
    assert_int_equal(record_save(r->c, RECORDS_NOTICE, &n, &change, why, sizeof why), 0);
    record_clear(&n);
    record_clear(&to);
    json_decref(row);
    return n.number;
}

static void stands(struct rig *r, uint64_t number, const char *status, const char *contact)
{
    struct record_doc n;
    assert_int_equal(record_load(r->c, RECORDS_NOTICE, r->jm, number, &n), 0);
    assert_string_equal(record_text(&n, "status"), status);
    assert_string_equal(record_text(&n, "contact_name"), contact);
    record_clear(&n);
}

static void confirm(struct rig *r, const char *id, uint64_t now)
{
    struct wish wish = {
        .verb = VERB_TRANSITION, .who = "ann", .to = STATUS_CONFIRMED, .tlp = "amber"
    };
    struct refusal why;
    assert_int_equal(verbs_apply(r->f->store, r->model, ~0u, id, &wish, 0, now, &why), 0);
}

static void who_does_not_answer_is_passed_over(void **state)
{
    struct rig *r = *state;
    struct head h;
    const uint64_t now = at("2026-11-21T12:00:00Z"), ack = score_limits(2)->ack * 1000ull;
    uint64_t first = put_contact(r, "{\"name\":\"First\",\"kind\":\"phone\",\"rung\":1}");
    put_contact(r, "{\"name\":\"Third\",\"kind\":\"phone\",\"rung\":3}");
    put_contact(r, "{\"name\":\"Second\",\"kind\":\"phone\",\"rung\":2}");
    confirm(r, "jm-1", now);
    start_ladder(r);
    uint64_t n = put_notice(r, "jm-1", first, now);
    assert_int_equal(notify_run(r->notify, now - 1), 0);
    notify_run(r->notify, now);
    stands(r, n, "sent", "First");
    assert_int_equal(model_head(r->model, ~0u, "jm-1", &h), 0);
    assert_int_equal(h.status, STATUS_HANDLING);
    assert_int_equal(notify_run(r->notify, now + ack - 1), 0);
    /* The collector ends here and another begins: the timers are in the store. */
    notify_stop(r->notify);
    start_ladder(r);
    notify_run(r->notify, now + ack);
    stands(r, n, "queued", "Second");
    notify_run(r->notify, now + ack);
    stands(r, n, "sent", "Second");
    notify_run(r->notify, now + 2 * ack);
    notify_run(r->notify, now + 2 * ack);
    stands(r, n, "sent", "Third");
    notify_run(r->notify, now + 3 * ack);
    stands(r, n, "sent", "Third");
    assert_int_equal(notify_run(r->notify, now + 9 * ack), 0);
    notify_stop(r->notify);
}

static void the_quiet_and_the_absent_are_spared(void **state)
{
    struct rig *r = *state;
    const uint64_t night = at("2026-11-21T23:00:00Z");
    char text[256];
    uint64_t deputy = put_contact(r, "{\"name\":\"Deputy\",\"kind\":\"phone\",\"rung\":1}");
    snprintf(text, sizeof text,
             "{\"name\":\"Sleeper\",\"kind\":\"phone\",\"rung\":1,\"quiet_from\":\"22:00\","
             "\"quiet_to\":\"06:00\"}");
    uint64_t sleeper = put_contact(r, text);
    snprintf(text, sizeof text,
             "{\"name\":\"Away\",\"kind\":\"phone\",\"rung\":1,\"delegate\":\"jm-%llu\","
             "\"away_from\":\"2026-11-20T00:00:00Z\"}",
             (unsigned long long)deputy);
    uint64_t away = put_contact(r, text);
    start_ladder(r);
    uint64_t one = put_notice(r, "jm-2", sleeper, night);
    uint64_t two = put_notice(r, "jm-2", away, night);
    notify_run(r->notify, night);
    stands(r, one, "queued", "Sleeper");
    stands(r, two, "sent", "Away"); /* its deputy was called: the log says so */
    notify_run(r->notify, at("2026-11-22T05:59:00Z"));
    stands(r, one, "queued", "Sleeper");
    notify_run(r->notify, at("2026-11-22T06:00:00Z"));
    stands(r, one, "sent", "Sleeper");
    notify_stop(r->notify);
}

static void a_countermeasure_ends_in_time(void **state)
{
    struct rig *r = *state;
    const uint64_t now = at("2026-11-21T12:00:00Z");
    struct record_doc m = { .state = r->jm };
    struct record_change change = { .who = "ann", .verb = "countermeasure", .due_ms = now };
    char why[256];
    m.doc =
        json_pack("{s:s, s:s, s:s}", "incident", "jm-1", "text", "block it", "status", "active");
    assert_int_equal(record_save(r->c, RECORDS_COUNTERMEASURE, &m, &change, why, sizeof why), 0);
    record_clear(&m);
    start_ladder(r);
    notify_run(r->notify, now);
    assert_int_equal(record_load(r->c, RECORDS_COUNTERMEASURE, r->jm, m.number, &m), 0);
    assert_string_equal(record_text(&m, "status"), "pending_removal");
    record_clear(&m);
    uint64_t version = m.version;
    notify_run(r->notify, now + 1000); /* the timer is gone: nothing changes any more */
    assert_int_equal(record_load(r->c, RECORDS_COUNTERMEASURE, r->jm, m.number, &m), 0);
    assert_int_equal(m.version, version);
    record_clear(&m);
    notify_stop(r->notify);
}

static void changes_on_an_old_version_are_refused(void **state)
{
    struct rig *r = *state;
    struct record_doc a, b;
    struct record_change change = { .who = "ann", .verb = "contact.change" };
    char why[256];
    uint64_t id = put_contact(r, "{\"name\":\"One\",\"kind\":\"phone\",\"rung\":4}");
    assert_int_equal(record_load(r->c, RECORDS_CONTACT, r->jm, id, &a), 0);
    assert_int_equal(record_load(r->c, RECORDS_CONTACT, r->jm, id, &b), 0);
    assert_int_equal(record_save(r->c, RECORDS_CONTACT, &a, &change, why, sizeof why), 0);
    assert_int_equal(record_save(r->c, RECORDS_CONTACT, &b, &change, why, sizeof why),
                     ABENG_ECONFLICT);
    record_clear(&b);
    change.remove = true;
    assert_int_equal(record_save(r->c, RECORDS_CONTACT, &a, &change, why, sizeof why), 0);
    assert_int_equal(record_load(r->c, RECORDS_CONTACT, r->jm, id, &b), ABENG_ENOENT);
    record_clear(&a);
    record_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contacts_have_their_hours),
        cmocka_unit_test(someone_stands_in),
        cmocka_unit_test(messages_end_no_header_early),
        cmocka_unit_test(hooks_are_signed),
        cmocka_unit_test(who_does_not_answer_is_passed_over),
        cmocka_unit_test(the_quiet_and_the_absent_are_spared),
        cmocka_unit_test(a_countermeasure_ends_in_time),
        cmocka_unit_test(changes_on_an_old_version_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
