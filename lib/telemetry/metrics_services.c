/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * metrics_services - counters of services, vectors and attacks for Prometheus.
 *
 * Labels are names of the configuration and of the program's own tables.
 */
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "telemetry/parts.h"
#include "telemetry/prometheus.h"

/* One of the counters of every service; under box->lock. */
static void
service_family(struct telemetry_out *o, const struct telemetry_view *v, const char *name,
               const char *help, size_t offset)
{
	const struct policies *p = v->box->policies;

	telemetry_family(o, name, "counter", help);
	for (unsigned int i = 0; p != NULL && i < p->n_services; i++) {
		const char *counts = (const char *)&v->now->service[i];
		uint64_t value;

		if (p->service[i].name[0] == '\0')
			continue;
		memcpy(&value, counts + offset, sizeof(value));
		telemetry_count(o, value, "service", p->service[i].name, NULL);
	}
}

static void
services(struct telemetry_out *o, const struct telemetry_view *v)
{
#define COUNT(name, member, help)                                                        \
	service_family(o, v, name, help, offsetof(struct telemetry_service_count, member))
	COUNT("received_packets_total", received[0],
	      "Packets that came for the service.");
	COUNT("received_bytes_total", received[1], "Bytes that came for the service.");
	COUNT("forwarded_packets_total", passed[0], "Packets passed on to the service.");
	COUNT("forwarded_bytes_total", passed[1], "Bytes passed on to the service.");
	COUNT("dropped_bytes_total", dropped[1], "Bytes for the service not passed on.");
	COUNT("verified_dropped_packets_total", verified_dropped,
	      "Dropped packets of verified flows; anything but 0 deserves a look.");
	COUNT("outbound_packets_total", outbound[0], "Packets the service sent.");
	COUNT("outbound_bytes_total", outbound[1], "Bytes the service sent.");
#undef COUNT
}

static void
modes(struct telemetry_out *o, const struct policies *p)
{
	telemetry_family(o, "mode", "gauge", "1 for the mode the service is in.");
	for (unsigned int i = 0; p != NULL && i < p->n_services; i++) {
		if (p->service[i].name[0] == '\0')
			continue;
		for (int mode = 0; policy_mode_names[mode] != NULL; mode++)
			telemetry_count(o,
			                (int)p->policy[p->service[i].policy].mode == mode,
			                "service", p->service[i].name, "mode",
			                policy_mode_names[mode], NULL);
	}
}

/* How much of what is protected is counted one by one. */
static void
counted(struct telemetry_out *o, const struct policies *p)
{
	uint64_t addresses = 0, networks = 0;

	if (p == NULL || p->plan == NULL)
		return;
	for (uint32_t i = 0; i < p->plan->address_spans; i++)
		if (p->plan->address_span[i].first != 0)
			addresses += p->plan->address_span[i].count;
	for (uint32_t i = 0; i < p->plan->network_spans; i++)
		if (p->plan->network_span[i].first != 0)
			networks += p->plan->network_span[i].count;
	telemetry_family(o, "counted_addresses", "gauge",
	                 "Protected addresses that are counted one by one.");
	telemetry_count(o, addresses, NULL);
	telemetry_family(o, "counted_networks", "gauge",
	                 "Protected networks that are counted one by one.");
	telemetry_count(o, networks, NULL);
}

/* What arrived of one vector for one service at all workers. */
static uint64_t
arrived(const struct box *box, unsigned int service, unsigned int slot)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < box->n_workers; i++) {
		const struct pipeline *pl = box->worker[i].pipeline;

		if (pl != NULL && service < pl->watch.services)
			sum += counter_read(
				&watch_cell(&pl->watch, service, slot)->packets);
	}
	return sum;
}

static void
vectors(struct telemetry_out *o, const struct box *box)
{
	const struct policies *p = box->policies;

	telemetry_family(o, "vector_packets_total", "counter",
	                 "Packets of the vector that came for the service, whatever "
	                 "became of them.");
	for (unsigned int i = 0; p != NULL && i < p->n_services; i++) {
		for (unsigned int slot = 0; slot < VECTOR_COUNT; slot++) {
			if (p->service[i].name[0] != '\0')
				telemetry_count(o, arrived(box, i, slot), "service",
				                p->service[i].name, "vector",
				                vector_info[slot].name, NULL);
		}
	}
}

