/* SPDX-License-Identifier: BSD-3-Clause */
/* The table against exact twins, when it is full, in time, and under attack. */
#include "flow/table.h"

#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define RECORD 64
#define SECOND UINT64_C(1000000000)

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

struct rig {
	struct table t;
	struct hash_key key;
	unsigned int expired;
};

static void
open_rig(struct rig *r, uint64_t entries, uint64_t seed)
{
	memset(r, 0, sizeof(*r));
	hash_key_seeded(&r->key, seed);
	CU_ASSERT_EQUAL_FATAL(table_open(&r->t, entries, RECORD), 0);
}

/* Key number n, spread over all 48 bytes so that every part must be compared. */
static struct hash128
key_of(const struct rig *r, uint64_t n, uint8_t key[TABLE_KEY])
{
	for (unsigned int i = 0; i < TABLE_KEY; i += 8) {
		uint64_t word = n * (i + 1);

		memcpy(key + i, &word, sizeof(word));
	}
	return hash_48(&r->key, key);
}

static uint32_t
insert(struct rig *r, uint64_t n, enum table_class class, uint16_t tick)
{
	uint8_t key[TABLE_KEY];
	struct hash128 h = key_of(r, n, key);

	return table_insert(&r->t, h, key, class, tick);
}

static uint32_t
find(struct rig *r, uint64_t n, uint16_t tick)
{
	uint8_t key[TABLE_KEY];
	struct hash128 h = key_of(r, n, key);

	return table_find(&r->t, h, key, tick);
}

static bool
holds(const struct rig *r, uint32_t slot, uint64_t n)
{
	uint8_t key[TABLE_KEY];

	key_of(r, n, key);
	return memcmp(table_record(&r->t, slot), key, TABLE_KEY) == 0;
}

/* What the table says of itself is what lies in its buckets. */
static void
check_books(const struct rig *r)
{
	uint64_t used[TABLE_CLASSES] = { 0 };
	unsigned int *away = calloc(r->t.buckets, sizeof(*away));

	CU_ASSERT_FATAL(away != NULL);
	for (uint32_t b = 0; b < r->t.buckets; b++)
		for (unsigned int w = 0; w < TABLE_WAYS; w++) {
			const struct table_bucket *bucket = table_bucket(&r->t, b);
			uint32_t slot = b * TABLE_WAYS + w;

			used[table_class(&r->t, slot)]++;
			if ((bucket->class[w] & TABLE_AWAY) != 0)
				away[table_other(&r->t, b, bucket->signature[w])]++;
			if (bucket->class[w] == TABLE_FREE)
				CU_ASSERT_EQUAL_FATAL(bucket->signature[w], 0);
		}
	for (uint32_t b = 0; b < r->t.buckets; b++)
		CU_ASSERT_EQUAL_FATAL(table_bucket(&r->t, b)->overflow, away[b]);
	for (int c = TABLE_UNEARNED; c < TABLE_CLASSES; c++)
		CU_ASSERT_EQUAL_FATAL(r->t.used[c], used[c]);
	free(away);
}

