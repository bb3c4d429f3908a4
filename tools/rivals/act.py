# SPDX-License-Identifier: BSD-3-Clause
"""act - one contestant under one flood: calm, flood, and what everybody saw of it."""
import json
import os
import subprocess
import time

import cpu
from boxes import UDP_PORT
from net import SHOP4, SHOP6
from procs import ProcError, Program, Talker
from shop import CUSTOMER_PATHS

TIMEOUT_MS = 1500  # a lost SYN is sent again after 1 s; whoever loses two has left
TAIL = TIMEOUT_MS / 1000 + 0.2  # the flood outlasts the last request that began under it
THINK_MS = 400
CUSTOMERS = 50
SERVED = 0.9  # whoever serves fewer requests in calm is set up wrongly, which proves nothing
# Who was there before the flood, and who comes first during one: each flood meets new ones.
KNOWN = {4: "198.51.100.0/26", 6: "2001:db8:c000:1000::/52"}
NEW = {"udp": {4: "198.51.100.64/26", 6: "2001:db8:c000:2000::/52"},
       "syn": {4: "198.51.100.128/26", 6: "2001:db8:c000:3000::/52"}}

POLL_NS = 100  # of a polling thread for each packet, at the very least


def shop_of(family):
    """The shop's address."""
    return SHOP6 if family == 6 else SHOP4


def part_of(flood, family, pps):
    """The flood in the generator's words: small packets, no source twice."""
    more = f"dport={UDP_PORT},size=64" if flood == "udp" else "dport=80"
    return f"{flood},rate={pps},sources=random,family={family},dst={shop_of(family)},{more}"


class Crowd(Talker):
    """Real TCP customers, each with an address of its own."""

    def __init__(self, world, tools, prefix, options):
        super().__init__(
            world, "internet",
            [tools["crowd"], "customers", "--group", f"{CUSTOMERS}@{prefix}",
             "--shop", shop_of(options.family), "--paths", CUSTOMER_PATHS,
             "--think-ms", str(options.think),
             "--timeout-ms", str(TIMEOUT_MS), "--keep-alive", "5"],
            os.path.join(world.folder, "crowd.log"), world.load_core)

    def count(self, name, seconds):
        """What they lived through in an ended phase of so many seconds."""
        told = self.result(name, TAIL + 10)
        return {"requests_per_s": round(told["requests"] / seconds, 1),
                "ok_per_s": round(told["ok"] / seconds, 1), "ok_ratio": told["ok_ratio"],
                "worst_customer_ok_ratio": told["worst_customer_ok_ratio"],
                "p50_ms": told["p50_ms"], "p99_ms": told["p99_ms"]}


class Flood:
    """The generator, paced, for a time that is known beforehand."""

    def __init__(self, world, tools, part, seconds):
        self.seconds = seconds
        self.program = Program(
            world, "internet",
            [tools["trafficgen"], "send", "--interface", "uplink", "--part", part,
             "--duration", f"{round(seconds * 1000)}ms"],
            os.path.join(world.folder, "trafficgen.log"), world.load_core,
            stdout=subprocess.PIPE)

    def finish(self):
        """What it has sent."""
        try:
            out, _ = self.program.process.communicate(timeout=self.seconds + 10)
        except subprocess.TimeoutExpired as late:
            raise ProcError("the flood does not end in time") from late
        if self.program.process.returncode != 0:
            raise ProcError("trafficgen: " + self.program.last_words())
        return json.loads(out.splitlines()[-1])


def calm(box, people, core, seconds):
    """The contestant's share of its core without a flood."""
    people.phase("calm")
    before = cpu.Reading(box.pids())
    time.sleep(seconds)
    spent = cpu.Reading(box.pids()).since(before, core)
    return spent["own"] / spent["seconds"]


def perform(box, people, flood, options):
    """Let it happen; returns the row."""
    world, family = box.world, options.family
    calm_ratio = calm(box, people, world.box_core, options.calm)
    people.phase("between")
    before_it = people.count("calm", options.calm)
    if before_it["ok_ratio"] < SERVED:
        raise ProcError(f"{before_it['ok_ratio']:.0%} of the customers' requests succeed "
                        "without a flood: it is no wire, or this machine is too busy")
    people.phase(flood)
    door, unseen = world.door(), world.refused() + box.missed()
    before = cpu.Reading(box.pids())
    storm = Flood(world, box.tools, part_of(flood, family, options.pps), options.seconds + TAIL)
    newcomers = None
    try:
        newcomers = Crowd(world, box.tools, NEW[flood][family], options)
        newcomers.phase(flood)
        time.sleep(options.seconds)
        busy = box.busy()
        for crowd in (people, newcomers):
            crowd.phase("after")
        told = storm.finish()
        after, door_after = cpu.Reading(box.pids()), world.door()
        unseen = world.refused() + box.missed() - unseen
        box.must_live()
        row = {"contestant": box.name, "flood": flood, "family": f"ipv{family}",
               "offered_pps": options.pps, "sent_pps": round(told["pps"]),
               "reached_shop_pps": round((door_after["flood"] - door["flood"]) / told["seconds"]),
               "unseen_packets": unseen, "own_busy_ratio": busy, "calm": before_it,
               "known": people.count(flood, options.seconds),
               "new": newcomers.count(flood, options.seconds)}
    finally:
        storm.program.stop(2)
        if newcomers is not None:
            newcomers.stop(2)
    row.update(work(box, before, after, told, calm_ratio))
    row["unseen_packets"] += row["core_overflow"]
    return row


def work(box, before, after, told, calm_ratio):
    """What the box's core did during a flood, and whether the work was done there."""
    core = box.world.box_core
    spent = after.since(before, core)
    seconds, sent = spent["seconds"], max(told["sent"], 1)
    if box.polled:
        # A polling thread that hardly ran has left the work to the sender's core.
        ran = sum(after.threads[tid][1] - before.threads[tid][1] for tid in box.pollers)
        placed = (all(after.threads[tid][0] == core for tid in box.pollers)
                  and ran >= POLL_NS / 1e9 * told["sent"])
    else:
        placed = spent["received"] + spent["overflow"] >= 0.9 * told["sent"]
    return {
        "core": core, "is_on_core": placed,
        "core_calm_ratio": round(calm_ratio, 4),
        "core_busy_ratio": round(spent["own"] / seconds, 4),
        "core_foreign_ratio": round(spent["foreign"] / seconds, 4),
        "core_steal_ratio": round(spent["steal"] / seconds, 4),
        "threads_ratio": round(spent["threads"] / seconds, 4),
        "threads_elsewhere_ratio": round(spent["threads_elsewhere"] / seconds, 4),
        "core_received": spent["received"], "core_overflow": spent["overflow"],
        "load_core_received": after.since(before, box.world.load_core)["received"],
        "ns_per_flood_packet": round((spent["own"] - calm_ratio * seconds) / sent * 1e9, 1)}
