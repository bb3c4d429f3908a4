/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nobody who lacks the key can aim at a bucket: not with keys that meet under
 * another key, not with differences that cancel elsewhere, not with the regular
 * patterns of real scans. Each test also aims at a hash that fails it.
 */
#include "hash/hash.h"

#include <stdlib.h>

#include "aim.h"
#include "suite.h"

static struct hash_key secret, attackers;
static uint8_t key[AIM_KEY];

static void
draw_keys(uint64_t seed)
{
	hash_key_seeded(&secret, 1000 + seed);
	hash_key_seeded(&attackers, 2000 + seed);
}

/* The parts of the result that tables use: home bucket, signature, and the far ends. */
enum { LOW, LOW_TOP, HIGH, HIGH_TOP, PARTS };

static void
count(uint32_t bucket[PARTS][AIM_BUCKETS], struct hash128 h)
{
	bucket[LOW][h.lo % AIM_BUCKETS]++;
	bucket[LOW_TOP][h.lo >> 54]++;
	bucket[HIGH][h.hi % AIM_BUCKETS]++;
	bucket[HIGH_TOP][h.hi >> 54]++;
}

static bool
is_chance(const uint32_t bucket[AIM_BUCKETS])
{
	const double deviation = aim_deviation(bucket);

	return deviation > -AIM_CHANCE && deviation < AIM_CHANCE;
}

static void
check_chance(uint32_t bucket[PARTS][AIM_BUCKETS])
{
	for (unsigned int p = 0; p < PARTS; p++)
		CU_ASSERT(is_chance(bucket[p]));
}

/* 10,000 keys searched for under a key of the attacker's own: all in its bucket 0. */
static void
keys_that_meet_under_one_key_part_under_another(void)
{
	static uint32_t known[PARTS][AIM_BUCKETS], hidden[PARTS][AIM_BUCKETS];
	uint64_t state = 1, found = 0;

	draw_keys(0);
	while (found < 10000) {
		const uint64_t r = aim_random(&state);

		memcpy(key, &r, sizeof(r));
		if (hash_48(&attackers, key).lo % AIM_BUCKETS != 0)
			continue;
		count(known, hash_48(&attackers, key));
		count(hidden, hash_48(&secret, key));
		found++;
	}
	CU_ASSERT_EQUAL(known[LOW][0], 10000);
	CU_ASSERT_FALSE(is_chance(known[LOW]));
	check_chance(hidden);
}

/* The same with the signature's lowest six bits on top, 1,000 keys. */
static void
keys_that_share_bucket_and_signature_part_as_well(void)
{
	static uint32_t hidden[PARTS][AIM_BUCKETS];
	uint64_t state = 2, found = 0;

	draw_keys(1);
	while (found < 1000) {
		const uint64_t r = aim_random(&state);
		struct hash128 h;

		memcpy(key, &r, sizeof(r));
		h = hash_48(&attackers, key);
		if (h.lo % AIM_BUCKETS != 0 || h.hi % 64 != 0)
			continue;
		count(hidden, hash_48(&secret, key));
		found++;
	}
	check_chance(hidden);
}