/* With room for everybody the table is a map with a clock; so is the twin. */
static void
agrees_with_an_exact_map(void)
{
	enum { KEYS = 100, STEPS = 100000 };
	struct {
		enum table_class class;
		uint64_t seen;
	} twin[KEYS] = { 0 };
	static const uint64_t idle[TABLE_CLASSES] = { 0, 10, 40, 200 };
	uint64_t seed = 3, tick = 1000, hits = 0, misses = 0;
	struct rig r;

	open_rig(&r, 65536, 1);
	for (int c = TABLE_UNEARNED; c < TABLE_CLASSES; c++)
		table_set_idle(&r.t, (enum table_class)c, idle[c] * TABLE_TICK_NS);

	for (unsigned int step = 0; step < STEPS; step++) {
		unsigned int n = (unsigned int)(next_random(&seed) % KEYS);
		bool there = twin[n].class != TABLE_FREE &&
		             tick - twin[n].seen <= idle[twin[n].class];
		uint32_t slot = find(&r, n, (uint16_t)tick);

		CU_ASSERT_EQUAL_FATAL(slot != TABLE_NONE, there);
		hits += there;
		misses += !there;
		if (!there) {
			twin[n].class =
				next_random(&seed) % 2 ? TABLE_EARNED : TABLE_UNEARNED;
			slot = insert(&r, n, twin[n].class, (uint16_t)tick);
			CU_ASSERT_FATAL(slot != TABLE_NONE);
		} else if (next_random(&seed) % 4 == 0) {
			twin[n].class =
				(enum table_class)(next_random(&seed) % TABLE_CLASSES);
			CU_ASSERT_FATAL(table_set_class(&r.t, slot, twin[n].class));
		}
		if (twin[n].class != TABLE_FREE) {
			CU_ASSERT_FATAL(holds(&r, slot, n));
			CU_ASSERT_EQUAL_FATAL(table_class(&r.t, slot), twin[n].class);
			CU_ASSERT_EQUAL_FATAL(table_seen(&r.t, slot), (uint16_t)tick);
		}
		twin[n].seen = tick;
		tick += next_random(&seed) % 8 == 0 ? next_random(&seed) % 8 : 0;
	}
	CU_ASSERT(hits > 1000 && misses > 1000);
	check_books(&r);
	table_close(&r.t);
}

/* In 64 slots 400 keys fight; whoever was told "earned" must still be there. */
static void
under_pressure_every_earned_key_is_kept(void)
{
	enum { KEYS = 400, STEPS = 200000 };
	bool earned[KEYS] = { false };
	uint64_t seed = 4, refused = 0;
	struct rig r;

	open_rig(&r, 64, 2);
	for (unsigned int step = 0; step < STEPS; step++) {
		unsigned int n = (unsigned int)(next_random(&seed) % KEYS);
		uint32_t slot = find(&r, n, 5);
		uint64_t dice = next_random(&seed) % 16;

		if (earned[n])
			CU_ASSERT_FATAL(slot != TABLE_NONE);
		if (slot == TABLE_NONE) {
			enum table_class class =
				dice == 0 ? TABLE_EARNED : TABLE_UNEARNED;

			slot = insert(&r, n, class, 5);
			refused += slot == TABLE_NONE;
			earned[n] = slot != TABLE_NONE && class == TABLE_EARNED;
		} else if (dice < 4) {
			enum table_class class = (enum table_class)dice;

			if (table_set_class(&r.t, slot, class))
				earned[n] = class == TABLE_EARNED;
		}
		if (step % 64 == 0)
			check_books(&r);
	}
	CU_ASSERT(refused > 100);
	CU_ASSERT_EQUAL(r.t.refused, refused);
	table_close(&r.t);
}

/* A full table refuses, counts it, and keeps everything it has. */
static void
a_full_table_refuses_and_forgets_nobody(void)
{
	uint64_t n = 0, in = 0, *kept;
	struct rig r;

	open_rig(&r, 4096, 3);
	kept = calloc(4096, sizeof(*kept));
	CU_ASSERT_FATAL(kept != NULL);
	for (; in < 4096 && n < 100000; n++)
		if (insert(&r, n, TABLE_EARNED, 1) != TABLE_NONE)
			kept[in++] = n;
	CU_ASSERT_EQUAL(in, 4096);
	CU_ASSERT_EQUAL(r.t.used[TABLE_EARNED], 4096);
	CU_ASSERT_EQUAL(r.t.refused, n - in);
	CU_ASSERT_EQUAL(insert(&r, n, TABLE_UNEARNED, 1), TABLE_NONE);
	CU_ASSERT_EQUAL(insert(&r, n, TABLE_EARNED, 1), TABLE_NONE);
	CU_ASSERT_EQUAL(r.t.refused, n - in + 2);
	for (uint64_t i = 0; i < in; i++)
		CU_ASSERT_FATAL(find(&r, kept[i], 1) != TABLE_NONE);
	check_books(&r);
	free(kept);
	table_close(&r.t);
}

