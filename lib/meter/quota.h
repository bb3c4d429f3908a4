/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quota - one worker's part of a limit in packets, in which better claims go further.
 *
 * A limit is meant for the whole box, and its workers do not talk to each other: so each
 * takes the price of a packet as often as there are workers. Who shares a meter may pay
 * ahead by how good his claim is,
 *
 *     paid ahead   0 ............. 1/2 ......... 3/4 ......... burst
 *     stranger     |----------------|
 *     known        |------------------------------|
 *     proven       |--------------------------------------------|
 *
 * so that a better claim always finds room which worse ones cannot use up, and yet the sum
 * never exceeds the limit.
 *
 * Units   ticks of meter.h.
 * Threads none: a meter belongs to one worker.
 */
#ifndef METER_QUOTA_H
#define METER_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "meter/meter.h"

#define QUOTA_BURST_NS UINT64_C(100000000)
#define QUOTA_LEAST    16 /* packets of a worker's burst, however small its part is */

enum quota_grade { QUOTA_STRANGER, QUOTA_KNOWN, QUOTA_PROVEN, QUOTA_GRADES };

struct quota {
	uint64_t price; /* of a packet; 0: no limit */
	uint64_t burst; /* that the best claim may pay ahead */
};

/*
 * The price list of a limit in packets/s, 0..METER_MAX_PPS; 0 is no limit. Returns 0 or
 * -ERANGE, as meter_rate_init() does.
 */
static inline int
quota_rate_init(struct meter_rate *rate, uint64_t per_second)
{
	const struct meter_limit limit = { per_second, METER_PACKETS };

	return meter_rate_init(rate, &limit, QUOTA_BURST_NS, QUOTA_LEAST);
}

/* The part of one of `workers` workers, 1 or more. */
static inline struct quota
quota_part(const struct meter_rate *rate, unsigned int workers)
{
	const uint64_t price = rate->each * workers, least = price * (QUOTA_LEAST - 1);

	return (struct quota){ price, rate->slack > least ? rate->slack : least };
}

/* Charge one packet; false: it finds no room and charges nothing. */
static inline bool
quota_take(const struct quota *q, struct meter *m, enum quota_grade grade, uint64_t now)
{
	return q->price == 0 ||
	       meter_take(m, q->price, q->burst / 4 * (2 + (unsigned int)grade), now);
}

#endif
