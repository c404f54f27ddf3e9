/* SPDX-License-Identifier: Apache-2.0 */
/* The rule report. */
#include "config.h"
#include "signatures/report.h"

#include "common/buf.h"
#include "common/json.h"
#include "signatures/ruleset.h"

void sig_report_write(const struct sig_ruleset *set, struct buf *out)
{
    for (uint32_t i = 0; i < set->verdict_count; i++) {
        const struct sig_verdict *v = &set->verdicts[i];
        struct json j;
        json_begin(&j, out);
        json_open(&j, NULL);
        json_str(&j, "file", v->file);
        json_u64(&j, "line", v->line);
        json_u64(&j, "sid", v->sid);
        json_str(&j, "verdict", v->loaded ? "loaded" : "refused");
        if (!v->loaded)
            json_str(&j, "reason", v->reason);
        json_close(&j);
        buf_byte(out, '\n');
    }
}
