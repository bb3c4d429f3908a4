#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Events of a gate that works: on disk, in memory, at a web server, each kind, and how soon.

The web server is a real one, in the gate's namespace, that is well, broken, slow and
gone as the test wants it. Every event that was written anywhere fits the schema.
"""
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime

from load import sent, start_sending
from rig import IN4, Rig, Skipped, expect, inside, main, run, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEMA = os.path.join(ROOT, "lib", "event", "events.schema.json")
DISK_MS, HOOK_MS = 500, 1000  # what is promised
NOISE = 4  # this machine may be shared: times are allowed to be so much worse

CONFIG = """
policies = (
  { name = "web"; mode = "mitigate"; detection = { activate_after = "100ms"; clear_after = "500ms"; hold_for = "1s"; };
    sanity = { private_sources = "allow"; }; udpauth = { method = "off"; };
    vectors = ( { vector = "udp_flood"; activate_rate = "500pps"; max_rate = "200pps"; } ); } );
services = ( { name = "shop"; prefixes = [ "10.66.0.2/32", "fd66::2/128" ]; policy = "web"; } );
"""


class Hook(http.server.ThreadingHTTPServer):
    """Keeps the events of every body it answered with 200, and when they came."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, rig, port=0, tls=None):
        self.status, self.delay, self.got = 200, 0, []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                now = time.time()
                time.sleep(hook.delay)
                if hook.status == 200:
                    hook.got += [(now, e) for e in body["events"]]
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        with inside(rig.gate):
            super().__init__(("127.0.0.1", port), Handler)
        if tls:
            import ssl
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()

    def events(self):
        return [e for _, e in self.got]


