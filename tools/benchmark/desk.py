# SPDX-License-Identifier: BSD-3-Clause
"""desk - what dashboards cost: the answers one by one, and ten of them beside a flood.

`api` asks the benchmark program for its metrics and documents with a thousand services.
`viewers` starts the daemon itself on a device that repeats a file as fast as it is
emptied, and lets it be looked at: by nobody, by ten dashboards that poll as the page in
app/web does plus one scrape a second, and by ten that want every document each second.
Turns alternate. What a packet costs the worker is its thread's processor time, which
neighbours do not enter; control is everything else in the process.
"""
import contextlib
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

NAMES = {"api": "what each answer costs with 1,000 services, and how long it is",
         "viewers": "cycles a packet and processor time of control, with and without ten dashboards"}
SERVICES = 100
VIEWERS = 10
# Documents and how often the page asks for each, in seconds.
PAGE = {"live?limit=50": 1, "status": 5, "ports": 3, "workers": 3, "top": 3, "blocks": 5, "services": 10,
        "attacks?limit=100": 10, "lists": 20}
CONFIG = """version = 1;
node = {{ name = "viewers"; }};
dataplane = {{ flow_entries = "64k"; source_entries = "64k"; }};
links = ( {{ name = "uplink"; external = "net_pcap0,rx_pcap={folder}/frames.pcap,infinite_rx=1";
  internal = "net_null0"; }} );
api = {{ listen = [ "unix:{folder}/api.sock" ]; tokens_file = "{folder}/tokens"; }};
events = {{ file = ""; }};
state = {{ folder = "{folder}/state"; }};
policies = ( {{ name = "web"; mode = "monitor"; vectors = (
  {{ vector = "udp_flood"; activate_rate = "100Mpps"; }} ); }} );
services = ( {services} );
"""


def answers(program, huge, runs, services=1000):
    """Rows of `api`: the processor time of each answer, ms."""
    command = [program, "--desk", str(services), "--runs", str(runs)] + ([] if huge else ["--no-huge"])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


# --- the daemon under load ---

