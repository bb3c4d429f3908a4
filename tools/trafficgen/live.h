/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * live - connections of others that a flood is sent into, read from a file.
 *
 * One line a connection, as the client sees it; what is unknown is random:
 *
 *     CLIENT PORT SERVER PORT [SEQ [ACK]]      # comment
 *     198.18.0.9 40000 203.0.113.10 443 1000-66535 -
 *
 * SEQ and ACK are numbers or MIN-MAX, taken modulo 2^32, so that a window across the
 * wrap can be written; `-` is any number.
 *
 * Threads none. Memory belongs to whoever read it, until live_free.
 */
#ifndef TRAFFICGEN_LIVE_H
#define TRAFFICGEN_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "args.h"

/* Numbers that a range may name: the wrap can be crossed once. */
#define LIVE_NUMBER_MAX ((UINT64_C(1) << 33) - 1)

struct live_flow {
	struct address client, server;
	uint16_t client_port, server_port;
	bool has_seq, has_ack;
	struct range seq, ack;
};

struct live {
	struct live_flow *flow;
	size_t count;
};

/* Returns 0, or -errno after complaining with the line; *out is untouched then. */
int live_read(struct live *out, const char *path);

void live_free(struct live *l);

#endif
