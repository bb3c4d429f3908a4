# SPDX-License-Identifier: BSD-3-Clause
"""attack - what comes over the shop, paced, with its offered rate on record.

The flood fills the shop's link with UDP from everywhere, and sends SYNs from some hundred
hosts that exist: their kernels answer every SYN-ACK with a reset, as real ones do. Alone
such SYNs would hurt little; on a full link the resets get lost and half-open connections
pile up. The changed vector goes over to fragments, and to bots that complete handshakes.
"""

import json
import os
import subprocess

from net import BOTS, SHOP4, SHOP6
from procs import ProcError, Program, Talker
from shop import BOT_PATHS

UDP_PPS = 30_000
SYN_PPS = 8_000
FRAGMENT_PPS = 20_000
UDP_BYTES = 1000
SYN_HOSTS = 200
BOT_HOSTS = 20
BOT_CPS = 40

FLOOD = (
    ("udp", UDP_PPS, f"udp,rate={UDP_PPS},sources=random,dst={SHOP4},dst={SHOP6},dport=80,"
     f"size={UDP_BYTES}"),
    ("bot_syn", SYN_PPS,
     f"syn,rate={SYN_PPS},sources=hosts:{SYN_HOSTS},from={BOTS[0]},dst={SHOP4},dport=80"),
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
