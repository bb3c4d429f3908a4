/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker notes: every verdict, both families, with tags and without, and how much. */
#include "eye_rig.h"

static struct evidence_sample found[EVIDENCE_KEPT];

static const struct evidence_which everything;

/* One lane of each verdict, in a burst of each kind of frame. */
static void
every_verdict_is_noted_as_what_it_was(void)
{
	static const char *const names[] = { "dropped", "answered", "consumed",
		                             "would_drop", "would_challenge" };

	for (unsigned int kind = 0; kind < 4; kind++) {
		const struct look look = { .is_ipv6 = kind & 1,
			                   .vlan = (kind & 2) != 0 ? 42 : 0,
			                   .who = 0x42000001 };

		rig_open(10);
		rig_start();
		for (unsigned int i = 0; i < 6; i++)
			rig_add(&look);
		rig_parse();
		rig_stop(0, VERDICT_DROP, 1, 1);
		rig_stop(1, VERDICT_REPLY, 1, 2);
		rig_stop(2, VERDICT_CONSUME, 1, 3);
		rig_spare(3, 1, 4);
		rig_spare(4, 1, 7);
		rig_see();
		CU_ASSERT_EQUAL_FATAL(rig_read(&everything, found, EVIDENCE_KEPT), 5);
		for (unsigned int k = 0; k < 5; k++) {
			bool is_there = false;

			for (unsigned int i = 0; i < 5; i++)
				is_there =
					is_there || strcmp(evidence_verdict_name(
								   found[i].note.verdict,
								   found[i].story.class),
				                           names[k]) == 0;
			CU_ASSERT_TRUE(is_there);
		}
		CU_ASSERT_EQUAL(found[0].note.facts.vlan, look.vlan);
		CU_ASSERT_EQUAL((found[0].note.facts.flags & FACT_IPV6) != 0,
		                look.is_ipv6);
		rig_close();
	}
}

static void
quiet_packets_are_not_noted(void)
{
	rig_open(1000);
	for (unsigned int n = 0; n < 100; n++) {
		rig_start();
		for (unsigned int i = 0; i < LANES_MAX; i++)
			rig_add(&(struct look){ .who = i });
		rig_parse();
		rig_see();
		r.now_ns += MS;
	}
	CU_ASSERT_EQUAL(rig_read(&everything, found, EVIDENCE_KEPT), 0);
	CU_ASSERT_EQUAL(r.told, 0);
	rig_close();
}

/* An answer is written over the question; the question is what came in. */
static void
a_question_is_noted_before_it_is_written_over(void)
{
	uint8_t before[100];

	rig_open(10);
	rig_start();
	rig_add(&(struct look){ .who = 7 });
	rig_parse();
	memcpy(before, r.frame[0], sizeof(before));
	rig_stop(0, VERDICT_REPLY, 2, 2);
	evidence_see_questions(r.eye, &r.b, lane_bit(0));
	memset(r.frame[0], 0xaa, sizeof(r.frame[0]));
	r.b.bytes_len[0] = 60;
	evidence_see(r.eye, &r.b);
	CU_ASSERT_EQUAL_FATAL(rig_read(&everything, found, EVIDENCE_KEPT), 1);
	CU_ASSERT_EQUAL(found[0].bytes_len, 100);
	CU_ASSERT_EQUAL(memcmp(found[0].bytes, before, 100), 0);
	rig_close();
}

/* By a slow twin: the rate, and a second's worth of it at once. */
static void
a_reason_has_its_rate_and_no_more(void)
{
	const uint64_t rate = 10;
	uint64_t seconds = 5;

	rig_open(rate);
	for (uint64_t t = 0; t < seconds * 1000; t += 2) {
		r.now_ns = SECOND + t * MS;
		rig_flood(3, 1, 1);
		evidence_turn(r.e);
	}
	/* And one a second of the service's own. */
	CU_ASSERT(r.told <= rate * seconds + rate + seconds + 1);
	CU_ASSERT(r.told >= rate * seconds);
	rig_close();
}

