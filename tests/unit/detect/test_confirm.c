/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter: what each keyword means, in tables of program, buffer and verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sensor/detect/confirm.h"
#include "sensor/detect/regex.h"
#include "sensor/detect/search.h"

#define OPS_MAX  5
#define NEG      SIG_F_NEGATED
#define NOCASE   SIG_F_NOCASE
#define OFFSET   SIG_F_OFFSET
#define DEPTH    SIG_F_DEPTH
#define DISTANCE SIG_F_DISTANCE
#define WITHIN   SIG_F_WITHIN
#define STARTS   SIG_F_STARTSWITH
#define ENDS     SIG_F_ENDSWITH
#define REL      SIG_F_RELATIVE

/* One instruction of a case, in short form. */
struct op {
    uint16_t kind; /* 0 with text: content */
    uint32_t flags;
    const char *text;
    int32_t offset, depth, distance, within;
    uint64_t a, b;
    uint32_t bytes, multiplier;
    int32_t post;
    uint8_t how, base, var, align;
};

struct confirm_case {
    const char *name;
    const char *data;
    enum confirm_verdict want;
    struct op ops[OPS_MAX];
    uint32_t len;    /* 0: strlen(data) */
    uint64_t offset; /* of a later window */
    bool open;       /* more may follow */
};

#define CONTENT(...)                                                                               \
    {                                                                                              \
        SIG_OP_CONTENT, __VA_ARGS__                                                                \
    }
#define PCRE(...)                                                                                  \
    {                                                                                              \
        SIG_OP_PCRE, __VA_ARGS__                                                                   \
    }

static void op_make(const struct op *from, struct sig_op *to, uint8_t *blob, uint32_t *blob_len)
{
    struct sig_bytes bytes = { *blob_len, from->text ? (uint32_t)strlen(from->text) : 0 };
    if (from->text)
        memcpy(blob + *blob_len, from->text, bytes.len);
    *blob_len += bytes.len;
    *to = (struct sig_op){ .kind = from->kind, .flags = from->flags };
    switch (from->kind) {
    case SIG_OP_CONTENT:
        to->u.content.bytes = bytes;
        to->u.content.offset = from->offset;
        to->u.content.depth = from->depth;
        to->u.content.distance = from->distance;
        to->u.content.within = from->within;
        break;
    case SIG_OP_PCRE:
        to->u.pcre.pattern = bytes;
        break;
    case SIG_OP_BYTE_TEST:
        to->u.byte_test.value = from->a;
        to->u.byte_test.offset = from->offset;
        to->u.byte_test.nbytes = (uint8_t)from->bytes;
        to->u.byte_test.compare = from->how;
        to->u.byte_test.base = from->base;
        to->u.byte_test.bitmask = (uint32_t)from->b;
        break;
    case SIG_OP_BYTE_JUMP:
        to->u.byte_jump.offset = from->offset;
        to->u.byte_jump.nbytes = (uint8_t)from->bytes;
        to->u.byte_jump.multiplier = from->multiplier;
        to->u.byte_jump.post_offset = from->post;
        to->u.byte_jump.base = from->base;
        break;
    case SIG_OP_BYTE_EXTRACT:
        to->u.byte_extract.offset = from->offset;
        to->u.byte_extract.nbytes = (uint8_t)from->bytes;
        to->u.byte_extract.multiplier = from->multiplier;
        to->u.byte_extract.base = from->base;
        to->u.byte_extract.var = from->var;
        to->u.byte_extract.align = from->align;
        break;
    case SIG_OP_BYTE_MATH:
        to->u.byte_math.offset = from->offset;
        to->u.byte_math.nbytes = (uint8_t)from->bytes;
        to->u.byte_math.oper = from->how;
        to->u.byte_math.rvalue = from->a;
        to->u.byte_math.base = from->base;
        to->u.byte_math.var = from->var;
        break;
    case SIG_OP_ISDATAAT:
        to->u.isdataat.offset = from->offset;
        break;
    case SIG_OP_BASE64_DECODE:
        to->u.base64.bytes = from->bytes;
        to->u.base64.offset = (uint32_t)from->offset;
        break;
    case SIG_OP_ASN1:
        to->u.asn1.offset = from->offset;
        to->u.asn1.oversize = (uint32_t)from->a;
        to->u.asn1.checks = from->how;
        break;
    default:
        to->u.number.a = from->a;
        to->u.number.b = from->b;
        to->u.number.compare = from->how;
    }
}