/* At 60 % load (the size it is meant for) under three in a thousand find no room. */
static void
at_sixty_percent_nearly_everybody_finds_room(void)
{
	struct rig r;

	open_rig(&r, 65536, 4);
	for (uint64_t n = 0; n < 39321; n++)
		insert(&r, n, TABLE_EARNED, 1);
	CU_ASSERT(r.t.refused < 39321 * 3 / 1000);
	CU_ASSERT_EQUAL(r.t.used[TABLE_EARNED], 39321 - r.t.refused);
	table_close(&r.t);
}

static void
count_expired(void *owner, uint32_t slot)
{
	struct rig *r = owner;

	CU_ASSERT_NOT_EQUAL(table_class(&r->t, slot), TABLE_FREE);
	r->expired++;
}

/* Each class outlives its own silence to the tick, even when the clock wraps. */
static void
slots_expire_by_class_and_to_the_tick(void)
{
	static const uint64_t idle[TABLE_CLASSES] = { 0, 74, 447, 26823 };
	static const uint16_t starts[] = { 0, 1, 65000, 65535 };
	struct rig r;

	open_rig(&r, 64, 5);
	r.t.expired = count_expired;
	r.t.owner = &r;
	for (int c = TABLE_UNEARNED; c < TABLE_CLASSES; c++) {
		table_set_idle(&r.t, (enum table_class)c, idle[c] * TABLE_TICK_NS);
		CU_ASSERT_EQUAL(r.t.idle[c], idle[c]);
	}
	for (size_t s = 0; s < sizeof(starts) / sizeof(*starts); s++)
		for (int c = TABLE_UNEARNED; c < TABLE_CLASSES; c++) {
			uint32_t slot = insert(&r, 7, TABLE_UNEARNED, starts[s]);
			uint16_t last = (uint16_t)(starts[s] + idle[c]);

			r.expired = 0;
			CU_ASSERT_FATAL(table_set_class(&r.t, slot, (enum table_class)c));
			table_sweep(&r.t, r.t.buckets, last);
			CU_ASSERT_EQUAL(r.expired, 0);
			CU_ASSERT_EQUAL(r.t.used[c], 1);
			if (s % 2 == 0)
				table_sweep(&r.t, r.t.buckets, (uint16_t)(last + 1));
			else
				CU_ASSERT_EQUAL(find(&r, 7, (uint16_t)(last + 1)),
				                TABLE_NONE);
			CU_ASSERT_EQUAL(r.expired, 1);
			CU_ASSERT_EQUAL(r.t.used[c], 0);
			CU_ASSERT_EQUAL(find(&r, 7, last), TABLE_NONE);
		}
	table_close(&r.t);
}

static void
finding_keeps_a_slot_alive(void)
{
	struct rig r;

	open_rig(&r, 64, 6);
	table_set_idle(&r.t, TABLE_UNEARNED, 10 * TABLE_TICK_NS);
	insert(&r, 1, TABLE_UNEARNED, 0);
	for (uint16_t tick = 0; tick < 1000; tick = (uint16_t)(tick + 10))
		CU_ASSERT_FATAL(find(&r, 1, tick) != TABLE_NONE);
	CU_ASSERT_EQUAL(find(&r, 1, 1011), TABLE_NONE);
	table_close(&r.t);
}

/*
 * 20 s of a flood of new keys turn over nobody's earned slot. Two million fill the room that
 * unearned keys may have thirty times; a soak sends a million a second.
 */
