#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tags.py CAPTURE: sessions and hosts for rules with `tag`, a server's port for each; `two flows` of one host where said."""
import sys

from capture import Capture, Session


class Maker:
    def __init__(self, path):
        self.capture = Capture(path)

    def talk(self, host, port, first, n, gap_us=0, server=None):
        """`first`, then `n` messages in turn, `gap_us` between them."""
        s = Session(self.capture, f"192.0.2.{host}", port, f"198.51.100.{server or host}", port)
        s.send(0, first)
        for i in range(n):
            self.capture.time += gap_us
            s.send(i % 2, b"data %d " % i + b"x" * 50)
        s.close()

    def repeat(self, host, port, text, n, answer=b""):
        s = Session(self.capture, f"192.0.2.{host}", port, f"198.51.100.{host}", port)
        for i in range(n):
            s.send(0, text + b" %d" % i)
            s.send(1, answer)
        s.close()


def main():
    make = Maker(sys.argv[1])
    make.talk(1, 1001, b"tag-packets", 6)
    make.talk(2, 1002, b"tag-bytes", 6)
    make.talk(3, 1003, b"tag-seconds", 6, 1_000_000)
    make.talk(4, 1004, b"tag-host-src", 3)
    make.talk(4, 1014, b"another flow", 3, server=44)
    make.talk(5, 1005, b"tag-host-dst", 3)
    make.talk(55, 1015, b"another flow", 3, server=5)
    make.talk(6, 1006, b"tag-default", 150)
    make.talk(7, 1007, b"tag-host-seconds", 3, 1_000_000)
    make.talk(7, 1017, b"another flow", 3, 1_000_000)
    make.repeat(8, 1008, b"tag-again", 25)
    make.repeat(9, 1009, b"tag-threshold", 8, b"answer")
    make.repeat(10, 1010, b"tag-limit", 8, b"answer")
    for i in range(6):
        make.capture.udp("192.0.2.11", 1011, "198.51.100.11", 1011, b"tag-udp" if i == 1 else b"other")
        make.capture.udp("198.51.100.11", 1011, "192.0.2.11", 1011, b"answer")
    for text in (b"tag-icmp", b"else", b"else", b"else"):
        make.capture.icmp("192.0.2.12", "198.51.100.12", 8, 0, b"\0\1\0\1", text)
    make.repeat(13, 1013, b"tag-noalert", 6, b"more")
    make.capture.close()


main()
