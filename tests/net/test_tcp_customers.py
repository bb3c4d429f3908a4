#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Wants the cores.
"""What customers do with connections that the gate opened for them, under a flood of SYNs.

TLS and HTTP/2, bulk both ways at once, thousands of short connections, connections that
say nothing for a while and outlive a reload, a change of the policy and the flood itself,
Fast Open, and paths that carry less than their ends believe.
"""
import contextlib
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wirecheck  # noqa: E402
from load import PAGE  # noqa: E402
from test_reload import put_file, reload  # noqa: E402
from rig import IN4, IN6, expect, inside, main, run, wait_until, within  # noqa: E402
from tcpworld import EXCHANGE, World, needs  # noqa: E402

SOAK = os.environ.get("TIDEGATE_SOAK") == "1"
OPEN = []


def world():
    """One flooded shop for most of what follows."""
    if not OPEN:
        OPEN.append(World(2 << 20, fast_open=True))
    if OPEN[0].sender is None:
        OPEN[0].flood("both")
    return OPEN[0]


def tls_and_http2():
    w = world()
    for v6 in (False, True):
        with w.spliced(4):
            expect(w.download(v6, "https", "--http1.1").endswith(" 1.1"), "curl does not speak HTTP/1.1")
            expect(w.download(v6, "https", "--http2").endswith(" 2"), "curl does not speak HTTP/2")
            w.upload(v6, "https", "--http2")
            # Eight streams in one connection.
            host = "[%s]" % IN6 if v6 else IN4
            w.curl(v6, "/blob", "https", "--http2", "-o", "/dev/null",
                   *[x for _ in range(7) for x in ("-o", "/dev/null", "https://%s/blob" % host)], "--parallel")


def iperf3_both_ways():
    needs("iperf3")
    w = world()
    size = "1G" if SOAK else "24M"
    for v6 in (False, True):
        for way in ((), ("-R",), ("--bidir",)):
            server = subprocess.Popen([*within(w.rig.shop), "iperf3", "-s", "-1", "-p", "5201"],
                                      stdout=subprocess.DEVNULL)
            try:
                wait_until(lambda: listens(w, 5201), "iperf3 does not listen")
                # One connection for control, one for data, and one more for two ways at once.
                both = way == ("--bidir",)
                with w.spliced(3 if both else 2, may_reset=True):
                    limit = ("-t", "1") if both else ("-n", size)
                    told = w.inside_program("internet", "iperf3", "-c", IN6 if v6 else IN4, *limit, "-J", *way)
                    result = json.loads(told.stdout)
                    expect("error" not in result, "iperf3: %s" % result.get("error"))
                    end = result["end"]["sum_received"]
                    expect(end["bytes"] > 1 << 20, "iperf3 moved %s" % end)
            finally:
                server.terminate()
                server.wait()


def listens(w, port):
    with inside(w.rig.shop):
        with open("/proc/thread-self/net/tcp6", encoding="ascii") as f:
            return any(":%04X " % port in line and " 0A " in line for line in f)


def many_short_connections():
    """Every one of them is made by the gate; not one fails."""
    needs("wrk")
    w = world()
    seconds = 30 if SOAK else 2
    for v6 in (False, True):
        before = w.accepted()
        url = "http://%s/" % ("[%s]" % IN6 if v6 else IN4)
        told = w.inside_program("internet", "wrk", "-c", "16", "-t", "1", "-d", "%ds" % seconds, "-H",
                                "Connection: close", url, seconds=seconds + 20).stdout
        requests = int(re.search(r"(\d+) requests in", told).group(1))
        expect("Socket errors" not in told and "Non-2xx" not in told, told)
        expect(requests > 100 * seconds, "only %d requests" % requests)
        spliced = w.accepted() - before
        expect(spliced >= requests, "%d requests and %d spliced connections" % (requests, spliced))


