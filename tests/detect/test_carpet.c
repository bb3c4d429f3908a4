/* SPDX-License-Identifier: BSD-3-Clause */
/* Networks and addresses in virtual time: which events, in which order, with which figures. */
#include <stdlib.h>
#include <string.h>

#include "detect/detect.h"
#include "packet/burst.h"
#include "sketch/census.h"
#include "sketch/distinct.h"
#include "suite.h"

#define MS UINT64_C(1000000)

static const char text[] =
	"version = 1;\n"
	"dataplane = { addresses = \"2k\"; networks = \"64\"; };\n"
	"policies = ( { name = \"web\"; mode = \"mitigate\";\n"
	"  detection = { activate_after = \"300ms\"; clear_after = \"500ms\"; };\n"
	"  vectors = ( { vector = \"udp_flood\"; activate_rate = \"50kpps\";\n"
	"    network_rate = \"2kpps\"; address_rate = \"500pps\"; } ); } );\n"
	"services = ( { name = \"shop\"; policy = \"web\";\n"
	"  prefixes = [ \"203.0.112.0/22\", \"2001:db8:a::/47\", \"2001:db8:f::/120\" ]; "
	"} "
	");\n";

static struct {
	struct policies *policies;
	struct watch watch;
	struct aggregates aggregates;
	struct census census;
	struct detect *detect;
	uint64_t now_ns, dice;
	struct burst b;
} t;

static void
open_all(void)
{
	struct watch *watches[] = { &t.watch };
	struct aggregates *aggregates[] = { &t.aggregates };
	struct census *census[] = { &t.census };
	struct conf_errors errors = { 0 };
	struct settings *s;
	struct hash_key key;

	memset(&t, 0, sizeof(t));
	t.now_ns = MS;
	hash_key_seeded(&key, 9);
	CU_ASSERT_EQUAL_FATAL(
		settings_read_text(text, sizeof(text) - 1, "test", &s, &errors), 0);
	CU_ASSERT_EQUAL_FATAL(policy_build(s, NULL, NULL, &t.policies, &errors), 0);
	CU_ASSERT_EQUAL_FATAL(aggregate_open(&t.aggregates, s->addresses, s->networks),
	                      0);
	CU_ASSERT_EQUAL_FATAL(watch_open(&t.watch, 8), 0);
	CU_ASSERT_EQUAL_FATAL(census_open(&t.census, &key), 0);
	settings_free(s);
	conf_errors_free(&errors);
	t.detect = detect_open(watches, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.detect);
	CU_ASSERT_EQUAL_FATAL(detect_add_networks(t.detect, aggregates, census), 0);
}

static void
close_all(void)
{
	detect_close(t.detect);
	census_close(&t.census);
	watch_close(&t.watch);
	aggregate_close(&t.aggregates);
	policy_free(t.policies);
}

/* Of an address in text with the last part open, the n-th. */
static void
address_of(const char *net, unsigned int n, uint8_t out[16])
{
	struct prefix p;

	CU_ASSERT_EQUAL_FATAL(prefix_parse(net, &p), 0);
	memcpy(out, p.address, 16);
	if (prefix_is_ipv4(&p)) {
		out[15] = (uint8_t)(out[15] + n);
	} else {
		out[7] = (uint8_t)n; /* a /64 of its own, when n is not 0 */
		out[6] = (uint8_t)(n >> 8);
	}
}

/* Every ms, `per_ms` UDP packets from `sources` sources to `spread` addresses of `net`. */
struct traffic {
	const char *net;
	unsigned int per_ms, spread, sources;
};

static void
send(const struct traffic *f)
{
	struct burst *b = &t.b;

	burst_start(b, t.now_ns, 0, SIDE_EXTERNAL);
	for (unsigned int i = 0; i < f->per_ms; i++) {
		struct facts *to = &b->facts[i];
		const uint32_t n = (uint32_t)t.dice++;

		*to = (struct facts){ .flags = FACT_IP,
			              .proto = PROTO_UDP,
			              .frame_len = 100,
			              .vector = VECTOR_UDP_FLOOD };
		to->flags |= strchr(f->net, ':') != NULL ? FACT_IPV6 : 0;
		address_of(f->net, n % f->spread, to->dst);
		address_of("198.51.100.0", 0, to->src);
		memcpy(to->src, &(uint32_t){ n % f->sources }, sizeof(n));
		b->verdict[i] = VERDICT_PASS;
		b->count++;
	}
	b->live = lanes_first(b->count);
	burst_describe(b);
	policy_classify(t.policies, b);
	b->groups = 1;
	b->group[0] = (struct burst_group){ .lanes = b->live,
		                            .service = b->service[0],
		                            .slot = VECTOR_UDP_FLOOD };
	aggregate_arrive(&t.aggregates, t.policies->plan, b);
	if (t.aggregates.armed != 0) {
		uint64_t ticket = aggregate_cell(&t.aggregates, b, 0)->census;

		for (unsigned int i = 0; ticket != 0 && i < b->count; i++)
			census_add(&t.census, census_room(&t.census, ticket),
			           b->facts[i].src, b->facts[i].dst);
	}
	aggregate_account(&t.aggregates, b);
}

