#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""events.py CAPTURE: sessions of HTTP, SMTP and TLS that raise events, one each; prints the client's port and a name of each.
"""
import sys

from capture import Capture, Session

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET /x.bin HTTP/1.1\r\nHost: a.example\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc"


class Maker:
    def __init__(self, path):
        self.capture = Capture(path)
        self.port = 10000

    def session(self, name, port, steps):
        """`steps`: side (0: the client) and bytes, in turn."""
        self.port += 1
        print(self.port, name)
        s = Session(self.capture, "192.0.2.9", self.port, "198.51.100.9", port)
        for side, data in steps:
            s.send(side, data)
        s.close()

    def http(self, name, request, response=OK):
        self.session("http-" + name, 80, [(0, request), (1, response)])

    def smtp(self, name, *steps):
        ehlo = [(1, b"220 mail\r\n"), (0, b"EHLO a\r\n")]
        self.session("smtp-" + name, 25, ehlo + ([] if steps[0][0] else [(1, b"250 ok\r\n")]) + list(steps))

    def tls(self, name, *steps):
        self.session("tls-" + name, 443, steps)


def ranges(make):
    for name, value in (("sound", b"bytes 0-3/8"), ("backwards", b"bytes 9-3/8"), ("too-long", b"bytes 0-9/8"),
                        ("words", b"nonsense"), ("unsatisfied", b"bytes */8"), ("size-unknown", b"bytes 0-3/*"),
                        ("last", b"bytes 2-3/4"), ("equals", b"bytes=0-3/8"), ("huge", b"bytes 0-3/99999999999999999999")):
        make.http("range-" + name, GET, b"HTTP/1.1 206 Partial\r\nContent-Range: " + value +
                  b"\r\nContent-Length: 4\r\n\r\nabcd")
    make.http("range-of-request", POST.replace(b"Host", b"Content-Range: nonsense\r\nHost"))
    make.http("range-without-body", GET, b"HTTP/1.1 200 OK\r\nContent-Range: nonsense\r\nContent-Length: 0\r\n\r\n")


def tails(make):
    make.http("tail-line", POST + b"EXTRA data\r\n")
    make.http("tail-blank", POST + b"\r\n")
    make.http("tail-request", POST + GET, OK + OK)
    make.http("tail-line-request", POST + b"EXTRA data\r\n" + GET, OK + OK)
    make.http("tail-blanks-request", POST + b"  " + GET, OK + OK)
    make.http("tail-no-end", POST + b"EXTRA")
    make.http("tail-no-method", POST + b"FOO / HTTP/1.1\r\nHost: a\r\n\r\n", OK + OK)
    make.http("tail-of-chunks", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nEXTRA data\r\n")
    make.http("tail-of-get", GET + b"EXTRA data\r\n")
    make.http("tail-of-no-body", POST.replace(b"3\r\n\r\nabc", b"0\r\n\r\n") + b"EXTRA data\r\n")
    make.http("tail-long", POST + b"e" * 3000 + b"\r\n")


def hosts(make):
    for name, host in (("port-beyond", b"a.example:99999"), ("port-words", b"a.example:abc"), ("port-none", b"a.example:"),
                       ("port-sound", b"a.example:81"), ("no-port", b"a.example"), ("v6", b"[::1]:99999")):
        make.http("connect-" + name, b"CONNECT " + host + b" HTTP/1.1\r\nHost: a.example\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n")
    make.http("colon-once", GET[:-2] + b"bad\r\n\r\n", b"HTTP/1.1 200 OK\r\nbad\r\nContent-Length: 2\r\n\r\nok")
    make.http("colon-response", GET, b"HTTP/1.1 200 OK\r\nbad\r\nContent-Length: 2\r\n\r\nok")


def mails(make):
    ok, go, data = (1, b"250 ok\r\n"), (1, b"354 go\r\n"), (0, b"DATA\r\n")
    mail = b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
    make.smtp("data-pipelined", (0, mail + b"QUIT\r\n"), (1, b"250 ok\r\n250 ok\r\n354 go\r\n"))
    make.smtp("data-answered", (0, mail), (1, b"250 ok\r\n250 ok\r\n354 go\r\n"), (0, b"x\r\n.\r\n"), ok)
    make.smtp("starttls-pipelined", (0, b"STARTTLS\r\nNOOP\r\n"), (1, b"220 go\r\n"))
    make.smtp("pipelining-offered", (1, b"250-mail\r\n250-PIPELINING\r\n250 ok\r\n"), (0, mail + b"x\r\n.\r\nQUIT\r\n"),
              (1, b"250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n221 bye\r\n"))
    make.smtp("chunk-within-line", (0, b"BDAT 5\r\nabcdefghijk\r\n"), ok)
    make.smtp("chunk-exact", (0, b"BDAT 7 LAST\r\nabcde\r\n"), ok)
    make.smtp("data-rejected", data, (1, b"550 no\r\n"), data, go, (0, b"x\r\n.\r\n"), ok)
    make.smtp("data-twice", data, go, (0, b"x\r\n.\r\n"), ok, data, go, (0, b"x\r\n.\r\n"), ok)


def record(kind, data):
    return bytes([kind, 3, 3]) + len(data).to_bytes(2, "big") + data


def handshake(kind, data):
    return record(22, bytes([kind]) + len(data).to_bytes(3, "big") + data)


def handshakes(make):
    hello = handshake(1, b"\3\3" + b"\x11" * 32 + b"\0\0\2\x13\1\1\0")
    make.tls("unknown-message", (0, hello), (1, handshake(99, b"abc")))
    make.tls("unknown-client", (0, hello + handshake(8, b"abc")))
    make.tls("known-messages", (0, hello), (1, handshake(13, b"abc") + handshake(14, b"") + handshake(4, b"abcd")))
    make.tls("ssl2-no-length", (0, b"\x80\0\1\0\2\0"), (1, b"\x80\0\4\0"))
    make.tls("ssl2-answer", (0, hello), (1, b"\x80\0\4\0\1"), (0, b"more data"), (1, b"more"))
    old = b"\x16\3\1" + hello[3:]  # as clients of TLS 1.2 send it
    make.tls("hello-whole", (0, old))
    make.tls("hello-in-parts", (0, old[:20]), (0, old[20:]))
    make.tls("record-type", (0, hello), (1, b"\x10\3\3\0\5hello"))


def frame(kind, flags, stream, data):
    return len(data).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + data


def streams(make):
    """A stream's frames that come when its header has been looked at."""
    get = b"\x82\x86\x84" + b"\x41\x01a"  # RFC 7541 B: GET, http, /, and the authority
    make.session("http2-window-later", 80, [
        (0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + frame(1, 5, 1, get)),
        (1, frame(4, 0, 0, b"") + frame(1, 4, 1, b"\x88")), (0, frame(8, 0, 1, b"\0\0\x10\0")),
        (1, frame(0, 1, 1, b"body")), (0, frame(6, 0, 0, b"\0" * 8))])


def main():
    make = Maker(sys.argv[1])
    for part in (ranges, tails, hosts, mails, handshakes, streams):
        part(make)
    make.capture.close()


main()
