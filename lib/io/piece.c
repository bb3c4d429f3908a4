/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/piece.h"

#include <string.h>

#include <rte_mbuf.h>

uint32_t
piece_copy(const struct burst *b, unsigned int lane, uint8_t *to, uint32_t len)
{
	const struct rte_mbuf *m = b->mbuf[lane];
	const uint32_t shown = b->bytes_len[lane];
	uint32_t n = len < shown ? len : shown;
	const void *from;

	memcpy(to, b->bytes[lane], n);
	if (n == len || m == NULL || m->pkt_len <= n)
		return n;
	if (len > m->pkt_len)
		len = m->pkt_len;
	/* Headers may be shown from a copy, which the buffer then continues. */
	from = rte_pktmbuf_read(m, n, len - n, to + n);
	if (from == NULL)
		return n;
	if (from != to + n)
		memcpy(to + n, from, len - n);
	return len;
}
