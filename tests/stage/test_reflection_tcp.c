/* SPDX-License-Identifier: BSD-3-Clause */
/* SYN-ACKs and answers of middleboxes that belong to no connection of the inside. */
#include "reflection_rig.h"

static struct packet
segment(enum side side, uint32_t who, uint8_t flags, uint16_t len)
{
	return (struct packet){ .side = side,
		                .proto = PROTO_TCP,
		                .who = who,
		                .outside_port = 80,
		                .inside_port = 40001,
		                .flags = flags,
		                .len = len };
}

static const char *
say(enum side side, uint32_t who, uint8_t flags, uint16_t len)
{
	const struct packet p = segment(side, who, flags, len);

	return ring_one(&p);
}

#define SYN_ACK (TCP_SYN | TCP_ACK)

static void
run_syn_acks(void)
{
	CU_ASSERT_EQUAL(ring_flood(segment(SIDE_EXTERNAL, 0, SYN_ACK, 0), 1, 100), 100);
	CU_ASSERT_EQUAL(ring_flood(segment(SIDE_EXTERNAL, 0, SYN_ACK, 0), 1, 300), 0);
	CU_ASSERT_STRING_EQUAL(ring.reason[0], "syn_ack");
	CU_ASSERT_EQUAL(ring_hits("syn_ack"), 300);

	/* Beside it what the inside has opened goes on. */
	CU_ASSERT_STRING_EQUAL(say(SIDE_INTERNAL, 9, TCP_SYN, 0), "passed");
	CU_ASSERT_STRING_EQUAL(say(SIDE_EXTERNAL, 9, SYN_ACK, 0), "passed");
	CU_ASSERT_STRING_EQUAL(say(SIDE_INTERNAL, 9, TCP_ACK, 0), "passed");
	CU_ASSERT_STRING_EQUAL(say(SIDE_EXTERNAL, 9, TCP_ACK | TCP_PSH, 1000), "passed");
	CU_ASSERT_STRING_EQUAL(say(SIDE_EXTERNAL, 9, TCP_RST, 0), "passed");
}

static void
run_pages(void)
{
	const struct packet page = segment(SIDE_EXTERNAL, 0, TCP_PSH | TCP_ACK, 500);
	struct packet client = page;

	ring.is_armed = true;
	CU_ASSERT_EQUAL(ring_flood(page, 1, 100), 0);
	CU_ASSERT_STRING_EQUAL(ring.reason[0], "middlebox");
	CU_ASSERT_EQUAL(ring_flood(segment(SIDE_EXTERNAL, 0, TCP_RST, 0), 1, 100), 0);
	CU_ASSERT_EQUAL(ring_hits("middlebox"), 200);
	/* Not of a client, nor without data: that is for others to judge. */
	client.outside_port = 40000;
	CU_ASSERT_EQUAL(ring_flood(client, 1, 100), 100);
	CU_ASSERT_EQUAL(ring_flood(segment(SIDE_EXTERNAL, 0, TCP_ACK, 0), 1, 100), 100);
}

/* Each family, with and without a tag. */
static void
each_way(void (*run)(void), const char *conf)
{
	for (unsigned int way = 0; way < 4; way++) {
		ring_open(conf, false);
		ring.is_ipv6 = (way & 1) != 0;
		ring.is_vlan = (way & 2) != 0;
		run();
		ring_close();
	}
}

static void
syn_acks_need_a_syn(void)
{
	each_way(run_syn_acks, "");
}

static void
pages_need_a_connection(void)
{
	each_way(run_pages, "");
}

static void
pages_have_a_trigger_too(void)
{
	const struct packet page = segment(SIDE_EXTERNAL, 0, TCP_PSH | TCP_ACK, 500);

	ring_open("middlebox_rate = \"100pps\";", false);
	CU_ASSERT_EQUAL(ring_flood(page, 1, 100), 100);
	CU_ASSERT_EQUAL(ring_flood(page, 1, 100), 0);
	CU_ASSERT_EQUAL(ring_flood(segment(SIDE_EXTERNAL, 0, SYN_ACK, 0), 1, 30), 30);
	ring_close();
}

/* Whoever connected before we were there is not cut off. */
static void
after_the_start_all_pass(void)
{
	ring_open("learning_time = \"5s\";", false);
	ring.is_armed = true;
	CU_ASSERT_STRING_EQUAL(say(SIDE_EXTERNAL, 9, TCP_ACK | TCP_PSH, 1000), "passed");
	CU_ASSERT_STRING_EQUAL(say(SIDE_EXTERNAL, 9, SYN_ACK, 0), "passed");
	ring.now_ns += 6 * RIG_SECOND;
	CU_ASSERT_STRING_EQUAL(say(SIDE_EXTERNAL, 9, TCP_ACK | TCP_PSH, 1000),
	                       "middlebox");
	CU_ASSERT_STRING_EQUAL(say(SIDE_EXTERNAL, 9, SYN_ACK, 0), "syn_ack");
	ring_close();
}

static void
always_and_off(void)
{
	ring_open("unasked = \"always\";", false);
	CU_ASSERT_STRING_EQUAL(say(SIDE_EXTERNAL, 9, SYN_ACK, 0), "syn_ack");
	ring_close();
	ring_open("unasked = \"off\";", false);
	ring.is_armed = true;
	CU_ASSERT_EQUAL(ring_flood(segment(SIDE_EXTERNAL, 0, SYN_ACK, 0), 1, 300), 300);
	ring_close();
}

/* Where no SYN is seen SYN-ACKs are held to a rate, and who is expected to his. */
static void
one_way_syn_acks_have_a_rate(void)
{
	ring_open("expected_answers = [ \"198.51.0.9\" ];", true);
	CU_ASSERT_EQUAL(ring_flood(segment(SIDE_EXTERNAL, 0, SYN_ACK, 0), 100, 300), 100);
	CU_ASSERT_STRING_EQUAL(ring.reason[0], "syn_ack");
	CU_ASSERT_STRING_EQUAL(say(SIDE_EXTERNAL, 9, SYN_ACK, 0), "passed");
	ring.now_ns += RIG_SECOND;
	CU_ASSERT_EQUAL(ring_flood(segment(SIDE_EXTERNAL, 0, SYN_ACK, 0), 100, 300), 100);
	ring_close();
}

static void
one_way_pages_go_in_a_flood(void)
{
	const struct packet page = segment(SIDE_EXTERNAL, 0, TCP_PSH | TCP_ACK, 500);

	ring_open("", true);
	CU_ASSERT_EQUAL(ring_flood(page, 1, 100), 100);
	ring.is_armed = true;
	CU_ASSERT_EQUAL(ring_flood(page, 1000, 100), 0);
	ring_close();
}

SUITE_MAIN("stage/reflection_tcp", TEST(syn_acks_need_a_syn),
           TEST(pages_need_a_connection), TEST(pages_have_a_trigger_too),
           TEST(after_the_start_all_pass), TEST(always_and_off),
           TEST(one_way_syn_acks_have_a_rate), TEST(one_way_pages_go_in_a_flood))
