/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * metrics_services - counters of services and vectors for Prometheus.
 *
 * Labels are names of the configuration and of the program's own tables. Which
 * services, vectors and reasons have series of their own is in series.h; the others
 * are added up.
 *
 * Threads everything here runs under box->lock.
 */
#include <stdlib.h>
#include <string.h>

#include "telemetry/parts.h"
#include "telemetry/prometheus.h"

/* The service of that id when it has a name of its own here, or NULL. */
static const char *
name_of(const struct policies *p, unsigned int service)
{
	if (p == NULL || service >= p->n_services || service >= SERIES_FIRST_OTHER ||
	    p->service[service].name[0] == '\0')
		return NULL;
	return p->service[service].name;
}

struct counter {
	const char *name, *help;
	size_t offset; /* in struct telemetry_service_count */
};

#define COUNT(name, member, help)                                                        \
	{                                                                                \
		name, help, offsetof(struct telemetry_service_count, member)             \
	}
static const struct counter counters[] = {
	COUNT("received_packets_total", received[0],
	      "Packets that came for the service, before any verdict."),
	COUNT("received_bytes_total", received[1],
	      "Bytes of frames that came for the service, without preamble and FCS."),
	COUNT("forwarded_packets_total", passed[0], "Packets passed on to the service."),
	COUNT("forwarded_bytes_total", passed[1],
	      "Bytes of frames passed on to the service."),
	COUNT("dropped_bytes_total", dropped[1],
	      "Bytes of frames for the service that were not passed on."),
	COUNT("verified_dropped_packets_total", verified_dropped,
	      "Dropped packets of verified flows; anything but 0 deserves a look."),
	COUNT("outbound_packets_total", outbound[0], "Packets that the service sent."),
	COUNT("outbound_bytes_total", outbound[1],
	      "Bytes of frames that the service sent."),
};
#undef COUNT

static uint64_t
value_of(const struct telemetry_view *v, unsigned int service,
         const struct counter *counter)
{
	const char *counts = (const char *)&v->now->service[service];
	uint64_t value;

	memcpy(&value, counts + counter->offset, sizeof(value));
	return value;
}

static void
services(struct telemetry_out *o, const struct telemetry_view *v)
{
	const struct policies *p = v->box->policies;

	for (size_t k = 0; k < sizeof(counters) / sizeof(*counters); k++) {
		uint64_t others = 0;

		telemetry_family(o, counters[k].name, "counter", counters[k].help);
		for (unsigned int i = 0; i < v->now->services; i++) {
			const char *name = name_of(p, i);

			if (name != NULL)
				telemetry_count(o, value_of(v, i, &counters[k]),
				                "service", name, NULL);
			else if (i >= SERIES_FIRST_OTHER)
				others += value_of(v, i, &counters[k]);
		}
		if (v->now->services > SERIES_FIRST_OTHER)
			telemetry_count(o, others, "service", series_other(p), NULL);
	}
}

/* Of the set of modes only the one in force: three series for each service say no more. */
static void
modes(struct telemetry_out *o, const struct policies *p)
{
	telemetry_family(o, "mode", "gauge",
	                 "Always 1; the label is the mode the service is in.");
	for (unsigned int i = 0; p != NULL && i < p->n_services; i++)
		if (name_of(p, i) != NULL)
			telemetry_count(
				o, 1, "service", name_of(p, i), "mode",
				policy_mode_names[p->policy[p->service[i].policy].mode],
				NULL);
}

/* How much of what is protected is counted one by one. */
static void
counted(struct telemetry_out *o, const struct policies *p)
{
	uint64_t addresses = 0, networks = 0;

	if (p != NULL && p->plan != NULL) {
		for (uint32_t i = 0; i < p->plan->address_spans; i++)
			if (p->plan->address_span[i].first != 0)
				addresses += p->plan->address_span[i].count;
		for (uint32_t i = 0; i < p->plan->network_spans; i++)
			if (p->plan->network_span[i].first != 0)
				networks += p->plan->network_span[i].count;
	}
	telemetry_family(o, "counted_addresses", "gauge",
	                 "Protected addresses that are counted one by one.");
	telemetry_count(o, addresses, NULL);
	telemetry_family(o, "counted_networks", "gauge",
	                 "Protected networks that are counted one by one.");
	telemetry_count(o, networks, NULL);
}

static void
vectors(struct telemetry_out *o, const struct telemetry_view *v)
{
	const struct policies *p = v->box->policies;
	uint64_t others[VECTOR_COUNT] = { 0 };

	telemetry_family(o, "vector_packets_total", "counter",
	                 "Packets of the vector that came for the service, whatever "
	                 "became of them.");
	for (unsigned int i = 0; i < v->now->services; i++)
		for (unsigned int k = 0; k < VECTOR_COUNT; k++) {
			const uint64_t n = v->now->service[i].vector[k];

			if (n == 0)
				continue;
			if (!series_of_vector(o->split, i, k))
				others[k] += n;
			else if (name_of(p, i) != NULL)
				telemetry_count(o, n, "service", name_of(p, i), "vector",
				                vector_info[k].name, NULL);
		}
	for (unsigned int k = 0; k < VECTOR_COUNT; k++)
		if (others[k] != 0)
			telemetry_count(o, others[k], "service", series_other(p),
			                "vector", vector_info[k].name, NULL);
}

