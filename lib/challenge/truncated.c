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
static inline uint64_t
sum_of(const uint8_t *p, unsigned int len)
{
	uint64_t sum = 0, word;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, sizeof(word));
		sum += (word & UINT32_MAX) + (word >> 32);
	}
	word = 0;
	for (unsigned int i = 0; i < len; i++)
		word |= (uint64_t)p[i] << (8 * i);
	sum += (word & UINT32_MAX) + (word >> 32);
	/* A sum of turned words is the turned sum of words. */
	return __builtin_bswap16(turn_fold(sum));
}

/* The message itself, in its place. Returns its length. */
static inline unsigned int
write_message(uint8_t *message, const struct truncated *t)
{
	const uint32_t first = turn_get32(message);
	uint8_t *opt = message + t->end;

	turn_put32(message, (first & (0xffff0000u | RD | CD)) | QR | TC);
	turn_put32(message + 4, 1u << 16);
	turn_put32(message + 8, t->has_edns ? 1 : 0);
	if (!t->has_edns)
		return t->end;
	/* Its size and the bit that asks for DNSSEC stay (RFC 6891 6.1.3, RFC 3225 3). */
	opt[5] = opt[6] = opt[8] = 0;
	opt[7] &= 0x80;
	put16(opt + 9, t->options);
	return t->end + OPT_LEN + t->options;
}

/* Headers in front of a message; returns the frame's length. */
TURN_INLINE unsigned int
write_frame(uint8_t *frame, const struct facts *f, const struct truncated *t,
            bool is_ipv6)
{
	uint8_t *ip = frame + f->l3_off;
	uint8_t *udp = ip + (is_ipv6 ? TURN_IPV6 : TURN_IPV4);
	uint8_t *message = udp + UDP_LEN;
	unsigned int len = write_message(frame + f->payload_off, t);
	uint64_t sum;
	uint16_t check;

	if (__builtin_expect(message != frame + f->payload_off, 0))
		memmove(message, frame + f->payload_off, len);
	sum = sum_of(message, len);
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
