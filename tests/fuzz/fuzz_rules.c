/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files of any bytes: read, ordered, reported, written back and read again. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "signatures/parse.h"
#include "signatures/print.h"
#include "signatures/report.h"
#include "signatures/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sig_ruleset *read_text(const char *text, size_t len)
{
    struct sig_parser *p = sig_parser_create();
    sig_parser_add_list(p, "l.lst", text, len < 4096 ? len : 4096);
    sig_parser_read_categories(p, "1,a,one\n2,b,two\n", 16);
    sig_parser_read_categories(p, text, len < 4096 ? len : 4096);
    sig_parser_read_reputation(p, text, len < 4096 ? len : 4096);
    sig_parser_read_rules(p, text, len, "fuzz.rules");
    struct sig_ruleset *set = sig_parser_finish(p);
    sig_parser_free(p);
    return set;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out;
    buf_init(&out, 64u << 20);
    struct sig_ruleset *set = read_text((const char *)data, size);
    sig_report_write(set, &out);
    buf_clear(&out);
    for (uint32_t i = 0; i < set->rule_count; i++) {
        sig_print(set, &set->rules[i], &out);
        buf_byte(&out, '\n');
    }
    struct sig_ruleset *again = read_text(out.len ? (const char *)out.data : "", out.len);
    sig_ruleset_free(again);
    sig_ruleset_free(set);
    buf_free(&out);
    return 0;
}
