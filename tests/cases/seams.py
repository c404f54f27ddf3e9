#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""seams.py OUT: one capture of streams in which a text stands at every place around where chunks end, one flow each.

The client's port is 10000 plus the text's offset. The other half of them (from port 30000) come in the same way with
two texts, the second some bytes behind the first. The last flow (port 9999) has the text cut by a gap.
"""
import random
import sys

from capture import Capture, Session

NEEDLE, SECOND = b"needle-in-the-seam", b"thread"


def stream(size, at, parts):
    """`size` harmless bytes with `parts` from offset `at` on, 40 bytes between them."""
    data = bytearray(random.choice(b"abcdfghjkmpqvwxyz \r\n") for _ in range(size))
    for part in parts:
        data[at:at + len(part)] = part
        at += len(part) + 40
    return bytes(data)


def main():
    random.seed(7)
    out = Capture(sys.argv[1])
    for at in range(1200, 6200, 19):
        for base, parts in ((10000, [NEEDLE]), (30000, [NEEDLE, SECOND])):
            s = Session(out, "192.0.2.10", base + at, "198.51.100.20", 7000, mss=700)
            s.send(0, stream(9000, at, parts))
            s.close()
    s = Session(out, "192.0.2.10", 9999, "198.51.100.20", 7000)
    s.send(0, stream(2600, 0, []) + NEEDLE[:9])
    s.next[0] += 100
    s.send(0, NEEDLE[9:] + stream(3000, 0, []))
    s.close()
    out.close()


main()
