# SPDX-License-Identifier: BSD-3-Clause
"""Frames and captures for the replay tests, laid by hand with the standard library."""
import ipaddress
import struct

CLIENT_MAC = bytes.fromhex("020000000055")
SERVER_MAC = bytes.fromhex("0200000000dd")
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF & ~total


def ether(payload, ethertype, inbound=True, vlans=()):
    head = SERVER_MAC + CLIENT_MAC if inbound else CLIENT_MAC + SERVER_MAC
    for i, vlan in enumerate(vlans):
        head += struct.pack("!HH", 0x88A8 if len(vlans) > 1 and i == 0 else 0x8100, vlan)
    return head + struct.pack("!H", ethertype) + payload


def ip(src, dst, proto, payload, inbound=True, vlans=(), fragment=0):
    """An Ethernet frame of IPv4 or IPv6; L4 checksums are filled in for TCP and UDP."""
    a, b = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if proto in (6, 17) and not fragment:
        at = 16 if proto == 6 else 6
        pseudo = a.packed + b.packed + struct.pack("!LL", len(payload), proto)
        payload = payload[:at] + struct.pack("!H", checksum(pseudo + payload)) + payload[at + 2:]
    if a.version == 6:
        head = struct.pack("!LHBB", 6 << 28, len(payload), proto, 62) + a.packed + b.packed
        return ether(head + payload, 0x86DD, inbound, vlans)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, fragment, 61, proto, 0)
    head += a.packed + b.packed
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return ether(head + payload, 0x0800, inbound, vlans)


def tcp(src, dst, sport, dport, flags, seq=1, ack=0, data=b"", inbound=True, vlans=()):
    segment = struct.pack("!HHLLBBHHH", sport, dport, seq, ack, 5 << 4, flags, 65535, 0, 0)
    return ip(src, dst, 6, segment + data, inbound, vlans)


def udp(src, dst, sport, dport, data=b"x" * 20, inbound=True, vlans=()):
    return ip(src, dst, 17, struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data, inbound,
              vlans)


def conversation(client, server, sport, dport=443, vlans=()):
    """A whole TCP conversation: handshake, request, answer, farewell."""
    def c(flags, seq, ack, data=b""):
        return tcp(client, server, sport, dport, flags, seq, ack, data, True, vlans)

    def s(flags, seq, ack, data=b""):
        return tcp(server, client, dport, sport, flags, seq, ack, data, False, vlans)

    return [c(SYN, 100, 0), s(SYN | ACK, 900, 101), c(ACK, 101, 901),
            c(PSH | ACK, 101, 901, b"GET / HTTP/1.1\r\n\r\n"), s(ACK, 901, 119),
            s(PSH | ACK, 901, 119, b"d" * 1200), c(ACK, 119, 2101), c(FIN | ACK, 119, 2101),
            s(FIN | ACK, 2101, 120), c(ACK, 120, 2102)]


def write_pcap(path, frames, link_type=1):
    """frames: (time in ns, bytes) or (time in ns, bytes, length on the wire)."""
    with open(path, "wb") as f:
        f.write(struct.pack("<LHHLLLL", 0xA1B23C4D, 2, 4, 0, 0, 262144, link_type))
        for frame in frames:
            t, data = frame[:2]
            wire = frame[2] if len(frame) > 2 else len(data)
            f.write(struct.pack("<LLLL", t // 10**9, t % 10**9, len(data), wire) + data)


def read_pcap(path):
    """[(time in ns, bytes, length on the wire)] of what write_pcap() and replay write."""
    with open(path, "rb") as f:
        data = f.read()
    assert struct.unpack("<L", data[:4])[0] == 0xA1B23C4D, path
    at, out = 24, []
    while at < len(data):
        s, ns, n, wire = struct.unpack("<LLLL", data[at:at + 16])
        out.append((s * 10**9 + ns, data[at + 16:at + 16 + n], wire))
        at += 16 + n
    assert at == len(data), path
    return out


def read_pcapng(path):
    """[(interface, time in ns, bytes, comment or None)]."""
    with open(path, "rb") as f:
        data = f.read()
    at, out = 0, []
    while at < len(data):
        kind, length = struct.unpack("<LL", data[at:at + 8])
        assert struct.unpack("<L", data[at + length - 4:at + length])[0] == length
        if kind == 6:
            interface, high, low, n, _ = struct.unpack("<LLLLL", data[at + 8:at + 28])
            options = at + 28 + (n + 3) // 4 * 4
            comment = None
            if options < at + length - 4:
                code, size = struct.unpack("<HH", data[options:options + 4])
                assert code == 1
                comment = data[options + 4:options + 4 + size].decode()
            out.append((interface, high << 32 | low, data[at + 28:at + 28 + n], comment))
        at += length
    return out
