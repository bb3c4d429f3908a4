/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows that buy wholesale against a bucket that counts every packet. */
#include "wire.h"

#define IN      SIDE_EXTERNAL
#define OUT     SIDE_INTERNAL
#define FLOWS   50
#define VISITOR 7

static struct wire w;

/* Limits of one source's verified flows, as the stage has them and as a twin reckons. */
static const struct {
	const char *conf;
	uint64_t pps, bits;
	uint64_t
		mean_ns; /* between two packets: a little more is asked for than allowed */
} limits[] = {
	{ "verified_packets = \"1kpps\"; verified_bits = \"off\";", 1000, 0, 950000 },
	{ "verified_packets = \"100kpps\"; verified_bits = \"off\";", 100000, 0, 9500 },
	{ "verified_packets = \"off\"; verified_bits = \"800Mbit/s\";", 0, 800000000,
	  7800 },
	{ "verified_packets = \"30kpps\"; verified_bits = \"200Mbit/s\";", 30000,
	  200000000, 32000 },
};
#define LIMITS (sizeof(limits) / sizeof(*limits))

/* Packets and bits, charged both or none; `more` enlarges the burst by so many parts of it. */
struct twin {
	struct meter_rate rate[2];
	struct meter meter[2];
	uint64_t slack[2];
};

static void
open_twin(struct twin *t, size_t limit, unsigned int more_16ths)
{
	const struct meter_limit l[2] = { { limits[limit].pps, METER_PACKETS },
		                          { limits[limit].bits, METER_BITS } };

	memset(t, 0, sizeof(*t));
	for (unsigned int m = 0; m < 2; m++) {
		CU_ASSERT_EQUAL_FATAL(
			meter_rate_init(&t->rate[m], &l[m], 200 * RIG_MS, 64), 0);
		t->slack[m] = t->rate[m].slack;
		if (l[m].per_second != 0)
			t->slack[m] += t->rate[m].slack / 16 * more_16ths;
	}
}

static bool
take(struct twin *t, uint32_t bytes)
{
	const uint64_t now = meter_ticks(w.now_ns);

	for (unsigned int m = 0; m < 2; m++)
		if (meter_ahead(&t->meter[m], now) > t->slack[m])
			return false;
	for (unsigned int m = 0; m < 2; m++)
		meter_take(&t->meter[m], meter_price(&t->rate[m], bytes), UINT64_MAX,
		           now);
	return true;
}

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void
open_wire(size_t limit)
{
	char conf[200];

	snprintf(conf, sizeof(conf),
	         "packets = \"off\"; bits = \"off\"; new_connections = \"off\"; %s",
	         limits[limit].conf);
	wire_open(&w, (struct wire_conf){ .sources = conf });
}

static struct source *
the_source(void)
{
	struct source_key key;
	uint8_t address[16];
	uint32_t slot;

	wire_address(&w, VISITOR, address);
	source_key_of(&key, address, RIG_SERVICE, 64);
	slot = source_find(&w.source_table, &key, w.now_ns);
	CU_ASSERT_FATAL(slot != SOURCE_NONE);
	return source_at(&w.source_table, slot);
}

/* A data packet of a random flow and size. */
static struct facts
random_data(uint64_t *seed)
{
	struct facts f =
		wire_data(&w, VISITOR, (uint16_t)(1 + next_random(seed) % FLOWS));

	f.frame_len =
		(uint16_t)(next_random(seed) % 3 == 0 ? 1518
	                                              : 60 + next_random(seed) % 600);
	return f;
}

/* The server closes a flow; the visitor opens it again, and its third segment is charged. */
static void
reopen(uint16_t port)
{
	wire_out(&w, VISITOR, port, (struct wire_tcp){ TCP_RST, 0, 0, 0 });
	CU_ASSERT_FATAL(wire_connect(&w, VISITOR, port));
}

