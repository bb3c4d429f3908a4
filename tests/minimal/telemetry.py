#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A build with nothing but DPDK, libconfig and jansson scrubs, and tells by DPDK's telemetry.

It runs on null and capture devices, so it needs no port and, where DPDK's
runtime folder may be made elsewhere, no root. The build is $TIDEGATE_BUILD,
else build-minimal/ or build/.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "replay"))
import frames as lay  # noqa: E402

NOBODY = 65534
CONFIG = """version = 1;
node = {{ name = "minimal"; }};
dataplane = {{ flow_entries = "16k"; source_entries = "16k"; workers = "1"; link_down = "ignore"; }};
links = ( {{ name = "test"; external = "{external}"; internal = "{internal}"; }} );
api = {{ listen = [ "unix:{folder}/api.sock" ]; }};
events = {{ file = "{folder}/events.json"; }};
state = {{ folder = "{folder}/state"; }};
lists = ( {{ name = "bad"; action = "deny"; prefixes = [ "198.51.100.0/24", "2001:db8:b::/48" ]; }} );
policies = ( {{ name = "web"; mode = "mitigate"; sanity = {{ private_sources = "allow"; }}; }} );
services = ( {{ name = "shop"; prefixes = [ "203.0.113.10/32", "2001:db8:a::10/128" ]; policy = "web"; }} );
"""


class Skipped(Exception):
    """What is missing on this machine for a test."""


class Failed(Exception):
    """An expectation that did not hold."""


def expect(holds, sentence):
    if not holds:
        raise Failed(sentence)


def binary():
    places = [os.environ.get("TIDEGATE_BUILD"), os.path.join(ROOT, "build-minimal"), os.path.join(ROOT, "build")]
    for place in places:
        path = os.path.join(place or "/nonexistent", "app/tidegated/tidegated")
        if os.access(path, os.X_OK):
            return os.path.abspath(path)
    raise Skipped("tidegated is not built: set TIDEGATE_BUILD to the build directory")


def plain(value):
    """DPDK 22.11 has no truth values and no lists of objects: these come as words and numbered members."""
    if isinstance(value, dict):
        if list(value) == [str(i) for i in range(len(value))]:
            return [plain(v) for v in value.values()]
        return {k: plain(v) for k, v in value.items()}
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


class Daemon:
    """tidegated with DPDK's runtime folder in a folder of its own, so that it meets no other."""

    def __init__(self, external, internal, user=None, files=None):
        self.folder = tempfile.mkdtemp(prefix="tidegate-minimal-")
        self.process = None
        self.log = ""
        for name, frames in (files or {}).items():
            lay.write_pcap(os.path.join(self.folder, name), frames)
        conf = os.path.join(self.folder, "gate.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(CONFIG.format(external=external.format(self.folder), internal=internal.format(self.folder),
                                  folder=self.folder))
        # The first is read when not root, the second, systemd's word, by everybody.
        self.env = dict(os.environ, XDG_RUNTIME_DIR=self.folder, RUNTIME_DIRECTORY=self.folder)
        who = {}
        if user is not None:
            os.chown(self.folder, user, user)
            for name in os.listdir(self.folder):
                os.chown(os.path.join(self.folder, name), user, user)
            who = {"user": user, "group": user, "extra_groups": []}
        try:
            self.process = subprocess.Popen([binary(), "run", "-c", conf], stderr=subprocess.PIPE,
                                            stdout=subprocess.DEVNULL, text=True, env=self.env, cwd=self.folder, **who)
            ready = threading.Event()
            self.reader = threading.Thread(target=self._read, args=(ready,))
            self.reader.start()
            ready.wait(30)
            expect("scrubbing" in self.log, "it does not scrub:\n" + self.log)
            self.sock = self._connect()
        except BaseException:
            self.close()
            raise

    def _read(self, ready):
        for line in self.process.stderr:
            self.log += line
            if "scrubbing" in line:
                ready.set()
        ready.set()

    def _connect(self):
        for place, _, names in os.walk(self.folder):
            if "dpdk_telemetry.v2" in names:
                sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                sock.settimeout(10)
                sock.connect(os.path.join(place, "dpdk_telemetry.v2"))
                self.limit = json.loads(sock.recv(4096))["max_output_len"]
                return sock
        raise Failed("DPDK's telemetry has no socket below %s:\n%s" % (self.folder, self.log))

    def ask(self, command):
        """The document that a command answers with."""
        self.sock.send(command.encode())
        answer = self.sock.recv(self.limit)
        document = json.loads(answer)[command.split(",")[0]]
        expect(document is not None, "%s has no answer" % command)
        return plain(document)

    def whole(self, path):
        """The same document as the JSON text it is, piece by piece."""
        text = ""
        while piece := self.ask("/tidegate/json,%s,%d" % (path, len(text))):
            text += piece
        return json.loads(text)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self.reader.join(5)
        expect(code == 0, "it ended with %d:\n%s" % (code, self.log))

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def balance(daemon):
    """The status by telemetry, whose books must add up as they are and by its own word."""
    status = daemon.ask("/tidegate/status")
    expect(status["node"] == "minimal" and status["mode"] == "mitigate", "status: %s" % status)
    total = status["total"]
    expect(total["books"]["plausible"] is True, "the books are not plausible: %s" % total)
    return status


