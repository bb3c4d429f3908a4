/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files of detection share; for this room only.
 *
 *     detect.c   the tick: who is looked at when; open, close, read
 *     track.c    one service or network and one vector: from quiet to active
 *     ladder.c   which countermeasures an attack needs
 *     carpet.c   networks: which addresses of one were hit, and how many
 *     shares.c   one limit between several workers
 *     record.c   attacks as they are remembered and told
 *
 * Services and networks live the same life: a field holds the cells of one kind
 * at all workers, and what control remembers of each.
 */
#ifndef DETECT_PARTS_H
#define DETECT_PARTS_H

#include "detect/detect.h"
#include "detect/record.h"
#include "sketch/census.h"

/* Calm is this far below the threshold, in quarters, so that an attack at the threshold
 * does not flap. */
#define CALM_QUARTERS 3

/* Attacks that may run, and as many that are only divided; more wait for the next tick. */
#define DETECT_RUNNING (2 * DETECT_ATTACKS)

/* Everything the workers counted in one cell, added up. */
struct sum {
	uint64_t packets, bytes;
	uint64_t passed_packets, passed_bytes;
	uint64_t limited_packets, limited_bytes;
	uint64_t dropped_packets, dropped_bytes;
	uint64_t would_packets, verified_dropped;
};

/* What control remembers of one service or network and vector. */
struct track {
	struct sum window; /* at the last window */
	struct sum began;  /* at the beginning of the running attack */
	uint64_t tick_limited,
		tick_ns; /* at the last tick of an attack not yet mitigated */
	uint64_t alarm_since_ns, calm_since_ns;
	uint64_t ticket, census_ns, census_packets; /* of the census under way */
	uint64_t looked; /* number of the window in which its addresses were looked at */
	struct record_slot *attack;
	uint64_t ended_ns;        /* the last attack's end; 0: there was none */
	uint64_t needed_since_ns; /* the next rung of the ladder */
	uint64_t idle_since_ns;   /* the present one is not needed */
	uint8_t state;            /* enum detect_state */
	uint8_t rung;             /* enum watch_rung */
	bool is_wave;             /* it came back soon after it was over */
	bool is_measured;         /* a full window has told how strong the attack is */
	bool is_divided;
	bool is_listed; /* in running[] */
	bool is_told;   /* the alarm was told */
};

struct field {
	struct watch *watch[DETECT_WORKERS];
	size_t cells; /* of every service or network that was ever in force */
	size_t next;  /* cell that the search for armed ones goes on with */
	uint64_t scan_ns;
	uint64_t *arrived; /* packets by worker at the last tick, [cell * workers + w] */
	struct track *track; /* [index * VECTOR_SLOTS + slot] */
	struct {
		uint64_t seq;
		struct detect_rates rates;
	} * shown; /* same index */
	unsigned int n_running;
	uint32_t running[DETECT_RUNNING]; /* cells that are divided or under attack */
};

/* One protected address and vector as the last look left it. */
struct seen {
	struct aggregate_count count;
	uint64_t over; /* windows in a row above address_rate; TOLD when told */
};

struct detect {
	unsigned int workers;
	uint64_t window_ns, windows; /* end of the last one, and its number */
	struct field service, network;
	struct aggregates *aggregates[DETECT_WORKERS]; /* [0] NULL: no networks */
	struct census *census[DETECT_WORKERS];
	uint64_t serial;                      /* of the last census */
	const struct track *room[CENSUS_MAX]; /* whose census a room is */
	struct seen *seen;                    /* [address * VECTOR_COUNT + vector] */
	struct record record;
};

/* One service or network and vector, with all that is known of it. */
struct place {
	struct field *field;
	unsigned int index, vector; /* in its field */
	unsigned int service;       /* the network's owner where it is one */
	bool is_network;
	size_t cell;
	const struct service *owner;
	const struct policy *policy;
	const struct watch_rule *rule; /* NULL for what the service sends */
	const struct aggregate_plan *plan;
	struct track *track;
};

static inline struct watch_cell *
place_cell(const struct place *at, unsigned int worker)
{
	return watch_cell(at->field->watch[worker], at->index, at->vector);
}

/* A difference of two counts as a rate per second. */
static inline uint64_t
rate_of(uint64_t now, uint64_t before, uint64_t span_ns)
{
	return (uint64_t)((double)(now - before) * 1e9 / (double)span_ns);
}

/* track: a look at one that arms, runs, or is at the end of a window. */
void detect_track_start_armed(struct detect *d, const struct place *at, uint64_t now_ns);
/* Returns whether it is still divided or under attack. */
bool detect_track_go_on(struct detect *d, const struct place *at, uint64_t now_ns);
void detect_track_window(struct detect *d, const struct place *at, uint64_t now_ns);

/* ladder: an attack begins, the end of a window in it, and its end. */
void detect_ladder_begin(struct track *t, const struct watch_rule *rule);
void detect_ladder_window(struct detect *d, const struct place *at, uint64_t now_ns);
void detect_ladder_end(const struct detect *d, const struct place *at);

/* carpet: name the network in an attack; count its addresses at the end of a window. */
void detect_carpet_name(const struct place *at, struct detect_attack *a);
void detect_carpet_look(struct detect *d, const struct place *at, uint64_t now_ns);

/* carpet: the census of a running attack. */
void detect_census_begin(struct detect *d, const struct place *at, uint64_t now_ns);
void detect_census_turn(struct detect *d, const struct place *at, uint64_t now_ns);
void detect_census_end(struct detect *d, const struct place *at, uint64_t now_ns);

#endif
