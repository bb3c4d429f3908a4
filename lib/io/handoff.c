/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/handoff.h"

#include <errno.h>
#include <immintrin.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "base/counter.h"
#include "io/pipe.h"
#include "io/show.h"
#include "io/wire.h"

/* Low bits of a slot: which queue the packet came in by. */
#define TAG_MASK (uintptr_t)63

static_assert(IO_LINKS_MAX * 2 <= TAG_MASK + 1, "a slot has 6 bits for link and side");
static_assert(alignof(struct rte_mbuf) > TAG_MASK, "mbufs leave those bits free");

/* Packets of one queue that were collected and not yet taken. */
struct stack {
	unsigned int n;
	struct rte_mbuf *mbuf[LANES_MAX];
};

/* What only one worker touches. */
struct handoff_desk {
	alignas(64) unsigned int first; /* giver who is asked first, in turn */
	struct stack stack[];           /* by queue */
};

static struct pipe **
pipe_of(const struct handoff *h, unsigned int giver, unsigned int taker)
{
	return &h->pipe[giver * h->workers + taker];
}

/* Memory grows with the square of the workers, so the more there are the less each pipe holds. */
unsigned int
handoff_room(unsigned int workers)
{
	unsigned int room = 1024;

	for (unsigned int n = 4; n < workers && room > 128; n *= 2)
		room /= 2;
	return room;
}

unsigned int
handoff_buffers(unsigned int workers)
{
	if (workers < 2)
		return 0;
	return workers * ((workers - 1) * handoff_room(workers) + 2 * LANES_MAX);
}

static int
open_worker(struct handoff *h, unsigned int worker)
{
	size_t size = sizeof(struct handoff_desk) + h->queues * sizeof(struct stack);

	size = (size + 63) & ~(size_t)63;
	h->desk[worker] = aligned_alloc(64, size);
	if (h->desk[worker] == NULL)
		return -ENOMEM;
	memset(h->desk[worker], 0, size);
	for (unsigned int giver = 0; giver < h->workers; giver++) {
		if (giver == worker)
			continue;
		*pipe_of(h, giver, worker) = pipe_new(handoff_room(h->workers));
		if (*pipe_of(h, giver, worker) == NULL)
			return -ENOMEM;
	}
	return 0;
}

int
handoff_open(struct handoff *h, unsigned int workers, unsigned int links)
{
	int failed = 0;

	h->workers = workers;
	h->queues = 2 * links;
	h->pipe = calloc((size_t)workers * workers, sizeof(*h->pipe));
	h->desk = calloc(workers, sizeof(*h->desk));
	if (h->pipe == NULL || h->desk == NULL)
		failed = -ENOMEM;
	for (unsigned int w = 0; w < workers && failed == 0; w++)
		failed = open_worker(h, w);
	if (failed != 0)
		handoff_close(h);
	return failed;
}

static void
close_pipe(struct pipe *p)
{
	unsigned int n;

	while (p != NULL && (n = pipe_waiting(p)) > 0) {
		for (unsigned int i = 0; i < n; i++)
			rte_pktmbuf_free((struct rte_mbuf *)(pipe_at(p, i) & ~TAG_MASK));
		pipe_pass(p, n);
	}
	pipe_free(p);
}

static void
close_desk(struct handoff_desk *desk, unsigned int queues)
{
	for (unsigned int i = 0; desk != NULL && i < queues; i++)
		rte_pktmbuf_free_bulk(desk->stack[i].mbuf, desk->stack[i].n);
	free(desk);
}

void
handoff_close(struct handoff *h)
{
	for (unsigned int i = 0; h->pipe != NULL && i < h->workers * h->workers; i++)
		close_pipe(h->pipe[i]);
	for (unsigned int w = 0; h->desk != NULL && w < h->workers; w++)
		close_desk(h->desk[w], h->queues);
	free(h->pipe);
	free(h->desk);
	memset(h, 0, sizeof(*h));
}

/* Hand the lanes `same` to one worker. Returns those that went. */
static uint64_t
give_to(struct handoff *h, struct io_queue *q, struct burst *b, unsigned int taker,
        uint64_t same)
{
	const uintptr_t tag = (uintptr_t)(q->link * 2 + q->side);
	uintptr_t word[LANES_MAX];
	uint64_t gone = same, bytes = 0;
	unsigned int n = 0, sent, i;

	LANES_FOREACH (i, same) {
		word[n++] = (uintptr_t)b->mbuf[i] | tag;
		bytes += b->facts[i].frame_len;
	}
	sent = pipe_put(*pipe_of(h, q->worker, taker), word, n);
	/* The last ones found no room. */
	for (; n > sent; n--) {
		i = LANES_MAX - 1 - (unsigned int)__builtin_clzll(gone);
		gone &= ~lane_bit(i);
		bytes -= b->facts[i].frame_len;
		burst_drop(b, i, IO_HANDOFF_FULL);
		b->stage[i] = q->io_stage;
	}
	counter_add(&q->books[q->side].handed_packets, sent);
	counter_add(&q->books[q->side].handed_bytes, bytes);
	return gone;
}

