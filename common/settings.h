/* SPDX-License-Identifier: Apache-2.0 */
/**
 * YAML into structs by a libcyaml schema, for configuration files: what is wrong becomes one log
 * line with the file's name, the line and the reason. Start-up only; dies when memory is out.
 */
#ifndef COMMON_SETTINGS_H
#define COMMON_SETTINGS_H

#include <stddef.h>

struct cyaml_schema_value;

/**
 * Read `len` bytes at `text`; what is empty or has only comments is an empty mapping. The struct
 * that `schema` (a pointer to a mapping) describes, or NULL after a log line of stage `stage` that
 * begins with `name`. Free with settings_free.
 */
void *settings_parse(const char *stage, const char *name, const void *text, size_t len,
                     const struct cyaml_schema_value *schema);

/** settings_parse of the file `path`, which may have `max` bytes. */
void *settings_load(const char *stage, const char *path, size_t max,
                    const struct cyaml_schema_value *schema);

/** Free with all that hangs on it. NULL is allowed. */
void settings_free(const struct cyaml_schema_value *schema, void *data);

#endif
