/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <string.h>

enum {
	ETHER_IPV4 = 0x0800,
	ETHER_VLAN = 0x8100,
	ETHER_IPV6 = 0x86dd,
	ETHER_QINQ = 0x88a8
};
enum { NEXT_FRAGMENT = 44, NEXT_OPTIONS = 60 };
enum { IPV4_LEN = 20, IPV6_LEN = 40, OPTION_LEN4 = 4, OPTION_LEN6 = 8, FRAGMENT_LEN = 8 };

uint16_t
frame_sum_bytes(const uint8_t *p, size_t len, uint32_t sum)
{
	uint64_t total = sum;

	for (; len > 1; len -= 2, p += 2)
		total += (uint32_t)(p[0] << 8 | p[1]);
	if (len == 1)
		total += (uint32_t)(p[0] << 8);
	while (total >> 16 != 0)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)total;
}

uint16_t
frame_sum(const struct address *src, const struct address *dst, uint8_t proto,
          const uint8_t *l4, size_t len)
{
	uint32_t sum = proto;

	sum += (uint32_t)(len >> 16) + (uint32_t)(len & 0xffff);
	sum = frame_sum_bytes(src->bytes, address_len(src), sum);
	sum = frame_sum_bytes(dst->bytes, address_len(dst), sum);
	return (uint16_t)~frame_sum_bytes(l4, len, sum);
}

/* Ethernet and tags; returns how many bytes they took. */
static size_t
put_ethernet(struct frame *f, const struct wire *w, const struct hop *h)
{
	uint8_t *p = f->bytes;
	size_t at = 12;

	memcpy(p, h->inward ? w->inside : w->outside, 6);
	memcpy(p + 6, h->inward ? w->outside : w->inside, 6);
	for (unsigned int i = 0; i < w->tag_count; i++, at += 4) {
		put16(p + at, i + 1 < w->tag_count ? ETHER_QINQ : ETHER_VLAN);
		put16(p + at + 2, w->tags[i]);
	}
	put16(p + at, h->src.family == 4 ? ETHER_IPV4 : ETHER_IPV6);
	return at + 2;
}

/* header_len is 20 or, with options behind it that are already written, more. */
static void
fill_ipv4(uint8_t *p, const struct hop *h, uint8_t proto, const size_t lens[2])
{
	p[0] = (uint8_t)(0x40 | lens[0] / 4);
	p[1] = 0;
	put16(p + 2, (uint16_t)(lens[0] + lens[1]));
	put16(p + 4, h->ip_id);
	put16(p + 6, h->dont_fragment ? 0x4000 : 0);
	p[8] = h->ttl;
	p[9] = proto;
	put16(p + 10, 0);
	memcpy(p + 12, h->src.bytes, 4);
	memcpy(p + 16, h->dst.bytes, 4);
}

static void
close_ipv4(uint8_t *p, size_t header_len)
{
	put16(p + 10, 0);
	put16(p + 10, (uint16_t)~frame_sum_bytes(p, header_len, 0));
}

void
frame_put_ipv4(uint8_t *to, const struct hop *h, uint8_t proto, size_t len)
{
	const size_t lens[2] = { IPV4_LEN, len };

	fill_ipv4(to, h, proto, lens);
	close_ipv4(to, IPV4_LEN);
}

static void
fill_ipv6(uint8_t *p, const struct hop *h, uint8_t next, size_t len)
{
	put32(p, 0x60000000);
	put16(p + 4, (uint16_t)len);
	p[6] = next;
	p[7] = h->ttl;
	memcpy(p + 8, h->src.bytes, 16);
	memcpy(p + 24, h->dst.bytes, 16);
}

/* Everything of IPv4 below the payload; part is NULL for a whole datagram. */
static size_t
put_ipv4(struct frame *f, const struct wire *w, const struct hop *h,
         const struct fragment *part, size_t len)
{
	/* Router alert (RFC 2113), the option that is met most. */
	static const uint8_t alert[OPTION_LEN4] = { 0x94, 0x04, 0, 0 };
	const size_t lens[2] = { IPV4_LEN + (w->options ? OPTION_LEN4 : 0), len };
	uint8_t *p = f->bytes + f->l3;

	fill_ipv4(p, h, f->proto, lens);
	if (w->options)
		memcpy(p + IPV4_LEN, alert, OPTION_LEN4);
	if (part != NULL) {
		put16(p + 4, (uint16_t)part->id);
		put16(p + 6, (uint16_t)((part->more ? 0x2000 : 0) | part->offset / 8));
	}
	close_ipv4(p, lens[0]);
	return lens[0];
}

