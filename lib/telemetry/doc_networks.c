/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_networks - what came to each protected network and address, counted exactly.
 *
 * Counts are those of all workers since the program started; rates are detection's
 * own, of its last window. A network that was planned anew after a reload goes on
 * with the counts of whatever its cells counted before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "prefix/prefix.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

struct row {
	uint32_t cell;
	uint64_t packets, bytes, pps, bits;
	unsigned int state;
};

/* What all workers counted for one network and vector. */
static struct aggregate_count
network_count(const struct box *box, uint32_t cell, unsigned int slot)
{
	struct aggregate_count sum = { 0 };

	for (unsigned int w = 0; w < box->n_workers; w++) {
		const struct pipeline *pl = box->worker[w].pipeline;
		const struct watch_cell *c;

		if (pl == NULL || cell >= pl->aggregates.networks)
			continue;
		c = watch_cell(&pl->aggregates.network, cell, slot);
		sum.packets += counter_read(&c->packets);
		sum.bytes += counter_read(&c->bytes);
	}
	return sum;
}

static struct aggregate_count
address_count(const struct box *box, uint32_t cell, unsigned int slot)
{
	struct aggregate_count sum = { 0 };

	for (unsigned int w = 0; w < box->n_workers; w++) {
		const struct pipeline *pl = box->worker[w].pipeline;
		const struct aggregate_count *c;

		if (pl == NULL || cell >= pl->aggregates.addresses)
			continue;
		c = &pl->aggregates.address[cell].vector[slot];
		sum.packets += counter_read(&c->packets);
		sum.bytes += counter_read(&c->bytes);
	}
	return sum;
}

static void
read_rates(const struct box *box, uint32_t cell, unsigned int slot,
           struct detect_rates *r)
{
	memset(r, 0, sizeof(*r));
	if (box->detect != NULL)
		detect_read_network(box->detect, cell, slot, r);
}

static struct row
row_of(const struct box *box, uint32_t cell)
{
	struct row row = { .cell = cell };

	for (unsigned int slot = 0; slot < VECTOR_COUNT; slot++) {
		const struct aggregate_count c = network_count(box, cell, slot);
		struct detect_rates r;

		read_rates(box, cell, slot, &r);
		row.packets += c.packets;
		row.bytes += c.bytes;
		row.pps += r.pps;
		row.bits += r.bits;
		if (r.state > row.state && r.state <= DETECT_ACTIVE)
			row.state = (unsigned int)r.state;
	}
	return row;
}

static int
order(uint64_t x, uint64_t y, uint64_t then_x, uint64_t then_y)
{
	if (x != y)
		return x > y ? -1 : 1;
	return then_x != then_y ? (then_x > then_y ? -1 : 1) : 0;
}

static int
by_packets(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int is = order(x->pps, y->pps, x->packets, y->packets);

	return is != 0 ? is : (x->cell > y->cell) - (x->cell < y->cell);
}

static int
by_bits(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int is = order(x->bits, y->bits, x->bytes, y->bytes);

	return is != 0 ? is : (x->cell > y->cell) - (x->cell < y->cell);
}

/* Every vector that ever came, with its limit where there is one. */
static json_t *
vectors(const struct box *box, const struct aggregate_network *n, uint32_t cell)
{
	json_t *all = json_array();

	for (unsigned int slot = 0; slot < VECTOR_COUNT; slot++) {
		const struct aggregate_count c = network_count(box, cell, slot);
		struct detect_rates r;
		json_t *o;

		if (c.packets == 0)
			continue;
		read_rates(box, cell, slot, &r);
		o = json_object();
		telemetry_put_text(o, "vector", vector_info[slot].name);
		telemetry_put_count(o, "packets", c.packets);
		telemetry_put_count(o, "bytes", c.bytes);
		telemetry_put_count(o, "packets_per_second", r.pps);
		telemetry_put_count(o, "bits_per_second", r.bits);
		json_object_set_new(o, "network_rate",
		                    n->rule == NULL ? json_null()
		                                    : telemetry_limit_object(
							      &n->rule[slot].activate));
		json_array_append_new(all, o);
	}
	return all;
}

static void
put_prefix(json_t *o, const char *key, const struct aggregate_span *span, uint32_t cell)
{
	struct prefix prefix;
	char text[PREFIX_TEXT];

	prefix.len = aggregate_part(span, cell, prefix.address);
	prefix_format(&prefix, text);
	telemetry_put_text(o, key, text);
}

static json_t *
entry(const struct box *box, const struct aggregate_span *span, const struct row *row)
{
	static const char *const state_names[] = { "quiet", "alarm", "active" };
	const struct policies *p = box->policies;
	const struct aggregate_network *n = &p->plan->network[row->cell];
	json_t *o = json_object();

	put_prefix(o, "network", span, row->cell);
	telemetry_put_text(o, "service", p->service[n->service].name);
	telemetry_put_text(o, "state", state_names[row->state]);
	telemetry_put_count(o, "packets", row->packets);
	telemetry_put_count(o, "bytes", row->bytes);
	telemetry_put_count(o, "packets_per_second", row->pps);
	telemetry_put_count(o, "bits_per_second", row->bits);
	json_object_set_new(o, "vectors", vectors(box, n, row->cell));
	return o;
}

