/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lengths are constants wherever an answer has the shape that most have, so most of
 * both checksums is, too; what is left are a dozen additions (RFC 1071).
 */
#include "challenge/answer.h"

#include <immintrin.h>
#include <string.h>

#include "challenge/turn.h"

#define TCP_LEN 20u

/* --- what a SYN offers --- */

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
	o->ts_value = turn_get32(tcp + at);
	o->ts_echo = turn_get32(tcp + at + 4);
}

/* MSS, SACK, timestamps, NOP, window scale: Linux and Android. */
static inline bool
is_linux(const uint8_t *tcp, struct tcp_options *o)
{
	const uint64_t first = get64(tcp + 20);
	const uint32_t last = turn_get32(tcp + 36);

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
	return turn_get32(tcp + 28) == 0x01010402 && begins_with_scale(tcp, o);
}

/* Then NOP, NOP, timestamps, SACK, end: macOS and iOS. */
static inline bool
is_macos(const uint8_t *tcp, struct tcp_options *o)
{
	if (turn_get32(tcp + 28) != 0x0101080a || turn_get32(tcp + 40) != 0x04020000 ||
	    !begins_with_scale(tcp, o))
		return false;
	set_stamps(o, tcp, 32);
	return true;
}

static inline bool
is_only_mss(const uint8_t *tcp, struct tcp_options *o)
{
	const uint32_t first = turn_get32(tcp + 20);

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

/* Where an answer is written: its frame, which has room for `most` bytes. */
struct place {
	uint8_t *frame;
	const struct facts *f;
	unsigned int most;
	bool is_ipv6;
};

/*
 * All but the options, which are written already: `sum` is theirs. Returns the answer's
 * length.
 */
TURN_INLINE unsigned int
put_headers(const struct place *at, const struct answer *a, unsigned int options,
            uint64_t sum)
{
	const struct facts *f = at->f;
	const unsigned int tcp_len = TCP_LEN + options;
	const unsigned int ip_len = at->is_ipv6 ? TURN_IPV6 : TURN_IPV4;
	uint8_t *ip = at->frame + f->l3_off, *h = ip + ip_len;

	turn_macs(at->frame);
	sum += PROTO_TCP + tcp_len;
	sum += at->is_ipv6 ? turn_ipv6(ip, f, PROTO_TCP, tcp_len)
	                   : turn_ipv4(ip, f, PROTO_TCP, tcp_len);
	sum += turn_put32(h, (uint32_t)f->dst_port << 16 | f->src_port);
	sum += turn_put32(h + 4, a->seq);
	sum += turn_put32(h + 8, a->ack);
	sum += turn_put32(h + 12,
	                  tcp_len << 26 | (uint32_t)a->tcp_flags << 16 | a->window);
	/* With an urgent pointer of 0. */
	turn_put32(h + 16, (uint32_t)(uint16_t)~turn_fold(sum) << 16);
	return f->l3_off + ip_len + tcp_len;
}

/* --- its options --- */

TURN_INLINE unsigned int
head_of(const struct place *at)
{
	return at->f->l3_off + (at->is_ipv6 ? TURN_IPV6 : TURN_IPV4) + TCP_LEN;
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
		sum += turn_get32(list + i);
	return put_headers(&at, a, (unsigned int)len, sum);
}

/* All there are, an MSS alone, none: the shapes of nearly every answer. */
TURN_INLINE unsigned int
write(const struct place *at, const struct answer *a)
{
	const struct tcp_options *o = &a->options;
	const bool has_scale = o->wscale != OPTIONS_NO_WSCALE;
	const unsigned int head = head_of(at);
	uint8_t *p = at->frame + head;
	uint64_t sum;

	if (o->has_ts && o->has_sack_permitted && has_scale && o->mss != 0 &&
	    head + 20 <= at->most) {
		sum = turn_put32(p, 0x02040000u | o->mss);
		sum += turn_put32(p + 4, 0x0402080a);
		sum += turn_put32(p + 8, o->ts_value);
		sum += turn_put32(p + 12, o->ts_echo);
		sum += turn_put32(p + 16, 0x01030300u | o->wscale);
		return put_headers(at, a, 20, sum);
	}
	if (o->has_ts || o->has_sack_permitted || has_scale || head + 4 > at->most)
		return write_any(*at, a);
	if (o->mss == 0)
		return put_headers(at, a, 0, 0);
	return put_headers(at, a, 4, turn_put32(p, 0x02040000u | o->mss));
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
		len = turn_pad(frame, write(&(struct place){ frame, f, most, false }, a),
		               most);
	else
		len = write(&(struct place){ frame, f, most, true }, a);
	b->bytes_len[lane] = (uint16_t)len;
}
