#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""datasets.py CAPTURE: HTTP requests and DNS queries whose values come once, again, and once more from others."""
import struct
import sys

from capture import Capture, Session


def http(capture, port, client, uri, agent):
    session = Session(capture, client, port, "198.51.100.80", 80)
    session.send(0, b"GET %s HTTP/1.1\r\nHost: one.example\r\nUser-Agent: %s\r\n\r\n" % (uri, agent))
    session.send(1, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    session.close()


def dns(capture, port, name):
    labels = b"".join(struct.pack("B", len(part)) + part for part in name.split(b".")) + b"\0"
    query = struct.pack(">HHHHHH", port, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">HH", 1, 1)
    capture.udp("192.0.2.20", port, "192.0.2.53", 53, query)
    capture.udp("192.0.2.53", 53, "192.0.2.20", port, query[:2] + b"\x81\x83" + query[4:])


def main():
    capture = Capture(sys.argv[1])
    uris = [b"/a", b"/b", b"/a", b"/c", b"/b", b"/a", b"/drop/a", b"/a", b"/d"]
    for n, uri in enumerate(uris):
        http(capture, 40001 + n, "192.0.2.%d" % (20 + n % 3), uri, b"agent %d" % (n % 4))
    for n, name in enumerate([b"one.example", b"two.example", b"one.example", b"three.example", b"listed.example"]):
        dns(capture, 50001 + n, name)
    capture.close()


main()
