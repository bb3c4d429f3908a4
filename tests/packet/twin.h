/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * twin - the parser again, slow and plain, to compare with.
 *
 * Written from the contract and the RFCs in another way than the real one: a
 * reader that checks each byte it takes and stops at the first fault, and one
 * function per layer that returns the kind of the next layer.
 */
#ifndef TESTS_PACKET_TWIN_H
#define TESTS_PACKET_TWIN_H

#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include "packet/facts.h"
#include "packet/parse.h"
#include "packet/vector.h"
#include "wire.h"

struct twin {
	const uint8_t *bytes;
	size_t readable, end;
	size_t at;
	struct facts f;
	jmp_buf out;
};

static void __attribute__((noreturn)) twin_fault(struct twin *t, enum packet_fault fault)
{
	t->f.fault = (uint8_t)fault;
	longjmp(t->out, 1);
}

/* All `n` bytes from t->at exist, or it is over. */
static void
twin_want(struct twin *t, size_t n)
{
	if (t->at + n > t->end)
		twin_fault(t, PACKET_TRUNCATED);
	if (t->at + n > t->readable)
		twin_fault(t, PACKET_TOO_DEEP);
}

/* A field of `n` bytes, `off` bytes behind t->at. */
static unsigned int
twin_get(const struct twin *t, size_t off, size_t n)
{
	unsigned int v = 0;

	while (n-- > 0)
		v = v * 256 + t->bytes[t->at + off++];
	return v;
}

static void
twin_fragment(struct twin *t, size_t offset, size_t more, size_t bytes, size_t before)
{
	t->f.flags |= FACT_FRAGMENT;
	if (offset != 0)
		t->f.flags |= FACT_FRAG_REST;
	if (bytes == 0)
		twin_fault(t, PACKET_BAD_FRAGMENT);
	if (more && bytes / 8 * 8 != bytes)
		twin_fault(t, PACKET_BAD_FRAGMENT);
	if (before + offset + bytes > 65535)
		twin_fault(t, PACKET_BAD_FRAGMENT);
}

static void
twin_ports(struct twin *t, unsigned int src, unsigned int dst)
{
	t->f.src_port = (uint16_t)src;
	t->f.dst_port = (uint16_t)dst;
	t->f.flags = (uint16_t)(t->f.flags & ~FACT_NO_PORTS);
}

static void
twin_payload(struct twin *t, size_t from, size_t to)
{
	t->f.payload_off = (uint16_t)from;
	t->f.payload_len = (uint16_t)(to - from);
}

static void
twin_tcp(struct twin *t)
{
	size_t list, stop;

	twin_want(t, 20);
	twin_ports(t, twin_get(t, 0, 2), twin_get(t, 2, 2));
	t->f.tcp_seq = twin_get(t, 4, 4);
	t->f.tcp_ack = twin_get(t, 8, 4);
	t->f.tcp_flags = (uint8_t)twin_get(t, 13, 1);
	stop = t->at + twin_get(t, 12, 1) / 16 * 4;
	list = t->at + 20;
	if (stop < list || stop > t->end)
		twin_fault(t, PACKET_BAD_TCP_HEADER);
	twin_payload(t, stop, t->end);
	if (stop > list)
		t->f.flags |= FACT_TCP_OPTIONS;
	if (stop > t->readable)
		twin_fault(t, PACKET_TOO_DEEP);
	while (list < stop && t->bytes[list] != 0) {
		size_t step = 1;

		if (t->bytes[list] != 1) {
			step = list + 1 < stop ? t->bytes[list + 1] : 0;
			if (step < 2)
				twin_fault(t, PACKET_BAD_TCP_HEADER);
		}
		list += step;
		if (list > stop)
			twin_fault(t, PACKET_BAD_TCP_HEADER);
	}
}

static void
twin_udp(struct twin *t)
{
	size_t stop;

	twin_want(t, 8);
	twin_ports(t, twin_get(t, 0, 2), twin_get(t, 2, 2));
	stop = t->at + twin_get(t, 4, 2);
	if (stop < t->at + 8)
		twin_fault(t, PACKET_BAD_LENGTH);
	if (stop > t->end) {
		if (!(t->f.flags & FACT_FRAGMENT))
			twin_fault(t, PACKET_BAD_LENGTH);
		stop = t->end;
	}
	twin_payload(t, t->at + 8, stop);
}

static void
twin_icmp(struct twin *t, unsigned int echo, unsigned int reply)
{
	twin_want(t, 8);
	t->f.icmp_type = (uint8_t)twin_get(t, 0, 1);
	t->f.icmp_code = (uint8_t)twin_get(t, 1, 1);
	twin_payload(t, t->at + 8, t->end);
	if (t->f.icmp_type == echo || t->f.icmp_type == reply) {
		t->f.icmp_id = (uint16_t)twin_get(t, 4, 2);
		twin_ports(t, t->f.icmp_id, t->f.icmp_id);
	}
}

