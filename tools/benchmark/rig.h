/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig - a worker of the daemon on null devices that deliver chosen frames.
 *
 * The receive callback of the external port writes one frame into each buffer
 * and counts its own time, so that it can be taken off. "cold" then flushes the
 * headers from every cache, as a NIC without cache injection would leave them. A
 * pcap device instead repeats a file of the same frames, and what it costs to
 * read them is part of the figure.
 *
 * Paced, the callback hands over what is due by a schedule and stamps each
 * packet with the moment it was due; the transmit callback of the internal port
 * reads it (latency.h).
 */
#ifndef BENCHMARK_RIG_H
#define BENCHMARK_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "io/wire.h"
#include "latency.h"
#include "scenario.h"

struct rig_plan {
	const struct scenario *scenario;
	bool is_ipv6;
	const char *capture; /* file for the pcap device, which stays; NULL: none stays */
};

struct rig {
	struct engine engine;
	struct io_wire wire;
	struct io_queue queue;
	struct traffic traffic;
	uint32_t *ack; /* of traffic, or NULL */
	const struct scenario *scenario;
	bool is_cold;      /* may change between runs */
	char capture[256]; /* what the pcap device repeats; empty: null devices */
	bool keeps_capture;
	uint64_t next;        /* frame to stamp next */
	uint64_t stamp_ticks; /* of the time-stamp counter, inside the callback */
	uint64_t start_tsc;
	uint64_t turn_tsc; /* end of the last turn */
	/* Of TCP that is no SYN: what priming had sent, and of it what went no further. */
	uint64_t primed, primed_stopped;
	uint64_t offset_ns; /* virtual time that priming took */
	double ns_per_tick;
	struct latency latency;
	long switches;      /* of this thread so far */
	long interruptions; /* of paced runs, left out */
	int instructions;   /* descriptor of counters.h, or -1 */
};

/* One measured run. */
struct rig_result {
	uint64_t packets, forwarded, replied;
	double seconds;           /* that went by */
	double cycles_per_packet; /* all less the stamping, core cycles */
	double stamp_cycles;
	double instructions; /* a packet, stamping included; 0: not counted */
	double ghz;
	double all_pps; /* packets a second, stamping included */
	double whole;   /* share of the packets in pieces that nobody interrupted */
};

/* Start ports and engine, after DPDK; prime the flows. 0 or -errno after a sentence. */
int rig_open(struct rig *r, const struct rig_plan *plan);
void rig_close(struct rig *r);

/* Bytes of tables that rig_open() will take. */
uint64_t rig_memory(const struct scenario *s);

/* Poll for `ms` milliseconds on the calling core. */
void rig_run(struct rig *r, unsigned int ms, struct rig_result *result);

/*
 * The same at `pps` packets a second, whose delays are gathered in r->latency. Returns
 * the share of packets that a card's ring would have missed, of those that left or were missed.
 */
double rig_run_paced(struct rig *r, unsigned int ms, double pps);

/* Instructions that the callback itself takes a packet; r->instructions is open. */
double rig_stamp_instructions(struct rig *r);

/* ns of the rig's clock: what engine_tick() wants. Any thread, after rig_open(). */
uint64_t rig_now(const struct rig *r);

/*
 * Share of the packets of established flows that were forwarded since rig_open(); 1 when
 * there were none.
 */
double rig_kept(const struct rig *r);

#endif
