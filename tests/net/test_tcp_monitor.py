#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Wants the cores.
"""A challenge in monitor: nobody is asked, not a bit changes, and the count is right.

SYNs of random sources flood a shop whose policy would answer them with cookies. Learn
shows that they arrive; in monitor each of them still does, to the byte and in order, the
customer's handshakes are his own, and what would have been challenged is counted.
"""
import os

import test_defence
from load import Customers, read_pcap
from rig import expect, main

# The customer's own SYNs are among what would have been asked.
CUSTOMERS_SYNS = 40
test_defence.CONFIG = test_defence.CONFIG.replace('method = "off"; out_of_state = "pass";', 'method = "auto";')


def monitored(v6, vlan):
    def test():
        gate = test_defence.Gate(vlan)
        try:
            capture = test_defence.attack_of(gate.rig, "tcp_syn_flood", v6)
            customers = Customers(gate.rig, v6)
            try:
                test_defence.patiently(test_defence.learns, gate, customers, capture)
                would, _ = test_defence.patiently(test_defence.monitors, gate, customers, capture,
                                                  "tcpauth.syn_cookie")
            finally:
                customers.close()
            sent = len(read_pcap(capture))
            least = sent - 0.1 * test_defence.ACTIVATE - 20
            expect(least <= would <= sent + CUSTOMERS_SYNS, "monitor counted %d challenges of %d SYNs" % (would, sent))
            expect(all(p["replied_packets"] == 0 and p["emitted_packets"] == 0 for p in gate.rig.ports().values()),
                   "monitor answered somebody: %s" % gate.rig.ports())
        finally:
            gate.close()
    test.__name__ = "would_challenge_ipv%d%s" % (6 if v6 else 4, "_vlan" if vlan else "")
    return test


if __name__ == "__main__":
    if os.geteuid() == 0:
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    CELLS = [(v6, vlan) for vlan in (None, 9) for v6 in (False, True)]
    if os.environ.get("TIDEGATE_SOAK") != "1":
        CELLS = [(True, 9)]
    main(*[monitored(*cell) for cell in CELLS])
