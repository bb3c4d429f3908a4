# SPDX-License-Identifier: BSD-3-Clause
"""books - what Tidegate itself has written down, and whether it adds up."""


class Books:
    """One reading of the gate's status."""

    def __init__(self, status, reasons):
        self.packets = status["packets"]
        self.dropped = {row["reason"]: row for row in reasons}

    @classmethod
    def read(cls, gate):
        """Read the books of a gate, or None for a bridge, which keeps none."""
        if gate.kind == "bridge":
            return None
        return cls(gate.get("status"), gate.get("reasons")["reasons"])

    def since(self, earlier, field):
        """Packets of a reason since an earlier reading: {reason: packets}, zeros left out."""
        grown = {}
        for reason, row in self.dropped.items():
            before = earlier.dropped.get(reason, {}).get(field, 0)
            if row.get(field, 0) > before:
                grown[reason] = row[field] - before
        return grown

    def total_since(self, earlier, field):
        """Growth of one total ('dropped', 'would_drop', ...) since an earlier reading."""
        return self.packets[field] - earlier.packets[field]

    def imbalance(self):
        """Received packets that the books do not account for; 0 is the only good answer."""
        p = self.packets
        return p["received"] - p["forwarded"] - p["dropped"] - p["replied"] - p["consumed"]
