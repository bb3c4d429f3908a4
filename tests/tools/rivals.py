#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Takes long.
"""rivals.py - prove that the second rig measures, places the work where it says, and leaves
nothing behind. Figures are not judged: a test machine is no place for them."""
import json
import os
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RIVALS = os.path.join(ROOT, "tools", "rivals", "rivals.py")
PPS = 5000


def rivals(*arguments):
    """A started run with the build as it is."""
    return subprocess.Popen(
        [RIVALS, "--built", "--json", "--runs", "1", "--seconds", "1", "--calm", "1",
         "--pps", str(PPS), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def left_behind():
    """Our namespaces, and our processes in them, that should be gone."""
    names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    found = [line for line in names.stdout.splitlines() if line.startswith("tidegate-rivals-")]
    return found + (["/run/tidegate-rivals"] if os.path.exists("/run/tidegate-rivals") else [])


def faults(told):
    """What is wrong with a document, in sentences."""
    found = [f"{entry['contestant']}: {entry['reason']}" for entry in told["failed"]]
    rows = {(row["contestant"], row["flood"]): row for row in told["rows"]}
    wanted = {(name, flood) for name in ("bridge", "tidegate-af_packet")
              for flood in ("udp", "syn")}
    found += [f"there is no row {missing}" for missing in wanted - set(rows)]
    for (name, flood), row in rows.items():
        who = f"{name} under {flood}"
        if not 0 < row["sent_pps"] <= 1.05 * PPS:
            found.append(f"{who}: sent {row['sent_pps']} of {PPS} packets/s")
        if not row["is_on_core"]:
            found.append(f"{who}: the work was not done on core {row['core']}: {row}")
        for side in ("calm", "known", "new"):
            if not (0 <= row[side]["ok_ratio"] <= 1 and row[side]["requests_per_s"] > 0
                    and row[side]["p50_ms"] <= row[side]["p99_ms"]):
                found.append(f"{who}: customers '{side}' cannot be {row[side]}")
        for key in ("core_busy_ratio", "core_foreign_ratio", "core_calm_ratio"):
            if not 0 <= row[key] <= 1:
                found.append(f"{who}: {key} cannot be {row[key]}")
    return found + passage(rows)


def passage(rows):
    """A wire lets a flood through, Tidegate does not: only a counter that works knows it."""
    found = []
    for flood, most in (("udp", 0.5 * PPS), ("syn", 0.9 * PPS)):
        bare, gate = rows.get(("bridge", flood)), rows.get(("tidegate-af_packet", flood))
        if bare and bare["reached_shop_pps"] < 0.5 * bare["sent_pps"]:
            found.append(f"a bridge passed {bare['reached_shop_pps']} packets/s of {flood}, "
                         f"sent {bare['sent_pps']}")
        if gate and gate["reached_shop_pps"] > most:
            found.append(f"Tidegate passed {gate['reached_shop_pps']} {flood} packets/s")
    return found


def measures_and_cleans_up(family):
    """Two contestants, two floods."""
    out, err = (run := rivals("--family", family, "--only", "bridge",
                              "--only", "tidegate-af_packet")).communicate(timeout=120)
    if "another run measures" in err:
        return None
    if run.returncode not in (0, 1) or not out:
        return [f"ended with {run.returncode}: {err}"]
    return faults(json.loads(out)) + [f"left behind: {name}" for name in left_behind()]


def cleans_up_when_interrupted():
    """Ctrl-C twice, in the middle of it."""
    run = rivals("--only", "bridge")
    until = time.monotonic() + 20
    while time.monotonic() < until and len(left_behind()) < 5 and run.poll() is None:
        time.sleep(0.05)
    time.sleep(1)
    run.send_signal(signal.SIGINT)
    time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    if "another run measures" in err:
        return None
    found = [f"left behind: {name}" for name in left_behind()]
    if run.returncode != 128 + signal.SIGINT:
        found.append(f"ended with {run.returncode} instead: {err}")
    return found


def lacks():
    """Why nothing can be measured here, or None."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    if len(os.sched_getaffinity(0)) < 2:
        return "needs two cores"
    for program in ("ip", "nft", "nginx", "ethtool"):
        if not any(os.access(os.path.join(folder, program), os.X_OK)
                   for folder in os.environ["PATH"].split(":") + ["/usr/sbin", "/sbin"]):
            return f"needs {program}"
    return None


def main():
    failed = 0
    for name, test in (("rivals_ipv4", lambda: measures_and_cleans_up("4")),
                       ("rivals_ipv6", lambda: measures_and_cleans_up("6")),
                       ("rivals_interrupted", cleans_up_when_interrupted)):
        why = lacks()
        found = None if why else test()
        if found is None:
            print("skip", name, why or "another run measures on this machine", flush=True)
        elif found:
            failed = 1
            print("not ok", name, *("\n  " + line for line in found), flush=True)
        else:
            print("ok", name, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
