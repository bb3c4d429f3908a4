/* SPDX-License-Identifier: BSD-3-Clause */
/* What stays in memory, how it is asked for, and how it is put into words. */
#include "evidence/words.h"
#include "eye_rig.h"

static struct evidence_sample found[EVIDENCE_KEPT];

static void
one(uint16_t service, uint8_t stage, uint8_t reason, bool is_armed)
{
	rig_start();
	rig_add(&(struct look){ .who = 0xc6336407, .port = 443 });
	rig_parse();
	r.b.service[0] = service;
	r.b.armed = is_armed;
	rig_stop(0, VERDICT_DROP, stage, reason);
	rig_see();
	evidence_turn(r.e);
}

/* A flood of ten thousand samples, and one packet that somebody will ask for. */
static void
the_rare_one_outlives_the_flood(void)
{
	const struct evidence_which rare = { .reason = "r2.2" };

	rig_open(1000);
	one(5, 2, 2, false);
	for (unsigned int n = 0; n < 10000; n++) {
		r.now_ns += MS;
		one(3, 1, 1, false);
	}
	CU_ASSERT_EQUAL(r.told, 10001);
	CU_ASSERT_EQUAL_FATAL(rig_read(&rare, found, EVIDENCE_KEPT), 1);
	CU_ASSERT_STRING_EQUAL(found[0].story.service, "s5");
	CU_ASSERT_EQUAL(rig_read(&(struct evidence_which){ 0 }, found, EVIDENCE_KEPT),
	                EVIDENCE_KEPT);
	/* Of the flood it is the newest that stay. */
	CU_ASSERT_EQUAL(found[0].number, 10001);
	CU_ASSERT_EQUAL(found[EVIDENCE_KEPT - 2].number, 10001 - (EVIDENCE_KEPT - 2));
	CU_ASSERT_EQUAL(found[EVIDENCE_KEPT - 1].number, 1);
	rig_close();
}

