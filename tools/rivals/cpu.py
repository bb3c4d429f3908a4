# SPDX-License-Identifier: BSD-3-Clause
"""cpu - who spent how much of which core, and where packets were received.

Busy time is what is not idle: the kernel measures idle in nanoseconds, while it only samples,
250 times a second or so, who is busy. The samples tell what the neighbours took of it.
"""
import os
import time

TICK = os.sysconf("SC_CLK_TCK")
FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


def cores():
    """{core: {what: seconds}} of /proc/stat."""
    found = {}
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            word, *values = line.split()
            if word.startswith("cpu") and word != "cpu":
                found[int(word[3:])] = {
                    name: int(value) / TICK for name, value in zip(FIELDS, values)}
    return found


def received():
    """{core: (packets received in softirq, packets its queue had no room for)}."""
    found = {}
    with open("/proc/net/softnet_stat", encoding="ascii") as file:
        for row, line in enumerate(file):
            words = [int(word, 16) for word in line.split()]
            found[words[12] if len(words) > 12 else row] = (words[0], words[1])
    return found


def thread(pid, tid):
    """(core it last ran on, seconds it has run), or None when it has ended."""
    folder = f"/proc/{pid}/task/{tid}"
    try:
        with open(f"{folder}/stat", encoding="utf-8", errors="replace") as file:
            core = int(file.read().rpartition(")")[2].split()[36])
        with open(f"{folder}/schedstat", encoding="ascii") as file:
            return core, int(file.read().split()[0]) / 1e9
    except (OSError, IndexError):
        return None


def threads(pids):
    """{tid: (core, seconds)} of all threads of these processes."""
    found = {}
    for pid in pids:
        try:
            tids = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for tid in map(int, tids):
            told = thread(pid, tid)
            if told is not None:
                found[tid] = told
    return found


class Reading:
    """Everything at one moment; `pids` are the contestant's processes and polling threads."""

    def __init__(self, pids):
        self.at = time.monotonic()
        self.cores, self.received, self.threads = cores(), received(), threads(pids)

    def since(self, before, core):
        """What was spent on a core since an earlier reading, in seconds, and what it received.

        `foreign` is what programs did there that are not the contestant's, by samples;
        `own` is the rest of the busy time: softirqs, and the contestant's threads.
        """
        spent = {name: self.cores[core][name] - before.cores[core][name] for name in FIELDS}
        seconds = self.at - before.at
        mine = {tid: now[1] - before.threads.get(tid, (core, 0.0))[1]
                for tid, now in self.threads.items()}
        here = sum(ran for tid, ran in mine.items() if self.threads[tid][0] == core)
        got, lost = (now - then for now, then in zip(self.received[core], before.received[core]))
        # Idle comes in whole ticks, so the difference can be one of them too long.
        busy = seconds - spent["idle"] - spent["iowait"] - spent["steal"]
        busy = min(max(busy, 0.0), seconds)
        programs = spent["user"] + spent["nice"] + spent["system"]
        foreign = min(max(programs - here, 0.0), busy)
        return {"seconds": seconds, "busy": busy, "own": busy - foreign, "foreign": foreign,
                "threads": here, "threads_elsewhere": sum(mine.values()) - here,
                "steal": spent["steal"], "received": got, "overflow": lost}
