/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Floods of queries to a DNS server as frames through a whole worker: without the defence
 * they arrive, with it they do not while customers beside them are served, and in monitor
 * nothing changes and each is counted. IPv4 and IPv6, with a tag and without.
 */
#include "flood_rig.h"
#include "packet/checksum.h"

#define ROUNDS    400u
#define CUSTOMERS 32u

static const char text[] =
	"version = 1;\n"
	"dataplane = { flow_entries = \"16k\"; source_entries = \"16k\"; };\n"
	"links = ( { name = \"a\"; external = \"x0\"; internal = \"x1\"; } );\n"
	"policies = ( { name = \"dns\"; mode = \"%s\"; vectors = (\n"
	"  { vector = \"udp_flood\"; activate_rate = \"10kpps\"; max_rate = \"900Mpps\"; "
	"} );\n"
	"  flows = { verified_for = \"1s\"; };\n"
	"  sources = { packets = \"off\"; bits = \"off\"; new_connections = \"off\"; };\n"
	"  udpauth = { method = \"off\"; };\n"
	"  dnsauth = { answers = \"1Mpps\"; remember = \"20s\"; %s }; } );\n"
	"services = ( { name = \"dns\"; policy = \"dns\";\n"
	"  prefixes = [ \"203.0.113.10/32\", \"2001:db8:a::10/128\" ]; } );\n";

static struct flood_rig r;
static bool is_ipv6, is_tagged;

static uint64_t
rig_clock(void)
{
	return r.now_ns;
}

static void
open_with(const char *mode, const char *keys)
{
	char conf[sizeof(text) + 256];

	snprintf(conf, sizeof(conf), text, mode, keys);
	rig_open(&r, conf, rig_clock);
}

/* A tag into a frame that has none. */
static void
tag(struct frame *f)
{
	if (!is_tagged)
		return;
	memmove(f->bytes + 16, f->bytes + 12, f->len - 12u);
	rig_put16(f->bytes + 12, 0x8100);
	rig_put16(f->bytes + 14, 9);
	f->len = (uint16_t)(f->len + 4);
}

/* A DNS message about rN.shop.example into the burst in the making; returns its lane. */
static unsigned int
add_message(enum side side, uint64_t who, unsigned int name, unsigned int flags,
            unsigned int answers)
{
	const struct packet p = { .side = side,
		                  .is_ipv6 = is_ipv6,
		                  .proto = PROTO_UDP,
		                  .who = who,
		                  .port = 53 };
	const unsigned int lane = rig_add(&r, &p), l4 = is_ipv6 ? 54 : 34;
	struct frame *f = &r.frame[lane];
	uint8_t *ip = f->bytes + 14, *m = f->bytes + l4 + 8;
	const unsigned int len = 12 + 10 + 14 + 4;

	rig_put16(m, 0xbeef);
	rig_put16(m + 2, flags);
	rig_put16(m + 4, 1);
	rig_put16(m + 6, answers);
	snprintf((char *)m + 12, 11, "\t%09u", name);
	memcpy(m + 12 + 10, "\4shop\7example\0\0\1\0\1", 18);
	rig_put16(f->bytes + l4 + 4, 8 + len);
	if (is_ipv6) {
		rig_put16(ip + 4, 8 + len);
	} else {
		rig_put16(ip + 2, 28 + len);
		memset(ip + 10, 0, 2);
		rig_put16(ip + 10, checksum_fold(checksum_add(0, ip, 20)));
	}
	f->len = (uint16_t)(l4 + 8 + len);
	tag(f);
	return lane;
}

/* A customer completes a handshake with port 53. */
static void
shake_hands(uint64_t who)
{
	static const struct {
		enum side side;
		uint8_t flags;
	} step[] = { { SIDE_EXTERNAL, TCP_SYN },
		     { SIDE_INTERNAL, TCP_SYN | TCP_ACK },
		     { SIDE_EXTERNAL, TCP_ACK } };

	for (unsigned int k = 0; k < 3; k++) {
		struct packet p = rig_segment(step[k].side, who, step[k].flags, is_ipv6);

		p.port = 53;
		rig_start(&r, step[k].side);
		tag(&r.frame[rig_add(&r, &p)]);
		rig_judge(&r);
	}
}

