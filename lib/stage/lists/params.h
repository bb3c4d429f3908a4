/* SPDX-License-Identifier: BSD-3-Clause */
/* params - what one policy makes of the lists: as configured and as it is reckoned with. */
#ifndef STAGE_LISTS_PARAMS_H
#define STAGE_LISTS_PARAMS_H

#include "conf/conf.h"
#include "meter/meter.h"
#include "stage/stage.h"

/* What a list means to a policy. */
enum meaning {
	MEANS_ALLOW = 1,
	MEANS_DENY = 2,
	MEANS_DECIDED = MEANS_ALLOW | MEANS_DENY,
	MEANS_TAG_ALLOW = 4,
	MEANS_TAG_DENY = 8,
	MEANS_METER = 16,
	MEANS_TRUST = 32,
};

struct list_meaning {
	uint16_t hit;   /* counter of its packets */
	uint16_t meter; /* with MEANS_METER: which */
	uint8_t means;  /* enum meaning */
};

/* One entry of `meter` as written, and what follows. */
struct list_meter {
	char *tag;
	struct conf_rate limit;
};

struct list_price {
	struct meter_rate rate;
	uint16_t hit; /* counter of what it refused, and place of its meter */
	uint16_t list;
};

struct lists_params {
	struct conf_texts deny, allow;
	struct conf_list meter; /* struct list_meter */
	/* Derived: */
	const struct stage_lists *lists, *blocks; /* of the snapshot; NULL: none */
	struct list_meaning *list;                /* by number of the list */
	struct list_price *price;                 /* of meter, in its order */
	uint16_t hit_blocks;                      /* counter of the timed blocks */
};

extern const struct conf_field lists_fields[];

/* compile() and release() of the stage. */
int lists_compile(void *params, const struct stage_compile *from,
                  struct conf_errors *errors);
void lists_release(void *params);

/* What a value says, one entry after the other; those that have ended are passed over. */
static inline bool
lists_has_ended(const struct stage_lists *lists, const struct stage_list_node *node,
                uint64_t now_ns)
{
	const uint64_t until_ns = lists->entry[node->entry].until_ns;

	return until_ns != 0 && until_ns <= now_ns;
}

#endif
