/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lanes - segments by hand: what the parser would have left of them in a burst.
 *
 * Lane i of a burst is client number n + i; every number is a connection of its
 * own. Randomness is a seed, so a failure comes again.
 */
#ifndef TESTS_CHALLENGE_LANES_H
#define TESTS_CHALLENGE_LANES_H

#include <string.h>

#include "packet/burst.h"

/* splitmix64: the same number for the same index. */
static inline uint64_t
lanes_random(uint64_t index)
{
	uint64_t z = (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* The SYN of client n. */
static inline struct facts
lanes_syn(uint64_t n, bool is_ipv6)
{
	const uint64_t r[4] = { lanes_random(4 * n), lanes_random(4 * n + 1),
		                lanes_random(4 * n + 2), lanes_random(4 * n + 3) };
	struct facts f = { .proto = PROTO_TCP,
		           .flags = FACT_IP,
		           .tcp_flags = TCP_SYN,
		           .tcp_seq = (uint32_t)r[2],
		           .src_port = (uint16_t)(r[2] >> 32),
		           .dst_port = (uint16_t)(r[2] >> 48),
		           .frame_len = 60 };

	memcpy(f.src, r, 16);
	memcpy(f.dst, r + 1, 8);
	memcpy(f.dst + 8, r + 3, 8);
	if (is_ipv6) {
		f.flags |= FACT_IPV6;
		return f;
	}
	memset(f.src, 0, 10);
	memset(f.dst, 0, 10);
	memset(f.src + 10, 0xff, 2);
	memset(f.dst + 10, 0xff, 2);
	return f;
}

/* A full burst of SYNs of clients n to n + 63; every third is IPv6 with `is_mixed`. */
static inline void
lanes_fill(struct burst *b, uint64_t n, bool is_ipv6, bool is_mixed)
{
	burst_start(b, 0, 0, SIDE_EXTERNAL);
	b->count = LANES_MAX;
	b->live = UINT64_MAX;
	for (unsigned int i = 0; i < LANES_MAX; i++)
		b->facts[i] = lanes_syn(n + i, is_mixed ? i % 3 == 0 : is_ipv6);
	burst_describe(b);
}

/* The lane's SYN becomes the segment that acknowledges `number`. */
static inline void
lanes_acknowledge(struct burst *b, unsigned int lane, uint32_t number)
{
	b->facts[lane].tcp_flags = TCP_ACK;
	b->facts[lane].tcp_seq++;
	b->facts[lane].tcp_ack = number + 1;
}

#endif
