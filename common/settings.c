/* SPDX-License-Identifier: Apache-2.0 */
/* libcyaml with our memory and our one line for its errors. */
#include "config.h"
#include "common/settings.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"

/* The first error and the deepest "in mapping … (line: n)" of libcyaml's backtrace make our one
 * line. */
struct complaint {
    char what[256];
    char where[128];
};

static void note_complaint(cyaml_log_t level, void *arg, const char *fmt, va_list args)
{
    struct complaint *c = arg;
    char line[256];
    if (level < CYAML_LOG_ERROR)
        return;
    vsnprintf(line, sizeof(line), fmt, args);
    line[strcspn(line, "\n")] = 0;
    const char *at = strstr(line, "(line: ");
    if (at && !c->where[0])
        snprintf(c->where, sizeof(c->where), "%.*s", (int)strcspn(at + 7, ","), at + 7);
    if (!c->what[0] && !strstr(line, "Backtrace"))
        snprintf(c->what, sizeof(c->what), "%s", strncmp(line, "Load: ", 6) == 0 ? line + 6 : line);
}

static cyaml_config_t configure(struct complaint *c)
{
    return (cyaml_config_t){ .log_level = CYAML_LOG_ERROR,
                             .log_fn = note_complaint,
                             .log_ctx = c,
                             .mem_fn = cyaml_mem,
                             .flags = CYAML_CFG_DEFAULT };
}

void *settings_parse(const char *stage, const char *name, const void *text, size_t len,
                     const struct cyaml_schema_value *schema)
{
    struct complaint c = { 0 };
    cyaml_config_t config = configure(&c);
    cyaml_data_t *data = NULL;
    cyaml_err_t err = CYAML_OK;
    if (len)
        err = cyaml_load_data(text, len, &config, schema, &data, NULL);
    if (err == CYAML_OK && !data)
        err = cyaml_load_data((const uint8_t *)"{}", 2, &config, schema, &data, NULL);
    if (err == CYAML_OK)
        return data;
    log_error(stage, "%s: line %s: %s", name, c.where[0] ? c.where : "?",
              c.what[0] ? c.what : cyaml_strerror(err));
    return NULL;
}

void *settings_load(const char *stage, const char *path, size_t max,
                    const struct cyaml_schema_value *schema)
{
    struct buf text;
    void *data = NULL;
    buf_init(&text, max);
    int err = file_read(path, &text);
    if (err)
        log_error(stage, "%s: %s", path, err == ABENG_EIO ? strerror(errno) : err_text(err));
    else
        data = settings_parse(stage, path, text.data, text.len, schema);
    buf_free(&text);
    return data;
}

void settings_free(const struct cyaml_schema_value *schema, void *data)
{
    struct complaint c = { 0 };
    cyaml_config_t config = configure(&c);
    if (data)
        cyaml_free(&config, schema, data, 0);
}
