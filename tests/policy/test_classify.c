/* SPDX-License-Identifier: BSD-3-Clause */
/* Which service owns a packet: prefixes, ports, protocols, what is hidden. */
#include "settings_rig.h"

static struct settings_rig rig;
static struct burst burst;

struct packet {
	const char *src, *dst;
	uint8_t proto;
	uint16_t src_port, dst_port;
	uint16_t flags; /* besides FACT_IP and FACT_IPV6 */
	uint8_t fault;
};

static void
address(const char *text, uint8_t out[16])
{
	struct prefix p;

	CU_ASSERT_EQUAL_FATAL(prefix_parse(text, &p), 0);
	memcpy(out, p.address, 16);
}

/* Name of the service that a packet from `side` belongs to. */
static const char *
owner(const struct policies *p, enum side side, const struct packet *k)
{
	struct facts *f = &burst.facts[0];

	memset(&burst, 0, sizeof(burst));
	burst_start(&burst, 1, 0, side);
	burst.count = 1;
	burst.live = 1;
	address(k->src, f->src);
	address(k->dst, f->dst);
	f->flags = (uint16_t)(FACT_IP | (strchr(k->src, ':') ? FACT_IPV6 : 0) | k->flags);
	f->proto = k->proto;
	f->src_port = k->src_port;
	f->dst_port = k->dst_port;
	f->fault = k->fault;
	burst.service[0] = burst.policy[0] = 77;
	burst_describe(&burst);
	policy_classify(p, &burst);
	CU_ASSERT_EQUAL(burst.policy[0], p->service[burst.service[0]].policy);
	return p->service[burst.service[0]].name;
}

static const char *
owner_of(const struct policies *p, const char *dst, uint8_t proto, uint16_t dst_port)
{
	const char *src = strchr(dst, ':') ? "2001:db8:cc::1" : "192.0.2.1";
	const bool has_ports = proto == PROTO_TCP || proto == PROTO_UDP;
	const struct packet k = { src,         dst,
		                  proto,       has_ports ? 40000 : 0,
		                  dst_port,    has_ports ? 0 : FACT_NO_PORTS,
		                  PACKET_SOUND };
	const char *name = owner(p, SIDE_EXTERNAL, &k);
	uint8_t bytes[16];

	/* The slow path says the same. */
	address(dst, bytes);
	CU_ASSERT_STRING_EQUAL(
		p->service[policy_service_of(p, bytes, proto, dst_port)].name, name);
	return name;
}

/* The later a rule stands here, the more specific it is. */
static struct policies *
layered(void)
{
	rig_settings(&rig);
	rig_service(&rig, "world", "0.0.0.0/0", "any");
	rig_service(&rig, "net-any", "203.0.113.0/24", "any");
	rig_service(&rig, "net-tcp", "203.0.113.0/24", "tcp");
	rig_service(&rig, "net-range", "203.0.113.0/24", "tcp 1-60000");
	rig_service(&rig, "net-narrow", "203.0.113.0/24", "tcp 8000-8099");
	rig_service(&rig, "net-8080", "203.0.113.0/24", "tcp 8080");
	rig_service(&rig, "net-ping", "203.0.113.0/24", "icmp");
	rig_service(&rig, "net-gre", "203.0.113.0/24", "47");
	rig_service(&rig, "shop", "203.0.113.10/32", "tcp 443 80");
	rig_service(&rig, "world6", "::/0", "any");
	rig_service(&rig, "net6-ping", "2001:db8:a::/48", "icmp");
	rig_service(&rig, "net6-dns", "2001:db8:a::/48", "udp 53");
	rig_service(&rig, "shop6", "2001:db8:a::10/128", "tcp 443 80");
	return rig_build(&rig, NULL, NULL);
}

