/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/options.h"

#include <stdlib.h>
#include <string.h>

#include "options_twin.h"
#include "suite.h"

/* A header with these options; returns its length. */
static size_t
header(uint8_t tcp[60], const uint8_t *options, size_t n)
{
	memset(tcp, 0xee, 60);
	memcpy(tcp + 20, options, n);
	tcp[12] = (uint8_t)((20 + n) / 4 << 4 | 0x0f);
	return 20 + n;
}

static struct tcp_options
read_sound(const uint8_t *options, size_t n)
{
	struct tcp_options o;
	uint8_t tcp[60];
	size_t len = header(tcp, options, n);

	CU_ASSERT(options_read(tcp, len, &o));
	return o;
}

static void
a_syn_of_linux_is_read(void)
{
	static const uint8_t bytes[] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2,
		                         3, 4, 5, 6,    7, 8, 1, 3,  3, 7 };
	struct tcp_options o = read_sound(bytes, sizeof(bytes));

	CU_ASSERT_EQUAL(o.mss, 1460);
	CU_ASSERT_EQUAL(o.wscale, 7);
	CU_ASSERT(o.has_sack_permitted && o.has_ts && !o.has_fast_open);
	CU_ASSERT_EQUAL(o.ts_value, 0x01020304);
	CU_ASSERT_EQUAL(o.ts_echo, 0x05060708);
	CU_ASSERT_EQUAL(o.ts_at, 28);
	CU_ASSERT_EQUAL(o.sacks, 0);
}

static void
sack_blocks_and_stamps_are_found_where_they_are(void)
{
	static const uint8_t bytes[36] = { 1, 1, 8, 10, 0, 0, 0, 9,
		                           0, 0, 0, 8,  1, 1, 5, 18 };
	struct tcp_options o = read_sound(bytes, 32);

	CU_ASSERT_EQUAL(o.ts_at, 24);
	CU_ASSERT_EQUAL(o.sack_at, 36);
	CU_ASSERT_EQUAL(o.sacks, 2);
	CU_ASSERT_EQUAL(o.mss, 0);
	CU_ASSERT_EQUAL(o.wscale, OPTIONS_NO_WSCALE);
}

/* RFC 7413 4.1.1: empty, or a cookie of 4 to 16 bytes, an even number of them. */
static void
fast_open_is_a_request_or_a_cookie(void)
{
	for (uint8_t len = 2; len <= 20; len++) {
		const uint8_t bytes[20] = { 34, len };
		struct tcp_options o = read_sound(bytes, 20);

		CU_ASSERT_EQUAL(o.has_fast_open,
		                len == 2 || (len % 2 == 0 && len >= 6 && len <= 18));
	}
}

/* RFC 7323 2.3. */
static void
a_scale_above_14_counts_as_14(void)
{
	for (unsigned int scale = 0; scale < 256; scale++) {
		const uint8_t bytes[4] = { 3, 3, (uint8_t)scale, 1 };

		CU_ASSERT_EQUAL(read_sound(bytes, 4).wscale, scale < 14 ? scale : 14);
	}
}

static void
a_length_that_its_kind_cannot_have_makes_an_option_unknown(void)
{
	static const uint8_t kinds[] = { 2, 3, 4, 5, 8 };
	static const uint8_t lengths[] = { 4, 3, 2, 10, 10 };

	for (unsigned int k = 0; k < sizeof(kinds); k++)
		for (uint8_t len = 2; len <= 12; len++) {
			const uint8_t bytes[12] = { kinds[k], len };
			struct tcp_options o = read_sound(bytes, 12);
			const bool is_read = o.wscale != OPTIONS_NO_WSCALE ||
			                     o.ts_at != 0 || o.has_sack_permitted ||
			                     o.sacks != 0;

			/* An MSS of 0 is none, so it never shows here. */
			CU_ASSERT_EQUAL(is_read, kinds[k] != 2 && len == lengths[k]);
		}
}

static void
a_list_that_is_not_sound_gives_nothing(void)
{
	static const struct {
		uint8_t bytes[8];
	} lists[] = {
		{ { 2, 4, 5, 0xb4, 3, 0, 7, 1 } },  /* a length of 0 */
		{ { 2, 4, 5, 0xb4, 3, 1, 7, 1 } },  /* of 1 */
		{ { 2, 4, 5, 0xb4, 8, 10, 7, 1 } }, /* beyond the header */
		{ { 2, 4, 5, 0xb4, 1, 1, 1, 4 } },  /* no length at all */
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct tcp_options o;
		uint8_t tcp[60];
		size_t len = header(tcp, lists[i].bytes, 8);

		CU_ASSERT(!options_read(tcp, len, &o));
		CU_ASSERT_EQUAL(o.mss, 0);
		CU_ASSERT_EQUAL(o.wscale, OPTIONS_NO_WSCALE);
	}
}

