# SPDX-License-Identifier: BSD-3-Clause
"""measure - figures out of what was counted at the shop's door.

The counter gives packets in steps of ten milliseconds for each kind of packet. `allowed`
is what the configuration lets through of a kind, in packets per second.
"""

STEADY = 10  # steps that have to stay below the limit on average, once it is kept
TOLERANCE = 1.05


def _keeps(line, limit, step):
    """Does a kind keep its limit in this step, and from it on?

    A single quiet step can be a pause of the sender, so the following hundred
    milliseconds have to keep the limit on average as well.
    """
    following = line[step:step + STEADY]
    at_once = line[step] if step < len(line) else 0
    return at_once <= limit and sum(following) <= limit * STEADY


def first_step(door, allowed):
    """Step of the first attack packet, or None."""
    stamps = [door["kinds"][kind]["first_ns"] for kind in allowed]
    stamps = [stamp for stamp in stamps if stamp]
    if not stamps:
        return None
    return (min(stamps) - door["began_ns"]) / (door["bucket_ms"] * 1e6)


def mitigated_step(door, allowed):
    """First step in which every kind keeps its limit; None if there is none."""
    first = first_step(door, allowed)
    if first is None:
        return None
    lines = {kind: door["kinds"][kind]["line"] for kind in allowed}
    limits = {kind: pps * door["bucket_ms"] / 1000 * TOLERANCE for kind, pps in allowed.items()}
    # The last steps have no hundred milliseconds after them, and prove nothing.
    for step in range(int(first), max(len(line) for line in lines.values()) - STEADY):
        if all(_keeps(lines[kind], limits[kind], step) for kind in allowed):
            return step
    return None


def time_to_mitigate_ms(door, allowed):
    """From the first attack packet to the first ten milliseconds that keep the limit."""
    step = mitigated_step(door, allowed)
    if step is None:
        return None
    return max(0.0, step - first_step(door, allowed)) * door["bucket_ms"]


def passed_ratio(door, allowed, offered_pps, seconds):
    """Share that arrived of what was offered above the limits, once mitigated.

    Without limits it is the share of the attack that arrived at all. Each kind is taken by
    itself, so that one that is far below its limit pays for no other.
    """
    first = first_step(door, offered_pps)
    if first is None:
        return 0.0
    begin = mitigated_step(door, allowed) if allowed else first
    begin = first if begin is None else begin
    end = first + seconds * 1000 / door["bucket_ms"]
    lasted = (end - begin) * door["bucket_ms"] / 1000
    arrived_above = offered_above = 0.0
    for kind, pps in offered_pps.items():
        limit = allowed.get(kind, 0) * lasted
        arrived = sum(door["kinds"][kind]["line"][int(begin):])
        arrived_above += max(0.0, arrived - limit)
        offered_above += max(0.0, pps * lasted - limit)
    return arrived_above / offered_above if offered_above > 0 else 0.0


def time_to_free_ms(held, limit):
    """From the first connection that slow hosts hold to when they hold no more than `limit`, for
    good. `held` is [(seconds, connections)]; None if they still hold more at its end."""
    began = [at for at, count in held if count > 0]
    above = [i for i, (_, count) in enumerate(held) if count > limit]
    if not began or not above:
        return 0.0
    if above[-1] + 1 == len(held):
        return None
    return (held[above[-1] + 1][0] - began[0]) * 1000
