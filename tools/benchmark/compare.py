# SPDX-License-Identifier: BSD-3-Clause
"""compare - two documents side by side, and what got worse.

A figure is worse when even its lowest run costs more than the old median plus
the old spread (its highest less its median), and at least a twentieth more:
noise of neighbours lifts some runs of a row, a slower program lifts all of them.
Delays are told and not judged: one interruption moves a percentile.
"""
LEAST = 0.05
LEAST_OF_ONE = 0.25     # a row of a single run has no spread


def key(row):
    if "scenario" in row:
        return (row["scenario"], row["family"], row["cache"])
    return (row["micro"], row["item"], "")


def cycles(row):
    return row.get("cycles_per_packet", row.get("cycles"))


def is_worse(old, new):
    middle = cycles(old)
    least = LEAST if old.get("runs", 1) > 1 else LEAST_OF_ONE
    return new["lowest"] > middle + max(least * middle, old["highest"] - middle)


def check(document):
    """Why the document is none of ours, or None."""
    if not isinstance(document, dict) or not isinstance(document.get("scenarios"), list):
        return "it has no list of scenarios"
    for row in document["scenarios"] + document.get("micro", []):
        if not isinstance(row, dict) or not {"lowest", "highest"} <= row.keys():
            return "a row of it has no spread"
    return None


def compare(old, new):
    """(lines, how many rows got worse)."""
    lines, worse, met = [], 0, 0
    lines.append(f"old: {old.get('commit', '?')} of {old.get('date', '?')}")
    lines.append(f"{'':<26} {'':<14} {'':<4} {'old':>8} {'new':>8} {'ratio':>6}")
    for part in ("scenarios", "micro"):
        before = {key(row): row for row in old.get(part, [])}
        for row in new.get(part, []):
            was = before.get(key(row))
            if was is None:
                continue
            met += 1
            mark = ""
            if is_worse(was, row):
                worse += 1
                mark = (f"  WORSE: lowest {row['lowest']:.1f}, "
                        f"was {was['lowest']:.1f}..{was['highest']:.1f}")
            name, second, third = key(row)
            lines.append(f"{name:<26} {second:<14} {third:<4} {cycles(was):8.1f} "
                         f"{cycles(row):8.1f} {cycles(row) / max(cycles(was), 0.01):6.2f}{mark}")
    if met == 0:
        lines.append("no row of one is in the other")
    return lines, worse
