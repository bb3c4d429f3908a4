/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How good a guess is. Of the 2^32 acknowledgements that one segment can carry,
 * those are accepted whose upper 29 bits are the MAC of either epoch: 2 x 8, as is
 * shown by construction below. That a guesser does no better than chance at them
 * is shown with fewer bits: of random acknowledgements, twice 2^-k of them agree
 * with a MAC in its upper k bits, and none of them makes more agree.
 */
#include "challenge/cookie.h"
#include "lanes.h"
#include "suite.h"

#define NOON   (27890123 * COOKIE_EPOCH_NS)
#define BURSTS 16384 /* 2^20 guesses */

static struct burst b;
static struct cookie_keys keys, before;

static int
open_keys(void)
{
	const uint8_t secret[COOKIE_SECRET] = "guess it";

	cookie_keys_open(&keys, secret, NOON);
	cookie_keys_open(&before, secret, NOON - COOKIE_EPOCH_NS);
	return 0;
}

static int
close_keys(void)
{
	return 0;
}

/* Both MACs of every lane: what an acknowledgement less one must be, but for three bits. */
struct truth {
	uint32_t now[LANES_MAX], earlier[LANES_MAX];
};

static struct truth
truth_of_burst(void)
{
	struct truth t;

	cookie_make(&keys, &b, UINT64_MAX, t.now);
	cookie_make(&before, &b, UINT64_MAX, t.earlier);
	return t;
}

/*
 * An acknowledgement is accepted if and only if it agrees with one of the two: the sixteen
 * that do are, and those that differ by any one or two bits from them are not.
 */
static void
sixteen_of_all_acknowledgements_are_accepted(void)
{
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		struct truth t;

		lanes_fill(&b, 100, v6, false);
		t = truth_of_burst();
		for (unsigned int i = 0; i < LANES_MAX; i++)
			lanes_acknowledge(&b, i, 0);
		for (uint32_t index = 0; index < COOKIE_MSS; index++) {
			for (unsigned int i = 0; i < LANES_MAX; i++)
				b.facts[i].tcp_ack =
					((i % 2 ? t.now : t.earlier)[i] | index) + 1;
			CU_ASSERT_EQUAL(cookie_check(&keys, &b, UINT64_MAX, 1),
			                UINT64_MAX);
		}
		for (uint32_t pair = 0; pair < 32 * 32; pair++) {
			const uint32_t wrong =
				UINT32_C(1) << pair / 32 | UINT32_C(1) << pair % 32;

			for (unsigned int i = 0; i < LANES_MAX; i++)
				b.facts[i].tcp_ack =
					((i % 2 ? t.now : t.earlier)[i] ^ wrong) + 1;
			CU_ASSERT_EQUAL(cookie_check(&keys, &b, UINT64_MAX, 1),
			                wrong < 8 ? UINT64_MAX : 0);
		}
	}
}

/* What is accepted of random guesses, by how many upper bits agree. */
struct tally {
	unsigned int agree[30]; /* in at least so many */
	unsigned int accepted;
};

static struct tally
guess(bool is_ipv6, bool is_same_client)
{
	struct tally tally = { 0 };

	for (unsigned int n = 0; n < BURSTS; n++) {
		struct truth t;

		lanes_fill(&b, is_same_client ? 5 : 1000 + n * 64, is_ipv6, false);
		t = truth_of_burst();
		for (unsigned int i = 0; i < LANES_MAX; i++) {
			const uint32_t cookie = (uint32_t)lanes_random(
				(n * 64 + i) ^ UINT64_C(0xfeed) << 32);
			const uint32_t one = cookie ^ t.now[i],
				       other = cookie ^ t.earlier[i];

			lanes_acknowledge(&b, i, cookie);
			for (unsigned int k = 1; k < 30; k++)
				tally.agree[k] += (one >> (32 - k) == 0 ? 1u : 0u) +
				                  (other >> (32 - k) == 0 ? 1u : 0u);
		}
		tally.accepted += lanes_count(cookie_check(&keys, &b, UINT64_MAX, 1));
	}
	return tally;
}

/*
 * Each count is binomial; five times its spread are allowed, which chance exceeds once in
 * two million, and randomness here is a seed anyway.
 */
static void
judge(const struct tally *tally)
{
	const double guesses = BURSTS * 64.0;

	for (unsigned int k = 1; k <= 16; k++) {
		const double mean = 2 * guesses / (double)(1u << k);
		const double off = tally->agree[k] - mean;

		CU_ASSERT(off * off <= 25 * mean);
	}
	/* 16 in 2^32 would be 0.004 of these. */
	CU_ASSERT_EQUAL(tally->accepted, tally->agree[29]);
	CU_ASSERT_EQUAL(tally->accepted, 0);
}

static void
random_guesses_do_no_better_than_chance(void)
{
	const struct tally four = guess(false, false), six = guess(true, false);

	judge(&four);
	judge(&six);
}

static void
many_guesses_for_one_client_neither(void)
{
	const struct tally four = guess(false, true), six = guess(true, true);

	judge(&four);
	judge(&six);
}

SUITE_MAIN_WITH("challenge/guess", open_keys, close_keys,
                TEST(sixteen_of_all_acknowledgements_are_accepted),
                TEST(random_guesses_do_no_better_than_chance),
                TEST(many_guesses_for_one_client_neither))
