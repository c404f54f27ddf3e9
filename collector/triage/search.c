/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and asking search words. */
#include "config.h"
#include "collector/triage/search.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

/** Largest number of an age: word; days of it fit the clock. */
#define AGE_MAX 100000

enum field {
    FIELD_FREE,
    FIELD_IS,
    FIELD_STATE,
    FIELD_TIER,
    FIELD_SID,
    FIELD_IP,
    FIELD_HOST,
    FIELD_RULE,
    FIELD_SENSOR,
    FIELD_AGE
};

static const char *const field_words[] = { "",    "is:",   "state:", "tier:",   "sid:",
                                           "ip:", "host:", "rule:",  "sensor:", "age:" };

struct word {
    enum field field;
    bool not_;
    char text[128];  /* lower case */
    uint64_t age_ms; /* age: at least, or below when `younger` */
    bool younger;
};

struct search {
    struct word words[SEARCH_WORDS_MAX];
    unsigned count;
    uint64_t now_ms;
    char who[TRIAGE_USER_MAX];
    bool names_status;
};

/* Take the next word, quotes removed, in lower case; false at the end. */
static bool next_word(const char **at, char *out, size_t size)
{
    size_t n = 0;
    bool quoted = false;
    while (isspace((unsigned char)**at))
        (*at)++;
    if (!**at)
        return false;
    for (; **at && (quoted || !isspace((unsigned char)**at)); (*at)++) {
        if (**at == '"')
            quoted = !quoted;
        else if (n + 1 < size)
            out[n++] = (char)tolower((unsigned char)**at);
    }
    out[n] = '\0';
    return true;
}

static bool known_is(const char *word)
{
    return status_find(word) >= 0 || !strcmp(word, "mine") || !strcmp(word, "waiting") ||
           !strcmp(word, "unclaimed") || !strcmp(word, "open") || !strcmp(word, "any");
}

/* ">2h", "2h": in the queue for two hours or longer; "<30m": for less. False when it is not one. */
static bool read_age(struct word *w, const char *text)
{
    static const char units[] = "mhd";
    static const uint64_t unit_ms[] = { 60000, 3600000, 86400000 };
    char *end;
    w->younger = *text == '<';
    text += *text == '<' || *text == '>';
    if (!isdigit((unsigned char)*text))
        return false;
    unsigned long n = strtoul(text, &end, 10);
    const char *unit = *end && !end[1] ? strchr(units, *end) : NULL;
    if (!unit || n > AGE_MAX)
        return false;
    w->age_ms = n * unit_ms[unit - units];
    return true;
}

static const char *read_word(struct search *s, const char *text)
{
    struct word *w = &s->words[s->count];
    w->not_ = *text == '-' && text[1];
    text += w->not_;
    for (size_t i = 1; i < sizeof field_words / sizeof *field_words; i++)
        if (!strncmp(text, field_words[i], strlen(field_words[i]))) {
            w->field = (enum field)i;
            text += strlen(field_words[i]);
        }
    if (!*text)
        return "a search word has nothing after its colon";
    if (w->field == FIELD_IS && !known_is(text))
        return "is: takes a status, open, any, mine, unclaimed or waiting";
    if (w->field == FIELD_TIER && strspn(text, "1234,") != strlen(text))
        return "tier: takes 1, 2, 3, 4 or a list like 1,2";
    if (w->field == FIELD_AGE && !read_age(w, text))
        return "age: takes a number and m, h or d, with > or < before it";
    if (w->field == FIELD_IS && (status_find(text) >= 0 || !strcmp(text, "any")))
        s->names_status = true;
    snprintf(w->text, sizeof w->text, "%s", text);
    s->count++;
    return NULL;
}

struct search *search_read(const char *query, const char *who, uint64_t now_ms, char *why,
                           size_t why_len)
{
    struct search *s = xcalloc(1, sizeof *s);
    char word[sizeof s->words[0].text];
    const char *wrong = NULL;
    s->now_ms = now_ms;
    snprintf(s->who, sizeof s->who, "%s", who);
    while (!wrong && next_word(&query, word, sizeof word)) {
        if (s->count == SEARCH_WORDS_MAX)
            wrong = "more than 16 search words";
        else if (*word)
            wrong = read_word(s, word);
    }
    if (!wrong)
        return s;
    snprintf(why, why_len, "q: %s", wrong);
    free(s);
    return NULL;
}

static bool is_holds(const struct search *s, const char *word, const struct head *h)
{
    int status = status_find(word);
    if (status >= 0)
        return h->status == (enum status)status;
    if (!strcmp(word, "mine"))
        return !strcmp(h->claimed_by, s->who);
    if (!strcmp(word, "unclaimed"))
        return !*h->claimed_by;
    if (!strcmp(word, "waiting"))
        return h->waiting_ms != 0;
    if (!strcmp(word, "open"))
        return status_open(h->status);
    return true;
}

/* Whether " word" starts, or " word " is, in a list with blanks around. */
static bool listed(const char *list, const char *word, bool whole)
{
    char wanted[140];
    snprintf(wanted, sizeof wanted, " %s%s", word, whole ? " " : "");
    return strstr(list, wanted) != NULL;
}

static bool sid_listed(const char *sids, const char *word)
{
    char wanted[140];
    snprintf(wanted, sizeof wanted, "%s%s ", strchr(word, ':') ? " " : ":", word);
    return strstr(sids, wanted) != NULL;
}

static bool age_holds(const struct search *s, const struct word *w, const struct head *h)
{
    uint64_t age = s->now_ms > h->opened_ms ? s->now_ms - h->opened_ms : 0;
    return (age < w->age_ms) == w->younger;
}

static bool word_holds(const struct search *s, const struct word *w,
                       const struct search_subject *of)
{
    switch (w->field) {
    case FIELD_IS:
        return is_holds(s, w->text, of->head);
    case FIELD_STATE:
        return !strcmp(w->text, of->state);
    case FIELD_TIER:
        return strchr(w->text, '0' + of->head->tier) != NULL; /* "1" or "1,2" */
    case FIELD_SID:
        return sid_listed(of->sids, w->text);
    case FIELD_IP:
        return listed(of->hosts, w->text, w->text[strlen(w->text) - 1] != '.');
    case FIELD_HOST:
        return strstr(of->text, w->text) != NULL;
    case FIELD_RULE:
        return strstr(of->rules, w->text) != NULL;
    case FIELD_SENSOR:
        return listed(of->sensors, w->text, true);
    case FIELD_AGE:
        return age_holds(s, w, of->head);
    case FIELD_FREE:
        return strstr(of->text, w->text) != NULL;
    }
    return false;
}

bool search_holds(const struct search *s, const struct search_subject *of)
{
    for (unsigned i = 0; i < s->count; i++)
        if (word_holds(s, &s->words[i], of) == s->words[i].not_)
            return false;
    return true;
}

bool search_names_status(const struct search *s)
{
    return s->names_status;
}

void search_free(struct search *s)
{
    free(s);
}
