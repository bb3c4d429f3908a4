#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
# Takes long.
"""Scripted conversations, segment by segment, through the gate to a real Linux server.

All cases share one rig and run at the same time, each with a client address and a
port of its own. What is expected "as of a direct connection" is held with a service
that the gate leaves alone as well, so that the expectation itself is right.

usage: test_tcp_conformance.py [TIDEGATED [PART-OF-NAME...]]
"""
import concurrent.futures
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from conformance import challenged, closing, compare, established, opening, strays  # noqa: E402,F401
from conformance.cases import ALL  # noqa: E402
from conformance.talk import Talk  # noqa: E402
from conformance.wires import FRONTS, SCRIPTED, Wires  # noqa: E402
from load import sent, start_sending, write_attack  # noqa: E402
from rig import Failed, Rig, Skipped, expect, main  # noqa: E402

AT_ONCE = 48
METHODS = {"proxy": "proxy", "strict": "proxy", "bad_ack": "bad_ack", "drop_first": "drop_first", "reset": "reset",
           "guarded": "off"}
ARMED_BOTH = ("strict", "guarded")
POLICY = """  {{ name = "{name}"; mode = "mitigate"; sanity = {{ private_sources = "allow"; }};
    flows = {{ ipv6_prefix = 128; }}; detection = {{ activate_after = "0ms"; clear_after = "1h"; }};{armed} }}"""
ARMED = """
    vectors = ( {{ vector = "tcp_syn_flood"; activate_rate = "100pps"; max_rate = "1Mpps"; }}{other} );
    tcpauth = {{ method = "{method}"; learning_time = "0s"; }};"""
OTHER = ', { vector = "tcp_other_flood"; activate_rate = "100pps"; max_rate = "1Mpps"; }'
SERVICE = '  {{ name = "{name}"; prefixes = [ "10.66.0.{host}/32", "10.66.0.{script}/32", ' \
          '"fd66::{host:x}/128", "fd66::{script:x}/128" ]; policy = "{name}"; }}'


def config(fronts):
    policies, services = [], []
    for front in fronts:
        armed = ""
        if front in METHODS:
            armed = ARMED.format(method=METHODS[front], other=OTHER if front in ARMED_BOTH else "")
        policies.append(POLICY.format(name=front, armed=armed))
        services.append(SERVICE.format(name=front, host=FRONTS[front], script=FRONTS[front] + SCRIPTED))
    return "policies = (\n%s );\nservices = (\n%s );\n" % (",\n".join(policies), ",\n".join(services))


def arm(rig, fronts):
    """A short flood at each front, whose sources are nobody; the vectors stay armed for an hour."""
    for front in fronts:
        if front in METHODS:
            capture = write_attack(rig, "arm_" + front, "syn,sources=random,dst=10.66.0.%d,rate=2000,duration=200ms" % (
                FRONTS[front]))
            sent(start_sending(rig, capture))
        if front in ARMED_BOTH:
            capture = write_attack(rig, "other_" + front, "tcp_other,sources=random,flags=ack,dst=10.66.0.%d,rate=2000,"
                                   "duration=200ms" % FRONTS[front])
            sent(start_sending(rig, capture))


def hold(wires, number, chosen):
    talk = Talk(wires, chosen["front"], chosen["v6"], number)
    try:
        chosen["function"](talk)
        for attempt in range(5):
            try:
                compare.conversation(talk)
                break
            except Failed:
                # The last segments may still be on their way.
                if attempt == 4:
                    raise
                time.sleep(0.1)
    except Exception as why:  # pylint: disable=broad-except
        raise Failed("%s: %s\n%s" % (type(why).__name__, why, talk.told())) from why
    finally:
        talk.close()


def test_of(chosen, future):
    def test():
        result = future.result()
        if isinstance(result, Exception):
            raise result
    test.__name__ = chosen["name"]
    return test


def wanted():
    soak = os.environ.get("TIDEGATE_SOAK") == "1"
    parts = sys.argv[2:]
    return [c for c in ALL if (soak or not c["soak"]) and (not parts or any(p in c["name"] for p in parts))]


def run_all():
    chosen = wanted()
    fronts = sorted({c["front"] for c in chosen})
    rig = Rig()
    wires = None
    pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
    try:
        expect(rig.start(rig.config(more=config(fronts))), rig.log)
        wires = Wires(rig)
        arm(rig, fronts)
        futures = {}
        for number, c in sorted(enumerate(chosen, 1), key=lambda pair: -pair[1]["takes"]):
            futures[number] = pool.submit(hold, wires, number, c)
        tests = [test_of(c, futures[number]) for number, c in enumerate(chosen, 1)]

        def every_checksum_is_right():
            expect(not wires.bad, "\n".join(wires.bad[:10]))

        def books_balance():
            rig.books_balance()

        main(*tests, every_checksum_is_right, books_balance)
    finally:
        pool.shutdown(cancel_futures=True)
        if wires is not None:
            wires.close()
        rig.close()


if __name__ == "__main__":
    try:
        run_all()
    except Skipped as missing:
        print("skip conformance", missing)
