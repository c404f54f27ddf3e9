/* SPDX-License-Identifier: Apache-2.0 */
/* The rule language: what loads, what is refused and why, and what rules become. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/addr.h"
#include "common/buf.h"
#include "common/file.h"
#include "signatures/lists.h"
#include "signatures/parse.h"
#include "signatures/print.h"
#include "signatures/report.h"
#include "signatures/reputation.h"
#include "signatures/ruleset.h"

#define TCP  "alert tcp any any -> any any (msg:\"x\"; "
#define HTTP "alert http any any -> any any (msg:\"x\"; "
#define END  " sid:1;)"

static struct sig_ruleset *read_text(const char *text)
{
    struct sig_parser *p = sig_parser_create();
    sig_parser_read_rules(p, text, strlen(text), "test.rules");
    struct sig_ruleset *set = sig_parser_finish(p);
    sig_parser_free(p);
    return set;
}

struct verdict_case {
    const char *rule;
    const char *reason; /* part of it; NULL: loads */
};

/* clang-format off */
static const struct verdict_case verdicts[] = {
    { HTTP "http.header.raw; content:\"a\";" END, "say flow:to_server" },
    { HTTP "pcre:\"/a/D\";" END, "say flow:to_server" },
    { HTTP "flow:to_client; http.header.raw; content:\"a\";" END, NULL },
    { TCP "content:\"abc\";" END, NULL },
    { "alert tcp any any -> any any (msg:\"x\"; content:\"abc\";)", "no sid" },
    { "alert tcp any any -> any (sid:1;)", "a rule begins with" },
    { "alert tcp any any => any any (sid:1;)", "the direction" },
    { "warn tcp any any -> any any (sid:1;)", "unknown action" },
    { "alert gopher any any -> any any (sid:1;)", "unknown protocol" },
    { "alert tcp any any -> any any sid:1;", "no options in parentheses" },
    { "alert tcp any any -> any any (sid:1)", "no ';'" },
    { "alert tcp any any -> any any (sid:0;)", "sid" },
    { "alert tcp any any -> any any (sid:1; sid:2;)", "sid twice" },
    { "alert tcp any any -> any any (sid:1; frobnicate;)", "unknown keyword 'frobnicate'" },
    { "alert tcp $NOWHERE any -> any any (sid:1;)", "$NOWHERE is not defined" },
    { "alert tcp any [1:70000] -> any any (sid:1;)", "no port" },
    { "alert tcp any [80, 90] -> any any (msg:\"x\"; sid:1;)", NULL },
    { "alert tcp any [80 ,90] -> any any (msg:\"x\"; sid:1;)", "a blank behind '80'" },
    { TCP "flow.bytes_toclient:>1;" END, "profile abeng" },
    { TCP "content:\"a\"; pcre:\"/(a)(b)/, flow:x, pkt:y\";" END, NULL },
    { TCP "content:\"a\"; pcre:\"/(a)/, host:x\";" END, "flow:NAME or pkt:NAME" },
    { TCP "content:\"a\"; pcre:\"/(?P<flow_a>a)(?P<flow_b>b)(?P<flow_c>c)(?P<pkt_d>d)(e)/\";" END, NULL },
    { TCP "content:\"a\"; pcre:\"/(a)(b)(c)(d)(e)/,flow:a,flow:b,flow:c,flow:d,flow:e\";" END,
     "more than 4 variables" },
    { TCP "flowvar:x,\"a|62|\"; pktvar:y,c;" END, NULL },
    { TCP "flowvar:x;" END, "a name, then a text" },
    { TCP "flowvar:x,!\"a\";" END, "a quote stands within it" },
    { "alert smtp any any -> any any (msg:\"x\"; smtp.helo; content:\"a\"; sid:1;)", "profile abeng" },
    { "alert ftp any any -> any any (msg:\"x\"; ftp.command; content:\"a\"; sid:1;)", "profile abeng" },
    { "alert tcp !any any -> any any (sid:1;)", "leaves nothing" },
    { "alert tcp [192.0.2.1,!192.0.2.1] any -> any any (sid:1;)", "leaves nothing" },
    { TCP "content:abc;" END, "double quotes" },
    { TCP "content:\"\";" END, "1 to" },
    { TCP "content:\"|4g|\";" END, "no hex digit" },
    { TCP "content:\"|41\";" END, "without its other one" },
    { TCP "content:\"a\\bc\";" END, "only : ; \\"                        },
    { TCP "content:\"a\\;b\\\"c|3a|\";" END, NULL },
    { TCP "content:\"abc\"; depth:2;" END, "shorter than its content" },
    { TCP "content:\"abc\"; within:2;" END, "shorter than its content" },
    { TCP "content:\"abc\"; depth:3; distance:1;" END, "exclude each other" },
    { TCP "content:\"abc\"; startswith; offset:1;" END, "startswith" },
    { TCP "content:\"abc\"; nocase; nocase;" END, "nocase twice" },
    { TCP "nocase;" END, "no content before" },
    { TCP "content:\"a\"; fast_pattern; content:\"b\"; fast_pattern;" END, "fast_pattern twice" },
    { TCP "content:!\"a\"; offset:1; fast_pattern;" END, "negated" },
    { TCP "content:\"abc\"; fast_pattern:only; content:\"d\"; distance:0;" END,
     "fast_pattern:only" },
    { TCP "content:\"abc\"; fast_pattern:2,2;" END, "beyond the content" },
    { HTTP "http.host; content:\"Example.org\";" END, "lower case" },
    { HTTP "http.host; content:\"example.org\"; nocase;" END, "lower case" },
    { HTTP "http.host; content:\"example.org\";" END, NULL },
    { HTTP "content:\"example.org\"; http_host; nocase;" END, "lower case" },
    { HTTP "http.method; content:\"GET \";" END, "blanks" },
    { HTTP "http.uri;" END, "nothing is asked of buffer http.uri" },
    { HTTP "http.uri; http.host; content:\"a\";" END, "nothing is asked of buffer http.uri" },
    { HTTP "http.uri; content:\"a\"; content:\"b\"; http_uri;" END, "sticky buffer is still set" },
    { HTTP "http.uri; content:\"a\"; http.stat_code; content:\"200\";" END,
     "request and of the response" },
    { HTTP "flow:to_client; http.uri; content:\"a\";" END, "other direction" },
    { HTTP "dns.query; content:\"a\";" END, "dns" },
    { "alert tls any any -> any any (http.uri; content:\"a\"; sid:1;)", "http" },
    { HTTP "http.uri; content:\"a\"; dsize:>4;" END, "single packets" },
    { "alert tcp-pkt any any -> any any (http.uri; content:\"a\"; sid:1;)", "single packets" },
    { "alert tcp-stream any any -> any any (content:\"a\"; flags:S; sid:1;)", "can't be mixed" },
    { TCP "dsize:3; content:\"abcd\";" END, "can never match" },
    { HTTP "http.uri; content:\"abcd\"; bsize:<4;" END, "can never match" },
    { HTTP "http.uri; content:\"abcd\"; bsize:4;" END, NULL },
    { HTTP "http.uri; content:\"abcd\"; urilen:3;" END, "can never match" },
    { TCP "bsize:4;" END, "no sticky buffer" },
    { TCP "pcre:\"/a(b/\";" END, "pcre:" },
    { TCP "pcre:\"/a/k\";" END, "unknown letter" },
    { HTTP "pcre:\"/a/UH\";" END, "more than one letter" },
    { HTTP "pcre:\"/Example/W\";" END, "upper case" },
    { HTTP "http.uri; pcre:\"/a\\/b;c/i\"; content:\"x\";" END, "without its other one" },
    { TCP "pcre:\"/a\\x3bb/i\";" END, NULL },
    { TCP "byte_test:9,>,1,0;" END, "1 to 8 bytes" },
    { TCP "byte_test:0,>,1,0,string,dec;" END, NULL },
    { TCP "byte_test:2,~,1,0;" END, "unknown operator" },
    { TCP "byte_test:2,>,n,0;" END, "neither a number" },
    { TCP "byte_extract:1,0,n; content:\"a\"; within:n;" END, NULL },
    { TCP "content:\"a\"; within:n;" END, "neither a number" },
    { TCP "byte_jump:4,0,relative,sideways;" END, "unknown option" },
    { TCP "byte_math:bytes 1, offset 0, oper +, rvalue 2, result r; isdataat:r;" END, NULL },
    { TCP "byte_math:bytes 1, offset 0, oper /, rvalue 0, result r;" END, "division" },
    { TCP "base64_data; content:\"a\";" END, "no base64_decode" },
    { TCP "base64_decode:bytes 8; base64_data; content:\"a\"; pkt_data; content:\"b\";" END,
     "base64_data" },
    { TCP "flow:established,not_established;" END, "contradicts" },
    { TCP "flow:to_server,from_server;" END, "contradicts" },
    { TCP "flowbits:set;" END, "name is missing" },
    { TCP "flowbits:set,a|b;" END, NULL },
    { TCP "flowbits:set,a b;" END, "no blanks" },
    { TCP "flowbits:SET,a;" END, "flowbits: set, unset" },
    { TCP "flowbits:isset,|;" END, "name is missing" },
    { TCP "flowbits:isset,a|b|c|d|e|f;" END, NULL },
    { TCP "flowbits:isset,|a||b;" END, NULL },
    { TCP "flowbits:isset,a|b; content:\"x\";" END, NULL },
    { TCP "flowint:nn,+;" END, "name,operator,value" },
    { TCP "flowint:n,+,1;" END, "two characters" },
    { TCP "flowint:nn,+,4294967296;" END, "name,operator,value" },
    { TCP "flowint:nn,isset,1;" END, NULL },
    { TCP "flowint:nn,ISSET;" END, "unknown operator" },
    { TCP "xbits:set,a,track ip_src,expire 5,more;" END, NULL },
    { TCP "xbits:set,a,expire 5,track ip_src;" END, "track ip_src" },
    { TCP "xbits:noalert;" END, "xbits:" },
    { TCP "hostbits:set,a b;" END, "no blanks" },
    { TCP "hostbits:set,a,src,9;" END, "src or dst" },
    { TCP "xbits:set,a;" END, "track ip_src" },
    { TCP "threshold:type limit, track by_src, count 1;" END, "all needed" },
    { TCP "threshold:type limit, track by_src, count 1, seconds 9; detection_filter:track by_src, "
          "count 1, seconds 9;" END,
     "threshold and detection_filter" },
    { "alert icmp any any -> any any (itype:3<>9; icode:>0; sid:1;)", NULL },
    { "alert icmp any any -> any any (itype:<=8; icode:!3; sid:1;)", NULL },
    { "alert icmp any any -> any any (icmp_id:>8; sid:1;)", "icmp_id" },
    { TCP "threshold:type limit, track by_src, count 0, seconds 0;" END, NULL },
    { TCP "threshold:type limit, track by_src, count 1, seconds 9, more;" END, NULL },
    { TCP "threshold:type limit, track by_src, count 1, count 9, seconds 9;" END, "twice" },
    { TCP "threshold:type limit, track by_flow, count 1, seconds 9;" END, "not understood" },
    { TCP "detection_filter:track by_rule, count 1, seconds 9;" END, "not understood" },
    { TCP "detection_filter:track by_src, count 0, seconds 9;" END, "1 or more" },
    { TCP "detection_filter:track by_src, count 1, seconds 9, more;" END, "not understood" },
    { TCP "dsize:5<>6;" END, "dsize" },
    { TCP "dsize:<0;" END, "dsize" },
    { TCP "dsize:>65535;" END, "dsize" },
    { TCP "dsize:1kb;" END, NULL },
    { TCP "dsize:\"5\";" END, "without quotes" },
    { TCP "ttl:0x5;" END, "ttl" },
    { TCP "tos:x1f;" END, NULL },
    { TCP "tos:x100;" END, "tos" },
    { TCP "seq:!5;" END, "seq" },
    { TCP "flow:to_server; flow:established;" END, NULL },
    { TCP "flags:S,;" END, "flags" },
    { TCP "priority:1000;" END, NULL },
    { TCP "priority:0;" END, NULL },
    { TCP "priority:0x1;" END, "priority" },
    { TCP "rev:0;" END, "rev" },
    { TCP "classtype:9a;" END, "classtype" },
    { TCP "msg:\"\";" END, "msg twice" },
    { TCP "content:\"a\"; prefilter;" END, NULL },
    { TCP "content:\"a\"; pcre:\"/b/\"; prefilter;" END, "not behind pcre" },
    { TCP "ttl:5; prefilter; prefilter;" END, "prefilter twice" },
    { TCP "ip_proto:6;" END, "alert ip" },
    { "alert ip any any -> any any (ip_proto:!6; ip_proto:!17; sid:1;)", NULL },
    { "alert ip any any -> any any (ip_proto:6; ip_proto:!17; sid:1;)", "by itself" },
    { TCP "l3_proto:ipv6;" END, NULL },
    { TCP "l3_proto:arp;" END, "l3_proto" },
    { TCP "rpc:100000,*,3;" END, NULL },
    { TCP "rpc:*,2,3;" END, "rpc" },
    { TCP "nfq_set_mark:0x1/0xff;" END, NULL },
    { TCP "nfq_set_mark:1;" END, "value/mask" },
    { TCP "config:logging disable,type tx,scope tx;" END, NULL },
    { TCP "config:logging enable,type tx,scope tx;" END, "config" },
    { "config dns any any -> any any (dns.query; content:\"a\"; sid:1;)", NULL },
    { TCP "ip.src; content:\"|01|\"; startswith;" END, NULL },
    { TCP "ip.src; to_md5; content:\"a\";" END, "not transformed" },
    { TCP "app-layer-protocol:!http; app-layer-protocol:!tls;" END, NULL },
    { TCP "app-layer-protocol:http; app-layer-protocol:!tls;" END, "negated" },
    { TCP "tag:host;" END, NULL },
    { TCP "tag:session,5,packets; tag:host,60,seconds,src;" END, NULL },
    { TCP "tag:session,5;" END, "tag:" },
    { TCP "tag:host,5,packets,both;" END, "tag:" },
    { TCP "tag:flow,5,packets;" END, "session or host" },
    { "alert ftp any any -> any any (file.name; content:\"a\"; sid:1;)", "no buffer of protocol" },
    { HTTP "fileext:exe; filename:!a;" END, NULL },
    { HTTP "filemagic:\"pdf document\";" END, NULL },
    { HTTP "file.magic; content:!\"executable\";" END, NULL },
    { HTTP "filemagic:\"Amiga disk\";" END, "tells apart" },
    { HTTP "http.uri; content:\"a\"; ip.src; content:\"|01|\"; startswith;" END, NULL },
    { HTTP "filestore:both,file,now;" END, "filestore" },
    { HTTP "urilen:5,whatever;" END, NULL },
    { TCP "classtype:no-such-class;" END, NULL },
    { TCP "lua:script.lua;" END, "scripts" },
    { TCP "iprep:src,list,>,1;" END, "reputation" },
    { "alert modbus any any -> any any (content:\"a\"; sid:1;)", "not detected" },
    { TCP "modbus: function 1;" END, "not detected" },
    { TCP "app-layer-protocol:!pgsql;" END, "unknown protocol" },
    { TCP "app-layer-event:rdp.a;" END, "no parser" },
    { "alert dns any any -> any any (dns.query; content:\"a\"; dotprefix; content:\"b\"; sid:1;)",
     NULL },
    { "alert dns any any -> any any (dns.query; dotprefix; content:\"b\"; to_md5; content:\"c\"; "
      "sid:1;)",
     "directly behind" },
    { HTTP "http.uri; content:\"a\"; endswith; fast_pattern; endswith;" END, NULL },
    { TCP "tcpv4-csum:invalid;" END, NULL },
    { TCP "tcpv4-csum:wrong;" END, "valid or invalid" },
    { TCP "content:\"a\"; asn1:double_overflow, oversize_length 9, relative_offset -1;" END, NULL },
    { TCP "asn1:bitstring_overflow, absolute_offset -1;" END, "not negative" },
    { TCP "asn1:backwards;" END, "oversize_length N" },
    { "alert tls any any -> any any (ssl_state:client_hello|!server_hello; sid:1;)", NULL },
    { "alert tls any any -> any any (ssl_state:hello; sid:1;)", "client_keyx" },
    { HTTP "ssl_state:client_hello;" END, "keywords of tls" },
    { TCP "ssl_version:sslv2,tls1.0,tls1.2;" END, NULL },
    { TCP "ssl_version:!tls1.0,tls1.2;" END, "all with ! or none" },
    { TCP "tls.version:!1.2;" END, "1.0, 1.1" },
    { TCP "tls_cert_notbefore:<2012-10-31T10:20;" END, NULL },
    { TCP "tls_cert_notafter:2012-10<>2012-11-30 23:59:59;" END, NULL },
    { TCP "tls_cert_notafter:2012-12<>2012-11;" END, "DATE<>DATE" },
    { TCP "tls_cert_notafter:<2012-10<>2012-11;" END, "DATE<>DATE" },
    { TCP "tls_cert_notafter:2012-13;" END, "DATE<>DATE" },
    { TCP "tls_cert_valid; ja4.hash; content:\"t13\";" END, NULL },
    { TCP "tls_cert_expired:1;" END, "takes no value" },
    { TCP "ssh.protoversion:2_compat; ssh.softwareversion:\"OpenSSH_9\";" END, NULL },
    { TCP "requires:version >= 7.0.3;" END, NULL },
    { TCP "requires:version >= 8 | >= 7.0.10 < 8;" END, NULL },
    { TCP "requires:version > 7.0.10;" END, "as Suricata 7.0.10" },
    { TCP "requires:version 7;" END, "version wants" },
    { TCP "requires:feature geoip;" END, "which this sensor has not" },
    { HTTP "filesize:>100; filestore;" END, NULL },
    { "alert tcp any any -> any any (filesize:5<>9; sid:1;)", NULL },
    { "alert dns any any -> any any (filesize:>1; sid:1;)", "no buffer of protocol" },
    { "alert tcp any any -> any 21 (content:\"PORT\"; ftpbounce; sid:1;)", NULL },
    { "alert dns any any -> any any (dns.query; dotprefix; content:\".b\"; sid:1;)", NULL },
    { HTTP "ja3.hash; content:\"abc\";" END, "ja3.hash" },
    { "alert tls any any -> any any (ja3.hash; content:\"abc\"; sid:1;)", "32 characters" },
};
/* clang-format on */

