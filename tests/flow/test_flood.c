/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ten million new flows a second for twenty seconds against half a million verified
 * ones in a million slots. A sixteenth of each by default, which turns over the
 * unearned quarter as often; TIDEGATE_SOAK=1 runs the whole. Beside it stands what
 * most boxes do, a table of the same buckets that replaces whoever was silent the
 * longest, and shows that this flood is no small one.
 */
#include "flow/flow.h"

#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define SECONDS    20u
#define MS         UINT64_C(1000000)
#define SPEAK_MS   5000u /* between two packets of a customer */
#define SERVER_ISN 777u
#define CUSTOMERS  500000u

static struct flow_table t;
static struct burst b;
static uint64_t customer[CUSTOMERS];
static uint64_t scale; /* the table is the full one divided by this */

static uint64_t
mixed(uint64_t n)
{
	n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
	return n ^ (n >> 31);
}

/* A segment between outside address number `who` and the server; customers come from 1 on. */
static const struct facts *
segment(enum side side, uint64_t who, uint8_t flags)
{
	const bool is_in = side == SIDE_EXTERNAL;
	static struct facts f;
	uint8_t *outside = is_in ? f.src : f.dst, *inside = is_in ? f.dst : f.src;

	f = (struct facts){
		.flags = FACT_IP | FACT_IPV6,
		.proto = PROTO_TCP,
		.tcp_flags = flags,
		.tcp_seq = is_in ? 1 : SERVER_ISN,
		.tcp_ack = is_in ? SERVER_ISN + 1 : 1,
		.src_port = is_in ? 1024 : 443,
		.dst_port = is_in ? 443 : 1024,
	};
	outside[0] = inside[0] = 0x20;
	memcpy(&outside[8], &who, sizeof(who));
	inside[15] = 1;
	return &f;
}

static void
start(enum side side, uint64_t now_ns)
{
	burst_start(&b, now_ns, 0, side);
}

static void
add(const struct facts *f)
{
	b.facts[b.count++] = *f;
	b.live = lanes_first(b.count);
}

static void
learn(void)
{
	flow_find_burst(&t, &b, b.live);
	for (unsigned int i = 0; i < b.count; i++)
		if (b.flow[i] != BURST_NO_FLOW)
			flow_see(&t, &b, i);
}

/* Whether customer `who` still has a proven flow; his packet keeps it alive. */
static bool
speaks(uint64_t who, uint64_t now_ns)
{
	start(SIDE_EXTERNAL, now_ns);
	add(segment(SIDE_EXTERNAL, who, TCP_ACK));
	learn();
	return b.flow[0] != BURST_NO_FLOW &&
	       flow_standing(flow_at(&t, b.flow[0]), &b.facts[0]) ==
	               STANDING_VERIFIED_FLOW;
}

/* The server answers, the client acknowledges: one verified flow. False when there is no room. */
static bool
connect_one(uint64_t who, uint64_t now_ns)
{
	start(SIDE_INTERNAL, now_ns);
	add(segment(SIDE_INTERNAL, who, TCP_SYN | TCP_ACK));
	learn();
	start(SIDE_EXTERNAL, now_ns);
	add(segment(SIDE_EXTERNAL, who, TCP_ACK));
	flow_find_burst(&t, &b, 1);
	if (b.flow[0] == BURST_NO_FLOW)
		return false;
	CU_ASSERT_TRUE_FATAL(flow_see(&t, &b, 0));
	return flow_earn(&t, b.flow[0], SOURCE_NONE, UINT64_MAX) &&
	       table_class(&t.table, b.flow[0]) == TABLE_EARNED;
}

/* 64 answers of the server to forged SYNs: each makes a record of its own. */
static void
forge(uint64_t *next, uint64_t now_ns)
{
	start(SIDE_INTERNAL, now_ns);
	for (unsigned int i = 0; i < 64; i++)
		add(segment(SIDE_INTERNAL, mixed(++*next) | UINT64_C(1) << 63,
		            TCP_SYN | TCP_ACK));
	learn();
}

/* --- control group: eight ways, the longest silent one goes ----------------- */

struct lru {
	uint64_t key[8];
	uint32_t seen[8]; /* ms */
};

