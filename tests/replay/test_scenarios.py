#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Attacks that change, under virtual time: what is told of them, event by event, exactly."""
import os
import shutil
import subprocess
import sys
import traceback

from test_replay import ROOT, Folder, equal, expect

GENERATOR = os.path.join(os.environ.get("TIDEGATE_BUILD", os.path.join(ROOT, "build")),
                         "tools/trafficgen/trafficgen")
CONFIG = """
version = 1;
dataplane = { flow_entries = "64k"; source_entries = "64k"; };
policies = ( { name = "web"; mode = "%s";
  detection = { activate_after = "300ms"; clear_after = "2s"; hold_for = "20s"; };
  vectors = (
    { vector = "tcp_syn_flood";   activate_rate = "5kpps"; },
    { vector = "tcp_other_flood"; activate_rate = "5kpps"; },
    { vector = "udp_flood";       activate_rate = "5kpps"; },
    { vector = "icmp_flood";      activate_rate = "2kpps"; },
    { vector = "fragment_flood";  activate_rate = "2kpps"; } );
}, { name = "spread"; extends = "web";
  vectors = ( { vector = "udp_flood"; network_rate = "3kpps"; } );
} );
services = (
  { name = "shop"; prefixes = [ "203.0.113.0/24", "2001:db8:a::/48" ]; policy = "web"; },
  { name = "others"; prefixes = [ "203.0.112.0/24" ]; policy = "spread"; } );
"""
CHALLENGES = ("udpauth.first_packet", "udpauth.too_early", "dnsauth.truncated", "icmp.first_echo")
MATCH = 0.35  # s that a time may differ: windows of 100 ms, and the burst before arming


def run(f, parts, mode="mitigate", config=CONFIG):
    """Generate the parts, replay them, and return the report."""
    with open(f.config, "w") as out:
        out.write(config % mode)
    path = f.file("traffic.pcap")
    command = [GENERATOR, "write", "-o", path, "--seed", "5"]
    for part in parts:
        command += ["--part", part]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    expect(done.returncode == 0, done.stderr)
    return f.replay(path)


def events(out):
    return [(e["status"], e["service"], e["vector"], e["network"]) for e in out["events"]]


def at(out, number, seconds, what):
    told = out["events"][number]["seconds"]
    expect(abs(told - seconds) <= MATCH, "%s at %.2f s, not %.2f s" % (what, told, seconds))


def a_pulse_wave_is_held_through_its_pauses(f):
    """Five pulses of a second and pauses of six: over in the first one, held from then on."""
    for family in ("4", "6"):
        out = run(f, ["dns,duration=65s,cps=20,family=" + family,
                      "udp_random_ports,rate=20k,start=1s,duration=31s,pulse=1s/6s,family=" + family])
        equal(events(out), [("start", "shop", "udp_flood", None), ("end", "shop", "udp_flood", None),
                            ("start", "shop", "udp_flood", None), ("end", "shop", "udp_flood", None)],
              "events")
        at(out, 0, 1.05, "the first pulse")
        at(out, 1, 4.1, "its end")
        at(out, 2, 8.05, "the second pulse")
        at(out, 3, 50.1, "the end of the waves")
        equal([a["pulses"] for a in out["attacks"]], [1, 4], "pulses")
        expect(all(a["mitigated_after_ms"] <= 100 for a in out["attacks"]), "mitigated too late")


def a_carpet_names_its_network_and_nobody_else(f):
    out = run(f, ["dns,duration=20s,cps=20,family=4",
                  "carpet_udp,rate=4k,start=2s,duration=5s,dst=203.0.112.0/24,family=4"])
    equal(events(out), [("start", "others", "udp_flood", "203.0.112.0/24"),
                        ("end", "others", "udp_flood", "203.0.112.0/24")], "events")
    at(out, 0, 2.3, "the carpet")