static size_t
put_ipv6(struct frame *f, const struct wire *w, const struct hop *h,
         const struct fragment *part, size_t len)
{
	uint8_t *p = f->bytes + f->l3;
	uint8_t *next = p + 6;
	size_t at = IPV6_LEN;

	/*
	 * Destination options that every node on the way meets come before the fragment.
	 */
	if (w->options) {
		static const uint8_t padding[OPTION_LEN6] = { 0, 0, 1, 4, 0, 0, 0, 0 };

		memcpy(p + at, padding, OPTION_LEN6);
		at += OPTION_LEN6;
	}
	if (part != NULL)
		at += FRAGMENT_LEN;
	fill_ipv6(p, h, f->proto, len + at - IPV6_LEN);
	if (w->options) {
		*next = NEXT_OPTIONS;
		next = p + IPV6_LEN;
	}
	if (part != NULL) {
		uint8_t *header = p + at - FRAGMENT_LEN;

		*next = NEXT_FRAGMENT;
		next = header;
		header[1] = 0;
		put16(header + 2, (uint16_t)(part->offset | (part->more ? 1 : 0)));
		put32(header + 4, part->id);
	}
	*next = f->proto;
	return at;
}

static uint8_t *
put_all(struct frame *f, const struct wire *w, const struct hop *h,
        const struct fragment *part, size_t len)
{
	size_t ip;

	f->inward = h->inward;
	f->spoil = w->spoil;
	f->l3 = (uint16_t)put_ethernet(f, w, h);
	if (h->src.family == 4)
		ip = put_ipv4(f, w, h, part, len);
	else
		ip = put_ipv6(f, w, h, part, len);
	f->l4 = (uint16_t)(f->l3 + ip);
	f->len = (uint32_t)(f->l4 + len);
	return f->bytes + f->l4;
}

uint8_t *
frame_ip(struct frame *f, const struct wire *w, const struct hop *h, uint8_t proto,
         size_t len)
{
	f->proto = proto;
	return put_all(f, w, h, NULL, len);
}

uint8_t *
frame_fragment(struct frame *f, const struct wire *w, const struct hop *h,
               const struct fragment *part, size_t len)
{
	f->proto = part->proto;
	return put_all(f, w, h, part, len);
}

uint8_t *
frame_tcp(struct frame *f, const struct wire *w, const struct hop *h,
          const struct tcp_fields *tcp, size_t payload)
{
	const size_t header = 20u + tcp->option_len;
	uint8_t *p = frame_ip(f, w, h, PROTO_TCP, header + payload);

	put16(p, h->sport);
	put16(p + 2, h->dport);
	put32(p + 4, tcp->seq);
	put32(p + 8, tcp->ack);
	p[12] = (uint8_t)(header / 4 << 4);
	p[13] = tcp->flags;
	put16(p + 14, tcp->window);
	put32(p + 16, 0);
	memcpy(p + 20, tcp->options, tcp->option_len);
	return p + header;
}

uint8_t *
frame_udp(struct frame *f, const struct wire *w, const struct hop *h, size_t payload)
{
	uint8_t *p = frame_ip(f, w, h, PROTO_UDP, 8 + payload);

	put16(p, h->sport);
	put16(p + 2, h->dport);
	put16(p + 4, (uint16_t)(8 + payload));
	put16(p + 6, 0);
	return p + 8;
}

uint8_t *
frame_icmp(struct frame *f, const struct wire *w, const struct hop *h, uint8_t type,
           size_t payload)
{
	const uint8_t proto = h->src.family == 4 ? PROTO_ICMP : PROTO_ICMP6;
	uint8_t *p = frame_ip(f, w, h, proto, 8 + payload);

	p[0] = type;
	p[1] = 0;
	put16(p + 2, 0);
	/* Identifier and sequence of an echo; harmless in other types. */
	put16(p + 4, h->sport);
	put16(p + 6, h->ip_id);
	return p + 8;
}

/* Where the checksum lies in the transport header; -1 if the protocol has none. */
static int
sum_offset(uint8_t proto)
{
	switch (proto) {
	case PROTO_TCP:
		return 16;
	case PROTO_UDP:
		return 6;
	case PROTO_ICMP:
	case PROTO_ICMP6:
		return 2;
	default:
		return -1;
	}
}

void
frame_seal(struct frame *f)
{
	uint8_t *l4 = f->bytes + f->l4;
	const size_t len = f->len - f->l4;
	const bool is_ipv4 = f->bytes[f->l3] >> 4 == 4;
	struct address src = { .family = is_ipv4 ? 4 : 6 }, dst = src;
	const uint8_t *ip = f->bytes + f->l3 + (is_ipv4 ? 12 : 8);
	const int at = sum_offset(f->proto);
	uint16_t sum;

	if (at < 0)
		return;
	memcpy(src.bytes, ip, address_len(&src));
	memcpy(dst.bytes, ip + address_len(&src), address_len(&dst));
	put16(l4 + at, 0);
	if (f->proto == PROTO_ICMP)
		sum = (uint16_t)~frame_sum_bytes(l4, len, 0);
	else
		sum = frame_sum(&src, &dst, f->proto, l4, len);
	if (f->spoil)
		sum ^= 0x5555;
	/* A UDP checksum of zero would say that there is none (RFC 768). */
	if (sum == 0 && f->proto == PROTO_UDP)
		sum = 0xffff;
	put16(l4 + at, sum);
}
