#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sessions made from rules: one that must match, and one that just misses.

    generate.py --sensor PATH [--profile NAME] [--cut N] [--swapped] [--show N] [--keep DIR] [--least N] RULES…

Each rule that can be expressed gets two sessions between addresses of its own: one whose buffers fulfil all its tests,
and one in which one letter of its longest content is another. The sensor must alert on the first and be silent on the
second. Says how many rules there are, how many were expressed and why others were not, how many fired, how many near
misses stayed silent. Exit status 1 when one did not, or when fewer than `--least` were expressed.

`--cut` gives the size of TCP segments, `--swapped` sends each second one before the one it follows. Neither may change
a verdict but of rules that are about packets: those of `tcp-pkt`, and those whose contents in TCP's bytes count from a
packet's or a window's beginning or end, or must not stand in it. They are left out then, and counted.
"""
import argparse
import collections
import copy
import ipaddress
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from capture import Capture, Session
from rule import Rule, Unexpressed, make, matches, spoil

REQUEST = {"http.method", "http.uri", "http.host", "http.user_agent", "http.referer", "http.cookie", "http.header",
           "http.content_type", "http.accept", "http.accept_lang", "http.accept_enc", "http.connection",
           "http.request_body", "http.header_names", "http.uri.raw", "http.host.raw", "http.protocol"}
RESPONSE = {"http.stat_code", "http.stat_msg", "http.header", "http.server", "http.location", "http.content_type",
            "http.cookie", "http.response_body", "file.data", "http.header_names"}
FIELDS = {"http.host": "Host", "http.user_agent": "User-Agent", "http.referer": "Referer", "http.cookie": "Cookie",
          "http.content_type": "Content-Type", "http.accept": "Accept", "http.accept_lang": "Accept-Language",
          "http.accept_enc": "Accept-Encoding", "http.connection": "Connection", "http.server": "Server",
          "http.location": "Location"}
# Variables as Suricata sets them by default.
VARIABLES = {"$HTTP_PORTS": 80, "$ORACLE_PORTS": 1521, "$SSH_PORTS": 22, "$FTP_PORTS": 21, "$FILE_DATA_PORTS": 80}
PORTS = {"http": 80, "dns": 53, "tls": 443, "smtp": 25, "ftp": 21, "ssh": 22, "smb": 445}


# ---- buffers of a session ---------------------------------------------------------------------------------------------


def made(rule, allowed):
    """The wanted bytes of each buffer that has positive tests."""
    out = {}
    for name in rule.buffers():
        if name not in allowed:
            raise Unexpressed(name)
        tests = rule.lists[name]
        if any(not t.negated for t in tests):
            out[name] = make(tests)
    return out


def header_lines(text):
    """Lines for http.header out of bytes that it must hold."""
    lines = [line for line in text.split(b"\r\n") if line]
    if any(c in text.replace(b"\r\n", b"") for c in b"\r\n\0"):
        raise Unexpressed("header bytes")
    return [line if re.match(rb"[A-Za-z0-9_-]+: ", line) else b"X-Made: " + line for line in lines]


def http_head(want, first, fields, response):
    """A message's head and what the sensor's buffers of it are."""
    lines, names = header_lines(want.get("http.header", b"")), want.get("http.header_names", b"")
    have = {line.partition(b":")[0].lower() for line in lines}
    for name, label in FIELDS.items():
        value = want.get(name, fields.get(name))
        if name == "http.cookie" and response:
            label = "Set-Cookie"
        if value is None or label.lower().encode() in have:
            continue
        if value != value.strip() or any(c in value for c in b"\r\n\0") or not value:
            raise Unexpressed("field bytes")
        lines.append(label.encode() + b": " + value)
        have.add(label.lower().encode())
    for name in names.split(b"\r\n"):
        if name and name.lower() not in have:
            if not re.fullmatch(rb"[A-Za-z0-9_-]+", name):
                raise Unexpressed("header names")
            lines.append(name + b": x")
            have.add(name.lower())
    return first, lines


def head_buffers(lines, response):
    shown = [line for line in lines if not line.lower().startswith((b"cookie:", b"set-cookie:"))]
    out = {"http.header": b"".join(line + b"\r\n" for line in shown),
           "http.header_names": b"\r\n" + b"".join(line.partition(b":")[0] + b"\r\n" for line in lines) + b"\r\n"}
    for line in lines:
        name, _, value = line.partition(b": ")
        for buffer, label in FIELDS.items():
            if name.lower() == label.lower().encode() or buffer == "http.cookie" and name.lower() == b"set-cookie":
                out.setdefault(buffer, value.strip())
    if "http.host" in out:
        out["http.host.raw"] = out["http.host"]
        out["http.host"] = out["http.host"].lower().partition(b":")[0]
    return out


def request(want):
    method = want.get("http.method", b"POST" if "http.request_body" in want else b"GET")
    uri = want.get("http.uri", want.get("http.uri.raw", b"/"))
    if not uri.startswith(b"/"):
        uri = b"/" + uri
    if re.search(rb"[^\x21-\x7e]|%|//|\\|/\.|\.\./", uri) or not re.fullmatch(rb"[A-Z]+", method):
        raise Unexpressed("request line bytes")
    first, lines = http_head(want, method + b" " + uri + b" HTTP/1.1", {"http.host": b"host.example"}, False)
    body = want.get("http.request_body", b"")
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    buffers = head_buffers(lines, False)
    buffers.update({"http.method": method, "http.uri": uri, "http.uri.raw": uri, "http.request_body": body,
                    "http.protocol": b"HTTP/1.1"})
    return first + b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + body, buffers


def response(want):
    code, text = want.get("http.stat_code", b"200"), want.get("http.stat_msg", b"OK")
    body = want.get("file.data", want.get("http.response_body", b"x"))
    if not re.fullmatch(rb"\d{3}", code) or re.search(rb"[\r\n\0]", text) or code in (b"204", b"304") or code[0] == 49:
        raise Unexpressed("response line bytes")
    first, lines = http_head(want, b"HTTP/1.1 " + code + b" " + text, {}, True)
    lines.append(b"Content-Length: %d" % len(body))
    buffers = head_buffers(lines, True)
    buffers.update({"http.stat_code": code, "http.stat_msg": text, "http.response_body": body, "file.data": body})
    return first + b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + body, buffers


def name_of(want, rule, buffer):
    """A host name for dns.query or tls.sni, and the buffer that rules see of it."""
    text = want.get(buffer, b".made.example" if buffer in rule.dotprefix else b"made.example")
    name = text[1:] if buffer in rule.dotprefix and text.startswith(b".") else text
    name = name.replace(b"..", b".x.")
    if name.startswith(b"."):
        name = b"x" + name
    if not name or any(not 0 < len(label) < 64 for label in name.split(b".")) or re.search(rb"[^\x21-\x7e]", name):
        raise Unexpressed("name bytes")
    return name, {buffer: b"." + name if buffer in rule.dotprefix else name}


def dns_query(name):
    labels = b"".join(bytes([len(part)]) + part for part in name.split(b"."))
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


def client_hello(name):
    sni = struct.pack(">HBH", len(name) + 3, 0, len(name)) + name
    extensions = struct.pack(">HH", 0, len(sni)) + sni
    body = b"\3\3" + b"R" * 32 + b"\0" + struct.pack(">HHH", 4, 0xC02F, 0x009C) + b"\1\0" + \
        struct.pack(">H", len(extensions)) + extensions
    shake = b"\1" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\3\1" + struct.pack(">H", len(shake)) + shake


# ---- one rule ---------------------------------------------------------------------------------------------------------


def is_anchored(test):
    """Whether it counts from an end of what it is given, or asks that something is not there."""
    if test.negated or test.kind not in ("content", "pcre"):
        return True
    if test.kind == "pcre":
        return re.search(rb"(?<!\\)[$^]|\\[AZz]", test.regex.pattern) is not None
    return test.offset is not None or test.depth is not None or test.starts or test.ends


class Plan:
    """What is sent for a rule: sides and bytes, and the buffers that come of it."""

    def __init__(self, rule):
        self.rule, names = rule, set(rule.buffers())
        to_client = re.search(r"to_client|from_server", rule.flow) is not None
        self.udp = rule.proto in ("udp", "dns")
        if rule.noalert or rule.action not in ("alert", "drop", "reject") or re.search("not_established|frag", rule.flow):
            raise Unexpressed("no alert by itself")
        if not names:
            raise Unexpressed("no contents")
        if names == {"payload"} and rule.proto in ("tcp", "udp", "tcp-pkt", "tcp-stream", "ip"):
            data = made(rule, {"payload"})["payload"]
            self.parts, self.buffers = [(1 if to_client else 0, data)], {"payload": data}
        elif rule.proto in ("http", "http1") or any(n.startswith("http.") or n == "file.data" for n in names):
            self.http(rule, to_client)
        elif names == {"dns.query"}:
            name, self.buffers = name_of(made(rule, names), rule, "dns.query")
            self.parts, self.udp = [(0, dns_query(name))], True
        elif names == {"tls.sni"}:
            name, self.buffers = name_of(made(rule, names), rule, "tls.sni")
            self.parts = [(0, client_hello(name))]
        else:
            raise Unexpressed(rule.proto + ":" + ",".join(sorted(names)))

    def http(self, rule, to_client):
        want = made(rule, (RESPONSE if to_client else REQUEST))
        if to_client:
            data, self.buffers = response(want)
            self.parts = [(0, request({})[0]), (1, data)]
        else:
            data, self.buffers = request(want)
            self.parts = [(0, data), (1, response({})[0])]

    def holds(self, rule):
        return all(name in self.buffers and matches(rule.lists[name], self.buffers[name]) for name in rule.buffers())

    def is_of_packets(self):
        """Whether the bytes' way through packets is part of the rule."""
        tests = self.rule.lists.get("payload", [])
        return not self.udp and (self.rule.proto == "tcp-pkt" or any(is_anchored(t) for t in tests))

    def write(self, out, addresses, ports, **how):
        if self.udp:
            out.udp(addresses[0], ports[0], addresses[1], ports[1], b"\1" * 4 if self.parts[0][0] else self.parts[0][1])
            out.udp(addresses[1], ports[1], addresses[0], ports[0], self.parts[0][1] if self.parts[0][0] else b"\1" * 4)
            if not self.parts[0][0]:
                out.udp(addresses[0], ports[0], addresses[1], ports[1], self.parts[0][1])
            return
        s = Session(out, addresses[0], ports[0], addresses[1], ports[1], **how)
        for side, data in self.parts:
            s.send(side, data)
        s.close()


