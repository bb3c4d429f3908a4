#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
"""The Debian package in a machine that boots: installed, started, hardened, upgraded, removed, purged.

The machine is a systemd-nspawn with a systemd of its own, its network a gate between two
namespaces. So the unit's hardening is in force as it will be, and packets cross it.
"""
import atexit
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
from machine import BUILD, Failed, Machine, Skipped, expect, packages, wait_until  # noqa: E402
from rig import IN4, IN6, Rig, main, run  # noqa: E402
from test_notify import LIBC, WALL, held  # noqa: E402

CONF = "/etc/tidegate/tidegate.conf"
CONTINUE = 7  # of ptrace
# Everything that could want a power the unit does not have: filters compiled to machine code,
# lists from a file, state, both kinds of API sockets.
CONFIG = """# written by the test
version = 1;
node = { name = "packaged"; };
dataplane = { flow_entries = "16k"; source_entries = "16k"; };
links = ( { name = "uplink"; external = "%s"; internal = "%s"; } );
api = { listen = [ "127.0.0.1:9686", "unix:/run/tidegate/api.sock" ]; tokens_file = "/etc/tidegate/tokens"; };
events = { file = "/var/log/tidegate/events.json"; };
state = { folder = "/var/lib/tidegate"; };
lists = ( { name = "bad"; action = "deny"; file = "/etc/tidegate/bad.txt"; } );
filters = ( { name = "tftp"; expression = "udp and dst port 69 and len > 20"; action = "drop"; } );
policies = ( { name = "web"; mode = "mitigate"; sanity = { private_sources = "allow"; }; } );
services = ( { name = "shop"; prefixes = [ "10.66.0.2/32", "fd66::2/128" ]; policy = "web"; } );
"""


class World:
    """One machine for all tests, before its gate the namespaces of a rig."""

    def __init__(self):
        self.debs = packages()
        self.rig = Rig()
        # Called in the other order: the machine lives in the rig's namespace.
        atexit.register(self.rig.close)
        self.machine = Machine(self.rig.gate)
        self.deb = next(d for d in self.debs if "/tidegate_" in d)

    def answers(self, target, count=3):
        """How many pings cross the gate."""
        done = subprocess.run(["ip", "netns", "exec", self.rig.internet, "ping", "-c", str(count), "-i", "0.2", "-W", "1",
                               target], capture_output=True, text=True, check=False)
        found = re.search(r"(\d+) received", done.stdout)
        return int(found.group(1)) if found else 0

    def configure(self, external="ext0", internal="int0"):
        self.machine.write(CONF, CONFIG % (external, internal))
        self.machine.write("/etc/tidegate/bad.txt", "198.51.100.0/24\n")

    def restart(self):
        self.machine.run("systemctl", "reset-failed", "tidegated", code=None)
        self.machine.run("systemctl", "restart", "tidegated")


WORLD = []


def world():
    if not WORLD:
        try:
            WORLD.append(World())
        except (Failed, Skipped) as why:
            WORLD.append(why)
            raise
    if isinstance(WORLD[0], (Failed, Skipped)):
        raise Skipped("there is no machine, as told before")
    return WORLD[0]


def lintian_is_content():
    """tools/package fails when it is not; what it says besides is kept beside the package."""
    world()
    with open(os.path.join(BUILD, "package/lintian.txt"), encoding="utf-8") as f:
        said = f.read()
    expect(not re.search(r"^[EW]:", said, re.M), said)


def the_archive_holds_what_an_operator_needs():
    w = world()
    names = run("sh", "-c", "dpkg-deb --fsys-tarfile '%s' | tar -t" % w.deb).replace("./", "/").split()
    for wanted in ("/usr/sbin/tidegated", "/usr/bin/tidegate", CONF, "/lib/systemd/system/tidegated.service",
                   "/usr/lib/sysusers.d/tidegate.conf", "/usr/lib/tmpfiles.d/tidegate.conf",
                   "/usr/share/man/man8/tidegated.8.gz", "/usr/share/man/man1/tidegate.1.gz",
                   "/usr/share/man/man5/tidegate.conf.5.gz", "/usr/share/man/man7/tidegate-api.7.gz",
                   "/usr/share/bash-completion/completions/tidegate", "/usr/share/doc/tidegate/security.md",
                   "/usr/share/doc/tidegate/examples/container/Containerfile",
                   "/usr/share/doc/tidegate/first-attack.md", "/usr/share/doc/tidegate/examples/config/web-shop.conf"):
        expect(wanted in names, "%s is not in the package" % wanted)
    expect(not [n for n in names if "trafficgen" in n or n.startswith(("/usr/local", "/var/lib/tidegate", "/run"))],
           "what does not belong there: %s" % names)


