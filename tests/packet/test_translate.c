/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_translate - every number moves, nothing else does, and the checksum agrees with one
 * that is summed in full.
 */
#include "packet/translate.h"

#include <stdbool.h>
#include <stdlib.h>

#include "segment.h"
#include "suite.h"

#define ROUNDS 150000

enum { SEQ = 4, ACK = 8, WINDOW = 14, CHECKSUM = 16, OPTIONS = 20 };

static const uint8_t stamp[12] = { 1, 1, 8, 10, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 9 };
static const struct translation shift_all = { .seq = 0x11111111,
	                                      .ack = 0x22222222,
	                                      .ts_value = 0x33333333,
	                                      .ts_echo = 0x44444444 };

static void
translate(struct wire *w, const struct translation *t)
{
	const struct facts f = segment_facts(w);

	CU_ASSERT_EQUAL_FATAL(f.fault, PACKET_SOUND);
	translate_segment(w->bytes, w->len, &f, t);
}

static uint8_t *
tcp_of(struct wire *w)
{
	return w->bytes + segment_facts(w).l4_off;
}

static bool
is_right(const struct wire *w)
{
	const struct facts f = segment_facts(w);

	return segment_checksum(w->bytes, &f) == 0;
}

/* --- the twin --- */

static void
add(uint8_t *at, uint32_t by)
{
	segment_put32(at, segment_32(at) + by);
}

/* Of two options of a kind the later counts, as it does in the stacks that read them. */
static void
twin_options(uint8_t *tcp, bool has_ack, const struct translation *t)
{
	const unsigned int end = tcp[12] / 16u * 4;
	unsigned int stamps = 0, blocks = 0;

	for (unsigned int at = OPTIONS; at < end && tcp[at] != 0;) {
		if (tcp[at] == 8 && tcp[at + 1] == 10)
			stamps = at;
		if (tcp[at] == 5 && tcp[at + 1] % 8 == 2 && tcp[at + 1] > 2)
			blocks = at;
		at += tcp[at] == 1 ? 1 : tcp[at + 1];
	}
	if (stamps != 0) {
		add(tcp + stamps + 2, t->ts_value);
		add(tcp + stamps + 6, has_ack ? t->ts_echo : 0);
	}
	for (unsigned int i = 2; blocks != 0 && i < tcp[blocks + 1]; i += 4)
		add(tcp + blocks + i, has_ack ? t->ack : 0);
}

static unsigned int
twin_window(unsigned int window, int shift)
{
	for (; shift > 0; shift--)
		window = window * 2 > 65535 ? 65535 : window * 2;
	for (; shift < 0; shift++)
		window /= 2;
	return window;
}

/* Ones' complement has two zeros; both are 0 here. */
static unsigned int
one_zero(unsigned int sum)
{
	return sum % 65535;
}

/* What is wrong with a checksum stays wrong with it. */
static void
twin(struct wire *w, const struct translation *t)
{
	const struct facts f = segment_facts(w);
	uint8_t *tcp = w->bytes + f.l4_off;
	const bool has_ack = (tcp[13] & TCP_ACK) != 0;
	unsigned int wrong = segment_16(tcp + CHECKSUM);

	segment_put16(tcp + CHECKSUM, 0);
	wrong = wrong + 65535 - one_zero(segment_checksum(w->bytes, &f));
	add(tcp + SEQ, t->seq);
	add(tcp + ACK, has_ack ? t->ack : 0);
	twin_options(tcp, has_ack, t);
	if ((tcp[13] & TCP_SYN) == 0)
		segment_put16(tcp + WINDOW,
		              twin_window(segment_16(tcp + WINDOW), t->window_shift));
	segment_put16(tcp + CHECKSUM, one_zero(segment_checksum(w->bytes, &f) + wrong));
}

static void
both_agree(struct wire *w, const struct translation *t)
{
	struct wire other = *w;

	twin(&other, t);
	translate(w, t);
	CU_ASSERT_EQUAL_FATAL(memcmp(w->bytes, other.bytes, w->len), 0);
}

/* --- every number --- */

