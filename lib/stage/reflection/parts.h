/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files of this stage share: one worker's state and its parts.
 *
 *     rows.c         which services reflect, and how their answers look
 *     shape.c        the same in masks, and what a packet is by them
 *     reflection.c   reasons, who is looked at, who is dropped
 *     keys.c         keys of the configuration
 *     answers.c      UDP where the inside's questions are seen
 *     oneway.c       UDP where they are not
 *     tcp.c          SYN-ACKs and answers of middleboxes
 */
#ifndef STAGE_REFLECTION_PARTS_H
#define STAGE_REFLECTION_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lanes.h"
#include "conf/conf.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "meter/meter.h"
#include "packet/burst.h"
#include "prefix/prefix.h"
#include "stage/reflection/shape.h"
#include "stage/stage.h"

enum reflection_reason {
	REASON_UNASKED,
	REASON_UNASKED_FRAGMENT,
	REASON_ODD,
	REASON_BEYOND_BUDGET,
	REASON_OVERSIZE,
	REASON_QUOTA,
	REASON_SYN_ACK,
	REASON_MIDDLEBOX,
	REASONS
};

/* Names of counters behind those of the rows. */
enum { HIT_SYN_ACK = ROWS_MAX, HIT_MIDDLEBOX, HITS };

enum reflection_when { WHEN_ARMED, WHEN_ALWAYS, WHEN_OFF };

struct reflection_params {
	int when;                                            /* enum reflection_when */
	uint64_t unasked_rate, syn_ack_rate, middlebox_rate; /* packets/s; 0: none */
	uint64_t hold_for_ns, learning_ns;
	uint64_t answer_quota, expected_rate;
	struct conf_prefixes expected_answers;
	struct conf_texts except;
	/* Derived: */
	struct meter_rate unasked, syn_ack, middlebox, quota, expected_price;
	struct prefix_table *expected; /* NULL: none */
	bool is_left[ROWS_MAX];        /* of `except` */
	uint16_t hit[HITS];
};

/* A meter whose overflow is remembered for a while. */
struct trigger {
	struct meter meter;
	uint64_t until_ns; /* 0: never */
};

struct place { /* of one service */
	struct trigger unasked, syn_ack, middlebox;
	struct meter expected;
	uint64_t spare;
};

/* Reflectors lately seen, for explain: one in each place that a hash chooses. */
#define REFLECTION_SEEN 1024u
struct reflector {
	uint8_t address[16];
	uint64_t at_ns; /* 0: none */
	uint16_t service;
	uint8_t hit; /* index in params.hit */
	uint8_t reason;
};

struct reflection {
	struct flow_table *flows;
	struct source_table *sources;
	uint64_t *hits;
	struct place *place;    /* by service */
	struct trigger *quota;  /* by service and row; NULL unless is_ingress */
	struct reflector *seen; /* REFLECTION_SEEN */
	unsigned int workers;
	unsigned int turn; /* which lanes are noted */
	bool is_ingress;
	uint64_t first_ns;                  /* of the first burst; 0: none yet */
	alignas(64) uint8_t row[LANES_MAX]; /* of the lanes in work */
	struct shapes shapes;
};

#define REFLECTION_LEAST                                                                 \
	32u /* packets of a burst, however small a rate or a part of it */

/* What one of several workers gets of a rate that is meant for all. */
struct reflection_part {
	uint64_t each, slack; /* ticks; each is 0 where there is no rate */
};

static inline struct reflection_part
reflection_part(const struct reflection *s, const struct meter_rate *rate)
{
	const uint64_t each = rate->each * s->workers;
	const uint64_t least = each * (REFLECTION_LEAST - 1);

	return (struct reflection_part){ each,
		                         rate->slack > least ? rate->slack : least };
}

/* Lanes from reflecting services, by what they are. */
struct reflection_lanes {
	uint64_t answers, odd;
};

/* Lanes of one service and policy that are judged together. */
struct reflection_group {
	const struct reflection_params *params;
	uint64_t lanes;
	uint16_t service;
};

/* keys.c */
extern const struct conf_field reflection_fields[];
int reflection_compile(void *params, const struct stage_compile *from,
                       struct conf_errors *errors);
void reflection_release(void *params);

/*
 * Take lanes of one service and policy out of *rest. Returns false when it was empty.
 */
bool reflection_next(const struct stage_view *view, const struct burst *b, uint64_t *rest,
                     struct reflection_group *g);

/*
 * So many packets came under this rate. Returns whether it is over, now or lately;
 * what a trigger of rate 0 never is.
 */
bool reflection_trigger(const struct reflection *s, struct trigger *t,
                        const struct meter_rate *rate, uint64_t packets, uint64_t now_ns,
                        uint64_t hold_ns);

/* Whether answers may belong to questions that were asked unseen. */
bool reflection_is_learning(const struct reflection *s, const struct reflection_params *p,
                            uint64_t now_ns);

/* Of these lanes those that the site expects and whose quota lasts. */
uint64_t reflection_expected(struct reflection *s, const struct reflection_group *g,
                             const struct burst *b, uint64_t lanes);

/* Drop lanes of one group; s->row[] says what each is. */
void reflection_drop(struct reflection *s, const struct reflection_group *g,
                     struct burst *b, uint64_t lanes, enum reflection_reason reason);

/* answers.c: an inside host asks, which opens the door for answers. */
void reflection_see_questions(struct reflection *s, const struct burst *b,
                              uint64_t lanes);
void reflection_judge_answers(struct reflection *s, const struct stage_view *view,
                              struct burst *b, const struct reflection_lanes *l);

/* oneway.c: of later pieces those of expected answers go before strangers. */
void reflection_prefer_rests(struct reflection *s, const struct stage_view *view,
                             struct burst *b, uint64_t lanes);
/* The answers. */
void reflection_judge_one_way(struct reflection *s, const struct stage_view *view,
                              struct burst *b, const struct reflection_lanes *l);

/* tcp.c: segments from outside, other than a first SYN, of unproven senders. */
void reflection_judge_tcp(struct reflection *s, const struct stage_view *view,
                          struct burst *b, uint64_t lanes);

#endif
