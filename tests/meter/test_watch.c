/* SPDX-License-Identifier: BSD-3-Clause */
/* When a cell arms itself, what it remembers of that, and how shares price it. */
#include "meter/watch.h"

#include "alone.h"
#include "suite.h"

#define MS     UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define VECTOR VECTOR_UDP_FLOOD

struct rig {
	struct watch w;
	struct watch_cell *cell;
	struct watch_rule rule;
};

static void
open_rig(struct rig *r, uint64_t per_second, enum meter_unit unit)
{
	*r = (struct rig){ .rule.activate = { per_second, unit } };
	CU_ASSERT_EQUAL_FATAL(watch_open(&r->w, 3), 0);
	CU_ASSERT_EQUAL_FATAL(
		meter_rate_init(&r->rule.activate_rate, &r->rule.activate, 100 * MS, 1),
		0);
	r->cell = watch_cell(&r->w, 2, VECTOR);
}

/* Send `pps` for `for_ns` from `from_ns`; returns when the first packet found it armed, or 0. */
static uint64_t
stream(struct rig *r, uint64_t pps, uint64_t from_ns, uint64_t for_ns)
{
	uint64_t armed_ns = 0;

	for (uint64_t n = 0; n < pps * for_ns / SECOND; n++) {
		uint64_t now_ns = from_ns + n * SECOND / pps;

		if (arrive_alone(r->cell, &r->rule, 125, now_ns) && armed_ns == 0)
			armed_ns = now_ns;
	}
	return armed_ns;
}

static void
at_the_threshold_a_cell_never_arms(void)
{
	struct rig r;

	open_rig(&r, 1000, METER_PACKETS);
	CU_ASSERT_EQUAL(stream(&r, 1000, SECOND, 20 * SECOND), 0);
	CU_ASSERT_EQUAL(r.cell->packets, 20000);
	CU_ASSERT_EQUAL(r.cell->bytes, 20000 * 125);
	CU_ASSERT(!watch_is_armed(r.cell));
	watch_close(&r.w);
}

/* At k times the threshold 100 ms of burst last 100 ms / (k - 1). */
static void
a_cell_arms_when_its_100_ms_are_used_up(void)
{
	static const struct {
		uint64_t times, after_ms;
	} cases[] = { { 2, 100 }, { 3, 50 }, { 11, 10 }, { 101, 1 } };
	static const struct meter_limit limits[] = { { 10000, METER_PACKETS },
		                                     { 10000000, METER_BITS } };

	for (size_t u = 0; u < 2; u++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			struct rig r;
			uint64_t armed_ns;

			open_rig(&r, limits[u].per_second, limits[u].unit);
			armed_ns = stream(&r, 10000 * cases[i].times, SECOND, SECOND);
			/* The burst of bits is short by one full packet of 1,500 bytes. */
			CU_ASSERT_DOUBLE_EQUAL((double)(armed_ns - SECOND),
			                       (double)(cases[i].after_ms * MS),
			                       0.13 * (double)(cases[i].after_ms * MS));
			CU_ASSERT_EQUAL(r.cell->armed_ns, armed_ns);
			CU_ASSERT_EQUAL(r.cell->surge_armed_ns, SECOND);
			watch_close(&r.w);
		}
}

static void
a_burst_below_100_ms_of_the_rate_is_forgiven(void)
{
	struct rig r;

	open_rig(&r, 1000, METER_PACKETS);
	for (uint64_t second = 1; second < 20; second++)
		for (unsigned int n = 0; n < 100; n++)
			CU_ASSERT_FALSE(
				arrive_alone(r.cell, &r.rule, 60, second * SECOND));
	CU_ASSERT_TRUE(arrive_alone(r.cell, &r.rule, 60, 19 * SECOND));
	watch_close(&r.w);
}

