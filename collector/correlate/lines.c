/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of lines. */
#include "config.h"
#include "collector/correlate/lines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"

static int take_lines(char *text, const char *path, lines_take_fn *take, void *arg, char *why,
                      size_t why_len)
{
    unsigned number = 0;
    for (char *next; text; text = next) {
        next = strchr(text, '\n');
        if (next)
            *next++ = '\0';
        number++;
        const char *wrong = *text && *text != '#' ? take(arg, text) : NULL;
        if (wrong) {
            snprintf(why, why_len, "%s:%u: %s", path, number, wrong);
            return ABENG_EFORMAT;
        }
    }
    return 0;
}

int lines_read(const char *path, size_t max, lines_take_fn *take, void *arg, char *why,
               size_t why_len)
{
    struct buf file;
    buf_init(&file, max);
    int err = file_read(path, &file);
    if (err) {
        snprintf(why, why_len, "%s: %s", path, err == ABENG_EIO ? strerror(errno) : err_text(err));
    } else if (strlen(buf_str(&file)) != file.len) {
        snprintf(why, why_len, "%s: has NUL bytes; it must be a text", path);
        err = ABENG_EFORMAT;
    } else {
        err = take_lines((char *)file.data, path, take, arg, why, why_len);
    }
    buf_free(&file);
    return err;
}
