/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the position file. */
#include "config.h"
#include "sensor/spool/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"

static bool line_parse(const char *line, struct position *p)
{
    int end = 0;
    int n = sscanf(line, "%32[0-9a-f] %23[a-z0-9._-] %" SCNu64 " %" SCNx64 "%n", p->epoch, p->lane,
                   &p->number, &p->serial, &end);
    return n == 4 && strlen(p->epoch) == sizeof(p->epoch) - 1 && line[end] == '\n';
}

unsigned position_parse(const char *text, struct position *out)
{
    unsigned count = 0;
    for (const char *line = text; line && *line && count < POSITION_MAX;) {
        if (line_parse(line, &out[count]))
            count++;
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return count;
}

void position_print(struct buf *out, const struct position *p)
{
    buf_printf(out, "%s %s %" PRIu64 " %016" PRIx64 "\n", p->epoch, p->lane, p->number, p->serial);
}
