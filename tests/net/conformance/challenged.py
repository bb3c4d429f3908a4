# SPDX-License-Identifier: BSD-3-Clause
"""Proofs without a spliced connection: a wrong answer, a dropped SYN, a reset. RFC 9293 3.5.1, 3.10.7.3; RFC 6298 2."""
import random
import time

from rig import expect
from conformance.cases import case
from conformance.talk import LINUX, MACOS, WINDOWS
from conformance.ears import ordered


def passes_untouched(t, layout=None):
    """The whole connection is the server's own; only its SYN was delayed."""
    layout = LINUX if layout is None else layout
    t.again(t.c.peer_isn)
    t.open(layout)
    expect(t.c.isn == t.said.isn, "a connection of a proven client is spliced")
    t.talk_both_ways()
    t.close_orderly()


def wrong_answer(t, layout):
    """A SYN is answered with an acknowledgement of something else; returns that number."""
    syn = t.c.send("S", options=layout, stay=True)
    answer = t.c.hear("SA")
    t.check_answer(syn, answer, True)
    expect(answer.rack != 1, "the answer acknowledges the SYN")
    return answer.ack


def proves(t, layout):
    t.listen()
    number = wrong_answer(t, layout)
    t.c.put(t.c.segment("R", seq=number - t.c.peer_isn, options=[]))
    time.sleep(0.1)
    expect(not t.s.heard, "the server hears %s" % (t.s.heard or [None])[0])
    passes_untouched(t, layout)


@case("bad_ack")
def a_wrong_answer_is_reset(t):
    """What a real stack does in SYN-SENT; its next SYN passes."""
    proves(t, LINUX)


@case("bad_ack")
def a_wrong_answer_is_reset_by_windows(t):
    proves(t, WINDOWS)


@case("bad_ack")
def a_wrong_answer_to_a_bare_syn(t):
    proves(t, [])


@case("bad_ack")
def a_wrong_answer_to_macos(t):
    proves(t, MACOS)


@case("bad_ack")
def another_port_of_a_proven_client(t):
    proves(t, LINUX)
    t.again(random.getrandbits(32), t.c.port + 1)
    passes_untouched(t)


@case("bad_ack")
def a_guessed_reset_proves_nothing(t):
    t.listen()
    number = wrong_answer(t, LINUX)
    for _ in range(50):
        t.c.put(t.c.segment("R", seq=random.getrandbits(32), options=[]))
    t.c.put(t.c.segment("R", seq=number + 1 - t.c.peer_isn, options=[]))
    t.c.isn = None
    again = wrong_answer_or_none(t)
    expect(again != "passed", "a guess opened the way")
    expect(not t.was_asked(), "a guess opened the way to the server")


def wrong_answer_or_none(t):
    t.c.send("S", options=LINUX, stay=True)
    answer = t.c.any(0.5, repeated=True)
    return "passed" if answer is not None and answer.rack == 1 else answer


@case("bad_ack")
def a_reset_of_another_port_proves_nothing(t):
    t.listen()
    number = wrong_answer(t, LINUX)
    t.c.port += 1
    t.c.put(t.c.segment("R", seq=number - t.c.peer_isn, options=[]))
    t.c.port -= 1
    t.c.isn = None
    expect(wrong_answer_or_none(t) != "passed", "another port's reset opened the way")
    expect(not t.was_asked(), "another port's reset opened the way to the server")


@case("drop_first", takes=3)
def the_second_syn_passes(t):
    """Sent again after a second, as every stack does."""
    t.listen()
    syn = t.c.send("S", options=LINUX, stay=True)
    t.c.silence(1.0)
    expect(not t.s.heard, "the first SYN reached the server")
    t.c.put(syn)
    t.c.seq = 1
    answer = t.answered(syn)
    t.c.ack, t.c.ts_on, t.c.ts_recent = 1, True, answer.option("ts")[0]
    t.c.send("A")
    t.accept()
    t.settle(answer)
    t.talk_both_ways()
    t.close_orderly()


@case("drop_first", takes=3)
def another_connection_of_who_repeated(t):
    """Its handshake proved the address."""
    the_second_syn_passes(t)
    t.again(random.getrandbits(32), t.c.port + 1)
    passes_untouched(t)


@case("drop_first", takes=3)
def a_second_syn_too_soon(t):
    t.scripted()
    syn = t.c.send("S", options=LINUX, stay=True)
    for _ in range(3):
        time.sleep(0.15)
        t.c.put(syn)
    t.c.silence(0.2)
    expect(not t.s.heard, "a flood that repeats itself reached the server")


@case("drop_first", takes=3)
def a_second_syn_with_another_number(t):
    t.scripted()
    t.c.send("S", options=LINUX, stay=True)
    time.sleep(1.0)
    t.c.send("S", options=LINUX, seq=77, stay=True)
    t.c.silence(0.2)
    expect(not t.s.heard, "another SYN reached the server")


@case("reset")
def a_right_answer_then_a_reset(t):
    """The cookie comes back, the connection is reset, the next one is the server's own."""
    t.listen()
    t.handshake()
    heard = t.c.any(4)
    expect(heard is not None and "R" in heard.flags and heard.rseq == 1, "the client hears %s" % heard)
    expect(not t.s.heard, "the server hears %s" % (t.s.heard or [None])[0])
    t.again(random.getrandbits(32), t.c.port + 1)
    passes_untouched(t)


@case("reset")
def a_wrong_cookie_is_not_reset(t):
    t.listen()
    syn = t.c.send("S", options=LINUX, stay=True)
    t.answered(syn)
    t.c.send("A", seq=1, ack=4711)
    heard = t.c.any(0.5)
    expect(heard is None or heard.rseq == 4711, "the client hears %s" % heard)
    t.c.send("S", seq=5000, options=LINUX, stay=True)
    heard = t.c.any(1)
    expect(heard is not None and ordered(heard.flags) == "SA", "the client hears %s" % heard)
    expect(not t.was_asked(), "a wrong number opened the way to the server")
