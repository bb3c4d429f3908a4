/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/repeat.h"

#include "lanes.h"
#include "suite.h"

#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)
#define START  (3600 * SECOND)

static struct repeat r;
static struct burst b;

static void
open_it(void)
{
	struct hash_key key;

	hash_key_seeded(&key, 3);
	CU_ASSERT_EQUAL_FATAL(repeat_open(&r, &key), 0);
	CU_ASSERT_EQUAL(repeat_bytes() % 64, 0);
}

/* The SYNs of 64 clients from n on, at this moment. */
static uint64_t
see(uint64_t n, uint64_t now_ns, uint64_t lanes)
{
	lanes_fill(&b, n, n % 2, false);
	b.now_ns = now_ns;
	return repeat_see(&r, &b, lanes);
}

static void
a_repetition_counts_within_its_time_only(void)
{
	static const struct {
		uint64_t after;
		bool counts;
	} times[] = {
		{ 0, false },           { 10 * MS, false },   { 790 * MS, false },
		{ 810 * MS, true },     { 1007 * MS, true },  { 3 * SECOND, true },
		{ 3990 * MS, true },    { 4010 * MS, false }, { 7 * SECOND, false },
		{ 15 * SECOND, false },
	};

	open_it();
	for (unsigned int i = 0; i < sizeof(times) / sizeof(*times); i++) {
		const uint64_t n = 1000 * i, now = START + i * 100 * SECOND;

		CU_ASSERT_EQUAL(see(n, now, UINT64_MAX), 0);
		CU_ASSERT_EQUAL(see(n, now + times[i].after, UINT64_MAX),
		                times[i].counts ? UINT64_MAX : 0);
	}
	repeat_close(&r);
}

static void
one_first_syn_lets_one_repetition_pass(void)
{
	open_it();
	see(1, START, UINT64_MAX);
	CU_ASSERT_EQUAL(see(1, START + SECOND, 0xff), 0xff);
	CU_ASSERT_EQUAL(see(1, START + SECOND + MS, UINT64_MAX), ~UINT64_C(0xff));
	/* That was the first of a new pair for lanes 0 to 7. */
	CU_ASSERT_EQUAL(see(1, START + 2 * SECOND + 2 * MS, UINT64_MAX), 0xff);
	repeat_close(&r);
}

