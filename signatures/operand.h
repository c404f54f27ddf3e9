/* SPDX-License-Identifier: Apache-2.0 */
/** Words that instructions (program.h) have for what they look at and what they do. */
#ifndef SIGNATURES_OPERAND_H
#define SIGNATURES_OPERAND_H

/** Which checksum SIG_OP_CSUM looks at. */
enum sig_csum {
    SIG_CSUM_IPV4,
    SIG_CSUM_TCPV4,
    SIG_CSUM_TCPV6,
    SIG_CSUM_UDPV4,
    SIG_CSUM_UDPV6,
    SIG_CSUM_ICMPV4,
    SIG_CSUM_ICMPV6,
};

/* What an ASN.1 test looks for; any of them is enough. */
#define SIG_ASN1_BITSTRING (1u << 0)
#define SIG_ASN1_DOUBLE    (1u << 1)
#define SIG_ASN1_OVERSIZE  (1u << 2)
#define SIG_ASN1_RELATIVE  (1u << 3) /* the offset counts from the cursor */

enum sig_event_domain { SIG_EVENT_DECODE, SIG_EVENT_STREAM, SIG_EVENT_APP };

enum sig_bit_command {
    SIG_BIT_SET,
    SIG_BIT_UNSET,
    SIG_BIT_TOGGLE,
    SIG_BIT_ISSET,
    SIG_BIT_ISNOTSET,
    SIG_INT_ADD,
    SIG_INT_SUB,
    SIG_INT_SET,
    SIG_INT_LT,
    SIG_INT_LE,
    SIG_INT_EQ,
    SIG_INT_NE,
    SIG_INT_GE,
    SIG_INT_GT,
    SIG_INT_ISSET,
    SIG_INT_ISNOTSET,
};

/* What SIG_OP_RPC compares beside the program. */
#define SIG_RPC_VERSION   (1u << 0)
#define SIG_RPC_PROCEDURE (1u << 1)

/* What `tag` marks, and how long it holds. */
enum sig_tag_of { SIG_TAG_SESSION, SIG_TAG_SRC, SIG_TAG_DST };
enum sig_tag_metric { SIG_TAG_PACKETS, SIG_TAG_BYTES, SIG_TAG_SECONDS };

/* Variables that one regex sets, and the bytes of one; groups have numbers below the mark. */
#define SIG_CAPTURES_MAX   4
#define SIG_CAPTURE_PACKET 0x80
#define SIG_VAR_BYTES      255

/** Whose reputation SIG_OP_IPREP asks. */
enum sig_rep_side { SIG_REP_ANY, SIG_REP_SRC, SIG_REP_DST, SIG_REP_BOTH };

enum sig_track {
    SIG_TRACK_NONE,
    SIG_TRACK_SRC,
    SIG_TRACK_DST,
    SIG_TRACK_PAIR, /* ip_pair, by_both */
    SIG_TRACK_RULE,
    SIG_TRACK_FLOW,
};

enum sig_compare {
    SIG_CMP_EQ,
    SIG_CMP_NE,
    SIG_CMP_LT,
    SIG_CMP_LE,
    SIG_CMP_GT,
    SIG_CMP_GE,
    SIG_CMP_RANGE,      /* a < value < b */
    SIG_CMP_RANGE_INCL, /* a <= value <= b */
    SIG_CMP_ANY_BIT,    /* value & a */
    SIG_CMP_NO_BIT_EQ,  /* byte_test's ^: any bit differs */
    SIG_CMP_MASKED_NE,  /* (value & a) != b */
};

/* What a rule does with a dataset; ADD and REMOVE hold when they changed something. */
enum sig_set_command { SIG_SET_HAS, SIG_SET_ADD, SIG_SET_REMOVE };

#endif
