/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys and times of sources, and what a burst may believe of its lanes. */
#include "flow/source.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

#define SECOND UINT64_C(1000000000)

static struct source_table t;
static struct burst b;
static struct source_prefix prefix;

static void
open_table(uint64_t entries)
{
	struct hash_key key;

	hash_key_seeded(&key, 5);
	CU_ASSERT_EQUAL_FATAL(source_table_open(&t, entries, &key), 0);
	source_prefix_init(&prefix, 64);
}

/* A burst from outside of 64 IPv4 addresses from `first` on; nobody gets a record. */
static void
look(uint32_t first, uint64_t now_ns)
{
	memset(&b, 0, sizeof(b));
	burst_start(&b, now_ns, 0, SIDE_EXTERNAL);
	b.count = 64;
	b.live = UINT64_MAX;
	for (uint32_t i = 0; i < 64; i++) {
		const uint32_t n = __builtin_bswap32(first + i);

		b.facts[i].src[10] = b.facts[i].src[11] = 0xff;
		memcpy(&b.facts[i].src[12], &n, sizeof(n));
	}
	for (unsigned int i = 0; i < 64; i++)
		source_ask(&t, &b, i, &prefix);
	source_find_burst(&t, b.live, now_ns);
}

/* The same, and who has no record gets one. */
static void
find(uint32_t first, uint64_t now_ns)
{
	look(first, now_ns);
	for (unsigned int i = 0; i < 64; i++)
		if (source_of_lane(&t, i) == NULL)
			source_make(&t, i, now_ns);
}

/* Bit by bit: what is behind the prefix is gone, what is before it is kept. */
static void
a_key_keeps_its_prefix_and_nothing_more(void)
{
	uint8_t address[16];
	struct source_key key;

	memset(address, 0xff, sizeof(address));
	for (unsigned int len = 48; len <= 128; len++) {
		source_key_of(&key, address, 9, (uint8_t)len);
		CU_ASSERT_EQUAL(key.prefix_len, len);
		CU_ASSERT_EQUAL(key.service, 9);
		for (unsigned int bit = 0; bit < 128; bit++)
			CU_ASSERT_EQUAL_FATAL(key.address[bit / 8] >> (7 - bit % 8) & 1,
			                      bit < len);
	}
}

static void
an_ipv4_source_is_one_address_whatever_the_prefix(void)
{
	const uint8_t address[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 7 };
	struct source_key key;

	source_key_of(&key, address, 1, 48);
	CU_ASSERT_EQUAL(memcmp(key.address, address, 16), 0);
	CU_ASSERT_EQUAL(key.prefix_len, 128);
}

/* The 32-bit clock wraps after 52 days; near the wrap a moment is what it is anywhere else. */
static void
moments_survive_the_wrap_of_their_clock(void)
{
	const uint64_t wrap_ns = SOURCE_TICK_NS << 32;
	const uint64_t starts[] = { 0,           SECOND,  wrap_ns - SECOND,
		                    wrap_ns - 1, wrap_ns, wrap_ns + SECOND };

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		const uint32_t moment = source_moment(starts[i] + 10 * SECOND);

		CU_ASSERT_NOT_EQUAL(moment, 0);
		CU_ASSERT_TRUE(source_is_ahead(moment, starts[i]));
		CU_ASSERT_TRUE(source_is_ahead(moment, starts[i] + 99 * SECOND / 10));
		CU_ASSERT_FALSE(source_is_ahead(moment, starts[i] + 101 * SECOND / 10));
		CU_ASSERT_DOUBLE_EQUAL(
			(double)source_since(moment, starts[i] + 13 * SECOND), 3e9, 3e6);
	}
	CU_ASSERT_NOT_EQUAL(source_moment(wrap_ns), 0);
	CU_ASSERT_FALSE(source_is_ahead(0, SECOND));
}

/* In a tiny table a lane's slot may be taken by a later lane of the same burst. */
static void
a_lane_never_gets_the_source_of_another(void)
{
	unsigned int held = 0;

	open_table(64);
	for (uint32_t round = 0; round < 100; round++) {
		find(round * 40, SECOND + round * SECOND / 10);
		for (unsigned int i = 0; i < 64; i++) {
			const struct source *s = source_of_lane(&t, i);

			if (s == NULL)
				continue;
			held++;
			CU_ASSERT_EQUAL_FATAL(memcmp(s->key.address, b.facts[i].src, 16),
			                      0);
		}
	}
	CU_ASSERT(held > 100 && held < 6400);
	source_table_close(&t);
}

