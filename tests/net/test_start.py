#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
"""A start that cannot work says why in a sentence each, and leaves nothing behind."""
import os
import re
import signal
import time

from rig import Failed, Rig, Skipped, expect, main, run, wait_until

CHATTER = re.compile(r"EAL:|rte_|libbpf|libxdp|PANIC|Backtrace|ETHDEV|AddressSanitizer", re.IGNORECASE)


def refused(rig, text, code, *sentences):
    expect(not rig_started(rig, text), "the gate started with:\n" + text)
    expect(rig.code == code, "exit code %s, not %d:\n%s" % (rig.code, code, rig.log))
    for sentence in sentences:
        expect(sentence in rig.log, "not said: %s\n%s" % (sentence, rig.log))
    expect(CHATTER.search(rig.log) is None, "chatter of libraries reached the operator:\n" + rig.log)


def rig_started(rig, text):
    """Like rig.start(), but keeps the exit code."""
    real = rig.wait
    rig.code = None

    def keep(seconds=20):
        rig.code = real(seconds)
        return rig.code

    rig.wait = keep
    try:
        return rig.start(text)
    finally:
        rig.wait = real


def bad_starts_give_sentences():
    rig = Rig()
    try:
        c = rig.config
        refused(rig, c("nosuch0"), 1, 'no network interface "nosuch0"')
        refused(rig, c("nosuch0", "nosuch1"), 1, '"nosuch0"', '"nosuch1"')
        refused(rig, c("ext0", "ext0"), 78, "links[0]")
        refused(rig, c("ext0", "net_af_packet0,iface=ext0"), 1, "named twice")
        refused(rig, c("lo"), 1, "loopback")
        refused(rig, c("0000:ff:1f.7"), 1, "no PCI device 0000:ff:1f.7")
        refused(rig, c("net_af_xpd0,iface=ext0"), 1, "names no virtual device")
        refused(rig, c("net_af_xdp0"), 1, "names no interface")
        refused(rig, c("net_pcap0,rx_pcap=/nonexistent.pcap"), 1, "net_pcap0")
        refused(rig, c(dataplane='workers = "99";'), 1, "dataplane.workers")
        refused(rig, c(dataplane='cores = "0-9999";'), 78, "cores")
        refused(rig, c(dataplane='cores = "0,888";'), 1, "core 888")
        refused(rig, c() + "\nnosuchkey = 1;\n", 78, "nosuchkey", "gate.conf")
        refused(rig, 'version = 1;\n', 78, "links")
        expect(rig.start(c()), "a good start after bad ones:\n" + rig.log)
    finally:
        rig.close()


def the_secret_is_kept_or_refused():
    rig = Rig()
    try:
        c = rig.config()
        shared = rig.path("shared-secret")
        named = c.replace("state = { ", 'state = { cookie_secret = "%s"; ' % shared)
        refused(rig, named, 78, "state.cookie_secret", "there is no " + shared, "openssl rand -hex 32")
        with open(shared, "w") as f:
            f.write("ab" * 32 + "\n")
        os.chmod(shared, 0o644)
        refused(rig, named, 78, "state.cookie_secret", "mode 0644", "chmod 600")
        os.chmod(shared, 0o600)
        expect(rig.start(named), rig.log)
        expect("cookie" not in rig.log and not os.path.exists(rig.path("state/cookie-secret")), rig.log)
        rig.write_config(c)
        rig.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "state.cookie_secret: cannot change while running" in rig.log, "no word:\n" + rig.log)
        rig.stop()

        expect(rig.start(c), rig.log)
        own = rig.path("state/cookie-secret")
        expect(os.stat(own).st_mode & 0o7777 == 0o600, "our own secret is open to others")
        with open(own) as f:
            before = f.read()
        rig.stop()
        expect(rig.start(c), rig.log)
        with open(own) as f:
            expect(f.read() == before, "a restart made a new secret")
        rig.stop()

        expect(rig.start(c.replace(rig.path("state"), "/proc/nowhere")), "no start without a folder:\n" + rig.log)
        expect("state.folder: warning: " in rig.log and "no other box knows them" in rig.log, rig.log)
        expect(rig.stop() == 0, rig.log)
    finally:
        rig.close()


def different_mtus_are_refused():
    rig = Rig()
    try:
        run("ip", "-n", rig.gate, "link", "set", "int0", "mtu", "1400")
        refused(rig, rig.config(), 1, "ext0 has MTU 1500 and int0 has MTU 1400", "ip link set ext0 mtu 1400")
    finally:
        rig.close()


