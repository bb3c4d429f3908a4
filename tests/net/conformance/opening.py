# SPDX-License-Identifier: BSD-3-Clause
"""Opening a connection: RFC 9293 3.5, 3.7.1; RFC 7323 2 and 3; RFC 2018 2; RFC 7413; RFC 3168 6.1.1."""
import os
import random
import socket
import time

from rig import Failed, expect
from conformance.cases import case
from conformance.segment import after
from conformance.talk import LINUX, MACOS, WINDOWS
from conformance.ears import ordered

LAYOUTS = {
    "no_options": [],
    "mss_alone": [("mss", 1400)],
    "mss_and_sack": [("mss", 1460), ("nop", None), ("nop", None), ("sackok", True)],
    "mss_and_scale": [("mss", 1460), ("nop", None), ("ws", 3)],
    "mss_and_stamp": [("mss", 1460), ("nop", None), ("nop", None), ("ts", None)],
    "linux_layout": LINUX,
    "windows_layout": WINDOWS,
    "macos_layout": MACOS,
    "stamp_without_mss": [("ts", None), ("nop", None), ("nop", None)],
    "scale_without_stamp": [("nop", None), ("ws", 0)],
    "scale_above_14": [("mss", 1460), ("sackok", True), ("ts", None), ("nop", None), ("ws", 15)],
    "unknown_option": [("mss", 1460), ("raw", b"\xfd\x06\x12\x34\x56\x78"), ("ts", None), ("sackok", True)],
    "end_of_list_first": [("eol", None), ("raw", b"\x02\x04\x05\xb4\0\0\0")],
    "small_mss": [("mss", 536), ("sackok", True), ("ts", None), ("nop", None), ("ws", 7)],
    "tiny_mss": [("mss", 216), ("sackok", True), ("ts", None), ("nop", None), ("ws", 7)],
    "huge_mss": [("mss", 65495), ("sackok", True), ("ts", None), ("nop", None), ("ws", 10)],
    "forty_bytes": [("nop", None)] * 20 + LINUX,
}


def handshake_with(layout):
    def conversation(t):
        t.open(layout)
        inner = t.s.heard[0]
        offered = {name for name, _ in t.c.sent[0].options_read()}
        expect({name for name, _ in inner.options} <= offered | {"mss"}, "the server is offered %s" % inner)
        mss = next((value for name, value in layout if name == "mss"), 1220 if t.v6 else 536)
        # A cookie names one of eight sizes, the least of them what every host must take.
        floor = mss if t.is_direct else max(mss, 1220 if t.v6 else 536)
        expect((inner.option("mss") or mss) <= floor, "the server may send %s, the client takes %d" % (
            inner.option("mss"), mss))
        t.talk_both_ways()
        page = os.urandom(5000)
        t.sock.sendall(page)
        got = collect(t, len(page), floor)
        expect(got == page, "the client reads something else")
        t.close_orderly()
    return conversation


def collect(t, size, mss=65535):
    """Read a stream as a client does, with an ACK for each segment; no segment is longer than the MSS."""
    got, began = {}, t.c.ack
    until = time.monotonic() + 5
    while t.c.ack < began + size:
        segment = t.c.any(max(until - time.monotonic(), 0), repeated=True)
        expect(segment is not None, "only %d of %d bytes came" % (t.c.ack - began, size))
        if not segment.data:
            continue
        expect(len(segment.data) + segment.header_len - 20 <= mss, "%d bytes in a segment, MSS %d" % (
            len(segment.data), mss))
        got[segment.rseq] = segment.data
        while t.c.ack in got:
            t.c.ack += len(got[t.c.ack])
        t.c.send("A")
    return b"".join(got[seq] for seq in sorted(got))[:size]


for name, options in LAYOUTS.items():
    opened = handshake_with(options)
    opened.__name__ = "opens_with_" + name
    case()(opened)


