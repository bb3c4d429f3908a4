#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""tidegate.py - the operator's command by itself: its table of verbs, its manual, the shell's
completion, and what it makes of answers that no honest daemon gives. A server of this script
stands in for the daemon. Prints `ok NAME` or `not ok NAME` with what was seen."""
import fcntl
import json
import os
import pty
import random
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TIDEGATE_BUILD",
                                                                            os.path.join(ROOT, "build")))
TIDEGATE = os.path.join(BUILD, "app/tidegate/tidegate")
# What each verb needs at least, where that is not nothing.
ARGUMENTS = {"show": ["shop"], "mode": ["shop", "monitor"], "bypass": ["on"], "explain": ["192.0.2.1"],
             "block": ["ls"], "allow": ["ls"], "filters": ["list"], "token": ["ls", "--tokens-file", "/dev/null"],
             "completion": ["bash"], "report": ["a-1"], "thresholds": ["suggest", "shop"], "top": ["--batch"],
             "capture": ["-w", "/dev/null"]}
HOSTILE = "\x1b[2J\x1b]0;gone\x07\x9b31m\u202egnp.exe\r\n\t\x00%s%n"


def expect(holds, sentence):
    assert holds, sentence


class Server:
    """Answers every request on a Unix socket with what `answer(method, path)` returns: bytes."""

    def __init__(self, folder, answer):
        self.path = os.path.join(folder, "s%d.sock" % random.randrange(10**9))
        self.answer = answer
        self.asked = []
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(self.path)
        self.sock.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                peer, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(peer,), daemon=True).start()

    def _one(self, peer):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                got = peer.recv(65536)
                if not got:
                    return
                head += got
            method, path = head.decode().split()[:2]
            self.asked.append((method, path))
            peer.sendall(self.answer(method, path))
        except OSError:
            pass
        finally:
            peer.close()

    def close(self):
        # Who waits in accept() would serve one more.
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def http(document, status=200):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        status, len(body), body)


def run(*words, timeout=20, **more):
    done = subprocess.run([TIDEGATE, *words], capture_output=True, timeout=timeout, check=False,
                          stdin=subprocess.DEVNULL, **more)
    # A sanitizer ends it with a code that could be one of ours.
    expect(b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr, done.stderr.decode()[:3000])
    return done


def verbs():
    """The verbs, as --help lists them."""
    text = run("--help").stdout.decode()
    return re.findall(r"^  ([a-z]+) +\S", text, re.MULTILINE)


def every_verb_has_help_and_a_place_in_the_manual(_):
    with open(os.path.join(ROOT, "app/tidegate/tidegate.1.scd"), encoding="utf-8") as f:
        manual = f.read()
    expect(len(verbs()) > 20, "the help names few verbs: %s" % verbs())
    for verb in verbs():
        for words in ((verb, "--help"), ("--help", verb), ("help", verb)):
            done = run(*words)
            expect(done.returncode == 0 and b"usage: tidegate %s" % verb.encode() in done.stdout,
                   "%s: %s" % (" ".join(words), done))
        expect(re.search(r"^\*%s\*" % verb, manual, re.MULTILINE), "tidegate(1) has no paragraph of %s" % verb)
        usage = run(verb, "--help").stdout.decode().split("\n")[0]
        for option in re.findall(r"--[a-z-]+", usage):
            expect(option in manual, "tidegate(1) does not tell of %s %s" % (verb, option))


def every_verb_speaks_json(folder):
    server = Server(folder, lambda method, path: http({"status": "x", "events": [], "name": "n"}))
    for verb in verbs():
        done = run("--api", "unix:" + server.path, "--json", verb, *ARGUMENTS.get(verb, []))
        try:
            json.loads(done.stdout)
        except ValueError as error:
            raise AssertionError("--json %s prints no JSON: %s" % (verb, done)) from error
        expect(done.returncode in (0, 1, 2, 3, 78), "--json %s: %s" % (verb, done))
    server.close()


def a_slip_is_understood_and_nonsense_is_refused(_):
    for typed, meant in (("statsu", "status"), ("explian", "explain"), ("atacks", "attacks"), ("compl", "completion")):
        done = run(typed)
        expect(done.returncode == 2 and b"did you mean '%s'" % meant.encode() in done.stderr, "%s: %s" % (typed, done))
    for words in (("zzzzzzz",), (), ("status", "more"), ("status", "--nonsense"), ("show",), ("--api",),
                  ("talkers", "--limit")):
        done = run(*words)
        expect(done.returncode == 2 and done.stderr, "%s: %s" % (words, done))
    done = run("\x1b[31mred")
    expect(done.returncode == 2 and b"\x1b" not in done.stderr, "an escape sequence is repeated: %s" % done)


def who_cannot_be_reached_is_told_and_why(folder):
    stale = os.path.join(folder, "stale.sock")
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(stale)
    sock.close()
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    cases = [("unix:" + os.path.join(folder, "none.sock"), "there is no socket"), ("unix:" + stale, "left over"),
             ("http://127.0.0.1:%d" % closed.getsockname()[1], "nobody listens"), ("nonsense", "neither")]
    for api, words in cases:
        done = run("--api", api, "status")
        expect(done.returncode == 69 and words in done.stderr.decode(), "%s: %s" % (api, done))
    if os.geteuid() == 0:
        shut = Server(folder, lambda method, path: http({}))
        os.chmod(shut.path, 0o600)
        os.chmod(folder, 0o755)
        done = run("--api", "unix:" + shut.path, "status", user=65534, group=65534, extra_groups=[])
        os.chmod(folder, 0o700)
        expect(done.returncode == 69 and b"you may not open" in done.stderr, "a socket that is shut: %s" % done)
        shut.close()


def keys():
    """Every member that the command looks for in a document."""
    found = set()
    folder = os.path.join(ROOT, "app/tidegate")
    for name in os.listdir(folder):
        if name.endswith(".c"):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                found |= set(re.findall(r'get(?:_text|_number|_bool)?\([^"]*?"([a-z0-9_.]+)"', f.read()))
    return sorted({part for key in found for part in key.split(".")})


def hostile_value(rng, names, depth):
    kind = rng.randrange(12 if depth > 0 else 7)
    if kind < 3:
        return HOSTILE + rng.choice(["", "x" * 3000, "\ud7ff"])
    if kind < 5:
        return rng.choice([0, -1, 2**63 - 1, -2**63, 1e308, -1e308, 1e-308, 10**15])
    if kind < 7:
        return rng.choice([None, True, False, ""])
    if kind < 9:
        return [hostile_value(rng, names, depth - 1) for _ in range(rng.randrange(4))]
    return {name: hostile_value(rng, names, depth - 1) for name in rng.sample(names, 8)}


def no_answer_steers_the_terminal_or_ends_the_command(folder):
    rng = random.Random(20261122)
    names = keys()
    expect(len(names) > 60, "only %d members are looked for" % len(names))
    made = []

    def answer(method, path):
        document = {name: hostile_value(rng, names, 3) for name in names}
        made.append(path)
        return http(document, rng.choice([200, 200, 200, 200, 422, 500]))

    server = Server(folder, answer)
    for verb in verbs() * 3:
        done = run("--api", "unix:" + server.path, verb, *ARGUMENTS.get(verb, []), env={"TERM": "xterm"})
        told = (done.stdout + done.stderr).decode()
        expect(0 <= done.returncode <= 78, "%s ended by signal %d: %s" % (verb, -done.returncode, told[-300:]))
        bad = re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", told)
        expect(not bad, "%s lets %r through: %s" % (verb, bad[0] if bad else "", told[:300]))
    for verb in verbs():
        done = run("--api", "unix:" + server.path, "--json", verb, *ARGUMENTS.get(verb, []))
        expect(all(byte == 10 or 32 <= byte < 127 for byte in done.stdout), "--json %s prints raw bytes" % verb)
    expect(len(made) > 40, "the server was hardly asked")
    server.close()


def broken_http_is_an_error_and_no_crash(folder):
    big = b"[" * 100000
    for text in (b"", b"x", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 99999999999999999999 X\r\n\r\n{}",
                 b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nab",
                 b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nab\r\n0\r\n\r\n",
                 b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", http(b"\xff\xfe{}"), http(b"{"),
                 http(big), http(b'{"a":"\x00"}'), b"\x00" * 5000, http(b"<html>\x1b[31m</html>", 502)):
        server = Server(folder, lambda method, path, text=text: text)
        for verb in ("status", "check", "services", "reload", "version"):
            done = run("--api", "unix:" + server.path, verb)
            expect(0 <= done.returncode <= 78, "%r ends %s by a signal" % (text[:60], verb))
            expect(b"\x1b" not in done.stdout + done.stderr, "%r reaches the terminal" % text[:60])
            expect(done.returncode != 0 or verb == "version", "%r is taken for an answer to %s: %s" % (text, verb, done))
        server.close()


def who_answers_drop_by_drop_is_left(folder):
    class Slow(Server):
        def _one(self, peer):
            try:
                peer.recv(65536)
                for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
                    peer.send(bytes([byte]))
                    time.sleep(0.05)
            except OSError:
                pass

    slow = Slow(folder, None)
    began = time.monotonic()
    done = run("--api", "unix:" + slow.path, "completion", "names", "services")
    expect(done.returncode == 0 and time.monotonic() - began < 3, "the shell waits for %s" % done)
    slow.close()


def complete(folder, line, api=None):
    """What bash offers when the key is pressed behind `line`."""
    script = os.path.join(folder, "completion")
    with open(script, "wb") as f:
        f.write(run("completion", "bash").stdout)
    # COMP_WORDS as readline makes them: '=' and ':' part words, too.
    words = [w for w in re.split(r"(?<=[=:])|(?=[=:])|\s+", line) if w]
    if line.endswith(" "):
        words.append("")
    program = """
