/* SPDX-License-Identifier: Apache-2.0 */
/* Reading replies: a store_reply is a redisReply under another name. */
#include "config.h"
#include "collector/store/store.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

static const redisReply *as_redis(const struct store_reply *r)
{
    return (const redisReply *)(const void *)r;
}

void store_reply_free(struct store_reply *r)
{
    if (r)
        freeReplyObject(r);
}

bool store_reply_nil(const struct store_reply *r)
{
    return !r || as_redis(r)->type == REDIS_REPLY_NIL;
}

static bool has_text(const redisReply *r)
{
    return r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS ||
           r->type == REDIS_REPLY_ERROR;
}

int64_t store_reply_int(const struct store_reply *reply)
{
    const redisReply *r = as_redis(reply);
    if (!r)
        return 0;
    if (r->type == REDIS_REPLY_INTEGER)
        return r->integer;
    return has_text(r) ? strtoll(r->str, NULL, 10) : 0;
}

const char *store_reply_text(const struct store_reply *reply, size_t *len)
{
    const redisReply *r = as_redis(reply);
    const char *text = r && has_text(r) ? r->str : "";
    size_t length = r && has_text(r) ? (size_t)r->len : 0;

    /* An error's first word is for store_error_of, the reason for people. */
    if (r && r->type == REDIS_REPLY_ERROR) {
        const char *space = memchr(text, ' ', length);
        if (space) {
            length -= (size_t)(space + 1 - text);
            text = space + 1;
        }
    }
    if (len)
        *len = length;
    return text;
}

size_t store_reply_count(const struct store_reply *reply)
{
    const redisReply *r = as_redis(reply);
    return r && r->type == REDIS_REPLY_ARRAY ? r->elements : 0;
}

const struct store_reply *store_reply_at(const struct store_reply *reply, size_t i)
{
    if (i >= store_reply_count(reply))
        return NULL;
    return (const struct store_reply *)(const void *)as_redis(reply)->element[i];
}

const struct store_reply *store_reply_field(const struct store_reply *reply, const char *name)
{
    size_t count = store_reply_count(reply), want = strlen(name);
    for (size_t i = 0; i + 1 < count; i += 2) {
        size_t len;
        const char *text = store_reply_text(store_reply_at(reply, i), &len);
        if (len == want && memcmp(text, name, len) == 0)
            return store_reply_at(reply, i + 1);
    }
    return NULL;
}
