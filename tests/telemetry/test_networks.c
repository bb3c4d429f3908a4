/* SPDX-License-Identifier: BSD-3-Clause */
/* What is shown of networks and addresses is what two workers counted, to the packet. */
#include <string.h>

#include "suite.h"
#include "telemetry/by_hand.h"
#include "telemetry/telemetry.h"

static const char config[] =
	"version = 1;\n"
	"dataplane = { addresses = \"300\"; networks = \"8\"; };\n"
	"policies = ( { name = \"web\"; vectors = ( { vector = \"udp_flood\";\n"
	"  activate_rate = \"9kpps\"; network_rate = \"2kpps\"; } ); } );\n"
	"services = ( { name = \"shop\"; policy = \"web\"; prefixes = [\n"
	"  \"203.0.113.0/24\", \"198.18.0.0/22\", \"10.0.0.0/16\", \"2001:db8:a::/48\" "
	"]; } "
	");\n";

static struct box *box;
static struct telemetry *t;
static struct telemetry_ask ask;
static struct policies *by_hand;
static struct burst b;

static void
begin(void)
{
	struct conf_errors errors = { 0 };
	struct settings *s;

	box = hand_open();
	by_hand = box->policies;
	CU_ASSERT_EQUAL_FATAL(
		settings_read_text(config, sizeof(config) - 1, "test", &s, &errors), 0);
	CU_ASSERT_EQUAL_FATAL(policy_build(s, NULL, NULL, &box->policies, &errors), 0);
	for (unsigned int w = 0; w < 2; w++)
		CU_ASSERT_EQUAL_FATAL(aggregate_open(&box->worker[w].pipeline->aggregates,
		                                     s->addresses, s->networks),
		                      0);
	settings_free(s);
	conf_errors_free(&errors);
	t = telemetry_open(box);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	telemetry_ask_init(&ask);
}

static void
end(void)
{
	telemetry_close(t);
	for (unsigned int w = 0; w < 2; w++)
		aggregate_close(&box->worker[w].pipeline->aggregates);
	policy_free(box->policies);
	box->policies = by_hand;
	hand_close(box);
}

static void
address_of(const char *text, uint8_t out[16])
{
	struct prefix p;

	CU_ASSERT_EQUAL_FATAL(prefix_parse(text, &p), 0);
	memcpy(out, p.address, sizeof(p.address));
}

/* `n` datagrams of 100 bytes to the address at one worker. */
static void
count_at(unsigned int worker, const char *to, unsigned int n)
{
	for (; n > 0; n--) {
		burst_start(&b, 1000000, 0, SIDE_EXTERNAL);
		b.facts[0] = (struct facts){ .flags = FACT_IP,
			                     .proto = PROTO_UDP,
			                     .frame_len = 100,
			                     .vector = VECTOR_UDP_FLOOD };
		b.facts[0].flags |= strchr(to, ':') != NULL ? FACT_IPV6 : 0;
		address_of(to, b.facts[0].dst);
		b.count = 1;
		b.live = 1;
		burst_describe(&b);
		policy_classify(box->policies, &b);
		b.groups = 1;
		b.group[0] = (struct burst_group){ .lanes = 1, .slot = VECTOR_UDP_FLOOD };
		aggregate_arrive(&box->worker[worker].pipeline->aggregates,
		                 box->policies->plan, &b);
	}
}

static json_int_t
number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static const char *
word(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "(none)";
}

static void
networks_come_busiest_first_with_exact_counts(void)
{
	static const char *const expected[] = { "198.18.2.0/24", "2001:db8:a::/48",
		                                "203.0.113.0/24" };
	static const json_int_t packets[] = { 50, 30, 20 };
	json_t *d, *list;

	begin();
	count_at(0, "203.0.113.7", 20);
	count_at(0, "198.18.2.1", 25);
	count_at(1, "198.18.2.9", 25);
	count_at(1, "2001:db8:a:7::1", 30);
	count_at(1, "10.0.9.9", 99);
	d = telemetry_networks(t, &ask);
	list = json_object_get(d, "networks");
	CU_ASSERT_TRUE(json_is_false(json_object_get(d, "estimated")));
	/* One, one and four networks have cells; the /16 found no room. */
	CU_ASSERT_EQUAL(number(d, "counted"), 6);
	CU_ASSERT_EQUAL_FATAL(json_array_size(list), 6);
	for (size_t i = 0; i < 3; i++) {
		const json_t *e = json_array_get(list, i);
		const json_t *v = json_array_get(json_object_get(e, "vectors"), 0);

		CU_ASSERT_STRING_EQUAL(word(e, "network"), expected[i]);
		CU_ASSERT_STRING_EQUAL(word(e, "service"), "shop");
		CU_ASSERT_EQUAL(number(e, "packets"), packets[i]);
		CU_ASSERT_EQUAL(number(e, "bytes"), 100 * packets[i]);
		CU_ASSERT_STRING_EQUAL(word(v, "vector"), "udp_flood");
		CU_ASSERT_EQUAL(
			number(json_object_get(v, "network_rate"), "packets_per_second"),
			2000);
	}
	json_decref(d);
	ask.limit = 1;
	d = telemetry_networks(t, &ask);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "networks")), 1);
	json_decref(d);
	end();
}

