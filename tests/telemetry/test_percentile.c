/* SPDX-License-Identifier: BSD-3-Clause */
/* Percentiles against their definition, and the thresholds that are suggested from them. */
#include "telemetry/percentile.h"

#include "suite.h"
#include "telemetry/report.h"

/* The definition, word by word: the smallest value that so many do not exceed. */
static uint64_t
twin(const uint64_t *value, size_t n, double percent)
{
	uint64_t best = UINT64_MAX;

	for (size_t i = 0; i < n; i++) {
		size_t below = 0;

		for (size_t k = 0; k < n; k++)
			below += value[k] <= value[i];
		if ((double)below * 100 >= percent * (double)n && value[i] < best)
			best = value[i];
	}
	return best;
}

static void
percentiles_equal_their_definition(void)
{
	uint64_t value[300], copy[300];
	unsigned int random = 1;

	for (size_t n = 1; n <= 300; n += n < 110 ? 1 : 37) {
		struct telemetry_spread s;

		for (size_t i = 0; i < n; i++) {
			random = random * 1103515245 + 12345;
			value[i] = copy[i] = (random >> 16) % (n / 2 + 3);
		}
		telemetry_spread_of(copy, n, &s);
		CU_ASSERT_EQUAL(s.p50, twin(value, n, 50));
		CU_ASSERT_EQUAL(s.p95, twin(value, n, 95));
		CU_ASSERT_EQUAL(s.p99, twin(value, n, 99));
		CU_ASSERT_EQUAL(s.highest, twin(value, n, 100));
	}
	CU_ASSERT_EQUAL(telemetry_round_up(0), 0);
	CU_ASSERT_EQUAL(telemetry_round_up(99), 99);
	CU_ASSERT_EQUAL(telemetry_round_up(101), 110);
	CU_ASSERT_EQUAL(telemetry_round_up(12345), 13000);
}

static void
suggestions_are_in_order_and_leave_events_out(void)
{
	static const struct {
		uint64_t p99, highest;
		struct telemetry_suggestion want;
	} rows[] = {
		{ 0, 0, { 0, 0, 0, 0 } },
		{ 10, 20, { 70, 100, 30, 0 } },
		{ 1000, 1100, { 1400, 2000, 1200, 0 } },
		{ 1000, 4000, { 4200, 6000, 1800, 0 } },
		{ 1000, 9000, { 1400, 2000, 1200, 1 } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct telemetry_spread s = { .p99 = rows[i].p99,
			                            .highest = rows[i].highest };
		struct telemetry_suggestion to;

		telemetry_suggest(&s, 100, &to);
		CU_ASSERT_EQUAL(to.alarm, rows[i].want.alarm);
		CU_ASSERT_EQUAL(to.activate, rows[i].want.activate);
		CU_ASSERT_EQUAL(to.max, rows[i].want.max);
		CU_ASSERT_EQUAL(to.is_outlier, rows[i].want.is_outlier);
	}
}

SUITE_MAIN("telemetry/percentile", TEST(percentiles_equal_their_definition),
           TEST(suggestions_are_in_order_and_leave_events_out))
