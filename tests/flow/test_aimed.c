/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Aiming at one bucket of the flow table or the source table, by somebody who
 * has this source code, a box of his own, and not our key. On his own box it
 * works; each test shows that first.
 */
#include "flow/flow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../hash/aim.h"
#include "suite.h"

#define SLOTS  (AIM_BUCKETS * TABLE_WAYS)
#define AIMED  10000u
#define SECOND UINT64_C(1000000000)

/* What a sender may choose of a packet. */
struct choice {
	uint8_t outside[16], inside[16];
	uint16_t outside_port, inside_port;
};

static struct flow_table his, ours;
static struct source_table his_sources, our_sources;
static struct choice choice[AIMED > AIM_KEYS ? AIMED : AIM_KEYS];
static uint32_t bucket[AIM_BUCKETS];
static struct burst b;

static void
open_all(uint64_t seed)
{
	struct hash_key a, secret;

	hash_key_seeded(&a, 100 + seed);
	hash_key_seeded(&secret, 200 + seed);
	CU_ASSERT_EQUAL_FATAL(flow_table_open(&his, SLOTS, &a), 0);
	CU_ASSERT_EQUAL_FATAL(flow_table_open(&ours, SLOTS, &secret), 0);
	CU_ASSERT_EQUAL_FATAL(source_table_open(&his_sources, SLOTS, &a), 0);
	CU_ASSERT_EQUAL_FATAL(source_table_open(&our_sources, SLOTS, &secret), 0);
}

static void
close_all(void)
{
	flow_table_close(&his);
	flow_table_close(&ours);
	source_table_close(&his_sources);
	source_table_close(&our_sources);
}

/* Answers of a server to up to 64 such packets make their flows; b.flow tells the slots. */
static void
make_flows(struct flow_table *t, const struct choice *from, unsigned int n)
{
	burst_start(&b, SECOND, 0, SIDE_INTERNAL);
	b.count = (uint16_t)n;
	b.live = lanes_first(n);
	for (unsigned int i = 0; i < n; i++) {
		struct facts *f = &b.facts[i];

		*f = (struct facts){ .flags = FACT_IP | FACT_IPV6, .proto = PROTO_UDP };
		memcpy(f->src, from[i].inside, 16);
		memcpy(f->dst, from[i].outside, 16);
		f->src_port = from[i].inside_port;
		f->dst_port = from[i].outside_port;
	}
	flow_find_burst(t, &b, b.live);
}

/* How many flows each bucket was asked to take, and how far from chance that is. */
static double
flows_deviate(struct flow_table *t, const struct choice *from, unsigned int n)
{
	memset(bucket, 0, sizeof(bucket));
	for (unsigned int at = 0; at < n; at += 64) {
		const unsigned int some = n - at < 64 ? n - at : 64;

		make_flows(t, from + at, some);
		for (unsigned int i = 0; i < some; i++)
			if (b.flow[i] != BURST_NO_FLOW)
				bucket[b.flow[i] / TABLE_WAYS]++;
	}
	return aim_deviation(bucket);
}

static double
sources_deviate(struct source_table *t, const struct choice *from, unsigned int n)
{
	memset(bucket, 0, sizeof(bucket));
	for (unsigned int i = 0; i < n; i++) {
		struct source_key key;
		uint32_t slot;

		source_key_of(&key, from[i].outside, 1, 128);
		slot = table_insert(&t->table, hash_48(&t->key, &key),
		                    (const uint8_t *)&key, TABLE_UNEARNED, 1);
		CU_ASSERT_NOT_EQUAL_FATAL(slot, TABLE_NONE);
		bucket[slot / TABLE_WAYS]++;
	}
	return aim_deviation(bucket);
}

/* An IPv6 packet with a random source to one server. */
static void
draw(struct choice *c, uint64_t *state)
{
	const uint64_t r = aim_random(state);

	*c = (struct choice){ .outside = { 0x20, 1, 0x0d, 0xb8 },
		              .inside = { 0x20, 1, 0x0d, 0xb8, 9, [15] = 1 },
		              .outside_port = 4000,
		              .inside_port = 443 };
	memcpy(&c->outside[8], &r, sizeof(r));
}

