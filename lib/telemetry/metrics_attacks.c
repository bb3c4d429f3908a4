/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * metrics_attacks - attacks for Prometheus: which run now, how many there were, and
 * how soon they were met.
 *
 * A service and vector have one series, however many of its networks are attacked at
 * once: the newest attack speaks for all. Series of running attacks are absent while
 * there is none.
 */
#include <stdlib.h>

#include "telemetry/prometheus.h"
#include "telemetry/view.h"

/* What runs, one of each service and vector that has series of its own. */
struct running {
	size_t count;
	struct {
		const struct detect_attack *attack; /* the newest */
		uint64_t number;                    /* of attacks that run there */
	} of[SERIES_ATTACKS];
	uint16_t at[SERVICE_MAX][VECTOR_COUNT]; /* 1 and up; 0: there is none */
	uint64_t others[VECTOR_COUNT];
};

static void
pick_one(struct running *r, const struct detect_attack *a, struct telemetry_split *split)
{
	uint16_t *at;

	if (a->state != DETECT_ACTIVE || a->vector >= VECTOR_COUNT ||
	    a->service >= SERVICE_MAX)
		return;
	if (!series_of_attack(split, a->service, a->vector)) {
		r->others[a->vector]++;
		return;
	}
	at = &r->at[a->service][a->vector];
	if (*at == 0) {
		r->of[r->count].attack = a;
		*at = (uint16_t)++r->count;
	}
	r->of[*at - 1].number++;
}

/* Under box->lock. */
static void
write_running(struct telemetry_out *o, const struct box *box, const struct running *r)
{
	static const char *const rungs[] = { [WATCH_POLICE] = "police",
		                             [WATCH_CHALLENGE] = "challenge",
		                             [WATCH_BLOCK] = "block" };

#define LABELS(i)                                                                        \
	"service", r->of[i].attack->service_name, "vector",                              \
		vector_info[r->of[i].attack->vector].name
	telemetry_family(o, "attacks_active", "gauge",
	                 "Running attacks; no series while there is none.");
	for (size_t i = 0; i < r->count; i++)
		telemetry_count(o, r->of[i].number, LABELS(i), NULL);
	for (unsigned int k = 0; k < VECTOR_COUNT; k++)
		if (r->others[k] != 0)
			telemetry_count(o, r->others[k], "service",
			                series_other(box->policies), "vector",
			                vector_info[k].name, NULL);
	telemetry_family(o, "attack_start_timestamp_seconds", "gauge",
	                 "First packet of the running attack above activate_rate, Unix "
	                 "time.");
	for (size_t i = 0; i < r->count; i++)
		telemetry_moment(o, telemetry_unix(box, r->of[i].attack->first_ns),
		                 LABELS(i), NULL);
	telemetry_family(o, "attack_sources", "gauge",
	                 "Sources of the running attack in its last whole second, "
	                 "estimated.");
	for (size_t i = 0; i < r->count; i++)
		if (r->of[i].attack->sources != 0)
			telemetry_count(o, r->of[i].attack->sources, LABELS(i), NULL);
	telemetry_family(o, "countermeasure_active", "gauge",
	                 "1 for each step of the ladder that the running attack has "
	                 "climbed.");
	for (size_t i = 0; i < r->count; i++)
		for (unsigned int k = 0; k <= r->of[i].attack->rung && k <= WATCH_BLOCK;
		     k++)
			telemetry_count(o, 1, LABELS(i), "countermeasure", rungs[k],
			                NULL);
#undef LABELS
}

/* Since the start; under box->lock. */
static void
write_started(struct telemetry_out *o, const struct box *box)
{
	const struct detect_totals *all = detect_totals(box->detect);
	const struct policies *p = box->policies;
	uint64_t others[VECTOR_COUNT] = { 0 };

	telemetry_family(o, "attacks_total", "counter",
	                 "Attacks since the program started, by service and vector; "
	                 "a series appears with the first.");
	for (unsigned int i = 0; i < SERVICE_MAX; i++)
		for (unsigned int k = 0; k < VECTOR_COUNT; k++) {
			const uint64_t n = counter_read(&all->started[i][k]);

			if (n == 0)
				continue;
			if (!series_of_attack(o->split, i, k))
				others[k] += n;
			else if (p != NULL && i < p->n_services &&
			         p->service[i].name[0] != '\0')
				telemetry_count(o, n, "service", p->service[i].name,
				                "vector", vector_info[k].name, NULL);
		}
	for (unsigned int k = 0; k < VECTOR_COUNT; k++)
		if (others[k] != 0)
			telemetry_count(o, others[k], "service", series_other(p),
			                "vector", vector_info[k].name, NULL);
}

static void
write_delays(struct telemetry_out *o, const struct detect_totals *all)
{
	struct histogram detection = { 0 }, mitigation = { 0 };

	histogram_merge(&detection, &all->detection);
	histogram_merge(&mitigation, &all->mitigation);
	telemetry_family(o, "detection_delay_seconds", "histogram",
	                 "From the first packet above activate_rate until a worker was "
	                 "armed against it.");
	telemetry_histogram(o, &detection, &detect_delays);
	telemetry_family(
		o, "mitigation_delay_seconds", "histogram",
		"From the first packet above activate_rate until what passes was "
		"within max_rate for 10 ms.");
	telemetry_histogram(o, &mitigation, &detect_delays);
}

void
telemetry_attack_metrics(struct telemetry_out *o, struct box *box)
{
	struct running *running = calloc(1, sizeof(*running));
	size_t n;
	struct detect_attack *a = telemetry_attacks_copy(box, &n);

	if (running == NULL || a == NULL || box->detect == NULL) {
		free(running);
		free(a);
		return;
	}
	for (size_t i = 0; i < n; i++)
		pick_one(running, &a[i], o->split);
	pthread_mutex_lock(&box->lock);
	write_running(o, box, running);
	write_started(o, box);
	pthread_mutex_unlock(&box->lock);
	write_delays(o, detect_totals(box->detect));
	free(running);
	free(a);
}
