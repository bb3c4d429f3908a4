/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prime - establish connections before they are measured.
 *
 * SYN, SYN-ACK and ACK of 64 connections at a time go through the worker without
 * any device, slowly enough in virtual time for every threshold.
 */
#ifndef BENCHMARK_PRIME_H
#define BENCHMARK_PRIME_H

#include <stdbool.h>
#include <stdint.h>

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

#endif
