/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments through a whole worker: the service of later ones, what monitor counts, and a
 * million strangers' fragments beside ten thousand large answers that somebody asked for.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../packet/pieces.h"
#include "flood_rig.h"

#define UNIT 64 /* bytes of a piece; a datagram has three */

static const char text[] =
	"version = 1;\n"
	"dataplane = { flow_entries = \"256k\"; source_entries = \"64k\"; "
	"duplex = \"%s\"; };\n"
	"links = ( { name = \"a\"; external = \"x0\"; internal = \"x1\"; } );\n"
	"policies = ( { name = \"all\"; mode = \"%s\"; vectors = (\n"
	"  { vector = \"fragment_flood\"; activate_rate = \"5kpps\"; max_rate = \"%s\"; "
	"},\n"
	"  { vector = \"udp_flood\"; activate_rate = \"100kpps\"; } ); } );\n"
	"services = ( { name = \"rest\"; policy = \"all\";\n"
	"    prefixes = [ \"203.0.113.10/32\", \"2001:db8:a::10/128\" ]; },\n"
	"  { name = \"game\"; policy = \"all\"; protocol = \"udp\"; ports = [ \"7777\" "
	"];\n"
	"    prefixes = [ \"203.0.113.10/32\", \"2001:db8:a::10/128\" ]; } );\n";

static const char *duplex = "inline";
static struct flood_rig r;
static uint8_t frame[LANES_MAX][PIECES_ROOM];
static uint16_t len[LANES_MAX];
static unsigned int filled;

static uint64_t
rig_clock(void)
{
	return r.now_ns;
}

static void
open_gate(const char *mode, const char *max_rate)
{
	char conf[sizeof(text) + 32];

	snprintf(conf, sizeof(conf), text, duplex, mode, max_rate);
	rig_open(&r, conf, rig_clock);
	filled = 0;
}

static unsigned int
add(const struct piece *p)
{
	len[filled] = pieces_frame(frame[filled], p);
	return filled++;
}

static struct burst *
judge(enum side side)
{
	struct burst *b = &r.worker->burst;
	const struct policies *policies = engine_policies(&r.engine);

	burst_start(b, r.now_ns, 0, side);
	for (unsigned int i = 0; i < filled; i++) {
		b->bytes[i] = frame[i];
		b->bytes_len[i] = len[i];
		b->frame_len[i] = len[i];
	}
	b->count = (uint16_t)filled;
	b->live = lanes_first(filled);
	filled = 0;
	worker_judge(r.worker, policies, b);
	worker_account(r.worker, b);
	worker_upkeep(r.worker, policies, r.now_ns);
	engine_quiescent(&r.engine, 0);
	return b;
}

static struct burst *
judge_one(const struct piece *p)
{
	add(p);
	return judge(p->is_out ? SIDE_INTERNAL : SIDE_EXTERNAL);
}

static struct piece
piece_of(uint32_t who, uint32_t id, unsigned int nth)
{
	return (struct piece){ .who = who,
		               .id = id,
		               .proto = PROTO_UDP,
		               .there = 53,
		               .here = 7777,
		               .at = (uint16_t)(nth * UNIT),
		               .bytes = UNIT,
		               .has_more = nth < 2,
		               .is_ipv6 = who % 2 != 0,
		               .tags = (uint8_t)(who % 3) };
}

/* "fragments.<reason>" as the books have it. */
static uint64_t
counted(bool is_would, const char *reason)
{
	const struct pipeline_books *books = &r.worker->pipeline.books;

	for (unsigned int k = 0; k < pipeline_reasons(); k++) {
		unsigned int stage;
		const struct stage_reason *info = pipeline_reason_info(k, &stage);
		const unsigned int n = k - pipeline_reason(stage, 0);

		if (stage < stage_count &&
		    strcmp(stage_list[stage]->name, "fragments") == 0 &&
		    strcmp(info->name, reason) == 0)
			return is_would ? books->would[stage][n]
			                : books->decided[stage][n];
	}
	CU_FAIL("no such reason");
	return 0;
}

