# SPDX-License-Identifier: BSD-3-Clause
"""marks - what has to be true for the story to be a success, each miss in one sentence."""

OK, WORST = 0.999, 0.99
HURTS = 0.5
MITIGATE_MS = 200
SLOW_MS = 5000  # slowness shows with time: a header has a second, and five strikes block a host
PASSED = 0.001
NOISE_MS = 50
SENT = 0.6  # share of the wanted rate that the generator must have reached


class Marks:
    """Collects the sentences of everything that missed its mark."""

    def __init__(self):
        self.missed = []

    def want(self, truth, sentence):
        """Remember the sentence unless the truth is true."""
        if not truth:
            self.missed.append(sentence)
        return truth

    def at_least(self, phase, key, floor):
        """A figure of a phase that must not be lower."""
        self.want(phase[key] >= floor,
                  f"{phase['name']}: {key} is {phase[key]:.4f}, at least {floor} is asked")

    def at_most(self, phase, key, ceiling):
        """A figure of a phase that must not be higher, nor missing."""
        value = phase[key]
        if self.want(value is not None, f"{phase['name']}: {key} was never reached"):
            self.want(value <= ceiling,
                      f"{phase['name']}: {key} is {value:.4f}, at most {ceiling} is asked")


def judge(phases, acts, marks):
    """Hold every phase that was played against its marks."""
    for name, phase in phases.items():
        marks.want(phase["customers"] > 0, f"{name}: no customer asked for anything")
        wanted = sum(pps for _, pps, _ in acts[name].parts)
        marks.want(phase["attack_pps"] >= SENT * wanted,
                   f"{name}: only {phase['attack_pps']} of {wanted} attack packets/s were sent; "
                   "the machine is too busy to prove anything")
        books = phase["books"]
        marks.want(books is None or books["imbalance"] == 0,
                   f"{name}: the books are out by {books and books['imbalance']} packets")
        JUDGES[name](phase, phases, marks)


def _baseline(phase, _, marks):
    marks.at_least(phase, "ok_ratio", OK)
    marks.at_least(phase, "worst_customer_ok_ratio", WORST)


def _unprotected(phase, _, marks):
    marks.want(phase["ok_ratio"] < HURTS,
               f"{phase['name']}: the attack does not hurt, {phase['ok_ratio']:.3f} of the "
               f"requests still succeed (below {HURTS} is asked): nothing would be proven")


def _monitor(phase, _, marks):
    books = phase["books"]
    dropped = books["packets"]["dropped"]
    marks.want(dropped == 0, f"monitor: {dropped} packets were dropped, but monitor only counts")
    marks.want(books["packets"]["would_drop"] > 0, "monitor: nothing would have been dropped")


def _mitigate(phase, _, marks):
    _baseline(phase, _, marks)
    marks.at_most(phase, "attack_passed_ratio", PASSED)
    marks.at_most(phase, "time_to_mitigate_ms", MITIGATE_MS)
    attacks = phase["books"]["attacks"]
    marks.want(attacks, f"{phase['name']}: the gate has not noticed any attack")
    for attack in attacks:
        # The gate's own clock starts at its first packet above the threshold.
        took = attack["mitigated_after_ms"]
        marks.want(took is not None and took <= MITIGATE_MS,
                   f"{phase['name']}: by the gate's own books {attack['vector']} was mitigated "
                   f"after {took} ms, at most {MITIGATE_MS} is asked")
        hurt = attack["verified_dropped_packets"]
        # Bots that complete handshakes are verified, too, and are meant to be hurt.
        marks.want(hurt == 0 or phase["bots"],
                   f"{phase['name']}: the defence against {attack['vector']} dropped {hurt} "
                   "packets of verified customers")


def _slow(phase, _, marks):
    _baseline(phase, _, marks)
    marks.at_most(phase, "time_to_mitigate_ms", SLOW_MS)
    refused = sum(packets for reason, packets in phase["books"]["dropped"].items()
                  if reason.startswith("behaviour."))
    marks.want(refused > 0, "slow: the gate has met no slow connection")


def _calm(phase, phases, marks):
    _baseline(phase, phases, marks)
    before = phases.get("baseline")
    # Shared cores do not repeat a percentile to the millisecond. The least harm a gate can do
    # is a lost packet, which costs 200 ms and more; that must show.
    ceiling = before["p99_ms"] * 2 + NOISE_MS if before else None
    if ceiling is not None:
        marks.want(phase["p99_ms"] <= ceiling,
                   f"calm: p99 is {phase['p99_ms']:.1f} ms, baseline was {before['p99_ms']:.1f} ms")
    dropped = phase["books"]["packets"]["dropped"]
    marks.want(dropped == 0, f"calm: {dropped} packets were dropped: {phase['books']['dropped']}")


JUDGES = {
    "baseline": _baseline,
    "unprotected": _unprotected,
    "monitor": _monitor,
    "mitigate": _mitigate,
    "ack_flood": _mitigate,
    "slow_unprotected": _unprotected,
    "slow": _slow,
    "udp_flood": _mitigate,
    "changed_vector": _mitigate,
    "calm": _calm,
    "syncookies": lambda phase, phases, marks: None,
}
