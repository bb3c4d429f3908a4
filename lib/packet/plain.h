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
 * Cost    24 cycles for IPv4, 21 for IPv6 (tools/bench --micro parse, a Xeon at 3 GHz).
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
#define TCP_PLAIN 20 /* bytes of a TCP header without options */

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

/*
 * A right header sums up to all ones, in whatever byte order (RFC 1071 2). Halves
 * are folded by adding what is turned round by half: the carry ends up on top. A
 * sum of 2^32 - 1 is sound too and denied here; the general way knows.
 */
static inline bool
plain_sum_is_right(const uint8_t *h)
{
	uint64_t a, b, sum;
	uint32_t half;
	bool over, again;

	memcpy(&a, h, 8);
	memcpy(&b, h + 8, 8);
	over = __builtin_add_overflow(a, b, &sum);
	again = __builtin_add_overflow(sum, plain_u32(h + 16), &sum);
	sum += (unsigned int)over + again;
	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return half >> 16 == UINT16_MAX;
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

/* First bytes of IPv4 sources that are no host's, or whose network is a private one. */
static const uint8_t plain_odd_first[256] = {
	[0] = 1,   [10] = 1,  [100] = 1, [127] = 1, [169] = 1, [172] = 1, [192] = 1,
	[224] = 1, [225] = 1, [226] = 1, [227] = 1, [228] = 1, [229] = 1, [230] = 1,
	[231] = 1, [232] = 1, [233] = 1, [234] = 1, [235] = 1, [236] = 1, [237] = 1,
	[238] = 1, [239] = 1, [240] = 1, [241] = 1, [242] = 1, [243] = 1, [244] = 1,
	[245] = 1, [246] = 1, [247] = 1, [248] = 1, [249] = 1, [250] = 1, [251] = 1,
	[252] = 1, [253] = 1, [254] = 1, [255] = 1,
};

/* 10/8, 100.64/10, 127/8, 169.254/16, 172.16/12, 192.168/16 and what is no host's. */
static inline unsigned int
plain_is_host4(const uint8_t *a)
{
	if (plain_odd_first[a[0]] == 0)
		return true;
	return (a[0] == 100 && (a[1] & 0xc0) != 64) || (a[0] == 169 && a[1] != 254) ||
	       (a[0] == 172 && (a[1] & 0xf0) != 16) || (a[0] == 192 && a[1] != 168);
}

/* Flags that stacks send every day; PSH aside, ECE and CWR may stand with any. */
static inline unsigned int
plain_is_everyday(uint32_t tcp_flags)
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
static inline unsigned int
plain_is_customers_ports(uint32_t ports /* both, as on the wire */)
{
#define BOTH(port) (short)__builtin_bswap16(port), (short)__builtin_bswap16(port)
	const __m256i wire = _mm256_setr_epi16(BOTH(0), BOTH(179), BOTH(3784), BOTH(3785),
	                                       BOTH(4784), BOTH(6784), BOTH(0), BOTH(0));
#undef BOTH
	const __m256i here = _mm256_cmpeq_epi16(_mm256_set1_epi32((int)ports), wire);

	return _mm256_testz_si256(here, here) != 0;
}

/*
 * What is known of the packet when its layer-4 header is reached. `is_late` tells
 * which 16 bytes hold that header: for IPv6 they begin with it, for IPv4 two bytes
 * before it, so that in both cases they end with or after the TCP flags.
 */
struct plain {
	const uint8_t *l4;
	uint32_t at;    /* of l4 in the frame */
	uint32_t room;  /* bytes from l4 to the end of the datagram */
	uint32_t len;   /* readable bytes of the frame */
	uint64_t facts; /* flags, l3_off, proto and ttl, where they stand in facts */
	unsigned int is_host; /* 1: the source could be a customer's */
};

#define PLAIN_FLAGS(flags)   ((uint64_t)(flags))
#define PLAIN_L3             ((uint64_t)PLAIN_IP << 16)
#define PLAIN_PROTO(proto)   ((uint64_t)(proto) << 24)
#define PLAIN_TCP(flags)     ((uint64_t)(flags) << 32)
#define PLAIN_TTL(ttl)       ((uint64_t)(ttl) << 40)
#define PLAIN_VECTOR(vector) ((uint64_t)(vector) << 56)

/* The second 32 bytes of facts; `head` has numbers and ports in their places already. */
static inline void
plain_store(struct facts *out, __m128i head, uint32_t payload, uint32_t where,
            uint64_t what)
{
	head = _mm_insert_epi32(head, (int)(out->frame_len | payload << 16), 3);
	_mm_store_si128((__m128i *)&out->tcp_seq, head);
	_mm_store_si128((__m128i *)&out->l4_off,
	                _mm_set_epi64x((long long)what, (long long)(uint64_t)where));
}

static inline bool
plain_udp(const struct plain *p, __m128i head, struct facts *out)
{
	const uint32_t length = __builtin_bswap16(plain_u16(p->l4 + 4));
	const unsigned int is_plain =
		p->is_host & plain_is_customers_ports(plain_u32(p->l4));

	if (length < 8 || length > p->room)
		return false;
	plain_store(out, head, length - 8, p->at | (p->at + 8) << 16,
	            p->facts | PLAIN_PROTO(PROTO_UDP) | PLAIN_VECTOR(VECTOR_UDP_FLOOD) |
	                    (is_plain != 0 ? FACT_PLAIN : 0));
	return true;
}

static inline bool
plain_tcp(const struct plain *p, __m128i head, struct facts *out)
{
	const uint32_t header = (uint32_t)(p->l4[12] & 0xf0) >> 2, flags = p->l4[13];
	const unsigned int is_plain = p->is_host &
	                              plain_is_customers_ports(plain_u32(p->l4)) &
	                              plain_is_everyday(flags);
	uint64_t what = p->facts | PLAIN_PROTO(PROTO_TCP) | PLAIN_TCP(flags) |
	                (is_plain != 0 ? FACT_PLAIN : 0);

	if (header > p->room)
		return false;
	if (header != TCP_PLAIN) {
		if (header < TCP_PLAIN || p->at + header > p->len ||
		    !plain_options_are_sound(p->l4 + TCP_PLAIN, header - TCP_PLAIN))
			return false;
		what |= FACT_TCP_OPTIONS;
	}
	static_assert(VECTOR_TCP_SYN_FLOOD == 0 && VECTOR_TCP_OTHER_FLOOD == 1,
	              "a first SYN is told from the rest by one bit");
	what |= PLAIN_VECTOR((flags & (TCP_SYN | TCP_ACK)) != TCP_SYN);
	plain_store(out, head, p->room - header, p->at | (p->at + header) << 16, what);
	return true;
}

/* Numbers and ports turned into host order; `at` is where the ports are in the 16 bytes. */
#define PLAIN_TURN_TCP(at)                                                               \
	_mm_setr_epi8(at + 7, at + 6, at + 5, at + 4, at + 11, at + 10, at + 9, at + 8,  \
	              at + 1, at, at + 3, at + 2, -1, -1, -1, -1)
#define PLAIN_TURN_UDP(at)                                                               \
	_mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, at + 1, at, at + 3, at + 2, -1,    \
	              -1, -1, -1)

