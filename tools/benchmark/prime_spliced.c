/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The same through the gate: the clients speak with the worker's own answers, and
 * the server answers what the worker asks it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "challenge/cookie.h"
#include "prime.h"
#include "worker.h"

#define STEP_NS     UINT64_C(10000000) /* 6,400 new connections a second */
#define PATIENCE    1000               /* bursts of SYNs until all are answered */
#define AGE         24u                /* packets of a flow until it is of age: prime.c */
#define AGE_STEP_NS UINT64_C(100000)

/* A frame of our own asks for room in the outbox, and a server's answer needs two. */
#define ANSWERS (BURST_OUTBOX / 2)

/* Of the flows so many must be opened: the table's hash leaves a few out. */
#define OPENED_SHARE 0.999

/* Where the clients that only make the gate challenge live. */
#define FIRST_STRANGER TRAFFIC_FIRST_RANDOM

static uint32_t
read32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
	       at[3];
}

static const uint8_t *
tcp_of(const struct prime *to, const uint8_t *frame)
{
	return frame + FRAME_ETHERNET + (to->is_ipv6 ? 40 : 20);
}

int
prime_challenge(const struct prime *to)
{
	static const struct prime_step syn = { TCP_SYN, false, PRIME_CLIENT_ISN, 0 };
	const struct burst *b = &to->worker->burst;

	for (uint32_t k = 0; k < PATIENCE; k++) {
		struct prime_burst p;

		p.n = 0;
		for (uint32_t i = 0; i < LANES_MAX; i++)
			prime_add(to, &p,
			          (struct traffic_ends){
					  FIRST_STRANGER + k * LANES_MAX + i, 1024, 0 },
			          &syn);
		prime_judge(to, &p, SIDE_EXTERNAL);
		if (lanes_where8(b->verdict, VERDICT_REPLY) == ~UINT64_C(0))
			return 0;
		*to->now_ns += STEP_NS;
	}
	fputs("benchmark: SYNs above their threshold are not answered\n", stderr);
	return -EPROTO;
}

/* SYNs of flows from `first` on; what each client will acknowledge goes into ack[]. */
static void
ask(const struct prime *to, uint32_t first, uint32_t *ack)
{
	static const struct prime_step syn = { TCP_SYN, false, PRIME_CLIENT_ISN, 0 };
	const struct burst *b = &to->worker->burst;
	struct prime_burst p;
	unsigned int i;

	p.n = 0;
	for (uint32_t f = first; f < to->flows && p.n < LANES_MAX; f++)
		prime_add(to, &p, traffic_flow(f), &syn);
	prime_judge(to, &p, SIDE_EXTERNAL);
	LANES_FOREACH (i, lanes_where8(b->verdict, VERDICT_REPLY) & lanes_first(p.n)) {
		const uint8_t *tcp = tcp_of(to, p.frames[i].head);

		/* What is no SYN-ACK to this SYN stays unanswered, and is counted so. */
		if (tcp[13] == (TCP_SYN | TCP_ACK) && read32(tcp + 8) == syn.seq + 1)
			ack[first + i] = read32(tcp + 4) + 1;
	}
}

/* ACKs of the flows; returns how many were sent on as they should. */
static unsigned int
acknowledge(const struct prime *to, uint32_t first, const uint32_t *ack)
{
	const struct burst *b = &to->worker->burst;
	struct prime_burst p;
	unsigned int i, right = 0;

	p.n = 0;
	for (uint32_t f = first; f < to->flows && p.n < LANES_MAX; f++)
		prime_add(to, &p, traffic_flow(f),
		          &(struct prime_step){ TCP_ACK, false, PRIME_CLIENT_ISN + 1,
		                                ack[f] });
	prime_judge(to, &p, SIDE_EXTERNAL);
	/* The bytes of a lane may lie elsewhere when they are translated. */
	LANES_FOREACH (i, b->live & b->rewritten)
		right += read32(tcp_of(to, b->bytes[i]) + 8) == PRIME_SERVER_ISN + 1;
	return right;
}

/* The server's SYN-ACKs to flows first..last - 1. */
static void
answer(const struct prime *to, uint32_t first, uint32_t last)
{
	static const struct prime_step syn_ack = { TCP_SYN | TCP_ACK, true,
		                                   PRIME_SERVER_ISN,
		                                   PRIME_CLIENT_ISN + 1 };

	for (uint32_t f = first; f < last;) {
		struct prime_burst p;

		p.n = 0;
		for (; f < last && p.n < ANSWERS; f++)
			prime_add(to, &p, traffic_flow(f), &syn_ack);
		prime_judge(to, &p, SIDE_INTERNAL);
	}
}

int
prime_spliced(const struct prime *to, uint32_t *ack)
{
	const uint32_t flows = to->flows;
	unsigned int right = 0;

	if (prime_challenge(to) < 0)
		return -EPROTO;
	for (uint32_t first = 0; first < flows; first += LANES_MAX) {
		const uint32_t last =
			flows - first < LANES_MAX ? flows : first + LANES_MAX;

		ask(to, first, ack);
		acknowledge(to, first, ack);
		answer(to, first, last);
		*to->now_ns += STEP_NS;
	}
	/* Later no answer to a SYN can come any more, so none is looked for. */
	*to->now_ns += COOKIE_LIFE_NS + STEP_NS;
	for (uint32_t first = 0; first < flows; first += LANES_MAX) {
		for (unsigned int k = 0; k + 1 < AGE; k++)
			acknowledge(to, first, ack);
		right += acknowledge(to, first, ack);
		*to->now_ns += AGE_STEP_NS;
	}
	if (right >= OPENED_SHARE * flows)
		return 0;
	fprintf(stderr,
	        "benchmark: of %" PRIu32 " connections through the gate only %u are "
	        "translated, so the figure would mean nothing\n",
	        flows, right);
	return -EPROTO;
}
