# SPDX-License-Identifier: BSD-3-Clause
"""Generated attacks with customers beside them: one row per vector, wiring and family.

The customers send a hundredth of the attack's packets, of every kind that a shop's network
has; they begin before the attack and go on after it.
"""
import calendar
import os
import subprocess
import time

import flows
import replaying

RATE = 30000                     # packets/s of the attack
START_S, LENGTH_S, END_S = 3, 3, 8
CUSTOMERS = (
    "web,cps=4", "web,cps=2,dport=443", "dns,cps=6", "dns,cps=6,initiator=inside",
    "dns_large,cps=4,initiator=inside", "ntp,cps=4,initiator=inside",
    "quic,cps=1", "esp,cps=1", "ping,cps=2")

# The parts whose outside hosts only answer; the attack is part 1.
ANSWERING = [i + 2 for i, c in enumerate(CUSTOMERS) if "initiator=inside" in c]

# One of each way to be stopped; --all has every vector that trafficgen knows.
USUAL = ("reflect_dns_any", "reflect_ntp_monlist", "reflect_ssdp", "reflect_memcached",
         "reflect_synack", "udp_random_ports", "udp_served_port", "carpet_udp", "pulse_udp",
         "dns_queries", "dns_torture", "quic_initial", "quic_short", "fragment_pairs",
         "fragment_rests", "icmp_echo", "blacknurse", "gre_ip", "syn_flood", "ack_flood")
NO_ATTACKS = ("web", "dns", "quic", "bots", "ntp", "dns_large", "esp", "ping")
ONLY = {"icmp_timestamp": "IPv4", "icmp6_neighbour": "IPv6"}


def known(trafficgen):
    listed = subprocess.run([trafficgen, "--list-vectors"], capture_output=True, text=True,
                            check=True).stdout
    names = dict(line.split("\t", 1) for line in listed.splitlines())
    return {name: text for name, text in names.items() if name not in NO_ATTACKS}


def seconds_of(stamp):
    """Seconds since 1970 of what the report writes, 2023-11-14T22:13:23.011Z."""
    whole, rest = stamp.rstrip("Z").split(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + rest)


def capture(trafficgen, vector, family, path):
    only = "" if vector in ONLY else ",family=%s" % family[-1]
    parts = ["%s,rate=%d,start=%ds,duration=%ds%s" % (vector, RATE, START_S, LENGTH_S, only)]
    parts += ["%s,duration=%ds,family=%s" % (c, END_S, family[-1]) for c in CUSTOMERS]
    subprocess.run([trafficgen, "write", "-o", path, "--mark-parts",
                    *[word for part in parts for word in ("--part", part)]], check=True)


def beyond_rate(report, given, passed, rates):
    """Dropped share of what exceeded max_rate, from when the attack was found."""
    first = replaying.first_of(report["attacks"])
    if not first or first[0]["detected"] is None:
        return None
    found = seconds_of(first[0]["detected"]) * 10**9
    end = given.attack_times[-1]
    return replaying.excess(sum(1 for t in given.attack_times if t >= found),
                            sum(1 for t in passed.attack_times if t >= found),
                            max(0, end - found) / 10**9,
                            sum(rates.get(a["vector"], 0) for a in first))


def one(gate, name, family, duplex, path, scratch):
    """Replay and count; returns the row."""
    clean = os.path.join(scratch, "clean-%d.pcap" % os.getpid())
    thrown = os.path.join(scratch, "thrown-%d.pcapng" % os.getpid())
    report = gate.replay(path, "--clean", clean, "--dropped", thrown)
    given, passed = (flows.Share(flows.records(p)) for p in (path, clean))
    dropped = flows.Share(flows.records_ng(thrown), replaying.challenges())
    plain, asked = flows.lost(given, dropped, passed, ANSWERING)
    detected, mitigated = replaying.delays(report["attacks"])
    attack = len(given.attack_times)
    return {
        "name": name, "from": "generated", "family": family, "duplex": duplex,
        "packets": report["packets"]["received"], "attack_packets": attack,
        "attack_stopped": attack - len(passed.attack_times),
        "stopped_share": 1 - len(passed.attack_times) / attack,
        "excess_stopped_share": beyond_rate(report, given, passed, gate.rates),
        "customers_packets": given.customers(), "customers_dropped": plain,
        "customers_challenged": flows.challenged(given, dropped, passed),
        "customers_dropped_after_challenge": asked,
        "detected_after_ms": detected, "mitigated_after_ms": mitigated,
        "reasons": report["reasons"], "customers_dropped_by": lost_by(dropped),
    }


def lost_by(dropped):
    """{"kind of customer: reason": packets}; the customers are the parts from 2 on."""
    found = {}
    for (part, reason), n in sorted(dropped.reasons.items()):
        key = "%s: %s" % (CUSTOMERS[part - 2].split(",")[0], reason)
        found[key] = found.get(key, 0) + n
    return found


def rows(trafficgen, gates, name, scratch):
    """Four rows, or two of a vector that one family has."""
    for family in ("IPv4", "IPv6"):
        if ONLY.get(name, family) != family:
            continue
        path = os.path.join(scratch, "given-%d.pcap" % os.getpid())
        capture(trafficgen, name, family, path)
        for duplex in ("inline", "ingress"):
            if duplex == "ingress":
                both, path = path, path + ".inward"
                flows.write_inward(both, path)
            yield one(gates[duplex], name, family, duplex, path, scratch)
