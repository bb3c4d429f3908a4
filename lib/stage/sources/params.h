/* SPDX-License-Identifier: BSD-3-Clause */
/* What one policy allows one source, as configured and as it is reckoned with. */
#ifndef STAGE_SOURCES_PARAMS_H
#define STAGE_SOURCES_PARAMS_H

#include "conf/conf.h"
#include "flow/crowd.h"
#include "flow/source.h"
#include "meter/meter.h"
#include "packet/burst.h"
#include "stage/stage.h"

struct sources_params {
	uint64_t limit[SOURCE_METERS]; /* as configured; 0: none */
	uint64_t block_for_ns, block_after_ns;
	uint64_t block_repeat, block_max_ns, block_memory_ns;
	struct meter_rate rate[SOURCE_METERS]; /* derived, like all that follows */
	uint64_t crowd_most[2]; /* ticks a stranger without a record may be ahead */
	uint32_t lent_most;     /* packets that may be lent to the flows of one source */
	const struct stage_lists *lists; /* of the snapshot; NULL: none */
	/* By index of stage_lists.scale, the same limits so many times; NULL: no scales. */
	struct sources_params *scaled;
};

/* What holds for a source: the limits times the customers behind it. */
static inline const struct sources_params *
sources_scaled(const struct sources_params *p, unsigned int scale)
{
	return p->scaled == NULL ? p : &p->scaled[scale];
}

/* The same for a lane. */
static inline const struct sources_params *
sources_params_of(const struct stage_view *view, const struct burst *b, unsigned int lane)
{
	const struct sources_params *p = view->params[b->policy[lane]];

	return (b->trusted & lane_bit(lane)) == 0 ? p : sources_scaled(p, b->scale[lane]);
}

enum {
	REASON_BLOCKED,
	REASON_CONNECTIONS,
	REASON_PACKETS,
	REASON_BITS,
	REASON_VERIFIED_PACKETS,
	REASON_VERIFIED_BITS,
	REASONS
};

extern const struct stage_reason sources_reasons[]; /* by the same numbers */
extern const struct conf_field sources_fields[];    /* of a policy's group `sources` */

static inline struct meter *
sources_meter(struct source *source, enum source_meter m)
{
	static_assert(sizeof(struct meter) == sizeof(source->meter[0]),
	              "a meter is one word");
	return (struct meter *)&source->meter[m];
}

/* Whether a meter has paid further ahead than its burst. */
static inline bool
sources_is_over(struct source *source, const struct sources_params *p,
                enum source_meter m, uint64_t now)
{
	return meter_ahead(sources_meter(source, m), now) > p->rate[m].slack;
}

#endif
