/* SPDX-License-Identifier: BSD-3-Clause */
/* The hash against a twin that computes AES rounds from the definition of FIPS 197. */
#include "hash/hash.h"

#include <stdio.h>

#include "suite.h"

/* --- twin ---------------------------------------------------------------- */

/* Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
static uint8_t
times(uint8_t a, uint8_t b)
{
	uint8_t product = 0;

	for (; b != 0; b >>= 1) {
		if (b & 1)
			product ^= a;
		a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
	}
	return product;
}

static uint8_t
substitute(uint8_t in)
{
	uint8_t inverse = 0, out = 0x63;

	for (unsigned int c = 1; c < 256; c++)
		if (times(in, (uint8_t)c) == 1)
			inverse = (uint8_t)c;
	for (unsigned int turn = 0; turn < 5; turn++)
		out ^= (uint8_t)(inverse << turn | inverse >> (8 - turn));
	return out;
}

static uint8_t box[256];

static void
make_box(void)
{
	for (unsigned int i = 0; box[0] == 0 && i < 256; i++)
		box[255 - i] = substitute((uint8_t)(255 - i));
}

/* SubBytes, ShiftRows, MixColumns, AddRoundKey; byte r + 4c is row r of column c. */
static void
aes_round(uint8_t state[16], const uint8_t key[16])
{
	static const uint8_t mix[4] = { 2, 3, 1, 1 };
	uint8_t in[16];

	make_box();
	memcpy(in, state, 16);
	for (unsigned int c = 0; c < 4; c++)
		for (unsigned int r = 0; r < 4; r++) {
			uint8_t sum = key[r + 4 * c];

			for (unsigned int k = 0; k < 4; k++)
				sum ^= times(box[in[k + 4 * ((c + k) % 4)]],
				             mix[(k + 4 - r) % 4]);
			state[r + 4 * c] = sum;
		}
}

static void
xor16(uint8_t to[16], const uint8_t with[16])
{
	for (unsigned int i = 0; i < 16; i++)
		to[i] ^= with[i];
}

static struct hash128
finish(const struct hash_key *key, uint8_t state[16])
{
	struct hash128 out = { 0, 0 };

	aes_round(state, key->round[4]);
	aes_round(state, key->round[5]);
	for (unsigned int i = 0; i < 8; i++) {
		out.lo |= (uint64_t)state[i] << 8 * i;
		out.hi |= (uint64_t)state[i + 8] << 8 * i;
	}
	return out;
}

static struct hash128
twin_16(const struct hash_key *key, const uint8_t *message)
{
	uint8_t s[16];

	memcpy(s, message, 16);
	xor16(s, key->round[0]);
	aes_round(s, key->round[3]);
	return finish(key, s);
}

static struct hash128
twin_48(const struct hash_key *key, const uint8_t *message)
{
	static const uint8_t zeros[16];
	uint8_t sum[16] = { 0 };

	for (unsigned int i = 0; i < 3; i++) {
		uint8_t block[16];

		memcpy(block, message + (size_t)16 * i, 16);
		xor16(block, key->round[i]);
		aes_round(block, key->round[3 + i]);
		aes_round(block, i == 0 ? key->round[1] : zeros);
		xor16(sum, block);
	}
	return finish(key, sum);
}

/* --- tests --------------------------------------------------------------- */

static uint64_t rng = 99;

static void
fill(uint8_t *to, size_t n)
{
	while (n-- > 0) {
		rng ^= rng << 13;
		rng ^= rng >> 7;
		rng ^= rng << 17;
		*to++ = (uint8_t)(rng >> 32);
	}
}

