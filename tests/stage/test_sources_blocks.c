/* SPDX-License-Identifier: BSD-3-Clause */
/* How long a source is blocked, how often, and who never is. */
#include "prefix/prefix.h"
#include "wire.h"

#define IN SIDE_EXTERNAL

static struct wire w;

/* Send a packet `pps` times a second for `seconds`; returns how many passed. */
static uint64_t
stream(struct facts f, uint64_t pps, unsigned int seconds)
{
	uint64_t passed = 0;

	for (uint64_t n = 0; n < pps * seconds; n++) {
		w.now_ns += RIG_SECOND / pps;
		passed += wire_send(&w, IN, &f, 1);
	}
	return passed;
}

#define LIMITS "verified_packets = \"1kpps\"; block_after = \"1s\"; "

static void
open_wire(const char *conf, bool is_ipv6)
{
	wire_open(&w, (struct wire_conf){ .sources = conf,
	                                  .flows = "verified_for = \"10m\";" });
	w.is_ipv6 = is_ipv6;
	CU_ASSERT_FATAL(wire_connect(&w, 7, 99));
	CU_ASSERT_FATAL(wire_connect(&w, 8, 99));
}

/* Go too far until a block is told; returns its seconds, 0 when there was none. */
static uint64_t
offend(struct notice *n)
{
	stream(wire_data(&w, 7, 99), 4000, 2);
	if (!notices_take(&w.sources.notices, n))
		return 0;
	return (n->until_ns - n->time_ns) / RIG_SECOND;
}

/* Sit the block out, and `more` on top; the flow is real and counts as new traffic again. */
static void
wait_for(const struct notice *n, uint64_t more)
{
	w.now_ns = n->until_ns + more;
	if (!wire_connect(&w, 7, 99))
		CU_ASSERT_EQUAL(stream(wire_data(&w, 7, 99), 10, 1), 10);
}

/* 60 s, 300 s, and then up to the maximum; the neighbour never notices. */
static void
each_block_is_longer_up_to_the_maximum(void)
{
	static const uint64_t wanted_s[] = { 60, 300, 900, 900 };
	struct notice n;

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		open_wire(LIMITS "block_for = \"60s\"; block_max = \"15m\";", ipv6);
		for (uint16_t k = 0; k < 4; k++) {
			CU_ASSERT_EQUAL(offend(&n), wanted_s[k]);
			CU_ASSERT_EQUAL(n.times, k + 1);
			CU_ASSERT_EQUAL(stream(wire_data(&w, 7, 99), 10, 1), 0);
			CU_ASSERT_STRING_EQUAL(w.reason[0], "blocked");
			if (wire_connect(&w, 8, 99) || k == 0)
				CU_ASSERT_EQUAL(stream(wire_data(&w, 8, 99), 10, 1), 10);
			wait_for(&n, RIG_SECOND);
		}
		wire_close(&w);
	}
}

static void
a_block_long_ago_is_forgotten(void)
{
	struct notice n;

	open_wire(LIMITS "block_for = \"10s\"; block_memory = \"5m\";", false);
	CU_ASSERT_EQUAL(offend(&n), 10);
	wait_for(&n, 290 * RIG_SECOND);
	CU_ASSERT_EQUAL(offend(&n), 50);
	CU_ASSERT_EQUAL(n.times, 2);
	wait_for(&n, 301 * RIG_SECOND);
	CU_ASSERT_EQUAL(offend(&n), 10);
	CU_ASSERT_EQUAL(n.times, 1);
	wire_close(&w);
}

