/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cipher takes eight blocks at once. A cookie is made of eight lanes' blocks under one
 * key; a check needs two keys a lane, so it takes four lanes.
 */
#include "challenge/cookie.h"

#include <immintrin.h>
#include <string.h>

#include "base/sha256.h"
#include "challenge/cipher.h"

#define HMAC_PAD  64
#define INDEX     7u /* the bits of a cookie that name an MSS */
#define FACTS_MID 28 /* of facts: end of dst, sequence number, acknowledgement, ports */

static_assert(offsetof(struct facts, tcp_seq) == FACTS_MID + 4 &&
                      offsetof(struct facts, tcp_ack) == FACTS_MID + 8 &&
                      offsetof(struct facts, src_port) == FACTS_MID + 12 &&
                      offsetof(struct facts, dst_port) == FACTS_MID + 14,
              "a block of the cipher is read from facts in one go");

/* --- keys --- */

/* HMAC-SHA-256 (RFC 2104) of a label and the epoch, under the secret. */
static void
derive(const struct cookie_keys *k, const char label[8], uint64_t epoch,
       uint8_t out[SHA256_BYTES])
{
	const uint64_t number = __builtin_bswap64(epoch);
	uint8_t pad[HMAC_PAD];
	struct sha256 s;

	memset(pad, 0x36, sizeof(pad));
	for (unsigned int i = 0; i < COOKIE_SECRET; i++)
		pad[i] ^= k->secret[i];
	sha256_begin(&s);
	sha256_add(&s, pad, sizeof(pad));
	sha256_add(&s, label, 8);
	sha256_add(&s, &number, sizeof(number));
	sha256_end(&s, out);

	for (unsigned int i = 0; i < HMAC_PAD; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha256_begin(&s);
	sha256_add(&s, pad, sizeof(pad));
	sha256_add(&s, out, SHA256_BYTES);
	sha256_end(&s, out);
}

enum age { PRESENT = 0, PREVIOUS = 1 };

static void
make_schedules(struct cookie_keys *k, enum age age, uint64_t epoch)
{
	static const char labels[COOKIE_USES / 2][9] = { "tg hello", "tg badck" };
	uint8_t key[SHA256_BYTES], w[(CIPHER_ROUNDS + 1) * CIPHER_BLOCK];

	/* One derivation gives two keys of 128 bits. */
	for (unsigned int use = 0; use < COOKIE_USES; use++) {
		if (use % 2 == 0)
			derive(k, labels[use / 2], epoch, key);
		cipher_expand(w, key + use % 2 * CIPHER_BLOCK);
		for (unsigned int r = 0; r <= CIPHER_ROUNDS; r++)
			memcpy(k->round[use][r][age], w + r * CIPHER_BLOCK, CIPHER_BLOCK);
	}
}

void
cookie_keys_derive(struct cookie_keys *k, uint64_t epoch)
{
	make_schedules(k, PREVIOUS, epoch - 1);
	make_schedules(k, PRESENT, epoch);
	k->epoch = epoch;
}

void
cookie_keys_open(struct cookie_keys *k, const uint8_t secret[COOKIE_SECRET],
                 uint64_t wall_ns)
{
	memset(k, 0, sizeof(*k));
	memcpy(k->secret, secret, COOKIE_SECRET);
	cookie_keys_derive(k, wall_ns / COOKIE_EPOCH_NS);
}

/* --- what is proven --- */

/* What is asked of lanes; constants all but `back`, so each kind is compiled for itself. */
struct question {
	bool is_ipv6, is_bad_ack;
	unsigned int width; /* lanes at once */
	uint32_t back; /* the first sequence number lies so far behind the segment's */
};

/* Up to CIPHER_BLOCKS lanes; what is too few is filled up with the last one. */
struct group {
	unsigned int lane[CIPHER_BLOCKS];
	unsigned int count;
};

static inline __attribute__((always_inline)) uint64_t
next_group(struct group *g, uint64_t lanes, unsigned int width)
{
	unsigned int last = 0;

	g->count = 0;
	for (unsigned int c = 0; c < width; c++) {
		if (lanes != 0) {
			last = (unsigned int)__builtin_ctzll(lanes);
			lanes &= lanes - 1;
			g->count++;
		}
		g->lane[c] = last;
	}
	return lanes;
}

static inline __attribute__((always_inline)) __m128i
load(const void *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

/*
 * All that counts of an IPv4 lane: both addresses, ports and first sequence number; of an
 * IPv6 lane what its addresses leave to be told.
 */
static inline __attribute__((always_inline)) __m128i
numbers(const struct facts *f, struct question q)
{
	__m128i m = load((const uint8_t *)f + FACTS_MID);
	uint32_t src;

	memcpy(&src, f->src + 12, sizeof(src));
	m = _mm_insert_epi32(m, (int)src, 2);
	if (q.is_bad_ack)
		return _mm_insert_epi32(m, 0, 1);
	return _mm_sub_epi32(m, _mm_set_epi32(0, 0, (int)q.back, 0));
}

/* The MACs of a group: where it is half as wide as the cipher, under two keys each. */
static inline __attribute__((always_inline)) void
mac(__m128i state[CIPHER_BLOCKS], const struct burst *b, const struct group *g,
    struct question q, struct cipher_under u)
{
	const struct facts *f[CIPHER_BLOCKS];

	for (unsigned int c = 0; c < CIPHER_BLOCKS; c++)
		f[c] = &b->facts[g->lane[c % q.width]];
	if (!q.is_ipv6) {
		for (unsigned int c = 0; c < CIPHER_BLOCKS; c++)
			state[c] = c < q.width ? numbers(f[c], q) : state[c - q.width];
		cipher_encrypt(state, u);
		return;
	}
	for (unsigned int c = 0; c < CIPHER_BLOCKS; c++)
		state[c] = load(f[c]->src);
	cipher_encrypt(state, u);
	for (unsigned int c = 0; c < CIPHER_BLOCKS; c++)
		state[c] = _mm_xor_si128(state[c], load(f[c]->dst));
	cipher_encrypt(state, u);
	for (unsigned int c = 0; c < CIPHER_BLOCKS; c++)
		state[c] = _mm_xor_si128(state[c], numbers(f[c], q));
	cipher_encrypt(state, u);
}

static inline enum cookie_use
use_of(struct question q)
{
	if (q.is_bad_ack)
		return q.is_ipv6 ? COOKIE_BAD_ACK_IPV6 : COOKIE_BAD_ACK_IPV4;
	return q.is_ipv6 ? COOKIE_IPV6 : COOKIE_IPV4;
}

static inline __attribute__((always_inline)) void
make(const struct cookie_keys *k, const struct burst *b, uint64_t lanes,
     struct question q, uint32_t out[LANES_MAX])
{
	const struct cipher_under u = { k->round[use_of(q)], false };
	const uint32_t kept = q.is_bad_ack ? UINT32_MAX : ~INDEX;

	while (lanes != 0) {
		__m128i state[CIPHER_BLOCKS];
		struct group g;

		lanes = next_group(&g, lanes, q.width);
		mac(state, b, &g, q, u);
		for (unsigned int c = 0; c < CIPHER_BLOCKS; c++)
			out[g.lane[c]] = (uint32_t)_mm_cvtsi128_si32(state[c]) & kept;
	}
}

/* The lowest words of four blocks. */
static inline __attribute__((always_inline)) __m128i
lowest(const __m128i s[4])
{
	return _mm_unpacklo_epi64(_mm_unpacklo_epi32(s[0], s[1]),
	                          _mm_unpacklo_epi32(s[2], s[3]));
}

static inline __attribute__((always_inline)) uint64_t
check(const struct cookie_keys *k, const struct burst *b, uint64_t lanes,
      struct question q)
{
	const struct cipher_under u = { k->round[use_of(q)], true };
	const __m128i ignored = _mm_set1_epi32(q.is_bad_ack ? 0 : (int)INDEX);
	uint64_t sound = 0;

	while (lanes != 0) {
		__m128i state[CIPHER_BLOCKS], given, present, previous;
		uint32_t claim[CIPHER_HALF];
		struct group g;
		unsigned int hit;

		lanes = next_group(&g, lanes, q.width);
		mac(state, b, &g, q, u);
		for (unsigned int c = 0; c < CIPHER_HALF; c++) {
			const struct facts *f = &b->facts[g.lane[c]];

			claim[c] = q.is_bad_ack ? f->tcp_seq : f->tcp_ack - 1;
		}
		given = _mm_or_si128(load(claim), ignored);
		present = _mm_or_si128(lowest(state), ignored);
		previous = _mm_or_si128(lowest(state + CIPHER_HALF), ignored);
		hit = (unsigned int)_mm_movemask_ps(
			_mm_castsi128_ps(_mm_or_si128(_mm_cmpeq_epi32(given, present),
		                                      _mm_cmpeq_epi32(given, previous))));
		/* None in a flood of guesses; all in a wave of customers. */
		if (hit == 0)
			continue;
		for (unsigned int c = 0; c < CIPHER_HALF; c++)
			sound |= (uint64_t)(hit >> c & 1) << g.lane[c];
	}
	return sound;
}

/* --- what may be asked --- */

void
cookie_make(const struct cookie_keys *k, const struct burst *b, uint64_t lanes,
            uint32_t out[LANES_MAX])
{
	make(k, b, lanes & ~b->ipv6, (struct question){ .width = CIPHER_BLOCKS }, out);
	make(k, b, lanes & b->ipv6,
	     (struct question){ .width = CIPHER_BLOCKS, .is_ipv6 = true }, out);
}

uint64_t
cookie_check(const struct cookie_keys *k, const struct burst *b, uint64_t lanes,
             uint32_t back)
{
	struct question q = { .width = CIPHER_HALF, .back = back };
	uint64_t sound = check(k, b, lanes & ~b->ipv6, q);

	q.is_ipv6 = true;
	return sound | check(k, b, lanes & b->ipv6, q);
}

void
cookie_make_bad_ack(const struct cookie_keys *k, const struct burst *b, uint64_t lanes,
                    uint32_t out[LANES_MAX])
{
	struct question q = { .width = CIPHER_BLOCKS, .is_bad_ack = true };

	make(k, b, lanes & ~b->ipv6, q, out);
	q.is_ipv6 = true;
	make(k, b, lanes & b->ipv6, q, out);
}

uint64_t
cookie_check_bad_ack(const struct cookie_keys *k, const struct burst *b, uint64_t lanes)
{
	struct question q = { .width = CIPHER_HALF, .is_bad_ack = true };
	uint64_t sound = check(k, b, lanes & ~b->ipv6, q);

	q.is_ipv6 = true;
	return sound | check(k, b, lanes & b->ipv6, q);
}

/* --- sizes --- */

/*
 * What real clients announce, so that little is lost by rounding down: Ethernet's 1,500
 * bytes without headers (1460, 1440), less the 8 bytes of PPPoE (RFC 2516), less the 20 of
 * one more IPv4 header (6in4, IPIP, GRE without key is 4 more), a tunnel of 1,440 to 1,460
 * (mobile networks, OpenVPN), one of 1,400 to 1,420 (IPsec, WireGuard), the smallest link
 * that IPv6 allows (1,280), jumbo frames of 9,000, and what counts without an option
 * (RFC 9293 3.7.1).
 */
static const uint16_t sizes[2][COOKIE_MSS] = {
	{ 536, 1240, 1360, 1400, 1440, 1452, 1460, 8960 },
	{ 1220, 1300, 1340, 1360, 1400, 1432, 1440, 8940 },
};

uint16_t
cookie_mss(uint32_t cookie, bool is_ipv6)
{
	return sizes[is_ipv6][cookie & INDEX];
}

unsigned int
cookie_mss_index(uint16_t mss, bool is_ipv6)
{
	const __m128i table = load(sizes[is_ipv6]);
	const __m128i v = _mm_set1_epi16((short)mss);
	const __m128i fits = _mm_cmpeq_epi16(_mm_min_epu16(v, table), table);
	const unsigned int bytes = (unsigned int)_mm_movemask_epi8(fits) | 3u;

	/* Sizes rise, so those that fit come first; the smallest counts as fitting always. */
	return lanes_count(bytes) / 2 - 1;
}