static void
rests_have_the_service_of_their_first_either_way(void)
{
	open_gate("mitigate", "off");
	for (unsigned int out = 0; out < 2; out++)
		for (uint32_t who = 1; who <= 6; who++) {
			struct piece first = piece_of(who, who, 0);
			struct piece rest = piece_of(who, who, 1);
			uint16_t without;

			first.is_out = rest.is_out = out != 0;
			without = judge_one(&rest)->service[0];
			add(&rest);
			add(&first);
			rest.at += UNIT;
			add(&rest);
			judge(out != 0 ? SIDE_INTERNAL : SIDE_EXTERNAL);
			CU_ASSERT_NOT_EQUAL(r.worker->burst.service[1], without);
			CU_ASSERT_EQUAL(r.worker->burst.service[0],
			                r.worker->burst.service[1]);
			CU_ASSERT_EQUAL(r.worker->burst.service[2],
			                r.worker->burst.service[1]);
			rest.at += UNIT;
			r.now_ns += SECOND;
			CU_ASSERT_NOT_EQUAL(judge_one(&rest)->service[0], without);
		}
	rig_close(&r);
}

/* The rests find the flow of their first, and tell it nothing. */
static void
rests_belong_to_the_flow_of_their_first(void)
{
	open_gate("mitigate", "off");
	for (uint32_t who = 1; who <= 6; who++) {
		struct piece query = piece_of(who, 0, 0), p;
		const struct burst *b;

		query.is_out = query.is_whole = true;
		judge_one(&query);
		for (unsigned int k = 0; k < 3; k++) {
			p = piece_of(who, 5, k);
			add(&p);
		}
		b = judge(SIDE_EXTERNAL);
		CU_ASSERT_NOT_EQUAL(b->flow[0], BURST_NO_FLOW);
		for (unsigned int k = 0; k < 3; k++) {
			CU_ASSERT_EQUAL(b->flow[k], b->flow[0]);
			CU_ASSERT_EQUAL(b->standing[k], STANDING_CONVERSATION);
		}
		CU_ASSERT_EQUAL(flow_at(r.worker->pipeline.env.flows, b->flow[0])->in, 1);
		/* A second answer was not asked for. */
		p = piece_of(who, 6, 0);
		CU_ASSERT_EQUAL(judge_one(&p)->standing[0], STANDING_UNVERIFIED);
	}
	rig_close(&r);
}

/* Where no answer is seen, who completed a datagram in calm is known in the flood. */
static void
ends_are_known_from_calm_where_answers_go_another_way(void)
{
	duplex = "ingress";
	open_gate("mitigate", "20kpps");
	duplex = "inline";
	for (uint32_t who = 1; who <= 6; who++) {
		struct piece p;

		for (unsigned int k = 0; k < 3; k++) {
			p = piece_of(who, 5, k);
			judge_one(&p);
		}
		p = piece_of(who + 600, 5, 0);
		judge_one(&p);
	}
	for (uint32_t n = 0; n < 2048; n++) {
		const struct piece p = piece_of(0x400000 + n, n, n % 2);

		judge_one(&p);
	}
	for (uint32_t who = 1; who <= 6; who++) {
		struct piece p = piece_of(who, 6, 0);

		CU_ASSERT_EQUAL(judge_one(&p)->standing[0], STANDING_CONVERSATION);
		CU_ASSERT_EQUAL(r.worker->burst.armed, 1);
		p = piece_of(who + 600, 6, 0);
		CU_ASSERT_EQUAL(judge_one(&p)->standing[0], STANDING_UNVERIFIED);
	}
	rig_close(&r);
}