static inline bool
plain_ipv4(const uint8_t *bytes, uint32_t len, struct facts *out)
{
	const __m256i order = _mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	                                       -1, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1,
	                                       -1, -1, -1, -1, -1, -1, 0, 1, 2, 3);
	const __m256i mapped = _mm256_set_epi64x(0xffff0000, 0, 0xffff0000, 0);
	const uint8_t *h = bytes + PLAIN_IP;
	const uint32_t total = __builtin_bswap16(plain_u16(h + 2));
	const __m256i ip = _mm256_loadu_si256((const __m256i *)h);
	const __m128i l4 = _mm256_extracti128_si256(ip, 1);
	const struct plain p = { .l4 = h + 20,
		                 .at = PLAIN_IP + 20,
		                 .room = total - 20,
		                 .len = len,
		                 .facts = FACT_IP | PLAIN_L3 | PLAIN_TTL(h[8]),
		                 .is_host = plain_is_host4(h + 12) &
		                            (plain_u32(h + 12) != plain_u32(h + 16)) };

	/* More fragments or an offset: not the reserved bit and not "don't fragment". */
	if ((plain_u16(h + 6) & 0xff3f) != 0 || total < 20 ||
	    total + PLAIN_IP > out->frame_len || !plain_sum_is_right(h))
		return false;
	_mm256_store_si256((__m256i *)out->src,
	                   _mm256_or_si256(mapped, _mm256_shuffle_epi8(ip, order)));
	if (h[9] == PROTO_TCP)
		return plain_tcp(&p, _mm_shuffle_epi8(l4, PLAIN_TURN_TCP(4)), out);
	return h[9] == PROTO_UDP &&
	       plain_udp(&p, _mm_shuffle_epi8(l4, PLAIN_TURN_UDP(4)), out);
}

static inline bool
plain_ipv6(const uint8_t *bytes, uint32_t len, struct facts *out)
{
	const uint8_t *h = bytes + PLAIN_IP;
	const uint32_t payload = __builtin_bswap16(plain_u16(h + 4));
	const __m256i ends = _mm256_loadu_si256((const __m256i *)(h + 8));
	const __m128i l4 = _mm_loadu_si128((const __m128i *)(h + 40));
	const __m128i differ = _mm_xor_si128(_mm256_castsi256_si128(ends),
	                                     _mm256_extracti128_si256(ends, 1));
	const struct plain p = {
		.l4 = h + 40,
		.at = PLAIN_IP + 40,
		.room = payload,
		.len = len,
		.facts = FACT_IP | FACT_IPV6 | PLAIN_L3 | PLAIN_TTL(h[7]),
		/* 2000::/3, what is given out to hosts. */
		.is_host =
			(unsigned int)(h[8] >> 5 == 1) & !_mm_testz_si128(differ, differ),
	};

	if (payload + PLAIN_IP + 40 > out->frame_len)
		return false;
	_mm256_store_si256((__m256i *)out->src, ends);
	if (h[6] == PROTO_TCP)
		return plain_tcp(&p, _mm_shuffle_epi8(l4, PLAIN_TURN_TCP(0)), out);
	return h[6] == PROTO_UDP &&
	       plain_udp(&p, _mm_shuffle_epi8(l4, PLAIN_TURN_UDP(0)), out);
}

/*
 * Read a frame of which `len` bytes are readable and out->frame_len is set. True:
 * every fact is written. False: nothing but out->frame_len may be relied on.
 */
static inline bool
plain_frame(const uint8_t *bytes, size_t len, struct facts *out)
{
	uint32_t type;

	if (len < PLAIN_IP + 40)
		return false;
	type = plain_u32(bytes + 12);
	if ((type & 0xffffff) == 0x450008)
		return plain_ipv4(bytes, (uint32_t)len, out);
	if ((type & 0xf0ffff) == 0x60dd86 && len >= PLAIN_IP + 60)
		return plain_ipv6(bytes, (uint32_t)len, out);
	return false;
}

#endif