static uint64_t
books(const char *reason, bool would)
{
	const struct pipeline_books *all = &r.worker->pipeline.books;

	for (unsigned int s = 0; s < stage_count; s++)
		for (unsigned int k = 0; strcmp(stage_list[s]->name, "dnsauth") == 0 &&
		                         stage_list[s]->reasons[k].name != NULL;
		     k++)
			if (strcmp(stage_list[s]->reasons[k].name, reason) == 0)
				return would ? all->would[s][k] : all->decided[s][k];
	CU_FAIL("no such reason");
	return 0;
}

/* What a flood came to. */
struct outcome {
	uint64_t challenged, passed; /* forged queries that found the vector armed */
	uint64_t lost;               /* customers' queries that did not pass */
	uint64_t changed;            /* frames that are not what came in */
};

/* A burst of 63 forged queries and one of a customer every 63 microseconds. */
static struct outcome
flood(void)
{
	struct outcome out = { 0 };
	uint64_t n = 0;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct frame before[LANES_MAX];
		const struct burst *b;

		rig_start(&r, SIDE_EXTERNAL);
		for (unsigned int i = 0; i < 63; i++)
			add_message(SIDE_EXTERNAL, rig_mixed(n++) | FORGER, 1, 0x0100, 0);
		add_message(SIDE_EXTERNAL, 1 + round % CUSTOMERS, 2, 0x0100, 0);
		memcpy(before, r.frame, sizeof(before));
		r.now_ns += 63 * MS / 1000;
		b = rig_judge(&r);
		for (unsigned int i = 0; i < 63; i++) {
			const bool is_judged = (b->challenged & lane_bit(i)) != 0;

			out.challenged += is_judged;
			out.passed += is_judged && b->verdict[i] == VERDICT_PASS;
		}
		out.lost += b->verdict[63] != VERDICT_PASS;
		for (unsigned int i = 0; i < 64; i++)
			out.changed += b->verdict[i] == VERDICT_PASS &&
			               memcmp(before[i].bytes, r.frame[i].bytes,
			                      before[i].len) != 0;
	}
	return out;
}

static void
connect_customers(void)
{
	for (uint64_t who = 1; who <= CUSTOMERS; who++)
		shake_hands(who);
}

static void
forged_queries_stop_and_customers_are_served(void)
{
	for (unsigned int k = 0; k < 4; k++) {
		struct outcome out;

		is_ipv6 = k % 2 != 0;
		is_tagged = k / 2 != 0;
		open_with("mitigate", "method = \"off\"; new_names = \"off\";");
		connect_customers();
		out = flood();
		CU_ASSERT(out.challenged > 63 * ROUNDS - 2000);
		CU_ASSERT_EQUAL(out.passed, out.challenged);
		CU_ASSERT_EQUAL(out.lost, 0);
		rig_close(&r);

		open_with("mitigate", "");
		connect_customers();
		out = flood();
		CU_ASSERT(out.challenged > 63 * ROUNDS - 2000);
		CU_ASSERT_EQUAL(out.passed, 0);
		CU_ASSERT_EQUAL(out.lost, 0);
		CU_ASSERT_EQUAL(out.changed, 0);
		CU_ASSERT_EQUAL(books("truncated", false), out.challenged);
		rig_close(&r);

		open_with("monitor", "");
		connect_customers();
		out = flood();
		CU_ASSERT(out.challenged > 63 * ROUNDS - 2000);
		CU_ASSERT_EQUAL(out.passed, out.challenged);
		CU_ASSERT_EQUAL(out.lost + out.changed, 0);
		CU_ASSERT_EQUAL(books("truncated", true), out.challenged);
		CU_ASSERT_EQUAL(books("truncated", false), 0);
		rig_close(&r);
	}
}

