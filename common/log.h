/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Log lines: `level stage: text` on stderr; where that is the journal, with its priority. Not for
 * the packet path: it formats and writes. Any thread may call.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/**
 * Set up once per process before any thread starts. `ident` (static) names the process; lines above
 * `max_level` are dropped. Finds out whether stderr is the journal.
 */
void log_open(const char *ident, enum log_level max_level);

/**
 * Write one line. `stage` is the folder that speaks ("capture", "ingest"). Control bytes are
 * escaped.
 */
void log_line(enum log_level level, const char *stage, const char *fmt, ...)
    __attribute__((cold, format(printf, 3, 4)));

/** Whether lines of `level` are written, to spare the cost of making one. */
bool log_enabled(enum log_level level);

/** Parse "error|warn|notice|info|debug"; returns false and leaves `out` for any other word. */
bool log_level_parse(const char *word, enum log_level *out);

#define log_error(stage, ...) log_line(LOG_LEVEL_ERROR, stage, __VA_ARGS__)
#define log_warn(stage, ...) log_line(LOG_LEVEL_WARN, stage, __VA_ARGS__)
#define log_notice(stage, ...) log_line(LOG_LEVEL_NOTICE, stage, __VA_ARGS__)
#define log_info(stage, ...) log_line(LOG_LEVEL_INFO, stage, __VA_ARGS__)
#define log_debug(stage, ...) log_line(LOG_LEVEL_DEBUG, stage, __VA_ARGS__)

#endif
