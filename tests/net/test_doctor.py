#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
"""`tidegate doctor` names the fault: each test breaks something real, looks whether the finding of
that name comes, mends it again, and looks whether the finding goes. One daemon serves them all."""
import contextlib
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "replay"))
import frames as lay  # noqa: E402

from load import ATTACKER, sent, start_sending
from rig import IN4, TOKEN, Failed, Rig, Skipped, expect, inside, main, program, run, threads_of, wait_until

# Other programs may share this machine, and a test cannot mend that.
NOISE = {"worker_starved", "worker_overloaded", "worker_hangs", "no_hugepages", "warning", "rx_missed"}
POLICIES = """
policies = ( { name = "web"; mode = "monitor"; detection = { activate_after = "100ms"; clear_after = "1s"; };
    sanity = { private_sources = "allow"; };
    vectors = ( { vector = "udp_flood"; activate_rate = "2kpps"; } ); } );
services = ( { name = "shop"; prefixes = [ "%s" ]; policy = "web"; } );
"""
# A clock that can be set for one process alone.
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *t)
{
	static int (*real)(clockid_t, struct timespec *);
	long offset = 0;
	FILE *f;
	if (real == NULL)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	int rc = real(id, t);
	if (id == CLOCK_REALTIME && (f = fopen(CLOCK_FILE, "re")) != NULL) {
		if (fscanf(f, "%ld", &offset) == 1)
			t->tv_sec += offset;
		fclose(f);
	}
	return rc;
}
"""


class Ward:
    """The one gate, its disk and its clock."""

    def __init__(self):
        self.rig = Rig()
        os.mkdir(self.rig.path("disk"))
        run("mount", "-t", "tmpfs", "-o", "size=64m", "none", self.rig.path("disk"))
        self.text = self.config("203.0.113.10/32")
        with self.own_clock():
            expect(self.rig.start(self.text), self.rig.log)
        with open(self.rig.path("token"), "w", encoding="ascii") as f:
            f.write(TOKEN + "\n")
        self.out = self.rig.raw("internet")
        self.back = self.rig.raw("shop")

    def config(self, prefix, **more):
        text = self.rig.config(more=POLICIES % prefix, **more)
        text = text.replace(self.rig.path("events.json"), self.rig.path("disk/events.json"))
        return text.replace(self.rig.path("state"), self.rig.path("disk/state"))

    @contextlib.contextmanager
    def own_clock(self):
        shim = self.rig.path("clock.so")
        self.clock = self.rig.path("clock")
        done = subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, "-xc", "-",
                               '-DCLOCK_FILE="%s"' % self.clock, "-ldl"],
                              input=SHIM, text=True, capture_output=True, check=False)
        expect(done.returncode == 0, done.stderr)
        os.environ["LD_PRELOAD"] = shim
        try:
            yield
        finally:
            del os.environ["LD_PRELOAD"]

    def cli(self, *words, code=None):
        done = subprocess.run([program("app/tidegate/tidegate"), "--api", "unix:" + self.rig.path("api.sock"),
                               "--token-file", self.rig.path("token"), *words],
                              capture_output=True, text=True, timeout=40, check=False)
        expect(code is None or done.returncode == code, "tidegate %s: %d: %s%s" % (
            " ".join(words), done.returncode, done.stdout, done.stderr))
        return done

    def findings(self, *words):
        """By name; and the exit code must fit them."""
        done = self.cli("--json", "doctor", *words)
        document = json.loads(done.stdout)
        levels = {f["level"] for f in document["findings"]}
        wanted = 2 if "fault" in levels else 1 if "warning" in levels else 0
        expect(done.returncode == wanted, "exit code %d for %s" % (done.returncode, levels))
        for f in document["findings"]:
            expect(f["sentence"] and f["step"] and f["level"] in ("note", "warning", "fault"), "a finding: %s" % f)
        return {f["name"]: f for f in document["findings"]}

    def names(self, name, level=None, seconds=12, words=(), act=lambda: None):
        """Wait until doctor names it; returns the finding. It stands in the text for people, too."""
        seen = {}

        def holds():
            act()
            seen.clear()
            seen.update(self.findings(*words))
            return name in seen and (level is None or seen[name]["level"] == level)
        try:
            wait_until(holds, name, seconds)
        except Failed as why:
            raise Failed("doctor does not name %s, but %s" % (name, sorted(seen))) from why
        return seen[name]

    def no_longer(self, name, seconds=12, act=lambda: None):
        def holds():
            act()
            return name not in self.findings()
        wait_until(holds, "doctor goes on naming %s" % name, seconds)

    def strangers(self, count=60):
        """Packets of one direction that no kernel answers."""
        for i in range(count):
            frame = lay.udp("198.18.6.6", IN4, 3000 + i, 7000, b"ward" * 10)
            self.out.send(frame[:6] + ATTACKER + frame[12:])

    def talk(self, count=60):
        """Packets of both directions."""
        self.strangers(count)
        for i in range(count):
            self.back.send(lay.udp(IN4, "198.18.6.6", 7000, 3000 + i, b"ward" * 10))

    def reload(self, text):
        self.text = text
        self.rig.write_config(text)
        self.cli("reload", code=0)

    def close(self):
        self.rig.stop(signal.SIGKILL)
        run("umount", self.rig.path("disk"), check=False)
        self.rig.close()


WARD = []


def ward():
    if not WARD:
        if shutil.which("cc") is None:
            raise Skipped("no compiler for the clock that the test sets")
        WARD.append(Ward())
    return WARD[0]


def no_traffic():
    w = ward()
    found = w.names("no_traffic", seconds=20)
    expect("arrives" in found["sentence"] and found["remedy"], found)
    text = w.cli("doctor").stdout
    expect("no_traffic" in text and "-> " in text and "rx" in text, text)


def traffic_that_no_service_claims():
    w = ward()
    w.names("no_service_matches", "fault", act=w.talk)
    # Who receives most is known after a second.
    wait_until(lambda: w.talk() or IN4 in w.findings()["no_service_matches"]["sentence"],
               "the destination is not named: %s" % w.findings())
    w.reload(w.config("10.66.0.2/32"))
    w.no_longer("no_service_matches", act=w.talk)


def one_direction_only():
    w = ward()
    w.names("one_direction", "fault", act=w.strangers)
    w.no_longer("one_direction", act=w.talk)


def a_gate_that_is_well():
    w = ward()

    def holds():
        w.talk()
        return set(w.findings()) <= NOISE
    wait_until(holds, "a gate that is well gets findings: %s" % w.findings(), 15)


def bypass_left_on():
    w = ward()
    w.cli("bypass", "on", code=0)
    w.names("bypass", "warning", act=w.talk)
    w.cli("bypass", "off", code=0)
    w.no_longer("bypass", act=w.talk)


def monitor_while_under_attack():
    w = ward()
    sender = start_sending(w.rig, "--rate", "6k", "--duration", "4s", "--part",
                           "udp,sources=hosts:4,from=198.18.7.0/29,dst=%s,dport=7001,family=4,duration=4s" % IN4)
    try:
        found = w.names("attack_not_mitigated", "fault", 8)
        expect(found["subject"] == "shop" and "tidegate mode shop mitigate" in found["remedy"], found)
        w.cli("mode", "shop", "mitigate", code=0)
        w.no_longer("attack_not_mitigated", 5)
    finally:
        sent(sender)
        w.cli("mode", "shop", "configured")


def a_file_that_is_not_in_force():
    w = ward()
    w.rig.write_config(w.text.replace('"2kpps"', '"3kpps"'))
    w.names("config_differs", "warning")
    w.rig.write_config(w.text.replace('"2kpps"', '"fast"'))
    found = w.names("config_broken", "fault")
    expect("gate.conf:" in found["sentence"], found)
    w.rig.write_config(w.text)
    expect(not {"config_differs", "config_broken"} & set(w.findings()), "findings stay")


def tokens_that_cannot_be_used():
    w = ward()
    os.chmod(w.rig.path("tokens"), 0o666)
    w.names("tokens_unreadable", "warning")
    os.rename(w.rig.path("tokens"), w.rig.path("gone"))
    found = w.names("tokens_unreadable", "warning")
    expect(found["subject"] == w.rig.path("tokens") and "No such file" in found["sentence"], found)
    os.rename(w.rig.path("gone"), w.rig.path("tokens"))
    os.chmod(w.rig.path("tokens"), 0o600)
    w.no_longer("tokens_unreadable")
    expect("own_token_unreadable" in json.loads(subprocess.run(
        [program("app/tidegate/tidegate"), "--api", "unix:" + w.rig.path("api.sock"), "--token-file", "/nonexistent",
         "--json", "doctor"], capture_output=True, text=True, check=False).stdout)["findings"][-1]["name"], "own token")


def a_disk_that_is_full():
    w = ward()
    with contextlib.suppress(OSError), open(w.rig.path("disk/ballast"), "wb", buffering=0) as f:
        while f.write(b"\0" * 65536) == 65536:
            pass
    found = w.names("disk_full", "fault")
    expect(w.rig.path("disk") in found["subject"], found)
    os.unlink(w.rig.path("disk/ballast"))
    w.no_longer("disk_full")


def a_clock_that_was_set():
    w = ward()
    with open(w.clock, "w", encoding="ascii") as f:
        f.write("7200\n")
    found = w.names("clock_jumped", "warning")
    expect("forward by 7200 s" in found["sentence"], found)
    os.unlink(w.clock)
    w.no_longer("clock_jumped")


def ends_of_different_length():
    w = ward()
    run("ip", "-n", w.rig.gate, "link", "set", "int0", "mtu", "1400")
    found = w.names("mtu_mismatch", "fault")
    expect("1400" in found["sentence"] and "1500" in found["sentence"], found)
    run("ip", "-n", w.rig.gate, "link", "set", "int0", "mtu", "1500")
    w.no_longer("mtu_mismatch")


def a_link_that_is_down():
    w = ward()
    run("ip", "-n", w.rig.internet, "link", "set", "out0", "down")
    found = w.names("link_down", "fault")
    expect(found["subject"] in ("ext0", "int0"), found)
    run("ip", "-n", w.rig.internet, "link", "set", "out0", "up")
    w.no_longer("link_down")


def a_worker_that_is_not_let_run():
    w = ward()
    core = w.rig.get("workers")["workers"][0]["lcore"]
    threads = threads_of(w.rig.daemon.pid)
    worker = [tid for tid, name in threads.items() if "worker" in name]
    expect(len(worker) == 1, "which thread is the worker? %s of %s" % (threads, core))
    cpus = os.sched_getaffinity(worker[0])
    hog = subprocess.Popen([sys.executable, "-c", "while True: pass"],
                           preexec_fn=lambda: os.sched_setaffinity(0, cpus))
    try:
        os.sched_setscheduler(worker[0], os.SCHED_IDLE, os.sched_param(0))
        w.names("worker_starved", "fault", 15)
    finally:
        hog.kill()
        hog.wait()
        os.sched_setscheduler(worker[0], os.SCHED_OTHER, os.sched_param(0))


def a_daemon_that_was_stopped():
    w = ward()
    w.rig.daemon.send_signal(signal.SIGSTOP)
    try:
        found = w.names("daemon_stopped", "fault", words=("--timeout", "1"))
        expect("kill -CONT %d" % w.rig.daemon.pid in found["remedy"], found)
    finally:
        w.rig.daemon.send_signal(signal.SIGCONT)
    w.no_longer("daemon_stopped")


def a_socket_that_is_not_permitted():
    w = ward()
    os.chmod(w.rig.folder, 0o755)
    # Whoever builds as root may keep the program where nobody else comes.
    copy = os.path.join(w.rig.folder, "tidegate")
    shutil.copy(program("app/tidegate/tidegate"), copy)
    done = subprocess.run([copy, "--api", "unix:" + w.rig.path("api.sock"), "--json", "doctor"], capture_output=True,
                          text=True, check=False, user=65534, group=65534, extra_groups=[])
    os.chmod(w.rig.folder, 0o700)
    expect(done.returncode == 2, done)
    expect("socket_not_permitted" in {f["name"] for f in json.loads(done.stdout)["findings"]}, done.stdout)


# --- no daemon --------------------------------------------------------------------


def offline(text, *before):
    """What doctor finds in the gate's namespace where no daemon runs; `before` are words of a shell."""
    w = ward()
    if w.rig.daemon is not None:
        w.rig.stop(signal.SIGKILL)
    path = w.rig.write_config(text)
    command = ["ip", "netns", "exec", w.rig.gate, "unshare", "-m", "sh", "-c", " ".join(before) + ' exec "$@"', "sh",
               program("app/tidegate/tidegate"), "--api", "unix:" + w.rig.path("api.sock"), "--json", "doctor",
               "--config", path, "--daemon", program("app/tidegated/tidegated")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)
    expect(done.returncode == 2 and not done.stderr, done)
    return {f["name"]: f for f in json.loads(done.stdout)["findings"]}


