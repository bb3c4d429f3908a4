#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
"""Two workers on devices of every kind: every customer is served, each flow meets one worker.

A device with queues of its own (AF_PACKET with a fanout of two, tap with two queues)
spreads packets as it likes; one with a single queue (AF_XDP on veth) feeds one worker.
Either way the workers hand over what belongs to another, and the proof is in the flow
tables: a flow that two workers share is verified by neither or known to both.
"""
import contextlib
import signal
import socket
import struct
import subprocess
import time

from load import PAGE, Shop, sent, start_sending, write_attack
from rig import IN4, IN6, Rig, expect, inside, main, run, wait_until, within
from test_wire import udp_frame

CUSTOMERS = 24
SERVICE = ('policies = ( { name = "web"; mode = "mitigate"; sanity = { private_sources = "allow"; }; '
           'flows = { ipv6_prefix = 128; }; } );\n'
           'services = ( { name = "shop"; prefixes = [ "10.66.0.2/32", "fd66::2/128" ]; protocol = "any"; '
           'policy = "web"; } );')


def address_of(i):
    return "10.66.0.%d" % (100 + i) if i % 2 == 0 else "fd66::%x" % (0x100 + i)


def settle_down(rig):
    for i in range(CUSTOMERS):
        more = ["/24"] if i % 2 == 0 else ["/64", "nodad"]
        run("ip", "-n", rig.internet, "addr", "add", address_of(i) + more[0], "dev", "out0", *more[1:])


