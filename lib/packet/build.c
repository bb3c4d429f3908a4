/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/build.h"

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

static void
turn_macs(uint8_t link[22])
{
	uint8_t mac[6];

	memcpy(mac, link, 6);
	memmove(link, link + 6, 6);
	memcpy(link + 6, mac, 6);
}

/*
 * MACs follow the addresses: whoever is spoken for in the source address has
 * his MAC in the source too, so the switch behind either port learns nothing
 * new. Tags are copied with their priority bits.
 */
bool
build_ends(struct burst_ends *ends, const struct facts *like, const uint8_t *bytes,
           bool reversed)
{
	if (like->fault != PACKET_SOUND || like->proto != PROTO_TCP ||
	    (like->flags & FACT_NO_PORTS) != 0 || like->l3_off > sizeof(ends->link))
		return false;
	memcpy(ends->src, reversed ? like->dst : like->src, 16);
	memcpy(ends->dst, reversed ? like->src : like->dst, 16);
	ends->src_port = reversed ? like->dst_port : like->src_port;
	ends->dst_port = reversed ? like->src_port : like->dst_port;
	ends->is_ipv6 = (like->flags & FACT_IPV6) != 0;
	ends->link_len = like->l3_off;
	memcpy(ends->link, bytes, like->l3_off);
	if (reversed)
		turn_macs(ends->link);
	return true;
}

void
build_turn(struct burst_ends *out, const struct burst_ends *ends)
{
	*out = *ends;
	memcpy(out->src, ends->dst, 16);
	memcpy(out->dst, ends->src, 16);
	out->src_port = ends->dst_port;
	out->dst_port = ends->src_port;
	turn_macs(out->link);
}

static size_t
put_ipv4(uint8_t *h, const struct burst_ends *e, size_t payload)
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
put_ipv6(uint8_t *h, const struct burst_ends *e, size_t payload)
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
put_tcp(uint8_t *h, const struct burst_request *want, const struct burst_ends *e,
        size_t length)
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
build_tcp(uint8_t *out, const struct burst_request *want)
{
	const struct burst_ends *e = &want->ends;
	const size_t tcp = (size_t)TCP_LEN + want->options_len;
	size_t at = e->link_len;

	if (tcp > 60 || tcp % 4 != 0 || at > sizeof(e->link))
		return 0;
	memcpy(out, e->link, at);
	at += e->is_ipv6 ? put_ipv6(out + at, e, tcp) : put_ipv4(out + at, e, tcp);
	put_tcp(out + at, want, e, tcp);
	return at + tcp;
}