/* A million packets in random order over fifty flows that come and go, always at the limit. */
static void
within_its_limits_a_source_is_never_refused(void)
{
	for (size_t limit = 0; limit < LIMITS; limit++) {
		uint64_t seed = limit, sent = 0, refused = 0;
		struct twin twin;

		open_wire(limit);
		open_twin(&twin, limit, 0);
		for (uint16_t port = 1; port <= FLOWS; port++) {
			w.now_ns += RIG_SECOND / 10;
			CU_ASSERT_FATAL(take(&twin, 100));
			CU_ASSERT_FATAL(wire_connect(&w, VISITOR, port));
		}
		while (sent < 250000) {
			struct facts f[8];
			unsigned int n = 0;
			uint64_t most = 1 + next_random(&seed) % 8;

			w.now_ns +=
				next_random(&seed) % (2 * most * limits[limit].mean_ns);
			if (next_random(&seed) % 5000 == 0)
				w.now_ns += next_random(&seed) % (20 * RIG_SECOND);
			if (next_random(&seed) % 30 == 0 && take(&twin, 100))
				reopen((uint16_t)(1 + next_random(&seed) % FLOWS));
			while (n < most) {
				f[n] = random_data(&seed);
				if (!take(&twin, f[n].frame_len))
					break;
				n++;
			}
			if (n == 0)
				continue;
			refused += n - lanes_count(wire_send(&w, IN, f, n));
			sent += n;
		}
		CU_ASSERT_EQUAL(refused, 0);
		for (uint16_t port = 1; port <= FLOWS; port++)
			wire_out(&w, VISITOR, port,
			         (struct wire_tcp){ TCP_RST, 0, 0, 0 });
		CU_ASSERT_EQUAL(the_source()->key.lent, 0);
		wire_close(&w);
	}
}

/*
 * Three times what is allowed: in no time more passes than the rate and 18/16 of the
 * burst, and in all about what the exact bucket would pass.
 */
static void
what_passes_stays_within_the_bound(void)
{
	for (size_t limit = 0; limit < LIMITS; limit++) {
		uint64_t seed = limit + 99, passed = 0, exact = 0;
		struct twin twin, wide;

		open_wire(limit);
		open_twin(&twin, limit, 0);
		open_twin(&wide, limit, 2);
		for (uint16_t port = 1; port <= FLOWS; port++) {
			CU_ASSERT_FATAL(wire_connect(&w, VISITOR, port));
			exact += take(&twin, 100);
			passed += take(&wide, 100);
			w.now_ns += RIG_SECOND / 10;
		}
		for (unsigned int i = 0; i < 300000; i++) {
			struct facts f = random_data(&seed);

			w.now_ns += next_random(&seed) % (limits[limit].mean_ns * 2 / 3);
			if (next_random(&seed) % 30000 == 0)
				w.now_ns += next_random(&seed) % (20 * RIG_SECOND);
			exact += take(&twin, f.frame_len);
			if (wire_send(&w, IN, &f, 1) == 0)
				continue;
			passed++;
			CU_ASSERT_TRUE_FATAL(take(&wide, f.frame_len));
		}
		CU_ASSERT(passed > 60000);
		/* After each pause what is lent may pass once more, and nothing gets lost. */
		CU_ASSERT(passed >= exact * 995 / 1000 && passed <= exact * 103 / 100);
		wire_close(&w);
	}
}

/* One flow overdoes it; the other nineteen, with packets in hand, are blocked at once. */
static void
a_block_meets_flows_that_have_credit(void)
{
	struct facts f[64];
	struct notice n;

	wire_open(&w, (struct wire_conf){ .sources = "verified_packets = \"10kpps\";"
	                                             "new_connections = \"off\";"
	                                             "block_for = \"10s\";"
	                                             "block_after = \"1s\";" });
	for (uint16_t port = 1; port <= 20; port++) {
		CU_ASSERT_FATAL(wire_connect(&w, VISITOR, port));
		w.now_ns += RIG_MS;
	}
	CU_ASSERT(the_source()->key.lent >= 20 * 3);
	for (unsigned int i = 0; i < 64; i++)
		f[i] = wire_data(&w, VISITOR, 20);
	for (unsigned int ms = 0; ms < 1500 && !notices_take(&w.sources.notices, &n);
	     ms++) {
		wire_send(&w, IN, f, 64);
		w.now_ns += RIG_MS;
	}
	for (uint16_t port = 1; port < 20; port++) {
		const struct flow *flow;

		f[0] = wire_data(&w, VISITOR, port);
		CU_ASSERT_EQUAL(wire_send(&w, IN, f, 1), 0);
		CU_ASSERT_STRING_EQUAL(w.reason[0], "blocked");
		flow = flow_at(&w.flow_table, w.b.flow[0]);
		CU_ASSERT(credit_left(&flow->key.credit) > 0);
	}
	wire_close(&w);
}

