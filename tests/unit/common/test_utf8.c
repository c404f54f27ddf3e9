/* SPDX-License-Identifier: Apache-2.0 */
/* Texts from anywhere, for terminals and for markup. */
#include "config.h"
#include "common/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"

static void shown(const char *text, size_t width, bool lines, const char *want)
{
    struct buf out;
    buf_init(&out, 4096);
    utf8_safe(&out, text, width, lines);
    assert_string_equal(buf_str(&out), want);
    buf_free(&out);
}

static void marked(const char *text, bool lines, const char *want)
{
    struct buf out;
    buf_init(&out, 4096);
    utf8_markup(&out, text, lines);
    assert_string_equal(buf_str(&out), want);
    buf_free(&out);
}

static void harmful_characters_are_spelt(void **state)
{
    (void)state;
    shown("caf\xc3\xa9", 0, false, "caf\xc3\xa9");
    shown("\x1b[31mred", 0, false, "\\x1b[31mred");
    shown("a\xffz", 0, false, "a\\xffz");
    shown("\xe2\x80\xae"
          "abc",
          0, false, "\\u202eabc"); /* turns the line around */
    shown("one\ntwo\tthree", 0, true, "one\ntwo\tthree");
    shown("one\ntwo", 0, false, "one\\x0atwo");
    shown("abcdef", 4, false, "abc\xe2\x80\xa6");
    shown("abcd", 4, false, "abcd");
}

static void markup_has_none_of_its_own(void **state)
{
    (void)state;
    marked("<b onload='x'>\"&\"</b>", false,
           "&lt;b onload=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/b&gt;");
    marked("&lt;", false, "&amp;lt;");
    marked("a\x01\nb", true, "a\\x01\nb");
    marked("", false, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(harmful_characters_are_spelt),
        cmocka_unit_test(markup_has_none_of_its_own),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
