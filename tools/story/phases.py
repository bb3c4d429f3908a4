# SPDX-License-Identifier: BSD-3-Clause
"""phases - one act of the story: set the gate, let it happen, measure, put it on record."""

import time

import measure
from attack import Attack, Bots, SlowHosts
from books import Books, grown, imbalance
from rig import TIMEOUT_MS
from shop import PLACES

TAIL = TIMEOUT_MS / 1000 + 0.5  # an attack outlasts the last request that began under it
FREE = 0.1  # slow hosts that hold no more of the shop's places do no harm
PEOPLE_KEYS = ("customers", "customers_normal", "customers_intermittent", "customers_none",
               "requests", "ok_ratio", "worst_customer_ok_ratio", "p50_ms", "p99_ms",
               "worst_customer", "slowest_customer", "slowest_customer_ms",
               "connect_timeouts", "read_timeouts", "resets", "short_answers", "local_errors")


class Act:
    """What a phase is made of."""

    def __init__(self, name, seconds, title, parts=(), bots=False, slow=False, limited=False):
        self.name, self.seconds, self.title = name, seconds, title
        self.parts, self.bots, self.slow, self.limited = parts, bots, slow, limited


class Watch:
    """Looks at everything once a second and shows it."""

    def __init__(self, rig, screen, offered):
        self.rig, self.screen, self.offered = rig, screen, offered
        self.books = Books.read(rig.gate)
        self.at = self.begin = time.monotonic()

    def until(self, end):
        """Show a second after the other until the clock says `end`."""
        while time.monotonic() < end:
            time.sleep(max(0.0, min(self.at + 1, end) - time.monotonic()))
            self.rig.must_live()
            if time.monotonic() - self.at >= 0.95:
                self._show()

    def _show(self):
        now, books = time.monotonic(), Books.read(self.rig.gate)
        seconds, self.at = now - self.at, now
        dropped = spared = {}
        if books is not None:
            dropped = rates(books.dropped, self.books.dropped, seconds)
            spared = rates(books.would_drop, self.books.would_drop, seconds)
        self.books = books
        self.screen.show({
            "second": round(now - self.begin), "people": self.rig.people.news,
            "door": self.rig.door.news, "offered": self.offered,
            "dropped": dropped, "spared": spared})


def rates(now, before, seconds):
    """Packets per second of each reason that has grown."""
    return {reason: packets / seconds for reason, packets in grown(now, before).items()}


def play(rig, screen, act):
    """Let the act happen; returns its record for the JSON file."""
    screen.title(f"{act.name}: {act.title}")
    attack = bots = slow = None
    before, known = Books.read(rig.gate), {attack["attack_id"] for attack in attacks_of(rig.gate)}
    link_before = rig.net.link_drops()
    rig.door.phase(act.name)
    rig.people.phase(act.name)
    watch = Watch(rig, screen, sum(pps for _, pps, _ in act.parts))
    sent, told, bots_told, slow_told = {}, None, None, None
    try:
        if act.parts:
            attack = Attack(rig, act.parts, act.seconds + TAIL)
        if act.bots:
            bots = Bots(rig)
        if act.slow:
            slow = SlowHosts(rig, act.seconds + TAIL)
        watch.until(watch.begin + act.seconds)
        rig.people.phase("between")
        people = rig.people.result(act.name, TAIL + 10)
        if attack is not None:
            told, sent = attack.finish(), attack.sent_pps()
            attack = None
        if bots is not None:
            bots_told = bots.finish()
            bots = None
        if slow is not None:
            slow_told, held = slow.finish()
            slow = None
        time.sleep(0.1)
        rig.door.phase("between")
        door = rig.door.result(act.name, 10)
    finally:
        for foe in (attack, bots, slow):
            if foe is not None:
                foe.stop()
    record = {"name": act.name, **{key: people[key] for key in PEOPLE_KEYS}}
    record["seconds"] = act.seconds
    record["attack_pps"] = round(sum(sent.values()))
    record.update(_passage(rig, act, door, sent))
    if slow_told is not None:
        record["time_to_mitigate_ms"] = measure.time_to_free_ms(held, PLACES * FREE)
    record["slow"] = slow_told
    record["link_dropped"] = rig.net.link_drops() - link_before
    record["counter_lost"] = door["lost"]
    record["attack_offered"] = told
    record["bots"] = bots_told
    record["books"] = _books(rig, before, known)
    return record


def _passage(rig, act, door, sent):
    """How much of the attack came through, and when it ceased to."""
    allowed = {}
    if act.limited:
        known = rig.gate.allowed()
        allowed = {kind: known[kind] for kind in sent if kind in known}
    passed = {"attack_passed_ratio": measure.passed_ratio(
        door, allowed, sent, act.seconds + TAIL) if sent else None}
    passed["time_to_mitigate_ms"] = measure.time_to_mitigate_ms(door, allowed) if allowed else None
    passed["at_the_door"] = {kind: seen["packets"] for kind, seen in door["kinds"].items()}
    return passed


def attacks_of(gate):
    """The attacks that the gate remembers; a bridge knows of none."""
    return [] if gate.kind == "bridge" else gate.get("attacks?limit=50")["attacks"]


def _books(rig, before, known):
    """Growth of the gate's books in this phase, or None for a bridge."""
    after = Books.read(rig.gate)
    if after is None:
        return None
    return {**after.since(before), "imbalance": imbalance(rig.gate),
            "attacks": [attack for attack in attacks_of(rig.gate)
                        if attack["attack_id"] not in known]}
