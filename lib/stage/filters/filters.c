/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filters - the operator's own rules, before anything else judges a packet.
 *
 * They are the snapshot's: every policy of it has the same ones, and a rule may be for
 * some services alone. How they are asked is in stage/filtering.h.
 */
#include "stage/filters/filters.h"

#include "packet/burst.h"
#include "stage/filtering.h"

static int
compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	(void)errors;
	filtering_compile(params, from, FILTER_EVERYBODY);
	return 0;
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	filtering_decide(state, view->params[b->policy[__builtin_ctzll(todo)]], b, todo);
}

static bool
explain(void *state, const struct stage_view *view, struct explain *e, uint64_t now_ns)
{
	return filtering_explain(state, view, e, now_ns);
}

const struct stage stage_filters = {
	.name = "filters",
	.help = "Drops, passes, meters and counts what the operator's rules match.",
	.reasons = filtering_reasons,
	.params_size = sizeof(struct filtering_params),
	.compile = compile,
	.open = filtering_open,
	.close = filtering_close,
	.decide = decide,
	.explain = explain,
};