def fast_open():
    """A cookie from quiet time is worth nothing now, a request for one is answered without; both are served."""
    w = world()
    for namespace in (w.rig.internet, w.rig.shop):
        run(*within(namespace), "sysctl", "-qw", "net.ipv4.tcp_fastopen=3")
    w.calm()
    wait_until(lambda: not w.is_armed(), "the attack never ends", 15)
    for v6 in (False, True):
        for _ in range(2):
            ask_fast(w, v6)
    w.flood("both")
    for v6 in (False, True):
        with w.spliced(3):
            for _ in range(3):
                ask_fast(w, v6)


def ask_fast(w, v6):
    size = 3000
    sock = w.rig.socket("internet", socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
    with sock:
        sock.settimeout(20)
        head, done = struct.pack("!Q", size) + w.blob[:size], 0
        # Without a cookie the kernel takes nothing yet and connects as ever.
        with contextlib.suppress(BlockingIOError):
            done = sock.sendto(head, socket.MSG_FASTOPEN, (IN6 if v6 else IN4, EXCHANGE))
        expect(select.select([], [sock], [], 20)[1], "no connection is made")
        sock.sendall(head[done:])
        expect(answer_of(sock, size) == w.blob[:size], "other bytes came back")


def answer_of(sock, size):
    got = b""
    while len(got) < 32 + size and (more := sock.recv(65536)):
        got += more
    return got[32:]


def connections_outlive_everything():
    """Reload, another method, no method, mode learn, bypass, the end of the flood, and silence."""
    w = world()
    size = 200000
    with w.spliced(4):
        held = [w.both_ways(v6, size) for v6 in (False, True) for _ in range(2)]

        def all_talk(when):
            for sock in held:
                try:
                    w.both_ways(None, size, sock)
                except OSError as why:
                    expect(False, "%s: %s" % (when, why))

        for when, text in (("after a reload", w.text), ("with another method", w.text.replace('"auto"', '"drop_first"')),
                           ("with no method", w.text.replace('"auto"', '"off"')), ("with the first method", w.text)):
            put_file(w.rig, text)
            reload(w.rig, False)
            all_talk(when)
        for mode in ("learn", "monitor", "mitigate"):
            w.rig.put("mode", {"mode": mode})
            all_talk("in mode " + mode)
        w.rig.put("bypass", {"enabled": True})
        time.sleep(0.05)
        all_talk("in bypass")
        w.rig.put("bypass", {"enabled": False})
        w.calm()
        wait_until(lambda: not w.is_armed(), "the attack never ends", 15)
        all_talk("after the attack")
        time.sleep(180 if SOAK else 3)
        all_talk("after silence")
        w.flood("both")
        all_talk("in the next attack")
        for sock in held:
            sock.close()


def connections_from_before_the_flood():
    """They are adopted: their numbers stay their own, before, during and after."""
    w = world()
    w.calm()
    wait_until(lambda: not w.is_armed(), "the attack never ends", 15)
    before = w.accepted()
    held = [w.both_ways(v6, 100000) for v6 in (False, True)]
    expect(w.accepted() == before, "a connection in quiet time was spliced")
    w.flood("both")
    for sock in held:
        w.both_ways(None, 300000, sock)
        sock.close()


def settle_narrow(w):
    """far --1500-- hop --1300-- internet: whoever sends 1,500 bytes is told by a router."""
    rig = w.rig
    far, hop = rig.prefix + "f", rig.prefix + "h"
    for name in (far, hop):
        run("ip", "netns", "add", name)
        rig.between.append(name)
        run("ip", "-n", name, "link", "set", "lo", "up")
    for a, b, mtu, x, y in ((far, hop, 1500, "f0", "h0"), (hop, rig.internet, 1300, "h1", "i1")):
        run("ip", "link", "add", "name", x + rig.prefix[-4:], "netns", a, "type", "veth", "peer", "name", y + rig.prefix[-4:],
            "netns", b)
        for name, old, new in ((a, x, x), (b, y, y)):
            run("ip", "-n", name, "link", "set", old + rig.prefix[-4:], "name", new)
            run("ip", "-n", name, "link", "set", new, "mtu", str(mtu), "up")
    for name in (hop, rig.internet):
        run(*within(name), "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
            "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0")
    for name, interface, v4, v6 in ((far, "f0", "10.68.1.2", "fd68:1::2"), (hop, "h0", "10.68.1.1", "fd68:1::1"),
                                    (hop, "h1", "10.68.2.2", "fd68:2::2"), (rig.internet, "i1", "10.68.2.1", "fd68:2::1")):
        run("ip", "-n", name, "addr", "add", v4 + "/24", "dev", interface)
        run("ip", "-n", name, "addr", "add", v6 + "/64", "dev", interface, "nodad")
    for name, net4, via4, net6, via6 in (
            (far, "default", "10.68.1.1", "default", "fd68:1::1"), (hop, "default", "10.68.2.1", "default", "fd68:2::1"),
            (rig.internet, "10.68.1.0/24", "10.68.2.2", "fd68:1::/64", "fd68:2::2"),
            (rig.shop, "10.68.0.0/16", "10.66.0.1", "fd68::/16", "fd66::1")):
        run("ip", "-n", name, "route", "add", net4, "via", via4)
        run("ip", "-n", name, "-6", "route", "add", net6, "via", via6)
    return far


def paths_that_carry_less():
    """RFC 1191, RFC 8201: the routers' errors name what the receiver of the error has sent."""
    w = World(1 << 20)
    try:
        far = settle_narrow(w)
        # Without this a router may be asked before it knows its neighbour.
        w.flood("both")
        for v6 in (False, True):
            with w.spliced(1):
                with inside(far):
                    sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
                sock.settimeout(20)
                sock.connect((IN6 if v6 else IN4, EXCHANGE))
                with sock:
                    began = time.monotonic()
                    w.both_ways(v6, None, sock)
                    expect(time.monotonic() - began < 10, "it took %.1f s" % (time.monotonic() - began))
        for namespace, to4, to6 in ((w.rig.shop, "10.68.1.2", "fd68:1::2"), (far, IN4, IN6)):
            for to in (to4, to6):
                route = run("ip", "-n", namespace, "route", "get", to)
                expect("mtu 1300" in route, "no error was believed: %s" % route)
    finally:
        w.close()


def page_after_page():
    """One connection that is kept, a page at a time, and what each side of the gate saw of it."""
    w = world()
    captures = wirecheck.Captures(w.rig, "pages")
    try:
        for v6 in (False, True):
            with w.spliced(1), w.connect(v6, port=80) as sock:
                for _ in range(50):
                    sock.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
                    got = b""
                    while PAGE.encode() not in got:
                        more = sock.recv(65536)
                        expect(more, "the connection ended")
                        got += more
    finally:
        paths = captures.stop()
    faults, seen = wirecheck.check(*paths)
    expect(not faults and seen >= 2, "%d connections: %s" % (seen, "\n".join(faults[:10])))


def a_gate_that_restarts():
    """SIGTERM in the middle: connections of the old process are not spliced in the new one, and end with resets."""
    w = World(1 << 20)
    try:
        w.flood("4")
        sock = w.both_ways(False, 1000)
        w.calm()
        expect(w.rig.stop(signal.SIGTERM) == 0, w.rig.log)
        expect(w.rig.start(w.text), w.rig.log)
        time.sleep(0.3)
        w.settle(False)
        w.flood("4")
        with w.spliced(1, may_reset=True):
            w.both_ways(False, 1000).close()
        sock.close()
    finally:
        w.close()


def in_order():
    w = world()
    w.calm()
    w.rig.books_balance()


if __name__ == "__main__":
    if os.geteuid() == 0:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    TESTS = [page_after_page, tls_and_http2, iperf3_both_ways, many_short_connections, fast_open,
             connections_from_before_the_flood, connections_outlive_everything, in_order, paths_that_carry_less,
             a_gate_that_restarts]
    began = time.monotonic()
    try:
        main(*[t for t in TESTS if len(sys.argv) < 3 or any(part in t.__name__ for part in sys.argv[2:])])
    finally:
        for opened in OPEN:
            opened.close()
        print("  took %.0f s" % (time.monotonic() - began), file=sys.stderr)
