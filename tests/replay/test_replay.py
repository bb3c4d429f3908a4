#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Captures in, verdicts out: the program `tidegated replay` as its users see it."""
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import traceback

from frames import (ACK, SYN, conversation, ether, ip, read_pcap, read_pcapng, tcp, udp,
                    write_pcap)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GATE = os.path.join(os.environ.get("TIDEGATE_BUILD", os.path.join(ROOT, "build")),
                    "app/tidegated/tidegated")
START = 1_700_000_000 * 10**9
MS = 10**6
SERVER, SERVER6 = "203.0.113.10", "2001:db8:a::10"

CONFIG = """
version = 1;
dataplane = { flow_entries = "64k"; source_entries = "64k"; };
policies = ( { name = "web"; mode = "%s";
  detection = { activate_after = "300ms"; clear_after = "2s"; };
  vectors = (
    { vector = "tcp_syn_flood";   activate_rate = "5kpps"; },
    { vector = "tcp_other_flood"; activate_rate = "20kpps"; },
    { vector = "udp_flood";       activate_rate = "5kpps"; },
    { vector = "fragment_flood";  activate_rate = "1kpps"; } );
  udpauth = { method = "off"; }; quicauth = { method = "off"; };
} );
services = ( { name = "shop"; prefixes = [ "203.0.113.0/24", "2001:db8:a::/48" ]; policy = "web"; } );
"""


class Folder:
    """A scratch folder with a configuration, and replays run in it."""

    def __init__(self, mode="mitigate"):
        self.path = tempfile.mkdtemp(prefix="replay-")
        os.chmod(self.path, 0o777)
        self.config = self.file("gate.conf")
        with open(self.config, "w") as f:
            f.write(CONFIG % mode)

    def file(self, name):
        return os.path.join(self.path, name)

    def pcap(self, name, frames, link_type=1):
        write_pcap(self.file(name), frames, link_type)
        return self.file(name)

    def command(self, *args):
        return [GATE, "replay", "-c", self.config, "--json", *map(str, args)]

    def run(self, *args, code=0):
        done = subprocess.run(self.command(*args), capture_output=True, text=True, timeout=300)
        expect(done.returncode == code,
               "exit code %d, not %d\n%s" % (done.returncode, code, done.stderr))
        self.said = done.stderr
        return done.stdout

    def replay(self, *args):
        out = json.loads(self.run(*args))
        check_books(out)
        return out


def expect(holds, why):
    if not holds:
        raise AssertionError(why)


def equal(a, b, what):
    expect(a == b, "%s: %r, not %r" % (what, a, b))


def check_books(out):
    """Promise 1, from the numbers that the operator sees."""
    p = out["packets"]
    expect(out["balanced"], "replay itself says that its books do not balance")
    equal(p["received"], p["forwarded"] + p["dropped"] + p["replied"] + p["consumed"], "received")
    equal(p["sent"], p["forwarded"] + p["replied"] + p["emitted"], "sent")
    equal(sum(out["reasons"].values()), p["received"] - p["forwarded"], "sum of reasons")
    for side, other in (("external", "internal"), ("internal", "external")):
        here, there = out["sides"][side], out["sides"][other]
        equal(here["received"], here["forwarded"] + here["dropped"] + here["replied"] +
              here["consumed"], side + " received")
        equal(here["sent"], there["forwarded"] + here["replied"] + here["emitted"],
              side + " sent")
    vectors = [v for s in out["services"] for v in s["vectors"].values()]
    equal(sum(v["forwarded"] + v["dropped"] for v in vectors), p["received"], "services")


def timed(frames, step=MS, start=START):
    return [(start + i * step, frame) for i, frame in enumerate(frames)]


