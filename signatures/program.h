/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The instruction set that keywords lower to. A rule is some lists of instructions; each list is
 * run over one buffer, in order, by an interpreter that needs no packet (sensor/detect), with
 * Suricata 7.0.10's meaning of every keyword.
 *
 * Instructions are plain data: bytes and texts stand in the rule set's blob and are named by
 * their offset, so that a list can be copied into an image and mapped by another process.
 */
#ifndef SIGNATURES_PROGRAM_H
#define SIGNATURES_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "signatures/operand.h"

/** A run of bytes in the rule set's blob. */
struct sig_bytes {
    uint32_t at;
    uint32_t len;
};

/* `cursor` is where the last match ended, 0 at a list's start. Numbers are compared by
 * number.compare with a (and b). */
enum sig_op_kind {
    /* over a buffer */
    SIG_OP_CONTENT, /* anchors 2.10 */
    SIG_OP_PCRE,    /* from the cursor when RELATIVE, else from the start */
    /* value at offset (RELATIVE: from the cursor); NEGATED inverts the comparison, not a
     * failed read */
    SIG_OP_BYTE_TEST,
    SIG_OP_BYTE_JUMP,    /* moves the cursor */
    SIG_OP_BYTE_EXTRACT, /* writes a byte variable, moves the cursor behind what it read */
    SIG_OP_BYTE_MATH,    /* writes a byte variable */
    SIG_OP_ISDATAAT,
    SIG_OP_BSIZE,  /* number: length of the buffer seen so far */
    SIG_OP_URILEN, /* number: as bsize, on http.uri or http.uri.raw */
    /* from base64.offset (RELATIVE: behind the cursor); false when nothing could be decoded */
    SIG_OP_BASE64_DECODE,
    SIG_OP_BASE64_DATA, /* the rest of this list runs over the decoded bytes */
    /* the buffer is a key of the table (by_value: and its value compares so), NEGATED: none, or is
     * put in or taken out; `resolved` in an image: of a set that rules change, its index + 1 */
    SIG_OP_DATASET,
    SIG_OP_ABSENT, /* true without such a buffer; name.command 1: with one the list goes on */
    /* over packet and flow: the rule's packet list */
    SIG_OP_DSIZE, /* number: payload length of a real packet */
    /* bits: with f = flags & ~mask, mode '=': f == set, '+': all of set, '*': any of set, '!':
     * not all of set; set 0 on a packet with flags is true for '!' only; see also bits.syn */
    SIG_OP_TCP_FLAGS,
    SIG_OP_TCP_SEQ, /* number; likewise the plain ones that follow */
    SIG_OP_TCP_ACK,
    SIG_OP_TCP_WINDOW,
    SIG_OP_TCP_MSS, /* false without the option */
    SIG_OP_TTL,     /* IPv4 TTL or IPv6 hop limit */
    SIG_OP_TOS,     /* the whole byte */
    SIG_OP_IP_ID,   /* IPv4 */
    SIG_OP_IP_PROTO,
    SIG_OP_IP_VERSION,
    SIG_OP_RPC,       /* number: program a, version b >> 32, procedure; field: SIG_RPC_* */
    SIG_OP_IP_OPTS,   /* name.text: the option ("rr", "any", …) */
    SIG_OP_FRAG_BITS, /* bits; modes as TCP flags, but '+' wants one more bit than set */
    SIG_OP_FRAG_OFFSET,
    SIG_OP_SAME_IP,
    SIG_OP_ITYPE, /* ICMPv4 or ICMPv6 */
    SIG_OP_ICODE,
    SIG_OP_ICMP_ID, /* messages that have one */
    SIG_OP_ICMP_SEQ,
    SIG_OP_ICMPV6_MTU,  /* packet too big */
    SIG_OP_STREAM_SIZE, /* number: next_seq - isn */
    SIG_OP_APP_PROTO,   /* app-layer-protocol; NEGATED: detection is over and it is another */
    SIG_OP_EVENT,       /* an application's makes the rule APP_TX */
    SIG_OP_FLOW_AGE,
    SIG_OP_FLOW_COUNT, /* flow.pkts_*, flow.bytes_* */
    /* state: conditions stand in the packet list, changes in the post list */
    /* ISSET: any of id[] is set; ISNOTSET: none of them is; changes are of id[0] */
    SIG_OP_FLOWBIT,
    SIG_OP_FLOWINT,
    SIG_OP_TAG,     /* post list: tag */
    SIG_OP_XBIT,    /* bit.track SRC, DST or PAIR */
    SIG_OP_HOSTBIT, /* bit.track SRC or DST */
    /* on values of a transaction that are no byte buffer (dcerpc.opnum, file.size, ssl_version
     * …); makes the rule APP_TX; false when the transaction has no such number, NEGATED or not */
    SIG_OP_APP_UINT,
    SIG_OP_VAR,   /* var: the flow's or the packet's variable holds the bytes */
    SIG_OP_IPREP, /* rep: what the table (signatures/reputation.h) says of the addresses */
    SIG_OP_CSUM,  /* number.field: enum sig_csum; NEGATED: it is wrong. Pseudo packets are right */
    SIG_OP_ASN1,  /* over a buffer: asn1 */
    /* number over SIG_BUF_FILE_SIZE, of a whole file; field 1: there is a file, whole or not */
    SIG_OP_FILE_SIZE,
    SIG_OP_KINDS,
};

