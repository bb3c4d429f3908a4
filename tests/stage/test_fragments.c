/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What stage fragments drops and what it leaves alone, from frames on: parsed, paired,
 * judged by this stage alone and noted, as the worker does it.
 */
#include "stage/fragments/fragments.h"

#include <stdlib.h>

#include "../packet/pieces.h"
#include "flow/fragment.h"
#include "packet/parse.h"
#include "rig.h"

#define UNIT 64 /* bytes of a piece */

static struct rig rig;
static struct fragment_table *table;
static uint8_t bytes[LANES_MAX][PIECES_ROOM];
static struct piece sent[LANES_MAX];
static unsigned int count;

/* What the burst is like that send_all() judges. */
static struct {
	bool is_armed;
	uint8_t standing;
	/* Lanes that a later stage drops, or drops and monitor spares. */
	uint64_t dropped, spared;
} how;

static void
open_stage(const char *config)
{
	struct hash_key key;

	hash_key_seeded(&key, 3);
	table = aligned_alloc(64, (sizeof(*table) + 63) / 64 * 64);
	CU_ASSERT_FATAL(table != NULL);
	CU_ASSERT_EQUAL_FATAL(fragment_table_open(table, &key), 0);
	rig.env.fragments = table;
	rig_open(&rig, &stage_fragments, config);
	memset(&how, 0, sizeof(how));
	count = 0;
}

static void
close_stage(void)
{
	rig_close(&rig);
	fragment_table_close(table);
	free(table);
}

/* A piece of a datagram of customer `who`, whose data are 3 * UNIT bytes long. */
static struct piece
piece(uint32_t who, uint32_t id, unsigned int nth)
{
	return (struct piece){ .who = who,
		               .id = id,
		               .proto = PROTO_UDP,
		               .there = 53,
		               .here = 4000,
		               .at = (uint16_t)(nth * UNIT),
		               .bytes = UNIT,
		               .has_more = nth < 2 };
}

static void
add(const struct piece *p)
{
	sent[count++] = *p;
}

/* The three pieces of a datagram, in this order ("210"). */
static void
add_order(uint32_t who, uint32_t id, const char *order)
{
	for (; *order != '\0'; order++) {
		const struct piece p = piece(who, id, (unsigned int)(*order - '0'));

		add(&p);
	}
}

/* Judge what was added, and begin anew. */
static void
send_all(void)
{
	struct burst *b = &rig.burst;
	uint64_t todo;

	rig_packets(&rig, count);
	for (unsigned int i = 0; i < count; i++) {
		b->bytes[i] = bytes[i];
		b->bytes_len[i] = pieces_frame(bytes[i], &sent[i]);
		b->facts[i].frame_len = b->bytes_len[i];
	}
	count = 0;
	parse_burst(b);
	fragment_pair_burst(table, b);
	b->armed = how.is_armed ? b->live : 0;
	todo = b->live;
	stage_fragments.observe(rig.state, &rig.view, b, todo);
	stage_fragments.decide(rig.state, &rig.view, b, todo);
	memset(b->standing, how.standing, sizeof(b->standing));
	b->spared = how.spared & b->live;
	burst_drop_lanes(b, how.dropped & b->live, 0);
	if (b->pieces != 0 && b->live != 0)
		stage_fragments.follow(rig.state, &rig.view, b, b->live & ~b->spared);
	rig_check(&rig, todo, todo);
	fragment_note_burst(table, b);
}

static void
send_one(const struct piece *p)
{
	add(p);
	send_all();
}

/* Under IPv4 and IPv6, with no tag, one and two. */
#define EACH_WIRE(p)                                                                     \
	for (unsigned int wire_ = 0; wire_ < 6; wire_++)                                 \
		if (((p).is_ipv6 = wire_ >= 3, (p).tags = (uint8_t)(wire_ % 3), 1))

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
gaps_and_pieces_are_limited_under_attack(void)
{
	struct piece p = piece(7, 1, 0);

	for (unsigned int armed = 0; armed < 2; armed++) {
		open_stage("max_pieces = \"20\";");
		how.is_armed = armed != 0;
		EACH_WIRE(p)
		{
			p.id++;
			p.at = 0;
			for (unsigned int n = 0; n < FRAGMENT_RANGES;
			     n++, p.at += 2 * UNIT)
				send_one(&p);
			send_one(&p);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0),
			                       armed ? "scattered" : "passed");
			p.at = UNIT;
			for (unsigned int n = 0; n < 3; n++, p.at += 2 * UNIT) {
				send_one(&p);
				CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
			}
			send_one(&p);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0),
			                       armed ? "too_many_pieces" : "passed");
		}
		close_stage();
	}
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
		}
	close_stage();
}