/* --- thresholds ------------------------------------------------------------------ */

struct threshold {
	const char *service, *vector, *level;
	const struct meter_limit *limit;
};

/* What is set, in the order of services. Returns how many, SERIES_THRESHOLDS at most. */
static size_t
read_thresholds(const struct policies *p, struct threshold *out)
{
	static const char *const levels[] = { "alarm", "activate", "max" };
	size_t n = 0;

	for (unsigned int i = 0; p != NULL && i < p->n_services; i++) {
		const struct policy *policy = &p->policy[p->service[i].policy];

		for (unsigned int k = 0; name_of(p, i) != NULL && k < 3 * VECTOR_COUNT;
		     k++) {
			const struct watch_rule *rule = &policy->rule[k / 3];
			const struct meter_limit *limit = k % 3 == 0   ? &rule->alarm
			                                  : k % 3 == 1 ? &rule->activate
			                                               : &rule->max;

			if (limit->per_second == 0)
				continue;
			if (n == SERIES_THRESHOLDS)
				return n;
			out[n++] = (struct threshold){ name_of(p, i),
				                       vector_info[k / 3].name,
				                       levels[k % 3], limit };
		}
	}
	return n;
}

static void
thresholds(struct telemetry_out *o, const struct policies *p)
{
	static const struct {
		const char *name, *help;
		unsigned int unit;
	} families[] = {
		{ "vector_threshold_packets_per_second",
		  "Threshold of the vector in force, where it counts packets.",
		  METER_PACKETS },
		{ "vector_threshold_bytes_per_second",
		  "Threshold of the vector in force, where it counts bits; in bytes.",
		  METER_BITS },
	};
	struct threshold *set = malloc(SERIES_THRESHOLDS * sizeof(*set));
	const size_t n = set == NULL ? 0 : read_thresholds(p, set);

	for (size_t f = 0; f < sizeof(families) / sizeof(*families); f++) {
		telemetry_family(o, families[f].name, "gauge", families[f].help);
		for (size_t i = 0; i < n; i++) {
			const uint64_t value = set[i].limit->per_second;

			if (set[i].limit->unit != families[f].unit)
				continue;
			telemetry_count(
				o, families[f].unit == METER_BITS ? value / 8 : value,
				"service", set[i].service, "vector", set[i].vector,
				"level", set[i].level, NULL);
		}
	}
	free(set);
}

/* --- reasons --------------------------------------------------------------------- */

/* One service; what has no series of its own goes to `others`. */
static void
reasons_of(struct telemetry_out *o, const struct telemetry_view *v, unsigned int service,
           bool is_would, uint64_t *others)
{
	const char *name = name_of(v->box->policies, service);
	uint64_t count[STAGE_MAX * STAGE_MAX_REASONS];
	char reason[TELEMETRY_REASON_NAME];

	telemetry_service_reasons(v->box, service, is_would, count);
	for (unsigned int r = 0; r < pipeline_reasons(); r++) {
		if (count[r] == 0)
			continue;
		if (!series_of_reason(o->split, is_would, service, r)) {
			others[r] += count[r];
		} else if (name != NULL) {
			telemetry_reason_name(r, reason);
			telemetry_count(o, count[r], "service", name, "reason", reason,
			                NULL);
		}
	}
}

/* What stopped packets for each service; series appear with their first packet. */
static void
reasons(struct telemetry_out *o, const struct telemetry_view *v, const char *name,
        bool is_would)
{
	uint64_t others[STAGE_MAX * STAGE_MAX_REASONS] = { 0 };
	char reason[TELEMETRY_REASON_NAME];

	telemetry_family(
		o, name, "counter",
		is_would
			? "Packets that only the mode spared, by service and reason."
			: "Packets stopped, by service and the one reason that decided.");
	for (unsigned int i = 0; i < v->now->services; i++)
		if (v->now->service[i].is_judged)
			reasons_of(o, v, i, is_would, others);
	for (unsigned int r = 0; r < pipeline_reasons(); r++) {
		if (others[r] == 0)
			continue;
		telemetry_reason_name(r, reason);
		telemetry_count(o, others[r], "service", series_other(v->box->policies),
		                "reason", reason, NULL);
	}
}

void
telemetry_service_metrics(struct telemetry_out *o, const struct telemetry_view *v)
{
	struct box *box = v->box;

	pthread_mutex_lock(&box->lock);
	services(o, v);
	reasons(o, v, "dropped_packets_total", false);
	reasons(o, v, "would_drop_packets_total", true);
	modes(o, box->policies);
	counted(o, box->policies);
	vectors(o, v);
	thresholds(o, box->policies);
	pthread_mutex_unlock(&box->lock);
}
