#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A new configuration is all or nothing, and the wire does not notice.

Two files deny one of two sources each, and are put in force in turn while both
send alternately. Of each pair of packets exactly one may arrive, except where a
change fell between the two: so a packet that two configurations judged shows.
"""
import contextlib
import json
import os
import signal
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "replay"))
import frames as lay  # noqa: E402

from load import ATTACKER, Customers, Noticed, Shop, Tap, sent, start_sending
from rig import IN4, IN6, TOKEN, Rig, expect, main, wait_until

RELOADS = 200
GROUPS_PER_SECOND, SECONDS = 400, 19
# Both families, so that both tables are swapped: the denied in turn, and one that nobody denies.
GROUP = (("198.51.100.1", IN4), ("198.51.101.1", IN4), ("2001:db8:b:1::1", IN6), ("2001:db8:b:2::1", IN6),
         ("198.18.3.3", IN4))

CONFIG = """
lists = ( {{ name = "bad"; action = "deny"; prefixes = [ "198.51.{a}.0/24", "2001:db8:b:{b}::/64" ]; }} );
policies = ( {{ name = "web"; mode = "mitigate"; sanity = {{ private_sources = "allow"; }};
  vectors = ( {{ vector = "udp_flood"; activate_rate = "{rate}"; }} ); }} );
