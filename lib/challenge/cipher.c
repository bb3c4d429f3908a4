/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/cipher.h"

#include <cpuid.h>
#include <string.h>

#define VAES_BIT (1u << 9) /* of ecx of leaf 7, which clang 14 knows no name for */

bool cipher_is_wide;

bool
cipher_use_wide(bool wanted)
{
	unsigned int a, b, c = 0, d;

	__builtin_cpu_init();
	/* AVX2 tells that the kernel keeps registers of 32 bytes, too. */
	cipher_is_wide = wanted && __builtin_cpu_supports("avx2") &&
	                 __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
	                 (c & VAES_BIT) != 0;
	return cipher_is_wide;
}

static uint8_t sbox[256];

/*
 * A column of four equal bytes is left alone by MixColumns, and a state of sixteen by
 * ShiftRows, so a round of the hash shows what SubBytes does. After the room `hash` has
 * made its own table, before main().
 */
__attribute__((constructor(102))) static void
make_sbox(void)
{
	for (unsigned int i = 0; i < 256; i++)
		sbox[i] = (uint8_t)_mm_cvtsi128_si32(
			hash_round_portable(_mm_set1_epi8((char)i), _mm_setzero_si128()));
}

/* FIPS 197, 5.1: the last round has no MixColumns. */
static __m128i
last_round_portable(__m128i state, __m128i round_key)
{
	uint8_t in[CIPHER_BLOCK], out[CIPHER_BLOCK];

	_mm_storeu_si128((__m128i *)in, state);
	for (unsigned int i = 0; i < CIPHER_BLOCK; i++)
		out[i] = sbox[in[(i + 4 * (i % 4)) % CIPHER_BLOCK]];
	return _mm_xor_si128(_mm_loadu_si128((const __m128i *)out), round_key);
}

/* Before every constructor that might make a cookie. */
__attribute__((constructor(102))) static void
choose(void)
{
	cipher_use_wide(true);
}

/* FIPS 197, 5.2. */
void
cipher_expand(uint8_t w[(CIPHER_ROUNDS + 1) * CIPHER_BLOCK],
              const uint8_t key[CIPHER_BLOCK])
{
	uint8_t constant = 1;

	memcpy(w, key, CIPHER_BLOCK);
	for (unsigned int i = CIPHER_BLOCK; i < (CIPHER_ROUNDS + 1) * CIPHER_BLOCK;
	     i += 4) {
		uint8_t t[4];

		memcpy(t, w + i - 4, 4);
		if (i % CIPHER_BLOCK == 0) {
			const uint8_t first = t[0];

			t[0] = sbox[t[1]] ^ constant;
			t[1] = sbox[t[2]];
			t[2] = sbox[t[3]];
			t[3] = sbox[first];
			constant = (uint8_t)(constant << 1 ^ (constant >> 7) * 0x1b);
		}
		for (unsigned int k = 0; k < 4; k++)
			w[i + k] = w[i - CIPHER_BLOCK + k] ^ t[k];
	}
}

void
cipher_encrypt_portable(__m128i state[CIPHER_BLOCKS], struct cipher_under u)
{
	for (unsigned int c = 0; c < CIPHER_BLOCKS; c++) {
		__m128i s = _mm_xor_si128(state[c], cipher_key(u, c, 0));

		for (unsigned int r = 1; r < CIPHER_ROUNDS; r++)
			s = hash_round_portable(s, cipher_key(u, c, r));
		state[c] = last_round_portable(s, cipher_key(u, c, CIPHER_ROUNDS));
	}
}
