/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plain - the parser's straight way for the packets that nearly all are.
 *
 * Untagged Ethernet, IPv4 without options or IPv6 without extension headers,
 * unfragmented TCP or UDP: such a header is read in three loads and turned into
 * facts by byte shuffles. Whatever else it is, or whatever is wrong with it, is
 * left to the general way in parse.c, which gives the same facts (the tests
 * compare both).
 *
 *   frame   14 (IPv4)                      34          46
 *           | 16 bytes ... source          | dst ports seq ack |
 *           22 (IPv6)                      54          70
 *           | source (16)  destination (16)| ports seq ack     |
 *
 * FACT_PLAIN says more than that it came this way: its source could be a
 * customer of the Internet, its ports are real and no routing protocol's, its
 * flags make sense. It is a promise to the stages `wiretalk` and `sanity` that
 * they would find nothing, held by a test of theirs.
 *
 * Cost    about half of the general way (tools/bench, row `parse`).
 */
#ifndef PACKET_PLAIN_H
#define PACKET_PLAIN_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "packet/facts.h"
#include "packet/vector.h"

#define PLAIN_IP  14
#define PLAIN_TCP 20

static inline uint16_t
plain_u16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint32_t
plain_u32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* A right header sums up to all ones, in whatever byte order (RFC 1071 2). */
static inline bool
plain_sum_is_right(const uint8_t *h)
{
	unsigned long long a, b, sum;
	unsigned char carry;
	uint32_t half;

	memcpy(&a, h, 8);
	memcpy(&b, h + 8, 8);
	carry = _addcarry_u64(0, a, b, &sum);
	carry = _addcarry_u64(carry, sum, plain_u32(h + 16), &sum);
	sum += carry;
	carry = _addcarry_u32(0, (uint32_t)sum, (uint32_t)(sum >> 32), &half);
	half += carry;
	half = (half & UINT16_MAX) + (half >> 16);
	return (half & UINT16_MAX) + (half >> 16) == UINT16_MAX;
}

/* The well-known NOP NOP TIMESTAMP of every Linux segment skips the walk. */
static inline bool
plain_options_are_sound(const uint8_t *options, size_t n)
{
	static const uint8_t stamp[4] = { 1, 1, 8, 10 };
	size_t i = 0;

	if (n == 12 && memcmp(options, stamp, sizeof(stamp)) == 0)
		return true;
	while (i < n && options[i] != 0) {
		if (options[i] == 1) {
			i++;
			continue;
		}
		if (n - i < 2 || options[i + 1] < 2 || options[i + 1] > n - i)
			return false;
		i += options[i + 1];
	}
	return true;
}

/* 10/8, 100.64/10, 127/8, 169.254/16, 172.16/12, 192.168/16 and what is no host's. */
static inline bool
plain_is_host4(const uint8_t *a)
{
	/* First bytes that need a second look, one bit each. */
	static const uint64_t odd[4] = {
		UINT64_C(1) << 0 | UINT64_C(1) << 10,
		UINT64_C(1) << (100 - 64) | UINT64_C(1) << (127 - 64),
		UINT64_C(1) << (169 - 128) | UINT64_C(1) << (172 - 128),
		UINT64_C(1) << (192 - 192) | ~UINT64_C(0) << (224 - 192)
	};

	if ((odd[a[0] >> 6] >> (a[0] & 63) & 1) == 0)
		return true;
	return (a[0] == 100 && (a[1] & 0xc0) != 64) || (a[0] == 169 && a[1] != 254) ||
	       (a[0] == 172 && (a[1] & 0xf0) != 16) || (a[0] == 192 && a[1] != 168);
}

/* Flags that stacks send every day; PSH aside, ECE and CWR may stand with any. */
static inline bool
plain_is_everyday(uint8_t tcp_flags)
{
	static const uint64_t everyday =
		UINT64_C(1) << TCP_SYN | UINT64_C(1) << (TCP_SYN | TCP_ACK) |
		UINT64_C(1) << TCP_ACK | UINT64_C(1) << (TCP_ACK | TCP_PSH) |
		UINT64_C(1) << (TCP_ACK | TCP_FIN) |
		UINT64_C(1) << (TCP_ACK | TCP_FIN | TCP_PSH) | UINT64_C(1) << TCP_RST |
		UINT64_C(1) << (TCP_RST | TCP_ACK);

	return (everyday >> (tcp_flags & 63) & 1) != 0;
}

