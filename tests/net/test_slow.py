#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
"""Connections that are kept to be kept, against an nginx that has few to give.

Each attack is met twice on the same gate: in monitor, where it shuts the customer out,
nothing changes on the wire and the count is right; in mitigate, where the customer is
served while the attack goes on, an established connection notices nothing, and a slow but
honest upload comes through.

An attack is one cell of family and tag by default; with TIDEGATE_SOAK=1 it is all four,
and those come too that nginx would survive.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from load import Customers, Shop, curl
from rig import IN4, IN6, Rig, Skipped, expect, inside, main, program, run, wait_until, within

PLACES, BOTS = 40, 60  # connections nginx has to give, and those of the attacker

CONFIG = """
policies = (
  {{ name = "web"; mode = "monitor"; sanity = {{ private_sources = "allow"; }};
    flows = {{ ipv6_prefix = 128; }};
    sources = {{ new_connections = "off"; packets = "off"; }};
    behaviour = {{ initial_time = "1s"; header_time = "1s"; http_ports = [ "80", "83" ];
      min_rate = "4kbit/s"; min_rate_time = "1s"; block_after = 20; block_for = "60s"; }}; }},
  {{ name = "narrow"; extends = "web"; behaviour = {{ max_connections = "10"; min_rate = "off"; }}; }},
  {{ name = "quiet"; extends = "web"; behaviour = {{ idle_limit = "1s"; initial_time = "0s"; block_after = 20;
      block_for = "60s"; }}; }},
  {{ name = "flooded"; extends = "web"; vectors = ( {{ vector = "tcp_syn_flood"; activate_rate = "20pps"; }} ); }} );
services = (
  {{ name = "flooded"; prefixes = [ "{v4}/32", "{v6}/128" ]; protocol = "tcp"; ports = [ "83" ]; policy = "flooded"; }},
  {{ name = "narrow"; prefixes = [ "{v4}/32", "{v6}/128" ]; protocol = "tcp"; ports = [ "81" ]; policy = "narrow"; }},
  {{ name = "quiet"; prefixes = [ "{v4}/32", "{v6}/128" ]; protocol = "tcp"; ports = [ "82" ]; policy = "quiet"; }},
  {{ name = "shop"; prefixes = [ "{v4}/32", "{v6}/128" ]; policy = "web"; }} );
"""

# Attack: (how it is slow, at which port, why it is ended). nginx takes the place of who says
# nothing for who comes, so silence alone shuts nobody out; other servers have no such grace.
ATTACKS = {
    "silence": ("idle", 80, "behaviour.initial"),
    "headers": ("headers", 80, "behaviour.header"),
    "bodies": ("body", 80, "behaviour.min_rate"),
    "crowd": ("headers", 81, "behaviour.connections"),
    # The gate shakes hands for the server: the attacker is reset in numbers of the gate's own.
    "spliced": ("headers", 83, "behaviour.header"),
    "idlers": ("idle", 82, "behaviour.idle"),
}
HARMLESS = ("silence", "idlers")


class SmallShop(Shop):
    """nginx with few connections to give, on four ports."""

    def config(self, rig):
        text = super().config(rig).replace("worker_connections 4096", "worker_connections %d" % PLACES)
        listen = "".join(" listen %s:%d; listen [%s]:%d;" % (IN4, p, IN6, p) for p in (81, 82, 83))
        return text.replace("location / {", listen + " keepalive_timeout 0; location / {", 1)


class Slow:
    """The attacker, from an address of its own."""

    def __init__(self, gate, name, v6, reopen):
        kind, port, _ = ATTACKS[name]
        gate.bots += 1
        source = "fd66::a:%x" % gate.bots if v6 else "10.66.0.%d" % (100 + gate.bots)
        length = "128" if v6 else "32"
        more = ["nodad", "preferred_lft", "0"] if v6 else []
        # Another length than the customer's net, or his sockets might choose it.
        run("ip", "-n", gate.rig.internet, "addr", "add", source + "/" + length, "dev", "out0", *more)
        target = "[%s]:%d" % (IN6, port) if v6 else "%s:%d" % (IN4, port)
        self.process = subprocess.Popen(
            [*within(gate.rig.internet), program("tools/trafficgen/trafficgen"), "slow", "--target", target,
             "--from", source + "/" + length, "--connections", str(BOTS), "--kind", kind, "--interval", "200ms",
             "--rate", "300", "--duration", "60s"] + (["--reopen"] if reopen else []),
            stdout=subprocess.PIPE, text=True)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        told = json.loads(self.process.communicate(timeout=20)[0].splitlines()[-1])
        expect(told["opened"] > 0, "the attack opened nothing: %s" % told)
        return told


class Gate:
    def __init__(self, vlan):
        self.rig = Rig(vlan=vlan)
        self.bots = 0
        self.shop = None
        try:
            self.shop = SmallShop(self.rig)
            expect(self.rig.start(self.rig.config(more=CONFIG.format(v4=IN4, v6=IN6))), self.rig.log)
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.shop is not None:
            self.shop.close()
        self.rig.close()

    def held(self, port):
        """Connections that the server's kernel holds at this port."""
        return len(run(*within(self.rig.shop), "ss", "-Htn", "state", "established", "state",
                       "close-wait", "sport", "=", ":%d" % port).splitlines())

    def blocked(self):
        return self.rig.reasons()["sources.blocked"]["packets"]

    def counts(self):
        """(ended, would be ended) by reason of this stage, and frames of our own."""
        reasons = {n: r for n, r in self.rig.reasons().items() if n.startswith("behaviour.")}
        emitted = sum(p["emitted_packets"] for p in self.rig.ports().values())
        return ({n: r["packets"] for n, r in reasons.items()}, {n: r["would_packets"] for n, r in reasons.items()},
                emitted)


