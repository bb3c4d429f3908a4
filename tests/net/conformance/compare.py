# SPDX-License-Identifier: BSD-3-Clause
"""compare - what was said on one side of the gate against what was heard on the other.

Relative numbers of a translated segment are those of the original. So a finished
conversation is compared as a whole, whatever its case looked at itself.
"""
from rig import expect

from conformance.segment import after


def essence(segment, isn, peer_isn):
    blocks = tuple(tuple(after(edge, peer_isn) for edge in block) for block in segment.option("sack") or [])
    ack = after(segment.ack, peer_isn) if "A" in segment.flags else None
    return segment.flags, after(segment.seq, isn), ack, blocks, segment.data, segment.urgent


def told(e):
    return "%s seq %s ack %s sack %s len %d urgent %d" % (e[0], e[1], e[2], list(e[3]), len(e[4]), e[5])


def value(segment):
    """Its timestamp, without the echo."""
    stamp = segment.option("ts")
    return stamp and stamp[0]


def is_opening(segment):
    return "S" in segment.flags


def pairs(said, heard, sentence):
    """[(said, heard)] for every segment that was heard: all of them were said, in this order."""
    at, found = 0, []
    for segment, e in heard:
        while at < len(said) and said[at][1] != e:
            at += 1
        expect(at < len(said), "%s: %s" % (sentence, told(e)))
        # Of what was said more than once it may be a later one.
        at = next((i for i in range(at, len(said)) if said[i][1] == e and value(said[i][0]) == value(segment)), at)
        found.append((said[at][0], segment))
        at += 1
    return found


def shift(layout, answer):
    """(client's, server's) window scale of a handshake, 0 where it was not agreed."""
    ours, theirs = layout.option("ws"), answer.option("ws")
    return (0, 0) if ours is None or theirs is None else (min(ours, 14), min(theirs, 14))


def conversation(talk):
    """Every segment of a spliced or untouched connection that crossed the gate kept its meaning."""
    c, s, said = talk.c, talk.s, talk.said
    if not talk.compares or None in (c.isn, s.isn, said.isn):
        return
    to_client = [(x, essence(x, said.isn, s.isn)) for x in said.heard if not is_opening(x)]
    at_client = [(x, essence(x, c.isn, c.peer_isn)) for x in c.heard if not is_opening(x)]
    to_server = [(x, essence(x, c.peer_isn, c.isn)) for x in c.sent if not is_opening(x)]
    at_server = [(x, essence(x, s.isn, s.peer_isn)) for x in s.heard if not is_opening(x)]
    if talk.is_proxied:
        # The window update, and the third segment to the server, are the gate's own.
        own = ("A", 1, 1, (), b"", 0)
        first = [x for x in at_client if x[1] == own]
        at_client = [x for x in at_client if x[1] != own]
        to_client = [x for x in to_client if x[1] != own]
        at_server = [x for x in at_server if x[1] != own]
        expect(first or not at_server, "the client was never given a window")
    down = pairs(at_client, to_client, "the server said what the client never heard")
    up = pairs(to_server, at_server, "the server heard what the client never said")
    stamps(talk, down, up)
    windows(talk, down, up)


def stamps(talk, down, up):
    """A constant lies between the timestamps of both sides, and echoes name what was said."""
    for name, found in (("server's", [(b, a) for a, b in down]), ("client's", up)):
        apart = {(b.option("ts")[0] - a.option("ts")[0]) & 0xFFFFFFFF for a, b in found if a.option("ts") and b.option("ts")}
        expect(len(apart) <= 1, "the %s timestamps are moved by %s" % (name, sorted(apart)))
        lost = [str(a) for a, b in found if (a.option("ts") is None) != (b.option("ts") is None)]
        expect(not lost, "a timestamp on one side only: %s" % lost[:1])
    server_values = {x.option("ts")[0] for x in talk.said.heard if x.option("ts")}
    for segment in talk.s.heard:
        stamp = segment.option("ts")
        if stamp and "A" in segment.flags and "R" not in segment.flags and not talk.odd_stamps:
            expect(stamp[1] in server_values, "the server hears an echo that it never said: %s" % segment)


def windows(talk, down, up):
    """Neither end is promised more than the other one gave."""
    inner = next((x for x in talk.s.heard if is_opening(x)), None)
    inner_answer = next((x for x in talk.said.heard if is_opening(x)), None)
    outer = next((x for x in talk.c.sent if is_opening(x)), None)
    outer_answer = next((x for x in talk.c.heard if is_opening(x)), None)
    if None in (inner, inner_answer, outer, outer_answer):
        return
    client_out, server_out = shift(outer, outer_answer)
    client_in, server_in = shift(inner, inner_answer)
    for heard, origin in down:
        expect(heard.win << server_out <= origin.win << server_in,
               "the client may send %d, the server takes %d" % (heard.win << server_out, origin.win << server_in))
    for origin, heard in up:
        expect(heard.win << client_in <= origin.win << client_out,
               "the server may send %d, the client takes %d" % (heard.win << client_in, origin.win << client_out))
