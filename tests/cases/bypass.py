#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bypass.py CAPTURE: conversations of six turns, of which some say `-by` in the third."""
import sys

from capture import Capture, Session


def main():
    capture = Capture(sys.argv[1])
    for n, port in enumerate((80, 80, 7000)):
        session = Session(capture, "192.0.2.20", 41000 + n, "198.51.100.80", port)
        for turn in range(6):
            session.send(0, b"GET /%d%s HTTP/1.1\r\nHost: a\r\n\r\n" % (turn, b"-by" if turn == 2 and n != 1 else b""))
            session.send(1, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nokok")
        session.close()
    for turn in range(6):
        capture.udp("192.0.2.20", 5555, "192.0.2.53", 5556, b"data %d%s" % (turn, b"-by" if turn == 2 else b""))
        capture.udp("192.0.2.53", 5556, "192.0.2.20", 5555, b"answer %d" % turn)
    capture.close()


main()