static enum confirm_verdict case_run(const struct confirm_case *c)
{
    static uint8_t decoded[CONFIRM_DECODED_MAX];
    uint8_t blob[512];
    uint32_t blob_len = 0, count = 0, regexes = 0;
    struct sig_op ops[OPS_MAX];
    struct regex_source sources[OPS_MAX];
    for (; count < OPS_MAX && (c->ops[count].kind || c->ops[count].text || c->ops[count].flags);
         count++) {
        op_make(&c->ops[count], &ops[count], blob, &blob_len);
        if (ops[count].kind != SIG_OP_PCRE)
            continue;
        ops[count].u.pcre.regex = regexes;
        sources[regexes++] =
            (struct regex_source){ c->ops[count].text, (uint32_t)strlen(c->ops[count].text), 0 };
    }
    struct regex_set *set = regex_set_create(sources, regexes);
    struct confirm confirm = { .blob = blob,
                               .regexes = regex_scratch_create(set),
                               .decoded = decoded };
    struct app_view view = { (const uint8_t *)c->data, c->len ? c->len : (uint32_t)strlen(c->data),
                             c->offset, !c->open };
    confirm_prepare(ops, count);
    enum confirm_verdict got = confirm_run(&confirm, ops, count, &view);
    regex_scratch_free(confirm.regexes);
    regex_set_free(set);
    return got;
}

static void cases_run(const struct confirm_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum confirm_verdict got = case_run(&cases[i]);
        if (got != cases[i].want)
            fail_msg("%s: verdict %d, not %d", cases[i].name, got, cases[i].want);
    }
}

#define RUN(table) cases_run(table, sizeof(table) / sizeof((table)[0]))

static const struct confirm_case content_cases[] = {
    {"plain",                            "hello world",      CONFIRM_YES, { CONTENT(0, "world") }                 },
    { "plain, other case",               "hello World",      CONFIRM_NO,  { CONTENT(0, "world") }                 },
    { "nocase",                          "hello WoRLd",      CONFIRM_YES, { CONTENT(NOCASE, "world") }            },
    { "nocase, not there",               "hello WoRLt",      CONFIRM_NO,  { CONTENT(NOCASE, "world") }            },
    { "nocase over sixteen bytes",
     "0123456789abcdefghijklmnopqrstuvwxyz",                 CONFIRM_YES,
     { CONTENT(NOCASE, "xyz") }                                                                                   },
    { "two in any order",                "abc def",          CONFIRM_YES, { CONTENT(0, "def"), CONTENT(0, "abc") }},
    { "two, one missing",                "abc def",          CONFIRM_NO,  { CONTENT(0, "def"), CONTENT(0, "xyz") }},
    { "offset reaches it",               "abcabc",           CONFIRM_YES, { CONTENT(OFFSET, "abc", .offset = 3) } },
    { "offset beyond it",                "abcabc",           CONFIRM_NO,  { CONTENT(OFFSET, "abc", .offset = 4) } },
    { "depth holds it",                  "abcdef",           CONFIRM_YES, { CONTENT(DEPTH, "abc", .depth = 3) }   },
    { "depth cuts it",                   "xabcdef",          CONFIRM_NO,  { CONTENT(DEPTH, "abc", .depth = 3) }   },
    { "depth counts from offset",
     "xxxabc",                                               CONFIRM_YES,
     { CONTENT(OFFSET | DEPTH, "abc", .offset = 3, .depth = 3) }                                                  },
    { "depth from offset cuts",
     "xxxxabc",                                              CONFIRM_NO,
     { CONTENT(OFFSET | DEPTH, "abc", .offset = 3, .depth = 3) }                                                  },
    { "startswith",                      "GET /",            CONFIRM_YES, { CONTENT(STARTS, "GET") }              },
    { "startswith not at the start",     " GET /",           CONFIRM_NO,  { CONTENT(STARTS, "GET") }              },
    { "endswith",                        "a.example",        CONFIRM_YES, { CONTENT(ENDS, ".example") }           },
    { "endswith, again earlier",         ".example.example", CONFIRM_YES, { CONTENT(ENDS, ".example") }           },
    { "endswith not at the end",         "a.example.org",    CONFIRM_NO,  { CONTENT(ENDS, ".example") }           },
    { "endswith and startswith",         "abc",              CONFIRM_YES, { CONTENT(STARTS | ENDS, "abc") }       },
    { "endswith and startswith, longer", "abcd",             CONFIRM_NO,  { CONTENT(STARTS | ENDS, "abc") }       },
    { "endswith, depth before the end",
     "abcabc",                                               CONFIRM_NO,
     { CONTENT(ENDS | DEPTH, "abc", .depth = 4) }                                                                 },
    { "empty buffer",                    "",                 CONFIRM_YES, { CONTENT(NEG, "abc") }                 },
    { "longer than the buffer",          "ab",               CONFIRM_NO,  { CONTENT(0, "abc") }                   },
};

