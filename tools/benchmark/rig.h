/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig - a worker of the daemon on null devices that deliver chosen frames.
 *
 * The receive callback of the external port stamps one precomputed frame into
 * each buffer and counts its own cycles, so that they can be taken off. "cold"
 * then flushes the headers from every cache, as a NIC without cache injection
 * would leave them. A pcap device instead repeats a file of the same frames,
 * and what it costs to read them is part of the figure.
 */
#ifndef BENCHMARK_RIG_H
#define BENCHMARK_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "io/wire.h"
#include "scenario.h"

struct rig_plan {
	const struct scenario *scenario;
	bool is_ipv6, is_cold;
	const char *capture; /* file for the pcap device, which stays; NULL: none stays */
};

struct rig {
	struct engine engine;
	struct io_wire wire;
	struct io_queue queue;
	struct traffic traffic;
	bool is_cold;
	char capture[256]; /* what the pcap device repeats; empty: null devices */
	bool keeps_capture;
	size_t next;          /* frame to stamp next */
	uint64_t stamp_ticks; /* of the time-stamp counter, inside the callback */
	uint64_t start_tsc;
	uint64_t offset_ns; /* virtual time that priming took */
	double ns_per_tick;
};

/* One measured run. */
struct rig_result {
	uint64_t packets, forwarded;
	double cycles_per_packet; /* all less the stamping, core cycles */
	double stamp_cycles;
	double ghz;
};

/* Start DPDK (once a process), ports, engine; prime the flows. 0 or -errno after a sentence. */
int rig_open(struct rig *r, const struct rig_plan *plan);
void rig_close(struct rig *r);

/* Poll for `ms` milliseconds on the calling core. */
void rig_run(struct rig *r, unsigned int ms, struct rig_result *result);

#endif
