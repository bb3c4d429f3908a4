/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quic - what the first packet of a UDP datagram says of itself, if it is QUIC.
 *
 * What holds for every version (RFC 8999), and the kinds of packets of versions 1
 * (RFC 9000, 17.2) and 2 (RFC 9369, 3.2). Nothing is decrypted.
 *
 *     long   | 1 f t t x x x x | version | n | DCID | n | SCID | ...
 *     short  | 0 f x x x x x x | DCID, of a length that only the server knows | ...
 *
 * Threads any: pure functions of their arguments.
 */
#ifndef INSPECT_QUIC_H
#define INSPECT_QUIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUIC_V1          UINT32_C(0x00000001)
#define QUIC_V2          UINT32_C(0x6b3343cf)
#define QUIC_NEGOTIATION UINT32_C(0) /* not a version: an answer that lists some */

#define QUIC_DATAGRAM 1200 /* payload of a datagram with an Initial (RFC 9000 14.1) */
#define QUIC_MIN_DCID 8    /* that a client may choose for its first one (7.2) */
#define QUIC_MAX_CID  20   /* of versions 1 and 2 (17.2) */

enum quic_kind {
	QUIC_BROKEN,  /* ends before its header does */
	QUIC_SHORT,   /* of an established connection */
	QUIC_UNKNOWN, /* long, of a version that is not known here */
	QUIC_INITIAL,
	QUIC_ZERO_RTT,
	QUIC_HANDSHAKE,
	QUIC_RETRY,
};

struct quic {
	enum quic_kind kind;
	uint32_t version;           /* of long headers */
	uint8_t dcid_len, scid_len; /* of long headers */
};

/* Read a datagram's `len` bytes, of which no more are touched. */
void quic_read(const uint8_t *datagram, size_t len, struct quic *out);

/* Whether the version only tests that servers negotiate: 0x?a?a?a?a (RFC 9000 15). */
static inline bool
quic_is_greased(uint32_t version)
{
	return (version & 0x0f0f0f0f) == 0x0a0a0a0a;
}

#endif
