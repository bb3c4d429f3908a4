#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
# Takes long.
"""The wire is transparent, whoever transmits: what comes in goes out, to the last bit."""
import ctypes
import mmap
import os
import signal
import socket
import struct
import threading
import time

from rig import IN4, IN6, LIBC, OUT6, RawPort, Skipped, Rig, expect, inside, main, run, wait_until

HELD = []  # memory that the kernel uses as long as this process lives


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp_frame(payload, tags=b"", ttl=37, source=b"\x02\0\0\0\x0a\x01", target=b"\x02\0\0\0\x0a\x02"):
    """A frame between addresses that nobody in the rig has, so that no kernel answers it."""
    udp = struct.pack(">HHHH", 4000, 4001, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0xB8, 20 + len(udp), 77, 0, ttl, 17, 0,
                       socket.inet_aton("192.0.2.7"), socket.inet_aton("203.0.113.9"))
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return target + source + tags + b"\x08\x00" + head + udp


def ping(rig, v6=False):
    """An echo from internet to shop and back, by raw ICMP."""
    family = socket.AF_INET6 if v6 else socket.AF_INET
    proto = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
    with inside(rig.internet):
        sock = socket.socket(family, socket.SOCK_RAW, proto)
    sock.settimeout(0.5)
    body = struct.pack(">BBHHH", 128 if v6 else 8, 0, 0, 4242, 1) + b"tide" * 8
    if not v6:
        body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
    for _ in range(10):
        sock.sendto(body, (IN6 if v6 else IN4, 0))
        try:
            while True:
                got = sock.recv(2000)
                got = got if v6 else got[20:]
                if got[0] == (129 if v6 else 0) and got[4:6] == struct.pack(">H", 4242):
                    sock.close()
                    return True
        except TimeoutError:
            continue
    sock.close()
    return False


def fetch(rig, v6, size):
    """A TCP connection through the wire that carries `size` bytes and an end."""
    family = socket.AF_INET6 if v6 else socket.AF_INET
    content = os.urandom(size)
    server = rig.socket("shop", family, socket.SOCK_STREAM)
    server.bind((IN6 if v6 else IN4, 8080))
    server.listen(1)

    def serve():
        peer, _ = server.accept()
        peer.sendall(content)
        peer.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    client = rig.socket("internet", family, socket.SOCK_STREAM)
    client.settimeout(20)
    client.connect((IN6 if v6 else IN4, 8080))
    got = bytearray()
    while chunk := client.recv(65536):
        got += chunk
    client.close()
    server.close()
    thread.join(5)
    expect(bytes(got) == content, "TCP delivered %d of %d bytes right" % (len(got), size))


def crosses(rig, frame, there="shop", here="internet", name="frame"):
    sender, hearer = rig.raw(here), rig.raw(there)
    sender.send(frame)
    got = hearer.hear(lambda f: f[:6] == frame[:6] and f[6:12] == frame[6:12])
    expect(got is not None, "%s never arrived in %s" % (name, there))
    expect(got == frame, "%s was changed:\n%s\n%s" % (name, frame.hex(), got.hex()))