def settled(daemon):
    """The same once nothing moves: now it must be exact."""
    until = time.monotonic() + 10
    before = None
    while time.monotonic() < until:
        status = balance(daemon)
        now = status["total"]["received_packets"], status["total"]["sent_packets"]
        if now == before and now[0] > 0:
            break
        before = now
        time.sleep(0.3)
    for books in [status["total"]] + status["ports"]:
        gone = sum(books[w + "_packets"] for w in ("forwarded", "dropped", "replied", "consumed"))
        expect(books["received_packets"] == gone, "%d received, %d accounted for: %s" % (
            books["received_packets"], gone, books))
        expect(books["books"]["balanced"] is True, "not balanced by its own word: %s" % books)
    expect(status["total"]["sent_packets"] == status["total"]["forwarded_packets"] +
           status["total"]["replied_packets"] + status["total"]["emitted_packets"], "sent: %s" % status["total"])
    return status


def on_null_devices(user=None):
    daemon = Daemon("net_null0,size=64", "net_null1,size=64", user)
    try:
        first = balance(daemon)["total"]["received_packets"]
        time.sleep(0.5)
        second = balance(daemon)
        expect(second["total"]["received_packets"] > first + 1000, "null devices bring no packets")
        for command, key in (("ports", "ports"), ("services", "services"), ("reasons", "reasons"),
                             ("workers", "workers"), ("attacks", "attacks"), ("live", None)):
            document = daemon.ask("/tidegate/" + command)
            expect(key is None or isinstance(document[key], list), "%s: %s" % (command, document))
        daemon.end()
    finally:
        daemon.close()


def it_scrubs_null_devices_and_tells_by_telemetry():
    on_null_devices()


def it_needs_no_root_for_devices_that_need_none():
    if os.geteuid() != 0:
        raise Skipped("this is what all tests here show when they are not run as root")
    on_null_devices(NOBODY)


def captured():
    """300 packets of customers and 200 of the listed, both families."""
    made = []
    for i in range(500):
        v6, bad = i % 2 == 0, i % 5 < 2
        source = ("2001:db8:b::%x" if bad else "2001:db8:c::%x") if v6 else ("198.51.100.%d" if bad else "198.18.0.%d")
        made.append((i * 1000, lay.udp(source % (i % 200 + 1), "2001:db8:a::10" if v6 else "203.0.113.10", 4000 + i, 443)))
    return made


def a_capture_device_is_judged_packet_by_packet():
    sent = captured()
    daemon = Daemon("net_pcap0,rx_pcap={0}/in.pcap,tx_pcap={0}/back.pcap",
                    "net_pcap1,rx_pcap={0}/none.pcap,tx_pcap={0}/out.pcap", files={"in.pcap": sent, "none.pcap": []})
    try:
        status = settled(daemon)
        external = next(p for p in status["ports"] if p["side"] == "external")
        expect((external["received_packets"], external["forwarded_packets"], external["dropped_packets"]) ==
               (500, 300, 200), "external: %s" % external)
        reasons = {r["reason"]: r["packets"] for r in daemon.whole("reasons")["reasons"] if r["packets"]}
        expect(reasons == {"lists.denied": 200}, "reasons: %s" % reasons)
        whole = daemon.whole("status")
        expect(whole["total"]["books"]["balanced"] is True and whole["total"]["received_packets"] == 500 and
               whole["ports"][0]["side"] == "external", "status as text: %s" % whole)
        told = daemon.ask("/tidegate/explain,ip=198.51.100.2")
        expect(told["lists"][0]["list"] == "bad", "explain: %s" % told)
        daemon.end()
        with open(os.path.join(daemon.folder, "out.pcap"), "rb") as f:
            data = f.read()
        at, clean = 24, []
        while at < len(data):
            size = int.from_bytes(data[at + 8:at + 12], "little")
            clean.append(data[at + 16:at + 16 + size])
            at += 16 + size
        good = [f for i, (_, f) in enumerate(sent) if i % 5 >= 2]
        expect(clean == good, "%d packets came out, %d should have, byte for byte" % (len(clean), len(good)))
    finally:
        daemon.close()


def dpdk_s_own_client_reads_it():
    client = shutil.which("dpdk-telemetry.py")
    if client is None:
        raise Skipped("dpdk-telemetry.py is not installed")
    daemon = Daemon("net_null0,size=64", "net_null1,size=64")
    try:
        place = next(p for p, _, names in os.walk(daemon.folder) if "dpdk_telemetry.v2" in names)
        env = daemon.env
        if os.path.dirname(os.path.dirname(place)) != daemon.folder:
            env = dict(env, RUNTIME_DIRECTORY=os.path.dirname(place))
        done = subprocess.run([client, "-f", os.path.basename(place)], input="/tidegate/status\nquit\n", text=True,
                              capture_output=True, env=env, timeout=20, check=False)
        expect('"node": "minimal"' in done.stdout and "books" in done.stdout, "it shows:\n%s%s" % (
            done.stdout[-2000:], done.stderr))
        daemon.end()
    finally:
        daemon.close()


def main(*tests):
    failed = 0
    for test in tests:
        try:
            test()
            print("ok", test.__name__, flush=True)
        except Skipped as why:
            print("skip", test.__name__, why, flush=True)
        except Exception as why:  # pylint: disable=broad-except
            failed += 1
            print("not ok", test.__name__, flush=True)
            print("  %s: %s" % (type(why).__name__, str(why).replace("\n", "\n  ")), file=sys.stderr, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(it_scrubs_null_devices_and_tells_by_telemetry, it_needs_no_root_for_devices_that_need_none,
         a_capture_device_is_judged_packet_by_packet, dpdk_s_own_client_reads_it)
