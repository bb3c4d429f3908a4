/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replay - captures in, verdicts out: the workers' journey under virtual time.
 *
 *     replay_source   captures -> frames in order of time, and the virtual clock
 *     replay_sides    frame -> the side it came in by
 *     replay_carry    frames -> bursts -> workers -> books and files
 *     replay_report   books -> one JSON object
 *
 * Nothing here reads a clock or draws a random number, so the same captures
 * and options print the same bytes. All workers run in one thread, and no EAL
 * is started: no root, no hugepages, and any number of replays at a time.
 *
 * A burst ends at a direction change, at a control tick, 50 us after its first
 * packet, or when it is full; its time is that of its first packet.
 *
 * Units   ns; virtual time starts at REPLAY_START_NS.
 * Threads one.
 */
#ifndef TIDEGATED_REPLAY_H
#define TIDEGATED_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "io/capture.h"

#define REPLAY_START_NS  DETECT_TICK_NS
#define REPLAY_BURST_NS  UINT64_C(50000)
#define REPLAY_GAP_NS    UINT64_C(60000000000) /* longer silence is cut to this */
#define REPLAY_LANE_ROOM 65536                 /* bytes kept of a frame */
#define REPLAY_SPEED_ONE 1000                  /* speed is kept in thousandths */

enum replay_direction {
	REPLAY_SERVICES,           /* the protected end says it */
	REPLAY_INITIATOR_EXTERNAL, /* who opens a flow is outside */
	REPLAY_INITIATOR_INTERNAL,
};

/* The command line. */
struct replay_ask {
	const char *config;
	char **capture;
	unsigned int captures;
	int direction;  /* enum replay_direction */
	uint64_t speed; /* thousandths */
	bool is_json;
	const char *clean, *dropped; /* files, or NULL */
	int mode;                    /* enum policy_mode, or -1: as configured */
	uint64_t seed;
	unsigned int workers;
	uint64_t loop_ns; /* 0: once */
};

extern const char *const replay_direction_names[]; /* by enum, NULL-ended */

/* --- source --------------------------------------------------------------- */

struct replay_capture {
	const char *path;
	struct capture *capture;
	struct capture_frame head;
	bool has_head, is_taken; /* taken: the head was handed out and must be replaced */
	bool is_truncated;
	uint64_t packets; /* of one pass */
};

struct replay_source {
	struct replay_capture *from;
	unsigned int n;
	uint64_t speed, loop_ns;
	uint64_t first_ns;   /* capture time of the first frame */
	uint64_t last_ns;    /* and of the last */
	uint64_t elapsed_ns; /* capture time passed, without what was cut */
	uint64_t between_ns; /* from the end of one pass to the start of the next */
	uint64_t packets, passes;
	uint64_t clamped;      /* timestamps that went back */
	uint64_t gaps, gap_ns; /* silences cut, and how much */
	bool is_new_pass;
	char why[CAPTURE_WHY];
};

/* Open every capture. Returns 0 or -errno with s->why. */
int replay_source_open(struct replay_source *s, const struct replay_ask *ask);
void replay_source_close(struct replay_source *s);

/*
 * The next frame of all captures and its virtual time, which never goes back;
 * bytes stay valid until the next call. Returns 1, 0 at the end, or -errno with s->why.
 */
int replay_source_next(struct replay_source *s, struct capture_frame *frame,
                       uint64_t *now_ns);

/* --- sides ---------------------------------------------------------------- */

/* Who opened which flow: a bounded table, the oldest of a set goes first. */
struct replay_sides {
	int direction;
	struct hash_key key;
	uint64_t *entry; /* NULL when direction is REPLAY_SERVICES */
};

int replay_sides_open(struct replay_sides *s, int direction, uint64_t seed);
void replay_sides_close(struct replay_sides *s);

/* The side a parsed frame comes in by. */
enum side replay_side_of(struct replay_sides *s, const struct policies *policies,
                         const struct facts *p);

/* --- carry ---------------------------------------------------------------- */

/* The frames of the burst a worker is filling. */
struct replay_lanes {
	uint8_t *room; /* LANES_MAX frames of REPLAY_LANE_ROOM */
	struct capture_frame frame[LANES_MAX];
};

struct replay {
	const struct replay_ask *ask;
	struct engine engine;
	struct replay_source source;
	struct replay_sides sides;
	struct replay_lanes *lanes; /* by worker */
	struct capture_writer *clean, *dropped;
	uint64_t next_tick_ns, now_ns;
	struct json_t *events; /* NULL: none yet */
};

/* Take lanes for the workers of r->engine. Returns 0 or -ENOMEM. */
int replay_carry_open(struct replay *r);
void replay_carry_close(struct replay *r);

/* Carry everything that the source has. Returns 0, or -errno with source.why. */
int replay_carry(struct replay *r);

/* --- events --------------------------------------------------------------- */

/* Take over what detection has to tell; call it every tick. */
void replay_events_take(struct replay *r);

/* --- report --------------------------------------------------------------- */

/* Whether every packet went exactly one way, by side and by service. */
bool replay_is_balanced(const struct replay *r);

/* Print the result: one JSON object, or some lines for people. */
void replay_report(struct replay *r);

#endif
