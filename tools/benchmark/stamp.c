/* SPDX-License-Identifier: BSD-3-Clause */
#include "stamp.h"

#include <errno.h>
#include <stdio.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "counters.h"

static inline void
stamp_one(struct rig *r, struct rte_mbuf *m)
{
	uint8_t *to = rte_pktmbuf_mtod(m, uint8_t *);
	uint16_t len = traffic_frame(&r->traffic, r->next++, to);

	m->data_len = len;
	m->pkt_len = len;
	if (r->is_cold) {
		_mm_clflushopt(to);
		_mm_clflushopt(to + 64);
	}
}

static uint16_t
stamp(uint16_t port, uint16_t queue, struct rte_mbuf *pkts[], uint16_t n, uint16_t most,
      void *argument)
{
	struct rig *r = argument;
	uint64_t start;

	/* What came before must not run into the time that is taken off. */
	_mm_lfence();
	start = rte_rdtsc();
	(void)port;
	(void)queue;
	(void)most;
	if (r->latency.is_on) {
		uint16_t due = latency_arrive(&r->latency, start, n);

		if (due < n)
			rte_pktmbuf_free_bulk(pkts + due, n - due);
		n = due;
		for (uint16_t i = 0; i < n; i++)
			latency_mark(&r->latency, pkts[i]);
	}
	for (uint16_t i = 0; i < n; i++)
		stamp_one(r, pkts[i]);
	/* A card's writes are done when its packets are seen, so ours must be, too. */
	_mm_mfence();
	_mm_lfence();
	r->stamp_ticks += rte_rdtsc() - start;
	return n;
}

int
stamp_open(struct rig *r)
{
	if (rte_eth_add_rx_callback(r->queue.rx_port, 0, stamp, r) != NULL)
		return 0;
	fputs("benchmark: this DPDK was built without receive callbacks\n", stderr);
	return -ENOTSUP;
}

double
rig_stamp_instructions(struct rig *r)
{
	struct rte_mbuf *m[LANES_MAX];
	const unsigned int rounds = 1000;
	uint64_t before = 0;

	if (r->instructions < 0 || r->scenario->is_pcap ||
	    rte_pktmbuf_alloc_bulk(r->queue.pool, m, LANES_MAX) != 0)
		return 0;
	for (unsigned int i = 0; i < 2 * rounds; i++) {
		if (i == rounds)
			before = counters_read(r->instructions);
		stamp(0, 0, m, LANES_MAX, LANES_MAX, r);
	}
	before = counters_read(r->instructions) - before;
	rte_pktmbuf_free_bulk(m, LANES_MAX);
	return (double)before / rounds / LANES_MAX;
}
