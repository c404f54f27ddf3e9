/* SPDX-License-Identifier: Apache-2.0 */
/* IP protocols by the names that EVE records use (IANA's protocol numbers, as Suricata spells). */
#include "config.h"
#include "common/event.h"

#include <string.h>

#include "common/err.h"

static const char *const names[256] = {
    [0] = "HOPOPT",
    [1] = "ICMP",
    [2] = "IGMP",
    [3] = "GGP",
    [4] = "IP-ENCAP",
    [5] = "ST2",
    [6] = "TCP",
    [7] = "CBT",
    [8] = "EGP",
    [9] = "IGP",
    [17] = "UDP",
    [27] = "RDP",
    [33] = "DCCP",
    [41] = "IPv6",
    [43] = "IPv6-Route",
    [44] = "IPv6-Frag",
    [46] = "RSVP",
    [47] = "GRE",
    [50] = "ESP",
    [51] = "AH",
    [58] = "IPv6-ICMP",
    [59] = "IPv6-NoNxt",
    [60] = "IPv6-Opts",
    [88] = "EIGRP",
    [89] = "OSPFIGP",
    [94] = "IPIP",
    [97] = "ETHERIP",
    [98] = "ENCAP",
    [103] = "PIM",
    [108] = "IPComp",
    [112] = "VRRP",
    [115] = "L2TP",
    [132] = "SCTP",
    [133] = "FC",
    [135] = "Mobility-Header",
    [136] = "UDPLite",
    [137] = "MPLS-in-IP",
};

const char *event_proto_name(uint8_t proto)
{
    return names[proto];
}

static int parse_number(const char *text, size_t len)
{
    int value = 0;
    if (!len || len > 3)
        return ABENG_ENOENT;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ABENG_ENOENT;
        value = value * 10 + (text[i] - '0');
    }
    return value > 255 ? ABENG_ENOENT : value;
}

int event_proto_find(const char *name, size_t len)
{
    /* Almost every record has one of these. */
    if (len == 3 && memcmp(name, "TCP", 3) == 0)
        return 6;
    if (len == 3 && memcmp(name, "UDP", 3) == 0)
        return 17;
    for (int i = 0; i < 256; i++) {
        if (names[i] && strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
            return i;
    }
    return parse_number(name, len);
}
