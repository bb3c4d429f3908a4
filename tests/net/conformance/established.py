# SPDX-License-Identifier: BSD-3-Clause
"""Open connections: RFC 9293 3.8 and 3.10.7.4, RFC 7323 3 and 5, RFC 2018, RFC 2883, RFC 5961, RFC 1191, RFC 8201."""
import os
import socket
import time

from rig import Failed, expect
from conformance.cases import case
from conformance.opening import collect
from conformance.talk import LINUX


@case()
def questions_and_answers(t):
    t.open()
    for _ in range(10):
        t.talk_both_ways()
    t.close_orderly()


@case()
def probe_of_a_living_client(t):
    """RFC 9293 3.8.4: one number too early, without data and with one byte."""
    t.open()
    t.talk_both_ways()
    for data in (b"", b"?"):
        t.c.send("A", data, seq=t.c.seq - 1, stay=True)
        t.c.hear("A", seq=t.c.ack, ack=t.c.seq)
    t.talk_both_ways()


@case(takes=4)
def probe_of_a_living_server(t):
    t.open()
    t.talk_both_ways()
    t.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    t.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    t.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    for _ in range(2):
        t.c.hear("A", seq=t.c.ack - 1, ack=t.c.seq, size=0)
        t.c.send("A")
    t.talk_both_ways()


@case(takes=2)
def server_probes_a_closed_window(t):
    """RFC 9293 3.8.6.1: the probe is heard, and what was held back comes when the window opens."""
    t.open()
    t.c.win = 0
    t.c.send("A")
    time.sleep(0.05)
    t.sock.sendall(b"held back")
    for _ in range(2):
        t.c.hear("A", seq=t.c.ack - 1, ack=t.c.seq, size=0)
        t.c.send("A")
    t.c.win = 500
    t.c.send("A")
    expect(t.c.gather(9, t.c.ack) == b"held back", "other data")
    t.c.ack += 9
    t.c.send("A")
    t.talk_both_ways()


@case(takes=2)
def client_probes_a_closed_window(t):
    t.listen(options={(socket.SOL_SOCKET, socket.SO_RCVBUF): 4096})
    answer = t.open(LINUX)
    scale = answer.option("ws") or 0
    window, sent = 500, b""
    while window and len(sent) < 20000:
        piece = os.urandom(min(window, 500))
        t.c.send("PA", piece)
        sent += piece
        window = t.c.hear("A", ack=t.c.seq, skip="A").win << scale
        # The last of several acknowledgements tells the window.
        while (more := t.c.any(0.05)) is not None:
            window = more.win << scale
    expect(window == 0, "the window never closes: %d" % window)
    for _ in range(2):
        # A window that is told in coarser steps may be closed a little before the server's own.
        t.c.send("A", b"!", stay=True)
        if t.c.hear("A", win=0).rack == t.c.seq + 1:
            t.c.seq, sent = t.c.seq + 1, sent + b"!"
    expect(t.receive(len(sent)) == sent, "other data")
    t.c.hear("A", win=lambda w: w > 0, ack=t.c.seq)
    t.talk_both_ways()


@case()
def a_hole_from_the_client(t):
    """RFC 2018 4: the blocks that the server names are the client's own numbers."""
    t.open()
    t.c.send("PA", b"22222", seq=6)
    t.c.hear("A", ack=1, sacks=[(6, 11)])
    t.c.send("PA", b"44444", seq=16)
    t.c.hear("A", ack=1, sacks=[(16, 21), (6, 11)])
    t.c.send("PA", b"11111", seq=1)
    t.c.hear("A", ack=11, sacks=[(16, 21)])
    t.c.send("PA", b"33333", seq=11)
    t.c.hear("A", ack=21, sacks=[])
    expect(t.receive(20) == b"11111222223333344444", "the server reads something else")


@case()
def a_segment_twice(t):
    """RFC 2883: what came twice is named by a block below the acknowledgement."""
    t.open()
    t.c.send("PA", b"once only.")
    t.c.hear("A", ack=11, skip="A")
    t.c.send("PA", b"once only.", seq=1)
    t.c.hear("A", ack=11, sacks=[(1, 11)])
    t.c.seq = 11
    expect(t.receive(10) == b"once only.", "the server reads something else")
    t.talk_both_ways()


