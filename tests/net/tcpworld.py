# SPDX-License-Identifier: BSD-3-Clause
"""tcpworld - a shop that is being flooded with SYNs, and customers with real stacks.

nginx serves plain HTTP, TLS and HTTP/2; an exchange counts and returns what it is sent.
The flood comes from addresses that do not exist and goes on as long as it is asked to.
"""
import contextlib
import hashlib
import os
import socket
import struct
import subprocess
import threading
import time

from load import NGINX, PAGE, Shop
from rig import IN4, IN6, Failed, Rig, Skipped, expect, inside, program, run, wait_until, within

POLICY = """
policies = ( {{ name = "web"; mode = "mitigate"; sanity = {{ private_sources = "allow"; }};
    flows = {{ ipv6_prefix = 128; }}; detection = {{ activate_after = "0ms"; clear_after = "{clear}"; hold_for = "{clear}"; }};
    vectors = ( {{ vector = "tcp_syn_flood"; activate_rate = "100pps"; max_rate = "1Mpps"; }} );
    tcpauth = {{ method = "{method}"; {keys} }}; }} );
services = ( {{ name = "shop"; prefixes = [ "10.66.0.2/32", "fd66::2/128" ]; policy = "web"; }} );
"""
KNOBS = ("timestamps", "sack", "window_scaling", "ecn")
EXCHANGE = 7100
FLOOD = 500  # forged SYNs a second


def sysctl(namespace, **values):
    run(*within(namespace), "sysctl", "-qw", *("net.ipv4.tcp_%s=%d" % item for item in values.items()))


def stack(namespace, timestamps=1, sack=1, window_scaling=1, ecn=2):
    """How the kernel of this namespace opens connections."""
    sysctl(namespace, timestamps=timestamps, sack=sack, window_scaling=window_scaling, ecn=ecn)


def resets(namespace):
    """(connections reset, RSTs sent) by the kernel of this namespace."""
    with inside(namespace):
        with open("/proc/thread-self/net/snmp", encoding="ascii") as f:
            names, values = [line.split()[1:] for line in f if line.startswith("Tcp:")]
    told = dict(zip(names, map(int, values)))
    return told["EstabResets"], told["OutRsts"]


