#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every defence, three ways, on real stacks: learn shows that the attack arrives,
monitor that nothing changes on the wire and the count is right, mitigate that the
attack stops while a customer does not notice.

A cell is an attack, a family and tagged or not. By default each attack meets one
cell, spread so that all four kinds occur; TIDEGATE_SOAK=1 runs all of them. What TCP
clients have to prove has matrices of its own (test_tcp_*.py), so nobody is asked here.
"""
import os
import random
import selectors
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "replay"))
import frames as lay  # noqa: E402

from load import ATTACKER, Customers, Noticed, Shop, Tap, read_pcap, sent, start_sending, write_attack
from rig import IN4, IN6, Rig, expect, inside, main, run

# A cell is over before the next one, and bots may be blocked while a vector is under attack.
PPS, SECONDS = 3000, 1.6
MAX, ACTIVATE = 200, 500
SOURCE_PPS, NEW_CONNECTIONS = 500, 20
BOT4, BOT6 = "10.66.0.66", "fd66::66"

CONFIG = """
lists = ( {{ name = "bad"; action = "deny"; prefixes = [ "198.51.100.0/24", "2001:db8:b::/48" ]; }} );
policies = (
  {{ name = "web"; mode = "learn"; detection = {{ activate_after = "100ms"; clear_after = "3s"; hold_for = "3s"; block_after = "0s"; }};
    vectors = ( {vectors} );
    sanity = {{ private_sources = "allow"; }};
    flows = {{ ipv6_prefix = 128; }};
    tcpauth = {{ method = "off"; out_of_state = "pass"; }};
    udpauth = {{ method = "off"; }};
    icmp = {{ echo_request = "off"; }};
    protocols = {{ allow = [ "gre", "esp", "253" ]; strangers = "off"; }};
    sources = {{ packets = "20kpps"; new_connections = "{cps}cps"; block_after = "500ms"; block_for = "2s"; }};
  }},
  {{ name = "apart"; mode = "learn"; sanity = {{ private_sources = "allow"; }};
    sources = {{ packets = "{source}pps"; }}; }} );
services = (
  {{ name = "meters"; prefixes = [ "{v4}/32", "{v6}/128" ]; protocol = "udp"; ports = [ "7000" ]; policy = "apart"; }},
  {{ name = "shop"; prefixes = [ "{v4}/32", "{v6}/128" ]; policy = "web"; }} );