/* A busy source is looked up now and then; while it is not, it stays verified all the same. */
static void
a_flow_that_lives_on_credit_keeps_its_source_verified(void)
{
	uint64_t visits = 0;

	wire_open(&w, (struct wire_conf){ .flows = "verified_for = \"1m\";" });
	CU_ASSERT_FATAL(wire_connect(&w, VISITOR, 1));
	for (unsigned int i = 0; i < 100000; i++) {
		struct facts f = wire_data(&w, VISITOR, 1);

		w.now_ns += 10 * RIG_MS;
		CU_ASSERT_EQUAL_FATAL(wire_send(&w, IN, &f, 1), 1);
		visits += w.source_table.asked != 0;
		CU_ASSERT_TRUE_FATAL(source_is_ahead(the_source()->verified_until,
		                                     w.now_ns + 52 * RIG_SECOND));
	}
	CU_ASSERT(visits > 100000 / 40 && visits < 100000 / 25);
	wire_close(&w);
}

/* As pipeline_run() does it where a policy learns: all observe, none decides. */
static void
learn(enum side side, struct facts f)
{
	burst_start(&w.b, w.now_ns, 0, side);
	w.b.count = 1;
	w.b.live = 1;
	w.b.facts[0] = f;
	w.b.policy[0] = RIG_POLICY;
	w.b.service[0] = RIG_SERVICE;
	burst_describe(&w.b);
	w.flows.stage->observe(w.flows.state, &w.flows.view, &w.b, 1);
}

/* So that the first packet after learning finds every limit whole. */
static void
who_is_learned_from_pays_nothing(void)
{
	const struct crowd_line *line;
	struct source_key key;
	struct source *source;
	uint64_t paid = 0;
	struct facts f;
	uint32_t slot;

	wire_open(&w, (struct wire_conf){ 0 });
	CU_ASSERT_PTR_NULL(w.sources.stage->observe);
	learn(IN,
	      wire_segment(&w, IN, VISITOR, 99, (struct wire_tcp){ TCP_SYN, 100, 0, 0 }));
	learn(OUT, wire_segment(&w, OUT, VISITOR, 99,
	                        (struct wire_tcp){ TCP_SYN | TCP_ACK, 500, 101, 0 }));
	f = wire_segment(&w, IN, VISITOR, 99, (struct wire_tcp){ TCP_ACK, 101, 501, 0 });
	for (unsigned int n = 0; n < 5000; n++) {
		learn(IN, f);
		CU_ASSERT_EQUAL(w.b.standing[0], STANDING_VERIFIED_FLOW);
		/* The packet of the proof meets its source, those after it need not. */
		CU_ASSERT_EQUAL(w.source_table.asked, n == 0);
	}
	CU_ASSERT_EQUAL(credit_lot(&flow_of_lane(&w.flow_table, 0)->key.credit), 0);
	for (uint32_t n = 0; n < 5000; n++)
		learn(IN, wire_packet(&w, IN, PROTO_UDP, n % 2 == 0 ? VISITOR : 8, 53));

	source_key_of(&key, f.src, RIG_SERVICE, 64);
	slot = source_find(&w.source_table, &key, w.now_ns);
	CU_ASSERT_NOT_EQUAL_FATAL(slot, SOURCE_NONE);
	source = source_at(&w.source_table, slot);
	CU_ASSERT_EQUAL(source->flows, 1);
	CU_ASSERT_EQUAL(source->key.lent, 0);
	CU_ASSERT_EQUAL(source->blocks, 0);
	CU_ASSERT_EQUAL(source->last_drop, 0);
	for (unsigned int m = 0; m < SOURCE_METERS; m++)
		paid |= source->meter[m];
	line = w.source_table.crowd.line;
	for (unsigned int k = 0; k < CROWD_LINES * CROWD_CELLS; k++)
		paid |= line[k / CROWD_CELLS].paid[k % CROWD_CELLS][0] |
		        line[k / CROWD_CELLS].paid[k % CROWD_CELLS][1];
	CU_ASSERT_EQUAL(paid, 0);
	wire_close(&w);
}

SUITE_MAIN("sources_credit", TEST(who_is_learned_from_pays_nothing),
           TEST(within_its_limits_a_source_is_never_refused),
           TEST(what_passes_stays_within_the_bound),
           TEST(a_block_meets_flows_that_have_credit),
           TEST(a_flow_that_lives_on_credit_keeps_its_source_verified))
