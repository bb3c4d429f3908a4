/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Words are summed as they lie in memory (RFC 1071 2 (B): the order of bytes does
 * not matter as long as it is always the same), so none is turned for the sum.
 */
#include "challenge/answer.h"

#include <string.h>

#define IPV4_LEN    20u
#define IPV6_LEN    40u
#define TCP_LEN     20u
#define OUR_TTL     64u
#define ETHER_LEAST 60u /* a frame without FCS (IEEE 802.3, 3.2.7) */

/* --- what a SYN offers --- */

static inline uint32_t
get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint64_t
get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

static inline uint8_t
capped(uint32_t wscale)
{
	return (uint8_t)(wscale < 14 ? wscale : 14);
}

static inline void
set_stamps(struct tcp_options *o, const uint8_t *tcp, unsigned int at)
{
	o->has_ts = true;
	o->ts_at = (uint8_t)at;
	o->ts_value = get32(tcp + at);
	o->ts_echo = get32(tcp + at + 4);
}

/* MSS, SACK, timestamps, NOP, window scale: Linux and Android. */
static inline bool
is_linux(const uint8_t *tcp, struct tcp_options *o)
{
	const uint64_t first = get64(tcp + 20);
	const uint32_t last = get32(tcp + 36);

	if ((first & 0xffff0000ffffffff) != 0x020400000402080a ||
	    (last & 0xffffff00) != 0x01030300)
		return false;
	*o = (struct tcp_options){ .mss = (uint16_t)(first >> 32),
		                   .wscale = capped(last & 0xff),
		                   .has_sack_permitted = true };
	set_stamps(o, tcp, 28);
	return true;
}

/* MSS, NOP, window scale: how Windows, macOS and iOS begin. */
static inline bool
begins_with_scale(const uint8_t *tcp, struct tcp_options *o)
{
	const uint64_t first = get64(tcp + 20);

	if ((first & 0xffff0000ffffff00) != 0x0204000001030300)
		return false;
	*o = (struct tcp_options){ .mss = (uint16_t)(first >> 32),
		                   .wscale = capped((uint32_t)first & 0xff),
		                   .has_sack_permitted = true };
	return true;
}

/* Then NOP, NOP, SACK: Windows. */
static inline bool
is_windows(const uint8_t *tcp, struct tcp_options *o)
{
	return get32(tcp + 28) == 0x01010402 && begins_with_scale(tcp, o);
}

/* Then NOP, NOP, timestamps, SACK, end: macOS and iOS. */
static inline bool
is_macos(const uint8_t *tcp, struct tcp_options *o)
{
	if (get32(tcp + 28) != 0x0101080a || get32(tcp + 40) != 0x04020000 ||
	    !begins_with_scale(tcp, o))
		return false;
	set_stamps(o, tcp, 32);
	return true;
}

static inline bool
is_only_mss(const uint8_t *tcp, struct tcp_options *o)
{
	const uint32_t first = get32(tcp + 20);

	if (first >> 16 != 0x0204)
		return false;
	*o = (struct tcp_options){ .mss = (uint16_t)first, .wscale = OPTIONS_NO_WSCALE };
	return true;
}

void
answer_read_offer(const struct burst *b, unsigned int lane, struct tcp_options *offer)
{
	const struct facts *f = &b->facts[lane];
	const uint8_t *tcp = b->bytes[lane] + f->l4_off;
	bool is_known = false;

	/* The parser made sure that the header is readable, so its length decides first. */
	switch (f->payload_off - f->l4_off) {
	case 20:
		*offer = (struct tcp_options){ .wscale = OPTIONS_NO_WSCALE };
		return;
	case 24:
		is_known = is_only_mss(tcp, offer);
		break;
	case 32:
		is_known = is_windows(tcp, offer);
		break;
	case 40:
		is_known = is_linux(tcp, offer);
		break;
	case 44:
		is_known = is_macos(tcp, offer);
		break;
	default:
		break;
	}
	if (!is_known)
		options_read(tcp, b->bytes_len[lane] - f->l4_off, offer);
}

/* --- the answer --- */

static inline uint64_t
put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
	return v;
}

/* Add a word of the header at *p to the sum, in memory and in host order. */
static inline uint64_t
add32(uint8_t **p, uint32_t v)
{
	*p += 4;
	return put32(*p - 4, v);
}

static inline uint16_t
fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Sum of 32-bit words as they lie in memory. */
static inline uint64_t
sum_of(const uint8_t *p, unsigned int words)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < words; i++) {
		uint32_t v;

		memcpy(&v, p + 4 * i, sizeof(v));
		sum += v;
	}
	return sum;
}

static inline void
swap_macs(uint8_t *frame)
{
	uint64_t one, other;

	memcpy(&one, frame, 6);
	memcpy(&other, frame + 6, 6);
	memcpy(frame, &other, 6);
	memcpy(frame + 6, &one, 6);
}

