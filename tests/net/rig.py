# SPDX-License-Identifier: BSD-3-Clause
"""rig - three network namespaces and a gate between them.

    internet (out0) ---- (ext0) gate (int0) ---- (in0) shop

Everything has a prefix of its own, so that several tests may run at once, and
is removed at the end, also after a failure. Needs root and iproute2, nothing
else. The daemon is named by $TIDEGATED or the first argument, else it is the one
in the build directory, $TIDEGATE_BUILD or build/.

With vlan=N the gate sees tagged frames only: a namespace on each side pushes and
pops the tag (`trafficgen relay`; many kernels have no 8021q). With outside=(...)
the cable to the internet is a relay with these options too: it may lose and reorder.
"""
import contextlib
import ctypes
import fcntl
import glob
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
TOKEN = "rig-token"
OUT4, IN4 = "10.66.0.1", "10.66.0.2"
OUT6, IN6 = "fd66::1", "fd66::2"


class Failed(Exception):
    """A test's expectation that did not hold."""


class Skipped(Exception):
    """What is missing on this machine for a test."""


def expect(holds, sentence):
    if not holds:
        raise Failed(sentence)


def within(namespace):
    """
    Words before a command that runs in the namespace's network. `ip netns exec` would give it
    a /sys of its own as well, and where cores are busy the kernel takes seconds to take that down.
    """
    return "nsenter", "--net=/run/netns/" + namespace


def run(*args, check=True):
    if args[:2] == ("ip", "-n"):
        args = (*within(args[2]), "ip", *args[3:])
    done = subprocess.run(args, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise Failed("%s: %s" % (" ".join(args), done.stderr.strip()))
    return done.stdout


@contextlib.contextmanager
def inside(namespace):
    """Sockets made by this thread in here belong to the namespace."""
    back = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + namespace, os.O_RDONLY)
    try:
        if LIBC.setns(there, CLONE_NEWNET) != 0:
            raise Skipped("network namespaces cannot be entered")
        yield
    finally:
        LIBC.setns(back, CLONE_NEWNET)
        os.close(there)
        os.close(back)


def ethtool(sock, interface, command, value):
    """One of ethtool's old single-value switches."""
    data = ctypes.create_string_buffer(struct.pack("II", command, value))
    request = struct.pack("16sP", interface.encode(), ctypes.addressof(data))
    fcntl.ioctl(sock, 0x8946, request)


class RawPort:
    """A raw socket: sends whole frames, hears whole frames, tags included."""

    def __init__(self, namespace, interface):
        with inside(namespace):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.sock.bind((interface, 0))
            index = socket.if_nametoindex(interface)
        # PACKET_ADD_MEMBERSHIP, promiscuous: every frame, whoever it is for.
        self.sock.setsockopt(263, 1, struct.pack("iHH8s", index, 1, 0, b""))
        # PACKET_AUXDATA: the kernel takes VLAN tags out of the frame and tells them beside it.
        self.sock.setsockopt(263, 8, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def send(self, frame):
        self.sock.send(frame)

    def drain(self):
        while self.hear(lambda frame: True, 0) is not None:
            pass

    def hear(self, wanted, seconds=2):
        """The next frame for which wanted(frame) holds, or None."""
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            self.sock.settimeout(max(left, 0.001))
            try:
                frame, beside, _, source = self.sock.recvmsg(65536, 256)
            except (TimeoutError, BlockingIOError):
                return None
            if source[2] == 4:  # PACKET_OUTGOING: what we sent ourselves
                continue
            for level, kind, data in beside:
                if level == 263 and kind == 8:
                    status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data[:20])
                    if status & 0x10:
                        tpid = tpid if status & 0x40 else 0x8100
                        frame = frame[:12] + struct.pack(">HH", tpid, tci) + frame[12:]
            if wanted(frame):
                return frame
            if left < 0:
                return None

    def close(self):
        self.sock.close()