class Visitor:
    """A customer: two connections that stay, and one request by curl."""

    def __init__(self, rig, i):
        self.rig, self.v6, self.address = rig, i % 2 == 1, address_of(i)
        self.socks = [self._connect() for _ in range(2)]

    def _connect(self):
        with inside(self.rig.internet):
            sock = socket.socket(socket.AF_INET6 if self.v6 else socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(10)
        sock.bind((self.address, 0))
        sock.connect((IN6 if self.v6 else IN4, 80))
        return sock

    def talk(self):
        """A page over each connection that stays; it comes whole."""
        for sock in self.socks:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
            got = b""
            while PAGE.encode() not in got:
                more = sock.recv(65536)
                expect(more, "a connection of %s ended" % self.address)
                got += more

    def close(self):
        for sock in self.socks:
            sock.close()

    def curl(self):
        host = "[%s]" % IN6 if self.v6 else IN4
        done = subprocess.run(
            [*within(self.rig.internet), "curl", "-s", "--max-time", "10", "--interface", self.address,
             "http://%s/" % host], capture_output=True, text=True, check=False)
        expect(done.stdout == PAGE, "curl of %s got %d bytes" % (self.address, len(done.stdout)))

    def flows(self):
        """Its TCP flows with the shop, as (worker, verdict, ends)."""
        told = self.rig.get("explain?ip=" + self.address)
        expect(told["left_out"] == 0, "too many flows of %s to see them all" % self.address)
        return [(f["worker"], f["verdict"], (f["peer"], f["peer_port"], f["port"]))
                for f in told["flows"] if f["protocol"] == 6]


def two_of_each_are_verified(visitors, by_ports):
    """Two connections a customer that stay, one that ended: each flow with one worker, and verified."""
    met = set()
    for visitor in visitors:
        flows = visitor.flows()
        ends = {f[2] for f in flows}
        expect(len(flows) == len(ends) == 3, "three connections of %s, and the workers know %s" % (
            visitor.address, flows))
        expect(sorted(f[1] for f in flows) == ["closing", "verified", "verified"], "not all are verified: %s" % flows)
        workers = {f[0] for f in flows}
        expect(by_ports or len(workers) == 1, "all belong to one worker: %s" % flows)
        met |= workers
    expect(met == {0, 1}, "workers that met flows: %s" % met)


def workers_balance(rig):
    """Over all workers, and for each with what it handed over and took over."""
    rig.books_balance()
    workers = rig.get("workers")["workers"]
    handed = sum(w["handed_over_packets"] for w in workers)
    expect(handed == sum(w["taken_over_packets"] for w in workers), "something is still on its way: %s" % workers)
    for w in workers:
        mine = w["received_packets"] + w["taken_over_packets"] - w["handed_over_packets"]
        expect(w["judged_packets"] == mine == w["forwarded_packets"] + w["dropped_packets"],
               "worker %d judged %d and had %d" % (w["worker"], w["judged_packets"], mine))
    total = rig.get("status")
    expect(total["total"]["books"]["balanced"], "the books do not balance: %s" % total["total"]["books"])
    expect(total["queues"]["handed_over_packets"] == handed, "queues: %s" % total["queues"])
    return workers


@contextlib.contextmanager
def shop_of(rig):
    shop = Shop(rig)
    try:
        yield
    finally:
        shop.close()


def serve(rig, by_ports=False):
    settle_down(rig)
    with shop_of(rig):
        visitors = [Visitor(rig, i) for i in range(CUSTOMERS)]
        for visitor in visitors:
            visitor.talk()
            visitor.curl()
            visitor.talk()
        two_of_each_are_verified(visitors, by_ports)
        workers = workers_balance(rig)
        for visitor in visitors:
            visitor.close()
    dropped = {k: v["packets"] for k, v in rig.reasons().items() if v.get("packets")}
    expect(not dropped, "dropped in quiet time: %s" % dropped)
    return workers


def two_fanout_queues():
    """AF_PACKET: the kernel spreads by a hash of its own over two queues, in both directions."""
    for rss in ("addresses", "ports"):
        rig = Rig(queues=2)
        try:
            text = rig.config(dataplane='workers = "2"; rss = "%s";' % rss, more=SERVICE)
            expect(rig.start(text), rig.log)
            expect("2 RX and 2 TX queues" in rig.log and "by software" in rig.log, rig.log)
            workers = serve(rig, rss == "ports")
            expect(all(w["received_packets"] > 50 and w["handed_over_packets"] > 50 for w in workers),
                   "the device spread nothing: %s" % workers)
            expect(rig.stop() == 0, rig.log)
        finally:
            rig.close()


def one_xdp_queue():
    """AF_XDP on an interface of one channel: one worker receives, both judge."""
    rig = Rig()
    try:
        expect(rig.start(rig.config(dataplane='workers = "2";', more=SERVICE)), rig.log)
        expect(rig.ports()["external"]["driver"] == "net_af_xdp", rig.log)
        expect("1 RX and 1 TX queue" in rig.log and "the control core transmits" in rig.log, rig.log)
        workers = serve(rig)
        expect(workers[1]["received_packets"] == 0 and workers[1]["judged_packets"] > 50,
               "worker 1 received %d and judged %d" % (workers[1]["received_packets"], workers[1]["judged_packets"]))
        expect(rig.stop() == 0, rig.log)
    finally:
        rig.close()


def two_tap_queues():
    """Taps with two queues, joined to the cables by bridges."""
    rig = Rig()
    try:
        text = rig.config("net_tap0", "net_tap1", 'workers = "2";', SERVICE)
        for bridge in ("brx", "bri"):
            run("ip", "-n", rig.gate, "link", "add", bridge, "type", "bridge")
            run("ip", "-n", rig.gate, "link", "set", bridge, "addrgenmode", "none")
        expect(rig.start(text), rig.log)
        expect("2 RX and 2 TX queues" in rig.log, rig.log)
        for bridge, tap, cable in (("brx", "dtap0", "ext0"), ("bri", "dtap1", "int0")):
            for port in (tap, cable):
                run("ip", "-n", rig.gate, "link", "set", port, "addrgenmode", "none")
                run("ip", "-n", rig.gate, "link", "set", port, "master", bridge, "up")
            run("ip", "-n", rig.gate, "link", "set", bridge, "up")
        wait_until(lambda: all(p["up"] for p in rig.ports().values()), "a tap has no carrier")
        workers = serve(rig)
        expect(sum(w["handed_over_packets"] for w in workers) > 50, "nothing was handed over: %s" % workers)
        expect(rig.stop() == 0, rig.log)
    finally:
        rig.close()


def icmp_errors_follow_their_flow():
    """What a router says of a flow is judged where the flow is; the flow's worker takes it over."""
    rig = Rig()
    try:
        expect(rig.start(rig.config(dataplane='workers = "2";', more=SERVICE)), rig.log)
        sender, hearer = rig.raw("internet"), rig.raw("shop")
        met, alone = set(), 0
        for i in range(40):
            if alone == 12:
                break
            flow = udp_frame(b"f" * 40, source=b"\x02\0\0\0\x0c" + bytes([i]))
            flow = flow[:26] + socket.inet_aton("198.51.100.%d" % i) + flow[30:]
            before = [w["judged_packets"] for w in rig.get("workers")["workers"]]
            router = icmp_about(flow, "192.0.2.%d" % (200 + i))
            for frame in (flow, router):
                sender.send(frame)
                expect(hearer.hear(lambda f, sent=frame: f[6:12] == sent[6:12]) is not None, "a frame got lost")
            wait_until(lambda old=before: sum(judged(rig)) >= sum(old) + 2, "two were not judged")
            grown = [now - old for now, old in zip(judged(rig), before)]
            if sum(grown) != 2:
                continue  # A neighbour discovery of the kernel's crossed as well: it tells nothing of this pair.
            alone += 1
            met.add(grown.index(max(grown)))
            expect(sorted(grown) == [0, 2], "flow and error were judged by %s" % grown)
        expect(alone == 12, "only %d of 40 pairs crossed alone" % alone)
        expect(met == {0, 1}, "workers that had flows: %s" % met)
        rig.books_balance()
    finally:
        rig.close()


def judged(rig):
    return [w["judged_packets"] for w in rig.get("workers")["workers"]]


def icmp_about(frame, router):
    """Time exceeded, from a router to the sender of the frame: through the box to nobody it knows."""
    quote = frame[14:14 + 28]
    icmp = struct.pack(">BBHI", 11, 0, 0, 0) + quote
    icmp = icmp[:2] + struct.pack(">H", checksum(icmp)) + icmp[4:]
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 1, 0, 60, 1, 0, socket.inet_aton(router), quote[12:16])
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return frame[:6] + b"\x02\0\0\0\x0d" + frame[11:12] + b"\x08\x00" + head + icmp


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def a_flood_is_shared_out():
    """Random sources on one queue: both workers judge half, and customers are served meanwhile."""
    rig = Rig()
    try:
        more = SERVICE.replace("flows =", 'vectors = ( { vector = "udp_flood"; activate_rate = "500pps"; '
                                          'max_rate = "200pps"; } ); flows =')
        expect(rig.start(rig.config(dataplane='workers = "2";', more=more)), rig.log)
        settle_down(rig)
        with shop_of(rig):
            visitors = [Visitor(rig, i) for i in range(4)]
            capture = write_attack(rig, "flood", "udp,sources=random,dst=%s,rate=20000,duration=2s" % IN4)
            sender = start_sending(rig, capture)
            while sender.poll() is None:
                for visitor in visitors:
                    visitor.talk()
                    visitor.curl()
            frames = sent(sender)["sent"]
            for visitor in visitors:
                visitor.close()
        workers = workers_balance(rig)
        queues = rig.get("status")["queues"]
        reasons = {k: v["packets"] for k, v in rig.reasons().items() if v["packets"]}
        expect(sum(reasons.values()) > frames * 0.6, "the flood was %d and of it were dropped %s" % (frames, reasons))
        expect(workers[0]["received_packets"] > frames * 0.7 and workers[1]["received_packets"] == 0, "workers: %s" % workers)
        shares = [w["judged_packets"] / workers[0]["received_packets"] for w in workers]
        expect(min(shares) > 0.4, "one worker judged little: %s, %s" % (shares, queues))
        expect(0 < workers[1]["waiting_most_packets"] <= workers[1]["waiting_room_packets"], "waiting: %s" % workers)
        expect(rig.stop() == 0, rig.log)
    finally:
        rig.close()


