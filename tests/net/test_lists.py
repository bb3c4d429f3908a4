#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
"""Lists from files on a running gate: by time, by call, by hand; the wire does not notice.

A feed is replaced every second while packets of denied and of other sources come:
what nobody lists arrives to the last packet, whatever is loaded meanwhile.
"""
import json
import os
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "replay"))
import frames as lay  # noqa: E402

from load import ATTACKER, Shop, Tap, sent, start_sending
from rig import IN4, IN6, TOKEN, Rig, expect, main, program, wait_until

PER_SECOND, SECONDS = 400, 9
# Two that the feed lists in turn, one of each family that no list names.
SOURCES = (("198.51.100.1", IN4), ("198.51.101.1", IN4), ("198.18.3.3", IN4), ("2001:db8:77::1", IN6))
FREE = (2, 3)

CONFIG = """
lists = ( {{ name = "feed"; action = "deny"; file = "feed.txt"; refresh = "1s"; on_error = "{on_error}"; }},
          {{ name = "hand"; action = "deny"; }} );
policies = ( {{ name = "web"; mode = "mitigate"; sanity = {{ private_sources = "allow"; }};
  vectors = ( {{ vector = "udp_flood"; activate_rate = "50kpps"; }} ); }} );
services = ( {{ name = "shop"; prefixes = [ "{v4}/32", "{v6}/128" ]; policy = "web"; }} );
"""


def text_of(rig, on_error="refuse"):
    return rig.config(more=CONFIG.format(v4=IN4, v6=IN6, on_error=on_error))


def put_feed(rig, text):
    with open(rig.path("feed.new"), "w", encoding="ascii") as f:
        f.write(text)
    os.rename(rig.path("feed.new"), rig.path("feed.txt"))


def feed(rig):
    return rig.get("lists/feed")["list"]