/* A source that is silent after its block, in a table that strangers fill, is still known. */
static void
an_offender_is_remembered_in_a_flood(void)
{
	static struct facts f[64];
	struct notice n;

	wire_open(&w, (struct wire_conf){ .sources = LIMITS "block_for = \"10s\";"
	                                                    "packets = \"10pps\";",
	                                  .flows = "verified_for = \"1s\";",
	                                  .source_entries = 64 });
	CU_ASSERT_FATAL(wire_connect(&w, 7, 99));
	CU_ASSERT_EQUAL(offend(&n), 10);
	w.now_ns = n.until_ns;
	for (uint32_t k = 0; k < 300000; k++) {
		for (uint32_t i = 0; i < 64 && k % 64 == 0; i++)
			f[i] = wire_packet(&w, IN, PROTO_UDP, 0x40000000 + k + i, 5);
		if (k % 64 == 0)
			wire_send(&w, IN, f, 64);
		w.now_ns += RIG_MS;
	}
	CU_ASSERT_FATAL(wire_connect(&w, 7, 199));
	stream(wire_data(&w, 7, 199), 4000, 2);
	CU_ASSERT_FATAL(notices_take(&w.sources.notices, &n));
	CU_ASSERT_EQUAL(n.times, 2);
	wire_close(&w);
}

static void
block_repeat_of_one_keeps_them_the_same(void)
{
	struct notice n;

	open_wire(LIMITS "block_for = \"20s\"; block_repeat = \"1\";", false);
	CU_ASSERT_EQUAL(offend(&n), 20);
	wait_for(&n, RIG_SECOND);
	CU_ASSERT_EQUAL(offend(&n), 20);
	CU_ASSERT_EQUAL(n.times, 2);
	wire_close(&w);
}

/* Under attack the ladder decides when blocks begin; outside of one the policy's word is enough. */
static void
the_ladder_is_not_jumped(void)
{
	struct notice n;

	open_wire(LIMITS "block_for = \"10s\";", false);
	w.armed = UINT64_MAX;
	CU_ASSERT_EQUAL(offend(&n), 0);
	w.blocking = UINT64_MAX;
	CU_ASSERT_EQUAL(offend(&n), 10);
	wire_close(&w);
	open_wire(LIMITS "block_for = \"10s\";", false);
	CU_ASSERT_EQUAL(offend(&n), 10);
	wire_close(&w);
}

static void
monitor_blocks_nobody(void)
{
	struct notice n;

	open_wire(LIMITS "block_for = \"10s\";", true);
	w.watched = UINT64_MAX;
	CU_ASSERT_EQUAL(offend(&n), 0);
	CU_ASSERT_EQUAL(stream(wire_data(&w, 7, 99), 100, 1), 100);
	wire_close(&w);
}

/* --- who is never blocked --- */

static const struct stage_listed entry = { .action = LIST_NEVER_BLOCK, .scale = 1 };
static const struct stage_list_node node = { 0 };
static struct stage_lists lists = { .entry = &entry,
	                            .node = &node,
	                            .nodes = 1,
	                            .entries = 1,
	                            .lists = 1,
	                            .scale = { 1, 20 } };

static void
who_is_never_blocked_is_metered_all_the_same(void)
{
	struct notice n;
	uint64_t passed;

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		open_wire(LIMITS "block_for = \"10s\";", ipv6);
		w.trusted = UINT64_MAX;
		passed = stream(wire_data(&w, 7, 99), 4000, 5);
		CU_ASSERT_DOUBLE_EQUAL((double)passed, 5200, 60);
		CU_ASSERT_FALSE(notices_take(&w.sources.notices, &n));
		/* The same traffic of one who is not trusted is blocked. */
		w.trusted = 0;
		CU_ASSERT_EQUAL(offend(&n), 10);
		/* And put on the list the source is let through at once. */
		CU_ASSERT_EQUAL(stream(wire_data(&w, 7, 99), 10, 1), 0);
		w.trusted = UINT64_MAX;
		CU_ASSERT_EQUAL(stream(wire_data(&w, 7, 99), 10, 1), 10);
		wire_close(&w);
	}
}

