/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/cookie.h"

#include <stdlib.h>

#include "challenge/cipher.h"
#include "lanes.h"
#include "suite.h"
#include "twin.h"

#define EPOCH 27890123 /* some day in 2026 */
#define NOON  (EPOCH * COOKIE_EPOCH_NS + COOKIE_EPOCH_NS / 2)

static struct burst b;
static const uint8_t secret[COOKIE_SECRET] = "this is no secret, it is a test";

static struct cookie_keys
keys_at(uint64_t wall_ns)
{
	struct cookie_keys k;

	cookie_keys_open(&k, secret, wall_ns);
	return k;
}

/* FIPS 197, appendix C.1. */
static void
the_twin_gives_the_vector_of_the_standard(void)
{
	static const uint8_t cipher[16] = { 0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b,
		                            0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80,
		                            0x70, 0xb4, 0xc5, 0x5a };
	uint8_t key[16], block[16], w[176];

	for (unsigned int i = 0; i < 16; i++) {
		key[i] = (uint8_t)i;
		block[i] = (uint8_t)(i * 0x11);
	}
	twin_expand(w, key);
	twin_encrypt(w, block);
	CU_ASSERT_EQUAL(memcmp(block, cipher, sizeof(cipher)), 0);
}

/* RFC 4231, 4.3 has a shorter key; zeros behind it change nothing (RFC 2104, 2). */
static void
the_twin_gives_the_vector_of_hmac(void)
{
	static const uint8_t mac[8] = { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e };
	const uint8_t key[32] = "Jefe";
	uint8_t out[32];

	twin_hmac(key, (const uint8_t *)"what do ya want for nothing?", 28, out);
	CU_ASSERT_EQUAL(memcmp(out, mac, sizeof(mac)), 0);
}

