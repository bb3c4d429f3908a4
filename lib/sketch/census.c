/* SPDX-License-Identifier: BSD-3-Clause */
#include "sketch/census.h"

#include <errno.h>
#include <stddef.h>

#include "base/memory.h"

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