static void test_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        struct sig_ruleset *set = read_text(verdicts[i].rule);
        assert_int_equal(set->verdict_count, 1);
        const struct sig_verdict *v = &set->verdicts[0];
        bool right = verdicts[i].reason ? !v->loaded && strstr(v->reason, verdicts[i].reason)
                                        : v->loaded && set->rule_count == 1;
        if (!right)
            fail_msg("%s\n  gave '%s', not '%s'", verdicts[i].rule,
                     v->loaded ? "loaded" : v->reason,
                     verdicts[i].reason ? verdicts[i].reason : "loaded");
        sig_ruleset_free(set);
    }
}

struct kind_case {
    const char *rule;
    enum sig_kind kind;
    uint8_t dirs;
    bool packet, stream;
};

/* clang-format off */
static const struct kind_case kinds[] = {
    { "alert ip 192.0.2.1 any -> any any (sid:1;)", SIG_KIND_IP_ONLY, 3, false, false },
    { "alert ip !192.0.2.1 any -> any any (sid:1;)", SIG_KIND_LIKE_IP_ONLY, 3, false, false },
    { "alert ip any any -> any any (ip_proto:17; sid:1;)", SIG_KIND_IP_ONLY, 3, false, false },
    { "alert ip any any -> any any (flow:to_server; sid:1;)", SIG_KIND_PKT, 1, false, false },
    { "alert tcp any any -> any any (app-layer-protocol:tls; sid:1;)",
      SIG_KIND_PD_ONLY, 3, false, false },
    { "alert pkthdr any any -> any any (decode-event:ipv4.trunc_pkt; sid:1;)",
      SIG_KIND_DE_ONLY, 3, false, false },
    { "alert tcp any any -> any any (stream-event:pkt_invalid_ack; sid:1;)",
      SIG_KIND_PKT, 3, false, false },
    { "alert tcp any any -> any any (flow:established; sid:1;)", SIG_KIND_PKT, 3, false, false },
    { "alert tcp any any -> any any (flags:S; sid:1;)", SIG_KIND_PKT, 3, true, false },
    { "alert tcp any any -> any 22 (flags:S; sid:1;)", SIG_KIND_PKT, 1, true, false },
    { TCP "content:\"a\";" END, SIG_KIND_STREAM, 3, false, true },
    { TCP "content:\"a\"; depth:4;" END, SIG_KIND_PKT_STREAM, 3, true, true },
    { TCP "content:\"a\"; startswith;" END, SIG_KIND_PKT_STREAM, 3, true, true },
    { TCP "content:\"a\"; stream_size:client,>,3;" END, SIG_KIND_PKT_STREAM, 3, true, true },
    { TCP "content:\"a\"; dsize:>3;" END, SIG_KIND_PKT, 3, true, false },
    { "alert udp any any -> any any (content:\"a\"; sid:1;)", SIG_KIND_PKT, 3, true, false },
    { "alert http any any -> any any (sid:1;)", SIG_KIND_APPLAYER, 3, false, false },
    { HTTP "http.uri; content:\"a\";" END, SIG_KIND_APP_TX, 1, false, false },
    { HTTP "http.stat_code; content:\"200\";" END, SIG_KIND_APP_TX, 2, false, false },
    { "alert dcerpc any any -> any any (dcerpc.stub_data; content:\"a\"; sid:1;)",
      SIG_KIND_APP_TX, 3, false, false },
    { HTTP "http.uri; content:\"a\"; pkt_data; content:\"b\";" END,
      SIG_KIND_APP_TX, 1, false, true },
    { "alert http any any -> any any (app-layer-event:http.missing_host_header; sid:1;)",
      SIG_KIND_APP_TX, 3, false, false },
    { "alert tcp any any -> any any (tcp.hdr; content:\"a\"; sid:1;)",
      SIG_KIND_PKT, 3, false, false },
    { "alert smtp any any -> any any (file_data; content:\"a\"; sid:1;)",
      SIG_KIND_APP_TX, 1, false, false },
};
/* clang-format on */

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct sig_ruleset *set = read_text(kinds[i].rule);
        if (set->rule_count != 1)
            fail_msg("%s: %s", kinds[i].rule, set->verdicts[0].reason);
        const struct sig *r = &set->rules[0];
        if (r->kind != kinds[i].kind || r->dirs != kinds[i].dirs ||
            r->requires_packet != kinds[i].packet || r->requires_stream != kinds[i].stream)
            fail_msg("%s: kind %u, dirs %u, packet %d, stream %d", kinds[i].rule, r->kind, r->dirs,
                     r->requires_packet, r->requires_stream);
        sig_ruleset_free(set);
    }
}

