/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * see - what a worker notes of the packets it judges: samples, and captures.
 *
 * Samples: of every reason to stop a packet a few a second, by a meter (GCRA). A
 * flood against one service would use that up alone, so each service gets one packet
 * a second of each reason besides: when a reason's meter is empty, a lane of
 * the burst in turn is asked for its own.
 *
 * Captures: while one is armed, the lanes that its verdict, service and reason name
 * are found by comparing whole arrays, and only those are asked its expression. So
 * what passes is found in any flood. Expressions cost some ten cycles a packet:
 * while bursts come full, which is when the worker may be behind, a capture asks a
 * bounded number a second, those that passed by a budget of their own. What was not
 * asked is counted.
 *
 * A worker that reads an armed capture says so in `looks`, which is odd meanwhile;
 * whoever takes a capture back waits until it was even once. So nothing is freed
 * under a worker, and no worker waits.
 *
 * Threads evidence_see*: the worker, after a burst was decided and before its
 * buffers go; they allocate nothing and never wait.
 */
#ifndef EVIDENCE_SEE_H
#define EVIDENCE_SEE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "evidence/note.h"
#include "meter/meter.h"
#include "packet/burst.h"
#include "stage/stage.h"

struct filter_expression;

#define EVIDENCE_ARMED 4    /* captures that run at once */
#define EVIDENCE_FAIR  1024 /* meters of one service and reason, shared by hash */

/* Bytes of the rings: samples, and each capture's. */
#define EVIDENCE_RING (256u << 10)

/* What one capture takes; does not change while it is armed. */
struct evidence_aim {
	uint32_t id;
	uint8_t verdicts; /* bit v: enum evidence_verdict v */
	bool has_service, has_stage, has_reason;
	uint16_t service;
	uint8_t stage, reason;
	const struct filter_expression *expression; /* NULL: every packet */
};

/* What all workers read; written by the control side. */
struct evidence_orders {
	uint64_t each, slack; /* ticks of a reason's meter; relaxed; each 0: no samples */
	uint32_t snap;        /* bytes kept of a sample; relaxed */
	uint32_t armed;       /* bit k: aim[k] is set; relaxed */
	const struct evidence_aim *aim[EVIDENCE_ARMED]; /* sequentially consistent */
};

/* One worker's. */
struct evidence_eye {
	const struct evidence_orders *orders;
	uint8_t worker;
	uint32_t turn;                    /* which lane is next */
	alignas(64) uint64_t looks;       /* odd while captures are read */
	uint64_t taken;                   /* samples noted */
	uint64_t unasked[EVIDENCE_ARMED]; /* packets whose expression was not asked */
	struct meter asks[2];             /* of what passed, and of the rest */
	struct meter reason[STAGE_MAX][STAGE_MAX_REASONS];
	struct meter fair[EVIDENCE_FAIR];
	struct evidence_ring samples, capture[EVIDENCE_ARMED];
};

/* 0 or -ENOMEM; nothing stays open then. `orders` stays the caller's. */
int evidence_eye_open(struct evidence_eye *e, unsigned int worker,
                      const struct evidence_orders *orders);
void evidence_eye_close(struct evidence_eye *e);

/* The same for who knows that there is something to look at. */
void evidence_look(struct evidence_eye *e, const struct burst *b);

/* A decided burst. Lanes that were answered are not looked at: see below. */
static inline void
evidence_see(struct evidence_eye *e, const struct burst *b)
{
	const uint64_t stopped = lanes_first(b->count) & ~b->live;

	if ((stopped | b->spared |
	     __atomic_load_n(&e->orders->armed, __ATOMIC_RELAXED)) != 0)
		evidence_look(e, b);
}

/* Lanes that are about to be answered, while their bytes are what came in. `eye` is an eye. */
void evidence_see_questions(void *eye, const struct burst *b, uint64_t lanes);

#endif