def default_route_is_not_taken():
    rig = Rig()
    try:
        run("ip", "-n", rig.gate, "addr", "add", "192.0.2.1/24", "dev", "ext0")
        run("ip", "-n", rig.gate, "route", "add", "default", "via", "192.0.2.2")
        refused(rig, rig.config(), 1, "ext0 carries this machine's default route")
    finally:
        rig.close()


def bridge_members_are_not_taken():
    rig = Rig()
    try:
        try:
            run("ip", "-n", rig.gate, "link", "add", "name", "br0", "type", "bridge")
        except Failed:
            raise Skipped("this kernel has no bridges")
        run("ip", "-n", rig.gate, "link", "set", "int0", "master", "br0")
        refused(rig, rig.config(), 1, "int0 is a member of br0", "nomaster")
    finally:
        rig.close()


def a_killed_gate_leaves_the_ports_free():
    rig = Rig()
    try:
        for _ in range(2):
            expect(rig.start(), rig.log)
            rig.stop(signal.SIGKILL)
        expect(rig.start(), "no start after a kill:\n" + rig.log)
        expect(rig.stop() == 0, rig.log)
    finally:
        rig.close()


def a_port_in_use_is_refused():
    """By another Tidegate, however it takes the interface; by another program with XDP."""
    for end in "ext0", "net_af_packet0,iface=ext0":
        rig, second = Rig(), None
        try:
            expect(rig.start(rig.config(external=end)), rig.log)
            second = Rig()
            own, second.gate = second.gate, rig.gate
            refused(second, second.config(external=end), 1, "ext0 is an end of another Tidegate")
            second.gate = own
        finally:
            rig.close()
            if second is not None:
                second.close()


def a_foreign_xdp_program_is_refused():
    rig = Rig()
    try:
        try:
            run("ip", "-n", rig.gate, "link", "set", "dev", "ext0", "xdp", "object", tiny_xdp(rig), "section", "xdp")
        except Failed as why:
            raise Skipped("no XDP program can be attached here (%s)" % why)
        refused(rig, rig.config(), 1, "another program holds ext0", "xdp off")
    finally:
        rig.close()


def tiny_xdp(rig):
    """An XDP program that passes everything, compiled with clang."""
    source, object_file = rig.path("pass.c"), rig.path("pass.o")
    with open(source, "w") as f:
        f.write('__attribute__((section("xdp"), used)) int pass_all(void *c) { (void)c; return 2; }\n'
                'char _license[] __attribute__((section("license"), used)) = "GPL";\n')
    run("clang", "-O2", "-target", "bpf", "-c", source, "-o", object_file)
    return object_file


def reload_by_signal_keeps_or_refuses():
    rig = Rig()
    try:
        expect(rig.start(), rig.log)
        good = rig.config(more='services = ( { name = "web"; prefixes = [ "10.66.0.2/32" ]; protocol = "tcp"; } );')
        rig.write_config(good)
        rig.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "new configuration is in force" in rig.log, "no reload:\n" + rig.log)
        rig.write_config(good + "wrong = 1;\n")
        rig.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "the old one stays in force" in rig.log, "a bad file was not refused:\n" + rig.log)
        expect("wrong" in rig.log, "the error is not named:\n" + rig.log)
        names = [s["name"] for s in rig.get("services")["services"]]
        expect("web" in names, "the service is gone: %s" % names)
        expect(rig.stop(signal.SIGINT) == 0, rig.log)
    finally:
        rig.close()


def an_idle_gate_sleeps():
    """An idle worker backs off: it takes a fraction of its core."""
    rig = Rig()
    try:
        expect(rig.start(), rig.log)
        time.sleep(0.5)
        ticks = os.sysconf("SC_CLK_TCK")

        def used():
            with open("/proc/%d/stat" % rig.daemon.pid) as f:
                fields = f.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / ticks

        before, began = used(), time.monotonic()
        time.sleep(2)
        share = (used() - before) / (time.monotonic() - began)
        expect(share < 0.7, "idle, it takes %.0f %% of a core" % (100 * share))
    finally:
        rig.close()


if __name__ == "__main__":
    main(bad_starts_give_sentences, the_secret_is_kept_or_refused, different_mtus_are_refused, default_route_is_not_taken,
         bridge_members_are_not_taken, a_killed_gate_leaves_the_ports_free,
         a_port_in_use_is_refused, a_foreign_xdp_program_is_refused, reload_by_signal_keeps_or_refuses,
         an_idle_gate_sleeps)
