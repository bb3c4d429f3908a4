#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
"""Evidence: what tshark finds in samples and captures of a gate that works, while it is attacked."""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "replay"))
import frames as lay  # noqa: E402

from load import ATTACKER, start_sending
from rig import IN4, IN6, TOKEN, Rig, Skipped, expect, main, program, wait_until

BAD4, BAD6 = "198.51.100.7", "2001:db8:b::7"
CALM4, CALM6 = "198.18.6.6", "2001:db8:c::66"

CONFIG = """
samples = { rate = "1000pps"; bytes = "128"; folder = "%s"; files = "2"; file_size = "256KiB"; };
lists = ( { name = "bad"; action = "deny"; prefixes = [ "198.51.100.0/24", "2001:db8:b::/48" ]; } );
policies = (
  { name = "web"; mode = "mitigate"; detection = { activate_after = "100ms"; clear_after = "1s"; hold_for = "1s"; };
    sanity = { private_sources = "allow"; };
    udpauth = { method = "off"; };
    vectors = ( { vector = "udp_flood"; activate_rate = "500pps"; max_rate = "200pps"; } ); },
  { name = "calm"; extends = "web"; vectors = ( ); },
  { name = "watch"; mode = "monitor"; sanity = { private_sources = "allow"; }; } );
services = (
  { name = "calm"; prefixes = [ "10.66.0.2/32", "fd66::2/128" ]; protocol = "udp"; ports = [ "7000" ]; policy = "calm"; },
  { name = "watched"; prefixes = [ "10.66.0.2/32", "fd66::2/128" ]; protocol = "udp"; ports = [ "7009" ]; policy = "watch"; },
  { name = "shop"; prefixes = [ "10.66.0.2/32", "fd66::2/128" ]; policy = "web"; } );
"""


class Room:
    """One gate for all tests."""

    def __init__(self):
        self.rig = Rig()
        self.folder = self.rig.path("samples")
        text = self.rig.config(more=CONFIG % self.folder)
        self.rig.write_config(text)
        expect(self.rig.start(text), self.rig.log)
        for name, token in (("token", TOKEN), ("wrong", "nobody-knows-this")):
            with open(self.rig.path(name), "w", encoding="ascii") as f:
                f.write(token + "\n")
        self.out = self.rig.raw("internet")

    def words(self, *args, token="token"):
        return [program("app/tidegate/tidegate"), "--api", "unix:" + self.rig.path("api.sock"), "--token-file",
                self.rig.path(token), *args]

    def cli(self, *args, code=0, token="token"):
        done = subprocess.run(self.words(*args, token=token), capture_output=True, text=True, timeout=30, check=False)
        expect(done.returncode == code, "tidegate %s: exit code %d instead of %d: %s%s" % (
            " ".join(args), done.returncode, code, done.stdout, done.stderr))
        return done.stdout + done.stderr

    def show(self, *args):
        return json.loads(self.cli("--json", *args))

    def send(self, source, port, count=1, first=3000):
        target = IN6 if ":" in source else IN4
        for i in range(count):
            frame = lay.udp(source, target, first + i, port, b"evidence" * 4)
            self.out.send(frame[:6] + ATTACKER + frame[12:])

    def flood(self, rate="5k", seconds=4):
        return start_sending(self.rig, "--rate", rate, "--duration", "%ds" % seconds, "--part",
                             "udp,sources=random,dst=%s,dport=7001,family=4,duration=%ds" % (IN4, seconds))


ROOM = []


def room():
    if shutil.which("tshark") is None:
        raise Skipped("tshark is not installed")
    if not ROOM:
        ROOM.append(Room())
    return ROOM[0]


def tshark(path, *fields, read=""):
    """Rows of fields, of every packet that the display filter lets through."""
    words = ["tshark", "-n", "-r", path, "-T", "fields"] + [w for f in fields for w in ("-e", f)]
    done = subprocess.run(words + (["-Y", read] if read else []), capture_output=True, text=True, timeout=60, check=False)
    expect(done.returncode == 0, "tshark %s: %s" % (path, done.stderr))
    return [line.split("\t") for line in done.stdout.splitlines()]


def comments(r):
    found = set()
    for path in sorted(glob.glob(r.folder + "/*.pcapng")):
        found |= {row[0] for row in tshark(path, "frame.comment")}
    return found