static const struct confirm_case relative_cases[] = {
    {"distance 0",                             "abcdef", CONFIRM_YES, { CONTENT(0, "abc"), CONTENT(DISTANCE, "def") }},
    { "distance skips",
     "abcdef def",                                       CONFIRM_YES,
     { CONTENT(0, "abc"), CONTENT(DISTANCE, "def", .distance = 2) }                                                  },
    { "distance too far",
     "abcdef",                                           CONFIRM_NO,
     { CONTENT(0, "abc"), CONTENT(DISTANCE, "def", .distance = 1) }                                                  },
    { "negative distance",
     "abcdef",                                           CONFIRM_YES,
     { CONTENT(0, "def"), CONTENT(DISTANCE, "abc", .distance = -6) }                                                 },
    { "negative distance stops at 0",
     "abc",                                              CONFIRM_YES,
     { CONTENT(0, "abc"), CONTENT(DISTANCE, "abc", .distance = -100) }                                               },
    { "within holds",
     "abc..def",                                         CONFIRM_YES,
     { CONTENT(0, "abc"), CONTENT(WITHIN, "def", .within = 5) }                                                      },
    { "within cuts",
     "abc...def",                                        CONFIRM_NO,
     { CONTENT(0, "abc"), CONTENT(WITHIN, "def", .within = 5) }                                                      },
    { "within counts from distance",
     "abc..def",                                         CONFIRM_YES,
     { CONTENT(0, "abc"), CONTENT(DISTANCE | WITHIN, "def", .distance = 2, .within = 3) }                            },
    { "second try for within",
     "abc....abc.def",                                   CONFIRM_YES,
     { CONTENT(0, "abc"), CONTENT(WITHIN, "def", .within = 4) }                                                      },
    { "second try for a negated distance",
     "a-b--a-c",                                         CONFIRM_YES,
     { CONTENT(0, "a"), CONTENT(DISTANCE | NEG, "b") }                                                               },
    { "three levels of tries",
     "a..ab.abc..abcd",                                  CONFIRM_YES,
     { CONTENT(0, "a"), CONTENT(WITHIN, "b", .within = 1), CONTENT(WITHIN, "c", .within = 1),
        CONTENT(WITHIN, "d", .within = 1) }                                                                          },
    { "no second try behind a plain distance",
     "a1 a2",                                            CONFIRM_NO,
     { CONTENT(0, "a"), CONTENT(DISTANCE, "1"), CONTENT(WITHIN, "2", .within = 1) }                                  },
    { "relative behind a non-relative",
     "xx abc def",                                       CONFIRM_YES,
     { CONTENT(0, "def"), CONTENT(0, "abc"), CONTENT(WITHIN, "def", .within = 4) }                                   },
};

static const struct confirm_case negated_cases[] = {
    {"absent",                                        "abc",    CONFIRM_YES, { CONTENT(NEG, "def") }                       },
    { "present",                                      "abcdef", CONFIRM_NO,  { CONTENT(NEG, "def") }                       },
    { "present outside of its depth",
     "abcdef",                                                  CONFIRM_YES,
     { CONTENT(NEG | DEPTH, "def", .depth = 3) }                                                                           },
    { "window empty",                                 "abc",    CONFIRM_YES, { CONTENT(NEG | OFFSET, "abc", .offset = 10) }},
    { "leaves the place alone",
     "abcdef",                                                  CONFIRM_YES,
     { CONTENT(0, "abc"), CONTENT(NEG, "xyz"), CONTENT(WITHIN, "def", .within = 3) }                                       },
    { "not within",
     "abc....def",                                              CONFIRM_YES,
     { CONTENT(0, "abc"), CONTENT(NEG | WITHIN, "def", .within = 5) }                                                      },
    { "within",
     "abc..def",                                                CONFIRM_NO,
     { CONTENT(0, "abc"), CONTENT(NEG | WITHIN, "def", .within = 5) }                                                      },
    { "endswith, at the end",                         "abc",    CONFIRM_NO,  { CONTENT(NEG | ENDS, "bc") }                 },
    { "endswith, elsewhere",                          "bcd",    CONFIRM_YES, { CONTENT(NEG | ENDS, "bc") }                 },
    { "endswith, also elsewhere: first place counts",
     "bc.bc",                                                   CONFIRM_YES,
     { CONTENT(NEG | ENDS, "bc") }                                                                                         },
    { "startswith",                                   "xabc",   CONFIRM_YES, { CONTENT(NEG | STARTS, "abc") }              },
};

