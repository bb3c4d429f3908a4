#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Wants the cores.
"""Real customers beside stateless floods: pings both ways, a stream by iperf3, clocks that ask
chrony, tracepath that finds the path's MTU, pages by HTTP/3. They go on while one flood after the
other comes, and none of them notices.

By default IPv6 with a tag; TIDEGATE_SOAK=1 runs all four.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time

from load import Tap, sent, start_sending, write_attack
from rig import IN4, IN6, OUT4, OUT6, Failed, Rig, Skipped, expect, main, run, wait_until, within

PPS, SECONDS = 4000, 1.0
CONFIG = """
policies = (
  {{ name = "web"; mode = "learn"; detection = {{ activate_after = "100ms"; clear_after = "2s"; }};
    vectors = ( {vectors} );
    sanity = {{ private_sources = "allow"; }};
    flows = {{ ipv6_prefix = 128; }};
    protocols = {{ allow = [ "esp" ]; others = "pass"; }};
    reflection = {{ learning_time = "0s"; }}; }},
  {{ name = "time"; extends = "web";
    udpauth = {{ method = "off"; validate = ( {{ name = "ntp"; ports = [ "123" ]; always = true;
      expression = "udp[8] & 7 = 3 or udp[8] & 7 = 4"; }} ); }}; }} );
services = (
  {{ name = "clock"; prefixes = [ "{v4}/32", "{v6}/128" ]; protocol = "udp"; ports = [ "123" ]; policy = "time"; }},
  {{ name = "pages"; prefixes = [ "{v4}/32", "{v6}/128" ]; protocol = "udp"; ports = [ "443" ]; policy = "web"; }},
  {{ name = "shop"; prefixes = [ "{v4}/32", "{v6}/128" ]; policy = "web"; }} );
