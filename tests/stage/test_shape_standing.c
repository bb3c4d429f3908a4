/* SPDX-License-Identifier: BSD-3-Clause */
/* What a better standing is worth below a small ceiling. */
#include "wire.h"

#define IN  SIDE_EXTERNAL
#define OUT SIDE_INTERNAL

static struct wire w;

/* A wire whose only limit is that of one vector. */
static void
open_wire(enum vector vector, uint64_t pps)
{
	memset(w.shape.rule, 0, sizeof(w.shape.rule));
	wire_limit(&w, vector, (struct meter_limit){ pps, METER_PACKETS });
	wire_open(&w, (struct wire_conf){ .sources = "packets = \"off\"; bits = \"off\"; "
	                                             "new_connections = \"off\";" });
}

/*
 * Under a flood that uses up what strangers may, a page's worth of segments of a
 * conversation comes at once. It passes, it is no more than TALK_BURST of them, and the
 * flood pays for it afterwards.
 */
static void
a_page_is_one_burst(void)
{
	static const struct {
		enum standing standing;
		unsigned int least, most; /* of 100 packets at once */
	} rows[] = { { STANDING_UNVERIFIED, 0, 8 },
		     { STANDING_VERIFIED_SOURCE, 20, 33 },
		     { STANDING_CONVERSATION, 50, 65 } };

	for (size_t k = 0; k < 2 * sizeof(rows) / sizeof(*rows); k++) {
		const uint64_t rate = 500;
		unsigned int page = 0;
		struct facts f;

		open_wire(VECTOR_TCP_OTHER_FLOOD, rate);
		w.is_ipv6 = k % 2;
		for (uint32_t n = 0; n < 60000; n++) {
			w.now_ns += 100000;
			f = wire_segment(&w, IN, n, 5,
			                 (struct wire_tcp){ TCP_ACK, 1, 2, 0 });
			wire_send(&w, IN, &f, 1);
			if (n == 20000)
				w.passed = 0;
			for (unsigned int i = 0; n == 30000 && i < 100; i++) {
				wire_send(&w, IN, &f, 0);
				w.b.count = 1;
				w.b.facts[0] = f;
				w.b.policy[0] = RIG_POLICY;
				w.b.service[0] = RIG_SERVICE;
				w.b.verdict[0] = VERDICT_PASS;
				w.b.standing[0] = (uint8_t)rows[k / 2].standing;
				w.b.live = w.b.armed = 1;
				group_lanes(&w.b);
				stage_shape.decide(w.shape.state, &w.shape.view, &w.b, 1);
				page += w.b.live != 0;
			}
		}
		CU_ASSERT(page >= rows[k / 2].least && page <= rows[k / 2].most);
		CU_ASSERT(w.passed + page <= 4 * rate + 64 + 1);
		wire_close(&w);
	}
}

/*
 * A service that asks outside while UDP floods it: its answers pass, beside a flood that
 * takes all that strangers may have; without a question they are a part of it.
 */
static void
answers_to_the_inside_stand_before_strangers(void)
{
	for (int k = 0; k < 4; k++) {
		const bool is_asked = k / 2 == 0;
		unsigned int passed = 0;
		struct facts f;

		open_wire(VECTOR_UDP_FLOOD, 500);
		w.is_ipv6 = k % 2;
		for (uint32_t n = 0; n < 60000; n++) {
			w.now_ns += 100000;
			f = wire_packet(&w, IN, PROTO_UDP, 0x10000 + n, 5);
			wire_send(&w, IN, &f, 1);
			if (n < 20000 || n % 400 != 0)
				continue;
			if (is_asked)
				wire_one(&w, OUT, wire_packet(&w, OUT, PROTO_UDP, n, 53));
			f = wire_packet(&w, IN, PROTO_UDP, n, 53);
			passed += wire_send(&w, IN, &f, 1) != 0;
		}
		if (is_asked)
			CU_ASSERT_EQUAL(passed, 100);
		if (!is_asked)
			CU_ASSERT(passed < 50);
		wire_close(&w);
	}
}

SUITE_MAIN("stage/shape_standing", TEST(a_page_is_one_burst),
           TEST(answers_to_the_inside_stand_before_strangers))
