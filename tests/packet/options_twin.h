/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options_twin - a TCP header's options read slowly: first the list is cut into
 * options, then each field looks for its own, from the list's end.
 */
#ifndef TESTS_PACKET_OPTIONS_TWIN_H
#define TESTS_PACKET_OPTIONS_TWIN_H

#include <string.h>

#include "packet/options.h"

struct options_twin {
	bool is_sound;
	unsigned int count;
	unsigned int at[40],
		len[40]; /* of each option but NOP, from the header's start */
	const uint8_t *tcp;
};

static inline struct options_twin
options_twin_read(const uint8_t *tcp, size_t readable)
{
	struct options_twin t = { .is_sound = true, .tcp = tcp };
	size_t at = 20, end = readable < 20 ? 0 : (size_t)(tcp[12] >> 4) * 4;

	if (end < 20 || end > readable)
		return (struct options_twin){ .tcp = tcp };
	for (; at != end && tcp[at] != 0; at += tcp[at] == 1 ? 1 : tcp[at + 1]) {
		if (tcp[at] == 1)
			continue;
		if (at + 2 > end || tcp[at + 1] < 2 || at + tcp[at + 1] > end)
			return (struct options_twin){ .tcp = tcp };
		t.at[t.count] = (unsigned int)at;
		t.len[t.count++] = tcp[at + 1];
	}
	return t;
}

/* Where the last option of this kind stands, of the lengths first, first + step, ... last. */
static inline unsigned int
options_twin_find(const struct options_twin *t, unsigned int kind,
                  const unsigned int lengths[3])
{
	for (unsigned int i = t->count; i-- > 0;)
		for (unsigned int len = lengths[0]; len <= lengths[2]; len += lengths[1])
			if (t->tcp[t->at[i]] == kind && t->len[i] == len)
				return t->at[i];
	return 0;
}

static inline uint32_t
options_twin_number(const struct options_twin *t, unsigned int at, unsigned int bytes)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < bytes; i++)
		v = v << 8 | t->tcp[at + i];
	return v;
}

static inline bool
options_twin_agrees(const struct options_twin *t, const struct tcp_options *o)
{
	const unsigned int mss = options_twin_find(t, 2, (unsigned int[]){ 4, 1, 4 });
	const unsigned int scale = options_twin_find(t, 3, (unsigned int[]){ 3, 1, 3 });
	const unsigned int permitted =
		options_twin_find(t, 4, (unsigned int[]){ 2, 1, 2 });
	const unsigned int sack = options_twin_find(t, 5, (unsigned int[]){ 10, 8, 34 });
	const unsigned int stamp = options_twin_find(t, 8, (unsigned int[]){ 10, 1, 10 });
	const bool has_fast_open =
		options_twin_find(t, 34, (unsigned int[]){ 2, 1, 2 }) != 0 ||
		options_twin_find(t, 34, (unsigned int[]){ 6, 2, 18 }) != 0;
	uint32_t shift =
		scale != 0 ? options_twin_number(t, scale + 2, 1) : OPTIONS_NO_WSCALE;

	if (scale != 0 && shift > 14)
		shift = 14;
	return o->mss == (mss != 0 ? options_twin_number(t, mss + 2, 2) : 0) &&
	       o->wscale == shift && o->has_sack_permitted == (permitted != 0) &&
	       o->has_ts == (stamp != 0) && o->has_fast_open == has_fast_open &&
	       o->ts_at == (stamp != 0 ? stamp + 2 : 0) &&
	       o->ts_value == (stamp != 0 ? options_twin_number(t, stamp + 2, 4) : 0) &&
	       o->ts_echo == (stamp != 0 ? options_twin_number(t, stamp + 6, 4) : 0) &&
	       o->sack_at == (sack != 0 ? sack + 2 : 0) &&
	       o->sacks ==
	               (sack != 0 ? (options_twin_number(t, sack + 1, 1) - 2) / 8 : 0);
}

#endif
