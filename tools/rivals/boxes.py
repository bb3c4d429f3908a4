# SPDX-License-Identifier: BSD-3-Clause
"""boxes - what may stand between the internet and the shop.

Each contestant is set up as a careful operator would, with the same limits where it has
limits. `steered` ends get their packets in softirq, `polled` ends have XDP programs.
"""
import hashlib
import os
import subprocess

from gate import Scrubber, private
from net import DOOR4, DOOR6, MACS, SHOP4, SHOP6, NetError, run
from procs import Program
from world import BOX_ENDS, settings

# Packets per second: one source, all UDP, all first SYNs.
LIMITS = {"source": 50, "udp": 300, "syn": 2000}
BURSTS = {"udp_burst": 30, "syn_burst": 200}
UDP_PORT = 443

# See synproxy.nft for why this one is not a rule of nftables.
IPV6_PROXY = ("-A FORWARD -i wan -p tcp --dport 80 -m conntrack --ctstate INVALID,UNTRACKED "
              "-j SYNPROXY --mss 1440 --wscale 7 --timestamp --sack-perm").split()


class Missing(Exception):
    """What this machine lacks for a contestant."""


class Box:
    """One contestant; its namespace is there, its two ends are up."""

    name = what = ""
    polled = ()

    def __init__(self, world, tools):
        self.world, self.tools = world, tools
        self.pollers = []

    def start(self):
        """Set it up."""

    def stop(self):
        """End what does not end with the namespace."""

    def pids(self):
        """Processes and kernel threads of its own."""
        return list(self.pollers)

    def must_live(self):
        """Raise when something of it has died."""

    def busy(self):
        """Share of the last seconds in which it had something to do, by its own account. None
        for those who sleep when there is nothing: the core's time tells it of them."""
        return None

    def missed(self):
        """Packets it knows to have lost before it could look at them, so far."""
        return 0

    def place(self):
        """Put its work on its core."""
        self.world.steer(self.polled)
        self.pollers = self.world.poll(self.polled)


class Bridge(Box):
    """The wire without any defence: what the flood does to the shop."""

    name, what = "bridge", "Linux bridge, no defence"

    def start(self):
        self.world.bridge("gate", "wire", *BOX_ENDS)


class Syncookies(Bridge):
    """The shop's own cookies. What answers SYNs is the shop's stack, so that is the contestant
    and has the contestant's core."""

    name, what = "tcp_syncookies", "Linux bridge; the shop's stack on the contestant's core"

    def place(self):
        super().place()
        self.world.steer_end("shop", "shop0", self.world.box_core)


class Rules(Bridge):
    """A bridge with rules of nftables."""

    files = ()

    def start(self):
        super().start()
        for file in self.files:
            try:
                self.world.nft("gate", settings(file, **LIMITS, **BURSTS))
            except NetError as why:
                raise Missing(f"this kernel or nft takes no {file}: {first_line(why)}") from why


class Meter(Rules):
    """Per-source limits alone."""

    name, what = "nft-meter", "bridge, nftables limit per source"
    files = ("meter.nft",)


class Limit(Rules):
    """Per-source limits, and a ceiling behind them."""

    name, what = "nft-limit", "bridge, nftables limit per source and in all"
    files = ("meter.nft", "limit.nft")


class Synproxy(Box):
    """A router, because the SYN proxy answers with packets of its own and needs routes."""

    name, what = "nft-synproxy", "router, nftables synproxy and UDP limit"

    def start(self):
        world, net = self.world, self.world.name("gate")
        # The ends take over each other's neighbour's address: both sides send what they sent
        # to each other, and the box receives it as its own.
        for end, mac in (("wan", MACS["shop0"]), ("lan", MACS["uplink"])):
            run("ip", "-n", net, "link", "set", end, "down")
            run("ip", "-n", net, "link", "set", end, "address", mac)
            world.sysctl("gate", **{f"ipv6__conf__{end}__disable_ipv6": 0,
                                    f"ipv6__conf__{end}__accept_dad": 0,
                                    f"ipv4__conf__{end}__rp_filter": 0})
            run("ip", "-n", net, "link", "set", end, "up")
        world.sysctl("gate", ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                     ipv4__conf__all__rp_filter=0)
        for end, mac, four, six in (("wan", MACS["uplink"], DOOR4, DOOR6),
                                    ("lan", MACS["shop0"], SHOP4, SHOP6)):
            world.know("gate", end, mac, four, six)
            run("ip", "-n", net, "route", "add", f"{four}/32", "dev", end)
            run("ip", "-n", net, "-6", "route", "add", f"{six}/128", "dev", end)
        run("ip", "-n", net, "route", "add", "default", "via", DOOR4, "dev", "wan", "onlink")
        run("ip", "-n", net, "-6", "route", "add", "default", "via", DOOR6, "dev", "wan", "onlink")
        try:
            world.nft("gate", settings("synproxy.nft", **LIMITS, **BURSTS))
            world.sysctl("gate", netfilter__nf_conntrack_tcp_loose=0)
            if world.family == 6:
                world.inside("gate", "ip6tables", *IPV6_PROXY)
        except NetError as why:
            raise Missing(f"this kernel or nft has no synproxy: {first_line(why)}") from why


