/* SPDX-License-Identifier: BSD-3-Clause */
#include "prime.h"

#include "worker.h"

/*
 * 6,400 new connections a second. Hundred millions of them must not take hours
 * of virtual time, or the first would be idle for too long.
 */
#define STEP_NS      UINT64_C(10000000)
#define MANY         20000000u
#define MANY_STEP_NS UINT64_C(1000000)
#define AGE          24u
#define AGE_MANY     1u /* of so many, to age them all takes too long */
#define AGE_STEP_NS  UINT64_C(100000)

static const struct prime_step steps[3] = {
	{ TCP_SYN, false, PRIME_CLIENT_ISN, 0 },
	{ TCP_SYN | TCP_ACK, true, PRIME_SERVER_ISN, PRIME_CLIENT_ISN + 1 },
	{ TCP_ACK, false, PRIME_CLIENT_ISN + 1, PRIME_SERVER_ISN + 1 }
};

void
prime_add(const struct prime *to, struct prime_burst *p, struct traffic_ends ends,
          const struct prime_step *step)
{
	/* No data, or the acknowledgement would not fit it. */
	const struct frame_spec f = { .kind = FRAME_TCP,
		                      .is_ipv6 = to->is_ipv6,
		                      .len = 0,
		                      .source = ends.source,
		                      .src_port = ends.src_port,
		                      .dst_port = TRAFFIC_PORT,
		                      .tcp_flags = step->flags,
		                      .is_answer = step->is_answer,
		                      .seq = step->seq,
		                      .ack = step->ack };

	p->len[p->n] = frame_write(&p->frames[p->n], &f);
	p->n++;
}

void
prime_judge(const struct prime *to, struct prime_burst *p, enum side side)
{
	struct worker *w = to->worker;
	struct burst *b = &w->burst;

	burst_start(b, *to->now_ns, 0, side);
	for (unsigned int i = 0; i < p->n; i++) {
		b->bytes[i] = p->frames[i].head;
		b->bytes_len[i] = p->len[i];
		b->frame_len[i] = p->len[i];
	}
	b->count = (uint16_t)p->n;
	b->live = lanes_first(p->n);
	worker_judge(w, to->policies, b);
	worker_account(w, b);
	worker_upkeep(w, to->policies, *to->now_ns);
}

/* One step of the handshake of 64 flows, or less at the end, so many times. */
static void
walk(const struct prime *to, unsigned int step, uint32_t first, unsigned int times)
{
	struct prime_burst p;

	p.n = 0;
	for (uint32_t flow = first; flow < to->flows && p.n < LANES_MAX; flow++)
		prime_add(to, &p, traffic_flow(flow), &steps[step]);
	for (unsigned int k = 0; k < times; k++)
		prime_judge(to, &p,
		            steps[step].is_answer ? SIDE_INTERNAL : SIDE_EXTERNAL);
}

void
prime_flows(const struct prime *to)
{
	const bool is_many = to->flows > MANY;

	for (uint32_t first = 0; first < to->flows; first += LANES_MAX) {
		for (unsigned int step = 0; step < 3; step++)
			walk(to, step, first, 1);
		*to->now_ns += is_many ? MANY_STEP_NS : STEP_NS;
	}
	/*
	 * A flow comes of age by its 21st packet, when it buys its first full lot of
	 * credit; before that it visits its source more often than in its later life.
	 */
	for (uint32_t first = 0; first < to->flows; first += LANES_MAX) {
		walk(to, 2, first, is_many ? AGE_MANY : AGE);
		*to->now_ns += AGE_STEP_NS;
	}
}