/* He tries flows on his own box and keeps those that fall into bucket 0. */
static void
flows_that_meet_in_his_table_part_in_ours(void)
{
	struct choice some[64];
	unsigned int found = 0;
	uint64_t state = 1;

	open_all(1);
	while (found < AIMED) {
		for (unsigned int i = 0; i < 64; i++)
			draw(&some[i], &state);
		make_flows(&his, some, 64);
		for (unsigned int i = 0; i < 64 && found < AIMED; i++)
			if (b.flow[i] < TABLE_WAYS)
				choice[found++] = some[i];
	}
	CU_ASSERT(flows_deviate(&his, choice, AIMED) > 1000);
	CU_ASSERT(flows_deviate(&ours, choice, AIMED) < AIM_CHANCE);
	close_all();
}

static void
sources_that_meet_in_his_table_part_in_ours(void)
{
	uint64_t state = 2;

	open_all(2);
	for (unsigned int found = 0; found < AIMED;) {
		struct source_key key;
		struct hash128 hash;

		draw(&choice[found], &state);
		source_key_of(&key, choice[found].outside, 1, 128);
		hash = hash_48(&his_sources.key, &key);
		found += table_home(&his_sources.table, hash) == 0;
	}
	CU_ASSERT(sources_deviate(&his_sources, choice, AIMED) > 1e5);
	CU_ASSERT(sources_deviate(&our_sources, choice, AIMED) < AIM_CHANCE);
	close_all();
}

/* The same seed for flows and sources must not make them collide together either. */
static void
sources_do_not_fall_where_their_flows_do(void)
{
	uint64_t state = 3;
	unsigned int same = 0;

	open_all(3);
	for (unsigned int n = 0; n < AIMED; n++) {
		uint8_t key[TABLE_KEY] = { 0 };
		uint64_t r = aim_random(&state);

		memcpy(key, &r, sizeof(r));
		same += table_home(&ours.table, hash_48(&ours.key, key)) ==
		        table_home(&our_sources.table, hash_48(&our_sources.key, key));
	}
	CU_ASSERT(same < 40);
	close_all();
}

/* 200 keys for one bucket and its one alternate, by 12 bits in a table of 64 buckets. */
static void
keys_for_two_buckets_find_room_with_us(void)
{
	struct hash_key a, secret;
	struct table full, roomy;
	uint64_t state = 4;
	unsigned int held = 0, placed = 0, found = 0;

	hash_key_seeded(&a, 5);
	hash_key_seeded(&secret, 6);
	CU_ASSERT_EQUAL_FATAL(table_open(&full, 512, 64), 0);
	CU_ASSERT_EQUAL_FATAL(table_open(&roomy, 512, 64), 0);
	while (found < 200) {
		uint8_t key[TABLE_KEY] = { 0 };
		uint64_t r = aim_random(&state);
		struct hash128 h;

		memcpy(key, &r, sizeof(r));
		h = hash_48(&a, key);
		if (table_home(&full, h) != 0 ||
		    table_other(&full, 0, table_signature(h)) != 1)
			continue;
		found++;
		held += table_insert(&full, h, key, TABLE_EARNED, 1) != TABLE_NONE;
		placed += table_insert(&roomy, hash_48(&secret, key), key, TABLE_EARNED,
		                       1) != TABLE_NONE;
	}
	CU_ASSERT_EQUAL(held, 2 * TABLE_WAYS);
	CU_ASSERT_EQUAL(placed, 200);
	table_close(&full);
	table_close(&roomy);
}

/* --- patterns: what real scans look like, and what other tables fall for ---- */

/* A source /24 that scans a protected /24, one port each. */
static void
scan(struct choice *c, unsigned int n)
{
	c->outside[15] = (uint8_t)n;
	c->inside[15] = (uint8_t)(n >> 8);
}

