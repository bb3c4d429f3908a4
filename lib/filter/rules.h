/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rules - up to 4,096 rules asked at once: which is the first that matches?
 *
 * Each component is looked up by itself. Values that the same rules accept are one
 * class; a class has a row with a bit for each rule, and the rows of all components,
 * ANDed, are the rules that match. A summary of 64 bits a row says which of its words
 * have any bit, so that of a thousand rules one or two words are really read. Source:
 * T. Lakshman and D. Stiliadis, "High-Speed Policy-based Packet Forwarding", 1998, and
 * F. Baboescu and G. Varghese, "Scalable Packet Classification", 2001.
 *
 * Addresses are looked up in a trie of 8 bits a step, ports and the like in two steps,
 * the rest in one. Components that no rule names are not looked up at all.
 *
 * Memory  1,000 rules of random prefixes and ports: some 4 MiB.
 * Threads building: control. Matching: any number of workers.
 */
#ifndef FILTER_RULES_H
#define FILTER_RULES_H

#include <stdint.h>

#include "base/lanes.h"
#include "filter/match.h"

#define FILTER_RULES_MAX  4096
#define FILTER_RULES_NONE UINT16_MAX

struct burst;
struct filter_rules;

/* Build from `count` (1..FILTER_RULES_MAX) matches in their order. NULL: no memory. */
struct filter_rules *filter_rules_build(const struct filter_match *const *match,
                                        unsigned int count);
void filter_rules_free(struct filter_rules *r);

/*
 * Of each lane (IP only) the first rule that matches, or FILTER_RULES_NONE. Returns the
 * lanes that have one; first[] of others is not written.
 */
uint64_t filter_rules_find(const struct filter_rules *r, const struct burst *b,
                           uint64_t lanes, uint16_t first[LANES_MAX]);

/* The first rule from number `from` on that matches this lane. */
uint16_t filter_rules_next(const struct filter_rules *r, const struct burst *b,
                           unsigned int lane, unsigned int from);

/* The same by key, for tests. */
uint16_t filter_rules_match(const struct filter_rules *r, const struct filter_key *key,
                            unsigned int from);

#endif