def checksum(header):
    total = sum(struct.unpack(">10H", header))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def write_frames(path, frames=4096):
    """UDP of many sources to every service in turn."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i in range(frames):
            ends = bytes([198, 18, i * 7 % 251, i * 13 % 253 + 1, 203, 0, 113, i % SERVICES + 1])
            udp = struct.pack(">HHHH", 1024 + i * 31 % 60000, 7000, 26, 0) + b"v" * 18
            head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), i, 0, 64, 17, 0)
            head = head[:10] + struct.pack(">H", checksum(head + ends))
            frame = b"\2\0\0\0\0\1\2\0\0\0\0\2\10\0" + head + ends + udp
            f.write(struct.pack("<IIII", 0, i, len(frame), len(frame)) + frame)


class Gate:
    """The daemon, asked by its socket."""

    def __init__(self, daemon, folder):
        self.socket = os.path.join(folder, "api.sock")
        write_frames(os.path.join(folder, "frames.pcap"))
        services = ", ".join('{ name = "service-%03d"; prefixes = [ "203.0.113.%d/32" ]; policy = "web"; }' %
                             (i, i + 1) for i in range(SERVICES))
        conf = os.path.join(folder, "gate.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(CONFIG.format(folder=folder, services=services))
        self.process = subprocess.Popen([daemon, "run", "-c", conf], stderr=subprocess.PIPE, text=True)
        said = ""
        for line in self.process.stderr:
            said += line
            if "scrubbing" in line:
                break
        else:
            raise RuntimeError("the daemon did not start:\n" + said)
        # What it says later must go somewhere.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def connection(self):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(10)
        connection.sock.connect(self.socket)
        return connection

    def workers(self):
        """Processor time in ns of the threads that carry packets."""
        total = 0
        folder = "/proc/%d/task" % self.process.pid
        for task in os.listdir(folder):
            with contextlib.suppress(OSError), open("%s/%s/comm" % (folder, task), encoding="ascii") as comm:
                if "worker" not in comm.read():
                    continue
                with open("%s/%s/schedstat" % (folder, task), encoding="ascii") as f:
                    total += int(f.read().split()[0])
        return total

    def whole(self):
        """Of the process, threads that ended among them."""
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as f:
            words = f.read().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) * 10**9 // os.sysconf("SC_CLK_TCK")

    def packets(self):
        connection = self.connection()
        connection.request("GET", "/api/v1/workers")
        document = json.loads(connection.getresponse().read())
        connection.close()
        return sum(worker["judged_packets"] for worker in document["workers"])


class Viewer(threading.Thread):
    """One dashboard: each document at its own pace, over one connection that stays."""

    def __init__(self, gate, documents):
        super().__init__(daemon=True)
        self.gate, self.documents = gate, documents
        self.over = threading.Event()
        self.asked = self.bytes = 0

    def run(self):
        connection = self.gate.connection()
        began = time.monotonic()
        due = {path: began + every * i / len(self.documents)
               for i, (path, every) in enumerate(self.documents.items())}
        while not self.over.wait(max(0, min(due.values()) - time.monotonic())):
            path = min(due, key=due.get)
            connection.request("GET", "/metrics" if path == "metrics" else "/api/v1/" + path)
            self.bytes += len(connection.getresponse().read())
            self.asked += 1
            due[path] += self.documents[path]
        connection.close()


def phase(gate, crowd, seconds):
    """(ns a packet, share of a core that control took, requests a second)"""
    viewers = [Viewer(gate, documents) for documents in crowd]
    for viewer in viewers:
        viewer.start()
    time.sleep(0.2)
    before = gate.packets(), gate.workers(), gate.whole(), time.monotonic()
    time.sleep(seconds)
    after = gate.packets(), gate.workers(), gate.whole(), time.monotonic()
    for viewer in viewers:
        viewer.over.set()
    for viewer in viewers:
        viewer.join(10)
    packets, worker, whole, wall = (b - a for a, b in zip(before, after))
    return worker / packets, (whole - worker) / 1e9 / wall, sum(v.asked for v in viewers) / (seconds + 0.2)


def median(figures):
    return sorted(figures)[len(figures) // 2]


def viewers(daemon, rounds, seconds):
    """Rows of `viewers`, one for each crowd."""
    page = [dict(PAGE) for _ in range(VIEWERS)] + [{"metrics": 1}]
    hasty = [{path: 1 for path in PAGE} for _ in range(VIEWERS)] + [{"metrics": 1}]
    crowds = {"nobody": [], "ten pages, a scrape": page, "ten that want all each second": hasty}
    seen = {name: [] for name in crowds}
    with tempfile.TemporaryDirectory(prefix="tidegate-viewers-") as folder:
        gate = Gate(daemon, folder)
        try:
            time.sleep(1)
            for _ in range(rounds):
                for name, crowd in crowds.items():
                    seen[name].append(phase(gate, crowd, seconds))
        finally:
            gate.close()
    alone = [ns for ns, _, _ in seen["nobody"]]
    return [{"crowd": name, "services": SERVICES, "viewers": VIEWERS if crowds[name] else 0,
             "requests_per_second": round(median([r for _, _, r in rows]), 1),
             "worker_ns_per_packet": round(median([ns for ns, _, _ in rows]), 2),
             "lowest_ns": round(min(ns for ns, _, _ in rows), 2),
             "highest_ns": round(max(ns for ns, _, _ in rows), 2),
             "worker_cost_ratio": round(min(ns for ns, _, _ in rows) / min(alone) - 1, 4),
             "control_core_ratio": round(median([share for _, share, _ in rows]), 4),
             "runs": rounds} for name, rows in seen.items()]


# --- as lines ---

def answer_line(row):
    return (f"{row['answer']:<12} {row['services']:>5} services {row['ms']:8.2f} ms"
            f"   {row['lowest']:.2f}..{row['highest']:.2f}   {row['bytes'] / 1000:.0f} kB")


def viewers_line(row):
    return (f"{row['crowd']:<30} {row['requests_per_second']:6.1f} requests/s"
            f"   worker {row['worker_ns_per_packet']:.1f} ns a packet ({row['lowest_ns']:.1f}..{row['highest_ns']:.1f},"
            f" lowest {row['worker_cost_ratio']:+.1%})   control {row['control_core_ratio']:.1%} of a core")
