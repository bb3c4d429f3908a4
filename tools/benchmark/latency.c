/* SPDX-License-Identifier: BSD-3-Clause */
#include "latency.h"

#include <errno.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

/* 0..63 each have a bucket; above, each power of two has 64. */
static unsigned int
bucket_of(uint64_t ticks)
{
	unsigned int shift;

	if (ticks >> LATENCY_BITS == 0)
		return (unsigned int)ticks;
	shift = 63u - LATENCY_BITS - (unsigned int)__builtin_clzll(ticks);
	return ((shift + 1) << LATENCY_BITS) +
	       (unsigned int)((ticks >> shift) & ((1u << LATENCY_BITS) - 1));
}

/* The middle of a bucket. */
static uint64_t
middle_of(unsigned int bucket)
{
	unsigned int shift = bucket >> LATENCY_BITS;
	uint64_t low = bucket & ((1u << LATENCY_BITS) - 1);

	if (shift == 0)
		return low;
	shift--;
	low |= UINT64_C(1) << LATENCY_BITS;
	return (low << shift) + ((UINT64_C(1) << shift) >> 1);
}

static uint64_t *
due_of(const struct latency *l, struct rte_mbuf *m)
{
	return RTE_MBUF_DYNFIELD(m, l->field, uint64_t *);
}

static uint16_t
leaving(uint16_t port, uint16_t queue, struct rte_mbuf *pkts[], uint16_t n,
        void *argument)
{
	struct latency *l = argument;
	uint64_t now;

	(void)port;
	(void)queue;
	if (!l->is_on)
		return n;
	now = rte_rdtsc();
	for (uint16_t i = 0; i < n && l->in_piece < LATENCY_PIECE; i++) {
		uint64_t ticks = now - *due_of(l, pkts[i]);

		l->delay[l->in_piece++] =
			ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
	}
	return n;
}

int
latency_open(struct latency *l, uint16_t tx_port)
{
	static const struct rte_mbuf_dynfield due = { .name = "benchmark_due",
		                                      .size = sizeof(uint64_t),
		                                      .align = sizeof(uint64_t) };

	int field = rte_mbuf_dynfield_register(&due);

	if (field < 0)
		return -ENOSPC;
	l->field = (size_t)field;
	return rte_eth_add_tx_callback(tx_port, 0, leaving, l) == NULL ? -ENOTSUP : 0;
}

void
latency_forget(struct latency *l)
{
	l->in_piece = 0;
	l->due = l->missed_in_piece = l->first = l->last = 0;
	l->start_tsc = rte_rdtsc();
}

void
latency_keep(struct latency *l)
{
	for (unsigned int i = 0; i < l->in_piece; i++)
		l->bucket[bucket_of(l->delay[i])]++;
	l->seen += l->in_piece;
	l->missed += l->missed_in_piece;
	l->in_piece = 0;
	l->missed_in_piece = 0;
}

void
latency_stand_still(struct latency *l, uint64_t ticks)
{
	l->start_tsc += ticks;
	for (uint64_t i = l->first; i < l->last; i++)
		l->ring[i % LATENCY_RING] += ticks;
}

void
latency_start(struct latency *l, double pps)
{
	memset(l->bucket, 0, sizeof(l->bucket));
	l->seen = l->missed = 0;
	l->per_tick = pps / (double)rte_get_tsc_hz();
	latency_forget(l);
	l->is_on = true;
}

void
latency_stop(struct latency *l)
{
	l->is_on = false;
}

uint16_t
latency_arrive(struct latency *l, uint64_t now_tsc, uint16_t n)
{
	const uint64_t due = (uint64_t)((double)(now_tsc - l->start_tsc) * l->per_tick);
	const double each = 1 / l->per_tick;

	while (l->due < due && l->last - l->first < LATENCY_RING)
		l->ring[l->last++ % LATENCY_RING] =
			l->start_tsc + (uint64_t)((double)++l->due * each);
	if (l->due < due) {
		l->missed_in_piece += due - l->due;
		l->due = due;
	}
	return l->last - l->first < n ? (uint16_t)(l->last - l->first) : n;
}

void
latency_mark(struct latency *l, struct rte_mbuf *m)
{
	*due_of(l, m) = l->ring[l->first++ % LATENCY_RING];
}

uint64_t
latency_at(const struct latency *l, double share)
{
	uint64_t want = (uint64_t)((double)l->seen * share), sum = 0;

	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++) {
		sum += l->bucket[i];
		if (sum > want || (sum == l->seen && sum > 0))
			return middle_of(i);
	}
	return 0;
}
