/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Real and malformed captures through reader and parser: nothing may crash, and
 * what is said to be sound must lie inside the frame.
 *
 * The folder comes from the environment, TIDEGATE_CORPUS; captures under its
 * legit/, robust/ and attack/ are read. Without it the test says so and is skipped.
 */
#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/capture.h"
#include "packet/facts.h"
#include "packet/parse.h"
#include "suite.h"
#include "twin.h"

#define SKIPPED 77 /* what meson and automake call a skipped test */

static struct tally {
	unsigned int captures, refused, corrupt;
	uint64_t frames, ip, disagree, outside;
	uint64_t fault[PACKET_FAULTS];
} tally;

/* Offsets and lengths of a sound packet stay inside its frame, in their order. */
static bool
is_inside(const struct facts *p)
{
	if (p->fault != PACKET_SOUND || !(p->flags & FACT_IP))
		return true;
	return p->l3_off >= 14 && p->payload_off > p->l3_off &&
	       p->payload_off + p->payload_len <= p->frame_len &&
	       (p->l4_off == 0) == ((p->flags & FACT_FRAG_REST) != 0) &&
	       p->l4_off <= p->payload_off;
}

static void
look_at(const struct capture_frame *frame)
{
	size_t wire_len = frame->wire_len > 65535 ? 65535 : frame->wire_len;
	size_t len = frame->len > wire_len ? wire_len : frame->len;
	uint8_t *exact = malloc(len > 0 ? len : 1);
	struct facts p, slow;
	struct twin t;

	memcpy(exact, frame->bytes, len);
	parse_frame(exact, len, wire_len, &p);
	slow = twin_parse(&t, exact, len, wire_len);
	free(exact);
	tally.frames++;
	tally.ip += (p.flags & FACT_IP) != 0;
	tally.fault[p.fault]++;
	tally.disagree += memcmp(&p, &slow, sizeof(p)) != 0;
	tally.outside += !is_inside(&p);
}

static void
read_one(const char *path)
{
	struct capture_frame frame;
	char why[CAPTURE_WHY];
	struct capture *c;
	int rc;

	tally.captures++;
	rc = capture_open(path, &c, why);
	if (rc < 0) {
		/* A few are compressed under a plain name. */
		tally.refused++;
		CU_ASSERT_EQUAL(rc, -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "is compressed; gunzip it first"));
		return;
	}
	while ((rc = capture_next(c, &frame)) == 1)
		look_at(&frame);
	CU_ASSERT(rc == 0 || rc == -EBADMSG);
	if (rc < 0) {
		tally.corrupt++;
		printf("\n    %s ", capture_why(c));
	}
	capture_close(c);
}

static bool
is_capture(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL && (strncmp(dot, ".pcap", 5) == 0 || strcmp(dot, ".cap") == 0);
}

static void
read_folder(const char *sub)
{
	char path[4096];
	char *roots[2] = { path, NULL };
	FTSENT *entry;
	FTS *walk;

	memset(&tally, 0, sizeof(tally));
	snprintf(path, sizeof(path), "%s/%s", getenv("TIDEGATE_CORPUS"), sub);
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(walk);
	while ((entry = fts_read(walk)) != NULL)
		if (entry->fts_info == FTS_F && is_capture(entry->fts_name))
			read_one(entry->fts_path);
	fts_close(walk);
	printf("%u captures, %u refused, %u corrupt, %lu frames, %lu IP, %lu faulty ",
	       tally.captures, tally.refused, tally.corrupt, (unsigned long)tally.frames,
	       (unsigned long)tally.ip,
	       (unsigned long)(tally.frames - tally.fault[PACKET_SOUND]));
	CU_ASSERT(tally.frames > 0);
	CU_ASSERT_EQUAL(tally.disagree, 0);
	CU_ASSERT_EQUAL(tally.outside, 0);
}

/*
 * Hosts that leave checksums and segmentation to their network card capture
 * wrong header sums and datagrams of length 0; nothing else is wrong there.
 */
static void
ordinary_traffic_is_sound_but_for_offloading(void)
{
	uint64_t offloaded;

	read_folder("legit");
	CU_ASSERT_EQUAL(tally.corrupt, 0);
	offloaded = tally.fault[PACKET_BAD_IP_CHECKSUM] + tally.fault[PACKET_BAD_LENGTH];
	CU_ASSERT_EQUAL(tally.fault[PACKET_SOUND] + offloaded, tally.frames);
	CU_ASSERT(tally.fault[PACKET_BAD_LENGTH] < 10);
}

static void
malformed_captures_crash_nothing(void)
{
	read_folder("robust");
}

static void
attacks_are_read(void)
{
	read_folder("attack");
}

static int
skip(void)
{
	puts("skipped: TIDEGATE_CORPUS names no folder of captures");
	return SKIPPED;
}

int
main(void)
{
	CU_TestInfo tests[] = { TEST(ordinary_traffic_is_sound_but_for_offloading),
		                TEST(malformed_captures_crash_nothing),
		                TEST(attacks_are_read), CU_TEST_INFO_NULL };
	CU_SuiteInfo suites[] = { { "packet/corpus", NULL, NULL, NULL, NULL, tests },
		                  CU_SUITE_INFO_NULL };
	unsigned int failed;

	if (getenv("TIDEGATE_CORPUS") == NULL)
		return skip();
	if (CU_initialize_registry() != CUE_SUCCESS ||
	    CU_register_suites(suites) != CUE_SUCCESS)
		return EXIT_FAILURE;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
