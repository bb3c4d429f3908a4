/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pipeline - carry a burst through the stages and keep the reasons' books.
 *
 * The one place that knows the order of stages, which policy uses which of
 * them, what a mode means, and how service and vector are counted:
 *
 *     pipeline_run      facts -> verdicts
 *     (io settles)      verdicts -> wire; a full port turns a pass into a drop
 *     pipeline_account  verdicts -> books of services, vectors and reasons
 *
 * Threads one pipeline per worker; books are read by anyone.
 */
#ifndef PIPELINE_PIPELINE_H
#define PIPELINE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/notices.h"
#include "meter/aggregate.h"
#include "meter/watch.h"
#include "packet/burst.h"
#include "policy/policy.h"
#include "sketch/census.h"
#include "sketch/hurt.h"
#include "sketch/talkers.h"
#include "stage/stage.h"

struct explain;

/* Packets by stage and reason. The row after the last stage is stage_io. */
struct pipeline_books {
	uint64_t decided[STAGE_MAX][STAGE_MAX_REASONS]; /* stopped for that reason */
	uint64_t would[STAGE_MAX][STAGE_MAX_REASONS];   /* spared by monitor */
};

struct pipeline_sizes {
	uint64_t flow_entries, source_entries;
	unsigned int services;        /* cells of watch */
	uint64_t addresses, networks; /* counted one by one */
	unsigned int workers;         /* how many pipelines there are in all */
};

struct pipeline {
	struct stage_env env;
	void *state[STAGE_MAX];
	struct watch watch;
	struct pipeline_books books;
	/* The same by service: [service * pipeline_reasons() + pipeline_reason()]. */
	uint64_t *service_reasons, *service_would;
	/* Bit by service: a connection was ended for it with no packet in hand. */
	uint64_t ended[SERVICE_MAX / 64];
	uint64_t *hits; /* STAGE_HITS, by the ids of policy/hits.h */
	struct aggregates aggregates;
	struct census census;
	struct hurt *hurt; /* customers that lost packets lately; keyed like the census */
	struct talkers talkers;
	unsigned int next_tick; /* stage whose tick comes next */
	/* Told which lanes are about to be answered, before bytes change; NULL: nobody is. */
	void (*before_reply)(void *witness, const struct burst *b, uint64_t lanes);
	void *witness;
};

/* Bytes that pipeline_open() will take, to be told before they are taken. */
uint64_t pipeline_memory(const struct pipeline_sizes *sizes);

/*
 * Open tables and every stage's state. `common` and `notices` stay the caller's.
 * Returns 0 or -errno; nothing stays open then.
 */
int pipeline_open(struct pipeline *pl, unsigned int worker,
                  const struct pipeline_sizes *sizes, const struct stage_common *common,
                  struct notices *notices);
void pipeline_close(struct pipeline *pl);

/* Decide every live lane of a classified burst. */
void pipeline_run(struct pipeline *pl, const struct policies *policies, struct burst *b);

/*
 * What is done to every burst, also where nothing is judged (bypass, or an empty burst
 * while pipeline_is_waiting()): connections that a stage has taken over go on.
 * pipeline_run() does it too.
 */
void pipeline_carry(struct pipeline *pl, struct burst *b);

/* Whether some stage wants pipeline_carry() though no packet comes. */
bool pipeline_is_waiting(const struct pipeline *pl);

/* Write the books after the burst was sent. */
void pipeline_account(struct pipeline *pl, const struct burst *b);

/* A little upkeep between bursts; less when they are full, which is when time is short. */
void pipeline_tick(struct pipeline *pl, uint64_t now_ns, bool is_full);

/* Ask stage by stage; returns true when all have answered. */
bool pipeline_explain(struct pipeline *pl, const struct policies *policies,
                      struct explain *e, unsigned int *stage, uint64_t now_ns);

/* All reasons of all stages get one running index: 0..pipeline_reasons() - 1. */
unsigned int pipeline_reasons(void);
unsigned int pipeline_reason(unsigned int stage, unsigned int reason);
/* "sanity.truncated" and its description. */
const struct stage_reason *pipeline_reason_info(unsigned int index, unsigned int *stage);

#endif