static void
every_number_moves_by_its_own(void)
{
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		const struct translation t = { 0x10, 0xffffffff, 0x20, 0xfffffff8, 3 };
		struct wire w;
		uint8_t *tcp;

		segment_lay(&w, is_ipv6, TCP_ACK | TCP_PSH, stamp, 12, 33);
		translate(&w, &t);
		tcp = tcp_of(&w);
		CU_ASSERT_EQUAL(segment_32(tcp + SEQ), 0x01020314);
		CU_ASSERT_EQUAL(segment_32(tcp + ACK), 0x0a0b0c0c);
		CU_ASSERT_EQUAL(segment_32(tcp + 24), 0x10);
		CU_ASSERT_EQUAL(segment_32(tcp + 28), 1);
		CU_ASSERT_EQUAL(segment_16(tcp + WINDOW), 65535);
		CU_ASSERT(is_right(&w));
	}
}

static void
sack_blocks_move_with_the_acknowledgement(void)
{
	uint8_t options[40] = { 1, 1, 5, 34 };
	const struct translation t = { .ack = 5 };
	struct wire w;

	for (unsigned int i = 4; i < 36; i++)
		options[i] = (uint8_t)(0xf0 + i);
	segment_lay(&w, 0, TCP_ACK, options, 36, 0);
	translate(&w, &t);
	for (unsigned int i = 4; i < 36; i += 4)
		CU_ASSERT_EQUAL(segment_32(tcp_of(&w) + OPTIONS + i),
		                segment_32(options + i) + 5);
	CU_ASSERT(is_right(&w));
}

/* A number that wraps, and one at an odd place, are where incremental sums go wrong. */
static void
options_may_stand_anywhere(void)
{
	static const struct {
		uint8_t option[10], len;
	} kinds[] = {
		{ { 8, 10, 0xff, 0xff, 0xff, 0xff, 0, 1, 0, 1 }, 10 },
		{ { 5, 10, 0, 0, 0, 0, 0xff, 0xee, 0xdd, 0xcc }, 10 },
	};

	for (unsigned int kind = 0; kind < 2; kind++)
		for (unsigned int at = 0; at <= 30; at++) {
			uint8_t options[40];
			struct wire w;

			memset(options, 1, sizeof(options));
			memcpy(options + at, kinds[kind].option, kinds[kind].len);
			segment_lay(&w, at % 3 == 0, TCP_ACK, options, 40, at);
			both_agree(&w, &shift_all);
			CU_ASSERT(is_right(&w));
		}
}

static void
without_ack_nothing_is_acknowledged(void)
{
	uint8_t options[24] = { 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 5, 10 };
	struct wire w, before;
	uint8_t *tcp;

	segment_lay(&w, 0, TCP_RST, options, 24, 0);
	before = w;
	translate(&w, &shift_all);
	tcp = tcp_of(&w);
	CU_ASSERT_EQUAL(segment_32(tcp + SEQ), 0x01020304 + shift_all.seq);
	CU_ASSERT_EQUAL(segment_32(tcp + 24), 0x01020304 + shift_all.ts_value);
	CU_ASSERT_EQUAL(memcmp(tcp + ACK, tcp_of(&before) + ACK, 4), 0);
	CU_ASSERT_EQUAL(memcmp(tcp + 28, tcp_of(&before) + 28, 16), 0);
	CU_ASSERT(is_right(&w));
}

static void
a_window_neither_overflows_nor_grows(void)
{
	static const struct {
		unsigned int window;
		int8_t shift;
		uint8_t flags;
		unsigned int told;
	} table[] = {
		{ 0, 0, TCP_ACK, 0 },          { 501, 0, TCP_ACK, 501 },
		{ 501, 1, TCP_ACK, 1002 },     { 501, 7, TCP_ACK, 64128 },
		{ 512, 7, TCP_ACK, 65535 },    { 1, 14, TCP_ACK, 16384 },
		{ 65535, 14, TCP_ACK, 65535 }, { 0, 14, TCP_ACK, 0 },
		{ 501, -1, TCP_ACK, 250 },     { 501, -8, TCP_ACK, 1 },
		{ 501, -9, TCP_ACK, 0 },       { 1, -14, TCP_ACK, 0 },
		{ 65535, -14, TCP_ACK, 3 },    { 0, -14, TCP_ACK, 0 },
		{ 65535, -1, TCP_SYN, 65535 }, { 501, 3, TCP_SYN | TCP_ACK, 501 },
		{ 501, 1, TCP_RST, 1002 },
	};

	for (size_t i = 0; i < 2 * sizeof(table) / sizeof(*table); i++) {
		const size_t row = i / 2;
		const struct translation t = { .window_shift = table[row].shift };
		struct wire w;

		segment_lay(&w, 0, table[row].flags, stamp, i % 2 * 12, 1);
		segment_put16(tcp_of(&w) + WINDOW, table[row].window);
		segment_seal(&w);
		translate(&w, &t);
		CU_ASSERT_EQUAL(segment_16(tcp_of(&w) + WINDOW), table[row].told);
		CU_ASSERT(is_right(&w));
	}
}