static void
earned_keys_survive_a_flood_of_new_ones(void)
{
	enum { EARNED = 100000, EARNING = 20000 };
	static uint64_t kept[EARNED];
	const uint64_t flood = suite_is_soak() ? 20000000 : 2000000;
	uint64_t earning = 0, found = 0, earned = 0;
	struct rig r;

	open_rig(&r, 262144, 7);
	table_set_idle(&r.t, TABLE_EARNED, 3600 * SECOND);
	table_set_idle(&r.t, TABLE_EARNING, 60 * SECOND);
	/* A handful meets two full buckets at once; one more key takes its place. */
	for (uint64_t n = 0; earned < EARNED; n++)
		if (insert(&r, n, TABLE_EARNED, 0) != TABLE_NONE)
			kept[earned++] = n;
	CU_ASSERT(r.t.refused < 20);
	for (uint64_t n = 2 * EARNED; n < 2 * EARNED + EARNING; n++) {
		uint32_t slot = insert(&r, n, TABLE_UNEARNED, 0);

		earning +=
			slot != TABLE_NONE && table_set_class(&r.t, slot, TABLE_EARNING);
	}
	for (uint64_t n = 0; n < flood; n++)
		insert(&r, UINT64_C(1) << 40 | n, TABLE_UNEARNED,
		       table_tick(20 * SECOND / flood * n));

	for (uint64_t n = 0; n < EARNED; n++)
		CU_ASSERT_FATAL(find(&r, kept[n], table_tick(20 * SECOND)) != TABLE_NONE);
	for (uint64_t n = 2 * EARNED; n < 2 * EARNED + EARNING; n++)
		found += find(&r, n, table_tick(20 * SECOND)) != TABLE_NONE;
	CU_ASSERT_EQUAL(found, earning);
	CU_ASSERT(earning > EARNING * 99 / 100);
	CU_ASSERT(r.t.used[TABLE_UNEARNED] <=
	          (uint64_t)r.t.buckets * TABLE_UNEARNED_WAYS);
	check_books(&r);
	table_close(&r.t);
}

/* Earning slots yield to earned ones, have half a bucket at most, and say so when refused. */
static void
earning_yields_to_earned_and_has_half_a_bucket(void)
{
	uint64_t promoted = 0, most = 0, last;
	struct rig r;

	open_rig(&r, 64, 8);
	for (uint64_t n = 0; n < 1000; n++) {
		uint32_t slot = insert(&r, n, TABLE_UNEARNED, 1);

		if (slot != TABLE_NONE && table_set_class(&r.t, slot, TABLE_EARNING))
			promoted++;
	}
	CU_ASSERT_EQUAL(promoted, 8 * TABLE_EARNING_WAYS);
	for (uint64_t n = 5000; n < 6000; n++)
		most += insert(&r, n, TABLE_EARNED, 1) != TABLE_NONE;
	CU_ASSERT_EQUAL(most, 64);
	CU_ASSERT_EQUAL(r.t.used[TABLE_EARNED], 64);
	for (last = 0; last < 1000; last++)
		CU_ASSERT_EQUAL_FATAL(find(&r, last, 1), TABLE_NONE);
	table_close(&r.t);
}

/*
 * The attacker has the code and computes with a key of his own which keys meet
 * in one bucket. In a table with another key they are strewn like any others.
 */
static void
without_the_key_nobody_overfills_a_bucket(void)
{
	struct rig his, ours;
	uint64_t aimed[200];
	unsigned int n_aimed = 0, most = 0;
	unsigned int *load;

	open_rig(&his, 65536, 100);
	open_rig(&ours, 65536, 101);
	for (uint64_t n = 0; n_aimed < 200; n++) {
		uint8_t key[TABLE_KEY];

		if (table_home(&his.t, key_of(&his, n, key)) == 4711)
			aimed[n_aimed++] = n;
	}
	load = calloc(ours.t.buckets, sizeof(*load));
	CU_ASSERT_FATAL(load != NULL);
	for (unsigned int i = 0; i < n_aimed; i++) {
		uint8_t key[TABLE_KEY];
		unsigned int here =
			++load[table_home(&ours.t, key_of(&ours, aimed[i], key))];

		most = here > most ? here : most;
		CU_ASSERT(insert(&ours, aimed[i], TABLE_EARNED, 1) != TABLE_NONE);
		insert(&his, aimed[i], TABLE_EARNED, 1);
	}
	/* 200 keys in 8,192 buckets: four together is already one chance in thousands. */
	CU_ASSERT(most <= 3);
	CU_ASSERT_EQUAL(ours.t.refused, 0);
	for (unsigned int w = 0; w < TABLE_WAYS; w++)
		CU_ASSERT_EQUAL(table_class(&his.t, 4711 * TABLE_WAYS + w), TABLE_EARNED);
	free(load);
	table_close(&ours.t);
	table_close(&his.t);
}

