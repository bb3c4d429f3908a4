/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames - SYNs of real stacks as bytes, and one of them as a burst's lane.
 *
 * Which options stand in which order is what Linux, Windows and macOS send.
 */
#ifndef TESTS_CHALLENGE_FRAMES_H
#define TESTS_CHALLENGE_FRAMES_H

#include "../packet/wire.h"
#include "packet/burst.h"
#include "packet/parse.h"

struct layout {
	const char *name;
	uint8_t len;
	uint8_t bytes[40];
};

static const struct layout frames_linux = {
	"Linux",
	20,
	{ 2, 4, 5, 0xb4, 4, 2, 8, 10, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 0, 1, 3, 3, 7 },
};
static const struct layout frames_windows = {
	"Windows",
	12,
	{ 2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2 },
};
static const struct layout frames_macos = {
	"macOS",
	24,
	{ 2,    4,    5,    0xb4, 1, 3, 3, 6, 1, 1, 8, 10,
	  0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 4, 2, 0, 0 },
};
static const struct layout frames_mss = { "only an MSS", 4, { 2, 4, 2, 0x18 } };
static const struct layout frames_none = { "no options", 0, { 0 } };
static const struct layout *const frames_known[] = { &frames_linux, &frames_windows,
	                                             &frames_macos, &frames_mss,
	                                             &frames_none };
#define FRAMES_KNOWN (sizeof(frames_known) / sizeof(*frames_known))

struct frames_spec {
	bool is_ipv6;
	unsigned int tags;       /* 0..2 */
	unsigned int ip_options; /* bytes of IPv4 options, or of IPv6 extension headers */
	bool is_padded;          /* to the shortest frame there is */
};

/* A SYN with these options, sealed. */
static inline void
frames_syn(struct wire *w, const struct frames_spec *s, const struct layout *options)
{
	wire_ether(w);
	for (unsigned int i = 0; i < s->tags; i++)
		wire_tag(w, i + 1 < s->tags ? 0x88a8 : 0x8100, 0x6000 | (100 + i));
	if (s->is_ipv6) {
		wire_ipv6(w, s->ip_options != 0 ? PROTO_DSTOPTS : PROTO_TCP);
		if (s->ip_options != 0) {
			/* One PadN option fills the header. */
			wire_8(w, PROTO_TCP);
			wire_8(w, s->ip_options / 8 - 1);
			wire_8(w, 1);
			wire_8(w, s->ip_options - 4);
			wire_fill(w, 0, s->ip_options - 4);
		}
	} else {
		wire_ipv4(w, PROTO_TCP, s->ip_options, 0);
	}
	wire_tcp(w, TCP_SYN, options->bytes, options->len);
	if (s->is_padded && w->len < 60) {
		w->trailer = 60 - w->len;
		wire_fill(w, 0x5a, w->trailer);
	}
	wire_seal(w);
}

/* The only lane of a burst. */
static inline void
frames_lane(struct burst *b, const struct wire *w)
{
	burst_start(b, 0, 0, SIDE_EXTERNAL);
	b->count = 1;
	b->live = 1;
	b->bytes[0] = w->bytes;
	b->bytes_len[0] = (uint16_t)w->len;
	b->frame_len[0] = (uint16_t)w->len;
	parse_burst(b);
}

#endif
