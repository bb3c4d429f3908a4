#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Wants the cores.
"""Proofs without a return path: answers of the server go round the gate, real clients still get in.

What a customer feels of each method is measured: bad_ack costs one round trip and what
Linux takes to try again, drop_first a second, reset one connection.
"""
import json
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from conformance.segment import Segment  # noqa: E402
from rig import IN4, IN6, OUT4, OUT6, expect, main, run, wait_until, within  # noqa: E402
from tcpworld import EXCHANGE, World  # noqa: E402

# Linux repeats the SYN at once after its reset; the machine may have other work.
BAD_ACK_SECONDS = 0.2
MORE = [("10.66.0.%d" % i, "fd66::%x" % i) for i in range(20, 30)]  # other customers, by address


def lay_back(rig):
    """A cable past the gate, for all that leaves the shop."""
    run("ip", "link", "add", "name", "back0", "netns", rig.shop, "type", "veth", "peer", "name", "back1", "netns",
        rig.internet)
    for name, interface, v4, v6 in ((rig.shop, "back0", "10.70.0.2/24", "fd70::2/64"),
                                    (rig.internet, "back1", "10.70.0.1/24", "fd70::1/64")):
        run(*within(name), "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0",
            "net.ipv4.conf.default.rp_filter=0")
        run("ip", "-n", name, "link", "set", interface, "up")
        run("ip", "-n", name, "addr", "add", v4, "dev", interface)
        run("ip", "-n", name, "addr", "add", v6, "dev", interface, "nodad")
        run(*within(name), "sysctl", "-qw", *("net.ipv4.conf.%s.rp_filter=0" % i for i in (
            interface, "in0" if name == rig.shop else "out0")))
    for v4, v6 in MORE:
        run("ip", "-n", rig.internet, "addr", "add", v4 + "/24", "dev", "out0")
        run("ip", "-n", rig.internet, "addr", "add", v6 + "/64", "dev", "out0", "nodad", "preferred_lft", "0")
    for v4, v6 in MORE + [(OUT4, OUT6)]:
        run("ip", "-n", rig.shop, "route", "add", v4 + "/32", "via", "10.70.0.1", "dev", "back0")
        run("ip", "-n", rig.shop, "-6", "route", "add", v6 + "/128", "via", "fd70::1", "dev", "back0")
    mac = json.loads(run("ip", "-n", rig.shop, "-j", "link", "show", "dev", "in0"))[0]["address"]
    for address in (IN4, IN6):
        run("ip", "-n", rig.internet, "neigh", "replace", address, "lladdr", mac, "nud", "permanent", "dev", "out0")


OPEN = {}


def world(method, keys=""):
    if (method, keys) not in OPEN:
        for opened in OPEN.values():
            opened.close()
        OPEN.clear()
        OPEN[method, keys] = World(1 << 20, method=method, keys=keys, dataplane='duplex = "ingress";', lay=lay_back)
        OPEN[method, keys].flood("both")
    return OPEN[method, keys]


def counted(w, *names):
    reasons = w.rig.reasons()
    return [reasons["tcpauth." + name]["packets"] for name in names]


