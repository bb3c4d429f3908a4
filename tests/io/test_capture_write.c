/* SPDX-License-Identifier: BSD-3-Clause */
/* Captures of our own, read back by us and by tshark. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "folder.h"
#include "io/capture.h"

static char path[64];

#define WRITTEN 5000

static struct capture_frame
made(unsigned int i, uint8_t *bytes)
{
	struct capture_frame frame = {
		.bytes = bytes,
		.len = i % 300,
		.wire_len = i % 300 + (i % 7 == 0 ? 1000 : 0),
		.time_ns = UINT64_C(1700000000000000000) + i * UINT64_C(333333333),
	};

	memset(bytes, (int)(i & 0xff), frame.len);
	return frame;
}

static void
write_and_read_back(const char *name, bool is_ng)
{
	struct capture_writer *w;
	struct capture *c;
	uint8_t bytes[300];
	char why[CAPTURE_WHY];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	CU_ASSERT_EQUAL_FATAL(capture_create(path, &w, why), 0);
	CU_ASSERT_EQUAL(capture_add_interface(w, "external"), 0);
	CU_ASSERT_EQUAL(capture_add_interface(w, "internal"), is_ng);
	for (unsigned int i = 0; i < WRITTEN; i++) {
		struct capture_frame frame = made(i, bytes);

		capture_put(w, is_ng ? i & 1 : 0, &frame,
		            i % 3 ? "sanity.truncated" : NULL);
	}
	CU_ASSERT_EQUAL(capture_finish(w), 0);

	CU_ASSERT_EQUAL_FATAL(capture_open(path, &c, why), 0);
	for (unsigned int i = 0; i < WRITTEN; i++) {
		struct capture_frame frame, want = made(i, bytes);

		CU_ASSERT_EQUAL_FATAL(capture_next(c, &frame), 1);
		CU_ASSERT_EQUAL(frame.time_ns, want.time_ns);
		CU_ASSERT_EQUAL_FATAL(frame.len, want.len);
		CU_ASSERT_EQUAL(frame.wire_len, want.wire_len);
		CU_ASSERT_EQUAL(memcmp(frame.bytes, bytes, want.len), 0);
	}
	CU_ASSERT_EQUAL(capture_next(c, &(struct capture_frame){ 0 }), 0);
	CU_ASSERT_FALSE(capture_is_truncated(c));
	capture_close(c);
}

static void
what_is_written_is_read_back(void)
{
	write_and_read_back("w.pcap", false);
	write_and_read_back("w.pcapng", true);
}

/* Comments, names, times and lengths as Wireshark sees them. */
static void
tshark_reads_what_we_write(void)
{
	static const char expected[] =
		"external\t1700000000.000000000\t1000\t0\t\n"
		"internal\t1700000000.333333333\t1\t1\tsanity.truncated\n"
		"external\t1700000000.666666666\t2\t2\tsanity.truncated\n";
	char command[512], text[4096] = "";
	FILE *pipe;

	if (system("command -v tshark >/dev/null 2>&1") != 0) {
		printf("(skipped: no tshark) ");
		return;
	}
	snprintf(command, sizeof(command),
	         "tshark -r %s/w.pcapng -c 3 -T fields -e frame.interface_name "
	         "-e frame.time_epoch -e frame.len -e frame.cap_len -e frame.comment "
	         "2>/dev/null",
	         folder);
	pipe = popen(command, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
	CU_ASSERT(fread(text, 1, sizeof(text) - 1, pipe) > 0);
	CU_ASSERT_EQUAL(pclose(pipe), 0);
	CU_ASSERT_STRING_EQUAL(text, expected);
}

static void
a_full_disk_is_told(void)
{
	struct capture_writer *w;
	char why[CAPTURE_WHY];
	uint8_t bytes[300];

	CU_ASSERT_EQUAL(capture_create("/nowhere/at/all.pcap", &w, why), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "/nowhere/at/all.pcap"));
	CU_ASSERT_EQUAL_FATAL(capture_create("/dev/full", &w, why), 0);
	for (unsigned int i = 0; i < WRITTEN; i++) {
		struct capture_frame frame = made(i, bytes);

		capture_put(w, 0, &frame, NULL);
	}
	CU_ASSERT_EQUAL(capture_finish(w), -ENOSPC);
}

FOLDER_MAIN("io/capture_write", TEST(what_is_written_is_read_back),
            TEST(tshark_reads_what_we_write), TEST(a_full_disk_is_told))