static void
it_can_be_asked_for_in_every_way(void)
{
	rig_open(1000);
	r.attack = 4;
	one(1, 1, 1, false);
	r.now_ns = 2 * SECOND;
	one(2, 1, 2, true);
	r.now_ns = 3 * SECOND;
	one(2, 2, 1, true);
	static const uint8_t sender[16] = { [10] = 0xff, 0xff, 198, 51, 100, 7 };
	static const uint8_t other[16] = { [10] = 0xff, 0xff, 198, 51, 100, 8 };
	static const uint8_t target[16] = { [10] = 0xff, 0xff, 203, 0, 113, 10 };
	const struct {
		struct evidence_which which;
		size_t count;
	} cases[] = {
		{ { .address = sender }, 3 },
		{ { .address = target, .attack = 4 }, 2 },
		{ { .address = other }, 0 },
		{ { 0 }, 3 },
		{ { .service = "s2" }, 2 },
		{ { .service = "s" }, 0 },
		{ { .reason = "r1" }, 2 },
		{ { .reason = "r1.1" }, 1 },
		{ { .reason = "r1." }, 0 },
		{ { .reason = "r" }, 0 },
		{ { .attack = 4 }, 2 },
		{ { .attack = 5 }, 0 },
		{ { .after = 2 }, 1 },
		{ { .after = 3 }, 0 },
		{ { .from_ns = SECOND, .till_ns = 2 * SECOND }, 2 },
		{ { .service = "s2", .reason = "r2", .attack = 4 }, 1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CU_ASSERT_EQUAL(rig_read(&cases[i].which, found, EVIDENCE_KEPT),
		                cases[i].count);
	CU_ASSERT_EQUAL(rig_read(&(struct evidence_which){ 0 }, found, 2), 2);
	CU_ASSERT_EQUAL(found[0].number, 3);
	CU_ASSERT_EQUAL(found[1].number, 2);
	rig_close();
}

/* The attack's name is known only when its first packets were noted long since. */
static void
the_first_packets_find_their_attack(void)
{
	const struct evidence_which of_attack = { .attack = 4 };

	rig_open(1000);
	one(1, 1, 1, true);
	one(1, 1, 1, false);
	CU_ASSERT_EQUAL(rig_read(&of_attack, found, EVIDENCE_KEPT), 0);
	r.attack = 4;
	r.now_ns += 2 * SECOND;
	CU_ASSERT_EQUAL_FATAL(rig_read(&of_attack, found, EVIDENCE_KEPT), 1);
	CU_ASSERT_EQUAL(found[0].number, 1);
	CU_ASSERT_EQUAL(found[0].story.threshold, 1000);
	/* Much later they are no part of whatever runs then. */
	r.attack = 0;
	one(1, 1, 1, true);
	r.now_ns += 20 * SECOND;
	r.attack = 5;
	CU_ASSERT_EQUAL(
		rig_read(&(struct evidence_which){ .attack = 5 }, found, EVIDENCE_KEPT),
		0);
	rig_close();
}

static void
a_packet_is_told_in_words(void)
{
	static const struct {
		struct look look;
		const char *words;
	} cases[] = {
		{ { .who = 0xc6336407, .port = 443 },
		  "UDP 198.51.100.7:4242 > 203.0.113.10:443, 100 bytes" },
		{ { .is_ipv6 = true, .who = 7, .port = 53, .vlan = 42 },
		  "UDP [2001:db8::7]:4242 > [2001:db8:a::10]:53, 100 bytes, VLAN 42" },
	};
	char text[WORDS_SUMMARY];

	for (size_t i = 0; i < 2; i++) {
		rig_open(10);
		rig_start();
		rig_add(&cases[i].look);
		rig_parse();
		rig_stop(0, VERDICT_DROP, 1, 1);
		rig_see();
		CU_ASSERT_EQUAL_FATAL(rig_read(&(struct evidence_which){ 0 }, found, 1),
		                      1);
		words_summary(&found[0].note, text);
		CU_ASSERT_STRING_EQUAL(text, cases[i].words);
		rig_close();
	}
}

static void
tcp_and_what_is_broken_are_told_in_words(void)
{
	struct evidence_note n = { .frame_len = 60 };
	char text[WORDS_SUMMARY];

	n.facts.flags = FACT_IP;
	n.facts.proto = PROTO_TCP;
	n.facts.src[10] = n.facts.src[11] = n.facts.dst[10] = n.facts.dst[11] = 0xff;
	n.facts.src[15] = 1;
	n.facts.dst[15] = 2;
	n.facts.src_port = 1;
	n.facts.dst_port = 80;
	n.facts.tcp_flags = TCP_SYN | TCP_ACK;
	n.facts.tcp_seq = 7;
	n.facts.tcp_ack = 8;
	words_summary(&n, text);
	CU_ASSERT_STRING_EQUAL(
		text, "TCP 0.0.0.1:1 > 0.0.0.2:80 [SYN ACK] seq 7 ack 8, 60 bytes");
	n.facts.fault = PACKET_BAD_TCP_HEADER;
	words_summary(&n, text);
	CU_ASSERT_STRING_EQUAL(text,
	                       "TCP 0.0.0.1:1 > 0.0.0.2:80, 60 bytes, broken TCP header");
	n.facts = (struct facts){ .ethertype = 0x0806 };
	words_summary(&n, text);
	CU_ASSERT_STRING_EQUAL(text, "ethertype 0x0806, 60 bytes");
}

static void
the_comment_says_all_that_is_known(void)
{
	struct evidence_story story = { .service = "my shop",
		                        .policy = "web",
		                        .reason = "shape.udp_flood",
		                        .mode = "monitor",
		                        .attack = 4,
		                        .attack_id = "a-20261121-0004",
		                        .measured = 5000,
		                        .threshold = 1000,
		                        .unit = "packets_per_second" };
	struct evidence_note n = { .verdict = EVIDENCE_WOULD };
	char text[WORDS_COMMENT];

	words_comment(&n, &story, text);
	CU_ASSERT_STRING_EQUAL(
		text, "verdict=would_drop reason=shape.udp_flood service=\"my shop\" "
		      "policy=web mode=monitor attack=a-20261121-0004 measured=5000 "
		      "threshold=1000 unit=packets_per_second");
	story = (struct evidence_story){ .service = "shop" };
	n.verdict = EVIDENCE_PASSED;
	words_comment(&n, &story, text);
	CU_ASSERT_STRING_EQUAL(text, "verdict=passed service=shop");
	memset(&story, 'x', sizeof(story));
	story.link[EVIDENCE_NAME - 1] = story.service[EVIDENCE_NAME - 1] = '\0';
	story.policy[EVIDENCE_NAME - 1] = story.reason[EVIDENCE_NAME - 1] = '\0';
	story.attack_id[EVIDENCE_NAME - 1] = '\0';
	story.mode = story.unit = "packets_per_second";
	story.class = REASON_DROP;
	words_comment(&n, &story, text);
	CU_ASSERT(strlen(text) < WORDS_COMMENT);
}

SUITE_MAIN("evidence/shelf", TEST(the_rare_one_outlives_the_flood),
           TEST(it_can_be_asked_for_in_every_way),
           TEST(the_first_packets_find_their_attack), TEST(a_packet_is_told_in_words),
           TEST(tcp_and_what_is_broken_are_told_in_words),
           TEST(the_comment_says_all_that_is_known))