static void ranges_text(const struct sig_addrs *a, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < a->count && n < cap; i++) {
        char low[ADDR_TEXT_MAX], high[ADDR_TEXT_MAX];
        addr_format(&a->ranges[i].low, low);
        addr_format(&a->ranges[i].high, high);
        n += (size_t)snprintf(out + n, cap - n, "%s%s-%s", i ? " " : "", low, high);
    }
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *ranges;
    } cases[] = {
        { "192.0.2.7", "192.0.2.7-192.0.2.7" },
        { "192.0.2.0/24", "192.0.2.0-192.0.2.255" },
        { "192.0.2.0/255.255.255.128", "192.0.2.0-192.0.2.127" },
        { "192.0.2.5-192.0.2.9", "192.0.2.5-192.0.2.9" },
        { "[192.0.2.0/25,192.0.2.128/25]", "192.0.2.0-192.0.2.255" },
        { "[198.51.100.1,192.0.2.1]", "192.0.2.1-192.0.2.1 198.51.100.1-198.51.100.1" },
        { "[192.0.2.0/24,!192.0.2.4]", "192.0.2.0-192.0.2.3 192.0.2.5-192.0.2.255" },
        { "[192.0.2.0/29,![192.0.2.1,192.0.2.6]]",
          "192.0.2.0-192.0.2.0 192.0.2.2-192.0.2.5 192.0.2.7-192.0.2.7" },
        { "[192.0.2.0/30,!192.0.2.0/31]", "192.0.2.2-192.0.2.3" },
        { "2001:db8::/126", "2001:db8::-2001:db8::3" },
        { "$NETS", "192.0.2.0-192.0.2.3" },
        { "[203.0.113.1, $NETS]", "192.0.2.0-192.0.2.3 203.0.113.1-203.0.113.1" },
        { "[192.0.2.0/29,!$NETS]", "192.0.2.4-192.0.2.7" },
        /* what is said of one family alone says nothing of the other */
        { "!192.0.2.0/24", "0.0.0.0-192.0.1.255 192.0.3.0-255.255.255.255" },
        { "![192.0.2.0/24,0.0.0.0/1]", "128.0.0.0-192.0.1.255 192.0.3.0-255.255.255.255" },
        { "[2001:db8::/126,!192.0.2.0-255.255.255.255]",
          "0.0.0.0-192.0.1.255 2001:db8::-2001:db8::3" },
        { "0.0.0.0/0", "0.0.0.0-255.255.255.255" },
        { "[0.0.0.0/0,::/0]", "" },
        { "any", "" },
        { "[any]", "" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char rule[256], got[256];
        const char *reason;
        struct sig_parser *p = sig_parser_create();
        assert_int_equal(sig_parser_set_address(p, "NETS", "192.0.2.0/30", &reason), 0);
        snprintf(rule, sizeof(rule), "alert ip %s any -> any any (sid:1;)", cases[i].text);
        sig_parser_read_rules(p, rule, strlen(rule), "t");
        struct sig_ruleset *set = sig_parser_finish(p);
        sig_parser_free(p);
        if (!set->rule_count)
            fail_msg("%s: %s", cases[i].text, set->verdicts[0].reason);
        ranges_text(&set->rules[0].src, got, sizeof(got));
        assert_string_equal(got, cases[i].ranges);
        assert_int_equal(set->rules[0].src.any, cases[i].ranges[0] == 0);
        sig_ruleset_free(set);
    }
}