static void
every_reason_has_its_own(void)
{
	rig_open(10);
	for (uint8_t reason = 0; reason < 20; reason++)
		rig_flood(3, reason % 4, reason);
	evidence_turn(r.e);
	CU_ASSERT_EQUAL(r.told, 20 * 10);
	rig_close();
}

/* One packet of a small service in each burst of a flood against another. */
static void
a_flood_does_not_use_up_what_others_have(void)
{
	const struct evidence_which small = { .service = "s9" };

	rig_open(10);
	for (unsigned int t = 0; t < 3000; t++) {
		r.now_ns = SECOND + t * MS;
		rig_start();
		for (unsigned int i = 0; i < LANES_MAX; i++)
			rig_add(&(struct look){ .who = i });
		rig_parse();
		for (unsigned int i = 0; i < LANES_MAX; i++) {
			r.b.service[i] = i == 40 ? 9 : 3;
			rig_stop(i, VERDICT_DROP, 1, 1);
		}
		rig_see();
		evidence_turn(r.e);
	}
	CU_ASSERT(rig_read(&small, found, EVIDENCE_KEPT) >= 2);
	rig_close();
}

static void
the_first_bytes_or_all_of_them(void)
{
	for (unsigned int whole = 0; whole < 2; whole++) {
		rig_open_with(
			&(struct evidence_settings){ .rate = 10,
		                                     .snap = whole ? UINT16_MAX : 64,
		                                     .files = 1,
		                                     .file_size = 1 << 20 });
		rig_start();
		rig_add(&(struct look){ .who = 7, .bytes = 120 });
		rig_parse();
		rig_stop(0, VERDICT_DROP, 1, 1);
		rig_see();
		CU_ASSERT_EQUAL_FATAL(rig_read(&everything, found, EVIDENCE_KEPT), 1);
		CU_ASSERT_EQUAL(found[0].note.frame_len, 120);
		CU_ASSERT_EQUAL(found[0].note.bytes_len, whole ? 120 : 64);
		CU_ASSERT_EQUAL(memcmp(found[0].bytes, r.frame[0], whole ? 120 : 64), 0);
		rig_close();
	}
}

static void
off_is_off_and_on_again(void)
{
	struct evidence_settings s = { .snap = 128, .files = 1, .file_size = 1 << 20 };

	rig_open(0);
	rig_flood(3, 1, 1);
	evidence_turn(r.e);
	CU_ASSERT_EQUAL(r.told, 0);
	s.rate = 5;
	evidence_configure(r.e, &s);
	rig_flood(3, 1, 1);
	evidence_turn(r.e);
	CU_ASSERT_EQUAL(r.told, 5);
	rig_close();
}

/* Nobody empties the ring: the worker loses samples, counts them and goes on. */
static void
a_writer_that_hangs_costs_samples_only(void)
{
	struct evidence_state *state = malloc(sizeof(*state));

	CU_ASSERT_FATAL(state != NULL);
	rig_open(1000);
	for (unsigned int t = 0; t < 5000; t++) {
		r.now_ns = SECOND + t * MS;
		rig_flood(3, 1, (uint8_t)(t % 20));
	}
	evidence_state(r.e, state);
	CU_ASSERT(state->lost > 1000);
	CU_ASSERT(state->taken * 192 <= EVIDENCE_RING);
	CU_ASSERT(state->taken * 256 >= EVIDENCE_RING / 2);
	evidence_turn(r.e);
	CU_ASSERT_EQUAL(r.told, state->taken);
	rig_close();
	free(state);
}

SUITE_MAIN("evidence/see", TEST(every_verdict_is_noted_as_what_it_was),
           TEST(quiet_packets_are_not_noted),
           TEST(a_question_is_noted_before_it_is_written_over),
           TEST(a_reason_has_its_rate_and_no_more), TEST(every_reason_has_its_own),
           TEST(a_flood_does_not_use_up_what_others_have),
           TEST(the_first_bytes_or_all_of_them), TEST(off_is_off_and_on_again),
           TEST(a_writer_that_hangs_costs_samples_only))
