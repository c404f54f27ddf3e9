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

enum sig_track {
    SIG_TRACK_NONE,
    SIG_TRACK_SRC,
    SIG_TRACK_DST,
    SIG_TRACK_PAIR, /* ip_pair, by_both */
    SIG_TRACK_RULE,
    SIG_TRACK_FLOW,
};

#endif
