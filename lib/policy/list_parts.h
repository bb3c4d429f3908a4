/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * list_parts - how lists become nodes and a table; for this room only.
 *
 *     list_nodes.c  entries, and the chains of them that hold one address
 *     list_join.c   sorted runs of prefixes, read side by side, become one table
 *     list_set.c    what is joined, and who holds the result
 */
#ifndef POLICY_LIST_PARTS_H
#define POLICY_LIST_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list/list.h"
#include "prefix/prefix.h"
#include "stage/stage.h"

/* Who decides, or who is told beside, of one address. */
#define LIST_CHAIN_MAX 64

struct list_nodes {
	struct stage_listed *entry; /* PREFIX_MAX_VALUE of them */
	struct stage_list_node *node;
	unsigned int entries, nodes;
	uint16_t *entry_place, *node_place; /* by hash: number + 1, 0 is free */
	struct list_memo *memo;             /* what was asked for lately */
};

/* Take memory for all entries and nodes there may be. Returns 0 or -ENOMEM. */
int list_nodes_open(struct list_nodes *n);
void list_nodes_close(struct list_nodes *n);

/* The entry of a list that ends at that moment, made when there is none; -ENOSPC: no room. */
int list_nodes_entry(struct list_nodes *n, uint16_t list, uint64_t until_ns);

/* What entries say of one prefix, on top of what holds the next shorter one. */
struct list_claim {
	uint32_t under; /* value of the shorter prefix; 0: none */
	uint8_t len;
	uint16_t *entry; /* `count` of them; put in order */
	size_t count;
};

/* The value of a chain. Returns it, -ENOSPC, or -E2BIG when more than LIST_CHAIN_MAX meet. */
int list_nodes_join(struct list_nodes *n, const struct list_claim *claim);

/* One list, or all blocks, in order of address and length. */
struct list_run {
	const struct list_prefix *at, *end;
	uint16_t list;
	bool is_by_entry; /* until_s is the number of an entry */
};

struct list_joining {
	struct list_nodes *nodes;
	struct list_run *run; /* used up */
	size_t runs;
	uint64_t wall_ns; /* Unix time of the worker clock's zero */
	uint64_t grain_s; /* ends are rounded up to a multiple of it */
};

/*
 * Read the runs side by side into a table. Returns 0 and *out; -ENOMEM; what
 * list_nodes_join() may; -errno of prefix_build().
 */
int list_join(struct list_joining *j, struct prefix_table **out);

struct list_set;
struct policy_block;

/* A set of timed blocks, held once. Returns 0; -ENOSPC: too many; -ENOMEM; -E2BIG. */
int list_set_of_blocks(const struct policy_block *block, size_t count,
                       struct list_set **out);

#endif
