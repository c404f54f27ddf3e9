#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""forms.py CAPTURE: files over HTTP/1 as requests send them, in forms of all shapes, and as responses name them."""
import sys

from capture import Capture, Session

FORM = b"multipart/form-data; boundary=XbX"
END = b"--XbX--\r\n"


class Maker:
    def __init__(self, path):
        self.capture = Capture(path)
        self.port = 41000

    def exchange(self, request, response=b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"):
        self.port += 1
        session = Session(self.capture, "192.0.2.20", self.port, "198.51.100.80", 80)
        session.send(0, request)
        session.send(1, response)
        session.close()

    def post(self, kind, body, method=b"POST"):
        self.exchange(method + b" /up/load.php?x=1 HTTP/1.1\r\nHost: a.example\r\nContent-Type: " + kind +
                      b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def get(self, uri, body, header=b""):
        self.exchange(b"GET " + uri + b" HTTP/1.1\r\nHost: a.example\r\n\r\n",
                      b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body) + header + b"\r\n" + body)


def part(name, file, data, newline=b"\r\n"):
    text = b"--XbX" + newline + b'Content-Disposition: form-data; name="' + name + b'"'
    if file is not None:
        text += b'; filename="' + file + b'"'
    return text + newline + b"Content-Type: text/plain" + newline + newline + data + newline


def main():
    make = Maker(sys.argv[1])
    make.get(b"/x/y.bin?q=1", b"body1")
    make.get(b"/x/y.bin?q=1", b"body2", b'Content-Disposition: attachment; filename="real.exe"\r\n')
    make.get(b"/x/y.bin", b"body3", b'Content-Disposition: attachment; filename=real2.exe; size=3\r\n')
    make.post(FORM, part(b"f", None, b"field")+part(b"a", b"a.txt", b"AAAA\r\nAA")+part(b"b", b"b.txt", b"BB")+END)
    make.post(b"text/plain", b"plain post")
    make.post(b"text/plain", b"plain put", b"PUT")
    make.post(b"text/plain", b"plain patch", b"PATCH")
    make.post(b"text/plain", b"get body", b"GET")
    make.post(FORM, part(b"a", b"a.txt", b"put multi")+END, b"PUT")
    make.post(FORM, part(b"a", b"a.txt", b"no end")[:-2])
    make.post(FORM, part(b"a", b"a.txt", b"")+END)
    make.post(b'multipart/mixed; boundary="XbX"', part(b"a", b"q.txt", b"quoted")+END)
    make.post(b'multipart/form-data; Boundary=XbX', part(b"a", b"q.txt", b"upper")+END)
    make.post(b'multipart/form-data; boundary=XbX; charset=x', part(b"a", b"q.txt", b"param after")+END)
    make.post(FORM, part(b"a", b"lf.txt", b"lf only", b"\n")+END)
    make.post(FORM, part(b"a", b"big.bin", b"0123456789"*5000)+part(b"b", b"b.txt", b"after big")+END)
    make.post(FORM, b"preamble\r\n"+part(b"a", b"a.txt", b"with preamble")+END+b"epilogue")
    make.post(FORM, b"--XbX\r\nContent-Disposition: form-data; name=\"a\"; filename=noq.txt\r\n\r\nnoquotes\r\n"+END)
    make.post(FORM, b"--XbX\r\ncontent-disposition: form-data; name=\"a\"; filename=\"low.txt\"\r\n\r\nlower\r\n"+END)
    make.post(FORM, b"--XbX\r\nContent-Type: text/plain\r\n"
              b"Content-Disposition: form-data; filename=\"o.txt\"; name=\"a\"\r\n\r\norder\r\n"+END)
    make.post(FORM, b"--XbX\r\nContent-Disposition: attachment; filename=\"att.txt\"\r\n\r\natt\r\n"+END)
    make.post(FORM, part(b"a", b"", b"empty name")+END)
    make.post(FORM, part(b"a", b"twice.txt", b"one")+part(b"a", None, b"mid")+part(b"c", b"three.txt", b"--XbXnot")+END)
    make.post(FORM, part(b"a", b"x.txt", b"data --XbX inside")+END)
    make.post(FORM, b"no boundary at all")
    make.post(FORM, part(b"a", b"huge.bin", b"0123456789"*12000)+part(b"b", b"b.txt", b"after huge")+END)
    make.capture.close()


main()
