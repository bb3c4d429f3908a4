/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage/tcpauth/openings.h"

#include <errno.h>

#include "base/memory.h"

#define ENTRY_BYTES (OPENINGS * sizeof(struct opening))
#define INDEX_BYTES (OPENINGS * sizeof(uint32_t))

uint64_t
openings_bytes(void)
{
	return ENTRY_BYTES + 2 * INDEX_BYTES;
}

int
openings_open(struct openings *o)
{
	*o = (struct openings){ .entry = memory_take(ENTRY_BYTES),
		                .used = memory_take(INDEX_BYTES),
		                .free = memory_take(INDEX_BYTES) };
	if (o->entry == NULL || o->used == NULL || o->free == NULL) {
		openings_close(o);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < OPENINGS; i++)
		o->free[i] = i;
	return 0;
}

void
openings_close(struct openings *o)
{
	memory_give(o->entry, ENTRY_BYTES);
	memory_give(o->used, INDEX_BYTES);
	memory_give(o->free, INDEX_BYTES);
	*o = (struct openings){ 0 };
}

/* What is free stands behind what is used: free[n_used ..]. */
uint32_t
openings_take(struct openings *o)
{
	uint32_t index;

	if (o->n_used == OPENINGS)
		return OPENINGS_NONE;
	index = o->free[o->n_used];
	o->used[o->n_used] = index;
	o->entry[index] = (struct opening){ .place = o->n_used };
	o->n_used++;
	return index;
}

void
openings_give(struct openings *o, uint32_t index)
{
	const uint32_t place = o->entry[index].place;

	o->n_used--;
	o->used[place] = o->used[o->n_used];
	o->entry[o->used[place]].place = place;
	o->free[o->n_used] = index;
}

uint32_t
openings_due(struct openings *o, uint8_t link, uint64_t now_ns, unsigned int *budget)
{
	if (*budget > o->n_used)
		*budget = o->n_used;
	while (*budget > 0) {
		const struct opening *e;

		--*budget;
		if (o->next >= o->n_used)
			o->next = 0;
		e = &o->entry[o->used[o->next++]];
		if (e->link == link && e->due_ns <= now_ns)
			return o->used[o->next - 1];
	}
	return OPENINGS_NONE;
}
