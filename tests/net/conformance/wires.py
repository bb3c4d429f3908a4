# SPDX-License-Identifier: BSD-3-Clause
"""wires - both ends of the gate, heard by raw sockets, and each case told what is its own."""
import json
import socket
import struct
import threading

from rig import ETH_P_ALL, inside, run, within
from conformance.segment import read_ip

CLIENT_MAC, SCRIPT_MAC = b"\x02\0\0\0\x67\x01", b"\x02\0\0\0\x66\x03"
FRONTS = {"direct": 7, "proxy": 2, "strict": 3, "bad_ack": 4, "drop_first": 5, "reset": 6, "guarded": 9}
SCRIPTED = 8  # added to the number of a front: the address of no kernel, in the same service


def server_address(front, v6, scripted=False):
    host = FRONTS[front] + (SCRIPTED if scripted else 0)
    return "fd66::%x" % host if v6 else "10.66.0.%d" % host


def quoted_packet(packet):
    """What an ICMP error quotes; a short quote is filled up with zeros."""
    return read_ip(packet[3][8:] + b"\0" * 40, 0x0800 if packet[2] == 1 else 0x86DD)


class Wires:
    """Both ends of the gate: hears everything, and tells each case what is its own."""

    def __init__(self, rig):
        self.rig, self.talks, self.going, self.bad = rig, {}, True, []
        self.macs = {}
        for side, (namespace, interface) in self._places().items():
            link = json.loads(run("ip", "-n", namespace, "-j", "link", "show", "dev", interface))[0]
            self.macs[side] = bytes.fromhex(link["address"].replace(":", ""))
        for host in FRONTS.values():
            if host != 2:
                run("ip", "-n", rig.shop, "addr", "add", "10.66.0.%d/24" % host, "dev", "in0")
                run("ip", "-n", rig.shop, "addr", "add", "fd66::%x/64" % host, "dev", "in0", "nodad")
        # The same control on every machine; reno is always there.
        run(*within(rig.shop), "sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno")
        mac = ":".join("%02x" % b for b in CLIENT_MAC)
        for gate, net in (("10.66.0.200", "10.67.0.0/16"), ("fd66::200", "fd67::/64")):
            run("ip", "-n", rig.shop, "neigh", "add", gate, "lladdr", mac, "nud", "permanent", "dev", "in0")
            run("ip", "-n", rig.shop, "route", "add", net, "via", gate)
        self.socks = {side: self._open(*place) for side, place in self._places().items()}
        self.threads = [threading.Thread(target=self._read, args=(side,), daemon=True) for side in self.socks]
        for thread in self.threads:
            thread.start()

    def _places(self):
        return {"internet": (self.rig.internet, "out0"), "shop": (self.rig.shop, "in0")}

    @staticmethod
    def _open(namespace, interface):
        with inside(namespace):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            sock.bind((interface, 0))
            index = socket.if_nametoindex(interface)
        sock.setsockopt(263, 1, struct.pack("iHH8s", index, 1, 0, b""))
        sock.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        sock.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS: when it came, not when it was read
        sock.settimeout(0.2)
        return sock

    def _read(self, side):
        sock = self.socks[side]
        while self.going:
            try:
                frame, beside, _, source = sock.recvmsg(65536, 64)
            except (TimeoutError, BlockingIOError):
                continue
            except OSError:
                return
            packet = read_ip(frame[14:], struct.unpack("!H", frame[12:14])[0])
            talk = packet and self._talk_of(packet)
            if talk:
                seconds, ns = struct.unpack("qq", beside[0][2][:16])
                talk.take(side, packet, len(frame), source[2] == 4, seconds + ns / 1e9)

    def _talk_of(self, packet):
        """The case that a packet, or what an ICMP error quotes, belongs to."""
        found = self.talks.get(packet[0]) or self.talks.get(packet[1])
        if found is None and packet[2] in (1, 58):
            inner = quoted_packet(packet)
            found = inner and (self.talks.get(inner[0]) or self.talks.get(inner[1]))
        return found

    def send(self, side, frame):
        self.socks[side].send(frame)

    def close(self):
        self.going = False
        for thread in self.threads:
            thread.join()
        for sock in self.socks.values():
            sock.close()