static void
threshold_family(struct telemetry_out *o, const struct policies *p, enum meter_unit unit,
                 const char *name)
{
	static const char *const levels[] = { "alarm", "activate", "max" };

	telemetry_family(o, name, "gauge", "Threshold of the vector in force.");
	for (unsigned int i = 0; p != NULL && i < p->n_services; i++) {
		const struct policy *policy = &p->policy[p->service[i].policy];

		for (unsigned int n = 0; n < 3 * VECTOR_COUNT; n++) {
			const struct watch_rule *rule = &policy->rule[n / 3];
			const struct meter_limit *limit = n % 3 == 0   ? &rule->alarm
			                                  : n % 3 == 1 ? &rule->activate
			                                               : &rule->max;

			if (p->service[i].name[0] == '\0' || limit->per_second == 0 ||
			    limit->unit != unit)
				continue;
			telemetry_count(o, limit->per_second, "service",
			                p->service[i].name, "vector",
			                vector_info[n / 3].name, "level", levels[n % 3],
			                NULL);
		}
	}
}

/* Whether an earlier attack in the list is of the same service and vector. */
static bool
is_counted(const struct detect_attack *a, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (a[k].state == DETECT_ACTIVE && a[k].vector == a[i].vector &&
		    strcmp(a[k].service_name, a[i].service_name) == 0)
			return true;
	}
	return false;
}

static void
attacks(struct telemetry_out *o, const struct box *box)
{
	uint64_t highest = 0;
	size_t n;
	struct detect_attack *a = telemetry_attacks_copy(box, &n);

	telemetry_family(o, "attacks_active", "gauge", "Running attacks.");
	for (size_t i = 0; i < n; i++) {
		highest = a[i].number > highest ? a[i].number : highest;
		if (a[i].state == DETECT_ACTIVE && a[i].vector < VECTOR_COUNT &&
		    !is_counted(a, i))
			telemetry_count(o, 1, "service", a[i].service_name, "vector",
			                vector_info[a[i].vector].name, NULL);
	}
	telemetry_family(o, "attack_start_timestamp_seconds", "gauge",
	                 "First packet of the running attack, Unix time.");
	for (size_t i = 0; i < n; i++) {
		if (a[i].state == DETECT_ACTIVE && a[i].vector < VECTOR_COUNT &&
		    !is_counted(a, i))
			telemetry_value(o,
			                (double)telemetry_unix(box, a[i].first_ns) / 1e9,
			                "service", a[i].service_name, "vector",
			                vector_info[a[i].vector].name, NULL);
	}
	telemetry_family(o, "attack_sources", "gauge",
	                 "Sources of the running attack in its last whole second, "
	                 "estimated.");
	for (size_t i = 0; i < n; i++) {
		if (a[i].state == DETECT_ACTIVE && a[i].vector < VECTOR_COUNT &&
		    a[i].sources != 0 && !is_counted(a, i))
			telemetry_count(o, a[i].sources, "service", a[i].service_name,
			                "vector", vector_info[a[i].vector].name, NULL);
	}
	free(a);
	telemetry_family(o, "attacks_total", "counter",
	                 "Attacks since the program started.");
	telemetry_count(o, highest, NULL);
}

/* What stopped packets for each service; series appear with their first packet. */
static void
service_reasons(struct telemetry_out *o, const struct box *box, const char *name,
                bool is_would)
{
	const struct policies *p = box->policies;
	char reason[TELEMETRY_REASON_NAME];

	telemetry_family(
		o, name, "counter",
		is_would ? "Packets that only the mode spared, by service and reason."
			 : "Packets stopped, by service and reason.");
	for (unsigned int i = 0; p != NULL && i < p->n_services; i++) {
		for (unsigned int r = 0; r < pipeline_reasons(); r++) {
			const uint64_t n = telemetry_service_reason(box, i, r, is_would);

			if (n == 0 || p->service[i].name[0] == '\0')
				continue;
			telemetry_reason_name(r, reason);
			telemetry_count(o, n, "service", p->service[i].name, "reason",
			                reason, NULL);
		}
	}
}

void
telemetry_service_metrics(struct telemetry_out *o, const struct telemetry_view *v)
{
	struct box *box = v->box;

	pthread_mutex_lock(&box->lock);
	services(o, v);
	service_reasons(o, box, "dropped_packets_total", false);
	service_reasons(o, box, "would_drop_packets_total", true);
	modes(o, box->policies);
	counted(o, box->policies);
	vectors(o, box);
	threshold_family(o, box->policies, METER_PACKETS,
	                 "vector_threshold_packets_per_second");
	threshold_family(o, box->policies, METER_BITS,
	                 "vector_threshold_bits_per_second");
	pthread_mutex_unlock(&box->lock);
	attacks(o, box);
}
