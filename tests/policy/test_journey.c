/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the operator's text to the fate of a packet: settings, snapshot,
 * classification, and the three stages that need no flows, in their order.
 */
#include "settings_rig.h"

static const char text[] =
	"version = 1;\n"
	"links = (\n"
	"{ name = \"uplink\"; external = \"veth0\"; internal = \"veth1\"; } );\n"
	"routers = [ \"198.51.100.1\", \"198.51.100.2\" ];\n"
	"lists = (\n"
	"{ name = \"probes\"; action = \"allow\"; prefixes = [ \"192.0.2.10/32\" ]; },\n"
	"{ name = \"bad\"; action = \"deny\";\n"
	"  prefixes = [ \"192.0.2.0/24\", \"2001:db8:bad::/48\" ]; } );\n"
	"policies = (\n"
	"{ name = \"default\"; mode = \"mitigate\";\n"
	"  wiretalk = { ethertypes = \"deny\"; }; },\n"
	"{ name = \"web\"; mode = \"mitigate\";\n"
	"  sanity = { private_sources = \"deny\"; }; },\n"
	"{ name = \"lab\"; extends = \"web\";\n"
	"  sanity = { private_sources = \"allow\"; }; } );\n"
	"services = (\n"
	"{ name = \"shop\"; prefixes = [ \"203.0.113.10\", \"2001:db8:a::10\" ];\n"
	"  protocol = \"tcp\"; ports = [ \"80\", \"443\" ]; policy = \"web\"; },\n"
	"{ name = \"lab\"; prefixes = [ \"203.0.113.0/24\" ]; policy = \"lab\"; } );\n";

static const char *const stages[] = { "wiretalk", "sanity", "lists" };

struct packet {
	const char *src, *dst;
	uint8_t proto;
	uint16_t src_port, dst_port;
	uint8_t tcp_flags;
	const char *service, *fate;
};

static const struct packet packets[] = {
	/* customers */
	{ "198.51.100.77", "203.0.113.10", PROTO_TCP, 40000, 443, TCP_SYN, "shop",
	  "passed" },
	{ "2001:db8:cc::1", "2001:db8:a::10", PROTO_TCP, 40000, 80, TCP_ACK, "shop",
	  "passed" },
	{ "198.51.100.77", "203.0.113.10", PROTO_UDP, 40000, 443, 0, "lab", "passed" },
	/* the wire's own talk, even though its addresses are nobody's */
	{ "198.51.100.1", "198.51.100.2", PROTO_TCP, 40000, 179, TCP_ACK, "default",
	  "exempt" },
	/* what cannot be */
	{ "198.51.100.77", "203.0.113.10", PROTO_TCP, 40000, 443, TCP_SYN | TCP_FIN,
	  "shop", "sanity.syn_fin" },
	{ "2001:db8:cc::1", "2001:db8:a::10", PROTO_TCP, 40000, 80, 0, "shop",
	  "sanity.no_flags" },
	{ "127.0.0.1", "203.0.113.99", PROTO_UDP, 53, 53, 0, "lab",
	  "sanity.bogon_source" },
	/* each policy has keys of its own, and inherits the others */
	{ "10.1.2.3", "203.0.113.10", PROTO_TCP, 40000, 443, TCP_SYN, "shop",
	  "sanity.private_source" },
	{ "10.1.2.3", "203.0.113.99", PROTO_TCP, 40000, 443, TCP_SYN, "lab", "passed" },
	/* lists */
	{ "192.0.2.11", "203.0.113.10", PROTO_TCP, 40000, 443, TCP_SYN, "shop",
	  "lists.denied" },
	{ "192.0.2.10", "203.0.113.10", PROTO_TCP, 40000, 443, TCP_SYN, "shop",
	  "exempt" },
	{ "2001:db8:bad::1", "2001:db8:a::10", PROTO_TCP, 40000, 80, TCP_SYN, "shop",
	  "lists.denied" },
	/* an allow list does not make the impossible possible */
	{ "192.0.2.10", "203.0.113.10", PROTO_TCP, 40000, 443, 0, "shop",
	  "sanity.no_flags" },
	/* what nobody claims is forwarded unjudged */
	{ "192.0.2.11", "198.18.0.1", PROTO_TCP, 40000, 443, 0, "default", "passed" },
	{ "2001:db8:cc::1", "2001:db8:a::10", PROTO_UDP, 1, 53, 0, "default", "passed" },
};