def customers(n=60):
    """Quiet time: many kinds of ordinary packets, mixed."""
    dice = random.Random(1)
    talks = []
    for i in range(n):
        client, server = ("198.51.100.%d" % (i + 1), SERVER) if i % 3 else \
            ("2001:db8:c::%x" % (i + 1), SERVER6)
        vlans = [(), (), (10,), (7, 10)][i % 4]
        talks.append(conversation(client, server, 20000 + i, 443, vlans))
        talks.append([udp(client, server, 30000 + i, 53, b"q" * 30, True, vlans),
                      udp(server, client, 53, 30000 + i, b"a" * 200, False, vlans)])
    talks.append([ether(b"\0\1\x08\0\6\4\0\1" + bytes(20), 0x0806)])
    talks.append([ether(bytes(60), 0x88CC)])
    talks.append([ip("198.51.100.9", SERVER, 47, b"\0\0\x08\0" + bytes(40))])
    big = bytes(1480)
    talks.append([ip("198.51.100.8", SERVER, 17, big, fragment=0x2000 | 0),
                  ip("198.51.100.8", SERVER, 17, big, fragment=185)])
    # The first fragment carries a UDP header that names the whole length.
    talks[-1][0] = ip("198.51.100.8", SERVER, 17, b"\x30\x39\x01\xbb\x0b\x90\0\0" + big[8:],
                      fragment=0x2000)
    frames = []
    while talks:
        talk = dice.choice(talks)
        frames.append(talk.pop(0))
        if not talk:
            talks.remove(talk)
    return frames


def flood(n, step, start=START, seed=2):
    dice = random.Random(seed)
    return [(start + i * step,
             udp("192.0.%d.%d" % (dice.randrange(3, 99), dice.randrange(1, 255)), SERVER,
                 dice.randrange(1024, 65536), 443, b"f" * 20)) for i in range(n)]


# --- tests -------------------------------------------------------------------


def quiet_time_is_untouched_time(f):
    frames = timed(customers())
    for workers in (1, 3):
        out = f.replay(f.pcap("in.pcap", frames), "--clean", f.file("clean.pcap"), "--dropped",
                       f.file("dropped.pcap"), "--workers", workers)
        equal(out["packets"]["forwarded"], len(frames), "forwarded")
        equal(out["reasons"], {}, "reasons")
        equal(out["attacks"], [], "attacks")
        clean = read_pcap(f.file("clean.pcap"))
        equal(read_pcap(f.file("dropped.pcap")), [], "dropped file")
        if workers == 1:
            equal([c[:2] for c in clean], frames, "clean file, in order")
        # Several workers take turns, so only the order of each pair of hosts is kept.
        equal(sorted(clean), sorted((t, b, len(b)) for t, b in frames), "clean file")


def two_runs_print_the_same_bytes(f):
    """Also at the same time, and as a user without any right."""
    attack = f.pcap("flood.pcap", flood(8000, 50_000))
    calm = f.pcap("calm.pcap", timed(customers()))

    def start(name):
        options = ["--clean", f.file(name + ".clean"), "--dropped", f.file(name + ".dropped"),
                   "--workers", 2, "--loop-for", "2s", attack, calm]
        user = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
        return subprocess.Popen(f.command(*options), stdout=subprocess.PIPE, cwd="/",
                                env={"PATH": "/usr/bin:/bin"}, **user)

    a, b = start("a"), start("b")
    first, second = a.communicate(timeout=120)[0], b.communicate(timeout=120)[0]
    equal((a.returncode, b.returncode), (0, 0), "exit codes")
    expect(first == second and len(first) > 1000, "two runs printed different objects")
    check_books(json.loads(first))
    expect(json.loads(first)["packets"]["dropped"] > 0, "the flood was not noticed")
    for kind in (".clean", ".dropped"):
        with open(f.file("a" + kind), "rb") as x, open(f.file("b" + kind), "rb") as y:
            expect(x.read() == y.read(), kind + " differs between two runs")