static const struct confirm_case window_cases[] = {
    {"depth within a later window",
     "....abc",                                                 CONFIRM_YES,
     { CONTENT(DEPTH, "abc", .depth = 107) },
     .offset = 100 },
    { "depth ends before it",
     "....abc",                                CONFIRM_NO,
     { CONTENT(DEPTH, "abc", .depth = 106) },
     .offset = 100 },
    { "window past depth",
     "abc",                                          CONFIRM_NO,
     { CONTENT(DEPTH, "abc", .depth = 100) },
     .offset = 100 },
    { "window past depth, negated",
     "abc",                                             CONFIRM_NO,
     { CONTENT(NEG | DEPTH, "xyz", .depth = 10) },
     .offset = 100 },
    { "no depth, any window",                                       "abc",              CONFIRM_YES,                                                                                 { CONTENT(0, "abc") },                                                                                                                                                                             .offset = 100 },
    { "startswith in a later window",
     "abc",CONFIRM_NO,
     { CONTENT(STARTS, "abc") },
     .offset = 100 },
    { "bsize, more to come",
     "abc",                                                     CONFIRM_NO,
     { { SIG_OP_BSIZE, .a = 3, .how = SIG_CMP_EQ } },
     .open = true },
    { "bsize, all there",
     "abc",                                 CONFIRM_YES,
     { { SIG_OP_BSIZE, .a = 103, .how = SIG_CMP_EQ } },
     .offset = 100 },
    { "bsize exceeded",
     "abc",                                           CONFIRM_NEVER,
     { { SIG_OP_BSIZE, .a = 2, .how = SIG_CMP_EQ } },
     .open = true },
    { "bsize greater, early",
     "abc",                                             CONFIRM_YES,
     { { SIG_OP_BSIZE, .a = 2, .how = SIG_CMP_GT } },
     .open = true },
    { "bsize less, exceeded",
     "abc",           CONFIRM_NEVER,
     { { SIG_OP_BSIZE, .a = 3, .how = SIG_CMP_LT } },
     .open = true },
    { "bsize range passed",
     "abcd",CONFIRM_NEVER,
     { { SIG_OP_BSIZE, .a = 1, .b = 4, .how = SIG_CMP_RANGE } },
     .open = true },
    { "bsize unmet at the end",
     "abc",                                                     CONFIRM_NEVER,
     { { SIG_OP_BSIZE, .a = 5, .how = SIG_CMP_GT } }                                                                                                                                             },
    { "bsize 0",                                                "",                                  CONFIRM_YES,                                                                                        { { SIG_OP_BSIZE, .a = 0, .how = SIG_CMP_EQ } }                                                                                                                                                                            },
};

static const struct confirm_case isdataat_cases[] = {
    {"absolute",                    "abc", CONFIRM_YES, { { SIG_OP_ISDATAAT, .offset = 2 } }     },
    { "absolute at the end",        "abc", CONFIRM_NO,  { { SIG_OP_ISDATAAT, .offset = 3 } }     },
    { "absolute negated",           "abc", CONFIRM_YES, { { SIG_OP_ISDATAAT, NEG, .offset = 3 } }},
    { "relative at the end passes",
     "abc",                                CONFIRM_YES,
     { CONTENT(0, "ab"), { SIG_OP_ISDATAAT, REL, .offset = 1 } }                                 },
    { "relative behind the end",
     "abc",                                CONFIRM_NO,
     { CONTENT(0, "ab"), { SIG_OP_ISDATAAT, REL, .offset = 2 } }                                 },
    { "relative negated",
     "abc",                                CONFIRM_YES,
     { CONTENT(0, "abc"), { SIG_OP_ISDATAAT, REL | NEG, .offset = 1 } }                          },
    { "second try",
     "ab...ab",                            CONFIRM_YES,
     { CONTENT(0, "ab"), { SIG_OP_ISDATAAT, REL | NEG, .offset = 1 } }                           },
};

