/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"

#include <string.h>

#include "base/counter.h"
#include "flow/flow.h"
#include "flow/fragment.h"
#include "packet/parse.h"

#define DELAY_EVERY_NS UINT64_C(1000000)

int
worker_open(struct worker *w, unsigned int id, const struct pipeline_sizes *sizes,
            const struct stage_common *common)
{
	memset(w, 0, sizeof(*w));
	w->id = id;
	return pipeline_open(&w->pipeline, id, sizes, common, &w->notices);
}

void
worker_close(struct worker *w)
{
	pipeline_close(&w->pipeline);
}

void
worker_watch(struct worker *w, struct evidence_eye *eye)
{
	w->eye = eye;
	w->pipeline.witness = eye;
	w->pipeline.before_reply = evidence_see_questions;
}

void
worker_judge(struct worker *w, const struct policies *policies, struct burst *b)
{
	parse_burst(b);
	worker_decide(w, policies, b);
}

void
worker_decide(struct worker *w, const struct policies *policies, struct burst *b)
{
	struct fragment_table *fragments = w->pipeline.env.fragments;

	fragment_pair_burst(fragments, b);
	policy_classify(policies, b);
	pipeline_run(&w->pipeline, policies, b);
	fragment_note_burst(fragments, b);
	if (w->eye != NULL)
		evidence_see(w->eye, b);
}

bool
worker_is_waiting(const struct worker *w)
{
	return pipeline_is_waiting(&w->pipeline);
}

bool
worker_has_splices(const struct worker *w, uint64_t now_ns)
{
	return flow_has_splices(w->pipeline.env.flows, now_ns);
}

void
worker_overlook(struct worker *w, uint64_t now_ns)
{
	counter_set(&w->pipeline.env.flows->overlooked_ns, now_ns);
}

void
worker_carry(struct worker *w, struct burst *b)
{
	pipeline_carry(&w->pipeline, b);
}

void
worker_note_delay(struct worker *w, uint64_t now_ns, uint64_t sent_ns)
{
	w->shown->delay_due_ns = now_ns + DELAY_EVERY_NS;
	histogram_add(&w->shown->delay, &box_delays, sent_ns - now_ns);
}

void
worker_account(struct worker *w, struct burst *b)
{
	pipeline_account(&w->pipeline, b);
}

void
worker_upkeep(struct worker *w, const struct policies *policies, uint64_t now_ns)
{
	pipeline_tick(&w->pipeline, now_ns, w->burst.count == LANES_MAX);
	if (!__atomic_load_n(&w->asked, __ATOMIC_ACQUIRE))
		return;
	if (pipeline_explain(&w->pipeline, policies, &w->answer, &w->answer_stage,
	                     now_ns))
		__atomic_store_n(&w->asked, false, __ATOMIC_RELEASE);
}
