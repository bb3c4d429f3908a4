# SPDX-License-Identifier: BSD-3-Clause
"""load - what happens on the wire while a defence is tested.

Attacks are captures of tools/trafficgen, so that each frame is known before it
is sent; customers are real: nginx in the shop, curl and an ordinary connection
in the internet. A tap keeps what arrives, in the kernel, and judges later.
"""
import ctypes
import json
import os
import socket
import struct
import subprocess
import threading
import time

from rig import ETH_P_ALL, IN4, IN6, Failed, expect, inside, program, run, wait_until, within

ATTACKER = b"\x02\0\0\x01\0\0"  # trafficgen's outside MAC; no kernel has it
SO_RCVBUFFORCE, SO_ATTACH_FILTER, SO_TIMESTAMPNS = 33, 26, 35
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_STATISTICS = 263, 1, 6


class Tap:
    """Frames with one source MAC that arrive at an interface, with the time they did."""

    def __init__(self, namespace, interface, mac=ATTACKER):
        with inside(namespace):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            index = socket.if_nametoindex(interface)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("iHH8s", index, 1, 0, b""))
        high, low = struct.unpack(">IH", mac)
        steps = [(0x20, 0, 0, 6), (0x15, 0, 3, high), (0x28, 0, 0, 10), (0x15, 0, 1, low),
                 (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *s) for s in steps))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                             struct.pack("HP", len(steps), ctypes.addressof(code)))
        # Bound last: from here on the filter is in place and nothing else was kept.
        with inside(namespace):
            self.sock.bind((interface, ETH_P_ALL))

    def take(self):
        """[(time in s, frame)] since the last call; the kernel must have lost none."""
        got = []
        while True:
            try:
                frame, beside, _, source = self.sock.recvmsg(65536, 256, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            if source[2] == 4:  # sent here, not received
                continue
            stamp = next(d for level, kind, d in beside if level == socket.SOL_SOCKET)
            seconds, ns = struct.unpack("qq", stamp[:16])
            got.append((seconds + ns / 1e9, frame))
        _, lost = struct.unpack("II", self.sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        expect(lost == 0, "the tap itself lost %d frames" % lost)
        return got

    def close(self):
        self.sock.close()


def read_pcap(path):
    """Frames of a capture that trafficgen wrote."""
    with open(path, "rb") as f:
        data = f.read()
    at, frames = 24, []
    while at < len(data):
        size = struct.unpack("<I", data[at + 8:at + 12])[0]
        frames.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return frames


def write_attack(rig, name, part, seed=1):
    """A capture of one part; returns its path."""
    path = rig.path(name + ".pcap")
    run(program("tools/trafficgen/trafficgen"), "write", "-o", path, "--seed", str(seed), "--part", part)
    return path


def start_sending(rig, *args):
    """trafficgen out of the internet; see sent()."""
    return subprocess.Popen(
        [*within(rig.internet), program("tools/trafficgen/trafficgen"), "send", "--interface", "out0",
         *args], stdout=subprocess.PIPE, text=True)


def sent(process, seconds=60):
    """What a sender says at its end; a frame that it could not send is a failure."""
    told = json.loads(process.communicate(timeout=seconds)[0].splitlines()[-1])
    expect(process.returncode == 0 and told["errors"] == 0, "the sender: %s" % told)
    return told


NGINX = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
	access_log off;
	client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
	uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
	server {{ listen {v4}:80; listen [{v6}]:80; location / {{ return 200 "{page}"; }} }}
}}
"""
PAGE = "Welcome to the shop. " * 150


class Shop:
    """nginx in the shop, with one page."""

    def __init__(self, rig):
        with open(rig.path("nginx.conf"), "w", encoding="ascii") as f:
            f.write(self.config(rig))
        self.process = subprocess.Popen(
            [*within(rig.shop), "nginx", "-e", rig.path("nginx-error.log"), "-c",
             rig.path("nginx.conf")])
        try:
            wait_until(lambda: self._listens(rig), "nginx does not listen", 10)
        except BaseException:
            self.close()
            raise

    def config(self, rig):
        return NGINX.format(folder=rig.folder, v4=IN4, v6=IN6, page=PAGE)

    def _listens(self, rig):
        expect(self.process.poll() is None, "nginx ended")
        try:
            rig.socket("shop", socket.AF_INET, socket.SOCK_STREAM).connect((IN4, 80))
        except OSError:
            return False
        return True

    def close(self):
        self.process.terminate()
        self.process.wait()


def curl(rig, v6, seconds=5):
    """One request by curl: whether the whole page came, and in how many seconds."""
    done = subprocess.run(
        [*within(rig.internet), "curl", "-s", "--max-time", str(seconds), "-w", "\n%{http_code} %{time_total}",
         "http://%s/" % ("[%s]" % IN6 if v6 else IN4)], capture_output=True, text=True, check=False)
    body, _, told = done.stdout.rpartition("\n")
    code, took = told.split() if told else ("0", "0")
    return code == "200" and body == PAGE, float(took)


class Noticed(Failed):
    """A customer was served, but had to wait: twice in a row that is no accident."""


class Customers:
    """Requests one after the other, and a connection that talks all the time."""

    def __init__(self, rig, v6, pause=0.15):
        self.rig, self.v6, self.pause = rig, v6, pause
        self.asked = self.served = self.spoken = 0
        self.slowest = 0.0
        self.wrong = ""
        self.going = threading.Event()
        self.threads = []
        family = socket.AF_INET6 if v6 else socket.AF_INET
        server = rig.socket("shop", family, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((IN6 if v6 else IN4, 9000))
        server.listen(4)
        threading.Thread(target=self._echo, args=(server,), daemon=True).start()
        self.talk = rig.socket("internet", family, socket.SOCK_STREAM)
        self.talk.settimeout(10)
        self.talk.connect((IN6 if v6 else IN4, 9000))
        self._say()
        expect(not self.wrong, "before anything: " + self.wrong)

    @staticmethod
    def _echo(server):
        peer, _ = server.accept()
        server.close()
        while data := peer.recv(65536):
            peer.sendall(data)
        peer.close()

    def _say(self):
        said = os.urandom(700)
        try:
            self.talk.sendall(said)
            got = b""
            while len(got) < len(said):
                piece = self.talk.recv(len(said) - len(got))
                if not piece:
                    break
                got += piece
        except OSError as error:
            self.wrong = "the established connection: %s" % error
            return
        if got != said:
            self.wrong = "the established connection brought other bytes"
        self.spoken += 1

    def _run(self, what, pause):
        while self.going.is_set():
            what()
            time.sleep(pause)

    def _ask(self):
        ok, took = curl(self.rig, self.v6)
        self.asked += 1
        self.served += ok
        self.slowest = max(self.slowest, took)

    def start(self):
        self.asked = self.served = self.spoken = 0
        self.slowest = 0.0
        self.going.set()
        self.threads = [threading.Thread(target=self._run, args=(self._ask, self.pause)),
                        threading.Thread(target=self._run, args=(self._say, 0.01))]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.going.clear()
        for thread in self.threads:
            thread.join()

    def check(self, during):
        expect(not self.wrong, "%s: %s" % (during, self.wrong))
        expect(self.served == self.asked, "%s: %d of %d requests were served (slowest %.2f s)" % (
            during, self.served, self.asked, self.slowest))
        # A SYN that is lost costs a second. A machine with other work may cost it, too.
        if self.asked < 3 or self.spoken < 10 or self.slowest > 0.9:
            raise Noticed("%s: %d requests, the slowest took %.2f s, and %d words" % (
                during, self.asked, self.slowest, self.spoken))

    def close(self):
        self.going.clear()
        self.talk.close()
