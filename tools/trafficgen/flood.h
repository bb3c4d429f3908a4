/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flood - packets that come out of nothing at a rate.
 *
 * The clock is exact: packet n is due at n / rate after the start, without drift; a ramp
 * stretches the first intervals, pulses insert pauses. Nothing is remembered per packet,
 * so a flood of any length costs no memory; what is sent again, and the answers of
 * answered_syn, come from another run of the same random numbers a little later.
 *
 * Threads none: a flood belongs to its caller.
 */
#ifndef TRAFFICGEN_FLOOD_H
#define TRAFFICGEN_FLOOD_H

#include "payload.h"
#include "spec.h"

struct flood_clock {
	uint64_t base_ns; /* where packet 0 of the even stretch lies in sending time */
	uint64_t count;   /* packets of the even stretch so far */
	uint64_t due_ns;  /* sending time of the next packet, pauses left out */
};

/* One run through the packets: the first, or one that lags behind it. */
struct flood_run {
	struct prng prng;
	struct flood_clock clock;
	uint64_t lag_ns;
	bool is_answer;
};

/* A datagram of which one fragment goes out after the other. */
struct flood_pieces {
	struct hop hop;
	uint32_t id;
	uint32_t len, at; /* of the whole, and how much went out; len 0: none waits */
	uint16_t piece;   /* bytes of one fragment, a multiple of eight */
	uint16_t back;    /* by how much the second lies over the first */
	uint8_t proto;
	bool is_endless; /* the last never comes */
	uint8_t bytes[16384];
};

struct flood {
	const struct spec *spec;
	struct flood_run run[SPEC_REPEAT_MAX];
	unsigned int runs;
	struct flood_pieces pieces;
	struct payload payload;
};

void flood_init(struct flood *f, const struct spec *spec, struct prng prng);

/* When the next packet is due; UINT64_MAX after the last. */
uint64_t flood_due(const struct flood *f);

/* Build the packet that is due, and step on. */
void flood_take(struct flood *f, struct frame *frame);

/* Pick hosts and ports as the spec says; what both floods and answers need. */
struct address flood_target(const struct spec *s, unsigned int family, struct prng *p);

/* The way of one packet of a flood, ports included. */
struct hop flood_hop(const struct spec *s, struct prng *p);

/* What was given, or min..max where nothing was. */
uint64_t flood_pick(const struct range *given, uint64_t min, uint64_t max,
                    struct prng *p);

#endif