static void test_variables(void **state)
{
    (void)state;
    const char *reason;
    struct sig_parser *p = sig_parser_create();
    assert_int_not_equal(sig_parser_set_address(p, "A", "192.0.2.300", &reason), 0);
    assert_non_null(strstr(reason, "192.0.2.300"));
    assert_int_equal(sig_parser_set_address(p, "EXTERNAL_NET", "!$HOME_NET", &reason), 0);
    assert_int_equal(sig_parser_set_address(p, "LOOP", "$LOOP", &reason), 0);
    assert_int_equal(sig_parser_set_ports(p, "MY_PORTS", "[80,!80:80,8080:]", &reason), 0);
    const char *rules = "alert ip $EXTERNAL_NET any -> any any (sid:1;)\n"
                        "alert ip $LOOP any -> any any (sid:2;)\n"
                        "alert tcp any any -> any $MY_PORTS (sid:3;)\n";
    sig_parser_read_rules(p, rules, strlen(rules), "t");
    struct sig_ruleset *set = sig_parser_finish(p);
    sig_parser_free(p);
    assert_int_equal(set->rule_count, 1); /* 1: HOME_NET is any, 2: names itself */
    assert_int_equal(set->rules[0].dports.count, 1);
    assert_int_equal(set->rules[0].dports.ranges[0].low, 8080);
    assert_int_equal(set->rules[0].dports.ranges[0].high, 65535);
    sig_ruleset_free(set);
}