@case()
def a_list_that_ends_inside_an_option(t):
    """No stack sends it: stage `sanity` drops it before anybody answers."""
    t.listen()
    t.c.send("S", options=[("raw", b"\x01\x01\x01\x05")], stay=True)
    t.c.silence(0.4)
    expect(not t.s.heard, "it reached the server")


@case()
def syn_is_repeated(t):
    t.listen()
    syn = t.c.send("S", options=LINUX, stay=True)
    answers = [t.answered(syn)]
    t.c.put(syn)
    again = t.c.hear("SA", ack=1, repeated=True)
    expect(t.is_proxied or again.seq == answers[0].seq, "two answers, two first numbers")
    # Within an epoch the answer is the same; at its edge either one opens the connection.
    t.c.isn, t.c.seq, t.c.ack, t.c.ts_on, t.c.ts_recent = again.seq, 1, 1, True, again.option("ts")[0]
    t.c.send("A")
    t.accept()
    t.settle_any()
    t.talk_both_ways()
    t.close_orderly()


@case()
def another_first_number_before_the_third_segment(t):
    """A client that starts over: the newest SYN is the one that is opened."""
    t.listen()
    syn = t.c.send("S", options=LINUX, stay=True)
    t.answered(syn)
    if t.is_direct:
        # The server holds on to the first until it gives up; RFC 9293 3.5 lets the client reset it.
        t.c.send("R", seq=1, stay=True)
    t.again((t.c.peer_isn + 100000) & 0xFFFFFFFF)
    t.open()
    t.talk_both_ways()
    t.close_orderly()


@case("proxy")
def third_segment_is_repeated(t):
    """The connection to the server is opened once, however often it is asked for."""
    t.scripted()
    t.handshake()
    syn = t.s.hear("S", seq=0)
    for _ in range(3):
        t.c.send("A")
    t.s.silence(0.5)
    t.server_answers(LINUX, syn=syn)
    t.updated()
    t.c.send("PA", b"once")
    t.s.hear("PA", data=b"once", skip="A")


@case()
def third_segment_gets_lost(t):
    """The first data opens the connection instead."""
    t.listen()
    syn = t.c.send("S", options=LINUX, stay=True)
    answer = t.answered(syn)
    t.c.seq, t.c.ack, t.c.ts_on, t.c.ts_recent = 1, 1, True, answer.option("ts")[0]
    t.persist(b"no third segment")
    t.accept()
    expect(t.receive(16) == b"no third segment", "the server reads something else")
    t.talk_both_ways()


@case()
def data_with_the_third_segment(t):
    t.listen()
    t.handshake(data=b"early bird")
    t.accept()
    t.c.seq = 1
    t.persist(b"early bird")
    expect(t.receive(10) == b"early bird", "the server reads something else")
    t.talk_both_ways()
    t.close_orderly()


@case("proxy")
def data_before_the_server_answers(t):
    """It is consumed; the client's own repetition brings it when there is somebody to read it."""
    t.scripted()
    t.handshake()
    syn = t.s.hear("S", seq=0)
    for _ in range(3):
        t.c.send("PA", b"impatient", stay=True)
    t.c.silence(0.3)
    t.s.silence(0.2)
    t.server_answers(LINUX, syn=syn)
    t.updated()
    t.c.send("PA", b"impatient")
    t.s.hear("PA", seq=1, ack=1, data=b"impatient", skip="A")
    t.s.ack = 10
    t.s.send("A")
    t.c.hear("A", seq=1, ack=10)


@case("proxy")
def end_before_the_server_answers(t):
    """A client that opens, sends its only data and its FIN at once."""
    t.scripted()
    t.handshake()
    syn = t.s.hear("S", seq=0)
    t.c.send("FPA", b"bye", stay=True)
    t.c.silence(0.2)
    t.server_answers(LINUX, syn=syn)
    t.updated()
    t.c.send("FPA", b"bye")
    t.s.hear("FA", seq=1, data=b"bye", skip="A")
    t.s.ack = 5
    t.s.send("FA")
    t.c.hear("FA", seq=1, ack=5)


