# SPDX-License-Identifier: BSD-3-Clause
"""attack - what comes over the shop, paced, with its offered rate on record.

First SYNs from everywhere, no source twice, laid out as Linux, Windows and macOS send them:
they fill the shop's link and its table of half-open connections. Then ACKs of connections
that do not exist. Then the link is filled with UDP, beside SYNs from some hundred hosts that
exist: their kernels answer every SYN-ACK with a reset, as real ones do. Fragments, and bots that
complete handshakes. And hosts whose requests never end, to hold every connection that the shop
has to give.
"""

import json
import os
import subprocess
import threading
import time

from net import BOTS, SHOP4, SHOP6
from procs import ProcError, Program, Talker
from shop import BOT_PATHS

SYN_PPS = 30_000
ACK_PPS = 30_000
UDP_PPS = 30_000
BOT_SYN_PPS = 8_000
FRAGMENT_PPS = 20_000
UDP_BYTES = 1000
SYN_HOSTS = 200
BOT_HOSTS = 20
BOT_CPS = 40
SLOW_HOSTS = 100
SLOW_EACH = 20  # connections of each of them
SLOW_OPENS = 1000  # a second, of all

SYNS = (
    ("syn", SYN_PPS, f"syn,rate={SYN_PPS},stack=mixed,sources=random,family=both,dst={SHOP4},"
     f"dst={SHOP6},dport=80"),
)
ACKS = (
    ("tcp", ACK_PPS, f"tcp_other,flags=ack,rate={ACK_PPS},sources=random,family=both,dst={SHOP4},"
     f"dst={SHOP6},dport=80"),
)
FLOOD = (
    ("udp", UDP_PPS, f"udp,rate={UDP_PPS},sources=random,dst={SHOP4},dst={SHOP6},dport=80,"
     f"size={UDP_BYTES}"),
    ("bot_syn", BOT_SYN_PPS,
     f"syn,rate={BOT_SYN_PPS},sources=hosts:{SYN_HOSTS},from={BOTS[0]},dst={SHOP4},dport=80"),
)
FRAGMENTS = (
    ("fragment", FRAGMENT_PPS // 2,
     f"fragment,rate={FRAGMENT_PPS // 2},fragments=pairs,sources=random,dst={SHOP4},dst={SHOP6},"
     f"dport=80,size={2 * UDP_BYTES}"),
    ("fragment", FRAGMENT_PPS // 2,
     f"fragment,rate={FRAGMENT_PPS // 2},fragments=rests,sources=random,dst={SHOP4},dst={SHOP6},"
     f"size={UDP_BYTES}"),
)


class Attack:
    """One run of the traffic generator, of known length."""

    def __init__(self, rig, parts, seconds):
        self.parts, self.seconds = parts, seconds
        self.log = os.path.join(rig.folder, "trafficgen.log")
        self.told = None
        words = [rig.tool("trafficgen"), "send", "--interface", "uplink",
                 "--duration", f"{round(seconds * 1000)}ms"]
        for _, _, part in parts:
            words += ["--part", part]
        self.program = Program(rig.net, "internet", words, self.log, rig.load_core,
                               stdout=subprocess.PIPE)

    def wanted_pps(self):
        """What was asked for, of all parts together."""
        return sum(pps for _, pps, _ in self.parts)

    def finish(self):
        """Wait for its end; returns what it says it has sent."""
        try:
            out, _ = self.program.process.communicate(timeout=self.seconds + 10)
        except subprocess.TimeoutExpired as late:
            raise ProcError("the attack does not end in time") from late
        if self.program.process.returncode != 0:
            raise ProcError(f"trafficgen ended with {self.program.process.returncode}: "
                            + self.program.last_words())
        self.told = json.loads(out)
        return self.told

    def sent_pps(self):
        """Packets per second that were sent of each kind, after finish().

        One schedule by time holds all parts, so a generator that falls behind does so for
        all of them alike.
        """
        share = self.told["sent"] / self.told["seconds"] / self.wanted_pps()
        sent = {}
        for kind, pps, _ in self.parts:
            sent[kind] = sent.get(kind, 0) + pps * share
        return sent

    def stop(self):
        """End it at once, whatever it still had to send."""
        self.program.stop(2)


def forget_bots(rig):
    """End what the bots' kernels still keep of their connections: whom the gate has cut off asks
    for minutes whether the shop takes data now, and would be part of the next phase. To be
    called some time after they ended, when their FINs have arrived, if need be repeated."""
    rig.net.inside("internet", "ss", "-K", f"( src {BOTS[0]} )")


def bots_hold(rig):
    """How many of the shop's places bots hold, as the shop knows it."""
    return len(rig.net.inside("shop", "ss", "-Htn", "state", "established",
                              f"( dst {BOTS[0]} )").splitlines())


class Bots:
    """Hosts that complete the handshake and ask for a costly page."""

    def __init__(self, rig):
        self.talker = Talker(
            rig.net, "internet",
            [rig.tool("crowd"), "bots", "--group", f"{BOT_HOSTS}@{BOTS[0]}", "--shop", SHOP4,
             "--cps", str(BOT_CPS), "--slots", "8", "--paths", BOT_PATHS,
             "--timeout-ms", "1000"],
            os.path.join(rig.folder, "bots.log"), rig.load_core)

    def finish(self):
        """End them; returns their count."""
        return self.talker.quit()

    def stop(self):
        """End them at once."""
        self.talker.stop(2)


class SlowHosts:
    """Hosts that hold connections open with requests that never end, a byte at a time.

    What they hold is counted in the shop: only there a connection costs a place, and a host
    that was cut off may not know yet.
    """

    def __init__(self, rig, seconds):
        self.rig, self.held, self.going = rig, [], True
        self.program = Program(
            rig.net, "internet",
            [rig.tool("trafficgen"), "slow", "--target", f"{SHOP4}:80", "--kind", "headers",
             "--from", BOTS[0], "--sources", str(SLOW_HOSTS), "--connections", str(SLOW_EACH),
             "--rate", str(SLOW_OPENS), "--interval", "500ms", "--reopen",
             "--duration", f"{round(seconds * 1000)}ms"],
            os.path.join(rig.folder, "slow.log"), rig.load_core, stdout=subprocess.PIPE)
        self.watch = threading.Thread(target=self._watch, daemon=True)
        self.watch.start()

    def _watch(self):
        while self.going:
            self.held.append((time.monotonic(), bots_hold(self.rig)))
            time.sleep(0.1)

    def finish(self):
        """Wait for their end; returns what they say, and [(time, connections held)]."""
        out, _ = self.program.process.communicate(timeout=20)
        self._rest()
        return {**json.loads(out.splitlines()[-1]),
                "held_at_most": max((held for _, held in self.held), default=0)}, self.held

    def _rest(self):
        self.going = False
        self.watch.join(5)

    def stop(self):
        """End them at once."""
        self.program.stop(2)
        self._rest()