def a_daemon_that_died():
    w = ward()
    found = offline(w.text)
    expect("stale_socket" in found and "daemon_not_running" in found, found)
    os.unlink(w.rig.path("api.sock"))
    found = offline(w.text)
    expect("stale_socket" not in found and "daemon_not_running" in found, found)
    expect(set(found) <= {"daemon_not_running", "cores", "no_hugepages", "journal"}, "a good set-up: %s" % found)


def a_wrong_interface():
    found = offline(ward().config("10.66.0.2/32", external="nosuch0"))
    expect("nosuch0" in found["interface"]["sentence"] and found["interface"]["level"] == "fault", found)


def a_device_that_is_absent_or_bound_elsewhere():
    w = ward()
    found = offline(w.config("10.66.0.2/32", external="0000:ff:1f.7"))
    expect("no PCI device 0000:ff:1f.7" in found["device"]["sentence"], found)
    for link in sorted(glob.glob("/sys/bus/pci/devices/*/driver")):
        driver = os.path.basename(os.readlink(link))
        if driver not in ("vfio-pci", "uio_pci_generic", "igb_uio", "mlx5_core", "mlx4_core"):
            address = link.split("/")[-2]
            found = offline(w.config("10.66.0.2/32", external=address))
            expect("%s is bound to %s" % (address, driver) in found["device"]["sentence"], found)
            return
    raise Skipped("this machine has no PCI device with a driver; the one that is absent was named")


