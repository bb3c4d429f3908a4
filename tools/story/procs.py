# SPDX-License-Identifier: BSD-3-Clause
"""procs - processes of the story: started in a namespace, pinned to a core, ended for sure."""

import json
import os
import subprocess
import threading
import time


class ProcError(Exception):
    """A program of the story did not do its part."""


def cores():
    """(core of the load, core of the gate); twice the same when there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1] if len(allowed) > 1 else allowed[0]


class Program:
    """One running program; its stderr goes to a file, of which the end is told on failure."""

    def __init__(self, net, room, words, log, core=None, stdin=subprocess.DEVNULL,
                 stdout=subprocess.DEVNULL):
        pin = [] if core is None else ["taskset", "-c", str(core)]
        self.name = os.path.basename(words[0])
        self.log = log
        with open(log, "ab") as stderr:
            # A session of its own: Ctrl-C reaches the story only, which ends everything in
            # order and still reads the last words.
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", net.name(room), *pin, *words],
                stdin=stdin, stdout=stdout, stderr=stderr, text=True, start_new_session=True)

    def alive(self):
        """Does it still run?"""
        return self.process.poll() is None

    def last_words(self, lines=12):
        """The end of what it said on stderr."""
        try:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                return "".join(log.readlines()[-lines:]).strip()
        except OSError:
            return ""

    def must_live(self):
        """Raise when it has died."""
        if not self.alive():
            raise ProcError(f"{self.name} ended with code {self.process.returncode}: "
                            f"{self.last_words()}")

    def stop(self, patience=5.0):
        """Ask it to end, then insist. Returns its exit code."""
        if self.alive():
            self.process.terminate()
        return self.wait(patience)

    def wait(self, patience):
        """Wait for its end, insist after `patience` seconds. Returns its exit code."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.process.returncode


class Talker(Program):
    """A program that prints JSON lines and reads words on stdin (the verbs of crowd)."""

    def __init__(self, net, room, words, log, core=None):
        super().__init__(net, room, words, log, core, subprocess.PIPE, subprocess.PIPE)
        self.news = {}
        self.ended = {}
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            try:
                told = json.loads(line)
            except ValueError:
                continue
            with self._changed:
                if told.get("type") == "interval":
                    self.news = told
                else:
                    self.ended[told.get("name", told["type"])] = told
                self._changed.notify_all()

    def say(self, words):
        """Send one line."""
        try:
            self.process.stdin.write(words + "\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            self.must_live()

    def phase(self, name):
        """End the running phase and begin the next."""
        self.say(f"phase {name}")

    def result(self, name, patience):
        """The count of an ended phase, as soon as its last request has ended."""
        end = time.monotonic() + patience
        with self._changed:
            while name not in self.ended:
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
        if name not in self.ended:
            self.must_live()
            raise ProcError(f"{self.name} told nothing about '{name}' within {patience:.0f} s")
        return self.ended.pop(name)

    def quit(self, patience=5.0):
        """Let it finish; returns its last line, if it had one of the type 'end'."""
        if self.alive():
            self.say("quit")
        self.wait(patience)
        self._reader.join(1)
        return self.ended.get("end")