class Rig:
    def __init__(self, mtu=1500, queues=1, vlan=None, outside=()):
        if os.geteuid() != 0:
            raise Skipped("needs root")
        self.mtu = mtu
        self.vlan = vlan
        self.outside = list(outside)
        self.relays = []
        self.between = []
        self.prefix = "tgn%d%s" % (os.getpid(), os.urandom(2).hex())
        self.internet, self.gate, self.shop = (self.prefix + n for n in "igs")
        self.folder = tempfile.mkdtemp(prefix="tidegate-net-")
        self.daemon = None
        self.log = ""
        self.open_ports = []
        try:
            self._build(queues)
        except BaseException:
            self.close()
            raise

    def _build(self, queues):
        for name in (self.internet, self.gate, self.shop):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        tag = [] if self.vlan is None else ["--vlan", str(self.vlan)]
        self._join(self.internet, "out0", "ext0", queues, tag + self.outside)
        self._join(self.shop, "in0", "int0", queues, tag)
        for name, interface, v4, v6 in ((self.internet, "out0", OUT4, OUT6), (self.shop, "in0", IN4, IN6)):
            run("ip", "-n", name, "addr", "add", v4 + "/24", "dev", interface)
            run("ip", "-n", name, "addr", "add", v6 + "/64", "dev", interface, "nodad")

    def _join(self, namespace, outer, inner, queues, options):
        """A pair; with options of a relay there is a namespace in between that tags, or loses."""
        if not options:
            self.pair(namespace, outer, inner, queues)
            return
        between = namespace + "r"
        run("ip", "netns", "add", between)
        self.between.append(between)
        run(*within(between), "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
            "net.ipv6.conf.default.disable_ipv6=1")
        self.pair(between, "tag0", inner, queues)
        self.pair(namespace, outer, "plain0", gate=between)
        self.relays.append(subprocess.Popen(
            [*within(between), program("tools/trafficgen/trafficgen"), "relay", "plain0", "tag0"] +
            options, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def pair(self, namespace, outer, inner, queues=1, gate=None):
        """A veth pair whose inner end is in the gate; what leaves the outer end is plain frames."""
        gate = gate or self.gate
        temporary = "v" + os.urandom(4).hex()
        n = str(queues)
        run("ip", "-n", gate, "link", "add", "name", inner, "numrxqueues", n, "numtxqueues", n, "type",
            "veth", "peer", "name", temporary, "numrxqueues", n, "numtxqueues", n)
        run("ip", "-n", gate, "link", "set", temporary, "netns", namespace, "name", outer)
        for name, interface in ((gate, inner), (namespace, outer)):
            run("ip", "-n", name, "link", "set", interface, "mtu", str(self.mtu), "up")
        with inside(namespace):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                # Off: tx and rx checksums, TSO, GSO, GRO; or frames are not what is on a cable.
                for command in (0x17, 0x15, 0x1F, 0x24, 0x2C):
                    with contextlib.suppress(OSError):
                        ethtool(sock, outer, command, 0)

    def path(self, name):
        return os.path.join(self.folder, name)

    def config(self, external="ext0", internal="int0", dataplane="", more=""):
        return (
            'version = 1;\nnode = { name = "rig"; };\n'
            'dataplane = { flow_entries = "16k"; source_entries = "16k"; %s };\n'
            'links = ( { name = "uplink"; external = "%s"; internal = "%s"; } );\n'
            'api = { listen = [ "unix:%s" ]; tokens_file = "%s"; };\n'
            'events = { file = "%s"; };\nstate = { folder = "%s"; };\n%s\n'
        ) % (dataplane, external, internal, self.path("api.sock"), self.path("tokens"), self.path("events.json"),
             self.path("state"), more)

    def write_config(self, text):
        with open(self.path("tokens"), "w") as f:
            f.write("rig:%s\n" % hashlib.sha256(TOKEN.encode()).hexdigest())
        os.chmod(self.path("tokens"), 0o600)
        with open(self.path("gate.conf"), "w") as f:
            f.write(text)
        return self.path("gate.conf")

    def start(self, text=None, wait=15, debug=False):
        """Start the gate and wait until it scrubs. Returns False when it ended instead."""
        conf = self.write_config(text if text is not None else self.config())
        args = ["ip", "netns", "exec", self.gate, binary(), "run", "-c", conf] + (["--debug"] if debug else [])
        self.log = ""
        # libxdp 1.3 never frees what it knew of a socket's memory; a sanitizer build would blame us.
        with open(self.path("leaks"), "w") as f:
            f.write("leak:xsk_umem__create\n")
        environment = dict(os.environ, LSAN_OPTIONS="print_suppressions=0:suppressions=" + self.path("leaks"))
        self.daemon = subprocess.Popen(args, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
                                       env=environment)
        ready = threading.Event()
        self.reader = threading.Thread(target=self._read_log, args=(self.daemon.stderr, ready))
        self.reader.start()
        if not ready.wait(wait):
            waits = self._waits_in()
            self.stop(signal.SIGKILL)
            raise Failed("the gate neither scrubs nor ends after %d s; its threads wait in %s:\n%s" % (
                wait, waits, self.log))
        if "scrubbing" in self.log:
            # Sockets are bound before the sentence; the carrier of veth follows within a poll.
            time.sleep(0.2)
            return True
        self.wait()
        return False

    def _waits_in(self):
        """Where in the kernel each thread of the gate is, for a failure that comes once a day."""
        found = []
        for path in sorted(glob.glob("/proc/%d/task/*/wchan" % self.daemon.pid)):
            with contextlib.suppress(OSError), open(path, encoding="ascii") as f:
                found.append(f.read() or "?")
        return ", ".join(found)

    def _read_log(self, stream, ready):
        for line in stream:
            self.log += line
            if "scrubbing" in line:
                ready.set()
        ready.set()

    def wait(self, seconds=20):
        """The exit code of the gate, once it ended."""
        code = self.daemon.wait(seconds)
        self.reader.join(seconds)
        self.daemon = None
        return code

    def stop(self, number=signal.SIGTERM):
        if self.daemon is None:
            return 0
        # `ip netns exec` becomes the daemon, so its process is the daemon's.
        self.daemon.send_signal(number)
        return self.wait()

    def get(self, path):
        return self._http("GET", path)

    def post(self, path, body):
        return self._http("POST", path, json.dumps(body))

    def ask(self, method, path, body=None, headers=None):
        """Any request on the API's socket: (status, text)."""
        connection = http.client.HTTPConnection("localhost", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(10)
        try:
            connection.sock.connect(self.path("api.sock"))
        except OSError as error:
            raise Skipped("the daemon was built without its HTTP API (%s)" % error)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _http(self, method, path, body=None):
        headers = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
        status, text = self.ask(method, "/api/v1/" + path, body, headers)
        if status >= 300:
            raise Failed("%s %s: %d %s" % (method, path, status, text))
        return json.loads(text) if text else {}

    def telemetry(self, command):
        """One answer of the daemon by DPDK's own socket; a second daemon's has another name."""
        for path in sorted(glob.glob("/run/dpdk/*/dpdk_telemetry.v2*")):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
                sock.settimeout(5)
                try:
                    sock.connect(path)
                except OSError:  # left behind by a daemon that died
                    continue
                if json.loads(sock.recv(4096))["pid"] == self.daemon.pid:
                    sock.send(command.encode())
                    return json.loads(sock.recv(65536))[command.split(",")[0]]
        raise Failed("no telemetry socket below /run/dpdk belongs to the daemon")

    def put(self, path, body):
        return self._http("PUT", path, json.dumps(body))

    def ports(self):
        """Books by side of the first link."""
        return {p["side"]: p for p in self.get("ports")["ports"] if p["link"] == "uplink"}

    def settled_ports(self, seconds=3):
        """Books once nothing moves any more."""
        until = time.monotonic() + seconds
        before = None
        while time.monotonic() < until:
            now = self.ports()
            totals = [(p["received_packets"], p["sent_packets"]) for p in now.values()]
            if totals == before:
                return now
            before = totals
            time.sleep(0.1)
        return self.ports()

    def books_balance(self):
        ports = self.settled_ports()
        for side, other in (("external", "internal"), ("internal", "external")):
            p, o = ports[side], ports[other]
            for unit in ("packets", "bytes"):
                if unit == "packets":
                    gone = sum(p["%s_packets" % w] for w in ("forwarded", "dropped", "replied", "consumed"))
                    expect(p["received_packets"] == gone, "%s: %d received, %d accounted for" % (
                        side, p["received_packets"], gone))
                left = o["forwarded_" + unit] + p["replied_" + unit] + p["emitted_" + unit]
                expect(p["sent_" + unit] == left, "%s: %d %s sent, %d accounted for" % (
                    side, p["sent_" + unit], unit, left))
        return ports

    def reasons(self):
        return {r["reason"]: r for r in self.get("reasons")["reasons"]}

    def raw(self, where):
        port = RawPort(*((self.internet, "out0") if where == "internet" else (self.shop, "in0")))
        self.open_ports.append(port)
        return port

    def socket(self, where, family, kind):
        with inside(self.internet if where == "internet" else self.shop):
            return socket.socket(family, kind)

    def has_carrier(self, where):
        namespace, interface = (self.internet, "out0") if where == "internet" else (self.shop, "in0")
        state = json.loads(run("ip", "-n", namespace, "-j", "link", "show", "dev", interface))[0]
        return "NO-CARRIER" not in state["flags"] and "UP" in state["flags"]

    def close(self):
        with contextlib.suppress(Exception):
            self.stop(signal.SIGKILL)
        for port in self.open_ports:
            port.close()
        for relay in self.relays:
            relay.terminate()
            relay.wait()
        for name in [self.internet, self.gate, self.shop] + self.between:
            run("ip", "netns", "del", name, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def program(inside_build):
    """A built program, by its path in the build directory."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    path = os.path.join(os.environ.get("TIDEGATE_BUILD") or os.path.join(root, "build"), inside_build)
    if not os.access(path, os.X_OK):
        raise Skipped("%s is not built: set TIDEGATE_BUILD to the build directory" % inside_build)
    return os.path.abspath(path)


def binary():
    path = os.environ.get("TIDEGATED") or (sys.argv[1] if len(sys.argv) > 1 else "")
    if not path:
        return program("app/tidegated/tidegated")
    if not os.access(path, os.X_OK):
        raise Skipped("no daemon: set TIDEGATED to the built tidegated")
    return os.path.abspath(path)


def wait_until(holds, sentence, seconds=5):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return
        time.sleep(0.05)
    raise Failed(sentence)


def threads_of(pid):
    """The threads of a process, id -> name; those that end while they are read are left out."""
    names = {}
    for thread in sorted(int(n) for n in os.listdir("/proc/%d/task" % pid)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                open("/proc/%d/task/%d/comm" % (pid, thread), encoding="ascii") as f:
            names[thread] = f.read().strip()
    return names


def main(*tests):
    """Run tests, each a function that opens its own rig; print a line for each."""
    # Asked to end, it still takes its namespaces down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed = 0
    for test in tests:
        name = test.__name__
        try:
            test()
            print("ok", name, flush=True)
        except Skipped as why:
            print("skip", name, why, flush=True)
        except Exception as why:  # pylint: disable=broad-except
            failed += 1
            print("not ok", name, flush=True)
            print("  %s: %s" % (type(why).__name__, str(why).replace("\n", "\n  ")), file=sys.stderr, flush=True)
    sys.exit(1 if failed else 0)
