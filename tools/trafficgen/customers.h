/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * customers - hosts that come, talk and leave.
 *
 * Arrivals are memoryless at the part's rate. Talks that go on wait in a heap by the time
 * of their next packet, so memory holds those of the moment only. A customer has one
 * address, one system and one distance for good.
 *
 * Threads none: a crowd belongs to its caller.
 */
#ifndef TRAFFICGEN_CUSTOMERS_H
#define TRAFFICGEN_CUSTOMERS_H

#include "talk.h"

struct customers {
	const struct spec *spec;
	struct prng prng;
	uint64_t seed;
	uint64_t arrival_ns; /* of the next customer; UINT64_MAX after the last */
	uint64_t arrived;
	struct talk **heap;
	size_t count, room;
};

void customers_init(struct customers *c, const struct spec *spec, uint64_t seed);
void customers_free(struct customers *c);

/* When the next packet is due; UINT64_MAX after the last. */
uint64_t customers_due(const struct customers *c);

/* Build the packet that is due, and step on. Returns 0 or -ENOMEM. */
int customers_take(struct customers *c, struct frame *f);

#endif
