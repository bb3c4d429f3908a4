/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * engine - the judging half of Tidegate: workers, snapshot, detection.
 *
 * It knows no port and no clock: run.c (live) and replay.c bring bursts and
 * time. The snapshot in force is one pointer; workers and the control core load
 * it once per burst or tick and report a quiescent state afterwards, so an old
 * one is freed when nobody can still look at it (rte_rcu_qsbr).
 *
 * Threads engine_tick: control core. Everything that changes the snapshot
 * (change.h): any ordinary thread, one at a time.
 */
#ifndef TIDEGATED_ENGINE_H
#define TIDEGATED_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "change.h"
#include "filters.h"
#include "hash/hash.h"
#include "policy/settings.h"
#include "telemetry/box.h"
#include "worker.h"

struct evidence;
struct list_set;
struct lists;
struct rte_rcu_qsbr;

#define ENGINE_BLOCKS_MAX 65536

struct engine {
	struct settings *settings;           /* in force; under box.lock */
	_Atomic(struct policies *) policies; /* in force */
	struct stage_common common;
	unsigned int n_workers;
	struct worker *worker;
	struct detect *detect;
	struct evidence *evidence;
	struct telemetry_witness *witness; /* who names what it notes */
	struct box box;                    /* what telemetry and API see */

	/* Readers are workers 0..n_workers - 1 and the control core, n_workers. */
	struct rte_rcu_qsbr *rcu;

	/* Taken before change_lock by who reads files for a change. */
	pthread_mutex_t reload_lock;

	/* Set before other threads run and after they ended; each part may be NULL. */
	struct change_ear ear;

	/* Under change_lock: what is added to the file until it is taken back. */
	pthread_mutex_t change_lock;
	struct policies *retired; /* waits for `token`; NULL: nothing does */
	uint64_t token;
	struct list_set *list_set; /* held; NULL: the settings alone say what is listed */
	bool is_stale; /* something ended, and the snapshot in force does not know yet */
	struct filters filters; /* made through the API */
	struct policy_block *block;
	size_t blocks;
	int mode_all;
	int mode[SERVICE_MAX];
	uint64_t mode_all_until_ns, mode_until_ns[SERVICE_MAX], bypass_until_ns;

	struct lists *lists;

	pthread_mutex_t ask_lock;
	uint64_t (*clock)(void); /* ns of the worker clock */
};

/*
 * Open everything for `n_workers`. The engine owns `settings` from now on, also
 * when it fails. `seed` NULL draws or reads what must stay secret (keys.h); replay gives
 * one. Returns 0, perhaps with warnings; -EINVAL with errors; -ENOMEM with an error that
 * says what was wanted.
 */
int engine_open(struct engine *e, struct settings *settings, unsigned int n_workers,
                const uint64_t *seed, struct conf_errors *errors);
void engine_close(struct engine *e);

/* The snapshot to judge the next burst by. */
static inline const struct policies *
engine_policies(struct engine *e)
{
	return atomic_load_explicit(&e->policies, memory_order_acquire);
}

/* Reader `id` holds no snapshot at this moment. Cheap; once per turn. */
void engine_quiescent(struct engine *e, unsigned int id);
/* Around every sleep, so that nobody waits for a sleeper. */
void engine_offline(struct engine *e, unsigned int id);
void engine_online(struct engine *e, unsigned int id);

/* One tick of the control core, every DETECT_TICK_NS. */
void engine_tick(struct engine *e, uint64_t now_ns);

/* Take the next notice of any worker. Returns false when there is none. */
bool engine_next_notice(struct engine *e, struct notice *out);

/* What is kept of packets, as the settings say. */
struct evidence_settings engine_evidence(const struct settings *s);

/* Sizes from settings, for preflight's sums. */
struct pipeline_sizes engine_sizes(const struct settings *s);

#endif
