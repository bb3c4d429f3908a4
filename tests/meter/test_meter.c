/* SPDX-License-Identifier: BSD-3-Clause */
/* The meter against an exact token bucket in whole numbers, and its bounds. */
#include "meter/meter.h"

#include <errno.h>

#include "suite.h"

#define MS     UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define HOUR   (3600 * SECOND)

/*
 * The slow twin: a bucket in units of (1 / 1e9) packet or (1 / 8e9) byte, in
 * which a rate of r per second tops up exactly r units a nanosecond.
 */
struct bucket {
	__int128 level, depth, enough; /* a packet passes while level >= enough */
	uint64_t per_second, last_ns;
};

static bool
bucket_take(struct bucket *b, __int128 price, uint64_t now_ns)
{
	b->level += (__int128)b->per_second * (now_ns - b->last_ns);
	b->last_ns = now_ns;
	if (b->level > b->depth)
		b->level = b->depth;
	if (b->level < b->enough)
		return false;
	b->level -= price;
	return true;
}

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 20 packets/s, burst 5: one packet is paid off in 50 ms. */
static void
burst_passes_then_the_rate_holds(void)
{
	static const struct {
		uint64_t at_ms;
		bool allowed;
	} steps[] = {
		{ 0, true },  { 0, true },   { 0, true },  { 0, true },   { 0, true },
		{ 0, false }, { 49, false }, { 50, true }, { 50, false }, { 150, true },
	};
	const struct meter_limit limit = { 20, METER_PACKETS };
	struct meter_rate rate;
	struct meter m = { 0 };

	CU_ASSERT_EQUAL_FATAL(meter_rate_init(&rate, &limit, 0, 5), 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		CU_ASSERT_EQUAL(meter_take(&m, meter_price(&rate, 64), rate.slack,
		                           meter_ticks(SECOND + steps[i].at_ms * MS)),
		                steps[i].allowed);
}

/* Rates that a tick divides evenly must agree with the bucket packet by packet. */
static void
packets_agree_with_an_exact_bucket(void)
{
	static const uint64_t rates[] = { 1,       20,       1000,         64000,
		                          1000000, 64000000, METER_MAX_PPS };
	uint64_t seed = 1, passed = 0, refused = 0;

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		const struct meter_limit limit = { rates[i], METER_PACKETS };
		const uint64_t gap = 2 * SECOND / rates[i] + 2;
		struct bucket b = { .per_second = rates[i], .enough = (__int128)SECOND };
		struct meter_rate rate;
		struct meter m = { 0 };
		uint64_t now_ns = HOUR;

		b.level = b.depth = 7 * (__int128)SECOND;
		b.last_ns = now_ns;
		CU_ASSERT_EQUAL_FATAL(meter_rate_init(&rate, &limit, 0, 7), 0);
		for (unsigned int n = 0; n < 20000; n++) {
			bool exact = bucket_take(&b, (__int128)SECOND, now_ns);

			CU_ASSERT_EQUAL_FATAL(meter_take(&m, meter_price(&rate, 100),
			                                 rate.slack, meter_ticks(now_ns)),
			                      exact);
			passed += exact;
			refused += !exact;
			now_ns +=
				next_random(&seed) % gap * (next_random(&seed) % 8 != 0);
		}
	}
	CU_ASSERT(passed > 1000 && refused > 1000);
}

/* 1 Mbit/s and its like cost whole ticks a byte; packet sizes are random. */
static void
bits_agree_with_an_exact_bucket(void)
{
	static const uint64_t rates[] = { 8000, 1000000, 500000000, 1000000000 };
	uint64_t seed = 2, passed = 0, refused = 0;

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		const struct meter_limit limit = { rates[i], METER_BITS };
		const __int128 byte = 8 * (__int128)SECOND;
		const uint64_t gap = 1200 * 8 * SECOND / rates[i] + 2;
		struct bucket b = { .per_second = rates[i], .enough = 1500 * byte };
		struct meter_rate rate;
		struct meter m = { 0 };
		uint64_t now_ns = HOUR;

		b.level = b.depth = 10 * 1500 * byte;
		b.last_ns = now_ns;
		CU_ASSERT_EQUAL_FATAL(meter_rate_init(&rate, &limit, 0, 10), 0);
		for (unsigned int n = 0; n < 20000; n++) {
			uint32_t bytes = (uint32_t)(60 + next_random(&seed) % 1455);
			bool exact = bucket_take(&b, bytes * byte, now_ns);

			CU_ASSERT_EQUAL_FATAL(meter_take(&m, meter_price(&rate, bytes),
			                                 rate.slack, meter_ticks(now_ns)),
			                      exact);
			passed += exact;
			refused += !exact;
			now_ns += next_random(&seed) % gap;
		}
	}
	CU_ASSERT(passed > 1000 && refused > 1000);
}