static void
too_early_changes_nothing_and_too_late_begins_anew(void)
{
	open_it();
	see(1, START, UINT64_MAX);
	for (uint64_t ms = 100; ms <= 700; ms += 100)
		CU_ASSERT_EQUAL(see(1, START + ms * MS, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(see(1, START + 900 * MS, UINT64_MAX), UINT64_MAX);

	see(1, START + 100 * SECOND, UINT64_MAX);
	CU_ASSERT_EQUAL(see(1, START + 106 * SECOND, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(see(1, START + 107 * SECOND, UINT64_MAX), UINT64_MAX);
	repeat_close(&r);
}

/* Addresses, ports or the first number: another connection is another first SYN. */
static void
any_difference_is_another_syn(void)
{
	open_it();
	see(2, START, UINT64_MAX);
	lanes_fill(&b, 2, false, false);
	b.now_ns = START + SECOND;
	b.facts[0].src[15] ^= 1;
	b.facts[1].dst[12] ^= 0x80;
	b.facts[2].src_port ^= 1;
	b.facts[3].dst_port ^= 0x8000;
	b.facts[4].tcp_seq ^= 1;
	/* What a stack may change when it sends again changes nothing. */
	b.facts[5].frame_len = 74;
	b.facts[6].tcp_flags = TCP_SYN | TCP_ECE | TCP_CWR;
	b.facts[7].tcp_ack = 77;
	CU_ASSERT_EQUAL(repeat_see(&r, &b, UINT64_MAX), ~UINT64_C(0x1f));
	repeat_close(&r);
}

/* Two of one SYN in one burst are not a second apart. */
static void
twice_in_a_burst_is_once(void)
{
	open_it();
	lanes_fill(&b, 9, true, false);
	for (unsigned int i = 1; i < LANES_MAX; i++)
		b.facts[i] = b.facts[0];
	b.now_ns = START;
	CU_ASSERT_EQUAL(repeat_see(&r, &b, UINT64_MAX), 0);
	b.now_ns = START + SECOND;
	CU_ASSERT_EQUAL(repeat_see(&r, &b, UINT64_MAX), 1);
	repeat_close(&r);
}

/*
 * A flood of random sources, half as many in a second as there are places: it passes at
 * chance, and customers who came before it are remembered nearly all.
 */
static void
a_flood_does_not_pass_and_customers_do(void)
{
	const uint64_t places = repeat_bytes() / 4, bursts = places / 2 / 64;
	uint64_t passed = 0, customers = 0;

	open_it();
	for (uint64_t n = 0; n < 64; n++)
		see(UINT64_C(1) << 40 | n * 64, START, UINT64_MAX);
	for (uint64_t n = 0; n < bursts; n++)
		passed +=
			lanes_count(see(n * 64, START + SECOND * n / bursts, UINT64_MAX));
	for (uint64_t n = 0; n < 64; n++)
		customers += lanes_count(
			see(UINT64_C(1) << 40 | n * 64, START + SECOND, UINT64_MAX));
	CU_ASSERT(passed < bursts * 64 / 10000);
	CU_ASSERT(customers > 4096 * 99 / 100);
	repeat_close(&r);
}

/* Ten times as many as there are places: the newest are remembered, the oldest are not. */
static void
a_full_table_remembers_the_newest(void)
{
	const uint64_t bursts = repeat_bytes() / 4 / 64 * 3;

	open_it();
	for (uint64_t n = 0; n < bursts; n++)
		see(n * 64, START, UINT64_MAX);
	CU_ASSERT(lanes_count(see((bursts - 1) * 64, START + SECOND, UINT64_MAX)) == 64);
	CU_ASSERT(lanes_count(see(64, START + SECOND, UINT64_MAX)) == 0);
	repeat_close(&r);
}

/* Of a datagram addresses, ports and length are compared, by times of its own. */
static void
datagrams_are_known_by_their_length(void)
{
	open_it();
	repeat_set_times(&r, 200 * MS, 8 * SECOND);
	for (unsigned int k = 0; k < 5; k++) {
		static const uint64_t at[] = { 0, 100, 150, 300, 8900 };
		static const uint64_t passes[] = { 0, 0, 0, UINT64_MAX, 0 };
		static const uint64_t early[] = { 0, UINT64_MAX, UINT64_MAX, 0, 0 };

		lanes_fill(&b, 5, false, true);
		b.now_ns = START + at[k] * MS;
		for (unsigned int i = 0; i < LANES_MAX; i++) {
			b.facts[i].proto = PROTO_UDP;
			b.facts[i].tcp_seq = k; /* no field of a datagram */
			b.facts[i].payload_len = (uint16_t)(100 + i);
		}
		CU_ASSERT_EQUAL(repeat_see(&r, &b, UINT64_MAX), passes[k]);
		CU_ASSERT_EQUAL(r.early, early[k]);
	}
	for (unsigned int i = 0; i < LANES_MAX; i++)
		b.facts[i].payload_len++;
	b.now_ns += SECOND;
	CU_ASSERT_EQUAL(repeat_see(&r, &b, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(r.early, 0);
	repeat_close(&r);
}

SUITE_MAIN("challenge/repeat", TEST(a_repetition_counts_within_its_time_only),
           TEST(one_first_syn_lets_one_repetition_pass),
           TEST(too_early_changes_nothing_and_too_late_begins_anew),
           TEST(any_difference_is_another_syn), TEST(twice_in_a_burst_is_once),
           TEST(a_flood_does_not_pass_and_customers_do),
           TEST(a_full_table_remembers_the_newest),
           TEST(datagrams_are_known_by_their_length))