class World:
    def __init__(self):
        self.rig = Rig()
        self.seen = []
        os.mkdir(self.rig.path("small"))
        run("mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "none", self.rig.path("small"))
        try:
            self.hook = Hook(self.rig)
            expect(self.rig.start(self.config()), self.rig.log)
        except BaseException:
            self.close()
            raise

    def config(self, more=""):
        text = self.rig.config(more=CONFIG)
        where = 'events = { file = "%s"; rotate_size = "64KiB"; keep = "2"; webhook = { url = "%s"; timeout = "500ms"; ' \
                'types = [ "attack", "bypass", "mode", "trouble", "port" ]; %s }; };' % (
                    self.file(), "http://127.0.0.1:%d/events" % self.hook.port, more)
        return re.sub(r"events = \{[^}]*\};", lambda _: where, text)

    def file(self):
        return os.path.join(self.rig.path("small"), "events.json")

    def on_disk(self):
        """All lines of the file and its forerunners, in order; a half line is no event yet."""
        found = []
        for name in (self.file() + ".2", self.file() + ".1", self.file()):
            if os.path.exists(name):
                with open(name, encoding="utf-8") as f:
                    found += [json.loads(line) for line in f.read().split("\n")[:-1]]
        return found

    def find(self, kind, status=None, **wanted):
        """The last such event in memory, or None."""
        for e in reversed(self.rig.get("events?type=%s&limit=256" % kind)["events"]):
            inner = e[kind]
            if status in (None, inner.get("status")) and all(inner.get(k) == v for k, v in wanted.items()):
                return e
        return None

    def sink(self, name):
        return next(s for s in self.rig.get("status")["events"]["sinks"] if s["sink"] == name)

    def close(self):
        if hasattr(self, "hook"):
            self.hook.close()
        with_daemon = self.rig.daemon is not None
        if with_daemon:
            self.rig.stop(signal.SIGKILL)
        run("umount", "-l", self.rig.path("small"), check=False)
        self.rig.close()


WORLD = []


def world():
    if not WORLD:
        WORLD.append(World())
    return WORLD[0]


def seconds_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def an_attack_is_on_disk_and_at_the_server_at_once():
    w = world()
    sender = start_sending(w.rig, "--rate", "3k", "--duration", "2s", "--part",
                           "udp,sources=hosts:4,from=198.18.7.0/29,dst=%s,dport=7001,family=4,duration=2s" % IN4)
    disk = None
    until = time.monotonic() + 5
    while disk is None and time.monotonic() < until:
        time.sleep(0.005)
        if any(e["event_type"] == "attack" and e["attack"]["status"] == "start" for e in w.on_disk()):
            disk = time.time()
    expect(disk is not None, "the attack is not in the file")
    wait_until(lambda: any(e["event_type"] == "attack" for e in w.hook.events()), "the server was not told")
    sent(sender)
    at = next(t for t, e in w.hook.got if e["event_type"] == "attack" and e["attack"]["status"] == "start")
    start = seconds_of(w.find("attack", "start")["attack"]["start"])
    on_disk_ms, at_hook_ms = 1000 * (disk - start), 1000 * (at - start)
    print("  attack start to event on disk %.0f ms, at the web server %.0f ms" % (on_disk_ms, at_hook_ms), flush=True)
    expect(on_disk_ms <= DISK_MS * NOISE, "the event was on disk after %.0f ms" % on_disk_ms)
    expect(at_hook_ms <= HOOK_MS * NOISE, "the web server was told after %.0f ms" % at_hook_ms)
    wait_until(lambda: w.find("attack", "end"), "the attack does not end", 10)
    told = w.find("attack", "end")["attack"]
    trigger = w.find("attack", "start")["attack"]["trigger"]
    expect(told["dropped_packets"] > 500 and told["duration_seconds"] > 1, "end: %s" % told)
    expect(trigger["value"] > trigger["threshold"] == 500 and trigger["window_seconds"] > 0, "trigger: %s" % trigger)


def every_kind_is_told():
    w = world()
    rig = w.rig
    rig.post("blocks", {"prefix": "192.0.2.7", "for": "1s", "reason": "<b>bad</b>"})
    rig.post("blocks", {"prefix": "192.0.2.8", "action": "allow"})
    rig._http("DELETE", "blocks", json.dumps({"prefix": "192.0.2.8", "action": "allow"}))
    rig.put("services/shop/mode", {"mode": "monitor", "for": "1s"})
    rig.put("bypass", {"enabled": True, "for": "1s"})
    rig.post("config/reload", {})
    expect(rig.ask("PUT", "/api/v1/bypass", "{}", {"Authorization": "Bearer guess"})[0] in (401, 403), "a guess")
    run("ip", "-n", rig.internet, "link", "set", "out0", "down")
    wait_until(lambda: w.find("port", "down"), "a port that is down is not told")
    run("ip", "-n", rig.internet, "link", "set", "out0", "up")
    wait_until(lambda: w.find("port", "up"), "a port that is up again is not told")
    for kind, wanted in (("block", {"made_by": "operator", "reason": "<b>bad</b>"}), ("block", {"action": "allow"}),
                         ("unblock", {"cause": "expired"}), ("unblock", {"cause": "taken_back"}),
                         ("mode", {"mode": "monitor", "cause": "set"}), ("mode", {"mode": "configured", "cause": "expired"}),
                         ("bypass", {"enabled": True}), ("bypass", {"enabled": False, "cause": "expired"}),
                         ("config", {"result": "ok"}), ("audit", {"who": "rig", "status": 200}),
                         ("audit", {"who": "", "status": 401}), ("daemon", {"status": "start"})):
        wait_until(lambda kind=kind, wanted=wanted: w.find(kind, **wanted), "no event %s %s" % (kind, wanted))
    last = rig.get("events?limit=1")["last_seq"]
    rig.put("bypass", {"enabled": False})
    wait_until(lambda: rig.get("events?since=%d" % last)["last_seq"] > last, "nothing new")
    new = rig.get("events?since=%d" % last)
    expect([e["seq"] for e in new["events"]] == list(range(last + 1, new["last_seq"] + 1)), "since: %s" % new)
    expect(rig.get("live")["events_seq"] >= new["last_seq"], "live has no number")


def a_broken_server_gets_all_of_it_later_and_in_order():
    w = world()
    wait_until(lambda: w.sink("webhook")["waiting"] == 0, "the server is well, and events wait: %s" % w.sink("webhook"))
    before = len(w.hook.got)

    def toggle(n):
        for i in range(n):
            w.rig.put("bypass", {"enabled": i % 2 == 0})
    w.hook.status = 500
    toggle(6)
    wait_until(lambda: w.find("trouble", "start", what="events.webhook"), "trouble with the server is not told")
    expect(w.sink("webhook")["state"] == "broken" and w.sink("webhook")["waiting"] >= 6, "sink: %s" % w.sink("webhook"))
    w.hook.delay = 2
    w.hook.status = 503
    toggle(4)
    port = w.hook.port
    w.hook.close()
    old, toggles = w.hook, 6
    began = time.monotonic()
    toggle(toggles)
    expect(time.monotonic() - began < 2, "a dead server makes the API slow")
    wait_until(lambda: w.on_disk()[-1]["event_type"] in ("audit", "bypass", "trouble"), "the file stands still")
    w.hook = Hook(w.rig, port)
    w.hook.got = old.got
    wait_until(lambda: w.sink("webhook")["state"] == "well" and w.sink("webhook")["waiting"] == 0,
               "it does not come back: %s" % w.sink("webhook"), 20)
    got = [e["seq"] for e in w.hook.events()[before:] if e["event_type"] == "bypass"]
    expect(len(got) == 16, "%d of 16 events arrived" % len(got))
    expect(got == sorted(got), "out of order: %s" % got)
    expect(w.sink("webhook")["lost"] == 0, "lost: %s" % w.sink("webhook"))


def certificates_are_checked_and_a_reload_is_enough():
    w = world()
    if shutil.which("openssl") is None:
        raise Skipped("there is no openssl")
    pem, more = w.rig.path("web.pem"), 'ca_file = "%s";' % w.rig.path("cert.pem")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", w.rig.path("key.pem"), "-out",
        w.rig.path("cert.pem"))
    with open(pem, "w", encoding="ascii") as f:
        for part in ("key.pem", "cert.pem"):
            with open(w.rig.path(part), encoding="ascii") as p:
                f.write(p.read())
    plain, w.hook = w.hook, Hook(w.rig, tls=pem)
    try:
        for extra in ("", more):
            w.rig.write_config(w.config(extra).replace("http://127", "https://127"))
            w.rig.post("config/reload", {})
            w.rig.put("bypass", {"enabled": False})
            if not extra:
                wait_until(lambda: "ertificate" in str(w.find("trouble", "start", what="events.webhook")),
                           "an unknown certificate is no trouble: %s" % w.find("trouble", "start"))
                expect(not w.hook.got, "it told a server that it does not know")
        wait_until(lambda: w.hook.got, "a known certificate is refused: %s" % w.find("trouble", "start"))
    finally:
        w.hook.close()
        w.hook = plain
    w.rig.write_config(w.config())
    w.rig.post("config/reload", {})