static void
lanes_of_the_last_burst_are_forgotten(void)
{
	open_table(4096);
	find(0, SECOND);
	CU_ASSERT_PTR_NOT_NULL(source_of_lane(&t, 63));
	source_find_burst(&t, 1, SECOND);
	CU_ASSERT_PTR_NOT_NULL(source_of_lane(&t, 0));
	for (unsigned int i = 1; i < 64; i++)
		CU_ASSERT_PTR_NULL(source_of_lane(&t, i));
	CU_ASSERT_EQUAL(t.asked, 1);
	source_table_close(&t);
}

/* To be looked for is not enough to be remembered. */
static void
a_lookup_makes_no_record(void)
{
	open_table(4096);
	for (uint32_t round = 0; round < 1000; round++)
		look(round * 64, SECOND);
	for (int c = TABLE_UNEARNED; c < TABLE_CLASSES; c++)
		CU_ASSERT_EQUAL(t.table.used[c], 0);
	source_table_close(&t);
}

/* The mask of a lane's key and the key of the slow path are the same key. */
static void
a_lane_asks_for_the_key_that_the_slow_path_builds(void)
{
	struct source_key key;

	open_table(4096);
	for (unsigned int len = 48; len <= 128; len++) {
		source_prefix_init(&prefix, len);
		look(len, SECOND);
		memset(b.facts[1].src, 0xb7, 16);
		b.facts[1].flags |= FACT_IPV6;
		for (unsigned int i = 0; i < 2; i++) {
			b.service[i] = (uint16_t)(len * 77);
			source_ask(&t, &b, i, &prefix);
			source_key_of(&key, b.facts[i].src, b.service[i], (uint8_t)len);
			CU_ASSERT_EQUAL_FATAL(memcmp(&key, t.batch.key[i], sizeof(key)),
			                      0);
		}
	}
	source_table_close(&t);
}

/* Earned while verified or blocked, however silent; unearned again when the time is over. */
static void
earned_lasts_as_long_as_its_time(void)
{
	for (unsigned int is_block = 0; is_block < 2; is_block++) {
		open_table(4096);
		find(0, SECOND);
		if (is_block)
			source_block(&t, t.lane[5], SECOND, SOURCE_MAX_NS);
		else
			source_verify(&t, t.lane[5], SECOND, SOURCE_MAX_NS);
		CU_ASSERT_EQUAL(t.table.used[TABLE_EARNED], 1);
		table_sweep(&t.table, t.table.buckets, table_tick(3599 * SECOND));
		CU_ASSERT_EQUAL(t.table.used[TABLE_EARNED], 1);
		CU_ASSERT_EQUAL(t.table.used[TABLE_UNEARNED], 0);
		find(0, 3599 * SECOND);
		CU_ASSERT_EQUAL(t.table.used[TABLE_EARNED], 1);
		look(0, 3602 * SECOND);
		CU_ASSERT_EQUAL(t.table.used[TABLE_EARNED], 0);
		CU_ASSERT_EQUAL(t.table.used[TABLE_UNEARNED], 64);
		CU_ASSERT_EQUAL(source_of_lane(&t, 5)->blocks, is_block);
		source_table_close(&t);
	}
}

static void
a_source_is_found_by_its_key(void)
{
	struct source_key key;

	open_table(4096);
	find(100, SECOND);
	source_key_of(&key, b.facts[3].src, 0, 64);
	CU_ASSERT_EQUAL(source_find(&t, &key, SECOND), t.lane[3]);
	key.service = 1;
	CU_ASSERT_EQUAL(source_find(&t, &key, SECOND), SOURCE_NONE);
	source_table_close(&t);
}

/* Who is deferred, and what a stage sees of them that asks for verified ones alone. */
static uint64_t
ask_verified(uint32_t first, uint64_t now_ns, bool is_ipv6)
{
	static const void *params[1] = { &prefix };

	look(first, now_ns);
	source_find_burst(&t, 0, now_ns);
	b.ipv4 = is_ipv6 ? 0 : UINT64_MAX;
	b.ipv6 = ~b.ipv4;
	for (unsigned int i = 0; i < 64; i++) {
		uint8_t *src = b.facts[i].src;

		if (!is_ipv6)
			continue;
		/* The /64 is what tells them apart, and the rest is another one each time. */
		b.facts[i].flags |= FACT_IPV6;
		memcpy(src, &src[12], 4);
		memset(&src[4], 0, 4);
		memset(&src[8], (int)(now_ns % 251), 8);
	}
	source_defer(&t, b.live, params, 0);
	source_ask_verified(&t, &b, b.live);
	return lanes_where8(b.standing, STANDING_VERIFIED_SOURCE);
}

