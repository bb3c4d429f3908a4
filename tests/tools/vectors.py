#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""vectors.py [BUILD] - prove that the attacks of trafficgen's catalogue look as they should.

Every vector is written once per family into one capture; tshark, which knows nothing of us,
says what it sees. Prints `ok NAME` or `not ok NAME` with what was seen.
"""
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TIDEGATE_BUILD",
                                                             os.path.join(ROOT, "build"))
PROGRAM = os.path.join(BUILD, "tools/trafficgen/trafficgen")
CUSTOMERS = ("web", "dns", "quic", "bots", "ntp", "dns_large", "esp", "ping")
ONLY = {"icmp_timestamp": 4, "icmp6_neighbour": 6}
PACKETS = 120
FIELDS = ("eth.src", "frame.time_relative", "_ws.col.Protocol", "_ws.malformed", "frame.len",
          "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "udp.srcport", "tcp.srcport", "udp.length",
          "ip.frag_offset", "ipv6.fraghdr.offset", "ip.flags.mf", "ipv6.fraghdr.more",
          "ip.checksum.status", "udp.checksum.status", "tcp.checksum.status",
          "icmp.checksum.status", "icmpv6.checksum.status", "vlan.id", "tcp.flags")
CHECKSUMS = [name for name in FIELDS if name.endswith("status")]

# What tshark must call it (in nine of ten packets: a random port may belong to another), and
# bytes behind the UDP header; fragments count together.
LOOKS = {
    "reflect_chargen": ("Chargen", 300, 1100), "reflect_dns_any": ("DNS", 2800, 4500),
    "reflect_dns_dnssec": ("DNS", 1400, 2000), "reflect_dns_txt": ("DNS", 700, 1200),
    "reflect_tftp": ("TFTP", 516, 516), "reflect_portmap": ("RPC", 250, 700),
    "reflect_ntp_monlist": ("NTP", 440, 440), "reflect_ntp_readvar": ("NTP", 250, 500),
    "reflect_netbios": ("NBNS", 140, 250), "reflect_snmp": ("SNMP", 600, 1700),
    "reflect_xdmcp": ("XDMCP", 40, 120), "reflect_cldap": ("CLDAP", 2500, 3400),
    "reflect_slp": ("SRVLOC", 400, 1450), "reflect_ike": ("ISAKMP", 300, 500),
    "reflect_rip": ("RIPv1", 504, 504), "reflect_ripng": ("RIPng", 504, 504),
    "reflect_openvpn": ("OpenVPN", 26, 26), "reflect_l2tp": ("L2TP", 500, 700),
    "reflect_ssdp": ("SSDP", 200, 400), "reflect_rdp": ("RDPUDP", 1232, 1232),
    "reflect_rdgateway": ("DTLSv1.2", 1000, 1300), "reflect_stun": ("STUN", 60, 120),
    "reflect_natpmp": ("NAT-PMP", 12, 12), "reflect_mdns": ("MDNS", 100, 300),
    "reflect_coap": ("CoAP", 250, 900), "reflect_bittorrent": ("BT-DHT", 250, 350),
    "reflect_memcached": ("MEMCACHE", 1400, 1400), "reflect_quake": ("QUAKE", 280, 900),
    "reflect_bacnet": ("BACnet-APDU", 18, 40), "reflect_dtls": ("DTLSv1.2", 1000, 1300),
    "reflect_quic": ("QUIC", 1200, 1200), "reflect_ard": (None, 1006, 1006),
    "reflect_qotd": (None, 60, 200), "reflect_kad": (None, 400, 600),
    "reflect_mssql": (None, 100, 900), "reflect_wsd": (None, 900, 1400),
    "reflect_dvr": (None, 500, 900), "reflect_sadp": (None, 400, 700),
    "reflect_steam": (None, 100, 300), "reflect_tp240": (None, 30, 140),
    "reflect_ubiquiti": (None, 100, 200), "reflect_crestron": (None, 394, 394),
    "reflect_lantronix": (None, 124, 124), "reflect_jenkins": (None, 120, 250),
    "reflect_quic_version": (None, 35, 35),
    "dns_queries": ("DNS", 20, 80), "dns_any_queries": ("DNS", 30, 60),
    "dns_torture": ("DNS", 40, 80), "dns_wrong_way": ("DNS", 40, 60),
    "ntp_monlist": ("NTP", 8, 8), "ntp_clients": ("NTP", 48, 48),
    "quic_initial": ("QUIC", 1200, 1200), "quic_undersized": ("QUIC", 64, 400),
    "quic_version": (None, 1200, 1200), "quic_short": (None, 41, 1201),
    "sip_invite": ("SIP/SDP", 400, 700), "sip_options": ("SIP", 200, 500),
    "sip_register": ("SIP", 200, 500), "game_a2s": (None, 25, 25),
    "game_teeworlds": (None, 15, 15), "game_quake": (None, 12, 20),
    "game_bedrock": ("RakNet", 33, 33), "game_samp": (None, 11, 11),
    "icmp_echo": ("ICMP", 0, 0), "icmp_echo_reply": ("ICMP", 0, 0),
    "icmp_large": ("ICMP", 0, 0), "blacknurse": ("ICMP", 0, 0),
    "icmp_frag_needed": ("ICMP", 0, 0), "icmp_time_exceeded": ("ICMP", 0, 0),
    "icmp_timestamp": ("ICMP", 0, 0), "icmp6_neighbour": ("ICMP", 0, 0),
    "esp_flood": ("ESP", 0, 0), "sctp_init": ("SCTP", 0, 0), "6in4_flood": ("IPv6", 0, 0),
    "syn_flood": ("TCP", 0, 0), "syn_payload": ("TCP", 0, 0), "rst_flood": ("TCP", 0, 0),
    "land": ("TCP", 0, 0), "reflect_synack": ("TCP", 0, 0),
}
# What no dissector can follow: random bytes, or one datagram of a value of many.
SHAPELESS = {"udp", "udp_random_ports", "udp_served_port", "udp_large", "pulse_udp", "carpet_udp",
             "bogon_sources", "port_zero", "bad_checksum", "fragment", "tcp_other", "dns_malformed",
             "other", "odd_protocols", "psh_ack_flood", "syn_payload", "bad_flags", "reflect_memcached"}
PORTS = {
    "qotd": 17, "chargen": 19, "dns_any": 53, "dns_dnssec": 53, "dns_txt": 53, "tftp": 69,
    "portmap": 111, "ntp_monlist": 123, "ntp_readvar": 123, "netbios": 137, "snmp": 161,
    "xdmcp": 177, "cldap": 389, "slp": 427, "ike": 500, "rip": 520, "ripng": 521, "kad": 751,
    "openvpn": 1194, "mssql": 1434, "l2tp": 1701, "ssdp": 1900, "digiman": 2362, "ard": 3283,
    "rdp": 3389, "rdgateway": 3391, "stun": 3478, "wsd": 3702, "sentinel": 5093, "natpmp": 5351,
    "mdns": 5353, "coap": 5683, "bittorrent": 6881, "ubiquiti": 10001, "tp240": 10074,
    "memcached": 11211, "vxworks": 17185, "quake": 26000, "steam": 27015, "lantronix": 30718,
    "plex": 32414, "jenkins": 33848, "sadp": 37020, "dvr": 37810, "crestron": 41794,
    "bacnet": 47808, "dtls": 443, "quic": 443, "quic_version": 443,
}


def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit("%s: %s" % (arguments[0], done.stderr))
    return done.stdout


def vectors():
    names = [line.split("\t")[0] for line in run(PROGRAM, "--list-vectors").splitlines()]
    return [name for name in names if name not in CUSTOMERS]


def write(path, names, extra="", seed=1):
    """A capture with one part per vector; returns the names by mark."""
    parts = []
    for name in names:
        family = "" if name in ONLY else ",family=both"
        parts += ["--part", "%s,rate=%d%s%s" % (name, PACKETS, family, extra)]
    run(PROGRAM, "write", "-o", path, "--mark-parts", "--seed", str(seed), "--duration", "1s",
        "--truth", path + ".json", *parts)


def look(path, names, *options):
    """{vector: [fields by name]}; of a field that comes more than once the first counts."""
    out = run("tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=f",
              *[w for name in CHECKSUMS[:3] for w in
                ("-o", name.split(".")[0] + ".check_checksum:TRUE")],
              *options, *[w for field in FIELDS for w in ("-e", field)])
    seen = collections.defaultdict(list)
    for line in out.splitlines():
        packet = dict(zip(FIELDS, line.split("\t")))
        mark = int(packet["eth.src"].rsplit(":", 1)[1], 16)
        # What the server answers in answered_syn comes from the inside MAC, which has no mark.
        if packet["eth.src"].startswith("02:00:00:01"):
            seen[names[mark - 1]].append(packet)
    return seen


def is_rest(packet):
    return int(packet["ip.frag_offset"] or 0) + int(packet["ipv6.fraghdr.offset"] or 0) > 0


def is_cut(packet):
    return is_rest(packet) or "1" in (packet["ip.flags.mf"], packet["ipv6.fraghdr.more"])


def every_vector_is_there_in_both_families(seen, names):
    for name in names:
        six = sum(1 for p in seen[name] if p["ipv6.src"] and not p["ip.src"])
        four = sum(1 for p in seen[name] if p["ip.src"])
        if name in ("gre_ip", "gre_ethernet", "ipip_flood", "6in4_flood", "blacknurse", "ah_flood",
                    "icmp_frag_needed", "icmp_time_exceeded", "other"):
            # Both families show when one is within the other.
            six = four = len(seen[name]) // 2
        want = {4: (1, 0), 6: (0, 1)}.get(ONLY.get(name), (1, 1))
        if (four > 0, six > 0) != tuple(map(bool, want)) or len(seen[name]) != PACKETS:
            yield "%s: %d packets, %d of IPv4, %d of IPv6" % (name, len(seen[name]), four, six)


def packets_are_well_formed(seen, names):
    for name in names:
        bad = [p for p in seen[name] if p["_ws.malformed"]]
        if name not in SHAPELESS and LOOKS.get(name, (None,))[0] is not None and bad:
            yield "%s: %d malformed, the first is called %s" % (name, len(bad),
                                                                bad[0]["_ws.col.Protocol"])
        # A port that chance chose may be another protocol's, and random bytes are none of it.
        elif name not in SHAPELESS and len(bad) * 20 > len(seen[name]):
            yield "%s: %d malformed" % (name, len(bad))


def protocols_are_known(seen, _):
    for name, (protocol, _, _) in LOOKS.items():
        if protocol is None:
            continue
        # Of a datagram in pieces the one that completes it shows what it is.
        whole = [p for p in seen[name] if not is_cut(p) or not p["_ws.col.Protocol"].startswith("IPv")]
        good = sum(1 for p in whole if p["_ws.col.Protocol"].startswith(protocol))
        if good * 10 < len(whole) * 9 or not whole:
            yield "%s: %d of %d are %s, not %s" % (name, good, len(whole), protocol, [
                p["_ws.col.Protocol"] for p in whole][:3])


def sizes_are_real(seen, _):
    for name, (_, least, most) in LOOKS.items():
        sizes = [int(p["udp.length"]) - 8 for p in seen[name] if p["udp.length"]]
        if most and (not sizes or min(sizes) < least or max(sizes) > most):
            yield "%s: %s bytes" % (name, (min(sizes), max(sizes)) if sizes else "no")


def checksums_are_right(seen, names):
    for name in names:
        bad = sum(1 for p in seen[name] if any(p[field] == "0" for field in CHECKSUMS))
        want = len(seen[name]) if name == "bad_checksum" else 0
        if bad != want:
            yield "%s: %d wrong checksums of %d" % (name, bad, len(seen[name]))


def reflectors_are_many_and_have_their_port(seen, names):
    for name, port in PORTS.items():
        packets = [p for p in seen["reflect_" + name] if p["udp.srcport"]]
        ports = {int(p["udp.srcport"]) for p in packets}
        hosts = {p["ip.src"] or p["ipv6.src"] for p in packets}
        if ports != {port}:
            yield "%s: from ports %s" % (name, sorted(ports))
        if len(hosts) < 0.6 * len({(p["frame.time_relative"]) for p in packets}):
            yield "%s: %d hosts for %d packets" % (name, len(hosts), len(packets))
    unknown = [name for name in names if name.startswith("reflect_") and
               name[8:] not in PORTS and name not in ("reflect_synack", "reflect_middlebox")]
    if unknown:
        yield "not looked at: %s" % unknown


def reflectors_stay_the_same(folder):
    """Two seeds, the same several hundred hosts; each with one distance."""
    hosts = []
    for seed in (1, 2):
        path = os.path.join(folder, "reflect.pcap")
        run(PROGRAM, "write", "-o", path, "--seed", str(seed), "--part",
            "reflect_ssdp,rate=4k,duration=1s,sport=1900")
        out = run("tshark", "-n", "-r", path, "-T", "fields", "-e", "ip.src", "-e", "ip.ttl")
        hosts.append(set(out.splitlines()))
    if not 380 <= len(hosts[0] | hosts[1]) <= 400:
        yield "%d hosts and distances, not 400" % len(hosts[0] | hosts[1])


def floods_have_their_ways(seen, _):
    first = [p for p in seen["fragment_tiny"] if not is_rest(p) and p["ip.src"]]
    if not first or {p["frame.len"] for p in first} != {"42"}:
        yield "fragment_tiny: firsts of %s bytes" % {p["frame.len"] for p in first}
    if any(p["ip.flags.mf"] != "1" and p["ipv6.fraghdr.more"] != "1" for p in
           seen["fragment_endless"]):
        yield "fragment_endless: a last fragment"
    if any(not is_rest(p) for p in seen["fragment_rests"]):
        yield "fragment_rests: a first fragment"
    many = {p["ip.dst"] for p in seen["carpet_udp"] if p["ip.dst"]}
    if len(many) < 40 or any(not a.startswith("203.0.113.") for a in many):
        yield "carpet_udp: %d addresses" % len(many)
    if any((p["ip.src"] or p["ipv6.src"]) != (p["ip.dst"] or p["ipv6.dst"]) for p in seen["land"]):
        yield "land: two ends"
    if {p["tcp.srcport"] for p in seen["reflect_synack"]} != {
            "80", "443", "22", "179", "25", "8080"}:
        yield "reflect_synack: from %s" % {p["tcp.srcport"] for p in seen["reflect_synack"]}
    if {p["tcp.flags"] for p in seen["reflect_middlebox"]} != {"0x0018", "0x0014"}:
        yield "reflect_middlebox: %s" % {p["tcp.flags"] for p in seen["reflect_middlebox"]}


def pieces_overlap_or_pulse(folder):
    path = os.path.join(folder, "more.pcap")
    run(PROGRAM, "write", "-o", path, "--part", "fragment_overlap,rate=1k,duration=1s,family=both",
        "--part", "pulse_udp,rate=100,duration=9s,start=1s,size=64")
    overlaps = run("tshark", "-n", "-r", path, "-Y",
                   "ip.fragment.overlap == 1 || ipv6.fragment.overlap == 1")
    if not 400 <= len(overlaps.splitlines()) <= 500:
        yield "%d of 500 datagrams overlap" % len(overlaps.splitlines())
    times = [float(t) for t in run("tshark", "-n", "-r", path, "-Y", "frame.len == 106", "-T",
                                   "fields", "-e", "frame.time_epoch").splitlines()]
    pauses = sum(1 for a, b in zip(times, times[1:]) if 1.9 < b - a < 2.1)
    if pauses != 2 or len(times) != 300:
        yield "%d pulses of %d packets" % (pauses + 1, len(times))


def tags_hold_every_vector(folder, names):
    for extra, want in ((",vlan=42", "42"), (",qinq=100.200", "100")):
        path = os.path.join(folder, "tags.pcap")
        write(path, names, extra)
        for name, packets in look(path, names).items():
            bad = sum(1 for p in packets if any(p[field] == "0" for field in CHECKSUMS))
            # tshark gives the outer tag of the service its own name, the inner comes second.
            tags = {p["vlan.id"] for p in packets}
            if name != "bad_checksum" and bad or tags - {want, "200"}:
                yield "%s with %s: tags %s, %d wrong checksums" % (name, extra, tags, bad)


def same_seed_same_bytes(folder, names):
    paths = [os.path.join(folder, "seed%d.pcap" % i) for i in range(3)]
    for path, seed in zip(paths, (3, 3, 4)):
        write(path, names, seed=seed)
    bytes_of = [open(path, "rb").read() for path in paths]
    if bytes_of[0] != bytes_of[1]:
        yield "the same seed gives other bytes"
    if bytes_of[0] == bytes_of[2]:
        yield "another seed gives the same bytes"


def customers_beside_them_are_answered(folder):
    path = os.path.join(folder, "customers.pcap")
    run(PROGRAM, "write", "-o", path, "--duration", "4s", "--truth", path + ".json",
        *[w for p in ("ntp", "dns_large", "ping", "esp") for w in
          ("--part", p + ",family=both,initiator=inside")])
    with open(path + ".json", encoding="utf-8") as truth:
        talks = {part["kind"]: part for part in json.load(truth)["parts"]}
    for name, question, times in (("ntp", "ntp.flags.mode == 4", 1),
                                  ("dns_large", "dns.response_to && dns.count.answers == 5", 1),
                                  ("ping", "icmp.resp_to || icmpv6.resp_to", 4)):
        seen = len(run("tshark", "-n", "-r", path, "-Y", question).splitlines())
        if seen != times * talks[name]["conversations"] or seen == 0:
            yield "%s: %d answers in %d talks" % (name, seen, talks[name]["conversations"])
    bad = run("tshark", "-n", "-r", path, "-o", "udp.check_checksum:TRUE", "-Y",
              "_ws.malformed || udp.checksum.status == 0 || icmp.checksum.status == 0 || "
              "icmpv6.checksum.status == 0")
    if bad:
        yield "bad: " + bad.splitlines()[0]
    whole = run("tshark", "-n", "-r", path, "-Y", "esp && (ip.fragment || ipv6.fragment)")
    sealed = run("tshark", "-n", "-r", path, "-Y", "esp")
    if not 0 < 3 * len(whole.splitlines()) < len(sealed.splitlines()):
        yield "%d of %d tunnel packets came in fragments" % (
            len(whole.splitlines()), len(sealed.splitlines()))


def wrong_words_are_refused(_folder, _names):
    for part, word in (("reflect_ssdp,size=100", "size"), ("reflect_nothing", "--list-vectors"),
                       ("icmp6_neighbour,family=4", "IPv6"),
                       ("icmp_echo,fragments=tiny", "fragments"),
                       ("fragment,fragments=some", "fragments"), ("udp,sources=spread:x", "spread")):
        done = subprocess.run([PROGRAM, "write", "-o", os.devnull, "--part", part],
                              capture_output=True, text=True, check=False)
        if done.returncode != 2 or word not in done.stderr:
            yield "%s: status %d, '%s'" % (part, done.returncode, done.stderr.strip())


def main():
    if shutil.which("tshark") is None:
        print("skip vectors needs tshark")
        return 0
    names, failed = vectors(), 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "all.pcap")
        write(path, names)
        with open(path + ".json", encoding="utf-8") as truth:
            parts = [part["kind"] for part in json.load(truth)["parts"]]
        assert parts == names, "the truth names %s" % (set(parts) ^ set(names))
        seen = look(path, names)
        for test, arguments in (
                (every_vector_is_there_in_both_families, (seen, names)),
                (packets_are_well_formed, (seen, names)), (protocols_are_known, (seen, names)),
                (sizes_are_real, (seen, names)), (checksums_are_right, (seen, names)),
                (reflectors_are_many_and_have_their_port, (seen, names)),
                (reflectors_stay_the_same, (folder,)), (floods_have_their_ways, (seen, names)),
                (pieces_overlap_or_pulse, (folder,)), (tags_hold_every_vector, (folder, names)),
                (same_seed_same_bytes, (folder, names)),
                (customers_beside_them_are_answered, (folder,)),
                (wrong_words_are_refused, (folder, names))):
            wrong = list(test(*arguments))
            print("%s %s" % ("not ok" if wrong else "ok", test.__name__))
            for line in wrong[:20]:
                print("    " + line)
            failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