static const struct sig_op *op_at(const struct sig_ruleset *set, uint32_t list, uint32_t op)
{
    const struct sig_list *l = &set->rules[0].lists[list];
    assert_true(list < set->rules[0].list_count);
    assert_true(op < l->count);
    return &set->ops[l->first + op];
}

static void test_content(void **state)
{
    (void)state;
    struct sig_ruleset *set = read_text(
        HTTP "content:\"|41 42|cD\"; offset:2; depth:9; nocase; content:!\"x\\;\"; distance:-1; "
             "within:6; content:\"/up\"; http_uri; pcre:\"/y$/Ri\";" END);
    assert_int_equal(set->rule_count, 1);
    const struct sig_op *a = op_at(set, 0, 0), *b = op_at(set, 0, 1);
    assert_memory_equal(set->blob + a->u.content.bytes.at, "abcd", 5);
    assert_int_equal(a->u.content.offset, 2);
    assert_int_equal(a->u.content.depth, 9);
    assert_int_equal(a->flags, SIG_F_NOCASE | SIG_F_OFFSET | SIG_F_DEPTH | SIG_F_RELATIVE_NEXT);
    assert_memory_equal(set->blob + b->u.content.bytes.at, "x;", 3);
    assert_int_equal(b->u.content.distance, -1);
    assert_int_equal(b->u.content.within, 6);
    assert_int_equal(b->flags, SIG_F_NEGATED | SIG_F_RELATIVE | SIG_F_DISTANCE | SIG_F_WITHIN |
                                   SIG_F_RELATIVE_NEXT);
    assert_int_equal(op_at(set, 0, 2)->kind, SIG_OP_PCRE);
    assert_int_equal(set->specs[set->rules[0].lists[1].spec].buffer, SIG_BUF_HTTP_URI);
    assert_memory_equal(set->blob + op_at(set, 1, 0)->u.content.bytes.at, "/up", 4);
    sig_ruleset_free(set);
}

static void test_lists(void **state)
{
    (void)state;
    struct sig_ruleset *set =
        read_text("alert dns any any -> any any (dns.query; content:\"a\"; dns.query; dotprefix; "
                  "content:\".b\"; endswith; isdataat:!1,relative; flowbits:isset,one; "
                  "flowbits:set,two; sid:1;)");
    assert_int_equal(set->rule_count, 1);
    const struct sig *r = &set->rules[0];
    assert_int_equal(r->list_count, 2); /* a repeated multi-instance buffer is another instance */
    assert_int_equal(set->specs[r->lists[1].spec].transforms[0], SIG_TR_DOTPREFIX);
    assert_int_equal(r->lists[1].count, 2);
    assert_int_equal(r->packet_count, 1);
    assert_int_equal(r->post_count, 1);
    assert_string_equal(set->flowbits[set->ops[r->post_first].u.bit.id[0]], "two");
    sig_ruleset_free(set);
    set = read_text(
        HTTP "http.uri; content:\"a\"; http.method; content:\"GET\"; http.uri; content:\"b\";" END);
    assert_int_equal(set->rules[0].list_count, 2); /* others are taken up again */
    assert_int_equal(set->rules[0].lists[0].count, 2);
    sig_ruleset_free(set);
}