def samples_name_packet_reason_and_attack():
    r = room()
    sender = r.flood(seconds=3)
    try:
        wait_until(lambda: r.show("attacks", "--active")["active"] == 1, "no attack", 3)
        for source in (BAD4, BAD6):
            r.send(source, 7000, 3)
            r.send(source, 7009, 3)
        time.sleep(0.5)
        attack = r.show("attacks", "--active")["attacks"][0]
        of_attack = r.show("sample", "--attack", attack["attack_id"])["samples"]
        expect(of_attack, "the attack has no samples")
        for s in of_attack:
            expect((s["service"], s["reason"], s["verdict"]) == ("shop", "shape.udp_flood", "dropped"), "sample: %s" % s)
            expect(s["attack"]["threshold"] == 500 and s["attack"]["value"] >= 500, "threshold: %s" % s)
            expect(s["dest_ip"] == IN4 and s["dest_port"] == 7001 and s["side"] == "external", "ends: %s" % s)
            expect(len(s["bytes"]) == 2 * min(s["length"], 128), "bytes: %s" % s)
    finally:
        sender.terminate()
        sender.communicate()
    listed = r.show("sample", "--reason", "lists", "--service", "calm")["samples"]
    expect({s["src_ip"] for s in listed} == {BAD4, BAD6}, "listed: %s" % listed)
    watched = r.show("sample", "--service", "watched")["samples"]
    expect({(s["verdict"], s["mode"]) for s in watched} == {("would_drop", "monitor")}, "watched: %s" % watched)
    expect("UDP %s:3000 > %s:7000" % (BAD4, IN4) in r.cli("sample", "--service", "calm"), "words")
    r.cli("sample", "--limit", "1000", code=1)


def tshark_finds_every_reason_in_the_files():
    r = room()
    sender = r.flood(rate="3k", seconds=1)
    sender.communicate()
    for source in (BAD4, BAD6):
        r.send(source, 7000, 3)
        r.send(source, 7009, 3)
    time.sleep(0.4)
    text = "\n".join(sorted(comments(r)))
    for reason in ("shape.udp_flood", "lists.denied"):
        expect("reason=" + reason in text, "%s is in no comment:\n%s" % (reason, text))
    expect("verdict=would_drop" in text and "mode=monitor" in text, "monitor is in no comment:\n%s" % text)
    expect("service=shop policy=web mode=mitigate attack=a-" in text and "threshold=500" in text,
           "the attack is in no comment:\n%s" % text)
    rows = [row for path in glob.glob(r.folder + "/*.pcapng") for row in tshark(
        path, "frame.interface_name", "udp.dstport", "frame.comment", read="udp.dstport == 7001")]
    expect(rows and all(row[0] == "uplink external" and "reason=shape" in row[2] for row in rows), "rows: %s" % rows[:3])


def files_rotate_and_stay_below_their_bound():
    r = room()
    before = r.show("sample")["files"]["written"]
    sender = r.flood(rate="4k", seconds=4)
    sender.communicate()
    time.sleep(0.4)
    paths = sorted(glob.glob(r.folder + "/*.pcapng"))
    sizes = [os.path.getsize(p) for p in paths]
    expect(len(paths) == 2 and max(sizes) <= 256 << 10 and sizes[0] > 200 << 10, "files: %s" % list(zip(paths, sizes)))
    expect(paths[0][-15:] > "00000001.pcapng", "nothing was rotated: %s" % paths)
    files = r.show("sample")["files"]
    expect(files["error"] == "" and files["written"] > before + 1000, "files: %s" % files)
    expect(all(tshark(p, "frame.len") for p in paths), "a file without packets")


def a_capture_has_exactly_the_packets_that_match():
    r = room()
    file = r.rig.path("one.pcapng")
    sender = r.flood(rate="10k", seconds=5)
    try:
        work = subprocess.Popen(r.words("capture", "--verdict", "passed", "-c", "20", "--for", "10s", "-w", file,
                                        "udp", "and", "host", CALM4, "and", "dst", "port", "7000"),
                                stderr=subprocess.PIPE, text=True)
        wait_until(lambda: r.rig.get("captures")["captures"], "no capture is shown")
        for i in range(20):
            r.send(CALM4, 7000, 1, 4000 + i)
            r.send(CALM6, 7000, 1, 4000 + i)
            r.send(BAD4, 7000, 1, 4000 + i)
        told = work.communicate(timeout=15)[1]
    finally:
        sender.terminate()
        sender.communicate()
    expect(work.returncode == 0 and "20 packets captured" in told, "capture: %d %s" % (work.returncode, told))
    rows = tshark(file, "ip.src", "udp.srcport", "udp.dstport", "frame.comment")
    expect([row[:3] for row in rows] == [[CALM4, str(4000 + i), "7000"] for i in range(20)], "rows: %s" % rows)
    expect(all("verdict=passed service=calm" in row[3] for row in rows), "comments: %s" % rows[0])
    expect(r.rig.get("captures")["captures"] == [], "the capture was not taken back")


