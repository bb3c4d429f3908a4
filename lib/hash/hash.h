/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hash - one keyed 128-bit hash for every table and sketch.
 *
 * Each 16-byte block of the message passes one AES round under a secret round
 * key and is folded into the state; two more secret rounds finish. The key
 * comes from getrandom(), so an attacker who knows this file still cannot aim
 * two addresses at one bucket. The output is never shown to anybody: for what
 * leaves the box (cookies) a full cipher is used instead.
 *
 * Cost    about 3 cycles for 48 bytes, pipelined (tools/bench has the row).
 * Threads a key is read-only after it was made.
 */
#ifndef HASH_HASH_H
#define HASH_HASH_H

#include <immintrin.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

struct hash_key {
	alignas(16) uint8_t round[6][16];
};

struct hash128 {
	uint64_t lo, hi;
};

/* A key nobody knows. Returns 0, or -errno of getrandom(); key is untouched then. */
int hash_key_random(struct hash_key *key);

/* The same key for the same seed: replay and tests only. */
void hash_key_seeded(struct hash_key *key, uint64_t seed);

static inline __m128i
hash_round_key(const struct hash_key *key, unsigned int i)
{
	return _mm_load_si128((const __m128i *)key->round[i]);
}

static inline struct hash128
hash_finish(const struct hash_key *key, __m128i state)
{
	struct hash128 out;

	state = _mm_aesenc_si128(state, hash_round_key(key, 4));
	state = _mm_aesenc_si128(state, hash_round_key(key, 5));
	memcpy(&out, &state, sizeof(out));
	return out;
}

/* Hash 16 bytes, for instance one address. */
static inline struct hash128
hash_16(const struct hash_key *key, const void *message)
{
	__m128i m = _mm_loadu_si128((const __m128i *)message);
	__m128i s = _mm_xor_si128(m, hash_round_key(key, 0));

	return hash_finish(key, _mm_aesenc_si128(s, hash_round_key(key, 3)));
}

/*
 * Hash 48 bytes, for instance one flow key. Each block has its own whitening
 * key and its own round before the blocks meet, so no difference in one block
 * can be cancelled by a difference in another without knowing the key.
 */
static inline struct hash128
hash_48(const struct hash_key *key, const void *message)
{
	const __m128i *m = message;
	__m128i a = _mm_xor_si128(_mm_loadu_si128(m), hash_round_key(key, 0));
	__m128i b = _mm_xor_si128(_mm_loadu_si128(m + 1), hash_round_key(key, 1));
	__m128i c = _mm_xor_si128(_mm_loadu_si128(m + 2), hash_round_key(key, 2));

	a = _mm_aesenc_si128(a, hash_round_key(key, 3));
	b = _mm_aesenc_si128(b, hash_round_key(key, 4));
	c = _mm_aesenc_si128(c, hash_round_key(key, 5));
	a = _mm_aesenc_si128(_mm_xor_si128(a, b), hash_round_key(key, 0));
	return hash_finish(key,
	                   _mm_aesenc_si128(_mm_xor_si128(a, c), hash_round_key(key, 1)));
}

#endif