source "$1"; shift
complete -p tidegate >/dev/null || exit 9
COMP_LINE=$1; COMP_POINT=${#1}; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_tidegate
printf '%s\\n' "${COMPREPLY[@]}"
"""
    words[0] = TIDEGATE
    done = subprocess.run(["bash", "--norc", "-c", program, "bash", script, line, *words], capture_output=True,
                          text=True, timeout=20, check=False, cwd=folder)
    expect(done.returncode == 0 and not done.stderr, "bash: %s" % done)
    return set(done.stdout.split())


def bash_completes_verbs_options_and_names(folder):
    names = ["shop", "game-eu", "bad name", "$(touch gone)", "-rf", "`id`"]
    server = Server(folder, lambda method, path: http({"services": [{"name": n} for n in names]}))
    expect(set(verbs()) <= complete(folder, "tidegate "), "verbs")
    expect(complete(folder, "tidegate st") == {"status"}, "st: %s" % complete(folder, "tidegate st"))
    expect(complete(folder, "tidegate bypass o") == {"on", "off"}, "bypass")
    expect("--for" in complete(folder, "tidegate mode shop monitor --f"), "an option of a verb")
    expect({"--json", "--api"} <= complete(folder, "tidegate --"), "options of all verbs")
    there = "tidegate --api unix:%s show " % server.path
    expect(complete(folder, there) == {"shop", "game-eu"}, "names: %s" % complete(folder, there))
    expect(complete(folder, there + "ga") == {"game-eu"}, "a name that was begun")
    expect(server.asked and not os.path.exists(os.path.join(folder, "gone")), "nobody was asked")
    open(os.path.join(folder, "rule.json"), "w", encoding="ascii").close()
    expect("rule.json" in complete(folder, "tidegate filters add rule"), "a file")
    server.close()


def colour_is_for_terminals(folder):
    document = {"mode": "monitor", "bypass": True, "warnings": ["one"]}
    server = Server(folder, lambda method, path: http(document))
    words = "%s --api unix:%s status" % (TIDEGATE, server.path)

    def typed(env):
        done = subprocess.run(["script", "-qec", words, "/dev/null"], capture_output=True, timeout=20, check=False,
                              stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm", **env})
        return done.stdout
    expect(b"\x1b[31m" in typed({}), "no colour on a terminal")
    expect(b"\x1b" not in typed({"NO_COLOR": "1"}), "colour in spite of NO_COLOR")
    expect(b"\x1b" not in run("--api", "unix:" + server.path, "status").stdout, "colour in a pipe")
    server.close()


LIVE = {"node": "gate-1", "mode": "mitigate", "time": "2026-11-22T12:00:00.000Z", "bypass": False,
        "total": {"received": {"packets_per_second": 1250000, "bits_per_second": 3e9}},
        "services": [{"name": "shop", "mode": "mitigate", "state": "active", "headroom_ratio": 0.25,
                      "rates": {"received": {"packets_per_second": 900, "bits_per_second": 10}}},
                     {"name": "game\x1b[31m", "mode": "monitor", "state": "quiet", "headroom_ratio": 1,
                      "rates": {"received": {"packets_per_second": 5, "bits_per_second": 99}}}],
        "reasons": [{"reason": "shape.udp_flood", "packets_per_second": 77}],
        "attacks": [{"attack_id": "a-20261122-0001", "service": "shop", "vector": "udp_flood"}]}
TALKERS = {"top": [{"address": "198.51.100.7", "packets_per_second": 800, "bits_per_second": 1}]}
WORKERS = {"workers": [{"worker": 0, "busy_ratio": 0.5, "cycles_per_packet": 210}]}


def top_server(folder):
    return Server(folder, lambda method, path: http(
        LIVE if "live" in path else TALKERS if "/top" in path else WORKERS))


def top_prints_pages_for_pipes(folder):
    server = top_server(folder)
    words = ["--api", "unix:" + server.path, "top", "--batch"]
    page = run(*words).stdout.decode()
    for part in ("gate-1", "1.25 Mpps", "shop", "25 % left", "shape.udp_flood", "198.51.100.7", "udp_flood", "50 %"):
        expect(part in page, "a page lacks %s:\n%s" % (part, page))
    expect("\x1b" not in page and page.index("\nshop ") < page.index("\ngame"), page)
    expect(run(*words, "-n", "2").stdout.decode().count("gate-1") == 2, "two pages")
    by_bits = run(*words, "--sort", "bits").stdout.decode()
    expect(by_bits.index("\ngame") < by_bits.index("\nshop "), by_bits)
    few = run(*words, "--filter", "gam").stdout.decode()
    expect("game" in few and "198.51.100.7" not in few, few)
    lines = run("--json", *words, "-n", "2").stdout.splitlines()
    expect(len(lines) == 2 and json.loads(lines[0])["live"]["node"] == "gate-1", lines)
    expect(run(*words[:-1]).returncode == 2, "a whole screen in a pipe")
    server.close()
    expect(run(*words).returncode == 69, "a page of nobody")


class Terminal:
    """tidegate top on a terminal of this script; `seen` is all it ever wrote."""

    def __init__(self, path, rows=40, columns=150):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(TIDEGATE, [TIDEGATE, "--api", "unix:" + path, "top"])
        self.resize(rows, columns)
        self.seen = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.seen += os.read(self.fd, 65536)
                except OSError:
                    return

    def wait(self, text, seconds=5):
        """Until `text` is written from now on."""
        self.seen = b""
        until = time.monotonic() + seconds
        while text not in self.seen:
            expect(time.monotonic() < until, "the terminal never shows %r, but %r" % (text, self.seen[-2000:]))
            self.read(0.1)

    def press(self, keys):
        os.write(self.fd, keys)

    def end(self):
        self.read(1)
        _, status = os.waitpid(self.pid, 0)
        self.read(0.2)
        os.close(self.fd)
        return status


def top_fills_a_terminal_and_gives_it_back(folder):
    server = top_server(folder)
    terminal = Terminal(server.path)
    terminal.wait(b"shop")
    expect(b"\x1b[31mgame" not in terminal.seen and b"\x1b[?1049h" in terminal.seen, "names steer the terminal")
    terminal.press(b"?")
    terminal.wait(b"this help")
    terminal.press(b"?")
    terminal.wait(b"shop")
    terminal.press(b"/")
    terminal.wait(b"show only names with")
    terminal.press(b"shop\r")
    terminal.wait(b"only shop")
    terminal.press(b"\x1b")
    terminal.press(b"h")
    terminal.wait(b"headroom")
    terminal.resize(12, 60)
    terminal.wait(b"gate-1")
    terminal.resize(3, 10)
    terminal.read(0.5)
    terminal.resize(50, 200)
    terminal.wait(b"shape.udp_flood")
    asked = len(server.asked)
    terminal.read(2.5)
    expect(len(server.asked) >= asked + 6, "it is not asked anew every second: %d" % (len(server.asked) - asked))
    server.close()
    os.unlink(server.path)
    terminal.wait(b"STALE")
    terminal.press(b"q")
    expect(terminal.end() == 0 and b"\x1b[?1049l" in terminal.seen, "the terminal is not given back")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        terminal = Terminal(os.path.join(folder, "nobody.sock"))
        terminal.wait(b"there is no socket")
        os.kill(terminal.pid, number)
        expect(terminal.end() == 0 and b"\x1b[?1049l" in terminal.seen, "signal %d leaves the terminal" % number)
    done = subprocess.run(["script", "-qec", TIDEGATE + " top", "/dev/null"], capture_output=True, timeout=20,
                          check=False, stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "no-such-terminal"})
    expect(done.returncode in (1, 2), "an unknown terminal: %s" % done)


def check_knows_limits_and_perfdata(folder):
    status = {"mode": "mitigate", "services": 1, "attacks_active": 2, "load": [{"busy_ratio": 0.9}], "bypass": False,
              "total": {"books": {"plausible": True}, "rates": {"received": {"packets_per_second": 50}}},
              "ports": [{"missed_packets": 3}, {"missed_packets": 4}]}
    services = {"services": [{"headroom_ratio": 0.3, "rates": {"would_packets_per_second": 5}}]}
    server = Server(folder, lambda method, path: http(
        b"ready\n" if path == "/readyz" else status if "status" in path else services))

    def check(*words):
        done = run("--api", "unix:" + server.path, "check", *words)
        return done.returncode, done.stdout.decode()
    code, text = check()
    expect(code == 1 and "2 attacks" in text, text)
    for part in ("received=50;", "busy=90%;", "headroom=30%;", "missed=7c;", "would=5;", "attacks=2;"):
        expect(part in text.split(" | ")[1], "perfdata lacks %s: %s" % (part, text))
    for words, wanted in ((("--warn", "attacks=5"), 0), (("--warn", "busy=80"), 1), (("--crit", "busy=80"), 2),
                          (("--warn", "attacks=5", "--crit", "headroom=20:"), 0), (("--crit", "headroom=40:"), 2),
                          (("--warn", "attacks=5", "--warn", "received=~:40"), 1),
                          (("--warn", "attacks=5", "--warn", "received=@40:60"), 1),
                          (("--warn", "attacks=5", "--warn", "received=@0:40"), 0)):
        code, text = check(*words)
        expect(code == wanted, "%s: %d, %s" % (words, code, text))
    expect("busy=90%;80;" in check("--warn", "busy=80")[1], "a limit is not in the perfdata")
    for bad in ("busy", "busy=", "busy=x", "nothing=1", "busy=9:1", "busy=nan"):
        expect(check("--warn", bad)[0] == 2 and not check("--warn", bad)[1], bad)
    document = json.loads(run("--api", "unix:" + server.path, "--json", "check").stdout)
    expect(document["state"] == "WARNING" and document["busy"] == 90, document)
    server.close()
    code, text = check()
    expect(code == 2 and "CRITICAL" in text and "left over" in text, text)


TESTS = (every_verb_has_help_and_a_place_in_the_manual, every_verb_speaks_json,
         a_slip_is_understood_and_nonsense_is_refused, who_cannot_be_reached_is_told_and_why,
         no_answer_steers_the_terminal_or_ends_the_command, broken_http_is_an_error_and_no_crash,
         who_answers_drop_by_drop_is_left, top_prints_pages_for_pipes, top_fills_a_terminal_and_gives_it_back,
         check_knows_limits_and_perfdata, bash_completes_verbs_options_and_names, colour_is_for_terminals)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed = 0
    with tempfile.TemporaryDirectory(prefix="tidegate-cli-") as folder:
        for test in TESTS:
            try:
                test(folder)
                print("ok", test.__name__, flush=True)
            except Exception as why:  # pylint: disable=broad-except
                failed += 1
                print("not ok", test.__name__, flush=True)
                print("  %s: %s" % (type(why).__name__, str(why)[:3000]), file=sys.stderr, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