@case()
def wrong_acknowledgement(t):
    """RFC 9293 3.10.7.4: a reset of that number; the right one opens afterwards."""
    t.listen()
    syn = t.c.send("S", options=[("mss", 1460)], stay=True)
    t.answered(syn)
    t.c.seq, t.c.ack = 1, 1
    t.compares = False
    for wrong in (random.randrange(2, 1 << 31), 1 << 16, -2000):
        t.c.send("A", ack=1 + wrong)
        if t.front == "strict":
            t.c.silence(0.2)
            continue
        t.c.hear("R", seq=lambda n, wrong=wrong: after(n, 1 + wrong) == 0)
    expect(t.is_direct or not t.was_asked(), "a wrong cookie opened a connection")
    t.c.send("A")
    t.accept()
    if t.is_proxied:
        t.updated()
    t.talk_both_ways()


@case("proxy")
def guesses_make_no_state(t):
    """Acknowledgements of nothing: none reaches the server, none is answered with a SYN-ACK."""
    t.scripted()
    t.c.isn = 0
    for _ in range(300):
        t.c.send("A", seq=random.getrandbits(32), ack=random.getrandbits(32), stay=True)
    time.sleep(0.5)
    expect(not t.was_asked(), "a guess opened a connection")
    expect(not t.c.heard, "a guess is answered: %s" % (t.c.heard or [None])[0])


@case("proxy")
def cookie_of_another_port(t):
    """What proves one connection proves no other."""
    t.listen()
    syn = t.c.send("S", options=LINUX, stay=True)
    t.answered(syn)
    t.c.seq, t.c.ack = 1, 1
    t.c.port += 1
    t.c.send("A")
    t.c.port -= 1
    t.c.peer_isn += 1
    t.c.send("A")
    t.c.peer_isn -= 1
    time.sleep(0.4)
    expect(not t.was_asked(), "the cookie opened a connection")


@case("proxy", takes=200, soak=True)
def cookie_of_two_epochs_ago(t):
    t.listen()
    syn = t.c.send("S", options=LINUX, stay=True)
    t.answered(syn)
    t.c.seq, t.c.ack = 1, 1
    time.sleep(130)
    t.c.send("A")
    time.sleep(1)
    expect(not t.was_asked(), "the cookie opened a connection")


@case("proxy", takes=70, soak=True)
def cookie_of_the_last_epoch(t):
    """However an answer lies in its epoch, 60 s are not too late."""
    t.listen()
    syn = t.c.send("S", options=LINUX, stay=True)
    answer = t.answered(syn)
    t.c.seq, t.c.ack, t.c.ts_on, t.c.ts_recent = 1, 1, True, answer.option("ts")[0]
    time.sleep(60)
    t.c.send("A")
    t.accept()
    t.settle_any()
    t.talk_both_ways()


@case("proxy")
def window_opens_with_the_server(t):
    """Answered with window 0; the update says no more than the server's own answer did."""
    t.scripted()
    for said, win in ((LINUX, 3000), (LINUX[:1], 512)):
        t.again(random.getrandbits(32), t.c.port + 1)
        answer = t.handshake(LINUX)
        expect(answer.win == 0, "the answer's window is %d" % answer.win)
        t.c.silence(0.1)
        t.server_answers(said, win)
        update = t.updated()
        scale = answer.option("ws") or 0
        expect(0 < update.win << scale <= win, "the server takes %d, the client is told %d" % (win, update.win << scale))


@case("proxy")
def server_says_less_than_was_promised(t):
    """Its window scale differs from what the client was told; the window is shifted, never widened."""
    t.open_scripted(LINUX, [("mss", 1460), ("sackok", True), ("ts", None), ("nop", None), ("ws", 3)])
    t.s.send("A", win=8000)
    answer = next(x for x in t.c.heard if "S" in x.flags)
    heard = t.c.hear("A", seq=1, ack=1)
    scale = answer.option("ws") or 0
    expect(8000 << 3 >= heard.win << scale > 0, "the client is told %d of %d" % (heard.win << scale, 8000 << 3))