/* Under box->lock. Returns the rows of all networks, or NULL; free() it. */
static struct row *
gather(const struct box *box, size_t *n)
{
	const struct aggregate_plan *plan = box->policies->plan;
	struct row *row = calloc((size_t)plan->networks + 1, sizeof(*row));

	*n = 0;
	for (uint32_t i = 0; row != NULL && i < plan->network_spans; i++) {
		const struct aggregate_span *span = &plan->network_span[i];

		for (uint32_t k = 0; span->first != 0 && k < span->count; k++)
			row[(*n)++] = row_of(box, span->first + k);
	}
	return row;
}

json_t *
telemetry_networks(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	json_t *o = telemetry_document_new(box, NULL), *list = json_array();
	struct row *row = NULL;
	size_t n = 0;

	pthread_mutex_lock(&box->lock);
	if (box->policies != NULL && box->policies->plan != NULL) {
		const struct aggregate_plan *plan = box->policies->plan;

		row = gather(box, &n);
		if (row != NULL)
			qsort(row, n, sizeof(*row), ask->by_bits ? by_bits : by_packets);
		for (size_t i = 0; row != NULL && i < n && i < ask->limit; i++)
			json_array_append_new(
				list,
				entry(box,
			              aggregate_span_of(plan->network_span,
			                                plan->network_spans, row[i].cell),
			              &row[i]));
	}
	pthread_mutex_unlock(&box->lock);
	free(row);
	telemetry_put_seconds(o, "detection_window_seconds",
	                      (double)DETECT_WINDOW_NS / 1e9);
	telemetry_put_text(o, "metric", ask->by_bits ? "bits" : "packets");
	telemetry_put_bool(o, "estimated", false);
	telemetry_put_count(o, "counted", n);
	json_object_set_new(o, "networks", list);
	return o;
}

/* What the address received, of each vector that ever came. */
static json_t *
received(const struct box *box, uint32_t cell)
{
	json_t *all = json_array();

	for (unsigned int slot = 0; slot < VECTOR_COUNT; slot++) {
		const struct aggregate_count c = address_count(box, cell, slot);
		json_t *o;

		if (c.packets == 0)
			continue;
		o = json_object();
		telemetry_put_text(o, "vector", vector_info[slot].name);
		telemetry_put_count(o, "packets", c.packets);
		telemetry_put_count(o, "bytes", c.bytes);
		json_array_append_new(all, o);
	}
	return all;
}

json_t *
telemetry_received_object(const struct box *box, const uint8_t address[16])
{
	const struct aggregate_plan *plan;
	struct policy_cells at;
	json_t *o;

	if (box->policies == NULL || box->policies->plan == NULL ||
	    !policy_find_cells(box->policies, address, &at))
		return json_null();
	plan = box->policies->plan;
	o = json_object();
	if (at.network != 0)
		put_prefix(o, "network",
		           aggregate_span_of(plan->network_span, plan->network_spans,
		                             at.network),
		           at.network);
	else
		json_object_set_new(o, "network", json_null());
	if (at.address != 0) {
		put_prefix(o, "counted_as",
		           aggregate_span_of(plan->address_span, plan->address_spans,
		                             at.address),
		           at.address);
		json_object_set_new(o, "vectors", received(box, at.address));
	} else {
		json_object_set_new(o, "counted_as", json_null());
	}
	return o;
}

json_t *
telemetry_sent_object(const struct box *box, const uint8_t address[16])
{
	double packets = 0, error = 0, length = 0;
	json_t *o;

	for (unsigned int w = 0; w < box->n_workers; w++) {
		struct talkers_estimate e;

		if (box->worker[w].pipeline == NULL)
			continue;
		e = talkers_estimate(&box->worker[w].pipeline->talkers, address);
		if (e.length_ns == 0)
			continue;
		length = (double)e.length_ns / 1e9;
		packets += (double)e.packets / length;
		error += (double)e.error / length;
	}
	if (length == 0)
		return json_null();
	o = json_object();
	telemetry_put_seconds(o, "window_seconds", length);
	telemetry_put_count(o, "packets_per_second_at_most", (uint64_t)(packets + 0.5));
	telemetry_put_count(o, "mean_error_packets_per_second", (uint64_t)(error + 0.5));
	telemetry_put_count(o, "sampled_one_in", telemetry_sampled_one_in(box));
	telemetry_put_bool(o, "estimated", true);
	return o;
}

json_t *
telemetry_counted_array(const struct box *box, const struct service *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->prefixes.count; i++) {
		struct policy_cells at = { 0 };
		char text[CONF_PREFIX_TEXT];
		json_t *o = json_object();

		conf_format_prefix(&s->prefixes.prefix[i], text);
		if (box->policies->plan != NULL)
			policy_find_cells(box->policies, s->prefixes.prefix[i].address,
			                  &at);
		telemetry_put_text(o, "prefix", text);
		telemetry_put_text(o, "by",
		                   at.address != 0   ? "address"
		                   : at.network != 0 ? "network"
		                                     : "service");
		json_array_append_new(all, o);
	}
	return all;
}
