/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * targets - every prefix that a service names; for this room only.
 *
 * A target knows, for each protocol it has rules for, disjoint spans of ports
 * with the service that owns each; so a packet costs one longest match and one
 * binary search, however many services share an address. What a target does not
 * claim goes to its parent, the next shorter prefix.
 */
#ifndef POLICY_TARGETS_H
#define POLICY_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prefix/prefix.h"

/* Ports first..last belong to a service. */
struct span {
	uint16_t first, last, service;
};

/* One protocol at one target. */
struct rules {
	uint8_t proto;
	uint16_t portless; /* service without ports; 0: none */
	uint16_t first;    /* service of the most specific ports; 0: none */
	uint32_t spans;    /* rising, disjoint */
	struct span *span;
};

struct target {
	uint16_t parent; /* value of the next shorter prefix; 0: none */
	uint16_t any;    /* service of any protocol; 0: none */
	uint16_t first;  /* most specific service at all */
	uint16_t whole;  /* whose all packets are, whatever they carry; 0: it depends */
	uint16_t n;
	bool has_ports; /* whether the port matters, here or at a parent */
	struct rules *rules;
};

struct policy_targets {
	struct prefix_table *table;
	size_t count;
	struct target *target; /* by value - 1 */
	struct prefix *prefix; /* the same; only building asks for it */
};

/*
 * The protected prefixes by number, 1..count, as in burst.target. Shorter ones come
 * before those that they hold; parent is the next shorter prefix or 0.
 */
unsigned int policy_targets_count(const struct policy_targets *t);
const struct prefix *policy_target_prefix(const struct policy_targets *t,
                                          unsigned int number);
unsigned int policy_target_parent(const struct policy_targets *t, unsigned int number);

#endif
