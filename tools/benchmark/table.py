# SPDX-License-Identifier: BSD-3-Clause
"""table - rows of figures as lines for a terminal."""

SCENARIOS = (f"{'scenario':<25} {'family':<6} {'cache':<5} {'cycles':>7} {'Mpps':>7} {'ratio':>6}"
             f"   lowest..highest")
LATENCY = (f"\n{'delay in the box, ns':<25} {'family':<6} {'load':>5} {'Mpps':>7} {'p50':>8}"
           f" {'p99':>8} {'p99.9':>9} {'missed':>8}   p99 lowest..highest")
MICRO = (f"\n{'alone':<13} {'item':<13} {'cycles':>8} {'of DPDK':>8} {'faster':>7}"
         f"   lowest..highest")

AGAINST = (f"{'lowest of the rounds':<25} {'':<13} {'':<4} {'other':>8} {'this':>8} {'ratio':>6}"
           f"   rounds of other | of this")


def machine(document):
    """Where and of what, in two lines."""
    of = document["machine"]
    pages = f"{of['hugepages_2mib']} hugepages" if of["hugepages_2mib"] else "NO hugepages"
    return (f"{of['cpu']}, {of['cores']} cores, Linux {of['kernel']}, DPDK {of['dpdk']}\n"
            f"commit {document['commit']}, {document['date']}; packets on {pages}, "
            f"tables on {of['tables_on']}; load {of['load_before']:.1f}")


def scenario(row):
    counted = row["instructions_per_packet"]
    tail = f"   {counted:.0f} instructions" if counted is not None else ""
    return (f"{row['scenario']:<25} {row['family']:<6} {row['cache']:<5}"
            f" {row['cycles_per_packet']:7.1f} {row['mpps']:7.2f} {row['ratio']:6.2f}"
            f"   {row['lowest']:.1f}..{row['highest']:.1f}{tail}")


def latency(row):
    return (f"{row['scenario']:<25} {row['family']:<6} {row['load_percent']:>4}%"
            f" {row['mpps']:7.2f} {row['p50_ns']:8.0f} {row['p99_ns']:8.0f}"
            f" {row['p99_9_ns']:9.0f} {row['missed_share']:8.2%}   {row['lowest_p99_ns']:.0f}..{row['highest_p99_ns']:.0f}"
            + (f"   core taken away {row['core_taken_away']} times"
               if row["core_taken_away"] else ""))


def reference(rows):
    """testpmd's modes in one line."""
    told = ", ".join(f"{row['mode']} {row['cycles_per_packet']:.1f}"
                     f" ({row['lowest']:.1f}..{row['highest']:.1f})" for row in rows)
    return f"dpdk-testpmd on the same devices: {told} cycles; ratios are to io's lowest"


def micro(row):
    line = f"{row['micro']:<13} {row['item']:<13} {row['cycles']:8.2f}"
    if row["reference"] is None:
        line += f" {'':>8} {'':>7}"
    else:
        line += f" {row['reference_cycles']:8.2f} {row['ratio']:6.2f}x"
    line += f"   {row['lowest']:.2f}..{row['highest']:.2f}"
    return line + (f"   {row['reference']}" if row["reference"] else "")


def against(key, others, ours):
    """Two builds' rounds of one row; neighbours only ever add, so the lowest tells most."""
    if not others or not ours:
        return f"{key[0]:<25} {key[1]:<13} {key[2]:<4} one of them has no such row"
    lows = [[row["lowest"] for row in rows] for rows in (others, ours)]
    other, this = min(lows[0]), min(lows[1])
    rounds = " | ".join(" ".join(f"{low:.1f}" for low in low_rounds) for low_rounds in lows)
    return (f"{key[0]:<25} {key[1]:<13} {key[2]:<4} {other:8.1f} {this:8.1f}"
            f" {this / other:6.2f}   {rounds}")
