/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_rcu_qsbr.h>

#include "change.h"
#include "flow/table.h"
#include "keys.h"
#include "lists.h"
#include "policy/list_set.h"

struct pipeline_sizes
engine_sizes(const struct settings *s)
{
	return (struct pipeline_sizes){ .flow_entries = s->flow_entries,
		                        .source_entries = s->source_entries,
		                        .services = SERVICE_MAX,
		                        .addresses = s->addresses,
		                        .networks = s->networks };
}

struct evidence_settings
engine_evidence(const struct settings *s)
{
	struct evidence_settings e = { .rate = s->samples_rate,
		                       .snap = s->samples_whole ? UINT16_MAX : 128,
		                       .files = s->samples_files,
		                       .file_size = s->samples_file_size };

	snprintf(e.folder, sizeof(e.folder), "%s", s->samples_folder);
	return e;
}

static int
open_evidence(struct engine *e)
{
	const struct evidence_settings settings = engine_evidence(e->settings);

	e->evidence = evidence_open(e->n_workers, &settings);
	e->box.evidence = e->evidence;
	for (unsigned int i = 0; e->evidence != NULL && i < e->n_workers; i++)
		worker_watch(&e->worker[i], evidence_eye(e->evidence, i));
	return e->evidence == NULL ? -ENOMEM : 0;
}

static int
open_workers(struct engine *e, struct conf_errors *errors)
{
	struct pipeline_sizes sizes = engine_sizes(e->settings);

	sizes.workers = e->n_workers;
	e->worker = aligned_alloc(64, e->n_workers * sizeof(*e->worker));
	e->box.worker = aligned_alloc(64, e->n_workers * sizeof(*e->box.worker));
	if (e->worker == NULL || e->box.worker == NULL) {
		e->n_workers = 0;
		return -ENOMEM;
	}
	memset(e->box.worker, 0, e->n_workers * sizeof(*e->box.worker));
	for (unsigned int i = 0; i < e->n_workers; i++) {
		int rc = worker_open(&e->worker[i], i, &sizes, &e->common);

		if (rc < 0) {
			conf_fail(errors, NULL,
			          "the tables of worker %u need %" PRIu64
			          " MiB and the machine has not that much left: lower "
			          "dataplane.flow_entries or dataplane.source_entries",
			          i, pipeline_memory(&sizes) >> 20);
			e->n_workers = i;
			return rc;
		}
		e->worker[i].shown = &e->box.worker[i];
		e->box.worker[i].pipeline = &e->worker[i].pipeline;
		e->box.worker[i].lcore = -1;
	}
	e->box.n_workers = e->n_workers;
	return 0;
}

static int
open_detect(struct engine *e)
{
	struct watch *watches[DETECT_WORKERS];
	struct aggregates *aggregates[DETECT_WORKERS];
	struct census *census[DETECT_WORKERS];

	for (unsigned int i = 0; i < e->n_workers; i++) {
		watches[i] = &e->worker[i].pipeline.watch;
		aggregates[i] = &e->worker[i].pipeline.aggregates;
		census[i] = &e->worker[i].pipeline.census;
	}
	e->detect = detect_open(watches, e->n_workers);
	e->box.detect = e->detect;
	return e->detect == NULL ? -ENOMEM
	                         : detect_add_networks(e->detect, aggregates, census);
}

static int
open_rcu(struct engine *e)
{
	unsigned int readers = e->n_workers + 1;
	size_t size = rte_rcu_qsbr_get_memsize(readers);

	e->rcu = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP(size));
	if (e->rcu == NULL)
		return -ENOMEM;
	rte_rcu_qsbr_init(e->rcu, readers);
	for (unsigned int i = 0; i < readers; i++)
		rte_rcu_qsbr_thread_register(e->rcu, i);
	return 0;
}

/* The lists come first: no packet is judged without them. */
static int
build_first(struct engine *e, bool has_state, struct policies **out,
            struct conf_errors *errors)
{
	struct policy_overrides *over = calloc(1, sizeof(*over));
	int rc = over == NULL ? -ENOMEM : lists_open(e, has_state, errors);

	if (rc == 0) {
		over->lists = e->list_set;
		over->mode_all = -1;
		memset(over->mode, 0xff, sizeof(over->mode));
		rc = policy_build(e->settings, NULL, over, out, errors);
	}
	free(over);
	return rc;
}

/* The worker clock starts about now; control says it more exactly later on. */
static void
start_wall_clock(struct engine *e)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	e->common.wall_ns =
		(uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

int
engine_open(struct engine *e, struct settings *settings, unsigned int n_workers,
            const uint64_t *seed, struct conf_errors *errors)
{
	struct policies *first;
	int rc;

	memset(e, 0, sizeof(*e));
	e->settings = settings;
	e->n_workers = n_workers;
	e->mode_all = -1;
	memset(e->mode, 0xff, sizeof(e->mode));
	pthread_mutex_init(&e->box.lock, NULL);
	pthread_mutex_init(&e->change_lock, NULL);
	pthread_mutex_init(&e->reload_lock, NULL);
	pthread_mutex_init(&e->ask_lock, NULL);

	e->common.is_ingress = settings->ingress != 0;
	if (seed == NULL)
		start_wall_clock(e);
	rc = keys_open(&e->common, settings, seed, errors);
	if (rc == 0)
		rc = build_first(e, seed == NULL, &first, errors);
	if (rc == 0) {
		atomic_store(&e->policies, first);
		rc = open_workers(e, errors);
	} else {
		e->n_workers = 0;
	}
	if (rc == 0)
		rc = open_evidence(e);
	if (rc == 0)
		rc = open_detect(e);
	if (rc == 0)
		rc = open_rcu(e);
	if (rc < 0) {
		engine_close(e);
		return rc;
	}
	change_attach(e);
	lists_attach(e);
	return 0;
}

void
engine_close(struct engine *e)
{
	lists_close(e->lists);
	free(e->rcu);
	detect_close(e->detect);
	for (unsigned int i = 0; i < e->n_workers; i++)
		worker_close(&e->worker[i]);
	evidence_close(e->evidence);
	free(e->worker);
	free(e->box.worker);
	if (e->retired != NULL)
		policy_free(e->retired);
	if (atomic_load(&e->policies) != NULL)
		policy_free(atomic_load(&e->policies));
	filters_free(&e->filters);
	list_set_release(e->list_set);
	free(e->block);
	if (e->settings != NULL)
		settings_free(e->settings);
	memset(e, 0, sizeof(*e));
}

void
engine_quiescent(struct engine *e, unsigned int id)
{
	rte_rcu_qsbr_quiescent(e->rcu, id);
}

void
engine_offline(struct engine *e, unsigned int id)
{
	rte_rcu_qsbr_thread_offline(e->rcu, id);
}

void
engine_online(struct engine *e, unsigned int id)
{
	rte_rcu_qsbr_thread_online(e->rcu, id);
}

void
engine_tick(struct engine *e, uint64_t now_ns)
{
	detect_tick(e->detect, engine_policies(e), now_ns);
}

bool
engine_next_notice(struct engine *e, struct notice *out)
{
	for (unsigned int i = 0; i < e->n_workers; i++)
		if (notices_take(&e->worker[i].notices, out))
			return true;
	return false;
}
