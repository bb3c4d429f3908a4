# SPDX-License-Identifier: BSD-3-Clause
"""table - the rows as a person reads them."""
import sys

HURT = 0.9  # a flood that leaves the customers more than this has not hurt
DISTURBED = 0.05


def progress(words):
    """What goes on, for somebody who waits."""
    print(words, file=sys.stderr, flush=True)


def remarks(row):
    """What a reader must know before he believes a row."""
    found = []
    if row["sent_pps"] < 0.95 * row["offered_pps"]:
        found.append(f"generator fell behind: {row['sent_pps'] / 1000:.0f} kpps")
    if not row["is_on_box_core"]:
        found.append(f"work was not on core {row['box_core']} alone")
    if row["box_core_overflow"]:
        found.append(f"core overrun, {row['box_core_overflow']:.0f} packets lost before judged")
    if row["box_core_foreign_ratio"] > DISTURBED:
        found.append(f"others took {row['box_core_foreign_ratio']:.0%} of the core")
    return "; ".join(found)


def has_hurt(rows, flood):
    """Did this flood hurt where nothing defended? None when that was not tried."""
    for row in rows:
        if row["contestant"] == "bridge" and row["flood"] == flood:
            before = max(row["calm"]["ok_per_s"], 1)
            return row["known"]["ok_per_s"] < HURT * before
    return None


def show(told, what):
    """The whole table."""
    rows = told["rows"]
    print(f"{told['family']}, {told['pps'] / 1000:.0f} kpps on a link of {told['link_mbit']} "
          f"Mbit/s to the shop, {told['runs']} x {told['seconds']:g} s, medians")
    for flood in dict.fromkeys(row["flood"] for row in rows):
        print(f"\n{flood.upper()} flood, random sources"
              "        known customers             newcomers   flood at   core   ns a")
        print(f"{'':19} {'ok/s':>7} {'ok':>7} {'p50 ms':>7} {'p99 ms':>8} {'ok':>9}"
              f" {'shop pps':>10} {'busy':>6} {'packet':>6}")
        for row in rows:
            if row["flood"] == flood:
                line(row)
        if has_hurt(rows, flood) is False:
            print("  This flood did not hurt: nothing here says who defends; try a higher --pps.")
    print()
    for name in dict.fromkeys(row["contestant"] for row in rows):
        print(f"{name:19} {what[name]}")
    for word in ("skipped", "failed"):
        for entry in told[word]:
            print(f"{entry['contestant']:19} {word.upper()}: {entry['reason']}")


def line(row):
    """One contestant."""
    known, new = row["known"], row["new"]
    print(f"{row['contestant']:19} {known['ok_per_s']:7.0f} {known['ok_ratio']:7.1%}"
          f" {known['p50_ms']:7.1f} {known['p99_ms']:8.1f} {new['ok_ratio']:9.1%}"
          f" {row['reached_shop_pps']:10.0f} {row['box_core_busy_ratio']:6.0%}"
          f" {row['ns_per_flood_packet']:6.0f}")
    told = remarks(row)
    if told:
        print(f"{'':19}   {told}")