def change(rig, method, path, body):
    status, text = rig.ask(method, "/api/v1/" + path, json.dumps(body),
                           {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"})
    return status, json.loads(text)


def many(first, n):
    """So many prefixes that loading them takes a while, and one that shows which feed it is."""
    return "".join("%d.%d.%d.0/24\n" % (11 + i // 65536, i >> 8 & 255, i & 255) for i in range(n)) + first + "/32\n"


def capture(rig):
    made = []
    for i in range(PER_SECOND * SECONDS):
        for j, (source, target) in enumerate(SOURCES):
            frame = lay.udp(source, target, 4000 + j, 4001, struct.pack(">IB", i, j) + b"." * 30)
            at = (i * len(SOURCES) + j) * 10**9 // (PER_SECOND * len(SOURCES))
            made.append((at, frame[:6] + ATTACKER + frame[12:]))
    lay.write_pcap(rig.path("mixed.pcap"), made)
    return rig.path("mixed.pcap")


def marks(frames):
    return [struct.unpack(">IB", f[62 if f[12:14] == b"\x86\xdd" else 42:][:5]) for _, f in frames]


def a_feed_that_changes_every_second_loses_no_packet():
    rig = Rig()
    shop = None
    try:
        shop = Shop(rig)
        put_feed(rig, many(SOURCES[0][0], 100000))
        expect(rig.start(text_of(rig)), rig.log)
        tap = Tap(rig.shop, "in0")
        sender = start_sending(rig, capture(rig))
        changes = 0
        while sender.poll() is None:
            changes += 1
            loads = feed(rig)["loads"]
            put_feed(rig, many(SOURCES[changes % 2][0], 100000 + changes))
            wait_until(lambda: feed(rig)["loads"] > loads or sender.poll() is not None, "the feed is not taken")
        told = sent(sender)
        rig.books_balance()
        arrived = marks(tap.take())
        reasons = {n: r["packets"] for n, r in rig.reasons().items() if r["packets"]}
        expect(list(reasons) == ["lists.denied"], "dropped: %s" % reasons)
        expect(told["sent"] == len(arrived) + reasons["lists.denied"], "%d sent, %d arrived, %d denied" % (
            told["sent"], len(arrived), reasons["lists.denied"]))
        for j in FREE:
            n = sum(m[1] == j for m in arrived)
            expect(n == PER_SECOND * SECONDS, "%d of %d packets of %s arrived" % (n, PER_SECOND * SECONDS, SOURCES[j][0]))
        for j in (0, 1):
            n = sum(m[1] == j for m in arrived)
            expect(0 < n < PER_SECOND * SECONDS, "of %s %d packets arrived: the feed did not change" % (SOURCES[j][0], n))
        expect(changes >= 3, "only %d feeds came" % changes)
        expect(feed(rig)["hits"] == reasons["lists.denied"], "hits: %s" % feed(rig))
        tap.close()
        expect(rig.stop() == 0, rig.log)
    finally:
        if shop is not None:
            shop.close()
        rig.close()


def failures(rig):
    """What events tell of lists that could not be loaded; a half line is no event yet."""
    with open(rig.path("events.json"), encoding="utf-8") as f:
        events = [json.loads(line) for line in f.read().split("\n")[:-1]]
    return [x["list"] for x in events if x["event_type"] == "list" and x["list"]["result"] == "failed"]


def a_broken_feed_keeps_the_old_and_is_told_everywhere():
    rig = Rig()
    try:
        put_feed(rig, "198.51.100.0/24\n")
        expect(rig.start(text_of(rig)), rig.log)
        put_feed(rig, "198.51.101.0/24\n198.51.101.7/24\n")
        wait_until(lambda: feed(rig)["wanted"]["state"] == "failed", "a broken feed is not noticed")
        now = feed(rig)
        expect(now["prefixes"] == 1 and now["wanted"]["errors"][0]["line"] == 2, "told: %s" % now)
        expect("198.51.101.0/24" in now["wanted"]["errors"][0]["message"], "no remedy: %s" % now)
        wait_until(lambda: "feed.txt:2: " in rig.log, "the log does not name the line:\n" + rig.log)
        warnings = rig.get("status")["warnings"]
        expect(any("'feed'" in w for w in warnings), "status does not warn: %s" % warnings)
        shown = rig.get("config")["config"]["lists"][0]
        expect((shown["file"], shown["refresh"]) == ("feed.txt", "1s"), "configuration: %s" % shown)
        status, metrics = rig.ask("GET", "/metrics")
        expect(status == 200 and 'tidegate_list_failed{list="feed",action="deny"} 1' in metrics, "metrics do not tell")
        # A thread of its own writes them.
        wait_until(lambda: failures(rig), "no event tells of the broken feed")
        expect(failures(rig)[-1]["first_line"] == 2, "events: %s" % failures(rig))
        status, answer = change(rig, "POST", "lists/feed/reload", {})
        expect(status == 422 and answer["errors"][0]["line"] == 2, "by call: %d %s" % (status, answer))
        put_feed(rig, "198.51.101.0/24\n")
        status, answer = change(rig, "POST", "lists/feed/reload", {})
        expect(status == 200 and answer["list"]["wanted"]["state"] == "ok", "mended: %d %s" % (status, answer))
    finally:
        rig.close()


def what_is_made_by_hand_survives_a_restart():
    rig = Rig()
    try:
        put_feed(rig, "198.51.100.0/24\n")
        text = text_of(rig)
        expect(rig.start(text), rig.log)
        status, answer = change(rig, "PUT", "lists/hand/entries", {"prefix": "198.51.102.0/24", "for": "1h"})
        expect(status == 200 and answer["until"] and not answer["warnings"], "put: %d %s" % (status, answer))
        status, answer = change(rig, "PUT", "lists/hand/entries", {"prefix": "198.51.103.7", "for": "1s"})
        expect(status == 200, "put: %d %s" % (status, answer))
        status, answer = change(rig, "PUT", "lists/hand/entries", {"prefix": "198.51.102.1/24"})
        expect(status == 400 and "198.51.102.0/24" in answer["detail"], "bits: %d %s" % (status, answer))
        expect(rig.stop() == 0, rig.log)
        time.sleep(1.2)
        expect(rig.start(text), rig.log)
        entries = rig.get("lists/hand")["list"]["entries"]
        expect([e["prefix"] for e in entries] == ["198.51.102.0/24"], "after a restart: %s" % entries)
        port = rig.raw("internet")
        frame = lay.udp("198.51.102.9", IN4, 4000, 4001)
        port.send(frame[:6] + ATTACKER + frame[12:])
        wait_until(lambda: rig.reasons()["lists.denied"]["packets"] == 1, "the entry is not in force after a restart")
        command = [program("app/tidegate/tidegate"), "--api", "unix:" + rig.path("api.sock")]
        done = subprocess.run(command + ["lists"], capture_output=True, text=True, check=False)
        expect(done.returncode == 0 and "feed" in done.stdout and "hand" in done.stdout, done.stdout + done.stderr)
        done = subprocess.run(command + ["lists", "del", "hand", "198.51.102.0/24"], capture_output=True, text=True,
                              check=False, env=dict(os.environ, TIDEGATE_TOKEN=TOKEN))
        expect(done.returncode == 0 and "no longer" in done.stdout, done.stdout + done.stderr)
        expect(rig.get("lists/hand")["list"]["entries"] == [], "an entry was not taken back")
    finally:
        rig.close()


def a_broken_feed_at_the_start_does_as_it_says():
    rig = Rig()
    try:
        put_feed(rig, "198.51.100.0/24\nevil\n")
        expect(not rig.start(text_of(rig)), "it scrubs with a broken list")
        expect("feed.txt:2: " in rig.log and "evil" in rig.log, rig.log)
        expect(rig.start(text_of(rig, "skip")), rig.log)
        expect("feed.txt:2: " in rig.log, rig.log)
        expect(feed(rig)["loaded"]["skipped"] == 1 and feed(rig)["prefixes"] == 1, "loaded: %s" % feed(rig))
    finally:
        rig.close()


if __name__ == "__main__":
    main(a_feed_that_changes_every_second_loses_no_packet, a_broken_feed_keeps_the_old_and_is_told_everywhere,
         what_is_made_by_hand_survives_a_restart, a_broken_feed_at_the_start_does_as_it_says)
