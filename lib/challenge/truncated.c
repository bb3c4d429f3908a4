/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/truncated.h"

#include <string.h>

#include "challenge/turn.h"

#define UDP_LEN    8u
#define DNS_LEN    12u
#define OPT_LEN    11u
#define OPT_COOKIE 10u /* RFC 7873 4 */
#define COOKIE_MIN 16u /* the client's part and the least of a server's */
#define COOKIE_MAX 40u

#define QR 0x8000u
#define TC 0x0200u
#define RD 0x0100u
#define CD 0x0010u /* of validating resolvers, comes back as RD does (RFC 4035 3.2.2) */

static inline uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint16_t
truncated_options(const uint8_t *opt, uint16_t bytes)
{
	uint32_t len;

	if (bytes < 4 + COOKIE_MIN || get16(opt + OPT_LEN) != OPT_COOKIE)
		return 0;
	len = get16(opt + OPT_LEN + 2);
	if (len < COOKIE_MIN || len > COOKIE_MAX || len + 4 > bytes)
		return 0;
	return (uint16_t)(4 + len);
}

/* The sum of bytes that begin at an even place, as words in network order. */
TURN_INLINE uint64_t
sum_of(const uint8_t *p, unsigned int len)
{
	const __m128i low = _mm_set1_epi64x(UINT32_MAX);
	__m128i sums = _mm_setzero_si128();
	uint64_t sum = 0, word = 0;

	for (; len >= 16; p += 16, len -= 16) {
		const __m128i v = turn_load(p);

		sums = _mm_add_epi64(sums, _mm_and_si128(v, low));
		sums = _mm_add_epi64(sums, _mm_srli_epi64(v, 32));
	}
	sum = (uint64_t)_mm_cvtsi128_si64(sums) + (uint64_t)_mm_extract_epi64(sums, 1);
	if ((len & 8) != 0) {
		memcpy(&word, p, 8);
		sum += (word & UINT32_MAX) + (word >> 32);
		p += 8;
	}
	if ((len & 4) != 0) {
		uint32_t half;

		memcpy(&half, p, 4);
		sum += half;
		p += 4;
	}
	if ((len & 2) != 0) {
		uint16_t quarter;

		memcpy(&quarter, p, 2);
		sum += quarter;
		p += 2;
	}
	if ((len & 1) != 0)
		sum += *p;
	/* A sum of turned words is the turned sum of words. */
	return __builtin_bswap16(turn_fold(sum));
}

/*
 * Its size and the bit that asks for DNSSEC stay (RFC 6891 6.1.3, RFC 3225 3). Mostly there
 * is nothing to be written, and what was not written just now is summed without a wait.
 */
TURN_INLINE unsigned int
write_opt(uint8_t *opt, unsigned int options)
{
	if (opt[5] != 0 || opt[6] != 0 || (opt[7] & 0x7f) != 0 || opt[8] != 0 ||
	    get16(opt + 9) != options) {
		opt[5] = opt[6] = opt[8] = 0;
		opt[7] &= 0x80;
		put16(opt + 9, options);
	}
	return OPT_LEN + options;
}

/* The message itself, in its place. Returns its length and adds to its sum. */
TURN_INLINE unsigned int
write_message(uint8_t *message, const struct truncated *t, uint64_t *sum)
{
	const uint32_t first = turn_get32(message);
	unsigned int len = t->end;

	*sum += turn_put32(message, (first & (0xffff0000u | RD | CD)) | QR | TC);
	*sum += turn_put32(message + 4, 1u << 16);
	*sum += turn_put32(message + 8, t->has_edns ? 1 : 0);
	if (t->has_edns)
		len += write_opt(message + len, t->options);
	*sum += sum_of(message + DNS_LEN, len - DNS_LEN);
	return len;
}

/* Headers in front of a message; returns the frame's length. */
TURN_INLINE unsigned int
write_frame(uint8_t *frame, const struct facts *f, const struct truncated *t,
            bool is_ipv6)
{
	uint8_t *ip = frame + f->l3_off;
	uint8_t *udp = ip + (is_ipv6 ? TURN_IPV6 : TURN_IPV4);
	uint8_t *message = udp + UDP_LEN;
	uint64_t sum = 0;
	unsigned int len = write_message(frame + f->payload_off, t, &sum);
	uint16_t check;

	if (__builtin_expect(message != frame + f->payload_off, 0))
		memmove(message, frame + f->payload_off, len);
	len += UDP_LEN;
	turn_macs(frame);
	sum += PROTO_UDP + len;
	sum += is_ipv6 ? turn_ipv6(ip, f, PROTO_UDP, len)
	               : turn_ipv4(ip, f, PROTO_UDP, len);
	sum += turn_put32(udp, (uint32_t)f->dst_port << 16 | f->src_port);
	sum += len;
	check = (uint16_t)~turn_fold(sum);
	/* A sum of 0 would say that there is none (RFC 768). */
	turn_put32(udp + 4, len << 16 | (check != 0 ? check : 0xffff));
	return (unsigned int)(udp - frame) + len;
}

void
truncated_write(struct burst *b, unsigned int lane, const struct truncated *t)
{
	const struct facts *f = &b->facts[lane];
	/* Of a lane that is answered the bytes are ours. */
	uint8_t *frame = (uint8_t *)(uintptr_t)b->bytes[lane];
	unsigned int len;

	if ((f->flags & FACT_IPV6) != 0) {
		len = write_frame(frame, f, t, true);
	} else {
		/* What fills the shortest frame shall tell nothing of what was there. */
		len = write_frame(frame, f, t, false);
		if (len < TURN_LEAST) {
			const unsigned int most = b->bytes_len[lane] < TURN_LEAST
			                                  ? b->bytes_len[lane]
			                                  : TURN_LEAST;

			memset(frame + len, 0, most - len);
			len = most;
		}
	}
	b->bytes_len[lane] = (uint16_t)len;
}
