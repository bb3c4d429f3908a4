#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
"""What the service manager is told, and when its watchdog is fed.

The test is the service manager: it listens on a socket as systemd does. A thread of the
daemon is held by ptrace, which stops that thread alone and for as long as we like: a worker
that hangs, with everything else in order.
"""
import atexit
import contextlib
import ctypes
import os
import signal
import socket
import time

from rig import Failed, Rig, Skipped, expect, main, threads_of, wait_until

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
DETACH, SEIZE, INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000
WATCHDOG = 2.0  # seconds that the daemon is allowed between two pings


class Manager:
    """The other end of NOTIFY_SOCKET: every word with the moment it was heard."""

    def __init__(self, folder):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(os.path.join(folder, "notify"))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.words = []

    def listen(self, seconds=0.0):
        """Everything that was said until now, or within some seconds from now."""
        until = time.monotonic() + seconds
        while True:
            self.sock.settimeout(max(until - time.monotonic(), 0.001))
            try:
                text = self.sock.recv(4096).decode()
            except (TimeoutError, BlockingIOError):
                return
            for line in text.split("\n"):
                self.words.append((time.monotonic(), *line.partition("=")[::2]))

    def values(self, key, since=0.0):
        self.listen()
        return [value for moment, name, value in self.words if name == key and moment >= since]

    def pings(self, seconds):
        """How often the watchdog is fed within the next seconds."""
        self.listen()
        since = time.monotonic()
        self.listen(seconds)
        return len(self.values("WATCHDOG", since))


