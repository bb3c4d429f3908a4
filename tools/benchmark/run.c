/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run - one scenario: the worker polls on lcore 1 while lcore 0 ticks detection
 * every 10 ms, as control does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_launch.h>

#include "challenge/cookie.h"
#include "counters.h"
#include "job.h"
#include "rig.h"

#define WARM_UP_MS 200 /* caches, branch predictors, arming */
/* What may pass of a flood: three limits of 10,000 packets/s and their bursts. */
#define LIMITS_PPS   30000.0
#define LIMITS_BURST 1000.0
#define TOLERANCE    0.005

#define LATENCY_RUNS 5
#define LATENCY_MS   150

struct delays {
	double pps, missed;
	long switches; /* times somebody else had the core; left out */
	double p50[LATENCY_RUNS], p99[LATENCY_RUNS], p999[LATENCY_RUNS];
};

struct run {
	const struct job *job;
	struct rig rig;
	struct rig_result result[2][JOB_RUNS_MAX];
	struct delays delays[JOB_LOADS_MAX];
	double stamp_instructions[2]; /* a packet; of each cache */
	bool is_done;                 /* __atomic */
};

static int
by_cycles(const void *a, const void *b)
{
	double x = ((const struct rig_result *)a)->cycles_per_packet;
	double y = ((const struct rig_result *)b)->cycles_per_packet;

	return (x > y) - (x < y);
}

/* --- on the worker --- */

static void
measure_delays(struct run *run, struct delays *d, double pps)
{
	const struct latency *l = &run->rig.latency;
	const double ns = run->rig.ns_per_tick;

	d->pps = pps;
	d->switches = -run->rig.interruptions;
	rig_run_paced(&run->rig, LATENCY_MS, pps);
	for (unsigned int i = 0; i < LATENCY_RUNS; i++) {
		double missed = rig_run_paced(&run->rig, LATENCY_MS, pps);

		d->missed = missed > d->missed ? missed : d->missed;
		d->p50[i] = (double)latency_at(l, 0.5) * ns;
		d->p99[i] = (double)latency_at(l, 0.99) * ns;
		d->p999[i] = (double)latency_at(l, 0.999) * ns;
	}
	d->switches += run->rig.interruptions;
}

static int
work(void *argument)
{
	struct run *run = argument;
	struct rig *r = &run->rig;
	const struct job *job = run->job;
	struct rig_result warm_up;

	r->instructions = counters_open();
	engine_online(&r->engine, 0);
	for (unsigned int cold = 0; cold < 2; cold++) {
		if (!job->is_cache[cold])
			continue;
		r->is_cold = cold;
		rig_run(r, WARM_UP_MS, &warm_up);
		for (unsigned int i = 0; i < job->runs; i++)
			rig_run(r, job->ms, &run->result[cold][i]);
		run->stamp_instructions[cold] = rig_stamp_instructions(r);
		qsort(run->result[cold], job->runs, sizeof(run->result[cold][0]),
		      by_cycles);
	}
	for (unsigned int i = 0; i < job->loads; i++) {
		double all = run->result[r->is_cold][job->runs / 2].all_pps;

		measure_delays(run, &run->delays[i], all * job->load[i] / 100);
	}
	engine_offline(&r->engine, 0);
	if (r->instructions >= 0)
		close(r->instructions);
	__atomic_store_n(&run->is_done, true, __ATOMIC_RELEASE);
	return 0;
}

/* --- what is told --- */

/* Why packets were dropped, for who must find out what is wrong with a run. */
static void
tell_reasons(const struct pipeline *pl)
{
	for (unsigned int i = 0; i < pipeline_reasons(); i++) {
		unsigned int stage;
		const struct stage_reason *r = pipeline_reason_info(i, &stage);
		uint64_t n = pl->books.decided[stage][i - pipeline_reason(stage, 0)];

		if (n > 0)
			fprintf(stderr, "  %s.%s %" PRIu64 "\n",
			        stage < stage_count ? stage_list[stage]->name : "io",
			        r->name, n);
	}
}

/* Whether nearly all that was dropped was for the reason that the scenario is about. */
static bool
is_dropped_for(const struct scenario *s, const struct rig *r)
{
	const struct pipeline *pl = &r->engine.worker[0].pipeline;
	uint64_t sought = 0, all = 0;

	if (s->dropped == NULL)
		return true;
	for (unsigned int i = 0; i < pipeline_reasons(); i++) {
		unsigned int stage;
		const struct stage_reason *reason = pipeline_reason_info(i, &stage);
		uint64_t n = pl->books.decided[stage][i - pipeline_reason(stage, 0)];
		char name[64];

		snprintf(name, sizeof(name), "%s.%s",
		         stage < stage_count ? stage_list[stage]->name : "io",
		         reason->name);
		if (strcmp(name, s->dropped) == 0)
			sought = n;
		all += reason->class == REASON_DROP ? n : 0;
	}
	return all > 0 && (double)sought >= (1 - TOLERANCE) * (double)all;
}

/* Whether cookies were still looked for when the last packet came. */
static bool
is_challenged_to_the_end(const struct run *run)
{
	const struct rig *r = &run->rig;

	if (r->scenario->opening != OPENING_CHALLENGED ||
	    rig_now(r) < r->offset_ns + COOKIE_LIFE_NS)
		return true;
	fprintf(stderr,
	        "benchmark: %s: cookies were looked for during the first 128 s alone; "
	        "take fewer or shorter runs\n",
	        r->scenario->name);
	return false;
}

