# SPDX-License-Identifier: BSD-3-Clause
"""gate - what stands between the internet and the shop: Tidegate, or a plain bridge.

Tidegate is driven the way an operator would: a configuration file, and the HTTP API on its
Unix socket with a token for what changes something. The bridge is the wire without any
gate; it is there to compare with.
"""

import hashlib
import http.client
import json
import os
import secrets
import socket
import time

from net import SHOP4, SHOP6
from procs import ProcError, Program

# The story's thresholds. A limit that its attack stays below would prove nothing. Forged SYNs
# and segments of no connection do not reach the shop at all once the gate defends it.
LIMITS = {"udp": 100, "fragment": 100}
NOTHING = {"syn": 0, "tcp": 0, "bot_syn": 0}
SOURCE_PPS = 10
SYN_PPS = 2_000
TCP_PPS = 12_000
NEW_CONNECTIONS = 5
CONNECTIONS = 4
HEADER_SECONDS = 1

CONFIG = """\
# The gate of the story; written by tools/run, thrown away at its end.
version = 1;
node = {{ name = "story"; }};
dataplane = {{
	workers = "1";
	cores = "{cores}";
	flow_entries = "128k";
	source_entries = "256k";
}};
links = ( {{ name = "uplink"; external = "wan"; internal = "lan"; }} );
api = {{ listen = [ "unix:{socket}" ]; tokens_file = "{tokens}"; }};
events = {{ file = "{events}"; }};
state = {{ folder = "{state}"; }};
policies = (
	{{
		name = "shop";
		mode = "monitor";
		# Each act is an attack of its own, not a wave of the one before.
		detection = {{ activate_after = "300ms"; clear_after = "2s"; hold_for = "2s"; block_after = "0s"; }};
		vectors = (
			{{ vector = "udp_flood"; activate_rate = "{udp}pps"; }},
			{{ vector = "fragment_flood"; activate_rate = "{fragment}pps"; }},
			{{ vector = "tcp_syn_flood"; activate_rate = "{syn}pps"; }},
			{{ vector = "tcp_other_flood"; activate_rate = "{tcp}pps"; }},
			{{ vector = "icmp_flood"; activate_rate = "500pps"; }},
			{{ vector = "other_flood"; activate_rate = "500pps"; }}
		);
		tcpauth = {{
			method = "auto";                     # answer SYNs in the shop's place
			learning_time = "5s";
		}};
		behaviour = {{
			max_connections = "{held}";            # of one source at a time
			header_time = "{header}s";            # a request's header has to end
			http_ports = [ "80" ];
			block_after = 5;
			block_for = "10s";
		}};
		sources = {{
			packets = "{source}pps";             # outside of verified flows
			new_connections = "{connections}cps"; # completed handshakes
			block_after = "1s";                  # real hosts that stay above it
			block_for = "3s";
			block_repeat = "1";                   # the next phase begins with nobody shut out
		}};
	}}
);
services = (
	{{ name = "shop"; prefixes = [ "{four}/32", "{six}/128" ]; protocol = "any"; policy = "shop"; }}
);
"""


class Bridge:
    """The wire without a gate: a Linux bridge in its place."""

    kind = "bridge"

    def __init__(self, rig):
        self.rig = rig

    def start(self):
        """Join the two ends."""
        self.rig.net.bridge("gate", "wire", "wan", "lan")

    def must_live(self):
        """A bridge does not die."""

    def stop(self):
        """Nothing to do; it goes with its namespace."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Scrubber:
    """tidegated on AF_XDP between `wan` and `lan`."""

    kind = "tidegate"

    def __init__(self, rig):
        self.rig = rig
        self.folder = os.path.join(rig.folder, "gate")
        self.socket = os.path.join(self.folder, "api.sock")
        self.config = os.path.join(self.folder, "gate.conf")
        self.log = os.path.join(self.folder, "tidegated.log")
        self.token = secrets.token_hex(16)
        self.program = None

    def _write_files(self):
        os.makedirs(self.folder, exist_ok=True)
        tokens = os.path.join(self.folder, "tokens")
        with open(tokens, "w", encoding="ascii", opener=private) as out:
            out.write(f"story:{hashlib.sha256(self.token.encode()).hexdigest()}\n")
        load, gate = self.rig.load_core, self.rig.gate_core
        with open(self.config, "w", encoding="ascii") as out:
            out.write(CONFIG.format(
                cores=f"{load}-{gate}" if gate == load + 1 else "auto",
                socket=self.socket, tokens=tokens,
                events=os.path.join(self.folder, "events.json"),
                state=os.path.join(self.folder, "state"), syn=SYN_PPS, tcp=TCP_PPS,
                source=SOURCE_PPS, connections=NEW_CONNECTIONS,
                held=CONNECTIONS, header=HEADER_SECONDS, four=SHOP4, six=SHOP6,
                **LIMITS))

    def start(self):
        """Start the daemon and wait until it says that it is ready."""
        self._write_files()
        self.program = Program(self.rig.net, "gate",
                               [self.rig.tool("tidegated"), "run", "-c", self.config], self.log,
                               f"{self.rig.load_core},{self.rig.gate_core}")
        end = time.monotonic() + 30
        while time.monotonic() < end:
            self.program.must_live()
            try:
                if self._call("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise ProcError("tidegated is not ready after 30 seconds: " + self.program.last_words())

    def must_live(self):
        """Raise when the daemon has died."""
        self.program.must_live()

    def _call(self, method, path, body=None):
        connection = UnixConnection(self.socket, 5)
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def allowed(self):
        """Packets per second that the configuration lets through, by kind of attack."""
        return {**LIMITS, **NOTHING}

    def get(self, what):
        """Read /api/v1/`what`."""
        return self._json("GET", what)

    def put(self, what, body):
        """Change /api/v1/`what`."""
        return self._json("PUT", what, body)

    def _json(self, method, what, body=None):
        try:
            status, text = self._call(method, f"/api/v1/{what}", body)
        except OSError as gone:
            self.must_live()
            raise ProcError(f"tidegated does not answer {what}: {gone}") from gone
        if status // 100 != 2:
            raise ProcError(f"tidegated answers {method} {what} with {status}: {text[:300]!r}")
        return json.loads(text) if text.strip() else {}

    def bypass(self, enabled):
        """Forward without judging, or judge again."""
        self.put("bypass", {"enabled": enabled})

    def mode(self, mode):
        """What the shop's policy does with what it finds."""
        self.put("services/shop/mode", {"mode": mode})

    def stop(self):
        """Ask the daemon to drain and leave; a wrong exit code is told."""
        if self.program is None:
            return
        died = not self.program.alive()
        code = self.program.stop(10)
        if not died and code != 0:
            raise ProcError(f"tidegated left with code {code}: {self.program.last_words()}")


def private(path, flags):
    """Open a file that only its owner may read."""
    return os.open(path, flags, 0o600)