static void
agree_on(uint64_t lanes, bool is_bad_ack)
{
	const struct cookie_keys k = keys_at(NOON);
	uint32_t out[LANES_MAX];
	uint8_t w[2][176];
	unsigned int wrong = 0, other = 0;

	memset(out, 0xa5, sizeof(out));
	twin_schedule(secret, EPOCH, is_bad_ack, false, w[0]);
	twin_schedule(secret, EPOCH, is_bad_ack, true, w[1]);
	if (is_bad_ack)
		cookie_make_bad_ack(&k, &b, lanes, out);
	else
		cookie_make(&k, &b, lanes, out);
	for (unsigned int i = 0; i < LANES_MAX; i++) {
		const struct facts *f = &b.facts[i];
		const uint8_t *key = w[(f->flags & FACT_IPV6) != 0];
		uint32_t wanted = is_bad_ack ? twin_mac(key, f, 0)
		                             : twin_mac(key, f, f->tcp_seq) & ~7u;

		if ((lanes & lane_bit(i)) == 0)
			other += out[i] != 0xa5a5a5a5;
		else
			wrong += out[i] != wanted;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(other, 0);
}

static void
numbers_are_the_twins(void)
{
	for (unsigned int n = 0; n <= LANES_MAX; n += 3) {
		const uint64_t some = lanes_random(n) & lanes_random(n + 99);

		lanes_fill(&b, n * 100, n % 2 == 0, n % 5 == 0);
		agree_on(lanes_first(n), false);
		agree_on(some, false);
		agree_on(some, true);
	}
	agree_on(UINT64_MAX, true);
}

/* 64 cookies of this moment, each with an index of its own, come back at `wall_ns`. */
static uint64_t
come_back(uint64_t made_ns, uint64_t wall_ns, bool is_ipv6)
{
	struct cookie_keys k = keys_at(made_ns);
	uint32_t cookie[LANES_MAX];

	lanes_fill(&b, 7000, is_ipv6, false);
	cookie_make(&k, &b, UINT64_MAX, cookie);
	for (unsigned int i = 0; i < LANES_MAX; i++) {
		CU_ASSERT_EQUAL(cookie[i] & 7, 0);
		lanes_acknowledge(&b, i, cookie[i] | i % COOKIE_MSS);
	}
	cookie_keys_turn(&k, wall_ns);
	return cookie_check(&k, &b, UINT64_MAX, 1);
}

/* Two blocks an instruction is what ran above, if this CPU can; now one, then none. */
static void
numbers_are_the_same_by_every_instruction(void)
{
	cipher_use_wide(false);
	numbers_are_the_twins();
	CU_ASSERT_EQUAL(come_back(NOON, NOON, true), UINT64_MAX);
	hash_use_aes(false);
	numbers_are_the_twins();
	CU_ASSERT_EQUAL(come_back(NOON, NOON, true), UINT64_MAX);
	hash_use_aes(true);
	cipher_use_wide(true);
}

static void
every_size_is_accepted_in_its_epoch_and_the_next(void)
{
	const uint64_t start = EPOCH * COOKIE_EPOCH_NS;

	for (unsigned int v6 = 0; v6 < 2; v6++) {
		CU_ASSERT_EQUAL(come_back(start, start, v6), UINT64_MAX);
		CU_ASSERT_EQUAL(come_back(start, start + COOKIE_EPOCH_NS - 1, v6),
		                UINT64_MAX);
		CU_ASSERT_EQUAL(come_back(start, start + COOKIE_LIFE_NS - 1, v6),
		                UINT64_MAX);
		CU_ASSERT_EQUAL(come_back(start, start + COOKIE_LIFE_NS, v6), 0);
		CU_ASSERT_EQUAL(come_back(start - 1, start, v6), UINT64_MAX);
		CU_ASSERT_EQUAL(come_back(start - 1, start + COOKIE_EPOCH_NS, v6), 0);
		/* What a box whose clock runs ahead made is accepted when ours gets there. */
		CU_ASSERT_EQUAL(come_back(start, start - 1, v6), 0);
	}
}

static void
turning_the_keys_is_opening_them_later(void)
{
	static const uint64_t steps[] = { 1, 1, 2, 1, 100, 1 };
	struct cookie_keys k = keys_at(NOON);
	uint64_t now = NOON;

	for (unsigned int i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct cookie_keys fresh;

		now += steps[i] * COOKIE_EPOCH_NS;
		cookie_keys_turn(&k, now);
		fresh = keys_at(now);
		CU_ASSERT_EQUAL(memcmp(&k, &fresh, sizeof(k)), 0);
	}
	/* A clock that is set back, too. */
	cookie_keys_turn(&k, NOON);
	struct cookie_keys first = keys_at(NOON);
	CU_ASSERT_EQUAL(memcmp(&k, &first, sizeof(k)), 0);
}

static void
boxes_with_one_secret_agree_and_with_two_do_not(void)
{
	uint8_t others[COOKIE_SECRET];
	struct cookie_keys k, alike = keys_at(NOON + COOKIE_EPOCH_NS);

	memcpy(others, secret, sizeof(others));
	others[COOKIE_SECRET - 1] ^= 1;
	CU_ASSERT_EQUAL(come_back(NOON, NOON, false), UINT64_MAX);
	CU_ASSERT_EQUAL(cookie_check(&alike, &b, UINT64_MAX, 1), UINT64_MAX);
	cookie_keys_open(&k, others, NOON);
	CU_ASSERT_EQUAL(cookie_check(&k, &b, UINT64_MAX, 1), 0);
}

/* All bits of the facts that a MAC covers, one at a time. */
static void
reject_any_other(bool is_ipv6)
{
	const struct cookie_keys k = keys_at(NOON);
	const unsigned int first = is_ipv6 ? 0 : 12 * 8;
	struct facts sound;

	CU_ASSERT_EQUAL(come_back(NOON, NOON, is_ipv6), UINT64_MAX);
	sound = b.facts[5];
	for (unsigned int bit = first; bit < 44 * 8; bit++) {
		const bool is_index = bit >= 36 * 8 && bit < 36 * 8 + 3;
		uint8_t *bytes = (uint8_t *)&b.facts[5];
		uint64_t wanted = lanes_first(LANES_MAX) & ~lane_bit(5);

		if (bit / 8 >= 16 && bit / 8 < 28 && !is_ipv6)
			continue;
		if (is_index)
			wanted |= lane_bit(5);
		if (bit / 8 >= 36 && bit / 8 < 40) {
			/* The cookie is one less than what is acknowledged. */
			b.facts[5].tcp_ack--;
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			b.facts[5].tcp_ack++;
		} else {
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		CU_ASSERT_EQUAL(cookie_check(&k, &b, UINT64_MAX, 1), wanted);
		b.facts[5] = sound;
	}
}

static void
no_bit_may_differ(void)
{
	reject_any_other(false);
	reject_any_other(true);
}

/* A window probe repeats the SYN's own number (RFC 9293 3.8.6.1). */
static void
a_probe_stands_one_back(void)
{
	const struct cookie_keys k = keys_at(NOON);

	come_back(NOON, NOON, true);
	for (unsigned int i = 0; i < LANES_MAX; i += 2)
		b.facts[i].tcp_seq--;
	CU_ASSERT_EQUAL(cookie_check(&k, &b, UINT64_MAX, 0),
	                UINT64_C(0x5555555555555555));
	CU_ASSERT_EQUAL(cookie_check(&k, &b, UINT64_MAX, 1),
	                UINT64_C(0xaaaaaaaaaaaaaaaa));
}

static void
a_bad_acks_rst_is_accepted_without_the_first_number(void)
{
	struct cookie_keys k = keys_at(NOON);
	uint32_t number[LANES_MAX];

	lanes_fill(&b, 9000, false, true);
	cookie_make_bad_ack(&k, &b, UINT64_MAX, number);
	for (unsigned int i = 0; i < LANES_MAX; i++) {
		b.facts[i].tcp_flags = TCP_RST;
		b.facts[i].tcp_seq = number[i];
		b.facts[i].tcp_ack = (uint32_t)lanes_random(i); /* may be anything */
	}
	b.facts[9].tcp_seq ^= 1;
	b.facts[10].src_port ^= 1;
	b.facts[12].dst[15] ^= 1;
	CU_ASSERT_EQUAL(cookie_check_bad_ack(&k, &b, UINT64_MAX),
	                ~(lane_bit(9) | lane_bit(10) | lane_bit(12)));
	cookie_keys_turn(&k, NOON + COOKIE_EPOCH_NS);
	CU_ASSERT_EQUAL(cookie_check_bad_ack(&k, &b, lanes_first(9)), lanes_first(9));
	cookie_keys_turn(&k, NOON + 2 * COOKIE_EPOCH_NS);
	CU_ASSERT_EQUAL(cookie_check_bad_ack(&k, &b, UINT64_MAX), 0);
}

/* Who sees one kind of number must not know another: all keys differ. */
static void
no_two_uses_share_a_key(void)
{
	const struct cookie_keys k = keys_at(NOON);
	const unsigned int all = 2 * COOKIE_USES;

	for (unsigned int i = 0; i < all; i++)
		for (unsigned int j = 0; j < i; j++)
			CU_ASSERT_NOT_EQUAL(memcmp(k.round[i / 2][0][i % 2],
			                           k.round[j / 2][0][j % 2], 16),
			                    0);
}

static void
a_size_is_rounded_down_to_one_of_the_table(void)
{
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		CU_ASSERT_EQUAL(cookie_mss(0, v6), v6 ? 1220 : 536);
		for (unsigned int i = 1; i < COOKIE_MSS; i++)
			CU_ASSERT(cookie_mss(i, v6) > cookie_mss(i - 1, v6));
		for (unsigned int mss = 0; mss <= UINT16_MAX; mss++) {
			unsigned int at = COOKIE_MSS - 1;

			while (at > 0 && cookie_mss(at, v6) > mss)
				at--;
			if (cookie_mss_index((uint16_t)mss, v6) != at)
				CU_FAIL("rounded to another size");
		}
		CU_ASSERT_EQUAL(cookie_mss(0xfffffff8 | 3, v6), cookie_mss(3, v6));
	}
}

SUITE_MAIN("challenge/cookie", TEST(the_twin_gives_the_vector_of_the_standard),
           TEST(the_twin_gives_the_vector_of_hmac), TEST(numbers_are_the_twins),
           TEST(numbers_are_the_same_by_every_instruction),
           TEST(every_size_is_accepted_in_its_epoch_and_the_next),
           TEST(turning_the_keys_is_opening_them_later),
           TEST(boxes_with_one_secret_agree_and_with_two_do_not), TEST(no_bit_may_differ),
           TEST(a_probe_stands_one_back),
           TEST(a_bad_acks_rst_is_accepted_without_the_first_number),
           TEST(no_two_uses_share_a_key),
           TEST(a_size_is_rounded_down_to_one_of_the_table))
