/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow/drops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_EIGHTH UINT64_C(0x0101010101010101)

static_assert((DROPS_NOTES & (DROPS_NOTES - 1)) == 0, "a place is picked by bits");

int
drops_open(struct drops *d, const struct hash_key *key)
{
	*d = (struct drops){ .note = calloc(DROPS_NOTES, sizeof(*d->note)) };
	if (d->note == NULL)
		return -ENOMEM;
	memcpy(d->odd, key->round[0], sizeof(d->odd));
	d->odd[0] |= 1;
	d->odd[1] |= 1;
	return 0;
}

void
drops_close(struct drops *d)
{
	free(d->note);
	*d = (struct drops){ 0 };
}

/* Multiply and shift; whoever finds two addresses of one place gains nothing by it. */
static struct drop_note *
place_of(const struct drops *d, const uint8_t address[16])
{
	const unsigned int shift = 64 - (unsigned int)__builtin_ctz(DROPS_NOTES);
	uint64_t half[2];

	memcpy(half, address, sizeof(half));
	return &d->note[(half[0] * d->odd[0] + half[1] * d->odd[1]) >> shift];
}

void
drops_add(struct drops *d, const struct burst *b, uint64_t lanes, const char *reason)
{
	unsigned int i;

	if (lanes_count(lanes) > DROPS_FEW) {
		const uint64_t some = lanes & EVERY_EIGHTH << (d->turn++ % 8);

		lanes = some != 0 ? some : lanes & -lanes;
	}
	LANES_FOREACH (i, lanes) {
		struct drop_note *n = place_of(d, b->facts[i].src);

		memcpy(n->address, b->facts[i].src, sizeof(n->address));
		n->reason = reason;
		n->at = (uint32_t)(b->now_ns >> 20);
		n->service = b->service[i];
	}
}

const struct drop_note *
drops_find(const struct drops *d, const uint8_t address[16])
{
	const struct drop_note *n = place_of(d, address);

	if (n->reason == NULL || memcmp(n->address, address, sizeof(n->address)) != 0)
		return NULL;
	return n;
}
