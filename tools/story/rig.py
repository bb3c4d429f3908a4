# SPDX-License-Identifier: BSD-3-Clause
"""rig - everything that stands while the story is told, and that is gone after it."""

import fcntl
import os
import shutil

from gate import Bridge, Scrubber
from net import BOTS, CUSTOMERS, SHOP4, SHOP6, Net
from procs import Talker, cores
from shop import CUSTOMER_PATHS, Shop

CUSTOMER_COUNT = (100, 100)  # IPv4, IPv6
THINK_MS = 700
TIMEOUT_MS = 2000
RUN = "/run"


class RigError(Exception):
    """The rig cannot be set up here."""


class Rig:
    """Namespaces, shop, gate, customers, and the counter at the shop's door."""

    def __init__(self, build, wire, suffix=""):
        self.build, self.wire = build, wire
        self.net = Net(suffix)
        self.folder = os.path.join(RUN, f"tidegate-story{suffix}")
        self.load_core, self.gate_core = cores()
        self.lock = None
        self.shop = self.gate = self.people = self.door = None

    def tool(self, name):
        """Where the build has put a program."""
        places = {"crowd": "tools/story", "trafficgen": "tools/trafficgen",
                  "tidegated": "app/tidegated"}
        path = os.path.join(self.build, places[name], name)
        if not os.access(path, os.X_OK):
            raise RigError(f"{path} is missing; build it first: ninja -C {self.build}")
        return path

    def _take_lock(self):
        self.lock = open(self.folder + ".lock", "w", encoding="ascii")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            self.lock.close()
            self.lock = None
            raise RigError("another story is being told on this machine; wait for its end "
                           "or give this one a name of its own: --suffix NAME") from taken

    def up(self, syncookies=0):
        """Build the world and open the shop."""
        self._take_lock()
        # Whatever we start inherits this, so that the load never runs on the gate's core.
        os.sched_setaffinity(0, {self.load_core})
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder, mode=0o755)
        self.net.up()
        self.net.tune_shop(syncookies)
        self.shop = Shop(self.net, self.folder, self.load_core)
        self.shop.open()
        self.gate = Bridge(self) if self.wire == "bridge" else Scrubber(self)
        self.gate.start()
        self.door = Talker(
            self.net, "cable",
            [self.tool("crowd"), "count", "--interface", "line",
             *pairs("--customers", CUSTOMERS), *pairs("--bots", BOTS)],
            os.path.join(self.folder, "door.log"), self.load_core)
        groups = [f"{count}@{prefix}" for count, prefix in zip(CUSTOMER_COUNT, CUSTOMERS)]
        self.people = Talker(
            self.net, "internet",
            [self.tool("crowd"), "customers", *pairs("--group", groups), "--shop", SHOP4,
             "--shop", SHOP6, "--paths", CUSTOMER_PATHS, "--think-ms", str(THINK_MS),
             "--timeout-ms", str(TIMEOUT_MS), "--keep-alive", "5"],
            os.path.join(self.folder, "people.log"), self.load_core)

    def must_live(self):
        """Raise when something that has to run has died."""
        for program in (self.shop.program, self.gate, self.people, self.door):
            program.must_live()

    def down(self):
        """End everything; what goes wrong here is told after all of it is gone."""
        trouble = None
        for end in (self._quit_talkers, self._stop_gate, self._close_shop):
            try:
                end()
            except Exception as error:  # the rest must be taken down all the same
                trouble = trouble or error
        if self.lock is not None:
            self.net.down()
            shutil.rmtree(self.folder, ignore_errors=True)
            self.lock.close()
            os.unlink(self.folder + ".lock")
        if trouble is not None:
            raise trouble

    def _quit_talkers(self):
        for talker in (self.people, self.door):
            if talker is not None:
                talker.stop(2)

    def _stop_gate(self):
        if self.gate is not None:
            self.gate.stop()

    def _close_shop(self):
        if self.shop is not None:
            self.shop.close()


def pairs(option, values):
    """[option, value, option, value, ...]"""
    return [word for value in values for word in (option, value)]