def installed_it_neither_runs_nor_is_enabled():
    w = world()
    m = w.machine
    # Dependencies are this machine's own, so what the package names is what there is.
    m.run("dpkg", "-i", m.bring(w.deb))
    expect(m.show("ActiveState") == "inactive" and m.show("UnitFileState") == "disabled", "state: %s %s" % (
        m.show("ActiveState"), m.show("UnitFileState")))
    expect("tidegate" in m.run("getent", "group", "tidegate"), "no group")
    expect(m.run("dpkg-query", "-W", "-f", "${Conffiles}", "tidegate").split()[0] == CONF, "the configuration is no conffile")
    # As it comes it is right, and monitors: a first start can do no harm.
    m.run("tidegated", "check", "-c", CONF)
    expect(not re.search(r'^[^#]*mode = "(mitigate|learn)"', m.read(CONF), re.M), "the first configuration judges")
    expect("DPDK" in m.run("tidegated", "--version"), "it does not run")


def a_wrong_configuration_is_told_and_not_tried_again():
    w = world()
    m = w.machine
    w.configure()
    m.write(CONF, m.read(CONF) + "wrong = 1;\n")
    m.run("systemctl", "start", "tidegated", code=1)
    time.sleep(2.5)  # RestartSec is 1 s
    expect(m.show("ActiveState") == "failed" and m.show("NRestarts") == "0", "state %s after %s restarts:\n%s" % (
        m.show("ActiveState"), m.show("NRestarts"), m.journal()))
    expect('unknown key "wrong"' in m.journal() and CONF in m.journal(), m.journal())


def started_it_is_ready_and_the_wire_works():
    w = world()
    m = w.machine
    w.configure()
    w.restart()
    expect(m.show("ActiveState") == "active" and m.show("SubState") == "running", m.journal())
    for target in (IN4, IN6):
        wait_until(lambda: w.answers(target) == 3, "no pings pass to %s:\n%s" % (target, m.journal()), 10)
    wait_until(lambda: "mitigate, 1 service" in m.show("StatusText"), "status: %s" % m.show("StatusText"), 8)
    expect("packaged" in m.run("tidegate", "status"), "the command does not reach it")
    for path, mode in (("/run/tidegate", "750"), ("/run/tidegate/api.sock", "660"), ("/run/tidegate/api.sock.token", "600"),
                       ("/var/lib/tidegate", "750"), ("/var/log/tidegate", "750")):
        said = m.run("stat", "-c", "%a %U %G", path).split()
        expect(said[0] == mode and said[1] == "root" and said[2] == "tidegate", "%s: %s" % (path, said))


def members_of_the_group_may_look_and_no_more():
    w = world()
    m = w.machine
    m.run("useradd", "--no-create-home", "--groups", "tidegate", "looker")
    m.run("useradd", "--no-create-home", "stranger")
    socket = "--api unix:/run/tidegate/api.sock"
    m.shell("setpriv --reuid looker --regid looker --init-groups tidegate %s status" % socket)
    m.shell("setpriv --reuid looker --regid looker --init-groups tidegate %s bypass on" % socket, code=1)
    m.shell("setpriv --reuid stranger --regid stranger --init-groups tidegate %s status" % socket, code=69)
    # A token makes an operator of the looker, at once.
    token = m.shell("tidegate token new looker --role operate 2>/dev/null").strip()
    m.shell("TIDEGATE_TOKEN=%s setpriv --reuid looker --regid looker --init-groups tidegate %s bypass on --for 1s" % (
        token, socket))