static void
next_addresses(struct choice *c, unsigned int n)
{
	c->outside[14] = (uint8_t)(n >> 8);
	c->outside[15] = (uint8_t)n;
}

/* IPv6: the same host part in 16,384 networks. */
static void
next_networks(struct choice *c, unsigned int n)
{
	c->outside[6] = (uint8_t)(n >> 8);
	c->outside[7] = (uint8_t)n;
}

static void
next_ports(struct choice *c, unsigned int n)
{
	c->outside_port = (uint16_t)(1024 + n);
}

static void
ports_against_ports(struct choice *c, unsigned int n)
{
	c->outside_port = (uint16_t)(n & 127);
	c->inside_port = (uint16_t)(n >> 7);
}

/* The port counts the address down, so that any sum of both stays the same. */
static void
sums_that_stay(struct choice *c, unsigned int n)
{
	next_addresses(c, n);
	c->outside_port = (uint16_t)(65535 - n);
	c->inside[14] = (uint8_t) ~(n >> 8);
	c->inside[15] = (uint8_t)~n;
}

static void
both_ends_the_same(struct choice *c, unsigned int n)
{
	next_addresses(c, n);
	memcpy(c->inside, c->outside, 16);
	c->inside_port = c->outside_port;
}

static void
patterns_spread_by_chance(void)
{
	static void (*const patterns[])(struct choice *, unsigned int) = {
		scan,
		next_addresses,
		next_networks,
		next_ports,
		ports_against_ports,
		sums_that_stay,
		both_ends_the_same,
	};
	uint64_t state = 7;

	for (size_t p = 0; p < sizeof(patterns) / sizeof(*patterns); p++) {
		const bool has_sources =
			patterns[p] == next_addresses || patterns[p] == next_networks;

		open_all(10 + p);
		draw(&choice[0], &state);
		for (unsigned int n = AIM_KEYS; n-- > 0;) {
			choice[n] = choice[0];
			patterns[p](&choice[n], n);
		}
		CU_ASSERT(flows_deviate(&ours, choice, AIM_KEYS) < AIM_CHANCE);
		if (has_sources)
			CU_ASSERT(sources_deviate(&our_sources, choice, AIM_KEYS) <
			          AIM_CHANCE);
		close_all();
	}
}

/* Addresses that CRC32 and Toeplitz take for one, whatever the seed; 12 bytes of an address. */
static void
addresses_that_linear_hashes_confuse_spread(void)
{
	static uint32_t crc[AIM_BUCKETS], toeplitz[AIM_BUCKETS];
	uint8_t known[AIM_KEY + 4], diff[AIM_DIMS][AIM_KEY], base[AIM_KEY] = { 0 };
	uint8_t key[AIM_KEY];
	uint64_t state = 8;

	open_all(20);
	aim_known_secret(known);
	CU_ASSERT_TRUE_FATAL(aim_blind(4, known, diff));
	for (unsigned int n = 0; n < AIM_KEYS; n++) {
		draw(&choice[n], &state);
		aim_span(key, base, diff, n);
		memcpy(&choice[n].outside[4], key + 4, 12);
		crc[aim_crc(key, 4711) % AIM_BUCKETS]++;
		toeplitz[aim_toeplitz(key, known) % AIM_BUCKETS]++;
	}
	CU_ASSERT(aim_deviation(crc) > 1e5);
	CU_ASSERT(aim_deviation(toeplitz) > 1e5);
	CU_ASSERT(flows_deviate(&ours, choice, AIM_KEYS) < AIM_CHANCE);
	CU_ASSERT(sources_deviate(&our_sources, choice, AIM_KEYS) < AIM_CHANCE);
	close_all();
}

SUITE_MAIN("aimed", TEST(flows_that_meet_in_his_table_part_in_ours),
           TEST(sources_that_meet_in_his_table_part_in_ours),
           TEST(sources_do_not_fall_where_their_flows_do),
           TEST(keys_for_two_buckets_find_room_with_us), TEST(patterns_spread_by_chance),
           TEST(addresses_that_linear_hashes_confuse_spread))
