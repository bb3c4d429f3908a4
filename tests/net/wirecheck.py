# SPDX-License-Identifier: BSD-3-Clause
"""wirecheck - captures of both sides of the gate, read back by tshark.

What a customer's stack would mind, and what a spliced connection must keep:

  - every checksum is right (IP, TCP, UDP, ICMP), nothing is malformed,
  - every TCP option is a known one, and an answer offers none that its SYN did not,
  - an answer of the gate is no longer than its question,
  - nobody acknowledges what nobody has sent,
  - a segment inside was said outside, and the other way round, in relative numbers.

usage: wirecheck.py OUTSIDE.pcap INSIDE.pcap
"""
import collections
import os
import signal
import subprocess
import sys
import time

from rig import Failed, Skipped, wait_until, within

FIELDS = ("frame.number", "frame.len", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
          "tcp.flags", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.option_kind", "ip.checksum.status",
          "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status", "icmpv6.checksum.status",
          "_ws.malformed", "tcp.checksum")
CHECKSUMS = FIELDS[13:18]
KNOWN = {"0", "1", "2", "3", "4", "5", "8", "34"}
FIN, SYN, RST, ACK = 1, 2, 4, 16
HALF = 1 << 31

Row = collections.namedtuple("Row", "number size src dst sport dport flags seq ack len kinds")


class Captures:
    """tcpdump on both ends of the rig; stop() gives the two paths."""

    def __init__(self, rig, name, snap=0):
        self.paths, self.running = [], []
        for place, namespace, interface in (("outside", rig.internet, "out0"), ("inside", rig.shop, "in0")):
            path = rig.path("%s-%s.pcap" % (name, place))
            self.paths.append(path)
            try:
                self.running.append(subprocess.Popen(
                    [*within(namespace), "tcpdump", "-i", interface, "-B", "65536", "-U", "-s", str(snap),
                     "-w", path, "-Z", "root", "--immediate-mode", "tcp or icmp or icmp6"],
                    stderr=subprocess.PIPE, text=True))
            except FileNotFoundError:
                raise Skipped("tcpdump is not installed") from None
        for path in self.paths:
            wait_until(lambda p=path: os.path.exists(p) and os.path.getsize(p) >= 24, "tcpdump does not begin", 10)

    def stop(self):
        time.sleep(0.2)
        for process in self.running:
            process.send_signal(signal.SIGINT)
        for process in self.running:
            told = process.communicate(timeout=30)[1]
            lost = [line for line in told.splitlines() if "dropped by kernel" in line]
            if lost and not lost[0].startswith("0 "):
                raise Failed("tcpdump lost packets: " + lost[0])
        return self.paths


def read(path):
    """(rows of TCP segments, faults that tshark finds by itself)."""
    command = ["tshark", "-r", path, "-n", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
               "-o", "udp.check_checksum:TRUE", "-o", "tcp.desegment_tcp_streams:FALSE",
               "-o", "tcp.analyze_sequence_numbers:FALSE", "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,"]
    for protocol in ("http", "http2", "tls", "iperf3", "data"):
        command += ["--disable-protocol", protocol]
    for field in FIELDS:
        command += ["-e", field]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Skipped("tshark is not installed") from None
    if done.returncode != 0:
        raise Failed("tshark: " + done.stderr[-500:])
    rows, faults = [], []
    for line in done.stdout.splitlines():
        cells = dict(zip(FIELDS, line.split("\t")))
        faults += ["%s, frame %s: %s %s" % (os.path.basename(path), cells["frame.number"], name, cells[name])
                   for name in CHECKSUMS if cells[name].split(",")[0] == "0" and not is_minus_zero(name, cells)]
        if cells["_ws.malformed"]:
            faults.append("%s, frame %s is malformed" % (os.path.basename(path), cells["frame.number"]))
        # A segment that an ICMP error quotes is not said by anybody.
        if cells["tcp.srcport"] and not cells["icmp.checksum.status"] and not cells["icmpv6.checksum.status"]:
            rows.append(row_of(cells))
    return rows, faults


def is_minus_zero(name, cells):
    """Linux writes ffff where the sum is 0, as for UDP; whoever adds up finds it right, tshark does not."""
    return name == "tcp.checksum.status" and cells["tcp.checksum"].startswith("0xffff")


def row_of(cells):
    kinds = tuple(cells["tcp.option_kind"].split(",")) if cells["tcp.option_kind"] else ()
    return Row(int(cells["frame.number"]), int(cells["frame.len"]), cells["ip.src"] or cells["ipv6.src"],
               cells["ip.dst"] or cells["ipv6.dst"], cells["tcp.srcport"], cells["tcp.dstport"],
               int(cells["tcp.flags"], 16), int(cells["tcp.seq_raw"]), int(cells["tcp.ack_raw"] or 0),
               int(cells["tcp.len"] or 0), kinds)


