/* SPDX-License-Identifier: BSD-3-Clause */
#include "micro.h"

#include <immintrin.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>

#include "clock.h"

#define WARM_UP_SHARE 4 /* of a run's batches */

/* No batch takes so long by itself; somebody else had the core meanwhile. */
#define INTERRUPTED (UINT64_C(1) << 17)

static const struct micro all[] = {
	{ "hash", "the keyed hash of 16 and 48 bytes", micro_hash, 0 },
	{ "parse", "a frame's headers become facts", micro_parse, 0 },
	{ "translate", "a segment is told in the other side's numbers", micro_translate,
	  0 },
	{ "meter", "GCRA against rte_meter's srTCM", micro_meter, 0 },
	{ "flow_100k", "flow table of 100,000 against rte_hash", micro_flow, 100000 },
	{ "flow_1m", "flow table of 1,000,000 against rte_hash", micro_flow, 1000000 },
	{ "flow_10m", "flow table of 10,000,000 against rte_hash", micro_flow, 10000000 },
	{ "flow_100m", "flow table of 100,000,000", micro_flow, 100000000 },
	{ "prefix_1k", "1,000 hosts against rte_fib", micro_prefix, 1000 },
	{ "prefix_1m", "1,000,000 hosts against rte_fib", micro_prefix, 1000000 },
	{ "prefix_mixed", "500,000 prefixes of /16 to /24 against rte_fib", micro_prefix,
	  500000 },
	{ "cookie", "numbers that prove a handshake: made, refused, accepted",
	  micro_cookie, 0 },
	{ "answer", "SYNs of real stacks turned round", micro_answer, 0 },
	{ "repeat", "first SYNs of a flood noted", micro_repeat, 0 },
	{ "acl", "rte_acl with 1,000 rules, for later filters", micro_acl, 1000 },
	{ NULL, NULL, NULL, 0 },
};

void
job_list_micro(void)
{
	for (const struct micro *m = all; m->name != NULL; m++)
		printf("%-13s %s\n", m->name, m->help);
}

int
job_micro(const struct job *job)
{
	for (const struct micro *m = all; m->name != NULL; m++)
		if (strcmp(m->name, job->micro) == 0)
			return m->run(job, m);
	fprintf(stderr, "benchmark: there is no micro-benchmark %s; see --list-micro\n",
	        job->micro);
	return 2;
}

void
micro_add(struct micro_sum *sum, uint64_t ticks, uint64_t items)
{
	if (ticks >= INTERRUPTED)
		return;
	sum->ticks += ticks;
	sum->items += items;
}

double
micro_cycles(const struct micro_sum *sum)
{
	return sum->items == 0 ? 0
	                       : (double)sum->ticks * clock_ratio() / (double)sum->items;
}

/* What two readings of the clock cost when nothing stands between them. */
static double
clock_cost(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 1000; i++) {
		uint64_t start, ticks;

		_mm_lfence();
		start = rte_rdtsc();
		_mm_lfence();
		ticks = rte_rdtsc() - start;
		least = ticks < least ? ticks : least;
	}
	return (double)least;
}

/* Core cycles an item over so many batches; *good counts the items that did what they should. */
static double
once(const struct micro_case *c, uint64_t first, uint64_t batches, uint64_t *good)
{
	double before = clock_ratio(), ratio, cost = clock_cost();
	uint64_t ticks = 0, counted = 0;

	for (uint64_t n = 0; n < batches; n++) {
		uint64_t start, taken;

		if (c->make != NULL)
			c->make(c->state, first + n);
		_mm_lfence();
		start = rte_rdtsc();
		*good += c->run(c->state);
		_mm_lfence();
		taken = rte_rdtsc() - start;
		if (taken < INTERRUPTED) {
			ticks += taken;
			counted++;
		}
	}
	if (counted == 0)
		return 0;
	ratio = (before + clock_ratio()) / 2;
	return ((double)ticks - cost * (double)counted) * ratio /
	       (double)(counted * MICRO_BATCH);
}

static void
tell_names(const struct micro_row *row)
{
	printf("{\"kind\": \"micro\", \"micro\": \"%s\", \"item\": \"%s\"", row->micro,
	       row->item);
}

static void
tell_ratio(const struct micro_row *row, double ours, double reference)
{
	if (row->reference.name == NULL)
		printf(", \"reference\": null}\n");
	else
		printf(", \"reference\": \"%s\", \"reference_cycles\": %.2f, "
		       "\"ratio\": %.2f}\n",
		       row->reference.name, reference, reference / ours);
}

static bool
is_good(const struct micro_row *row, const char *who, uint64_t good, uint64_t items)
{
	double share = (double)good / (double)items;

	if (row->good == MICRO_ANY ||
	    (share > row->good - 0.02 && share < row->good + 0.02))
		return true;
	fprintf(stderr,
	        "benchmark: in %s %s, %s had %.4f of its items as expected instead of "
	        "%.2f, so the figure would mean nothing\n",
	        row->micro, row->item, who, share, row->good);
	return false;
}

bool
micro_tell(const struct job *job, const struct micro_row *row)
{
	double ours[JOB_RUNS_MAX], theirs[JOB_RUNS_MAX];
	uint64_t good = 0, their_good = 0, ignored = 0, at = 0;
	const uint64_t warm_up = row->batches / WARM_UP_SHARE;
	const uint64_t items = job->runs * row->batches * MICRO_BATCH;
	const bool has_reference = row->reference.name != NULL;
	struct job_spread spread, their_spread = { 0 };

	once(&row->ours, at, warm_up, &ignored);
	if (has_reference)
		once(&row->reference, at, warm_up, &ignored);
	at = warm_up; /* A meter must not see time go back. */
	for (unsigned int i = 0; i < job->runs; i++, at += row->batches) {
		ours[i] = once(&row->ours, at, row->batches, &good);
		if (has_reference)
			theirs[i] = once(&row->reference, at, row->batches, &their_good);
	}
	if (!is_good(row, row->ours.name, good, items) ||
	    (has_reference && !is_good(row, row->reference.name, their_good, items)))
		return false;
	spread = job_spread(ours, job->runs);
	if (has_reference)
		their_spread = job_spread(theirs, job->runs);
	tell_names(row);
	printf(", \"cycles\": %.2f, \"lowest\": %.2f, \"highest\": %.2f, \"runs\": %u",
	       spread.median, spread.lowest, spread.highest, job->runs);
	tell_ratio(row, spread.median, their_spread.median);
	fflush(stdout);
	return true;
}

void
micro_tell_once(const struct micro_row *row, double ours, double reference)
{
	tell_names(row);
	printf(", \"cycles\": %.2f, \"lowest\": %.2f, \"highest\": %.2f, \"runs\": 1",
	       ours, ours, ours);
	tell_ratio(row, ours, reference);
	fflush(stdout);
}

void
micro_skip(const char *micro, const char *what, const char *why)
{
	fprintf(stderr, "%s: %s is left out: %s\n", micro, what, why);
	printf("{\"kind\": \"skipped\", \"what\": \"%s %s\", \"why\": \"%s\"}\n", micro,
	       what, why);
	fflush(stdout);
}
