/* SPDX-License-Identifier: BSD-3-Clause */
#include "prime.h"

#include "packet/burst.h"
#include "traffic.h"
#include "worker.h"

/*
 * 6,400 new connections a second. Hundred millions of them must not take hours
 * of virtual time, or the first would be idle for too long.
 */
#define STEP_NS      UINT64_C(10000000)
#define MANY         20000000u
#define MANY_STEP_NS UINT64_C(1000000)

static const struct {
	uint8_t flags;
	bool is_answer;
	uint32_t seq, ack;
} steps[3] = { { TCP_SYN, false, PRIME_CLIENT_ISN, 0 },
	       { TCP_SYN | TCP_ACK, true, PRIME_SERVER_ISN, PRIME_CLIENT_ISN + 1 },
	       { TCP_ACK, false, PRIME_CLIENT_ISN + 1, PRIME_SERVER_ISN + 1 } };

/* Judge up to 64 frames that came in by one side. */
static void
judge(struct worker *w, const struct policies *policies, struct frame *frames,
      const uint16_t *len, unsigned int n, enum side side, uint64_t now_ns)
{
	struct burst *b = &w->burst;

	burst_start(b, now_ns, 0, side);
	for (unsigned int i = 0; i < n; i++) {
		b->bytes[i] = frames[i].head;
		b->bytes_len[i] = len[i] < FRAME_HEAD ? len[i] : FRAME_HEAD;
		b->facts[i].frame_len = len[i];
	}
	b->count = (uint16_t)n;
	b->live = lanes_first(n);
	worker_judge(w, policies, b);
	worker_account(w, b);
	worker_upkeep(w, policies, now_ns);
}

void
prime_flows(struct worker *w, const struct policies *policies, bool is_ipv6,
            uint32_t flows, uint64_t *now_ns)
{
	for (uint32_t first = 0; first < flows; first += LANES_MAX) {
		unsigned int n = flows - first < LANES_MAX ? flows - first : LANES_MAX;

		for (unsigned int k = 0; k < 3; k++) {
			struct frame frames[LANES_MAX];
			uint16_t len[LANES_MAX];

			for (unsigned int i = 0; i < n; i++) {
				struct traffic_ends ends = traffic_flow(first + i);
				/* No data, or the acknowledgement would not fit it. */
				struct frame_spec f = { .kind = FRAME_TCP,
					                .is_ipv6 = is_ipv6,
					                .len = 0,
					                .source = ends.source,
					                .src_port = ends.src_port,
					                .dst_port = TRAFFIC_PORT,
					                .tcp_flags = steps[k].flags,
					                .is_answer = steps[k].is_answer,
					                .seq = steps[k].seq,
					                .ack = steps[k].ack };

				len[i] = frame_write(&frames[i], &f);
			}
			judge(w, policies, frames, len, n,
			      steps[k].is_answer ? SIDE_INTERNAL : SIDE_EXTERNAL,
			      *now_ns);
		}
		*now_ns += flows > MANY ? MANY_STEP_NS : STEP_NS;
	}
}
