/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * supply - where the frames of `send` come from: parts made on the fly, or a capture.
 */
#ifndef TRAFFICGEN_SUPPLY_H
#define TRAFFICGEN_SUPPLY_H

#include "mix.h"
#include "pcap.h"

enum supply_side { SUPPLY_USUAL, SUPPLY_OUTSIDE, SUPPLY_INSIDE, SUPPLY_ALL };

struct supply {
	struct mix mix; /* used when it has parts */
	struct pcap pcap;
	enum supply_side side;
	uint8_t outside[6], inside[6]; /* tell the sides of a capture's frames */
	uint64_t seed;
	bool loops;
	uint64_t offset_ns; /* added to times since the last start over */
	uint64_t last_ns;   /* latest time of this round, without the offset */
	uint64_t taken;     /* frames of this round */
	bool keeps_times;   /* times matter, so a round of one frame cannot be repeated */
};

/* Go to the first frame. */
void supply_start(struct supply *s);

/*
 * The next frame of the wanted side, with a time that never steps back. Returns 1, 0 at
 * the end, or -errno after complaining.
 */
int supply_take(struct supply *s, struct frame *f);

#endif
