/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_live - what a dashboard draws once a second, in one small document.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/counter.h"
#include "telemetry/load.h"
#include "telemetry/own.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

/* What only the modes spared, over all reasons; a packet has one at most. */
static uint64_t
would(const struct telemetry_view *v)
{
	uint64_t grown = 0;

	for (unsigned int i = 0; i <= stage_count; i++) {
		for (unsigned int r = 0; r < STAGE_MAX_REASONS; r++)
			grown += v->now->would[i][r] - v->base->would[i][r];
	}
	return telemetry_per_second(grown, v->window_ns);
}

static json_t *
total(const struct telemetry_view *v)
{
	struct books now, base;
	json_t *whole, *rates;

	telemetry_books_total(v->box, v->now, &now);
	telemetry_books_total(v->box, v->base, &base);
	whole = telemetry_books_object(&now, &base, v->window_ns);
	rates = json_incref(json_object_get(whole, "rates"));
	json_decref(whole);
	telemetry_put_count(rates, "would_packets_per_second", would(v));
	return rates;
}

/* Only reasons that stop or would stop packets in this window. */
static json_t *
reasons(const struct telemetry_view *v)
{
	json_t *used = telemetry_reasons_array(v, true), *out = json_array(), *reason;
	size_t i;

	json_array_foreach(used, i, reason)
	{
		json_t *o;

		if (json_integer_value(json_object_get(reason, "packets_per_second")) ==
		            0 &&
		    json_integer_value(
			    json_object_get(reason, "would_packets_per_second")) == 0)
			continue;
		o = json_object();
		json_object_set(o, "reason", json_object_get(reason, "reason"));
		json_object_set(o, "packets_per_second",
		                json_object_get(reason, "packets_per_second"));
		json_object_set(o, "would_packets_per_second",
		                json_object_get(reason, "would_packets_per_second"));
		json_array_append_new(out, o);
	}
	json_decref(used);
	return out;
}

/* What came from one side (enum side) over all links, and what became of it. */
static json_t *
one_way(const struct telemetry_view *v, unsigned int side)
{
	struct books now = { 0 }, base = { 0 };
	json_t *whole, *rates;

	for (unsigned int link = 0; link < v->box->n_links; link++) {
		telemetry_books_add(&now, &v->now->books[link][side]);
		telemetry_books_add(&base, &v->base->books[link][side]);
	}
	whole = telemetry_books_object(&now, &base, v->window_ns);
	rates = json_incref(json_object_get(whole, "rates"));
	json_decref(whole);
	return rates;
}

/* What decides who stays when there are more services than are wanted. */
struct candidate {
	uint64_t state, received;
	unsigned int service;
};

static int
by_need(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->state != y->state)
		return (x->state < y->state) - (x->state > y->state);
	if (x->received != y->received)
		return (x->received < y->received) - (x->received > y->received);
	return (x->service > y->service) - (x->service < y->service);
}

static int
by_number(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (x->service > y->service) - (x->service < y->service);
}

static uint64_t
worst_state(const struct box *box, unsigned int service)
{
	uint64_t worst = DETECT_QUIET;

	for (unsigned int slot = 0; box->detect != NULL && slot < VECTOR_COUNT; slot++) {
		struct detect_rates r;

		detect_read_rates(box->detect, service, slot, &r);
		worst = r.state > worst ? r.state : worst;
	}
	return worst;
}

/* All services in use; when they are more than `most`, those in trouble and the busiest. */
static size_t
choose(const struct telemetry_view *v, size_t most, struct candidate *c, size_t *in_all)
{
	size_t n = 0;

	for (unsigned int i = 0; i < v->box->policies->n_services; i++) {
		if (v->box->policies->service[i].name[0] == '\0')
			continue;
		c[n++] =
			(struct candidate){ .service = i,
			                    .received = v->now->service[i].received[0] -
			                                v->base->service[i].received[0] };
	}
	*in_all = n;
	if (n <= most)
		return n;
	for (size_t i = 0; i < n; i++)
		c[i].state = worst_state(v->box, c[i].service);
	qsort(c, n, sizeof(*c), by_need);
	qsort(c, most, sizeof(*c), by_number);
	return most;
}

/* Under box->lock. */
static void
put_services(json_t *o, const struct telemetry_view *v, size_t most)
{
	static const char *const keys[] = { "name", "mode", "state", "headroom_ratio",
		                            "rates" };
	struct candidate *c = calloc(v->box->policies->n_services + 1, sizeof(*c));
	json_t *out = json_array();
	size_t in_all = 0;
	const size_t n = c != NULL ? choose(v, most, c, &in_all) : 0;

	for (size_t i = 0; i < n; i++) {
		json_t *whole = telemetry_service_object(v, c[i].service, false);
		json_t *one = json_object();

		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
			json_object_set(one, keys[k], json_object_get(whole, keys[k]));
		json_decref(whole);
		json_array_append_new(out, one);
	}
	free(c);
	telemetry_put_count(o, "services_total", in_all);
	json_object_set_new(o, "services", out);
}

static json_t *
attacks(const struct box *box)
{
	size_t n;
	struct detect_attack *a = telemetry_attacks_copy(box, &n);
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++) {
		if (a[i].state == DETECT_ACTIVE)
			json_array_append_new(out, telemetry_attack_object(box, &a[i]));
	}
	free(a);
	return out;
}

static json_t *
health(const struct telemetry_view *v)
{
	double busiest = 0;
	uint64_t missed = 0;
	json_t *o = json_object();

	for (unsigned int i = 0; i < v->box->n_workers; i++) {
		const double ratio = telemetry_load(v, i).busy_ratio;

		busiest = ratio > busiest ? ratio : busiest;
	}
	for (unsigned int i = 0; i < 2 * v->box->n_links; i++)
		missed += v->now->link[i / 2].port[i & 1].missed -
		          v->base->link[i / 2].port[i & 1].missed;
	telemetry_put_ratio(o, "worker_busy_max_ratio", busiest);
	telemetry_put_count(o, "missed_packets_per_second",
	                    telemetry_per_second(missed, v->window_ns));
	return o;
}

json_t *
telemetry_live(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	struct telemetry_view v;
	json_t *o;

	if (telemetry_view_open(t, &v) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	o = telemetry_document_new(box, &v);
	telemetry_put_count(o, "seq", v.number);
	telemetry_put_count(o, "events_seq", counter_read(&telemetry_own(t)->events_seq));
	telemetry_put_text(o, "node", box->node);
	telemetry_put_bool(o, "bypass", box_is_bypassed(box));
	pthread_mutex_lock(&box->lock);
	telemetry_put_text(o, "mode", telemetry_mode_of_box(box->policies));
	if (box->policies != NULL) {
		telemetry_put_text(o, "config_sha256", box->policies->sha256);
		put_services(o, &v, ask->has_limit ? ask->limit : SERVICE_MAX);
	}
	pthread_mutex_unlock(&box->lock);
	json_object_set_new(o, "total", total(&v));
	json_object_set_new(o, "inbound", one_way(&v, 0));
	json_object_set_new(o, "outbound", one_way(&v, 1));
	json_object_set_new(o, "customers", telemetry_customers_object(&v));
	json_object_set_new(o, "reasons", reasons(&v));
	json_object_set_new(o, "attacks", attacks(box));
	json_object_set_new(o, "box", health(&v));
	telemetry_view_close(&v);
	return o;
}
