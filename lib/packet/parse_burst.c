/* SPDX-License-Identifier: BSD-3-Clause */
/* Which way a frame is read: the straight one where it can, else the general one. */
#include <string.h>

#include "base/lanes.h"
#include "packet/burst.h"
#include "packet/parse.h"
#include "packet/parts.h"
#include "packet/plain.h"

/* What plain_read() notes beside the facts, of a frame that was left to the general way. */
static inline void
note_lane(struct burst *b, unsigned int i)
{
	const struct facts *f = &b->facts[i];

	b->flags[i] = f->flags;
	b->vector[i] = f->vector;
	if ((f->flags & FACT_IPV6) != 0)
		b->ipv6 |= lane_bit(i);
	else if ((f->flags & FACT_IP) != 0)
		b->ipv4 |= lane_bit(i);
}

void
parse_frame(const uint8_t *bytes, size_t len, size_t frame_len, struct facts *out)
{
	const uint16_t readable = (uint16_t)len;
	const uint16_t lengths[PLAIN_EIGHT] = { (uint16_t)frame_len };
	const struct plain_frames one = { &bytes, &readable, lengths, 1 };
	struct facts eight[PLAIN_EIGHT];
	struct plain_read read;

	plain_read(&one, eight, &read);
	if ((read.ipv4 | read.ipv6) != 0)
		*out = eight[0];
	else
		parse_generally(bytes, len, frame_len, out);
}

void
parse_burst(struct burst *b)
{
	uint64_t rest;
	unsigned int i;

	b->ipv4 = b->ipv6 = b->plain = 0;
	for (i = 0; i < b->count; i += PLAIN_EIGHT) {
		const struct plain_frames in = { &b->bytes[i], &b->bytes_len[i],
			                         &b->frame_len[i], b->count - i };
		struct plain_read read;

		plain_read(&in, &b->facts[i], &read);
		memcpy(&b->flags[i], read.flags, sizeof(read.flags));
		memcpy(&b->vector[i], read.vector, sizeof(read.vector));
		b->ipv4 |= (uint64_t)read.ipv4 << i;
		b->ipv6 |= (uint64_t)read.ipv6 << i;
		b->plain |= (uint64_t)read.plain << i;
	}
	rest = lanes_first(b->count) & ~b->ipv4 & ~b->ipv6;
	LANES_FOREACH (i, rest) {
		parse_generally(b->bytes[i], b->bytes_len[i], b->frame_len[i],
		                &b->facts[i]);
		note_lane(b, i);
	}
	burst_find_runs(b);
}