class Exchange:
    """A server: reads what is announced, answers with its checksum, then sends as much back."""

    def __init__(self, rig, blob, fast_open=False):
        self.blob, self.socks, self.going = blob, [], True
        for family, address in ((socket.AF_INET, IN4), (socket.AF_INET6, IN6)):
            sock = rig.socket("shop", family, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if fast_open:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
            sock.bind((address, EXCHANGE))
            sock.listen(64)
            self.socks.append(sock)
            threading.Thread(target=self._accept, args=(sock,), daemon=True).start()

    def _accept(self, sock):
        while self.going:
            try:
                peer, _ = sock.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with peer, contextlib.suppress(OSError):
            while (head := read_whole(peer, 8)):
                size = struct.unpack("!Q", head)[0]
                peer.sendall(digest_of(peer, size))
                peer.sendall(self.blob[:size])

    def close(self):
        self.going = False
        for sock in self.socks:
            sock.close()


def read_whole(sock, size):
    got = b""
    while len(got) < size and (more := sock.recv(size - len(got))):
        got += more
    return got if len(got) == size else b""


def digest_of(sock, size):
    """SHA-256 of the next `size` bytes."""
    digest, left = hashlib.sha256(), size
    while left and (more := sock.recv(min(left, 1 << 18))):
        digest.update(more)
        left -= len(more)
    return digest.digest() if not left else b"\0" * 32


class World:
    """
    Rig, shop and flood. `keys` are more of group tcpauth; `rig` how the rig is made, and
    lay(rig) changes it before anything runs on it.
    """

    def __init__(self, size, method="auto", clear="1s", keys="", dataplane="", fast_open=False, policy=None, lay=None, **rig):
        self.rig = Rig(**rig)
        self.shop = self.exchange = self.sender = None
        self.fill(size)
        self.text = self.rig.config(dataplane=dataplane, more=(policy or POLICY).format(method=method, clear=clear, keys=keys))
        try:
            if lay is not None:
                lay(self.rig)
            self._open(fast_open)
        except BaseException:
            self.close()
            raise

    def fill(self, size):
        """So many new bytes are what is exchanged from now on."""
        self.blob = os.urandom(size)
        self.digest = hashlib.sha256(self.blob).digest()
        with open(self.rig.path("blob"), "wb") as f:
            f.write(self.blob)
        if self.exchange is not None:
            self.exchange.blob = self.blob

    def _open(self, fast_open):
        os.chmod(self.rig.folder, 0o755)
        self._certificate()
        # Before the gate scrubs, nobody outside asks; nginx is asked inside.
        self.shop = Bigger(self.rig)
        self.exchange = Exchange(self.rig, self.blob, fast_open)
        expect(self.rig.start(self.text), self.rig.log)
        for v6 in (False, True):
            self.settle(v6)

    def _certificate(self):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=shop", "-addext", "subjectAltName=IP:%s,IP:%s" % (IN4, IN6), "-keyout",
            self.rig.path("key.pem"), "-out", self.rig.path("cert.pem"))

    def settle(self, v6):
        """The first connection, which also finds the neighbours; the gate may need a moment for its links."""
        until = time.monotonic() + 10
        while True:
            try:
                self.connect(v6, 2).close()
                return
            except OSError:
                expect(time.monotonic() < until, "nobody ever gets through in quiet time")

    def connect(self, v6, seconds=20, port=EXCHANGE):
        sock = self.rig.socket("internet", socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(seconds)
        sock.connect((IN6 if v6 else IN4, port))
        return sock

    def accepted(self):
        return self.rig.reasons()["tcpauth.cookie_accepted"]["packets"]

    def flood(self, family="4", rate=FLOOD):
        """Start it and wait until the gate answers SYNs, and not just those of one burst."""
        self.calm()
        part = "syn,sources=random,rate=%d,duration=1h,family=%s,dst=%s" % (rate, family, IN6 if family == "6" else IN4)
        if family == "both":
            part += ",dst=" + IN6
        before = self.answered()
        self.sender = subprocess.Popen(
            [*within(self.rig.internet), program("tools/trafficgen/trafficgen"), "send", "--interface",
             "out0", "--part", part], stdout=subprocess.DEVNULL)
        wait_until(lambda: self.answered() > before and self.is_armed(), "the flood is not answered", 10)

    def answered(self):
        reasons = self.rig.reasons()
        return sum(reasons["tcpauth." + n]["packets"] for n in ("syn_cookie", "bad_ack", "first_syn"))

    def calm(self):
        if self.sender is not None:
            self.sender.terminate()
            self.sender.wait()
            self.sender = None

    def is_armed(self):
        return self.rig.get("status")["attacks_active"] > 0

    @contextlib.contextmanager
    def spliced(self, connections, may_reset=False):
        """What happens inside makes so many spliced connections, and nobody resets one."""
        before, quiet = self.accepted(), [resets(n) for n in (self.rig.internet, self.rig.shop)]
        yield
        grown = self.accepted() - before
        expect(grown >= connections, "%d connections were made, %d of them spliced" % (connections, grown))
        now = [resets(n) for n in (self.rig.internet, self.rig.shop)]
        expect(may_reset or now == quiet, "resets (connections, sent) at client and server: %s, before %s" % (now, quiet))

    def both_ways(self, v6, size=None, sock=None):
        """So many bytes to the server and back, by checksum."""
        size = len(self.blob) if size is None else size
        sock = sock or self.connect(v6)
        blob = self.blob[:size]
        wanted = self.digest if size == len(self.blob) else hashlib.sha256(blob).digest()
        sock.sendall(struct.pack("!Q", size))
        sock.sendall(blob)
        expect(read_whole(sock, 32) == wanted, "the server has other bytes")
        expect(digest_of(sock, size) == wanted, "the client has other bytes")
        return sock

    def curl(self, v6, path="/", scheme="http", *more):
        """Status and body of a request."""
        host = "[%s]" % IN6 if v6 else IN4
        done = subprocess.run(
            [*within(self.rig.internet), "curl", "-sS", "--max-time", "60", "--cacert",
             self.rig.path("cert.pem"), *more, "-w", "%{stderr}%{http_code} %{http_version}\n",
             "%s://%s%s" % (scheme, host, path)], capture_output=True, check=False)
        told = done.stderr.decode().strip().splitlines()
        expect(done.returncode == 0, "curl: %s" % told)
        return told[-1], done.stdout

    def download(self, v6, scheme="http", *more):
        told, body = self.curl(v6, "/blob", scheme, *more)
        expect(hashlib.sha256(body).digest() == self.digest, "curl got %d other bytes (%s)" % (len(body), told))
        return told

    def upload(self, v6, scheme="http", *more):
        self.curl(v6, "/up/blob", scheme, "-T", self.rig.path("blob"), *more)
        with open(self.rig.path("up/blob"), "rb") as f:
            expect(hashlib.sha256(f.read()).digest() == self.digest, "the server stored other bytes")

    def inside_program(self, where, *args, seconds=60):
        namespace = self.rig.internet if where == "internet" else self.rig.shop
        try:
            return subprocess.run([*within(namespace), *args], capture_output=True, text=True,
                                  timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            raise Failed("%s does not end" % args[0]) from None

    def close(self):
        self.calm()
        for part in (self.exchange, self.shop, self.rig):
            if part is not None:
                part.close()


class Bigger(Shop):
    """nginx with the page, a large file, uploads, TLS and HTTP/2."""

    def __init__(self, rig):
        folder = rig.folder
        os.makedirs(rig.path("up/up"), exist_ok=True)
        self.listens = ("ssl_certificate %s/cert.pem; ssl_certificate_key %s/key.pem; client_max_body_size 0; "
                        "client_body_buffer_size 1m; keepalive_requests 100000; "
                        "location = /blob { root %s; } location /up/ { alias %s/up/; dav_methods PUT; }" % (
                            folder, folder, folder, folder))
        super().__init__(rig)

    def config(self, rig):
        text = NGINX.format(folder=rig.folder, v4=IN4, v6=IN6, page=PAGE)
        listen = " listen %s:443 ssl http2; listen [%s]:443 ssl http2; %s" % (IN4, IN6, self.listens)
        return text.replace("location / {", listen + " location / {")


def needs(*programs):
    for name in programs:
        if subprocess.run(["which", name], capture_output=True, check=False).returncode != 0:
            raise Skipped(name + " is not installed")