static void
twin_upper(struct twin *t)
{
	int is_6 = (t->f.flags & FACT_IPV6) != 0;

	twin_payload(t, t->at, t->end);
	if (t->f.flags & FACT_FRAG_REST)
		return;
	t->f.l4_off = (uint16_t)t->at;
	if (t->f.proto == 6)
		twin_tcp(t);
	else if (t->f.proto == 17)
		twin_udp(t);
	else if (t->f.proto == 1 && !is_6)
		twin_icmp(t, 8, 0);
	else if (t->f.proto == 58 && is_6)
		twin_icmp(t, 128, 129);
}

static void
twin_ipv4(struct twin *t)
{
	size_t header, total, word;

	twin_want(t, 20);
	if (twin_get(t, 0, 1) / 16 != 4)
		twin_fault(t, PACKET_BAD_VERSION);
	t->f.flags |= FACT_IP | FACT_NO_PORTS;
	t->f.ttl = (uint8_t)twin_get(t, 8, 1);
	t->f.proto = (uint8_t)twin_get(t, 9, 1);
	memset(t->f.src + 10, 255, 2);
	memset(t->f.dst + 10, 255, 2);
	memcpy(t->f.src + 12, t->bytes + t->at + 12, 4);
	memcpy(t->f.dst + 12, t->bytes + t->at + 16, 4);
	word = twin_get(t, 6, 2);
	if (word & 0x3fff)
		t->f.flags |= FACT_FRAGMENT;
	header = twin_get(t, 0, 1) % 16 * 4;
	total = twin_get(t, 2, 2);
	if (total < 20 || t->at + total > t->end)
		twin_fault(t, PACKET_BAD_LENGTH);
	if (header < 20 || header > total)
		twin_fault(t, PACKET_BAD_IP_HEADER);
	if (header > 20)
		t->f.flags |= FACT_OPTIONS;
	t->end = t->at + total;
	twin_want(t, header);
	if (wire_checksum(t->bytes + t->at, header) != 0)
		twin_fault(t, PACKET_BAD_IP_CHECKSUM);
	if (word & 0x3fff)
		twin_fragment(t, word % 0x2000 * 8, word / 0x2000 % 2, total - header,
		              header);
	t->at += header;
	twin_upper(t);
}

static void
twin_ipv6(struct twin *t)
{
	static const uint8_t known[] = { 0, 43, 44, 51, 60, 135, 139, 140 };
	size_t ip = t->at, length;
	int fragments = 0;

	twin_want(t, 40);
	if (twin_get(t, 0, 1) / 16 != 6)
		twin_fault(t, PACKET_BAD_VERSION);
	t->f.flags |= FACT_IP | FACT_IPV6 | FACT_NO_PORTS;
	t->f.proto = (uint8_t)twin_get(t, 6, 1);
	t->f.ttl = (uint8_t)twin_get(t, 7, 1);
	memcpy(t->f.src, t->bytes + t->at + 8, 16);
	memcpy(t->f.dst, t->bytes + t->at + 24, 16);
	length = twin_get(t, 4, 2);
	if ((length == 0 && t->f.proto != 59) || ip + 40 + length > t->end)
		twin_fault(t, PACKET_BAD_LENGTH);
	t->end = ip + 40 + length;
	t->at = ip + 40;
	for (int n = 0;
	     !(t->f.flags & FACT_FRAG_REST) && memchr(known, t->f.proto, sizeof(known));
	     n++) {
		size_t size;
		uint8_t next;

		if (n == PARSE_MAX_HEADERS)
			twin_fault(t, PACKET_TOO_DEEP);
		twin_want(t, 8);
		if (t->f.proto == 0 && n > 0)
			twin_fault(t, PACKET_BAD_IP_HEADER);
		next = (uint8_t)twin_get(t, 0, 1);
		size = (twin_get(t, 1, 1) + 1) * 8;
		if (t->f.proto == 51)
			size = twin_get(t, 1, 1) * 4 + 8;
		if (t->f.proto == 44) {
			unsigned int word = twin_get(t, 2, 2);

			size = 8;
			if (fragments++ > 0)
				twin_fault(t, PACKET_BAD_FRAGMENT);
			if (word / 8 != 0 || word % 2 != 0)
				twin_fragment(t, word / 8 * 8, word % 2,
				              t->end - t->at - 8, t->at - ip - 40);
		} else {
			t->f.flags |= FACT_OPTIONS;
		}
		if (t->at + size > t->end)
			twin_fault(t, PACKET_TRUNCATED);
		t->at += size;
		t->f.proto = next;
	}
	if (!(t->f.flags & FACT_FRAG_REST) && (t->f.proto == 50 || t->f.proto == 59))
		t->f.flags |= FACT_OPAQUE;
	twin_upper(t);
}