def a_full_disk_is_told_and_over_by_itself():
    w = world()
    stuff = os.path.join(w.rig.path("small"), "stuff")
    with open(stuff, "wb", buffering=0) as f:
        for size in (4096, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass
    for i in range(60):
        w.rig.put("bypass", {"enabled": i % 2 == 1})
    wait_until(lambda: w.find("trouble", "start", what="events.file"), "a full disk is not told")
    expect(w.sink("file")["state"] == "broken" and w.sink("file")["lost"] > 0, "sink: %s" % w.sink("file"))
    os.unlink(stuff)
    wait_until(lambda: w.sink("file")["state"] == "well", "the disk has room again, and nobody noticed")
    expect(w.find("trouble", "end", what="events.file"), "the end of the trouble is not told")
    expect(any(e["event_type"] == "trouble" for e in w.on_disk()), "nor in the file")


def files_stay_small():
    w = world()
    for i in range(150):
        w.rig.put("bypass", {"enabled": i % 2 == 1})
    files = [f for f in os.listdir(w.rig.path("small")) if f.startswith("events.json")]
    sizes = {f: os.path.getsize(os.path.join(w.rig.path("small"), f)) for f in files}
    expect("events.json.1" in sizes and len(sizes) <= 3 and max(sizes.values()) <= 65536, "files: %s" % sizes)
    seqs = [e["seq"] for e in w.on_disk()]
    expect(seqs == sorted(seqs), "the lines of the files are out of order")


def everything_fits_the_schema_and_the_stop_is_the_last():
    w = world()
    events = w.on_disk() + w.hook.events() + w.rig.get("events?since=0&limit=256")["events"]
    expect(w.rig.stop() == 0, "it does not end well: %s" % w.rig.log)
    last = w.on_disk()[-1]
    expect(last["event_type"] == "daemon" and last["daemon"]["status"] == "stop", "the last event: %s" % last)
    try:
        import jsonschema
    except ImportError as why:
        raise Skipped("python3-jsonschema is not installed") from why
    with open(SCHEMA, encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    for e in events + [last]:
        wrong = next(validator.iter_errors(e), None)
        expect(wrong is None, "%s: %s" % (json.dumps(e), wrong and wrong.message))
    kinds = {e["event_type"] for e in events}
    expect(kinds >= {"attack", "bypass", "mode", "audit", "trouble", "port"}, "kinds: %s" % sorted(kinds))
    for broken in (dict(last, seq=0), {k: v for k, v in last.items() if k != "daemon"}, dict(last, event_type="x")):
        expect(next(validator.iter_errors(broken), None) is not None, "the schema takes anything: %s" % broken)


if __name__ == "__main__":
    try:
        main(an_attack_is_on_disk_and_at_the_server_at_once, every_kind_is_told,
             a_broken_server_gets_all_of_it_later_and_in_order, certificates_are_checked_and_a_reload_is_enough,
             a_full_disk_is_told_and_over_by_itself, files_stay_small,
             everything_fits_the_schema_and_the_stop_is_the_last)
    finally:
        for one in WORLD:
            one.close()
