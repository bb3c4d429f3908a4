/* SPDX-License-Identifier: BSD-3-Clause */
/* pcapng laid byte by byte, in both byte orders. */
#include <errno.h>

#include "lay.h"

static void
pcapng_with_several_sections_and_interfaces(void)
{
	struct capture *c;

	reset(false);
	section();
	interface(1, 0, 6, 0);
	interface(1, 0, 9, 0);
	packet(1, UINT64_C(1700000000123456789), 61, 61);
	packet(0, 1700000000123456, 62, 9000);
	/* A block nobody knows, larger than the buffer would be if it were read whole. */
	p32(0xbad);
	p32(20000);
	fill(7, 20000 - 12);
	p32(20000);
	interface(1, 0, 0x80 | 10, 100);
	packet(2, 5 * 1024 + 512, 14, 14);
	f.is_big = true;
	section();
	interface(1, 70, 3, 0);
	packet(0, 5001, 15, 15);
	/* The obsolete packet block: interface and drops in 16 bits each. */
	p32(2);
	p32(32 + 16);
	p16(0);
	p16(9);
	p32(0);
	p32(5002);
	p32(16);
	p32(16);
	fill(1, 16);
	p32(32 + 16);
	/* The simple one: no time, cut to the snap length. */
	p32(3);
	p32(16 + 72);
	p32(1514);
	fill(1, 72);
	p32(16 + 72);
	c = open_saved("a.pcapng");
	for (unsigned int turn = 0; turn < 2; turn++) {
		expect(c, UINT64_C(1700000000123456789), 61, 61);
		expect(c, UINT64_C(1700000000123456000), 62, 9000);
		expect(c, UINT64_C(105500000000), 14, 14);
		expect(c, UINT64_C(5001000000), 15, 15);
		expect(c, UINT64_C(5002000000), 16, 16);
		expect(c, UINT64_C(5002000000), 70, 1514);
		expect_end(c, false);
		CU_ASSERT_EQUAL(capture_rewind(c), 0);
	}
	capture_close(c);
}

static void
a_truncated_pcapng_is_read_as_far_as_it_goes(void)
{
	size_t whole, first;

	reset(false);
	section();
	interface(1, 0, 6, 0);
	first = f.len;
	packet(0, 1, 20, 20);
	packet(0, 2, 20, 20);
	whole = f.len;
	for (size_t len = first; len <= whole; len++) {
		struct capture *c;
		unsigned int frames = 0;
		struct capture_frame frame;

		f.len = len;
		c = open_saved("cut.pcapng");
		while (capture_next(c, &frame) == 1)
			frames++;
		/* The frame itself counts, though its block's last word may be missing. */
		CU_ASSERT_EQUAL(frames, (len - first + 4) / 52);
		CU_ASSERT_EQUAL(capture_is_truncated(c), (len - first) % 52 != 0);
		capture_close(c);
	}
}

static void
packets_of_useless_interfaces_are_passed_over_and_counted(void)
{
	struct capture *c;

	reset(false);
	section();
	interface(127, 0, 6, 0);
	interface(1, 0, 6, 0);
	packet(0, 1, 20, 20);
	packet(1, 2, 20, 20);
	packet(0, 3, 20, 20);
	c = open_saved("mixed.pcapng");
	expect(c, 2000, 20, 20);
	expect_end(c, false);
	CU_ASSERT_EQUAL(capture_skipped(c), 2);
	capture_close(c);
}

static void
broken_blocks_are_corrupt(void)
{
	for (unsigned int i = 0; i < 5; i++) {
		struct capture_frame frame;
		struct capture *c;

		reset(false);
		section();
		interface(1, 0, 6, 0);
		if (i == 0) {
			packet(1, 1, 20, 20); /* no such interface */
		} else if (i == 1) {
			packet(0, 1, 20, 20);
			f.bytes[f.len - 52 + 20] = 21; /* longer than its block */
		} else if (i == 2) {
			p32(6); /* shorter than a packet block can be */
			p32(28);
			fill(0, 40);
		} else if (i == 3) {
			p32(99); /* shorter than any block */
			p32(8);
			fill(0, 40);
		} else {
			p32(0x0a0d0d0a); /* neither byte order */
			p32(28);
			fill(3, 20);
		}
		c = open_saved("broken.pcapng");
		CU_ASSERT_EQUAL(capture_next(c, &frame), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(capture_why(c), "corrupt"));
		capture_close(c);
	}
}

FOLDER_MAIN("io/capture_ng", TEST(pcapng_with_several_sections_and_interfaces),
            TEST(a_truncated_pcapng_is_read_as_far_as_it_goes),
            TEST(packets_of_useless_interfaces_are_passed_over_and_counted),
            TEST(broken_blocks_are_corrupt))
