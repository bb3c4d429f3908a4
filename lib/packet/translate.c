/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one change does to a checksum: RFC 1624 (eqn. 3) adds m' + ~m to the
 * complement of the old checksum. All sums are modulo 2^16 - 1, of which 2^32 - 1 is
 * a multiple, so 32-bit numbers are summed whole, and what counts of a number that had
 * `by` added is m' - m: that is `by`, less one when it wrapped at 2^32. Such a
 * difference is never negative and is 0 only when nothing changed; so the sum never
 * turns to 0 by itself, and the other zero (0xffff in the field) is never made.
 *
 * A number at an odd place has its bytes in the other halves of the words, which
 * multiplies it by 256 (RFC 1071 2 (B)).
 */
#include "packet/translate.h"

#include <immintrin.h>
#include <string.h>

#include "packet/options.h"

/* Bytes from the start of the TCP header. */
enum {
	SEQ = 4,
	ACK = 8,
	LENGTH = 12,
	FLAGS = 13,
	WINDOW = 14,
	CHECKSUM = 16,
	HEADER = 20,
	STAMPS = 24 /* after NOP NOP and the option's two bytes */
};

/* ICMP: type, code, checksum. */
#define ICMP_CHECKSUM 2

static inline uint16_t
load16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return __builtin_bswap16(v);
}

static inline void
store16(uint8_t *at, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(at, &v, sizeof(v));
}

static inline uint32_t
load_raw(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* Add `by` to the number there. Returns what the sum of its words grew by. */
static inline uint64_t
move(uint8_t *at, uint32_t by)
{
	const uint32_t told = __builtin_bswap32(load_raw(at)) + by;
	const uint32_t wire = __builtin_bswap32(told);

	memcpy(at, &wire, sizeof(wire));
	return by - (uint32_t)(told < by);
}

/* The same for a number that may stand anywhere in the header. */
static uint64_t
move_at(uint8_t *tcp, unsigned int off, uint32_t by)
{
	return move(tcp + off, by) << (off % 2 * 8);
}

/* The sum of words under this checksum grew by `more`, modulo 2^16 - 1. */
static inline void
mend(uint8_t *checksum, uint64_t more)
{
	uint64_t sum = (uint16_t)~load16(checksum) + more;
	uint32_t half;

	/* Halves are folded by adding what is turned round by half: the carry ends up on top. */
	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	store16(checksum, (uint16_t) ~(half >> 16));
}

static inline uint64_t
move_window(uint8_t *at, int shift)
{
	const uint32_t old = load16(at);
	/* Up by 16 and down by 2 to 30 is a shift in either direction. */
	uint64_t window = (uint64_t)old << 16 >> (16 - shift);

	window = window > UINT16_MAX ? UINT16_MAX : window;
	store16(at, (uint16_t)window);
	return window >= old ? window - old : window + UINT16_MAX - old;
}

/* NOP NOP TIMESTAMPS and nothing else, in a segment with ACK that opens nothing. */
static inline bool
is_everyday(const uint8_t *tcp)
{
	static const uint8_t stamp[4] = { OPTION_NOP, OPTION_NOP, OPTION_TIMESTAMPS, 10 };
	/* Header length and flags, of the four bytes that start with them. */
	static const uint8_t mask[4] = { 0xf0, TCP_SYN | TCP_ACK };
	static const uint8_t want[4] = { (HEADER + 12) << 2, TCP_ACK };

	return (load_raw(tcp + LENGTH) & load_raw(mask)) == load_raw(want) &&
	       load_raw(tcp + HEADER) == load_raw(stamp);
}

/* Its four numbers are moved side by side. */
static inline uint64_t
move_everyday(uint8_t *tcp, const struct translation *t)
{
	const __m128i turn =
		_mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
	const __m128i by = _mm_loadu_si128((const __m128i *)(const void *)t);
	const __m128i old =
		_mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)(tcp + SEQ)),
	                           _mm_loadl_epi64((const __m128i *)(tcp + STAMPS)));
	const __m128i told = _mm_add_epi32(_mm_shuffle_epi8(old, turn), by);
	const __m128i wire = _mm_shuffle_epi8(told, turn);
	/* All ones where nothing wrapped: a sum is not below what was added. */
	const __m128i kept = _mm_cmpeq_epi32(_mm_max_epu32(told, by), told);
	const int wrapped =
		4 -
		__builtin_popcount((unsigned int)_mm_movemask_ps(_mm_castsi128_ps(kept)));

	_mm_storel_epi64((__m128i *)(tcp + SEQ), wire);
	_mm_storeh_pd((double *)(void *)(tcp + STAMPS), _mm_castsi128_pd(wire));
	return (uint64_t)t->seq + t->ack + t->ts_value + t->ts_echo -
	       (unsigned int)wrapped;
}

