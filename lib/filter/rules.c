/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/rules.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "filter/table.h"
#include "packet/burst.h"

struct filter_rules {
	unsigned int count;
	bool reads_header;
	unsigned int smalls, wides, ends; /* components that rules name, and which: */
	uint8_t small_of[FILTER_SMALL], wide_of[FILTER_WIDE], end_of[FILTER_ENDS];
	bool has_port;
	struct filter_table small[FILTER_SMALL], wide[FILTER_WIDE], end[FILTER_ENDS];
};

#define ROWS_MAX (FILTER_SMALL + FILTER_WIDE + FILTER_ENDS)

/* --- building ---------------------------------------------------------------- */

static bool
build_all(struct filter_rules *r, const struct filter_match *const *m)
{
	bool is_done = true;

	for (unsigned int k = 0; k < FILTER_SMALL && is_done; k++) {
		bool is_named = false;

		for (unsigned int i = 0; i < r->count; i++)
			is_named |= m[i]->has_small[k];
		if (!is_named)
			continue;
		r->small_of[r->smalls++] = (uint8_t)k;
		is_done = filter_table_small(&r->small[k], m, r->count,
		                             (enum filter_small)k);
	}
	for (unsigned int k = 0; k < FILTER_WIDE && is_done; k++) {
		bool is_named = false;

		for (unsigned int i = 0; i < r->count; i++)
			is_named |= m[i]->has_wide[k];
		if (!is_named)
			continue;
		if (k == FILTER_PORT)
			r->has_port = true;
		else
			r->wide_of[r->wides++] = (uint8_t)k;
		is_done =
			filter_table_wide(&r->wide[k], m, r->count, (enum filter_wide)k);
	}
	for (unsigned int k = 0; k < FILTER_ENDS && is_done; k++) {
		bool is_named = false;

		for (unsigned int i = 0; i < r->count; i++)
			is_named |= m[i]->has_end[k];
		if (!is_named)
			continue;
		r->end_of[r->ends++] = (uint8_t)k;
		is_done = filter_table_end(&r->end[k], m, r->count, (enum filter_end)k);
	}
	return is_done;
}

struct filter_rules *
filter_rules_build(const struct filter_match *const *match, unsigned int count)
{
	struct filter_rules *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->count = count;
	for (unsigned int i = 0; i < count; i++)
		r->reads_header |= filter_match_reads_header(match[i]);
	if (build_all(r, match))
		return r;
	filter_rules_free(r);
	return NULL;
}

void
filter_rules_free(struct filter_rules *r)
{
	if (r == NULL)
		return;
	for (unsigned int k = 0; k < FILTER_SMALL; k++)
		filter_table_free(&r->small[k]);
	for (unsigned int k = 0; k < FILTER_WIDE; k++)
		filter_table_free(&r->wide[k]);
	for (unsigned int k = 0; k < FILTER_ENDS; k++)
		filter_table_free(&r->end[k]);
	free(r);
}

/* --- matching ---------------------------------------------------------------- */

static inline uint16_t
match(const struct filter_rules *r, const struct filter_key *key, unsigned int from)
{
	const uint64_t *row[ROWS_MAX], *either[2] = { NULL, NULL };
	uint64_t sum = UINT64_MAX << from / 64;
	unsigned int rows = 0;

	for (unsigned int k = 0; k < r->ends; k++) {
		const unsigned int e = r->end_of[k];
		const uint64_t *at =
			filter_table_at_end(&r->end[e], key->end[e], key->is_ipv6);

		sum &= at[0];
		row[rows++] = at;
	}
	for (unsigned int k = 0; k < r->smalls; k++) {
		const unsigned int s = r->small_of[k];
		const uint64_t *at = filter_table_at_small(&r->small[s], key->small[s]);

		sum &= at[0];
		row[rows++] = at;
	}
	for (unsigned int k = 0; k < r->wides; k++) {
		const unsigned int w = r->wide_of[k];
		const uint64_t *at = filter_table_at_wide(&r->wide[w], key->wide[w]);

		sum &= at[0];
		row[rows++] = at;
	}
	if (r->has_port) {
		const struct filter_table *t = &r->wide[FILTER_PORT];

		either[0] = filter_table_at_wide(t, key->wide[FILTER_SRC_PORT]);
		either[1] = filter_table_at_wide(t, key->wide[FILTER_DST_PORT]);
		sum &= either[0][0] | either[1][0];
	}
	while (sum != 0) {
		const unsigned int w = (unsigned int)__builtin_ctzll(sum);
		uint64_t bits = w == from / 64 ? UINT64_MAX << from % 64 : UINT64_MAX;

		for (unsigned int k = 0; k < rows; k++)
			bits &= row[k][1 + w];
		if (r->has_port)
			bits &= either[0][1 + w] | either[1][1 + w];
		if (bits != 0)
			return (uint16_t)(w * 64 + (unsigned int)__builtin_ctzll(bits));
		sum &= sum - 1;
	}
	return FILTER_RULES_NONE;
}

uint16_t
filter_rules_match(const struct filter_rules *r, const struct filter_key *key,
                   unsigned int from)
{
	return from < r->count ? match(r, key, from) : FILTER_RULES_NONE;
}

uint16_t
filter_rules_next(const struct filter_rules *r, const struct burst *b, unsigned int lane,
                  unsigned int from)
{
	struct filter_key key;

	filter_key_of(b, lane, r->reads_header, &key);
	return filter_rules_match(r, &key, from);
}

uint64_t
filter_rules_find(const struct filter_rules *r, const struct burst *b, uint64_t lanes,
                  uint16_t first[LANES_MAX])
{
	uint64_t found = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes & (b->ipv4 | b->ipv6)) {
		struct filter_key key;

		filter_key_of(b, i, r->reads_header, &key);
		first[i] = match(r, &key, 0);
		if (first[i] != FILTER_RULES_NONE)
			found |= lane_bit(i);
	}
	return found;
}