/* RFC 6864 4.1: with don't fragment the identification may be 0. */
static inline uint64_t
put_ipv4(uint8_t *h, const struct facts *f, unsigned int tcp_len)
{
	uint64_t ends, sum;
	uint32_t src, dst;
	uint16_t folded;

	memcpy(&src, f->src + 12, sizeof(src));
	memcpy(&dst, f->dst + 12, sizeof(dst));
	ends = (uint64_t)src + dst;
	sum = ends + put32(h, 0x45000000 | (IPV4_LEN + tcp_len));
	sum += put32(h + 4, 0x00004000);
	sum += put32(h + 8, OUR_TTL << 24 | PROTO_TCP << 16);
	memcpy(h + 12, &dst, sizeof(dst));
	memcpy(h + 16, &src, sizeof(src));
	folded = fold(sum);
	memcpy(h + 10, &folded, sizeof(folded));
	return ends;
}

static inline uint64_t
put_ipv6(uint8_t *h, const struct facts *f, unsigned int tcp_len)
{
	put32(h, 0x60000000);
	put32(h + 4, tcp_len << 16 | PROTO_TCP << 8 | OUR_TTL);
	memcpy(h + 8, f->dst, 16);
	memcpy(h + 24, f->src, 16);
	return sum_of(f->src, 8); /* dst lies behind it */
}

static inline unsigned int
options_len(const struct tcp_options *o)
{
	const unsigned int sack = o->has_sack_permitted ? 4 : 0;

	return (o->mss != 0 ? 4u : 0) + (o->has_ts ? 12u : sack) +
	       (o->wscale != OPTIONS_NO_WSCALE ? 4u : 0);
}

/*
 * Write the options, add them to *sum and return their length. Where not all of them fit,
 * all but the MSS go: SACK and the window scale are remembered in our timestamp, so to
 * leave out one of the three would be to forget what was agreed.
 */
static inline unsigned int
put_options(uint8_t *p, const struct tcp_options *o, unsigned int room, uint64_t *sum)
{
	const unsigned int all = options_len(o);

	if (__builtin_expect(all > room, 0)) {
		if (o->mss == 0 || room < 4)
			return 0;
		*sum += put32(p, (uint32_t)OPTION_MSS << 24 | 4u << 16 | o->mss);
		return 4;
	}
	if (o->mss != 0)
		*sum += add32(&p, 0x02040000u | o->mss);
	if (o->has_ts) {
		*sum += add32(&p, o->has_sack_permitted ? 0x0402080a : 0x0101080a);
		*sum += add32(&p, o->ts_value);
		*sum += add32(&p, o->ts_echo);
	} else if (o->has_sack_permitted) {
		*sum += add32(&p, 0x01010402);
	}
	if (o->wscale != OPTIONS_NO_WSCALE)
		*sum += add32(&p, 0x01030300u | o->wscale);
	return all;
}

/* `sum` is of addresses and options. */
static inline void
put_tcp(uint8_t *h, const struct facts *f, const struct answer *a, unsigned int tcp_len,
        uint64_t sum)
{
	uint16_t folded;

	sum += __builtin_bswap32(PROTO_TCP << 16 | tcp_len);
	sum += put32(h, (uint32_t)f->dst_port << 16 | f->src_port);
	sum += put32(h + 4, a->seq);
	sum += put32(h + 8, a->ack);
	sum += put32(h + 12, tcp_len << 26 | (uint32_t)a->tcp_flags << 16 | a->window);
	folded = fold(sum);
	memcpy(h + 16, &folded, sizeof(folded));
	memset(h + 18, 0, 2);
}

void
answer_write(struct burst *b, unsigned int lane, const struct answer *a)
{
	const struct facts *f = &b->facts[lane];
	/* Of a lane that is answered the bytes are ours. */
	uint8_t *frame = (uint8_t *)(uintptr_t)b->bytes[lane];
	const bool is_ipv6 = (f->flags & FACT_IPV6) != 0;
	const unsigned int l4 = f->l3_off + (is_ipv6 ? IPV6_LEN : IPV4_LEN);
	const unsigned int most =
		b->bytes_len[lane] < f->frame_len ? b->bytes_len[lane] : f->frame_len;
	unsigned int tcp_len = TCP_LEN, len;
	uint64_t sum = 0;

	swap_macs(frame);
	tcp_len +=
		put_options(frame + l4 + TCP_LEN, &a->options, most - l4 - TCP_LEN, &sum);
	sum += is_ipv6 ? put_ipv6(frame + f->l3_off, f, tcp_len)
	               : put_ipv4(frame + f->l3_off, f, tcp_len);
	put_tcp(frame + l4, f, a, tcp_len, sum);

	/* What the shortest frame has room for beyond the answer is padding, as it was. */
	len = l4 + tcp_len;
	if (len < ETHER_LEAST && most > len) {
		const unsigned int end = most < ETHER_LEAST ? most : ETHER_LEAST;

		memset(frame + len, 0, end - len);
		len = end;
	}
	b->bytes_len[lane] = (uint16_t)len;
}
