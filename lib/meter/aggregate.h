/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aggregate - exact counters of every protected address and of its network.
 *
 * Protected prefixes are configuration, so nothing is hashed: a plan, made with
 * the snapshot, gives each protected prefix a range of cells, and a packet finds
 * its cell by one subtraction.
 *
 *     IPv4  an address is a /32, a network a /24
 *     IPv6  a network is a /48; an address is a /128 of a protected prefix of
 *           /120 or longer, and a /64 of one of /56 to /64; one between these is
 *           counted as a whole, and of shorter ones only the networks
 *
 * What does not fit the configured number of cells is counted by network only,
 * and what does not fit there either is not counted apart; the plan says which.
 * Cell 0 of both is the bin for those, so that nobody has to ask.
 *
 * A network's cells are those of watch.h: they arm themselves at the policy's
 * network_rate, carry the network's share and its limit, and are disarmed by
 * control. That finds a flood that stays below every threshold of an address by
 * being spread over many (carpet bombing).
 *
 * A prefix that two snapshots both protect keeps its cells, and cells that the
 * older one used are not given to others by the next: a worker that still holds
 * the older one counts where it always did. Counters only ever grow.
 *
 * Units   packets, bytes of frames, ns of the worker clock.
 * Threads one worker writes; read relaxed by anyone. The plan is read-only.
 */
#ifndef METER_AGGREGATE_H
#define METER_AGGREGATE_H

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>

#include "meter/watch.h"
#include "packet/burst.h"
#include "packet/vector.h"

#define AGGREGATE_NETWORKS_MAX 65535u

/* Where the addresses of one protected prefix are counted. Zero: in the bins. */
struct aggregate_place {
	uint64_t first; /* number of the prefix's first address, see `half` */
	uint32_t address, address_mask; /* its cell; the mask is 0 when not counted */
	uint32_t network, network_mask;
	uint8_t half;  /* byte where the number stands in an address: 0, or 8 */
	uint8_t shift; /* from the number of an address to that of its network */
};

/* A range of cells and the prefix that it counts: one cell for each of its parts. */
struct aggregate_span {
	uint8_t prefix[16];
	uint8_t len;           /* of the prefix, IPv4: 96..128 */
	uint8_t part;          /* length of what one cell counts */
	uint32_t first, count; /* first 0: it found no room */
};

/* What a network is held to: by the first service of the file that has a limit there. */
struct aggregate_network {
	const struct watch_rule *rule; /* VECTOR_COUNT of them, or NULL: no limit */
	uint16_t service; /* the first of the file there, or the first with a limit */
	uint16_t policy;  /* that service's */
};

/* Part of a snapshot. */
struct aggregate_plan {
	uint32_t addresses, networks;  /* highest cell ever used + 1 */
	struct aggregate_place *place; /* by value of classification; [0] is the bins */
	struct aggregate_network *network;                  /* by cell */
	struct aggregate_span *address_span, *network_span; /* by prefix */
	uint32_t address_spans, network_spans;
};

struct aggregate_count {
	uint64_t packets, bytes;
};

/* One address: two lines, of which a packet touches one. */
struct aggregate_address {
	alignas(64) struct aggregate_count vector[VECTOR_COUNT];
	uint64_t spare[4];
};
static_assert(sizeof(struct aggregate_address) == 128, "an address is two cache lines");

struct aggregates {
	uint32_t addresses, networks; /* cells, the bins included */
	struct aggregate_address *address;
	struct watch network; /* a network stands where a service does in watch.h */

	/* Of the burst in work, from arrive to account. */
	uint64_t armed; /* lanes whose network is under attack by their vector */
	const struct aggregate_plan *plan;
	/* Cell of each lane's network; written 16 at a time, so that a run may end anywhere. */
	alignas(32) uint16_t lane_network[LANES_MAX + 16];
};

/* Bytes that aggregate_open() will take. */
uint64_t aggregate_memory(uint64_t addresses, uint64_t networks);

/* Take zeroed cells, and one bin each. Returns 0 or -ENOMEM; nothing stays open then. */
int aggregate_open(struct aggregates *a, uint64_t addresses, uint64_t networks);
void aggregate_close(struct aggregates *a);

/*
 * Count what arrived from outside and meter it by network. `plan` may be NULL or
 * greater than what was opened: then nothing is counted. Call it for each burst,
 * of either side, after classification: that gives one target to all lanes of one
 * address, and neighbours among them are counted together.
 */
void aggregate_arrive(struct aggregates *a, const struct aggregate_plan *plan,
                      const struct burst *b);

/* Count what became of the lanes of armed networks. */
void aggregate_account_armed(struct aggregates *a, const struct burst *b);

static inline void
aggregate_account(struct aggregates *a, const struct burst *b)
{
	if (a->armed != 0)
		aggregate_account_armed(a, b);
}

/* The network's cell for a lane that is in `armed`. */
static inline struct watch_cell *
aggregate_cell(const struct aggregates *a, const struct burst *b, unsigned int lane)
{
	return watch_cell(&a->network, a->lane_network[lane], b->facts[lane].vector);
}

/* The thresholds that a lane of `armed` is held to. */
static inline const struct watch_rule *
aggregate_rule(const struct aggregates *a, const struct burst *b, unsigned int lane)
{
	return &a->plan->network[a->lane_network[lane]].rule[b->facts[lane].vector];
}

/* The span that holds a cell, or NULL. */
const struct aggregate_span *aggregate_span_of(const struct aggregate_span *span,
                                               uint32_t spans, uint32_t cell);

/* Prefix of what one cell of the span counts: 16 bytes of address; returns its length. */
uint8_t aggregate_part(const struct aggregate_span *span, uint32_t cell, uint8_t out[16]);

#endif
