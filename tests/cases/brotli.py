#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""brotli.py CAPTURE: packed bodies over HTTP/1 and HTTP/2, most in brotli (RFC 7932), one session each; the client's port
tells which.

PAGE is a page of 3,802 bytes that begins with "<html><script>var a='brotli-needle'" and ends with "final-needle";
LONG is "early-needle", then twelve million letters, in one window of 16 MiB, ending with "late".
"""
import base64
import gzip
import struct
import sys
import zlib

from capture import Capture, Session

PAGE = base64.b64decode(
    "G9kOMIzTHTXxEXRmF+tKddvhteB8S4CzR8GOh28nAD7rm9cV1HlegOFsNqARD3SQi6ORpeNuQPkHnFSfNC3g59kdZpr5/fI87kaOfVw109Sc"
    "cV3dCUDz3N6KylDX+vKFBvMBxs/j7P+D5WVTYsyEKTPmLFiyeo9Qjhw7cerMuQuXrOIYHTl24tSZcxcuWcUJOnLsxKkz5y5csopTdOTYiVNn"
    "zl24ZBVn6MixE6fOnLtwySqt4y20x+x5mbcN8o3VR7fKY8JtDw==")
LONG = base64.b64decode("nw8btwAEanJILxDhb539gpZUohwYyHMlbvHmNdChxAc=")


def plain_brotli(text):
    """`text` in one uncompressed meta-block (RFC 7932 9.2), window 16 bits."""
    size = len(text) - 1
    bits = 0 | 0 << 1 | 0 << 2 | size << 4 | 1 << 20  # WBITS 16, not last, four nibbles, MLEN - 1, uncompressed
    return struct.pack("<I", bits)[:3] + text + b"\x03"


def http1(capture, port, coding, body, step=1460):
    s = Session(capture, "192.0.2.30", port, "198.51.100.80", 80, step)
    s.send(0, b"GET /index.html HTTP/1.1\r\nHost: a.example\r\n\r\n")
    s.send(1, b"HTTP/1.1 200 OK\r\nContent-Encoding: " + coding + b"\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
           % len(body) + body)
    s.close()


def frame(kind, flags, stream, data):
    return struct.pack(">I", len(data))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + data


def field(name, value):
    """A header field that enters no table (RFC 7541 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def http2(capture, port, coding, body, step=1460, rest=b""):
    """`rest`: a second DATA frame."""
    s = Session(capture, "192.0.2.30", port, "198.51.100.80", 80, step)
    request = b"".join(field(n, v) for n, v in ((b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"),
                                                (b":authority", b"a.example")))
    s.send(0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + frame(1, 5, 1, request))
    answer = b"".join(field(n, v) for n, v in ((b":status", b"200"), (b"content-encoding", coding)))
    s.send(1, frame(4, 0, 0, b"") + frame(1, 4, 1, answer) + frame(0, 0, 1, body) + frame(0, 1, 1, rest))
    s.close()


def main():
    capture = Capture(sys.argv[1])
    for at, http in ((0, http1), (100, http2)):
        http(capture, 42001 + at, b"br", PAGE)
        http(capture, 42002 + at, b"br", PAGE, 7)
        http(capture, 42003 + at, b"br", LONG)
        http(capture, 42004 + at, b"br", plain_brotli(b"stored brotli-needle, and the final-needle"))
        http(capture, 42005 + at, b"br", b"no brotli at all: brotli-needle")
        http(capture, 42006 + at, b"br", PAGE[:90])
        http(capture, 42007 + at, b"identity", b"as it is: brotli-needle and final-needle")
        http(capture, 42008 + at, b"br, gzip", gzip.compress(PAGE))
        http(capture, 42009 + at, b"BR", PAGE)
        http(capture, 42010 + at, b"gzip", gzip.compress(b"zipped brotli-needle"))
    text = b"zipped brotli-needle and, at its end, the final-needle"
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    http2(capture, 42111, b"deflate", zlib.compress(text), rest=b"as it is: final-needle")
    http2(capture, 42112, b"deflate", raw.compress(text) + raw.flush())
    http2(capture, 42113, b"gzip", b"no gzip at all: brotli-needle", rest=b"as it is: final-needle")
    http2(capture, 42114, b"gzip", gzip.compress(text)[:40], rest=gzip.compress(text)[40:])
    http2(capture, 42115, b"x-gzip", gzip.compress(text))
    http2(capture, 42116, b"br", PAGE[:90] + b"\xff" * 40, rest=b"as it is: final-needle")
    http2(capture, 42117, b"gzip, br", gzip.compress(text))
    capture.close()


main()
