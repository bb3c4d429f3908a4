/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is admitted stays so while he sends, whatever else is admitted. */
#include "challenge/admitted.h"

#include "lanes.h"
#include "suite.h"

#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)
#define START  (3600 * SECOND)
#define LIFE   (30 * SECOND)

static struct admitted a;
static struct burst b;

static void
open_it(void)
{
	struct hash_key key;

	hash_key_seeded(&key, 3);
	CU_ASSERT_EQUAL_FATAL(admitted_open(&a, &key), 0);
	CU_ASSERT_EQUAL(admitted_bytes() % 64, 0);
}

/* Datagrams of 64 senders from n on, at this moment. */
static void
lay(uint64_t n, uint64_t now_ns)
{
	lanes_fill(&b, n, n % 2, false);
	b.now_ns = now_ns;
	for (unsigned int i = 0; i < LANES_MAX; i++)
		b.facts[i].proto = PROTO_UDP;
}

static uint64_t
find(uint64_t n, uint64_t now_ns)
{
	lay(n, now_ns);
	return admitted_find(&a, &b, UINT64_MAX, LIFE);
}

static void
add(uint64_t n, uint64_t now_ns, uint64_t lanes)
{
	lay(n, now_ns);
	admitted_add(&a, &b, lanes);
}

static void
only_who_was_added_is_found(void)
{
	open_it();
	CU_ASSERT_EQUAL(find(0, START), 0);
	add(0, START, 0xff00);
	CU_ASSERT_EQUAL(find(0, START + MS), 0xff00);
	CU_ASSERT_EQUAL(find(64, START + MS), 0);
	admitted_close(&a);
}

static void
any_difference_is_another_sender(void)
{
	open_it();
	add(0, START, UINT64_MAX);
	for (unsigned int k = 0; k < 7; k++) {
		lay(0, START);
		for (unsigned int i = 0; i < LANES_MAX; i++) {
			struct facts *f = &b.facts[i];

			f->src[15] ^= k == 0;
			f->dst[15] ^= k == 1;
			f->src_port ^= k == 2;
			f->dst_port ^= k == 3;
			f->vlan ^= k == 4;
			f->inner_vlan ^= k == 5;
		}
		b.link ^= k == 6;
		CU_ASSERT_EQUAL(admitted_find(&a, &b, UINT64_MAX, LIFE), 0);
	}
	/* The length is none of it. */
	lay(0, START);
	for (unsigned int i = 0; i < LANES_MAX; i++)
		b.facts[i].payload_len = (uint16_t)(i + 99);
	CU_ASSERT_EQUAL(admitted_find(&a, &b, UINT64_MAX, LIFE), UINT64_MAX);
	admitted_close(&a);
}

/* A sender is admitted as long as he is not silent for longer than a life. */
static void
silence_ends_it(void)
{
	uint64_t now = START;

	open_it();
	add(0, now, UINT64_MAX);
	for (unsigned int i = 0; i < 20; i++) {
		now += LIFE - SECOND;
		CU_ASSERT_EQUAL(find(0, now), UINT64_MAX);
	}
	CU_ASSERT_EQUAL(find(0, now + LIFE + SECOND), 0);
	CU_ASSERT_EQUAL(find(0, now + LIFE + 2 * SECOND), 0);
	/* Who never came back after his proof is forgotten alike. */
	add(0, now, UINT64_MAX);
	CU_ASSERT_EQUAL(find(0, now + LIFE + SECOND), 0);
	admitted_close(&a);
}

/* A thousand customers who send every second, beside three million proofs that are forged. */
static void
a_flood_of_proofs_flushes_no_customer(void)
{
	enum { CUSTOMERS = 1024, SECONDS = 12, FORGED = 250000 };
	uint64_t forged = 1 << 20, lost = 0;

	open_it();
	for (uint64_t n = 0; n < CUSTOMERS; n += 64) {
		add(n, START, UINT64_MAX);
		CU_ASSERT_EQUAL(find(n, START + 1200 * MS), UINT64_MAX);
	}
	for (unsigned int s = 2; s < 2 + SECONDS; s++) {
		for (unsigned int i = 0; i < FORGED; i += 64, forged += 64)
			add(forged, START + s * SECOND, UINT64_MAX);
		for (uint64_t n = 0; n < CUSTOMERS; n += 64)
			lost += 64 - (unsigned int)__builtin_popcountll(
					     find(n, START + s * SECOND + 500 * MS));
	}
	CU_ASSERT_EQUAL(lost, 0);
	/* A newcomer among them has his quarter of a second at least. */
	add(CUSTOMERS, START + 20 * SECOND, UINT64_MAX);
	for (unsigned int i = 0; i < FORGED / 8; i += 64, forged += 64)
		add(forged, START + 20 * SECOND, UINT64_MAX);
	CU_ASSERT(__builtin_popcountll(find(CUSTOMERS, START + 20 * SECOND + MS)) >= 62);
	admitted_close(&a);
}

/* Even forgers who keep on sending take only places that nobody uses. */
static void
settled_forgers_take_only_what_is_free(void)
{
	enum { CUSTOMERS = 1024, FORGED = 2000000 };
	uint64_t lost = 0;

	open_it();
	for (uint64_t n = 0; n < CUSTOMERS; n += 64) {
		add(n, START, UINT64_MAX);
		CU_ASSERT_EQUAL(find(n, START + 1200 * MS), UINT64_MAX);
	}
	for (unsigned int s = 2; s < 10; s++) {
		for (uint64_t n = 1 << 20; n < (1 << 20) + FORGED; n += 64)
			add(n, START + s * SECOND, UINT64_MAX);
		for (uint64_t n = 0; n < CUSTOMERS; n += 64)
			lost += 64 - (unsigned int)__builtin_popcountll(
					     find(n, START + s * SECOND + MS));
	}
	CU_ASSERT_EQUAL(lost, 0);
	admitted_close(&a);
}

/* A million customers of whom none was heard of before: hardly one of them is mistaken. */
static void
strangers_are_not_taken_for_friends(void)
{
	uint64_t mistaken = 0;

	open_it();
	for (uint64_t n = 0; n < 1000000; n += 64)
		add(n, START, UINT64_MAX);
	for (uint64_t n = 1 << 30; n < (1 << 30) + 1000000; n += 64)
		mistaken += (unsigned int)__builtin_popcountll(find(n, START + MS));
	CU_ASSERT(mistaken < 32);
	admitted_close(&a);
}

SUITE_MAIN("challenge/admitted", TEST(only_who_was_added_is_found),
           TEST(any_difference_is_another_sender), TEST(silence_ends_it),
           TEST(a_flood_of_proofs_flushes_no_customer),
           TEST(settled_forgers_take_only_what_is_free),
           TEST(strangers_are_not_taken_for_friends))