def a_flood_is_limited_and_the_measures_are_told(f):
    out = f.replay(f.pcap("flood.pcap", flood(60_000, 50_000)), "--dropped",
                   f.file("dropped.pcapng"))
    attack = out["attacks"][0]
    equal((len(out["attacks"]), attack["vector"], attack["service"]), (1, "udp_flood", "shop"),
          "attack")
    expect(0 < attack["detected_after_ms"] <= 100, "detected %s" % attack["detected_after_ms"])
    expect(0 < attack["mitigated_after_ms"] <= 100, "mitigated %s" % attack["mitigated_after_ms"])
    # 20 kpps for 3 s against 5 kpps: what passes is the limit, and the burst before arming.
    passed = out["packets"]["forwarded"]
    expect(15_000 * 0.95 <= passed <= 15_000 * 1.05 + 1000, "%d packets passed" % passed)
    comments = {}
    for interface, _, _, comment in read_pcapng(f.file("dropped.pcapng")):
        equal(interface, 0, "interface")
        comments[comment] = comments.get(comment, 0) + 1
    equal(comments, out["reasons"], "comments of dropped packets")


def speed_makes_a_flood_of_a_trickle(f):
    slow = f.pcap("slow.pcap", flood(20_000, MS))
    equal(f.replay(slow)["attacks"], [], "attacks at 1 kpps")
    out = f.replay(slow, "--speed", "100")
    equal(len(out["attacks"]), 1, "attacks at 100 kpps")
    equal(out["time"]["virtual_seconds"], 0.19999, "virtual seconds")
    equal(f.replay(slow, "--speed", "0.5")["time"]["virtual_seconds"], 39.998, "at half speed")


def the_mode_can_be_overridden(f):
    attack = f.pcap("flood.pcap", flood(20_000, 50_000))
    out = f.replay(attack, "--mode", "monitor")
    equal(out["packets"]["dropped"], 0, "dropped by monitor")
    expect(out["packets"]["would_drop"] > 5000, "monitor would not have dropped")
    equal(sum(out["would_reasons"].values()), out["packets"]["would_drop"], "would reasons")
    equal(out["services"][1]["mode"], "monitor", "mode")
    out = f.replay(attack, "--mode", "learn")
    equal((out["packets"]["dropped"], out["packets"]["would_drop"]), (0, 0), "learn")


def captures_are_repeated(f):
    short = f.pcap("short.pcap", flood(101, 10 * MS))
    out = f.replay(short, "--loop-for", "30s", "--clean", f.file("clean.pcap"))
    times = [t for t, _, _ in read_pcap(f.file("clean.pcap"))]
    equal(len(times), 3000, "packets in 30 s at 100 pps")
    equal(times, [START + i * 10 * MS for i in range(3000)], "shifted times")
    equal(out["time"]["whole_passes"], 29, "passes of 1.01 s")
    # Packets that all stand at one moment repeat every millisecond, and come to an end.
    equal(f.replay(f.pcap("one.pcap", flood(1, 0)), "--loop-for", "1s")["packets"]["received"],
          1000, "one packet for a second")
    # A capture longer than that is played once, whole.
    equal(f.replay(short, "--loop-for", "100ms")["packets"]["received"], 101, "long capture")


def captures_are_merged_by_time(f):
    frames = timed(customers())
    a, b, c = (f.pcap(name, frames[i::3]) for i, name in enumerate(("a.pcap", "b.pcap", "c.pcap")))
    out = f.replay(a, b, c, "--clean", f.file("clean.pcap"))
    equal([x[:2] for x in read_pcap(f.file("clean.pcap"))], frames, "merged order")
    equal([x["packets"] for x in out["captures"]], [len(frames[i::3]) for i in range(3)], "captures")


def bad_times_are_mended_and_told(f):
    frames = [f_[1] for f_ in timed(customers())][:6]
    times = [0, 1000, 500, 2000, 2000 + 200 * 1000, 2001 + 200 * 1000]  # ms
    odd = f.pcap("odd.pcap", [(START + t * MS, x) for t, x in zip(times, frames)])
    time = f.replay(odd)["time"]
    equal(time["clamped_timestamps"], 1, "clamped")
    equal((time["skipped_gaps"], time["skipped_seconds"]), (1, 140.0), "gaps")
    equal(time["virtual_seconds"], 62.001, "virtual seconds")


