/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * show - let a burst see the headers of a packet buffer, in one piece.
 *
 * Threads the worker that owns the burst.
 */
#ifndef IO_SHOW_H
#define IO_SHOW_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "packet/burst.h"
#include "packet/parse.h"

/*
 * Point lane i at the bytes of its mbuf. A packet in several segments shows its
 * headers in a copy, scratch[PARSE_WINDOW], when the first does not hold them.
 */
static inline void
show_bytes(uint8_t *scratch, struct burst *b, unsigned int i)
{
	struct rte_mbuf *m = b->mbuf[i];
	uint32_t want = m->pkt_len < PARSE_WINDOW ? m->pkt_len : PARSE_WINDOW;

	b->bytes[i] = rte_pktmbuf_mtod(m, const uint8_t *);
	b->bytes_len[i] = m->data_len;
	if (m->data_len >= want)
		return;
	if (rte_pktmbuf_read(m, 0, want, scratch) == scratch) {
		b->bytes[i] = scratch;
		b->bytes_len[i] = (uint16_t)want;
	}
}

#endif