def grown(before, after):
    return {n: after[n] - before[n] for n in after if after[n] != before[n]}


def upload(rig, v6, outcome):
    """A second and a half of 20 kB/s: slow, and honest."""
    with inside(rig.internet):
        sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
    with sock:
        sock.settimeout(10)
        sock.connect((IN6 if v6 else IN4, 80))
        sock.sendall(b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 30000\r\n\r\n")
        for _ in range(30):
            sock.sendall(b"x" * 1000)
            time.sleep(0.05)
        got = sock.recv(65536)
    outcome.append(got.startswith(b"HTTP/1.1 200"))


def unprotected(gate, name, v6):
    """In monitor the customer is shut out; only the count changes."""
    reason = ATTACKS[name][2]
    gate.rig.put("mode", {"mode": "monitor"})
    before = gate.counts()
    attack = Slow(gate, name, v6, False)
    try:
        wait_until(lambda: gate.counts()[1][reason] > before[1][reason], "monitor did not count " + reason, 8)
        if name not in HARMLESS:
            wait_until(lambda: not curl(gate.rig, v6, 1)[0], "%d slow connections of %d places hurt nobody" % (
                BOTS, PLACES), 5)
    finally:
        attack.stop()
    after = gate.counts()
    expect(not grown(before[0], after[0]), "monitor ended %s" % grown(before[0], after[0]))
    expect(after[2] == before[2], "monitor sent %d frames" % (after[2] - before[2]))
    would = grown(before[1], after[1])
    expect(set(would) <= {reason}, "monitor counted %s" % would)
    # Each connection once; of a crowd, a SYN and a proof of each above the limit.
    expect(would[reason] <= (2 if name == "crowd" else 1) * BOTS, "monitor counted %s of %d" % (would, BOTS))


def protected(gate, name, v6):
    """In mitigate the attack goes on and on, and the customer is served."""
    _, port, reason = ATTACKS[name]
    wait_until(lambda: curl(gate.rig, v6, 1)[0], "the shop does not recover", 5)
    gate.rig.put("mode", {"mode": "mitigate"})
    customers = Customers(gate.rig, v6, 0.05)
    before = gate.counts()
    blocked = gate.blocked()
    honest = []
    attack = Slow(gate, name, v6, name not in HARMLESS)
    try:
        wait_until(lambda: gate.counts()[0][reason] > before[0][reason], "mitigate ended no connection", 8)
        if name in ("headers", "bodies", "spliced"):  # who comes again and again is blocked, and that is what helps
            wait_until(lambda: gate.blocked() > blocked, "the attacker is not blocked", 8)
        wait_until(lambda: gate.held(port) <= PLACES // 2, "nginx still holds the attacker's connections", 8)
        wait_until(lambda: all(curl(gate.rig, v6, 1)[0] for _ in range(3)), "the customer is not served", 8)
        slow = threading.Thread(target=upload, args=(gate.rig, v6, honest))
        slow.start()
        customers.start()
        time.sleep(1)
        customers.stop()
        slow.join()
        customers.check("mitigate")
        expect(honest == [True], "the slow upload did not come through")
    finally:
        told = attack.stop()
        customers.close()
    after = gate.counts()
    expect(set(grown(before[0], after[0])) <= {reason, "behaviour.source_blocked"}, "mitigate ended %s" % grown(before[0], after[0]))
    if name != "crowd":
        expect(told["reset"] >= PLACES // 2, "few of the attacker's connections were reset: %s" % told)
        expect(after[2] > before[2], "no reset was sent")
    gate.rig.books_balance()


GATES = {}


def test_of(name, v6, vlan):
    def test():
        if vlan not in GATES:
            GATES[vlan] = Gate(100 if vlan else None)
        unprotected(GATES[vlan], name, v6)
        protected(GATES[vlan], name, v6)
    test.__name__ = "%s_ipv%d%s" % (name, 6 if v6 else 4, "_vlan" if vlan else "")
    return test


def tests():
    soak = os.environ.get("TIDEGATE_SOAK") == "1"
    cells = [(False, False), (True, False), (False, True), (True, True)]
    chosen = []
    for i, name in enumerate(ATTACKS):
        if name in HARMLESS and not soak:
            continue
        for v6, vlan in cells if soak else [cells[i % 4]]:
            chosen.append((vlan, i, name, v6))
    return [test_of(name, v6, vlan) for vlan, _, name, v6 in sorted(chosen)]


if __name__ == "__main__":
    if subprocess.run(["which", "nginx"], capture_output=True, check=False).returncode != 0:
        raise SystemExit(print("skip test_slow nginx is not installed") or 0)
    wanted = [t for t in tests() if len(sys.argv) < 3 or t.__name__.startswith(sys.argv[2])]
    try:
        main(*wanted)
    finally:
        for opened in GATES.values():
            opened.close()
