/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hash - one keyed 128-bit hash for every table and sketch.
 *
 * A 16-byte message passes three AES rounds under secret round keys. Of a longer
 * one each block passes two of its own, under a key of its own; their sum passes
 * two more. Who builds another message of hash_round() keeps both numbers. The key
 * comes from getrandom(), so an attacker who knows this file still cannot aim
 * two addresses at one bucket. The output is never shown to anybody: for what
 * leaves the box (cookies) a full cipher is used instead.
 *
 * A CPU without AES instructions computes the same rounds from a table, so the
 * results do not depend on the machine. Which form runs is decided once, before
 * main(); the hot path pays one branch a hash that always goes the same way.
 *
 * Cost    about 3 cycles for 48 bytes, pipelined (tools/bench has the row);
 *         about 170 without AES instructions.
 * Threads a key is read-only after it was made, the choice after the start.
 */
#ifndef HASH_HASH_H
#define HASH_HASH_H

#include <immintrin.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct hash_key {
	alignas(16) uint8_t round[6][16];
};

struct hash128 {
	uint64_t lo, hi;
};

/* The form in use. Chosen before main(); only hash_use_aes() changes it later. */
extern bool hash_is_aes;

/*
 * Use AES instructions where the CPU has them, or the portable form. Returns
 * which of them runs now. For tests, while no other thread hashes.
 */
bool hash_use_aes(bool wanted);

/* A key nobody knows. Returns 0, or -errno of getrandom(); key is untouched then. */
int hash_key_random(struct hash_key *key);

/* The same key for the same seed: replay and tests only. */
void hash_key_seeded(struct hash_key *key, uint64_t seed);

/* The portable forms, the same to the bit. Callers use the functions further down. */
__m128i hash_round_portable(__m128i state, __m128i round_key);
struct hash128 hash_16_portable(const struct hash_key *key, const void *message);
struct hash128 hash_48_portable(const struct hash_key *key, const void *message);

/* One AES round (FIPS 197, 5.1: SubBytes, ShiftRows, MixColumns, AddRoundKey). */
static inline __m128i
hash_round_by(bool is_aes, __m128i state, __m128i round_key)
{
#ifdef __AES__
	if (is_aes)
		return _mm_aesenc_si128(state, round_key);
#else
	(void)is_aes;
#endif
	return hash_round_portable(state, round_key);
}

/* The same by the form in use. */
static inline __m128i
hash_round(__m128i state, __m128i round_key)
{
	return hash_round_by(__builtin_expect(hash_is_aes, 1), state, round_key);
}

static inline __m128i
hash_round_key(const struct hash_key *key, unsigned int i)
{
	return _mm_load_si128((const __m128i *)key->round[i]);
}

static inline __m128i
hash_finish_state_by(bool is_aes, const struct hash_key *key, __m128i state)
{
	state = hash_round_by(is_aes, state, hash_round_key(key, 4));
	return hash_round_by(is_aes, state, hash_round_key(key, 5));
}

static inline struct hash128
hash_of_state(__m128i state)
{
	struct hash128 out;

	memcpy(&out, &state, sizeof(out));
	return out;
}

static inline struct hash128
hash_finish_by(bool is_aes, const struct hash_key *key, __m128i state)
{
	return hash_of_state(hash_finish_state_by(is_aes, key, state));
}

static inline struct hash128
hash_16_by(bool is_aes, const struct hash_key *key, const void *message)
{
	__m128i m = _mm_loadu_si128((const __m128i *)message);
	__m128i s = _mm_xor_si128(m, hash_round_key(key, 0));

	return hash_finish_by(is_aes, key,
	                      hash_round_by(is_aes, s, hash_round_key(key, 3)));
}

/*
 * Each block has its own whitening key and two rounds of its own before the
 * blocks meet. After one round, what a byte of one block changes could be undone
 * by the same byte of another: the 65,536 pairs of a source /24 and a protected
 * /24 would share 256 results, under every key. After two it takes 32 bits of luck.
 */
static inline __m128i
hash_48_tail_by(bool is_aes, const struct hash_key *key, __m128i second, __m128i third)
{
	__m128i b = _mm_xor_si128(second, hash_round_key(key, 1));
	__m128i c = _mm_xor_si128(third, hash_round_key(key, 2));

	b = hash_round_by(is_aes, b, hash_round_key(key, 4));
	c = hash_round_by(is_aes, c, hash_round_key(key, 5));
	/* What this round adds is the same for every message: zeros will do. */
	b = hash_round_by(is_aes, b, _mm_setzero_si128());
	c = hash_round_by(is_aes, c, _mm_setzero_si128());
	return _mm_xor_si128(b, c);
}

/* The first block, and what the tail made of the others. */
static inline __m128i
hash_48_head_by(bool is_aes, const struct hash_key *key, __m128i first, __m128i tail)
{
	__m128i a = _mm_xor_si128(first, hash_round_key(key, 0));

	a = hash_round_by(is_aes, a, hash_round_key(key, 3));
	a = hash_round_by(is_aes, a, hash_round_key(key, 1));
	return hash_finish_state_by(is_aes, key, _mm_xor_si128(a, tail));
}

static inline __m128i
hash_48_state_by(bool is_aes, const struct hash_key *key, const void *message)
{
	const __m128i *m = message;
	const __m128i tail = hash_48_tail_by(is_aes, key, _mm_loadu_si128(m + 1),
	                                     _mm_loadu_si128(m + 2));

	return hash_48_head_by(is_aes, key, _mm_loadu_si128(m), tail);
}

static inline struct hash128
hash_48_by(bool is_aes, const struct hash_key *key, const void *message)
{
	return hash_of_state(hash_48_state_by(is_aes, key, message));
}

/* Hash 16 bytes, for instance one address. */
static inline struct hash128
hash_16(const struct hash_key *key, const void *message)
{
	if (__builtin_expect(hash_is_aes, 1))
		return hash_16_by(true, key, message);
	return hash_16_portable(key, message);
}

/* Hash 48 bytes, for instance one flow key. */
static inline struct hash128
hash_48(const struct hash_key *key, const void *message)
{
	if (__builtin_expect(hash_is_aes, 1))
		return hash_48_by(true, key, message);
	return hash_48_portable(key, message);
}

/* The same 48 bytes' hash as it stands in a vector register, `lo` first. */
static inline __m128i
hash_48_state(const struct hash_key *key, const void *message)
{
	struct hash128 slow;

	if (__builtin_expect(hash_is_aes, 1))
		return hash_48_state_by(true, key, message);
	slow = hash_48_portable(key, message);
	return _mm_loadu_si128((const __m128i *)(const void *)&slow);
}

#endif
