/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The general way through a frame; plain.h is the short cut for the packets that
 * nearly all are. Here too the common case is one straight run of predictable
 * branches, and whatever is rare is kept out of line.
 *
 * Every header is asked for with missing() before its first byte is read, and
 * nowhere else is `bytes` touched: that is the whole memory-safety argument.
 */
#include "packet/parse.h"

#include <stdbool.h>
#include <string.h>

#include "base/lanes.h"
#include "packet/burst.h"
#include "packet/checksum.h"
#include "packet/options.h"
#include "packet/parts.h"
#include "packet/vector.h"

#define ETHER_LEN 14
#define TAG_LEN   4
#define IPV4_LEN  20
#define IPV6_LEN  40
#define TCP_LEN   20
#define UDP_LEN   8
#define ICMP_LEN  8
#define IP_MAX    65535

#define OUT_OF_LINE __attribute__((noinline, cold))

enum ethertype {
	TYPE_IPV4 = 0x0800,
	TYPE_VLAN = 0x8100,
	TYPE_IPV6 = 0x86dd,
	TYPE_QINQ = 0x88a8,
	TYPE_QINQ_OLD = 0x9100, /* used before 802.1ad was agreed on, and still */
};

enum icmp_echo { ECHO_REPLY = 0, ECHO = 8, ECHO6 = 128, ECHO6_REPLY = 129 };

struct frame {
	const uint8_t *bytes;
	size_t len; /* readable bytes */
	size_t end; /* where the frame ends; once IP is read, where the datagram ends */
};

/* The way through an IPv6 header chain. */
struct chain {
	size_t at;
	unsigned int headers;
	bool saw_fragment;
};

static inline uint16_t
be16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap16(v);
}

static inline uint32_t
be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

/* PACKET_SOUND when all bytes before `need` are there to be read. */
static inline enum packet_fault
missing(const struct frame *f, size_t need)
{
	if (need > f->end)
		return PACKET_TRUNCATED;
	return need > f->len ? PACKET_TOO_DEEP : PACKET_SOUND;
}

static inline enum packet_fault
tcp(const struct frame *f, struct facts *out, size_t at)
{
	const uint8_t *h = f->bytes + at;
	enum packet_fault fault = missing(f, at + TCP_LEN);
	size_t header;

	if (fault != PACKET_SOUND)
		return fault;
	out->src_port = be16(h);
	out->dst_port = be16(h + 2);
	out->tcp_seq = be32(h + 4);
	out->tcp_ack = be32(h + 8);
	out->tcp_flags = h[13];
	out->flags &= (uint16_t)~FACT_NO_PORTS;

	header = (size_t)(h[12] >> 4) * 4;
	if (header < TCP_LEN || at + header > f->end)
		return PACKET_BAD_TCP_HEADER;
	out->payload_off = (uint16_t)(at + header);
	out->payload_len = (uint16_t)(f->end - at - header);
	if (header == TCP_LEN)
		return PACKET_SOUND;
	out->flags |= FACT_TCP_OPTIONS;
	if (at + header > f->len)
		return PACKET_TOO_DEEP;
	return options_are_sound(h + TCP_LEN, header - TCP_LEN) ? PACKET_SOUND
	                                                        : PACKET_BAD_TCP_HEADER;
}

static inline enum packet_fault
udp(const struct frame *f, struct facts *out, size_t at)
{
	const uint8_t *h = f->bytes + at;
	enum packet_fault fault = missing(f, at + UDP_LEN);
	size_t length, room = f->end - at;

	if (fault != PACKET_SOUND)
		return fault;
	out->src_port = be16(h);
	out->dst_port = be16(h + 2);
	out->flags &= (uint16_t)~FACT_NO_PORTS;

	/* The first fragment names the length of the whole datagram. */
	length = be16(h + 4);
	if (length < UDP_LEN || (length > room && !(out->flags & FACT_FRAGMENT)))
		return PACKET_BAD_LENGTH;
	out->payload_off = (uint16_t)(at + UDP_LEN);
	out->payload_len = (uint16_t)((length < room ? length : room) - UDP_LEN);
	return PACKET_SOUND;
}

