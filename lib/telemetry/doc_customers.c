/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_customers - how those fare who proved to be real, apart from whoever floods.
 *
 *     verified_flows                TCP connections whose client proved to see our answers, now
 *     likely_flows                  flows that look good and could be forged, with effort: packets
 *                                   both ways for a while, TCP in order of which one way is seen
 *     verified_sources              addresses that proved themselves lately; some of them may
 *                                   be limited or blocked by now
 *     flows_proven_per_second       handshakes completed, and older connections that proved
 *                                   themselves by what they acknowledged
 *     resets_per_second             such connections that ended by RST, from either end
 *     challenges_sent_per_second    cookies and the like sent to who opens a TCP connection
 *     challenges_passed_per_second  answers to them that were right
 *     challenge_pass_ratio          of the two; null when none was sent. In a flood of forged
 *                                   packets it is near 0, and that harms nobody
 *     verified_dropped_packets_per_second   packets of proven connections that were dropped
 *     hit_estimate                  how many addresses lost such packets lately, estimated
 */
#include <string.h>

#include "base/counter.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

/* Reasons of stages that challenge: a challenge sent, and one that was passed. */
static const char *const sent[] = { "tcpauth.syn_cookie", "tcpauth.bad_ack" };
static const char *const passed[] = { "tcpauth.cookie_accepted",
	                              "tcpauth.bad_ack_accepted" };

#define KINDS (sizeof(sent) / sizeof(*sent))
static_assert(KINDS == sizeof(passed) / sizeof(*passed), "each can be passed");

/* Packets that met the reason of that name within the window. */
static uint64_t
met(const struct telemetry_view *v, const char *wanted)
{
	char name[TELEMETRY_REASON_NAME];
	unsigned int stage;

	for (unsigned int i = 0; i < pipeline_reasons(); i++) {
		const struct stage_reason *r = pipeline_reason_info(i, &stage);
		const size_t at = (size_t)(r - telemetry_stage(stage)->reasons);

		telemetry_reason_name(i, name);
		if (strcmp(name, wanted) == 0)
			return v->now->decided[stage][at] - v->base->decided[stage][at];
	}
	return 0;
}

static void
put_challenges(json_t *o, const struct telemetry_view *v)
{
	uint64_t out = 0, right = 0;

	for (size_t i = 0; i < KINDS; i++) {
		out += met(v, sent[i]);
		right += met(v, passed[i]);
	}
	telemetry_put_count(o, "challenges_sent_per_second",
	                    telemetry_per_second(out, v->window_ns));
	telemetry_put_count(o, "challenges_passed_per_second",
	                    telemetry_per_second(right, v->window_ns));
	/* Who was asked in the window before may answer in this one. */
	if (out == 0)
		json_object_set_new(o, "challenge_pass_ratio", json_null());
	else
		telemetry_put_ratio(o, "challenge_pass_ratio",
		                    right < out ? (double)right / (double)out : 1);
}

static void
put_known(json_t *o, const struct box *box)
{
	uint64_t flows = 0, likely = 0, sources = 0;

	for (unsigned int i = 0; i < box->n_workers; i++) {
		const struct pipeline *pl = box->worker[i].pipeline;

		if (pl == NULL || pl->env.flows == NULL || pl->env.sources == NULL)
			continue;
		flows += counter_read(&pl->env.flows->table.used[TABLE_EARNED]);
		likely += counter_read(&pl->env.flows->table.used[TABLE_EARNING]);
		sources += counter_read(&pl->env.sources->table.used[TABLE_EARNED]);
	}
	telemetry_put_count(o, "verified_flows", flows);
	telemetry_put_count(o, "likely_flows", likely);
	telemetry_put_count(o, "verified_sources", sources);
}

static void
put_hit(json_t *o, const struct telemetry_view *v)
{
	const struct box *box = v->box;
	struct distinct all;
	uint64_t packets = 0;

	memset(&all, 0, sizeof(all));
	for (unsigned int i = 0; i < box->n_workers; i++) {
		const struct pipeline *pl = box->worker[i].pipeline;

		if (pl != NULL && pl->hurt != NULL)
			hurt_merge(&all, pl->hurt, v->now->time_ns);
	}
	for (unsigned int i = 0; i < SERVICE_MAX; i++)
		packets += v->now->service[i].verified_dropped -
		           v->base->service[i].verified_dropped;
	telemetry_put_count(o, "verified_dropped_packets_per_second",
	                    telemetry_per_second(packets, v->window_ns));
	telemetry_put_count(o, "hit_estimate", distinct_estimate(&all));
	telemetry_put_ratio(o, "hit_standard_error_ratio", DISTINCT_ERROR_PPM / 1e6);
	telemetry_put_seconds(o, "hit_window_seconds", 2 * (double)HURT_SPAN_NS / 1e9);
}

json_t *
telemetry_customers_object(const struct telemetry_view *v)
{
	json_t *o = json_object();

	put_known(o, v->box);
	telemetry_put_count(
		o, "flows_proven_per_second",
		telemetry_per_second(v->now->proven - v->base->proven, v->window_ns));
	telemetry_put_count(
		o, "resets_per_second",
		telemetry_per_second(v->now->resets - v->base->resets, v->window_ns));
	put_challenges(o, v);
	put_hit(o, v);
	return o;
}

json_t *
telemetry_customers(struct telemetry *t, const struct telemetry_ask *ask)
{
	(void)ask;
	return telemetry_document_of(t, "customers", telemetry_customers_object);
}
