# SPDX-License-Identifier: BSD-3-Clause
"""reference - dpdk-testpmd on the same null devices in the same run.

One process measures all forwarding modes, each several times, alternating. It
counts ticks of the time-stamp counter; the caller turns them into core cycles.
Null devices deliver zeroed frames, so 5tswap finds no addresses of IP to swap.
"""
import re
import statistics
import subprocess
import time

RUNS = 9            # short ones, so that some fall between what neighbours do
SECONDS = 0.08
FOUND = re.compile(r"CPU cycles/packet=([\d.]+).*?at (\d+) MHz", re.S)


class NoReference(Exception):
    """testpmd did not do what it should; the text says what it said."""


def testpmd(modes, huge, device="net_null0,copy=0"):
    """{mode: [ticks a packet of each run]}, and the counter's GHz."""
    memory = ["--in-memory", "-m", "512"] if huge else ["--no-huge", "-m", "512"]
    # Its prompt goes around stdio: without line buffering it would cut a figure in two.
    command = ["stdbuf", "-oL", "dpdk-testpmd", "-l", "0,1", *memory, "--no-pci", "--no-telemetry",
               "--file-prefix=tidegate-testpmd", "--vdev", device, "--vdev",
               "net_null1,copy=0", "--", "--burst=64", "--record-core-cycles", "--no-mlockall",
               "--total-num-mbufs=32767", "-i"]
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
    except OSError as error:
        raise NoReference(f"dpdk-testpmd does not start: {error}") from error
    order = [mode for _ in range(RUNS) for mode in modes]
    try:
        for mode in order:
            process.stdin.write(f"set fwd {mode}\nstart\n")
            process.stdin.flush()
            time.sleep(SECONDS)
            process.stdin.write("stop\n")
            process.stdin.flush()
        output, _ = process.communicate(input="quit\n", timeout=30)
    except (BrokenPipeError, subprocess.TimeoutExpired):
        process.kill()
        output, _ = process.communicate()
    found = FOUND.findall(output)
    if len(found) != len(order):
        raise NoReference(f"dpdk-testpmd told no cycles; its output ends:\n{output[-1500:]}")
    ticks = {mode: [] for mode in modes}
    for mode, (value, _) in zip(order, found):
        ticks[mode].append(float(value))
    return ticks, int(found[0][1]) / 1000


def rows(ticks, tsc_ghz, ghz):
    """One row a mode, in core cycles of a core at `ghz`."""
    result = []
    for mode, values in ticks.items():
        cycles = sorted(value * ghz / tsc_ghz for value in values)
        result.append({"mode": mode,
                       "cycles_per_packet": round(statistics.median(cycles), 1),
                       "lowest": round(cycles[0], 1), "highest": round(cycles[-1], 1),
                       "runs": len(cycles)})
    return result