def bypass_hands_nothing_over():
    """Whoever receives forwards; what was handed over before is forwarded too."""
    rig = Rig()
    try:
        expect(rig.start(rig.config(dataplane='workers = "2";')), rig.log)
        sender, hearer = rig.raw("internet"), rig.raw("shop")

        def cross(first):
            for i in range(first, first + 60):
                frame = udp_frame(b"b" * 50)
                frame = frame[:26] + socket.inet_aton("198.51.100.%d" % i) + frame[30:]
                sender.send(frame)
                expect(hearer.hear(lambda f, sent=frame: f == sent) is not None, "a frame got lost")

        cross(0)
        expect(rig.get("status")["queues"]["handed_over_packets"] > 10, "nothing was handed over before")
        rig.put("bypass", {"enabled": True})
        time.sleep(0.05)
        before = rig.get("status")["queues"]["handed_over_packets"]
        cross(60)
        expect(rig.get("status")["queues"]["handed_over_packets"] == before, "bypass hands over")
        rig.put("bypass", {"enabled": False})
        time.sleep(0.05)
        cross(120)
        expect(rig.get("status")["queues"]["handed_over_packets"] > before + 10, "bypass did not end")
        workers_balance(rig)
    finally:
        rig.close()


def sigterm_drains_what_was_handed_over():
    """Frames of many flows, sent before the end, arrive though they cross to another worker."""
    rig = Rig()
    try:
        expect(rig.start(rig.config(dataplane='workers = "2";')), rig.log)
        sender, hearer = rig.raw("internet"), rig.raw("shop")
        for i in range(500):
            frame = udp_frame(struct.pack(">I", i) + b"d" * 60)
            sender.send(frame[:26] + socket.inet_aton("198.51.100.%d" % (i % 250)) + frame[30:])
        rig.daemon.send_signal(signal.SIGTERM)
        seen = {}
        while (f := hearer.hear(lambda f: f[6:12] == b"\x02\0\0\0\x0a\x01", 1)) is not None:
            seen.setdefault(f[26:30], []).append(f[42:46])
        began = time.monotonic()
        expect(rig.wait() == 0, "exit code after SIGTERM:\n" + rig.log)
        expect(time.monotonic() - began < 5, "draining took too long")
        expect(sum(map(len, seen.values())) == 500, "%d of 500 frames arrived" % sum(map(len, seen.values())))
        expect(all(flow == sorted(flow) for flow in seen.values()), "a flow left out of order")
    finally:
        rig.close()


if __name__ == "__main__":
    main(two_fanout_queues, one_xdp_queue, two_tap_queues, icmp_errors_follow_their_flow,
         a_flood_is_shared_out, bypass_hands_nothing_over, sigterm_drains_what_was_handed_over)
