# SPDX-License-Identifier: BSD-3-Clause
"""books - what Tidegate itself has written down, and whether it adds up."""

import time

TOTALS = ("received", "forwarded", "dropped", "replied", "consumed", "emitted", "sent")
PATIENCE = 2.0  # seconds in which a reading without packets in flight has to be found


class Books:
    """One reading of the gate's status and of its reasons."""

    def __init__(self, status, reasons):
        self.packets = {name: status["total"][f"{name}_packets"] for name in TOTALS}
        self.dropped = {row["reason"]: row["packets"] for row in reasons}
        self.would_drop = {row["reason"]: row["would_packets"] for row in reasons}
        self.packets["would_drop"] = sum(self.would_drop.values())

    @classmethod
    def read(cls, gate):
        """Read the books of a gate, or None for a bridge, which keeps none."""
        if gate.kind == "bridge":
            return None
        return cls(gate.get("status"), gate.get("reasons")["reasons"])

    def since(self, earlier):
        """What has grown since an earlier reading, as it stands in the JSON file."""
        return {"packets": {name: value - earlier.packets[name]
                            for name, value in self.packets.items()},
                "dropped": grown(self.dropped, earlier.dropped),
                "would_drop": grown(self.would_drop, earlier.would_drop)}


def grown(now, before):
    """{reason: packets} of what has grown; zeros are left out."""
    return {reason: packets - before.get(reason, 0) for reason, packets in now.items()
            if packets > before.get(reason, 0)}


def imbalance(gate):
    """Packets that the books do not account for; 0 is the only good answer.

    A worker that was read with a burst in its hands has some in flight; customers leave it
    idle often enough that such a reading is followed by one without.
    """
    end = time.monotonic() + PATIENCE
    while True:
        books = gate.get("status")["total"]["books"]
        if books["balanced"] or time.monotonic() > end:
            return abs(books["in_flight_packets"]) + abs(books["unsent_packets"])
        time.sleep(0.01)
