/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which lists a snapshot holds, and its timed blocks. The lists are shared, because they
 * may be millions; the blocks are few and joined anew with every snapshot.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "policy/list_nodes.h"
#include "policy/list_set.h"
#include "policy/parts.h"

struct prefix
policy_prefix(const struct conf_prefix *from)
{
	struct prefix p;

	static_assert(sizeof(p) == sizeof(*from), "conf and prefix mean the same bytes");
	memcpy(&p, from, sizeof(p));
	return p;
}

static int
choose_lists(struct policies *p, const struct policies *before, const struct settings *s,
             struct list_set *given, struct conf_errors *errors)
{
	const struct list_set_input written = { .settings = s };

	if (given != NULL && !list_set_is_of(given, s)) {
		conf_fail(errors, NULL,
		          "the lists that were loaded are those of another "
		          "configuration; try again");
		return -EINVAL;
	}
	if (given == NULL && before != NULL && list_set_is_of(before->lists, s))
		given = before->lists;
	if (given == NULL && s->lists.count > 0)
		return list_set_build(&written, &p->lists, errors);
	p->lists = list_set_hold(given);
	return 0;
}

static int
join_blocks(struct policies *p, const struct policy_overrides *over,
            struct conf_errors *errors)
{
	int status;

	if (over == NULL || over->blocks == 0)
		return 0;
	status = list_set_of_blocks(over->block, over->blocks, &p->blocks);
	if (status == -ENOSPC)
		conf_fail(errors, NULL,
		          "%zu timed blocks; at most %d are possible, so put permanent "
		          "prefixes into one list of the configuration",
		          over->blocks, PREFIX_MAX_VALUE);
	else if (status == -E2BIG)
		conf_fail(errors, NULL, "one address is under more than %d timed blocks",
		          LIST_CHAIN_MAX);
	else if (status != 0)
		conf_fail(errors, NULL, "no memory for %zu timed blocks", over->blocks);
	return status == -ENOMEM || status == 0 ? status : -EINVAL;
}

int
policy_lists_build(struct policies *p, const struct policies *before,
                   const struct settings *s, const struct policy_overrides *over,
                   struct conf_errors *errors)
{
	struct list_set *given = over == NULL ? NULL : over->lists;
	int status = choose_lists(p, before, s, given, errors);

	return status != 0 ? status : join_blocks(p, over, errors);
}
