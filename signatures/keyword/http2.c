/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2: numbers of its frames (RFC 9113 6). Each stands in a buffer of its own, one instance a
 * frame; header names and values have sticky buffers. */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

#define SETTING_ID_LEN 2

static const char *const types[] = { "DATA",         "HEADERS",     "PRIORITY", "RSTSTREAM",
                                     "SETTINGS",     "PUSHPROMISE", "PING",     "GOAWAY",
                                     "WINDOWUPDATE", "CONTINUATION" };

/* RFC 9113 section 7; the reference has no name for 2. */
static const char *const codes[] = { "NO_ERROR",
                                     "PROTOCOL_ERROR",
                                     NULL,
                                     "FLOW_CONTROL_ERROR",
                                     "SETTINGS_TIMEOUT",
                                     "STREAM_CLOSED",
                                     "FRAME_SIZE_ERROR",
                                     "REFUSED_STREAM",
                                     "CANCEL",
                                     "COMPRESSION_ERROR",
                                     "CONNECT_ERROR",
                                     "ENHANCE_YOUR_CALM",
                                     "INADEQUATE_SECURITY",
                                     "HTTP_1_1_REQUIRED" };

/* RFC 9113 section 6.5.2. */
static const char *const settings[] = { NULL,
                                        "SETTINGS_HEADER_TABLE_SIZE",
                                        "SETTINGS_ENABLE_PUSH",
                                        "SETTINGS_MAX_CONCURRENT_STREAMS",
                                        "SETTINGS_INITIAL_WINDOW_SIZE",
                                        "SETTINGS_MAX_FRAME_SIZE",
                                        "SETTINGS_MAX_HEADER_LIST_SIZE" };

static int name_find(const char *const *names, size_t count, struct text t)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i] && text_is_nocase(t, names[i]))
            return (int)i;
    }
    return -1;
}

#define NAME_FIND(names, t) name_find(names, sizeof(names) / sizeof((names)[0]), t)

/* A name of the list, or its number. */
static int parse_named(struct draft *d, const char *keyword, enum sig_buffer buffer, int named,
                       struct text value, struct keyword_field field, uint64_t max)
{
    uint64_t number = (uint64_t)named;
    if (named < 0 && text_u64(value, max, &number))
        return draft_refuse(d, "%s: '%.*s' is neither a name nor a number of one", keyword,
                            (int)(value.len < 40 ? value.len : 40), value.at);
    return keyword_field_open(d, buffer, &field.list) ||
                   !keyword_field_test(d, field, SIG_CMP_EQ, number)
               ? ABENG_EFORMAT
               : 0;
}

static int parse_frametype(struct draft *d, struct text value)
{
    return parse_named(d, "http2.frametype", SIG_BUF_HTTP2_FRAMETYPE, NAME_FIND(types, value),
                       value, (struct keyword_field){ .nbytes = 1 }, UINT8_MAX);
}

static int parse_errorcode(struct draft *d, struct text value)
{
    return parse_named(d, "http2.errorcode", SIG_BUF_HTTP2_ERRORCODE, NAME_FIND(codes, value),
                       value, (struct keyword_field){ .nbytes = 4 }, UINT32_MAX);
}

static int parse_priority(struct draft *d, struct text value)
{
    return keyword_field_number(d, "http2.priority", SIG_BUF_HTTP2_PRIORITY, value, UINT8_MAX, 1);
}

static int parse_window(struct draft *d, struct text value)
{
    return keyword_field_number(d, "http2.window", SIG_BUF_HTTP2_WINDOW, value, UINT32_MAX, 4);
}

static int parse_size_update(struct draft *d, struct text value)
{
    return keyword_field_number(d, "http2.size_update", SIG_BUF_HTTP2_SIZE_UPDATE, value,
                                UINT64_MAX, 8);
}

/* "SETTINGS_ENABLE_PUSH", or that and a comparison of its value. */
static int parse_settings(struct draft *d, struct text value)
{
    size_t n = 0;
    while (n < value.len && value.at[n] != ' ' && value.at[n] != '<' && value.at[n] != '>' &&
           value.at[n] != '=' && value.at[n] != '!')
        n++;
    int id = NAME_FIND(settings, ((struct text){ value.at, n }));
    struct text rest = text_trim((struct text){ value.at + n, value.len - n });
    struct keyword_field name = { .nbytes = SETTING_ID_LEN };
    if (id < 0)
        return draft_refuse(d, "http2.settings: '%.*s' is no setting of RFC 9113", (int)n,
                            value.at);
    if (keyword_field_open(d, SIG_BUF_HTTP2_SETTINGS, &name.list) ||
        !keyword_field_test(d, name, SIG_CMP_EQ, (uint64_t)id))
        return ABENG_EFORMAT;
    struct keyword_field number = { .list = name.list, .offset = SETTING_ID_LEN, .nbytes = 4 };
    return rest.len ? keyword_field_compare(d, "http2.settings", number, rest, UINT32_MAX) : 0;
}

const struct sig_keyword keywords_http2[] = {
    { "http2.frametype", parse_frametype, 0, NULL },
    { "http2.errorcode", parse_errorcode, 0, NULL },
    { "http2.priority", parse_priority, 0, NULL },
    { "http2.window", parse_window, 0, NULL },
    { "http2.size_update", parse_size_update, 0, NULL },
    { "http2.settings", parse_settings, KEYWORD_MAY_QUOTE, NULL },
    { NULL, NULL, 0, NULL },
};