/* A first that is dropped, two rests with it, in this burst and in the next. */
static unsigned int
condemned_pass(void)
{
	unsigned int passed = 0;

	for (uint32_t who = 1; who <= 6; who++) {
		struct piece p = piece_of(who, 9, 0), rest = piece_of(who, 9, 1);
		struct piece other = piece_of(who, 10, 0);

		p.proto = rest.proto = 132;
		p.bytes = 8;
		add(&p);
		add(&rest);
		add(&other);
		passed += lanes_count(judge(SIDE_EXTERNAL)->live);
		r.now_ns += 100 * MS;
		rest.at += UNIT;
		passed += lanes_count(judge_one(&rest)->live);
	}
	return passed;
}

static void
what_is_dropped_is_counted_alike_in_monitor(void)
{
	for (unsigned int k = 0; k < 2; k++) {
		const bool is_monitor = k == 1;

		open_gate(is_monitor ? "monitor" : "mitigate", "off");
		CU_ASSERT_EQUAL(condemned_pass(), is_monitor ? 24 : 6);
		CU_ASSERT_EQUAL(counted(is_monitor, "tiny"), 6);
		CU_ASSERT_EQUAL(counted(is_monitor, "follows_first"), 12);
		CU_ASSERT_EQUAL(counted(!is_monitor, "tiny"), 0);
		CU_ASSERT_EQUAL(counted(!is_monitor, "follows_first"), 0);
		rig_close(&r);
	}
}

#define BURSTS    16384u
#define STRANGERS 61u /* a burst */
#define DATAGRAMS 10000u
#define AHEAD     16u /* bursts that a piece may be late */
#define QUEUE     LANES_MAX

/* What customers send in the bursts to come. */
static struct {
	unsigned int n;
	struct piece piece[QUEUE];
	uint16_t datagram[QUEUE];
} due[AHEAD];
static uint8_t lost[DATAGRAMS];

/* Orders in which three pieces come: by burst, after the first of them. */
static const uint8_t late[][3] = {
	{ 0, 0, 0 }, { 0, 3, 9 }, { 9, 4, 0 }, { 2, 0, 1 }, { 0, 9, 9 }, { 5, 5, 0 },
};

static void
send_later(unsigned int burst, const struct piece *p, unsigned int datagram)
{
	unsigned int at = burst % AHEAD;

	CU_ASSERT_FATAL(due[at].n < QUEUE);
	due[at].datagram[due[at].n] = (uint16_t)datagram;
	due[at].piece[due[at].n++] = *p;
}

/* Half of them large answers of forty resolvers, half what four tunnels carry. */
static struct piece
customers_piece(unsigned int n, unsigned int nth, bool is_tunnel)
{
	struct piece p = piece_of(is_tunnel ? 100 + n % 4 : 1 + n % 40, n, nth);

	p.here = (uint16_t)(1024 + n);
	if (is_tunnel)
		p.proto = PROTO_ESP;
	return p;
}

static void
begin_datagram(unsigned int burst, unsigned int n, bool is_asked)
{
	const bool is_tunnel = n % 2 != 0;
	/* Until these ends are known, only what is in order is told from strangers. */
	const uint8_t *order = late[n < 200 ? n / 2 % 2 : n / 2 % 6];

	if (is_asked && !is_tunnel) {
		struct piece query = customers_piece(n, 0, false);

		query.is_out = query.is_whole = true;
		judge_one(&query);
	}
	for (unsigned int k = 0; k < 3; k++) {
		const struct piece p = customers_piece(n, k, is_tunnel);

		send_later(burst + order[k], &p, n);
		if (n % 10 == 7)
			send_later(burst + order[k], &p, n);
	}
}

/* Tunnels that have talked for a while. */
static void
open_tunnels(void)
{
	for (unsigned int turn = 0; turn < 6; turn++) {
		for (unsigned int side = 0; side < 2; side++) {
			for (unsigned int n = 0; n < 4; n++) {
				struct piece p = customers_piece(n, 0, true);

				p.is_whole = true;
				p.is_out = side != 0;
				add(&p);
			}
			judge(side != 0 ? SIDE_INTERNAL : SIDE_EXTERNAL);
		}
		r.now_ns += 300 * MS;
	}
}

