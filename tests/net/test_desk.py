#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
# Takes long.
"""The operator's desk: the command and the API against a gate that works.

What is said is compared with what happens on the wire: a block must stop real
packets, and what explain says of an address must be why they stopped.
"""
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "replay"))
import frames as lay  # noqa: E402

from load import ATTACKER, Tap, sent, start_sending
from rig import IN4, IN6, TOKEN, Failed, Rig, Skipped, expect, inside, main, program, wait_until

NOISE = 4  # this machine may be shared: times are allowed to be so much worse
BAD4, BAD6 = "198.51.100.7", "2001:db8:b::7"
CALM4, CALM6 = "198.18.6.6", "2001:db8:c::66"

CONFIG = """
lists = ( { name = "bad"; action = "deny"; prefixes = [ "198.51.100.0/24", "2001:db8:b::/48" ]; } );
policies = (
  { name = "web"; mode = "mitigate"; detection = { activate_after = "100ms"; clear_after = "1s"; hold_for = "1s"; };
    sanity = { private_sources = "allow"; };
    udpauth = { method = "off"; };
    vectors = ( { vector = "udp_flood"; activate_rate = "500pps"; max_rate = "200pps"; } ); },
  { name = "apart"; mode = "mitigate"; sanity = { private_sources = "allow"; }; sources = { packets = "2kpps"; }; } );
services = (
  { name = "apart"; prefixes = [ "10.66.0.2/32", "fd66::2/128" ]; protocol = "udp"; ports = [ "7000" ]; policy = "apart"; },
  { name = "shop"; prefixes = [ "10.66.0.2/32", "fd66::2/128" ]; policy = "web"; } );
"""


