/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * latency - how long packets stay in the box, without any hardware stamp.
 *
 * Packet k is due at k / rate, whoever is ready for it: a worker that stalls
 * makes every packet wait that came due meanwhile, and all of them count. (To
 * measure from when a packet was taken would leave out just those.) What is due
 * waits in a ring as long as a card's; a packet that finds it full is missed, and
 * counted apart. Delays end when the transmit callback of the other port gets the
 * packet, before the device. They go into buckets of 1/64 of their size at most.
 *
 * A run is gathered in pieces. When the kernel took the core away during one,
 * it is forgotten and the schedule begins anew; what is told are the delays of
 * the box, not of other programs. Between pieces the schedule stands still.
 *
 * Null devices always deliver a whole burst, so the callback gives back what is
 * not due yet; an empty turn costs more than on a card, and its length is part
 * of every delay at low load.
 *
 * Units   ticks of the time-stamp counter.
 * Threads the worker's.
 */
#ifndef BENCHMARK_LATENCY_H
#define BENCHMARK_LATENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LATENCY_BITS    6    /* of precision */
#define LATENCY_RING    1024 /* descriptors, as PORT_DESCRIPTORS */
#define LATENCY_PIECE   4096 /* packets gathered at most before they are kept */
#define LATENCY_BUCKETS ((64 - LATENCY_BITS + 1) << LATENCY_BITS)

struct rte_mbuf;

struct latency {
	bool is_on;
	size_t field;    /* offset of the due time in an mbuf */
	double per_tick; /* packets due in a tick */
	uint64_t start_tsc;
	uint64_t due;                /* packets since start_tsc */
	uint64_t first, last;        /* of the ring: next to hand over, next free */
	uint64_t ring[LATENCY_RING]; /* when each was due, ticks */
	unsigned int in_piece;
	uint64_t missed_in_piece; /* found the ring full */
	uint32_t delay[LATENCY_PIECE];
	uint64_t seen, missed; /* in all pieces kept */
	uint64_t bucket[LATENCY_BUCKETS];
};

/* Register the mbuf's field and the transmit callback. 0 or -errno. */
int latency_open(struct latency *l, uint16_t tx_port);

/* Begin a schedule of `pps`; forget what was gathered. */
void latency_start(struct latency *l, double pps);
void latency_stop(struct latency *l);

/* Keep the piece that was gathered, or forget it and begin the schedule anew. */
void latency_keep(struct latency *l);
void latency_forget(struct latency *l);

/* Time that is not to count went by. */
void latency_stand_still(struct latency *l, uint64_t ticks);

/* Let arrive what is due by now. Returns how many of at most `n` packets there are. */
uint16_t latency_arrive(struct latency *l, uint64_t now_tsc, uint16_t n);

/* Take the oldest from the ring: mark the packet with the moment it was due. */
void latency_mark(struct latency *l, struct rte_mbuf *m);

/* The delay that `share` (0..1) of the packets did not exceed, ticks; 0 when there are none. */
uint64_t latency_at(const struct latency *l, double share);

#endif
