/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/counter.h"
#include "io/wire.h"

/* Send what one ring holds, up to one burst. Returns how many the device took. */
static unsigned int
forward_ring(struct io_ring *r, uint16_t port)
{
	uint64_t bytes = 0;
	uint32_t len[IO_BURST];
	unsigned int n;

	if (r->waiting == 0) {
		r->next = 0;
		r->waiting = rte_ring_sc_dequeue_burst(r->ring, (void **)r->held,
		                                       IO_BURST, NULL);
		if (r->waiting == 0)
			return 0;
	}
	/* Lengths are read before: what the device took is no longer ours. */
	for (unsigned int i = 0; i < r->waiting; i++)
		len[i] = r->held[r->next + i]->pkt_len;
	n = rte_eth_tx_burst(port, 0, r->held + r->next, (uint16_t)r->waiting);
	for (unsigned int i = 0; i < n; i++)
		bytes += len[i];
	r->next += n;
	r->waiting -= n;
	counter_add(&r->books->sent_packets, n);
	counter_add(&r->books->sent_bytes, bytes);
	return n;
}

unsigned int
io_forward(struct io_wire *w)
{
	unsigned int moved = 0;

	for (unsigned int l = 0; l < w->n_links; l++)
		for (unsigned int side = 0; side < 2; side++)
			for (unsigned int i = 0;
			     w->link[l].ring[side] != NULL && i < w->workers; i++)
				moved += forward_ring(&w->link[l].ring[side][i],
				                      w->link[l].port[side].id);
	return moved;
}

static unsigned int
waiting(const struct io_wire *w)
{
	unsigned int n = 0;

	for (unsigned int l = 0; l < w->n_links; l++)
		for (unsigned int side = 0; side < 2; side++)
			for (unsigned int i = 0;
			     w->link[l].ring[side] != NULL && i < w->workers; i++)
				n += w->link[l].ring[side][i].waiting +
				     rte_ring_count(w->link[l].ring[side][i].ring);
	return n;
}

static void
take_back(uint64_t *packets, uint64_t *bytes, uint32_t len)
{
	counter_set(packets, counter_read(packets) - 1);
	counter_set(bytes, counter_read(bytes) - len);
}

/* A packet that the device never took was not forwarded, answered or emitted after all. */
static void
give_up_one(struct rte_mbuf *m, struct books *here, struct books *other)
{
	enum io_kind kind = (enum io_kind)m->hash.usr;
	struct books *received_by = kind == IO_FORWARDED ? other : here;
	uint32_t len = m->pkt_len;

	switch (kind) {
	case IO_FORWARDED:
		take_back(&other->forwarded_packets, &other->forwarded_bytes, len);
		break;
	case IO_REPLIED:
		take_back(&here->replied_packets, &here->replied_bytes, len);
		break;
	case IO_EMITTED:
		take_back(&here->emitted_packets, &here->emitted_bytes, len);
		break;
	}
	rte_pktmbuf_free(m);
	if (kind == IO_EMITTED)
		return; /* It was never received either. */
	counter_add(&received_by->dropped_packets, 1);
	counter_add(&received_by->dropped_bytes, len);
}

static void
give_up(struct io_ring *r, struct books *other)
{
	void *one;

	for (; r->waiting > 0; r->waiting--)
		give_up_one(r->held[r->next++], r->books, other);
	while (rte_ring_sc_dequeue(r->ring, &one) == 0)
		give_up_one(one, r->books, other);
}

unsigned int
io_drain(struct io_wire *w, uint64_t patience_ns)
{
	uint64_t hz = rte_get_tsc_hz();
	uint64_t until = rte_rdtsc() + patience_ns / 1000 * (hz / 1000000);
	unsigned int left;

	while (waiting(w) > 0 && rte_rdtsc() < until)
		if (io_forward(w) == 0)
			rte_pause();
	left = waiting(w);
	for (unsigned int l = 0; left > 0 && l < w->n_links; l++)
		for (unsigned int side = 0; side < 2; side++)
			for (unsigned int i = 0;
			     w->link[l].ring[side] != NULL && i < w->workers; i++) {
				struct io_ring *r = &w->link[l].ring[side][i];

				/* Books of the two sides lie beside each other. */
				give_up(r, side == SIDE_EXTERNAL ? r->books + 1
				                                 : r->books - 1);
			}
	return left;
}