def the_direction_comes_from_services(f):
    frames = [udp("198.51.100.1", SERVER, 1, 2), udp(SERVER, "198.51.100.1", 2, 1),
              udp(SERVER, "203.0.113.77", 5, 6), udp("192.0.2.1", "198.51.100.2", 7, 8),
              ether(bytes(46), 0x0806)]
    out = f.replay(f.pcap("in.pcap", timed(frames)))
    equal((out["sides"]["external"]["received"], out["sides"]["internal"]["received"]), (4, 1),
          "to shop, shop to shop, neither, ARP; and from the shop")


def the_direction_comes_from_who_opened(f):
    talk = conversation("192.0.2.7", "198.51.100.7", 4000)
    ping = [ip("192.0.2.8", "198.51.100.8", 1, b"\x08\0\0\0\0\5\0\1" + bytes(16)),
            ip("198.51.100.8", "192.0.2.8", 1, b"\0\0\0\0\0\5\0\1" + bytes(16), False)]
    error = [ip("198.51.100.7", "192.0.2.7", 1, b"\x03\4\0\0\0\0\5\0" + bytes(28), False)]
    # Captured from the middle on, a server speaks first; the SYN of the next flow puts it right.
    late = [tcp("198.51.100.9", "192.0.2.9", 80, 5000, ACK, 1, 1, b"x", False),
            tcp("192.0.2.9", "198.51.100.9", 5000, 80, SYN, 5),
            tcp("198.51.100.9", "192.0.2.9", 80, 5000, SYN | ACK, 6, 6, b"", False)]
    frames = timed(talk + ping + error + late)
    path = f.pcap("in.pcap", frames)
    out = f.replay(path, "--direction", "initiator-external", "--clean", f.file("clean.pcapng"))
    sides = [interface for interface, _, _, _ in read_pcapng(f.file("clean.pcapng"))]
    equal(sides, [0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1], "sides")
    other = f.replay(path, "--direction", "initiator-internal")
    equal(other["sides"]["external"]["received"], out["sides"]["internal"]["received"], "mirrored")


def workers_share_one_book(f):
    paths = [f.pcap("calm.pcap", timed(customers())), f.pcap("flood.pcap", flood(60_000, 50_000))]
    one = f.replay(*paths)
    for n in (2, 5):
        many = f.replay(*paths, "--workers", n)
        equal(many["packets"]["received"], one["packets"]["received"], "received")
        equal({s: many["sides"][s]["received"] for s in many["sides"]},
              {s: one["sides"][s]["received"] for s in one["sides"]}, "by side")
        # One limit, whatever the number of workers; each may let a first burst through.
        passed, single = many["packets"]["forwarded"], one["packets"]["forwarded"]
        expect(abs(passed - single) < 0.1 * single + 1000 * n, "%d against %d" % (passed, single))


def every_link_type_gives_the_same_verdicts(f):
    frames = timed(customers(30))
    plain = [(t, x) for t, x in frames if x[12:14] in (b"\x08\0", b"\x86\xdd")]
    bad = (plain[-1][0] + MS, ip("198.51.100.3", SERVER, 6, b"\x12\x34\x01\xbb" + bytes(16)))
    plain.append(bad)
    want = f.replay(f.pcap("ether.pcap", plain))
    expect(want["packets"]["dropped"] == 1, "the broken segment passed: %s" % want["reasons"])
    dress = {101: lambda x: x[14:], 113: lambda x: bytes(14) + x[12:],
             276: lambda x: x[12:14] + bytes(18) + x[14:],
             0: lambda x: (b"\2" if x[12:14] == b"\x08\0" else b"\x1e") + bytes(3) + x[14:]}
    for link_type, to in dress.items():
        got = f.replay(f.pcap("other.pcap", [(t, to(x)) for t, x in plain], link_type))
        for key in ("packets", "reasons", "services", "sides"):
            equal(got[key], want[key], "%s of link type %d" % (key, link_type))


def a_truncated_capture_is_read_as_far_as_it_goes(f):
    path = f.pcap("in.pcap", timed(customers(10)))
    whole = f.replay(path)["packets"]["received"]
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) - 5)
    out = f.replay(path)
    equal((out["truncated"], out["packets"]["received"]), (True, whole - 1), "truncated")