def near_miss(line):
    """The rule's plan with one letter of its longest content changed, still sound and no match."""
    rule = Rule(line)
    contents = [(name, t) for name, tests in rule.lists.items() for t in tests if t.kind == "content" and not t.negated]
    for name, test in sorted(contents, key=lambda c: -len(c[1].value)):
        other = copy.deepcopy(rule)
        other.lists[name][rule.lists[name].index(test)].value = spoil(test)
        for tests in other.lists.values():
            for t in tests:
                if t.kind == "pcre" and not t.negated:
                    raise Unexpressed("near miss of a regex")
        plan = Plan(other)
        if not plan.holds(rule):
            return plan
    raise Unexpressed("no near miss")


def pick_port(text, default):
    if text.strip("[]").split(",")[0].strip() in VARIABLES:
        return VARIABLES[text.strip("[]").split(",")[0].strip()]
    if text == "any" or text.startswith(("$", "!", "[!")):
        return default
    found = re.search(r"\d+", text)
    return int(found[0])


def pick_address(text, default):
    if text == "any" or "$" in text or text.startswith(("!", "[!")):
        return default
    found = re.search(r"\d+\.\d+\.\d+\.\d+(/\d+)?", text)
    if not found:
        raise Unexpressed("address")
    return str(ipaddress.ip_network(found[0], strict=False)[0])


