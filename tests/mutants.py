#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""mutants - break the house on purpose, one line at a time: every break must turn a test red.

usage: tests/mutants.py [NAME]...
Works on a copy of what is committed; prints "ok mutant NAME" when the unit tests notice.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# name, file, what stands there, what is put there instead
MUTANTS = [
    ("verdict_ignored", "lib/packet/burst.h",
     "	b->live &= ~lane_bit(lane);\n	b->verdict[lane] = (uint8_t)verdict;",
     "	(void)verdict;"),
    ("counter_doubled", "lib/pipeline/pipeline.c",
     "decided[stage][reason], lanes_count(same))",
     "decided[stage][reason], 2 * lanes_count(same))"),
    ("observe_ignored", "lib/pipeline/pipeline.c",
     "if (stage->observe != NULL && seen != 0)", "if (seen == 1 && stage->observe != NULL)"),
    ("monitor_drops", "lib/pipeline/pipeline.c", "b->watched |= same;", "b->watched |= 0;"),
    ("inside_is_judged", "lib/pipeline/pipeline.c",
     "b->side == SIDE_EXTERNAL && p->mode", "p->mode"),
    ("hysteresis_removed", "lib/detect/track.c",
     "if (now_ns - t->calm_since_ns >= rule->clear_after_ns)\n\t\tattack_ends",
     "if (now_ns >= t->calm_since_ns)\n\t\tattack_ends"),
    ("shares_exceed_the_limit", "lib/detect/shares.c", "(WATCH_PRICE_ONE * total + demand[w] + floor - 1)",
     "(WATCH_PRICE_ONE / 2 * total + demand[w] + floor - 1)"),
    ("never_disarmed", "lib/detect/track.c",
     "->disarmed_ns, now_ns)", "->disarmed_ns, 0)"),
    ("meter_forgets_its_burst", "lib/meter/meter.h", "if (from - now > slack)",
     "if (from - now >= slack + 1000000)"),
    ("surge_never_starts", "lib/meter/watch.c", "\tif (ahead == 0)\n", "\tif (ahead == 1)\n"),
    ("flood_takes_the_whole_bucket", "lib/flow/table.h", "#define TABLE_UNEARNED_WAYS 2",
     "#define TABLE_UNEARNED_WAYS 8"),
    ("header_checksum_ignored", "lib/packet/parse.c", "PACKET_BAD_IP_CHECKSUM", "PACKET_SOUND"),
    ("newest_event_lost", "lib/detect/record.c", "counter_read(&r->head);\n	struct",
     "counter_read(&r->head) + 1;\n	struct"),
    ("directions_part", "lib/io/spread.c", "src).hi + hash_16", "src).hi - hash_16"),
    ("pipe_overruns", "lib/io/pipe.h", "			n = room - (head - p->tail_seen);", "			room = n;"),
    ("ranks_stay_open", "lib/io/handoff.c", "b->live = _pext_u64(b->live, keep);",
     "b->live &= lanes_first(n);"),
    ("handed_over_is_not_booked", "lib/io/handoff.c", "handed_packets, sent);", "handed_packets, 0);"),
    ("talkers_forget_the_error", "lib/sketch/talkers.c",
     "counter_set(&slot->error, slot->packets);", "counter_set(&slot->error, 0);"),
    ("cookies_of_any_epoch", "lib/challenge/cookie.c", "__builtin_bswap64(epoch);",
     "__builtin_bswap64(epoch & 0);"),
    ("acks_not_translated", "lib/flow/splice.h", "{ .ack = -s->delta,", "{ .ack = s->delta - s->delta,"),
    ("sacks_half_translated", "lib/packet/translate.c", "i < 2u * o.sacks", "i < 1u * o.sacks"),
    ("stamps_not_translated", "lib/flow/splice.h", "s->has_ts ? s->ts_delta : 0,",
     "s->has_ts ? s->ts_delta - s->ts_delta : 0,"),
    ("third_segment_goes_on", "lib/stage/tcpauth/halves.c",
     "burst_consume(b, i, REASON_COOKIE_ACCEPTED);", "b->reason[i] = REASON_COOKIE_ACCEPTED;"),
    ("monitor_takes_answers", "lib/stage/tcpauth/accept.c", "lanes &= ~b->watched;",
     "lanes &= ~(b->watched & 0);"),
    ("one_source_takes_all_openings", "lib/stage/tcpauth/accept.c", "most = OPENINGS_PER_SOURCE;",
     "most = FLOW_SPLICED_PER_SOURCE;"),
    ("answers_without_limit", "lib/stage/tcpauth/answers.c",
     "within = lanes_within_budget(s, p, b, lanes, slack / 2);",
     "within = lanes | lanes_within_budget(s, p, b, lanes, slack / 2);"),
    ("window_stays_closed", "lib/stage/tcpauth/halves.c",
     "	emit_window(b, i, splice, o->client.ts_value);", "	(void)emit_window;"),
    ("promise_is_looked_up_again", "lib/stage/tcpauth/accept.c", "out->promised = stamp.promised;",
     "out->promised = 7;"),
    ("any_reset_refuses", "lib/stage/tcpauth/carry.c", "if (is_reset && is_ours)", "if (is_reset)"),
    ("bypass_ends_splices", "lib/flow/flow.c", "counter_set(&t->spliced_ns, now_ns);",
     "counter_set(&t->spliced_ns, t->spliced_ns + 0 * now_ns);"),
    ("silence_lasts_longer", "lib/stage/tcpauth/halves.c", "o->attempts < ATTEMPTS)",
     "o->attempts < ATTEMPTS + 1)"),
    ("learning_never_ends", "lib/stage/tcpauth/state.c", "< p->learning_ns;", "< p->learning_ns + b->now_ns;"),
    ("last_segments_in_foreign_numbers", "lib/stage/tcpauth/accept.c",
     "say_client(s, b, third & ~right & ~late, false);", "say_client(s, b, 0, false);"),
]


def run(command, cwd):
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)


def copy_to(folder):
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "x", "-C", folder], input=archive.stdout, check=True)
    (pathlib.Path(folder) / ".git").mkdir(exist_ok=True)  # the version header asks git


def is_noticed(folder, build):
    """The build may fail too: a static assertion or a warning is a test as well."""
    if run(["ninja", "-C", build], folder).returncode != 0:
        return True
    return run(["meson", "test", "-C", build, "--suite", "unit", "--no-rebuild"],
               folder).returncode != 0


def main():
    wanted = sys.argv[1:]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        copy_to(folder)
        build = os.path.join(folder, "build")
        setup = run(["meson", "setup", build, "-Dbuildtype=debugoptimized"], folder)
        if setup.returncode != 0 or is_noticed(folder, build):
            print("not ok mutant none: the tests are red without a mutant")
            print(setup.stdout[-2000:] if setup.returncode != 0 else
                  run(["meson", "test", "-C", build, "--suite", "unit"], folder).stdout[-3000:])
            return 1
        for name, file, old, new in MUTANTS:
            if wanted and name not in wanted:
                continue
            path = pathlib.Path(folder) / file
            text = path.read_text()
            if old not in text:
                print(f"not ok mutant {name}: {file} no longer has the line it breaks")
                failed = True
                continue
            path.write_text(text.replace(old, new, 1))
            noticed = is_noticed(folder, build)
            print(f"{'ok' if noticed else 'not ok'} mutant {name}", flush=True)
            failed = failed or not noticed
            path.write_text(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
