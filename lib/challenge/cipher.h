/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cipher - AES-128 of eight blocks at once, for cookies.
 *
 * Eight blocks travel side by side: a round takes an AES unit several cycles, but
 * it begins two of them every cycle. Where the CPU has VAES, which our baseline
 * does not ask for, block c and block c + 4 share an instruction; where it has no
 * AES at all, each block is computed from tables. The results are the same to the
 * bit, and which form runs is decided before main().
 *
 * Threads any: pure functions of their arguments.
 * Source  FIPS 197.
 */
#ifndef CHALLENGE_CIPHER_H
#define CHALLENGE_CIPHER_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#include "hash/hash.h"

#define CIPHER_BLOCK  16 /* bytes */
#define CIPHER_BLOCKS 8  /* at once */
#define CIPHER_HALF   (CIPHER_BLOCKS / 2)
#define CIPHER_ROUNDS 10
#define CIPHER_INLINE static inline __attribute__((always_inline))

/*
 * Two keys, round by round, aligned to 16 bytes. The first half of the blocks goes under
 * the first; the second half, too, or under the second.
 */
struct cipher_under {
	const uint8_t (*round)[2][CIPHER_BLOCK];
	bool has_both;
};

extern bool cipher_is_wide;

/*
 * Let two blocks share an instruction where the CPU can. Returns whether they do now. For
 * tests; hash_use_aes() chooses between instructions and tables.
 */
bool cipher_use_wide(bool wanted);

/* All round keys of a key, one after the other (5.2). */
void cipher_expand(uint8_t w[(CIPHER_ROUNDS + 1) * CIPHER_BLOCK],
                   const uint8_t key[CIPHER_BLOCK]);

/* Where there are no instructions for it. */
void cipher_encrypt_portable(__m128i state[CIPHER_BLOCKS], struct cipher_under u);

CIPHER_INLINE __m128i
cipher_key(struct cipher_under u, unsigned int chain, unsigned int round)
{
	return _mm_load_si128(
		(const __m128i *)u.round[round][u.has_both && chain >= CIPHER_HALF]);
}

#ifdef __AES__
CIPHER_INLINE void
cipher_encrypt_aes(__m128i state[CIPHER_BLOCKS], struct cipher_under u)
{
	for (unsigned int c = 0; c < CIPHER_BLOCKS; c++)
		state[c] = _mm_xor_si128(state[c], cipher_key(u, c, 0));
	for (unsigned int r = 1; r < CIPHER_ROUNDS; r++)
		for (unsigned int c = 0; c < CIPHER_BLOCKS; c++)
			state[c] = _mm_aesenc_si128(state[c], cipher_key(u, c, r));
	for (unsigned int c = 0; c < CIPHER_BLOCKS; c++)
		state[c] =
			_mm_aesenclast_si128(state[c], cipher_key(u, c, CIPHER_ROUNDS));
}

CIPHER_INLINE __m256i
cipher_keys(struct cipher_under u, unsigned int round)
{
	const uint8_t(*keys)[CIPHER_BLOCK] = u.round[round];

	if (u.has_both)
		return _mm256_loadu_si256((const __m256i *)(const void *)keys);
	return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)keys[0]));
}

/*
 * In assembly, because a function that is compiled for VAES could neither be inlined where
 * it is needed nor inline what it needs. Only reached where the CPU has the instruction.
 */
CIPHER_INLINE __m256i
cipher_round_wide(__m256i state, __m256i key)
{
	__asm__("vaesenc %2, %1, %0" : "=x"(state) : "x"(state), "x"(key));
	return state;
}

CIPHER_INLINE __m256i
cipher_last_round_wide(__m256i state, __m256i key)
{
	__asm__("vaesenclast %2, %1, %0" : "=x"(state) : "x"(state), "x"(key));
	return state;
}

CIPHER_INLINE void
cipher_encrypt_wide(__m128i state[CIPHER_BLOCKS], struct cipher_under u)
{
	__m256i s[CIPHER_HALF];

	for (unsigned int c = 0; c < CIPHER_HALF; c++)
		s[c] = _mm256_xor_si256(
			_mm256_set_m128i(state[c + CIPHER_HALF], state[c]),
			cipher_keys(u, 0));
	for (unsigned int r = 1; r < CIPHER_ROUNDS; r++)
		for (unsigned int c = 0; c < CIPHER_HALF; c++)
			s[c] = cipher_round_wide(s[c], cipher_keys(u, r));
	for (unsigned int c = 0; c < CIPHER_HALF; c++) {
		s[c] = cipher_last_round_wide(s[c], cipher_keys(u, CIPHER_ROUNDS));
		state[c] = _mm256_castsi256_si128(s[c]);
		state[c + CIPHER_HALF] = _mm256_extracti128_si256(s[c], 1);
	}
}
#endif

/* Encrypt all blocks in place. */
CIPHER_INLINE void
cipher_encrypt(__m128i state[CIPHER_BLOCKS], struct cipher_under u)
{
	/* On a copy, so that states need no memory where there are instructions. */
	__m128i copy[CIPHER_BLOCKS];

#ifdef __AES__
	if (__builtin_expect(cipher_is_wide && hash_is_aes, 1)) {
		cipher_encrypt_wide(state, u);
		return;
	}
	if (__builtin_expect(hash_is_aes, 1)) {
		cipher_encrypt_aes(state, u);
		return;
	}
#endif
	for (unsigned int c = 0; c < CIPHER_BLOCKS; c++)
		copy[c] = state[c];
	cipher_encrypt_portable(copy, u);
	for (unsigned int c = 0; c < CIPHER_BLOCKS; c++)
		state[c] = copy[c];
}

#endif
