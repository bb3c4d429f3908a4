/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/wire.h"

#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>
#include <rte_ring.h>

#include "base/counter.h"
#include "io/show.h"
#include "packet/build.h"

/* Packets of one burst that leave by one side, with their lanes; own frames have none. */
#define NO_LANE    255
#define CACHE_LINE 64

#define OUT_OF_LINE __attribute__((noinline, cold))

struct leaving {
	unsigned int n;
	struct rte_mbuf *mbuf[LANES_MAX + BURST_OUTBOX];
	uint8_t lane[LANES_MAX + BURST_OUTBOX];
	uint32_t len[LANES_MAX + BURST_OUTBOX];
};

static void
fail_lane(const struct io_queue *q, struct burst *b, unsigned int i,
          enum io_reason reason)
{
	burst_drop(b, i, (uint8_t)reason);
	b->stage[i] = q->io_stage;
}

/* A packet in several segments, one that the device has cut, or one longer than IP can be. */
static OUT_OF_LINE void
look_closer(struct io_queue *q, struct burst *b, unsigned int i, uint32_t cut_at)
{
	const uint32_t len = b->mbuf[i]->pkt_len;

	show_bytes(q->scratch[i], b, i);
	if (len > UINT16_MAX)
		b->frame_len[i] = UINT16_MAX;
	if (len >= cut_at)
		fail_lane(q, b, i, IO_SHORTENED);
}

