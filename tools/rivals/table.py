# SPDX-License-Identifier: BSD-3-Clause
"""table - the rows as a person reads them."""
import sys

GOAL = 1.15  # of what customers get behind the kernel's own defences against SYNs
KERNELS = ("tcp_syncookies", "nft-synproxy")
HURT = 0.9  # a flood that leaves the customers more than this has not hurt
DISTURBED = 0.05


def progress(words):
    """What goes on, for somebody who waits."""
    print(words, file=sys.stderr, flush=True)


def remarks(row):
    """What a reader must know before he believes a row."""
    found = []
    if row["sent_pps"] < 0.95 * row["offered_pps"]:
        found.append(f"the generator made {row['sent_pps'] / 1000:.0f} kpps only")
    if not row["is_on_core"]:
        found.append(f"not all of the work was done on core {row['core']}")
    if row["unseen_packets"]:
        found.append(f"{row['unseen_packets']:.0f} packets lost before the contestant saw them")
    if row["own_busy_ratio"] is not None:
        found.append(f"it polls, and was busy {row['own_busy_ratio']:.0%} of its time")
    if row["core_foreign_ratio"] + row["core_steal_ratio"] > DISTURBED:
        found.append(f"others took {row['core_foreign_ratio'] + row['core_steal_ratio']:.0%} "
                     "of the core")
    return "; ".join(found)


def has_hurt(rows, flood):
    """Did this flood hurt where nothing defended? None when that was not tried."""
    for row in rows:
        if row["contestant"] == "bridge" and row["flood"] == flood:
            return row["known"]["ok_per_s"] < HURT * row["calm"]["ok_per_s"]
    return None


def served(row):
    """Requests/s of all customers of a row, and the time in which 99 % of either crowd's were
    answered, whichever is longer."""
    return (row["known"]["ok_per_s"] + row["new"]["ok_per_s"],
            max(row["known"]["p99_ms"], row["new"]["p99_ms"]))


def ratios(rows):
    """Tidegate's customers against those of the kernel's SYN cookies and SYN proxy, under the
    same SYN flood."""
    syns = {row["contestant"]: served(row) for row in rows if row["flood"] == "syn"}
    return [{"contestant": name, "rival": rival, "requests_per_s": syns[name][0],
             "rival_requests_per_s": syns[rival][0], "p99_ms": syns[name][1],
             "rival_p99_ms": syns[rival][1], "goal": GOAL,
             "ratio": round(syns[name][0] / syns[rival][0], 3) if syns[rival][0] else None}
            for name in syns if name.startswith("tidegate") for rival in KERNELS if rival in syns]


def show_ratios(told):
    """One line for each pair."""
    for pair in told:
        ratio = "all of them" if pair["ratio"] is None else f"{pair['ratio']:.2f} x"
        print(f"{pair['contestant']:19} {pair['requests_per_s']:6.0f} requests/s, p99 "
              f"{pair['p99_ms']:.1f} ms; {pair['rival']} {pair['rival_requests_per_s']:.0f}, "
              f"{pair['rival_p99_ms']:.1f} ms: {ratio} (goal {pair['goal']})")


def show(told, what):
    """The whole table."""
    rows = told["rows"]
    print(f"{told['family']}, floods of {told['pps'] / 1000:g} kpps from random sources, "
          f"{told['link_mbit']} Mbit/s to the shop, {told['runs']} x {told['seconds']:g} s, "
          "medians")
    for flood in dict.fromkeys(row["flood"] for row in rows):
        print(f"\n{flood.upper() + ' flood':<19} |   customers from before    | new ones "
              "| flood at |  core  ns a")
        print(f"{'':19} | {'ok/s':>5} {'ok':>6} {'p50 ms':>6} {'p99 ms':>6} | {'ok':>8}"
              f" | {'shop pps':>8} | {'busy':>5} {'packet':>6}")
        for row in rows:
            if row["flood"] == flood:
                line(row)
        if has_hurt(rows, flood) is False:
            print("  This flood hurt nobody, so no row says who defends: try a higher --pps.")
    print()
    show_ratios(told["ratios"])
    print()
    for name in dict.fromkeys(row["contestant"] for row in rows):
        print(f"{name:19} {what[name]}")
    for word in ("skipped", "failed"):
        for entry in told[word]:
            print(f"{entry['contestant']:19} {word}: {entry['reason']}")


def line(row):
    """One contestant."""
    known, new = row["known"], row["new"]
    print(f"{row['contestant']:19} | {known['ok_per_s']:5.0f} {known['ok_ratio']:6.1%}"
          f" {known['p50_ms']:6.1f} {known['p99_ms']:6.0f} | {new['ok_ratio']:8.1%}"
          f" | {row['reached_shop_pps']:8.0f} | {row['core_busy_ratio']:5.0%}"
          f" {row['ns_per_flood_packet']:6.0f}")
    told = remarks(row)
    if told:
        print(f"{'':19} |   {told}")
