/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_services - what each service asked for and what it gets.
 *
 * Rates of a service come from the document's window. Rates of a vector come
 * from detection's own window, which is what its state was decided on; that
 * window is told as `detection_window_seconds`.
 */
#include <errno.h>
#include <string.h>

#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

static const char *const state_names[] = { "quiet", "alarm", "active" };

const char *
telemetry_unit(unsigned int unit)
{
	return unit == METER_BITS ? "bits_per_second" : "packets_per_second";
}

json_t *
telemetry_limit_object(const struct meter_limit *limit)
{
	json_t *o;

	if (limit->per_second == 0)
		return json_null();
	o = json_object();
	telemetry_put_count(o, telemetry_unit(limit->unit), limit->per_second);
	return o;
}

static void
rates(const struct box *box, unsigned int service, unsigned int slot,
      struct detect_rates *r)
{
	memset(r, 0, sizeof(*r));
	if (box->detect != NULL)
		detect_read_rates(box->detect, service, slot, r);
}

/* How much of activate_rate is still free, 0 to 1; 1 where no threshold is set. */
static double
headroom(const struct watch_rule *rule, const struct detect_rates *r)
{
	const uint64_t value = rule->activate.unit == METER_BITS ? r->bits : r->pps;

	if (rule->activate.per_second == 0)
		return 1;
	if (value >= rule->activate.per_second)
		return 0;
	return 1 - (double)value / (double)rule->activate.per_second;
}

static json_t *
vector(const struct telemetry_view *v, unsigned int service, const struct policy *p,
       unsigned int slot)
{
	const struct watch_rule *rule = &p->rule[slot];
	struct detect_rates r;
	unsigned int armed = 0;
	json_t *o = json_object();

	rates(v->box, service, slot, &r);
	for (unsigned int i = 0; i < v->box->n_workers; i++) {
		const struct pipeline *pl = v->box->worker[i].pipeline;

		armed += pl != NULL && service < pl->watch.services &&
		         watch_is_armed(watch_cell(&pl->watch, service, slot));
	}
	telemetry_put_text(o, "vector", vector_info[slot].name);
	telemetry_put_text(o, "state",
	                   state_names[r.state <= DETECT_ACTIVE ? r.state : 0]);
	telemetry_put_count(o, "packets_per_second", r.pps);
	telemetry_put_count(o, "bits_per_second", r.bits);
	telemetry_put_count(o, "passed_packets_per_second", r.passed_pps);
	telemetry_put_count(o, "passed_bits_per_second", r.passed_bits);
	telemetry_put_count(o, "dropped_packets_per_second", r.dropped_pps);
	telemetry_put_count(o, "would_packets_per_second", r.would_pps);
	json_object_set_new(o, "alarm_rate", telemetry_limit_object(&rule->alarm));
	json_object_set_new(o, "activate_rate", telemetry_limit_object(&rule->activate));
	json_object_set_new(o, "max_rate", telemetry_limit_object(&rule->max));
	json_object_set_new(o, "network_rate",
	                    telemetry_limit_object(&p->network[slot].activate));
	json_object_set_new(o, "address_rate", telemetry_limit_object(&p->address[slot]));
	telemetry_put_seconds(o, "activate_after_seconds",
	                      (double)rule->activate_after_ns / 1e9);
	telemetry_put_seconds(o, "clear_after_seconds",
	                      (double)rule->clear_after_ns / 1e9);
	telemetry_put_seconds(o, "hold_for_seconds", (double)rule->hold_for_ns / 1e9);
	json_object_set_new(o, "challenge_rate",
	                    telemetry_limit_object(&rule->challenge));
	json_object_set_new(o, "block_rate", telemetry_limit_object(&rule->block));
	telemetry_put_ratio(o, "headroom_ratio", headroom(rule, &r));
	telemetry_put_count(o, "armed_workers", armed);
	return o;
}

/* Reasons that stopped, or would have stopped, packets for the service. */
static json_t *
reasons(const struct box *box, unsigned int service)
{
	uint64_t decided[STAGE_MAX * STAGE_MAX_REASONS];
	uint64_t would[STAGE_MAX * STAGE_MAX_REASONS];
	json_t *a = json_array();
	char name[TELEMETRY_REASON_NAME];

	telemetry_service_reasons(box, service, false, decided);
	telemetry_service_reasons(box, service, true, would);
	for (unsigned int i = 0; i < pipeline_reasons(); i++) {
		json_t *o;

		if (decided[i] == 0 && would[i] == 0)
			continue;
		telemetry_reason_name(i, name);
		o = json_object();
		telemetry_put_text(o, "reason", name);
		telemetry_put_count(o, "packets", decided[i]);
		telemetry_put_count(o, "would_packets", would[i]);
		json_array_append_new(a, o);
	}
	return a;
}

