/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lengths are constants wherever an answer has the shape that most have, so most of
 * both checksums is, too; what is left are a dozen additions (RFC 1071).
 */
#include "challenge/answer.h"

#include <immintrin.h>
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

#define ALWAYS static inline __attribute__((always_inline))

/* Where an answer is written: its frame, which has room for `most` bytes. */
struct place {
	uint8_t *frame;
	const struct facts *f;
	unsigned int most;
	bool is_ipv6;
};

/* Store a word in network order; returns it, because it is to be summed. */
ALWAYS uint64_t
put32(uint8_t *p, uint32_t v)
{
	const uint32_t turned = __builtin_bswap32(v);

	memcpy(p, &turned, sizeof(turned));
	return v;
}

/* The sum's halves and their carry meet in the upper half of the sum of both turns. */
ALWAYS uint16_t
fold(uint64_t sum)
{
	uint32_t half;

	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}

ALWAYS __m128i
load(const void *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

/* What follows the addresses is written again, or put back as it was. */
ALWAYS void
swap_macs(uint8_t *frame)
{
	const __m128i turn =
		_mm_setr_epi8(6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15);

	_mm_storeu_si128((__m128i *)(void *)frame, _mm_shuffle_epi8(load(frame), turn));
}

/*
 * RFC 6864 4.1: with don't fragment the identification may be 0. Returns the sum of both
 * addresses, and so does the other family's.
 */
ALWAYS uint64_t
put_ipv4(uint8_t *h, const struct facts *f, unsigned int tcp_len)
{
	const uint32_t src = get32(f->src + 12), dst = get32(f->dst + 12);
	const uint64_t ends = (uint64_t)src + dst;
	const uint32_t first = 0x45000000 | (IPV4_LEN + tcp_len), second = 0x00004000;
	const uint32_t third = OUR_TTL << 24 | PROTO_TCP << 16;

	put32(h, first);
	put32(h + 4, second);
	put32(h + 8, third | (uint16_t)~fold(ends + first + second + third));
	put32(h + 12, dst);
	put32(h + 16, src);
	return ends;
}

ALWAYS uint64_t
put_ipv6(uint8_t *h, const struct facts *f, unsigned int tcp_len)
{
	const __m128i turn =
		_mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
	const __m128i low = _mm_set1_epi64x(UINT32_MAX);
	const __m128i src = load(f->src), dst = load(f->dst);
	const __m128i one = _mm_shuffle_epi8(src, turn),
		      other = _mm_shuffle_epi8(dst, turn);
	__m128i sum = _mm_add_epi64(_mm_and_si128(one, low), _mm_srli_epi64(one, 32));

	sum = _mm_add_epi64(sum, _mm_and_si128(other, low));
	sum = _mm_add_epi64(sum, _mm_srli_epi64(other, 32));
	put32(h, 0x60000000);
	put32(h + 4, tcp_len << 16 | PROTO_TCP << 8 | OUR_TTL);
	_mm_storeu_si128((__m128i *)(void *)(h + 8), dst);
	_mm_storeu_si128((__m128i *)(void *)(h + 24), src);
	return (uint64_t)_mm_cvtsi128_si64(sum) + (uint64_t)_mm_extract_epi64(sum, 1);
}

/*
 * All but the options, which are written already: `sum` is theirs. Returns the answer's
 * length.
 */
ALWAYS unsigned int
put_headers(const struct place *at, const struct answer *a, unsigned int options,
            uint64_t sum)
{
	const struct facts *f = at->f;
	const unsigned int tcp_len = TCP_LEN + options;
	const unsigned int ip_len = at->is_ipv6 ? IPV6_LEN : IPV4_LEN;
	uint8_t *ip = at->frame + f->l3_off, *h = ip + ip_len;

	swap_macs(at->frame);
	sum += PROTO_TCP + tcp_len;
	sum += at->is_ipv6 ? put_ipv6(ip, f, tcp_len) : put_ipv4(ip, f, tcp_len);
	sum += put32(h, (uint32_t)f->dst_port << 16 | f->src_port);
	sum += put32(h + 4, a->seq);
	sum += put32(h + 8, a->ack);
	sum += put32(h + 12, tcp_len << 26 | (uint32_t)a->tcp_flags << 16 | a->window);
	/* With an urgent pointer of 0. */
	put32(h + 16, (uint32_t)(uint16_t)~fold(sum) << 16);
	return f->l3_off + ip_len + tcp_len;
}

/* --- its options --- */

ALWAYS unsigned int
head_of(const struct place *at)
{
	return at->f->l3_off + (at->is_ipv6 ? IPV6_LEN : IPV4_LEN) + TCP_LEN;
}

static unsigned int
options_len(const struct tcp_options *o)
{
	const unsigned int sack = o->has_sack_permitted ? 4 : 0;

	return (o->mss != 0 ? 4u : 0) + (o->has_ts ? 12u : sack) +
	       (o->wscale != OPTIONS_NO_WSCALE ? 4u : 0);
}

/*
 * Where not all of them fit, all but the MSS go: SACK and the window scale are remembered
 * in our timestamp, so to leave out one of the three would be to forget what was agreed.
 */
static __attribute__((noinline)) unsigned int
write_any(struct place at, const struct answer *a)
{
	struct tcp_options fits = { .wscale = OPTIONS_NO_WSCALE };
	const unsigned int head = head_of(&at), room = at.most - head;
	uint8_t list[OPTIONS_MAX];
	uint64_t sum = 0;
	size_t len;

	if (options_len(&a->options) <= room)
		fits = a->options;
	else if (room >= 4)
		fits.mss = a->options.mss;
	len = options_write_opening(list, &fits);
	memcpy(at.frame + head, list, len);
	for (size_t i = 0; i < len; i += 4)
		sum += get32(list + i);
	return put_headers(&at, a, (unsigned int)len, sum);
}

/* All there are, an MSS alone, none: the shapes of nearly every answer. */
ALWAYS unsigned int
write(const struct place *at, const struct answer *a)
{
	const struct tcp_options *o = &a->options;
	const bool has_scale = o->wscale != OPTIONS_NO_WSCALE;
	const unsigned int head = head_of(at);
	uint8_t *p = at->frame + head;
	uint64_t sum;

	if (o->has_ts && o->has_sack_permitted && has_scale && o->mss != 0 &&
	    head + 20 <= at->most) {
		sum = put32(p, 0x02040000u | o->mss);
		sum += put32(p + 4, 0x0402080a);
		sum += put32(p + 8, o->ts_value);
		sum += put32(p + 12, o->ts_echo);
		sum += put32(p + 16, 0x01030300u | o->wscale);
		return put_headers(at, a, 20, sum);
	}
	if (o->has_ts || o->has_sack_permitted || has_scale || head + 4 > at->most)
		return write_any(*at, a);
	if (o->mss == 0)
		return put_headers(at, a, 0, 0);
	return put_headers(at, a, 4, put32(p, 0x02040000u | o->mss));
}

/*
 * What the shortest frame has room for beyond the answer stays padding, but tells nothing
 * of what was there. Returns the frame's length.
 */
ALWAYS unsigned int
pad(uint8_t *frame, unsigned int len, unsigned int most)
{
	if (__builtin_expect(most < ETHER_LEAST, 0)) {
		memset(frame + len, 0, most - len);
		return most;
	}
	/* Headers are even, so this ends at the border. */
	for (; len < ETHER_LEAST; len += 2)
		memset(frame + len, 0, 2);
	return len;
}

void
answer_write(struct burst *b, unsigned int lane, const struct answer *a)
{
	const struct facts *f = &b->facts[lane];
	const unsigned int readable = b->bytes_len[lane];
	/* Of a lane that is answered the bytes are ours. */
	uint8_t *frame = (uint8_t *)(uintptr_t)b->bytes[lane];
	const unsigned int most = readable < f->frame_len ? readable : f->frame_len;
	unsigned int len;

	if ((f->flags & FACT_IPV6) == 0)
		len = pad(frame, write(&(struct place){ frame, f, most, false }, a),
		          most);
	else
		len = write(&(struct place){ frame, f, most, true }, a);
	b->bytes_len[lane] = (uint16_t)len;
}