static void
verify(uint64_t lanes, uint64_t now_ns, uint64_t for_ns)
{
	unsigned int i;

	source_ask_deferred(&t, &b, lanes);
	LANES_FOREACH (i, lanes) {
		CU_ASSERT_NOT_EQUAL_FATAL(source_make(&t, i, now_ns), SOURCE_NONE);
		source_verify(&t, t.lane[i], now_ns, for_ns);
	}
}

/* Recorded at any moment of its round, none is ever missed; of strangers few are asked for. */
static void
the_filter_misses_no_record(void)
{
	const uint64_t odd = UINT64_C(0xaaaaaaaaaaaaaaaa);
	unsigned int asked = 0;

	for (unsigned int family = 0; family < 2; family++) {
		open_table(4096);
		for (uint32_t k = 0; k < 40; k++) {
			const uint32_t first = (family + 1) << 24 | k << 8;

			CU_ASSERT_EQUAL(ask_verified(first, k + 1, family == 1), 0);
			asked += lanes_count(t.asked);
			CU_ASSERT_EQUAL(t.asked | t.deferred, UINT64_MAX);
			verify(odd, k + 1, 600 * SECOND);
			for (uint32_t old = 0; old <= k; old++) {
				const uint32_t at = (family + 1) << 24 | old << 8;

				CU_ASSERT_EQUAL(ask_verified(at, k + 1, family == 1),
				                odd);
				CU_ASSERT_EQUAL(t.known, odd);
			}
			for (unsigned int n = 0; n < 67; n++)
				source_sweep(&t, 2, k + 1);
		}
		source_table_close(&t);
	}
	CU_ASSERT(asked < 2 * 40 * 64 / 20);
}

/* Whose record has gone is looked up until the round has come by twice, and then no more. */
static void
the_filter_forgets_in_time(void)
{
	const uint64_t late = 12 * SECOND + SOURCE_IDLE_NS;

	open_table(512);
	CU_ASSERT_EQUAL(ask_verified(7 << 8, SECOND, false), 0);
	verify(UINT64_MAX, SECOND, 10 * SECOND);
	CU_ASSERT_EQUAL(ask_verified(7 << 8, 12 * SECOND, false), 0);
	CU_ASSERT_EQUAL(t.asked, UINT64_MAX);
	CU_ASSERT_EQUAL(t.known, UINT64_MAX);
	for (unsigned int n = 0; n < 3 * (8 + 64 + 1); n++)
		source_sweep(&t, 2, late + SECOND);
	CU_ASSERT_EQUAL(ask_verified(7 << 8, late + SECOND, false), 0);
	CU_ASSERT_EQUAL(t.asked, 0);
	CU_ASSERT_EQUAL(t.deferred, UINT64_MAX);
	source_table_close(&t);
}

/* A deferred lane finds the record that another lane of the same burst has made meanwhile. */
static void
a_record_is_found_by_the_rest_of_its_burst(void)
{
	open_table(4096);
	CU_ASSERT_EQUAL(ask_verified(9 << 8, SECOND, false), 0);
	CU_ASSERT_EQUAL(t.absent, UINT64_MAX);
	memcpy(b.facts[63].src, b.facts[0].src, 16);
	/* Its key was written before; it is written anew, as that of another packet would be. */
	t.hashed = t.absent = 0;
	source_ask_verified(&t, &b, b.live);
	source_ask_deferred(&t, &b, 1);
	CU_ASSERT_NOT_EQUAL_FATAL(source_make(&t, 0, SECOND), SOURCE_NONE);
	source_ask_deferred(&t, &b, lane_bit(63));
	CU_ASSERT_EQUAL(t.lane[63], t.lane[0]);
	CU_ASSERT_EQUAL(t.known, lane_bit(63));
	source_table_close(&t);
}

SUITE_MAIN("source", TEST(a_key_keeps_its_prefix_and_nothing_more),
           TEST(an_ipv4_source_is_one_address_whatever_the_prefix),
           TEST(moments_survive_the_wrap_of_their_clock),
           TEST(a_lane_never_gets_the_source_of_another),
           TEST(lanes_of_the_last_burst_are_forgotten), TEST(a_lookup_makes_no_record),
           TEST(a_lane_asks_for_the_key_that_the_slow_path_builds),
           TEST(earned_lasts_as_long_as_its_time), TEST(a_source_is_found_by_its_key),
           TEST(the_filter_misses_no_record), TEST(the_filter_forgets_in_time),
           TEST(a_record_is_found_by_the_rest_of_its_burst))
