/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/quote.h"

#include <string.h>

enum {
	ICMP_LEN = 8,
	V4_LEN = 20,
	V6_LEN = 40,
	MAPPED = 12,
	PORTS_LEN = 4,
	ECHO_ID_AT = 4
};

static uint16_t
be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool
is_ported(uint8_t proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP;
}

/* An echo is known by its identifier; other messages belong to no flow (flow/flow.h). */
static void
take_echo(struct quote *q, const uint8_t *icmp, size_t len)
{
	const uint8_t request = q->proto == PROTO_ICMP ? 8 : 128;
	const uint8_t reply = q->proto == PROTO_ICMP ? 0 : 129;

	if (len < ECHO_ID_AT + 2 || (icmp[0] != request && icmp[0] != reply))
		return;
	q->src_port = q->dst_port = be16(icmp + ECHO_ID_AT);
	q->has_ends = true;
}

/* IPv6 headers behind which the protocol stands that carried the packet. */
static bool
is_extension(uint8_t proto)
{
	return proto == PROTO_HOPOPTS || proto == PROTO_ROUTING ||
	       proto == PROTO_FRAGMENT || proto == PROTO_AH || proto == PROTO_DSTOPTS ||
	       proto == PROTO_MOBILITY || proto == PROTO_HIP || proto == PROTO_SHIM6;
}

/* The quoted layer-4 header starts at `at`; what is quoted ends at `end`. */
static void
take_ports(struct quote *q, const uint8_t *bytes, size_t at, size_t end, bool is_ipv6)
{
	if (q->proto == (is_ipv6 ? PROTO_ICMPV6 : PROTO_ICMP)) {
		take_echo(q, bytes + at, at < end ? end - at : 0);
		return;
	}
	if (!is_ported(q->proto)) {
		q->has_ends = !is_ipv6 || !is_extension(q->proto);
		return;
	}
	if (at + PORTS_LEN > end)
		return;
	q->src_port = be16(bytes + at);
	q->dst_port = be16(bytes + at + 2);
	q->l4_off = (uint16_t)at;
	q->l4_len = (uint16_t)(end - at);
	q->has_ends = true;
}

static bool
read_ipv4(const uint8_t *bytes, size_t at, size_t end, struct quote *q)
{
	const uint8_t *ip = bytes + at;
	size_t header;

	if (at + V4_LEN > end || ip[0] >> 4 != 4)
		return false;
	header = (size_t)(ip[0] & 0xf) * 4;
	q->proto = ip[9];
	q->src[10] = q->src[11] = q->dst[10] = q->dst[11] = 0xff;
	memcpy(q->src + MAPPED, ip + 12, 4);
	memcpy(q->dst + MAPPED, ip + 16, 4);
	/* Neither more fragments nor an offset. */
	if (header >= V4_LEN && (be16(ip + 6) & 0x3fff) == 0)
		take_ports(q, bytes, at + header, end, false);
	return true;
}

static bool
read_ipv6(const uint8_t *bytes, size_t at, size_t end, struct quote *q)
{
	const uint8_t *ip = bytes + at;

	if (at + V6_LEN > end || ip[0] >> 4 != 6)
		return false;
	q->proto = ip[6];
	memcpy(q->src, ip + 8, 16);
	memcpy(q->dst, ip + 24, 16);
	take_ports(q, bytes, at + V6_LEN, end, true);
	return true;
}

bool
quote_read(const struct facts *f, const uint8_t *bytes, size_t len, struct quote *q)
{
	/* What follows the datagram in the frame is padding and no part of the quote. */
	const size_t datagram = (size_t)f->payload_off + f->payload_len;
	const size_t end = len < datagram ? len : datagram;
	const size_t at = (size_t)f->l4_off + ICMP_LEN;

	memset(q, 0, sizeof(*q));
	if (!quote_is_there(f))
		return false;
	return f->proto == PROTO_ICMP ? read_ipv4(bytes, at, end, q)
	                              : read_ipv6(bytes, at, end, q);
}