/* Bulk and single give the same answers and leave the same table behind. */
static void
bulk_equals_single(void)
{
	uint64_t seed = 9;
	uint16_t tick = 0;
	struct rig one, many;

	open_rig(&one, 512, 9);
	open_rig(&many, 512, 9);
	table_set_idle(&one.t, TABLE_EARNED, 600 * SECOND);
	table_set_idle(&many.t, TABLE_EARNED, 600 * SECOND);
	for (unsigned int round = 0; round < 3000; round++) {
		struct table_batch batch;
		uint32_t slot[64];
		uint64_t n[64], lanes = next_random(&seed) | 1;

		for (unsigned int i = 0; i < 64; i++) {
			n[i] = next_random(&seed) % 700;
			batch.hash[i] = key_of(&many, n[i], batch.key[i]);
			slot[i] = 0xabcd;
		}
		table_find_bulk(&many.t, &batch, lanes, tick, slot);
		for (unsigned int i = 0; i < 64; i++) {
			uint32_t alone = lanes >> i & 1 ? find(&one, n[i], tick) : 0xabcd;

			CU_ASSERT_EQUAL_FATAL(slot[i], alone);
		}
		for (unsigned int i = 0; i < 4; i++) {
			enum table_class class =
				next_random(&seed) % 4 ? TABLE_EARNED : TABLE_UNEARNED;
			uint64_t fresh = next_random(&seed) % 700;

			uint32_t there = find(&one, fresh, tick);

			CU_ASSERT_EQUAL_FATAL(find(&many, fresh, tick), there);
			if (there != TABLE_NONE)
				continue;
			insert(&one, fresh, class, tick);
			insert(&many, fresh, class, tick);
		}
		tick = (uint16_t)(tick + next_random(&seed) % 40);
		CU_ASSERT_EQUAL_FATAL(memcmp(one.t.bucket, many.t.bucket,
		                             one.t.buckets * one.t.bucket_step),
		                      0);
	}
	CU_ASSERT(one.t.used[TABLE_EARNED] > 50);
	table_close(&many.t);
	table_close(&one.t);
}

/* Two lanes of one burst that ask for the same expired key: it expires once. */
static void
a_slot_expires_once_in_a_burst(void)
{
	struct table_batch batch;
	uint32_t slot[64];
	struct rig r;

	open_rig(&r, 64, 10);
	r.t.expired = count_expired;
	r.t.owner = &r;
	insert(&r, 7, TABLE_EARNED, 0);
	batch.hash[0] = key_of(&r, 7, batch.key[0]);
	batch.hash[1] = key_of(&r, 7, batch.key[1]);
	table_find_bulk(&r.t, &batch, 3, 1000, slot);
	CU_ASSERT_EQUAL(slot[0], TABLE_NONE);
	CU_ASSERT_EQUAL(slot[1], TABLE_NONE);
	CU_ASSERT_EQUAL(r.expired, 1);
	check_books(&r);
	table_close(&r.t);
}

SUITE_MAIN("table", TEST(agrees_with_an_exact_map),
           TEST(under_pressure_every_earned_key_is_kept),
           TEST(a_full_table_refuses_and_forgets_nobody),
           TEST(at_sixty_percent_nearly_everybody_finds_room),
           TEST(slots_expire_by_class_and_to_the_tick), TEST(finding_keeps_a_slot_alive),
           TEST(earned_keys_survive_a_flood_of_new_ones),
           TEST(earning_yields_to_earned_and_has_half_a_bucket),
           TEST(without_the_key_nobody_overfills_a_bucket), TEST(bulk_equals_single),
           TEST(a_slot_expires_once_in_a_burst))
