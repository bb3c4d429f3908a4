/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eight - one field of eight packets in one register, and what is asked of it.
 *
 * The vocabulary of plain.c. What is asked gives all ones where the answer is yes.
 */
#ifndef PACKET_EIGHT_H
#define PACKET_EIGHT_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

typedef __m256i eight;

/*
 * Eight times the same number, which the compiler knows. GCC makes each from three
 * instructions where memory takes one.
 */
#define ALL(value)                                                                       \
	({                                                                               \
		static const uint32_t word_ = (value);                                   \
		eight words_;                                                            \
                                                                                         \
		__asm__("vpbroadcastd %1, %0" : "=x"(words_) : "m"(word_));              \
		words_;                                                                  \
	})

static inline eight
is_equal(eight a, eight b)
{
	return _mm256_cmpeq_epi32(a, b);
}

/* Numbers up to 2^31. */
static inline eight
is_above(eight a, eight b)
{
	return _mm256_cmpgt_epi32(a, b);
}

static inline eight
both(eight a, eight b)
{
	return _mm256_and_si256(a, b);
}

static inline eight
either(eight a, eight b)
{
	return _mm256_or_si256(a, b);
}

/* Whether the bits of `mask` are those of `value`, both known to the compiler. */
#define IS_MASKED(a, mask, value) is_equal(both(a, ALL(mask)), ALL(value))

/* `a` where it holds that `not` is not true. */
static inline eight
unless(eight not, eight a)
{
	return _mm256_andnot_si256(not, a);
}

static inline eight
where(eight is, eight yes, eight no)
{
	return _mm256_blendv_epi8(no, yes, is);
}

static inline unsigned int
bits_of(eight is)
{
	return (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(is));
}

/* All ones for each bit of a set. */
static inline eight
eight_of(unsigned int set)
{
	const eight bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);

	return is_equal(both(_mm256_set1_epi32((int)set), bit), bit);
}

/* The bytes of each word in another order; -1 gives a zero. */
#define TURN(a, b, c, d)                                                                 \
	_mm256_setr_epi8(a, b, c, d, (a) + 4, (b) + 4, (c) + 4, (d) + 4, (a) + 8,        \
	                 (b) + 8, (c) + 8, (d) + 8, (a) + 12, (b) + 12, (c) + 12,        \
	                 (d) + 12, a, b, c, d, (a) + 4, (b) + 4, (c) + 4, (d) + 4,       \
	                 (a) + 8, (b) + 8, (c) + 8, (d) + 8, (a) + 12, (b) + 12,         \
	                 (c) + 12, (d) + 12)
#define NONE (-128) /* stays negative with 12 added */

static inline eight
number(eight word)
{
	return _mm256_shuffle_epi8(word, TURN(3, 2, 1, 0));
}

static inline eight
numbers16(eight word)
{
	return _mm256_shuffle_epi8(word, TURN(1, 0, 3, 2));
}

static inline eight
first16(eight word)
{
	return _mm256_shuffle_epi8(word, TURN(1, 0, NONE, NONE));
}

static inline eight
last16(eight word)
{
	return _mm256_shuffle_epi8(word, TURN(3, 2, NONE, NONE));
}

/* --- from packets to fields and back --- */

/* Four by four words in each half: rows become columns. It undoes itself. */
static inline void
turn(const __m256i in[4], __m256i out[4])
{
	const __m256i a = _mm256_unpacklo_epi32(in[0], in[1]);
	const __m256i b = _mm256_unpackhi_epi32(in[0], in[1]);
	const __m256i c = _mm256_unpacklo_epi32(in[2], in[3]);
	const __m256i d = _mm256_unpackhi_epi32(in[2], in[3]);

	out[0] = _mm256_unpacklo_epi64(a, c);
	out[1] = _mm256_unpackhi_epi64(a, c);
	out[2] = _mm256_unpacklo_epi64(b, d);
	out[3] = _mm256_unpackhi_epi64(b, d);
}

/* Four words of each frame from `off` on. */
static inline void
words(const uint8_t *const at[8], size_t off, eight out[4])
{
	__m256i row[4];

	for (unsigned int k = 0; k < 4; k++)
		row[k] = _mm256_loadu2_m128i((const __m128i *)(at[k + 4] + off),
		                             (const __m128i *)(at[k] + off));
	turn(row, out);
}

#endif
