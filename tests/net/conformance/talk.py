# SPDX-License-Identifier: BSD-3-Clause
"""talk - scripted TCP conversations through the gate, segment by segment.

    scripted client (raw, out0) ---- gate ---- Linux, or a scripted server (raw, in0)

Every case has a client address of its own, which no kernel knows, so nobody else
answers and many cases run at once on one rig. Both ends of the gate are heard: a case
expects segments at the client and at the server, in numbers relative to each view's
first one. A connection that the gate carries on has other absolute numbers on its two
sides and the same relative ones; that is what translation means.

Fronts: `direct` is a service that the gate leaves alone, where each expectation must
hold as well if it says "as a direct connection"; `proxy`, `bad_ack`, `drop_first`,
`reset` are services whose tcp_syn_flood vector is armed. `strict` is a proxy and
`guarded` a direct connection while segments of no connection flood, too.
"""
import random
import socket
import threading
import time

from rig import Failed, expect, wait_until
from conformance import compare
from conformance.ears import PATIENCE, Ear, End, ordered
from conformance.segment import icmp_error, read_tcp, write_options
from conformance.wires import CLIENT_MAC, SCRIPT_MAC, quoted_packet, server_address

LINUX = [("mss", 1460), ("sackok", True), ("ts", None), ("nop", None), ("ws", 7)]
WINDOWS = [("mss", 1460), ("nop", None), ("ws", 8), ("nop", None), ("nop", None), ("sackok", True)]
MACOS = [("mss", 1460), ("nop", None), ("ws", 6), ("nop", None), ("nop", None), ("ts", None), ("sackok", True),
         ("eol", None)]


