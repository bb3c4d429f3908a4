#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""rivals - Tidegate beside what a user would pick instead, under the same floods.

usage: tools/bench --rivals [--quick] [--json] [--seconds S] [--runs N] [--pps N]
                            [--only NAME]... [--family 4|6]

Everything happens in network namespaces that are made here and removed at the end. Generator,
customers and shop run on one core, the contestant on another, in every run. README.md
says what is measured and how honest it is.
"""
import argparse
import fcntl
import json
import os
import signal
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.append(os.path.join(ROOT, "tools", "story"))

# The path knows the story only from here on.
import act  # noqa: E402
import table  # noqa: E402
from boxes import ALL, LIMITS, Missing  # noqa: E402
from net import NetError  # noqa: E402
from procs import ProcError, cores  # noqa: E402
from shop import Shop  # noqa: E402
from world import World  # noqa: E402

LOCK = "/run/tidegate-rivals.lock"
PROGRAMS = {"tidegated": "app/tidegated", "crowd": "tools/story", "trafficgen": "tools/trafficgen"}


def options_of(arguments):
    """The command line, checked."""
    names = [box.name for box in ALL]
    parser = argparse.ArgumentParser(prog="tools/bench --rivals",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true",
                        help="one run of 2 s a flood: a look, not a figure")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, help="measured time of a flood (10)")
    parser.add_argument("--calm", type=float, help="measured time before it (2)")
    parser.add_argument("--runs", type=int, help="repetitions; medians are told (3)")
    parser.add_argument("--pps", type=int, default=40_000, help="packets/s of a flood (40000)")
    parser.add_argument("--link", type=int, default=4, help="Mbit/s of the shop's link (4)")
    parser.add_argument("--think", type=int, default=act.THINK_MS,
                        help="ms that a customer pauses between two requests (400)")
    parser.add_argument("--family", type=int, choices=(4, 6), default=4)
    parser.add_argument("--flood", action="append", choices=("udp", "syn"), default=[])
    parser.add_argument("--only", action="append", choices=names, default=[], metavar="NAME",
                        help=" ".join(names))
    parser.add_argument("--built", action="store_true",
                        help="take packages and build as they are")
    options = parser.parse_args(arguments)
    defaults = (2, 1, 1) if options.quick else (10, 2, 3)
    for key, value in zip(("seconds", "calm", "runs"), defaults):
        if getattr(options, key) is None:
            setattr(options, key, value)
    if not (options.seconds > 0 and options.calm > 0 and options.runs > 0 and options.pps > 0):
        parser.error("times, runs and rates must be above 0")
    options.flood = options.flood or ["udp", "syn"]
    return options


def prepare(build):
    """Packages and programs, as the other entry points have them."""
    script = (f". '{ROOT}/tools/lib.sh'; ensure_packages build story rivals && "
              f"ensure_build '{build}' \"${{PROGRAMS[@]}}\"")
    if subprocess.run(["bash", "-c", script, "bench"], check=False).returncode != 0:
        sys.exit(1)


def find_tools(build):
    """Where the build has put the programs."""
    tools = {name: os.path.join(build, folder, name) for name, folder in PROGRAMS.items()}
    for path in tools.values():
        if not os.access(path, os.X_OK):
            sys.exit(f"rivals: {path} is missing; build it first, or set TIDEGATE_BUILD")
    return tools


def compete(kind, tools, options, places):
    """One contestant from an empty world to an empty world; returns its rows."""
    world = World(places, options.link, options.family)
    box = shop = people = None
    try:
        world.up()
        shop = Shop(world, world.folder, world.load_core)
        shop.open()
        box = kind(world, tools)
        box.start()
        box.place()
        people = act.Crowd(world, tools, act.KNOWN[options.family], options)
        people.phase("settle")
        time.sleep(0.5)
        return [act.perform(box, people, flood, options) for flood in options.flood]
    finally:
        try:
            for end in (people, box, shop):
                if end is not None:
                    end.close() if end is shop else end.stop()
        finally:
            world.close()


def measure_all(options, tools, places):
    """Every contestant once, then all of them again: what the machine does meanwhile meets all
    alike. Returns rows by contestant and flood, and who could not take part."""
    rows, skipped, failed = {}, {}, {}
    for turn in range(options.runs):
        for kind in ALL:
            if options.only and kind.name not in options.only or kind.name in skipped | failed:
                continue
            table.progress(f"run {turn + 1} of {options.runs}: {kind.name}")
            try:
                for row in compete(kind, tools, options, places):
                    rows.setdefault((row["flood"], kind.name), []).append(row)
            except Missing as why:
                skipped[kind.name] = str(why)
            except (ProcError, NetError) as why:
                failed[kind.name] = str(why)
    return rows, skipped, failed


def median(runs):
    """One row of several runs: the median of each figure; a truth holds if it held always."""
    first = runs[0]
    if isinstance(first, dict):
        return {key: median([run[key] for run in runs]) for key in first}
    if isinstance(first, bool):
        return all(runs)
    if isinstance(first, (int, float)) and None not in runs:
        return statistics.median(runs)
    return first


def machine():
    """What the figures were made on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {"cpu": model[0] if model else os.uname().machine, "kernel": os.uname().release,
            "cores": os.cpu_count(), "load_average": round(os.getloadavg()[0], 2)}


def document(options, rows, skipped, failed):
    """What --json prints."""
    order = sorted(rows, key=lambda key: (options.flood.index(key[0]),
                                          [box.name for box in ALL].index(key[1])))
    told = []
    for key in order:
        row = median(rows[key])
        row["runs"] = len(rows[key])
        for side in ("known", "new"):
            row[side]["ok_ratio_lowest"] = min(run[side]["ok_ratio"] for run in rows[key])
        told.append(row)
    return {"machine": machine(), "family": f"ipv{options.family}",
            "pps": options.pps, "link_mbit": options.link, "seconds": options.seconds,
            "runs": options.runs, "limits_pps": LIMITS,
            "has_hurt": {flood: table.has_hurt(told, flood) for flood in options.flood},
            "rows": told, "think_ms": options.think, "ratios": table.ratios(told),
            "skipped": [{"contestant": name, "reason": why} for name, why in skipped.items()],
            "failed": [{"contestant": name, "reason": why} for name, why in failed.items()]}


def leave(number, _):
    """Asked to end: take everything down, and let nobody interrupt that."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def main(arguments):
    """Measure, print; 1 when a contestant that should run did not."""
    options = options_of(arguments)
    if os.geteuid() != 0:
        sys.exit("rivals: needs root to make network namespaces")
    places = cores()
    if places[0] == places[1]:
        sys.exit("rivals: needs two cores, one for the load and one for the contestant")
    build = os.environ.get("TIDEGATE_BUILD", os.path.join(ROOT, "build"))
    if not options.built:
        prepare(build)
    tools = find_tools(build)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    os.sched_setaffinity(0, {places[0]})
    with open(LOCK, "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("rivals: another run measures on this machine; wait for its end")
        told = document(options, *measure_all(options, tools, places))
    if options.json:
        json.dump(told, sys.stdout, indent=1)
        print()
    else:
        table.show(told, {box.name: box.what for box in ALL})
    return 1 if told["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