/* Any rate: over ten thousand packets the sum is off by what the header admits. */
static void
awkward_rates_stay_within_the_stated_error(void)
{
	static const struct {
		struct meter_limit limit;
		double error;
	} cases[] = {
		{ { 3, METER_PACKETS }, 1e-5 },
		{ { 7777, METER_PACKETS }, 1e-5 },
		{ { 999983, METER_PACKETS }, 1e-5 },
		{ { 333333333, METER_PACKETS }, 0.008 },
		{ { 704225352, METER_PACKETS }, 0.008 },
		{ { 12345, METER_BITS }, 1e-5 },
		{ { 9999999999, METER_BITS }, 0.0005 },
		{ { METER_MAX_BITS, METER_BITS }, 0.008 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const bool is_bits = cases[i].limit.unit == METER_BITS;
		const double each_ns = (is_bits ? 8000.0 : 1.0) * 1e9 /
		                       (double)cases[i].limit.per_second;
		struct meter_rate rate;
		struct meter m = { 0 };

		CU_ASSERT_EQUAL_FATAL(meter_rate_init(&rate, &cases[i].limit, HOUR, 1),
		                      0);
		for (unsigned int n = 0; n < 10000; n++)
			m.paid_until += meter_price(&rate, 1000);
		CU_ASSERT_DOUBLE_EQUAL((double)m.paid_until / 64.0 / (10000 * each_ns),
		                       1.0, cases[i].error);
	}
}

static void
a_burst_is_its_time_and_never_less_than_asked(void)
{
	static const struct {
		struct meter_limit limit;
		uint64_t burst_ns;
		unsigned int least, expected;
	} cases[] = {
		{ { 1000, METER_PACKETS }, 100 * MS, 1, 100 },
		{ { 1000, METER_PACKETS }, 100 * MS, 300, 300 },
		{ { 1000, METER_PACKETS }, 0, 0, 1 },
		{ { 5, METER_PACKETS }, 10 * MS, 16, 16 },
		{ { 12000000, METER_BITS }, 100 * MS, 1, 100 },
		{ { 12000000, METER_BITS }, 1 * MS, 16, 16 },
		{ { 12000000, METER_BITS }, 0, 0, 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct meter_rate rate;
		struct meter m = { 0 };
		unsigned int passed = 0;

		CU_ASSERT_EQUAL_FATAL(meter_rate_init(&rate, &cases[i].limit,
		                                      cases[i].burst_ns, cases[i].least),
		                      0);
		while (passed < 1000 && meter_take(&m, meter_price(&rate, 1500),
		                                   rate.slack, meter_ticks(SECOND)))
			passed++;
		CU_ASSERT_EQUAL(passed, cases[i].expected);
	}
}

static void
no_limit_lets_everything_pass(void)
{
	const struct meter_limit none[] = { { 0, METER_PACKETS }, { 0, METER_BITS } };
	struct meter_rate rate;
	struct meter m = { 0 };

	for (unsigned int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(meter_rate_init(&rate, &none[i], 100 * MS, 1), 0);
		for (unsigned int n = 0; n < 100000; n++)
			CU_ASSERT_FATAL(meter_take(&m, meter_price(&rate, 9000),
			                           rate.slack, meter_ticks(SECOND)));
	}
}

static void
what_is_out_of_range_is_refused_and_changes_nothing(void)
{
	static const struct {
		struct meter_limit limit;
		uint64_t burst_ns;
		unsigned int least;
		int expected;
	} cases[] = {
		{ { METER_MAX_PPS, METER_PACKETS }, HOUR, 1, 0 },
		{ { METER_MAX_PPS + 1, METER_PACKETS }, 0, 1, -ERANGE },
		{ { METER_MAX_BITS, METER_BITS }, HOUR, 1, 0 },
		{ { METER_MAX_BITS + 1, METER_BITS }, 0, 1, -ERANGE },
		{ { 1, METER_PACKETS }, HOUR + 1, 1, -ERANGE },
		{ { 0, METER_PACKETS }, HOUR + 1, 1, -ERANGE },
		{ { 1, METER_PACKETS }, 0, UINT32_MAX, -ERANGE },
		{ { 1, METER_BITS }, 0, UINT32_MAX, -ERANGE },
		{ { 1, METER_PACKETS }, 0, 1, 0 },
		{ { 1, METER_BITS }, 0, 16, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct meter_rate rate = { 11, 22, 33 };

		CU_ASSERT_EQUAL(meter_rate_init(&rate, &cases[i].limit, cases[i].burst_ns,
		                                cases[i].least),
		                cases[i].expected);
		CU_ASSERT_EQUAL(rate.each == 11 && rate.per_byte == 22 &&
		                        rate.slack == 33,
		                cases[i].expected != 0);
	}
}

/* A key that was refused has paid nothing for it: 0 is idle, and time heals. */
static void
ahead_tells_how_much_is_used(void)
{
	const struct meter_limit limit = { 1000, METER_PACKETS };
	const uint64_t now = meter_ticks(SECOND);
	struct meter_rate rate;
	struct meter m = { 0 };

	CU_ASSERT_EQUAL_FATAL(meter_rate_init(&rate, &limit, 0, 2), 0);
	CU_ASSERT_EQUAL(meter_ahead(&m, now), 0);
	CU_ASSERT(meter_take(&m, rate.each, rate.slack, now));
	CU_ASSERT_EQUAL(meter_ahead(&m, now), rate.each);
	CU_ASSERT(meter_take(&m, rate.each, rate.slack, now));
	CU_ASSERT(!meter_take(&m, rate.each, rate.slack, now));
	CU_ASSERT_EQUAL(meter_ahead(&m, now), 2 * rate.each);
	CU_ASSERT_EQUAL(meter_ahead(&m, now + 2 * rate.each + 1), 0);
}

SUITE_MAIN("meter", TEST(burst_passes_then_the_rate_holds),
           TEST(packets_agree_with_an_exact_bucket),
           TEST(bits_agree_with_an_exact_bucket),
           TEST(awkward_rates_stay_within_the_stated_error),
           TEST(a_burst_is_its_time_and_never_less_than_asked),
           TEST(no_limit_lets_everything_pass),
           TEST(what_is_out_of_range_is_refused_and_changes_nothing),
           TEST(ahead_tells_how_much_is_used))