class Talk:
    """One case: a client, the gate, a server."""

    def __init__(self, wires, front, v6, number):
        self.wires, self.front, self.v6, self.number = wires, front, v6, number
        self.news = threading.Condition()
        self.log, self.began, self.since = [], time.time(), 0
        self.icmp = {"internet": [], "shop": []}
        self.listener = self.sock = None
        self.opened, self.compares, self.odd_stamps = [], True, False
        self.port = 10000 + number
        self.client_address = "fd67::%x" % (number + 16) if v6 else "10.67.%d.%d" % (number % 250, number // 250 + 1)
        self.is_scripted = False
        self.c = End(self, "the client", "internet", random.getrandbits(32), CLIENT_MAC)
        self.s = End(self, "the server", "shop", random.getrandbits(32), SCRIPT_MAC)
        self.said = Ear(self, "the server's wire")
        self.c.address = self.s.peer_address = self.client_address
        self.c.port = self.s.peer_port = 30000 + random.randrange(20000)
        self.c.peer_port = self.s.port = self.port
        self._at(server_address(front, v6))
        wires.talks[self.client_address] = self

    @property
    def is_proxied(self):
        return self.front in ("proxy", "strict")

    @property
    def is_direct(self):
        return self.front in ("direct", "guarded")

    def _at(self, address):
        self.c.peer_address = self.s.address = address

    def mac_of(self, side):
        """To whom frames go: the kernel of the shop, the scripted server, or the scripted clients."""
        if side == "shop":
            return CLIENT_MAC
        return SCRIPT_MAC if self.is_scripted else self.wires.macs["shop"]

    def scripted(self):
        """The server is scripted too."""
        self.is_scripted = True
        self._at(server_address(self.front, self.v6, True))
        return self.s

    def take(self, side, packet, frame_len, is_outgoing, now):
        if packet[2] in (1, 58):
            with self.news:
                self.icmp[side].append((is_outgoing, packet))
                self.log.append((now, side, "ICMP %d.%d" % (packet[3][0], packet[3][1])))
                self.news.notify_all()
            return
        if packet[2] != 6 or len(packet[3]) < 20:
            return
        segment = read_tcp(packet)
        segment.frame_len, segment.is_outgoing, segment.at = frame_len, is_outgoing, now
        is_from_client = segment.src == self.client_address
        self.log.append((now, side, str(segment)))
        if now < self.since:
            return
        if not segment.is_sound:
            self.wires.bad.append("%s: %s" % (side, segment))
        if side == "internet":
            if not is_from_client and not is_outgoing:
                self.c.add(segment)
        elif is_from_client:
            if self.s.isn is None and ordered(segment.flags).strip("EC") == "S":
                self.s.isn = self.said.peer_isn = segment.seq
            self.s.add(segment)
        else:
            if self.said.isn is None and ordered(segment.flags).strip("EC") == "SA":
                self.s.peer_isn = self.said.isn = segment.seq
            self.said.add(segment)

    def was_asked(self):
        """Whether a SYN has reached the server."""
        return any("S" in x.flags for x in self.s.heard)

    def again(self, isn, port=None):
        """The client begins another connection, from the same port or another: all views start over."""
        crossed = -1
        while len(self.log) > crossed:
            crossed = len(self.log)
            time.sleep(0.15)
        compare.conversation(self)
        self.since = time.time()  # what came before is not heard any more, however late it is read
        for ear in (self.c, self.s, self.said):
            ear.restart()
        self.c.peer_isn = isn
        self.c.sent = []
        if port is not None:
            self.c.port = self.s.peer_port = port

    def listen(self, **options):
        """A Linux server on the case's port."""
        family = socket.AF_INET6 if self.v6 else socket.AF_INET
        self.listener = self.wires.rig.socket("shop", family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for (level, name), value in options.get("options", {}).items():
            self.listener.setsockopt(level, name, value)
        if self.v6:
            self.listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.listener.bind(("::" if self.v6 else "0.0.0.0", self.port))
        self.listener.listen(8)
        self.listener.settimeout(PATIENCE)
        return self.listener

    def accept(self):
        self.sock, peer = self.listener.accept()
        self.opened.append(self.sock)
        self.sock.settimeout(PATIENCE)
        expect(peer[:2] == (self.c.address, self.c.port), "the server sees %s:%d" % peer[:2])
        return self.sock

    def answered(self, syn, flags="SA"):
        """The answer to the client's SYN, checked: never longer, no option that was not offered."""
        answer = self.c.hear(flags, ack=1)
        self.check_answer(syn, answer)
        return answer

    def check_answer(self, syn, answer, is_ours=None):
        """is_ours: the gate made it; otherwise it is the server's own."""
        is_ours = self.front in ("proxy", "strict", "reset") if is_ours is None else is_ours
        offered = {name for name, _ in syn.options_read()}
        given = {name for name, _ in answer.options}
        # Linux names its MSS whether it was asked or not; the gate never does.
        if not is_ours:
            given.discard("mss")
        expect(given <= offered, "offered %s, answered with %s" % (sorted(offered), sorted(given)))
        length = 20 + len(write_options(syn.options))
        if is_ours:
            expect(answer.header_len <= length, "a header of %d bytes answers %d" % (answer.header_len, length))
            whole = length + len(syn.data) + (40 if self.v6 else 20) + 14
            expect(answer.frame_len <= whole, "a frame of %d bytes answers %d" % (answer.frame_len, whole))

    def handshake(self, layout=None, data=b"", syn_flags="S", answer_flags="SA", syn_data=b""):
        """The client's side of it, up to the third segment. Returns the server's answer."""
        layout = LINUX if layout is None else layout
        syn = self.c.send(syn_flags, data=syn_data, stay=True, options=layout)
        self.c.seq = 1
        answer = self.answered(syn, answer_flags)
        self.c.ack = 1
        stamp = answer.option("ts")
        self.c.ts_on = stamp is not None
        if stamp:
            self.c.ts_recent = stamp[0]
        self.c.send("A", data=data)
        return answer

    def open(self, layout=None, data=b"", **how):
        """A connection with the Linux server, or with the scripted one up to its SYN; returns the answer."""
        if self.listener is None and not self.is_scripted:
            self.listen()
        answer = self.handshake(layout, data, **how)
        if self.is_scripted:
            return answer
        self.accept()
        self.settle(answer)
        return answer

    def settle(self, answer):
        """After the server answered: window update, and the two views are told apart."""
        wait_until(lambda: self.said.isn is not None, "the server never answered")
        if self.is_proxied:
            expect(answer.win == 0, "the answer opens a window of %d before the server did" % answer.win)
            expect(answer.seq != self.said.isn, "the connection is not spliced")
            self.updated()
        else:
            expect(answer.seq == self.said.isn, "the connection is spliced, or the numbers are wrong")
        self.s.hear("S", seq=0)
        self.s.hear("A", seq=1, ack=1)
        self.said.hear("SA", seq=0, ack=1)

    def settle_any(self):
        """The same, where more than one answer crossed."""
        wait_until(lambda: self.said.isn is not None, "the server never answered")
        if self.is_proxied:
            self.updated()
        self.s.hear("S", seq=0)
        self.s.hear("A", seq=1, ack=1)

    def open_scripted(self, layout=None, said=None, win=60000):
        """A connection with the scripted server, which answers with the options `said`."""
        layout = LINUX if layout is None else layout
        said = layout if said is None else said
        self.scripted()
        if self.is_proxied:
            answer = self.handshake(layout)
            self.server_answers(said, win)
            self.updated()
        else:
            syn = self.c.send("S", options=layout, stay=True)
            self.c.seq = 1
            self.server_answers(said, win, expects_ack=False)
            answer = self.answered(syn)
            self.c.ack = 1
            if answer.option("ts"):
                self.c.ts_on, self.c.ts_recent = True, answer.option("ts")[0]
            self.c.send("A")
            self.s.hear("A", seq=1, ack=1)
        return answer

    def server_answers(self, said, win=60000, expects_ack=True, syn=None):
        """The scripted server answers the SYN, heard before or now, with those of `said` that it offers."""
        syn = syn or self.s.hear("S", seq=0)
        offered = {name for name, _ in syn.options}
        if syn.option("ts") and ("ts", None) in said:
            self.s.ts_on, self.s.ts_recent = True, syn.option("ts")[0]
        self.s.ack = 1
        self.s.send("SA", options=[o for o in said if o[0] in offered or o[0] in ("nop", "eol")], win=win)
        if expects_ack:
            self.s.hear("A", seq=1, ack=1)

    def updated(self):
        """The window update after the server's answer."""
        return self.c.hear("A", seq=1, ack=1, win=lambda w: w > 0, size=0)

    def talk_both_ways(self):
        """A question and an answer over the open connection."""
        question, answer = b"question %d" % self.number, b"answer %d" % self.number
        at = self.c.seq
        self.c.send("PA", question)
        expect(self.receive(len(question)) == question, "the server reads something else")
        expect(self.s.gather(len(question), at)[:len(question)] == question, "other data on the server's wire")
        self.sock.sendall(answer)
        got = self.c.gather(len(answer), self.c.ack)
        expect(got == answer, "the client reads %r" % got)
        self.c.ack += len(answer)
        self.c.send("A")

    def receive(self, size):
        got = b""
        while len(got) < size:
            more = self.sock.recv(size - len(got))
            if not more:
                break
            got += more
        return got

    def persist(self, data, seq=None):
        """The client sends data until it is acknowledged, as every stack does."""
        seq = self.c.seq if seq is None else seq
        for _ in range(8):
            self.c.send("PA", data, seq=seq)
            until = time.monotonic() + 0.4
            while (heard := self.c.any(max(until - time.monotonic(), 0))) is not None:
                expect("R" not in heard.flags, "a reset for data: %s" % heard)
                if heard.rack is not None and heard.rack >= seq + len(data):
                    self.c.seq = seq + len(data)
                    return heard
        raise Failed("data is never acknowledged")

    def close_orderly(self):
        """The client closes, then the server: four segments, nothing left."""
        self.c.send("FA")
        expect(self.sock.recv(1) == b"", "the server reads data, not the end")
        self.sock.close()
        fin = self.c.hear("FA", skip="A", seq=self.c.ack, ack=self.c.seq)
        self.c.ack += 1
        self.c.send("A")
        last = self.s.any(PATIENCE)
        while last is not None and (ordered(last.flags), last.rack) != ("A", self.c.ack):
            last = self.s.any(PATIENCE)
        expect(last is not None, "the server never hears the last acknowledgement")
        return fin

    def error_heard(self, side, is_outgoing=False, within=PATIENCE):
        """The quoted segment of the next ICMP error at this side."""
        until = time.monotonic() + within
        while True:
            with self.news:
                for i, (out, packet) in enumerate(self.icmp[side]):
                    if out == is_outgoing:
                        del self.icmp[side][i]
                        return read_tcp(quoted_packet(packet))
                left = until - time.monotonic()
                expect(left > 0, "no ICMP error comes to the %s" % side)
                self.news.wait(left)

    def send_error(self, side, about, mtu, router):
        """An ICMP error about a segment (as that side sees it) to its sender."""
        quoted = about.frame(CLIENT_MAC, CLIENT_MAC)[14:]
        frame = icmp_error(router, about.src, quoted, self.v6, mtu)
        to, ours = (self.wires.macs["shop"], CLIENT_MAC) if side == "internet" else (CLIENT_MAC, self.wires.macs["shop"])
        self.wires.send(side, to + ours + frame)

    def told(self):
        """What crossed both ends, for a failure's message."""
        return "\n".join("%7.3f %-8s %s" % (at - self.began, side, what) for at, side, what in sorted(self.log))

    def close(self):
        self.wires.talks.pop(self.client_address, None)
        for sock in self.opened + [self.listener]:
            if sock is not None:
                sock.close()