static const struct confirm_case byte_cases[] = {
    {"test big-endian",
     "\x01\x02",                                    CONFIRM_YES,
     { { SIG_OP_BYTE_TEST, .bytes = 2, .a = 0x102, .how = SIG_CMP_EQ } }                             },
    { "test little-endian",
     "\x01\x02",                                    CONFIRM_YES,
     { { SIG_OP_BYTE_TEST, SIG_F_LITTLE, .bytes = 2, .a = 0x201, .how = SIG_CMP_EQ } }               },
    { "test outside",
     "\x01",                                        CONFIRM_NO,
     { { SIG_OP_BYTE_TEST, .bytes = 2, .a = 1, .how = SIG_CMP_EQ } }                                 },
    { "test outside, negated",
     "\x01",                                        CONFIRM_NO,
     { { SIG_OP_BYTE_TEST, NEG, .bytes = 2, .a = 1, .how = SIG_CMP_EQ } }                            },
    { "test negated",
     "\x05",                                        CONFIRM_YES,
     { { SIG_OP_BYTE_TEST, NEG, .bytes = 1, .a = 1, .how = SIG_CMP_EQ } }                            },
    { "test relative",
     "ab\x07",                                      CONFIRM_YES,
     { CONTENT(0, "ab"), { SIG_OP_BYTE_TEST, REL, .bytes = 1, .a = 7, .how = SIG_CMP_EQ } }          },
    { "test relative, negative offset",
     "\x07"
      "ab",                                         CONFIRM_YES,
     { CONTENT(0, "ab"),
        { SIG_OP_BYTE_TEST, REL, .offset = -3, .bytes = 1, .a = 7, .how = SIG_CMP_EQ } }             },
    { "test relative before the buffer",
     "ab",                                          CONFIRM_NO,
     { CONTENT(0, "ab"),
        { SIG_OP_BYTE_TEST, REL, .offset = -3, .bytes = 1, .a = 7, .how = SIG_CMP_EQ } }             },
    { "test mask and shift",
     "\xf5",                                        CONFIRM_YES,
     { { SIG_OP_BYTE_TEST, .bytes = 1, .b = 0xf0, .a = 0xf, .how = SIG_CMP_EQ } }                    },
    { "test any bit",
     "\x81",                                        CONFIRM_YES,
     { { SIG_OP_BYTE_TEST, .bytes = 1, .a = 0x80, .how = SIG_CMP_ANY_BIT } }                         },
    { "test text",
     "id=42;",                                      CONFIRM_YES,
     { CONTENT(0, "id="),
        { SIG_OP_BYTE_TEST, REL | SIG_F_STRING, .bytes = 2, .base = 10, .a = 41,
          .how = SIG_CMP_GT } }                                                                      },
    { "test text without digits",
     "id=xy;",                                      CONFIRM_NO,
     { CONTENT(0, "id="),
        { SIG_OP_BYTE_TEST, REL | SIG_F_STRING, .bytes = 2, .base = 10, .a = 41,
          .how = SIG_CMP_LT } }                                                                      },
    { "second try",
     "a\x01"
      "a\x02",                                      CONFIRM_YES,
     { CONTENT(0, "a"), { SIG_OP_BYTE_TEST, REL, .bytes = 1, .a = 2, .how = SIG_CMP_EQ } }           },
    { "jump",
     "\x03xxxend",                                  CONFIRM_YES,
     { { SIG_OP_BYTE_JUMP, .bytes = 1 }, CONTENT(WITHIN, "end", .within = 3) }                       },
    { "jump to the end",                 "\x03xxx", CONFIRM_YES, { { SIG_OP_BYTE_JUMP, .bytes = 1 } }},
    { "jump beyond the end",             "\x04xxx", CONFIRM_NO,  { { SIG_OP_BYTE_JUMP, .bytes = 1 } }},
    { "jump before the start",
     "\x01xend",                                    CONFIRM_YES,
     { { SIG_OP_BYTE_JUMP, .bytes = 1, .post = -20 }, CONTENT(DISTANCE, "\x01x") }                   },
    { "jump aligned",
     "\x02xxxxend",                                 CONFIRM_YES,
     { { SIG_OP_BYTE_JUMP, SIG_F_ALIGN, .bytes = 1 }, CONTENT(WITHIN, "end", .within = 3) }          },
    { "jump multiplied",
     "\x02xxxxend",                                 CONFIRM_YES,
     { { SIG_OP_BYTE_JUMP, .bytes = 1, .multiplier = 2 }, CONTENT(WITHIN, "end", .within = 3) }      },
    { "jump from the beginning",
     "ab\x02"
      "cd",                                         CONFIRM_YES,
     { { SIG_OP_BYTE_JUMP, SIG_F_FROM_BEGINNING, .offset = 2, .bytes = 1 },
        CONTENT(WITHIN, "\x02", .within = 1) }                                                       },
    { "jump from the end",
     "\x01xyz",                                     CONFIRM_YES,
     { { SIG_OP_BYTE_JUMP, SIG_F_FROM_END, .bytes = 1, .post = -2 },
        CONTENT(WITHIN, "z", .within = 1) }                                                          },
    { "jump of no bytes",
     "xxab",                                        CONFIRM_YES,
     { { SIG_OP_BYTE_JUMP, .bytes = 0, .post = 2 }, CONTENT(WITHIN, "ab", .within = 2) }             },
    { "extract as distance",
     "\x02..abc",                                   CONFIRM_YES,
     { { SIG_OP_BYTE_EXTRACT, .bytes = 1, .var = 1 },
        CONTENT(DISTANCE | WITHIN | SIG_VAR_DISTANCE, "abc", .distance = 1, .within = 3) }           },
    { "extract as offset",
     "\x03xxabc",                                   CONFIRM_YES,
     { { SIG_OP_BYTE_EXTRACT, .bytes = 1, .var = 0 },
        CONTENT(OFFSET | SIG_VAR_OFFSET, "abc", .offset = 0) }                                       },
    { "extract as value",
     "\x05\x05",                                    CONFIRM_YES,
     { { SIG_OP_BYTE_EXTRACT, .bytes = 1, .var = 2 },
        { SIG_OP_BYTE_TEST, SIG_VAR_VALUE, .offset = 1, .bytes = 1, .a = 2, .how = SIG_CMP_EQ } }    },
    { "math",
     "\x05\x08",                                    CONFIRM_YES,
     { { SIG_OP_BYTE_MATH, .bytes = 1, .how = '+', .a = 3, .var = 2 },
        { SIG_OP_BYTE_TEST, SIG_VAR_VALUE, .offset = 1, .bytes = 1, .a = 2, .how = SIG_CMP_EQ } }    },
    { "math by zero",
     "\x05\x08",                                    CONFIRM_NO,
     { { SIG_OP_BYTE_MATH, .bytes = 1, .how = '/', .a = 0, .var = 2 } }                              },
};