@case("proxy")
def server_without_options(t):
    """The client was promised what most servers do; this one does nothing of it."""
    t.open_scripted(LINUX, [("mss", 536)])
    t.c.send("PA", b"x" * 400)
    t.s.gather(400)
    t.s.ack = 401
    t.s.send("PA", b"y" * 400, win=1000)
    t.c.gather(400)
    t.odd_stamps = True
    t.compares = False


@case()
def fast_open_asks_for_a_cookie(t):
    """RFC 7413 4.1.1: a server that gives none is one without Fast Open."""
    layout = LINUX + [("tfo", b""), ("nop", None), ("nop", None)]
    t.open(layout)
    t.talk_both_ways()
    t.close_orderly()


@case()
def fast_open_with_data(t):
    """RFC 7413 4.2.1: only the SYN is acknowledged, the data comes again."""
    layout = LINUX + [("tfo", os.urandom(8)), ("nop", None), ("nop", None)]
    t.listen()
    syn = t.c.send("S", b"GET / HTTP/1.0\r\n\r\n", options=layout, stay=True)
    answer = t.answered(syn)
    t.c.seq, t.c.ack, t.c.ts_on, t.c.ts_recent = 1, 1, True, answer.option("ts")[0]
    t.c.send("A")
    t.accept()
    t.persist(b"GET / HTTP/1.0\r\n\r\n")
    expect(t.receive(18) == b"GET / HTTP/1.0\r\n\r\n", "the server reads something else")
    t.talk_both_ways()
    t.close_orderly()


@case()
def syn_with_data_and_no_fast_open(t):
    t.open(syn_data=b"too early")
    t.persist(b"too early")
    expect(t.receive(9) == b"too early", "the server reads something else")
    t.close_orderly()


@case()
def congestion_is_notified(t):
    """RFC 3168 6.1.1: what the answer agrees to is what both ends do."""
    t.listen()
    syn = t.c.segment("SEC", options=LINUX)
    t.c.put(syn)
    t.c.seq = 1
    answer = t.c.any(4)
    expect(answer is not None and ordered(answer.flags).replace("E", "") == "SA", "the answer is %s" % answer)
    t.check_answer(syn, answer)
    t.c.ack, t.c.ts_on, t.c.ts_recent = 1, True, answer.option("ts")[0]
    t.c.send("A")
    t.accept()
    if t.is_proxied:
        t.updated()
    t.said.hear("SA" + ("E" if "E" in answer.flags else ""), seq=0, ack=1)
    t.s.any(4)
    inner, inner_answer = t.s.heard[0], t.said.heard[0]
    if "E" in answer.flags:
        expect("E" in inner.flags and "C" in inner.flags, "agreed with the client, not with the server: %s" % inner)
        expect("E" in inner_answer.flags, "the client was promised what the server does not do")
        t.c.send("PAC", b"x")
        expect(t.receive(1) == b"x", "the server reads something else")
        t.s.hear("AC", data=b"x", skip="A")
        t.sock.sendall(b"congested")
        t.c.hear("A", skip="A", data=b"congested")
        t.c.ack += 9
        t.c.send("AE")
        t.s.hear("AE", skip="A", ack=10)
        t.sock.sendall(b"reduced")
        got = t.c.hear("AC", skip="A", data=b"reduced")
        t.c.ack += len(got.data)
        t.c.send("A")
    else:
        expect("E" not in inner_answer.flags, "the server notifies, the client does not know")
    t.talk_both_ways()


@case()
def refused_port(t):
    """RFC 9293 3.10.7.1: the client hears the server's RST with a number that it believes."""
    syn = t.c.send("S", options=LINUX, stay=True)
    t.c.seq = 1
    if t.is_direct:
        t.c.hear("RA", ack=1)
        return
    t.answered(syn)
    t.c.ack = 1
    t.c.send("A")
    heard = t.c.any(4)
    expect(heard is not None and "R" in heard.flags, "a refused client hears %s" % heard)
    expect(heard.rseq == 1, "the RST's number is %d behind the client's" % (heard.rseq - 1))
    expect("A" not in heard.flags or heard.rack == 1, "the RST acknowledges %s" % heard.rack)
    t.c.silence(0.3)


