/* SPDX-License-Identifier: BSD-3-Clause */
#include "frames.h"

#include <string.h>

#include "packet/checksum.h"
#include "packet/facts.h"

#define FCS         4
#define REST_OFFSET 1480 /* bytes: where the second fragment of a large datagram begins */

enum { NEXT_FRAGMENT = 44 };

static void
put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void
put32(uint8_t *at, uint32_t v)
{
	put16(at, (uint16_t)(v >> 16));
	put16(at + 2, (uint16_t)v);
}

void
frame_source(bool is_ipv6, uint32_t source, uint8_t address[16])
{
	memset(address, 0, 16);
	if (is_ipv6) {
		put32(address, 0x20010db8);
		put32(address + 4, frame_address(source));
		address[15] = 1;
		return;
	}
	address[10] = address[11] = 0xff;
	put32(address + 12, frame_address(source));
}

/* Source and service as they stand in the header; returns bytes per address. */
static unsigned int
addresses(const struct frame_spec *s, uint8_t outside[16], uint8_t service[16])
{
	static const uint8_t service6[16] = {
		0x20, 0x01, 0x0d, 0xb8, 0, 0x0a, [15] = 0x10
	};
	static const uint8_t service4[4] = { 203, 0, 113, 10 };

	frame_source(s->is_ipv6, s->source, outside);
	if (s->is_ipv6) {
		memcpy(service, service6, 16);
		return 16;
	}
	memmove(outside, outside + 12, 4);
	memcpy(service, service4, 4);
	return 4;
}

static uint8_t
protocol(const struct frame_spec *s)
{
	switch (s->kind) {
	case FRAME_TCP:
		return PROTO_TCP;
	case FRAME_ICMP:
		return s->is_ipv6 ? PROTO_ICMPV6 : PROTO_ICMP;
	default:
		return PROTO_UDP;
	}
}

/* Offset and "more follow" of a fragment, as both families write them. */
static void
write_fragment(uint8_t *ip, const struct frame_spec *s)
{
	const bool is_first = s->kind == FRAME_FIRST;

	if (!s->is_ipv6) {
		put16(ip + 6, is_first ? 0x2000 : REST_OFFSET / 8);
		return;
	}
	ip[40] = protocol(s);
	put16(ip + 42, is_first ? 1 : REST_OFFSET);
	ip[6] = NEXT_FRAGMENT;
}

/* payload counts from the first byte behind the fixed header of 20 or 40 bytes. */
static void
write_ip(uint8_t *ip, const struct frame_spec *s, uint16_t payload)
{
	uint8_t outside[16], service[16];
	unsigned int n = addresses(s, outside, service);
	const bool is_fragment = s->kind == FRAME_FIRST || s->kind == FRAME_REST;
	uint8_t *src = ip + (s->is_ipv6 ? 8 : 12);

	memcpy(src, s->is_answer ? service : outside, n);
	memcpy(src + n, s->is_answer ? outside : service, n);
	if (s->is_ipv6) {
		ip[0] = 0x60;
		put16(ip + 4, payload);
		ip[6] = protocol(s);
		ip[7] = 60;
	} else {
		ip[0] = 0x45;
		put16(ip + 2, (uint16_t)(payload + 20));
		ip[8] = 60;
		ip[9] = protocol(s);
	}
	if (is_fragment)
		write_fragment(ip, s);
	if (!s->is_ipv6)
		put16(ip + 10, checksum_fold(checksum_add(0, ip, 20)));
}