/* 14 dimensions of keys that CRC and Toeplitz, with their best bits, cannot tell apart. */
static void
differences_that_linear_hashes_miss_are_seen(void)
{
	static uint32_t ours[PARTS][AIM_BUCKETS], crc[AIM_BUCKETS], toeplitz[AIM_BUCKETS];
	uint8_t diff[AIM_DIMS][AIM_KEY], base[AIM_KEY] = { 7 }, known[AIM_KEY + 4];
	static const unsigned int firsts[] = { 0, 10, 20, 36 };

	aim_known_secret(known);
	for (size_t f = 0; f < sizeof(firsts) / sizeof(*firsts); f++) {
		memset(ours, 0, sizeof(ours));
		memset(crc, 0, sizeof(crc));
		memset(toeplitz, 0, sizeof(toeplitz));
		draw_keys(f);
		CU_ASSERT_TRUE_FATAL(aim_blind(firsts[f], known, diff));
		for (unsigned int n = 0; n < AIM_KEYS; n++) {
			aim_span(key, base, diff, n);
			count(ours, hash_48(&secret, key));
			/* The seed is as secret as ours, and does not help. */
			crc[aim_crc(key, (uint32_t)f * 77777) % AIM_BUCKETS]++;
			toeplitz[aim_toeplitz(key, known) % AIM_BUCKETS]++;
		}
		check_chance(ours);
		CU_ASSERT(aim_deviation(crc) > 1e5);
		CU_ASSERT(aim_deviation(toeplitz) > 1e5);
	}
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static unsigned int
distinct(uint64_t *results, size_t n)
{
	unsigned int different = 1;

	qsort(results, n, sizeof(*results), compare);
	for (size_t i = 1; i < n; i++)
		different += results[i] != results[i - 1];
	return different;
}

/* A hash whose blocks pass one round each before they meet: what ours must not be. */
static struct hash128
one_round_each(const uint8_t message[AIM_KEY])
{
	const __m128i *m = (const __m128i *)message;
	__m128i sum = _mm_setzero_si128();

	for (unsigned int i = 0; i < 3; i++)
		sum = _mm_xor_si128(sum,
		                    hash_round(_mm_xor_si128(_mm_loadu_si128(m + i),
		                                             hash_round_key(&secret, i)),
		                               hash_round_key(&secret, 3)));
	return hash_16(&secret, &sum);
}

/*
 * Every byte of one block against every byte of another, 256 values each: a /24
 * that scans a /24 is one such family, a source port against a prefix another.
 * Where the two meet too early, 65,536 keys have 256 results. Here a pair meets
 * with the odds of 32 bits: half a pair a family, 24 in all 48 of them.
 */
static void
two_bytes_never_undo_each_other(void)
{
	static uint64_t results[65536];
	unsigned int weak_families = 0, met = 0;

	draw_keys(3);
	for (unsigned int a = 0; a < 16; a++)
		for (unsigned int b = 0; b < 3; b++) {
			const unsigned int first = a + (b == 2 ? 16 : 0);
			const unsigned int second = a + (b == 0 ? 16 : 32);

			memset(key, 5, sizeof(key));
			for (unsigned int n = 0; n < 65536; n++) {
				key[first] = (uint8_t)n;
				key[second] = (uint8_t)(n >> 8);
				results[n] = hash_48(&secret, key).lo;
			}
			met += 65536 - distinct(results, 65536);
			for (unsigned int n = 0; a % 5 == 0 && n < 65536; n++) {
				key[first] = (uint8_t)n;
				key[second] = (uint8_t)(n >> 8);
				results[n] = one_round_each(key).lo;
			}
			if (a % 5 == 0 && distinct(results, 65536) <= 256)
				weak_families++;
		}
	CU_ASSERT(met < 24 + 5 * 5);
	CU_ASSERT_EQUAL(weak_families, 12);
}

/* The six orders of three blocks, which a plain sum of blocks cannot tell apart. */
static void
the_order_of_blocks_counts(void)
{
	static const uint8_t order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		                             { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	static uint64_t results[60000], sums[60000];
	uint64_t state = 4;

	draw_keys(4);
	for (unsigned int n = 0; n < 10000; n++) {
		uint64_t block[3][2], sum[2] = { 0, 0 };

		for (unsigned int i = 0; i < 6; i++) {
			block[i / 2][i % 2] = aim_random(&state);
			sum[i % 2] ^= block[i / 2][i % 2];
		}
		for (unsigned int o = 0; o < 6; o++) {
			for (unsigned int i = 0; i < 3; i++)
				memcpy(key + (size_t)16 * i, block[order[o][i]], 16);
			results[6 * n + o] = hash_48(&secret, key).lo;
			sums[6 * n + o] = hash_16(&secret, sum).lo;
		}
	}
	CU_ASSERT_EQUAL(distinct(results, 60000), 60000);
	CU_ASSERT_EQUAL(distinct(sums, 60000), 10000);
}

/* Counting up in any two bytes next to each other, as addresses and ports do. */
static void
counting_keys_spread_at_every_place(void)
{
	static uint32_t bucket[PARTS][AIM_BUCKETS];

	for (unsigned int at = 0; at + 1 < AIM_KEY; at++) {
		draw_keys(at);
		memset(bucket, 0, sizeof(bucket));
		memset(key, 0, sizeof(key));
		for (unsigned int n = 0; n < AIM_KEYS; n++) {
			key[at] = (uint8_t)(n >> 8);
			key[at + 1] = (uint8_t)n;
			count(bucket, hash_48(&secret, key));
		}
		check_chance(bucket);
	}
}

SUITE_MAIN("aimed", TEST(keys_that_meet_under_one_key_part_under_another),
           TEST(keys_that_share_bucket_and_signature_part_as_well),
           TEST(differences_that_linear_hashes_miss_are_seen),
           TEST(two_bytes_never_undo_each_other), TEST(the_order_of_blocks_counts),
           TEST(counting_keys_spread_at_every_place))
