/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prime - establish connections before they are measured.
 *
 * SYN, SYN-ACK and ACK of 64 connections at a time go through the worker without
 * any device, slowly enough in virtual time for every threshold. Spliced ones take
 * the way of a real client: through the gate's cookie (prime_spliced.c).
 */
#ifndef BENCHMARK_PRIME_H
#define BENCHMARK_PRIME_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/burst.h"
#include "traffic.h"

struct worker;
struct policies;

#define PRIME_SERVER_ISN 1000000u
#define PRIME_CLIENT_ISN 5000u

/* Connections 0..flows - 1 of traffic.h. */
struct prime {
	struct worker *worker;
	const struct policies *policies;
	bool is_ipv6;
	uint32_t flows;
	uint64_t *now_ns; /* virtual time, moved on */
};

/* Establish them, and let each send enough to be as it will be later. */
void prime_flows(const struct prime *to);

/* Send SYNs until each of a burst is answered by the gate. 0, or -EPROTO after a sentence. */
int prime_challenge(const struct prime *to);

/*
 * Establish them through the gate: each SYN is answered, each cookie given back, each SYN
 * to the server answered by it. Then lets the challenge end and each flow grow older, and
 * checks that the server reads its own numbers. Fills what each client acknowledges.
 * Returns 0, or -EPROTO after a sentence.
 */
int prime_spliced(const struct prime *to, uint32_t *ack);

/* Parts that both share: frames of one step, and what is done with them. */
struct prime_step {
	uint8_t flags;
	bool is_answer;
	uint32_t seq, ack;
};

struct prime_burst {
	struct frame frames[LANES_MAX];
	uint16_t len[LANES_MAX];
	unsigned int n;
};

/* Write the frame of one connection as the last of the burst. */
void prime_add(const struct prime *to, struct prime_burst *p, struct traffic_ends ends,
               const struct prime_step *step);

/* Judge it as what came in by that side; the worker's burst then tells what was decided. */
void prime_judge(const struct prime *to, struct prime_burst *p, enum side side);

#endif
