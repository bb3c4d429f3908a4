/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline/count.h"

/* Count the sources of an attack on a service, where control gave it a ticket. */
static void
count_sources(struct pipeline *pl, const struct watch_cell *c, const struct burst *b,
              uint64_t lanes)
{
	const uint64_t ticket = counter_read(&c->census);

	if (ticket != 0)
		census_add_sources(&pl->census, census_room(&pl->census, ticket), b,
		                   lanes);
}

/* Of an attack on a network also who is hit. */
static void
count_ends(struct pipeline *pl, const struct watch_cell *c, const struct burst *b,
           uint64_t lanes)
{
	const uint64_t ticket = counter_read(&c->census);
	struct census_count *room;

	if (ticket == 0)
		return;
	room = census_room(&pl->census, ticket);
	census_add_sources(&pl->census, room, b, lanes);
	/* Whom the lane before was for is counted already. */
	census_add_destinations(&pl->census, room, b,
	                        lanes & (b->starts | ~(lanes << 1)));
}

static void
count_armed(struct pipeline *pl, struct burst *b)
{
	const struct aggregates *a = &pl->aggregates;

	for (unsigned int k = 0; k < b->groups; k++) {
		const struct burst_group *g = &b->group[k];
		const uint64_t armed = g->lanes & b->live & b->armed;
		uint64_t rest = g->lanes & b->live & a->armed;

		if (armed != 0)
			count_sources(pl, watch_cell(&pl->watch, g->service, g->slot), b,
			              armed);
		while (rest != 0) {
			const unsigned int first = (unsigned int)__builtin_ctzll(rest);
			const uint64_t same =
				rest &
				lanes_where16(a->lane_network, a->lane_network[first]);

			pipeline_mark(b, aggregate_cell(a, b, first),
			              aggregate_rule(a, b, first), same);
			count_ends(pl, aggregate_cell(a, b, first), b, same);
			rest &= ~same;
		}
	}
}

void
pipeline_count(struct pipeline *pl, const struct aggregate_plan *plan, struct burst *b)
{
	aggregate_arrive(&pl->aggregates, plan, b);
	if ((b->armed | pl->aggregates.armed) != 0)
		count_armed(pl, b);
}
