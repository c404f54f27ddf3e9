#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rates.py CAPTURE: for thirty seconds a datagram a second to each of the ports 1001 to 1009; a second source sends to
1001 and 1003 each third second."""
import sys

from capture import Capture


def main():
    capture = Capture(sys.argv[1])
    for i in range(30):
        capture.time += 1_000_000
        for port in range(1001, 1010):
            capture.udp("192.0.2.1", 5000 + port, "198.51.100.1", port, b"hit %d" % i)
        if i % 3 == 0:
            for port in (1001, 1003):
                capture.udp("192.0.2.2", 5000, "198.51.100.1", port, b"hit other")
    capture.close()


main()
