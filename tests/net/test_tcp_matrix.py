#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Wants the cores.
"""Customers with real stacks, while the gate makes their handshakes.

Every cell runs under a flood of SYNs from nowhere and asserts that what was sent is what
arrived, by checksum and in both directions, that the gate spliced the connections, and
that nobody was reset. A gate's captures of both its sides are read back by tshark.

By default a few cells of each kind; TIDEGATE_SOAK=1 runs all of them, with 100 MB each.
"""
import itertools
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wirecheck  # noqa: E402
from rig import Failed, expect, main  # noqa: E402
from tcpworld import World, stack  # noqa: E402

SOAK = os.environ.get("TIDEGATE_SOAK") == "1"
SIZE = (100 if SOAK else 8) << 20
SMALL = (2 << 20) if SOAK else (1 << 19)  # where the stack is the question, not the amount
ALL_ON = {"timestamps": 1, "sack": 1, "window_scaling": 1, "ecn": 2}
# name: (how the client opens, how the server opens)
STACKS = {
    "all_on": ({}, {}),
    "all_off": ({"timestamps": 0, "sack": 0, "window_scaling": 0, "ecn": 0}, {}),
    "client_without_timestamps": ({"timestamps": 0}, {}),
    "client_without_sack": ({"sack": 0}, {}),
    "client_without_scaling": ({"window_scaling": 0}, {}),
    "client_with_ecn": ({"ecn": 1}, {}),
    "server_without_timestamps": ({}, {"timestamps": 0}),
    "server_without_sack": ({}, {"sack": 0}),
    "server_without_scaling": ({}, {"window_scaling": 0}),
    "server_refuses_ecn": ({"ecn": 1}, {"ecn": 0}),
    "server_all_off": ({}, {"timestamps": 0, "sack": 0, "window_scaling": 0, "ecn": 0}),
}
# name: how the rig is made, and what a relay does to the customer's packets
GATES = {
    "plain": {},
    "vlan": {"vlan": 100},
    "mtu1280": {"mtu": 1280},
    "mtu3000": {"mtu": 3000},
    "mtu9000": {"mtu": 9000},
    "mtu1280_vlan": {"mtu": 1280, "vlan": 7},
    "mtu9000_vlan": {"mtu": 9000, "vlan": 4000},
    "loss": {"outside": ("--loss", "0.5%")},
    "reorder": {"outside": ("--reorder", "1%", "--delay", "2ms", "--jitter", "1ms")},
    "loss_and_reorder_vlan": {"vlan": 9, "outside": ("--loss", "0.5%", "--reorder", "1%", "--delay", "2ms")},
}
DEFAULT_GATES = {"mtu9000": ("all_on",), "mtu1280_vlan": ("client_without_timestamps",),
                 "loss_and_reorder_vlan": ("all_on",)}


def every_stack():
    """All sixteen clients with six servers."""
    knobs = list(ALL_ON)
    servers = [{}] + [{knob: 0} for knob in knobs] + [{knob: 0 for knob in knobs}]
    for values in itertools.product((0, 1), repeat=4):
        client = dict(zip(knobs, values))
        for server in servers:
            name = "client_%s_server_%s" % ("".join(map(str, values)), "".join(
                str(server.get(k, 1)) for k in knobs))
            yield name, client, server


class Gate:
    """One rig with its captures; cells run on it one after the other."""

    def __init__(self, name):
        self.name, self.world = name, World(SMALL, clear="10s", **GATES[name])
        try:
            self.world.flood("both")
            self.captures = wirecheck.Captures(self.world.rig, name, 0)
        except BaseException:
            self.world.close()
            raise

    def cell(self, v6, client, server, size):
        world = self.world
        if world.sender is None:
            world.flood("both")
        if len(world.blob) != size:
            world.fill(size)
        stack(world.rig.internet, **dict(ALL_ON, **client))
        stack(world.rig.shop, **dict(ALL_ON, **server))
        loses = "loss" in self.name
        with world.spliced(4, may_reset=loses):
            # What the gate promised for the server until now may be what it did before.
            world.both_ways(v6, SMALL).close()
            world.both_ways(v6).close()
            world.download(v6)
            world.upload(v6)

    def check(self):
        if self.captures is None:
            return
        self.world.calm()
        faults, seen = wirecheck.check(*self.captures.stop(), loses="loss" in self.name)
        self.captures = None
        expect(not faults, "%d faults: %s" % (len(faults), "\n".join(faults[:12])))
        expect(seen > 0, "the capture is empty")
        self.world.rig.books_balance()

    def close(self):
        if self.captures is not None:
            for process in self.captures.running:
                process.terminate()
        self.world.close()


OPEN = {}


def gate_for(name):
    if name not in OPEN:
        for gate in OPEN.values():
            gate.close()
        OPEN.clear()
        OPEN[name] = Gate(name)
    return OPEN[name]


def cell_of(gate, name, v6, client, server, size):
    def test():
        gate_for(gate).cell(v6, client, server, size)
    test.__name__ = "%s_%s_ipv%d" % (gate, name, 6 if v6 else 4)
    return test


def check_of(gate):
    def test():
        if gate not in OPEN:
            raise Failed("no cell of this gate ran")
        gate_for(gate).check()
    test.__name__ = gate + "_wires_are_in_order"
    return test


def cells():
    chosen = []
    for i, (name, (client, server)) in enumerate(STACKS.items()):
        for v6 in (False, True) if SOAK else (i % 2 == 1,):
            chosen.append(cell_of("plain", name, v6, client, server, SMALL))
    chosen.append(check_of("plain"))
    # The captures are done with; here nothing but the bytes counts.
    for v6 in (False, True):
        chosen.append(cell_of("plain", "%d_MB" % (SIZE >> 20), v6, {}, {}, SIZE))
    if SOAK:
        for i, (name, client, server) in enumerate(every_stack()):
            chosen.append(cell_of("plain", name, i % 2 == 1, client, server, SMALL))
    for gate in GATES:
        if gate == "plain":
            continue
        names = STACKS if SOAK else DEFAULT_GATES.get(gate, ())
        for i, name in enumerate(names):
            for v6 in (False, True) if SOAK else (len(gate) % 2 == 1,):
                chosen.append(cell_of(gate, name, v6, *STACKS[name], SMALL))
        if names:
            chosen.append(check_of(gate))
    return chosen


if __name__ == "__main__":
    if os.geteuid() == 0:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    began = time.monotonic()
    wanted = [t for t in cells() if len(sys.argv) < 3 or any(part in t.__name__ for part in sys.argv[2:])]
    try:
        main(*wanted)
    finally:
        for opened in OPEN.values():
            opened.close()
        print("  took %.0f s" % (time.monotonic() - began), file=sys.stderr)
