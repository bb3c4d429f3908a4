/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/wire.h"

#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>
#include <rte_ring.h>

#include "base/counter.h"
#include "packet/build.h"

/* Packets of one burst that leave by one side, with their lanes; own frames have none. */
#define NO_LANE 255

struct leaving {
	unsigned int n;
	struct rte_mbuf *mbuf[LANES_MAX + BURST_OUTBOX];
	uint8_t lane[LANES_MAX + BURST_OUTBOX];
	uint32_t len[LANES_MAX + BURST_OUTBOX];
};

/* A packet in several segments shows its headers in a copy, when the first does not hold them. */
static void
show_bytes(struct io_queue *q, struct burst *b, unsigned int i)
{
	struct rte_mbuf *m = b->mbuf[i];
	uint32_t want = m->pkt_len < PARSE_WINDOW ? m->pkt_len : PARSE_WINDOW;

	b->bytes[i] = rte_pktmbuf_mtod(m, const uint8_t *);
	b->bytes_len[i] = m->data_len;
	if (m->data_len >= want)
		return;
	if (rte_pktmbuf_read(m, 0, want, q->scratch[i]) == q->scratch[i]) {
		b->bytes[i] = q->scratch[i];
		b->bytes_len[i] = (uint16_t)want;
	}
}

static void
fail_lane(const struct io_queue *q, struct burst *b, unsigned int i,
          enum io_reason reason)
{
	burst_drop(b, i, (uint8_t)reason);
	b->stage[i] = q->io_stage;
}

bool
io_receive(struct io_queue *q, struct burst *b, uint64_t now_ns)
{
	struct books *books = &q->books[q->side];
	uint64_t bytes = 0;
	uint16_t n;

	burst_start(b, now_ns, q->link, (enum side)q->side);
	n = rte_eth_rx_burst(q->rx_port, q->queue, b->mbuf, LANES_MAX);
	if (n == 0)
		return false;

	for (unsigned int i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(b->mbuf[i], const void *));
	b->count = n;
	b->live = lanes_first(n);
	memset(b->verdict, VERDICT_PASS, n);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t len = b->mbuf[i]->pkt_len;

		show_bytes(q, b, i);
		bytes += len;
		b->facts[i].frame_len = (uint16_t)(len > UINT16_MAX ? UINT16_MAX : len);
		if ((q->cut_at != 0 && len >= q->cut_at) || len > UINT16_MAX)
			fail_lane(q, b, i, IO_SHORTENED);
	}
	counter_add(&books->received_packets, n);
	counter_add(&books->received_bytes, bytes);
	return true;
}

static void
leave(struct leaving *l, struct rte_mbuf *m, unsigned int lane)
{
	l->mbuf[l->n] = m;
	l->lane[l->n] = (uint8_t)lane;
	l->len[l->n] = m->pkt_len;
	l->n++;
}

/* Make the mbuf what the stage wrote at bytes[i]. */
static bool
turn_round(struct burst *b, unsigned int i)
{
	struct rte_mbuf *m = b->mbuf[i];
	uint16_t len = b->bytes_len[i];

	/* An answer is never longer than the question. */
	if (len > m->pkt_len || len > m->data_len + rte_pktmbuf_tailroom(m))
		return false;
	if (m->next != NULL) {
		rte_pktmbuf_free(m->next);
		m->next = NULL;
		m->nb_segs = 1;
	}
	if (b->bytes[i] != rte_pktmbuf_mtod(m, const uint8_t *))
		memcpy(rte_pktmbuf_mtod(m, uint8_t *), b->bytes[i], len);
	m->data_len = len;
	m->pkt_len = len;
	return true;
}

/* Frames of our own are built while the packets they are modelled on are still ours. */
static void
build_outbox(struct io_queue *q, struct burst *b, struct leaving *out)
{
	for (unsigned int r = 0; r < b->requests; r++) {
		const struct burst_request *want = &b->outbox[r];
		uint8_t frame[BUILD_MAX];
		size_t len = build_tcp(frame, want, &b->facts[want->lane],
		                       b->bytes[want->lane]);
		struct rte_mbuf *m = len == 0 ? NULL : rte_pktmbuf_alloc(q->pool);
		char *at = m == NULL ? NULL : rte_pktmbuf_append(m, (uint16_t)len);

		if (at == NULL) {
			rte_pktmbuf_free(m);
			continue;
		}
		memcpy(at, frame, len);
		leave(&out[want->side], m, NO_LANE);
	}
}

static enum io_kind
kind_of(const struct burst *b, unsigned int lane)
{
	if (lane == NO_LANE)
		return IO_EMITTED;
	return b->verdict[lane] == VERDICT_REPLY ? IO_REPLIED : IO_FORWARDED;
}

