/* SPDX-License-Identifier: BSD-3-Clause */
/* alone - one packet that arrives at a cell by itself, for tests that count one by one. */
#ifndef TESTS_ALONE_H
#define TESTS_ALONE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/lanes.h"
#include "meter/watch.h"

/* Returns whether the cell is armed, this packet included. */
static inline bool
arrive_alone(struct watch_cell *c, const struct watch_rule *rule, uint16_t bytes,
             uint64_t now_ns)
{
	alignas(32) uint16_t frame_len[LANES_MAX] = { bytes };

	return watch_arrive(c, rule, lane_bit(0), frame_len, now_ns) != 0;
}

#endif