"""
VECTORS = ("tcp_syn_flood", "tcp_other_flood", "udp_flood", "icmp_flood", "fragment_flood", "other_flood")

# The second of two fragments goes the way of its first.
FOLLOWERS = "fragments.follows_first"

# Attack: (part of trafficgen, the reason it must have, what may pass in packets/s, burst in packets)
FLOODS = {
    "udp_flood": ("udp,sources=random", "shape.udp_flood", MAX, 20),
    "tcp_syn_flood": ("syn,sources=random", "shape.tcp_syn_flood", MAX, 20),
    "tcp_other_flood": ("tcp_other,sources=random", "shape.tcp_other_flood", MAX, 20),
    "icmp_flood": ("icmp,sources=random", "shape.icmp_flood", MAX, 20),
    "fragment_flood": ("fragment,sources=random,size=1600-2000", ("shape.fragment_flood", FOLLOWERS), MAX, 20),
    "other_flood": ("other,sources=random", "shape.other_flood", MAX, 20),
    "malformed": (None, "sanity.", 0, 0),
    "denied": ("udp,sources=hosts:200", "lists.", 0, 0),
    "one_source": ("udp,sources=hosts:1,dport=7000", "sources.packets",
                   SOURCE_PPS, 150),
}


def malformed(rig, v6):
    """What no stack would send, or none should: each is for another check of `sanity`."""
    client, shop = ("2001:db8:c::9", IN6) if v6 else ("198.18.9.9", IN4)
    draw = random.Random(7)
    kinds = []
    for flags in (0, lay.SYN | lay.FIN, lay.SYN | lay.RST, lay.FIN | lay.PSH | 32):
        kinds.append(lambda port, flags=flags: lay.tcp(client, shop, port, 80, flags))
    kinds.append(lambda port: lay.tcp(shop, shop, 80, 80, lay.SYN, seq=port))
    kinds.append(lambda port: lay.tcp(client, shop, 0, 80, lay.SYN, seq=port))
    kinds.append(lambda port: lay.udp(client, shop, port, 0))
    kinds.append(lambda port: lay.ip(client, shop, 17, struct.pack("!HHHH", port, 53, 900, 0) + b"short"))
    kinds.append(lambda port: lay.ip("ff02::1" if v6 else "224.1.1.1", shop, 17,
                                     struct.pack("!HHHH", port, 53, 28, 0) + b"x" * 20))
    made = []
    for i in range(int(PPS * SECONDS)):
        frame = draw.choice(kinds)(draw.randrange(1024, 65536))
        made.append((i * 10**9 // PPS, frame[:6] + ATTACKER + frame[12:]))
    path = rig.path("malformed%d.pcap" % v6)
    lay.write_pcap(path, made)
    return path


def attack_of(rig, name, v6):
    part = FLOODS[name][0]
    if part is None:
        return malformed(rig, v6)
    target = "dst=" + (IN6 if v6 else IN4)
    if name == "denied":
        part += ",from=" + ("2001:db8:b::/64" if v6 else "198.51.100.0/24")
    if name == "one_source":
        part += ",from=" + ("2001:db8:c::7/128" if v6 else "198.18.7.7/32")
    return write_attack(rig, "%s%d" % (name, v6), "%s,%s,rate=%d,duration=%dms,family=%d" % (
        part, target, PPS, SECONDS * 1000, 6 if v6 else 4))


class Gate:
    """A rig with a shop behind the gate, for many cells."""

    def __init__(self, vlan):
        self.rig = Rig(vlan=vlan)
        self.shop = None
        try:
            self.shop = Shop(self.rig)
            vectors = ", ".join('{ vector = "%s"; activate_rate = "%dpps"; max_rate = "%dpps"; }' % (v, ACTIVATE, MAX)
                                for v in VECTORS)
            text = CONFIG.format(vectors=vectors, cps=NEW_CONNECTIONS, source=SOURCE_PPS, v4=IN4, v6=IN6)
            expect(self.rig.start(self.rig.config(more=text)), self.rig.log)
            self.tap = Tap(self.rig.shop, "in0")
            run("ip", "-n", self.rig.internet, "addr", "add", BOT4 + "/24", "dev", "out0")
            # Deprecated, or the customer's sockets would choose it as theirs.
            run("ip", "-n", self.rig.internet, "addr", "add", BOT6 + "/64", "dev", "out0", "nodad", "preferred_lft", "0")
        except BaseException:
            if self.shop is not None:
                self.shop.close()
            self.rig.close()
            raise

    def close(self):
        self.tap.close()
        self.shop.close()
        self.rig.close()

    def mode(self, mode):
        self.rig.put("mode", {"mode": mode})

    def judged(self):
        """(dropped, would have been) by reason, and what the ports lost by themselves."""
        reasons = self.rig.reasons()
        missed = sum(p["missed_packets"] + p["buffer_failures"] for p in self.rig.ports().values())
        return ({n: r["packets"] for n, r in reasons.items()}, {n: r["would_packets"] for n, r in reasons.items()},
                missed)


class Outcome:
    """What one attack in one mode came to."""

    def __init__(self, gate, customers, capture, mode):
        gate.mode(mode)
        gate.tap.take()
        before = gate.judged()
        customers.start()
        try:
            sender = start_sending(gate.rig, capture)
            self.sent = sent(sender)
        finally:
            customers.stop()
        gate.rig.books_balance()
        expect(gate.rig.get("status")["total"]["books"]["balanced"], "the status says that the books do not balance")
        after = gate.judged()
        self.arrived = gate.tap.take()
        self.dropped = grown(before[0], after[0])
        self.would = grown(before[1], after[1])
        self.missed = after[2] - before[2]
        self.lost = self.sent["sent"] - len(self.arrived) - sum(self.dropped.values())
        expect(self.lost >= 0, "%s: %d sent, %d arrived, yet %d dropped: customers' packets are among them" % (
            mode, self.sent["sent"], len(self.arrived), sum(self.dropped.values())))
        if self.lost > 0:
            raise Noticed("%s: %d of %d attack packets neither arrived nor were dropped (%d missed by ports)" % (
                mode, self.lost, self.sent["sent"], self.missed))
        customers.check(mode)

    def frames(self):
        return [frame for _, frame in self.arrived]


def grown(before, after):
    return {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}


def only(judged, reason, what):
    """All of what was judged has the reason, or one of them; returns how many that are."""
    other = {n: p for n, p in judged.items() if not n.startswith(reason)}
    expect(not other, "%s for another reason than %s: %s" % (what, reason, other))
    expect(judged.get(FOLLOWERS, 0) <= judged.get("shape.fragment_flood", 0), "%s: more followers than firsts: %s" % (
        what, judged))
    return sum(judged.values())


def learns(gate, customers, capture):
    """Without a defence the attack arrives: the test would be worth nothing otherwise."""
    o = Outcome(gate, customers, capture, "learn")
    expect(o.dropped == {}, "learn dropped %s" % o.dropped)
    expect(len(o.arrived) == o.sent["sent"], "learn: %d of %d attack packets arrived" % (
        len(o.arrived), o.sent["sent"]))


def monitors(gate, customers, capture, reason):
    """Nothing changes on the wire, to the byte and in order; returns what would have been dropped, in how long."""
    o = Outcome(gate, customers, capture, "monitor")
    expect(o.dropped == {}, "monitor dropped %s" % o.dropped)
    expect(o.frames() == read_pcap(capture), "monitor changed a frame, or the order of frames")
    return only(o.would, reason, "would be dropped"), o.sent["seconds"]


def mitigates(gate, customers, capture, name):
    """What exceeds the limit is gone, and nothing else; returns what was dropped, in how long."""
    _, reason, limit, burst = FLOODS[name]
    o = Outcome(gate, customers, capture, "mitigate")
    dropped = only(o.dropped, reason, "dropped")
    # Each packet that was dropped was the attack's (Outcome): not one was the customer's.
    # Armed by monitor less than clear_after ago, so the limit holds from the first packet on.
    allowed = burst + limit * o.sent["seconds"]
    excess = o.sent["sent"] - allowed
    expect(len(o.arrived) <= allowed + 0.001 * excess, "mitigate: %d packets passed, %d may" % (
        len(o.arrived), allowed))
    expect(limit == 0 or len(o.arrived) >= 0.5 * limit * o.sent["seconds"],
           "mitigate: only %d packets passed, although %d packets/s may" % (len(o.arrived), limit))
    intact = set(read_pcap(capture))
    expect(all(frame in intact for frame in o.frames()), "mitigate changed a frame")
    return dropped, o.sent["seconds"]


def patiently(phase, *args):
    """Twice more where somebody waited or the wire lost what nobody dropped: a busy machine does that."""
    for _ in range(2):
        try:
            return phase(*args)
        except Noticed as why:
            print("  again:", why, file=sys.stderr, flush=True)
            time.sleep(1)
    return phase(*args)


def cell(gate, name, v6):
    capture = attack_of(gate.rig, name, v6)
    customers = Customers(gate.rig, v6)
    try:
        _, reason, limit, burst = FLOODS[name]
        patiently(learns, gate, customers, capture)
        would, slowly = patiently(monitors, gate, customers, capture, reason)
        dropped, seconds = patiently(mitigates, gate, customers, capture, name)
        # Arming takes 100 ms of activate_rate once; the limit itself may differ by a burst, and
        # lets more through where a busy machine took longer to send.
        slack = burst + (ACTIVATE * 0.1 + limit * 0.25 if limit else 0) + limit * abs(seconds - slowly)
        expect(abs(would - dropped) <= slack, "monitor counted %d, mitigate dropped %d, %d apart at most" % (
            would, dropped, slack))
        expect(would > 0.5 * PPS * SECONDS, "monitor counted %d only" % would)
    finally:
        customers.close()


class Bots:
    """One real host that connects in waves, asks and reads; it gives up when the next wave comes."""

    WAVE, EVERY = 24, 0.25

    def __init__(self, rig, v6, seconds):
        self.family = socket.AF_INET6 if v6 else socket.AF_INET
        self.here, self.there = (BOT6, IN6) if v6 else (BOT4, IN4)
        self.tried = self.served = 0
        until = time.monotonic() + seconds
        with inside(rig.internet):
            while time.monotonic() < until:
                self._wave(time.monotonic() + self.EVERY)

    def _wave(self, until):
        picker = selectors.DefaultSelector()
        for _ in range(self.WAVE):
            sock = socket.socket(self.family, socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.bind((self.here, 0))
            sock.connect_ex((self.there, 80))
            picker.register(sock, selectors.EVENT_WRITE)
        self.tried += self.WAVE
        while (left := until - time.monotonic()) > 0:
            for key, events in picker.select(left):
                self._go_on(picker, key.fileobj, events)
        for key in list(picker.get_map().values()):
            key.fileobj.close()
        picker.close()

    def _go_on(self, picker, sock, events):
        try:
            if events & selectors.EVENT_WRITE:
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                picker.modify(sock, selectors.EVENT_READ)
                return
            self.served += sock.recv(100).startswith(b"HTTP/1.1 200")
        except OSError:
            pass
        picker.unregister(sock)
        sock.close()


def bots_in(gate, customers, v6, mode):
    gate.mode(mode)
    before = gate.judged()
    customers.start()
    try:
        bots = Bots(gate.rig, v6, SECONDS)
    finally:
        customers.stop()
    customers.check(mode)
    gate.rig.books_balance()
    after = gate.judged()
    return bots, grown(before[0], after[0]), grown(before[1], after[1])


def bots_cell(gate, v6):
    """Hosts that complete handshakes, too many of them a second."""
    # What a customer asks for stays well below new_connections.
    customers = Customers(gate.rig, v6)
    try:
        # One visit before, so that neighbours know each other and no wave waits for that.
        with gate.rig.socket("internet", socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(5)
            sock.bind((BOT6 if v6 else BOT4, 0))
            sock.connect((IN6 if v6 else IN4, 80))
        bots, dropped, _ = patiently(bots_in, gate, customers, v6, "learn")
        expect(not dropped, "learn dropped %s" % dropped)
        expect(bots.served == bots.tried > 2 * NEW_CONNECTIONS * SECONDS, "unprotected: %d of %d bots were served" % (
            bots.served, bots.tried))
        bots, dropped, would = patiently(bots_in, gate, customers, v6, "monitor")
        expect(not dropped, "monitor dropped %s" % dropped)
        expect(bots.served == bots.tried, "monitor: %d of %d bots were served" % (bots.served, bots.tried))
        expect(only(would, "sources.", "would be dropped") > 0, "monitor did not count the bots: %s" % would)
        bots, dropped, _ = patiently(bots_in, gate, customers, v6, "mitigate")
        expect(only(dropped, "sources.", "dropped") > 0, "no bot was dropped")
        allowed = NEW_CONNECTIONS * (1 + SECONDS) + 2
        expect(bots.served <= allowed, "mitigate: %d bots were served, %d may" % (bots.served, allowed))
        expect("sources.blocked" in dropped, "the bot's host was never blocked: %s" % dropped)
        address = BOT6 if v6 else BOT4
        told = gate.rig.get("explain?ip=" + address)
        expect(any(d["verdict"].startswith("sources.") for d in told["drops"]), "explain: %s" % told["sentence"])
    finally:
        customers.close()


GATES = {}


def gate_for(vlan):
    if vlan not in GATES:
        GATES[vlan] = Gate(100 if vlan else None)
    return GATES[vlan]


def test_of(name, v6, vlan):
    def test():
        gate = gate_for(vlan)
        if name == "bots":
            bots_cell(gate, v6)
        else:
            cell(gate, name, v6)
    test.__name__ = "%s_ipv%d%s" % (name, 6 if v6 else 4, "_vlan" if vlan else "")
    return test


def tests():
    """Sorted by gate, so that one is built after the other is gone through."""
    soak = os.environ.get("TIDEGATE_SOAK") == "1"
    chosen = []
    for i, name in enumerate(list(FLOODS) + ["bots"]):
        cells = [(v6, vlan) for vlan in (False, True) for v6 in (False, True)]
        for v6, vlan in cells if soak else [cells[(i + i // 4) % 4]]:
            chosen.append((vlan, i, name, v6))
    return [test_of(name, v6, vlan) for vlan, _, name, v6 in sorted(chosen)]


if __name__ == "__main__":
    if os.geteuid() == 0:
        # Everything of this test goes before what else the machine does, or that is what is measured.
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    chosen_tests = [t for t in tests() if len(sys.argv) < 3 or t.__name__.startswith(sys.argv[2])]
    try:
        main(*chosen_tests)
    finally:
        for opened in GATES.values():
            opened.close()