static void test_texts(void **state)
{
    (void)state;
    struct sig_ruleset *set = read_text(
        "alert tcp any any -> any any (msg:\"a \\\"b\\\"\\; c\"; reference:cve,2021-44228; "
        "reference:url,example.org/x; classtype:trojan-activity; "
        "metadata:tag one, created_at 2024_01_02, tag two; target:dest_ip; sid:7; gid:3; rev:4;)");
    assert_int_equal(set->rule_count, 1);
    const struct sig *r = &set->rules[0];
    assert_string_equal(r->msg, "a \"b\"; c");
    assert_string_equal(
        r->references,
        "[\"http://cve.mitre.org/cgi-bin/cvename.cgi?name=2021-44228\",\"http://example.org/x\"]");
    assert_string_equal(r->metadata, "{\"tag\":[\"one\",\"two\"],\"created_at\":[\"2024_01_02\"]}");
    assert_string_equal(r->category, "A Network Trojan was detected");
    assert_int_equal(r->priority, 1);
    assert_int_equal(r->target, SIG_TARGET_DEST);
    assert_int_equal(r->gid, 3);
    sig_ruleset_free(set);
}

static void test_files(void **state)
{
    (void)state;
    struct sig_ruleset *set =
        read_text("# a comment\r\n"
                  "\n"
                  "alert tcp any any -> any any (msg:\"one\"; \\\n"
                  "  content:\"a\"; sid:1;)\r\n"
                  "#alert tcp any any -> any any (sid:9;)\n"
                  "nonsense\n"
                  "alert udp any any -> any any (sid:2; rev:1;)\n"
                  "alert udp any any -> any any (sid:2; rev:2; content:\"a\";)");
    assert_int_equal(set->verdict_count, 4);
    assert_int_equal(set->rule_count, 2);
    assert_int_equal(set->verdicts[0].line, 3);
    assert_false(set->verdicts[1].loaded);
    assert_int_equal(set->verdicts[1].line, 6);
    assert_false(set->verdicts[2].loaded); /* an older revision */
    assert_non_null(strstr(set->verdicts[2].reason, "test.rules:8"));
    assert_int_equal(set->rules[1].rev, 2);
    struct buf report;
    buf_init(&report, 4096);
    sig_report_write(set, &report);
    assert_non_null(
        strstr(buf_str(&report),
               "{\"file\":\"test.rules\",\"line\":3,\"sid\":1,\"verdict\":\"loaded\"}\n"));
    buf_free(&report);
    sig_ruleset_free(set);
}

static void test_order(void **state)
{
    (void)state;
    struct sig_ruleset *set =
        read_text("alert tcp any any -> any any (flowbits:isset,x; sid:1;)\n"
                  "alert tcp any any -> any any (content:\"a\"; priority:3; sid:2;)\n"
                  "alert tcp any any -> any any (content:\"a\"; priority:1; sid:3;)\n"
                  "alert tcp any any -> any any (content:\"a\"; flowbits:set,x; sid:4;)\n"
                  "pass tcp any any -> any any (content:\"a\"; sid:5;)\n"
                  "drop tcp any any -> any any (content:\"a\"; sid:6;)\n");
    static const uint32_t order[] = { 3, 5, 4, 2, 0, 1 };
    assert_int_equal(set->rule_count, 6);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(set->rules[i].order, order[i]);
    sig_ruleset_free(set);
}

static void test_buffers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIG_BUF_COUNT; i++) {
        const struct sig_buffer_def *def = sig_buffer_def((enum sig_buffer)i);
        assert_non_null(def->name);
        assert_true(def->dirs);
        if (*def->name)
            assert_int_equal(sig_buffer_find(def->name, strlen(def->name)), i);
        if (def->modifier)
            assert_int_equal(sig_buffer_find_modifier(def->modifier, strlen(def->modifier)), i);
    }
    for (unsigned i = SIG_APP_ANY_HTTP; i < SIG_APP_COUNT; i++) {
        const char *name = sig_app_name((enum sig_app)i);
        assert_int_equal(sig_app_find(name, strlen(name)), i);
    }
}

static char *print_all(const struct sig_ruleset *set)
{
    struct buf out;
    buf_init(&out, 64u << 20);
    for (uint32_t i = 0; i < set->rule_count; i++) {
        sig_print(set, &set->rules[i], &out);
        buf_byte(&out, '\n');
    }
    buf_byte(&out, 0);
    return (char *)out.data;
}

