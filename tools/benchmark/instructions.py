#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""instructions - how many a packet takes, function by function, without counters.

usage: tools/bench --instructions --scenario NAME [--family ipv4|ipv6]

Where a machine hides its hardware counters, a debugger still can count: the
benchmark runs until its caches and tables are as in life, then gdb steps through
the journey of one full burst and notes where each instruction lies. That takes
half a minute, and neighbours cannot change the result. The null devices and the
stamping callback are counted like the rest, as rows of their own.
"""
import collections
import json
import os
import shutil
import subprocess
import sys

START = "io_receive"  # called once a turn; a turn is one burst of 64 packets
SETTLED = 6000        # turns before the one that is counted
LONGEST = 200000      # instructions; a turn that takes more found no end
PACKETS = 64


def where(gdb, pc):
    """The function, or the library, that an instruction lies in."""
    symbol = gdb.execute(f"info symbol {pc:#x}", to_string=True).split(" ")[0]
    if symbol != "No":
        return symbol
    return os.path.basename(gdb.solib_name(pc) or "unknown")


def step_through(gdb):
    """Instructions of one turn by their address."""
    def pc():
        return int(gdb.parse_and_eval("(long)$pc"))

    first, counted = pc(), collections.Counter()
    while sum(counted.values()) < LONGEST:
        counted[pc()] += 1
        gdb.execute("stepi", to_string=True)
        if pc() == first:
            return counted
    raise RuntimeError("the turn did not come to its end")


def inside_gdb():
    import gdb  # pylint: disable=import-error,import-outside-toplevel

    gdb.execute("set pagination off")
    gdb.execute("set confirm off")
    stop = gdb.Breakpoint(START)
    gdb.execute("run", to_string=True)
    stop.ignore_count = SETTLED
    gdb.execute("continue", to_string=True)
    stop.enabled = False
    gdb.execute("set scheduler-locking on")
    by_function = collections.Counter()
    for pc, times in step_through(gdb).items():
        by_function[where(gdb, pc)] += times
    with open(os.environ["INSTRUCTIONS_TO"], "w", encoding="utf-8") as file:
        json.dump(by_function.most_common(), file)
    gdb.execute("kill")


def count(program, scenario, family, folder):
    """Rows of (function, instructions a packet), most first."""
    if shutil.which("gdb") is None:
        sys.exit("tools/bench: --instructions needs gdb: apt-get install gdb")
    to = os.path.join(folder, "instructions.json")
    done = subprocess.run(
        ["gdb", "-q", "-batch", "-x", os.path.abspath(__file__), "--args", program,
         "--scenario", scenario, "--family", family, "--runs", "3", "--ms", "100"],
        env={**os.environ, "INSTRUCTIONS_TO": to}, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if not os.path.exists(to):
        sys.exit(f"tools/bench: gdb counted nothing; it said:\n{done.stdout[-2000:]}")
    with open(to, encoding="utf-8") as file:
        return [(name, times / PACKETS) for name, times in json.load(file)]


def tell(rows, scenario, family):
    total = sum(times for _, times in rows)
    print(f"{scenario} {family}: {total:.0f} instructions a packet, of which")
    for name, times in rows:
        if times >= 0.5:
            print(f"  {times:6.1f}  {name}")


if __name__ == "__main__":
    inside_gdb()