static void
the_most_specific_prefix_then_ports_then_protocol_decide(void)
{
	static const struct {
		const char *dst;
		uint8_t proto;
		uint16_t port;
		const char *service;
	} cases[] = {
		{ "203.0.113.10", PROTO_TCP, 443, "shop" },
		{ "203.0.113.10", PROTO_TCP, 80, "shop" },
		{ "203.0.113.10", PROTO_TCP, 81, "net-range" },
		{ "203.0.113.10", PROTO_TCP, 8080, "net-8080" },
		{ "203.0.113.10", PROTO_UDP, 443, "net-any" },
		{ "203.0.113.11", PROTO_TCP, 443, "net-range" },
		{ "203.0.113.11", PROTO_TCP, 7999, "net-range" },
		{ "203.0.113.11", PROTO_TCP, 8000, "net-narrow" },
		{ "203.0.113.11", PROTO_TCP, 8079, "net-narrow" },
		{ "203.0.113.11", PROTO_TCP, 8080, "net-8080" },
		{ "203.0.113.11", PROTO_TCP, 8081, "net-narrow" },
		{ "203.0.113.11", PROTO_TCP, 8099, "net-narrow" },
		{ "203.0.113.11", PROTO_TCP, 8100, "net-range" },
		{ "203.0.113.11", PROTO_TCP, 1, "net-range" },
		{ "203.0.113.11", PROTO_TCP, 60000, "net-range" },
		{ "203.0.113.11", PROTO_TCP, 60001, "net-tcp" },
		{ "203.0.113.11", PROTO_TCP, 65535, "net-tcp" },
		{ "203.0.113.11", PROTO_ICMP, 0, "net-ping" },
		{ "203.0.113.11", PROTO_GRE, 0, "net-gre" },
		{ "203.0.113.11", PROTO_ESP, 0, "net-any" },
		{ "198.51.100.1", PROTO_TCP, 443, "world" },
		{ "2001:db8:a::10", PROTO_TCP, 443, "shop6" },
		{ "2001:db8:a::10", PROTO_UDP, 53, "net6-dns" },
		{ "2001:db8:a::10", PROTO_TCP, 22, "world6" },
		{ "2001:db8:a::11", PROTO_ICMPV6, 0, "net6-ping" },
		{ "2001:db8:b::1", PROTO_UDP, 53, "world6" },
	};
	struct policies *p = layered();

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CU_ASSERT_STRING_EQUAL(
			owner_of(p, cases[i].dst, cases[i].proto, cases[i].port),
			cases[i].service);
	policy_free(p);
	rig_settings_free(&rig);
}

static void
what_leaves_belongs_to_its_source(void)
{
	static const struct packet answer = { "203.0.113.10", "192.0.2.1", PROTO_TCP, 443,
		                              40000,          0,           0 };
	static const struct packet query = {
		"203.0.113.10", "203.0.113.11", PROTO_TCP, 40000, 8080, 0, 0
	};
	struct policies *p = layered();

	CU_ASSERT_STRING_EQUAL(owner(p, SIDE_INTERNAL, &answer), "shop");
	CU_ASSERT_STRING_EQUAL(owner(p, SIDE_EXTERNAL, &answer), "world");
	CU_ASSERT_STRING_EQUAL(owner(p, SIDE_EXTERNAL, &query), "net-8080");
	CU_ASSERT_STRING_EQUAL(owner(p, SIDE_INTERNAL, &query), "net-range");
	policy_free(p);
	rig_settings_free(&rig);
}

#define REST (FACT_FRAGMENT | FACT_FRAG_REST | FACT_NO_PORTS)

