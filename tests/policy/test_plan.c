/* SPDX-License-Identifier: BSD-3-Clause */
/* Which cell counts which address: exactly, the same after a reload, and never twice. */
#include "policy/policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "settings_rig.h"

static struct settings_rig rig;
static struct burst burst;
static struct aggregates worker;

/* The cell of an address under a plan, network or address; 0: the bin. */
struct cells {
	uint32_t address, network;
};

static void
address_of(const char *text, uint8_t out[16])
{
	struct prefix p;

	CU_ASSERT_EQUAL_FATAL(prefix_parse(text, &p), 0);
	memcpy(out, p.address, 16);
}

/* Count one packet to the address; the cells it went to tell themselves by their counts. */
static struct cells
count_one(const struct policies *p, const char *to)
{
	struct cells found = { 0 };

	memset(worker.address, 0, worker.addresses * sizeof(*worker.address));
	burst_start(&burst, 1000, 0, SIDE_EXTERNAL);
	burst.count = 1;
	burst.live = 1;
	burst.facts[0] = (struct facts){ 0 };
	burst.facts[0].flags = FACT_IP;
	address_of(to, burst.facts[0].dst);
	if (strchr(to, ':') != NULL)
		burst.facts[0].flags |= FACT_IPV6;
	burst.facts[0].proto = PROTO_UDP;
	burst.facts[0].frame_len = 100;
	burst.facts[0].vector = VECTOR_UDP_FLOOD;
	burst.groups = 1;
	burst.group[0] = (struct burst_group){ .lanes = 1, .slot = VECTOR_UDP_FLOOD };
	burst_describe(&burst);
	policy_classify(p, &burst);
	aggregate_arrive(&worker, p->plan, &burst);
	for (uint32_t i = 0; i < worker.addresses; i++)
		if (worker.address[i].vector[VECTOR_UDP_FLOOD].packets == 1)
			found.address = i;
	found.network = worker.lane_network[0];
	return found;
}

static void
settings_with(uint64_t addresses, uint64_t networks)
{
	rig_settings(&rig);
	rig.s.addresses = addresses;
	rig.s.networks = networks;
	CU_ASSERT_EQUAL_FATAL(aggregate_open(&worker, addresses, networks), 0);
}

static void
done(struct policies *p)
{
	policy_free(p);
	rig_settings_free(&rig);
	aggregate_close(&worker);
}

/* What the plan says of a cell is where its packets come from. */
static void
check_told(const struct policies *p, const char *address)
{
	const struct aggregate_plan *plan = p->plan;
	struct cells c = count_one(p, address);
	const struct aggregate_span *span;
	struct prefix told = { 0 };
	uint8_t wanted[16];

	address_of(address, wanted);
	span = aggregate_span_of(plan->network_span, plan->network_spans, c.network);
	CU_ASSERT_PTR_NOT_NULL_FATAL(span);
	told.len = aggregate_part(span, c.network, told.address);
	CU_ASSERT_EQUAL(told.len, prefix_is_ipv4(&told) ? 120 : 48);
	CU_ASSERT_TRUE(prefix_holds(&told, wanted));
	if (c.address == 0)
		return;
	span = aggregate_span_of(plan->address_span, plan->address_spans, c.address);
	CU_ASSERT_PTR_NOT_NULL_FATAL(span);
	told.len = aggregate_part(span, c.address, told.address);
	CU_ASSERT_TRUE(prefix_holds(&told, wanted));
}

static void
every_address_has_a_cell_of_its_own(void)
{
	static const struct {
		const char *address;
		bool is_counted;
	} cases[] = {
		{ "203.0.112.0", true },       { "203.0.112.255", true },
		{ "203.0.113.7", true },       { "203.0.115.255", true },
		{ "192.0.2.9", true },         { "192.0.2.10", true },
		{ "2001:db8:1:2::", true },    { "2001:db8:1:2::ff", true },
		{ "2001:db8:2:100::1", true }, { "2001:db8:2:1ff::1", true },
		{ "2001:db8:3::1", false },    { "2001:db8:3:ffff::1", false },
		{ "2001:db8:4:1:1::1", true },
	};
	struct cells seen[16];
	struct policies *p;

	settings_with(4096, 64);
	rig_service(&rig, "a", "203.0.112.0/22", "any");
	rig_service(&rig, "within", "203.0.113.7", "any");
	rig_service(&rig, "b", "192.0.2.8/30", "any");
	rig_service(&rig, "c", "2001:db8:1:2::/120", "any");
	rig_service(&rig, "d", "2001:db8:2:100::/56", "any");
	rig_service(&rig, "e", "2001:db8:3::/48", "any");
	rig_service(&rig, "f", "2001:db8:4:1:1::/80", "any");
	p = rig_build(&rig, NULL, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		seen[i] = count_one(p, cases[i].address);
		CU_ASSERT_EQUAL(seen[i].address != 0, cases[i].is_counted);
		CU_ASSERT(seen[i].network != 0);
		for (size_t k = 0; k < i; k++)
			CU_ASSERT(seen[i].address == 0 ||
			          seen[k].address != seen[i].address);
		check_told(p, cases[i].address);
	}
	CU_ASSERT_EQUAL(seen[0].network, seen[1].network);
	CU_ASSERT_EQUAL(seen[2].network, seen[0].network + 1);
	CU_ASSERT_EQUAL(count_one(p, "198.51.100.1").network, 0);
	done(p);
}

