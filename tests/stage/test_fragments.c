/* SPDX-License-Identifier: BSD-3-Clause */
/* Pieces that fit and pieces that do not, and rests that go the way of their first. */
#include "fragments_rig.h"

static void
datagrams_in_any_order_pass(void)
{
	static const char *const orders[] = { "012", "210", "102",      "021",
		                              "120", "201", "00112212", "221100" };
	uint32_t id = 1;

	open_stage("");
	for (unsigned int armed = 0; armed < 2; armed++) {
		how.is_armed = armed != 0;
		for (size_t k = 0; k < sizeof(orders) / sizeof(*orders); k++) {
			add_order(7, ++id, orders[k]);
			send_all();
			CU_ASSERT_EQUAL(rig.burst.live, lanes_first(rig.burst.count));
			id++;
			for (const char *at = orders[k]; *at != '\0'; at++) {
				const struct piece p =
					piece(7, id, (unsigned int)(*at - '0'));

				rig.now_ns += 300 * RIG_MS;
				send_one(&p);
				CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
			}
		}
	}
	close_stage();
}

static void
rests_have_the_ports_of_their_first(void)
{
	struct piece p = piece(7, 1, 0), rest = piece(7, 1, 1);

	open_stage("");
	EACH_WIRE(p)
	{
		p.id = rest.id = p.id + 1;
		rest.is_ipv6 = p.is_ipv6;
		rest.tags = p.tags;
		p.has_options = rest.has_options = p.is_ipv6;
		/* Before its first it has none, and behind, in the same burst, it has. */
		send_one(&rest);
		CU_ASSERT_NOT_EQUAL(rig.burst.flags[0] & FACT_NO_PORTS, 0);
		CU_ASSERT_EQUAL(rig.burst.flags[0] & FACT_PAIRED, 0);
		add(&rest);
		add(&p);
		send_all();
		CU_ASSERT_EQUAL(rig.burst.facts[0].src_port, 53);
		rig.now_ns += RIG_SECOND;
		send_one(&rest);
		CU_ASSERT_EQUAL(rig.burst.facts[0].dst_port, 4000);
		CU_ASSERT_EQUAL(rig.burst.facts[0].proto, PROTO_UDP);
		CU_ASSERT_EQUAL(rig.burst.facts[0].vector, VECTOR_FRAGMENT_FLOOD);
		CU_ASSERT_EQUAL(rig.burst.flags[0] & FACT_NO_PORTS, 0);
		/* Other tags, other ends or another protocol are another datagram. */
		rest.tags = (uint8_t)((rest.tags + 1) % 3);
		send_one(&rest);
		CU_ASSERT_EQUAL(rig.burst.flags[0] & FACT_PAIRED, 0);
		/* Two seconds later nobody knows. */
		rest.tags = p.tags;
		rig.now_ns += 3 * RIG_SECOND;
		send_one(&rest);
		CU_ASSERT_EQUAL(rig.burst.flags[0] & FACT_PAIRED, 0);
	}
	close_stage();
}

static void
what_is_tiny_is_dropped(void)
{
	struct piece p = {
		.proto = 132, .id = 1, .who = 7, .bytes = 8, .has_more = true
	};

	open_stage("smallest = 48;");
	EACH_WIRE(p)
	{
		p.id++;
		/* SCTP's header has 12 bytes; TCP's has 20, and a rest begins in it. */
		p.proto = 132;
		p.at = 0;
		p.has_more = true;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "tiny");
		p.id++;
		p.proto = PROTO_TCP;
		p.at = 8;
		p.has_more = false;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "tiny");
		p.at = 80;
		p.has_more = true;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "tiny");
		/* The last one may be short. */
		p.has_more = false;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
	}
	close_stage();
}

static void
what_overlaps_is_dropped(void)
{
	struct piece p = piece(7, 1, 0);

	open_stage("");
	EACH_WIRE(p)
	{
		p.id++;
		p.at = 0;
		p.bytes = UNIT;
		send_one(&p);
		p.at = UNIT - 8;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "overlapping");
		/* IPv6 discards the datagram, IPv4 keeps what came first. */
		p.at = UNIT;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0),
		                       p.is_ipv6 ? "overlapping" : "passed");
		/* A first with other ports is no repetition. */
		p.id++;
		p.at = 0;
		send_one(&p);
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
		p.here++;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "overlapping");
		p.here--;
	}
	close_stage();
}

static void
what_never_ends_is_dropped(void)
{
	struct piece p = piece(7, 1, 0);

	open_stage("");
	EACH_WIRE(p)
	{
		p.id++;
		add_order(7, p.id, "");
		p.at = 2 * UNIT;
		p.has_more = false;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
		p.at = 4 * UNIT;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "endless");
		p.has_more = true;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "endless");
		p.at = UNIT;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
		/* The same piece for ever. */
		for (unsigned int n = 2; n < FRAGMENT_MOST; n++) {
			send_one(&p);
			CU_ASSERT_FATAL(rig.burst.live == 1);
		}
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "endless");
	}
	close_stage();
}

static void
rests_follow_a_first_that_was_dropped(void)
{
	struct piece first = piece(7, 1, 0), rest = piece(7, 1, 1);

	open_stage("");
	EACH_WIRE(first)
	{
		first.id = rest.id = first.id + 1;
		rest.is_ipv6 = first.is_ipv6;
		rest.tags = first.tags;
		first.proto = rest.proto = 132;
		/* Too short, so that it is dropped; the rest that came before has passed. */
		first.bytes = 8;
		send_one(&rest);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
		add(&first);
		add(&rest);
		send_all();
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "tiny");
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 1), "follows_first");
		rig.now_ns += RIG_SECOND;
		send_one(&rest);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "follows_first");
		/* Another first passes, and then so do they. */
		first.bytes = UNIT;
		send_one(&first);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
		send_one(&rest);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
	}
	close_stage();
}

/* As reflection or shape do it, which come later. */
static void
rests_follow_what_later_stages_decide(void)
{
	struct piece first = piece(7, 1, 0), rest = piece(7, 1, 1);

	open_stage("");
	for (unsigned int spares = 0; spares < 2; spares++)
		EACH_WIRE(first)
		{
			first.id = rest.id = first.id + 1;
			rest.is_ipv6 = first.is_ipv6;
			rest.tags = first.tags;
			rest.at = UNIT;
			/* The rest stands before its first, and another datagram behind. */
			add(&rest);
			add(&first);
			first.id += 1000;
			add(&first);
			first.id -= 1000;
			how.dropped = spares == 0 ? 2 : 0;
			how.spared = spares == 0 ? 0 : 2;
			send_all();
			how.dropped = how.spared = 0;
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "follows_first");
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 2), "passed");
			/* And in bursts to come. */
			rest.at = 2 * UNIT;
			send_one(&rest);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "follows_first");
			/* A forger's first does not stand in the way of the true one. */
			first.bytes += 8;
			first.here++;
			send_one(&first);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
			send_one(&rest);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
			first.bytes -= 8;
		}
	close_stage();
}

SUITE_MAIN("stage fragments", TEST(datagrams_in_any_order_pass),
           TEST(rests_have_the_ports_of_their_first), TEST(what_is_tiny_is_dropped),
           TEST(what_overlaps_is_dropped), TEST(what_never_ends_is_dropped),
           TEST(rests_follow_a_first_that_was_dropped),
           TEST(rests_follow_what_later_stages_decide))