static inline enum packet_fault
icmp(const struct frame *f, struct facts *out, size_t at)
{
	const uint8_t *h = f->bytes + at;
	enum packet_fault fault = missing(f, at + ICMP_LEN);
	bool is_echo;

	if (fault != PACKET_SOUND)
		return fault;
	out->icmp_type = h[0];
	out->icmp_code = h[1];
	out->payload_off = (uint16_t)(at + ICMP_LEN);
	out->payload_len = (uint16_t)(f->end - at - ICMP_LEN);

	is_echo = out->proto == PROTO_ICMP ? h[0] == ECHO || h[0] == ECHO_REPLY
	                                   : h[0] == ECHO6 || h[0] == ECHO6_REPLY;
	if (is_echo) {
		out->icmp_id = be16(h + 4);
		out->src_port = out->dst_port = out->icmp_id;
		out->flags &= (uint16_t)~FACT_NO_PORTS;
	}
	return PACKET_SOUND;
}

static inline bool
is_icmp(const struct facts *p)
{
	return p->proto == ((p->flags & FACT_IPV6) ? PROTO_ICMPV6 : PROTO_ICMP);
}

/* What IP carries, from `at`; a later fragment shows only bytes of it. */
static inline enum packet_fault
upper(const struct frame *f, struct facts *out, size_t at)
{
	out->payload_off = (uint16_t)at;
	out->payload_len = (uint16_t)(f->end - at);
	if (out->flags & FACT_FRAG_REST)
		return PACKET_SOUND;
	out->l4_off = (uint16_t)at;
	if (out->proto == PROTO_TCP)
		return tcp(f, out, at);
	if (out->proto == PROTO_UDP)
		return udp(f, out, at);
	if (is_icmp(out))
		return icmp(f, out, at);
	return PACKET_SOUND;
}

/*
 * Note a fragment of `bytes` data at `offset`; `before` bytes stand in front of
 * the data of the whole datagram and count against its 65,535 bytes.
 */
static OUT_OF_LINE enum packet_fault
fragment(struct facts *out, size_t offset, bool has_more, size_t bytes, size_t before)
{
	out->flags |= FACT_FRAGMENT;
	if (offset > 0)
		out->flags |= FACT_FRAG_REST;
	if (bytes == 0 || before + offset + bytes > IP_MAX ||
	    (has_more && bytes % 8 != 0))
		return PACKET_BAD_FRAGMENT;
	return PACKET_SOUND;
}

/* ::ffff:a.b.c.d, RFC 4291 2.5.5.2, as two stores. */
static inline void
map_address(uint8_t to[16], const uint8_t *from)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(to, prefix, sizeof(prefix));
	memcpy(to + sizeof(prefix), from, 4);
}

/*
 * A right header sums up to all ones, in whatever byte order (RFC 1071 2). Twenty
 * bytes are summed in three loads: the call to the general sum costs 36 cycles.
 * Halves are folded by adding what is turned round by half: the carry ends up on top.
 */
static inline bool
header_sum_is_right(const uint8_t *h, size_t header)
{
	uint64_t a, b, sum;
	uint32_t c, half;
	bool over, again;

	if (header > IPV4_LEN)
		return checksum_fold(checksum_add(0, h, header)) == 0;
	memcpy(&a, h, sizeof(a));
	memcpy(&b, h + 8, sizeof(b));
	memcpy(&c, h + 16, sizeof(c));
	over = __builtin_add_overflow(a, b, &sum);
	again = __builtin_add_overflow(sum, c, &sum);
	sum += (unsigned int)over + again;
	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return half >> 16 == UINT16_MAX;
}