"""
RATES = (("tcp_syn_flood", 500, 200), ("tcp_other_flood", 5000, 500), ("udp_flood", 1000, 200),
         ("icmp_flood", 500, 100), ("fragment_flood", 500, 100), ("other_flood", 500, 100))
FLOODS = ("reflect_ntp_monlist", "reflect_dns_any", "reflect_memcached", "udp_random_ports", "icmp_echo",
          "blacknurse", "fragment_rests", "gre_ip", "quic_initial", "ntp_monlist")
# A far host behind a line that carries less.
FAR4, HOP4, FAR6, HOP6, FAR_MTU = "10.67.0.2", "10.67.0.1", "fd67::2", "fd67::1", 1300


def in_namespace(name, *command):
    return [*within(name), *command]


class World:
    """A shop with servers, an internet with customers, and a far host behind it."""

    def __init__(self, vlan):
        for tool in ("chronyd", "iperf3", "tracepath", "gtlsserver", "gtlsclient", "openssl"):
            if shutil.which(tool) is None:
                raise Skipped(tool + " is not installed")
        self.rig = Rig(vlan=vlan)
        self.servers, self.far = [], self.rig.prefix + "f"
        try:
            vectors = ", ".join('{ vector = "%s"; activate_rate = "%dpps"; max_rate = "%dpps"; }' % r for r in RATES)
            expect(self.rig.start(self.rig.config(more=CONFIG.format(vectors=vectors, v4=IN4, v6=IN6))), self.rig.log)
            self._far_host()
            self._servers()
            self.tap = Tap(self.rig.shop, "in0")
        except BaseException:
            self.close()
            raise

    def _far_host(self):
        rig = self.rig
        run("ip", "netns", "add", self.far)
        run("ip", "-n", self.far, "link", "set", "lo", "up")
        run("ip", "-n", rig.internet, "link", "add", "far0", "type", "veth", "peer", "name", "hop0", "netns", self.far)
        run(*within(rig.internet), "sysctl", "-qw", "net.ipv4.ip_forward=1",
            "net.ipv6.conf.all.forwarding=1")
        for name, interface, v4, v6 in ((rig.internet, "far0", HOP4, HOP6), (self.far, "hop0", FAR4, FAR6)):
            run("ip", "-n", name, "link", "set", interface, "mtu", str(FAR_MTU), "up")
            run("ip", "-n", name, "addr", "add", v4 + "/24", "dev", interface)
            run("ip", "-n", name, "addr", "add", v6 + "/64", "dev", interface, "nodad")
        for route, via in ((IN4 + "/32", HOP4), (IN6 + "/128", HOP6)):
            run("ip", "-n", self.far, "route", "add", route, "via", via)
        for route, via in (("10.67.0.0/24", OUT4), ("fd67::/64", OUT6)):
            run("ip", "-n", rig.shop, "route", "add", route, "via", via)

    def _servers(self):
        rig = self.rig
        with open(rig.path("chrony.conf"), "w", encoding="ascii") as f:
            f.write("local stratum 8\nallow all\ncmdport 0\nbindcmdaddress /\nuser root\npidfile %s\n"
                    "driftfile %s\nratelimit interval 1 burst 16 leak 1\n" % (rig.path("chronyd.pid"), rig.path("drift")))
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=shop.example", "-keyout", rig.path("key.pem"), "-out", rig.path("cert.pem"))
        os.mkdir(rig.path("pages"))
        with open(rig.path("pages/page"), "w", encoding="ascii") as f:
            f.write("Welcome to the shop. " * 1000)
        for command in (["chronyd", "-n", "-x", "-f", rig.path("chrony.conf")], ["iperf3", "-s"],
                        ["gtlsserver", "-q", "-d", rig.path("pages"), "*", "443", rig.path("key.pem"),
                         rig.path("cert.pem")]):
            self.servers.append(subprocess.Popen(in_namespace(rig.shop, *command), stdout=subprocess.DEVNULL,
                                                 stderr=subprocess.DEVNULL))
        wait_until(lambda: "5201" in run(*in_namespace(rig.shop, "ss", "-Hltn")), "iperf3 does not listen", 10)
        wait_until(lambda: ":443" in run(*in_namespace(rig.shop, "ss", "-Hlun")), "gtlsserver does not listen", 10)
        wait_until(lambda: ":123" in run(*in_namespace(rig.shop, "ss", "-Hlun")), "chronyd does not listen", 10)

    def close(self):
        for server in self.servers:
            server.terminate()
            server.wait()
        if hasattr(self, "tap"):
            self.tap.close()
        subprocess.run(["ip", "netns", "del", self.far], check=False, stderr=subprocess.DEVNULL)
        self.rig.close()


class Customers:
    """What goes on beside the floods; each complaint names the flood it came in."""

    def __init__(self, world, v6, seconds):
        self.world, self.v6, self.flood = world, v6, "calm"
        self.complaints, self.served, self.going = [], {}, threading.Event()
        self.going.set()
        here, there = (OUT6, IN6) if v6 else (OUT4, IN4)
        rig = world.rig
        self.streams = {
            "ping of the shop": (rig.internet, ["ping", "-q", "-n", "-i", "0.1", "-c", str(int(seconds * 10)), there]),
            "ping by the shop": (rig.shop, ["ping", "-q", "-n", "-i", "0.1", "-c", str(int(seconds * 10)), here]),
            "stream": (rig.internet, ["iperf3", "-u", "-b", "1M", "-l", "1000", "-J", "-t", str(int(seconds)), "-c", there]),
        }
        self.running = {name: subprocess.Popen(in_namespace(where, *command), stdout=subprocess.PIPE, text=True)
                        for name, (where, command) in self.streams.items()}
        self.threads = [threading.Thread(target=self._again, args=(what,)) for what in (
            self._clock, self._path, self._page)]
        for thread in self.threads:
            thread.start()

    def _again(self, what):
        while self.going.is_set():
            flood, begun = self.flood, time.monotonic()
            wrong = what()
            if wrong:
                self.complaints.append("%s in %s: %s" % (what.__name__[1:], flood, wrong[-160:].replace("\n", " ")))
            self.served[what.__name__] = self.served.get(what.__name__, 0) + 1
            time.sleep(max(0.3 - (time.monotonic() - begun), 0))

    def _do(self, where, *command, seconds=8):
        try:
            done = subprocess.run(in_namespace(where, *command), capture_output=True, text=True, timeout=seconds,
                                  check=False)
        except subprocess.TimeoutExpired:
            return -1, "no end within %d s" % seconds
        return done.returncode, done.stdout + done.stderr

    def _clock(self):
        code, said = self._do(self.world.rig.internet, "chronyd", "-Q", "-t", "3", "-f", "/dev/null", "cmdport 0",
                              "pidfile " + self.world.rig.path("asks.pid"), "user root", "server %s iburst maxsamples 1" % (IN6 if self.v6 else IN4))
        return "" if code == 0 and "offset" in said.lower() or "System clock wrong" in said else "chrony: " + said[-300:]

    def _path(self):
        code, said = self._do(self.world.rig.shop, "tracepath", "-n", "-m", "4", FAR6 if self.v6 else FAR4)
        # The kernel remembers what it found: each time anew.
        run("ip", "-n", self.world.rig.shop, *(["-6"] if self.v6 else []), "route", "flush", "cache")
        found = re.search(r"pmtu %d\b" % FAR_MTU, said) and "reached" in said
        return "" if code == 0 and found else "tracepath: " + said[-300:]

    def _page(self):
        to = self.world.rig.path("got%d" % self.v6)
        shutil.rmtree(to, ignore_errors=True)
        os.mkdir(to)
        there = IN6 if self.v6 else IN4
        uri = "https://%s/page" % ("[%s]" % there if self.v6 else there)
        code, said = self._do(self.world.rig.internet, "gtlsclient", "-q", "--exit-on-all-streams-close", "--download", to,
                              there, "443", uri)
        got = os.path.join(to, "page")
        whole = os.path.exists(got) and os.path.getsize(got) == 21000
        return "" if whole else "HTTP/3: exit %d, %s" % (code, said[-200:])

    def end(self):
        """Stop, and expect that nobody noticed anything."""
        self.going.clear()
        for thread in self.threads:
            thread.join()
        for name, process in self.running.items():
            said = process.communicate(timeout=30)[0]
            if name == "stream":
                told = json.loads(said)
                lost = told["end"]["sum"]["lost_packets"] if "sum" in told["end"] else "all"
            else:
                lost = int(re.search(r"(\d+) packets transmitted, (\d+) received", said).group(1)) - \
                    int(re.search(r"(\d+) packets transmitted, (\d+) received", said).group(2))
            if lost:
                self.complaints.append("%s: %s packets lost" % (name, lost))
        for name in ("_clock", "_path", "_page"):
            if self.served.get(name, 0) < 3:
                self.complaints.append("%s was tried only %d times" % (name[1:], self.served.get(name, 0)))
        if self.complaints:
            raise Failed("\n".join(sorted(set(self.complaints))[:8]))


def flood_of(world, name, v6):
    there = IN6 if v6 else IN4
    return write_attack(world.rig, "%s%d" % (name, v6), "%s,dst=%s,rate=%d,duration=%dms,family=%d" % (
        name, there, PPS, SECONDS * 1000, 6 if v6 else 4))


def arriving(world, capture, mode):
    """How many frames of the flood reached the shop, of how many."""
    world.rig.put("mode", {"mode": mode})
    world.tap.take()
    # A glance is enough to see that it arrives.
    told = sent(start_sending(world.rig, capture, *(["--duration", "400ms"] if mode == "learn" else [])))
    time.sleep(0.1)
    return len(world.tap.take()), told["sent"]


def missed(world):
    """What the gate's ports lost by themselves: a machine that others load does that."""
    return sum(p["missed_packets"] + p["buffer_failures"] for p in world.rig.ports().values())