def an_interrupted_capture_is_whole():
    r = room()
    file = r.rig.path("two.pcapng")
    work = subprocess.Popen(r.words("capture", "--verdict", "dropped", "--reason", "lists", "-w", file),
                            stderr=subprocess.PIPE, text=True)
    wait_until(lambda: r.rig.get("captures")["captures"], "no capture is shown")
    r.send(BAD6, 7000, 5)
    r.send(CALM6, 7000, 5)
    # Before it ends what came so far can be read.
    wait_until(lambda: os.path.getsize(file) > 500 and len(tshark(file, "frame.len")) == 5, "nothing can be read yet")
    work.send_signal(signal.SIGINT)
    told = work.communicate(timeout=10)[1]
    expect(work.returncode == 0 and "5 packets captured" in told, "capture: %d %s" % (work.returncode, told))
    rows = tshark(file, "ipv6.src", "frame.comment")
    expect(len(rows) == 5 and all(row[0] == BAD6 and "reason=lists.denied" in row[1] for row in rows), "rows: %s" % rows)
    piped = subprocess.run(r.words("capture", "--for", "1s", "-w", "-"), capture_output=True, timeout=15, check=False)
    expect(piped.returncode == 0 and piped.stdout[:4] == b"\x0a\x0d\x0d\x0a", "standard output: %s" % piped.stderr)


def what_is_wrong_is_refused():
    r = room()
    file = r.rig.path("three.pcapng")
    said = r.cli("capture", "-w", file, "udp and hots 192.0.2.1", code=1)
    expect("character 9" in said and "'hots'" in said, "a wrong expression: %s" % said)
    expect("no reason" in r.cli("capture", "--reason", "shape.nothing", "-w", file, code=1), "a wrong reason")
    expect("no service" in r.cli("capture", "--service", "nobody", "-w", file, code=1), "a wrong service")
    r.cli("capture", code=2)
    r.cli("capture", "-c", "0", "-w", file, code=2)
    expect("not known" in r.cli("capture", "-c", "1", "-w", file, token="wrong", code=1), "a wrong token")
    good = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
    status, text = r.rig.ask("POST", "/api/v1/captures", '{"seconds": 30}', good)
    expect(status == 200, text)
    path = "/api/v1/captures/%d" % json.loads(text)["capture"]["id"]
    expect(r.rig.ask("GET", path)[0] == 200, "whoever may read may look")
    expect(r.rig.ask("GET", path + "/file")[0] == 401, "a file without a token")
    expect(r.rig.ask("GET", path + "/file", None, {"Authorization": "Bearer nobody"})[0] == 401, "a wrong token")
    for body in ('{"packets": 0}', '{"packets": "5"}', '{"seconds": 3601}', '{"bytes": 1}', '{"verdict": "lost"}',
                 '{"bogus": 1}'):
        expect(r.rig.ask("POST", "/api/v1/captures", body, good)[0] == 400, body)
    for _ in range(3):
        expect(r.rig.ask("POST", "/api/v1/captures", '{"seconds": 1}', good)[0] == 200, "another one")
    expect(r.rig.ask("POST", "/api/v1/captures", "{}", good)[0] == 409, "too many")
    expect(r.rig.ask("DELETE", path, "{}", good)[0] == 200, "taking back")
    expect(r.rig.ask("GET", path)[0] == 404 and r.rig.ask("DELETE", path, "{}", good)[0] == 404, "it is gone")
    r.rig.books_balance()


def a_full_disk_is_told_and_harms_nothing():
    """On a file system of 64 KiB, from another start."""
    r = room()
    expect(r.rig.stop() == 0, r.rig.log)
    small = r.rig.path("small")
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", small], check=False).returncode != 0:
        raise Skipped("no file system can be mounted here")
    try:
        text = r.rig.config(more=CONFIG % (small + "/samples"))
        expect(r.rig.start(text), r.rig.log)
        sender = r.flood(seconds=2)
        wait_until(lambda: r.show("sample")["files"]["error"] != "", "nothing is told of a full disk")
        sender.communicate()
        files = r.show("sample")["files"]
        expect(files["not_written"] > 0 and files["written"] > 0, "files: %s" % files)
        expect(r.rig.log.count("samples cannot be written") == 1, "told more than once: %s" % r.rig.log)
        expect(sum(len(tshark(p, "frame.len")) for p in glob.glob(small + "/samples/*")) == files["written"], "lost")
        r.rig.books_balance()
        expect(r.rig.stop() == 0, r.rig.log)
    finally:
        subprocess.run(["umount", "-l", small], check=False)


if __name__ == "__main__":
    try:
        main(samples_name_packet_reason_and_attack, tshark_finds_every_reason_in_the_files,
             files_rotate_and_stay_below_their_bound, a_capture_has_exactly_the_packets_that_match,
             an_interrupted_capture_is_whole, what_is_wrong_is_refused, a_full_disk_is_told_and_harms_nothing)
    finally:
        for opened in ROOM:
            opened.rig.close()