/* A figure of packets that met another fate than they should would mean nothing. */
static bool
is_as_expected(const struct run *run, const struct rig_result *median)
{
	const struct scenario *s = run->rig.scenario;
	double share = (double)median->forwarded / (double)median->packets;
	double replied = (double)median->replied / (double)median->packets;
	double kept = rig_kept(&run->rig);
	double most =
		s->forwarded + TOLERANCE +
		(LIMITS_PPS * median->seconds + LIMITS_BURST) / (double)median->packets;

	if (median->whole == 0) {
		fputs("benchmark: this machine never left the worker alone, so there is "
		      "no figure\n",
		      stderr);
		return false;
	}
	if (!is_challenged_to_the_end(run))
		return false;
	if (share > s->forwarded - TOLERANCE && share < most && kept == 1 &&
	    replied > s->replied - TOLERANCE && is_dropped_for(s, &run->rig))
		return true;
	fprintf(stderr,
	        "benchmark: %s forwarded %.4f of its packets instead of %.2f, answered "
	        "%.4f instead of %.2f, and forwarded %.6f of those of established "
	        "flows%s%s, so the figure would mean nothing\n",
	        s->name, share, s->forwarded, replied, s->replied, kept,
	        s->dropped != NULL ? "; drops have to be " : "",
	        s->dropped != NULL ? s->dropped : "");
	tell_reasons(&run->rig.engine.worker[0].pipeline);
	return false;
}

static void
tell_names(const struct run *run, bool is_cold)
{
	printf("\"scenario\": \"%s\", \"family\": \"%s\", \"cache\": \"%s\"",
	       run->rig.scenario->name, run->job->is_ipv6 ? "ipv6" : "ipv4",
	       is_cold ? "cold" : "warm");
}

static void
tell_result(const struct run *run, unsigned int cold)
{
	const struct rig_result *all = run->result[cold];
	const unsigned int n = run->job->runs;
	const struct rig_result *median = &all[n / 2];

	printf("{\"kind\": \"scenario\", ");
	tell_names(run, cold);
	printf(", \"cycles_per_packet\": %.1f, \"lowest\": %.1f, \"highest\": %.1f, "
	       "\"stamp_cycles\": %.1f, \"undisturbed\": %.3f, \"mpps\": %.2f, \"ghz\": "
	       "%.2f, \"runs\": %u, "
	       "\"forwarded\": %.4f, \"replied\": %.4f, \"established_kept\": %.4f",
	       median->cycles_per_packet, all[0].cycles_per_packet,
	       all[n - 1].cycles_per_packet, median->stamp_cycles, median->whole,
	       median->ghz * 1e3 / median->cycles_per_packet, median->ghz, n,
	       (double)median->forwarded / (double)median->packets,
	       (double)median->replied / (double)median->packets, rig_kept(&run->rig));
	if (run->rig.instructions >= 0)
		printf(", \"instructions_per_packet\": %.1f}\n",
		       median->instructions - run->stamp_instructions[cold]);
	else
		printf(", \"instructions_per_packet\": null}\n");
}

static void
tell_delays(struct run *run, unsigned int i)
{
	struct delays *d = &run->delays[i];
	struct job_spread p50 = job_spread(d->p50, LATENCY_RUNS);
	struct job_spread p99 = job_spread(d->p99, LATENCY_RUNS);
	struct job_spread p999 = job_spread(d->p999, LATENCY_RUNS);

	printf("{\"kind\": \"latency\", ");
	tell_names(run, run->rig.is_cold);
	printf(", \"load_percent\": %u, \"mpps\": %.2f, \"missed_share\": %.4f, "
	       "\"p50_ns\": %.0f, \"p99_ns\": %.0f, \"p99_9_ns\": %.0f, "
	       "\"lowest_p99_ns\": %.0f, \"highest_p99_ns\": %.0f, "
	       "\"lowest_p99_9_ns\": %.0f, \"highest_p99_9_ns\": %.0f, "
	       "\"core_taken_away\": %ld, \"runs\": %d}\n",
	       run->job->load[i], d->pps / 1e6, d->missed, p50.median, p99.median,
	       p999.median, p99.lowest, p99.highest, p999.lowest, p999.highest,
	       d->switches, LATENCY_RUNS);
}

static int
tell(struct run *run)
{
	for (unsigned int cold = 0; cold < 2; cold++) {
		if (!run->job->is_cache[cold])
			continue;
		if (!is_as_expected(run, &run->result[cold][run->job->runs / 2]))
			return 1;
		tell_result(run, cold);
	}
	for (unsigned int i = 0; i < run->job->loads; i++)
		tell_delays(run, i);
	return 0;
}

/* --- on control's core --- */

static int
measure(struct run *run)
{
	struct rig *r = &run->rig;

	if (run->job->loads > 0 && latency_open(&r->latency, r->queue.tx_port[1]) < 0) {
		fputs("benchmark: this DPDK has no room for a time in its buffers\n",
		      stderr);
		return 1;
	}
	engine_online(&r->engine, 1);
	rte_eal_remote_launch(work, run, 1);
	while (!__atomic_load_n(&run->is_done, __ATOMIC_ACQUIRE)) {
		usleep(10000);
		engine_tick(&r->engine, rig_now(r));
		engine_quiescent(&r->engine, 1);
	}
	rte_eal_mp_wait_lcore();
	return tell(run);
}

int
job_scenario(const struct job *job)
{
	static struct run run;
	const struct rig_plan plan = { .scenario = job->scenario,
		                       .is_ipv6 = job->is_ipv6,
		                       .capture = job->capture };
	int rc;

	run.job = job;
	if (!job_has_memory(rig_memory(job->scenario), job->scenario->name))
		return JOB_CANNOT;
	if (!job_start_eal(job))
		return 1;
	rc = rig_open(&run.rig, &plan) < 0 ? 1 : measure(&run);
	rig_close(&run.rig);
	return rc;
}