static void
later_fragments_match_without_ports(void)
{
	static const struct {
		struct packet k;
		const char *service;
	} cases[] = {
		/* No rule for all of UDP: the first with ports. */
		{ { "192.0.2.1", "203.0.113.20", PROTO_UDP, 0, 0, REST, 0 }, "games" },
		/* TCP as a whole is a service. */
		{ { "192.0.2.1", "203.0.113.20", PROTO_TCP, 0, 0, REST, 0 }, "tcp" },
		/* Any protocol is a service without ports, too. */
		{ { "192.0.2.1", "203.0.113.21", PROTO_TCP, 0, 0, REST, 0 }, "any" },
		{ { "192.0.2.1", "203.0.113.21", PROTO_GRE, 0, 0, REST, 0 }, "any" },
		/* Nobody here speaks GRE. */
		{ { "192.0.2.1", "203.0.113.20", PROTO_GRE, 0, 0, REST, 0 }, "default" },
	};
	struct policies *p;

	rig_settings(&rig);
	rig_service(&rig, "wide", "203.0.113.20/32", "udp 20000-30000");
	rig_service(&rig, "games", "203.0.113.20/32", "udp 27015");
	rig_service(&rig, "web", "203.0.113.20/32", "tcp 443");
	rig_service(&rig, "tcp", "203.0.113.20/32", "tcp");
	rig_service(&rig, "ssh", "203.0.113.21/32", "tcp 22");
	rig_service(&rig, "any", "203.0.113.21/32", "any");
	p = rig_build(&rig, NULL, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CU_ASSERT_STRING_EQUAL(owner(p, SIDE_EXTERNAL, &cases[i].k),
		                       cases[i].service);
	policy_free(p);
	rig_settings_free(&rig);
}

/* To a protected address, being unreadable is no way around its policy. */
static void
what_hides_its_protocol_goes_to_the_first_service_of_the_prefix(void)
{
	static const struct {
		struct packet k;
		const char *service;
	} cases[] = {
		{ { "2001:db8:cc::1", "2001:db8:a::10", PROTO_DSTOPTS, 0, 0,
		    FACT_NO_PORTS, PACKET_TOO_DEEP },
		  "shop6" },
		{ { "2001:db8:cc::1", "2001:db8:a::10", PROTO_DSTOPTS, 0, 0, REST, 0 },
		  "shop6" },
		{ { "192.0.2.1", "203.0.113.30", PROTO_UDP, 0, 0, FACT_NO_PORTS,
		    PACKET_BAD_IP_CHECKSUM },
		  "shop" },
		{ { "192.0.2.1", "203.0.113.30", PROTO_UDP, 0, 0, FACT_NO_PORTS,
		    PACKET_SOUND },
		  "default" },
		{ { "192.0.2.1", "203.0.113.31", PROTO_UDP, 0, 0, FACT_NO_PORTS,
		    PACKET_BAD_IP_CHECKSUM },
		  "default" },
	};
	struct policies *p;

	rig_settings(&rig);
	rig_service(&rig, "shop", "203.0.113.30/32", "tcp 443");
	rig_service(&rig, "shop6", "2001:db8:a::10/128", "tcp 443");
	p = rig_build(&rig, NULL, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CU_ASSERT_STRING_EQUAL(owner(p, SIDE_EXTERNAL, &cases[i].k),
		                       cases[i].service);
	policy_free(p);
	rig_settings_free(&rig);
}

static void
of_equal_rules_the_first_in_the_file_wins(void)
{
	struct policies *p;

	rig_settings(&rig);
	rig_service(&rig, "first", "203.0.113.10/32", "tcp 443");
	rig_service(&rig, "second", "203.0.113.10/32", "tcp 443 444");
	rig_service(&rig, "third", "203.0.113.10/32", "tcp");
	rig_service(&rig, "fourth", "203.0.113.10/32", "tcp");
	p = rig_build(&rig, NULL, NULL);
	CU_ASSERT_STRING_EQUAL(owner_of(p, "203.0.113.10", PROTO_TCP, 443), "first");
	CU_ASSERT_STRING_EQUAL(owner_of(p, "203.0.113.10", PROTO_TCP, 444), "second");
	CU_ASSERT_STRING_EQUAL(owner_of(p, "203.0.113.10", PROTO_TCP, 445), "third");
	policy_free(p);
	rig_settings_free(&rig);
}

/* 1,000 services: 500 addresses of their own, 500 ports of one address. */
static void
a_thousand_services_are_told_apart(void)
{
	struct policies *p;
	char name[32], prefix[64], what[32];

	rig_settings(&rig);
	for (unsigned int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "host-%u", i);
		snprintf(prefix, sizeof(prefix), i % 2 ? "2001:db8:a::%x" : "10.0.%u.%u",
		         i % 2 ? i : i / 256, i % 256);
		rig_service(&rig, name, prefix, "any");
	}
	for (unsigned int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "port-%u", i);
		snprintf(what, sizeof(what), "udp %u-%u", 1000 + i * 10,
		         1000 + i * 10 + 4);
		rig_service(&rig, name, "203.0.113.10/32", what);
	}
	p = rig_build(&rig, NULL, NULL);
	CU_ASSERT_EQUAL(p->n_services, 1001);
	for (unsigned int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "host-%u", i);
		snprintf(prefix, sizeof(prefix), i % 2 ? "2001:db8:a::%x" : "10.0.%u.%u",
		         i % 2 ? i : i / 256, i % 256);
		CU_ASSERT_STRING_EQUAL(owner_of(p, prefix, PROTO_TCP, 80), name);
		snprintf(name, sizeof(name), "port-%u", i);
		for (uint16_t k = 0; k < 10; k++)
			CU_ASSERT_STRING_EQUAL(owner_of(p, "203.0.113.10", PROTO_UDP,
			                                (uint16_t)(1000 + i * 10 + k)),
			                       k <= 4 ? name : "default");
	}
	policy_free(p);
	rig_settings_free(&rig);
}

/* A slow twin: the first service, by the order that the header promises. */
static unsigned int
twin(const struct settings_rig *r, const uint8_t to[16], uint16_t port)
{
	unsigned int best = 0, best_len = 0, best_width = 0;

	for (size_t i = 0; i < r->s.services.count; i++) {
		const struct settings_service *s = &r->service[i];
		struct prefix p;
		unsigned int width = 65537; /* the protocol without ports */

		memcpy(&p, &s->prefixes.prefix[0], sizeof(p));
		if (!prefix_holds(&p, to))
			continue;
		if (strcmp(s->protocol, "any") == 0)
			width = 65538;
		if (s->ports.count > 0) {
			if (port < s->ports.range[0].first ||
			    port > s->ports.range[0].last)
				continue;
			width = s->ports.range[0].last - s->ports.range[0].first + 1u;
		}
		if (best == 0 || p.len > best_len ||
		    (p.len == best_len && width < best_width)) {
			best = (unsigned int)i + 1;
			best_len = p.len;
			best_width = width;
		}
	}
	return best;
}