@case()
def a_hole_from_the_server(t):
    """The client's blocks reach the server in its own numbers, and it sends the hole and nothing else again."""
    mss = 1220 if t.v6 else 536
    t.open([("mss", mss), ("sackok", True), ("ts", None), ("nop", None), ("ws", 7)])
    size = mss - 12
    page = os.urandom(size * 6)
    t.sock.sendall(page)
    t.c.gather(len(page))
    # Whatever the server sent again until now, because nobody acknowledged it, is of no interest.
    t.c.ack = 1 + size
    for upto in range(3, 7):
        t.c.send("A", sack=[(1 + 2 * size, 1 + upto * size)])
    t.c.hear("A", repeated=True, seq=1 + size, size=size, skip="D")
    t.s.hear("A", ack=1 + size, sacks=[(1 + 2 * size, 1 + 6 * size)], skip="A")
    t.c.ack = 1 + len(page)
    t.c.send("A")
    t.talk_both_ways()


@case("direct proxy")
def blocks_with_and_without_stamps(t):
    """Four blocks fill a header without timestamps."""
    t.open_scripted([("mss", 1460), ("nop", None), ("nop", None), ("sackok", True)])
    blocks = [(101 + 200 * i, 201 + 200 * i) for i in range(4)]
    t.c.send("A", sack=blocks)
    t.s.hear("A", ack=1, sacks=blocks)
    t.s.ack = 1
    t.s.send("A", sack=blocks)
    t.c.hear("A", ack=1, sacks=blocks)


@case()
def stamps_run_on(t):
    """RFC 7323 5.4: what the client hears never runs back, from the first answer on."""
    t.open()
    for _ in range(5):
        t.talk_both_ways()
        time.sleep(0.05)
    values = [x.option("ts")[0] for x in t.c.heard if x.option("ts")]
    steps = [(b - a) & 0xFFFFFFFF for a, b in zip(values, values[1:])]
    expect(all(step < 10000 for step in steps), "timestamps of the server: steps of %s" % steps)
    t.close_orderly()


@case()
def an_old_stamp(t):
    """RFC 7323 5.3: the segment is acknowledged and not taken."""
    t.open()
    t.talk_both_ways()
    old = (t.c.ts_clock - 100000) & 0xFFFFFFFF
    t.c.put(t.c.segment("PA", b"old", options=[("nop", None), ("nop", None), ("ts", (old, t.c.ts_recent))]))
    t.c.ts_said.append(old)
    t.c.hear("A", seq=t.c.ack, ack=t.c.seq)
    t.talk_both_ways()


@case()
def a_blind_reset_inside_the_window(t):
    """RFC 5961 3.2: a challenge ACK in numbers that the client knows; then the exact one ends it."""
    t.open()
    t.talk_both_ways()
    t.c.send("R", seq=t.c.seq + 1000, stay=True)
    t.c.hear("A", seq=t.c.ack, ack=t.c.seq)
    t.talk_both_ways()
    t.c.send("R")
    t.s.hear("R", seq=t.c.seq, skip="A")
    expect_reset(t)


def expect_reset(t):
    try:
        t.sock.recv(1)
    except ConnectionResetError:
        return
    raise Failed("the server's connection is not reset")


@case()
def a_reset_outside_the_window(t):
    t.open()
    t.talk_both_ways()
    for far in (1 << 30, -5000, 1 << 22):
        t.c.send("R", seq=t.c.seq + far, stay=True)
    t.c.silence(0.2)
    t.talk_both_ways()


@case()
def data_outside_the_window(t):
    """RFC 9293 3.10.7.4: acknowledged with the right numbers, and not taken; the connection goes on."""
    t.open()
    t.talk_both_ways()
    t.c.send("PA", b"far away", seq=t.c.seq + (1 << 30), stay=True)
    heard = t.c.any(0.3)
    expect(heard is None or (heard.rseq, heard.rack) == (t.c.ack, t.c.seq), "the client hears %s" % heard)
    t.talk_both_ways()


@case()
def acknowledgement_of_what_was_never_sent(t):
    """RFC 5961 5.2."""
    t.open()
    t.talk_both_ways()
    t.c.send("A", ack=t.c.ack + 100000, stay=True)
    heard = t.c.any(0.3)
    expect(heard is None or (heard.rseq, heard.rack) == (t.c.ack, t.c.seq), "the client hears %s" % heard)
    t.talk_both_ways()


@case()
def a_syn_inside_the_connection(t):
    """RFC 5961 4.2: a challenge ACK, whatever the number; the connection goes on."""
    t.open()
    t.talk_both_ways()
    t.c.put(t.c.segment("S", seq=t.c.seq + 5, options=[("mss", 1460)]))
    heard = t.c.any(4)
    # The gate answers each SYN of a flood, this one too: it is the client then that knows better.
    if t.is_proxied and heard is not None and heard.flags == "SA":
        expect(heard.rack == t.c.seq + 6, "the answer acknowledges %s" % heard.rack)
    else:
        expect(heard is not None and (heard.flags, heard.rseq, heard.rack) == ("A", t.c.ack, t.c.seq), "heard %s" % heard)
    t.talk_both_ways()


