/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy/hits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES (2 * STAGE_HITS)

/* FNV-1a, for names of the configuration alone. */
static uint32_t
mix(uint32_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * UINT32_C(16777619);
	return (hash ^ 0xff) * UINT32_C(16777619);
}

static bool
is_named(const struct policy_hit *hit, const char *stage, const char *name)
{
	return strncmp(hit->stage, stage, sizeof(hit->stage) - 1) == 0 &&
	       strncmp(hit->name, name, sizeof(hit->name) - 1) == 0;
}

/* Where the name stands, or the empty place where it belongs. */
static uint16_t *
place_of(struct policy_hits *h, const char *stage, const char *name)
{
	char cut[sizeof(h->hit[0].name)];
	uint32_t at;

	snprintf(cut, sizeof(cut), "%s", name);
	at = mix(mix(UINT32_C(2166136261), stage), cut) % PLACES;
	while (h->at[at] != 0 && !is_named(&h->hit[h->at[at]], stage, name))
		at = (at + 1) % PLACES;
	return &h->at[at];
}

/* Forget names that neither this snapshot nor the one before it uses. */
static void
make_room(struct policy_hits *h)
{
	memset(h->at, 0, sizeof(h->at));
	for (unsigned int id = 1; id < h->count; id++) {
		struct policy_hit *hit = &h->hit[id];

		if (hit->generation + 1 < h->generation)
			*hit = (struct policy_hit){ 0 };
		else
			*place_of(h, hit->stage, hit->name) = (uint16_t)id;
	}
}

static unsigned int
free_id(struct policy_hits *h)
{
	if (h->count < STAGE_HITS)
		return h->count++;
	make_room(h);
	for (unsigned int id = 1; id < h->count; id++)
		if (h->hit[id].name[0] == '\0')
			return id;
	return 0;
}

struct policy_hits *
policy_hits_new(const struct policy_hits *before, uint64_t generation)
{
	struct policy_hits *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	if (before != NULL)
		*h = *before;
	else
		h->count = 1;
	h->generation = generation;
	return h;
}

void
policy_hits_free(struct policy_hits *h)
{
	free(h);
}

uint16_t
policy_hit(void *hits, const char *stage, const char *name)
{
	struct policy_hits *h = hits;
	uint16_t *place = place_of(h, stage, name);
	unsigned int id = *place;

	if (id == 0) {
		id = free_id(h);
		if (id == 0)
			return 0;
		snprintf(h->hit[id].stage, sizeof(h->hit[id].stage), "%s", stage);
		snprintf(h->hit[id].name, sizeof(h->hit[id].name), "%s", name);
		*place_of(h, stage, name) = (uint16_t)id;
	}
	h->hit[id].generation = h->generation;
	return (uint16_t)id;
}