bool
io_receive(struct io_queue *q, struct burst *b, uint64_t now_ns)
{
	struct books *books = &q->books[q->side];
	const uint32_t cut_at = q->cut_at != 0 ? q->cut_at : UINT16_MAX + 1;
	uint16_t n;

	burst_start(b, now_ns, q->link, (enum side)q->side);
	n = rte_eth_rx_burst(q->rx_port, q->queue, b->mbuf, LANES_MAX);
	if (n == 0)
		return false;

	b->count = n;
	b->live = lanes_first(n);
	for (unsigned int i = 0; i < n; i++) {
		const struct rte_mbuf *m = b->mbuf[i];
		const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
		const uint32_t len = m->pkt_len;

		/* IPv6, or TCP with options, reaches into a second line. */
		rte_prefetch0(frame);
		rte_prefetch0(frame + (m->data_len > CACHE_LINE ? CACHE_LINE : 0));
		b->bytes[i] = frame;
		b->bytes_len[i] = m->data_len;
		b->frame_len[i] = (uint16_t)len;
		if (m->data_len != len || len >= cut_at)
			look_closer(q, b, i, cut_at);
	}
	counter_add(&books->received_packets, n);
	counter_add(&books->received_bytes, lanes_sum16(b->frame_len, lanes_first(n)));
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

/* Headers that were shown from elsewhere, because they lie in pieces, go back into these. */
static OUT_OF_LINE void
scatter(struct rte_mbuf *m, const uint8_t *from, size_t left)
{
	while (m != NULL && left > 0) {
		const size_t n = m->data_len < left ? m->data_len : left;

		memcpy(rte_pktmbuf_mtod(m, uint8_t *), from, n);
		from += n;
		left -= n;
		m = m->next;
	}
}

static void
write_back(struct burst *b, uint64_t lanes)
{
	unsigned int i;

	LANES_FOREACH (i, lanes)
		if (b->bytes[i] != rte_pktmbuf_mtod(b->mbuf[i], const uint8_t *))
			scatter(b->mbuf[i], b->bytes[i], b->bytes_len[i]);
}

/* Make the mbuf what the stage wrote at bytes[i]. */
static bool
turn_round(struct burst *b, unsigned int i)
{
	struct rte_mbuf *m = b->mbuf[i];
	uint16_t len = b->bytes_len[i];

	/* Most answers were written in place, as long as the question. */
	if (m->next == NULL && len == m->data_len &&
	    b->bytes[i] == rte_pktmbuf_mtod(m, const uint8_t *))
		return true;
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

static void
build_outbox(struct io_queue *q, struct burst *b, struct leaving *out)
{
	for (unsigned int r = 0; r < b->requests; r++) {
		const struct burst_request *want = &b->outbox[r];
		uint8_t frame[BUILD_MAX];
		size_t len = build_tcp(frame, want);
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
hand_over(struct io_queue *q, unsigned int side, struct rte_mbuf **out,
          unsigned int count)
{
	unsigned int n;

	if (q->ring[side] != NULL)
		return rte_ring_sp_enqueue_burst(q->ring[side], (void **)out, count,
		                                 NULL);
	n = rte_eth_tx_burst(q->tx_port[side], q->tx_queue, out, (uint16_t)count);
	/* A device that was just full has often freed a descriptor by now. */
	if (n < count)
		n += rte_eth_tx_burst(q->tx_port[side], q->tx_queue, out + n,
		                      (uint16_t)(count - n));
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
	/* Only io_drain() asks: what the packet would have been counted as. */
	for (unsigned int k = 0; q->ring[side] != NULL && k < l->n; k++)
		l->mbuf[k]->hash.usr = kind_of(b, l->lane[k]);
	n = hand_over(q, side, l->mbuf, l->n);
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

/*
 * The lanes that may leave by that side at all; the others are dropped. Devices
 * that copy cut or swallow a longer frame without a word.
 */
static uint64_t
may_leave(struct io_queue *q, struct burst *b, uint64_t lanes, unsigned int side)
{
	const bool is_up = __atomic_load_n(&q->on->is_up[side], __ATOMIC_RELAXED);
	uint64_t may = lanes;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		struct rte_mbuf *m = b->mbuf[i];
		bool fits = m->pkt_len <= q->longest[side];

		if (is_up && fits &&
		    (m->nb_segs == 1 || q->takes_segments[side] ||
		     rte_pktmbuf_linearize(m) == 0))
			continue;
		fail_lane(q, b, i, is_up ? IO_TOO_LONG : IO_LINK_DOWN);
		may &= ~lane_bit(i);
	}
	return may;
}

/* Lanes that leave by one side, all for the same reason. */
static void
settle_kind(struct io_queue *q, struct burst *b, uint64_t lanes, enum io_kind kind)
{
	const unsigned int side = kind == IO_REPLIED ? q->side : q->side ^ 1u;
	uint64_t packets[3] = { 0 }, bytes[3] = { 0 };
	struct rte_mbuf *out[LANES_MAX];
	unsigned int i, n = 0;

	lanes = may_leave(q, b, lanes, side);
	if (lanes == 0)
		return;
	/* Once handed over a packet is no longer ours to read. */
	LANES_FOREACH (i, lanes) {
		out[n++] = b->mbuf[i];
		bytes[kind] += b->mbuf[i]->pkt_len;
	}
	for (i = 0; q->ring[side] != NULL && i < n; i++)
		out[i]->hash.usr = kind;
	packets[kind] = hand_over(q, side, out, n);
	for (; n > packets[kind]; n--) {
		i = 63 - (unsigned int)__builtin_clzll(lanes);
		lanes &= ~lane_bit(i);
		bytes[kind] -= b->mbuf[i]->pkt_len;
		fail_lane(q, b, i, IO_TX_FULL);
	}
	book_left(q, side, packets, bytes);
}

/* Turn answers round; returns those that could be. */
static uint64_t
turn_lanes(struct io_queue *q, struct burst *b, uint64_t replies)
{
	uint64_t turned = replies;
	unsigned int i;

	LANES_FOREACH (i, replies)
		if (!turn_round(b, i)) {
			fail_lane(q, b, i, IO_TOO_LONG);
			turned &= ~lane_bit(i);
		}
	return turned;
}

/* Frames of our own besides what is forwarded or answered. */
static OUT_OF_LINE void
settle_mixed(struct io_queue *q, struct burst *b, uint64_t replies)
{
	struct leaving out[2];
	unsigned int i;

	out[0].n = out[1].n = 0;
	build_outbox(q, b, out);
	LANES_FOREACH (i, may_leave(q, b, b->live, q->side ^ 1u))
		leave(&out[q->side ^ 1u], b->mbuf[i], i);
	LANES_FOREACH (i, may_leave(q, b, turn_lanes(q, b, replies), q->side))
		leave(&out[q->side], b->mbuf[i], i);
	send_side(q, b, SIDE_EXTERNAL, &out[SIDE_EXTERNAL]);
	send_side(q, b, SIDE_INTERNAL, &out[SIDE_INTERNAL]);
}

/* Nobody else holds it, and nothing hangs on it: as it came from the pool. */
static inline bool
is_as_taken(const struct rte_mbuf *m, const struct rte_mempool *pool)
{
	return m->pool == pool && m->nb_segs == 1 && rte_mbuf_refcnt_read(m) == 1 &&
	       RTE_MBUF_DIRECT(m);
}

/* All packets of a link come from one pool, so they go back together. */
static void
free_lanes(struct io_queue *q, struct burst *b, uint64_t lanes)
{
	struct rte_mbuf *gone[LANES_MAX];
	unsigned int i, n = 0;

	LANES_FOREACH (i, lanes) {
		struct rte_mbuf *m = b->mbuf[i];

		if (is_as_taken(m, q->pool))
			gone[n++] = m;
		else
			rte_pktmbuf_free(m);
	}
	if (n > 0)
		rte_mempool_put_bulk(q->pool, (void **)gone, n);
}

/* Free and count what does not leave, with the lengths it came with. */
static void
free_rest(struct io_queue *q, struct burst *b, uint64_t rest)
{
	const uint64_t consumed = lanes_where8(b->verdict, VERDICT_CONSUME) & rest;
	struct books *books = &q->books[q->side];

	free_lanes(q, b, rest);
	counter_add(&books->dropped_packets, lanes_count(rest & ~consumed));
	counter_add(&books->dropped_bytes, lanes_sum16(b->frame_len, rest & ~consumed));
	if (consumed == 0)
		return;
	counter_add(&books->consumed_packets, lanes_count(consumed));
	counter_add(&books->consumed_bytes, lanes_sum16(b->frame_len, consumed));
}

void
io_settle(struct io_queue *q, struct burst *b)
{
	const uint64_t all = lanes_first(b->count);
	const uint64_t replies = lanes_where8(b->verdict, VERDICT_REPLY) & all;
	const uint64_t rewritten = b->rewritten & b->live;
	uint64_t rest;

	if (__builtin_expect(rewritten != 0, 0))
		write_back(b, rewritten);
	if (b->requests > 0) {
		settle_mixed(q, b, replies);
	} else {
		settle_kind(q, b, b->live, IO_FORWARDED);
		if (replies != 0)
			settle_kind(q, b, turn_lanes(q, b, replies), IO_REPLIED);
	}
	/* What could not be sent or answered is a drop by now. */
	rest = all & ~b->live & ~lanes_where8(b->verdict, VERDICT_REPLY);
	if (rest != 0)
		free_rest(q, b, rest);
}
