/* SPDX-License-Identifier: Apache-2.0 */
/* EVE's "files", as Suricata 7.0.10 orders and names its members. */
#include "config.h"
#include "common/json.h"
#include "sensor/app/app.h"
#include "sensor/app/digest.h"

/* Files of one alert; a mail with more has the rest left out. */
#define DESCRIBE_MAX 32

static void describe_sum(const char *key, const struct app_view *sum, struct json *out)
{
    char hex[2 * APP_DIGEST_MAX + 1];
    if (!sum->len || sum->len > APP_DIGEST_MAX)
        return;
    app_hex(sum->data, sum->len, hex);
    json_str(out, key, hex);
}

static void describe_file(const struct app_file_view *file, uint64_t tx_id, bool storing,
                          struct json *out)
{
    json_open(out, NULL);
    if (file->name.len)
        json_strn(out, "filename", file->name.data, file->name.len);
    if (file->type.len)
        json_strn(out, "magic", file->type.data, file->type.len);
    json_bool(out, "gaps", file->gaps);
    json_str(out, "state", !file->closed ? "UNKNOWN" : file->truncated ? "TRUNCATED" : "CLOSED");
    describe_sum("md5", &file->md5, out);
    describe_sum("sha1", &file->sha1, out);
    describe_sum("sha256", &file->sha256, out);
    json_bool(out, "stored", false);
    if (storing)
        json_bool(out, "storing", true);
    json_u64(out, "size", file->size);
    json_u64(out, "tx_id", tx_id);
    json_close(out);
}

void app_describe_files(struct app_ctx *ctx, const struct flow *f, struct app_tx *tx, unsigned dir,
                        struct json *out)
{
    struct app_file_view file;
    uint32_t i = 0;
    for (; i < DESCRIBE_MAX && app_file_get(ctx, f, tx, dir, i, &file); i++) {
        if (i == 0)
            json_open_array(out, "files");
        describe_file(&file, tx->id, tx->store >> dir & 1, out);
    }
    if (i > 0)
        json_close_array(out);
}
