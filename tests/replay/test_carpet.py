#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Carpet bombing: many addresses, each below every threshold, found and limited by network."""
import random
import shutil
import sys
import traceback

from frames import read_pcap, udp
from test_replay import START, Folder, equal, expect

CONFIG = """
version = 1;
dataplane = { flow_entries = "64k"; source_entries = "64k"; };
policies = ( { name = "web"; mode = "%s";
  detection = { activate_after = "300ms"; clear_after = "1s"; };
  vectors = ( { vector = "udp_flood"; activate_rate = "50kpps"; network_rate = "2kpps"; } );
} );
services = ( { name = "shop"; prefixes = [ "203.0.112.0/22", "2001:db8:a::/47" ]; policy = "web"; } );
"""
STEP = 50_000  # ns between packets of the flood: 20 kpps
PACKETS = 60_000  # 3 s

FAMILIES = {
    "ipv4": {"network": "203.0.113.0/24", "customer": ("198.51.100.9", "203.0.114.7"),
             "victim": lambda d: "203.0.113.%d" % d.randrange(256),
             "forger": lambda d: "192.0.%d.%d" % (d.randrange(3, 99), d.randrange(1, 255))},
    "ipv6": {"network": "2001:db8:a::/48", "customer": ("2001:db8:d::9", "2001:db8:b::7"),
             "victim": lambda d: "2001:db8:a:%x::%x" % (d.randrange(1, 65536), d.randrange(1, 9)),
             "forger": lambda d: "2001:db8:c:%x::1" % d.randrange(1, 65536)},
}


def captures(f, family):
    """A flood over one network, and a customer of another, who goes on when it is over."""
    dice = random.Random(3)
    flood = [(START + i * STEP, udp(family["forger"](dice), family["victim"](dice),
                                    dice.randrange(1024, 65536), 443, b"f" * 20))
             for i in range(PACKETS)]
    client, server = family["customer"]
    talk = [(START + i * 10**6 + 17, udp(client, server, 999, 443, b"c" * 20))
            for i in range(6000)]
    return f.pcap("flood.pcap", flood), f.pcap("customer.pcap", talk)


def run(f, mode, family, *options):
    with open(f.config, "w") as out:
        out.write(CONFIG % mode)
    return f.replay(*captures(f, family), *options)


def it_is_found_named_limited_and_over(f):
    for family in FAMILIES.values():
        for workers in (1, 2, 3):
            out = run(f, "mitigate", family, "--workers", workers)
            equal(len(out["attacks"]), 1, "attacks")
            attack = out["attacks"][0]
            equal((attack["service"], attack["vector"], attack["network"], attack["status"]),
                  ("shop", "udp_flood", family["network"], "ended"), "attack")
            expect(0 < attack["detected_after_ms"] <= 100,
                   "detected after %s" % attack["detected_after_ms"])
            expect(0 < attack["mitigated_after_ms"] <= 100,
                   "mitigated after %s" % attack["mitigated_after_ms"])
            equal(attack["trigger"]["threshold"], 2000, "threshold")
            passed = PACKETS - out["packets"]["dropped"]
            # The limit for 3 s; until it arms each worker has the whole limit and its burst.
            most = 6000 + (0.1 + attack["detected_after_ms"] / 1000 + 0.01) * 2000 * workers
            expect(6000 * 0.93 <= passed <= most, "%d passed, at most %d" % (passed, most))


def the_customer_beside_it_loses_nothing(f):
    for family in FAMILIES.values():
        for workers in (1, 3):
            out = run(f, "mitigate", family, "--workers", workers, "--dropped",
                      f.file("dropped.pcap"))
            equal(set(out["reasons"]), {"shape.network_udp_flood"}, "reasons")
            # An attack is counted from the tick that found it, at most 10 ms late.
            rest = out["packets"]["dropped"] - out["attacks"][0]["dropped_packets"]
            expect(0 <= rest <= 200 * workers, "%d drops are not the network's" % rest)
            lost = [data for _, data, _ in read_pcap(f.file("dropped.pcap"))
                    if b"c" * 20 in data]
            equal(len(lost), 0, "packets the customer lost")


def the_addresses_and_the_sources_are_told(f):
    attack = run(f, "mitigate", FAMILIES["ipv4"])["attacks"][0]
    equal((attack["addresses"], attack["addresses_standard_error_ratio"]), (256, 0),
          "addresses, counted one by one")
    equal(attack["sources"]["kind"], "random", "sources")
    attack = run(f, "mitigate", FAMILIES["ipv6"])["attacks"][0]
    expect(attack["addresses_standard_error_ratio"] > 0, "a /48 has no counter per address")
    expect(abs(attack["addresses"] - 20_000) < 5 * 0.023 * 20_000,
           "%d addresses" % attack["addresses"])
    expect(abs(attack["sources"]["estimate"] / attack["sources"]["packets"] - 0.87) < 0.13,
           "%s" % attack["sources"])


def monitor_only_counts(f):
    for family in FAMILIES.values():
        out = run(f, "monitor", family)
        equal(out["packets"]["dropped"], 0, "dropped")
        equal(set(out["would_reasons"]), {"shape.network_udp_flood"}, "would reasons")
        would = out["packets"]["would_drop"]
        expect(PACKETS - 6400 <= would <= PACKETS - 5600, "%d would drop" % would)
        equal(out["attacks"][0]["mitigated"], None, "mitigated")


def below_network_rate_nothing_happens(f):
    for family in FAMILIES.values():
        with open(f.config, "w") as out:
            out.write((CONFIG % "mitigate").replace("2kpps", "30kpps"))
        out = f.replay(*captures(f, family))
        equal((out["attacks"], out["packets"]["dropped"]), ([], 0), "attacks and drops")


TESTS = [it_is_found_named_limited_and_over, the_customer_beside_it_loses_nothing,
         the_addresses_and_the_sources_are_told, monitor_only_counts,
         below_network_rate_nothing_happens]


def main():
    failed = 0
    for test in TESTS:
        if len(sys.argv) > 1 and test.__name__ not in sys.argv[1:]:
            continue
        folder = Folder()
        try:
            test(folder)
            print("ok replay/" + test.__name__, flush=True)
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print("not ok replay/" + test.__name__)
            text = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
            for line in text.splitlines()[:20]:
                print("    " + line[:300], flush=True)
        finally:
            shutil.rmtree(folder.path)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
