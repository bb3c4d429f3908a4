/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * latefilters - the operator's rules that spare verified flows.
 *
 * Who is verified is known behind the flow table, so these rules wait until then; a
 * packet of a verified flow costs them nothing but a test of a mask.
 */
#include "stage/latefilters/latefilters.h"

#include "packet/burst.h"
#include "stage/filtering.h"

static int
compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	(void)errors;
	filtering_compile(params, from, FILTER_UNVERIFIED);
	return 0;
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	const struct filtering_params *p = view->params[b->policy[__builtin_ctzll(todo)]];

	if (p->part == NULL)
		return;
	todo &= ~lanes_where8(b->standing, STANDING_VERIFIED_FLOW);
	filtering_decide(state, p, b, todo);
}

static bool
explain(void *state, const struct stage_view *view, struct explain *e, uint64_t now_ns)
{
	return filtering_explain(state, view, e, now_ns);
}

const struct stage stage_latefilters = {
	.name = "latefilters",
	.help = "The operator's rules that spare verified flows, once flows are known.",
	.reasons = filtering_reasons,
	.params_size = sizeof(struct filtering_params),
	.compile = compile,
	.open = filtering_open,
	.close = filtering_close,
	.decide = decide,
	.explain = explain,
};
