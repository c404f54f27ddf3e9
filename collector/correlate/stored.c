/* SPDX-License-Identifier: Apache-2.0 */
/* Reading signals from the store. */
#include "config.h"
#include "collector/correlate/stored.h"

#include "collector/correlate/signal.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"

int stored_ask(struct store_conn *c, const char *state, const char *number)
{
    struct store_key sig = store_key(state, "sig:%s", number), nums = store_key(state, "nums");
    int err = store_command_later(c, "GET %s", sig.text);
    return err ? err : store_command_later(c, "HGET %s %s", nums.text, number);
}

int stored_take(struct store_conn *c, json_t **out)
{
    struct store_reply *sig, *numbers = NULL;
    size_t len, numbers_len;
    int err = store_collect(c, &sig);
    if (!err)
        err = store_collect(c, &numbers);
    const char *json = store_reply_text(sig, &len);
    const char *now = store_reply_text(numbers, &numbers_len);
    *out = err ? NULL : signal_open(json, len, now, numbers_len);
    store_reply_free(sig);
    store_reply_free(numbers);
    return err;
}

int stored_signal(struct store_conn *c, const char *state, const char *number, json_t **out)
{
    int err = stored_ask(c, state, number);
    *out = NULL;
    return err ? err : stored_take(c, out);
}