/* What was written from a set reads as the same set. */
static void check_round_trip(const struct sig_ruleset *set)
{
    char *first = print_all(set);
    struct sig_ruleset *again = read_text(first);
    char *second = print_all(again);
    for (uint32_t i = 0; i < again->verdict_count; i++) {
        if (!again->verdicts[i].loaded)
            fail_msg("written rule, line %u: %s", again->verdicts[i].line,
                     again->verdicts[i].reason);
    }
    assert_int_equal(again->rule_count, set->rule_count);
    for (uint32_t i = 0; i < set->rule_count; i++) {
        const struct sig *a = &set->rules[i], *b = &again->rules[i];
        bool same = a->kind == b->kind && a->dirs == b->dirs && a->order == b->order &&
                    a->proto == b->proto && a->app == b->app && a->flow == b->flow &&
                    a->requires_packet == b->requires_packet &&
                    a->requires_stream == b->requires_stream && a->list_count == b->list_count &&
                    a->packet_count == b->packet_count && a->post_count == b->post_count &&
                    a->src.count == b->src.count && a->src.negated == b->src.negated &&
                    a->dst.count == b->dst.count && a->var_count == b->var_count;
        if (!same)
            fail_msg("sid %u differs after its round trip", a->sid);
    }
    assert_string_equal(first, second);
    sig_ruleset_free(again);
    free(first);
    free(second);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct sig_ruleset *set =
        read_text("alert tcp ![192.0.2.0/24,2001:db8::/32] [80,90:] <> any !443 (msg:\"a\\;\"; "
                  "content:\"|00|\\;\\\"\"; "
                  "fast_pattern:0,2; byte_extract:1,0,n,relative; "
                  "byte_test:2,!&,0x80,n,relative,little,bitmask 0xf0; "
                  "byte_jump:4,1,relative,align,multiplier 2,post_offset -3; content:\"z\"; "
                  "within:n; sid:1;)\n"
                  "alert http any any -> any any (http.uri; to_lowercase; xor:\"0d0a\"; "
                  "content:\"a\"; urilen:5<>9; "
                  "base64_decode:bytes 9, offset 1, relative; base64_data; content:\"q\"; "
                  "sid:2;)\n"
                  "drop udp any any -> any 53 (dsize:>9; ttl:<5; threshold:type both,track "
                  "by_src,count 3,seconds 4; sid:3;)\n"
                  "alert tls any any -> any any (ssl_version:sslv3,tls1.0; xbits:set,a,track "
                  "ip_pair,expire 9; sid:4;)\n"
                  "alert tcp any any -> any any (flags:*SF,CE; fragbits:!D; flowint:nn,+,2; "
                  "flowint:mm,>,nn; sid:5;)\n"
                  "alert tls any any -> any any (ssl_state:client_hello,!server_keyx; sid:6;)\n"
                  "alert tcp any any -> any any (tcpv6-csum:invalid; sid:7;)\n"
                  "alert udp any any -> any any (content:\"j\"; asn1:oversize_length 7, "
                  "bitstring_overflow, relative_offset -1; sid:8;)\n"
                  "alert ftp any any -> any any (ftpbounce; sid:9;)\n"
                  "alert http any any -> any any (filesize:>9; sid:10;)\n"
                  "alert smtp any any -> any any (filestore; sid:11;)\n"
                  "alert udp any any -> any any (rpc:100000,*,3; l3_proto:ip6; priority:700; "
                  "flowbits:isset,a|b|c|d|e; flowbits:set,f; sid:12;)\n"
                  "alert tcp any any -> any any (ip.dst; content:\"|01|\"; sid:13;)\n"
                  "alert tls any any -> any any (ssl_version:sslv2,tls1.0,tls1.2,tls1.3; sid:14;)\n"
                  "alert tls any any -> any any (ssl_version:!tls1.2; tls_cert_valid; sid:15;)\n"
                  "alert tls any any -> any any (tls_cert_notafter:2012-10<>2012-11-30 23:59; "
                  "tls_cert_notbefore:>2012; sid:16;)\n"
                  "alert ssh any any -> any any (ssh.protoversion:2_compat; "
                  "ssh.softwareversion:x; sid:17;)\n");
    for (uint32_t i = 0; i < set->verdict_count; i++)
        assert_string_equal(set->verdicts[i].reason, "");
    assert_int_equal(set->rule_count, 17);
    check_round_trip(set);
    sig_ruleset_free(set);
}

/* A whole published set, where one is at hand: ABENG_TEST_RULES names the file. */
static void test_round_trip_published(void **state)
{
    (void)state;
    const char *path = getenv("ABENG_TEST_RULES");
    struct buf text;
    if (!path)
        skip();
    buf_init(&text, 256u << 20);
    assert_int_equal(file_read(path, &text), 0);
    struct sig_ruleset *set = read_text(buf_str(&text));
    assert_true(set->rule_count * 100ull >= set->verdict_count * 99ull);
    check_round_trip(set);
    sig_ruleset_free(set);
    buf_free(&text);
}

/* Lists become sorted tables; a rule that names none is refused, and so is a list with a bad line. */
/* What is for the profile abeng alone: sid by sid. */
static void test_beyond(void **state)
{
    (void)state;
    static const char text[] =
        TCP "flow.bytes_toclient:>1; sid:1;)\n" TCP "flow.pkts_toserver:>1; sid:2;)\n"
            "alert ftp any any -> any any (msg:\"x\"; ftp.command; content:\"USER\"; sid:3;)\n"
            "alert smtp any any -> any any (msg:\"x\"; smtp.rcpt_to; content:\"a\"; sid:4;)\n"
            "alert tcp any [80 ,90] -> any any (msg:\"x\"; sid:5;)\n";
    for (unsigned beyond = 0; beyond < 2; beyond++) {
        struct sig_parser *p = sig_parser_create();
        if (beyond)
            sig_parser_go_beyond(p);
        sig_parser_read_rules(p, text, sizeof(text) - 1, "t");
        struct sig_ruleset *set = sig_parser_finish(p);
        sig_parser_free(p);
        assert_int_equal(set->verdict_count, 5);
        assert_int_equal(set->rule_count, beyond ? 5 : 0);
        sig_ruleset_free(set);
    }
}

static void name_count(void *arg, struct text name)
{
    static const char *const names[] = { "a.lst", "b.rep", "c.md5", "d.sha1", "e.sha256" };
    unsigned *seen = arg;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        *seen += text_is(name, names[i]) ? 1u << 4 * i : 0;
}

/* Files that rules name, and nothing that only looks so. */
static void test_named_lists(void **state)
{
    (void)state;
    static const char text[] =
        "msg:\"a Payload a.lst\"; dataset:isset,x,type md5,load a.lst; datarep:x,>,1, load "
        "b.rep,type md5;"
        "filemd5:!c.md5; filesha1:\"x/d.sha1\"; filesha256:/y/e.sha256;)\nfilemd5:";
    unsigned seen = 0;
    lists_named((struct text){ text, sizeof(text) - 1 }, name_count, &seen);
    assert_int_equal(seen, 0x11111);
}