/* MSS and timestamps are patched in; a timestamp's echo is 0 in a SYN. */
static const struct {
	uint8_t len, bytes[24];
} layouts[] = {
	[LAYOUT_NONE] = { 0, { 0 } },
	/* MSS, SACK, timestamps, NOP, scale 7. */
	[LAYOUT_LINUX] = { 20, { 2,    4,    5, 180, 4, 2, 8, 10, 0x12, 0x34,
	                         0x56, 0x78, 0, 0,   0, 0, 1, 3,  3,    7 } },
	/* MSS, NOP, scale 8, NOP, NOP, SACK. */
	[LAYOUT_WINDOWS] = { 12, { 2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2 } },
	/* MSS, NOP, scale 6, NOP, NOP, timestamps, SACK, end. */
	[LAYOUT_MACOS] = { 24, { 2,    4,    5,    180,  1, 3, 3, 6, 1, 1, 8, 10,
	                         0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 4, 2, 0, 0 } },
};

/* Largest segment under IPv6; what the layouts hold is that of IPv4. */
#define MSS_IPV6 1440

/* A question for the address of www.shop.example, and how a QUIC client begins. */
static const struct {
	uint8_t len, bytes[40];
} payloads[] = {
	[PAYLOAD_ZERO] = { 0, { 0 } },
	[PAYLOAD_DNS] = { 34,
	                  "\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\4shop\7example\0\0\1\0\1" },
	[PAYLOAD_QUIC] = { 26, "\xc3\0\0\0\1\x8"
	                       "01234567\x8"
	                       "89abcdef\0\x44\xb0" },
};

static unsigned int
transport_len(const struct frame_spec *s)
{
	if (s->kind == FRAME_REST)
		return 0;
	return s->kind == FRAME_TCP ? 20u + layouts[s->layout].len : 8;
}

unsigned int
frame_headers(const struct frame_spec *s)
{
	return FRAME_ETHERNET + frame_ip_len(s->kind, s->is_ipv6) + transport_len(s) +
	       payloads[s->payload].len;
}

static void
write_tcp(uint8_t *l4, const struct frame_spec *s)
{
	put32(l4 + 4, s->seq);
	put32(l4 + 8, s->ack);
	l4[12] = (uint8_t)(transport_len(s) / 4 << 4);
	l4[13] = s->tcp_flags;
	put16(l4 + 14, 65535);
	memcpy(l4 + 20, layouts[s->layout].bytes, layouts[s->layout].len);
	if (s->is_ipv6 && s->layout != LAYOUT_NONE)
		put16(l4 + 22, MSS_IPV6);
}

uint16_t
frame_write(struct frame *f, const struct frame_spec *s)
{
	const uint16_t fixed = s->is_ipv6 ? 40 : 20;
	const uint16_t least = (uint16_t)frame_headers(s);
	const uint16_t len = s->len - FCS > least ? (uint16_t)(s->len - FCS) : least;
	const uint16_t ip_len = (uint16_t)frame_ip_len(s->kind, s->is_ipv6);
	uint8_t *l4 = f->head + FRAME_ETHERNET + ip_len;

	memset(f->head, 0, sizeof(f->head));
	memcpy(f->head,
	       s->is_answer ? "\2\0\0\0\0\1\2\0\0\0\0\2" : "\2\0\0\0\0\2\2\0\0\0\0\1",
	       12);
	put16(f->head + 12, s->is_ipv6 ? 0x86dd : 0x0800);
	write_ip(f->head + FRAME_ETHERNET, s, (uint16_t)(len - FRAME_ETHERNET - fixed));
	if (s->kind == FRAME_REST)
		return len;
	if (s->kind == FRAME_ICMP) {
		l4[0] = s->is_ipv6 ? 128 : 8;
		return len;
	}
	put16(l4, s->is_answer ? s->dst_port : s->src_port);
	put16(l4 + 2, s->is_answer ? s->src_port : s->dst_port);
	if (s->kind == FRAME_TCP) {
		write_tcp(l4, s);
		return len;
	}
	/* What a first fragment begins is as long again as itself. */
	put16(l4 + 4, (uint16_t)((len - FRAME_ETHERNET - ip_len) *
	                         (s->kind == FRAME_FIRST ? 2 : 1)));
	memcpy(l4 + 8, payloads[s->payload].bytes, payloads[s->payload].len);
	return len;
}
