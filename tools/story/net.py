# SPDX-License-Identifier: BSD-3-Clause
"""net - the little world of the story: three network namespaces and a cable.

    internet            gate                 cable                 shop
    uplink  ──veth──  wan    lan  ──veth──  line ═bridge═ tail  ──veth──  shop0

Customers and attackers live in the internet, Tidegate in the gate, nginx in the shop.
The cable is the shop's bounded link: a token bucket on `tail`, towards the shop. It is a
hop of its own because a queue on the gate's own interface would be passed by: AF_XDP
hands its frames to the driver directly. Packets are counted on `line`, before the bucket.
"""

import json
import os
import signal
import subprocess
import time

SHOP4, SHOP6 = "203.0.113.10", "2001:db8:a::10"
DOOR4, DOOR6 = "203.0.113.1", "2001:db8:a::1"

CUSTOMERS = ("198.51.100.0/24", "2001:db8:c000::/48")
BOTS = ("192.0.2.0/24",)

ROOMS = ("internet", "gate", "cable", "shop")
LINKS = (
    ("internet", "uplink", "gate", "wan"),
    ("gate", "lan", "cable", "line"),
    ("cable", "tail", "shop", "shop0"),
)
# The addresses that trafficgen writes unless told otherwise: outside, and inside.
MACS = {"uplink": "02:00:00:01:00:00", "shop0": "02:00:00:02:00:00"}
# veth leaves checksums and segmentation to be done later; whoever reads raw frames in
# between would forward broken or giant ones.
OFFLOADS = ("tx", "rx", "tso", "gso", "gro", "sg")


class NetError(Exception):
    """The world could not be built; the text says which command said what."""


def run(*words, check=True):
    """Run a command, return its stdout; raise with its own words when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise NetError(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Net:
    """The namespaces of one run; `suffix` keeps two runs apart."""

    def __init__(self, suffix="", link_mbit=4):
        self.suffix = suffix
        self.link_mbit = link_mbit

    def name(self, room):
        """Name of the namespace of a room."""
        return f"tidegate-{room}{self.suffix}"

    def inside(self, room, *words):
        """Run a command in a room's namespace."""
        return run("ip", "netns", "exec", self.name(room), *words)

    def sysctl(self, room, **values):
        """Set network sysctls of a room; dots are written as two underscores."""
        lines = [f"echo {value} > /proc/sys/net/{key.replace('__', '/')}"
                 for key, value in values.items()]
        self.inside(room, "sh", "-ec", "\n".join(lines))

    def up(self):
        """Build everything. What an earlier, killed run left is removed first."""
        self.down()
        for room in ROOMS:
            run("ip", "netns", "add", self.name(room))
            run("ip", "-n", self.name(room), "link", "set", "lo", "up")
        for room in ("gate", "cable"):
            # A wire has no addresses; the kernel shall not talk on it either.
            self.sysctl(room, ipv6__conf__all__disable_ipv6=1,
                        ipv6__conf__default__disable_ipv6=1)
        for left, left_end, right, right_end in LINKS:
            run("ip", "link", "add", "name", left_end, "netns", self.name(left),
                "type", "veth", "peer", "name", right_end, "netns", self.name(right))
            for room, end in ((left, left_end), (right, right_end)):
                self._finish_end(room, end)
        self._lay_cable()
        self._give_addresses()

    def _finish_end(self, room, end):
        # One key at a time: an offload that a kernel does not know is none to worry about.
        for offload in OFFLOADS:
            run("ip", "netns", "exec", self.name(room), "ethtool", "-K", end, offload, "off",
                check=False)
        if end in MACS:
            run("ip", "-n", self.name(room), "link", "set", end, "address", MACS[end])
        run("ip", "-n", self.name(room), "link", "set", end, "up")

    def bridge(self, room, name, *ends):
        """Join two ends with a plain bridge that does nothing of its own."""
        net = self.name(room)
        run("ip", "-n", net, "link", "add", "name", name, "type", "bridge",
            "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0")
        for end in ends:
            run("ip", "-n", net, "link", "set", end, "master", name)
        run("ip", "-n", net, "link", "set", name, "up")

    def _lay_cable(self):
        self.bridge("cable", "joint", "line", "tail")
        cable = self.name("cable")
        run("tc", "-n", cable, "qdisc", "add", "dev", "tail", "root", "handle", "1:", "tbf",
            "rate", f"{self.link_mbit}mbit", "burst", "16kb", "limit", "64kb")
        # A queue that counts bytes always has room for one more small packet behind the large
        # ones of a flood, and customers' packets are small: they would hardly notice the
        # flood. Routers count packets.
        run("tc", "-n", cable, "qdisc", "add", "dev", "tail", "parent", "1:1", "handle", "10:",
            "pfifo", "limit", "300")

    def _give_addresses(self):
        internet, shop = self.name("internet"), self.name("shop")
        self.sysctl("internet", ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0,
                    ipv4__conf__uplink__rp_filter=0, ipv4__ip_forward=0)
        self.sysctl("shop", ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0,
                    ipv4__conf__shop0__rp_filter=0)
        for net, end, four, six in ((internet, "uplink", DOOR4, DOOR6),
                                    (shop, "shop0", SHOP4, SHOP6)):
            run("ip", "-n", net, "addr", "add", f"{four}/24", "dev", end)
            run("ip", "-n", net, "addr", "add", f"{six}/64", "dev", end, "nodad")
        # Without a default route the shop could not answer forged sources, would keep no
        # state for them, and the flood would be harmless.
        run("ip", "-n", shop, "route", "add", "default", "via", DOOR4)
        run("ip", "-n", shop, "-6", "route", "add", "default", "via", DOOR6)
        for prefix in CUSTOMERS + BOTS:
            run("ip", "-n", internet, "-6" if ":" in prefix else "-4",
                "route", "add", "local", prefix, "dev", "lo")

    def tune_shop(self, syncookies):
        """The server as it is on Linux, where half-open connections have 4096 places, but for
        the cookies. It gives them up sooner, and keeps no places back for whom it remembers:
        most customers of a shop come for the first time."""
        self.sysctl("shop", ipv4__tcp_syncookies=syncookies, ipv4__tcp_synack_retries=2,
                    ipv4__tcp_no_metrics_save=1, ipv4__tcp_max_syn_backlog=4096,
                    core__somaxconn=4096)

    def link_drops(self):
        """Packets that the bounded link has thrown away so far."""
        told = run("tc", "-n", self.name("cable"), "-s", "-j", "qdisc", "show", "dev", "tail")
        # The bucket counts what its queue had no room for as dropped, too.
        return max(queue["drops"] for queue in json.loads(told))

    def down(self):
        """End what runs in our namespaces, and remove them."""
        existing = {line.split()[0] for line in run("ip", "netns", "list").splitlines() if line}
        rooms = [room for room in ROOMS if self.name(room) in existing]
        for signum, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0)):
            if not self._end_processes(rooms, signum, patience):
                break
        for room in rooms:
            run("ip", "netns", "del", self.name(room), check=False)

    def _pids(self, rooms):
        found = []
        for room in rooms:
            found += run("ip", "netns", "pids", self.name(room), check=False).split()
        return [int(pid) for pid in found if int(pid) != os.getpid()]

    def _end_processes(self, rooms, signum, patience):
        for pid in self._pids(rooms):
            try:
                os.kill(pid, signum)
            except ProcessLookupError:
                pass
        end = time.monotonic() + patience
        while time.monotonic() < end and self._pids(rooms):
            time.sleep(0.05)
        return self._pids(rooms)
