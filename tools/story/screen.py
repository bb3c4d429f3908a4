# SPDX-License-Identifier: BSD-3-Clause
"""screen - what the reader sees: a table redrawn each second, or plain lines.

Nobody needs a library for this: a handful of escape sequences on a terminal, and without
a terminal (or in --batch) one line a second that a log can keep.
"""

import sys

UP = "\x1b[{}A"
CLEAR = "\x1b[K"
BOLD, PLAIN = "\x1b[1m", "\x1b[0m"
SHOWN_REASONS = 6


def _count(value):
    return f"{value:,.0f}".replace(",", " ")


class Screen:
    """One place that writes to the terminal."""

    def __init__(self, batch):
        self.live = not batch and sys.stdout.isatty()
        self.height = 0

    def say(self, text=""):
        """A sentence that stays."""
        self.height = 0
        print(text, flush=True)

    def title(self, text):
        """The name of a phase and what happens in it."""
        self.say(f"\n{BOLD}{text}{PLAIN}" if self.live else f"\n== {text}")

    def _rows(self, view):
        people, door = view["people"], view["door"]
        attack = sum(door.get(kind, {}).get("packets_per_second", 0)
                     for kind in ("syn", "tcp", "udp", "fragment", "bot_syn", "bot_tcp"))
        yield "attack offered", f"{_count(view['offered'])} packets/s"
        yield "  arrives at the shop's link", f"{_count(attack)} packets/s"
        for reason, rate in sorted(view["dropped"].items(), key=lambda kv: -kv[1])[:SHOWN_REASONS]:
            yield f"  dropped, {reason}", f"{_count(rate)} packets/s"
        for reason, rate in sorted(view["spared"].items(), key=lambda kv: -kv[1])[:SHOWN_REASONS]:
            yield f"  would drop, {reason}", f"{_count(rate)} packets/s"
        if not people:
            return
        asked = people["requests"]
        yield "customers' success", (f"{100 * people['ok_ratio']:.1f} % of {asked} requests"
                                     if asked else "nobody was answered or refused")
        yield "customers served / partly / not", (
            f"{people['customers_normal']} / {people['customers_intermittent']} / "
            f"{people['customers_none']}")
        yield "slowest customer", (f"{people['slowest_customer_ms']:.1f} ms "
                                   f"({people['slowest_customer']})")
        yield "99 % answered within", f"{people['p99_ms']:.1f} ms"

    def show(self, view):
        """Draw the state of this second."""
        rows = list(self._rows(view))
        if not self.live:
            print(f"  {view['second']:3d} s  "
                  + ", ".join(f"{name.strip()}: {value}" for name, value in rows), flush=True)
            return
        if self.height:
            sys.stdout.write(UP.format(self.height))
        for name, value in rows:
            print(f"  {name:44} {value}{CLEAR}")
        for _ in range(self.height - len(rows)):
            print(CLEAR)
        self.height = max(self.height, len(rows))
        sys.stdout.flush()