/* The lanes `gone` leave the burst; those behind move up, so that order stays. */
static void
close_ranks(struct burst *b, uint64_t gone)
{
	const uint64_t keep = lanes_first(b->count) & ~gone;
	unsigned int n = 0, i;

	LANES_FOREACH (i, keep) {
		if (n != i) {
			b->verdict[n] = b->verdict[i];
			b->stage[n] = b->stage[i];
			b->reason[n] = b->reason[i];
			b->bytes_len[n] = b->bytes_len[i];
			b->bytes[n] = b->bytes[i];
			b->mbuf[n] = b->mbuf[i];
			b->facts[n] = b->facts[i];
		}
		n++;
	}
	b->live = _pext_u64(b->live, keep);
	b->count = (uint16_t)n;
	burst_describe(b);
}

void
handoff_give(struct handoff *h, struct io_queue *q, struct burst *b)
{
	alignas(32) uint8_t owner[LANES_MAX];
	uint64_t rest = spread_elsewhere(&q->on->spread, b, q->worker, owner), gone = 0;

	if (rest == 0)
		return;
	while (rest != 0) {
		const uint8_t taker = owner[__builtin_ctzll(rest)];
		const uint64_t same = rest & lanes_where8(owner, taker);

		gone |= give_to(h, q, b, taker, same);
		rest &= ~same;
	}
	close_ranks(b, gone);
}

/* Move packets from a pipe to the stacks, until one of them is full. Returns how many waited. */
static unsigned int
sort_pipe(struct handoff_desk *desk, struct pipe *p)
{
	const unsigned int waiting = pipe_waiting(p);
	unsigned int i;

	for (i = 0; i < waiting; i++) {
		const uintptr_t word = pipe_at(p, i);
		struct stack *s = &desk->stack[word & TAG_MASK];

		if (s->n == LANES_MAX)
			break;
		s->mbuf[s->n] = (struct rte_mbuf *)(word & ~TAG_MASK);
		rte_prefetch0(s->mbuf[s->n]);
		s->n++;
	}
	if (i > 0)
		pipe_pass(p, i);
	return waiting;
}

unsigned int
handoff_collect(struct handoff *h, unsigned int worker)
{
	struct handoff_desk *desk = h->desk[worker];
	unsigned int giver = desk->first, waited = 0;

	/* Who is asked last finds the stacks full, so the first is another one each time. */
	for (unsigned int n = 0; n < h->workers; n++) {
		if (giver != worker)
			waited += sort_pipe(desk, *pipe_of(h, giver, worker));
		giver = giver + 1 == h->workers ? 0 : giver + 1;
	}
	desk->first = desk->first + 1 == h->workers ? 0 : desk->first + 1;
	return waited;
}

static struct stack *
stack_of(const struct handoff *h, const struct io_queue *q)
{
	return &h->desk[q->worker]->stack[q->link * 2 + q->side];
}

bool
handoff_has(const struct handoff *h, const struct io_queue *q)
{
	return stack_of(h, q)->n > 0;
}

bool
handoff_take(struct handoff *h, struct io_queue *q, struct burst *b, uint64_t now_ns)
{
	struct stack *s = stack_of(h, q);
	struct books *books = &q->books[q->side];
	uint64_t bytes = 0;

	burst_start(b, now_ns, q->link, (enum side)q->side);
	if (s->n == 0)
		return false;
	for (unsigned int i = 0; i < s->n; i++) {
		b->mbuf[i] = s->mbuf[i];
		rte_prefetch0(rte_pktmbuf_mtod(s->mbuf[i], const void *));
	}
	b->count = (uint16_t)s->n;
	b->live = lanes_first(s->n);
	for (unsigned int i = 0; i < s->n; i++) {
		uint32_t len = b->mbuf[i]->pkt_len;

		show_bytes(q->scratch[i], b, i);
		/* What is longer was dropped by who received it. */
		b->frame_len[i] = (uint16_t)len;
		bytes += len;
	}
	counter_add(&books->taken_packets, s->n);
	counter_add(&books->taken_bytes, bytes);
	s->n = 0;
	return true;
}

unsigned int
handoff_depth(const struct handoff *h, unsigned int worker)
{
	unsigned int n = 0;

	for (unsigned int giver = 0; giver < h->workers; giver++)
		if (giver != worker)
			n += pipe_depth(*pipe_of(h, giver, worker));
	return n;
}
