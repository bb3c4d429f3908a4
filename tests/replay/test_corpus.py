#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Takes long.
"""Real captures through `tidegated replay`: what real hosts and real attackers send.

The captures are no part of this project. TIDEGATE_CORPUS names a folder with `legit/`,
`attack/`, `robust/`, VERDICTS.tsv and pcap_tool.py; without it everything is skipped.

    legit    ordinary traffic loses nothing but what expected/legit.tsv explains, and
             comes out byte by byte and in order
    attack   at the rate VERDICTS.tsv asks for, looped to 30 s: what exceeds max_rate
             goes, customers stay, in time; what later stages will do is skipped by
             expected/attacks.tsv
    robust   malformed captures crash nothing; TIDEGATE_SANITIZED names a build with
             sanitizers for them. A quarter of them, all with TIDEGATE_SOAK=1.

`--table` prints what became of each attack; words select parts (legit attack robust).
"""
import contextlib
import importlib.util
import io
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

from bpf import Packet, matcher
from frames import read_pcap
from test_replay import ROOT, check_books, equal, expect

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.environ.get("TIDEGATE_CORPUS", "")
SOAK = os.environ.get("TIDEGATE_SOAK") == "1"
PROGRAM = "app/tidegated/tidegated"
GATE = os.path.join(os.environ.get("TIDEGATE_BUILD", os.path.join(ROOT, "build")), PROGRAM)
SANITIZED = os.path.join(os.environ.get("TIDEGATE_SANITIZED", ""), PROGRAM)
CONFIG = os.path.join(ROOT, "config/examples/everything.conf")
# A thousand short captures need no large tables, and most of a start is taking their memory.
SMALL = 'dataplane = { flow_entries = "64k"; source_entries = "64k"; };\n'
LOOP_SECONDS = 30
IN_TIME_MS = 100
SYN_ACKS = "tcp[13]=0x12"
# What no vector counts apart has a threshold of its own in these stages.
KNOWN_AT_SIGHT = ("sanity.", "reflection.")

SCRATCH = ""
TOOL, RATES = None, {}


# --- tools -------------------------------------------------------------------


def load_tool():
    spec = importlib.util.spec_from_file_location("pcap_tool", os.path.join(CORPUS, "pcap_tool.py"))
    module = importlib.util.module_from_spec(spec)
    # Nothing of ours is left in a folder of others.
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def normalised(path, *options):
    """The capture as Ethernet with right checksums and no oversize frames, in scratch."""
    out = os.path.join(SCRATCH, "%d.pcap" % os.getpid())
    with contextlib.redirect_stdout(io.StringIO()):
        TOOL.norm(TOOL.P.parse_args(["norm", path, out, *options]))
    return out


def read_frames(path):
    return [(t, frame) for _, t, frame, _ in TOOL.rd(path)]


def small_config():
    return os.path.join(SCRATCH, "small.conf")