static void
run(struct traffic f, unsigned int ms)
{
	for (; ms > 0; ms--) {
		t.now_ns += MS;
		if (f.per_ms > 0)
			send(&f);
		if (t.now_ns % DETECT_TICK_NS == 0)
			detect_tick(t.detect, t.policies, t.now_ns);
	}
}

/* The next event must be of this kind and of this prefix, which is written out. */
static struct detect_event
expect(enum detect_event_kind kind, const char *prefix)
{
	struct detect_event e = { 0 };
	struct prefix p = { 0 };
	char name[PREFIX_TEXT];

	CU_ASSERT_TRUE_FATAL(detect_next_event(t.detect, &e));
	memcpy(p.address, e.attack.prefix, sizeof(p.address));
	p.len = e.attack.prefix_len;
	prefix_format(&p, name);
	CU_ASSERT_EQUAL(e.kind, kind);
	CU_ASSERT_STRING_EQUAL(name, prefix);
	CU_ASSERT_STRING_EQUAL(e.attack.service_name, "shop");
	CU_ASSERT_EQUAL(e.attack.vector, VECTOR_UDP_FLOOD);
	return e;
}

static void
expect_nothing(void)
{
	struct detect_event e;

	CU_ASSERT_FALSE(detect_next_event(t.detect, &e));
}

/* 20 kpps over 256 addresses: 78 pps each, a seventh of what one address may get. */
static void
a_carpet_is_one_attack_on_its_network(void)
{
	struct detect_event e;

	open_all();
	run((struct traffic){ "203.0.113.0", 1, 256, 9 }, 1000);
	expect_nothing();
	run((struct traffic){ "203.0.113.0", 20, 256, 1000000 }, 2500);
	e = expect(DETECT_EVENT_START, "203.0.113.0/24");
	CU_ASSERT(e.attack.detected_ns - e.attack.first_ns <= 100 * MS);
	CU_ASSERT_EQUAL(e.attack.threshold, 2000);
	/* Nobody limits it here, so the ladder is climbed. */
	e = expect(DETECT_EVENT_STEP, "203.0.113.0/24");
	CU_ASSERT_EQUAL(e.attack.rung, WATCH_BLOCK);
	run((struct traffic){ 0 }, 1000);
	e = expect(DETECT_EVENT_END, "203.0.113.0/24");
	CU_ASSERT_EQUAL(e.attack.addresses, 256);
	CU_ASSERT_EQUAL(e.attack.is_estimated, 0);
	/* The last second of the attack was not a whole one; each packet had its source. */
	CU_ASSERT(e.attack.sources_packets > 5000);
	CU_ASSERT_DOUBLE_EQUAL((double)e.attack.sources, (double)e.attack.sources_packets,
	                       4 * (double)e.attack.sources_packets *
	                               (DISTINCT_ERROR_PPM / 1e6));
	CU_ASSERT(e.attack.peak_pps >= 19000 && e.attack.peak_pps <= 21000);
	expect_nothing();
	close_all();
}

/* A /48 has no counter for each of its addresses, so their number is an estimate. */
static void
an_ipv6_carpet_is_named_by_its_48(void)
{
	struct detect_event e;

	open_all();
	run((struct traffic){ "2001:db8:a::1", 20, 3000, 5 }, 2500);
	e = expect(DETECT_EVENT_START, "2001:db8:a::/48");
	expect(DETECT_EVENT_STEP, "2001:db8:a::/48");
	run((struct traffic){ 0 }, 1000);
	e = expect(DETECT_EVENT_END, "2001:db8:a::/48");
	CU_ASSERT_EQUAL(e.attack.is_estimated, 1);
	CU_ASSERT_DOUBLE_EQUAL((double)e.attack.addresses, 3000.0,
	                       4 * 3000 * (DISTINCT_ERROR_PPM / 1e6));
	CU_ASSERT_EQUAL(e.attack.sources, 5);
	expect_nothing();
	close_all();
}

/* One address above its rate, its network below: an alarm that names it, once. */
static void
an_address_above_its_rate_is_told_once(void)
{
	static const struct {
		const char *address, *told;
	} cases[] = { { "203.0.112.9", "203.0.112.9/32" },
		      { "2001:db8:f::7", "2001:db8:f::7/128" } };

	for (size_t i = 0; i < 2; i++) {
		struct detect_event e;

		open_all();
		run((struct traffic){ cases[i].address, 1, 1, 3 }, 300);
		expect_nothing();
		run((struct traffic){ cases[i].address, 1, 1, 3 }, 3000);
		e = expect(DETECT_EVENT_ALARM, cases[i].told);
		CU_ASSERT_EQUAL(e.attack.threshold, 500);
		CU_ASSERT_EQUAL(e.attack.value, 1000);
		expect_nothing();
		/* After calm it is news again. */
		run((struct traffic){ 0 }, 1000);
		run((struct traffic){ cases[i].address, 1, 1, 3 }, 1000);
		expect(DETECT_EVENT_ALARM, cases[i].told);
		expect_nothing();
		close_all();
	}
}

SUITE_MAIN("carpet", TEST(a_carpet_is_one_attack_on_its_network),
           TEST(an_ipv6_carpet_is_named_by_its_48),
           TEST(an_address_above_its_rate_is_told_once))
