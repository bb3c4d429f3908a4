# SPDX-License-Identifier: BSD-3-Clause
"""world - the namespaces of the second rig, and which core does whose work in them.

    internet            gate                 cable                 shop
    uplink  ──veth──  wan    lan  ──veth──  line ═bridge═ tail  ──veth──  shop0
    core 0            core 1                core 0                core 0

The rooms are the story's. A veth delivers on the core of whoever sends, so the work of the box
would be done by the generator's core. Receive packet steering sends it to the box's core
instead, as the interrupt of a card would; an end that has an XDP program is polled, and there
the polling thread is put on that core, above everything else that runs on it.
"""
import json
import os
import re
import shutil
import string
import subprocess
import time

from net import CUSTOMERS, DOOR4, DOOR6, LINKS, MACS, SHOP4, SHOP6, Net, NetError, run

HERE = os.path.dirname(os.path.abspath(__file__))
BOX_ENDS = ("wan", "lan")


def settings(name, **values):
    """A file of this folder, with its words filled in."""
    with open(os.path.join(HERE, name), encoding="ascii") as file:
        return string.Template(file.read()).substitute(values)


class World(Net):
    """Four rooms. Their names are fixed, so that what a killed run left is found and removed;
    the caller sees to it that there is one run at a time."""

    def __init__(self, cores, link_mbit, family):
        super().__init__(link_mbit=link_mbit)
        self.load_core, self.box_core = cores
        self.family = family
        self.folder = "/run/tidegate-rivals"

    def name(self, room):
        """Name of the namespace of a room."""
        return f"tidegate-rivals-{room}"

    def up(self):
        """Everything but the box."""
        super().up()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder, mode=0o755)
        for room, end, peer, hosts in (("internet", "uplink", "shop0", (SHOP4, SHOP6)),
                                       ("shop", "shop0", "uplink", (DOOR4, DOOR6))):
            self.know(room, end, MACS[peer], *hosts)
        # Cookies as Linux has them by default: who floods a bare server meets them, too.
        self.sysctl("shop", ipv4__tcp_syncookies=1, core__somaxconn=65535)
        for room in ("gate", "cable"):
            self.bare_bridges(room)
        self.nft("cable", settings("door.nft", customers4=CUSTOMERS[0], customers6=CUSTOMERS[1]))

    def bare_bridges(self, room):
        """Bridges that do not pass every packet through iptables, which is how they are
        unless something loads br_netfilter; here it may be built into the kernel."""
        self.inside(room, "sh", "-c", "for f in /proc/sys/net/bridge/bridge-nf-call-*; do "
                    "[ ! -e $f ] || echo 0 > $f; done")

    def know(self, room, end, mac, *hosts):
        """Let a room know a neighbour for good, so that no lost question for it counts."""
        for host in hosts:
            run("ip", "-n", self.name(room), "neigh", "replace", host, "lladdr", mac,
                "dev", end, "nud", "permanent")

    def nft(self, room, rules):
        """Load rules of nftables in a room."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.name(room), "nft", "-f", "-"], input=rules,
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NetError(f"nft: {done.stderr.strip()}")

    def door(self):
        """Packets that left the box towards the shop so far: of customers, of the flood."""
        told = json.loads(self.inside("cable", "nft", "-j", "list", "counters"))
        return {entry["counter"]["name"]: entry["counter"]["packets"]
                for entry in told["nftables"] if "counter" in entry}

    def refused(self):
        """Frames of the internet that the box's end had no room for, so far."""
        told = json.loads(
            self.inside("internet", "ip", "-j", "-s", "link", "show", "dev", "uplink"))
        return told[0]["stats64"]["tx"]["dropped"]

    def steer(self, polled):
        """Every end's work to its core. Of the box, `polled` names the ends with XDP programs.
        Those must not be steered as well: it would queue a second time what they let pass."""
        for left, left_end, right, right_end in LINKS:
            for room, end in ((left, left_end), (right, right_end)):
                core = self.box_core if room == "gate" else self.load_core
                self.steer_end(room, end, None if end in polled else core)

    def steer_end(self, room, end, core):
        """What an end receives is worked on by this core; None: where it comes in."""
        mask = 0 if core is None else 1 << core
        self.inside(room, "sh", "-c", "for q in /sys/class/net/%s/queues/rx-*; do "
                    "echo %x > $q/rps_cpus || exit 1; done" % (end, mask))

    def poll(self, ends):
        """Have these ends of the box polled by threads on its core; returns the threads.
        To be called when the XDP programs are attached, for only then there is a poll."""
        threads = []
        for end in ends:
            before = pollers(end)
            self.inside("gate", "sh", "-c", f"echo 1 > /sys/class/net/{end}/threaded")
            until = time.monotonic() + 2
            while not pollers(end) - before and time.monotonic() < until:
                time.sleep(0.01)
            mine = pollers(end) - before
            if not mine:
                raise NetError(f"the kernel makes no polling thread for {end}")
            for thread in mine:
                os.sched_setaffinity(thread, {self.box_core})
                # An interrupt goes before whatever program runs on its core, and so does this.
                os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(1))
            threads += mine
        return threads

    def close(self):
        """The last word: nothing is left, neither namespaces nor files."""
        self.down()
        shutil.rmtree(self.folder, ignore_errors=True)


def pollers(end):
    """Kernel threads that poll an interface of this name, of whichever namespace."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as file:
                if re.fullmatch(rf"napi/{end}-\d+", file.read().strip()):
                    found.add(int(pid))
        except OSError:
            pass
    return found
