/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The meter against an exact token bucket in wide integers.
 *
 * The bucket counts debt in (packets or bits) x ticks of a second, so that one tick
 * pays back exactly `per_second` of it and nothing is ever rounded. The meter does
 * round: a packet's price to half a tick, a byte's to half of 1/256 tick, and the
 * sum down to a tick. So the twin keeps two debts, the least and the most that this
 * rounding allows, and every decision must be right for one between them.
 */
#include "meter/meter.h"

#include "suite.h"

typedef __int128 wide;

#define NS_PER_SECOND INT64_C(1000000000)
#define SECOND        ((wide)METER_TICKS_PER_NS * NS_PER_SECOND)
#define YEAR_NS       (UINT64_C(31557600) * 1000000000)
#define LONGEST       9018u /* bytes of a jumbo frame */
#define FULL_PACKET   1500

static uint64_t state;

static uint64_t
next_random(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 1..most, every order of magnitude as likely as any other. */
static uint64_t
any_size(uint64_t most)
{
	const unsigned int bits = 64 - (unsigned int)__builtin_clzll(most);
	const uint64_t r = next_random() >> (64 - 1 - next_random() % bits);

	return r == 0 ? 1 : r > most ? most : r;
}

/* --- twin ------------------------------------------------------------------ */

struct bucket {
	struct meter_limit limit;
	wide room;        /* debt with which one more packet is still let in */
	wide room_doubt;  /* rounding of `room` */
	wide least, most; /* debt */
	uint64_t now;     /* ticks */
};

/* What a packet adds to the debt, and how far the meter may be off, in the same unit. */
static void
cost(const struct bucket *b, uint32_t bytes, wide *exact, wide *less, wide *more)
{
	const wide rate = (wide)b->limit.per_second;

	if (b->limit.unit == METER_PACKETS) {
		*exact = SECOND;
		*less = *more = rate / 2 + 1;
	} else {
		*exact = SECOND * 8 * bytes;
		*more = rate * bytes / 512 + 1;
		*less = *more + rate;
	}
}

static void
bucket_open(struct bucket *b, const struct meter_limit *limit, uint64_t burst_ns,
            unsigned int least, uint64_t now)
{
	wide burst = (wide)limit->per_second * burst_ns / NS_PER_SECOND;
	wide exact, less, more;

	*b = (struct bucket){ .limit = *limit, .now = now };
	if (limit->unit == METER_PACKETS) {
		burst = burst < least ? least : burst;
		burst = burst < 1 ? 1 : burst;
		cost(b, 0, &exact, &less, &more);
		b->room = (burst - 1) * exact;
		b->room_doubt = (burst - 1) * more;
	} else {
		burst = burst / 8 < (wide)least * FULL_PACKET ? (wide)least * FULL_PACKET
		                                              : burst / 8;
		burst = burst < FULL_PACKET ? FULL_PACKET : burst;
		b->room = (burst - FULL_PACKET) * 8 * SECOND;
		b->room_doubt =
			(burst - FULL_PACKET) * ((wide)limit->per_second / 512 + 1) +
			(wide)limit->per_second;
	}
}

static void
bucket_wait(struct bucket *b, uint64_t now)
{
	const wide paid = (wide)(now - b->now) * (wide)b->limit.per_second;

	b->least = b->least > paid ? b->least - paid : 0;
	b->most = b->most > paid ? b->most - paid : 0;
	b->now = now;
}

/* Whether this decision is right for some debt between the two. */
static bool
bucket_agrees(struct bucket *b, uint32_t bytes, bool admitted)
{
	wide exact, less, more;

	if (!admitted)
		return b->most > b->room - b->room_doubt;
	if (b->least > b->room + b->room_doubt)
		return false;
	cost(b, bytes, &exact, &less, &more);
	b->least += exact - less;
	b->most += exact + more;
	return true;
}

/* --- tests ----------------------------------------------------------------- */

/* A pause: none, about one price, about the burst, or anything up to a month. */
static uint64_t
pause_ns(const struct meter_rate *rate, uint32_t bytes)
{
	const uint64_t price = meter_price(rate, bytes) / METER_TICKS_PER_NS;

	switch (next_random() % 8) {
	case 0:
	case 1:
		return 0;
	case 2:
		return any_size(YEAR_NS / 12);
	case 3:
		return any_size(rate->slack / METER_TICKS_PER_NS + 2);
	case 4:
		return price;
	default:
		return next_random() % (2 * price + 2);
	}
}

/* One key with one rate through 300 packets; returns how many decisions were wrong. */
static unsigned int
walk(const struct meter_limit *limit, uint64_t burst_ns, unsigned int least,
     uint64_t now_ns)
{
	struct meter_rate rate;
	struct meter m = { 0 };
	struct bucket b;
	unsigned int wrong = 0;

	CU_ASSERT_EQUAL_FATAL(meter_rate_init(&rate, limit, burst_ns, least), 0);
	bucket_open(&b, limit, burst_ns, least, meter_ticks(now_ns));
	for (unsigned int i = 0; i < 300; i++) {
		const uint32_t bytes = 60 + (uint32_t)(next_random() % (LONGEST - 60));
		const uint64_t wait = pause_ns(&rate, bytes);
		bool admitted;

		if (now_ns + wait < 9 * YEAR_NS)
			now_ns += wait;
		bucket_wait(&b, meter_ticks(now_ns));
		admitted = meter_take(&m, meter_price(&rate, bytes), rate.slack,
		                      meter_ticks(now_ns));
		wrong += !bucket_agrees(&b, bytes, admitted);
	}
	return wrong;
}

/* Up to nine years of uptime; every tenth walk starts in the last hour of them. */
static void
every_decision_is_the_exact_buckets_within_rounding(void)
{
	unsigned int wrong = 0;

	state = 1;
	for (unsigned int n = 0; n < 6000; n++) {
		const bool is_bits = n % 2;
		const struct meter_limit limit = {
			any_size(is_bits ? METER_MAX_BITS : METER_MAX_PPS),
			is_bits ? METER_BITS : METER_PACKETS,
		};
		const uint64_t last = 9 * YEAR_NS - UINT64_C(3600) * 1000000000;

		wrong += walk(&limit, any_size(UINT64_C(3600) * 1000000000),
		              (unsigned int)(next_random() % 64),
		              n % 10 == 9 ? last + next_random() % 1000000
		                          : next_random() % last);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void
the_ends_of_the_scale_are_exact_too(void)
{
	static const struct meter_limit limits[] = {
		{ 1, METER_PACKETS },  { METER_MAX_PPS, METER_PACKETS },
		{ 1, METER_BITS },     { METER_MAX_BITS, METER_BITS },
		{ 3, METER_PACKETS },  { METER_MAX_PPS - 1, METER_PACKETS },
		{ 8000, METER_BITS },  { METER_MAX_BITS - 1, METER_BITS },
		{ 1000, METER_BITS },  { UINT64_C(5000000000), METER_BITS },
		{ 64, METER_PACKETS }, { UINT64_C(640000001), METER_PACKETS },
	};
	unsigned int wrong = 0;

	state = 2;
	for (unsigned int n = 0; n < 100; n++)
		for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
			wrong += walk(&limits[i], UINT64_C(1) << n % 40, n % 3,
			              n % 2 * 8 * YEAR_NS);
	CU_ASSERT_EQUAL(wrong, 0);
}

/* Offer far more than the rate for a while; returns the sum of what was admitted. */
static uint64_t
flood(const struct meter_rate *rate, uint32_t bytes, uint64_t for_ns, uint64_t *first)
{
	const uint64_t start = 5 * YEAR_NS, price = meter_price(rate, bytes);
	struct meter m = { 0 };
	uint64_t admitted = 0, now = meter_ticks(start);

	while (meter_take(&m, price, rate->slack, now))
		admitted++;
	*first = admitted;
	/* The next one may pass a moment later; a packet that comes earlier never does. */
	for (;;) {
		now = m.paid_until - rate->slack;
		if (now > meter_ticks(start + for_ns))
			return admitted;
		if (meter_take(&m, price, rate->slack, now - 1) ||
		    !meter_take(&m, price, rate->slack, now))
			return UINT64_MAX;
		admitted++;
	}
}

/* bucket + rate x time, by the stated rounding: half a tick a packet of 1/64 ns. */
static void
a_flood_gets_the_bucket_and_the_rate_and_one_packet(void)
{
	state = 3;
	for (unsigned int n = 0; n < 300; n++) {
		const uint64_t pps = n == 0 ? METER_MAX_PPS : any_size(METER_MAX_PPS);
		const struct meter_limit limit = { pps, METER_PACKETS };
		const uint64_t burst = 1 + next_random() % 1000;
		const wide for_ns = (wide)NS_PER_SECOND * 4000 / (wide)pps + 1;
		struct meter_rate rate;
		uint64_t first;
		wide sum, doubt;

		CU_ASSERT_EQUAL_FATAL(
			meter_rate_init(&rate, &limit, 0, (unsigned int)burst), 0);
		sum = (wide)flood(&rate, 60, (uint64_t)for_ns, &first);
		CU_ASSERT_EQUAL(first, burst);
		/* In packets x ticks of a second, as the twin counts. */
		doubt = sum * ((wide)pps / 2 + 1);
		CU_ASSERT(sum * SECOND - doubt <=
		          for_ns * (wide)(METER_TICKS_PER_NS * pps) +
		                  (wide)(burst + 1) * SECOND);
		CU_ASSERT(sum * SECOND + doubt >=
		          for_ns * (wide)(METER_TICKS_PER_NS * pps) +
		                  (wide)(burst - 1) * SECOND);
	}
}

/* The figures of the header, as an operator would read them. */
static void
the_stated_rounding_holds(void)
{
	static const struct {
		uint64_t pps;
		double off;
	} rows[] = { { METER_MAX_PPS, 0.008 }, { 1000000, 0.00001 }, { 1, 1e-10 } };
	struct meter_rate rate;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (uint64_t below = 0; below < 1000 && below < rows[i].pps; below++) {
			const double pps = (double)(rows[i].pps - below);
			const struct meter_limit limit = { rows[i].pps - below,
				                           METER_PACKETS };

			CU_ASSERT_EQUAL_FATAL(meter_rate_init(&rate, &limit, 0, 1), 0);
			CU_ASSERT_DOUBLE_EQUAL((double)rate.each * pps / 64e9, 1,
			                       rows[i].off);
		}
	/* The worst of bits: the shortest frame at the highest rate. */
	CU_ASSERT_EQUAL_FATAL(
		meter_rate_init(
			&rate, &(struct meter_limit){ METER_MAX_BITS, METER_BITS }, 0, 1),
		0);
	CU_ASSERT_DOUBLE_EQUAL((double)meter_price(&rate, 60) / (60 * 8 / 1e12 * 64e9), 1,
	                       0.033);
}

SUITE_MAIN("meter_twin", TEST(every_decision_is_the_exact_buckets_within_rounding),
           TEST(the_ends_of_the_scale_are_exact_too),
           TEST(a_flood_gets_the_bucket_and_the_rate_and_one_packet),
           TEST(the_stated_rounding_holds))