/* The smaller prefixes are counted by address, the larger by network, the rest not apart. */
static void
what_does_not_fit_is_counted_more_coarsely(void)
{
	struct policies *p;

	settings_with(300, 5);
	rig_service(&rig, "big", "10.0.0.0/16", "any");
	rig_service(&rig, "small", "203.0.113.0/24", "any");
	rig_service(&rig, "middle", "198.18.0.0/22", "any");
	p = rig_build(&rig, NULL, NULL);
	CU_ASSERT(count_one(p, "203.0.113.255").address != 0);
	CU_ASSERT_EQUAL(count_one(p, "198.18.3.1").address, 0);
	CU_ASSERT(count_one(p, "198.18.3.1").network != 0);
	CU_ASSERT_EQUAL(count_one(p, "10.0.7.1").network, 0);
	done(p);
}

static void
a_reload_keeps_the_cells_of_what_stays(void)
{
	static const char *const stays[] = { "203.0.113.5", "192.0.2.1",
		                             "2001:db8:1::9" };
	struct cells before[3], after, gone;
	struct policies *one, *two, *three;

	settings_with(1024, 16);
	rig_service(&rig, "a", "203.0.113.0/24", "any");
	rig_service(&rig, "gone", "198.51.100.0/24", "any");
	rig_service(&rig, "b", "192.0.2.0/24", "any");
	rig_service(&rig, "c", "2001:db8:1::/120", "any");
	one = rig_build(&rig, NULL, NULL);
	for (int i = 0; i < 3; i++)
		before[i] = count_one(one, stays[i]);
	gone = count_one(one, "198.51.100.7");
	rig_settings_free(&rig);

	/* Another order, another owner, one prefix less and a new one. */
	rig_settings(&rig);
	rig.s.addresses = 1024;
	rig.s.networks = 16;
	rig_service(&rig, "fresh", "198.18.0.0/24", "any");
	rig_service(&rig, "z", "192.0.2.0/24", "any");
	rig_service(&rig, "c", "2001:db8:1::/120", "any");
	rig_service(&rig, "a", "203.0.113.0/24", "any");
	two = rig_build(&rig, one, NULL);
	policy_free(one);
	for (int i = 0; i < 3; i++) {
		after = count_one(two, stays[i]);
		CU_ASSERT_EQUAL(after.address, before[i].address);
		CU_ASSERT_EQUAL(after.network, before[i].network);
	}
	/* A worker may still count for `gone` in its old cells: nobody else has them. */
	CU_ASSERT_EQUAL(count_one(two, "198.18.0.7").address, 0);
	CU_ASSERT_NOT_EQUAL(count_one(two, "198.18.0.7").network, gone.network);

	/* With the next reload they are free. */
	three = rig_build(&rig, two, NULL);
	policy_free(two);
	CU_ASSERT_EQUAL(count_one(three, "198.18.0.7").address, gone.address);
	done(three);
}

/* Of two services in one network the first in the file with a limit says which. */
static void
a_network_has_one_owner(void)
{
	struct settings_policy *limited;
	struct cells c;
	struct policies *p;

	settings_with(1024, 16);
	rig_service(&rig, "first", "203.0.113.8/29", "any");
	rig_service(&rig, "second", "203.0.113.16/29", "any");
	limited = &rig.policy[2];
	limited->vector[VECTOR_UDP_FLOOD].written = true;
	limited->vector[VECTOR_UDP_FLOOD].network = (struct conf_rate){ 2000, false };
	free(rig.service[1].policy);
	rig.service[1].policy = strdup("strict");
	p = rig_build(&rig, NULL, NULL);
	c = count_one(p, "203.0.113.9");
	CU_ASSERT_EQUAL(c.network, count_one(p, "203.0.113.17").network);
	CU_ASSERT_EQUAL(p->plan->network[c.network].service, rig_id(p, "second"));
	CU_ASSERT_EQUAL_FATAL(p->plan->network[c.network].rule != NULL, true);
	CU_ASSERT_EQUAL(p->plan->network[c.network].rule[VECTOR_UDP_FLOOD].max.per_second,
	                2000);
	done(p);
}

/* A plan made for more cells than the worker has must not reach beyond them. */
static void
a_worker_with_fewer_cells_counts_nothing(void)
{
	struct policies *p;

	settings_with(1024, 16);
	aggregate_close(&worker);
	CU_ASSERT_EQUAL_FATAL(aggregate_open(&worker, 8, 16), 0);
	rig_service(&rig, "a", "203.0.113.0/24", "any");
	p = rig_build(&rig, NULL, NULL);
	CU_ASSERT_EQUAL(count_one(p, "203.0.113.200").address, 0);
	CU_ASSERT_EQUAL(worker.address[0].vector[VECTOR_UDP_FLOOD].packets, 0);
	done(p);
}

SUITE_MAIN("plan", TEST(every_address_has_a_cell_of_its_own),
           TEST(what_does_not_fit_is_counted_more_coarsely),
           TEST(a_reload_keeps_the_cells_of_what_stays), TEST(a_network_has_one_owner),
           TEST(a_worker_with_fewer_cells_counts_nothing))
