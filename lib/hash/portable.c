/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash on a CPU without AES instructions: SubBytes and MixColumns of one
 * byte come from one table of 256 words (Daemen and Rijmen, "The Design of
 * Rijndael", 4.2), and a rotation moves the word to the row the byte came from.
 * The time of a look-up may tell parts of the key to who measures it on this very
 * machine; across a network it does not, and the output is never shown.
 */
#include "hash/hash.h"

bool hash_is_aes;

/* What a byte of row 0 adds to its column after SubBytes: row 0 in the lowest byte. */
static uint32_t column_of[256];

/* Multiplication by x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
static uint8_t
doubled(uint8_t a)
{
	return (uint8_t)(a << 1 ^ (a >> 7) * 0x1b);
}

/* FIPS 197, 5.1.1: the inverse in the field, then an affine map. */
static uint8_t
substitute(uint8_t inverse)
{
	uint8_t out = 0x63;

	for (unsigned int turn = 0; turn < 5; turn++)
		out ^= (uint8_t)(inverse << turn | inverse >> (8 - turn));
	return out;
}

static void
make_table(void)
{
	uint8_t power[256] = { 1 }; /* of 3, which generates all 255 other than 0 */

	for (unsigned int i = 1; i < 256; i++)
		power[i] = power[i - 1] ^ doubled(power[i - 1]);
	for (unsigned int i = 0; i < 256; i++) {
		/* The last turn is for 0, which counts as its own inverse. */
		const uint8_t byte = i < 255 ? power[i] : 0;
		const uint8_t s = substitute(i < 255 ? power[255 - i] : 0);
		const uint32_t twice = doubled(s);

		column_of[byte] =
			twice | (uint32_t)s << 8 | (uint32_t)s << 16 | (twice ^ s) << 24;
	}
}

bool
hash_use_aes(bool wanted)
{
#ifdef __AES__
	__builtin_cpu_init();
	hash_is_aes = wanted && __builtin_cpu_supports("aes");
#else
	(void)wanted;
#endif
	return hash_is_aes;
}

/* Before main() and before every constructor that might hash. */
__attribute__((constructor(101))) static void
choose(void)
{
	make_table();
	hash_use_aes(true);
}

static uint32_t
rotated(uint32_t word, unsigned int bits)
{
	return word << bits | word >> (32 - bits);
}

__m128i
hash_round_portable(__m128i state, __m128i round_key)
{
	uint32_t in[4], out[4];

	_mm_storeu_si128((__m128i *)in, state);
	for (unsigned int c = 0; c < 4; c++) {
		/* ShiftRows: row r of column c comes from column c + r. */
		const uint32_t row1 = column_of[in[(c + 1) % 4] >> 8 & 0xff];
		const uint32_t row2 = column_of[in[(c + 2) % 4] >> 16 & 0xff];
		const uint32_t row3 = column_of[in[(c + 3) % 4] >> 24];

		out[c] = column_of[in[c] & 0xff] ^ rotated(row1, 8) ^ rotated(row2, 16) ^
		         rotated(row3, 24);
	}
	return _mm_xor_si128(_mm_loadu_si128((const __m128i *)out), round_key);
}

struct hash128
hash_16_portable(const struct hash_key *key, const void *message)
{
	return hash_16_by(false, key, message);
}

struct hash128
hash_48_portable(const struct hash_key *key, const void *message)
{
	return hash_48_by(false, key, message);
}