/* --- checksums --- */

/* The last word of the payload takes the checksum through all of its values. */
static void
every_checksum_agrees_with_the_full_sum(void)
{
	static const struct translation many[] = {
		{ 0xffffffff, 1, 0, 0xffff, 0 },
		{ 0xfefdfcfc, 0, 0xffff0000, 1, -3 },
		{ 1, 0x80000000, 0x7fffffff, 0xffff0001, 5 },
	};
	struct wire w;

	segment_lay(&w, 0, TCP_ACK, stamp, 12, 2);
	for (unsigned int kind = 0; kind < 3; kind++)
		for (unsigned int last = 0; last < 65536; last++) {
			struct wire now = w;

			wire_patch(&now, now.len - 2, last);
			segment_seal(&now);
			translate(&now, &many[kind]);
			CU_ASSERT_FATAL(is_right(&now));
			CU_ASSERT_NOT_EQUAL_FATAL(segment_16(tcp_of(&now) + CHECKSUM),
			                          0xffff);
		}
}

static void
a_broken_checksum_stays_broken_by_as_much(void)
{
	struct wire w, right;

	segment_lay(&right, 1, TCP_ACK, stamp, 12, 5);
	for (unsigned int by = 1; by < 65535; by++) {
		w = right;
		segment_put16(tcp_of(&w) + CHECKSUM,
		              one_zero(segment_16(tcp_of(&w) + CHECKSUM) + by));
		both_agree(&w, &shift_all);
		CU_ASSERT_FATAL(!is_right(&w));
	}
}

static void
nothing_added_changes_nothing(void)
{
	static const struct translation none;

	for (unsigned int sum = 0; sum < 65536; sum++) {
		struct wire w, before;

		segment_lay(&w, 0, TCP_ACK, stamp, sum % 2 * 12, 0);
		segment_put16(tcp_of(&w) + CHECKSUM, sum);
		before = w;
		translate(&w, &none);
		CU_ASSERT_EQUAL_FATAL(memcmp(&w, &before, sizeof(w)), 0);
	}
}

/* Both fields say zero to a receiver; no stack writes the second. */
static void
the_other_zero_stays_as_right_as_it_was(void)
{
	struct wire w;
	unsigned int last = 0;

	segment_lay(&w, 0, TCP_ACK, stamp, 12, 2);
	do {
		wire_patch(&w, w.len - 2, last++);
		segment_seal(&w);
	} while (segment_16(tcp_of(&w) + CHECKSUM) != 0);
	segment_put16(tcp_of(&w) + CHECKSUM, 0xffff);
	CU_ASSERT(is_right(&w));
	translate(&w, &shift_all);
	CU_ASSERT(is_right(&w));
}

/* --- random segments --- */

/* A list of options that come in any order, at any place, some of a length that is not theirs. */
static unsigned int
random_options(uint8_t options[40])
{
	static const uint8_t lens[][2] = { { 8, 10 }, { 5, 10 }, { 5, 18 }, { 5, 34 },
		                           { 2, 4 },  { 3, 3 },  { 4, 2 },  { 8, 9 },
		                           { 5, 9 },  { 30, 7 }, { 5, 2 },  { 8, 2 } };
	unsigned int at = 0;

	for (unsigned int i = 0; i < 40; i++)
		options[i] = (uint8_t)segment_random();
	while (segment_random() % 6 != 0 && at < 40) {
		const uint8_t *kind = lens[segment_random() % 12];

		if (segment_random() % 2 == 0 || at + kind[1] > 40) {
			options[at++] = 1;
			continue;
		}
		memcpy(options + at, kind, 2);
		at += kind[1];
	}
	if (at < 40)
		options[at++] = 0;
	return (at + 3) / 4 * 4;
}

static struct translation
random_translation(void)
{
	struct translation t = { segment_random(), segment_random(), segment_random(),
		                 segment_random(), 0 };

	if (segment_random() % 4 == 0)
		t.ts_echo = 0;
	if (segment_random() % 4 == 0)
		t.seq = t.ts_value = 0;
	if (segment_random() % 2 == 0)
		t.window_shift = (int8_t)((int)(segment_random() % 29) - 14);
	return t;
}