def what_cannot_be_read_is_named(f):
    good = f.pcap("good.pcap", timed(customers(3)))
    with open(f.file("text.pcap"), "w") as file:
        file.write("this is no capture\n")
    with open(good, "rb") as file, gzip.open(f.file("zipped.pcap"), "wb") as zipped:
        zipped.write(file.read())
    with open(good, "rb") as file, open(f.file("corrupt.pcap"), "wb") as corrupt:
        corrupt.write(file.read() + b"\xff" * 100)
    for name, says in (("text.pcap", "neither pcap nor pcapng"), ("zipped.pcap", "gunzip it first"),
                       ("corrupt.pcap", "is corrupt"), ("missing.pcap", "No such file")):
        equal(f.run(good, f.file(name), code=65), "", "output")
        expect(name in f.said and says in f.said, "said only: " + f.said)


def wrong_usage_and_configuration_are_told_apart(f):
    good = f.pcap("good.pcap", timed(customers(3)))
    for args in ((), (good, "--direction", "sideways"), (good, "--speed", "0"),
                 (good, "--speed", "nan"), (good, "--workers", "65"), (good, "--mode", "kind"),
                 (good, "--seed", "-1"), (good, "--loop-for", "30"), (good, "--whatever",)):
        f.run(*args, code=2)
        expect(f.said != "", "nothing was said of %r" % (args,))
    with open(f.config, "a") as file:
        file.write("nonsense = 1;\n")
    f.run(good, code=78)
    expect("nonsense" in f.said, "the unknown key is not named: " + f.said)


def an_output_that_cannot_be_written_is_told(f):
    good = f.pcap("good.pcap", timed(customers()))
    f.run(good, "--clean", "/nowhere/at/all.pcap", code=1)
    expect("/nowhere/at/all.pcap" in f.said, f.said)
    f.run(good, "--clean", "/dev/full", code=1)
    expect("/dev/full" in f.said, f.said)


def peak_kib(f, path):
    child = subprocess.Popen(f.command(path), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    equal(child.returncode, 0, "exit code")
    return usage.ru_maxrss


def the_size_of_a_capture_does_not_show_in_memory(f):
    """1 MB against 150 MB; a soak takes a whole GB."""
    dice = random.Random(3)
    block = [udp("192.0.2.%d" % dice.randrange(1, 255), SERVER, dice.randrange(1, 65536), 443,
                 bytes(1400)) for _ in range(700)]
    small = f.pcap("small.pcap", timed(block, 100_000))
    repeat = 1000 if os.environ.get("TIDEGATE_SOAK") == "1" else 150
    with open(small, "rb") as file:
        data = file.read()
    # Times go back at each seam, which replay mends; that is beside the point here.
    with open(f.file("large.pcap"), "wb") as file:
        file.write(data)
        for _ in range(repeat - 1):
            file.write(data[24:])
    expect(os.path.getsize(f.file("large.pcap")) > 140 * len(data), "the capture is too small")
    little, much = peak_kib(f, small), peak_kib(f, f.file("large.pcap"))
    expect(much - little < 4096, "%d KiB for 1 MB, %d KiB for the large one" % (little, much))


TESTS = [quiet_time_is_untouched_time, two_runs_print_the_same_bytes,
         a_flood_is_limited_and_the_measures_are_told, speed_makes_a_flood_of_a_trickle,
         the_mode_can_be_overridden, captures_are_repeated, captures_are_merged_by_time,
         bad_times_are_mended_and_told, the_direction_comes_from_services,
         the_direction_comes_from_who_opened, workers_share_one_book,
         every_link_type_gives_the_same_verdicts, a_truncated_capture_is_read_as_far_as_it_goes,
         what_cannot_be_read_is_named, wrong_usage_and_configuration_are_told_apart,
         an_output_that_cannot_be_written_is_told, the_size_of_a_capture_does_not_show_in_memory]


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
