/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * splice - a connection whose two halves were opened by us.
 *
 * The client shook hands with the gate, the gate shook hands with the server in
 * the client's name. The client's numbers are the same on both halves; those of
 * the server differ by a constant, which lives as long as the flow.
 *
 *     client ---- SYN i ------> gate
 *            <--- SYN-ACK c --- gate      nothing is kept: c is a cookie
 *            ---- ACK c+1 ----> gate      SPLICE_OPENING: the flow exists, verified
 *                               gate ---- SYN i ------> server
 *                               gate <--- SYN-ACK s --- server
 *            <--- window ------ gate ---- ACK s+1 ----> server    SPLICE_OPEN
 *            <=== numbers of the server + delta, acknowledgements - delta ===>
 *
 * A splice lies at the index of its flow's slot, in an array beside the table,
 * and counts while its flow has FLOW_SPLICED. It belongs to the flow and to no
 * policy: a reload, another mode or a bypass never cuts it.
 *
 * Memory  32 bytes a flow slot, taken at open.
 * Threads one worker.
 */
#ifndef FLOW_SPLICE_H
#define FLOW_SPLICE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "packet/translate.h"

enum splice_state { SPLICE_OPENING = 1, SPLICE_OPEN = 2 };

struct splice {
	uint32_t
		delta; /* of the server's numbers: what the client was told, minus its own */
	uint32_t ts_delta; /* the same of its timestamps */
	uint32_t ours;     /* our first sequence number towards the client */
	uint32_t theirs;   /* the client's first sequence number */
	uint32_t stamp;    /* our timestamp that the client echoed */
	uint32_t
		opening; /* index of what is kept of the handshake, while SPLICE_OPENING */
	uint8_t state;   /* enum splice_state */
	uint8_t wscale;  /* promised to the client; OPTIONS_NO_WSCALE: none */
	int8_t shift_out; /* of the server's windows: its scale minus the promised one */
	int8_t shift_in; /* of the client's windows: its scale, when the server has none */
	bool has_ts;     /* timestamps were agreed with both */
	uint8_t spare[3];
};
static_assert(sizeof(struct splice) == 32, "two splices are one cache line");

/* What a segment from outside needs before the server may read it. */
static inline struct translation
splice_inwards(const struct splice *s)
{
	return (struct translation){ .ack = -s->delta,
		                     .ts_echo = s->has_ts ? -s->ts_delta : 0,
		                     .window_shift = s->shift_in };
}

/* What a segment of the server needs before the client may read it. */
static inline struct translation
splice_outwards(const struct splice *s)
{
	return (struct translation){ .seq = s->delta,
		                     .ts_value = s->has_ts ? s->ts_delta : 0,
		                     .window_shift = s->shift_out };
}

#endif