static inline enum packet_fault
ipv4(struct frame *f, struct facts *out, size_t at)
{
	const uint8_t *h = f->bytes + at;
	enum packet_fault fault = missing(f, at + IPV4_LEN);
	size_t header, total;
	uint16_t fragmenting;

	if (fault != PACKET_SOUND)
		return fault;
	if (h[0] >> 4 != 4)
		return PACKET_BAD_VERSION;
	out->flags |= FACT_IP | FACT_NO_PORTS;
	out->proto = h[9];
	out->ttl = h[8];
	map_address(out->src, h + 12);
	map_address(out->dst, h + 16);
	fragmenting = be16(h + 6) & 0x3fff;
	if (fragmenting != 0)
		out->flags |= FACT_FRAGMENT;

	header = (size_t)(h[0] & 15) * 4;
	total = be16(h + 2);
	if (total < IPV4_LEN || at + total > f->end)
		return PACKET_BAD_LENGTH;
	if (header < IPV4_LEN || header > total)
		return PACKET_BAD_IP_HEADER;
	f->end = at + total;
	if (header > IPV4_LEN) {
		out->flags |= FACT_OPTIONS;
		if (at + header > f->len)
			return PACKET_TOO_DEEP;
	}
	if (!header_sum_is_right(h, header))
		return PACKET_BAD_IP_CHECKSUM;
	if (fragmenting != 0) {
		fault = fragment(out, (size_t)(fragmenting & 0x1fff) * 8,
		                 fragmenting & 0x2000, total - header, header);
		if (fault != PACKET_SOUND)
			return fault;
	}
	return upper(f, out, at + header);
}

/* A fragment header at c->at. An atomic one (RFC 6946) is a whole packet. */
static enum packet_fault
fragment_header(const struct frame *f, struct facts *out, const struct chain *c)
{
	const uint8_t *h = f->bytes + c->at;
	uint16_t word = be16(h + 2);
	size_t data = c->at + 8;

	if (c->saw_fragment)
		return PACKET_BAD_FRAGMENT;
	if ((word & 0xfff9) == 0)
		return PACKET_SOUND;
	return fragment(out, word & 0xfff8u, word & 1, f->end - data,
	                c->at - out->l3_off - IPV6_LEN);
}

/* Pass one extension header of type out->proto; its successor becomes out->proto. */
static enum packet_fault
extension(const struct frame *f, struct facts *out, struct chain *c)
{
	const uint8_t *h = f->bytes + c->at;
	enum packet_fault fault = missing(f, c->at + 8);
	size_t length;

	if (c->headers++ == PARSE_MAX_HEADERS)
		return PACKET_TOO_DEEP;
	if (fault != PACKET_SOUND)
		return fault;
	if (out->proto == PROTO_HOPOPTS && c->headers > 1)
		return PACKET_BAD_IP_HEADER;

	if (out->proto == PROTO_FRAGMENT) {
		fault = fragment_header(f, out, c);
		c->saw_fragment = true;
		length = 8;
	} else {
		length = out->proto == PROTO_AH ? ((size_t)h[1] + 2) * 4
		                                : ((size_t)h[1] + 1) * 8;
		out->flags |= FACT_OPTIONS;
	}
	if (fault == PACKET_SOUND && c->at + length > f->end)
		fault = PACKET_TRUNCATED;
	if (fault == PACKET_SOUND) {
		out->proto = h[0];
		c->at += length;
	}
	return fault;
}

/* Follow the chain to the upper layer, RFC 8200 4. */
static OUT_OF_LINE enum packet_fault
extensions(const struct frame *f, struct facts *out, size_t at)
{
	struct chain c = { .at = at };
	enum packet_fault fault;

	while (!(out->flags & FACT_FRAG_REST)) {
		switch (out->proto) {
		case PROTO_HOPOPTS:
		case PROTO_ROUTING:
		case PROTO_FRAGMENT:
		case PROTO_AH:
		case PROTO_DSTOPTS:
		case PROTO_MOBILITY:
		case PROTO_HIP:
		case PROTO_SHIM6:
			fault = extension(f, out, &c);
			if (fault != PACKET_SOUND)
				return fault;
			break;
		case PROTO_ESP:
		case PROTO_NONE:
			out->flags |= FACT_OPAQUE;
			return upper(f, out, c.at);
		default:
			return upper(f, out, c.at);
		}
	}
	return upper(f, out, c.at);
}

