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
import json
import random
import socket
import struct
import threading
import time

from rig import ETH_P_ALL, Failed, expect, inside, run, wait_until
from conformance import compare
from conformance.segment import FLAGS, Segment, after, icmp_error, read_ip, read_tcp, write_options

CLIENT_MAC, SCRIPT_MAC = b"\x02\0\0\0\x67\x01", b"\x02\0\0\0\x66\x03"
FRONTS = {"direct": 7, "proxy": 2, "strict": 3, "bad_ack": 4, "drop_first": 5, "reset": 6, "guarded": 9}
SCRIPTED = 8  # added to the number of a front: the address of no kernel, in the same service
LINUX = [("mss", 1460), ("sackok", True), ("ts", None), ("nop", None), ("ws", 7)]
WINDOWS = [("mss", 1460), ("nop", None), ("ws", 8), ("nop", None), ("nop", None), ("sackok", True)]
MACOS = [("mss", 1460), ("nop", None), ("ws", 6), ("nop", None), ("nop", None), ("ts", None), ("sackok", True),
         ("eol", None)]
PATIENCE = 4  # seconds for what comes at once; the machine may have other work


def server_address(front, v6, scripted=False):
    host = FRONTS[front] + (SCRIPTED if scripted else 0)
    return "fd66::%x" % host if v6 else "10.66.0.%d" % host


def ordered(flags):
    return "".join(f for f in FLAGS if f in flags and f != "P")


def quoted_packet(packet):
    """What an ICMP error quotes; a short quote is filled up with zeros."""
    return read_ip(packet[3][8:] + b"\0" * 40, 0x0800 if packet[2] == 1 else 0x86DD)


class Wires:
    """Both ends of the gate: hears everything, and tells each case what is its own."""

    def __init__(self, rig):
        self.rig, self.talks, self.going, self.bad = rig, {}, True, []
        self.macs = {}
        for side, (namespace, interface) in self._places().items():
            link = json.loads(run("ip", "-j", "-n", namespace, "link", "show", "dev", interface))[0]
            self.macs[side] = bytes.fromhex(link["address"].replace(":", ""))
        for host in FRONTS.values():
            if host != 2:
                run("ip", "-n", rig.shop, "addr", "add", "10.66.0.%d/24" % host, "dev", "in0")
                run("ip", "-n", rig.shop, "addr", "add", "fd66::%x/64" % host, "dev", "in0", "nodad")
        # The same control on every machine; reno is always there.
        run("ip", "netns", "exec", rig.shop, "sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno")
        mac = ":".join("%02x" % b for b in CLIENT_MAC)
        for gate, net in (("10.66.0.200", "10.67.0.0/16"), ("fd66::200", "fd67::/64")):
            run("ip", "-n", rig.shop, "neigh", "add", gate, "lladdr", mac, "nud", "permanent", "dev", "in0")
            run("ip", "-n", rig.shop, "route", "add", net, "via", gate)
        self.socks = {side: self._open(*place) for side, place in self._places().items()}
        self.threads = [threading.Thread(target=self._read, args=(side,), daemon=True) for side in self.socks]
        for thread in self.threads:
            thread.start()

    def _places(self):
        return {"internet": (self.rig.internet, "out0"), "shop": (self.rig.shop, "in0")}

    @staticmethod
    def _open(namespace, interface):
        with inside(namespace):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            sock.bind((interface, 0))
            index = socket.if_nametoindex(interface)
        sock.setsockopt(263, 1, struct.pack("iHH8s", index, 1, 0, b""))
        sock.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        sock.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS: when it came, not when it was read
        sock.settimeout(0.2)
        return sock

    def _read(self, side):
        sock = self.socks[side]
        while self.going:
            try:
                frame, beside, _, source = sock.recvmsg(65536, 64)
            except (TimeoutError, BlockingIOError):
                continue
            except OSError:
                return
            packet = read_ip(frame[14:], struct.unpack("!H", frame[12:14])[0])
            talk = packet and self._talk_of(packet)
            if talk:
                seconds, ns = struct.unpack("qq", beside[0][2][:16])
                talk.take(side, packet, len(frame), source[2] == 4, seconds + ns / 1e9)

    def _talk_of(self, packet):
        """The case that a packet, or what an ICMP error quotes, belongs to."""
        found = self.talks.get(packet[0]) or self.talks.get(packet[1])
        if found is None and packet[2] in (1, 58):
            inner = quoted_packet(packet)
            found = inner and (self.talks.get(inner[0]) or self.talks.get(inner[1]))
        return found

    def send(self, side, frame):
        self.socks[side].send(frame)

    def close(self):
        self.going = False
        for thread in self.threads:
            thread.join()
        for sock in self.socks.values():
            sock.close()


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
