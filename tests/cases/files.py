#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""files.py CAPTURE: files over HTTP/1 and FTP, small ones and one that outgrows what a sensor keeps of a file.

Prints NAME MD5 SHA1 SHA256 of each."""
import hashlib
import sys

from capture import Capture, Session

SMALL = b"MZ\x90\0" + bytes(range(256)) * 8
LARGE = b"".join(b"%07d\n" % n for n in range(30000))


def http(capture, port, name, body):
    session = Session(capture, "192.0.2.20", port, "198.51.100.80", 80)
    session.send(0, b"GET /%s HTTP/1.1\r\nHost: files.example\r\n\r\n" % name)
    session.send(1, b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
                 % len(body) + body)
    session.close()


def ftp(capture, name, body):
    control = Session(capture, "192.0.2.20", 40021, "198.51.100.80", 21)
    control.send(1, b"220 ready\r\n")
    control.send(0, b"USER one\r\n")
    control.send(1, b"230 in\r\n")
    control.send(0, b"PASV\r\n")
    control.send(1, b"227 Entering Passive Mode (198,51,100,80,156,64)\r\n")
    control.send(0, b"RETR %s\r\n" % name)
    control.send(1, b"150 coming\r\n")
    data = Session(capture, "192.0.2.20", 40022, "198.51.100.80", 40000)
    data.send(1, body)
    data.close()
    control.send(1, b"226 done\r\n")
    control.close()


def main():
    capture = Capture(sys.argv[1])
    http(capture, 40001, b"small.exe", SMALL)
    http(capture, 40002, b"large.txt", LARGE)
    ftp(capture, b"large.txt", LARGE)
    capture.close()
    for name, body in ((b"small", SMALL), (b"large", LARGE)):
        print(name.decode(), *(hashlib.new(kind, body).hexdigest() for kind in ("md5", "sha1", "sha256")))


main()
