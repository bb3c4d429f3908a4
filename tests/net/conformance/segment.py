# SPDX-License-Identifier: BSD-3-Clause
"""segment - a TCP segment as a test reads and writes it, and its bytes on the wire.

Options are a list of (name, value) in the order of the header, so that a layout can
be written down as a real stack sends it and compared as it comes.
"""
import ipaddress
import struct

FLAGS = "FSRPAUEC"  # bit 0 upwards
KINDS = {"eol": 0, "nop": 1, "mss": 2, "ws": 3, "sackok": 4, "sack": 5, "ts": 8, "tfo": 34}
NAMES = {kind: name for name, kind in KINDS.items()}


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def after(a, b):
    """How far sequence number a lies behind b, -2^31 to 2^31 - 1."""
    return ((a - b + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def write_options(options):
    out = b""
    for name, value in options:
        if name in ("eol", "nop"):
            out += bytes([KINDS[name]])
        elif name == "raw":
            out += value
        else:
            body = {"mss": lambda v: struct.pack("!H", v), "ws": lambda v: bytes([v]), "sackok": lambda v: b"",
                    "sack": lambda v: b"".join(struct.pack("!II", *block) for block in v),
                    "ts": lambda v: struct.pack("!II", *v), "tfo": lambda v: v}[name](value)
            out += bytes([KINDS[name], 2 + len(body)]) + body
    return out + b"\0" * (-len(out) % 4)


def read_options(data):
    at, out = 0, []
    while at < len(data):
        kind = data[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        size = data[at + 1] if at + 1 < len(data) else 0
        if size < 2 or at + size > len(data):
            out.append(("broken", data[at:]))
            break
        body = data[at + 2:at + size]
        name = NAMES.get(kind)
        if name in ("mss", "ws", "ts") and len(body) != {"mss": 2, "ws": 1, "ts": 8}[name]:
            name = None
        value = {"mss": lambda: struct.unpack("!H", body)[0], "ws": lambda: body[0], "sackok": lambda: True,
                 "sack": lambda: [struct.unpack("!II", body[i:i + 8]) for i in range(0, len(body) - 7, 8)],
                 "ts": lambda: struct.unpack("!II", body), "tfo": lambda: body}.get(name, lambda: body)()
        out.append((name or "kind%d" % kind, value))
        at += size
    return out


class Segment:
    """One TCP segment; numbers are absolute here. frame_len counts the whole frame."""

    def __init__(self, src, dst, sport, dport, flags="", seq=0, ack=0, win=65535, options=(), data=b"", urgent=0):
        self.src, self.dst, self.sport, self.dport = src, dst, sport, dport
        self.flags, self.seq, self.ack, self.win = flags, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, win
        self.options, self.data, self.urgent = list(options), data, urgent
        self.is_sound = True
        self.header_len = self.frame_len = 0
        self.ttl = 64
        self.is_outgoing = False

    def option(self, name):
        return next((value for n, value in self.options if n == name), None)

    def options_read(self):
        """The options as whoever receives them reads them."""
        return read_options(write_options(self.options))

    @property
    def taken(self):
        """Sequence numbers that it takes up."""
        return len(self.data) + ("S" in self.flags) + ("F" in self.flags)

    def frame(self, from_mac, to_mac):
        options = write_options(self.options)
        bits = sum(1 << FLAGS.index(f) for f in self.flags)
        tcp = struct.pack("!HHIIBBHHH", self.sport, self.dport, self.seq, self.ack, (20 + len(options)) // 4 << 4,
                          bits, self.win, 0, self.urgent) + options + self.data
        src, dst = ipaddress.ip_address(self.src), ipaddress.ip_address(self.dst)
        pseudo = src.packed + dst.packed + struct.pack("!II", len(tcp), 6)
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        return to_mac + from_mac + ip_packet(src, dst, 6, tcp)

    def __str__(self):
        told = []
        for name, value in self.options:
            if name == "sack":
                value = ",".join("%d-%d" % block for block in value)
            elif name == "ts":
                value = "%d/%d" % value
            elif isinstance(value, bytes):
                value = value.hex()
            told.append(name if value is True else "%s %s" % (name, value))
        return "%s > %s %s seq %d ack %d win %d len %d%s%s" % (
            self.sport, self.dport, self.flags or "-", self.seq, self.ack, self.win, len(self.data),
            " <%s>" % ", ".join(told) if told else "", "" if self.is_sound else " BAD CHECKSUM")


def ip_packet(src, dst, proto, payload):
    """Ethertype and everything behind it."""
    if src.version == 6:
        return struct.pack("!HIHBB", 0x86DD, 6 << 28, len(payload), proto, 64) + src.packed + dst.packed + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, proto, 0) + src.packed + dst.packed
    return b"\x08\x00" + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def read_ip(data, ethertype):
    """(src, dst, protocol, payload, TTL, is sound) of an IP packet without extensions, or None."""
    if ethertype == 0x0800 and len(data) >= 20 and data[0] >> 4 == 4:
        header = (data[0] & 15) * 4
        length = struct.unpack("!H", data[2:4])[0]
        return (str(ipaddress.ip_address(data[12:16])), str(ipaddress.ip_address(data[16:20])), data[9],
                data[header:length], data[8], checksum(data[:header]) == 0)
    if ethertype == 0x86DD and len(data) >= 40:
        length = struct.unpack("!H", data[4:6])[0]
        return (str(ipaddress.ip_address(data[8:24])), str(ipaddress.ip_address(data[24:40])), data[6],
                data[40:40 + length], data[7], True)
    return None


def read_tcp(packet):
    """The Segment of what read_ip() gave; what is cut off (a quote) is not checked."""
    src, dst, _, tcp, ttl, is_sound = packet
    sport, dport, seq = struct.unpack("!HHI", tcp[:8])
    if len(tcp) < 20:
        return Segment(src, dst, sport, dport, "", seq)
    ack, offset, bits, win, _, urgent = struct.unpack("!IBBHHH", tcp[8:20])
    header = (offset >> 4) * 4
    flags = "".join(f for i, f in enumerate(FLAGS) if bits >> i & 1)
    segment = Segment(src, dst, sport, dport, flags, seq, ack, win, read_options(tcp[20:header]), tcp[header:], urgent)
    pseudo = ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed + struct.pack("!II", len(tcp), 6)
    segment.is_sound = is_sound and checksum(pseudo + tcp) == 0
    segment.header_len, segment.ttl = header, ttl
    return segment


def icmp_error(router, to, quoted, v6, mtu=None):
    """Ethertype and packet: 'too big' with a next-hop MTU, or unreachable without; quotes `quoted` (an IP packet)."""
    src, dst = ipaddress.ip_address(router), ipaddress.ip_address(to)
    if not v6:
        head = struct.pack("!BBHHH", 3, 4 if mtu else 1, 0, 0, mtu or 0) + quoted[:28]
        return ip_packet(src, dst, 1, head[:2] + struct.pack("!H", checksum(head)) + head[4:])
    head = struct.pack("!BBHI", 2 if mtu else 1, 0, 0, mtu or 0) + quoted[:1200]
    pseudo = src.packed + dst.packed + struct.pack("!II", len(head), 58)
    return ip_packet(src, dst, 58, head[:2] + struct.pack("!H", checksum(pseudo + head)) + head[4:])