/* Which numbers of an instruction come from a byte variable instead (the number is then the
 * variable's index). */
#define SIG_VAR_OFFSET   (1u << 0)
#define SIG_VAR_DEPTH    (1u << 1)
#define SIG_VAR_DISTANCE (1u << 2)
#define SIG_VAR_WITHIN   (1u << 3)
#define SIG_VAR_VALUE    (1u << 4)
#define SIG_VAR_NBYTES   (1u << 5)

/* Flags of SIG_OP_CONTENT and, where they make sense, of others. */
#define SIG_F_NEGATED         (1u << 8)
#define SIG_F_RELATIVE        (1u << 9) /* distance/within given, R, or the relative option */
#define SIG_F_NOCASE          (1u << 10)
#define SIG_F_OFFSET          (1u << 11)
#define SIG_F_DEPTH           (1u << 12)
#define SIG_F_DISTANCE        (1u << 13)
#define SIG_F_WITHIN          (1u << 14)
#define SIG_F_STARTSWITH      (1u << 15)
#define SIG_F_ENDSWITH        (1u << 16)
#define SIG_F_FAST_PATTERN    (1u << 17) /* chosen by the writer */
#define SIG_F_FP_ONLY         (1u << 18)
#define SIG_F_FP_CHOP         (1u << 19)
#define SIG_F_RELATIVE_NEXT   (1u << 20) /* content, pcre: a later one counts from its end */
#define SIG_F_REPLACE_IGNORED (1u << 21)
/* byte_* */
#define SIG_F_LITTLE         (1u << 22)
#define SIG_F_STRING         (1u << 23)
#define SIG_F_DCE            (1u << 24)
#define SIG_F_ALIGN          (1u << 25)
#define SIG_F_FROM_BEGINNING (1u << 26)
#define SIG_F_FROM_END       (1u << 27)
#define SIG_F_RAWBYTES       (1u << 28)
#define SIG_F_OR_NEXT        (1u << 29) /* packet list: it is enough when this or the next holds */

/**
 * One instruction. `kind` says which member of the union counts. Numbers stand as the rule writes
 * them; what they mean together is the interpreter's business:
 * - content: offset, depth, distance, within as written, each with its SIG_F_* flag (startswith:
 *   its flag alone). The bytes are lower case when SIG_F_NOCASE.
 * - SIG_F_NEGATED: `!` of content, pcre, isdataat, byte_test, and of the number and name kinds.
 * - a number that comes from a byte variable has its SIG_VAR_* flag: byte_test offset, value,
 *   nbytes; byte_jump and byte_math offset, nbytes (byte_math rvalue: SIG_VAR_VALUE); isdataat
 *   and byte_extract offset: SIG_VAR_OFFSET.
 * - SIG_F_STRING with nbytes 0: all the digits that follow, as strtoull reads them.
 * - bits, SIG_OP_TCP_FLAGS: `set` the flags, `mask` ignored ones; SIG_OP_FRAG_BITS: M 1, D 2, R 4.
 * - number, SIG_OP_STREAM_SIZE: field 0 server, 1 client, 2 both, 3 either; SIG_OP_FRAG_OFFSET:
 *   in units of eight bytes; SIG_OP_FLOW_COUNT: field 0 packets to client, 1 packets to server, 2
 *   bytes to client, 3 bytes to server; SIG_OP_FLOW_AGE: seconds; SIG_OP_APP_UINT: `text` is the
 *   keyword's name, it stands in the packet list.
 * - name, SIG_OP_APP_PROTO: id is enum sig_app; SIG_OP_EVENT: command is enum sig_event_domain,
 *   id the enum sig_app of an application's event, text what follows the protocol's name and dot
 *   (decode-event: the whole argument); SIG_OP_IP_OPTS: text is the option's name.
 * - bit, SIG_OP_FLOWINT: id[0] the name; SIG_VAR_VALUE: `value` is another flowint's id.
 */
