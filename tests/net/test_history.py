#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
"""The past: what a gate knows after it was killed, and when its disk is full or its file broken.

One attack crosses the first life of the gate, which ends with kill -9 in its middle. The
state folder is a tiny file system of its own, so that it can be full.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

from load import start_sending
from rig import IN4, Failed, Rig, Skipped, expect, main, program, run, wait_until

CONFIG = """
history = { size = "1MiB"; };
policies = (
  { name = "web"; mode = "mitigate"; detection = { activate_after = "100ms"; clear_after = "1s"; hold_for = "1s"; };
    sanity = { private_sources = "allow"; };
    udpauth = { method = "off"; };
    vectors = ( { vector = "udp_flood"; activate_rate = "500pps"; max_rate = "200pps"; } ); } );
services = ( { name = "shop"; prefixes = [ "10.66.0.2/32", "fd66::2/128" ]; policy = "web"; } );
"""


class Past:
    """One rig; the gate in it is started several times."""

    def __init__(self):
        self.rig = Rig()
        self.state = self.rig.path("state")
        os.mkdir(self.state)
        run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", self.state)
        self.text = self.rig.config(more=CONFIG)
        self.first_id = None

    def start(self):
        expect(self.rig.start(self.text), self.rig.log)

    def flood(self, seconds):
        return start_sending(self.rig, "--rate", "2k", "--duration", "%ds" % seconds, "--part",
                             "udp,sources=hosts:4,from=198.18.7.0/29,dst=%s,dport=7001,family=4,duration=%ds" % (IN4, seconds))

    def attacks(self, since="1h"):
        return self.rig.get("attacks?since=" + since)["attacks"]

    def warnings(self):
        return " ".join(self.rig.get("status")["warnings"])

    def command(self, *words):
        done = subprocess.run([program("app/tidegate/tidegate"), "--api", "unix:" + self.rig.path("api.sock"), *words],
                              capture_output=True, text=True, check=False)
        expect(done.returncode == 0, "tidegate %s: %d %s" % (" ".join(words), done.returncode, done.stdout + done.stderr))
        return done.stdout

    def close(self):
        self.rig.stop(signal.SIGKILL)
        subprocess.run(["umount", "-l", self.state], check=False)
        self.rig.close()


PAST = []


def past():
    if not PAST:
        PAST.append(Past())
        PAST[0].start()
        if "without SQLite" in PAST[0].rig.log:
            raise Skipped("built without SQLite")
    return PAST[0]


def seconds_are_drawn_as_they_come():
    p = past()
    sender = p.flood(6)
    try:
        wait_until(lambda: len(p.attacks()) == 1, "no attack", 4)
        time.sleep(3)
        for service in ("", "&service=shop"):
            d = p.rig.get("history?from=10s&step=1s" + service)
            received = d["series"]["received"]
            known = [v for v in received if v is not None]
            expect(len(d["times"]) == len(received) == 10 and len(known) >= 3, "columns: %s" % d)
            expect(1000 < max(known) < 4000, "the flood of 2 kpps is drawn as %s" % known)
            expect(max(v or 0 for v in d["series"]["dropped"]) > 500, "dropped: %s" % d["series"]["dropped"])
            expect(1 in d["attack"], "the attack is not marked: %s" % d["attack"])
        live = p.rig.get("services/shop")["service"]["rates"]["received"]["packets_per_second"]
        expect(abs(live - known[-1]) < 0.3 * live, "history says %s and the service %s" % (known, live))
    finally:
        p.first_id = p.attacks()[0]["attack_id"]
        # The course is written every ten seconds, the beginning at once.
        p.rig.stop(signal.SIGKILL)
        sender.terminate()
        sender.wait()


def a_killed_gate_ends_its_attacks_and_goes_on_counting():
    p = past()
    p.start()
    old = p.attacks()
    expect([a["attack_id"] for a in old] == [p.first_id], "after the kill: %s" % old)
    expect(old[0]["status"] == "ended" and old[0]["interrupted"] is True and old[0]["end"], "interrupted: %s" % old)
    expect(p.rig.get("attacks/" + p.first_id)["attack"]["status"] == "ended", "by its id")
    sender = p.flood(4)
    wait_until(lambda: len(p.attacks()) == 2, "no second attack", 4)
    sender.wait()
    wait_until(lambda: p.attacks()[0]["status"] == "ended", "it does not end", 8)
    both = p.attacks()
    number = [int(a["attack_id"].rsplit("-", 1)[1]) for a in both]
    expect(number[0] == number[1] + 1, "numbers do not go on: %s" % [a["attack_id"] for a in both])
    printed = p.command("attacks", "--since", "7d")
    expect(all(a["attack_id"] in printed for a in both), printed)


def a_report_tells_what_happened():
    p = past()
    attack = p.attacks()[0]
    r = p.rig.get("attacks/%s/report" % attack["attack_id"])
    course = r["course"]
    expect(max(course["received_packets_per_second"]) > 1000, "course: %s" % course)
    expect(r["target"]["prefixes"] == ["10.66.0.2/32", "fd66::2/128"], "target: %s" % r["target"])
    expect("shape.udp_flood" in {x["reason"] for x in r["reasons"]}, "reasons: %s" % r["reasons"])
    expect(len([s for s in r["sources"] if s["address"].startswith("198.18.7.")]) == 4, "sources: %s" % r["sources"])
    expect(IN4 in {d["address"] for d in r["destinations"]}, "destinations: %s" % r["destinations"])
    expect(r["steps"], "no step is told")
    status, page = p.rig.ask("GET", "/api/v1/attacks/%s/report.html" % attack["attack_id"])
    expect(status == 200 and "<svg" in page and attack["attack_id"] in page, "page: %d %s" % (status, page[:300]))
    expect(re.search(r"<script|https?://|src=|@import", page) is None, "the page asks for something from elsewhere")
    # The command tells the same, in words, as a document and as the page.
    id_ = attack["attack_id"]
    words = p.command("report", id_)
    expect(all(x in words for x in (id_, "10.66.0.2/32", "shape.udp_flood", "198.18.7.")), "in words: " + words)
    expect(json.loads(p.command("report", id_, "--json"))["target"] == r["target"], "as a document")
    p.command("report", id_, "--html", "-o", p.rig.path("by-command.html"))
    with open(p.rig.path("by-command.html"), encoding="utf-8") as f:
        by_command = f.read()
    expect("<svg" in by_command and id_ in by_command, "as a page: " + by_command[:300])
    with open(p.rig.path("report.html"), "w", encoding="utf-8") as f:
        f.write(page)
    browser = shutil.which("chromium")
    if browser:
        pdf = p.rig.path("report.pdf")
        subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
                        "--print-to-pdf=" + pdf, "file://" + p.rig.path("report.html")],
                       capture_output=True, timeout=60, check=False)
        with open(pdf, "rb") as f:
            pages = len(re.findall(rb"/Type\s*/Page\b", f.read()))
        expect(1 <= pages <= 2, "it prints to %d pages" % pages)
        keep = os.environ.get("TIDEGATE_KEEP")
        if keep:
            shutil.copy(pdf, keep)


def suggestions_need_a_day():
    p = past()
    d = p.rig.get("thresholds?service=shop")
    expect(d["enough"] is False and "24 h are needed" in d["why"], "thresholds: %s" % d)
    expect("24 h are needed" in p.command("thresholds", "suggest", "shop"), "the command does not say why")
    expect(p.rig.ask("GET", "/api/v1/thresholds")[0] == 400, "without a service")
    expect(p.rig.ask("GET", "/api/v1/thresholds?service=nobody")[0] == 404, "of nobody")


def a_full_disk_is_told_and_passes():
    p = past()
    before = p.rig.get("status")["total"]["forwarded_packets"]
    filler = os.path.join(p.state, "filler")
    # Without a buffer: closing must not try what writing could not.
    with open(filler, "wb", buffering=0) as f:
        with contextlib.suppress(OSError):
            while True:
                f.write(b"x" * 4096)
    # The attack that begins is to be stored: the next write finds no room.
    sender = p.flood(3)
    wait_until(lambda: "kept in memory alone" in p.warnings(), "nobody tells of the full disk: %s" % p.warnings(), 15)
    sender.wait()
    expect(p.rig.log.count("kept in memory alone") == 1, "told more than once:\n" + p.rig.log)
    expect(p.rig.get("status")["total"]["forwarded_packets"] > before, "the wire stands")
    expect(len(p.attacks()) == 3, "memory does not know the third: %s" % p.attacks())
    os.unlink(filler)
    wait_until(lambda: "kept in memory alone" not in p.warnings(), "it does not come back", 25)
    with open(p.rig.path("events.json"), encoding="utf-8") as f:
        told = [json.loads(line)["trouble"] for line in f if '"trouble"' in line]
    expect([t["status"] for t in told if t["what"] == "history"] == ["start", "end"], "events: %s" % told)


def a_broken_file_is_set_aside():
    p = past()
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(p.state, "filler"))
    p.rig.stop()
    path = os.path.join(p.state, "history.db")
    with open(path, "r+b") as f:
        f.seek(0)
        f.write(b"not a database at all" * 50)
    p.start()
    try:
        broken_file_was_set_aside(p, path)
    finally:
        p.close()
        PAST.clear()


def broken_file_was_set_aside(p, path):
    expect(os.path.exists(path + ".damaged"), "it was not set aside: %s" % os.listdir(p.state))
    expect("was damaged" in p.warnings() and "was damaged" in p.rig.log, "not told: " + p.rig.log)
    expect(p.attacks() == [], "attacks of a broken file: %s" % p.attacks())
    wait_until(lambda: any(n is not None for n in p.rig.get("history?from=10s&step=1s")["series"]["received"]),
               "no history", 5)
    expect(p.rig.stop() == 0, p.rig.log)


if __name__ == "__main__":
    main(seconds_are_drawn_as_they_come, a_killed_gate_ends_its_attacks_and_goes_on_counting,
         a_report_tells_what_happened, suggestions_need_a_day, a_full_disk_is_told_and_passes,
         a_broken_file_is_set_aside)
