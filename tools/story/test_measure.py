# SPDX-License-Identifier: BSD-3-Clause
"""The figures of measure.py, from time lines that are known by hand."""

import unittest

import measure

STEP_MS = 10


def door(first_step=0.0, **lines):
    """A counter's record with one line of steps for each kind."""
    began = 1_000_000_000
    return {"began_ns": began, "bucket_ms": STEP_MS, "kinds": {
        kind: {"packets": sum(line), "line": line,
               "first_ns": began + int(first_step * STEP_MS * 1e6) if line else 0}
        for kind, line in lines.items()}}


class Measure(unittest.TestCase):
    """1000 packets/s are 10 a step."""

    def test_limit_kept_from_the_fourth_step_on_takes_thirty_milliseconds(self):
        seen = door(udp=[300, 300, 100] + [10] * 50)
        self.assertEqual(measure.time_to_mitigate_ms(seen, {"udp": 1000}), 30)

    def test_time_runs_from_the_first_packet_not_from_the_step(self):
        seen = door(0.5, udp=[300, 300, 100] + [10] * 50)
        self.assertEqual(measure.time_to_mitigate_ms(seen, {"udp": 1000}), 25)

    def test_a_pause_of_the_sender_is_not_a_mitigation(self):
        seen = door(udp=[300, 0, 300, 300, 300] + [10] * 50)
        self.assertEqual(measure.time_to_mitigate_ms(seen, {"udp": 1000}), 50)

    def test_every_kind_has_to_keep_its_own_limit(self):
        seen = door(udp=[300, 300] + [20] * 40 + [10] * 40, bot_syn=[0] * 82)
        limits = {"udp": 1000, "bot_syn": 6000}
        self.assertEqual(measure.time_to_mitigate_ms(seen, limits), 420)

    def test_a_limit_that_is_never_kept_has_no_time(self):
        seen = door(udp=[300] * 60)
        self.assertIsNone(measure.time_to_mitigate_ms(seen, {"udp": 1000}))

    def test_nothing_but_the_limit_passes_once_mitigated(self):
        seen = door(udp=[300] * 10 + [10] * 90)
        self.assertEqual(measure.passed_ratio(seen, {"udp": 1000}, {"udp": 30_000}, 1.0), 0.0)

    def test_what_passes_above_the_limit_is_held_against_what_was_offered_above_it(self):
        # 90 steps of 30 packets where 10 are allowed and 300 are offered.
        seen = door(udp=[30] * 100)
        ratio = measure.passed_ratio(seen, {"udp": 1000}, {"udp": 30_000}, 1.0)
        self.assertAlmostEqual(ratio, 20 / 290)

    def test_without_limits_it_is_the_share_that_arrived(self):
        seen = door(udp=[150] * 100)
        self.assertAlmostEqual(measure.passed_ratio(seen, {}, {"udp": 30_000}, 1.0), 0.5)

    def test_a_kind_below_its_limit_pays_for_no_other(self):
        seen = door(udp=[30] * 100, bot_syn=[0] * 99 + [1])
        ratio = measure.passed_ratio(seen, {"udp": 1000, "bot_syn": 1000},
                                     {"udp": 30_000, "bot_syn": 500}, 1.0)
        self.assertAlmostEqual(ratio, 20 / 290)

    def test_slow_hosts_are_beaten_when_they_hold_little_for_good(self):
        seen = [(5.0, 0), (5.1, 10), (5.2, 500), (5.3, 40), (5.4, 200), (5.5, 90), (5.6, 0)]
        self.assertAlmostEqual(measure.time_to_free_ms(seen, 100), 400)
        self.assertIsNone(measure.time_to_free_ms(seen[:5], 100))
        self.assertEqual(measure.time_to_free_ms(seen, 500), 0)


if __name__ == "__main__":
    unittest.main()