/* Explain of a protected address and of a source that has no record anywhere. */
static void
explain_tells_what_came_and_what_was_sent(void)
{
	static const struct {
		const char *address, *network, *counted_as;
		json_int_t packets;
	} cases[] = { { "203.0.113.7", "203.0.113.0/24", "203.0.113.7/32", 8 },
		      { "198.18.2.1", "198.18.2.0/24", "(none)", 0 },
		      { "10.0.9.9", "(none)", "(none)", 0 } };
	uint8_t from[16], to[16];
	json_t *d, *o;

	begin();
	ask.has_address = true;
	count_at(0, "203.0.113.7", 3);
	count_at(1, "203.0.113.7", 5);
	for (size_t i = 0; i < 3; i++) {
		address_of(cases[i].address, ask.address);
		d = telemetry_explain(t, &ask);
		o = json_object_get(d, "received");
		CU_ASSERT_STRING_EQUAL(word(o, "network"), cases[i].network);
		CU_ASSERT_STRING_EQUAL(word(o, "counted_as"), cases[i].counted_as);
		CU_ASSERT_EQUAL(number(json_array_get(json_object_get(o, "vectors"), 0),
		                       "packets"),
		                cases[i].packets);
		json_decref(d);
	}

	address_of("192.0.2.77", from);
	address_of("203.0.113.7", to);
	for (unsigned int w = 0; w < 2; w++) {
		struct talkers *k = &box->worker[w].pipeline->talkers;

		talkers_turn(k, 1000000000);
		for (unsigned int i = 0; i < 20000; i++)
			talkers_add(k, from, to, 100);
		talkers_turn(k, 2000000000);
	}
	memcpy(ask.address, from, sizeof(from));
	d = telemetry_explain(t, &ask);
	CU_ASSERT_TRUE(json_is_null(json_object_get(d, "received")));
	o = json_object_get(d, "sent");
	CU_ASSERT_DOUBLE_EQUAL((double)number(o, "packets_per_second_at_most"), 40000.0,
	                       5000.0);
	CU_ASSERT(number(o, "mean_error_packets_per_second") < 10);
	json_decref(d);
	address_of("192.0.2.78", ask.address);
	d = telemetry_explain(t, &ask);
	CU_ASSERT_EQUAL(number(json_object_get(d, "sent"), "packets_per_second_at_most"),
	                0);
	json_decref(d);
	end();
}

static void
a_service_says_by_what_each_prefix_is_counted(void)
{
	static const char *const by[] = { "address", "network", "service", "network" };
	json_t *d, *list;

	begin();
	strcpy(ask.name, "shop");
	d = telemetry_service(t, &ask);
	list = json_object_get(json_object_get(d, "service"), "counted");
	CU_ASSERT_EQUAL_FATAL(json_array_size(list), 4);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_STRING_EQUAL(word(json_array_get(list, i), "by"), by[i]);
	json_decref(d);
	end();
}

static void
metrics_tell_how_much_is_counted(void)
{
	char *text;

	begin();
	text = telemetry_metrics(t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "tidegate_counted_addresses 256\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "tidegate_counted_networks 6\n"));
	free(text);
	end();
}

SUITE_MAIN("networks", TEST(networks_come_busiest_first_with_exact_counts),
           TEST(explain_tells_what_came_and_what_was_sent),
           TEST(a_service_says_by_what_each_prefix_is_counted),
           TEST(metrics_tell_how_much_is_counted))
