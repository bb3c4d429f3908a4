# SPDX-License-Identifier: BSD-3-Clause
"""Running `tidegated replay` on one capture, and what its report says about attacks."""
import functools
import glob
import json
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SETTLE_S = 0.01                  # a tick of detection
BURST = 16                       # packets that a limit lets through at once


class Failed(Exception):
    """A replay that cannot be measured. SystemExit would let a pool wait for ever."""


class Gate:
    """The program with one configuration."""

    def __init__(self, program, config, duplex, scratch):
        self.program = program
        with open(config, encoding="utf-8") as f:
            text = f.read()
        self.rates = max_rates(text)
        self.config = os.path.join(scratch, "%s-%d-%s" % (
            duplex, os.getpid(), os.path.basename(config)))
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(with_duplex(text, duplex))

    def replay(self, *arguments):
        done = subprocess.run([self.program, "replay", "-c", self.config, "--json", *arguments],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed("replay failed (status %d): %s" %
                         (done.returncode, done.stderr[:2000]))
        report = json.loads(done.stdout)
        if not report["balanced"]:
            raise Failed("the books of a replay do not balance")
        return report


@functools.cache
def challenges():
    """Reasons of class challenge, as the stages' pages list them."""
    found = set()
    for page in glob.glob(os.path.join(ROOT, "lib/stage/*/README.md")):
        with open(page, encoding="utf-8") as f:
            found.update(re.findall(r"^\| `([\w.]+)` \| challenge", f.read(), re.M))
    return found


def with_duplex(text, duplex):
    if re.search(r'duplex = "\w+"', text):
        return re.sub(r'duplex = "\w+"', 'duplex = "%s"' % duplex, text)
    return text + 'dataplane = { duplex = "%s"; };\n' % duplex


def max_rates(text):
    """{vector: packets/s} of the last max_rate that a configuration gives each vector."""
    scale = {"": 1, "k": 1000, "M": 1000000}
    return {vector: int(n) * scale[unit] for vector, n, unit in re.findall(
        r'vector = "(\w+)";[^}]*max_rate = "(\d+)([kM]?)pps"', text)}


def first_of(attacks):
    """The attacks that hit the service as a whole, one per vector, in order."""
    found = {}
    for attack in attacks:
        if attack.get("network") is None:
            found.setdefault(attack["vector"], attack)
    if not found:
        for attack in attacks:
            found.setdefault(attack["vector"], attack)
    return sorted(found.values(), key=lambda a: a["detected"] or a["start"])


def delays(attacks):
    """(detected, mitigated) in ms: when the first was found, and the last one held."""
    first = first_of(attacks)
    if not first:
        return None, None
    mitigated = [a["mitigated_after_ms"] for a in first]
    return (first[0]["detected_after_ms"],
            None if None in mitigated else max(mitigated))


def excess(offered, passed, seconds, rate):
    """Share of what exceeded the rate that did not get through; None: nothing exceeded it."""
    allowed = rate * (seconds + SETTLE_S) + BURST
    if offered <= allowed:
        return None
    return 1 - max(0, passed - allowed) / (offered - allowed)
