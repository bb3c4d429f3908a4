/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_patience - no sleep fills the ring it was derived from.
 */
#include "io/patience.h"
#include "suite.h"

#define GBIT UINT64_C(1000000000)

static void
sleeps_follow_from_ring_and_speed(void)
{
	static const struct {
		unsigned int descriptors;
		uint64_t speed;
		bool is_by_kernel;
		uint64_t least, most;
	} rows[] = {
		{ 1024, 10 * GBIT, false, 34000, 35000 },
		{ 1024, 0, false, 34000, 35000 },
		{ 2048, 10 * GBIT, false, PATIENCE_MOST_NS, PATIENCE_MOST_NS },
		{ 2048, 25 * GBIT, false, 27000, 28000 },
		{ 1024, 25 * GBIT, false, 0, 0 },
		{ 4096, 100 * GBIT, false, 0, 0 },
		{ 4096, 40 * GBIT, false, 34000, 35000 },
		{ 1024, GBIT, false, PATIENCE_MOST_NS, PATIENCE_MOST_NS },
		{ 1024, 100 * GBIT, true, PATIENCE_MOST_NS, PATIENCE_MOST_NS },
		{ 256, 0, true, 32000, 32000 },
		{ 128, 0, true, 0, 0 },
		{ 128, 1000, false, PATIENCE_MOST_NS, PATIENCE_MOST_NS },
		{ 128, 1, false, PATIENCE_MOST_NS, PATIENCE_MOST_NS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t ns = patience_of(rows[i].descriptors, rows[i].speed,
		                          rows[i].is_by_kernel);

		CU_ASSERT(ns >= rows[i].least && ns <= rows[i].most);
	}
}

/* Whatever ring and speed: the frames of one sleep at line rate fill half of it at most. */
static void
no_sleep_fills_more_than_half_a_ring(void)
{
	for (unsigned int descriptors = 64; descriptors <= 8192; descriptors *= 2)
		for (uint64_t speed = GBIT; speed <= 400 * GBIT; speed *= 2) {
			uint64_t ns = patience_of(descriptors, speed, false);
			uint64_t frames = ns * (speed / 672) / GBIT;

			CU_ASSERT(frames <= descriptors / 2);
			CU_ASSERT(ns == 0 ||
			          (ns >= PATIENCE_LEAST_NS && ns <= PATIENCE_MOST_NS));
		}
}

SUITE_MAIN("patience", TEST(sleeps_follow_from_ring_and_speed),
           TEST(no_sleep_fills_more_than_half_a_ring))
