# SPDX-License-Identifier: Apache-2.0
"""Writing captures: packets with right checksums, TCP sessions from handshake to FIN, in a pcap file."""
import socket
import struct

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Capture:
    """A classic pcap file of Ethernet frames, one millisecond apart."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        self.time = 1_700_000_000_000_000
        self.id = 0

    def close(self):
        self.file.close()

    def frame(self, data):
        self.time += 1000
        self.file.write(struct.pack("<IIII", self.time // 1_000_000, self.time % 1_000_000, len(data), len(data)) + data)

    def ip(self, src, dst, proto, payload):
        """One IPv4 packet; `payload` has its checksum already."""
        self.id = (self.id + 1) & 0xFFFF
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), self.id, 0x4000, 64, proto, 0,
                           socket.inet_aton(src), socket.inet_aton(dst))
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        self.frame(b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0" + head + payload)

    def transport(self, src, dst, proto, segment, at):
        """A TCP or UDP segment whose checksum stands at byte `at`."""
        pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack(">BBH", 0, proto, len(segment))
        value = checksum(pseudo + segment) or (0xFFFF if proto == 17 else 0)
        self.ip(src, dst, proto, segment[:at] + struct.pack(">H", value) + segment[at + 2:])

    def udp(self, src, sport, dst, dport, payload):
        self.transport(src, dst, 17, struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload, 6)

    def icmp(self, src, dst, kind, code, rest, payload):
        message = struct.pack(">BBH", kind, code, 0) + rest + payload
        self.ip(src, dst, 1, message[:2] + struct.pack(">H", checksum(message)) + message[4:])


class Session:
    """A TCP connection. Each segment is acknowledged at once; `swapped`: each second one comes before the one it follows."""

    def __init__(self, capture, client, cport, server, sport, mss=1460, swapped=False):
        self.capture, self.mss, self.swapped = capture, mss, swapped
        self.ends = ((client, cport), (server, sport))
        self.next = [1000, 5000]
        self.segment(0, SYN)
        self.next[0] += 1
        self.segment(1, SYN | ACK)
        self.next[1] += 1
        self.segment(0, ACK)

    def segment(self, side, flags, data=b""):
        (src, sport), (dst, dport) = self.ends[side], self.ends[1 - side]
        ack = self.next[1 - side] if flags & ACK else 0
        head = struct.pack(">HHIIBBHHH", sport, dport, self.next[side] & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags,
                           64240, 0, 0)
        self.capture.transport(src, dst, 6, head + data, 16)

    def send(self, side, data):
        """`data` from side 0 (the client) or 1, in segments of `mss` bytes."""
        step = 2 * self.mss if self.swapped else self.mss
        for at in range(0, len(data), step):
            start, parts = self.next[side], [data[at:at + self.mss], data[at + self.mss:at + step]]
            for n in (1, 0):
                self.next[side] = start + n * self.mss
                if parts[n]:
                    self.segment(side, PSH | ACK, parts[n])
            self.next[side] = start + len(data[at:at + step])
            self.segment(1 - side, ACK)

    def close(self):
        for side in (0, 1):
            self.segment(side, FIN | ACK)
            self.next[side] += 1
            self.segment(1 - side, ACK)
