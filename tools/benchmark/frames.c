/* SPDX-License-Identifier: BSD-3-Clause */
#include "frames.h"

#include <string.h>

#include "packet/checksum.h"
#include "packet/facts.h"

#define FCS 4

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

static void
write_ip(uint8_t *ip, const struct frame_spec *s, uint16_t payload)
{
	uint8_t outside[16], service[16];
	unsigned int n = addresses(s, outside, service);
	uint8_t proto = s->kind == FRAME_TCP ? PROTO_TCP : PROTO_UDP;
	uint8_t *src = ip + (s->is_ipv6 ? 8 : 12);

	memcpy(src, s->is_answer ? service : outside, n);
	memcpy(src + n, s->is_answer ? outside : service, n);
	if (s->is_ipv6) {
		ip[0] = 0x60;
		put16(ip + 4, payload);
		ip[6] = proto;
		ip[7] = 60;
		return;
	}
	ip[0] = 0x45;
	put16(ip + 2, (uint16_t)(payload + 20));
	ip[8] = 60;
	ip[9] = proto;
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

unsigned int
frame_options(enum frame_layout layout)
{
	return layouts[layout].len;
}

uint16_t
frame_write(struct frame *f, const struct frame_spec *s)
{
	uint16_t ip_len = s->is_ipv6 ? 40 : 20;
	uint16_t l4_len =
		s->kind == FRAME_TCP ? (uint16_t)(20 + layouts[s->layout].len) : 8;
	uint16_t least = (uint16_t)(FRAME_ETHERNET + ip_len + l4_len);
	uint16_t len = s->len - FCS > least ? (uint16_t)(s->len - FCS) : least;
	uint8_t *l4 = f->head + FRAME_ETHERNET + ip_len;

	memset(f->head, 0, sizeof(f->head));
	memcpy(f->head,
	       s->is_answer ? "\2\0\0\0\0\1\2\0\0\0\0\2" : "\2\0\0\0\0\2\2\0\0\0\0\1",
	       12);
	put16(f->head + 12, s->is_ipv6 ? 0x86dd : 0x0800);
	write_ip(f->head + FRAME_ETHERNET, s, (uint16_t)(len - FRAME_ETHERNET - ip_len));

	put16(l4, s->is_answer ? s->dst_port : s->src_port);
	put16(l4 + 2, s->is_answer ? s->src_port : s->dst_port);
	if (s->kind == FRAME_UDP) {
		put16(l4 + 4, (uint16_t)(len - FRAME_ETHERNET - ip_len));
		return len;
	}
	put32(l4 + 4, s->seq);
	put32(l4 + 8, s->ack);
	l4[12] = (uint8_t)(l4_len / 4 << 4);
	l4[13] = s->tcp_flags;
	put16(l4 + 14, 65535);
	memcpy(l4 + 20, layouts[s->layout].bytes, layouts[s->layout].len);
	if (s->is_ipv6 && s->layout != LAYOUT_NONE)
		put16(l4 + 22, MSS_IPV6);
	return len;
}