/* Timestamps and SACK blocks, wherever they are. */
static uint64_t
move_options(uint8_t *tcp, size_t len, const struct translation *t)
{
	const bool has_ack = (tcp[FLAGS] & TCP_ACK) != 0;
	struct tcp_options o;
	uint64_t more = 0;

	if (!options_read(tcp, len, &o))
		return 0;
	if (o.ts_at != 0) {
		more += move_at(tcp, o.ts_at, t->ts_value);
		more += move_at(tcp, o.ts_at + 4u, has_ack ? t->ts_echo : 0);
	}
	for (unsigned int i = 0; i < 2u * o.sacks; i++)
		more += move_at(tcp, o.sack_at + 4 * i, has_ack ? t->ack : 0);
	return more;
}

/*
 * Any other segment. Kept apart, or its registers would be saved for every one, with the
 * same arguments, so that none has to change places.
 */
static __attribute__((noinline)) void
translate_any(uint8_t *bytes, size_t len, const struct facts *f,
              const struct translation *t)
{
	uint8_t *tcp = bytes + f->l4_off;
	uint64_t more = move(tcp + SEQ, t->seq);

	if ((tcp[FLAGS] & TCP_ACK) != 0)
		more += move(tcp + ACK, t->ack);
	if (tcp[LENGTH] >> 4 > HEADER / 4)
		more += move_options(tcp, len - f->l4_off, t);
	if (t->window_shift != 0 && (tcp[FLAGS] & TCP_SYN) == 0)
		more += move_window(tcp + WINDOW, t->window_shift);
	mend(tcp + CHECKSUM, more);
}

void
translate_segment(uint8_t *bytes, size_t len, const struct facts *f,
                  const struct translation *t)
{
	uint8_t *tcp = bytes + f->l4_off;
	uint64_t more;

	if (f->payload_off > len)
		return;
	if (!is_everyday(tcp)) {
		translate_any(bytes, len, f, t);
		return;
	}
	more = move_everyday(tcp, t);
	if (t->window_shift != 0)
		more += move_window(tcp + WINDOW, t->window_shift);
	mend(tcp + CHECKSUM, more);
}

void
translate_quote(uint8_t *bytes, size_t len, const struct facts *f, const struct quote *q,
                const struct translation *t)
{
	uint8_t *tcp = bytes + q->l4_off;
	uint64_t more;

	if (q->proto != PROTO_TCP || q->l4_len < ACK ||
	    (size_t)q->l4_off + q->l4_len > len)
		return;
	more = move(tcp + SEQ, t->seq);
	if (q->l4_len > FLAGS && (tcp[FLAGS] & TCP_ACK) != 0)
		more += move(tcp + ACK, t->ack);
	/*
	 * Once the quoted checksum has followed, the quote's words sum up to what they did
	 * before, and the message's checksum is as right as it was.
	 */
	if (q->l4_len >= CHECKSUM + 2)
		mend(tcp + CHECKSUM, more);
	else
		mend(bytes + f->l4_off + ICMP_CHECKSUM, more);
}
