/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_top - who sends or receives most, merged over workers.
 *
 * Each worker keeps an estimate of its own (sketch/talkers); an address that
 * reaches several workers is added up, and so is what may be too much of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

#define PER_WORKER 1024

struct merged {
	struct talker talker;
	double packets, bits, error; /* a second */
};

static int
by_address(const void *a, const void *b)
{
	return memcmp(((const struct merged *)a)->talker.address,
	              ((const struct merged *)b)->talker.address, 16);
}

static int
by_packets(const void *a, const void *b)
{
	const double x = ((const struct merged *)a)->packets;
	const double y = ((const struct merged *)b)->packets;

	return x != y ? (x < y) - (x > y) : by_address(a, b);
}

static int
by_bits(const void *a, const void *b)
{
	const double x = ((const struct merged *)a)->bits;
	const double y = ((const struct merged *)b)->bits;

	return x != y ? (x < y) - (x > y) : by_address(a, b);
}

/* Read every worker's largest into `all`, as rates. Returns how many. */
static size_t
gather(const struct box *box, const struct telemetry_ask *ask, struct merged *all,
       struct talker *room)
{
	const enum talkers_table which =
		ask->by_destinations ? TALKERS_DESTINATIONS : TALKERS_SOURCES;
	size_t n = 0;

	for (unsigned int w = 0; w < box->n_workers; w++) {
		uint64_t length_ns = 0;
		size_t got;

		if (box->worker[w].pipeline == NULL)
			continue;
		got = talkers_read(&box->worker[w].pipeline->talkers, which, ask->by_bits,
		                   room, PER_WORKER, &length_ns);
		for (size_t i = 0; i < got && length_ns > 0; i++) {
			const double per_second = 1e9 / (double)length_ns;

			all[n].talker = room[i];
			all[n].packets = (double)room[i].packets * per_second;
			all[n].bits = 8 * (double)room[i].bytes * per_second;
			all[n++].error = (double)room[i].error * per_second;
		}
	}
	return n;
}

/* Add up what several workers told of one address. Returns how many are left. */
static size_t
merge(struct merged *all, size_t n)
{
	size_t left = 0;

	qsort(all, n, sizeof(*all), by_address);
	for (size_t i = 0; i < n; i++) {
		if (left > 0 && by_address(&all[left - 1], &all[i]) == 0) {
			all[left - 1].packets += all[i].packets;
			all[left - 1].bits += all[i].bits;
			all[left - 1].error += all[i].error;
		} else {
			all[left++] = all[i];
		}
	}
	return left;
}

static json_t *
entry(const struct merged *m)
{
	json_t *o = json_object();

	telemetry_put_address(o, "address", m->talker.address);
	telemetry_put_count(o, "packets_per_second", (uint64_t)(m->packets + 0.5));
	telemetry_put_count(o, "bits_per_second", (uint64_t)(m->bits + 0.5));
	telemetry_put_count(o, "error_packets_per_second", (uint64_t)(m->error + 0.5));
	return o;
}

uint32_t
telemetry_sampled_one_in(const struct box *box)
{
	uint32_t most = TALKERS_SAMPLE;

	for (unsigned int w = 0; w < box->n_workers; w++) {
		const struct pipeline *pl = box->worker[w].pipeline;
		const uint32_t one_in = pl == NULL ? 0 : talkers_one_in(&pl->talkers);

		most = one_in > most ? one_in : most;
	}
	return most;
}

json_t *
telemetry_top(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	const size_t most =
		(size_t)(box->n_workers > 0 ? box->n_workers : 1) * PER_WORKER;
	struct merged *all = calloc(most, sizeof(*all));
	struct talker *room = calloc(PER_WORKER, sizeof(*room));
	json_t *o = NULL, *list = json_array();
	size_t n;

	if (all == NULL || room == NULL) {
		json_decref(list);
		goto out;
	}
	n = merge(all, gather(box, ask, all, room));
	qsort(all, n, sizeof(*all), ask->by_bits ? by_bits : by_packets);
	for (size_t i = 0; i < n && i < ask->limit; i++)
		json_array_append_new(list, entry(&all[i]));

	o = telemetry_document_new(box, NULL);
	telemetry_put_seconds(o, "window_seconds", (double)TALKERS_EPOCH_NS / 1e9);
	telemetry_put_text(o, "by", ask->by_destinations ? "destinations" : "sources");
	telemetry_put_text(o, "metric", ask->by_bits ? "bits" : "packets");
	telemetry_put_bool(o, "estimated", true);
	telemetry_put_count(o, "sampled_one_in", telemetry_sampled_one_in(box));
	json_object_set_new(o, "top", list);
out:
	free(all);
	free(room);
	errno = ENOMEM;
	return o;
}
