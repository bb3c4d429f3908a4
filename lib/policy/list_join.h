/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * list_join - sorted runs of prefixes, read side by side, become one table; for this
 * room only.
 *
 * Threads one control-side thread.
 */
#ifndef POLICY_LIST_JOIN_H
#define POLICY_LIST_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list/list.h"
#include "policy/list_nodes.h"

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
int list_join_runs(struct list_joining *j, struct prefix_table **out);

#endif