services = ( {{ name = "shop"; prefixes = [ "{v4}/32", "{v6}/128" ]; policy = "web"; }} );
"""


def text_of(rig, turn):
    return rig.config(more=CONFIG.format(a=100 + turn, b=1 + turn, rate=("20kpps", "30kpps")[turn], v4=IN4, v6=IN6))


def put_file(rig, text):
    """As an editor does: the file is whole at every moment."""
    with open(rig.path("new.conf"), "w", encoding="ascii") as f:
        f.write(text)
    os.rename(rig.path("new.conf"), rig.path("gate.conf"))


def state(rig):
    return rig.get("status")["config"]


def reload(rig, by_signal):
    """Reload and wait until it is done. Returns the generation in force."""
    if not by_signal:
        return rig.post("config/reload", {})["generation"]
    before = state(rig)["generation"]
    rig.daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: state(rig)["generation"] != before, "SIGHUP does not bring the new configuration")
    return state(rig)["generation"]


def capture(rig):
    made = []
    for i in range(GROUPS_PER_SECOND * SECONDS):
        for j, (source, target) in enumerate(GROUP):
            frame = lay.udp(source, target, 4000 + j, 4001, struct.pack(">IB", i, j) + b"." * 30)
            at = (i * len(GROUP) + j) * 10**9 // (GROUPS_PER_SECOND * len(GROUP))
            made.append((at, frame[:6] + ATTACKER + frame[12:]))
    lay.write_pcap(rig.path("pairs.pcap"), made)
    return rig.path("pairs.pcap")


def marks(frames):
    """(group, member) of each frame that arrived."""
    return [struct.unpack(">IB", f[62 if f[12:14] == b"\x86\xdd" else 42:][:5]) for _, f in frames]


def judge_pairs(arrived):
    got = set(arrived)
    expect(len(got) == len(arrived), "a packet arrived twice")
    for first in (0, 2):
        in_order = [m for m in arrived if m[1] in (first, first + 1)]
        expect(in_order == sorted(in_order), "packets overtook each other")
        odd = sum(((i, first) in got) + ((i, first + 1) in got) != 1 for i in range(GROUPS_PER_SECOND * SECONDS))
        expect(odd <= RELOADS, "%d pairs were not judged by one of the two configurations" % odd)
        flips = sum(a[1] != b[1] for a, b in zip(in_order, in_order[1:]))
        expect(flips >= RELOADS * 0.9, "only %d of %d changes show on the wire" % (flips, RELOADS))
    untouched = [m for m in arrived if m[1] == 4]
    expect(len(untouched) == GROUPS_PER_SECOND * SECONDS, "%d of %d packets that nobody denies arrived" % (
        len(untouched), GROUPS_PER_SECOND * SECONDS))


def two_hundred_reloads_lose_no_packet():
    rig = Rig()
    shop = None
    try:
        shop = Shop(rig)
        expect(rig.start(text_of(rig, 0)), rig.log)
        tap = Tap(rig.shop, "in0")
        path = capture(rig)
        customers = Customers(rig, False)
        first = state(rig)["generation"]
        customers.start()
        try:
            sender = start_sending(rig, path)
            began = time.monotonic()
            for i in range(RELOADS):
                # Spread over the time in which packets come, with half a second at both ends.
                time.sleep(max(0.0, began + 0.5 + i * (SECONDS - 1) / RELOADS - time.monotonic()))
                put_file(rig, text_of(rig, (i + 1) % 2))
                got = reload(rig, by_signal=i % 2 == 0)
                expect(got == first + i + 1, "reload %d brought generation %d" % (i + 1, got - first))
            expect(sender.poll() is None, "reloads took longer than the traffic (%.1f s)" % (time.monotonic() - began))
            told = sent(sender)
        finally:
            customers.stop()
        # One stall of the machine in twenty seconds is none of ours; what is lost shows below.
        with contextlib.suppress(Noticed):
            customers.check("200 reloads")
        rig.books_balance()
        arrived = marks(tap.take())
        reasons = {n: r["packets"] for n, r in rig.reasons().items() if r["packets"]}
        expect(list(reasons) == ["lists.denied"], "dropped: %s" % reasons)
        expect(told["sent"] == len(arrived) + reasons["lists.denied"], "%d sent, %d arrived, %d denied" % (
            told["sent"], len(arrived), reasons["lists.denied"]))
        judge_pairs(arrived)
        now = state(rig)
        expect(now["reloads_ok"] == RELOADS and now["reloads_failed"] == 0, "counted: %s" % now)
        customers.close()
        tap.close()
        expect(rig.stop() == 0, rig.log)
    finally:
        if shop is not None:
            shop.close()
        rig.close()


def refused(rig, text, *wanted):
    """The text is refused by both ways, each error is told as file:line, and the old stays."""
    before = state(rig)
    put_file(rig, text)
    status, answer = rig.ask("POST", "/api/v1/config/reload", "{}",
                             {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"})
    expect(status == 422, "POST answered %d %s" % (status, answer))
    errors = json.loads(answer)["errors"]
    expect(len(errors) == len(wanted), "%d errors instead of %d: %s" % (len(errors), len(wanted), errors))
    log_before = len(rig.log)
    rig.daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: "was not taken over" in rig.log[log_before:], "SIGHUP says nothing of the refusal")
    said = rig.log[log_before:]
    for what in wanted:
        line, word = what
        match = [e for e in errors if word in e["path"] + " " + e["message"] and (line is None or e["line"] == line)]
        expect(match, "no error names %s in line %s: %s" % (word, line, errors))
        place = rig.path("gate.conf") + ("" if line is None else ":%d:" % line)
        expect(any(s.startswith(place) and word in s for s in said.splitlines()), "SIGHUP does not say %s:\n%s" % (
            what, said))
    now = state(rig)
    expect(now["generation"] == before["generation"] and now["sha256"] == before["sha256"], "something changed")
    expect(now["reloads_failed"] == before["reloads_failed"] + 2, "the refusals are not counted: %s" % now)


def line_of(text, word):
    return next(i for i, line in enumerate(text.splitlines(), 1) if word in line)


def denied_still(rig):
    """The old configuration judges on."""
    before = rig.reasons()["lists.denied"]["packets"]
    port = rig.raw("internet")
    for i in range(20):
        frame = lay.udp("198.51.100.1", IN4, 4000 + i, 4001)
        port.send(frame[:6] + ATTACKER + frame[12:])
    wait_until(lambda: rig.reasons()["lists.denied"]["packets"] == before + 20, "the old configuration is not in force")


def a_bad_file_changes_nothing():
    rig = Rig()
    try:
        good = text_of(rig, 0)
        expect(rig.start(good), rig.log)
        bad = good.replace("activate_rate =", "activate_rate = \"20kpps\"; activte_rate =").replace("sanity =", "sanitty =")
        bad += 'services2 = 3;\nlists2 = ( );\n'
        refused(rig, bad, (line_of(bad, "activte_rate"), "activte_rate"), (line_of(bad, "sanitty"), "sanitty"),
                (line_of(bad, "services2"), "services2"), (line_of(bad, "lists2"), "lists2"))
        denied_still(rig)
        unit = good.replace('"20kpps"', '"20k"')
        refused(rig, unit, (line_of(unit, '"20k"'), "activate_rate"))
        torn = good[:good.index("services =")] + "services = ( {"
        put_file(rig, torn)
        status, _ = rig.ask("POST", "/api/v1/config/reload", "{}",
                            {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"})
        expect(status == 422, "half a file: %d" % status)
        denied_still(rig)
        put_file(rig, good)
        reload(rig, True)
        reload(rig, False)
        rig.books_balance()
    finally:
        rig.close()


def what_cannot_change_live_is_named():
    rig = Rig()
    try:
        good = text_of(rig, 0)
        expect(rig.start(good), rig.log)
        other = good.replace('"16k"', '"32k"').replace('external = "ext0"', 'external = "ext9"')
        other = other.replace("dataplane = { ", 'dataplane = { transmit = "control"; workers = "2"; ')
        refused(rig, other, (None, "dataplane.flow_entries"), (None, "dataplane.source_entries"),
                (None, "dataplane.transmit"), (None, "dataplane.workers"), (None, "links"))
        denied_still(rig)
        moved = good.replace("api.sock", "other.sock")
        refused(rig, moved, (None, "api.listen"))
    finally:
        rig.close()


def a_check_changes_nothing():
    rig = Rig()
    try:
        good = text_of(rig, 0)
        expect(rig.start(good), rig.log)
        before = state(rig)
        answer = rig.post("config/check", {"text": text_of(rig, 1)})
        expect(answer["ok"] is True, "a good text: %s" % answer)
        status, text = rig.ask("POST", "/api/v1/config/check", json.dumps({"text": good + "nonsense = 1;\n"}),
                               {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"})
        expect(status == 422 and "nonsense" in text, "a bad text: %d %s" % (status, text))
        expect(state(rig) == before, "a check changed something: %s" % state(rig))
        denied_still(rig)
    finally:
        rig.close()


if __name__ == "__main__":
    main(two_hundred_reloads_lose_no_packet, a_bad_file_changes_nothing, what_cannot_change_live_is_named,
         a_check_changes_nothing)
