/* SPDX-License-Identifier: BSD-3-Clause */
/* The parser and its slow twin agree on every byte of the facts, whatever the frame. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/lanes.h"
#include "packet/burst.h"
#include "suite.h"
#include "twin.h"

#define FRAMES 400000

static uint64_t rng = 42;

static unsigned int
dice(unsigned int n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned int)((rng >> 20) % n);
}

static void
lay_upper(struct wire *w, unsigned int proto)
{
	static const uint8_t stamp[12] = { 1, 1, 8, 10 };
	static const uint8_t list[16] = { 2, 4, 5, 180, 4, 2, 8, 10,
		                          0, 0, 0, 0,   1, 3, 3, 0 };

	if (proto == 6 && dice(3) == 0)
		wire_tcp(w, dice(256), stamp, 12);
	else if (proto == 6)
		wire_tcp(w, dice(256), list, dice(5) * 4);
	else if (proto == 17)
		wire_udp(w);
	else if (proto == 1 || proto == 58)
		wire_icmp(w, dice(2) ? dice(256) : (proto == 1 ? 8 : 128), 0);
	wire_fill(w, dice(256), dice(4) == 0 ? dice(300) : dice(40) * 8);
}

static unsigned int
any_proto(void)
{
	static const uint8_t protos[] = {
		6, 6, 6, 17, 17, 1, 58, 58, 47, 50, 59, 51, 132
	};

	return dice(16) == 0 ? dice(256) : protos[dice(sizeof(protos))];
}

/* Some extension headers in any order, legal or not. */
static void
lay_ipv6(struct wire *w, unsigned int proto)
{
	static const uint8_t kinds[] = { 0, 43, 44, 44, 51, 60, 60, 135, 139, 140 };
	unsigned int n = dice(3) == 0 ? dice(10) : dice(2), kind[10];

	for (unsigned int i = 0; i < n; i++)
		kind[i] = kinds[dice(sizeof(kinds))];
	if (n > 0 && dice(2) == 0)
		kind[0] = 0;
	wire_ipv6(w, n > 0 ? kind[0] : proto);
	for (unsigned int i = 0; i < n; i++) {
		unsigned int next = i + 1 < n ? kind[i + 1] : proto;

		if (kind[i] == 44)
			wire_fragment(w, next, dice(3) == 0 ? dice(65536) : dice(2));
		else if (kind[i] == 51)
			wire_ah(w, next, 2 + dice(8));
		else
			wire_extension(w, next, 1 + dice(3));
	}
	lay_upper(w, proto);
}

static void
lay(struct wire *w)
{
	static const uint16_t tpids[] = { 0x8100, 0x88a8, 0x9100 };
	unsigned int tags = dice(3) == 0 ? dice(4) : 0;

	wire_ether(w);
	while (tags-- > 0)
		wire_tag(w, tpids[dice(3)], dice(65536));
	if (dice(40) == 0) {
		wire_16(w, dice(65536));
		wire_fill(w, 0, dice(60));
	} else if (dice(2) == 0) {
		unsigned int proto = any_proto();

		wire_ipv4(w, proto, dice(4) == 0 ? dice(11) * 4 : 0,
		          dice(6) == 0 ? dice(65536) : dice(2) * 0x4000);
		lay_upper(w, proto);
	} else {
		lay_ipv6(w, any_proto());
	}
	if (dice(4) == 0) {
		w->trailer = dice(30);
		wire_fill(w, 0, w->trailer);
	}
	wire_seal(w);
}

/* Up to three bytes of the headers get another value; often the checksum is made good again. */
static void
spoil(struct wire *w)
{
	unsigned int hits = dice(4);

	for (unsigned int i = 0; i < hits; i++)
		w->bytes[dice(w->len < 100 ? (unsigned int)w->len : 100)] =
			(uint8_t)dice(256);
	if (w->ip != 0 && w->bytes[w->ip] >> 4 == 4 && dice(3) != 0 &&
	    w->ip + 60 < w->len)
		wire_seal_ipv4(w);
	if (dice(6) == 0)
		w->len = dice((unsigned int)w->len + 1);
}

static uint64_t faults_seen, vectors_seen;
static unsigned int flags_seen, sound_seen;