def ends(rule, number, to_client):
    """Client and server addresses and ports: rule's source is the server when it speaks to the client."""
    one, two = ipaddress.ip_address("10.0.0.0") + number, ipaddress.ip_address("172.16.0.0") + number
    default = PORTS.get(rule.proto, 4444)
    sides = [(pick_address(rule.src, None), pick_port(rule.sport, None)),
             (pick_address(rule.dst, None), pick_port(rule.dport, None))]
    if to_client:
        sides.reverse()
    (caddr, cport), (saddr, sport) = sides
    return (caddr or str(one), saddr or str(two)), (cport or 30000 + number % 30000, sport or default)


def prepare(paths, limit):
    """(rule, plan, near) of all rules that can be expressed, and why the others can't."""
    plans, why, total = [], collections.Counter(), 0
    for path in paths:
        for line in open(path, encoding="latin-1"):
            if not re.match(r"(alert|drop|reject) ", line):
                continue
            total += 1
            try:
                rule = Rule(line.strip())
                plan = Plan(rule)
                if not plan.holds(rule):
                    raise Unexpressed("buffers in each other's way")
            except Unexpressed as reason:
                why[str(reason)] += 1
                continue
            except (ValueError, IndexError, TypeError, KeyError) as reason:
                why["not read: " + type(reason).__name__] += 1
                continue
            try:
                near = near_miss(line.strip())
            except Unexpressed:
                near = None
            plans.append((rule, plan, near))
            if limit and len(plans) == limit:
                return plans, why, total
    return plans, why, total


