# SPDX-License-Identifier: BSD-3-Clause
"""host - what the machine is, and large pages lent for a while."""
import contextlib
import datetime
import os
import platform
import subprocess

PAGES = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
TRANSPARENT = "/sys/kernel/mm/transparent_hugepage/enabled"


def _first_line(path, prefix=""):
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith(prefix):
                    return line.strip()
    except OSError:
        pass
    return ""


def _output(command, folder=None):
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    return done.stdout.strip() if done.returncode == 0 else ""


def meminfo(key):
    """A line of /proc/meminfo: KiB, or a count for HugePages_*."""
    words = _first_line("/proc/meminfo", key + ":").split()
    return int(words[1]) if len(words) > 1 else 0


def transparent_pages():
    """"always", "madvise" or "never": what tables can hope for."""
    words = _first_line(TRANSPARENT)
    return words[words.find("[") + 1:words.find("]")] if "[" in words else "never"


def describe(has_hugepages):
    """Everything a reader needs to judge the figures."""
    transparent = transparent_pages()
    tables = "4 KiB pages, transparent huge pages are off"
    if transparent != "never":
        tables = f"transparent huge pages ({transparent})"
    return {
        "cpu": _first_line("/proc/cpuinfo", "model name").partition(":")[2].strip(),
        "cores": os.cpu_count(),
        "memory_mib": meminfo("MemTotal") // 1024,
        "kernel": platform.release(),
        "dpdk": _output(["pkg-config", "--modversion", "libdpdk"]),
        "hugepages_2mib": meminfo("HugePages_Total") if has_hugepages else 0,
        "tables_on": tables,
        "load_before": os.getloadavg()[0],
    }


def stamp(root):
    """Date in UTC and commit; a plus says that files differ from it."""
    git = ["git", "-c", f"safe.directory={root}"]
    commit = _output([*git, "rev-parse", "--short=12", "HEAD"], root)
    if commit and _output([*git, "status", "--porcelain", "--untracked-files=no"], root):
        commit += "+"
    return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "commit": commit or "unknown"}


@contextlib.contextmanager
def pages_lent(mib, say):
    """At least so much free in 2 MiB pages while it lasts, when root and memory allow."""
    before = None
    missing = (mib + 1) // 2 - meminfo("HugePages_Free")
    try:
        if missing > 0 and meminfo("MemAvailable") // 1024 > 2 * missing * 2:
            with open(PAGES, encoding="ascii") as file:
                before = int(file.read())
            with open(PAGES, "w", encoding="ascii") as file:
                file.write(str(before + missing))
            say(f"took {missing * 2} MiB more of hugepages for this one; they go back")
    except OSError:
        before = None
    try:
        yield
    finally:
        if before is not None:
            with open(PAGES, "w", encoding="ascii") as file:
                file.write(str(before))
