/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * table - one component of all rules: from a packet's value to the row of its class.
 *
 * A row is a summary word, whose bit w says that word w of the rest is not 0, and one
 * bit for each rule: it accepts the values of this class, or does not name the component.
 *
 *     small  of[value]                     -> class
 *     wide   page[value >> 8][value & 255] -> class
 *     end    node[byte] ... node[byte]     -> class, 8 bits of the address a step
 *
 * Threads building: control; looking up: any.
 */
#ifndef FILTER_TABLE_H
#define FILTER_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "filter/match.h"

struct filter_table {
	unsigned int stride;  /* words of a row, its summary included */
	unsigned int classes; /* rows */
	uint64_t *row;
	uint32_t none; /* class of packets without such a field */
	uint32_t *of; /* small: by value. wide: leaves of 256 values. end: nodes of 256 */
	uint32_t *page; /* wide: by value >> 8, the leaf's place in of[] */
	uint32_t pages;
	uint32_t ofs;     /* entries of of[] */
	uint32_t root[2]; /* end: entry for the whole family, IPv4 and IPv6 */
};

/* Fill a zeroed table. Returns false without memory; filter_table_free() undoes either. */
bool filter_table_small(struct filter_table *t, const struct filter_match *const *m,
                        unsigned int count, enum filter_small which);
bool filter_table_wide(struct filter_table *t, const struct filter_match *const *m,
                       unsigned int count, enum filter_wide which);
bool filter_table_end(struct filter_table *t, const struct filter_match *const *m,
                      unsigned int count, enum filter_end which);
void filter_table_free(struct filter_table *t);

#define FILTER_TABLE_NODE                                                                \
	UINT32_C(0x80000000) /* the rest is a node's number, else a class */

static inline const uint64_t *
filter_table_row(const struct filter_table *t, uint32_t class)
{
	return t->row + (uint64_t) class * t->stride;
}

static inline const uint64_t *
filter_table_at_small(const struct filter_table *t, uint16_t value)
{
	return filter_table_row(t, t->of[value]);
}

static inline const uint64_t *
filter_table_at_wide(const struct filter_table *t, uint32_t value)
{
	if (value == FILTER_NO_WIDE)
		return filter_table_row(t, t->none);
	return filter_table_row(t, t->of[t->page[value >> 8] + (value & 255)]);
}

/* A step further, or where it was: no branch, so many lanes' walks overlap. */
static inline uint32_t
filter_table_step(const struct filter_table *t, uint32_t entry, uint8_t byte)
{
	const bool is_node = (entry & FILTER_TABLE_NODE) != 0;
	const uint32_t next = t->of[is_node ? (entry << 8) + byte : 0];

	return is_node ? next : entry;
}

static inline const uint64_t *
filter_table_at_end(const struct filter_table *t, const uint8_t address[16], bool is_ipv6)
{
	const uint8_t *at = address + (is_ipv6 ? 0 : 12);
	uint32_t entry = t->root[is_ipv6];

	/* The number's highest bit, which makes it a node, leaves with the shift. */
	for (unsigned int i = 0; i < 4; i++)
		entry = filter_table_step(t, entry, at[i]);
	for (at += 4; entry & FILTER_TABLE_NODE; at++)
		entry = t->of[(entry << 8) + *at];
	return filter_table_row(t, entry);
}

#endif