/* The round of FIPS 197, appendix B, round 1: the twin itself is sound. */
static void
the_twin_computes_the_standards_round(void)
{
	uint8_t state[16] = { 0x19, 0x3d, 0xe3, 0xbe, 0xa0, 0xf4, 0xe2, 0x2b,
		              0x9a, 0xc6, 0x8d, 0x2a, 0xe9, 0xf8, 0x48, 0x08 };
	static const uint8_t key[16] = { 0xa0, 0xfa, 0xfe, 0x17, 0x88, 0x54, 0x2c, 0xb1,
		                         0x23, 0xa3, 0x39, 0x39, 0x2a, 0x6c, 0x76, 0x05 };
	static const uint8_t next[16] = {
		0xa4, 0x9c, 0x7f, 0xf2, 0x68, 0x9f, 0x35, 0x2b,
		0x6b, 0x5b, 0xea, 0x43, 0x02, 0x6a, 0x50, 0x49
	};

	aes_round(state, key);
	CU_ASSERT_EQUAL(memcmp(state, next, 16), 0);
}

/* FIPS 197, 5.2: what the ten rounds add, one after another. */
static void
expand(uint8_t key[11][16])
{
	uint8_t *w = key[0], constant = 1;

	make_box();
	for (unsigned int i = 16; i < 176; i += 4) {
		uint8_t last[4];

		memcpy(last, w + i - 4, 4);
		if (i % 16 == 0) {
			for (unsigned int k = 0; k < 4; k++)
				last[k] = box[w[i - 4 + (k + 1) % 4]];
			last[0] ^= constant;
			constant = times(constant, 2);
		}
		for (unsigned int k = 0; k < 4; k++)
			w[i + k] = w[i + k - 16] ^ last[k];
	}
}

/* FIPS 197, appendix B: nine rounds are ours, the tenth has no MixColumns. */
static void
rounds_encrypt_as_the_standard_does(void)
{
	uint8_t key[11][16] = { { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab,
		                  0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c } };
	uint8_t text[16] = { 0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d,
		             0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34 };
	static const uint8_t cipher[16] = { 0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc,
		                            0x09, 0xfb, 0xdc, 0x11, 0x85, 0x97,
		                            0x19, 0x6a, 0x0b, 0x32 };
	uint8_t out[16];

	expand(key);
	xor16(text, key[0]);
	for (unsigned int i = 1; i < 10; i++) {
		const __m128i state = _mm_loadu_si128((const __m128i *)text);

		_mm_storeu_si128(
			(__m128i *)text,
			hash_round(state, _mm_loadu_si128((const __m128i *)key[i])));
	}
	for (unsigned int i = 0; i < 16; i++)
		out[i] = box[text[(i + 4 * (i % 4)) % 16]] ^ key[10][i];
	CU_ASSERT_EQUAL(memcmp(out, cipher, 16), 0);
}

/* The one form has to be there to be compared; every machine that runs this has it. */
static void
both_forms_give_the_same_bits(void)
{
	struct hash_key key;
	uint8_t message[48];
	const bool was_aes = hash_is_aes;

	for (unsigned int n = 0; n < 50000; n++) {
		struct hash128 a, b;
		__m128i state, round_a, round_b;

		if (n % 100 == 0)
			hash_key_seeded(&key, n);
		fill(message, sizeof(message));
		hash_use_aes(true);
		state = _mm_loadu_si128((const __m128i *)message);
		round_a = hash_round(state, hash_round_key(&key, 1));
		a = hash_48(&key, message);
		CU_ASSERT_FALSE(hash_use_aes(false));
		round_b = hash_round(state, hash_round_key(&key, 1));
		b = hash_48(&key, message);
		CU_ASSERT_FATAL(a.lo == b.lo && a.hi == b.hi);
		CU_ASSERT_EQUAL(memcmp(&round_a, &round_b, 16), 0);
		b = hash_16(&key, message);
		hash_use_aes(true);
		a = hash_16(&key, message);
		CU_ASSERT(a.lo == b.lo && a.hi == b.hi);
	}
	hash_use_aes(was_aes);
}

static void
hash_and_twin_agree(void)
{
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct hash_key key;
		uint8_t message[49];
		struct hash128 fast, slow;

		hash_key_seeded(&key, seed);
		fill(message, sizeof(message));
		/* An odd address: messages need no alignment. */
		fast = hash_16(&key, message + 1);
		slow = twin_16(&key, message + 1);
		CU_ASSERT(fast.lo == slow.lo && fast.hi == slow.hi);
		fast = hash_48(&key, message + 1);
		slow = twin_48(&key, message + 1);
		CU_ASSERT(fast.lo == slow.lo && fast.hi == slow.hi);
	}
}

