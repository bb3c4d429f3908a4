/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * list_nodes - entries of lists, and the chains of them that hold one address; for this
 * room only. See stage/stage.h for what a chain says.
 *
 * Threads one control-side thread.
 */
#ifndef POLICY_LIST_NODES_H
#define POLICY_LIST_NODES_H

#include <stddef.h>
#include <stdint.h>

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

#endif