static const struct confirm_case pcre_cases[] = {
    {"match",                                   "abc123",    CONFIRM_YES, { PCRE(0, "c[0-9]+") }                    },
    { "no match",                               "abc",       CONFIRM_NO,  { PCRE(0, "c[0-9]+") }                    },
    { "negated",                                "abc",       CONFIRM_YES, { PCRE(NEG, "c[0-9]+") }                  },
    { "negated, there",                         "abc1",      CONFIRM_NO,  { PCRE(NEG, "c[0-9]+") }                  },
    { "relative",                               "id=5 id=x", CONFIRM_YES, { CONTENT(0, "id="), PCRE(REL, "^[a-z]") }},
    { "relative, second try fails",
     "id=5 id=6",                                            CONFIRM_NO,
     { CONTENT(0, "id="), PCRE(REL, "^[a-z]") }                                                                     },
    { "second try of the regex",
     "a1b a2c",                                              CONFIRM_YES,
     { PCRE(0, "a[0-9]"), CONTENT(WITHIN, "c", .within = 1) }                                                       },
    { "content behind",
     "a1b",                                                  CONFIRM_NO,
     { PCRE(0, "a[0-9]"), CONTENT(WITHIN, "c", .within = 1) }                                                       },
    { "limit reached is no match, negated too",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",            CONFIRM_NO,
     { PCRE(NEG, "^(a+)+$") }                                                                                       },
};