def can_lock_all():
    """Whether LimitMEMLOCK=infinity can come true here: some virtual machines keep a limit even for root."""
    return subprocess.run(["bash", "-c", "ulimit -l unlimited"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def its_powers_are_those_of_the_unit():
    """The hardening is in force, and everything that was configured works under it."""
    w = world()
    m = w.machine
    pid = m.show("MainPID")
    status = m.run("cat", "/proc/%s/status" % pid)
    bounding = int(re.search(r"CapBnd:\s*([0-9a-f]+)", status).group(1), 16)
    # NET_ADMIN 12, NET_RAW 13, IPC_LOCK 14, SYS_ADMIN 21
    expect(bounding == 1 << 12 | 1 << 13 | 1 << 14 | 1 << 21, "capabilities: %x" % bounding)
    expect("NoNewPrivs:\t1" in status and "Seccomp:\t2" in status, status)
    if can_lock_all():
        limits = m.run("cat", "/proc/%s/limits" % pid)
        expect(re.search(r"^Max locked memory +unlimited", limits, re.M), "memory may not be locked:\n" + limits)
    mounts = m.run("nsenter", "-t", pid, "-m", "cat", "/proc/self/mounts")
    expect(re.search(r"^\S+ / \S+ ro[, ]", mounts, re.M), "its root can be written:\n%s" % mounts)
    # Filters were compiled to machine code, the list was read, the secret was written.
    expect(m.exists("/var/lib/tidegate/cookie-secret"), "no state is kept:\n%s" % m.journal())
    expect("198.51.100.0" in m.run("tidegate", "explain", "198.51.100.7"), "the list is not in force")
    for word in ("warning", "cannot", "Operation not permitted", "Permission denied"):
        expect(word not in m.journal().replace("hugepages", ""), "the journal complains:\n%s" % m.journal())


def drop_in(m, text):
    """Change the unit for a while; "" takes the change back."""
    m.shell("mkdir -p /run/systemd/system/tidegated.service.d && cat >/run/systemd/system/tidegated.service.d/test.conf "
            "<<'END'\n%s\nEND\nsystemctl daemon-reload" % text)


def its_powers_are_needed():
    """AF_XDP with all of them; without its own it is AF_PACKET, which needs no more.

    IPC_LOCK stands in for LimitMEMLOCK where that cannot be had, so only there it can be missed.
    """
    w = world()
    m = w.machine
    w.configure()
    less = m.read("/usr/share/doc/tidegate/examples/systemd/less-powers.conf")
    try:
        for what, text, driver in (("all", "", "net_af_xdp"),
                                   ("no SYS_ADMIN", "[Service]\nCapabilityBoundingSet=~CAP_SYS_ADMIN", "net_af_packet"),
                                   ("no IPC_LOCK", "[Service]\nCapabilityBoundingSet=~CAP_IPC_LOCK", "net_af_packet"),
                                   ("less-powers.conf", less, "net_af_packet")):
            if what == "no IPC_LOCK" and can_lock_all():
                continue
            drop_in(m, text)
            w.restart()
            wait_until(lambda: w.answers(IN4) == 3, "no pings pass with %s:\n%s" % (what, m.journal()), 10)
            drivers = m.run("tidegate", "--json", "ports")
            if what == "all" and driver not in drivers:
                why = [line for line in m.journal().split("\n") if "AF_XDP" in line]
                raise Skipped("this machine's kernel gives a container no AF_XDP: %s" % why[-1:])
            expect(drivers.count(driver) == 2, "with %s: %s" % (what, drivers))
        expect("AF_XDP needs CAP_SYS_ADMIN as well" in m.journal(), m.journal())
    finally:
        drop_in(m, "")
    w.restart()


def a_reload_waits_and_tells():
    w = world()
    m = w.machine
    w.configure()
    m.write(CONF, m.read(CONF).replace('name = "shop"', 'name = "other"'))
    m.run("systemctl", "reload", "tidegated")
    expect("other" in m.run("tidegate", "services"), "the reload did not wait")
    m.write(CONF, m.read(CONF) + "wrong = 1;\n")
    m.run("systemctl", "reload", "tidegated", code=1)
    expect('unknown key "wrong"' in m.journal(), m.journal())
    expect(m.show("ActiveState") == "active" and "other" in m.run("tidegate", "services"), "the old one is not in force")
    w.configure()
    m.run("systemctl", "reload", "tidegated")


def a_worker_that_hangs_is_restarted():
    w = world()
    m = w.machine
    drop_in(m, "[Service]\nWatchdogSec=2")
    w.restart()
    before = m.show("MainPID")
    outside = pid_outside(before)
    workers = []
    for thread in os.listdir("/proc/%d/task" % outside):
        with open("/proc/%d/task/%s/comm" % (outside, thread), encoding="ascii") as f:
            if "worker" in f.read():
                workers.append(int(thread))
    expect(len(workers) == 1, "workers: %s" % workers)
    hang_until_killed(workers[0])
    wait_until(lambda: m.show("ActiveState") == "active" and m.show("MainPID") not in ("0", before),
               "no restart:\n%s" % m.journal(), 15)
    expect("watchdog" in m.journal().lower(), m.journal())
    wait_until(lambda: w.answers(IN4) == 3, "the wire is dead after the restart", 10)
    drop_in(m, "")
    w.restart()


def pid_outside(inside):
    """The number that this machine has for the daemon of that number in there."""
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/status" % name, encoding="ascii") as f:
                text = f.read()
        except OSError:
            continue
        found = re.search(r"^NSpid:\t(.*)$", text, re.M)
        if found and text.startswith("Name:\ttidegated") and found.group(1).split()[-1] == inside:
            return int(name)
    raise Failed("process %s of the machine is not seen from here" % inside)


def hang_until_killed(thread):
    """Hold it until it is dead. A dead thread is its holder's to bury, and the process waits for that."""
    with held(thread):
        until = time.monotonic() + 15
        while time.monotonic() < until:
            try:
                pid, status = os.waitpid(thread, os.WNOHANG | WALL)
            except ChildProcessError:
                return
            # The signal may come to the held thread itself, which then asks us to let it have it.
            if pid == thread and os.WIFSTOPPED(status):
                LIBC.ptrace(CONTINUE, thread, None, os.WSTOPSIG(status))
            elif pid == thread:
                return
            time.sleep(0.05)
    raise Failed("a hung worker is left alone for 15 s")


def an_upgrade_keeps_changes_and_does_not_restart():
    w = world()
    m = w.machine
    newer = make_newer(w.deb)
    pid = m.show("MainPID")
    said = m.run("dpkg", "--force-confold", "-i", m.bring(newer))
    expect("the version before goes on scrubbing" in said, said)
    expect("# written by the test" in m.read(CONF), "the configuration was overwritten")
    expect("# newer" in m.read(CONF + ".dpkg-dist"), "the package's new configuration is not beside it")
    expect(m.show("MainPID") == pid and w.answers(IN4) == 3, "the upgrade restarted the gate")
    expect("9.9.9" in m.run("dpkg-query", "-W", "tidegate"), "no upgrade")


def make_newer(deb):
    """The same package as a later version, with another configuration file in it."""
    folder = os.path.join(BUILD, "package/newer")
    shutil.rmtree(folder, ignore_errors=True)
    run("dpkg-deb", "-R", deb, folder)
    with open(folder + "/DEBIAN/control", encoding="utf-8") as f:
        text = f.read()
    with open(folder + "/DEBIAN/control", "w", encoding="utf-8") as f:
        f.write(re.sub(r"^Version: .*$", "Version: 9.9.9", text, flags=re.M))
    with open(folder + CONF, "a", encoding="utf-8") as f:
        f.write("# newer\n")
    run("dpkg-deb", "-b", folder, folder + ".deb")
    shutil.rmtree(folder)
    return folder + ".deb"


def removed_and_purged_it_leaves_what_is_promised():
    w = world()
    m = w.machine
    m.run("dpkg", "-r", "tidegate")
    expect(not m.exists("/usr/sbin/tidegated") and not m.shell("grep -lsx tidegated /proc/[0-9]*/comm", code=None), "it still runs")
    expect(m.exists(CONF) and m.exists("/var/lib/tidegate/cookie-secret") and m.exists("/etc/tidegate/tokens"),
           "a removal took the configuration or the state away")
    m.run("dpkg", "-P", "tidegate")
    for path in (CONF, "/var/lib/tidegate", "/var/log/tidegate", "/etc/tidegate/tokens"):
        expect(not m.exists(path), "%s is still there" % path)
    expect(m.exists("/etc/tidegate/bad.txt"), "a file of the administrator is gone")
    expect("tidegate" in m.run("getent", "group", "tidegate"), "the group is gone, its number may be given to others")


def the_unit_is_verified_and_its_exposure_recorded():
    w = world()
    m = w.machine
    m.run("dpkg", "-i", m.bring(w.deb))
    said = m.run("systemd-analyze", "verify", "/lib/systemd/system/tidegated.service", code=None)
    # Who leaves manual pages out of a container is told that they are missing: not our unit's fault.
    said = "\n".join(line for line in said.split("\n") if "'man " not in line and line)
    expect(said == "", said)
    text = m.run("systemd-analyze", "security", "--offline=true", "--no-pager",
                 "/lib/systemd/system/tidegated.service")
    with open(os.path.join(BUILD, "package/security.txt"), "w", encoding="utf-8") as f:
        f.write(text)
    found = re.search(r"exposure level for tidegated.service: ([0-9.]+)", text)
    expect(found and float(found.group(1)) <= 3.5, text[-200:])
    print("  systemd-analyze security: %s (0 is best, 10 worst); all of it in package/security.txt" % found.group(1))
    m.run("dpkg", "-P", "tidegate")


if __name__ == "__main__":
    main(lintian_is_content, the_archive_holds_what_an_operator_needs, installed_it_neither_runs_nor_is_enabled,
         a_wrong_configuration_is_told_and_not_tried_again, started_it_is_ready_and_the_wire_works,
         members_of_the_group_may_look_and_no_more, its_powers_are_those_of_the_unit,
         its_powers_are_needed, a_reload_waits_and_tells, a_worker_that_hangs_is_restarted,
         an_upgrade_keeps_changes_and_does_not_restart, removed_and_purged_it_leaves_what_is_promised,
         the_unit_is_verified_and_its_exposure_recorded)
