/* SPDX-License-Identifier: BSD-3-Clause */
#include "sketch/census.h"

#include <errno.h>
#include <stddef.h>

#include "base/memory.h"
#include "packet/burst.h"

int
census_open(struct census *c, const struct hash_key *key)
{
	c->key = *key;
	c->count = memory_take(CENSUS_BYTES);
	return c->count == NULL ? -ENOMEM : 0;
}

void
census_close(struct census *c)
{
	if (c->count != NULL)
		memory_give(c->count, CENSUS_BYTES);
	c->count = NULL;
}

struct census_count *
census_room(struct census *c, uint64_t ticket)
{
	struct census_count *room = &c->count[ticket % CENSUS_MAX];

	if (room->ticket == ticket)
		return room;
	distinct_clear(&room->sources);
	distinct_clear(&room->destinations);
	__atomic_store_n(&room->ticket, ticket, __ATOMIC_RELEASE);
	return room;
}

/* Addresses that stand as far apart as the facts of lanes do, the first being lane 0's. */
static inline __attribute__((always_inline)) void
add_lanes(bool is_aes, const struct hash_key *key, struct distinct *d,
          const uint8_t *first, uint64_t lanes)
{
	unsigned int i;

	LANES_FOREACH (i, lanes)
		distinct_add(
			d, hash_16_by(is_aes, key, first + i * sizeof(struct facts)).hi);
}

/* Which form of the hash is in use is asked once, not for every lane. */
static void
add(const struct hash_key *key, struct distinct *d, const uint8_t *first, uint64_t lanes)
{
	if (hash_is_aes)
		add_lanes(true, key, d, first, lanes);
	else
		add_lanes(false, key, d, first, lanes);
}

void
census_add_sources(const struct census *c, struct census_count *room,
                   const struct burst *b, uint64_t lanes)
{
	add(&c->key, &room->sources, b->facts[0].src, lanes);
}

void
census_add_destinations(const struct census *c, struct census_count *room,
                        const struct burst *b, uint64_t lanes)
{
	add(&c->key, &room->destinations, b->facts[0].dst, lanes);
}

struct census_result
census_read(struct census *const *c, unsigned int n, uint64_t ticket)
{
	struct distinct sources = { 0 }, destinations = { 0 };

	for (unsigned int i = 0; i < n; i++) {
		const struct census_count *room = &c[i]->count[ticket % CENSUS_MAX];

		/* A worker that met no packet since has not taken the room over. */
		if (__atomic_load_n(&room->ticket, __ATOMIC_ACQUIRE) != ticket)
			continue;
		distinct_merge(&sources, &room->sources);
		distinct_merge(&destinations, &room->destinations);
	}
	return (struct census_result){ distinct_estimate(&sources),
		                       distinct_estimate(&destinations) };
}
