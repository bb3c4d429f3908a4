# SPDX-License-Identifier: BSD-3-Clause
"""Closing a connection: RFC 9293 3.6 and 3.10.7; RFC 6191 (TIME-WAIT and timestamps)."""
import os
import socket
import struct
import time

from rig import expect
from conformance.cases import case
from conformance.established import expect_reset
from conformance.opening import collect
from conformance.talk import LINUX, WINDOWS

LINGER = struct.pack("ii", 1, 0)


@case()
def the_client_closes_first(t):
    t.open()
    t.talk_both_ways()
    t.close_orderly()


@case()
def the_server_closes_first(t):
    t.open()
    t.talk_both_ways()
    t.sock.close()
    t.c.hear("FA", seq=t.c.ack, ack=t.c.seq)
    t.c.ack += 1
    t.c.send("FA")
    t.c.hear("A", seq=t.c.ack, ack=t.c.seq)


@case()
def the_client_only_listens(t):
    """Half closed: the server says as much as it likes afterwards."""
    t.open()
    t.c.send("FA")
    expect(t.sock.recv(1) == b"", "the server reads data, not the end")
    page = os.urandom(8000)
    t.sock.sendall(page)
    expect(collect(t, len(page)) == page, "the client reads something else")
    t.sock.close()
    t.c.hear("FA", seq=t.c.ack, ack=t.c.seq, skip="A")
    t.c.ack += 1
    t.c.send("A")


@case()
def the_server_only_listens(t):
    t.open()
    t.sock.shutdown(socket.SHUT_WR)
    t.c.hear("FA", seq=1, ack=1)
    t.c.ack += 1
    t.c.send("A")
    for _ in range(3):
        t.c.send("PA", b"more to say")
        t.c.hear("A", seq=t.c.ack, ack=t.c.seq, skip="A")
    expect(t.receive(33) == b"more to say" * 3, "the server reads something else")
    t.c.send("FA")
    expect(t.sock.recv(1) == b"", "the server reads data, not the end")
    t.c.hear("A", seq=t.c.ack, ack=t.c.seq)


@case()
def both_close_at_once(t):
    """RFC 9293 figure 13."""
    t.open_scripted()
    t.c.send("FA")
    t.s.send("FA")
    t.s.hear("FA", seq=1, ack=1, skip="A")
    t.c.hear("FA", seq=1, ack=1)
    t.c.ack = t.s.ack = 2
    t.c.send("A")
    t.s.send("A")
    t.s.hear("A", seq=2, ack=2)
    t.c.hear("A", seq=2, ack=2)


@case()
def the_last_words_with_the_end(t):
    t.open()
    t.c.send("FPA", b"last words")
    expect(t.receive(10) == b"last words" and t.sock.recv(1) == b"", "the server reads something else")
    t.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    t.sock.sendall(b"farewell")
    t.sock.close()
    t.c.hear("FA", seq=1, ack=12, data=b"farewell", skip="A")
    t.c.ack = 10
    t.c.send("A")


@case(takes=2)
def the_last_acknowledgement_gets_lost(t):
    """The server's FIN comes again, and is acknowledged again."""
    t.open()
    t.c.send("FA")
    expect(t.sock.recv(1) == b"", "the server reads data, not the end")
    t.sock.close()
    t.c.hear("FA", seq=1, ack=2, skip="A")
    t.c.hear("FA", seq=1, ack=2, repeated=True, skip="A")
    t.c.ack = 2
    t.c.send("A")
    t.c.silence(0.5)


@case()
def the_clients_end_comes_twice(t):
    t.open()
    t.c.send("FA", stay=True)
    expect(t.sock.recv(1) == b"", "the server reads data, not the end")
    t.c.hear("A", ack=2)
    t.c.send("FA")
    t.c.hear("A", ack=2)
    t.sock.close()
    t.c.hear("FA", seq=1, ack=2)


@case()
def both_ends_and_nothing_said(t):
    """
    The client's FIN, repeated, follows its first number, and acknowledges little more than
    the server's: that is no third segment of another handshake.
    """
    t.open()
    t.sock.close()
    t.c.hear("FA", seq=1, ack=1)
    t.c.ack = 2
    t.c.send("FA", stay=True)
    t.c.hear("A", seq=2, ack=2)
    for _ in range(3):
        t.c.send("FA", stay=True)
        t.c.hear("A", seq=2, ack=2)
    expect(sum("S" in x.flags for x in t.s.heard) == 1, "the server is asked again")


@case()
def the_client_resets(t):
    t.open()
    t.talk_both_ways()
    t.c.send("R")
    t.s.hear("R", seq=t.c.seq, skip="A")
    expect_reset(t)


@case()
def the_client_resets_with_an_acknowledgement(t):
    t.open()
    t.talk_both_ways()
    t.c.send("RA")
    t.s.hear("RA", seq=t.c.seq, ack=t.c.ack, skip="A")
    expect_reset(t)


@case()
def the_server_resets(t):
    t.open()
    t.talk_both_ways()
    t.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    t.sock.close()
    t.c.hear("RA", seq=t.c.ack, ack=t.c.seq)


@case()
def the_server_resets_what_it_never_read(t):
    t.open()
    t.c.send("PA", b"never read")
    t.c.hear("A", ack=t.c.seq)
    t.sock.close()
    t.c.hear("RA", seq=1, ack=t.c.seq, skip="A")


@case()
def data_after_the_server_is_gone(t):
    """RFC 9293 3.10.7.1: no connection, so an RST that takes its number from the segment."""
    t.open()
    t.sock.close()
    t.c.hear("FA", seq=1, ack=1)
    t.c.ack = 2
    t.c.send("PA", b"anybody there?")
    heard = t.c.any(4)
    expect(heard is not None and "R" in heard.flags and heard.rseq == 2, "the client hears %s" % heard)


@case()
def the_port_again_after_the_client_closed(t):
    t.open()
    t.close_orderly()
    time.sleep(0.05)
    t.again((t.c.peer_isn + 70000) & 0xFFFFFFFF)
    t.open()
    t.talk_both_ways()
    t.close_orderly()


@case()
def the_port_again_after_the_server_closed(t):
    """RFC 9293 3.6.1: the server's TIME-WAIT makes room for a SYN with a larger number."""
    for layout in (LINUX, WINDOWS):
        t.again(t.c.peer_isn, t.c.port + 1)
        t.open(layout)
        t.sock.close()
        t.c.hear("FA", seq=1, ack=1)
        t.c.ack = 2
        t.c.send("FA")
        t.c.hear("A", ack=2)
        t.again((t.c.peer_isn + 70000) & 0xFFFFFFFF)
        t.open(layout)
        t.talk_both_ways()
        t.close_orderly()


@case()
def the_port_again_after_a_reset(t):
    """Whatever the number."""
    t.open()
    t.c.send("R")
    t.s.hear("R", seq=1, skip="A")
    expect_reset(t)
    t.again((t.c.peer_isn - 90000) & 0xFFFFFFFF)
    t.open()
    t.talk_both_ways()
    t.close_orderly()


@case("direct proxy")
def eight_at_once_from_one_address(t):
    """Each has numbers of its own."""
    for i in range(8):
        t.again(t.c.peer_isn + i * 1000003 & 0xFFFFFFFF, t.c.port + 1)
        t.open()
        t.talk_both_ways()
