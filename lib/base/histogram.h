/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * histogram - how long something took, counted by upper bounds.
 *
 * The bounds stand in a table of their own, rising, at most HISTOGRAM_BOUNDS of
 * them; what is longer than the last counts beyond all. Buckets are not yet added
 * up, as Prometheus wants them: who shows them does that.
 *
 * Units   ns.
 * Threads one writer (base/counter.h); readers anywhere. A reader may find a bucket
 *         counted and the sum not yet.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

#include "base/counter.h"

#define HISTOGRAM_BOUNDS 15

struct histogram_bounds {
	unsigned int count;
	uint64_t ns[HISTOGRAM_BOUNDS]; /* rising */
};

struct histogram {
	uint64_t sum_ns;
	uint64_t
		bucket[HISTOGRAM_BOUNDS + 1]; /* the one after the last bound: the rest */
};

static inline void
histogram_add(struct histogram *h, const struct histogram_bounds *bounds, uint64_t ns)
{
	unsigned int i = 0;

	while (i < bounds->count && ns > bounds->ns[i])
		i++;
	counter_add(&h->bucket[i], 1);
	counter_add(&h->sum_ns, ns);
}

/* Add what `from` counts, perhaps while its writer goes on, to one of our own. */
static inline void
histogram_merge(struct histogram *to, const struct histogram *from)
{
	to->sum_ns += counter_read(&from->sum_ns);
	for (unsigned int i = 0; i <= HISTOGRAM_BOUNDS; i++)
		to->bucket[i] += counter_read(&from->bucket[i]);
}

#endif
