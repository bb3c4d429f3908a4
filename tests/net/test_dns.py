#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
"""A real DNS server under a flood of forged queries, and dig as its customer.

NSD serves a zone; queries of addresses that do not exist come at some hundred a second.
Without the defence they arrive. With it they get answers no longer than they are, which ask
for TCP, and none arrives; dig comes back by TCP, with EDNS and cookies or without, and asks
by UDP from then on. In monitor nothing of this happens, and it is counted.
"""
import contextlib
import os
import socket
import struct
import subprocess
import threading
import time

from rig import IN4, IN6, Rig, Skipped, expect, inside, main, run, wait_until, within

FLOOD = 400  # forged queries a second
POLICY = """
policies = ( {{ name = "dns"; mode = "{mode}"; sanity = {{ private_sources = "allow"; }};
    detection = {{ activate_after = "0ms"; clear_after = "2s"; }};
    vectors = ( {{ vector = "udp_flood"; activate_rate = "100pps"; max_rate = "1Mpps"; }} );
    udpauth = {{ method = "off"; }}; dnsauth = {{ method = "{method}"; answers = "10kpps"; {keys} }}; }} );
services = ( {{ name = "dns"; prefixes = [ "10.66.0.2/32", "fd66::2/128" ]; policy = "dns"; }} );
"""
ZONE = """$ORIGIN example.test.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 10.66.0.2
www IN A 192.0.2.80
www IN AAAA 2001:db8::80
"""
NSD = """server:
    ip-address: {v4}
    ip-address: {v6}
    server-count: 1
    username: ""
    chroot: ""
    zonesdir: "{folder}"
    pidfile: ""
    logfile: "{folder}/nsd.log"
    xfrdfile: ""
    xfrdir: "{folder}"
    zonelistfile: "{folder}/zone.list"
remote-control:
    control-enable: no
zone:
    name: example.test
    zonefile: example.test.zone
"""


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def mac_of(rig, namespace, interface):
    with inside(namespace), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((interface, 0))
        return sock.getsockname()[4]


class World:
    """The rig with its name server, and a flood while it is wanted."""

    def __init__(self, v6, vlan, mode="mitigate", method="tcp", keys=""):
        self.v6, self.server = v6, None
        self.rig = Rig(vlan=vlan)
        self.going = False
        self.sent = 0
        self.query_len = 0
        try:
            self.dst = mac_of(self.rig, self.rig.shop, "in0")
            self.src = mac_of(self.rig, self.rig.internet, "out0")
            self.out, self.inner = self.rig.raw("internet"), self.rig.raw("shop")
            self.serve()
            expect(self.rig.start(self.rig.config(more=POLICY.format(mode=mode, method=method, keys=keys))),
                   "the gate does not start:\n" + self.rig.log)
            wait_until(lambda: "192.0.2.80" in self.dig("www.example.test"), "the name server does not answer", 20)
        except BaseException:
            self.close()
            raise

    def serve(self):
        folder = self.rig.folder
        for name, text in (("example.test.zone", ZONE), ("nsd.conf", NSD.format(v4=IN4, v6=IN6, folder=folder))):
            with open(self.rig.path(name), "w", encoding="ascii") as f:
                f.write(text)
        try:
            self.server = subprocess.Popen(
                [*within(self.rig.shop), "nsd", "-d", "-c", self.rig.path("nsd.conf")],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            subprocess.run(["nsd", "-v"], capture_output=True, check=False)
            subprocess.run(["dig", "-v"], capture_output=True, check=False)
        except FileNotFoundError as missing:
            raise Skipped("%s is not installed" % missing.filename)

    def dig(self, name, *options):
        """What dig says of a query for an A record; its own port each time."""
        return run(*within(self.rig.internet), "dig", "+tries=3", "+time=2", "@" + (IN6 if self.v6 else IN4), name,
                   "A", *options, check=False)

    def forged(self, n):
        """A query of an address that does not exist, with EDNS and a client's cookie."""
        dns = struct.pack(">6H", n & 0xffff, 0x0100, 1, 0, 0, 1) + b"\3www\7example\4test\0" + struct.pack(">HH", 1, 1)
        dns += b"\0" + struct.pack(">HHIH", 41, 1232, 0, 12) + struct.pack(">HH", 10, 8) + os.urandom(8)
        udp = struct.pack(">HHHH", 1024 + n % 60000, 53, 8 + len(dns), 0)
        if not self.v6:
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 28 + len(dns), n & 0xffff, 0, 57, 17, 0) + bytes(
                (198, 18, n >> 8 & 0xff, n & 0xff)) + socket.inet_aton(IN4)
            ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
            return self.dst + self.src + b"\x08\x00" + ip + udp + dns
        ends = socket.inet_pton(socket.AF_INET6, "2001:db8:%x:%x::1" % (n >> 8 & 0xff, n & 0xff)) + socket.inet_pton(
            socket.AF_INET6, IN6)
        total = checksum(ends + struct.pack(">II", 8 + len(dns), 17) + udp + dns)
        udp = udp[:6] + struct.pack(">H", total or 0xffff)
        ip = struct.pack(">IHBB", 6 << 28, 8 + len(dns), 17, 57) + ends
        return self.dst + self.src + b"\x86\xdd" + ip + udp + dns

    def is_forged(self, frame, is_answer):
        """Whether the frame is a query of the flood, or what goes back to its sender."""
        at = (8 if self.v6 else 12) + 14 + (0 if not is_answer else 16 if self.v6 else 4)
        start = b"\x20\x01\x0d\xb8" if self.v6 else b"\xc6\x12"
        return frame[12:14] == (b"\x86\xdd" if self.v6 else b"\x08\x00") and frame[at:at + len(start)] == start

    @contextlib.contextmanager
    def flood(self):
        """A flood that has been going for a second."""
        self.going = True
        thread = threading.Thread(target=self._flood, daemon=True)
        thread.start()
        try:
            time.sleep(1.5)
            yield
        finally:
            self.going = False
            thread.join()

    def _flood(self):
        due = time.monotonic()
        while self.going:
            frame = self.forged(self.sent)
            self.query_len = len(frame)
            self.out.send(frame)
            self.sent += 1
            due += 1 / FLOOD
            time.sleep(max(due - time.monotonic(), 0))

    def count(self, reason):
        told = self.rig.reasons().get("dnsauth." + reason)
        return told if told is not None else {"packets": 0, "would_packets": 0}

    def close(self):
        if self.server is not None:
            self.server.terminate()
            self.server.wait()
        self.rig.close()


