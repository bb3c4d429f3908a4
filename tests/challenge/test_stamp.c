/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/stamp.h"

#include "challenge/cookie.h"
#include "packet/options.h"
#include "suite.h"

#define MS UINT64_C(1000000)

/* Some day in 2026; the clock of 32 bits has come round many times. */
static const uint64_t base_ns = UINT64_C(1784967872123) * MS;

static struct stamp
read_at(uint32_t stamp, uint64_t wall_ns, bool *is_sound)
{
	struct stamp s = { 0 };

	*is_sound = stamp_read(stamp, wall_ns, &s);
	return s;
}

static uint8_t
scale_of(unsigned int n)
{
	return n == 15 ? OPTIONS_NO_WSCALE : (uint8_t)n;
}

static void
everything_agreed_comes_back(void)
{
	for (unsigned int n = 0; n < 1024; n++) {
		const struct stamp agreed = {
			.wscale = scale_of(n % 16),
			.promised = scale_of(n / 16 % 16),
			.has_sack = n & 256,
			.has_ecn = n & 512,
		};

		for (uint64_t ms = 0; ms < 2100; ms += 7) {
			const uint64_t now = base_ns + ms * MS;
			bool is_sound;
			struct stamp s =
				read_at(stamp_make(&agreed, now), now, &is_sound);

			CU_ASSERT(is_sound);
			CU_ASSERT_EQUAL(s.wscale, agreed.wscale);
			CU_ASSERT_EQUAL(s.promised, agreed.promised);
			CU_ASSERT_EQUAL(s.has_sack, agreed.has_sack);
			CU_ASSERT_EQUAL(s.has_ecn, agreed.has_ecn);
		}
	}
}

/* RFC 7323 5.3: a stamp must not lie before an earlier one, nor after now. */
static void
a_stamp_is_never_from_the_future_nor_older_than_two_seconds(void)
{
	/* The 22 bits of seconds end within this range. */
	const uint64_t end = (base_ns / (1000 * MS) | 0x3fffff) * 1000 * MS;

	for (uint64_t ms = 0; ms < 6000; ms += 3) {
		const uint64_t now = end + (ms - 3000) * MS;
		const uint32_t clock = (uint32_t)(now / (1000 * MS) * 1024 +
		                                  now / MS % 1000 * 1024 / 1000);

		for (uint8_t scale = 0; scale < 15; scale++) {
			const struct stamp agreed = { .wscale = scale,
				                      .promised = 15 - scale,
				                      .has_ecn = scale & 1 };
			const uint32_t stamp = stamp_make(&agreed, now);

			CU_ASSERT(clock - stamp < 2 * 1024);
			CU_ASSERT(stamp_make(&agreed, now + MS) - stamp <= 1024);
		}
	}
}

/* To the second, across the end of its 22 bits, for as long as it lives. */
static void
a_stamp_knows_its_second(void)
{
	const uint64_t end_s = base_ns / (1000 * MS) | 0x3fffff;
	const struct stamp agreed = { .wscale = 7, .promised = 8 };

	for (uint64_t made_s = end_s - 200; made_s < end_s + 200; made_s += 7) {
		const uint32_t stamp = stamp_make(&agreed, made_s * 1000 * MS + 999 * MS);

		for (uint64_t later_s = 0; later_s <= 128; later_s++) {
			bool is_sound;
			struct stamp s =
				read_at(stamp, (made_s + later_s) * 1000 * MS, &is_sound);

			CU_ASSERT(is_sound);
			CU_ASSERT_EQUAL(s.made_s, made_s);
		}
	}
}

static void
a_stamp_lives_as_long_as_a_cookie(void)
{
	const struct stamp agreed = { .wscale = 7, .promised = 8, .has_ecn = true };
	bool is_sound;

	for (uint64_t ms = 0; ms < 1024; ms++) {
		const uint64_t made = base_ns + ms * MS;
		const uint32_t stamp = stamp_make(&agreed, made);

		read_at(stamp, made + COOKIE_LIFE_NS, &is_sound);
		CU_ASSERT(is_sound);
		read_at(stamp, made + COOKIE_LIFE_NS + 3 * 1024 * MS, &is_sound);
		CU_ASSERT(!is_sound);
		read_at(stamp, made - 2 * 1024 * MS, &is_sound);
		CU_ASSERT(!is_sound);
	}
	read_at(0, base_ns, &is_sound);
	CU_ASSERT(!is_sound);
}

SUITE_MAIN("challenge/stamp", TEST(everything_agreed_comes_back),
           TEST(a_stamp_is_never_from_the_future_nor_older_than_two_seconds),
           TEST(a_stamp_knows_its_second), TEST(a_stamp_lives_as_long_as_a_cookie))
