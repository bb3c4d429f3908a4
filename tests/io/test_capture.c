/* SPDX-License-Identifier: BSD-3-Clause */
/* pcap laid byte by byte, in both byte orders; link types; what is no capture. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lay.h"

/* --- pcap ---------------------------------------------------------------- */

static void
pcap_in_both_byte_orders_and_resolutions(void)
{
	for (unsigned int i = 0; i < 4; i++) {
		struct capture *c;

		reset(i & 1);
		pcap_header(i & 2 ? 0xa1b23c4d : 0xa1b2c3d4, 1);
		pcap_record(1700000000, 999, 60, 60);
		fill(1, 60);
		pcap_record(1700000001, 5, 14, 1500);
		fill(2, 14);
		pcap_record(1700000001, 6, 20, 3);
		fill(2, 20);
		c = open_saved("a.pcap");
		for (unsigned int turn = 0; turn < 2; turn++) {
			uint64_t unit = i & 2 ? 1 : 1000;

			expect(c, UINT64_C(1700000000000000000) + 999 * unit, 60, 60);
			expect(c, UINT64_C(1700000001000000000) + 5 * unit, 14, 1500);
			/* A frame cannot be shorter on the wire than what was captured of it. */
			expect(c, UINT64_C(1700000001000000000) + 6 * unit, 20, 20);
			expect_end(c, false);
			CU_ASSERT_EQUAL(capture_rewind(c), 0);
		}
		capture_close(c);
	}
}

/* Cut at any byte: whole records come out, the rest is said to be missing. */
static void
a_truncated_pcap_is_read_as_far_as_it_goes(void)
{
	size_t whole;

	reset(false);
	pcap_header(0xa1b2c3d4, 1);
	for (unsigned int i = 0; i < 3; i++) {
		pcap_record(i, 0, 30, 30);
		fill(i, 30);
	}
	whole = f.len;
	for (size_t len = 24; len <= whole; len++) {
		struct capture *c;
		size_t records = (len - 24) / 46;

		f.len = len;
		c = open_saved("cut.pcap");
		for (size_t i = 0; i < records; i++)
			expect(c, i * UINT64_C(1000000000), 30, 30);
		expect_end(c, (len - 24) % 46 != 0);
		capture_close(c);
	}
}

static void
a_record_beyond_reason_is_corrupt(void)
{
	struct capture_frame frame;
	struct capture *c;

	reset(false);
	pcap_header(0xa1b2c3d4, 1);
	pcap_record(1, 1, 20, 20);
	fill(0, 20);
	pcap_record(1, 1, CAPTURE_MAX_RECORD + 1, CAPTURE_MAX_RECORD + 1);
	fill(0, 60);
	c = open_saved("corrupt.pcap");
	expect(c, 1000001000, 20, 20);
	CU_ASSERT_EQUAL(capture_next(c, &frame), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(capture_why(c), "corrupt.pcap"));
	CU_ASSERT_EQUAL(capture_next(c, &frame), -EBADMSG);
	capture_close(c);
}

/* --- link types ---------------------------------------------------------- */

/* A record of `link_type` whose link header is `header` and whose first network byte is `first`. */
static void
check_link(uint32_t link_type, const char *header, size_t n, unsigned int first,
           unsigned int ethertype)
{
	struct capture_frame frame;
	struct capture *c;

	reset(true);
	pcap_header(0xa1b2c3d4, link_type);
	pcap_record(1, 0, (uint32_t)n + 40, (uint32_t)n + 100);
	for (size_t i = 0; i < n; i++)
		p8((uint8_t)header[i]);
	p8(first);
	fill(0x77, 39);
	c = open_saved("link.pcap");
	CU_ASSERT_EQUAL(capture_next(c, &frame), 1);
	CU_ASSERT_EQUAL(frame.len, 54);
	CU_ASSERT_EQUAL(frame.wire_len, 114);
	CU_ASSERT_EQUAL(frame.bytes[12] * 256u + frame.bytes[13], ethertype);
	CU_ASSERT_EQUAL(frame.bytes[14], first);
	CU_ASSERT_EQUAL(frame.bytes[53], 0x77);
	CU_ASSERT_EQUAL(frame.bytes[0], 2);
	expect_end(c, false);
	capture_close(c);
}

