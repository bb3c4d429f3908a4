/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * micro_flow - the table of flows against rte_hash, with keys of one size and the same load.
 *
 * Both hash the key themselves within the measured call. rte_hash only returns
 * where the key is; our table also updates when it was last seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_hash.h>

#include "flow/flow.h"
#include "flow/table.h"
#include "micro.h"
#include "traffic.h"

#define BATCHES        20000
#define QUICK_BATCHES  4000
#define REFERENCE_MOST 20000000 /* its keys would not fit into hugepages beyond */
#define NOW_TICK       1
#define ABSENT         (UINT64_C(1) << 40) /* keys from here on are in no table */

struct flows {
	struct table table;
	struct hash_key key;
	struct table_batch batch;
	struct rte_hash *hash;
	uint64_t keys;
	uint32_t slot[MICRO_BATCH];
	int32_t position[MICRO_BATCH];
};

/* The key of flow `k`, as a connection of traffic.h would have it. */
static void
write_key(uint8_t to[TABLE_KEY], uint64_t k)
{
	struct flow_key key = { .inside = { [10] = 0xff, 0xff, 203, 0, 113, 10 },
		                .inside_port = TRAFFIC_PORT,
		                .outside_port = (uint16_t)(k >> 20),
		                .proto = 6 };

	frame_source(false, (uint32_t)(k & (TRAFFIC_CUSTOMERS - 1)), key.outside);
	key.inner_vlan = (uint16_t)(k >> 36);
	memcpy(to, &key, TABLE_KEY);
}

static void
make_present(void *state, uint64_t n)
{
	struct flows *f = state;

	for (unsigned int i = 0; i < MICRO_BATCH; i++) {
		uint64_t r = frame_random(n * MICRO_BATCH + i);

		write_key(f->batch.key[i], (r & UINT32_MAX) * f->keys >> 32);
	}
}

static void
make_absent(void *state, uint64_t n)
{
	struct flows *f = state;

	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		write_key(f->batch.key[i],
		          ABSENT + (frame_random(n * MICRO_BATCH + i) & UINT32_MAX));
}

static unsigned int
find(void *state)
{
	struct flows *f = state;
	unsigned int found = 0;

	table_hash_bulk(&f->batch, &f->key, UINT64_MAX);
	table_find_bulk(&f->table, &f->batch, UINT64_MAX, NOW_TICK, f->slot);
	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		found += f->slot[i] != TABLE_NONE;
	return found;
}

static unsigned int
find_reference(void *state)
{
	struct flows *f = state;
	const void *key[MICRO_BATCH];
	unsigned int found = 0;

	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		key[i] = f->batch.key[i];
	if (rte_hash_lookup_bulk(f->hash, key, MICRO_BATCH, f->position) != 0)
		return 0;
	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		found += f->position[i] >= 0;
	return found;
}

/* Insert keys 0..keys - 1 as what is proven; returns core cycles a key. */
static double
insert_all(struct flows *f)
{
	struct micro_sum sum = { 0 };

	for (uint64_t first = 0; first < f->keys; first += MICRO_BATCH) {
		unsigned int n = f->keys - first < MICRO_BATCH
		                         ? (unsigned int)(f->keys - first)
		                         : MICRO_BATCH;
		uint64_t lanes = lanes_first(n), start;

		for (unsigned int i = 0; i < n; i++)
			write_key(f->batch.key[i], first + i);
		start = rte_rdtsc();
		table_hash_bulk(&f->batch, &f->key, lanes);
		table_ask_bulk(&f->table, &f->batch, lanes, NOW_TICK);
		for (unsigned int i = 0; i < n; i++)
			table_insert(&f->table, f->batch.hash[i], f->batch.key[i],
			             TABLE_EARNED, NOW_TICK);
		micro_add(&sum, rte_rdtsc() - start, n);
	}
	return micro_cycles(&sum);
}

static double
insert_reference(struct flows *f)
{
	struct micro_sum sum = { 0 };

	for (uint64_t first = 0; first < f->keys; first += MICRO_BATCH) {
		uint64_t start;

		for (unsigned int i = 0; i < MICRO_BATCH; i++)
			write_key(f->batch.key[i], first + i);
		start = rte_rdtsc();
		for (unsigned int i = 0; i < MICRO_BATCH && first + i < f->keys; i++)
			rte_hash_add_key(f->hash, f->batch.key[i]);
		micro_add(&sum, rte_rdtsc() - start, MICRO_BATCH);
	}
	return micro_cycles(&sum);
}

static bool
tell_inserts(struct flows *f, const struct micro *m)
{
	struct micro_row row = {
		.micro = m->name,
		.item = "insert",
		.reference = { .name = f->hash != NULL ? "rte_hash_add_key" : NULL }
	};
	double ours = insert_all(f), theirs = 0;

	if (f->hash != NULL)
		theirs = insert_reference(f);
	micro_tell_once(&row, ours, theirs);
	if ((double)f->table.used[TABLE_EARNED] >= 0.98 * (double)f->keys)
		return true;
	fprintf(stderr, "benchmark: the table holds less than 98 of 100 keys\n");
	return false;
}

static bool
tell_lookups(struct flows *f, const struct job *job, const struct micro *m)
{
	const char *reference = f->hash != NULL ? "rte_hash_lookup_bulk" : NULL;
	struct micro_row row = { .micro = m->name,
		                 .item = "hit",
		                 .good = 1,
		                 .batches = job->runs < 5 ? QUICK_BATCHES : BATCHES };

	row.ours = (struct micro_case){ "table_find_bulk", f, make_present, find };
	row.reference = (struct micro_case){ reference, f, make_present, find_reference };
	if (!micro_tell(job, &row))
		return false;
	row.item = "miss";
	row.good = 0;
	row.ours.make = row.reference.make = make_absent;
	return micro_tell(job, &row);
}

/* As many slots, and so the same load. */
static void
open_reference(struct flows *f, const struct job *job, const struct micro *m)
{
	const struct rte_hash_parameters want = {
		.name = "flows",
		.entries = (uint32_t)table_slots(f->keys * 8 / 5),
		.key_len = TABLE_KEY,
	};

	if (f->keys > REFERENCE_MOST) {
		micro_skip(m->name, "rte_hash",
		           "its keys would need more hugepages than there are");
		return;
	}
	f->hash = job->has_hugepages ? rte_hash_create(&want) : NULL;
	if (f->hash == NULL)
		micro_skip(m->name, "rte_hash", "there are not enough hugepages for it");
}

int
micro_flow(const struct job *job, const struct micro *m)
{
	static struct flows f;
	uint64_t entries = m->size > REFERENCE_MOST ? m->size : m->size * 8 / 5;
	bool is_good;

	f.keys = m->size;
	if (!job_has_memory(table_bytes(entries, sizeof(struct flow)), m->name))
		return JOB_CANNOT;
	if (!job_start_eal(job))
		return 1;
	hash_key_seeded(&f.key, 1);
	if (table_open(&f.table, entries, sizeof(struct flow)) != 0) {
		fprintf(stderr, "%s: there is no memory for the table\n", m->name);
		return JOB_CANNOT;
	}
	table_set_idle(&f.table, TABLE_EARNED, TABLE_MAX_IDLE_NS);
	open_reference(&f, job, m);
	is_good = tell_inserts(&f, m) && tell_lookups(&f, job, m);
	rte_hash_free(f.hash);
	table_close(&f.table);
	return is_good ? 0 : 1;
}
