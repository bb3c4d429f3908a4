/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking and giving back everything one worker's pipeline owns. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "flow/flow.h"
#include "flow/fragment.h"
#include "flow/source.h"
#include "pipeline/pipeline.h"

static size_t
reason_cells(const struct pipeline_sizes *sizes)
{
	return (size_t)sizes->services * pipeline_reasons();
}

uint64_t
pipeline_memory(const struct pipeline_sizes *sizes)
{
	uint64_t stages = 0;

	for (unsigned int s = 0; s < stage_count; s++)
		if (stage_list[s]->memory != NULL)
			stages += stage_list[s]->memory(sizes->flow_entries);
	return stages + flow_table_bytes(sizes->flow_entries) +
	       source_table_bytes(sizes->source_entries) + fragment_table_bytes() +
	       (uint64_t)sizes->services * VECTOR_SLOTS * sizeof(struct watch_cell) +
	       (2 * reason_cells(sizes) + STAGE_HITS) * sizeof(uint64_t) +
	       aggregate_memory(sizes->addresses, sizes->networks) + CENSUS_BYTES +
	       2 * sizeof(struct talkers_epoch) + sizeof(struct hurt);
}

static int
open_tables(struct pipeline *pl, const struct pipeline_sizes *sizes,
            const struct hash_key *key)
{
	int rc;

	pl->env.flows = calloc(1, sizeof(*pl->env.flows));
	pl->env.sources = calloc(1, sizeof(*pl->env.sources));
	pl->env.fragments =
		aligned_alloc(64, (sizeof(*pl->env.fragments) + 63) / 64 * 64);
	pl->service_reasons = calloc(reason_cells(sizes), sizeof(uint64_t));
	pl->service_would = calloc(reason_cells(sizes), sizeof(uint64_t));
	pl->hits = pl->env.hits = calloc(STAGE_HITS, sizeof(uint64_t));
	if (pl->env.fragments != NULL)
		memset(pl->env.fragments, 0, sizeof(*pl->env.fragments));
	if (pl->env.flows == NULL || pl->env.sources == NULL ||
	    pl->env.fragments == NULL || pl->hits == NULL ||
	    pl->service_reasons == NULL || pl->service_would == NULL)
		return -ENOMEM;

	rc = watch_open(&pl->watch, sizes->services);
	if (rc == 0)
		rc = aggregate_open(&pl->aggregates, sizes->addresses, sizes->networks);
	if (rc == 0)
		rc = census_open(&pl->census, key);
	if (rc == 0) {
		pl->hurt = aligned_alloc(alignof(struct hurt), sizeof(*pl->hurt));
		if (pl->hurt == NULL)
			return -ENOMEM;
		memset(pl->hurt, 0, sizeof(*pl->hurt));
	}
	if (rc == 0)
		rc = talkers_open(&pl->talkers, key);
	if (rc == 0)
		rc = flow_table_open(pl->env.flows, sizes->flow_entries, key);
	if (rc == 0)
		rc = source_table_open(pl->env.sources, sizes->source_entries, key);
	if (rc == 0)
		rc = fragment_table_open(pl->env.fragments, key);
	return rc;
}

/* What a timer ends stands in the same books as what a packet's verdict did. */
static void
count(void *counts, const struct stage_count *what)
{
	struct pipeline *pl = counts;
	uint64_t *ended = &pl->ended[what->service / 64];
	const size_t cell = what->service * (size_t)pipeline_reasons() +
	                    pipeline_reason(what->stage, what->reason);

	counter_set(ended, *ended | UINT64_C(1) << what->service % 64);
	counter_add(what->is_would ? &pl->books.would[what->stage][what->reason]
	                           : &pl->books.decided[what->stage][what->reason],
	            1);
	counter_add(what->is_would ? &pl->service_would[cell]
	                           : &pl->service_reasons[cell],
	            1);
}

int
pipeline_open(struct pipeline *pl, unsigned int worker,
              const struct pipeline_sizes *sizes, const struct stage_common *common,
              struct notices *notices)
{
	int rc;

	memset(pl, 0, sizeof(*pl));
	pl->env.worker = worker;
	pl->env.workers = sizes->workers > 0 ? sizes->workers : 1;
	pl->env.common = common;
	pl->env.notices = notices;
	pl->env.watch = &pl->watch;
	pl->env.aggregates = &pl->aggregates;
	pl->env.count = count;
	pl->env.counts = pl;

	rc = open_tables(pl, sizes, &common->key);
	for (unsigned int s = 0; rc == 0 && s < stage_count; s++)
		if (stage_list[s]->open != NULL)
			rc = stage_list[s]->open(&pl->state[s], &pl->env);
	if (rc < 0)
		pipeline_close(pl);
	return rc;
}

void
pipeline_close(struct pipeline *pl)
{
	for (unsigned int s = 0; s < stage_count; s++)
		if (pl->state[s] != NULL && stage_list[s]->close != NULL)
			stage_list[s]->close(pl->state[s]);
	if (pl->env.sources != NULL)
		source_table_close(pl->env.sources);
	if (pl->env.flows != NULL)
		flow_table_close(pl->env.flows);
	if (pl->env.fragments != NULL)
		fragment_table_close(pl->env.fragments);
	talkers_close(&pl->talkers);
	census_close(&pl->census);
	aggregate_close(&pl->aggregates);
	watch_close(&pl->watch);
	free(pl->service_would);
	free(pl->service_reasons);
	free(pl->hits);
	free(pl->hurt);
	free(pl->env.sources);
	free(pl->env.flows);
	free(pl->env.fragments);
	memset(pl, 0, sizeof(*pl));
}
