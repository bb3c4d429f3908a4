/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * charge - who pays for a packet: a source's meters, a flow's lot, a stranger's cells.
 *
 * Each returns the meter that is over, or SOURCE_METERS when the packet is paid.
 * Packets and bits are charged both or none. `now` counts the ticks of meter.h.
 */
#ifndef STAGE_SOURCES_CHARGE_H
#define STAGE_SOURCES_CHARGE_H

#include "stage/sources/params.h"

/* Reckon what follows from the rates; p->limit and p->rate are filled. */
void charge_prepare(struct sources_params *p);

/* A packet that belongs to no verified flow. */
enum source_meter charge_stranger(struct source *source, const struct sources_params *p,
                                  uint32_t bytes, uint64_t now);

/*
 * A packet of a verified flow which has nothing left to spend. With `credit` (the
 * source counts the flow) what is left of its lot is settled and it gets another.
 */
enum source_meter charge_flow(struct source *source, struct credit *credit,
                              const struct sources_params *p, uint32_t bytes,
                              uint64_t now);

/* What strangers without a record pay under one policy, in registers: packets, then bits. */
struct crowd_prices {
	__m128i each, most;
	uint64_t bits_per_byte; /* << METER_BYTE_SHIFT, of bits */
};

static inline struct crowd_prices
charge_prices(const struct sources_params *p)
{
	const struct meter_rate *packets = &p->rate[SOURCE_PACKETS];
	const struct meter_rate *bits = &p->rate[SOURCE_BITS];

	return (struct crowd_prices){
		.each = _mm_set_epi64x((long long)bits->each, (long long)packets->each),
		.most = _mm_loadu_si128((const __m128i *)p->crowd_most),
		.bits_per_byte = bits->per_byte,
	};
}

/*
 * A packet of a source without a record. Returns whether it is paid for in the cells;
 * if not, meters[] is how a record of it starts: from no more than half a burst.
 * A packet's price of packets has no part that depends on its length.
 */
static inline bool
charge_crowd(const struct crowd *crowd, struct hash128 hash, const struct crowd_prices *p,
             uint32_t bytes, uint64_t now, uint64_t meters[2])
{
	const uint64_t bits = p->bits_per_byte * bytes >> METER_BYTE_SHIFT;
	const __m128i price = _mm_add_epi64(
		p->each, _mm_slli_si128(_mm_cvtsi64_si128((long long)bits), 8));
	uint64_t most[2];

	if (crowd_take(crowd, hash, price, p->most, now, meters))
		return true;
	_mm_storeu_si128((__m128i *)most, p->most);
	for (unsigned int m = 0; m < 2; m++)
		if (meters[m] > now && meters[m] - now > most[m])
			meters[m] = now + most[m];
	return false;
}

#endif