class Desk:
    """One gate for all tests, mitigating, with its API on both kinds of socket."""

    def __init__(self):
        self.rig = Rig()
        text = self.rig.config(more=CONFIG)
        text = text.replace('listen = [ "unix:', 'listen = [ "127.0.0.1:9686", "unix:')
        self.rig.write_config(text)
        expect(self.rig.start(text), self.rig.log)
        self.tap = Tap(self.rig.shop, "in0")
        with open(self.rig.path("token"), "w", encoding="ascii") as f:
            f.write(TOKEN + "\n")
        self.out = self.rig.raw("internet")

    def cli(self, *args, code=0, token=True):
        """What the command prints."""
        words = [program("app/tidegate/tidegate"), "--api", "unix:" + self.rig.path("api.sock")]
        words += ["--token-file", self.rig.path("token" if token else "no-token")]
        done = subprocess.run(words + list(args), capture_output=True, text=True, timeout=20, check=False)
        expect(done.returncode == code, "tidegate %s: exit code %d instead of %d: %s%s" % (
            " ".join(args), done.returncode, code, done.stdout, done.stderr))
        return done.stdout + done.stderr

    def show(self, *args):
        """The document that the command prints with --json."""
        return json.loads(self.cli("--json", *args))

    def passes(self, source, count=10, port=7000):
        """How many of some packets of the source arrive."""
        self.tap.take()
        target = IN6 if ":" in source else IN4
        for i in range(count):
            frame = lay.udp(source, target, 3000 + i, port, b"desk" * 10)
            self.out.send(frame[:6] + ATTACKER + frame[12:])
        time.sleep(0.3)
        return len(self.tap.take())

    def events(self):
        with open(self.rig.path("events.json"), encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def get_tcp(self, path, host=None, timeout=10):
        """GET by TCP in the gate's namespace: (status, text)."""
        connection = http.client.HTTPConnection("127.0.0.1", 9686, timeout=timeout)
        connection.sock = self.tcp(timeout)
        connection.request("GET", path, headers={"Host": host or "127.0.0.1:9686"})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def tcp(self, timeout=10):
        with inside(self.rig.gate):
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.settimeout(timeout)
            sock.connect(("127.0.0.1", 9686))
        return sock


DESK = []


def desk():
    if not DESK:
        DESK.append(Desk())
    return DESK[0]


def the_command_shows_the_box():
    d = desk()
    d.passes(CALM4)
    status = d.show("status")
    expect(status["node"] == "rig" and status["mode"] == "mitigate" and status["services"] == 2, "status: %s" % status)
    expect(status["total"]["books"]["balanced"] is True, "the books do not balance: %s" % status["total"])
    expect({s["name"] for s in d.show("services")["services"]} >= {"shop", "apart"}, "services")
    expect(len(d.show("ports")["ports"]) == 2 and len(d.show("workers")["workers"]) == 1, "ports and workers")
    texts = {r["reason"]: r["help"] for r in d.show("reasons")["reasons"]}
    expect("shape.udp_flood" in texts and all(texts.values()), "a reason without help: %s" % texts)
    for verb, word in (("status", "rig"), ("services", "shop"), ("reasons", ""), ("ports", "ext0"), ("workers", "0"),
                       ("talkers", "sources by packets"), ("attacks", ""), ("version", "."), ("config", "policies")):
        expect(word in d.cli(verb), "%s does not show %s" % (verb, word))
    expect("OK" in d.cli("check"), "check is not well")
    d.cli("no-such-verb", code=2)
    d.cli("explain", "not-an-address", code=1)


def an_attack_is_shown_while_it_runs_and_after():
    d = desk()
    sender = start_sending(d.rig, "--rate", "3k", "--duration", "4s", "--part",
                           "udp,sources=hosts:4,from=198.18.7.0/29,dst=%s,dport=7001,family=4,duration=4s" % IN4)
    try:
        wait_until(lambda: d.show("attacks", "--active")["active"] == 1, "no attack is shown", 3)
        time.sleep(1.5)
        attack = d.show("attacks", "--active")["attacks"][0]
        expect((attack["service"], attack["vector"], attack["status"], attack["mode"]) == (
            "shop", "udp_flood", "ongoing", "mitigate"), "attack: %s" % attack)
        expect(attack["dropped_packets"] > 1000 and attack["verified_dropped_packets"] == 0, "attack: %s" % attack)
        expect(2000 < attack["peak_packets_per_second"] < 4500, "peak: %s" % attack)
        expect(attack["trigger"]["value"] > attack["trigger"]["threshold"] == 500, "trigger: %s" % attack)
        expect("udp_flood" in d.cli("attacks") and attack["attack_id"] in d.cli("attacks", attack["attack_id"]),
               "the table does not show it")
        senders = {t["address"] for t in d.show("talkers")["top"]}
        expect(len([s for s in senders if s.startswith("198.18.7.")]) == 4, "top shows %s" % senders)
        expect(IN4 in {t["address"] for t in d.show("talkers", "--destinations", "--bits")["top"]}, "top destinations")
        shop = next(s for s in d.show("services")["services"] if s["name"] == "shop")
        expect(shop["state"] == "active", "the service is %s" % shop["state"])
        told = d.show("explain", sorted(senders & {"198.18.7.%d" % i for i in range(8)})[0])
        drops = [x for x in told["drops"] if x["verdict"] == "shape.udp_flood" and x["stage"]]
        expect(drops and "shape.udp_flood" in told["sentence"], "explain of a limited source: %s" % told)
        expect("WARNING" in d.cli("check", code=1), "check does not warn")
    finally:
        sent(sender)
    wait_until(lambda: d.show("attacks", "--active")["active"] == 0, "the attack does not end", 10)
    ended = d.show("attacks")["attacks"][0]
    expect(ended["status"] == "ended" and ended["end"] is not None, "ended: %s" % ended)

    def kinds():
        return [e["attack"]["status"] for e in d.events() if e["event_type"] == "attack" and
                e["attack"].get("attack_id") == ended["attack_id"]]
    wait_until(lambda: kinds()[:1] == ["start"] and kinds()[-1:] == ["end"], "events of the attack: %s" % kinds())
    d.rig.books_balance()


def explain_tells_why_for_both_families():
    d = desk()
    for listed in (BAD4, BAD6):
        expect(d.passes(listed) == 0, "a listed source passes")
        told = d.show("explain", listed)
        expect([(x["list"], x["action"]) for x in told["lists"]] == [("bad", "deny")], "lists: %s" % told)
        expect(any(x["stage"] == "lists" and x["verdict"] == "denied" for x in told["facts"]), "facts: %s" % told)
        expect("bad" in told["sentence"] and "bad" in d.cli("explain", listed), "sentence: %s" % told["sentence"])
        expect(told["verdict"] == "blocked" and told["remedy"][0].startswith("tidegate allow add " + listed) and
               d.cli("explain", listed).startswith(listed + " is blocked: it is on the deny list"), "answer: %s" % told)
    for limited, part in (("198.18.8.8", "family=4"), ("2001:db8:c:8::8", "family=6")):
        width = 128 if ":" in limited else 32
        sender = start_sending(d.rig, "--rate", "4k", "--duration", "1s", "--part",
                               "udp,sources=hosts:1,from=%s/%d,dst=%s,dport=7000,%s" % (
                                   limited, width, IN6 if ":" in limited else IN4, part))
        time.sleep(0.8)
        told = d.show("explain", limited)
        sent(sender)
        meter = next(x for x in told["meters"] if x["what"] == "packets")
        expect(meter["stage"] == "sources" and meter["service"] == "apart" and meter["threshold"] == 100,
               "meter: %s" % meter)
        expect(meter["value"] > 90, "a source at twice its limit is at %d %%: %s" % (meter["value"], told["sentence"]))
        drop = next(x for x in told["drops"] if x["service"] == "apart")
        expect(drop["verdict"] == "sources.packets" and drop["age_seconds"] < 2, "drop: %s" % drop)
    for calm in (CALM4, CALM6):
        expect(d.passes(calm) == 10, "a calm source is stopped")
        told = d.show("explain", calm)
        expect(told["verdict"] == "passes" and " passes" in told["answer"], "a calm source: %s" % told["answer"])
        expect(not told["lists"] and not told["drops"] and all(m["verdict"] == "within" for m in told["meters"]),
               "calm: %s" % told)
    told = d.show("explain", IN4)
    expect({s["service"] for s in told["services"]} == {"shop", "apart"}, "a protected address: %s" % told)


def stream(d, source, seconds):
    """1,000 packets/s of a source that no limit hits."""
    path = d.rig.path("stream%d.pcap" % (":" in source))
    target = IN6 if ":" in source else IN4
    made = [(i * 10**6, lay.udp(source, target, 3000, 7000, struct.pack(">I", i) * 8)) for i in range(1000 * seconds)]
    lay.write_pcap(path, [(t, f[:6] + ATTACKER + f[12:]) for t, f in made])
    return start_sending(d.rig, path)


def a_block_works_at_once_and_ends():
    d = desk()
    for source in (CALM4, CALM6):
        d.tap.take()
        sender = stream(d, source, 5)
        time.sleep(0.8)
        began = time.time()
        d.cli("block", "add", source, "--for", "1500ms", "--reason", "looks bad")
        done = time.time()
        listed = d.show("block", "ls")["blocks"]
        expect(any(b["prefix"].startswith(source + "/") and b["reason"] == "looks bad" for b in listed),
               "block ls: %s" % listed)
        told = d.show("explain", source)
        expect(told["lists"] and told["lists"][0]["list"] == "timed entries", "explain of a blocked source: %s" % told)
        expect(told["verdict"] == "blocked" and told["since"] and told["until"] > told["since"] and
               "looks bad" in told["answer"] and told["remedy"] == ["tidegate block del %s/%d" % (
                   source, 128 if ":" in source else 32)], "answer: %s" % told)
        expect(any(x["what"] == "timed entry" and x["stage"] == "lists" for x in told["facts"]), "facts: %s" % told)
        sent(sender)
        at = [t for t, _ in d.tap.take()]
        gap, start = max((b - a, a) for a, b in zip(at, at[1:]))
        expect(start <= began + 0.2 * NOISE and start <= done + 0.2, "it took %.0f ms until the wire was quiet" % (
            1000 * (start - began)))
        end = start + gap
        expect(began + 1.4 <= end <= done + 1.5 + 0.2 * NOISE, "a block for 1.5 s lasted %.2f s" % (end - began))
        inside_gap = [t for t in at if start < t < end]
        expect(not inside_gap, "%d packets passed a block" % len(inside_gap))
        wait_until(lambda: not d.show("block", "ls")["blocks"], "an entry that is over is still listed")


def blocks_are_taken_back_and_allow_beats_deny():
    d = desk()
    for source, bad in ((CALM4, BAD4), (CALM6, BAD6)):
        d.cli("block", "add", source)
        expect(d.passes(source) == 0, "a blocked source passes")
        d.cli("block", "del", source)
        expect(d.passes(source) == 10, "the block was not taken back")
        d.cli("block", "del", source, code=1)
        expect(d.passes(bad) == 0, "the list does not deny")
        d.cli("allow", "add", bad, "--for", "1m")
        expect(any(b["action"] == "allow" for b in d.show("allow", "ls")["blocks"]), "allow ls")
        expect(d.passes(bad) == 10, "who is allowed by hand is denied")
        d.cli("allow", "del", bad)
        expect(d.passes(bad) == 0, "the allowance was not taken back")
    d.cli("block", "add", "10.66.0.300", code=1)
    d.cli("block", "add", CALM4, "--for", "soon", code=1)


def mode_and_bypass_show_on_the_wire():
    d = desk()
    before = d.rig.reasons()["lists.denied"]["would_packets"]
    d.cli("mode", "apart", "monitor")
    expect(d.passes(BAD4) == 10, "monitor drops")
    expect(d.rig.reasons()["lists.denied"]["would_packets"] == before + 10, "monitor does not count")
    modes = {s["name"]: s["mode"] for s in d.show("services")["services"]}
    expect(modes["apart"] == "monitor" and modes["shop"] == "mitigate", "modes: %s" % modes)
    d.cli("mode", "apart", "configured")
    expect(d.passes(BAD4) == 0, "the mode of the file does not come back")
    d.cli("mode", "nobody", "monitor", code=1)
    d.cli("bypass", "on")
    expect(d.show("status")["bypass"] is True and "bypass" in d.cli("status").lower(), "the status hides the bypass")
    expect(d.passes(BAD4) == 10 and d.passes(BAD6) == 10, "bypass stops something")
    expect("Bypass" in d.show("explain", BAD4)["sentence"], "explain does not tell of the bypass")
    d.cli("bypass", "off")
    expect(d.passes(BAD4) == 0, "bypass does not end")
    d.cli("bypass", "on", "--for", "500ms")
    wait_until(lambda: d.show("status")["bypass"] is False, "a bypass for half a second goes on")
    d.rig.books_balance()


def nothing_changes_without_a_token():
    d = desk()
    body, kind = '{"prefix": "192.0.2.1"}', {"Content-Type": "application/json"}
    expect(d.rig.ask("POST", "/api/v1/blocks", body, kind)[0] == 401, "no token")
    wrong = dict(kind, Authorization="Bearer wrong")
    expect(d.rig.ask("POST", "/api/v1/blocks", body, wrong)[0] in (401, 403), "a wrong token")
    for path, method, text in (("mode", "PUT", '{"mode": "learn"}'), ("bypass", "PUT", '{"enabled": true}'),
                               ("config/reload", "POST", "{}"), ("blocks", "DELETE", body)):
        status = d.rig.ask(method, "/api/v1/" + path, text, kind)[0]
        expect(status == 401, "%s without a token: %d" % (path, status))
    with open(d.rig.path("no-token"), "w", encoding="ascii") as f:
        f.write("\n")
    expect("token" in d.cli("bypass", "on", code=1, token=False), "the command does not say what is missing")
    status = d.show("status")
    expect(not status["bypass"] and not d.show("block", "ls")["blocks"] and status["mode"] == "mitigate",
           "something was changed: %s" % status)
    os.chmod(d.rig.path("tokens"), 0o666)
    good = dict(kind, Authorization="Bearer " + TOKEN)
    expect(d.rig.ask("POST", "/api/v1/blocks", body, good)[0] == 500, "tokens that everybody may write let somebody in")
    os.chmod(d.rig.path("tokens"), 0o600)


def audit_lines_tell_who_did_what():
    d = desk()
    d.cli("block", "add", "192.0.2.77", "--for", "1m")
    d.cli("block", "del", "192.0.2.77")
    d.rig.ask("PUT", "/api/v1/bypass", '{"enabled": true}', {"Content-Type": "application/json"})

    def told():
        lines = [e["audit"] for e in d.events() if e["event_type"] == "audit"]
        return {(a["who"], a["what"], a["status"]) for a in lines}
    wanted = {("rig", "POST /api/v1/blocks", 200), ("rig", "DELETE /api/v1/blocks", 200),
              ("", "PUT /api/v1/bypass", 401)}
    wait_until(lambda: wanted <= told(), "the events lack audit lines")
    expect(all(e["node"] == "rig" and e["timestamp"] for e in d.events()), "an event without node or time")
    expect(TOKEN not in open(d.rig.path("events.json"), encoding="utf-8").read(), "the token is in the events")


def no_daemon_is_69():
    done = subprocess.run([program("app/tidegate/tidegate"), "--api", "unix:/nonexistent/api.sock", "status"],
                          capture_output=True, text=True, check=False)
    expect(done.returncode == 69 and "does not answer" in done.stderr, "%d: %s" % (done.returncode, done.stderr))


def what_a_stopped_gate_loses_is_missed_not_forgotten():
    """A ring that nobody empties loses packets, and the port says how many, to the packet."""
    d = desk()
    d.tap.take()
    before = d.rig.settled_ports()["external"]
    sender = stream(d, CALM4, 4)
    try:
        time.sleep(0.3)
        d.rig.daemon.send_signal(signal.SIGSTOP)
        time.sleep(2.8)  # 2,800 packets, and a ring holds fewer
    finally:
        d.rig.daemon.send_signal(signal.SIGCONT)
    told = sent(sender)
    time.sleep(0.5)
    after = d.rig.books_balance()["external"]
    arrived = len(d.tap.take())
    missed = after["missed_packets"] - before["missed_packets"]
    received = after["received_packets"] - before["received_packets"]
    expect(arrived < told["sent"], "nothing was lost, so nothing is shown")
    # The kernels at both ends may say a word of their own meanwhile.
    expect(told["sent"] <= received + missed <= told["sent"] + 20, "%d sent, %d received, %d missed" % (
        told["sent"], received, missed))


def metrics_are_what_prometheus_reads():
    d = desk()
    status, text = d.get_tcp("/metrics")
    expect(status == 200, "status %d" % status)
    names = [line.split("{")[0].split()[0] for line in text.splitlines() if line and line[0] != "#"]
    expect(names and all(n.startswith("tidegate_") for n in names), "names: %s" % sorted(set(names)))
    expect(d.get_tcp("/healthz")[0] == 200 and d.get_tcp("/readyz")[0] == 200, "health")
    if shutil.which("promtool") is None:
        raise Skipped("promtool is not installed; names were looked at only")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, done.stdout + done.stderr)