static void
every_link_type_becomes_ethernet(void)
{
	static const char sll6[16] = { [14] = (char)0x86, (char)0xdd };
	static const char sll_vlan[16] = { [14] = (char)0x81, 0 };
	static const char sll2[20] = { 0x08, 0x00 };

	check_link(101, "", 0, 0x45, 0x0800);
	check_link(12, "", 0, 0x60, 0x86dd);
	check_link(14, "", 0, 0x60, 0x86dd);
	check_link(228, "", 0, 0x45, 0x0800);
	check_link(229, "", 0, 0x60, 0x86dd);
	check_link(0, "\2\0\0\0", 4, 0x45, 0x0800);
	check_link(0, "\0\0\0\30", 4, 0x60, 0x86dd);
	check_link(108, "\0\0\0\36", 4, 0x60, 0x86dd);
	check_link(108, "\0\0\0\7", 4, 0, 0xffff);
	check_link(113, sll6, 16, 0x60, 0x86dd);
	check_link(113, sll_vlan, 16, 0, 0x8100);
	check_link(276, sll2, 20, 0x45, 0x0800);
}

/* Records shorter than their link header are no reason to read beyond them. */
static void
stunted_records_become_bare_headers(void)
{
	static const uint32_t types[] = { 0, 101, 108, 113, 228, 276 };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		for (uint32_t len = 0; len < 4; len++) {
			struct capture *c;

			reset(false);
			pcap_header(0xa1b2c3d4, types[i]);
			pcap_record(0, 0, len, len);
			fill(0x45, len);
			c = open_saved("stunted.pcap");
			expect(c, 0, types[i] == 101 || types[i] == 228 ? 14 + len : 14,
			       types[i] == 101 || types[i] == 228 ? 14 + len : 14);
			capture_close(c);
		}
}

/* Found by fuzzing: the Ethernet header made room for wrapped the length to 10. */
static void
absurd_wire_lengths_do_not_wrap(void)
{
	struct capture_frame frame;
	struct capture *c;

	reset(false);
	pcap_header(0xa1b2c3d4, 229);
	pcap_record(0, 0, 60, UINT32_MAX - 3);
	fill(0x60, 60);
	c = open_saved("absurd.pcap");
	CU_ASSERT_EQUAL(capture_next(c, &frame), 1);
	CU_ASSERT_EQUAL(frame.len, 74);
	CU_ASSERT(frame.wire_len > 1u << 31);
	capture_close(c);
}

/* --- refusals ------------------------------------------------------------ */

static void
what_is_no_capture_is_refused_with_a_remedy(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		int rc;
		const char *says;
	} cases[] = {
		{ "", 0, -EBADMSG, "is empty" },
		{ "ab", 2, -EBADMSG, "neither pcap nor pcapng" },
		{ "hello world", 11, -EBADMSG, "neither pcap nor pcapng" },
		{ "\x1f\x8b\x08\0\0\0", 6, -EBADMSG, "gunzip it first" },
		{ "\x28\xb5\x2f\xfd\0\0", 6, -EBADMSG, "unzstd it first" },
		{ "\xd4\xc3\xb2\xa1\2\0\4\0", 8, -EBADMSG, "ends inside its header" },
		{ "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x7f\0\0\0", 24,
		  -EPROTONOSUPPORT, "link type 127" },
	};
	struct capture *c = NULL;
	char why[CAPTURE_WHY];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		reset(false);
		memcpy(f.bytes, cases[i].bytes, cases[i].len);
		f.len = cases[i].len;
		CU_ASSERT_EQUAL(capture_open(save("not.pcap"), &c, why), cases[i].rc);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, cases[i].says));
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "not.pcap"));
	}
	CU_ASSERT_EQUAL(capture_open("/nowhere/at/all", &c, why), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "/nowhere/at/all"));
	CU_ASSERT_EQUAL(capture_open(folder, &c, why), -EISDIR);
	CU_ASSERT_PTR_NULL(c);
}

FOLDER_MAIN("io/capture", TEST(pcap_in_both_byte_orders_and_resolutions),
            TEST(a_truncated_pcap_is_read_as_far_as_it_goes),
            TEST(a_record_beyond_reason_is_corrupt),
            TEST(every_link_type_becomes_ethernet),
            TEST(stunted_records_become_bare_headers),
            TEST(absurd_wire_lengths_do_not_wrap),
            TEST(what_is_no_capture_is_refused_with_a_remedy))