@case(takes=3)
def a_client_that_lost_its_memory(t):
    """It opens from the port of a connection that the server still has (RFC 9293 3.5.1, figure 9)."""
    t.open()
    t.talk_both_ways()
    lost = t.sock
    t.again((t.c.peer_isn + 500000) & 0xFFFFFFFF)
    t.compares = False
    syn = t.c.send("S", options=LINUX, stay=True)
    answer = t.c.any(4)
    if answer.flags == "A":
        # Half open, discovered: the client resets what it does not know and asks again.
        t.c.put(t.c.segment("R", seq=answer.ack - t.c.peer_isn))
        time.sleep(0.2)
        t.c.put(syn)
        answer = t.c.any(4)
    expect(answer is not None and answer.flags == "SA" and answer.rack == 1, "the client hears %s" % answer)
    t.c.isn, t.c.seq, t.c.ack, t.c.ts_on, t.c.ts_recent = answer.seq, 1, 1, True, answer.option("ts")[0]
    t.c.send("A")
    t.accept()
    if t.is_proxied:
        t.c.hear("A", seq=1, ack=1, win=lambda w: w > 0)
    t.persist(b"a new life")
    expect(t.receive(10) == b"a new life", "the server reads something else")
    try:
        expect(lost.recv(1) == b"", "the old connection reads data")
    except OSError as why:
        expect(isinstance(why, ConnectionResetError), "the old connection: %s" % why)


@case()
def an_answer_inside_the_connection(t):
    """A SYN-ACK from the client's side is no more than a SYN there."""
    t.open()
    t.talk_both_ways()
    t.c.put(t.c.segment("SA", seq=t.c.seq, options=[("mss", 1460)]))
    heard = t.c.any(0.3)
    expect(heard is None or (heard.flags, heard.rseq, heard.rack) == ("A", t.c.ack, t.c.seq), "heard %s" % heard)
    t.talk_both_ways()


@case()
def urgent_data(t):
    """RFC 6093: the pointer is relative to the segment and stays what it was."""
    t.open()
    t.c.put(t.c.segment("PAU", b"now!", urgent=4))
    t.c.seq += 4
    t.c.hear("A", ack=t.c.seq)
    expect(t.sock.recv(1, socket.MSG_OOB) == b"!", "another byte is urgent")
    t.sock.send(b"you!", socket.MSG_OOB)
    t.c.hear("PAU", data=b"you!", urgent=4)


@case()
def a_page_of_many_segments(t):
    t.open()
    page = os.urandom(60000)
    t.sock.setblocking(True)
    t.sock.sendall(page)
    expect(collect(t, len(page)) == page, "the client reads something else")
    t.close_orderly()


@case()
def the_path_carries_less_than_the_server_sends(t):
    """RFC 1191, RFC 8201: the quote is in the server's numbers, and it sends shorter segments."""
    t.open()
    t.sock.sendall(os.urandom(1400))
    long = t.c.hear("A", size=lambda n: n > 1000)
    t.send_error("internet", long, 1280, "fd67::ffff" if t.v6 else "10.67.255.254")
    quoted = t.error_heard("shop")
    said = next(x for x in t.said.heard if x.data)
    expect(quoted.seq == said.seq, "the quote says %d, the server said %d" % (quoted.seq, said.seq))
    got, until = 0, time.monotonic() + 4
    while got < 1400 and time.monotonic() < until:
        heard = t.c.any(0.5, repeated=True)
        if heard is not None and heard.data and len(heard.data) + heard.header_len + (40 if t.v6 else 20) <= 1280:
            got += len(heard.data)
    expect(got >= 1400, "only %d bytes came in segments that fit" % got)


@case()
def a_router_inside_speaks_to_the_client(t):
    """The other way: the quote of the client's segment has the client's numbers."""
    t.open()
    t.talk_both_ways()
    sent = t.c.send("PA", b"z" * 300)
    inner = t.s.hear("A", data=b"z" * 300, skip="AD")
    t.send_error("shop", inner, 1280, "fd66::fe" if t.v6 else "10.66.0.254")
    quoted = t.error_heard("internet")
    expect(quoted.seq == sent.seq, "the quote says %d, the client said %d" % (quoted.seq, sent.seq))
    if "A" in quoted.flags:
        expect(quoted.ack == sent.ack, "the quote acknowledges %d, the client did %d" % (quoted.ack, sent.ack))


@case(takes=3)
def nothing_is_said_for_a_while(t):
    t.open()
    t.talk_both_ways()
    t.c.silence(2.5)
    t.talk_both_ways()
    t.close_orderly()