def behind(a, b):
    return ((a - b + HALF) & 0xFFFFFFFF) - HALF


class Stream:
    """One connection as one side saw it: from its SYN on."""

    def __init__(self, syn):
        self.client, self.isn, self.server_isn = (syn.src, syn.sport), syn.seq, None
        self.sent = {True: syn.seq + 1 & 0xFFFFFFFF, False: None}  # what follows the last of each direction
        self.syn = syn
        self.said = {True: set(), False: set()}
        self.is_over = False

    def add(self, row, name, faults):
        up = (row.src, row.sport) == self.client
        if row.flags & SYN and not up:
            self._answered(row, name, faults)
        if row.flags & SYN:
            return
        self._acknowledged(row, up, name, faults)
        end = row.seq + row.len + (row.flags & FIN)
        if row.flags & RST:
            self.is_over = True
        elif self.sent[up] is None or behind(end, self.sent[up]) > 0:
            self.sent[up] = end & 0xFFFFFFFF
        start = self.isn if up else self.server_isn
        if start is not None and (row.len or row.flags & FIN):
            self.said[up].add((behind(row.seq, start) & 0xFFFFFFFF, row.len, row.flags & FIN))

    def _answered(self, row, name, faults):
        if behind(row.ack, self.isn) != 1 or self.server_isn is not None and self.server_isn != row.seq:
            return
        self.server_isn = row.seq
        self.sent[False] = row.seq + 1 & 0xFFFFFFFF
        beyond = set(row.kinds) - set(self.syn.kinds) - {"0", "1"}
        if beyond - {"2"} or beyond and name == "outside" and row.size > self.syn.size:
            faults.append("%s, frame %d: options %s were not offered" % (name, row.number, ",".join(sorted(beyond))))

    def _acknowledged(self, row, up, name, faults):
        limit = self.sent[not up]
        if row.flags & ACK and not row.flags & RST and limit is not None and behind(row.ack, limit) > 0:
            faults.append("%s, frame %d acknowledges %d bytes that nobody sent" % (name, row.number,
                                                                                 behind(row.ack, limit)))


def streams(rows, name, faults):
    """{(client, port, first number): Stream}."""
    found, present = {}, {}
    for row in rows:
        unknown = set(row.kinds) - KNOWN
        if unknown:
            faults.append("%s, frame %d: unknown options %s" % (name, row.number, ",".join(sorted(unknown))))
        if row.flags & (SYN | ACK) == SYN:
            key = (row.src, row.sport, row.dst, row.dport)
            if key not in present or present[key].isn != row.seq:
                present[key] = found[key + (row.seq,)] = Stream(row)
            continue
        stream = present.get((row.src, row.sport, row.dst, row.dport)) or present.get(
            (row.dst, row.dport, row.src, row.sport))
        if stream is not None:
            stream.add(row, name, faults)
    return found


def answers(rows, faults):
    """Outside, no answer to a SYN is longer than the SYN."""
    asked = {}
    for row in rows:
        if row.flags & (SYN | ACK) == SYN:
            asked[row.src, row.sport, row.dst, row.dport] = row
        elif row.flags & (SYN | ACK) == SYN | ACK:
            syn = asked.get((row.dst, row.dport, row.src, row.sport))
            # What a generator sends past the kernel's taps is in no capture, its answers are.
            if syn is not None and row.size > syn.size:
                faults.append("outside, frame %d: %d bytes answer %d" % (row.number, row.size, syn.size))


def check(outside, inside, loses=False, spliced=True):
    """Faults, in sentences. With `loses`, segments may be missing where a relay lost them."""
    rows_out, faults = read(outside)
    rows_in, more = read(inside)
    faults += more
    if spliced:
        answers(rows_out, faults)
    out, into = streams(rows_out, "outside", faults), streams(rows_in, "inside", faults)
    for key, stream in into.items():
        twin = out.get(key)
        who = "%s:%s" % key[:2]
        if twin is None:
            faults.append("%s: the server was asked for what nobody asked" % who)
            continue
        if stream.said[True] - twin.said[True]:
            faults.append("%s: the server heard %s, the client never said it" % (
                who, sorted(stream.said[True] - twin.said[True])[:2]))
        gone = twin.said[False] - stream.said[False] if loses else twin.said[False] ^ stream.said[False]
        if gone and twin.server_isn is not None and stream.server_isn is not None:
            faults.append("%s: of the server's segments %s crossed only one side" % (who, sorted(gone)[:2]))
    return faults, len(into)


if __name__ == "__main__":
    told, count = check(sys.argv[1], sys.argv[2], True)
    print("\n".join(told) if told else "%d connections, nothing to complain about" % count)
    sys.exit(1 if told else 0)