struct sig_op {
    uint16_t kind;     /* enum sig_op_kind */
    uint16_t resolved; /* 0; in an image the number a name stands for (event, IP options) */
    uint32_t flags;    /* SIG_VAR_* | SIG_F_* */
    union {
        struct {
            struct sig_bytes bytes; /* lower case when SIG_F_NOCASE */
            int32_t offset, depth, distance, within;
            uint16_t fp_offset, fp_len; /* fast_pattern:o,l */
        } content;
        struct {
            struct sig_bytes pattern; /* without the slashes, NUL-ended in the blob */
            uint32_t options;         /* PCRE2_* */
            uint8_t captures;         /* variables that are set from groups */
            uint8_t match_limit_off;  /* letter O */
            /* 0 as lowered; sensor/detect numbers the distinct regexes here */
            uint32_t regex;
            struct sig_bytes tail;           /* ", flow:name …" as written */
            uint32_t name[SIG_CAPTURES_MAX]; /* keyword_var_name of each variable */
            uint8_t group[SIG_CAPTURES_MAX]; /* its group; SIG_CAPTURE_PACKET: of the packet */
        } pcre;
        struct {
            struct sig_bytes bytes, text; /* text: the keyword's argument */
            uint32_t name;
            bool packet;
        } var;
        struct {
            uint64_t value;
            int32_t offset;
            uint32_t bitmask; /* 0: none */
            /* compare: enum sig_compare; base 8, 10, 16 for strings */
            uint8_t nbytes, base, compare;
        } byte_test;
        struct {
            int32_t offset, post_offset;
            uint32_t multiplier, bitmask;
            uint8_t nbytes, base;
        } byte_jump;
        struct {
            int32_t offset;
            uint32_t multiplier, bitmask;
            uint8_t nbytes, base, align, var; /* var: index written */
        } byte_extract;
        struct {
            int32_t offset;
            uint64_t rvalue;
            uint32_t bitmask;
            uint8_t nbytes, base, oper, var; /* oper: + - * / < > (shifts) as characters */
        } byte_math;
        struct {
            int32_t offset;
        } isdataat;
        struct {
            uint64_t a, b;
            uint8_t compare;
            uint8_t field;         /* which of several numbers: stream_size side, flow.* counter */
            struct sig_bytes text; /* SIG_OP_APP_UINT: keyword that names the field */
        } number;                  /* all SIG_OP_* that compare one number */
        struct {
            uint8_t set, mask, mode; /* TCP flags, fragbits; mode: '=' '+' '*' '!' */
            bool syn;                /* TCP flags: a packet without SYN is not looked at */
        } bits;
        struct {
            uint32_t bytes, offset; /* bytes 0: as many as there are */
        } base64;
        struct {
            struct sig_bytes table; /* signatures/lists.h */
            struct sig_bytes text;  /* the keyword's argument */
            uint16_t value;
            uint16_t dataset; /* index in the set's datasets + 1; 0: the table alone */
            uint8_t key_len, by_value, compare, command; /* enum sig_set_command */
        } set;
        struct {
            struct sig_bytes table, text; /* text: the keyword's argument */
            uint8_t side, compare, value; /* enum sig_rep_side, enum sig_compare */
            bool notset;
        } rep;
        struct {
            int32_t offset;
            uint32_t oversize;
            uint8_t checks; /* SIG_ASN1_* */
        } asn1;
        struct {
            struct sig_bytes text;
            uint32_t id;     /* interned name: flowbits, event, dataset */
            uint8_t command; /* enum sig_bit_command, dataset command */
        } name;
        struct {
            uint32_t id[4]; /* flowbit names, any of them for is(not)set with | */
            /* command: enum sig_bit_command; track: enum sig_track */
            uint8_t count, command, track;
            uint32_t expire_s; /* xbits, hostbits */
            uint32_t value;    /* flowint */
        } bit;
        struct {
            uint32_t count;
            uint8_t of, metric; /* enum sig_tag_of, enum sig_tag_metric */
        } tag;
        uint64_t raw[6];
    } u;
};

#endif
