/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines to stderr, with the journal's priorities where it reads them. */
#include "config.h"
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

/* The only state: set before threads start, read after. */
static struct {
    const char *ident;
    enum log_level max;
    bool journal;
} log_state = { "abeng", LOG_LEVEL_NOTICE, false };

static const struct {
    const char *word;
    int priority;
} log_levels[] = {
    [LOG_LEVEL_ERROR] = {"error",   LOG_ERR    },
      [LOG_LEVEL_WARN] = { "warn",   LOG_WARNING},
    [LOG_LEVEL_NOTICE] = { "notice", LOG_NOTICE },
      [LOG_LEVEL_INFO] = { "info",   LOG_INFO   },
    [LOG_LEVEL_DEBUG] = { "debug",  LOG_DEBUG  },
};

/* systemd names the journal's socket by device and inode; only then is stderr the journal, which
 * reads a priority from the line's start (sd-daemon(3)). No socket of our own, so sandboxed
 * processes log in the same way. */
static bool stderr_is_journal(void)
{
    const char *want = getenv("JOURNAL_STREAM");
    struct stat st;
    char have[64];
    if (!want || fstat(STDERR_FILENO, &st) < 0)
        return false;
    snprintf(have, sizeof(have), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    return strcmp(want, have) == 0;
}

void log_open(const char *ident, enum log_level max_level)
{
    log_state.ident = ident;
    log_state.max = max_level;
    log_state.journal = stderr_is_journal();
}

bool log_enabled(enum log_level level)
{
    return level <= log_state.max;
}

bool log_level_parse(const char *word, enum log_level *out)
{
    for (unsigned i = 0; i < sizeof(log_levels) / sizeof(log_levels[0]); i++) {
        if (strcmp(word, log_levels[i].word) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* Text may hold bytes from packets: no control byte reaches a terminal. */
static void escape_controls(const char *in, char *out, size_t size)
{
    size_t at = 0;
    for (; *in && at + 5 < size; in++) {
        unsigned char c = (unsigned char)*in;
        if (c < 0x20 || c == 0x7f)
            at += (size_t)snprintf(out + at, size - at, "\\x%02x", c);
        else
            out[at++] = (char)c;
    }
    out[at] = 0;
}

void log_line(enum log_level level, const char *stage, const char *fmt, ...)
{
    char raw[LINE_MAX_BYTES], text[LINE_MAX_BYTES];
    va_list ap;
    if (!log_enabled(level))
        return;
    va_start(ap, fmt);
    vsnprintf(raw, sizeof(raw), fmt, ap);
    va_end(ap);
    escape_controls(raw, text, sizeof(text));
    char line[LINE_MAX_BYTES + 128];
    int n = log_state.journal ? snprintf(line, sizeof(line), "<%d>%s: %s\n",
                                         log_levels[level].priority, stage, text)
                              : snprintf(line, sizeof(line), "%s: %s: %s: %s\n", log_state.ident,
                                         log_levels[level].word, stage, text);
    if (n > 0)
        (void)!write(STDERR_FILENO, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}