/* Firsts, rests, and firsts with their rest, of anybody. */
static void
add_strangers(uint64_t burst)
{
	for (unsigned int i = 0; i < STRANGERS; i++) {
		const uint64_t any = rig_mixed(burst * STRANGERS + i / 2);
		struct piece p =
			piece_of((uint32_t)any | 0x400000, (uint32_t)(any >> 20), i % 2);

		if (any % 3 == 0)
			p.at = UNIT;
		else if (any % 3 == 1)
			p.at = 0;
		if (any % 3 != 2)
			p.who ^= i % 2 << 12;
		p.who &= 0xffffff;
		add(&p);
	}
}

struct outcome {
	unsigned int lost;    /* customers' datagrams */
	uint64_t strangers;   /* that passed */
	uint64_t armed_after; /* so many bursts */
};

static struct outcome
rage(bool is_asked)
{
	struct outcome out = { 0 };
	unsigned int next = 0;

	memset(lost, 0, sizeof(lost));
	memset(due, 0, sizeof(due));
	for (unsigned int burst = 0; burst < BURSTS + AHEAD; burst++) {
		const unsigned int at = burst % AHEAD;
		unsigned int first, n = due[at].n;
		const struct burst *b;

		for (; next < DATAGRAMS && next * (uint64_t)BURSTS / DATAGRAMS <= burst;
		     next++)
			begin_datagram(burst, next, is_asked);
		add_strangers(burst);
		n = due[at].n;
		if (filled + n > LANES_MAX) {
			out.strangers += lanes_count(judge(SIDE_EXTERNAL)->live);
			first = 0;
		} else {
			first = filled;
		}
		for (unsigned int k = 0; k < n; k++)
			add(&due[at].piece[k]);
		b = judge(SIDE_EXTERNAL);
		out.strangers += lanes_count(b->live & lanes_first(first));
		for (unsigned int k = 0; k < n; k++)
			if ((b->live & lane_bit(first + k)) == 0)
				lost[due[at].datagram[k]] = 1;
		due[at].n = 0;
		if (b->armed == 0)
			out.armed_after = burst;
		r.now_ns += 125 * 1000;
		if (burst % 80 == 0)
			engine_tick(&r.engine, r.now_ns);
	}
	for (unsigned int n = 0; n < DATAGRAMS; n++)
		out.lost += lost[n];
	return out;
}

/* 500,000 strangers' fragments/s for two seconds, and 15,000 of customers. */
static void
a_million_fragments_cost_no_customer_a_datagram(void)
{
	struct outcome with, without;

	open_gate("mitigate", "20kpps");
	open_tunnels();
	with = rage(true);
	CU_ASSERT_EQUAL(with.lost, 0);
	/* What passes is what max_rate leaves over, and what came before it was armed. */
	CU_ASSERT(with.strangers < 45000);
	CU_ASSERT(with.armed_after < 40);
	CU_ASSERT(counted(false, "orphans") > 100000);
	rig_close(&r);

	/* Who was not asked is a stranger among a million. */
	open_gate("mitigate", "20kpps");
	without = rage(false);
	CU_ASSERT(without.lost > DATAGRAMS / 2);
	rig_close(&r);

	open_gate("monitor", "20kpps");
	open_tunnels();
	with = rage(true);
	CU_ASSERT_EQUAL(with.lost, 0);
	CU_ASSERT_EQUAL(with.strangers, (uint64_t)(BURSTS + AHEAD) * STRANGERS);
	CU_ASSERT(counted(true, "orphans") > 100000);
	rig_close(&r);
}

SUITE_MAIN("fragments", TEST(rests_have_the_service_of_their_first_either_way),
           TEST(rests_belong_to_the_flow_of_their_first),
           TEST(ends_are_known_from_calm_where_answers_go_another_way),
           TEST(what_is_dropped_is_counted_alike_in_monitor),
           TEST(a_million_fragments_cost_no_customer_a_datagram))