def beside(v6, vlan):
    names = [n for n in FLOODS if not (v6 and n == "blacknurse")]
    world = World(100 if vlan else None)
    try:
        captures = {n: flood_of(world, n, v6) for n in names}
        for name in names:
            before = missed(world)
            got, of = arriving(world, captures[name], "learn")
            lost = missed(world) - before
            expect(got > 0.3 * of and got + lost >= 0.6 * of, "learn: %d of %d of %s arrived, the ports missed %d" % (
                got, of, name, lost))
        world.rig.put("mode", {"mode": "mitigate"})
        customers = Customers(world, v6, len(names) * (SECONDS + 0.6) + 5)
        time.sleep(2.5)
        through = {}
        try:
            for name in names:
                customers.flood = name
                through[name] = arriving(world, captures[name], "mitigate")
                time.sleep(0.2)
        finally:
            customers.flood = "calm again"
            customers.end()
        # 100 ms of activate_rate before it arms, then at most what the quotas leave.
        for name, (got, of) in through.items():
            expect(got <= 0.25 * of, "mitigate: %d of %d of %s arrived" % (got, of, name))
        world.rig.books_balance()
    finally:
        world.close()


def test_of(v6, vlan):
    def test():
        for _ in range(2):
            try:
                return beside(v6, vlan)
            except Failed as why:
                print("  again:", why, file=sys.stderr, flush=True)
        return beside(v6, vlan)
    test.__name__ = "nobody_notices_ipv%d%s" % (6 if v6 else 4, "_vlan" if vlan else "")
    return test


if __name__ == "__main__":
    cells = [(True, True)]
    if os.environ.get("TIDEGATE_SOAK") == "1":
        cells += [(False, False), (False, True), (True, False)]
    main(*[test_of(*cell) for cell in cells])