/* Neither end is nobody, BGP (179), or BFD of some kind: what the wire's own talk uses. */
static inline bool
plain_is_customers_ports(uint32_t ports /* both, as on the wire */)
{
#define BOTH(port) (short)__builtin_bswap16(port), (short)__builtin_bswap16(port)
	const __m256i wire = _mm256_setr_epi16(BOTH(0), BOTH(179), BOTH(3784), BOTH(3785),
	                                       BOTH(4784), BOTH(6784), BOTH(0), BOTH(0));
#undef BOTH
	const __m256i here = _mm256_cmpeq_epi16(_mm256_set1_epi32((int)ports), wire);

	return _mm256_testz_si256(here, here) != 0;
}

/* Where a layer-4 header lies and what IP said of it; filled before plain_upper(). */
struct plain {
	const uint8_t *l4;
	uint32_t at;  /* of l4 in the frame */
	uint32_t end; /* of the datagram in the frame */
	uint32_t len; /* readable bytes */
	uint8_t proto, ttl;
	uint16_t flags; /* enum fact_flag so far */
	bool is_host;   /* the source could be a customer's */
};

/*
 * Ports, numbers and lengths of the second 32 bytes of facts. `head` holds the
 * 16 bytes from the ports on, moved by `turn` bytes. False: the general way.
 */
