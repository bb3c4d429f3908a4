/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * detect - from the workers' cells to attacks with a beginning and an end.
 *
 *              rate >= alarm_rate for activate_after
 *     quiet ------------------------------------------> alarm
 *       ^  \                                              |
 *       |   `--- a worker armed itself (packet speed) --. |
 *       |                                               v v
 *       `---- calm for clear_after: control disarms --- active
 *
 * Calm is: every worker's arrivals, added up, stay below 0.75 x activate_rate
 * (alarm: alarm_rate). An attack is one stay in `active`, in one service and
 * vector. While it lasts, every tick divides the limit between the workers by
 * what arrives at each (shares), so that the sum stays the limit.
 *
 * A flood that comes back within hold_for of its attack's end comes in waves: its next
 * attack lasts until it has been calm for hold_for. While an attack runs it climbs a
 * ladder of countermeasures as far as it must (ladder.c).
 *
 * Networks (/24, or IPv6 /48) are looked at the same way, by `network_rate`: that
 * finds a flood that is spread over so many addresses that none of them, nor their
 * service, passes a threshold of its own. Such an attack names the network and how
 * many of its addresses were hit. An address above `address_rate` is told as an
 * alarm that names it. Of every running attack a census tells once a second how
 * many sources it had then.
 *
 * When DETECT_ATTACKS run at once, a further one is policed like any other but
 * gets its record only when another ends.
 *
 * Units   ns of the worker clock, packets, bytes of frames, bits/s.
 * Threads detect_tick: control only. Reading: anyone, through detect_read_*.
 */
#ifndef DETECT_DETECT_H
#define DETECT_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "meter/aggregate.h"
#include "meter/watch.h"
#include "policy/policy.h"

#define DETECT_TICK_NS   UINT64_C(10000000)  /* shares, and "mitigated" looks at 10 ms */
#define DETECT_WINDOW_NS UINT64_C(100000000) /* rates and states */
#define DETECT_ATTACKS   1024 /* remembered; the oldest ended one goes first */
#define DETECT_EVENTS    256
#define DETECT_WORKERS   64

enum detect_state { DETECT_QUIET, DETECT_ALARM, DETECT_ACTIVE };

/* One attack; times are 0 while they have not happened. Multiple of 8 bytes. */
struct detect_attack {
	uint64_t number;   /* 1, 2, 3 … of this process; 0: slot unused */
	uint64_t first_ns; /* first packet of the surge that overflowed activate_rate */
	uint64_t detected_ns;  /* a worker armed */
	uint64_t mitigated_ns; /* end of the first 10 ms with passed <= 1.05 x max_rate */
	uint64_t end_ns;
	uint64_t updated_ns;     /* when these figures were taken */
	uint64_t packets, bytes; /* arrived since detected */
	uint64_t dropped, dropped_bytes;
	uint64_t would;            /* would have been dropped, but the mode is monitor */
	uint64_t verified_dropped; /* a defence that hurts customers shows here */
	uint64_t peak_pps, peak_bits; /* highest 100 ms */
	/* In the threshold's unit: of the first full window, before it an estimate. */
	uint64_t value;
	uint64_t threshold; /* activate_rate then */
	/* The last second that was counted: sources with an error of DISTINCT_ERROR_PPM. */
	uint64_t sources, sources_packets, sources_ns;
	uint64_t addresses; /* of the network: the most that were hit in one window */
	uint16_t service;
	uint8_t vector;
	uint8_t unit;         /* enum meter_unit of value and threshold */
	uint8_t mode;         /* enum policy_mode when it began */
	uint8_t state;        /* DETECT_ACTIVE, or DETECT_QUIET when it ended */
	uint8_t prefix_len;   /* IPv4: 96..128; 0: the whole service */
	uint8_t is_estimated; /* addresses are a census' of one second, not counted */
	uint8_t prefix[16];   /* the network, or the address of an alarm */
	uint8_t rung, highest_rung; /* enum watch_rung: now, and the most it took */
	uint16_t pulses;            /* how often it came, pauses of a second between */
	uint32_t spare;
	char service_name[64];
};

/* The present of one service and vector. Multiple of 8 bytes. */
struct detect_rates {
	uint64_t pps, bits; /* arrived, last window */
	uint64_t passed_pps, passed_bits;
	uint64_t dropped_pps, would_pps;
	uint64_t attack; /* number of the running attack or 0 */
	uint64_t state;  /* enum detect_state */
};

enum detect_event_kind {
	DETECT_EVENT_ALARM,
	DETECT_EVENT_START,
	DETECT_EVENT_UPDATE,
	DETECT_EVENT_END,
	DETECT_EVENT_STEP /* up or down the ladder */
};

struct detect_event {
	uint64_t time_ns;
	uint64_t kind; /* enum detect_event_kind */
	struct detect_attack
		attack; /* ALARM: number 0, value and threshold of alarm_rate */
};

/* What happened since the program started; never forgotten, whatever a reload takes away. */
struct detect_totals {
	/* From the first packet above activate_rate until a worker was armed; until it was mitigated. */
	struct histogram detection, mitigation;
	uint64_t started[SERVICE_MAX][VECTOR_COUNT]; /* attacks */
};
extern const struct histogram_bounds detect_delays;

struct census;
struct detect;

/* For 1..DETECT_WORKERS workers' cells (kept, not owned). Returns NULL when out of memory. */
struct detect *detect_open(struct watch *const *watches, unsigned int workers);
void detect_close(struct detect *d);

/*
 * Look at networks and count sources too: of each worker its aggregates and its
 * census (kept, not owned), all of the same sizes. Returns 0 or -ENOMEM; `d` is
 * then as before.
 */
int detect_add_networks(struct detect *d, struct aggregates *const *aggregates,
                        struct census *const *census);

/*
 * One tick; call every DETECT_TICK_NS (late is harmless). `policies` is the
 * snapshot in force. Never blocks.
 */
void detect_tick(struct detect *d, const struct policies *policies, uint64_t now_ns);

/* Written by control, read relaxed; lives as long as `d`. */
const struct detect_totals *detect_totals(const struct detect *d);

/* Next event for the event writer (one reader), in order. Returns false when there is none. */
bool detect_next_event(struct detect *d, struct detect_event *out);
uint64_t detect_events_lost(const struct detect *d);

/* Copy of what is published. Attacks come newest first; returns how many were written. */
size_t detect_read_attacks(const struct detect *d, struct detect_attack *out, size_t n);
/* slot: 0..VECTOR_SLOTS - 1. */
void detect_read_rates(const struct detect *d, unsigned int service, unsigned int slot,
                       struct detect_rates *out);
/* The same of a network by its cell; all 0 where none is looked at. */
void detect_read_network(const struct detect *d, unsigned int network, unsigned int slot,
                         struct detect_rates *out);

#endif
