/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/stamp.h"

#include "challenge/cookie.h"
#include "suite.h"

#define MS UINT64_C(1000000)

/* Some day in 2026; the clock of 32 bits has come round many times. */
static const uint64_t base_ns = UINT64_C(1784967872123) * MS;

struct said {
	struct tcp_options options;
	bool has_ecn;
};

static struct said
read_at(uint32_t stamp, uint64_t wall_ns, bool *is_sound)
{
	struct said s = { 0 };

	*is_sound = stamp_read(stamp, wall_ns, &s.options, &s.has_ecn);
	return s;
}

static void
everything_agreed_comes_back(void)
{
	for (unsigned int n = 0; n < 64; n++) {
		const unsigned int scale = n % 16;
		const struct tcp_options agreed = {
			.wscale = scale == 15 ? OPTIONS_NO_WSCALE : (uint8_t)scale,
			.has_sack_permitted = n & 16,
		};
		const bool ecn = n & 32;

		for (uint64_t ms = 0; ms < 130; ms++) {
			const uint64_t now = base_ns + ms * MS;
			bool is_sound;
			struct said s =
				read_at(stamp_make(&agreed, ecn, now), now, &is_sound);

			CU_ASSERT(is_sound);
			CU_ASSERT_EQUAL(s.options.wscale, agreed.wscale);
			CU_ASSERT_EQUAL(s.options.has_sack_permitted,
			                agreed.has_sack_permitted);
			CU_ASSERT_EQUAL(s.has_ecn, ecn);
		}
	}
}

/* RFC 7323 5.3: a stamp must not lie before an earlier one, nor after now. */
static void
a_stamp_is_never_from_the_future_nor_older_than_two_ticks(void)
{
	/* The 32 bits of ms end within this range. */
	const uint64_t end = (base_ns / MS | UINT32_MAX) * MS;

	for (uint64_t ms = 0; ms < 400; ms++) {
		const uint64_t now = end + (ms - 200) * MS;

		for (uint8_t scale = 0; scale < 15; scale++) {
			const struct tcp_options agreed = { .wscale = scale };
			const uint32_t age = (uint32_t)(now / MS) -
			                     stamp_make(&agreed, scale & 1, now);

			CU_ASSERT(age < 128);
			CU_ASSERT((uint32_t)(stamp_make(&agreed, false, now + MS) -
			                     stamp_make(&agreed, false, now)) <= 64);
		}
	}
}

static void
a_stamp_lives_as_long_as_a_cookie(void)
{
	const struct tcp_options agreed = { .wscale = 7 };
	bool is_sound;

	for (uint64_t ms = 0; ms < 64; ms++) {
		const uint64_t made = base_ns + ms * MS;
		const uint32_t stamp = stamp_make(&agreed, true, made);

		read_at(stamp, made + COOKIE_LIFE_NS, &is_sound);
		CU_ASSERT(is_sound);
		read_at(stamp, made + COOKIE_LIFE_NS + 192 * MS, &is_sound);
		CU_ASSERT(!is_sound);
		read_at(stamp, made - 128 * MS, &is_sound);
		CU_ASSERT(!is_sound);
	}
	read_at(0, base_ns, &is_sound);
	CU_ASSERT(!is_sound);
}

SUITE_MAIN("challenge/stamp", TEST(everything_agreed_comes_back),
           TEST(a_stamp_is_never_from_the_future_nor_older_than_two_ticks),
           TEST(a_stamp_lives_as_long_as_a_cookie))
