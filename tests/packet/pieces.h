/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pieces - frames of fragmented datagrams, written byte by byte.
 *
 * Customers and forgers are numbers; the outside is 66.x under IPv4 and 2001:db8:: under
 * IPv6, the inside is 203.0.113.10 or 2001:db8:a::10.
 */
#ifndef TESTS_PACKET_PIECES_H
#define TESTS_PACKET_PIECES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "packet/facts.h"

#define PIECES_ROOM 192

struct piece {
	bool is_ipv6, is_out; /* from inside */
	bool has_more;
	bool has_options; /* IPv6: destination options behind the fragment header */
	bool is_whole;    /* no fragment at all */
	uint8_t tags;     /* 0, 1 or 2 */
	uint8_t proto;
	uint8_t tcp_flags;
	uint32_t who; /* the address outside */
	uint32_t id;
	uint16_t there, here; /* ports outside and inside */
	uint16_t at, bytes;   /* of the datagram's data, with the transport header */
};

static inline void
pieces_put16(uint8_t *to, unsigned int n)
{
	to[0] = (uint8_t)(n >> 8);
	to[1] = (uint8_t)n;
}

static inline void
pieces_put32(uint8_t *to, uint32_t n)
{
	pieces_put16(to, n >> 16);
	pieces_put16(to + 2, n & 0xffff);
}

static inline unsigned int
pieces_ipv4(uint8_t *ip, const struct piece *p)
{
	uint32_t sum = 0;

	ip[0] = 0x45;
	pieces_put16(ip + 2, 20u + p->bytes);
	pieces_put16(ip + 4, p->id & 0xffff);
	if (!p->is_whole)
		pieces_put16(ip + 6, (p->has_more ? 0x2000u : 0) | p->at / 8u);
	ip[8] = 57;
	ip[9] = p->proto;
	pieces_put32(ip + (p->is_out ? 16 : 12), 0x42000000 + p->who);
	pieces_put32(ip + (p->is_out ? 12 : 16), 0xcb00710a);
	for (unsigned int i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	pieces_put16(ip + 10, ~(sum + (sum >> 16)) & 0xffff);
	return 20;
}

static inline unsigned int
pieces_ipv6(uint8_t *ip, const struct piece *p)
{
	uint8_t *there = ip + (p->is_out ? 24 : 8), *here = ip + (p->is_out ? 8 : 24);
	const unsigned int fragment = p->is_whole ? 0 : 8;

	ip[0] = 0x60;
	pieces_put16(ip + 4, fragment + p->bytes);
	ip[6] = p->is_whole ? p->proto : PROTO_FRAGMENT;
	ip[7] = 57;
	memcpy(there, "\x20\x01\x0d\xb8", 4);
	/* Each in a /64 of his own. */
	pieces_put32(there + 4, p->who);
	there[15] = 1;
	memcpy(here, "\x20\x01\x0d\xb8\x00\x0a", 6);
	here[15] = 0x10;
	if (p->is_whole)
		return 40;
	ip[40] = p->has_options ? PROTO_DSTOPTS : p->proto;
	pieces_put16(ip + 42, (p->at & 0xfff8u) | p->has_more);
	pieces_put32(ip + 44, p->id);
	return 48;
}

/* The beginning of the data, where the piece has it. */
static inline void
pieces_header(uint8_t *at, const struct piece *p)
{
	unsigned int room = p->bytes;

	if (p->is_ipv6 && p->has_options) {
		at[0] = p->proto;
		at[2] = 1; /* PadN of 4 */
		at[3] = 4;
		at += 8;
		room -= 8;
	}
	pieces_put16(at, p->is_out ? p->here : p->there);
	pieces_put16(at + 2, p->is_out ? p->there : p->here);
	if (p->proto == PROTO_UDP) {
		pieces_put16(at + 4, p->is_whole ? room : 1400);
	} else if (p->proto == PROTO_TCP && room >= 20) {
		at[12] = 5 << 4;
		at[13] = p->tcp_flags;
	}
}

/* Writes the frame, of at most PIECES_ROOM bytes; returns its length. */
static inline uint16_t
pieces_frame(uint8_t bytes[PIECES_ROOM], const struct piece *p)
{
	static const uint16_t tag[3] = { 0, 0x8100, 0x88a8 };
	uint8_t *at = bytes + 12;

	memset(bytes, 0, PIECES_ROOM);
	bytes[5] = 2;
	bytes[11] = 1;
	for (unsigned int n = p->tags; n > 0; n--) {
		pieces_put16(at, tag[n]);
		pieces_put16(at + 2, 100 + n);
		at += 4;
	}
	pieces_put16(at, p->is_ipv6 ? 0x86dd : 0x0800);
	at += 2;
	at += p->is_ipv6 ? pieces_ipv6(at, p) : pieces_ipv4(at, p);
	if (p->at == 0)
		pieces_header(at, p);
	at += p->bytes;
	return (uint16_t)(at - bytes < 60 ? 60 : at - bytes);
}

#endif
