# SPDX-License-Identifier: BSD-3-Clause
"""machine - a Debian that boots: systemd as process 1 over a copy of this machine's own files.

The root is an overlay, so nothing that happens in there lasts or costs time; with
TIDEGATE_SOAK=1 it is a fresh Debian made by debootstrap instead, kept in the build folder.
It lives in the gate's network namespace of a rig (tests/net/rig.py). Needs root, overlayfs and
systemd-nspawn; where one is missing the tests are skipped, and say so.
"""
import atexit
import contextlib
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
from rig import Failed, Skipped, expect, run, wait_until  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("TIDEGATE_BUILD") or os.path.join(ROOT, "build"))
SOAK = os.environ.get("TIDEGATE_SOAK") == "1"


def packages():
    """Paths of the Debian packages: those in $TIDEGATE_DEBS, or else built now from this checkout."""
    if os.environ.get("TIDEGATE_DEBS"):
        return sorted(glob.glob(os.path.join(os.environ["TIDEGATE_DEBS"], "*.deb")))
    done = subprocess.run([os.path.join(ROOT, "tools/package"), os.path.join(BUILD, "package")],
                          capture_output=True, text=True, check=False)
    expect(done.returncode == 0, "tools/package fails:\n%s" % done.stderr)
    return done.stdout.split()


def fresh_root():
    """A small Debian of its own, with what the packages depend on. Needs the network once."""
    root = os.path.join(BUILD, "package", "debian-root")
    if not os.path.exists(os.path.join(root, "made")):
        shutil.rmtree(root, ignore_errors=True)
        run("debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,iproute2,iputils-ping,"
            "python3,curl,ethtool,procps,libconfig9,libjansson4,libmicrohttpd12,libpcap0.8,libmaxminddb0,"
            "libsqlite3-0,libcurl4,libncursesw6,libbsd0,"
            "librte-bpf23,librte-rcu23,librte-telemetry23,librte-bus-pci23,librte-bus-vdev23,librte-mempool-ring23,"
            "librte-net-af-packet23,librte-net-af-xdp23,man-db", "bookworm", root)
        with open(os.path.join(root, "made"), "w", encoding="ascii"):
            pass
    return root