static unsigned int
rests_of_strangers(unsigned int n, const char *reason)
{
	unsigned int dropped = 0;

	for (unsigned int k = 0; k < n; k++) {
		struct piece p = piece(1000 + k, k, 1 + k % 2);

		p.is_ipv6 = k % 4 >= 2;
		send_one(&p);
		if (rig.burst.live == 0) {
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), reason);
			dropped++;
		}
	}
	return dropped;
}

static void
orphans_are_limited_under_attack_only(void)
{
	struct piece first = piece(7, 1, 0), rest = piece(7, 2, 1);

	open_stage("orphans = \"100pps\";");
	CU_ASSERT_EQUAL(rests_of_strangers(1000, ""), 0);
	/* These two talk in fragments; in calm nobody counts. */
	how.standing = STANDING_CONVERSATION;
	send_one(&first);
	how = (typeof(how)){ .is_armed = true };
	CU_ASSERT_EQUAL(rests_of_strangers(1000, "orphans"), 1000 - 64);
	send_one(&rest);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
	rest.who++;
	send_one(&rest);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "orphans");
	/* Those whose first is known are no orphans. */
	first = piece(9, 3, 0);
	rest = piece(9, 3, 2);
	send_one(&first);
	send_one(&rest);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
	close_stage();
}

static void
begun_datagrams_are_limited_by_source_and_service(void)
{
	static const struct {
		const char *config, *reason;
		bool is_one;
	} cases[] = {
		{ "source_open = \"10\";", "source_open", true },
		{ "service_open = \"10\";", "service_open", false },
	};

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct piece p;

		open_stage(cases[k].config);
		for (uint32_t n = 0; n < 40; n++) {
			p = piece(cases[k].is_one ? 7 : n, n, 0);
			send_one(&p);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
		}
		how.is_armed = true;
		for (uint32_t n = 40; n < 80; n++) {
			/* Who completes his datagrams may go on. */
			add_order(7, 1000 + n, "021");
			send_all();
			CU_ASSERT_EQUAL(rig.burst.live, 7);
			p = piece(cases[k].is_one ? 7 : n, n, 0);
			send_one(&p);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0),
			                       n < 50 ? "passed" : cases[k].reason);
		}
		/* Completed later; then there is room for as many. */
		for (uint32_t n = 40; n < 43; n++) {
			p = piece(cases[k].is_one ? 7 : n, n, 1);
			send_one(&p);
			p = piece(cases[k].is_one ? 7 : n, n, 2);
			send_one(&p);
		}
		for (uint32_t n = 90; n < 94; n++) {
			p = piece(cases[k].is_one ? 7 : n, n, 0);
			send_one(&p);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0),
			                       n < 93 ? "passed" : cases[k].reason);
		}
		how.standing = STANDING_VERIFIED_SOURCE;
		p.id++;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
		close_stage();
	}
}

static void
fragments_can_be_metered_or_refused_altogether(void)
{
	struct piece p = piece(7, 1, 0);

	open_stage("accept = \"drop\";");
	EACH_WIRE(p)
	{
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "unwanted");
		p.is_whole = true;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
		p.is_whole = false;
	}
	close_stage();

	open_stage("accept = \"meter\"; rate = \"1kpps\";");
	p = piece(7, 1, 0);
	how.standing = STANDING_CONVERSATION;
	send_one(&p);
	how.standing = STANDING_UNVERIFIED;
	/* 100 packets are the burst; half of it is for who has no first, and one is spent. */
	CU_ASSERT_EQUAL(rests_of_strangers(1000, "over_rate"), 1000 - 49);
	p = piece(7, 2, 0);
	send_one(&p);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
	close_stage();
}

static void
who_was_dropped_is_told(void)
{
	struct piece p = piece(7, 1, 0);

	open_stage("");
	send_one(&p);
	p.id++;
	send_one(&p);
	CU_ASSERT_EQUAL(rig_explain(&rig, "66.0.0.7"), 1);
	CU_ASSERT_STRING_EQUAL(rig.explain.line[0].what, "datagrams in pieces");
	CU_ASSERT_EQUAL(rig.explain.line[0].value, 2);
	CU_ASSERT_EQUAL(rig_explain(&rig, "66.0.0.8"), 0);
	rig.now_ns += 5 * RIG_SECOND;
	CU_ASSERT_EQUAL(rig_explain(&rig, "66.0.0.7"), 0);
	close_stage();
}

SUITE_MAIN("stage fragments", TEST(datagrams_in_any_order_pass),
           TEST(rests_have_the_ports_of_their_first), TEST(what_is_tiny_is_dropped),
           TEST(what_overlaps_is_dropped), TEST(what_never_ends_is_dropped),
           TEST(gaps_and_pieces_are_limited_under_attack),
           TEST(rests_follow_a_first_that_was_dropped),
           TEST(rests_follow_what_later_stages_decide),
           TEST(orphans_are_limited_under_attack_only),
           TEST(begun_datagrams_are_limited_by_source_and_service),
           TEST(fragments_can_be_metered_or_refused_altogether),
           TEST(who_was_dropped_is_told))