/* A proxy stands for twenty customers: every limit of a source counts twenty times. */
static void
limits_count_as_often_as_customers_stand_behind(void)
{
	static const struct {
		const char *conf;
		bool is_verified;
		double each; /* passed of one customer in 5 s */
	} cases[] = {
		{ "verified_packets = \"1kpps\"; verified_bits = \"off\";", true, 5200 },
		{ "packets = \"1kpps\"; bits = \"off\";", false, 5200 },
		{ "packets = \"off\"; bits = \"800kbit/s\";", false, 5000 },
	};
	struct facts f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (unsigned int scale = 0; scale < 2; scale++) {
			double times = scale == 0 ? 1 : 20;

			wire_open(&w, (struct wire_conf){ .sources = cases[i].conf,
			                                  .lists = &lists });
			CU_ASSERT_FATAL(wire_connect(&w, 7, 99));
			f = cases[i].is_verified ? wire_data(&w, 7, 99)
			                         : wire_packet(&w, IN, PROTO_UDP, 7, 99);
			w.trusted = UINT64_MAX;
			w.scale = (uint8_t)scale;
			CU_ASSERT_DOUBLE_EQUAL((double)stream(f, 50000, 5),
			                       times * cases[i].each,
			                       times * cases[i].each / 5);
			wire_close(&w);
		}
}

/* In one burst customers and proxies each have their own. */
static void
a_proxy_beside_customers_takes_nothing_of_theirs(void)
{
	uint64_t passed[2] = { 0, 0 };

	wire_open(&w,
	          (struct wire_conf){ .sources = "packets = \"1kpps\"; bits = \"off\";",
	                              .lists = &lists });
	w.trusted = 0xaaaaaaaaaaaaaaaa;
	w.scale = 1;
	for (unsigned int ms = 0; ms < 1000; ms++) {
		struct facts f[64];

		for (uint32_t i = 0; i < 64; i++)
			f[i] = wire_packet(&w, IN, PROTO_UDP, 100 + i % 2, 5);
		w.now_ns += RIG_MS;
		wire_send(&w, IN, f, 64);
		passed[0] += lanes_count(w.b.live & ~w.trusted);
		passed[1] += lanes_count(w.b.live & w.trusted);
	}
	CU_ASSERT_DOUBLE_EQUAL((double)passed[0], 1200, 20);
	CU_ASSERT_DOUBLE_EQUAL((double)passed[1], 24000, 500);
	wire_close(&w);
}

/* --- explain --- */

static const struct explain_line *
line_of(const char *what)
{
	const struct explain *e = &w.sources.explain;

	for (unsigned int i = 0; i < e->lines; i++)
		if (strcmp(e->line[i].what, what) == 0)
			return &e->line[i];
	return NULL;
}

static void
explain_tells_which_block_it_is(void)
{
	struct notice n;

	open_wire(LIMITS "block_for = \"10s\";", false);
	CU_ASSERT_FATAL(wire_connect(&w, 0xc0000207, 99));
	for (unsigned int k = 1; k <= 2; k++) {
		stream(wire_data(&w, 0xc0000207, 99), 4000, 2);
		CU_ASSERT_FATAL(notices_take(&w.sources.notices, &n));
		w.sources.now_ns = n.time_ns + RIG_SECOND;
		rig_explain(&w.sources, "192.0.2.7");
		CU_ASSERT_FATAL(line_of("blocked") != NULL &&
		                line_of("block number") != NULL);
		CU_ASSERT_EQUAL(line_of("block number")->value, k);
		CU_ASSERT_DOUBLE_EQUAL((double)line_of("blocked")->value, k == 1 ? 9 : 49,
		                       1);
		w.now_ns = n.until_ns + RIG_SECOND;
		w.sources.now_ns = w.now_ns;
		rig_explain(&w.sources, "192.0.2.7");
		CU_ASSERT_PTR_NULL(line_of("block number"));
	}
	wire_close(&w);
}

SUITE_MAIN("sources_blocks", TEST(each_block_is_longer_up_to_the_maximum),
           TEST(a_block_long_ago_is_forgotten),
           TEST(an_offender_is_remembered_in_a_flood),
           TEST(block_repeat_of_one_keeps_them_the_same), TEST(the_ladder_is_not_jumped),
           TEST(monitor_blocks_nobody),
           TEST(who_is_never_blocked_is_metered_all_the_same),
           TEST(limits_count_as_often_as_customers_stand_behind),
           TEST(a_proxy_beside_customers_takes_nothing_of_theirs),
           TEST(explain_tells_which_block_it_is))