#define PACKETS (sizeof(packets) / sizeof(*packets))

static struct burst burst;

static void
fill(struct facts *f, const struct packet *k)
{
	struct prefix src, dst;

	CU_ASSERT_EQUAL_FATAL(prefix_parse(k->src, &src), 0);
	CU_ASSERT_EQUAL_FATAL(prefix_parse(k->dst, &dst), 0);
	memcpy(f->src, src.address, sizeof(f->src));
	memcpy(f->dst, dst.address, sizeof(f->dst));
	f->flags = (uint16_t)(FACT_IP | (strchr(k->src, ':') != NULL ? FACT_IPV6 : 0));
	f->proto = k->proto;
	f->src_port = k->src_port;
	f->dst_port = k->dst_port;
	f->tcp_flags = k->tcp_flags;
	f->frame_len = 60;
	f->ttl = 57;
}

/* Run one stage over what still travels and may be judged by it. */
static void
run_stage(const struct policies *p, unsigned int s)
{
	static uint64_t hits[STAGE_HITS];
	const struct stage_env env = { .workers = 1, .hits = hits };
	uint64_t todo = 0;
	void *state = NULL;
	unsigned int i;

	LANES_FOREACH (i, burst.live & ~burst.exempt)
		if (p->policy[burst.policy[i]].stages & UINT32_C(1) << s)
			todo |= lane_bit(i);
	if (stage_list[s]->open != NULL)
		CU_ASSERT_EQUAL_FATAL(stage_list[s]->open(&state, &env), 0);
	stage_list[s]->decide(state, &p->view[s], &burst, todo);
	LANES_FOREACH (i, todo & ~burst.live)
		burst.stage[i] = (uint8_t)s;
	if (stage_list[s]->close != NULL)
		stage_list[s]->close(state);
}

static void
run(const struct policies *p)
{
	for (size_t n = 0; n < sizeof(stages) / sizeof(*stages); n++)
		for (unsigned int s = 0; s < stage_count; s++)
			if (strcmp(stage_list[s]->name, stages[n]) == 0)
				run_stage(p, s);
}

static const char *
fate(unsigned int lane)
{
	static char name[64];
	const struct stage *s = stage_list[burst.stage[lane]];

	if (burst.verdict[lane] == VERDICT_PASS)
		return burst.exempt & lane_bit(lane) ? "exempt" : "passed";
	snprintf(name, sizeof(name), "%s.%s", s->name,
	         s->reasons[burst.reason[lane]].name);
	return name;
}

static struct policies *
snapshot(void)
{
	struct conf_errors errors = { 0 };
	struct settings *s = NULL;
	struct policies *p = NULL;
	int status = settings_read_text(text, strlen(text), "journey.conf", &s, &errors);

	if (status == 0)
		status = policy_build(s, NULL, NULL, &p, &errors);
	conf_errors_print(&errors, stderr);
	CU_ASSERT_EQUAL_FATAL(status, 0);
	conf_errors_free(&errors);
	/* The snapshot stands on its own. */
	settings_free(s);
	return p;
}

static void
each_packet_meets_its_policy_and_its_stage(void)
{
	struct policies *p = snapshot();

	memset(&burst, 0, sizeof(burst));
	burst_start(&burst, 1, 0, SIDE_EXTERNAL);
	burst.count = PACKETS + 1;
	burst.live = lanes_first(PACKETS + 1);
	for (size_t i = 0; i < PACKETS; i++)
		fill(&burst.facts[i], &packets[i]);
	burst.facts[PACKETS].ethertype = 0x88f7;
	burst.facts[PACKETS].frame_len = 60;

	burst_describe(&burst);
	policy_classify(p, &burst);
	run(p);
	for (unsigned int i = 0; i < PACKETS; i++) {
		CU_ASSERT_STRING_EQUAL(p->service[burst.service[i]].name,
		                       packets[i].service);
		CU_ASSERT_STRING_EQUAL(fate(i), packets[i].fate);
	}
	CU_ASSERT_STRING_EQUAL(fate(PACKETS), "wiretalk.ethertype");
	policy_free(p);
}

SUITE_MAIN("journey", TEST(each_packet_meets_its_policy_and_its_stage))
