/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * census - how many sources, and how many addresses hit, a running attack has.
 *
 * Counting the different is only worth its cycles where something is wrong, so a
 * worker has room for CENSUS_MAX counts and control says who gets one: it writes
 * a ticket into the cell of the attack (meter/watch.h), the same for all workers.
 * A worker that meets a new ticket clears the room it names. About as many
 * sources as packets says that senders are forged; few say who to block.
 *
 *     ticket  serial number << 8 | room
 *
 * Threads census_add*: one worker. Reading: control, which alone gives tickets and
 * so knows that no room is cleared while it reads.
 */
#ifndef SKETCH_CENSUS_H
#define SKETCH_CENSUS_H

#include <stdint.h>

#include "hash/hash.h"
#include "sketch/distinct.h"

struct burst;

#define CENSUS_MAX 64 /* attacks counted at a time */

struct census_count {
	alignas(64) uint64_t ticket; /* whose count this is; 0: nobody's */
	struct distinct sources, destinations;
};

struct census {
	struct hash_key key;
	struct census_count *count; /* CENSUS_MAX */
};

/* What all workers together counted under one ticket. */
struct census_result {
	uint64_t sources, destinations; /* standard error DISTINCT_ERROR_PPM */
};

#define CENSUS_BYTES (CENSUS_MAX * sizeof(struct census_count))

/* Take the rooms. Returns 0 or -ENOMEM. */
int census_open(struct census *c, const struct hash_key *key);
void census_close(struct census *c);

static inline uint64_t
census_ticket(uint64_t serial, unsigned int room)
{
	return serial << 8 | room;
}

/* The room of a ticket, cleared when the ticket is new. Hot path; ticket is not 0. */
struct census_count *census_room(struct census *c, uint64_t ticket);

/* Count the sources, or the destinations, of some lanes of a burst in the room. */
void census_add_sources(const struct census *c, struct census_count *room,
                        const struct burst *b, uint64_t lanes);
void census_add_destinations(const struct census *c, struct census_count *room,
                             const struct burst *b, uint64_t lanes);

/* Count both of one packet's ends in the room. */
static inline void
census_add(const struct census *c, struct census_count *room, const uint8_t src[16],
           const uint8_t dst[16])
{
	distinct_add(&room->sources, hash_16(&c->key, src).hi);
	distinct_add(&room->destinations, hash_16(&c->key, dst).hi);
}

/* Merge what `n` workers counted under the ticket. Control. */
struct census_result census_read(struct census *const *c, unsigned int n,
                                 uint64_t ticket);

#endif
