# SPDX-License-Identifier: BSD-3-Clause
"""Segments of no connection while they flood: dropped, and nobody who has one is hit. RFC 9293 3.10.7, RFC 5961."""
import random

from rig import expect
from conformance.cases import case


def stray(flags, data=b""):
    def conversation(t):
        t.listen()
        t.c.isn = 0
        for _ in range(20):
            t.c.send(flags, data, seq=random.getrandbits(32), ack=random.getrandbits(32), stay=True)
        t.c.silence(0.3)
        expect(not t.s.heard, "the server hears %s" % (t.s.heard or [None])[0])
    return conversation


for kind, said, carried in (("ack", "A", b""), ("data", "PA", b"x" * 100), ("rst", "R", b""), ("rst_with_ack", "RA", b""),
                            ("fin", "FA", b""), ("syn_ack", "SA", b"")):
    nobodys = stray(said, carried)
    nobodys.__name__ = "a_stray_" + kind
    case("strict guarded")(nobodys)


@case("strict guarded")
def numbers_far_from_the_connection(t):
    """Of a connection that is there: neither the server nor the client hears of it, and it goes on."""
    t.open()
    t.talk_both_ways()
    t.s.hear("A", seq=t.c.seq, ack=t.c.ack, skip="D")
    before = len(t.s.heard)
    for flags, far in (("PA", 1 << 30), ("R", 1 << 30), ("FA", 1 << 31), ("A", 3 << 30)):
        t.c.send(flags, b"far" if flags == "PA" else b"", seq=t.c.seq + far, stay=True)
    t.c.silence(0.3)
    expect(len(t.s.heard) == before, "the server hears %s" % t.s.heard[-1])
    t.talk_both_ways()
    t.close_orderly()
