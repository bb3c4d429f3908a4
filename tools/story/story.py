#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""story - tell what Tidegate does, on this machine, with real programs, in about two minutes.

Called by tools/run. Exit code 0 when everything met its mark, 1 when something did not
(each in one sentence), 2 for wrong usage.
"""

import argparse
import json
import os
import platform
import signal
import sys
import time

import marks
from attack import ACKS, FLOOD, FRAGMENTS, SYNS, bots_hold, forget_bots
from books import Books, grown
from net import NetError
from phases import Act, play
from procs import ProcError
from rig import Rig, RigError
from screen import Screen

CALM_PATIENCE = 20  # seconds in which the gate has to notice that the attack is over
QUIET = 1.5  # seconds without a dropped packet or an active attack: the gate is at rest

ACTS = (
    Act("baseline", 6, "a quiet day; the gate is in monitor"),
    Act("unprotected", 6, "a SYN flood from random sources, and the gate in bypass: does it hurt?",
        SYNS),
    Act("monitor", 5, "the gate looks and counts, and touches nothing yet", SYNS),
    Act("mitigate", 10, "the gate answers SYNs in the shop's place; the attack begins anew", SYNS,
        limited=True),
    Act("ack_flood", 6, "over to ACKs of connections that do not exist", ACKS, limited=True),
    Act("slow_unprotected", 4, "hosts whose requests never end, and the gate in bypass", slow=True),
    Act("slow", 8, "the gate ends what is too slow, and blocks who insists", slow=True,
        limited=True),
    Act("udp_flood", 6, "over to UDP that fills the link, and SYNs of hosts that exist", FLOOD,
        limited=True),
    Act("changed_vector", 7, "over to fragments, and to bots that complete handshakes",
        FRAGMENTS, bots=True, limited=True),
    Act("calm", 5, "the attack is over; the gate stays in mitigate"),
    Act("syncookies", 3, "the SYN flood again, bypass, SYN cookies on in the shop", SYNS),
)
UNPROTECTED = ("unprotected", "slow_unprotected", "syncookies")
NEEDS_GATE = ("monitor", "mitigate", "ack_flood", "slow", "udp_flood", "changed_vector", "calm")


def arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="tools/run", description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)  # tools/run knows
    parser.add_argument("--batch", action="store_true", help="plain lines, no terminal tricks")
    parser.add_argument("--json", metavar="FILE", help="write what was measured")
    parser.add_argument("--stay", action="store_true",
                        help="stay under attack, in mitigate, until Ctrl-C")
    parser.add_argument("--suffix", default="", help="tells two runs at a time apart")
    parser.add_argument("--wire", choices=("tidegate", "bridge"), default="tidegate",
                        help="bridge: no gate at all, to compare with")
    return parser.parse_args()


def set_gate(rig, name):
    """The gate as the phase of this name wants it."""
    if rig.gate.kind == "bridge":
        return
    rig.gate.bypass(name in UNPROTECTED)
    rig.gate.mode("monitor" if name in ("baseline", "monitor", *UNPROTECTED) else "mitigate")


def settle(rig, act):
    """Between two phases: let the shop breathe, and the gate see the last attack end.

    A gate that is still armed would have nothing to mitigate, and its time would be a lie.
    """
    if act.name == "syncookies":
        rig.net.tune_shop(1)
    # Before the first phase neighbours are found and caches filled. After the others the foes'
    # connections end before the gate looks again, or it would take them for its own.
    time.sleep(3 if act.name == "baseline" else 1)
    forget_bots(rig)
    end = time.monotonic() + CALM_PATIENCE
    while bots_hold(rig) > 0 and time.monotonic() < end:
        time.sleep(0.1)
    set_gate(rig, act.name)
    if rig.gate.kind == "bridge" or not (act.limited or act.name == "calm"):
        return
    end = quiet_since = time.monotonic()
    end += CALM_PATIENCE
    dropped = {}
    while time.monotonic() - quiet_since < QUIET:
        if time.monotonic() > end:
            raise ProcError(f"{CALM_PATIENCE} s after the end of the attack the gate still sees "
                            f"one ({', '.join(active) or 'none'}) or drops packets ({news})")
        books = Books.read(rig.gate)
        active = [attack["vector"] for attack in rig.gate.get("attacks?active=true")["attacks"]]
        news = grown(books.dropped, dropped)
        if news or active:
            dropped, quiet_since = books.dropped, time.monotonic()
        time.sleep(0.1)


def tell(rig, screen):
    """Play every act; returns {name: record} in the order they were played."""
    screen.say(f"Load on core {rig.load_core}, gate on core {rig.gate_core}"
               + ("." if rig.load_core != rig.gate_core else
                  ": there is only one, so both disturb each other."))
    busy = os.getloadavg()[0]
    if busy > os.cpu_count() / 2:
        screen.say(f"This machine does other work (load {busy:.1f} on {os.cpu_count()} cores); customers "
                   "will notice that, whatever the gate does.")
    screen.say("The shop has net.ipv4.tcp_syncookies=0 until the end of 'calm'; the same attack "
               "with 1 follows.")
    phases = {}
    for act in ACTS:
        if rig.gate.kind == "bridge" and act.name in NEEDS_GATE:
            continue
        settle(rig, act)
        phases[act.name] = play(rig, screen, act)
        screen.say("  " + summary(phases[act.name]))
    return phases


def summary(phase):
    """One phase in one line."""
    text = (f"{100 * phase['ok_ratio']:.2f} % of {phase['requests']} requests, worst customer "
            f"{100 * phase['worst_customer_ok_ratio']:.0f} %, served/partly/not "
            f"{phase['customers_normal']}/{phase['customers_intermittent']}/"
            f"{phase['customers_none']}, p99 {phase['p99_ms']:.1f} ms")
    if phase["time_to_mitigate_ms"] is not None:
        text += f", mitigated after {phase['time_to_mitigate_ms']:.0f} ms"
    return text


def write_json(path, rig, phases, missed):
    """Everything that was measured, and under which conditions."""
    with open(path, "w", encoding="utf-8") as out:
        json.dump({
            "phases": list(phases.values()),
            "missed": missed,
            "wire": rig.gate.kind if rig.gate else None,
            "machine": {"kernel": platform.release(), "cores": os.cpu_count(),
                        "load_core": rig.load_core, "gate_core": rig.gate_core},
            "link_mbit_per_second": rig.net.link_mbit,
        }, out, indent=1)
        out.write("\n")


def stay(rig, screen):
    """The attack goes on behind the gate until somebody presses Ctrl-C."""
    screen.say("\nStaying under attack, in mitigate. Ctrl-C ends it.")
    set_gate(rig, "stay")
    while True:
        play(rig, screen, Act("stay", 60, "until Ctrl-C", FLOOD, limited=rig.gate.kind != "bridge"))


def interrupted(_signum, _frame):
    """Every polite signal ends the story in order, also where a shell had it ignored."""
    raise KeyboardInterrupt


def perform(options, rig, screen):
    """Tell the story and judge it; returns what missed its mark."""
    phases, verdict = {}, marks.Marks()
    rig.up()
    phases = tell(rig, screen)
    marks.judge(phases, {act.name: act for act in ACTS}, verdict)
    if options.json:
        write_json(options.json, rig, phases, verdict.missed)
    if options.stay:
        stay(rig, screen)
    return verdict.missed


def main():
    """Set up, tell, clean up."""
    options = arguments()
    screen = Screen(options.batch)
    rig = Rig(options.build, options.wire, options.suffix)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, interrupted)
    missed = []
    try:
        try:
            missed = perform(options, rig, screen)
        finally:
            rig.down()
    except KeyboardInterrupt:
        screen.say("\nEnded on request; everything is cleaned up.")
        return 130 if not options.stay else 0
    except (NetError, ProcError, RigError) as error:
        print(f"tools/run: {error}", file=sys.stderr)
        return 1
    for sentence in missed:
        print(f"tools/run: {sentence}", file=sys.stderr)
    screen.say("\nThe story " + ("went as it should." if not missed else "did not go as it should."))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
