/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * worker - what one core does with packets, whoever brings them.
 *
 * Live ports and replay bring bursts; from there the journey is the same:
 *
 *     parse_burst       bytes -> facts
 *     (hand over)       lanes that belong to another worker leave, on live ports
 *     fragment_pair     later fragments get the ports of their first
 *     policy_classify   facts -> service and policy
 *     pipeline_run      stages in order, verdicts
 *     fragment_note     what became of first fragments holds for the later ones
 *     evidence_see      some packets are noted, to show why
 *     (settle)          verdicts -> wire, by who brought the burst
 *     worker_account    verdicts -> books
 *
 * Threads a worker belongs to one thread; only `asked` is shared, hand over hand.
 */
#ifndef TIDEGATED_WORKER_H
#define TIDEGATED_WORKER_H

#include "base/notices.h"
#include "evidence/see.h"
#include "packet/burst.h"
#include "pipeline/pipeline.h"
#include "stage/explain.h"
#include "telemetry/box.h"

struct worker {
	unsigned int id;
	struct pipeline pipeline;
	struct notices notices;
	struct box_worker *shown; /* books and heartbeat, in the box */
	struct evidence_eye *eye; /* NULL: nothing is noted */
	struct burst burst;       /* the one it works on */
	struct explain answer;    /* filled by the worker while `asked` */
	unsigned int answer_stage;
	bool asked; /* set by who asks, cleared by the worker; acquire and release */
};

/* Returns 0 or -errno of pipeline_open(). `common` stays the caller's. */
int worker_open(struct worker *w, unsigned int id, const struct pipeline_sizes *sizes,
                const struct stage_common *common);
void worker_close(struct worker *w);

/* Note packets by this eye, which stays the caller's. */
void worker_watch(struct worker *w, struct evidence_eye *eye);

/* Judge a received burst: afterwards every lane has its verdict. */
void worker_judge(struct worker *w, const struct policies *policies, struct burst *b);
/* The same for a burst that was parsed already. */
void worker_decide(struct worker *w, const struct policies *policies, struct burst *b);

/* Whether worker_carry() is wanted though no packet came. */
bool worker_is_waiting(const struct worker *w);
/* Whether connections are translated here that bypass must not break; any thread. */
bool worker_has_splices(const struct worker *w, uint64_t now_ns);
/* Bypass: packets pass that nobody follows. */
void worker_overlook(struct worker *w, uint64_t now_ns);
/* Instead of judging (bypass, or an empty burst): only go on with what was begun. */
void worker_carry(struct worker *w, struct burst *b);

/*
 * Whether it is time to measure what a burst received at now_ns took; one in a
 * millisecond is enough, and two readings of the clock for every burst are too many.
 */
static inline bool
worker_is_delay_due(const struct worker *w, uint64_t now_ns)
{
	return now_ns >= w->shown->delay_due_ns;
}

/* The burst received at now_ns was sent at sent_ns. */
void worker_note_delay(struct worker *w, uint64_t now_ns, uint64_t sent_ns);

/* Write the books of a settled burst. */
void worker_account(struct worker *w, struct burst *b);

/* Between two bursts: expiry, and a step of an answer somebody waits for. */
void worker_upkeep(struct worker *w, const struct policies *policies, uint64_t now_ns);

#endif