static const struct confirm_case other_cases[] = {
    { "byte_test of all digits",
      "id=1234;",
      CONFIRM_YES,
      { CONTENT(0, "id="),
        { SIG_OP_BYTE_TEST, REL | SIG_F_STRING, .a = 1234, .how = SIG_CMP_EQ, .base = 10 } } },
    { "byte_test of no digits",
      "id=;",
      CONFIRM_NO,
      { CONTENT(0, "id="),
        { SIG_OP_BYTE_TEST, REL | SIG_F_STRING, .a = 0, .how = SIG_CMP_EQ, .base = 10 } } },
    { "base64",
      "x=aGVsbG8=",
      CONFIRM_YES,
      { CONTENT(0, "x="),
        { SIG_OP_BASE64_DECODE, REL },
        { SIG_OP_BASE64_DATA },
        CONTENT(0, "hello") }                                                                                                                         },
    { "base64, not there",
     "x=aGVsbG8=",                                                                       CONFIRM_NO,
     { CONTENT(0, "x="),
        { SIG_OP_BASE64_DECODE, REL },
        { SIG_OP_BASE64_DATA },
        CONTENT(0, "world") }                                                                                                                         },
    { "base64 of some bytes",
     "aGVsbG8=",                                                                         CONFIRM_NO,
     { { SIG_OP_BASE64_DECODE, .bytes = 4 }, { SIG_OP_BASE64_DATA }, CONTENT(0, "hello") }                                                            },
    { "base64 of nothing",
     "!!!!",                                                                             CONFIRM_NO,
     { { SIG_OP_BASE64_DECODE }, { SIG_OP_BASE64_DATA }, CONTENT(0, "a") }                                                                            },
    { "urilen",               "/abc",                                                    CONFIRM_YES, { { SIG_OP_URILEN, .a = 4, .how = SIG_CMP_EQ } }},
    { "urilen less",          "/abc",                                                    CONFIRM_NO,  { { SIG_OP_URILEN, .a = 4, .how = SIG_CMP_LT } }},
    { "steps run out",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", CONFIRM_NO,
     { CONTENT(0, "a"), CONTENT(WITHIN, "a", .within = 60), CONTENT(WITHIN, "a", .within = 60),
        CONTENT(WITHIN, "c", .within = 60) }                                                                                                          },
};

#define ASN1(checks, ...)                                                                          \
    {                                                                                              \
        {                                                                                          \
            SIG_OP_ASN1, .how = (checks), __VA_ARGS__                                              \
        }                                                                                          \
    }

/* clang-format off */
static const struct confirm_case asn1_cases[] = {
    { "longer than allowed", "\x04\x03" "abc", CONFIRM_YES, ASN1(SIG_ASN1_OVERSIZE, .a = 2) },
    { "as long as allowed", "\x04\x03" "abc", CONFIRM_NO, ASN1(SIG_ASN1_OVERSIZE, .a = 3) },
    { "cut short", "\x04\x04" "abc", CONFIRM_NO, ASN1(SIG_ASN1_OVERSIZE, .a = 2) },
    { "long form", "\x04\x81\x03" "abc", CONFIRM_YES, ASN1(SIG_ASN1_OVERSIZE, .a = 2) },
    { "in a sequence", "\x30\x04\x04\x02" "ab", CONFIRM_NO, ASN1(SIG_ASN1_BITSTRING) },
    { "bit string in a sequence", "\x30\x03\x03\x01\xff", CONFIRM_YES, ASN1(SIG_ASN1_BITSTRING) },
    { "bits to leave out are there", "\x03\x01\x07", CONFIRM_NO, ASN1(SIG_ASN1_BITSTRING) },
    { "second object", "\x04\x01x\x03\x01\xff", CONFIRM_YES, ASN1(SIG_ASN1_BITSTRING) },
    { "from an offset", "xx\x03\x01\xff", CONFIRM_YES, ASN1(SIG_ASN1_BITSTRING, .offset = 2) },
    { "offset beyond the end", "\x03\x01\xff", CONFIRM_NO, ASN1(SIG_ASN1_BITSTRING, .offset = 3) },
    { "from the last match", "ab\x03\x01\xff", CONFIRM_YES,
      { CONTENT(0, "b"), { SIG_OP_ASN1, .how = SIG_ASN1_BITSTRING | SIG_ASN1_RELATIVE } } },
    { "before the last match", "\x03\x01\xff" "b", CONFIRM_YES,
      { CONTENT(0, "b"),
        { SIG_OP_ASN1, .how = SIG_ASN1_BITSTRING | SIG_ASN1_RELATIVE, .offset = -4 } } },
};
/* clang-format on */

/* A real of 257 bytes overflows, one of 256 does not. */
static void test_asn1_real(void **state)
{
    (void)state;
    char bytes[262];
    memset(bytes, 5, sizeof(bytes));
    memcpy(bytes, "\x09\x82\x01\x01", 4);
    struct confirm_case c = { "real", bytes, CONFIRM_YES, ASN1(SIG_ASN1_DOUBLE), .len = 261 };
    assert_int_equal(case_run(&c), CONFIRM_YES);
    bytes[3] = 0;
    assert_int_equal(case_run(&c), CONFIRM_NO);
}