def no_hugepages():
    w = ward()
    nothing = w.rig.path("zero")
    with open(nothing, "w", encoding="ascii") as f:
        f.write("0\n")
    binds = ["mount --bind %s %s;" % (nothing, path) for name in ("nr_hugepages", "free_hugepages")
             for path in glob.glob("/sys/kernel/mm/hugepages/*/" + name)]
    found = offline(w.text, *binds)
    expect("vm.nr_hugepages" in found["no_hugepages"]["sentence"], found)


def ends_of_different_length_before_the_start():
    w = ward()
    run("ip", "-n", w.rig.gate, "link", "set", "int0", "mtu", "1400")
    found = offline(w.text)
    run("ip", "-n", w.rig.gate, "link", "set", "int0", "mtu", "1500")
    expect("int0 has MTU 1400" in found["mtu_mismatch"]["sentence"], found)


def a_port_that_is_in_use():
    w = ward()
    with inside(w.rig.gate):
        other = socket.socket()
        other.bind(("127.0.0.1", 9686))
        other.listen()
    try:
        found = offline(w.text.replace('listen = [ "unix:', 'listen = [ "127.0.0.1:9686", "unix:'))
    finally:
        other.close()
    expect("127.0.0.1:9686" in found["port_in_use"]["sentence"], found)


def a_configuration_that_is_wrong():
    w = ward()
    found = offline(w.text.replace('"2kpps"', '"fast"'))
    expect("gate.conf:" in found["config"]["sentence"] and "fast" in found["config"]["sentence"], found)
    os.unlink(w.rig.path("gate.conf"))
    done = w.cli("--json", "doctor", "--config", w.rig.path("gate.conf"), code=2)
    expect("no_config" in {f["name"] for f in json.loads(done.stdout)["findings"]}, done.stdout)


if __name__ == "__main__":
    try:
        main(no_traffic, traffic_that_no_service_claims, one_direction_only, a_gate_that_is_well, bypass_left_on,
             monitor_while_under_attack, a_file_that_is_not_in_force, tokens_that_cannot_be_used, a_disk_that_is_full,
             a_clock_that_was_set, ends_of_different_length, a_link_that_is_down, a_daemon_that_was_stopped,
             a_socket_that_is_not_permitted, a_worker_that_is_not_let_run, a_daemon_that_died, a_wrong_interface,
             a_device_that_is_absent_or_bound_elsewhere, no_hugepages, ends_of_different_length_before_the_start,
             a_port_that_is_in_use, a_configuration_that_is_wrong)
    finally:
        for opened in WARD:
            opened.close()
