/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crowd - what strangers send, before any of them is worth a record.
 *
 * A forged source sends a packet or two and is never seen again; a record for it
 * costs a cache miss and somebody else's place. So strangers share cells: the
 * hash of a source chooses one cache line of four cells and two cells of it. A
 * cell holds two paid-until times as meter/meter.h has them, one of packets and
 * one of bits. What a source has paid is the lesser of its two cells, and paying
 * lifts both to that plus the price, no further (conservative update: Estan and
 * Varghese, "New Directions in Traffic Measurement and Accounting", 2002).
 *
 *   line   | packets bits | packets bits | packets bits | packets bits |
 *
 * So a cell never says less than a source has sent, and it says more only when
 * strangers that together outrun the limit hit both its cells. Hence nobody is
 * refused here: who has used up its half of a burst by the cells gets a record
 * of its own, which starts from that half, and is judged by the record. A flood
 * of P packets/s from random sources lays at most P / 16,384 packets/s on a cell,
 * on average: some 600 packets/s at 10 million, when the default limit is 10,000.
 *
 * Units   ticks of the prices; they must stay below 2^63, which in those of
 *         meter/meter.h is four years of uptime.
 * Memory  512 KiB, which stays in the L2 cache.
 * Threads one worker.
 */
#ifndef FLOW_CROWD_H
#define FLOW_CROWD_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "hash/hash.h"

#define CROWD_LINES 8192u
#define CROWD_CELLS 4u /* of a line */

struct crowd_line {
	alignas(64) uint64_t paid[CROWD_CELLS][2]; /* until, of packets and of bits */
};

#define CROWD_BYTES (CROWD_LINES * sizeof(struct crowd_line))

struct crowd {
	struct crowd_line *line; /* CROWD_LINES */
};

/* The home and the signature of a table use the other 64 bits. */
static inline struct crowd_line *
crowd_line_of(const struct crowd *c, struct hash128 h)
{
	return &c->line[(h.lo >> 32) % CROWD_LINES];
}

/*
 * Charge a packet of the source with this hash its prices of packets (lower half) and
 * of bits (upper half). Returns true, or false when the source is further ahead in
 * either than `most`; nothing is charged then, and paid_until[] tells until when it
 * has paid. `now` counts the ticks of the prices.
 *
 * Vectors, because two words written and read back as one wait for each other.
 */
static inline bool
crowd_take(const struct crowd *c, struct hash128 h, __m128i price, __m128i most,
           uint64_t now, uint64_t paid_until[2])
{
	const uint64_t bits = h.hi >> 32;
	const unsigned int first = bits & 3;
	const unsigned int other = (unsigned int)(bits >> 2 & 0xff) * 3 >> 8;
	const unsigned int second = (first + 1 + other) & 3;
	struct crowd_line *line = crowd_line_of(c, h);
	__m128i *a = (__m128i *)line->paid[first], *b = (__m128i *)line->paid[second];
	const __m128i paid_a = _mm_load_si128(a), paid_b = _mm_load_si128(b);
	const __m128i start = _mm_set1_epi64x((long long)now);
	__m128i paid, over;

	paid = _mm_blendv_epi8(paid_a, paid_b, _mm_cmpgt_epi64(paid_a, paid_b));
	paid = _mm_blendv_epi8(start, paid, _mm_cmpgt_epi64(paid, start));
	over = _mm_cmpgt_epi64(_mm_sub_epi64(paid, start), most);
	if (!_mm_testz_si128(over, over)) {
		_mm_storeu_si128((__m128i *)paid_until, paid);
		return false;
	}
	paid = _mm_add_epi64(paid, price);
	_mm_store_si128(a, _mm_blendv_epi8(paid_a, paid, _mm_cmpgt_epi64(paid, paid_a)));
	_mm_store_si128(b, _mm_blendv_epi8(paid_b, paid, _mm_cmpgt_epi64(paid, paid_b)));
	return true;
}

#endif
