/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of files by their first bytes, in libmagic's words. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "sensor/app/filetype.h"
#include "signatures/filetype.h"

#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

static void expect(const uint8_t *data, uint32_t len, const char *want)
{
    char name[SIG_FILETYPE_MAX];
    uint32_t n = app_filetype(data, len, name, sizeof(name));
    assert_int_equal(n, strlen(name));
    assert_string_equal(name, want);
}

static void test_first_bytes(void **state)
{
    (void)state;
    expect(BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "PNG image data");
    expect(BYTES("%PDF-1.7\n"), "PDF document, version 1.7");
    expect(BYTES("%PDF-"), "PDF document, version ");
    expect(BYTES("CWS\x09...."), "Macromedia Flash data (compressed), version 9");
    expect(BYTES("CWS"), "Macromedia Flash data (compressed), version 0");
    expect(BYTES("\xca\xfe\xba\xbe\0\0\0\x34"), "compiled Java class data, version 52.0");
    expect(BYTES("\xca\xfe\xba\xbe\0\0\0\x02"), "Mach-O universal binary with 2 architectures");
    expect(BYTES("PK\3\4\x14\0\0\0"), "Zip archive data, at least v2.0 to extract");
    expect(BYTES("RIFF\0\0\0\0WAVEfmt "), "RIFF (little-endian) data, WAVE audio");
    expect(BYTES("\x7f"
                 "ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\x3e\0"),
           "ELF 64-bit LSB shared object");
}

static void test_zip(void **state)
{
    (void)state;
    uint8_t zip[80] = "PK\3\4\x14";
    memcpy(zip + 30, "META-INF/MANIFEST.MF", 20);
    expect(zip, sizeof(zip), "Java archive data (JAR)");
    memcpy(zip + 30, "[Content_Types].xml ", 20);
    expect(zip, sizeof(zip), "Microsoft OOXML");
    memcpy(zip + 60, "word/document.xml", 17);
    expect(zip, sizeof(zip), "Microsoft Word 2007+");
}

static void test_pe(void **state)
{
    (void)state;
    uint8_t pe[256] = "MZ";
    expect(pe, sizeof(pe), "MS-DOS executable");
    pe[0x3c] = 0x40;
    memcpy(pe + 0x40, "PE\0\0\x4c\x01\x03\0", 8);
    pe[0x40 + 24] = 0x0b;
    pe[0x40 + 25] = 0x01;
    pe[0x40 + 24 + 68] = 2;
    expect(pe, sizeof(pe), "PE32 executable (GUI) Intel 80386, for MS Windows, 3 sections");
    pe[0x40 + 23] = 0x20;
    pe[0x40 + 25] = 0x02;
    memcpy(pe + 0x44, "\x64\x86", 2);
    expect(pe, sizeof(pe), "PE32+ executable (DLL) (GUI) x86-64, for MS Windows, 3 sections");
    /* wherever it is cut, nothing behind is read */
    for (uint32_t len = 1; len < sizeof(pe); len++) {
        char name[SIG_FILETYPE_MAX];
        assert_true(app_filetype(pe, len, name, sizeof(name)) > 0);
    }
    memset(pe + 0x3c, 0xff, 4);
    expect(pe, sizeof(pe), "MS-DOS executable");
}

static void test_texts(void **state)
{
    (void)state;
    expect(BYTES("plain words\r\n"), "ASCII text");
    expect(BYTES("gr\xc3\xbc\xc3\x9f"
                 "e"),
           "Unicode text, UTF-8 text");
    expect(BYTES("cut in a letter \xc3"), "Unicode text, UTF-8 text");
    expect(BYTES("  <HTML><body>"), "HTML document, ASCII text");
    expect(BYTES("\1\2\3"), "data");
    expect(BYTES("not \xff\xfe\xfd\xfc text"), "data");
}

static void test_words(void **state)
{
    (void)state;
    assert_true(sig_filetype_says(text_of("pdf")));
    assert_true(sig_filetype_says(text_of("for MS Windows")));
    assert_true(sig_filetype_says(text_of("PDF document, version 1.4")));
    assert_false(sig_filetype_says(text_of("Amiga disk")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_bytes), cmocka_unit_test(test_zip),   cmocka_unit_test(test_pe),
        cmocka_unit_test(test_texts),       cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