def all_kinds_cross(rig, size):
    q, ad = b"\x81\x00", b"\x88\xa8"
    kinds = {
        "udp": udp_frame(b"x" * 40),
        "ttl 1": udp_frame(b"x" * 40, ttl=1),
        "vlan": udp_frame(b"y" * 50, q + b"\x60\x64"),
        "qinq": udp_frame(b"z" * 50, q + b"\x00\x0a" + q + b"\x00\x14"),
        "unknown ethertype": b"\x02\0\0\0\x0b\x02" + b"\x02\0\0\0\x0b\x01" + b"\x88\xb5" + b"?" * 60,
        "multicast": udp_frame(b"m" * 40, target=b"\x01\0\x5e\0\0\x12"),
    }
    if not rig.uses_packet:
        kinds["802.1ad"] = udp_frame(b"a" * 50, ad + b"\x00\x0a" + q + b"\x00\x14")
    # The longest frame must say so itself, or `sanity` rightly counts it.
    payload = bytes(range(256)) * (size // 256 + 1)
    kinds["longest"] = udp_frame(payload[: size - 28])
    for name, frame in kinds.items():
        crosses(rig, frame, name=name)
        crosses(rig, frame, "internet", "shop", name=name + " back")


def wire(transmit, mtu=1500, external="ext0", internal="int0", dataplane="", driver="net_af_xdp", queues=1):
    rig = Rig(mtu=mtu, queues=queues)
    try:
        text = rig.config(external, internal, 'transmit = "%s"; %s' % (transmit, dataplane))
        expect(rig.start(text), "the gate did not start:\n" + rig.log)
        ports = rig.ports()
        expect(ports["external"]["driver"] == driver, "%s took %s" % (ports["external"]["driver"], "ext0"))
        rig.uses_packet = driver == "net_af_packet"
        expect(ping(rig), "no answer to a ping over IPv4")
        expect(ping(rig, v6=True), "no answer to a ping over IPv6")
        all_kinds_cross(rig, mtu)
        fetch(rig, False, 3000000)
        fetch(rig, True, 3000000)
        ports = rig.books_balance()
        expect(ports["internal"]["forwarded_bytes"] > 6000000, "the books missed the traffic")
        expect(ports["external"]["dropped_packets"] + ports["internal"]["dropped_packets"] == 0,
               "quiet traffic was dropped: %s" % {k: v for k, v in rig.reasons().items() if v.get("packets")})
        expect(rig.stop() == 0, "the gate did not end well:\n" + rig.log)
    finally:
        rig.close()


def workers_transmit():
    wire("worker")


def control_transmits():
    wire("control")


def jumbo_by_af_packet():
    wire("worker", mtu=9000, driver="net_af_packet")


def jumbo_by_af_packet_control_transmits():
    wire("control", mtu=9000, driver="net_af_packet")


def mtu_3000_by_af_xdp():
    wire("worker", mtu=3000)


def falls_back_to_af_packet():
    """Somebody holds the queue that AF_XDP needs, so AF_PACKET carries the frames, and it is said."""
    rig = Rig()
    try:
        holder = hold_xdp_queue(rig, "ext0")
        rig.uses_packet = True
        expect(rig.start(), rig.log)
        expect("AF_XDP does not work here" in rig.log, "the log does not say why:\n" + rig.log)
        ports = rig.ports()
        expect(ports["external"]["driver"] == "net_af_packet", ports["external"]["driver"])
        expect(ports["internal"]["driver"] == "net_af_xdp", ports["internal"]["driver"])
        all_kinds_cross(rig, 1500)
        fetch(rig, False, 1000000)
        rig.books_balance()
        expect(rig.stop() == 0, rig.log)
        holder.close()
    finally:
        rig.close()


def hold_xdp_queue(rig, interface):
    """An AF_XDP socket on queue 0 (linux/if_xdp.h), with no program that feeds it."""
    with inside(rig.gate):
        try:
            sock = socket.socket(44, socket.SOCK_RAW)
        except OSError as error:
            raise Skipped("this kernel has no AF_XDP (%s)" % error)
        memory = mmap.mmap(-1, 64 * 4096)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        sock.setsockopt(283, 4, struct.pack("QQIIII", address, 64 * 4096, 4096, 0, 0, 0))
        for ring in (5, 6, 2, 3):
            sock.setsockopt(283, ring, struct.pack("i", 64))
        name = struct.pack("HHIII", 44, 0, socket.if_nametoindex(interface), 0, 0)
        if LIBC.bind(sock.fileno(), name, len(name)) != 0:
            raise Skipped("an AF_XDP socket cannot be bound: %s" % os.strerror(ctypes.get_errno()))
    HELD.append(memory)
    return sock


def two_workers():
    """Two queues a port, each polled by a worker of its own; flows spread over both.

    A veth has no combined channels, so DPDK takes it by AF_PACKET then.
    """
    for transmit in ("worker", "control"):
        rig = Rig(queues=2)
        try:
            expect(rig.start(rig.config(dataplane='workers = "2"; transmit = "%s";' % transmit)), rig.log)
            rig.uses_packet = True
            expect("no combined channels" in rig.log, "the choice is not explained:\n" + rig.log)
            all_kinds_cross(rig, 1500)
            sender = rig.socket("internet", socket.AF_INET, socket.SOCK_DGRAM)
            for port in range(300):
                sender.sendto(b"spread" * 10, (IN4, 20000 + port))
            fetch(rig, False, 1000000)
            rig.books_balance()
            workers = rig.get("workers")["workers"]
            shares = [w["received_packets"] for w in workers]
            expect(len(shares) == 2 and min(shares) > 50, "workers received %s" % shares)
            expect(rig.stop() == 0, rig.log)
        finally:
            rig.close()


def a_written_device_of_one_queue_feeds_two_workers():
    """What the operator described has one queue, so one worker receives for both, and control sends."""
    wire("auto", external="net_af_xdp0,iface=ext0", internal="net_af_xdp1,iface=int0",
         dataplane='workers = "2";')


def too_few_tx_queues_for_workers_that_transmit():
    rig = Rig(queues=1)
    try:
        text = rig.config("net_af_xdp0,iface=ext0", "net_af_xdp1,iface=int0", 'workers = "2"; transmit = "worker";')
        expect(not rig.start(text), "it started")
        expect("has 1 TX queue, and 2 workers want one each" in rig.log, rig.log)
        expect('set dataplane.transmit = "control"' in rig.log, "no remedy: " + rig.log)
    finally:
        rig.close()


def dpdk_telemetry_answers():
    """The same documents by DPDK's own socket, for a build without HTTP."""
    rig = Rig()
    try:
        expect(rig.start(), rig.log)
        crosses(rig, udp_frame(b"t" * 40))
        answer = rig.telemetry("/tidegate/ports")
        expect("ports" in answer, "answer: %s" % answer)
    finally:
        rig.close()


def written_device_strings():
    wire("worker", external="net_af_packet0,iface=ext0", internal="net_af_packet1,iface=int0",
         driver="net_af_packet")


def two_links():
    """A second link beside the first, each with books of its own."""
    rig = Rig()
    try:
        rig.pair(rig.internet, "out1", "ext1")
        rig.pair(rig.shop, "in1", "int1")
        text = rig.config().replace("} );\napi", '}, { name = "second"; external = "ext1"; internal = "int1"; } );\napi')
        expect(rig.start(text), rig.log)
        crosses(rig, udp_frame(b"1" * 40))
        sender, hearer = RawPort(rig.internet, "out1"), RawPort(rig.shop, "in1")
        rig.open_ports += [sender, hearer]
        frame = udp_frame(b"2" * 40, source=b"\x02\0\0\0\x0c\x01")
        other = rig.raw("shop")
        sender.send(frame)
        expect(hearer.hear(lambda f: f == frame) is not None, "nothing crossed the second link")
        expect(other.hear(lambda f: f == frame, 0.3) is None, "links are not apart")
        rig.books_balance()
        links = {p["link"] for p in rig.get("ports")["ports"]}
        expect(links == {"uplink", "second"}, "links shown: %s" % links)
    finally:
        rig.close()


def sigterm_drains():
    """Frames that were sent before the end arrive, and the gate ends by itself with 0."""
    for transmit in ("worker", "control"):
        rig = Rig()
        try:
            expect(rig.start(rig.config(dataplane='transmit = "%s";' % transmit)), rig.log)
            sender, hearer = rig.raw("internet"), rig.raw("shop")
            for i in range(500):
                sender.send(udp_frame(struct.pack(">I", i) + b"d" * 60))
            rig.daemon.send_signal(signal.SIGTERM)
            seen = set()
            while (f := hearer.hear(lambda f: f[6:12] == b"\x02\0\0\0\x0a\x01", 1)) is not None:
                seen.add(f[42:46])
            began = time.monotonic()
            expect(rig.wait() == 0, "exit code after SIGTERM:\n" + rig.log)
            expect(time.monotonic() - began < 5, "draining took too long")
            expect(len(seen) == 500, "%d of 500 frames arrived (%s)" % (len(seen), transmit))
        finally:
            rig.close()


def bypass_forwards_without_judging():
    rig = Rig()
    try:
        # A deny list that hits all of the sender's packets, in mitigate.
        more = (
            'lists = ( { name = "bad"; action = "deny"; prefixes = [ "192.0.2.0/24" ]; } );\n'
            'policies = ( { name = "hard"; mode = "mitigate"; } );\n'
            'services = ( { name = "s"; prefixes = [ "203.0.113.0/24" ]; protocol = "any"; policy = "hard"; } );')
        expect(rig.start(rig.config(more=more)), rig.log)
        sender, hearer = rig.raw("internet"), rig.raw("shop")
        frame = udp_frame(b"b" * 50)
        sender.send(frame)
        expect(hearer.hear(lambda f: f == frame, 0.5) is None, "a denied packet passed")
        rig.put("bypass", {"enabled": True})
        expect(rig.get("status")["bypass"] is True, "the status does not show the bypass")
        crosses(rig, frame)
        rig.books_balance()
        rig.put("bypass", {"enabled": False})
        hearer.drain()
        sender.send(frame)
        expect(hearer.hear(lambda f: f == frame, 0.5) is None, "bypass did not end")
        ports = rig.books_balance()
        expect(ports["external"]["dropped_packets"] == 2, "two drops are counted")
    finally:
        rig.close()


def link_down_travels_and_comes_back():
    for transmit in ("worker", "control"):
        rig = Rig()
        try:
            expect(rig.start(rig.config(dataplane='transmit = "%s";' % transmit)), rig.log)
            expect(ping(rig), "no ping before")
            run("ip", "-n", rig.internet, "link", "set", "out0", "down")
            wait_until(lambda: not rig.has_carrier("shop"), "the shop still has a link")
            run("ip", "-n", rig.internet, "link", "set", "out0", "up")
            wait_until(lambda: rig.has_carrier("shop"), "the shop's link did not return")
            run("ip", "-n", rig.internet, "addr", "replace", OUT6 + "/64", "dev", "out0", "nodad")
            expect(ping(rig), "no ping after the link came back (%s)\n%s" % (transmit, rig.log))
            run("ip", "-n", rig.shop, "link", "set", "in0", "down")
            wait_until(lambda: not rig.has_carrier("internet"), "the internet still has a link")
            run("ip", "-n", rig.shop, "link", "set", "in0", "up")
            wait_until(lambda: rig.has_carrier("internet"), "the internet's link did not return")
            expect(ping(rig), "no ping after the second return\n" + rig.log)
            rig.books_balance()
            expect(rig.stop() == 0, rig.log)
        finally:
            rig.close()


def link_down_can_be_ignored():
    rig = Rig()
    try:
        expect(rig.start(rig.config(dataplane='link_down = "ignore";')), rig.log)
        run("ip", "-n", rig.internet, "link", "set", "out0", "down")
        time.sleep(1)
        expect(rig.has_carrier("shop"), "the shop lost its link")
        before = rig.ports()["internal"]["received_packets"]
        rig.raw("shop").send(udp_frame(b"l" * 50))
        wait_until(lambda: rig.ports()["internal"]["received_packets"] > before, "nothing was received")
        rig.books_balance()
        expect(rig.reasons()["io.link_down"]["packets"] >= 1, "io.link_down was not counted")
    finally:
        rig.close()


if __name__ == "__main__":
    main(workers_transmit, control_transmits, jumbo_by_af_packet, jumbo_by_af_packet_control_transmits,
         mtu_3000_by_af_xdp, falls_back_to_af_packet, two_workers,
         a_written_device_of_one_queue_feeds_two_workers, too_few_tx_queues_for_workers_that_transmit,
         dpdk_telemetry_answers, written_device_strings, two_links, sigterm_drains, bypass_forwards_without_judging,
         link_down_travels_and_comes_back, link_down_can_be_ignored)