static void
surge_is_the_first_packet_of_the_busy_period(void)
{
	struct rig r;

	open_rig(&r, 1000, METER_PACKETS);
	stream(&r, 1, SECOND, 2 * SECOND);
	CU_ASSERT_EQUAL(r.cell->surge_ns, 2 * SECOND);
	/* Calm for 5 ms is longer than what one packet paid ahead, so a new one begins. */
	stream(&r, 5000, 2 * SECOND + 5 * MS, SECOND / 2);
	CU_ASSERT_EQUAL(r.cell->surge_ns, 2 * SECOND + 5 * MS);
	CU_ASSERT_EQUAL(r.cell->surge_armed_ns, 2 * SECOND + 5 * MS);
	watch_close(&r.w);
}

/* An armed cell stays armed in calm until control disarms it, and can arm again. */
static void
control_alone_disarms(void)
{
	struct rig r;
	uint64_t first_ns;

	open_rig(&r, 1000, METER_PACKETS);
	first_ns = stream(&r, 5000, SECOND, SECOND);
	CU_ASSERT_FATAL(first_ns != 0);
	CU_ASSERT_TRUE(arrive_alone(r.cell, &r.rule, 60, 60 * SECOND));
	CU_ASSERT_EQUAL(r.cell->armed_ns, first_ns);

	counter_set(&r.cell->disarmed_ns, 61 * SECOND);
	CU_ASSERT_FALSE(arrive_alone(r.cell, &r.rule, 60, 62 * SECOND));
	CU_ASSERT(stream(&r, 5000, 70 * SECOND, SECOND) > 70 * SECOND);
	CU_ASSERT(r.cell->armed_ns > 70 * SECOND);
	CU_ASSERT_EQUAL(r.cell->surge_armed_ns, 70 * SECOND);
	watch_close(&r.w);
}

static void
no_threshold_counts_but_never_arms(void)
{
	struct rig r;

	open_rig(&r, 0, METER_PACKETS);
	CU_ASSERT_EQUAL(stream(&r, 100000, SECOND, SECOND), 0);
	CU_ASSERT_EQUAL(r.cell->packets, 100000);
	CU_ASSERT_EQUAL(r.cell->surge_ns, 0);
	watch_close(&r.w);
}

/* A worker with a quarter of the limit pays four times; a price of 0 is the whole limit. */
static void
a_share_is_a_price(void)
{
	static const struct {
		uint64_t price, passed;
	} cases[] = { { 0, 1000 },
		      { WATCH_PRICE_ONE, 1000 },
		      { 4 * WATCH_PRICE_ONE, 250 },
		      { 320, 800 } };
	const struct meter_limit limit = { 1000, METER_PACKETS };
	struct meter_rate rate;

	CU_ASSERT_EQUAL_FATAL(meter_rate_init(&rate, &limit, 0, 1), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct watch_cell cell = { .price = cases[i].price };
		uint64_t passed = 0;

		for (uint64_t n = 0; n < 100000; n++)
			passed += meter_take(&cell.limit, watch_price(&cell, &rate, 60),
			                     rate.slack,
			                     meter_ticks(SECOND + n * SECOND / 100000));
		CU_ASSERT_EQUAL(passed, cases[i].passed);
	}
}

static void
cells_of_services_and_vectors_are_apart(void)
{
	struct rig r;

	open_rig(&r, 1000, METER_PACKETS);
	stream(&r, 5000, SECOND, SECOND);
	for (unsigned int s = 0; s < r.w.services; s++)
		for (unsigned int v = 0; v < VECTOR_SLOTS; v++)
			CU_ASSERT_EQUAL(watch_cell(&r.w, s, v)->packets,
			                s == 2 && v == VECTOR ? 5000 : 0);
	watch_close(&r.w);
}

SUITE_MAIN("watch", TEST(at_the_threshold_a_cell_never_arms),
           TEST(a_cell_arms_when_its_100_ms_are_used_up),
           TEST(a_burst_below_100_ms_of_the_rate_is_forgiven),
           TEST(surge_is_the_first_packet_of_the_busy_period),
           TEST(control_alone_disarms), TEST(no_threshold_counts_but_never_arms),
           TEST(a_share_is_a_price), TEST(cells_of_services_and_vectors_are_apart))
