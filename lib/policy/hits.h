/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hits - names of the counters that stages ask for (STAGE_HITS of stage/stage.h).
 *
 * A name keeps its id from one snapshot to the next, so that its counter goes on. One
 * that no snapshot names any more keeps it too, until ids run out; then its id, and
 * what was counted, goes to another.
 *
 * Threads control side; read-only once the snapshot is in force.
 */
#ifndef POLICY_HITS_H
#define POLICY_HITS_H

#include <stdbool.h>
#include <stdint.h>

#include "stage/stage.h"

struct policy_hit {
	char stage[16];
	char name[64];
	uint64_t generation; /* of the last snapshot that named it */
};

struct policy_hits {
	uint64_t generation;
	unsigned int count; /* ids given so far, id 0 included */
	struct policy_hit hit[STAGE_HITS];
	uint16_t at[2 * STAGE_HITS]; /* by hash of the name: id, 0 is empty */
};

/* Names for the snapshot `generation`, with the ids of `before` (or NULL). NULL: no memory. */
struct policy_hits *policy_hits_new(const struct policy_hits *before,
                                    uint64_t generation);
void policy_hits_free(struct policy_hits *h);

/* For stage_compile.hit: `hits` is a struct policy_hits. Returns 0 when all are in use. */
uint16_t policy_hit(void *hits, const char *stage, const char *name);

/* Whether this snapshot names the id, 1 and up. */
static inline bool
policy_hit_is_used(const struct policy_hits *h, unsigned int id)
{
	return id != 0 && id < h->count && h->hit[id].generation == h->generation;
}

#endif