def each_vector_of_a_mixed_attack_begins_and_ends_by_itself(f):
    """SYNs, then UDP joins, then ACKs follow the SYNs, then pings: the attacker changes method."""
    for family in ("4", "6"):
        out = run(f, ["dns,duration=30s,cps=20,family=" + family,
                      "syn_flood,rate=20k,start=1s,duration=4s,family=" + family,
                      "udp_random_ports,rate=20k,start=3s,duration=6s,family=" + family,
                      "ack_flood,rate=20k,start=5s,duration=4s,family=" + family,
                      "icmp_echo,rate=10k,start=10s,duration=3s,family=" + family])
        equal([e[:3:2] for e in events(out)],
              [("start", "tcp_syn_flood"), ("start", "udp_flood"), ("start", "tcp_other_flood"),
               ("end", "tcp_syn_flood"), ("start", "icmp_flood"),
               ("end", "tcp_other_flood"), ("end", "udp_flood"), ("end", "icmp_flood")], "events")
        for number, seconds in enumerate((1.1, 3.1, 5.1, 7.1, 10.1, 11.1, 11.1, 15.1)):
            at(out, number, seconds, "event %d" % number)
        for attack in out["attacks"]:
            expect(attack["detected_after_ms"] <= 100, "%s found after %s ms" % (
                attack["vector"], attack["detected_after_ms"]))
            expect(attack["mitigated_after_ms"] <= 100, "%s mitigated after %s ms" % (
                attack["vector"], attack["mitigated_after_ms"]))


def the_ladder_is_climbed_as_far_as_it_must_be(f):
    """Forged SYNs are asked at once and get no further; bots that prove themselves do."""
    out = run(f, ["dns,duration=12s,cps=20,family=4",
                  "syn_flood,rate=20k,start=1s,duration=5s,family=4"])
    equal([(e["status"], e["step"]) for e in out["events"]],
          [("start", "challenge"), ("end", "challenge")], "events")
    patient = CONFIG.replace('hold_for = "20s";', 'hold_for = "20s"; challenge_after = "1s";')
    out = run(f, ["dns,duration=12s,cps=20,family=4",
                  "syn_flood,rate=20k,start=1s,duration=5s,family=4"], config=patient)
    equal([(e["status"], e["step"]) for e in out["events"]],
          [("start", "police"), ("step", "challenge"), ("end", "challenge")], "events")
    at(out, 1, 2.2, "the step")


def random_names_of_a_zone_are_dropped_and_known_ones_are_not(f):
    """Water torture: the questions come from real resolvers, which ask for customers as well."""
    zone = CONFIG.replace('name = "web"; mode', 'name = "web"; dnsauth = { method = "off"; new_names = "100pps"; nxdomain_share = "0%%"; }; mode')
    zone = zone.replace('name = "shop"; ', 'name = "dns"; protocol = "udp"; ports = [ "53" ]; ')
    for family in ("4", "6"):
        inside = "dst=%s,family=%s" % ("203.0.113.53" if family == "4" else "2001:db8:a::53", family)
        out = run(f, ["dns,duration=14s,cps=50,clients=40," + inside,
                      "dns_torture,rate=20k,start=4s,duration=4s," + inside], config=zone)
        equal(events(out), [("start", "dns", "udp_flood", None), ("end", "dns", "udp_flood", None)], "events")
        at(out, 0, 4.2, "the torture")
        at(out, 1, 10.1, "its end")
        names = out["reasons"].get("dnsauth.random_names", 0)
        expect(names >= 0.95 * 80_000, "%d of 80000 by their names: %s" % (names, out["reasons"]))
        others = out["packets"]["received"] - out["packets"]["forwarded"] - names
        expect(others <= 0.02 * 80_000, "stopped for other reasons: %s" % out["reasons"])
        expect(out["attacks"][0]["mitigated_after_ms"] <= 100, "mitigated too late")


def monitor_tells_the_same_and_drops_nothing(f):
    parts = ["dns,duration=16s,cps=20,family=4",
             "udp_random_ports,rate=20k,start=1s,duration=2s,family=4",
             "icmp_echo,rate=10k,start=4s,duration=2s,family=4"]
    strict, lenient = run(f, parts), run(f, parts, "monitor")
    equal(events(lenient), events(strict), "events")
    equal(lenient["packets"]["dropped"], 0, "dropped")
    # Questions are no drops, and are counted apart; each reason is what it would have been.
    equal(lenient["would_reasons"], strict["reasons"], "would be dropped or asked")
    asked = sum(n for reason, n in strict["reasons"].items() if reason in CHALLENGES)
    expect(asked > 0, "nobody was asked")
    equal((lenient["packets"]["would_drop"], lenient["packets"]["would_challenge"]),
          (sum(strict["reasons"].values()) - asked, asked), "would be dropped, would be asked")


TESTS = [a_pulse_wave_is_held_through_its_pauses, a_carpet_names_its_network_and_nobody_else,
         each_vector_of_a_mixed_attack_begins_and_ends_by_itself,
         the_ladder_is_climbed_as_far_as_it_must_be,
         random_names_of_a_zone_are_dropped_and_known_ones_are_not, monitor_tells_the_same_and_drops_nothing]


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
