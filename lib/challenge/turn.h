/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turn - link and IP header of a packet written back to front, to answer its sender.
 *
 * MACs are swapped where they are, tags stay; the IP header is written anew, without
 * options and extension headers. What follows it is the caller's to write.
 *
 * Threads none: pure functions of their arguments.
 * Source  RFC 1071 (checksums), RFC 791, RFC 8200.
 */
#ifndef CHALLENGE_TURN_H
#define CHALLENGE_TURN_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "packet/facts.h"

#define TURN_INLINE static inline __attribute__((always_inline))

#define TURN_IPV4  20u
#define TURN_IPV6  40u
#define TURN_TTL   64u
#define TURN_LEAST 60u /* bytes of a frame without FCS (IEEE 802.3, 3.2.7) */

TURN_INLINE uint32_t
turn_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

/* Store a word in network order; returns it, because it is to be summed. */
TURN_INLINE uint64_t
turn_put32(uint8_t *p, uint32_t v)
{
	const uint32_t turned = __builtin_bswap32(v);

	memcpy(p, &turned, sizeof(turned));
	return v;
}

/* The sum's halves and their carry meet in the upper half of the sum of both turns. */
TURN_INLINE uint16_t
turn_fold(uint64_t sum)
{
	uint32_t half;

	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}

TURN_INLINE __m128i
turn_load(const void *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

/* What follows the addresses is written again, or put back as it was. */
TURN_INLINE void
turn_macs(uint8_t *frame)
{
	const __m128i turn =
		_mm_setr_epi8(6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15);

	_mm_storeu_si128((__m128i *)(void *)frame,
	                 _mm_shuffle_epi8(turn_load(frame), turn));
}

/*
 * RFC 6864 4.1: with don't fragment the identification may be 0. Returns the sum of both
 * addresses, and so does the other family's.
 */
TURN_INLINE uint64_t
turn_ipv4(uint8_t *h, const struct facts *f, enum ip_proto proto, unsigned int len)
{
	const uint32_t src = turn_get32(f->src + 12), dst = turn_get32(f->dst + 12);
	const uint64_t ends = (uint64_t)src + dst;
	const uint32_t first = 0x45000000 | (TURN_IPV4 + len), second = 0x00004000;
	const uint32_t third = TURN_TTL << 24 | proto << 16;

	turn_put32(h, first);
	turn_put32(h + 4, second);
	turn_put32(h + 8, third | (uint16_t)~turn_fold(ends + first + second + third));
	turn_put32(h + 12, dst);
	turn_put32(h + 16, src);
	return ends;
}

TURN_INLINE uint64_t
turn_ipv6(uint8_t *h, const struct facts *f, enum ip_proto proto, unsigned int len)
{
	const __m128i turn =
		_mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
	const __m128i low = _mm_set1_epi64x(UINT32_MAX);
	const __m128i src = turn_load(f->src), dst = turn_load(f->dst);
	const __m128i one = _mm_shuffle_epi8(src, turn),
		      other = _mm_shuffle_epi8(dst, turn);
	__m128i sum = _mm_add_epi64(_mm_and_si128(one, low), _mm_srli_epi64(one, 32));

	sum = _mm_add_epi64(sum, _mm_and_si128(other, low));
	sum = _mm_add_epi64(sum, _mm_srli_epi64(other, 32));
	turn_put32(h, 0x60000000);
	turn_put32(h + 4, len << 16 | proto << 8 | TURN_TTL);
	_mm_storeu_si128((__m128i *)(void *)(h + 8), dst);
	_mm_storeu_si128((__m128i *)(void *)(h + 24), src);
	return (uint64_t)_mm_cvtsi128_si64(sum) + (uint64_t)_mm_extract_epi64(sum, 1);
}

/*
 * What the shortest frame has room for beyond the answer stays padding, but tells nothing
 * of what was there. Returns the frame's length.
 */
TURN_INLINE unsigned int
turn_pad(uint8_t *frame, unsigned int len, unsigned int most)
{
	if (__builtin_expect(most < TURN_LEAST, 0)) {
		memset(frame + len, 0, most - len);
		return most;
	}
	/* Headers are even, so this ends at the border. */
	for (; len < TURN_LEAST; len += 2)
		memset(frame + len, 0, 2);
	return len;
}

#endif
