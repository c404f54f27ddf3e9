/* SPDX-License-Identifier: Apache-2.0 */
/* Exports of an incident whose every text is hostile, and CSV both ways. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "collector/export/export.h"
#include "collector/export/report.h"
#include "common/buf.h"
#include "common/csv.h"
#include "common/err.h"

static const char hostile[] = "=cmd|' /C calc'!A1 <script>alert(1)</script> \x1b[31m\xe2\x80\xae"
                              "]]>&\"' \x01 \xc3\xa9";

static json_t *rows_of(const char *text)
{
    return json_pack(
        "[{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:{s:s, s:s}, s:[s], s:[s]}]", "id",
        "jm-1", "title", text, "victim", text, "peer", text, "first_seen",
        "2026-11-20T10:00:00.000Z", "last_seen", "2026-11-20T11:00:00.000Z", "opened_at",
        "2026-11-20T10:01:00.000Z", "tlp", "amber", "tier", 2, "count", 7, "rsit", "class", text,
        "type", text, "stages", text, "sensors", text);
}

static void run(const char *word, const char *text, struct buf *out)
{
    json_t *rows = rows_of(text);
    const struct export_form *form = export_find(word);
    assert_non_null(form);
    buf_clear(out);
    form->write(rows, 1763720000000ull, out);
    assert_false(out->bad);
    json_decref(rows);
}

static void hostile_texts_stay_texts(void **state)
{
    static const char *const words[] = { "stix", "misp", "idea" };
    struct buf out;
    (void)state;
    buf_init(&out, EXPORT_TEXT_MAX);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        run(words[i], hostile, &out);
        json_t *root = json_loadb((const char *)out.data, out.len, 0, NULL);
        assert_non_null(root);
        assert_null(strchr(buf_str(&out), '\x1b'));
        json_decref(root);
    }
    run("iodef", hostile, &out);
    assert_null(strchr(buf_str(&out), '\x1b'));
    assert_null(strchr(buf_str(&out), '\x01'));
    assert_null(strstr(buf_str(&out), "<script"));
    assert_non_null(strstr(buf_str(&out), "&lt;script&gt;"));
    run("csv", hostile, &out);
    assert_null(strchr(buf_str(&out), '\x1b'));
    assert_null(strstr(buf_str(&out), ",="));
    assert_null(strstr(buf_str(&out), ",\"="));
    assert_non_null(strstr(buf_str(&out), "\"'=cmd"));
    buf_free(&out);
}

/* A pattern of STIX is a language: a name that would end its string makes none. */
static void patterns_can_not_be_ended(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, EXPORT_TEXT_MAX);
    run("stix", "a.example' OR x:y='1", &out);
    assert_null(strstr(buf_str(&out), "\"pattern\""));
    run("stix", "192.0.2.1", &out);
    assert_non_null(strstr(buf_str(&out), "[ipv4-addr:value = '192.0.2.1']"));
    run("stix", "2001:db8::1", &out);
    assert_non_null(strstr(buf_str(&out), "[ipv6-addr:value = '2001:db8::1']"));
    buf_free(&out);
}

static void ids_stay_the_same(void **state)
{
    char a[EXPORT_UUID], b[EXPORT_UUID], c[EXPORT_UUID];
    (void)state;
    export_uuid("incident", "jm-1", a);
    export_uuid("incident", "jm-1", b);
    export_uuid("incident", "jm-2", c);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    assert_int_equal(strlen(a), 36);
    assert_int_equal(a[14], '4');
}

static void reports_count(void **state)
{
    struct report *r = report_create("Jamaica", "2026-11");
    struct buf out;
    (void)state;
    buf_init(&out, 1u << 20);
    for (uint64_t i = 1; i <= 100; i++) {
        const uint64_t ms[REPORT_CLOCKS] = { i * 1000, 0, 0, 0, 0 };
        json_t *rows = rows_of("x");
        report_add(r, json_array_get(rows, 0), ms);
        json_decref(rows);
    }
    report_json(r, &out);
    json_t *root = json_loadb((const char *)out.data, out.len, 0, NULL);
    const json_t *claim = json_object_get(json_object_get(root, "clocks"), "claim");
    assert_int_equal(json_integer_value(json_object_get(root, "incidents")), 100);
    assert_int_equal(json_integer_value(json_object_get(root, "alerts")), 700);
    assert_true(json_real_value(json_object_get(claim, "p50")) == 50.0);
    assert_true(json_real_value(json_object_get(claim, "p95")) == 95.0);
    const json_t *ack = json_object_get(json_object_get(root, "clocks"), "ack");
    assert_true(json_is_null(json_object_get(ack, "p50")));
    json_decref(root);
    buf_free(&out);
    report_free(r);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

struct lines {
    struct buf text;
};

static bool keep(void *arg, size_t line, const struct csv_fields *head,
                 const struct csv_fields *fields)
{
    struct lines *l = arg;
    buf_printf(&l->text, "%zu:", line);
    for (size_t i = 0; i < fields->count; i++)
        buf_printf(&l->text, "%s%s=%s", i ? "|" : "", i < head->count ? head->text[i] : "?",
                   fields->text[i]);
    buf_byte(&l->text, '\n');
    return true;
}

static void reads(const char *csv, int want, const char *lines)
{
    struct lines l;
    char why[128] = "";
    buf_init(&l.text, 1u << 16);
    assert_int_equal(csv_read(csv, strlen(csv), 3, keep, &l, why, sizeof why), want);
    assert_string_equal(buf_str(&l.text), lines);
    buf_free(&l.text);
}

static void csv_is_read_as_written(void **state)
{
    (void)state;
    reads("a,b\r\n1,2\r\n", 0, "2:a=1|b=2\n");
    reads("\xef\xbb\xbf"
          "a\n\"x, \"\"y\"\"\"\n\n",
          0, "2:a=x, \"y\"\n");
    reads("a,b\n1\n1,2,3\n", 0, "2:a=1\n3:a=1|b=2|?=3\n");
    reads("a\n\"open", ABENG_EFORMAT, "");
    reads("a\n\xff\n", ABENG_EFORMAT, "");
    reads("a\n1\n2\n3\n4\n", ABENG_ELIMIT, "2:a=1\n3:a=2\n4:a=3\n");
    reads("", ABENG_EFORMAT, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_texts_stay_texts), cmocka_unit_test(patterns_can_not_be_ended),
        cmocka_unit_test(ids_stay_the_same),        cmocka_unit_test(reports_count),
        cmocka_unit_test(csv_is_read_as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