@contextlib.contextmanager
def world(*args, **keys):
    w = World(*args, **keys)
    try:
        yield w
    finally:
        w.close()


def arrives(w, seconds=1):
    """Whether a forged query is heard inside within some seconds from now."""
    w.inner.drain()
    return w.inner.hear(lambda frame: w.is_forged(frame, False), seconds) is not None


def came_by_udp(said):
    return "192.0.2.80" in said and "retrying in TCP" not in said and "(UDP)" in said


def came_by_tcp(said):
    return "192.0.2.80" in said and "retrying in TCP" in said and "(TCP)" in said


def defended(v6, vlan):
    def test():
        with world(v6, vlan, method="off") as w, w.flood():
            expect(arrives(w), "the flood does not arrive without a defence")
        with world(v6, vlan) as w:
            expect(came_by_udp(w.dig("www.example.test")), "in quiet time dig is not answered by UDP")
            with w.flood():
                expect(not arrives(w), "a forged query reaches the server")
                w.out.drain()
                answer = w.out.hear(lambda frame: w.is_forged(frame, True))
                expect(answer is not None, "a forged query is not answered by the gate")
                expect(len(answer) <= w.query_len, "an answer of %d bytes to %d" % (len(answer), w.query_len))
                said = w.dig("www.example.test")
                expect(came_by_tcp(said), "dig does not fall back to TCP:\n" + said)
                said = w.dig("www.example.test")
                expect(came_by_udp(said), "dig is not known after its handshake:\n" + said)
            expect(w.count("truncated")["packets"] > 0, "nobody was asked to come by TCP")
            w.rig.books_balance()
    test.__name__ = "dig_comes_by_tcp_ipv%d%s" % (6 if v6 else 4, "_vlan" if vlan else "")
    return test


def every_kind_of_client():
    """Each with an address of its own, because the first one to come by TCP is known."""
    kinds = (("+noedns",), ("+dnssec",), ("+cookie=" + "0102030405060708" + "a1" * 16,), ("+nocookie", "+bufsize=4096"),
             ("+nsid", "+padding=128"), ("+norecurse",))
    with world(False, None) as w:
        for i in range(len(kinds)):
            run("ip", "-n", w.rig.internet, "addr", "add", "10.66.0.%d/24" % (100 + i), "dev", "out0")
        with w.flood():
            for i, kind in enumerate(kinds):
                said = w.dig("www.example.test", "-b", "10.66.0.%d" % (100 + i), *kind)
                expect(came_by_tcp(said), "dig %s does not fall back to TCP:\n%s" % (" ".join(kind), said))
                for wrong in ("mismatch", "malformed", "FORMERR", "Warning", "timed out"):
                    expect(wrong not in said, "dig %s complains:\n%s" % (" ".join(kind), said))


def monitor_asks_nobody():
    with world(False, None, mode="monitor") as w, w.flood():
        expect(arrives(w), "monitor keeps a query from the server")
        expect(came_by_udp(w.dig("www.example.test")), "monitor asks dig to come by TCP")
        would = w.count("truncated")
        expect(would["packets"] == 0, "monitor answered: %s" % would)
        expect(any(value > 0 for key, value in would.items() if key.startswith("would") and isinstance(value, int)),
               "monitor does not count whom it would ask: %s" % would)
        expect(all(p["replied_packets"] == 0 for p in w.rig.ports().values()), "monitor replied")


if __name__ == "__main__":
    main(defended(False, None), defended(True, 9), every_kind_of_client, monitor_asks_nobody)
