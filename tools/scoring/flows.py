# SPDX-License-Identifier: BSD-3-Clause
"""Whose packets are in a capture: parts by the mark in the outside MAC, flows by their ends.

The captures are trafficgen's with --mark-parts and what `tidegated replay` made of them.
"""
import collections
import struct

OUTSIDE = bytes.fromhex("0200000100")
INSIDE = bytes.fromhex("0200000200")


def records(path):
    """(ns, frame) of a classic little-endian capture in nanoseconds."""
    with open(path, "rb") as f:
        data = f.read()
    assert struct.unpack_from("<L", data)[0] == 0xA1B23C4D, path
    at, head = 24, struct.Struct("<LLLL")
    while at < len(data):
        s, ns, n, _ = head.unpack_from(data, at)
        yield s * 10**9 + ns, data[at + 16:at + 16 + n]
        at += 16 + n


def records_ng(path):
    """(ns, frame, reason) of what `tidegated replay --dropped` writes: pcapng with comments."""
    with open(path, "rb") as f:
        data = f.read()
    at, head = 0, struct.Struct("<LL")
    while at < len(data):
        kind, length = head.unpack_from(data, at)
        if kind == 6:
            high, low, n = struct.unpack_from("<LLL", data, at + 12)
            options, reason = at + 28 + (n + 3) // 4 * 4, ""
            if options < at + length - 4:
                _, size = struct.unpack_from("<HH", data, options)
                reason = data[options + 4:options + 4 + size].decode()
            yield high << 32 | low, data[at + 28:at + 28 + n], reason
        at += length


def write_inward(path, to):
    """The same capture with what comes from outside alone."""
    with open(path, "rb") as f:
        data = f.read()
    with open(to, "wb") as out:
        out.write(data[:24])
        at = 24
        while at < len(data):
            n = struct.unpack_from("<L", data, at + 8)[0]
            if data[at + 22:at + 27] == OUTSIDE:
                out.write(data[at:at + 16 + n])
            at += 16 + n


def part_of(frame):
    """The number of the part, or None of a frame that is nobody's (a gate's own)."""
    if frame[6:11] == OUTSIDE:
        return frame[11]
    if frame[0:5] == OUTSIDE:
        return frame[5]
    return None


def flow_of(frame):
    """Both ends without direction; of fragments and other protocols addresses alone."""
    at = 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    kind, at = frame[at:at + 2], at + 2
    if kind == b"\x08\x00":
        proto, src, dst = frame[at + 9], frame[at + 12:at + 16], frame[at + 16:at + 20]
        whole = struct.unpack_from(">H", frame, at + 6)[0] & 0x3FFF == 0
        l4 = at + 4 * (frame[at] & 15)
    else:
        proto, src, dst = frame[at + 6], frame[at + 8:at + 24], frame[at + 24:at + 40]
        whole, l4 = proto != 44, at + 40
    if whole and proto in (6, 17):
        src, dst = src + frame[l4:l4 + 2], dst + frame[l4 + 2:l4 + 4]
    return proto, min(src, dst), max(src, dst)


class Share:
    """Packets of the attack (part 1) and of each customers' flow.

    Of dropped ones (whose frames come with a reason) `asked` counts those that were dropped
    so that the sender repeats them: `challenges` names these reasons.
    """

    def __init__(self, frames, challenges=(), attack=1):
        self.attack_times, self.flows = [], collections.Counter()
        self.reasons, self.asked = collections.Counter(), collections.Counter()
        for t, frame, *reason in frames:
            part = part_of(frame)
            if part == attack:
                self.attack_times.append(t)
            elif part is not None:
                self.flows[(part, flow_of(frame))] += 1
                self.reasons.update((part, r) for r in reason)
                if reason and reason[0] in challenges:
                    self.asked[(part, flow_of(frame))] += 1

    def customers(self):
        return sum(self.flows.values())


def lost(given, dropped, passed, answering=()):
    """(dropped, dropped because a proof was asked for) of the customers' packets.

    Recorded customers cannot answer a challenge: a flow of which a packet was answered or
    consumed by the gate would have gone on otherwise, so its drops are counted apart, and so
    are packets that the sender was to repeat. Nobody repeats an answer, so those of the parts
    `answering`, whose hosts were asked from inside, are lost.
    """
    plain = asked = 0
    for flow, count in dropped.flows.items():
        if given.flows[flow] > count + passed.flows[flow]:
            asked += count
        elif flow[0] in answering:
            plain += count
        else:
            asked += dropped.asked[flow]
            plain += count - dropped.asked[flow]
    return plain, asked


def challenged(given, dropped, passed):
    """Customers' packets that the gate itself answered or consumed."""
    return sum(max(0, count - dropped.flows[flow] - passed.flows[flow])
               for flow, count in given.flows.items())
