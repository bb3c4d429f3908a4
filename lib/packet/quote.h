/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quote - the packet that an ICMP or ICMPv6 error speaks of.
 *
 * An error belongs to the flow of the packet that it quotes: it goes to that flow's
 * worker, and of a spliced connection it is told in the numbers of whoever reads it.
 *
 *     | Ethernet | IP | ICMP (8) | quoted IP header | first bytes of what it carried ...
 *                                                   ^ l4_off, l4_len bytes readable
 *
 * Source  RFC 792 (the header and 8 bytes), RFC 1812 4.3.2.3 and RFC 4443 2.4 (as much as
 *         fits).
 * Threads none: pure functions of their arguments.
 */
#ifndef PACKET_QUOTE_H
#define PACKET_QUOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/facts.h"

/* Ends in the order of the quoted packet, which came from where the error goes to. */
struct quote {
	uint8_t src[16], dst[16]; /* IPv4 is mapped, as in facts */
	uint16_t src_port,
		dst_port; /* 0 without l4_off; ICMP echo: the identifier in both */
	uint8_t proto;    /* IANA number, as the quoted IP header says */
	uint16_t
		l4_off; /* TCP or UDP header, from the frame's start; 0: no ports to be had */
	uint16_t l4_len; /* bytes of the quote from there, at least 4 with l4_off */
	bool has_ends; /* both ends are told whole, so that its flow can be looked for */
};

/*
 * Whether the packet is an error that quotes. RFC 792: unreachable, source quench,
 * redirect, time exceeded, parameter problem. RFC 4443: types below 128.
 */
static inline bool
quote_is_there(const struct facts *f)
{
	const uint32_t v4 = 1u << 3 | 1u << 4 | 1u << 5 | 1u << 11 | 1u << 12;

	if (f->fault != PACKET_SOUND || (f->flags & FACT_FRAG_REST) != 0 ||
	    f->l4_off == 0)
		return false;
	if (f->proto == PROTO_ICMP)
		return f->icmp_type < 32 && (v4 >> f->icmp_type & 1) != 0;
	return f->proto == PROTO_ICMPV6 && f->icmp_type >= 1 && f->icmp_type < 128;
}

/*
 * Read the quote of a frame of which `len` bytes are readable. Returns false, and *q says
 * nothing, when the packet is no error or quotes less than an IP header. Quoted fragments
 * and protocols other than TCP and UDP have addresses and no l4_off; of the protocols
 * those have ends whose flows have no ports, or an echo's identifier in their place.
 */
bool quote_read(const struct facts *f, const uint8_t *bytes, size_t len, struct quote *q);

#endif
