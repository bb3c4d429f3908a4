/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * list_set - all configured lists as one table, built once and shared by snapshots.
 *
 * Millions of prefixes take seconds to join, and a reload, a mode or a timed block
 * shall not wait for them. So a set is made beside the snapshots, whenever a list
 * changes, and every snapshot holds it. Who refreshes the lists keeps one hold of its
 * own, hands it over with each policy_build() (policy_overrides.lists) and lets go of
 * it when the next one is built.
 *
 * Memory  about 13 bytes an IPv4 and 42 an IPv6 prefix (prefix/prefix.h), and a few for
 *         each way in which lists lie over one another. Building takes 40 bytes a
 *         prefix on top, for a while.
 * Time    4 M IPv4 and 1 M IPv6 prefixes in less than 5 s.
 * Threads one control-side thread builds; holding and letting go: any of that side.
 */
#ifndef POLICY_LIST_SET_H
#define POLICY_LIST_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_errors;
struct list_content;
struct list_set;
struct prefix;
struct settings;
struct stage_lists;

/* What is to be joined. Nothing of it is needed once the set is built. */
struct list_set_input {
	const struct settings *settings; /* its lists: names, actions, prefixes, scales */
	/*
	 * By list, settings->lists.count of them: what its file holds; NULL: it has no
	 * file, or nothing of it was ever read. The pointer itself NULL: no list has.
	 */
	const struct list_content *const *content;
	/* Unix time of the worker clock's zero (stage_common.wall_ns), for entries with an end. */
	uint64_t wall_ns;
};

/*
 * Join them. Returns 0 and *out, held once; -EINVAL with an error when they overlap in
 * more ways than a table can tell; -ENOMEM with an error.
 */
int list_set_build(const struct list_set_input *from, struct list_set **out,
                   struct conf_errors *errors);

/* Another hold of the same set; returns it. NULL is taken for what it is, here and below. */
struct list_set *list_set_hold(struct list_set *set);
/* Let go; the last one frees it. */
void list_set_release(struct list_set *set);

/* Whether names, actions, scales and prefixes written in these settings are those of the set. */
bool list_set_is_of(const struct list_set *set, const struct settings *settings);

/* Prefixes of one list of the set, inline and of its file together; 0 where there is none such. */
uint64_t list_set_prefixes(const struct list_set *set, const char *name);
/* Bytes that the set holds. */
size_t list_set_bytes(const struct list_set *set);

/*
 * The never_block list that holds the whole prefix at this moment of the worker clock,
 * or NULL. Blocking it would have no effect, so it is refused. The name lives as long
 * as the set.
 */
const char *list_set_never_blocks(const struct list_set *set, const struct prefix *prefix,
                                  uint64_t now_ns);

/* What the workers look into; NULL for NULL. It lives as long as the set. */
const struct stage_lists *list_set_lists(const struct list_set *set);

#endif