void
telemetry_put_target(json_t *o, const struct service *s)
{
	json_t *prefixes = json_array(), *ports = json_array();
	char text[CONF_PREFIX_TEXT];

	for (size_t i = 0; i < s->prefixes.count; i++) {
		conf_format_prefix(&s->prefixes.prefix[i], text);
		json_array_append_new(prefixes, json_string(text));
	}
	for (size_t i = 0; i < s->ports.count; i++) {
		const struct conf_port_range *r = &s->ports.range[i];

		json_array_append_new(ports,
		                      r->first == r->last
		                              ? json_sprintf("%u", r->first)
		                              : json_sprintf("%u-%u", r->first, r->last));
	}
	json_object_set_new(o, "prefixes", prefixes);
	json_object_set_new(o, "protocol",
	                    s->proto < 0     ? json_string("any")
	                    : s->proto == 1  ? json_string("icmp")
	                    : s->proto == 6  ? json_string("tcp")
	                    : s->proto == 17 ? json_string("udp")
	                                     : json_sprintf("%d", s->proto));
	json_object_set_new(o, "ports", ports);
}

static void
put_rates(json_t *o, const struct telemetry_view *v, unsigned int service)
{
	const struct telemetry_service_count *now = &v->now->service[service];
	const struct telemetry_service_count *base = &v->base->service[service];
	const struct {
		const char *name, *packets, *bytes;
		const uint64_t *now, *base;
	} rows[] = {
		{ "received", "received_packets", "received_bytes", now->received,
		  base->received },
		{ "forwarded", "forwarded_packets", "forwarded_bytes", now->passed,
		  base->passed },
		{ "dropped", "dropped_packets", "dropped_bytes", now->dropped,
		  base->dropped },
		{ "outbound", "outbound_packets", "outbound_bytes", now->outbound,
		  base->outbound },
	};
	json_t *all = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const uint64_t grown[2] = { rows[i].now[0] - rows[i].base[0],
			                    rows[i].now[1] - rows[i].base[1] };

		telemetry_put_rate(all, rows[i].name, grown, v->window_ns);
		telemetry_put_count(o, rows[i].packets, rows[i].now[0]);
		telemetry_put_count(o, rows[i].bytes, rows[i].now[1]);
	}
	telemetry_put_count(o, "would_packets", now->would);
	telemetry_put_count(o, "verified_dropped_packets", now->verified_dropped);
	telemetry_put_count(all, "would_packets_per_second",
	                    telemetry_per_second(now->would - base->would, v->window_ns));
	json_object_set_new(o, "rates", all);
}

json_t *
telemetry_service_object(const struct telemetry_view *v, unsigned int service,
                         bool is_whole)
{
	const struct policies *all = v->box->policies;
	const struct service *s = &all->service[service];
	const struct policy *p = &all->policy[s->policy];
	double least = 1;
	uint64_t worst = DETECT_QUIET;
	json_t *o = json_object(), *vectors = json_array();

	for (unsigned int slot = 0; slot < VECTOR_COUNT; slot++) {
		struct detect_rates r;
		double free_ratio;

		rates(v->box, service, slot, &r);
		free_ratio = headroom(&p->rule[slot], &r);
		least = free_ratio < least ? free_ratio : least;
		worst = r.state > worst && r.state <= DETECT_ACTIVE ? r.state : worst;
		if (is_whole)
			json_array_append_new(vectors, vector(v, service, p, slot));
	}
	telemetry_put_text(o, "name", s->name);
	telemetry_put_text(o, "mode", policy_mode_names[p->mode]);
	telemetry_put_text(o, "policy", p->name);
	telemetry_put_text(o, "state", state_names[worst]);
	telemetry_put_ratio(o, "headroom_ratio", least);
	telemetry_put_target(o, s);
	put_rates(o, v, service);
	if (is_whole) {
		json_object_set_new(o, "counted", telemetry_counted_array(v->box, s));
		json_object_set_new(o, "vectors", vectors);
		json_object_set_new(o, "limits", telemetry_limits_array(v->box, p->name));
		json_object_set_new(o, "reasons", reasons(v->box, service));
	} else {
		json_decref(vectors);
	}
	return o;
}

json_t *
telemetry_services(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	struct telemetry_view v;
	json_t *o, *a;

	(void)ask;
	if (telemetry_view_open(t, &v) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	o = telemetry_document_new(box, &v);
	a = json_array();
	pthread_mutex_lock(&box->lock);
	for (unsigned int i = 0; box->policies != NULL && i < box->policies->n_services;
	     i++) {
		if (box->policies->service[i].name[0] != '\0')
			json_array_append_new(a, telemetry_service_object(&v, i, false));
	}
	pthread_mutex_unlock(&box->lock);
	json_object_set_new(o, "services", a);
	telemetry_view_close(&v);
	return o;
}

json_t *
telemetry_service(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	struct telemetry_view v;
	json_t *o = NULL;
	unsigned int i;

	if (telemetry_view_open(t, &v) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	pthread_mutex_lock(&box->lock);
	for (i = 0; box->policies != NULL && i < box->policies->n_services; i++) {
		if (ask->name[0] == '\0' ||
		    strcmp(box->policies->service[i].name, ask->name) != 0)
			continue;
		o = telemetry_document_new(box, &v);
		telemetry_put_seconds(o, "detection_window_seconds",
		                      (double)DETECT_WINDOW_NS / 1e9);
		json_object_set_new(o, "service", telemetry_service_object(&v, i, true));
		break;
	}
	pthread_mutex_unlock(&box->lock);
	telemetry_view_close(&v);
	errno = ENOENT;
	return o;
}
