/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/build.h"

#include <stdbool.h>
#include <string.h>

#include "packet/burst.h"
#include "packet/checksum.h"
#include "packet/facts.h"

#define IPV4_LEN 20
#define IPV6_LEN 40
#define TCP_LEN  20
#define OUR_TTL  64

static void
put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* Addresses and ports as they go out. */
struct ends {
	const uint8_t *src, *dst; /* 16 bytes */
	uint16_t src_port, dst_port;
};

static struct ends
ends_of(const struct burst_request *want, const struct facts *like)
{
	if (want->reversed)
		return (struct ends){ like->dst, like->src, like->dst_port,
			              like->src_port };
	return (struct ends){ like->src, like->dst, like->src_port, like->dst_port };
}

/*
 * MACs follow the addresses: whoever is spoken for in the source address has
 * his MAC in the source too, so the switch behind either port learns nothing
 * new. Tags are copied with their priority bits.
 */
static size_t
put_link(uint8_t *out, bool reversed, const struct facts *like, const uint8_t *bytes)
{
	memcpy(out, bytes, like->l3_off);
	if (reversed) {
		memcpy(out, bytes + 6, 6);
		memcpy(out + 6, bytes, 6);
	}
	return like->l3_off;
}

static size_t
put_ipv4(uint8_t *h, const struct ends *e, size_t payload)
{
	memset(h, 0, IPV4_LEN);
	h[0] = 0x45;
	put16(h + 2, IPV4_LEN + payload);
	h[6] = 0x40; /* don't fragment, so an identification of 0 is allowed (RFC 6864) */
	h[8] = OUR_TTL;
	h[9] = PROTO_TCP;
	memcpy(h + 12, e->src + 12, 4);
	memcpy(h + 16, e->dst + 12, 4);
	put16(h + 10, checksum_fold(checksum_add(0, h, IPV4_LEN)));
	return IPV4_LEN;
}

static size_t
put_ipv6(uint8_t *h, const struct ends *e, size_t payload)
{
	memset(h, 0, 8);
	h[0] = 0x60;
	put16(h + 4, payload);
	h[6] = PROTO_TCP;
	h[7] = OUR_TTL;
	memcpy(h + 8, e->src, 16);
	memcpy(h + 24, e->dst, 16);
	return IPV6_LEN;
}

/*
 * The zeros in front of an IPv4-mapped address add nothing to the sum, and the
 * two words 0xffff of the prefix add a zero of one's complement, so both
 * families share one pseudo-header (RFC 9293 3.1, RFC 8200 8.1).
 */
static void
put_tcp(uint8_t *h, const struct burst_request *want, const struct ends *e, size_t length)
{
	uint64_t sum = PROTO_TCP + length;

	memset(h, 0, TCP_LEN);
	put16(h, e->src_port);
	put16(h + 2, e->dst_port);
	put32(h + 4, want->seq);
	put32(h + 8, want->ack);
	h[12] = (uint8_t)(length / 4 << 4);
	h[13] = want->tcp_flags;
	put16(h + 14, want->window);
	memcpy(h + TCP_LEN, want->options, want->options_len);

	sum = checksum_add(sum, e->src, 16);
	sum = checksum_add(sum, e->dst, 16);
	put16(h + 16, checksum_fold(checksum_add(sum, h, length)));
}

size_t
build_tcp(uint8_t *out, const struct burst_request *want, const struct facts *like,
          const uint8_t *bytes)
{
	struct ends e = ends_of(want, like);
	size_t tcp = (size_t)TCP_LEN + want->options_len, at;

	if (like->fault != PACKET_SOUND || like->proto != PROTO_TCP ||
	    (like->flags & FACT_NO_PORTS) || tcp > 60 || tcp % 4 != 0)
		return 0;
	at = put_link(out, want->reversed, like, bytes);
	at += like->flags & FACT_IPV6 ? put_ipv6(out + at, &e, tcp)
	                              : put_ipv4(out + at, &e, tcp);
	put_tcp(out + at, want, &e, tcp);
	return at + tcp;
}