static inline enum packet_fault
ipv6(struct frame *f, struct facts *out, size_t at)
{
	const uint8_t *h = f->bytes + at;
	enum packet_fault fault = missing(f, at + IPV6_LEN);
	size_t payload;

	if (fault != PACKET_SOUND)
		return fault;
	if (h[0] >> 4 != 6)
		return PACKET_BAD_VERSION;
	out->flags |= FACT_IP | FACT_IPV6 | FACT_NO_PORTS;
	out->proto = h[6];
	out->ttl = h[7];
	memcpy(out->src, h + 8, 16);
	memcpy(out->dst, h + 24, 16);

	/* Length 0 means a jumbogram (RFC 2675), which no Ethernet carries. */
	payload = be16(h + 4);
	if ((payload == 0 && out->proto != PROTO_NONE) ||
	    at + IPV6_LEN + payload > f->end)
		return PACKET_BAD_LENGTH;
	f->end = at + IPV6_LEN + payload;
	if (out->proto == PROTO_TCP || out->proto == PROTO_UDP ||
	    out->proto == PROTO_ICMPV6)
		return upper(f, out, at + IPV6_LEN);
	return extensions(f, out, at + IPV6_LEN);
}

static inline bool
is_tag(uint16_t type)
{
	return type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD;
}

/* Pass up to two tags. *type and *at are those of what follows. */
static OUT_OF_LINE enum packet_fault
tags(const struct frame *f, struct facts *out, size_t *at, uint16_t *type)
{
	for (unsigned int n = 0; is_tag(*type); n++) {
		enum packet_fault fault = missing(f, *at + TAG_LEN);
		const uint8_t *h = f->bytes + *at;

		if (n == 2)
			return PACKET_TOO_DEEP;
		if (fault != PACKET_SOUND)
			return fault;
		if (n == 0) {
			out->flags |= FACT_VLAN;
			out->vlan = be16(h) & 0xfff;
		} else {
			out->flags |= FACT_QINQ;
			out->inner_vlan = be16(h) & 0xfff;
		}
		*type = be16(h + 2);
		*at += TAG_LEN;
	}
	return PACKET_SOUND;
}

static inline enum packet_fault
frame(struct frame *f, struct facts *out)
{
	enum packet_fault fault = missing(f, ETHER_LEN);
	size_t at = ETHER_LEN;
	uint16_t type;

	if (fault != PACKET_SOUND)
		return fault;
	type = be16(f->bytes + 12);
	if (is_tag(type))
		fault = tags(f, out, &at, &type);
	out->l3_off = (uint8_t)at;
	if (fault == PACKET_SOUND && type == TYPE_IPV4)
		fault = ipv4(f, out, at);
	else if (fault == PACKET_SOUND && type == TYPE_IPV6)
		fault = ipv6(f, out, at);

	/* The field shares its place with L4 facts, so it is written last. */
	if (!(out->flags & FACT_IP))
		out->ethertype = type;
	return fault;
}

static inline enum vector
vector_of(const struct facts *p)
{
	if (p->flags & FACT_FRAGMENT)
		return VECTOR_FRAGMENT_FLOOD;
	if (p->proto == PROTO_TCP)
		return (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN
		               ? VECTOR_TCP_SYN_FLOOD
		               : VECTOR_TCP_OTHER_FLOOD;
	if (p->proto == PROTO_UDP)
		return VECTOR_UDP_FLOOD;
	return is_icmp(p) ? VECTOR_ICMP_FLOOD : VECTOR_OTHER_FLOOD;
}

void
parse_generally(const uint8_t *bytes, size_t len, size_t frame_len, struct facts *out)
{
	struct frame f = { bytes, len, frame_len };

	memset(out, 0, sizeof(*out));
	out->frame_len = (uint16_t)frame_len;
	out->fault = (uint8_t)frame(&f, out);
	out->vector = (uint8_t)vector_of(out);
}