static void
lru_use(struct lru *buckets, uint64_t n, uint64_t key, uint32_t now_ms, uint64_t *lost)
{
	struct lru *l = &buckets[mixed(key ^ 99) % n];
	unsigned int oldest = 0;

	for (unsigned int w = 0; w < 8; w++) {
		if (l->key[w] == key) {
			l->seen[w] = now_ms;
			return;
		}
		if (l->seen[w] < l->seen[oldest])
			oldest = w;
	}
	if (lost != NULL)
		++*lost;
	l->key[oldest] = key;
	l->seen[oldest] = now_ms;
}

/* A customer that finds no slot of his own has lost his connection. */
static uint64_t
lru_loses(uint64_t customers, uint64_t slots, uint64_t forged_a_ms)
{
	struct lru *buckets = calloc(slots / 8, sizeof(*buckets));
	uint64_t next = 0, lost = 0;

	CU_ASSERT_FATAL(buckets != NULL);
	for (uint64_t who = 1; who <= customers; who++)
		lru_use(buckets, slots / 8, who, 1, NULL);
	/* One round of customers is enough to see who is left. */
	for (uint32_t ms = 2; ms < 2 + SPEAK_MS; ms++) {
		for (uint64_t n = 0; n < forged_a_ms; n++)
			lru_use(buckets, slots / 8, mixed(++next) | UINT64_C(1) << 63, ms,
			        NULL);
		for (uint64_t who = 1 + ms % SPEAK_MS; who <= customers; who += SPEAK_MS)
			lru_use(buckets, slots / 8, who, ms, &lost);
	}
	free(buckets);
	return lost;
}

/* --- tests ------------------------------------------------------------------ */

static void
open_table(void)
{
	struct hash_key key;

	scale = suite_is_soak() ? 1 : 16;
	hash_key_seeded(&key, 3);
	CU_ASSERT_EQUAL_FATAL(flow_table_open(&t, (1 << 20) / scale, &key), 0);
}

/* A handful meets two full buckets at once; somebody else connects in its place. */
static uint64_t
connect_all(void)
{
	const uint64_t wanted = CUSTOMERS / scale;
	uint64_t have = 0, who = 0;

	while (have < wanted && who < 2 * wanted) {
		who++;
		if (connect_one(who, who / 100 * MS))
			customer[have++] = who;
	}
	CU_ASSERT_EQUAL_FATAL(have, wanted);
	CU_ASSERT(who < wanted + wanted / 1000);
	return have;
}

static void
every_verified_flow_outlives_the_flood(void)
{
	const uint64_t a_ms = 10000;
	uint64_t customers, next = 0, owed = 0, turn = 0, silent = 0;

	open_table();
	customers = connect_all();
	for (uint64_t ms = 5000; ms < 5000 + SECONDS * 1000; ms++) {
		for (owed += a_ms / scale; owed >= 64; owed -= 64)
			forge(&next, ms * MS);
		/* All customers in turn, each every five seconds. */
		for (uint64_t n = customers / SPEAK_MS + 1; n-- > 0; turn++)
			silent += !speaks(customer[turn % customers], ms * MS);
		table_sweep(&t.table, 64 / (unsigned int)scale, table_tick(ms * MS));
	}
	CU_ASSERT(next > SECONDS * 1000 * (a_ms / scale) - 64);
	CU_ASSERT_EQUAL(silent, 0);
	for (uint64_t n = 0; n < customers; n++)
		silent += !speaks(customer[n], (5000 + SECONDS * 1000) * MS);
	CU_ASSERT_EQUAL(silent, 0);
	CU_ASSERT_EQUAL(t.table.used[TABLE_EARNED], customers);
	CU_ASSERT(t.table.used[TABLE_UNEARNED] <= (1 << 20) / scale / 4);
	flow_table_close(&t);
}

static void
the_longest_silent_would_have_gone(void)
{
	const uint64_t customers = 500000 / 16,
		       lost = lru_loses(customers, (1 << 20) / 16, 10000 / 16);

	CU_ASSERT(lost > customers * 95 / 100);
}

SUITE_MAIN("flood", TEST(every_verified_flow_outlives_the_flood),
           TEST(the_longest_silent_would_have_gone))