static unsigned int
bits_apart(struct hash128 a, struct hash128 b)
{
	return (unsigned int)__builtin_popcountll(a.lo ^ b.lo) +
	       (unsigned int)__builtin_popcountll(a.hi ^ b.hi);
}

/*
 * One flipped input bit flips half of 128, give or take: over 400 messages the
 * mean's standard error is 0.28 bits, and fewer than 24 flips have odds of 1e-13.
 */
static void
every_input_bit_reaches_all_of_the_output(void)
{
	struct hash_key key;
	uint8_t message[48];

	hash_key_seeded(&key, 5);
	for (unsigned int bit = 0; bit < 384; bit++) {
		unsigned int sum = 0, least = 128;

		for (unsigned int n = 0; n < 400; n++) {
			struct hash128 before, after;
			unsigned int apart;

			fill(message, sizeof(message));
			before = hash_48(&key, message);
			message[bit / 8] ^= (uint8_t)(1u << bit % 8);
			after = hash_48(&key, message);
			apart = bits_apart(before, after);
			sum += apart;
			least = apart < least ? apart : least;
		}
		CU_ASSERT(sum > 400 * 62 && sum < 400 * 66);
		CU_ASSERT(least >= 24);
	}
}

/* chi-square over 1024 buckets: mean 1023, standard deviation 45; five of them. */
static void
check_spread(const unsigned int *bucket, double each)
{
	double chi = 0;

	for (unsigned int i = 0; i < 1024; i++)
		chi += (bucket[i] - each) * (bucket[i] - each) / each;
	CU_ASSERT(chi > 1023 - 5 * 45.2 && chi < 1023 + 5 * 45.2);
}

/* Neighbouring addresses, as attackers and customers have them, at both ends of the word. */
static void
neighbours_spread_over_buckets(void)
{
	static unsigned int low[1024], high[1024], flow[1024];
	uint8_t address[48] = { [10] = 0xff, 0xff, 10 };
	struct hash_key key;

	hash_key_seeded(&key, 6);
	for (unsigned int i = 0; i < 102400; i++) {
		struct hash128 h;

		address[13] = (uint8_t)(i >> 16);
		address[14] = (uint8_t)(i >> 8);
		address[15] = (uint8_t)i;
		h = hash_16(&key, address);
		low[h.lo & 1023]++;
		high[h.hi >> 54]++;
		flow[hash_48(&key, address).lo & 1023]++;
	}
	check_spread(low, 100);
	check_spread(high, 100);
	check_spread(flow, 100);
}

static void
a_seed_always_gives_the_same_key_and_another_seed_another(void)
{
	struct hash_key a, b, c;
	uint8_t message[48] = { 1, 2, 3 };

	hash_key_seeded(&a, 0);
	hash_key_seeded(&b, 0);
	hash_key_seeded(&c, 1);
	CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
	CU_ASSERT(bits_apart(hash_48(&a, message), hash_48(&c, message)) > 24);
	/* Fixed for ever: replay of an old capture must print what it printed. */
	CU_ASSERT_EQUAL(hash_16(&a, message).lo, twin_16(&a, message).lo);
	CU_ASSERT_EQUAL(a.round[0][0], 0xaf);
	CU_ASSERT_EQUAL(a.round[0][7], 0xe2);
}

static void
random_keys_differ(void)
{
	struct hash_key a, b;

	CU_ASSERT_EQUAL(hash_key_random(&a), 0);
	CU_ASSERT_EQUAL(hash_key_random(&b), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
}

SUITE_MAIN("hash", TEST(the_twin_computes_the_standards_round),
           TEST(rounds_encrypt_as_the_standard_does), TEST(both_forms_give_the_same_bits),
           TEST(hash_and_twin_agree), TEST(every_input_bit_reaches_all_of_the_output),
           TEST(neighbours_spread_over_buckets),
           TEST(a_seed_always_gives_the_same_key_and_another_seed_another),
           TEST(random_keys_differ))
