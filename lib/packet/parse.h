/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parse - bytes become facts, once per packet, here and nowhere else.
 *
 * Ethernet, 802.1Q and 802.1ad, IPv4 with options, IPv6 with hop-by-hop,
 * routing, destination, AH, mobility, HIP, shim6 and fragment headers, TCP,
 * UDP, ICMP, ICMPv6; anything else is a fact too. The parser never drops and
 * never guesses: what contradicts itself gets a fault and stage `sanity`
 * decides. It reads only bytes[0..bytes_len) and may be given any garbage.
 *
 * Source  RFC 791, 8200, 9293, 768, 792, 4443; IEEE 802.1Q.
 * Threads none: pure function of its arguments.
 */
#ifndef PACKET_PARSE_H
#define PACKET_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "packet/facts.h"

struct burst;

/* IPv6 extension headers followed before PACKET_TOO_DEEP. */
#define PARSE_MAX_HEADERS 8
/* Bytes at the frame's start that always are enough for every header parsed. */
#define PARSE_WINDOW 512

/*
 * Parse one frame: `len` readable bytes of a frame that has `frame_len` bytes
 * on the link (len <= frame_len <= 65535; less when it sits in several
 * segments). Fills every field of `out`. What follows after the readable
 * bytes is not an error as long as all headers are inside them.
 */
void parse_frame(const uint8_t *bytes, size_t len, size_t frame_len, struct facts *out);

/* Parse every lane of a burst, whose bytes, bytes_len and frame_len are set. */
void parse_burst(struct burst *b);

#endif