class XdpFilter(Bridge):
    """xdp-filter before a bridge. It knows addresses and ports, no rates: the operator names
    the UDP port that is flooded. Against SYNs to the shop's own port, from addresses that
    never come twice, there is nothing to name."""

    name, what = "xdp-filter", "bridge, xdp-filter on the flooded UDP port"
    polled = ("wan",)

    def start(self):
        super().start()
        # Programs and maps are held by files; a mount of our own, which lives as long as
        # this process, leaves none of them behind.
        script = ("mount -t bpf bpf /sys/fs/bpf && xdp-filter load -m native -p allow wan && "
                  f"xdp-filter port -p udp -m dst {UDP_PORT} && echo held && "
                  "exec sleep infinity")
        log = os.path.join(self.world.folder, "xdp-filter.log")
        self.program = Program(self.world, "gate", ["sh", "-c", script], log,
                               self.world.load_core, stdout=subprocess.PIPE)
        while line := self.program.process.stdout.readline():
            if line.strip() == "held":
                return
        self.program.wait(2)
        raise Missing("xdp-filter cannot be loaded on a veth here: "
                      + (self.program.last_words(1) or "it does not say why"))

    def stop(self):
        if getattr(self, "program", None) is not None:
            self.program.stop()


class Daemon(Scrubber):
    """The story's daemon with a configuration of this rig."""

    def _write_files(self):
        os.makedirs(self.folder, exist_ok=True)
        tokens = os.path.join(self.folder, "tokens")
        with open(tokens, "w", encoding="ascii", opener=private) as out:
            out.write(f"rivals:{hashlib.sha256(self.token.encode()).hexdigest()}\n")
        external, internal = self.rig.ends
        with open(self.config, "w", encoding="ascii") as out:
            out.write(settings(
                "tidegate.conf", cores=f"{self.rig.load_core},{self.rig.gate_core}",
                socket=self.socket, tokens=tokens, external=external, internal=internal,
                events=os.path.join(self.folder, "events.json"),
                state=os.path.join(self.folder, "state"), four=SHOP4, six=SHOP6,
                **LIMITS))


class Tidegate(Box):
    """tidegated, mode mitigate; its worker on the box's core, its control on the load's."""

    ends = BOX_ENDS
    driver = ""

    def __init__(self, world, tools):
        super().__init__(world, tools)
        self.net, self.tool, self.folder = world, tools.__getitem__, world.folder
        self.load_core, self.gate_core = world.load_core, world.box_core
        self.daemon = Daemon(self)

    def start(self):
        self.daemon.start()
        drivers = {port.get("driver") for port in self.daemon.get("ports")["ports"]}
        if drivers != {self.driver}:
            raise Missing(f"tidegated does not get a veth by {self.driver} here: {self._why()}")

    def _why(self):
        with open(self.daemon.log, encoding="utf-8", errors="replace") as log:
            told = [line.strip() for line in log if "AF_XDP" in line]
        return told[-1] if told else "it does not say why"

    def stop(self):
        self.daemon.stop()

    def must_live(self):
        self.daemon.must_live()

    def pids(self):
        return [self.daemon.program.process.pid, *self.pollers]

    def busy(self):
        return max(worker["busy_ratio"] for worker in self.daemon.get("workers")["workers"])

    def missed(self):
        return sum(port["missed_packets"] for port in self.daemon.get("ports")["ports"])


class TidegatePacket(Tidegate):
    """On the packet socket, which every kernel has."""

    name, what = "tidegate-af_packet", "Tidegate on AF_PACKET"
    driver = "net_af_packet"
    ends = ("net_af_packet0,iface=wan", "net_af_packet1,iface=lan")


class TidegateXdp(Tidegate):
    """On AF_XDP, which is what an interface's name asks for."""

    name, what = "tidegate-af_xdp", "Tidegate on AF_XDP"
    driver = "net_af_xdp"
    polled = BOX_ENDS


ALL = (Bridge, Meter, Limit, Syncookies, Synproxy, XdpFilter, TidegatePacket, TidegateXdp)


def first_line(error):
    """The first line of a message, which says what; the rest shows where."""
    return str(error).splitlines()[0]
