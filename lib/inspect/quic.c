/* SPDX-License-Identifier: BSD-3-Clause */
#include "inspect/quic.h"

#include <string.h>

#define LONG    0x80
#define VERSION 1 /* where the version stands */
#define DCID    5 /* where the length of the first id stands */

static enum quic_kind
kind_of(uint8_t first, uint32_t version)
{
	/* By the two bits behind the fixed one. */
	static const uint8_t of_v1[4] = { QUIC_INITIAL, QUIC_ZERO_RTT, QUIC_HANDSHAKE,
		                          QUIC_RETRY };
	static const uint8_t of_v2[4] = { QUIC_RETRY, QUIC_INITIAL, QUIC_ZERO_RTT,
		                          QUIC_HANDSHAKE };
	const unsigned int type = first >> 4 & 3;

	if (version == QUIC_V1)
		return (enum quic_kind)of_v1[type];
	if (version == QUIC_V2)
		return (enum quic_kind)of_v2[type];
	return QUIC_UNKNOWN;
}

void
quic_read(const uint8_t *datagram, size_t len, struct quic *out)
{
	size_t scid;

	*out = (struct quic){ .kind = QUIC_BROKEN };
	if (len == 0)
		return;
	if ((datagram[0] & LONG) == 0) {
		out->kind = QUIC_SHORT;
		return;
	}
	if (len <= DCID)
		return;
	memcpy(&out->version, datagram + VERSION, sizeof(out->version));
	out->version = __builtin_bswap32(out->version);
	out->dcid_len = datagram[DCID];
	scid = DCID + 1 + (size_t)out->dcid_len;
	if (scid >= len)
		return;
	out->scid_len = datagram[scid];
	if (scid + 1 + out->scid_len > len)
		return;
	out->kind = kind_of(datagram[0], out->version);
}