def visit(w, v6, who=None, seconds=10):
    """One connection that asks for a page of bytes: how long the handshake took."""
    sock = w.rig.socket("internet", socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
    with sock:
        sock.settimeout(seconds)
        if who is not None:
            sock.bind((MORE[who][v6], 0))
        began = time.monotonic()
        sock.connect((IN6 if v6 else IN4, EXCHANGE))
        took = time.monotonic() - began
        w.both_ways(v6, 100000, sock)
    return took


def a_wrong_answer():
    """auto is bad_ack here: the first connection pays a little, the next ones nothing."""
    w = world("auto")
    for v6 in (False, True):
        before = counted(w, "bad_ack_accepted")
        took = visit(w, v6)
        expect(counted(w, "bad_ack_accepted")[0] == before[0] + 1, "the proof is not counted")
        expect(took < BAD_ACK_SECONDS, "the handshake took %.0f ms" % (took * 1000))
        for _ in range(3):
            took = visit(w, v6)
            expect(took < BAD_ACK_SECONDS, "the next handshake took %.0f ms" % (took * 1000))
        expect(counted(w, "bad_ack_accepted")[0] == before[0] + 1, "a proven customer had to prove himself again")
        for who in range(4):
            took = visit(w, v6, who)
            expect(took < BAD_ACK_SECONDS, "another customer's handshake took %.0f ms" % (took * 1000))
        w.both_ways(v6).close()


def what_it_costs():
    """Measured: the median of ten customers, against ten that are known already."""
    w = world("auto")
    first = sorted(visit(w, False, who) for who in range(4, 10)) + sorted(visit(w, True, who) for who in range(4, 10))
    again = sorted(visit(w, v6, who) for who in range(4, 10) for v6 in (False, True))
    added = sorted(first)[len(first) // 2] - again[len(again) // 2]
    expect(added < 0.03, "a proof takes %.1f ms" % (added * 1000))


def when_answers_are_spent():
    """One answer a second to a network: who gets none is let in at his repetition."""
    w = world("auto", 'answers = "1pps";')
    before = counted(w, "first_syn", "bad_ack_accepted")
    # The budget of a network allows some answers at once; flood sources are elsewhere.
    spent = [visit(w, False, who) for who in range(10)]
    for _ in range(12):
        drain(w)
    late = visit_of_a_stranger(w)
    now = counted(w, "first_syn", "bad_ack_accepted")
    expect(now[0] > before[0], "no SYN was dropped: %s, %s" % (now, spent))
    expect(0.8 < late < 4, "a customer without an answer took %.2f s" % late)


def drain(w):
    """SYNs that nobody goes on with, from the customers' own network."""
    raw = w.rig.raw("internet")
    mac = bytes.fromhex(json.loads(run("ip", "-n", w.rig.shop, "-j", "link", "show", "dev", "in0"))[0]["address"].replace(
        ":", ""))
    for i in range(20):
        raw.send(mac + syn_from("10.66.0.%d" % (100 + i), IN4))


def syn_from(source, target):
    return Segment(source, target, 1024 + os.getpid() % 60000, EXCHANGE, "S", seq=1,
                   options=[("mss", 1460)]).frame(b"\2\0\0\0\0\x99", b"")


def visit_of_a_stranger(w):
    address = "10.66.0.77"
    run("ip", "-n", w.rig.internet, "addr", "add", address + "/24", "dev", "out0")
    run("ip", "-n", w.rig.shop, "route", "add", address + "/32", "via", "10.70.0.1", "dev", "back0")
    with w.rig.socket("internet", socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(10)
        sock.bind((address, 0))
        began = time.monotonic()
        sock.connect((IN4, EXCHANGE))
        took = time.monotonic() - began
        w.both_ways(False, 1000, sock)
    return took


def a_dropped_syn():
    """The first connection waits for its repetition; those of a proven customer do not."""
    w = world("drop_first")
    for v6 in (False, True):
        took = visit(w, v6)
        expect(0.8 < took < 4, "the handshake took %.2f s" % took)


def a_reset():
    """The first connection ends at once, the next is the server's own."""
    w = world("reset")
    for v6 in (False, True):
        try:
            visit(w, v6)
        except OSError as why:
            expect(isinstance(why, ConnectionResetError), "the first connection: %s" % why)
        else:
            expect(False, "the first connection was not reset")
        for _ in range(3):
            took = visit(w, v6)
            expect(took < BAD_ACK_SECONDS, "the next handshake took %.0f ms" % (took * 1000))


def nothing_is_said_in_monitor():
    """What would be challenged passes, untouched."""
    w = world("auto")
    w.rig.put("mode", {"mode": "monitor"})
    before = counted(w, "bad_ack", "bad_ack_accepted")
    took = visit_of_a_stranger(w)
    expect(took < BAD_ACK_SECONDS, "the handshake took %.0f ms" % (took * 1000))
    expect(counted(w, "bad_ack", "bad_ack_accepted") == before, "monitor answers")
    would = w.rig.reasons()["tcpauth.bad_ack"]
    expect(would["would_packets"] > 0, "nothing is counted: %s" % would)
    w.rig.put("mode", {"mode": "mitigate"})


def books_balance():
    for w in OPEN.values():
        w.calm()
        wait_until(lambda w=w: w.rig.books_balance() is not None, "the books")


if __name__ == "__main__":
    TESTS = [a_wrong_answer, what_it_costs, nothing_is_said_in_monitor, books_balance, when_answers_are_spent,
             a_dropped_syn, a_reset, books_balance]
    try:
        main(*[t for t in TESTS if len(sys.argv) < 3 or any(part in t.__name__ for part in sys.argv[2:])])
    finally:
        for left in OPEN.values():
            left.close()
