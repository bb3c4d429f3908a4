/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notices - what a worker tells control: rare facts, not packets.
 *
 * A single-producer single-consumer ring of fixed records. When it is full the
 * notice is counted as lost and the worker goes on.
 *
 * Threads one worker puts, control takes.
 */
#ifndef BASE_NOTICES_H
#define BASE_NOTICES_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#define NOTICES_MAX 1024 /* a power of two */

enum notice_kind {
	NOTICE_SOURCE_BLOCKED = 1, /* value: measured rate, threshold: its limit */
};

struct notice {
	uint64_t time_ns;
	uint64_t until_ns;
	uint64_t value;
	uint64_t threshold;
	uint8_t address[16];
	const char *unit; /* of value and threshold, static: "packets_per_second" … */
	uint16_t service;
	uint16_t
		times; /* that it happened to this one lately, this time included; 0: nobody counts */
	uint8_t kind;       /* enum notice_kind */
	uint8_t prefix_len; /* of address, counted as IPv6: an IPv4 host is 128 */
	uint8_t stage, reason;
};

struct notices {
	alignas(64) uint64_t head; /* written by the worker */
	uint64_t lost;
	alignas(64) uint64_t tail; /* written by control */
	struct notice slot[NOTICES_MAX];
};

/* Returns false, and counts it lost, when the ring is full. */
bool notices_put(struct notices *n, const struct notice *what);

/* Returns false when there is none. */
bool notices_take(struct notices *n, struct notice *out);

#endif