def run(gate, config, *args):
    command = [gate, "replay", "-c", config, "--json", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def replay(config, *args):
    done = run(GATE, config, *args)
    expect(done.returncode == 0, "exit code %d: %s" % (done.returncode, done.stderr[:300]))
    out = json.loads(done.stdout)
    check_books(out)
    return out


def files_of(folder):
    return sorted(os.path.join(where, name)
                  for where, _, names in os.walk(os.path.join(CORPUS, folder)) for name in names)


def table(path):
    """Rows of a tab-separated file without its comments."""
    with open(path, encoding="utf-8") as f:
        return [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]


# --- ordinary captures -------------------------------------------------------


def explained():
    """{file: {reason: packets}} of expected/legit.tsv."""
    known = {}
    for name, reason, packets, why in table(os.path.join(HERE, "expected/legit.tsv")):
        expect(why.endswith("."), "%s: a reason is a sentence" % name)
        known.setdefault(name, {})[reason] = int(packets)
    return known


def needs_other_addresses(frames):
    """Whether hosts have loopback, multicast or class E addresses, or talk to themselves."""
    for _, frame in frames:
        p = TOOL.l4(frame)
        if p and (p["src"] == p["dst"] or
                  (p["v"] == 4 and p["src"] != bytes(4) and TOOL.bogon(p["src"]))):
            return True
    return False


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(any(frame == other for other in rest) for frame in part)


def legit(path):
    """One ordinary capture, seen from both sides of the gate."""
    given = normalised(path)
    frames = read_frames(given)
    if needs_other_addresses(frames):
        given = normalised(path, "--unbogon")
        frames = read_frames(given)
    frames = [frame for _, frame in frames]
    want = explained().get(os.path.basename(path), {})
    clean = given + ".clean.pcap"
    for direction in ("services", "initiator-external"):
        out = replay(small_config(), given, "--direction", direction, "--clean", clean)
        equal(out["packets"]["received"], len(frames), "received")
        lost = out["reasons"]
        # Seen from one side only, no more may be lost than when everything is judged.
        expect(lost == want if direction == "services" else
               all(n <= want.get(reason, 0) for reason, n in lost.items()),
               "%s: lost %r, explained is %r" % (direction, lost, want))
        passed = [frame for _, frame, _ in read_pcap(clean)]
        equal(len(passed), len(frames) - sum(lost.values()), "frames in the clean file")
        expect(passed == frames if not lost else is_subsequence(passed, frames),
               "%s: the clean file is not the capture in order, byte by byte" % direction)
        equal(out["packets"]["would_drop"] + out["packets"]["replied"], 0, "touched")
    return len(frames), sum(want.values())


def test_legit(pool):
    results = list(pool.imap_unordered(guarded, [(legit, path) for path in files_of("legit")], 8))
    failed = [(path, error) for path, error, _ in results if error]
    expect(len(results) > 0, "there is no ordinary capture")
    expect(not failed, "%d of %d captures\n%s" % (len(failed), len(results), "\n".join(
        "%s: %s" % (os.path.basename(p), e) for p, e in sorted(failed))))
    packets = sum(r[0] for _, _, r in results)
    print("ok corpus/legit %d captures, %d packets, %d lost and explained" %
          (len(results), packets, sum(r[1] for _, _, r in results)))
    unused = set(explained()) - {os.path.basename(p) for p, _, _ in results}
    expect(not unused, "explained, but not there: %s" % sorted(unused))


# --- attacks -----------------------------------------------------------------


def later():
    return {row[0]: row[1:] for row in table(os.path.join(HERE, "expected/attacks.tsv"))}


def options_of(note):
    """VERDICTS.tsv says in words which addresses have to be moved."""
    words = note.replace(";", " ").split()
    options = ["--unbogon"] if "--unbogon" in words else []
    if "--victim" in words:
        options += ["--victim", words[words.index("--victim") + 1]]
    return options


def speed_for(frames, pps):
    """How much faster than recorded the capture reaches `pps` on average."""
    seconds = frames[-1][0] - frames[0][0]
    return max(0.001, pps * seconds / (len(frames) - 1)) if seconds > 0 else 1.0


def count_offered(flags, received):
    """Of a capture played round and round until `received` packets were out."""
    passes, rest = divmod(received, len(flags))
    return passes * sum(flags) + sum(flags[:rest])


def share_of(test, frames, out, clean):
    """(offered, passed) of the packets that match."""
    offered = count_offered([bool(test(f)) for _, f in frames], out["packets"]["received"])
    return offered, sum(1 for _, f, _ in clean if test(f))


def excess_dropped(attack):
    """Share of what exceeded max_rate that was dropped, from detection on; None: nothing did."""
    allowed = RATES[attack["vector"]] * (attack["duration_seconds"] + 0.01) + 16
    passed = attack["packets"] - attack["dropped_packets"]
    excess = attack["packets"] - allowed
    return None if excess <= 0 else 1 - max(0, passed - allowed) / excess


def attack_of(row):
    """One attack; returns what the table shows."""
    name, bpf, legit_bpf, _, _, pps, note = row
    path = [p for p in files_of("attack") if os.path.basename(p) == name]
    expect(len(path) == 1, "the capture is not there")
    given = normalised(path[0], *options_of(note))
    frames = read_frames(given)
    # Addresses that were made anonymous must not be what gives an attack away.
    if needs_other_addresses(frames):
        given = normalised(path[0], "--unbogon", *options_of(note))
        frames = read_frames(given)
    clean_path = given + ".clean.pcap"
    speed = speed_for(frames, float(pps))
    # What the victim answers comes from inside, and is neither attack nor customer. A
    # SYN-ACK answers somebody too, so of a flood of them replay must not ask who began.
    side = "services" if bpf == SYN_ACKS else "initiator-external"
    out = replay(CONFIG, given, "--speed", "%.3f" % speed, "--loop-for", "%ds" % LOOP_SECONDS,
                 "--direction", side, "--clean", clean_path)
    clean = read_pcap(clean_path)
    offered, passed = share_of(matcher(bpf), frames, out, clean)
    result = {"name": name, "offered": offered, "pps": pps, "speed": speed,
              "dropped": 1 - passed / offered, "attacks": out["attacks"],
              "reasons": out["reasons"], "seconds": out["time"]["virtual_seconds"]}
    if legit_bpf:
        # Errors that an attack calls forth are nobody's customers.
        asks = matcher(legit_bpf)
        of, kept = share_of(lambda f: asks(f) and not Packet(f).is_icmp_error(), frames, out, clean)
        result["customers"] = kept / of
    return result


def judge(row, result):
    """What is wrong with the result, in sentences."""
    _, _, _, min_drop, min_pass, pps, _ = row
    wrong = []
    if 100 * result["dropped"] < float(min_drop):
        wrong.append("%.3f %% of the attack was dropped, not %s %%" %
                     (100 * result["dropped"], min_drop))
    if "customers" in result and 100 * result["customers"] < float(min_pass or 99):
        wrong.append("%.2f %% of the customers passed" % (100 * result["customers"]))
    for attack in result["attacks"]:
        excess = excess_dropped(attack)
        if excess is not None and excess < 0.999:
            wrong.append("%s: %.4f of what exceeds max_rate was dropped" %
                         (attack["vector"], excess))
        for what in ("detected_after_ms", "mitigated_after_ms"):
            if attack[what] is None or attack[what] > IN_TIME_MS:
                wrong.append("%s: %s is %s" % (attack["vector"], what, attack[what]))
        equal(attack["verified_dropped_packets"], 0, "verified packets dropped")
    if not result["attacks"] and not any(r.startswith(KNOWN_AT_SIGHT) for r in result["reasons"]):
        wrong.append("no attack was seen at %s packets/s" % pps)
    return wrong


def show(result):
    first = result["attacks"][0] if result["attacks"] else {}
    print("    %-34s %8s/s %9d %8.3f %% %9s %9s %8s  %s" % (
        result["name"], result["pps"], result["offered"], 100 * result["dropped"],
        first.get("detected_after_ms", "-"), first.get("mitigated_after_ms", "-"),
        "%.1f %%" % (100 * result["customers"]) if "customers" in result else "-",
        " ".join("%s=%d" % x for x in result["reasons"].items())))


def test_attack(pool):
    known, rows = later(), []
    for _, name, bpf, _, legit_bpf, _, min_drop, min_pass, pps, note in \
            table(os.path.join(CORPUS, "VERDICTS.tsv"))[1:]:
        if name in known:
            print("skip corpus/attack/%s belongs to %s: %s" % (name, *known[name]))
        else:
            rows.append((name, bpf, legit_bpf, min_drop, min_pass, pps, note))
    results = list(pool.imap(guarded, [(attack_of, row) for row in rows], 1))
    if "--table" in sys.argv:
        print("    %-34s %10s %9s %10s %9s %9s %8s" % (
            "attack", "rate", "offered", "dropped", "detected", "mitigated", "kept"))
    failed = 0
    for row, error, result in results:
        wrong = [error] if error else judge(row, result)
        if result and "--table" in sys.argv:
            show(result)
        failed += bool(wrong)
        print("%s corpus/attack/%s%s" % ("not ok" if wrong else "ok", row[0],
                                         "".join("\n    " + w for w in wrong)))
    expect(len(results) > 0, "there is no attack")
    expect(not failed, "%d of %d attacks" % (failed, len(results)))


# --- malformed captures ------------------------------------------------------


def is_sanitized():
    return os.path.isabs(SANITIZED) and os.path.exists(SANITIZED)


def robust_gate():
    return SANITIZED if is_sanitized() else GATE


def survive(path, *options):
    """What replay said of a capture that may be anything, or None when it is unreadable."""
    done = run(robust_gate(), small_config(), path, *options)
    expect(done.returncode in (0, 65), "exit code %d\n%s" % (done.returncode, done.stderr[-2000:]))
    if done.returncode == 65:
        return None
    out = json.loads(done.stdout)
    check_books(out)
    return out


def robust(path):
    """As it is; and what replay refuses to read once more as the tool reads it."""
    out = survive(path)
    if out is None:
        with contextlib.suppress(SystemExit, Exception):
            path = normalised(path, "--csum", "keep", "--big", "keep")
        out = survive(path)
    if out is None:
        return 0
    other = survive(path, "--direction", "initiator-external", "--workers", 3)
    equal(other["packets"]["received"], out["packets"]["received"], "received by three workers")
    return out["packets"]["received"]


def test_robust(pool):
    paths = files_of("robust")
    if is_sanitized() and not SOAK:
        paths = paths[::4]
    results = list(pool.imap_unordered(guarded, [(robust, path) for path in paths], 4))
    failed = [(path, error) for path, error, _ in results if error]
    expect(len(results) > 0, "there is no malformed capture")
    expect(not failed, "%d of %d captures\n%s" % (len(failed), len(results), "\n".join(
        "%s: %s" % (os.path.basename(p), e) for p, e in sorted(failed))))
    counts = [n for _, _, n in results]
    expect(sum(n > 0 for n in counts) * 2 > len(counts), "most captures could not be read at all")
    print("ok corpus/robust %d captures, %d packets, %d unreadable" %
          (len(counts), sum(counts), counts.count(0)))
    if not is_sanitized():
        print("skip corpus/robust-sanitized TIDEGATE_SANITIZED names no build")


# --- all together ------------------------------------------------------------


def guarded(job):
    """(argument, what went wrong or None, result): a process of the pool must not raise."""
    work, argument = job
    try:
        return argument, None, work(argument)
    except AssertionError as error:
        return argument, str(error), None
    except BaseException:  # pylint: disable=broad-except
        return argument, traceback.format_exc(), None


PARTS = {"legit": test_legit, "attack": test_attack, "robust": test_robust}


def max_rates():
    """{vector: max_rate in packets/s} of the configuration, as the program reads it."""
    rates = {}
    with open(CONFIG, encoding="utf-8") as f:
        for line in f:
            if 'vector = "' in line:
                words = line.split('"')
                value = words[words.index("; max_rate = ") + 1]
                scale = {"pps": 1, "kpps": 1000}[value.lstrip("0123456789")]
                rates[words[1]] = int(value.rstrip("kps")) * scale
    return rates


def main():
    global SCRATCH, TOOL, RATES  # pylint: disable=global-statement
    parts = [name for name in PARTS if name in sys.argv[1:]] or list(PARTS)
    if not os.path.isdir(CORPUS):
        for name in parts:
            print("skip corpus/%s TIDEGATE_CORPUS names no folder with captures" % name)
        return 0
    TOOL, RATES = load_tool(), max_rates()
    SCRATCH = tempfile.mkdtemp(prefix="corpus-")
    with open(CONFIG, encoding="utf-8") as given, \
            open(small_config(), "w", encoding="utf-8") as small:
        small.write(given.read() + SMALL)
    failed = 0
    try:
        with multiprocessing.Pool(2) as pool:
            for name in parts:
                try:
                    PARTS[name](pool)
                except AssertionError as error:
                    failed += 1
                    print("not ok corpus/%s" % name)
                    for line in str(error).splitlines()[:60]:
                        print("    " + line[:400])
                sys.stdout.flush()
    finally:
        shutil.rmtree(SCRATCH)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