/* One query of a customer; whether it passes. */
static bool
may_ask(uint64_t who)
{
	rig_start(&r, SIDE_EXTERNAL);
	add_message(SIDE_EXTERNAL, who, 2, 0x0100, 0);
	return rig_judge(&r)->verdict[0] == VERDICT_PASS;
}

static void
who_comes_by_tcp_is_remembered(void)
{
	for (unsigned int k = 0; k < 4; k++) {
		is_ipv6 = k % 2 != 0;
		is_tagged = k / 2 != 0;
		open_with("mitigate", "");
		flood();
		CU_ASSERT_FALSE(may_ask(500));
		CU_ASSERT_EQUAL(r.worker->burst.verdict[0], VERDICT_REPLY);
		shake_hands(500);
		CU_ASSERT_TRUE(may_ask(500));
		/* Longer than the proof of a handshake lasts elsewhere. */
		r.now_ns += 10 * SECOND;
		CU_ASSERT_TRUE(may_ask(500));
		r.now_ns += 12 * SECOND;
		CU_ASSERT_FALSE(may_ask(500));
		rig_close(&r);
	}
}

/*
 * Two resolvers, both proven, ask for 2,000 names that nobody has, and in between for the one
 * that the server has; it answers what reaches it. Returns how many of the names passed.
 */
static uint64_t
torture(uint64_t *known_lost)
{
	uint64_t passed = 0;

	*known_lost = 0;
	for (unsigned int n = 0; n < 2000; n++) {
		const struct burst *b;
		bool is_in;

		rig_start(&r, SIDE_EXTERNAL);
		add_message(SIDE_EXTERNAL, 1 + n % 2, 1000 + n, 0x0100, 0);
		add_message(SIDE_EXTERNAL, 2 - n % 2, 7, 0x0100, 0);
		r.now_ns += MS / 2;
		b = rig_judge(&r);
		is_in = b->verdict[0] == VERDICT_PASS;
		passed += is_in;
		*known_lost += b->verdict[1] != VERDICT_PASS;
		if (!is_in)
			continue;
		rig_start(&r, SIDE_INTERNAL);
		add_message(SIDE_INTERNAL, 1 + n % 2, 1000 + n, 0x8403, 0);
		rig_judge(&r);
	}
	return passed;
}

static void
random_names_stop_and_known_ones_are_answered(void)
{
	static const struct {
		const char *mode, *keys;
		bool is_stopped;
	} rows[] = {
		{ "mitigate", "queries = \"off\"; new_names = \"off\";", false },
		{ "mitigate", "queries = \"off\"; new_names = \"100pps\";", true },
		{ "monitor", "queries = \"off\"; new_names = \"100pps\";", false },
	};

	for (unsigned int k = 0; k < 4 * 3; k++) {
		uint64_t lost, passed, limited;

		is_ipv6 = k / 3 % 2 != 0;
		is_tagged = k / 6 != 0;
		open_with(rows[k % 3].mode, rows[k % 3].keys);
		shake_hands(1);
		shake_hands(2);
		rig_start(&r, SIDE_INTERNAL);
		add_message(SIDE_INTERNAL, 1, 7, 0x8400, 1);
		rig_judge(&r);
		flood();
		passed = torture(&lost);
		/* A burst of a second, then the rate: of one second's names no more than both. */
		limited = k % 3 == 2 ? books("random_names", true)
		                     : books("random_names", false);
		CU_ASSERT_EQUAL(lost, 0);
		if (k % 3 == 0)
			CU_ASSERT_EQUAL(limited, 0);
		if (k % 3 != 0)
			CU_ASSERT(limited >= 1790 && limited < 2000);
		CU_ASSERT_EQUAL(passed, rows[k % 3].is_stopped ? 2000 - limited : 2000);
		rig_close(&r);
	}
}

SUITE_MAIN("tidegated/dnsauth", TEST(forged_queries_stop_and_customers_are_served),
           TEST(who_comes_by_tcp_is_remembered),
           TEST(random_names_stop_and_known_ones_are_answered))