class Watched:
    """A gate under a manager."""

    def __init__(self, watchdog=WATCHDOG):
        self.rig = Rig()
        atexit.register(self.rig.close)
        self.manager = Manager(self.rig.folder)
        os.environ["NOTIFY_SOCKET"] = os.path.join(self.rig.folder, "notify")
        os.environ.pop("WATCHDOG_PID", None)
        os.environ["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
        try:
            expect(self.rig.start(), self.rig.log)
        finally:
            os.environ.pop("NOTIFY_SOCKET")
            os.environ.pop("WATCHDOG_USEC")
        # A daemon that never speaks was built without libsystemd, and says so.
        if "built without libsystemd" in self.rig.log:
            raise Skipped("the daemon was built without libsystemd")

    def thread(self, holds):
        """The id of the one thread whose name (and place among those of its name) is wanted."""
        found = threads_of(self.rig.daemon.pid)
        wanted = [number for number, name in found.items() if holds(name, number)]
        expect(len(wanted) == 1, "threads: %s" % found)
        return wanted[0]


@contextlib.contextmanager
def held(thread):
    """This thread does nothing; all others go on."""
    if LIBC.ptrace(SEIZE, thread, None, None) != 0:
        raise Skipped("threads cannot be held here: %s" % os.strerror(ctypes.get_errno()))
    try:
        LIBC.ptrace(INTERRUPT, thread, None, None)
        os.waitpid(thread, WALL)
        yield
    finally:
        LIBC.ptrace(DETACH, thread, None, None)


WATCHED = []


def watched():
    if not WATCHED:
        WATCHED.append(Watched())
    return WATCHED[0]


def it_is_ready_once_the_workers_run():
    w = watched()
    wait_until(lambda: w.manager.values("READY") == ["1"], "no READY: %s" % w.manager.words)
    turns = [worker["turns"] for worker in w.rig.get("workers")["workers"]]
    expect(turns and all(turns), "ready without workers: %s" % turns)
    wait_until(lambda: w.manager.values("STATUS"), "no sentence: %s" % w.manager.words, 8)
    status = w.manager.values("STATUS")[-1]
    expect("monitor" in status and "pps" in status and "attack" in status, "sentence: %s" % status)


def the_watchdog_is_fed_in_quiet():
    w = watched()
    n = w.manager.pings(2 * WATCHDOG)
    expect(6 <= n <= 9, "%d pings in %d s" % (n, 2 * WATCHDOG))


def a_worker_that_hangs_stops_it():
    """And so does control: the wire is dead or nobody detects. Afterwards it is fed again."""
    w = watched()
    pid = w.rig.daemon.pid
    worker = w.thread(lambda name, number: "worker" in name)
    for what, thread in (("worker", worker), ("control", pid)):
        with held(thread):
            w.manager.pings(WATCHDOG / 2)  # one look may still see it move
            n = w.manager.pings(WATCHDOG)
            expect(n == 0, "%s hangs, and the watchdog is fed %d times" % (what, n))
        expect(w.manager.pings(WATCHDOG) >= 2, "%s goes on, and the watchdog is not fed" % what)
    expect("worker 0 has not moved" in w.rig.log and "control has not moved" in w.rig.log, w.rig.log)


def slow_threads_that_hang_do_not():
    """API, events, housekeeping and lists may all hang: packets go on, so no restart is wanted."""
    w = watched()
    pid = w.rig.daemon.pid
    worker = w.thread(lambda name, number: "worker" in name)
    heart = heart_of(w, pid, worker)
    others = [int(t) for t in os.listdir("/proc/%d/task" % pid) if int(t) not in (pid, worker, heart)]
    expect(len(others) >= 3, "threads: %s" % others)
    with contextlib.ExitStack() as stack:
        for thread in others:
            stack.enter_context(held(thread))
        n = w.manager.pings(1.5 * WATCHDOG)
        expect(n >= 4, "everything beside the wire hangs, and the watchdog is fed %d times only" % n)


def heart_of(w, pid, worker):
    """The thread that pings: the one without which no ping comes."""
    names = threads_of(pid)
    found = [thread for thread, name in names.items() if name == "heart"]
    expect(len(found) == 1 and found[0] not in (pid, worker), "threads: %s" % names)
    return found[0]


def a_reload_is_told_with_its_clock():
    w = watched()
    before = time.monotonic()
    w.rig.write_config(w.rig.config(more='services = ( { name = "web"; prefixes = [ "10.66.0.2/32" ]; } );'))
    w.rig.daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: w.manager.values("READY", before), "the reload has no end: %s" % w.manager.words)
    said = [(name, value) for moment, name, value in w.manager.words
            if moment >= before and name in ("RELOADING", "MONOTONIC_USEC", "READY")]
    expect([name for name, _ in said] == ["RELOADING", "MONOTONIC_USEC", "READY"], "said: %s" % said)
    expect(before - 1 < int(said[1][1]) / 1e6 < time.monotonic() + 1, "its clock: %s" % said)
    # By the API it is the same, also when it is refused: the old configuration is ready again.
    with open(w.rig.path("gate.conf"), "a", encoding="utf-8") as f:
        f.write("wrong = 1;\n")
    before = time.monotonic()
    try:
        w.rig.post("config/reload", {})
        raise Failed("a wrong file was taken")
    except Failed as why:
        expect("422" in str(why), str(why))
    expect(w.manager.values("RELOADING", before) == ["1"] and w.manager.values("READY", before) == ["1"],
           "said: %s" % w.manager.words)


def the_end_is_told_first():
    w = watched()
    before = time.monotonic()
    expect(w.rig.stop() == 0, w.rig.log)
    expect(w.manager.values("STOPPING", before) == ["1"], "said: %s" % w.manager.words)


def a_wrong_file_is_never_ready():
    """Exit status 78, which the unit does not restart."""
    w = watched()
    before = time.monotonic()
    os.environ["NOTIFY_SOCKET"] = os.path.join(w.rig.folder, "notify")
    try:
        expect(not w.rig.start(w.rig.config(more="wrong = 1;")), w.rig.log)
    finally:
        os.environ.pop("NOTIFY_SOCKET")
    expect("wrong" in w.rig.log, w.rig.log)
    expect(not w.manager.values("READY", before), "said: %s" % w.manager.words)


if __name__ == "__main__":
    main(it_is_ready_once_the_workers_run, the_watchdog_is_fed_in_quiet, a_worker_that_hangs_stops_it,
         slow_threads_that_hang_do_not, a_reload_is_told_with_its_clock, the_end_is_told_first,
         a_wrong_file_is_never_ready)
