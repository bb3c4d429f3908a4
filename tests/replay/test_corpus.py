#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Real captures through the example policy, where the environment names a folder of them.

Ordinary traffic loses nothing in mitigate but what EXPLAINED says; malformed and
fuzzed captures crash nothing, under sanitizers when such a build is there.
TIDEGATE_CORPUS is the folder; its own tool repairs what capturing did to frames
(checksums left to hardware, addresses made anonymous, frames joined by the card).
"""
import argparse
import contextlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("TIDEGATE_BUILD", os.path.join(ROOT, "build"))
CORPUS = os.environ.get("TIDEGATE_CORPUS")
SOAK = os.environ.get("TIDEGATE_SOAK") == "1"
EVERY = 1 if SOAK else 5  # one capture of so many
SMALL = 'dataplane = { flow_entries = "64k"; source_entries = "64k"; };\n'

# What ordinary captures may lose: by file, the only reason, and at most how many packets.
EXPLAINED = {
    # ICMPv6 of a loopback interface: from ::1 to ::1. No wire carries that.
    "ndpi__doq.pcapng": ("sanity.land", 6),
    # A benchmark on a loopback interface opens 1,000 connections in less than a
    # second, which is the policy's definition of a flood; the rate is what it is.
    "zeek_1000_echo_connections.pcap": ("shape.tcp_syn_flood", 1000),
}


def binary(build):
    return os.path.join(build, "app/tidegated/tidegated")


def captures(folder):
    found = []
    for at, _, names in os.walk(os.path.join(CORPUS, folder)):
        found += [os.path.join(at, n) for n in names if n.endswith((".pcap", ".pcapng", ".cap"))]
    return sorted(found)


def normaliser():
    spec = importlib.util.spec_from_file_location("tool", os.path.join(CORPUS, "pcap_tool.py"))
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def normalise(path, out):
        with contextlib.redirect_stdout(io.StringIO()):
            tool.norm(argparse.Namespace(
                IN=path, OUT=out, csum="fix", mtu=1514, big="segment", victim=None, unbogon=True,
                pps=None, speed=1.0, strip_vlan=False, remac=False, dmac="02:00:00:00:00:02",
                smac="02:00:00:00:00:01"))
    return normalise


def replay(gate, config, paths, *options):
    return subprocess.run([gate, "replay", "-c", config, "--json", "--mode", "mitigate", *options,
                           *paths], capture_output=True, text=True, timeout=600)


def judge(path, done):
    """A sentence about what is wrong, or None."""
    if done.returncode != 0:
        return "exit code %d: %s" % (done.returncode, done.stderr[-300:])
    out = json.loads(done.stdout)
    reason, most = EXPLAINED.get(os.path.basename(path), (None, 0))
    if not out["balanced"]:
        return "the books do not balance"
    unexplained = {k: v for k, v in out["reasons"].items() if k != reason or v > most}
    return "lost %r" % unexplained if unexplained else None


def ordinary_traffic_loses_nothing(config, folder):
    normalise, wrong, tried = normaliser(), [], 0
    out = os.path.join(folder, "normal.pcap")
    for i, path in enumerate(captures("legit")):
        if i % EVERY and os.path.basename(path) not in EXPLAINED:
            continue
        normalise(path, out)
        tried += 1
        problem = judge(path, replay(binary(BUILD), config, [out]))
        if problem:
            wrong.append("%s: %s" % (os.path.basename(path), problem))
    return wrong if tried else ["no capture was found"]


def malformed_captures_crash_nothing(config, _):
    sanitized = os.environ.get("TIDEGATE_SANITIZED", BUILD + "-sanitized")
    gate = binary(sanitized) if os.path.exists(binary(sanitized)) else binary(BUILD)
    wrong, paths = [], captures("robust") + (captures("attack") if SOAK else [])
    for i in range(0, len(paths), 30):
        for workers in ("1", "3"):
            done = replay(gate, config, paths[i:i + 30], "--workers", workers, "--direction",
                          "initiator-external")
            if done.returncode != 0:
                wrong.append("exit code %d from %s on: %s" % (done.returncode, paths[i],
                                                              done.stderr[-2000:]))
    return wrong if paths else ["no capture was found"]


def main():
    if not CORPUS:
        print("skip replay/corpus TIDEGATE_CORPUS names no folder of captures")
        return 0
    failed = 0
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        config = os.path.join(folder, "gate.conf")
        with open(os.path.join(ROOT, "config/examples/everything.conf"), encoding="utf-8") as f, \
                open(config, "w", encoding="utf-8") as small:
            small.write(f.read() + SMALL)
        for test in (ordinary_traffic_loses_nothing, malformed_captures_crash_nothing):
            wrong = test(config, folder)
            failed += bool(wrong)
            print(("not ok" if wrong else "ok") + " replay/corpus/" + test.__name__, flush=True)
            for line in wrong[:20]:
                print("    " + line[:2000].replace("\n", "\n    "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
