# SPDX-License-Identifier: BSD-3-Clause
"""The score as text, as markdown and within its page."""

COLUMNS = ("what", "wiring", "packets", "attack", "stopped", "of what is too much",
           "customers lost", "asked to prove", "detected", "mitigated", "holds")
BEGIN, END = "<!-- made by tools/score: begin -->", "<!-- made by tools/score: end -->"
MIN_EXCESS, MAX_LOST, MAX_MS = 0.999, 0.0001, 100


def faults(row):
    """What a row misses of the promises, in words."""
    wrong = []
    share = row["excess_stopped_share"]
    if share is None and row["stopped_share"] < MIN_EXCESS:
        wrong.append("not seen")
    if share is not None and share < MIN_EXCESS:
        wrong.append("gets through")
    if row["customers_packets"] and \
            row["customers_dropped"] / row["customers_packets"] > MAX_LOST:
        wrong.append("customers")
    if share is not None and (row["mitigated_after_ms"] is None or
                              row["mitigated_after_ms"] > MAX_MS):
        wrong.append("late")
    return wrong


def percent(share):
    # Rounded down: what is not whole must not look like it.
    return "-" if share is None else "%.2f %%" % (int(share * 10000) / 100)


def ms(value):
    return "-" if value is None else "%.0f ms" % value


def cells(row):
    wrong = faults(row)
    asked = row["customers_challenged"] + row["customers_dropped_after_challenge"]
    return (row["name"], "%s %s" % (row["duplex"], row["family"]), str(row["packets"]),
            str(row["attack_packets"]), percent(row["stopped_share"]),
            percent(row["excess_stopped_share"]),
            "%d of %d" % (row["customers_dropped"], row["customers_packets"])
            if row["customers_packets"] else "-",
            str(asked) if asked else "-", ms(row["detected_after_ms"]),
            ms(row["mitigated_after_ms"]), ", ".join(wrong) or "yes")


def text(row):
    return "%-24s %-13s %8s %8s %9s %9s %13s %7s %8s %8s  %s" % cells(row)


def heading():
    return "%-24s %-13s %8s %8s %9s %9s %13s %7s %8s %8s  %s" % (
        "what", "wiring", "packets", "attack", "stopped", "excess", "lost", "asked", "detected",
        "mitig.", "holds")


def markdown(document):
    lines = ["`%s` at %s: %d of %d rows hold." % (
        document["command"], document["commit"],
        sum(1 for row in document["rows"] if not faults(row)), len(document["rows"])), ""]
    for origin, title in (("generated", "Generated attacks"), ("corpus", "Recorded attacks")):
        rows = [row for row in document["rows"] if row["from"] == origin]
        if not rows:
            continue
        lines += ["### " + title, "", "| " + " | ".join(COLUMNS) + " |",
                  "|---|---|" + "---:|" * 8 + "---|"]
        lines += ["| " + " | ".join(cells(row)) + " |" for row in rows]
        lines.append("")
    lines += ["Left out: %s: %s." % (s["what"], s["why"]) for s in document["skipped"]]
    return "\n".join(lines).rstrip() + "\n"


def write_into(path, table):
    """Replace what stands between the marks."""
    with open(path, encoding="utf-8") as f:
        page = f.read()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + "\n\n" + table + "\n" + END + after)