static bool
agrees(const struct wire *w, size_t readable)
{
	struct twin t;
	struct facts slow, fast;
	uint8_t *exact = malloc(readable > 0 ? readable : 1);

	/* A block of exactly that size: the sanitizer sees every byte read too many. */
	memcpy(exact, w->bytes, readable);
	memset(&fast, 0xa5, sizeof(fast));
	parse_frame(exact, readable, w->len, &fast);
	free(exact);
	slow = twin_parse(&t, w->bytes, readable, w->len);

	faults_seen |= lane_bit(fast.fault);
	vectors_seen |= lane_bit(fast.vector);
	flags_seen |= fast.flags;
	sound_seen += fast.fault == PACKET_SOUND;
	return memcmp(&slow, &fast, sizeof(fast)) == 0;
}

static void
parser_and_twin_agree(void)
{
	unsigned int differ = 0;

	for (unsigned int i = 0; i < FRAMES; i++) {
		struct wire w;
		size_t readable;

		lay(&w);
		if (i % 4 != 0)
			spoil(&w);
		readable = dice(8) == 0 ? dice((unsigned int)w.len + 1) : w.len;
		if (!agrees(&w, readable) && differ++ < 3) {
			printf("\n    frame %u, %zu of %zu bytes: ", i, readable, w.len);
			for (size_t k = 0; k < readable; k++)
				printf("%02x", w.bytes[k]);
		}
	}
	CU_ASSERT_EQUAL(differ, 0);
}

/* Agreement on nothing would prove nothing: every fault, flag and vector came up. */
static void
the_frames_were_worth_it(void)
{
	CU_ASSERT_EQUAL(faults_seen, lanes_first(PACKET_FAULTS));
	CU_ASSERT_EQUAL(vectors_seen, lanes_first(VECTOR_COUNT));
	CU_ASSERT_EQUAL(flags_seen, 2 * FACT_PLAIN - 1);
	CU_ASSERT(sound_seen > FRAMES / 4);
}

static void
noise_is_parsed_alike(void)
{
	unsigned int differ = 0;

	for (unsigned int i = 0; i < FRAMES / 8; i++) {
		struct wire w = { .len = dice(200) };

		for (size_t k = 0; k < w.len; k++)
			w.bytes[k] = (uint8_t)dice(256);
		if (w.len > 14 && dice(2) == 0)
			wire_patch(&w, 12, dice(2) ? 0x0800 : 0x86dd);
		differ += !agrees(&w, w.len);
	}
	CU_ASSERT_EQUAL(differ, 0);
}

/* Frames of one burst keep out of each other's way, and what is noted beside them is theirs. */
static void
bursts_of_anything_agree_lane_by_lane(void)
{
	static struct burst b;
	static struct wire w[LANES_MAX];
	unsigned int differ = 0;

	for (unsigned int round = 0; round < FRAMES / 100; round++) {
		burst_start(&b, 1, 0, SIDE_EXTERNAL);
		memset(b.facts, 0xa5, sizeof(b.facts));
		b.count = (uint16_t)(1 + dice(LANES_MAX));
		for (unsigned int i = 0; i < b.count; i++) {
			lay(&w[i]);
			if (dice(3) == 0)
				spoil(&w[i]);
			b.bytes[i] = w[i].bytes;
			b.frame_len[i] = (uint16_t)w[i].len;
			b.bytes_len[i] = (uint16_t)(dice(8) ? w[i].len : dice(80));
			if (b.bytes_len[i] > w[i].len)
				b.bytes_len[i] = (uint16_t)w[i].len;
		}
		parse_burst(&b);
		for (unsigned int i = 0; i < b.count; i++) {
			struct twin t;
			struct facts f =
				twin_parse(&t, w[i].bytes, b.bytes_len[i], w[i].len);
			const uint64_t bit = lane_bit(i);
			const bool is_6 = (f.flags & FACT_IPV6) != 0;

			differ += memcmp(&f, &b.facts[i], sizeof(f)) != 0 ||
			          b.flags[i] != f.flags || b.vector[i] != f.vector ||
			          ((b.ipv6 & bit) != 0) != is_6 ||
			          ((b.ipv4 & bit) != 0) !=
			                  (!is_6 && (f.flags & FACT_IP) != 0) ||
			          ((b.plain & bit) != 0) != ((f.flags & FACT_PLAIN) != 0);
		}
		differ += (b.ipv4 | b.ipv6 | b.plain) > lanes_first(b.count);
	}
	CU_ASSERT_EQUAL(differ, 0);
}

SUITE_MAIN("packet/parse_random", TEST(parser_and_twin_agree),
           TEST(the_frames_were_worth_it), TEST(noise_is_parsed_alike),
           TEST(bursts_of_anything_agree_lane_by_lane))
