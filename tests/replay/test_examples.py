#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The examples of config/ do what they say: replayed with the customers and the floods of
whom each is written for. In calm nothing is lost; under attack customers are not, and the
flood is."""
import os
import shutil
import subprocess
import sys
import traceback

from frames import read_pcap
from test_replay import ROOT, Folder, equal, expect

EXAMPLES = os.path.join(ROOT, "config/examples")
GENERATOR = os.path.join(os.environ.get("TIDEGATE_BUILD", os.path.join(ROOT, "build")),
                         "tools/trafficgen/trafficgen")


def both(host4, host6):
    return "dst=203.0.113.%s,dst=2001:db8:%s,family=both" % (host4, host6)


class Case:
    """Customers all the time, floods from the seventh second on, in `file`."""

    def __init__(self, file, customers, floods, reasons, stopped=0.99):
        self.file, self.customers, self.floods = file, customers, floods
        self.reasons, self.stopped = reasons, stopped


CASES = [
    Case("web-shop.conf",
         ["web,cps=20," + both("10", "a::10"), "web,cps=10,dport=443," + both("10", "a::10"),
          "quic,cps=5," + both("10", "a::10"), "dns,cps=20," + both("53", "a::53")],
         ["reflect_ntp_monlist,rate=15k," + both("10", "a::10"),
          "reflect_dns_any,rate=10k," + both("10", "a::10"),
          "syn_flood,rate=15k," + both("10", "a::10"), "gre_ip,rate=5k," + both("12", "a::12")],
         ["reflection.unasked", "protocols.not_allowed", "tcpauth.syn_cookie"]),
    Case("authoritative-dns.conf",
         ["dns,cps=100,clients=40," + both("53", "a::53"),
          "ntp,cps=2,initiator=inside," + both("50", "a::50")],
         ["dns_any_queries,rate=90k,duration=1s," + both("53", "a::53"),
          "udp_random_ports,rate=10k," + both("50", "a::50")],
         ["dnsauth.not_allowed"]),
    Case("game-host.conf",
         ["quic,cps=10,dport=27015,duration=4s," + both("35", "b::35")],
         ["udp_served_port,rate=150k,dport=27015,duration=1s," + both("35", "b::35"),
          "reflect_memcached,rate=5k," + both("36", "b::36")],
         ["udpauth.first_packet", "reflection.unasked"]),
    Case("isp-prefix.conf",
         ["web,cps=20,dst=203.0.113.10,dst=2001:db8:1700::10,family=both",
          "ping,cps=2,dst=203.0.113.11,dst=2001:db8:1700::11,family=both"],
         ["reflect_memcached,rate=120k,duration=1s,dst=203.0.113.20,dst=2001:db8:1700::20,family=both"],
         ["reflection.oversize"]),
]
# Later than `reflection.learning_time`.
SECONDS, FLOOD_FROM, FLOOD = 9, 6, 2


def generate(f, case, with_floods):
    command = [GENERATOR, "write", "-o", f.file("traffic.pcap"), "--seed", "3", "--mark-parts",
               "--truth", f.file("truth.json")]
    for part in case.customers:
        command += ["--part", part + ("" if "duration" in part else ",duration=%ds" % SECONDS)]
    for part in case.floods if with_floods else []:
        command += ["--part", part + ",start=%ds" % FLOOD_FROM +
                    ("" if "duration" in part else ",duration=%ds" % FLOOD)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    expect(done.returncode == 0, done.stderr)
    return f.file("traffic.pcap")


def part_of(frame):
    """The number of the part: what comes from outside has it in its source, answers behind."""
    return frame[11] if frame[6:10] == b"\x02\x00\x00\x01" else frame[5]


def counts(path):
    found = {}
    for _, frame, _ in read_pcap(path):
        found[part_of(frame)] = found.get(part_of(frame), 0) + 1
    return found


def replay(f, case, with_floods):
    f.config = os.path.join(EXAMPLES, case.file)
    path = generate(f, case, with_floods)
    out = f.replay(path, "--dropped", f.file("dropped.pcap"))
    return out, counts(path), counts(f.file("dropped.pcap"))


def nothing_is_lost_in_calm(f, case):
    out, _, _ = replay(f, case, False)
    equal((out["packets"]["dropped"], out["packets"]["would_drop"], out["attacks"]), (0, 0, []),
          "dropped, would be dropped, and attacks: %s" % out["reasons"])


def customers_are_kept_and_the_flood_is_not(f, case):
    out, sent, dropped = replay(f, case, True)
    for reason in case.reasons:
        expect(out["reasons"].get(reason, 0) > 0, "%s never: %s" % (reason, out["reasons"]))
    first = min(sent)
    for number, packets in sorted(sent.items()):
        lost = dropped.get(number, 0)
        name = (case.customers + case.floods)[number - first]
        if number - first < len(case.customers):
            expect(lost <= 0.002 * packets, "%s: %d of %d packets lost: %s" % (name, lost, packets, out["reasons"]))
    arrived = sum(n for number, n in sent.items() if number - first >= len(case.customers))
    stopped = out["packets"]["received"] - out["packets"]["forwarded"]
    expect(stopped >= 0.9 * arrived, "%d of %d flood packets stopped: %s" % (stopped, arrived, out["reasons"]))
    # A network gets a part of the flood only, and overflows its threshold later.
    for attack in [a for a in out["attacks"] if a["network"] is None]:
        expect(attack["mitigated_after_ms"] is not None and attack["mitigated_after_ms"] <= 100,
               "%s mitigated after %s ms" % (attack["vector"], attack["mitigated_after_ms"]))


def main():
    failed = 0
    for case in CASES:
        for test in (nothing_is_lost_in_calm, customers_are_kept_and_the_flood_is_not):
            name = "%s_%s" % (case.file[:-5].replace("-", "_"), test.__name__)
            if len(sys.argv) > 1 and not name.startswith(tuple(sys.argv[1:])):
                continue
            folder = Folder()
            try:
                test(folder, case)
                print("ok replay/" + name, flush=True)
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                print("not ok replay/" + name)
                text = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
                for line in text.splitlines()[:20]:
                    print("    " + line[:300], flush=True)
            finally:
                shutil.rmtree(folder.path)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