static void
what_follows_the_end_is_not_read(void)
{
	static const uint8_t bytes[8] = { 1, 0, 2, 4, 5, 0xb4, 3, 0 };

	CU_ASSERT_EQUAL(read_sound(bytes, 8).mss, 0);
}

static void
a_header_that_is_not_there_is_not_sound(void)
{
	struct tcp_options o;
	uint8_t tcp[60] = { 0 };

	for (unsigned int words = 0; words < 16; words++)
		for (size_t len = 0; len <= 60; len++) {
			tcp[12] = (uint8_t)(words << 4);
			CU_ASSERT_EQUAL(options_read(tcp, len, &o),
			                words >= 5 && words * 4 <= len);
		}
}

/* A million lists of bytes that options like. */
static void
the_slow_twin_agrees(void)
{
	static const uint8_t liked[] = { 0, 1, 2, 3, 4, 5, 8, 10, 18, 26, 34, 6, 255 };
	unsigned int wrong = 0, sound = 0;

	srand(9);
	for (unsigned int n = 0; n < 1000000; n++) {
		struct tcp_options fast;
		struct options_twin slow;
		uint8_t tcp[60], options[40];
		size_t len;

		for (size_t i = 0; i < sizeof(options); i++) {
			const unsigned int r = (unsigned int)rand();

			options[i] = r % 64 == 0 ? (uint8_t)(r >> 8)
			                         : liked[(r >> 8) % sizeof(liked)];
			/* Lists that end at once teach little. */
			if (options[i] == 0 && r % 4 != 0)
				options[i] = 1;
		}
		len = header(tcp, options, (size_t)(rand() % 11) * 4);
		slow = options_twin_read(tcp, len);
		if (options_read(tcp, len, &fast) != slow.is_sound ||
		    !options_twin_agrees(&slow, &fast))
			wrong++;
		sound += slow.is_sound;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(sound > 100000 && sound < 900000);
}

/* All sixteen sets, read again; and as short as their words allow. */
static void
what_is_written_is_read_again(void)
{
	for (unsigned int set = 0; set < 16; set++) {
		const struct tcp_options o = {
			.mss = set & 1 ? 0xfffe : 0,
			.has_sack_permitted = set & 2,
			.has_ts = set & 4,
			.ts_value = set & 4 ? 0x89abcdef : 0,
			.ts_echo = set & 4 ? 0xfedcba98 : 0,
			.wscale = set & 8 ? 14 : OPTIONS_NO_WSCALE,
		};
		const size_t least = (set & 1 ? 4u : 0u) + (set & 2 ? 2u : 0u) +
		                     (set & 4 ? 10u : 0u) + (set & 8 ? 3u : 0u);
		uint8_t out[OPTIONS_MAX] = { 0 };
		const size_t len = options_write_opening(out, &o);
		struct tcp_options again = read_sound(out, len);

		/* So an answer with some of a SYN's options is never longer than it. */
		CU_ASSERT_EQUAL(len, (least + 3) / 4 * 4);
		CU_ASSERT_EQUAL(again.mss, o.mss);
		CU_ASSERT_EQUAL(again.has_sack_permitted, o.has_sack_permitted);
		CU_ASSERT_EQUAL(again.has_ts, o.has_ts);
		CU_ASSERT_EQUAL(again.ts_value, o.ts_value);
		CU_ASSERT_EQUAL(again.ts_echo, o.ts_echo);
		CU_ASSERT_EQUAL(again.wscale, o.wscale);
	}
}

static void
a_stamp_alone_takes_twelve_bytes(void)
{
	const struct tcp_options o = { .has_ts = true, .ts_value = 5, .ts_echo = 6 };
	const struct tcp_options none = { .mss = 1460 };
	uint8_t out[OPTIONS_MAX];
	struct tcp_options again;

	CU_ASSERT_EQUAL_FATAL(options_write_stamp(out, &o), 12);
	again = read_sound(out, 12);
	CU_ASSERT_EQUAL(again.ts_value, 5);
	CU_ASSERT_EQUAL(again.ts_echo, 6);
	CU_ASSERT_EQUAL(again.ts_at, 24);
	CU_ASSERT_EQUAL(options_write_stamp(out, &none), 0);
}

SUITE_MAIN("packet/options", TEST(a_syn_of_linux_is_read),
           TEST(sack_blocks_and_stamps_are_found_where_they_are),
           TEST(fast_open_is_a_request_or_a_cookie), TEST(a_scale_above_14_counts_as_14),
           TEST(a_length_that_its_kind_cannot_have_makes_an_option_unknown),
           TEST(a_list_that_is_not_sound_gives_nothing),
           TEST(what_follows_the_end_is_not_read),
           TEST(a_header_that_is_not_there_is_not_sound), TEST(the_slow_twin_agrees),
           TEST(what_is_written_is_read_again), TEST(a_stamp_alone_takes_twelve_bytes))