/* Hand packets to the device or the ring. Returns how many it took, from the first. */
static unsigned int
hand_over(struct io_queue *q, const struct burst *b, unsigned int side, struct leaving *l)
{
	unsigned int n;

	if (q->ring[side] != NULL) {
		/* Only io_drain() asks: what the packet would have been counted as. */
		for (unsigned int k = 0; k < l->n; k++)
			l->mbuf[k]->hash.usr = kind_of(b, l->lane[k]);
		return rte_ring_sp_enqueue_burst(q->ring[side], (void **)l->mbuf, l->n,
		                                 NULL);
	}
	n = rte_eth_tx_burst(q->tx_port[side], q->tx_queue, l->mbuf, (uint16_t)l->n);
	/* A device that was just full has often freed a descriptor by now. */
	if (n < l->n)
		n += rte_eth_tx_burst(q->tx_port[side], q->tx_queue, l->mbuf + n,
		                      (uint16_t)(l->n - n));
	return n;
}

static void
book_left(struct io_queue *q, unsigned int side, const uint64_t n[3],
          const uint64_t bytes[3])
{
	struct books *here = &q->books[side], *from = &q->books[q->side];

	counter_add(&from->forwarded_packets, n[IO_FORWARDED]);
	counter_add(&from->forwarded_bytes, bytes[IO_FORWARDED]);
	counter_add(&here->replied_packets, n[IO_REPLIED]);
	counter_add(&here->replied_bytes, bytes[IO_REPLIED]);
	counter_add(&here->emitted_packets, n[IO_EMITTED]);
	counter_add(&here->emitted_bytes, bytes[IO_EMITTED]);
	if (q->ring[side] != NULL)
		return; /* io_forward() counts what is sent. */
	counter_add(&here->sent_packets, n[IO_FORWARDED] + n[IO_REPLIED] + n[IO_EMITTED]);
	counter_add(&here->sent_bytes,
	            bytes[IO_FORWARDED] + bytes[IO_REPLIED] + bytes[IO_EMITTED]);
}

static void
send_side(struct io_queue *q, struct burst *b, unsigned int side, struct leaving *l)
{
	uint64_t packets[3] = { 0 }, bytes[3] = { 0 };
	unsigned int n;

	if (l->n == 0)
		return;
	n = hand_over(q, b, side, l);
	for (unsigned int k = 0; k < n; k++) {
		enum io_kind kind = kind_of(b, l->lane[k]);

		packets[kind]++;
		bytes[kind] += l->len[k];
	}
	for (unsigned int k = n; k < l->n; k++) {
		if (l->lane[k] == NO_LANE)
			rte_pktmbuf_free(l->mbuf[k]);
		else
			fail_lane(q, b, l->lane[k], IO_TX_FULL);
	}
	book_left(q, side, packets, bytes);
}

/* Whether the packet may leave by that side at all; a lane that may not is dropped. */
static bool
may_leave(struct io_queue *q, struct burst *b, unsigned int i, unsigned int side)
{
	struct rte_mbuf *m = b->mbuf[i];

	if (!__atomic_load_n(&q->on->is_up[side], __ATOMIC_RELAXED)) {
		fail_lane(q, b, i, IO_LINK_DOWN);
		return false;
	}
	/* Devices that copy cut or swallow a longer frame without a word. */
	if (m->pkt_len > q->longest[side] ||
	    (m->nb_segs > 1 && !q->takes_segments[side] &&
	     rte_pktmbuf_linearize(m) != 0)) {
		fail_lane(q, b, i, IO_TOO_LONG);
		return false;
	}
	return true;
}

static void
sort_out(struct io_queue *q, struct burst *b, struct leaving out[2])
{
	for (unsigned int i = 0; i < b->count; i++) {
		if (b->verdict[i] == VERDICT_PASS) {
			if (may_leave(q, b, i, q->side ^ 1u))
				leave(&out[q->side ^ 1u], b->mbuf[i], i);
		} else if (b->verdict[i] == VERDICT_REPLY) {
			if (!turn_round(b, i))
				fail_lane(q, b, i, IO_TOO_LONG);
			else if (may_leave(q, b, i, q->side))
				leave(&out[q->side], b->mbuf[i], i);
		}
	}
}

/* Free and count what does not leave. */
static void
free_rest(struct io_queue *q, struct burst *b)
{
	struct books *books = &q->books[q->side];
	uint64_t packets[2] = { 0 }, bytes[2] = { 0 };
	struct rte_mbuf *gone[LANES_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < b->count; i++) {
		unsigned int consumed = b->verdict[i] == VERDICT_CONSUME;

		if (b->verdict[i] == VERDICT_PASS || b->verdict[i] == VERDICT_REPLY)
			continue;
		packets[consumed]++;
		bytes[consumed] += b->mbuf[i]->pkt_len;
		gone[n++] = b->mbuf[i];
	}
	rte_pktmbuf_free_bulk(gone, n);
	counter_add(&books->dropped_packets, packets[0]);
	counter_add(&books->dropped_bytes, bytes[0]);
	counter_add(&books->consumed_packets, packets[1]);
	counter_add(&books->consumed_bytes, bytes[1]);
}

void
io_settle(struct io_queue *q, struct burst *b)
{
	struct leaving out[2];

	out[0].n = out[1].n = 0;
	if (b->requests > 0)
		build_outbox(q, b, out);
	sort_out(q, b, out);
	send_side(q, b, SIDE_EXTERNAL, &out[SIDE_EXTERNAL]);
	send_side(q, b, SIDE_INTERNAL, &out[SIDE_INTERNAL]);
	free_rest(q, b);
}
