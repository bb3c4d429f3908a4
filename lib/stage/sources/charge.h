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

/*
 * A packet of a source without a record. Returns whether it is paid for in the cells;
 * if not, meters[] is how a record of it starts: from no more than half a burst.
 */
static inline bool
charge_crowd(const struct crowd *crowd, struct hash128 hash,
             const struct sources_params *p, uint32_t bytes, uint64_t now,
             uint64_t meters[2])
{
	const __m128i most = _mm_loadu_si128((const __m128i *)p->crowd_most);
	const __m128i price =
		_mm_set_epi64x((long long)meter_price(&p->rate[SOURCE_BITS], bytes),
	                       (long long)meter_price(&p->rate[SOURCE_PACKETS], bytes));

	if (crowd_take(crowd, hash, price, most, now, meters))
		return true;
	for (unsigned int m = 0; m < 2; m++)
		if (meters[m] > now && meters[m] - now > p->crowd_most[m])
			meters[m] = now + p->crowd_most[m];
	return false;
}

#endif