static void
random_overlaps_are_decided_as_the_twin_decides(void)
{
	static const char *const prefixes[] = { "203.0.113.0/24", "203.0.113.0/28",
		                                "203.0.113.8/29", "203.0.113.8",
		                                "203.0.0.0/16",   "203.0.113.9" };
	unsigned int seed = 3;

	for (int round = 0; round < 30; round++) {
		struct policies *p;

		rig_settings(&rig);
		for (int i = 0; i < 40; i++) {
			unsigned int a = (unsigned int)rand_r(&seed) % 100,
				     b = a + (unsigned int)rand_r(&seed) % 40;
			char name[16], what[32];

			snprintf(name, sizeof(name), "s%d", i);
			if (i % 10 == 8)
				snprintf(what, sizeof(what), "any");
			else if (i % 10 == 9)
				snprintf(what, sizeof(what), "tcp");
			else
				snprintf(what, sizeof(what), "tcp %u-%u", 1 + a, 1 + b);
			rig_service(&rig, name, prefixes[(unsigned int)rand_r(&seed) % 6],
			            what);
		}
		p = rig_build(&rig, NULL, NULL);
		for (uint16_t port = 1; port < 150; port++) {
			uint8_t to[16];
			unsigned int want;

			address(port % 3 == 0   ? "203.0.113.8"
			        : port % 3 == 1 ? "203.0.113.9"
			                        : "203.0.113.100",
			        to);
			want = twin(&rig, to, port);
			CU_ASSERT_STRING_EQUAL(
				p->service[policy_service_of(p, to, PROTO_TCP, port)]
					.name,
				want == 0 ? "default" : rig.service[want - 1].name);
		}
		policy_free(p);
		rig_settings_free(&rig);
	}
}

static void
frames_without_ip_and_strangers_belong_to_service_0(void)
{
	struct policies *p;
	uint8_t bytes[16];

	rig_settings(&rig);
	rig_service(&rig, "shop", "203.0.113.10/32", "tcp 443");
	p = rig_build(&rig, NULL, NULL);
	memset(&burst, 0, sizeof(burst));
	burst.count = 2;
	burst.facts[0].ethertype = 0x0806;
	/* The address alone makes no IP packet. */
	address("203.0.113.10", burst.facts[0].dst);
	burst.facts[1] = burst.facts[0];
	burst.facts[1].flags = FACT_IP;
	burst.facts[1].proto = PROTO_TCP;
	burst.facts[1].dst_port = 443;
	burst.service[0] = 5;
	burst_describe(&burst);
	policy_classify(p, &burst);
	CU_ASSERT_EQUAL(burst.service[0], 0);
	CU_ASSERT_EQUAL(burst.policy[0], 0);
	CU_ASSERT_EQUAL(burst.service[1], rig_id(p, "shop"));

	CU_ASSERT(policy_protects(p, burst.facts[0].dst));
	address("203.0.113.11", bytes);
	CU_ASSERT(!policy_protects(p, bytes));
	CU_ASSERT_EQUAL(policy_service_of(p, bytes, PROTO_TCP, 443), 0);
	address("203.0.113.10", bytes);
	CU_ASSERT_EQUAL(policy_service_of(p, bytes, PROTO_UDP, 443), 0);
	CU_ASSERT_EQUAL(policy_service_of(p, bytes, -1, 0), rig_id(p, "shop"));
	policy_free(p);

	/* Without any service nothing is protected. */
	rig_settings_free(&rig);
	rig_settings(&rig);
	p = rig_build(&rig, NULL, NULL);
	CU_ASSERT(!policy_protects(p, bytes));
	burst_describe(&burst);
	policy_classify(p, &burst);
	CU_ASSERT_EQUAL(burst.service[1], 0);
	policy_free(p);
	rig_settings_free(&rig);
}

SUITE_MAIN("classify", TEST(the_most_specific_prefix_then_ports_then_protocol_decide),
           TEST(what_leaves_belongs_to_its_source),
           TEST(later_fragments_match_without_ports),
           TEST(what_hides_its_protocol_goes_to_the_first_service_of_the_prefix),
           TEST(of_equal_rules_the_first_in_the_file_wins),
           TEST(a_thousand_services_are_told_apart),
           TEST(random_overlaps_are_decided_as_the_twin_decides),
           TEST(frames_without_ip_and_strangers_belong_to_service_0))
