/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watch - what one worker knows of every service and vector, and its arming.
 *
 * One cell per service and vector. The worker counts what arrives and what
 * became of it, and meters arrivals at `activate_rate` with a burst of 100 ms:
 * when that overflows, the cell is armed at once, at packet speed. Control
 * alone disarms, by writing a time: a cell is armed while armed_ns is later
 * than disarmed_ns.
 *
 *     paid ahead   0 ........... slack (100 ms) ->  armed
 *                  ^ surge_ns: when the meter last left zero, which is the
 *                    first packet of whatever overflows it now
 *
 * Several workers share one limit by `price`: 256 is the full limit for this
 * worker; while armed, control writes 256 / share (detect/shares), so that the
 * shares add up to the limit.
 *
 * Units   packets, bytes of frames, ns of the worker clock.
 * Threads line 0 and 1 are written by the worker, line 2 by control; all read relaxed.
 */
#ifndef METER_WATCH_H
#define METER_WATCH_H

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/counter.h"
#include "base/lanes.h"
#include "meter/meter.h"
#include "packet/vector.h"

#define WATCH_PRICE_ONE 256u

/* Rungs of the ladder: what an armed cell may do, each beside those before it. */
enum watch_rung {
	WATCH_POLICE,    /* limit what is unproven (shape, sources) */
	WATCH_CHALLENGE, /* ask senders to prove themselves (tcpauth, dnsauth, ...) */
	WATCH_BLOCK,     /* shut out proven sources that stay over their limits */
};

/* Thresholds of one vector in one policy; a limit of 0 is "no threshold". Read-only. */
struct watch_rule {
	struct meter_limit alarm, activate, max;
	/* Above these the ladder climbs to a rung, the second by what still passes; 0: never. */
	struct meter_limit challenge, block;
	uint64_t activate_after_ns; /* alarm must last that long to be told */
	uint64_t clear_after_ns;    /* calm must last that long to disarm */
	uint64_t hold_for_ns; /* the same for a flood that came back within this time */
	uint64_t challenge_after_ns, block_after_ns; /* a rung is needed for so long */
	uint64_t step_down_after_ns;                 /* it was not needed for so long */
	enum watch_rung first;                       /* where an attack begins */
	struct meter_rate activate_rate;             /* 100 ms of burst */
	struct meter_rate max_rate; /* 10 ms of burst, at least 16 packets */
};

struct watch_cell {
	alignas(64) uint64_t packets; /* arrived */
	uint64_t bytes;
	struct meter activate;
	uint64_t surge_ns;       /* start of the present busy period of `activate` */
	uint64_t armed_ns;       /* 0: never */
	uint64_t surge_armed_ns; /* surge_ns as it was when armed */
	struct meter limit;      /* for stage `shape`: what is unverified, at max_rate */
	uint64_t spare;

	uint64_t passed_packets, passed_bytes;
	uint64_t
		limited_packets; /* of passed: those that stage `shape` could have stopped */
	uint64_t limited_bytes;
	uint64_t dropped_packets; /* dropped, answered or consumed */
	uint64_t dropped_bytes;
	uint64_t would_packets; /* would have been, but the policy monitors */
	uint64_t
		verified_dropped; /* of dropped: of verified flows, and lost, not answered */

	uint64_t disarmed_ns; /* written by control */
	uint64_t price;       /* written by control; 0 reads as WATCH_PRICE_ONE */
	uint64_t census;      /* written by control: ticket for sketch/census; 0: none */
	uint64_t
		rung; /* written by control: enum watch_rung; never below the rule's first */
	uint64_t control_spare[4];
};
static_assert(sizeof(struct watch_cell) == 192, "a cell is three cache lines");

/* All cells of one worker: services x VECTOR_SLOTS. */
struct watch {
	unsigned int services;
	uint64_t hot_ns; /* when an armed cell last met a packet; tells control to look */
	struct watch_cell *cell;
};

/* Take zeroed cells for `services` services. Returns 0 or -ENOMEM. */
int watch_open(struct watch *w, unsigned int services);
void watch_close(struct watch *w);

static inline struct watch_cell *
watch_cell(const struct watch *w, unsigned int service, unsigned int slot)
{
	return &w->cell[service * VECTOR_SLOTS + slot];
}

static inline bool
watch_is_armed(const struct watch_cell *c)
{
	return counter_read(&c->armed_ns) > counter_read(&c->disarmed_ns);
}

/* What the cell may do while it is armed. */
static inline enum watch_rung
watch_rung(const struct watch_cell *c, const struct watch_rule *rule)
{
	const uint64_t climbed = counter_read(&c->rung);

	return climbed > rule->first ? (enum watch_rung)climbed : rule->first;
}

/* Whether unproven senders may be asked for proof, and proven ones be shut out. */
static inline bool
watch_asks(const struct watch_cell *c, const struct watch_rule *rule)
{
	return rule->challenge.per_second != 0 && watch_rung(c, rule) >= WATCH_CHALLENGE;
}

static inline bool
watch_blocks(const struct watch_cell *c, const struct watch_rule *rule)
{
	return rule->block.per_second != 0 && watch_rung(c, rule) >= WATCH_BLOCK;
}

/* What this worker pays where the full limit costs `whole`. */
static inline uint64_t
watch_share(const struct watch_cell *c, uint64_t whole)
{
	uint64_t price = counter_read(&c->price);

	if (price <= WATCH_PRICE_ONE)
		return whole;
	/* Wide, because a tiny limit and a tiny share make a price beyond 64 bits on the way. */
	return (uint64_t)(((unsigned __int128)whole * price) / WATCH_PRICE_ONE);
}

/* What a packet of `bytes` pays of this worker's share of `rate`. */
static inline uint64_t
watch_price(const struct watch_cell *c, const struct meter_rate *rate, uint32_t bytes)
{
	return watch_share(c, meter_price(rate, bytes));
}

/*
 * A worker whose share was tiny owes for long what is cheap by now: shorten what a
 * meter of this cell owes to what a packet of `bytes` could leave owing at this price.
 */
static inline void
watch_ease(const struct watch_cell *c, struct meter *m, const struct meter_rate *rate,
           uint32_t bytes, uint64_t now)
{
	const uint64_t most = now + rate->slack + watch_price(c, rate, bytes);

	if (m->paid_until > most)
		m->paid_until = most;
}

/*
 * Count arrivals and meter them at activate_rate: the lanes of one burst that
 * came for this cell, in their order, with the lengths of their frames. Returns
 * the lanes that found the cell armed, each one that armed it included.
 * now_ns > 0. Worker.
 */
uint64_t watch_arrive(struct watch_cell *c, const struct watch_rule *rule, uint64_t lanes,
                      const uint16_t frame_len[LANES_MAX], uint64_t now_ns);

#endif
