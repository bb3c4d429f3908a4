/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * benchmark - cycles a packet of one scenario, as one line of JSON.
 *
 * The worker polls on lcore 1; lcore 0 ticks detection every 10 ms, as control does.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_launch.h>

#include "base/log.h"
#include "io/eal.h"
#include "io/look.h"
#include "rig.h"

#define RUNS_MAX 99

static const char usage[] =
	"usage: benchmark --scenario NAME [--family ipv4|ipv6] [--cache warm|cold]\n"
	"                 [--runs N] [--ms N] [--no-huge] [--capture FILE]\n"
	"       benchmark --list\n";

struct job {
	struct rig rig;
	struct rig_plan plan;
	unsigned int runs, ms;
	struct rig_result result[RUNS_MAX];
	bool is_done; /* __atomic */
};

static int
work(void *argument)
{
	struct job *j = argument;

	engine_online(&j->rig.engine, 0);
	rig_run(&j->rig, 200,
	        &j->result[0]); /* warm up: caches, branch predictors, arming */
	for (unsigned int i = 0; i < j->runs; i++)
		rig_run(&j->rig, j->ms, &j->result[i]);
	engine_offline(&j->rig.engine, 0);
	__atomic_store_n(&j->is_done, true, __ATOMIC_RELEASE);
	return 0;
}

static uint64_t
clock_of(const struct rig *r)
{
	return r->offset_ns +
	       (uint64_t)((double)(__rdtsc() - r->start_tsc) * r->ns_per_tick);
}

static int
by_cycles(const void *a, const void *b)
{
	double x = ((const struct rig_result *)a)->cycles_per_packet;
	double y = ((const struct rig_result *)b)->cycles_per_packet;

	return (x > y) - (x < y);
}

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

static int
print_result(struct job *j)
{
	const struct rig_result *median = &j->result[j->runs / 2];
	double share;

	qsort(j->result, j->runs, sizeof(j->result[0]), by_cycles);
	share = (double)median->forwarded / (double)median->packets;
	if (share < j->plan.scenario->forwarded - 0.01 ||
	    share > j->plan.scenario->forwarded + 0.01) {
		fprintf(stderr,
		        "benchmark: %s forwarded %.4f of its packets instead of %.2f, so "
		        "the figure would mean nothing\n",
		        j->plan.scenario->name, share, j->plan.scenario->forwarded);
		tell_reasons(&j->rig.engine.worker[0].pipeline);
		return 1;
	}
	printf("{\"scenario\": \"%s\", \"family\": \"%s\", \"cache\": \"%s\", "
	       "\"cycles_per_packet\": %.1f, \"lowest\": %.1f, \"highest\": %.1f, "
	       "\"stamp_cycles\": %.1f, \"mpps\": %.2f, \"ghz\": %.2f, \"runs\": %u}\n",
	       j->plan.scenario->name, j->plan.is_ipv6 ? "ipv6" : "ipv4",
	       j->plan.is_cold ? "cold" : "warm", median->cycles_per_packet,
	       j->result[0].cycles_per_packet, j->result[j->runs - 1].cycles_per_packet,
	       median->stamp_cycles, median->ghz * 1e3 / median->cycles_per_packet,
	       median->ghz, j->runs);
	return 0;
}

static int
measure(struct job *j, bool has_hugepages)
{
	static const unsigned int cores[2] = { 0, 1 };
	static const char *const ends[2] = { "net_null0,copy=0", "net_null1,copy=0" };
	struct eal_plan plan = { .prefix = "tidegate-bench",
		                 .n_cores = 2,
		                 .core = cores,
		                 .has_hugepages = has_hugepages,
		                 .memory_mib = 256,
		                 .n_ends = 2,
		                 .ends = ends };
	char why[IO_WHY];
	int rc;

	if (eal_start(&plan, why) < 0) {
		fprintf(stderr, "benchmark: %s\n", why);
		return 1;
	}
	if (rig_open(&j->rig, &j->plan) < 0)
		return 1;
	engine_online(&j->rig.engine, 1);
	rte_eal_remote_launch(work, j, 1);
	while (!__atomic_load_n(&j->is_done, __ATOMIC_ACQUIRE)) {
		usleep(10000);
		engine_tick(&j->rig.engine, clock_of(&j->rig));
		engine_quiescent(&j->rig.engine, 1);
	}
	rte_eal_mp_wait_lcore();
	rc = print_result(j);
	rig_close(&j->rig);
	return rc;
}

static int
list(void)
{
	for (const struct scenario *s = scenarios; s->name != NULL; s++)
		printf("%-14s %s\n", s->name, s->help);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "family", required_argument, NULL, 'f' },
		{ "cache", required_argument, NULL, 'c' },
		{ "runs", required_argument, NULL, 'r' },
		{ "ms", required_argument, NULL, 'm' },
		{ "list", no_argument, NULL, 'l' },
		{ "no-huge", no_argument, NULL, 'n' },
		{ "capture", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	static struct job job = { .runs = 5, .ms = 200 };
	bool has_hugepages = true;
	int c;

	log_open("benchmark", LOG_LEVEL_WARNING);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			job.plan.scenario = scenario_by_name(optarg);
			break;
		case 'f':
			job.plan.is_ipv6 = strcmp(optarg, "ipv6") == 0;
			break;
		case 'c':
			job.plan.is_cold = strcmp(optarg, "cold") == 0;
			break;
		case 'r':
			job.runs = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'm':
			job.ms = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			has_hugepages = false;
			break;
		case 'p':
			job.plan.capture = optarg;
			break;
		case 'l':
			return list();
		default:
			return fputs(usage, stderr), 2;
		}
	}
	if (job.plan.scenario == NULL || job.runs < 1 || job.runs > RUNS_MAX ||
	    job.ms < 1)
		return fputs(usage, stderr), 2;
	return measure(&job, has_hugepages);
}
