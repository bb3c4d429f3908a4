/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A timer has no packet in hand whose MACs and tags a frame could inherit. Of link
 * headers there are as many as pairs of a router and a server, so each is kept once. A
 * full table is a normal state: then the connection ends with its next packet.
 */
#include <string.h>

#include "packet/build.h"
#include "stage/behaviour/parts.h"

#define PROBES 16u

static uint32_t
place_of(const struct burst_ends *ends)
{
	uint64_t word[3] = { 0 };
	uint32_t sum = ends->link_len;

	memcpy(word, ends->link, ends->link_len);
	for (unsigned int i = 0; i < 3; i++)
		sum = (uint32_t)_mm_crc32_u64(sum, word[i]);
	return sum;
}

uint16_t
behaviour_link(struct behaviour *s, const struct burst *b, unsigned int lane)
{
	struct burst_ends ends;
	uint32_t at;

	if (b->bytes[lane] == NULL ||
	    !build_ends(&ends, &b->facts[lane], b->bytes[lane], b->side == SIDE_INTERNAL))
		return LINKS_NONE;
	at = place_of(&ends);
	for (unsigned int k = 0; k < PROBES; k++, at++) {
		struct link_header *h = &s->link[at % LINKS_MAX];

		if (h->len == 0) {
			memcpy(h->bytes, ends.link, ends.link_len);
			h->len = ends.link_len;
		}
		if (h->len == ends.link_len &&
		    memcmp(h->bytes, ends.link, ends.link_len) == 0)
			return (uint16_t)(at % LINKS_MAX);
	}
	return LINKS_NONE;
}