/* Scores of addresses, of networks around them, and of nobody. */
static void test_reputation(void **state)
{
    (void)state;
    static const char categories[] = "# one\n1,bad,x\n59,worse\n60,none,x\n0,none,x\nx\n";
    static const char list[] =
        "192.0.2.1,1,7\n192.0.2.0/24,1,5\n192.0.2.0/25,1,6\n2001:db8::/32,1,9\n"
        "192.0.2.1,1,8\n192.0.2.2,59,3\n192.0.2.3,1,128\n192.0.2.3,60,1\nx,1,1\n";
    static const struct {
        const char *address;
        int score;
    } cases[] = { { "192.0.2.1", 8 },   { "192.0.2.2", 0 },  { "192.0.2.3", 6 },
                  { "192.0.2.200", 5 }, { "192.0.3.1", -1 }, { "2001:db8:1::1", 9 },
                  { "2001:db9::1", -1 } };
    struct sig_parser *p = sig_parser_create();
    assert_int_equal(sig_parser_read_categories(p, categories, sizeof(categories) - 1), 3);
    assert_int_equal(sig_parser_read_reputation(p, list, sizeof(list) - 1), 3);
    static const char rule[] = "alert ip any any -> any any (msg:\"x\"; iprep:src,bad,>,5; sid:1;)";
    sig_parser_read_rules(p, rule, sizeof(rule) - 1, "t");
    struct sig_ruleset *set = sig_parser_finish(p);
    sig_parser_free(p);
    assert_int_equal(set->rule_count, 1);
    assert_int_equal(set->rules[0].kind, SIG_KIND_IP_ONLY);
    const struct sig_op *op = &set->ops[set->rules[0].packet_first];
    const uint8_t *table = set->blob + op->u.rep.table.at;
    assert_true(reputation_ok(table, op->u.rep.table.len));
    assert_false(reputation_ok(table, op->u.rep.table.len - 1));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct addr a;
        assert_int_equal(addr_parse(cases[i].address, &a), 0);
        assert_int_equal(reputation_score(table, &a), cases[i].score);
    }
    sig_ruleset_free(set);
}

/* A channel's datasets are its own, also under the name of another's. */
static void test_dataset_owners(void **state)
{
    (void)state;
    static const char text[] = HTTP "http.uri; dataset:set,a,type string,state a.lst;" END;
    static const char *const want[] = { "a", "one:a", "two:a" }, *const files[] = { "a.lst",
                                                                                    "one-a.lst",
                                                                                    "two-a.lst" };
    struct sig_parser *p = sig_parser_create();
    sig_parser_read_rules(p, text, sizeof(text) - 1, "t");
    sig_parser_begin_source(p, "one");
    sig_parser_read_rules(p, text, sizeof(text) - 1, "t");
    sig_parser_begin_source(p, "two");
    sig_parser_read_rules(p, text, sizeof(text) - 1, "t");
    struct sig_ruleset *set = sig_parser_finish(p);
    sig_parser_free(p);
    assert_int_equal(set->dataset_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_string_equal(set->datasets[i].name, want[i]);
        assert_string_equal(set->datasets[i].save, files[i]);
        assert_true(set->datasets[i].changes && set->datasets[i].has_state);
    }
    sig_ruleset_free(set);
}

static void test_datasets(void **state)
{
    (void)state;
    static const struct {
        const char *keyword, *list, *reason;
        uint32_t len;
    } cases[] = {
        { "dataset:isset,a,type string,load l.lst", "YmI=\nYQ==\n# x\n\n", NULL, 24 },
        { "dataset:isnotset,a,type md5,load x/l.lst", "d41d8cd98f00b204e9800998ecf8427e\n", NULL,
          20 },
        { "dataset:isset,a,type ipv4,load l.lst,memcap 10mb", "192.0.2.1\r\n", NULL, 8 },
        { "dataset:isset,a,type ip,load l.lst", "2001:db8::1\n192.0.2.1", NULL, 40 },
        { "datarep:a,>=,7,load l.lst,type string", "YQ==,7\nYg==, 65535\n", NULL, 24 },
        { "dataset:isset,a,type md5,load l.lst", "d41d8cd98f00b204e9800998ecf842\n", "line 1", 0 },
        { "dataset:isset,a,type ipv4,load l.lst", "192.0.2.1\n2001:db8::1\n", "line 2", 0 },
        { "datarep:a,>,7,load l.lst,type string", "YQ==\n", "line 1", 0 },
        { "datarep:a,~,7,load l.lst,type string", "", "operator", 0 },
        { "dataset:isset,a,type md5,load other.lst", "", "no list other.lst", 0 },
        { "dataset:isset,a,type md6,load l.lst", "", "type string", 0 },
        { "filemd5:l.lst", "d41d8cd98f00b204e9800998ecf8427e  a.exe\n# x\nnone\n", NULL, 20 },
        { "filesha1:!x/l.lst", "da39a3ee5e6b4b0d3255bfef95601890afd80709\n", NULL, 24 },
        { "filesha256:l.lst", "d41d8cd98f00b204e9800998ecf8427e\n", "no digest of this kind", 0 },
        { "filemd5:other.lst", "", "no list other.lst", 0 },
        { "dataset:isset,a,type md5", "", NULL, 0 },
        { "dataset:set,a,type ip,load l.lst,hashsize 1024", "192.0.2.1\n", NULL, 20 },
        { "dataset:unset,a,type ipv6", "", NULL, 0 },
        { "dataset:isset,a,type md5,state l.lst,memcap 10mb", "", NULL, 0 },
        { "dataset:isset,a", "", "type is needed", 0 },
        { "dataset:isset,a,type md5,state l.lst,load l.lst", "", "state is load and save", 0 },
        { "dataset:isset,a,type md5,memcap ten", "", "not understood", 0 },
        { "dataset:isset,a,type md5; dataset:set,a,type sha256", "", "another type", 0 },
        { "dataset:isset,a,type md5,save x; dataset:set,a,save y", "", "other files", 0 },
        { "dataset:isset,a,type md5,save x; dataset:set,a,type md5", "", NULL, 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char rule[300];
        struct sig_parser *p = sig_parser_create();
        snprintf(rule, sizeof(rule), HTTP "%s%s;" END,
                 cases[i].keyword[0] == 'd' ? "http.uri; " : "", cases[i].keyword);
        sig_parser_add_list(p, "lists/l.lst", cases[i].list, strlen(cases[i].list));
        sig_parser_read_rules(p, rule, strlen(rule), "t");
        struct sig_ruleset *set = sig_parser_finish(p);
        sig_parser_free(p);
        if ((cases[i].reason == NULL) != (set->rule_count == 1) ||
            (cases[i].reason && !strstr(set->verdicts[0].reason, cases[i].reason)))
            fail_msg("%s: %s", cases[i].keyword, set->verdicts[0].reason);
        if (set->rule_count)
            assert_int_equal(op_at(set, 0, 0)->u.set.table.len, cases[i].len);
        sig_ruleset_free(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_buffers),
        cmocka_unit_test(test_beyond),
        cmocka_unit_test(test_named_lists),
        cmocka_unit_test(test_reputation),
        cmocka_unit_test(test_dataset_owners),
        cmocka_unit_test(test_datasets),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_round_trip_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
