#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overlaps.py CAPTURE RULES HOSTS: what comes twice, for hosts of every system.

To each system's networks go TCP segments and UDP fragments of which the second of two overlaps the first: it begins
before, with or behind it and ends before, with or behind it. RULES has one rule for each text that can come of that, its
sid says which way it is: 1 the first word counts, 2 the last; tens: the way they overlap; 1000: fragments. HOSTS has a line
for each system: its name in `host-os-policy` and its network.
"""
import socket
import struct
import sys

from capture import ACK, PSH, Capture, Session

SYSTEMS = ("bsd", "bsd-right", "old-linux", "linux", "old-solaris", "solaris", "hpux10", "hpux11", "irix", "macos", "windows",
           "vista", "windows2k3")
OLD = (10, 20)
WAYS = [(start, end) for start in (5, 10, 12) for end in (15, 20, 25)]
END = 30


def texts(way, unit, number):
    """The bytes when the first word counts where both speak, and when the last does."""
    start, end = way
    both = []
    for first in (True, False):
        text = bytearray(b"x" * END)
        for at in range(END):
            in_old, in_new = OLD[0] <= at < OLD[1], start <= at < end
            if in_old and (first or not in_new):
                text[at] = ord("A")
            elif in_new:
                text[at] = ord("B")
        mark = b"%c" % (ord("a") + number)
        both.append(bytes(mark + b"".join(bytes([c]) * unit for c in text)[1:]))
    return both


def parts(way, text, unit):
    """The first word, the last, and what stands around them, each as (place, bytes)."""
    start, end = way
    around = (text[:min(start, OLD[0]) * unit], text[max(end, OLD[1]) * unit:])
    return [(OLD[0] * unit, b"A" * (OLD[1] - OLD[0]) * unit), (start * unit, b"B" * (end - start) * unit), (0, around[0]),
            (max(end, OLD[1]) * unit, around[1])]


def segments(capture, host, number, way):
    session = Session(capture, "192.0.2.1", 20000 + number, host, 80)
    base = session.next[0]
    for place, data in parts(way, texts(way, 1, number)[0], 1):
        session.next[0] = base + place
        session.segment(0, PSH | ACK, data)
    session.next[0] = base + END
    session.segment(1, ACK)
    session.close()


def fragments(capture, host, number, way):
    text = texts(way, 8, number)[0]
    head = struct.pack(">HHHH", 20000 + number, 53, 8 + len(text), 0)
    capture.id += 1
    for place, data in parts(way, text, 8):
        # The transport's header takes the place of the first unit.
        data, at = (head + data, 0) if place == 0 else (data, place // 8 + 1)
        more = 0 if place + len(data) >= END * 8 else 0x2000
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(data), capture.id & 0xFFFF, more | at, 64, 17, 0,
                         socket.inet_aton("192.0.2.1"), socket.inet_aton(host))
        capture.frame(b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0" + ip + data)


def main():
    capture = Capture(sys.argv[1])
    with open(sys.argv[3], "w") as hosts:
        for n, system in enumerate(SYSTEMS):
            print(system, f"10.7.{n}.0/24", file=hosts)
            for number, way in enumerate(WAYS):
                segments(capture, f"10.7.{n}.1", number, way)
                fragments(capture, f"10.7.{n}.2", number, way)
    with open(sys.argv[2], "w") as rules:
        for number, way in enumerate(WAYS):
            for kind, unit in (("tcp", 1), ("udp", 8)):
                for word, text in enumerate(texts(way, unit, number)):
                    sid = (1000 if kind == "udp" else 0) + 10 * (number + 1) + word + 1
                    print(f'alert {kind} any any -> any any (msg:"{way[0]}-{way[1]}"; content:"{text.decode()}"; sid:{sid};)',
                          file=rules)
    capture.close()


main()