static void
twin_link(struct twin *t)
{
	unsigned int type;

	twin_want(t, 14);
	type = twin_get(t, 12, 2);
	t->at = 14;
	for (int n = 0; type == 0x8100 || type == 0x88a8 || type == 0x9100; n++) {
		t->f.l3_off = (uint8_t)t->at;
		t->f.ethertype = (uint16_t)type;
		if (n == 2)
			twin_fault(t, PACKET_TOO_DEEP);
		twin_want(t, 4);
		t->f.flags |= n == 0 ? FACT_VLAN : FACT_QINQ;
		if (n == 0)
			t->f.vlan = (uint16_t)(twin_get(t, 0, 2) % 4096);
		else
			t->f.inner_vlan = (uint16_t)(twin_get(t, 0, 2) % 4096);
		type = twin_get(t, 2, 2);
		t->at += 4;
	}
	t->f.l3_off = (uint8_t)t->at;
	t->f.ethertype = (uint16_t)type;
	if (type == 0x0800 || type == 0x86dd) {
		/* The ethertype stays when there turns out to be no IP behind it. */
		twin_want(t, type == 0x0800 ? 20 : 40);
		if (twin_get(t, 0, 1) / 16 == (type == 0x0800 ? 4 : 6))
			t->f.ethertype = 0;
		if (type == 0x0800)
			twin_ipv4(t);
		else
			twin_ipv6(t);
	}
}

static enum vector
twin_vector(const struct facts *f)
{
	int is_syn = (f->tcp_flags & 0x12) == 0x02;

	if (f->flags & FACT_FRAGMENT)
		return VECTOR_FRAGMENT_FLOOD;
	switch (f->proto) {
	case 6:
		return is_syn ? VECTOR_TCP_SYN_FLOOD : VECTOR_TCP_OTHER_FLOOD;
	case 17:
		return VECTOR_UDP_FLOOD;
	case 1:
		return f->flags & FACT_IPV6 ? VECTOR_OTHER_FLOOD : VECTOR_ICMP_FLOOD;
	case 58:
		return f->flags & FACT_IPV6 ? VECTOR_ICMP_FLOOD : VECTOR_OTHER_FLOOD;
	default:
		return VECTOR_OTHER_FLOOD;
	}
}

/* Prefixes that hold no source of the Internet, bits of 16-byte addresses. */
static int
twin_is_odd_source(const struct facts *f)
{
	static const struct {
		uint8_t bits, first, second;
	} odd[] = { { 8, 0, 0 },      { 8, 10, 0 },    { 10, 100, 64 },  { 8, 127, 0 },
		    { 16, 169, 254 }, { 12, 172, 16 }, { 16, 192, 168 }, { 3, 224, 0 } };
	unsigned int two = f->src[12] * 256u + f->src[13];

	if (f->flags & FACT_IPV6)
		return f->src[0] / 32 != 1;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		if ((two ^ (odd[i].first * 256u + odd[i].second)) >> (16 - odd[i].bits) ==
		    0)
			return 1;
	return 0;
}

static int
twin_is_plain(const struct facts *f, const uint8_t *bytes, size_t readable)
{
	static const uint16_t wire[] = { 0, 179, 3784, 3785, 4784, 6784 };
	static const uint8_t everyday[] = { 2, 18, 16, 24, 17, 25, 4, 20 };
	const unsigned int dst = f->dst_port, src = f->src_port;

	const unsigned int tag = f->flags & FACT_VLAN ? 4 : 0;
	unsigned int least = f->flags & FACT_IPV6 ? 74 : 54;

	if (f->fault != PACKET_SOUND ||
	    f->l4_off != (f->flags & FACT_IPV6 ? 54 : 34) + tag ||
	    (f->flags & ~(FACT_IPV6 | FACT_TCP_OPTIONS | FACT_VLAN)) != FACT_IP ||
	    (f->proto != 6 && f->proto != 17))
		return 0;
	if (f->proto == 17 && f->flags & FACT_IPV6)
		least = 62;
	if (readable < least + tag || (tag != 0 && memcmp(bytes + 12, "\x81", 2) != 0))
		return 0;
	if (f->proto == 6 &&
	    memchr(everyday, f->tcp_flags & 0x3f, sizeof(everyday)) == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(wire) / sizeof(*wire); i++)
		if (src == wire[i] || dst == wire[i])
			return 0;
	return memcmp(f->src, f->dst, 16) != 0 && !twin_is_odd_source(f);
}

/* `t` is the caller's so that nothing is lost in the long jump. */
static struct facts
twin_parse(struct twin *t, const uint8_t *bytes, size_t readable, size_t frame_len)
{
	memset(t, 0, sizeof(*t));
	t->bytes = bytes;
	t->readable = readable;
	t->end = frame_len;
	t->f.frame_len = (uint16_t)frame_len;
	if (setjmp(t->out) == 0)
		twin_link(t);
	t->f.vector = (uint8_t)twin_vector(&t->f);
	if (twin_is_plain(&t->f, bytes, readable))
		t->f.flags |= FACT_PLAIN;
	return t->f;
}

#endif