static void
random_segment(struct wire *w)
{
	uint8_t options[40];
	unsigned int n = 0;

	if (segment_random() % 4 == 0) {
		memcpy(options, stamp, n = 12);
		segment_put32(options + 4, segment_random());
		segment_put32(options + 8, segment_random());
	} else if (segment_random() % 4 != 0) {
		n = random_options(options);
	}
	segment_lay(w, segment_random() % 2 == 0, segment_random() & 0xff, options, n,
	            segment_random() % 40);
	segment_put32(tcp_of(w) + SEQ, segment_random());
	segment_put32(tcp_of(w) + ACK, segment_random());
	segment_put16(tcp_of(w) + WINDOW, segment_random());
	segment_seal(w);
}

static void
random_segments_agree_with_the_twin(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const struct translation t = random_translation();
		struct wire w;

		random_segment(&w);
		if (i % 8 == 0)
			segment_put16(tcp_of(&w) + CHECKSUM, segment_random() % 65535);
		else
			CU_ASSERT_FATAL(is_right(&w));
		both_agree(&w, &t);
		if (i % 8 != 0)
			CU_ASSERT_FATAL(is_right(&w));
	}
}

static void
back_again_gives_the_same_bytes(void)
{
	for (unsigned int i = 0; i < ROUNDS / 4; i++) {
		struct translation t = random_translation(), back;
		struct wire w, before;

		t.window_shift = 0;
		back = (struct translation){ -t.seq, -t.ack, -t.ts_value, -t.ts_echo, 0 };
		random_segment(&w);
		before = w;
		translate(&w, &t);
		translate(&w, &back);
		CU_ASSERT_EQUAL_FATAL(memcmp(&w, &before, sizeof(w)), 0);
	}
}

/* --- what is not there --- */

static void
headers_that_are_not_all_there_are_left(void)
{
	struct wire w, before;
	struct facts f;

	segment_lay(&w, 0, TCP_ACK, stamp, 12, 4);
	before = w;
	f = segment_facts(&w);
	for (size_t len = 0; len < f.payload_off; len++) {
		translate_segment(w.bytes, len, &f, &shift_all);
		CU_ASSERT_EQUAL(memcmp(&w, &before, sizeof(w)), 0);
	}
	translate_segment(w.bytes, f.payload_off, &f, &shift_all);
	CU_ASSERT(is_right(&w));
}

/* Memory of the exact size, where a sanitizer would see one byte too many. */
static void
no_list_leads_out_of_the_header(void)
{
	for (unsigned int i = 0; i < ROUNDS / 4; i++) {
		const unsigned int n = segment_random() % 11 * 4;
		uint8_t options[40], *exact;
		struct wire w, at_most;
		struct facts f;

		for (unsigned int k = 0; k < n; k++)
			options[k] = (uint8_t)(segment_random() % 12);
		segment_lay(&w, 0, TCP_ACK, options, n, 0);
		at_most = w;
		f = segment_facts(&w);
		f.l4_off = 34;
		f.payload_off = (uint16_t)w.len;
		exact = malloc(w.len);
		memcpy(exact, w.bytes, w.len);
		translate_segment(exact, w.len, &f, &shift_all);
		/* A list that is not sound is left, and the rest of the header is translated. */
		if (f.fault != PACKET_SOUND) {
			tcp_of(&at_most)[12] = 0x50;
			twin(&at_most, &shift_all);
			CU_ASSERT_EQUAL_FATAL(memcmp(exact + 38, at_most.bytes + 38, 8),
			                      0);
			CU_ASSERT_EQUAL_FATAL(memcmp(exact + 54, w.bytes + 54, n), 0);
		} else {
			twin(&at_most, &shift_all);
			CU_ASSERT_EQUAL_FATAL(memcmp(exact, at_most.bytes, w.len), 0);
		}
		free(exact);
	}
}

SUITE_MAIN("packet/translate", TEST(every_number_moves_by_its_own),
           TEST(sack_blocks_move_with_the_acknowledgement),
           TEST(options_may_stand_anywhere), TEST(without_ack_nothing_is_acknowledged),
           TEST(a_window_neither_overflows_nor_grows),
           TEST(every_checksum_agrees_with_the_full_sum),
           TEST(a_broken_checksum_stays_broken_by_as_much),
           TEST(nothing_added_changes_nothing),
           TEST(the_other_zero_stays_as_right_as_it_was),
           TEST(random_segments_agree_with_the_twin),
           TEST(back_again_gives_the_same_bytes),
           TEST(headers_that_are_not_all_there_are_left),
           TEST(no_list_leads_out_of_the_header))