class Machine:
    """It boots as far as basic.target: of this machine's own services none is started."""

    def __init__(self, namespace=None):
        if os.geteuid() != 0:
            raise Skipped("needs root")
        if shutil.which("systemd-nspawn") is None:
            raise Skipped("systemd-nspawn is missing")
        self.folder = tempfile.mkdtemp(prefix="tidegate-machine-")
        self.root = os.path.join(self.folder, "root")
        self.process = None
        self.leader = None
        self.is_closed = False
        self.namespace = namespace or "tgm%d%s" % (os.getpid(), os.urandom(2).hex())
        self.owns_namespace = namespace is None
        try:
            # One of systemd-nspawn's own comes with half of /sys only, and DPDK looks into the other half.
            if self.owns_namespace:
                run("ip", "netns", "add", self.namespace)
                run("ip", "-n", self.namespace, "link", "set", "lo", "up")
            # Also when a test is asked to end: a machine that is left behind goes on for ever.
            atexit.register(self.close)
            self._mount(fresh_root() if SOAK else "/")
            self._boot()
        except BaseException:
            self.close()
            raise

    def _mount(self, lower):
        top = os.path.join(self.folder, "top")
        for path in (top, self.root):
            os.mkdir(path)
        try:
            run("mount", "-t", "tmpfs", "-o", "size=2g", "tidegate", top)
            for name in ("upper", "work"):
                os.mkdir(os.path.join(top, name))
            run("mount", "-t", "overlay", "overlay", "-o", "lowerdir=%s,upperdir=%s/upper,workdir=%s/work" % (
                lower, top, top), self.root)
        except Failed as why:
            raise Skipped("an overlay of %s cannot be mounted (%s)" % (lower, why))
        # Whatever of Tidegate is installed here is not there, nor is what keeps services of an
        # image of containers from being started and stopped by packages.
        for path in ("usr/sbin/policy-rc.d", "etc/tidegate", "var/lib/tidegate", "var/log/tidegate", "usr/sbin/tidegated",
                     "usr/bin/tidegate"):
            whole = os.path.join(self.root, path)
            if os.path.isdir(whole):
                shutil.rmtree(whole)
            elif os.path.exists(whole):
                os.unlink(whole)

    def _boot(self):
        words = ["systemd-nspawn", "--quiet", "--boot", "--directory", self.root, "--register=no", "--keep-unit",
                 "--machine", "tg%d" % os.getpid(), "--capability=all", "--system-call-filter=bpf perf_event_open",
                 "--rlimit=RLIMIT_MEMLOCK=infinity", "--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=pipe"]
        words.append("--network-namespace-path=/run/netns/" + self.namespace)
        self.log = open(os.path.join(self.folder, "console"), "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(words + ["systemd.unit=basic.target"], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT)
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            self.leader = self.leader or self._find_leader()
            if self.leader and self.run("systemctl", "is-active", "basic.target", code=None).strip() == "active":
                return
            time.sleep(0.2)
        self.log.seek(0)
        raise Skipped("systemd does not boot in systemd-nspawn here: " + " / ".join(self.log.read().split("\n")[-5:]))

    def _find_leader(self):
        """Process 1 of the machine, the child of systemd-nspawn."""
        for path in glob.glob("/proc/%d/task/*/children" % self.process.pid):
            with contextlib.suppress(OSError), open(path, encoding="ascii") as f:
                for child in f.read().split():
                    with open("/proc/%s/comm" % child, encoding="ascii") as comm:
                        if comm.read().strip() == "systemd":
                            return int(child)
        return None

    def command(self, *words):
        """The words that run something in the machine."""
        return ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", "--", *words]

    def run(self, *words, code=0, stdin=None, timeout=120):
        """What a command in the machine says; code None: however it ends."""
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                       "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root", "SYSTEMD_PAGER": ""}
        done = subprocess.run(self.command(*words), env=environment, input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False)
        if code is not None:
            expect(done.returncode == code, "%s: exit code %d instead of %d:\n%s" % (
                " ".join(words), done.returncode, code, done.stdout))
        return done.stdout

    def shell(self, line, code=0):
        return self.run("bash", "-c", line, code=code)

    def path(self, inside):
        """A file of the machine as it is reached from outside; not in /tmp or /run, which it has anew."""
        return os.path.join(self.root, inside.lstrip("/"))

    def write(self, inside, text):
        os.makedirs(os.path.dirname(self.path(inside)), exist_ok=True)
        with open(self.path(inside), "w", encoding="utf-8") as f:
            f.write(text)

    def read(self, inside):
        with open(self.path(inside), encoding="utf-8") as f:
            return f.read()

    def exists(self, inside):
        return os.path.lexists(self.path(inside))

    def show(self, name, unit="tidegated.service"):
        """One property of a unit."""
        return self.run("systemctl", "show", "--value", "--property=" + name, unit).strip()

    def journal(self, unit="tidegated.service"):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit, code=None)

    def bring(self, path):
        """Copy a file into the machine. Returns its path in there."""
        shutil.copy(path, self.path("/root"))
        return "/root/" + os.path.basename(path)

    def close(self):
        if self.is_closed:
            return
        self.is_closed = True
        if self.process is not None and self.process.poll() is None:
            if self.leader:
                with contextlib.suppress(Exception):
                    self.run("systemctl", "halt", "--force", "--force", code=None, timeout=10)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        if self.process is not None:
            self.log.close()
        for name in ("root", "top"):
            run("umount", "-l", os.path.join(self.folder, name), check=False)
        if self.owns_namespace:
            run("ip", "netns", "del", self.namespace, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


__all__ = ["BUILD", "ROOT", "Failed", "Machine", "Skipped", "expect", "packages", "wait_until"]