def write_all(plans, path, **how):
    """Every plan into one capture. Which addresses and ports stand for which sid, fulfilled or missed."""
    out, where = Capture(path), {}
    for number, (rule, plan, near) in enumerate(plans):
        to_client = re.search(r"to_client|from_server", rule.flow) is not None
        for miss, one in enumerate((plan, near)):
            if not one:
                continue
            try:
                addresses, ports = ends(rule, 2 * number + miss + 1, to_client)
            except Unexpressed:
                continue
            where[(frozenset(zip(addresses, ports)), rule.sid)] = bool(miss)
            one.write(out, addresses, ports, **how)
    out.close()
    return where


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--sensor", required=True)
    parse.add_argument("--show", type=int, default=0, help="name the first N that did otherwise")
    parse.add_argument("--keep", help="leave capture and alerts in this folder")
    parse.add_argument("--least", type=int, default=1)
    parse.add_argument("--limit", type=int, default=0)
    parse.add_argument("--profile", default="suricata7")
    parse.add_argument("--cut", type=int, default=0)
    parse.add_argument("--swapped", action="store_true")
    parse.add_argument("rules", nargs="+")
    args = parse.parse_args()
    folder = args.keep or tempfile.mkdtemp(prefix="abeng-generate.")
    os.makedirs(folder, exist_ok=True)
    plans, why, total = prepare(args.rules, args.limit)
    expressed = len(plans)
    plans = [p for p in plans if not args.cut or not p[1].is_of_packets()]
    where = write_all(plans, os.path.join(folder, "made.pcap"), mss=args.cut or 1460, swapped=args.swapped)
    command = [args.sensor, "-r", os.path.join(folder, "made.pcap"), "-k", "none", "-l", folder, "--profile", args.profile]
    for path in args.rules:
        command += ["-S", path]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("generate.py: the sensor ended with %d: %s" % (done.returncode, done.stderr[-300:]))
    seen = set()
    for line in open(os.path.join(folder, "eve.json"), errors="replace"):
        event = json.loads(line)
        if event.get("event_type") == "alert":
            pair = frozenset([(event["src_ip"], event.get("src_port")), (event["dest_ip"], event.get("dest_port"))])
            seen.add((pair, event["alert"]["signature_id"]))
    fired = sum(1 for key, miss in where.items() if not miss and key in seen)
    hits = sum(1 for miss in where.values() if not miss)
    misses = sum(1 for miss in where.values() if miss)
    loud = [key[1] for key, miss in where.items() if miss and key in seen]
    silent = [key[1] for key, miss in where.items() if not miss and key not in seen]
    print("%d rules, %d expressed; %d of %d fire; %d of %d near misses stay silent" %
          (total, len(plans), fired, hits, misses - len(loud), misses) +
          (", %d about packets left out" % (expressed - len(plans)) if args.cut else ""))
    if args.show:
        print("not expressed:", ", ".join("%s %d" % c for c in why.most_common(25)))
        print("did not fire:", silent[:args.show])
        print("near miss fired:", loud[:args.show])
    if not args.keep:
        shutil.rmtree(folder)
    return 1 if silent or loud or len(plans) < args.least else 0


if __name__ == "__main__":
    sys.exit(main())
