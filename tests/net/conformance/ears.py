# SPDX-License-Identifier: BSD-3-Clause
"""ears - segments of one direction at one place, and ends that answer them, in relative numbers."""
import random
import time

from rig import Failed, expect
from conformance.segment import FLAGS, Segment, after

PATIENCE = 4  # seconds for what comes at once; the machine may have other work


def ordered(flags):
    return "".join(f for f in FLAGS if f in flags and f != "P")


class Ear:
    """Segments of one direction at one place, with numbers relative to the view's own."""

    def __init__(self, talk, name):
        self.talk, self.name = talk, name
        self.heard, self.next = [], 0
        self.isn = self.peer_isn = None  # of whom is listened to, and of the other, in this view
        self.taken = set()

    def restart(self):
        """Another connection."""
        self.heard, self.next, self.taken = [], 0, set()
        self.isn = self.peer_isn = None

    def add(self, segment):
        with self.talk.news:
            self.heard.append(segment)
            self.talk.news.notify_all()

    def relative(self, segment):
        segment.rseq = after(segment.seq, self.isn) if self.isn is not None else None
        segment.rack = after(segment.ack, self.peer_isn) if self.peer_isn is not None and "A" in segment.flags else None
        segment.sacks = [tuple(after(edge, self.peer_isn) for edge in block) for block in segment.option("sack") or []]
        return segment

    def _is_repetition(self, segment):
        key = (segment.flags, segment.seq, segment.ack, segment.data)
        if segment.taken and key in self.taken:
            return True
        self.taken.add(key)
        return False

    def any(self, seconds, repeated=False):
        """The next segment, or None. A repetition of what takes up numbers is left out unless asked for."""
        until = time.monotonic() + seconds
        while True:
            with self.talk.news:
                while self.next >= len(self.heard):
                    left = until - time.monotonic()
                    if left <= 0:
                        return None
                    self.talk.news.wait(left)
                segment = self.heard[self.next]
                self.next += 1
            if ordered(segment.flags).strip("E") == "SA" and self.isn is None:
                self.isn = segment.seq
            if not self._is_repetition(segment) or repeated:
                return self.relative(segment)

    def hear(self, flags, within=PATIENCE, repeated=False, skip="", **want):
        """
        The next segment, which must have these flags (P is as it pleases) and values:
        seq, ack, data, size, sacks, win (a number, or a function that tells whether it is right).
        skip passes over what is not the one: "A" pure acknowledgements, "D" data.
        """
        until = time.monotonic() + within
        while True:
            segment = self.any(max(until - time.monotonic(), 0), repeated)
            if segment is None:
                raise Failed("%s hears nothing, expected %s %s" % (self.name, flags, want or ""))
            wrong = self._compare(segment, flags, want)
            if not wrong:
                return segment
            if "D" in skip and segment.data:
                continue
            if not (ordered(segment.flags) == "A" and "A" in skip and not segment.data):
                raise Failed("%s hears %s (seq %s ack %s sack %s), expected %s: %s" % (
                    self.name, segment, segment.rseq, segment.rack, segment.sacks, flags, wrong))

    @staticmethod
    def _compare(segment, flags, want):
        if ordered(segment.flags) != ordered(flags):
            return "flags"
        got = {"seq": segment.rseq, "ack": segment.rack, "data": segment.data, "size": len(segment.data),
               "sacks": segment.sacks, "win": segment.win, "urgent": segment.urgent}
        for name, value in want.items():
            holds = value(got[name]) if callable(value) else got[name] == value
            if not holds:
                return "%s is %s%s" % (name, got[name], "" if callable(value) else ", not %s" % (value,))
        return ""

    def gather(self, size, start=1, within=PATIENCE):
        """Data of the stream from `start` (relative), until `size` bytes are there in a row; returns the bytes."""
        got, until = {}, time.monotonic() + within
        while True:
            segment = self.any(max(until - time.monotonic(), 0))
            expect(segment is not None, "%s: only %d of %d bytes came" % (self.name, sum(map(len, got.values())), size))
            expect("R" not in segment.flags or self is not self.talk.c, "%s: a reset instead of data" % self.name)
            if segment.data:
                got[segment.rseq] = segment.data
            stream, at = b"", start
            for seq in sorted(got):
                if seq <= at < seq + len(got[seq]):
                    stream += got[seq][at - seq:]
                    at = seq + len(got[seq])
            if len(stream) >= size:
                return stream

    def silence(self, seconds, but=""):
        """Nothing comes for so long; pure acknowledgements may with but="A"."""
        until = time.monotonic() + seconds
        while (segment := self.any(max(until - time.monotonic(), 0))) is not None:
            if not (but == "A" == ordered(segment.flags) and not segment.data):
                raise Failed("%s hears %s, expected silence" % (self.name, segment))


class End(Ear):
    """A scripted end: hears what is for it and says what the case wants."""

    def __init__(self, talk, name, side, isn, mac):
        super().__init__(talk, name)
        self.side, self.mac, self.peer_isn = side, mac, isn
        self.seq, self.ack, self.win = 0, 0, 65535  # relative; what send() uses next
        self.port = self.peer_port = 0
        self.address = self.peer_address = ""
        self.ts_clock, self.ts_on, self.ts_recent = random.getrandbits(31), False, 0
        self.ts_said, self.sent = [], []

    def restart(self):
        super().restart()
        self.peer_isn = random.getrandbits(32)
        self.seq = self.ack = 0
        self.ts_on, self.ts_recent, self.ts_said = False, 0, []

    def relative(self, segment):
        super().relative(segment)
        stamp = segment.option("ts")
        if stamp and self.ts_on:
            if after(stamp[0], self.ts_recent) > 0 or "S" in segment.flags:
                self.ts_recent = stamp[0]
            if "A" in segment.flags:
                expect(stamp[1] in self.ts_said, "%s: timestamp echo %d is none of ours" % (self.name, stamp[1]))
        return segment

    def stamp(self):
        self.ts_clock = (self.ts_clock + 10) & 0xFFFFFFFF
        self.ts_said.append(self.ts_clock)
        return ("ts", (self.ts_clock, self.ts_recent))

    def segment(self, flags, data=b"", seq=None, ack=None, win=None, options=None, sack=None, urgent=0):
        seq = self.seq if seq is None else seq
        ack = self.ack if ack is None else ack
        if options is None:
            options = [("nop", None), ("nop", None), self.stamp()] if self.ts_on and "R" not in flags else []
            if sack:
                base = self.isn or 0
                blocks = [tuple((edge + base) & 0xFFFFFFFF for edge in block) for block in sack]
                options += [("nop", None), ("nop", None), ("sack", blocks)]
        options = [self.stamp() if o == ("ts", None) else o for o in options]
        base = self.isn if self.isn is not None else 0
        return Segment(self.address, self.peer_address, self.port, self.peer_port, flags, self.peer_isn + seq,
                       base + ack if "A" in flags else 0, self.win if win is None else win, options, data, urgent)

    def put(self, segment):
        """Send a finished segment."""
        self.sent.append(segment)
        self.talk.log.append((time.time(), self.side + "<", str(segment)))
        self.talk.wires.send(self.side, segment.frame(self.mac, self.talk.mac_of(self.side)))

    def send(self, flags, data=b"", stay=False, **how):
        """Say a segment, numbers relative; what it takes up is said, unless `stay`."""
        segment = self.segment(flags, data, **how)
        self.put(segment)
        if not stay and how.get("seq") is None:
            self.seq += segment.taken
        return segment