/* Two strings in a table, of values 5 and 9, and what is not in it. */
static void test_dataset(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        bool negated, by_value;
        enum confirm_verdict want;
    } cases[] = {
        { "abc", false, false, CONFIRM_YES }, { "b", false, false, CONFIRM_YES },
        { "ab", false, false, CONFIRM_NO },   { "abcd", false, false, CONFIRM_NO },
        { "a", true, false, CONFIRM_YES },    { "b", true, false, CONFIRM_NO },
        { "abc", false, true, CONFIRM_NO },   { "b", false, true, CONFIRM_YES },
        { "zz", false, true, CONFIRM_NO },
    };
    uint8_t blob[64] = "abcb";
    const uint32_t table[6] = { 0, 3, 5, 3, 1, 9 };
    memcpy(blob + 8, table, sizeof(table));
    struct confirm confirm = { .blob = blob };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sig_op op = { .kind = SIG_OP_DATASET,
                             .flags = cases[i].negated ? SIG_F_NEGATED : 0,
                             .u.set = { .table = { 8, sizeof(table) },
                                        .by_value = cases[i].by_value,
                                        .compare = SIG_CMP_GT,
                                        .value = 5 } };
        struct app_view view = { (const uint8_t *)cases[i].data, (uint32_t)strlen(cases[i].data), 0,
                                 true };
        assert_int_equal(confirm_run(&confirm, &op, 1, &view), cases[i].want);
    }
}

static void test_asn1(void **state)
{
    (void)state;
    RUN(asn1_cases);
}

static void test_content(void **state)
{
    (void)state;
    RUN(content_cases);
    RUN(relative_cases);
    RUN(negated_cases);
}

static void test_windows(void **state)
{
    (void)state;
    RUN(window_cases);
    RUN(isdataat_cases);
}

static void test_bytes(void **state)
{
    (void)state;
    RUN(byte_cases);
}

static void test_pcre(void **state)
{
    (void)state;
    RUN(pcre_cases);
}

static void test_other(void **state)
{
    (void)state;
    RUN(other_cases);
}

/* Every place and length around the block size of the search. */
static void test_search_blocks(void **state)
{
    uint8_t hay[64];
    (void)state;
    for (uint32_t len = 3; len <= sizeof(hay); len++) {
        for (uint32_t at = 0; at + 3 <= len; at++) {
            memset(hay, '.', sizeof(hay));
            memcpy(hay + at, "XyZ", 3);
            assert_ptr_equal(search_find(hay, len, (const uint8_t *)"xyz", 3, true), hay + at);
            assert_ptr_equal(search_find(hay, len, (const uint8_t *)"XyZ", 3, false), hay + at);
            assert_null(search_find(hay, at + 2, (const uint8_t *)"xyz", 3, true));
        }
    }
}

/* Needles of few letters, which nearly stand in many places: all ways find the same one. */
static void test_search_ways(void **state)
{
    uint32_t dice = 1;
    uint8_t hay[300], needle[80];
    (void)state;
    for (unsigned n = 0; n < 20000; n++) {
        uint32_t len = 1 + (dice = dice * 1664525u + 1013904223u, dice >> 8) % sizeof(hay);
        uint32_t needle_len = 1 + (dice >> 20) % (n % 2 ? 4 : sizeof(needle));
        for (uint32_t i = 0; i < len; i++)
            hay[i] = "aAb@"[(dice = dice * 1664525u + 1013904223u, dice >> 28) % 4];
        uint32_t from = len > needle_len ? dice % (len - needle_len) : 0;
        for (uint32_t i = 0; i < needle_len; i++)
            needle[i] = from + i < len ? search_lower(hay[from + i]) : 'a';
        for (unsigned nocase = 0; nocase < 2; nocase++) {
            const uint8_t *want =
                search_find_as(LANES_BYTES, hay, len, needle, needle_len, nocase);
            for (unsigned way = LANES_BYTES; way <= lanes_best(); way++)
                assert_ptr_equal(search_find_as(way, hay, len, needle, needle_len, nocase), want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),   cmocka_unit_test(test_windows),
        cmocka_unit_test(test_bytes),     cmocka_unit_test(test_pcre),
        cmocka_unit_test(test_other),     cmocka_unit_test(test_search_blocks),
        cmocka_unit_test(test_dataset),   cmocka_unit_test(test_asn1),
        cmocka_unit_test(test_asn1_real), cmocka_unit_test(test_search_ways),
    };
    return cmocka_run_group_tests_name("detect/confirm", tests, NULL, NULL);
}