@case("proxy", takes=34)
def server_is_silent(t):
    """RFC 6298: asked again after 1, 3, 7 and 15 s; then the client learns that nobody is there."""
    t.scripted()
    t.handshake()
    asked = []
    while len(asked) < 5:
        segment = t.s.hear("S", seq=0, within=10, repeated=True)
        asked.append(segment.at)
    steps = [later - asked[0] for later in asked]
    expect(all(abs(step - due) < 0.6 for step, due in zip(steps, (0, 1, 3, 7, 15))), "asked after %s s" % steps)
    end = t.c.any(18)
    expect(end is not None and "R" in end.flags and end.rseq == 1, "the client of a silent server hears %s" % end)


@case("proxy", takes=3)
def server_answers_the_second_time(t):
    t.scripted()
    t.handshake()
    syn = t.s.hear("S", seq=0)
    t.s.hear("S", seq=0, repeated=True, within=2)
    t.server_answers(LINUX, syn=syn)
    t.updated()
    t.c.send("PA", b"late")
    t.s.hear("A", data=b"late", skip="A")


@case("proxy")
def server_repeats_its_answer(t):
    """The gate's third segment got lost, as the server sees it."""
    t.open_scripted()
    t.s.seq = 0
    t.s.send("SA", options=LINUX)
    heard = t.c.any(0.3)
    if heard is not None:
        expect(ordered(heard.flags) == "SA" and heard.rseq == 0, "the client hears %s" % heard)
        t.c.send("A")
    t.s.hear("A", seq=1, ack=1)
    t.c.send("PA", b"go on")
    t.s.hear("A", data=b"go on", skip="A")


@case()
def client_resets_before_the_third_segment(t):
    t.listen()
    syn = t.c.send("S", options=LINUX, stay=True)
    t.answered(syn)
    t.c.send("R", seq=1, stay=True)
    t.listener.settimeout(0.5)
    try:
        t.accept()
    except socket.timeout:
        expect(t.is_direct or not t.was_asked(), "the server is asked all the same")
        return
    raise Failed("a connection was opened")


@case("proxy")
def client_resets_before_the_server_answers(t):
    """The server's answer is then met with an RST, now or when it comes."""
    t.scripted()
    t.handshake()
    t.s.hear("S", seq=0)
    t.c.send("R")
    time.sleep(0.2)
    t.compares = False
    early = t.s.any(0.1)
    if early is None:
        t.s.ack = 1
        t.s.send("SA", options=[o for o in LINUX if o[0] != "ts"])
        early = t.s.any(2)
    expect(early is not None and "R" in early.flags and early.rseq == 1, "the server hears %s" % early)


@case()
def first_numbers_about_to_wrap(t):
    """2^32 lies within the first question, and exactly at the SYN."""
    for isn in (0xFFFFFFFD, 0xFFFFFFFF, 0):
        t.again(isn, t.c.port + 1)
        t.open()
        t.talk_both_ways()
        t.close_orderly()


@case()
def servers_numbers_about_to_wrap(t):
    t.s.peer_isn = 0xFFFFFFF0
    t.open_scripted()
    t.c.send("PA", b"q" * 100)
    t.s.hear("A", seq=1, data=b"q" * 100, skip="A")
    t.s.ack = 101
    t.s.send("PA", b"r" * 100)
    t.c.hear("A", seq=1, ack=101, data=b"r" * 100)
    t.c.ack = 101
    t.c.send("A", sack=[(151, 201)])
    t.s.hear("A", ack=101, sacks=[(151, 201)])
    t.s.send("PA", b"s" * 100)
    t.c.hear("A", seq=101, data=b"s" * 100)
