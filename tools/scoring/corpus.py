# SPDX-License-Identifier: BSD-3-Clause
"""Attacks that somebody recorded: a row per capture and wiring.

The captures are no part of this project; TIDEGATE_CORPUS names their folder. How they are
replayed is what tests/replay/test_corpus.py says, which judges them; here they are shown.
"""
import os
import sys

import replaying

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests/replay"))

# The path is ours only from here on.
import test_corpus  # noqa: E402
from bpf import Packet, matcher  # noqa: E402
from frames import read_pcap, write_pcap  # noqa: E402

CONFIG = test_corpus.CONFIG
LENGTH_S = 10


def open_corpus(scratch):
    test_corpus.SCRATCH = scratch
    test_corpus.TOOL = test_corpus.load_tool()


def listed():
    """Rows of the verdicts without those that are no flood."""
    later = test_corpus.later()
    rows = test_corpus.table(os.path.join(test_corpus.CORPUS, "VERDICTS.tsv"))[1:]
    return [row[1:] for row in rows
            if later.get(row[1], ("", ""))[0] not in ("behaviour", "profiles")]


def prepared(name, note):
    """The capture as replay wants it, and its frames."""
    path = [p for p in test_corpus.files_of("attack") if os.path.basename(p) == name][0]
    options = test_corpus.options_of(note)
    given = test_corpus.normalised(path, *options)
    frames = test_corpus.read_frames(given)
    if test_corpus.needs_other_addresses(frames):
        given = test_corpus.normalised(path, "--unbogon", *options)
        frames = test_corpus.read_frames(given)
    return given, frames


def family_of(frames, is_attack):
    versions = {6 if Packet(f).version == 6 else 4 for _, f in frames if is_attack(f)}
    return "both" if len(versions) > 1 else "IPv%d" % versions.pop()


def inward(frames, is_attack, path):
    """What goes to the victims alone, as a box sees it that answers do not cross."""
    address = test_corpus.TOOL.l4
    victims = {p["dst"] for _, f in frames if is_attack(f) for p in [address(f)] if p}
    kept = [(t, f) for t, f in frames if is_attack(f) or
            (lambda p: p and p["dst"] in victims)(address(f))]
    write_pcap(path, [(int(t * 10**9), f) for t, f in kept])
    return kept


def one(gate, row, duplex, given, frames):
    name, bpf, _, legit_bpf, _, _, _, pps, _ = row
    clean_path = given + ".clean.pcap"
    is_attack, is_legit = matcher(bpf), matcher(legit_bpf) if legit_bpf else None
    speed = test_corpus.speed_for(frames, float(pps))
    report = gate.replay(given, "--speed", "%.3f" % speed, "--loop-for", "%ds" % LENGTH_S,
                         "--direction", "initiator-external", "--clean", clean_path)
    clean = read_pcap(clean_path)
    offered, passed = test_corpus.share_of(is_attack, frames, report, clean)
    test_corpus.RATES = gate.rates
    shares = [test_corpus.excess_dropped(a) for a in replaying.first_of(report["attacks"])]
    shares = [share for share in shares if share is not None]
    detected, mitigated = replaying.delays(report["attacks"])
    customers = kept = 0
    if is_legit is not None:
        customers, kept = test_corpus.share_of(
            lambda f: is_legit(f) and not Packet(f).is_icmp_error(), frames, report, clean)
    return {
        "name": name, "from": "corpus", "family": family_of(frames, is_attack),
        "duplex": duplex, "packets": report["packets"]["received"], "attack_packets": offered,
        "attack_stopped": offered - passed, "stopped_share": 1 - passed / offered,
        "excess_stopped_share": min(shares) if shares else None,
        "customers_packets": customers, "customers_dropped": customers - kept,
        "customers_challenged": 0, "customers_dropped_after_challenge": 0,
        "detected_after_ms": detected, "mitigated_after_ms": mitigated,
        "reasons": report["reasons"], "customers_dropped_by": {},
    }


def rows(gates, row):
    given, frames = prepared(row[0], row[8])
    yield one(gates["inline"], row, "inline", given, frames)
    path = given + ".inward.pcap"
    kept = inward(frames, matcher(row[1]), path)
    yield one(gates["ingress"], row, "ingress", path, kept)
