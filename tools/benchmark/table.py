# SPDX-License-Identifier: BSD-3-Clause
"""table - rows of figures as lines for a terminal."""

SCENARIOS = (f"{'scenario':<25} {'family':<6} {'cache':<5} {'cycles':>7} {'Mpps':>7} {'ratio':>6}"
             f"   lowest..highest")
LATENCY = (f"\n{'delay in the box, ns':<25} {'family':<6} {'load':>5} {'Mpps':>7} {'p50':>8}"
           f" {'p99':>8} {'p99.9':>9} {'missed':>8}   p99 lowest..highest")
MICRO = (f"\n{'alone':<13} {'item':<13} {'cycles':>8} {'of DPDK':>8} {'faster':>7}"
         f"   lowest..highest")


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