def the_api_answers_while_a_flood_runs():
    d = desk()
    sender = start_sending(d.rig, "--rate", "10k", "--duration", "15s", "--part",
                           "udp,sources=random,dst=%s,dport=7001,family=4,duration=15s" % IN4)
    try:
        time.sleep(0.5)
        took = []
        for i in range(200):
            began = time.monotonic()
            d.rig.get(("status", "services", "attacks", "reasons")[i % 4])
            took.append(time.monotonic() - began)
        expect(sender.poll() is None, "the flood ended first")
        took.sort()
        expect(took[197] <= 0.05 * NOISE, "p99 of 200 requests is %.0f ms" % (1000 * took[197]))
    finally:
        sender.terminate()
        sender.communicate()
    wait_until(lambda: d.show("status")["attacks_active"] == 0, "the attack does not end", 10)


def abuse_is_refused_and_harms_nobody():
    d = desk()
    good = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
    for body in ("{", "[1, 2]", "", '{"prefix": 3}', '{"prefix": "192.0.2.1", "bogus": 1}', '{"a": 1, "a": 2}',
                 "[" * 30000, '{"prefix": "\\ud800"}'):
        status, text = d.rig.ask("POST", "/api/v1/blocks", body, good)
        expect(status == 400 and json.loads(text)["status"] == 400, "%.30r: %d %s" % (body, status, text[:200]))
    expect(d.rig.ask("POST", "/api/v1/blocks", "{}", {"Authorization": "Bearer " + TOKEN})[0] == 415, "no type")
    expect(d.rig.ask("POST", "/api/v1/status", "{}", good)[0] == 405, "a wrong method")
    expect(d.rig.ask("GET", "/api/v1/nothing")[0] == 404, "a wrong path")
    expect(d.rig.ask("GET", "/api/v1/status?bogus=1")[0] == 400, "a wrong parameter")
    expect(d.get_tcp("/api/v1/status", host="evil.example")[0] == 403, "a wrong Host")
    expect(d.get_tcp("/api/v1/status", host="127.0.0.1:9686")[0] == 200, "the right Host")
    sock = d.tcp()
    sock.sendall(b"POST /api/v1/blocks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                 b"Content-Type: application/json\r\nContent-Length: 1048576\r\n\r\n" % TOKEN.encode())
    expect(b" 413 " in sock.recv(4096), "a body of 1 MB is not refused")
    sock.close()
    slow = [d.tcp(20) for _ in range(20)]
    for s in slow:
        s.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: loc")
    began = time.monotonic()
    expect(d.get_tcp("/api/v1/status")[0] == 200 and d.rig.get("status")["node"] == "rig", "slow clients block others")
    expect(time.monotonic() - began < 1, "slow clients delay others")
    # A client that never ends its request is sent away.
    try:
        slow[0].recv(100)
    except ConnectionResetError:
        pass
    except TimeoutError as never:
        raise Failed("a client that says nothing may stay for ever") from never
    for s in slow:
        s.close()
    expect(d.passes(CALM4) == 10 and d.passes(BAD4) == 0, "the wire was hurt")
    expect(not d.show("block", "ls")["blocks"], "abuse left a block")
    d.rig.books_balance()


if __name__ == "__main__":
    try:
        main(the_command_shows_the_box, an_attack_is_shown_while_it_runs_and_after, explain_tells_why_for_both_families,
             a_block_works_at_once_and_ends, blocks_are_taken_back_and_allow_beats_deny,
             mode_and_bypass_show_on_the_wire, nothing_changes_without_a_token, audit_lines_tell_who_did_what,
             no_daemon_is_69, what_a_stopped_gate_loses_is_missed_not_forgotten, metrics_are_what_prometheus_reads, the_api_answers_while_a_flood_runs,
             abuse_is_refused_and_harms_nobody)
    finally:
        for opened in DESK:
            opened.tap.close()
            opened.rig.close()