static inline bool
plain_upper(const struct plain *p, __m128i head, bool is_late, struct facts *out)
{
	/* seq and ack reversed, ports reversed; TCP and UDP, ports at 0 and at 4. */
	static const uint8_t order[4][16] = {
		{ 7, 6, 5, 4, 11, 10, 9, 8, 1, 0, 3, 2, 128, 128, 128, 128 },
		{ 128, 128, 128, 128, 128, 128, 128, 128, 1, 0, 3, 2, 128, 128, 128,
		  128 },
		{ 11, 10, 9, 8, 15, 14, 13, 12, 5, 4, 7, 6, 128, 128, 128, 128 },
		{ 128, 128, 128, 128, 128, 128, 128, 128, 5, 4, 7, 6, 128, 128, 128,
		  128 },
	};
	const bool is_udp = p->proto == PROTO_UDP;
	const uint32_t room = p->end - p->at;
	uint32_t header = 8, payload, vector = VECTOR_UDP_FLOOD;
	uint8_t tcp_flags = 0;
	uint64_t where, what;
	bool is_plain;
	__m128i l4;

	if (is_udp) {
		uint32_t length = __builtin_bswap16(plain_u16(p->l4 + 4));

		if (room < header || length < header || length > room)
			return false;
		payload = length - header;
	} else {
		header = (uint32_t)(p->l4[12] >> 4) * 4;
		tcp_flags = p->l4[13];
		if (header != PLAIN_TCP &&
		    (header < PLAIN_TCP || p->at + header > p->len ||
		     !plain_options_are_sound(p->l4 + PLAIN_TCP, header - PLAIN_TCP)))
			return false;
		if (header > room)
			return false;
		payload = room - header;
		vector = (tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN
		                 ? VECTOR_TCP_SYN_FLOOD
		                 : VECTOR_TCP_OTHER_FLOOD;
	}
	l4 = _mm_shuffle_epi8(
		head,
		_mm_loadu_si128((const __m128i *)order[(is_late ? 2 : 0) + is_udp]));
	l4 = _mm_insert_epi32(l4, (int)(out->frame_len | payload << 16), 3);
	is_plain = p->is_host & plain_is_customers_ports(plain_u32(p->l4)) &
	           (is_udp | plain_is_everyday(tcp_flags));
	where = p->at | (uint64_t)(p->at + header) << 16;
	what = p->flags | (uint64_t)(header > PLAIN_TCP ? FACT_TCP_OPTIONS : 0) |
	       (uint64_t)(is_plain ? FACT_PLAIN : 0) | PLAIN_IP << 16 |
	       (uint64_t)p->proto << 24 | (uint64_t)tcp_flags << 32 |
	       (uint64_t)p->ttl << 40 | (uint64_t)vector << 56;
	_mm_store_si128((__m128i *)&out->tcp_seq, l4);
	_mm_store_si128((__m128i *)&out->l4_off,
	                _mm_set_epi64x((long long)what, (long long)where));
	return true;
}

static inline bool
plain_ipv4(const uint8_t *bytes, uint32_t len, struct facts *out)
{
	static const uint8_t order[32] = { 128, 128, 128, 128, 128, 128, 128, 128,
		                           128, 128, 128, 128, 12,  13,  14,  15,
		                           128, 128, 128, 128, 128, 128, 128, 128,
		                           128, 128, 128, 128, 0,   1,   2,   3 };
	const __m256i mapped = _mm256_set_epi64x(0xffff0000, 0, 0xffff0000, 0);
	const uint8_t *h = bytes + PLAIN_IP;
	const uint32_t total = __builtin_bswap16(plain_u16(h + 2));
	__m256i ip = _mm256_loadu_si256((const __m256i *)h);
	const struct plain p = { .l4 = h + 20,
		                 .at = PLAIN_IP + 20,
		                 .end = PLAIN_IP + total,
		                 .len = len,
		                 .proto = h[9],
		                 .ttl = h[8],
		                 .flags = FACT_IP,
		                 .is_host = plain_is_host4(h + 12) &&
		                            plain_u32(h + 12) != plain_u32(h + 16) };

	/* More fragments or an offset: not the reserved bit and not "don't fragment". */
	if ((plain_u16(h + 6) & 0xff3f) != 0 || total < 20 || p.end > out->frame_len ||
	    !plain_sum_is_right(h))
		return false;
	if (!plain_upper(&p, _mm256_extracti128_si256(ip, 1), true, out))
		return false;
	ip = _mm256_or_si256(
		mapped,
		_mm256_shuffle_epi8(ip, _mm256_loadu_si256((const __m256i *)order)));
	_mm256_store_si256((__m256i *)out->src, ip);
	return true;
}

static inline bool
plain_ipv6(const uint8_t *bytes, uint32_t len, struct facts *out)
{
	const uint8_t *h = bytes + PLAIN_IP;
	const uint32_t payload = __builtin_bswap16(plain_u16(h + 4));
	__m256i ends = _mm256_loadu_si256((const __m256i *)(h + 8));
	__m128i same = _mm_xor_si128(_mm256_castsi256_si128(ends),
	                             _mm256_extracti128_si256(ends, 1));
	const struct plain p = { .l4 = h + 40,
		                 .at = PLAIN_IP + 40,
		                 .end = PLAIN_IP + 40 + payload,
		                 .len = len,
		                 .proto = h[6],
		                 .ttl = h[7],
		                 .flags = FACT_IP | FACT_IPV6,
		                 /* 2000::/3, what is given out to hosts. */
		                 .is_host =
		                         h[8] >> 5 == 1 && !_mm_testz_si128(same, same) };

	if (payload == 0 || p.end > out->frame_len)
		return false;
	if (!plain_upper(&p, _mm_loadu_si128((const __m128i *)p.l4), false, out))
		return false;
	_mm256_store_si256((__m256i *)out->src, ends);
	return true;
}

/*
 * Read a frame of which `len` bytes are readable and out->frame_len is set. True:
 * every fact is written. False: nothing but out->frame_len may be relied on.
 */
static inline bool
plain_frame(const uint8_t *bytes, size_t len, struct facts *out)
{
	bool is_read = false;
	uint32_t type;
	uint8_t proto;

	if (len < PLAIN_IP + 40)
		return false;
	type = plain_u32(bytes + 12);
	if ((type & 0xffffff) == 0x450008) {
		proto = bytes[PLAIN_IP + 9];
		if (proto == PROTO_TCP || proto == PROTO_UDP)
			is_read = plain_ipv4(bytes, (uint32_t)len, out);
	} else if ((type & 0xf0ffff) == 0x60dd86 && len >= PLAIN_IP + 60) {
		proto = bytes[PLAIN_IP + 6];
		if (proto == PROTO_TCP || proto == PROTO_UDP)
			is_read = plain_ipv6(bytes, (uint32_t)len, out);
	}
	return is_read;
}

#endif
