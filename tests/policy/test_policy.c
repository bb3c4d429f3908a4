/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots: ids that last, modes, thresholds, lists with time, all or nothing. */
#include "policy/list_set.h"
#include "policy/policy.h"

#include <errno.h>

#include "settings_rig.h"

#define SECOND UINT64_C(1000000000)

static struct settings_rig rig;

static unsigned int
stage_index(const char *name)
{
	unsigned int s = 0;

	while (s < stage_count && strcmp(stage_list[s]->name, name) != 0)
		s++;
	CU_ASSERT_FATAL(s < stage_count);
	return s;
}

static struct policy_overrides
no_overrides(void)
{
	struct policy_overrides over = { .mode_all = -1 };

	for (unsigned int id = 0; id < SERVICE_MAX; id++)
		over.mode[id] = -1;
	return over;
}

static void
services_keep_their_ids_across_reloads(void)
{
	struct policies *one, *two, *three;

	rig_settings(&rig);
	rig_service(&rig, "a", "203.0.113.1", "any");
	rig_service(&rig, "b", "203.0.113.2", "any");
	rig_service(&rig, "c", "203.0.113.3", "any");
	one = rig_build(&rig, NULL, NULL);
	CU_ASSERT_EQUAL(one->generation, 1);
	CU_ASSERT_EQUAL(rig_id(one, "a"), 1);
	CU_ASSERT_EQUAL(rig_id(one, "c"), 3);
	CU_ASSERT_EQUAL(one->n_services, 4);
	CU_ASSERT_STRING_EQUAL(one->sha256, rig.s.sha256);
	rig_settings_free(&rig);

	/* "a" goes, "d" comes: it may not take the id that `one` still uses. */
	rig_settings(&rig);
	rig_service(&rig, "d", "203.0.113.4", "any");
	rig_service(&rig, "c", "203.0.113.3", "any");
	rig_service(&rig, "b", "203.0.113.22", "any");
	two = rig_build(&rig, one, NULL);
	CU_ASSERT_EQUAL(two->generation, 2);
	CU_ASSERT_EQUAL(rig_id(two, "a"), 0);
	CU_ASSERT_EQUAL(rig_id(two, "b"), 2);
	CU_ASSERT_EQUAL(rig_id(two, "c"), 3);
	CU_ASSERT_EQUAL(rig_id(two, "d"), 4);
	CU_ASSERT_STRING_EQUAL(two->service[1].name, "");
	policy_free(one);
	rig_settings_free(&rig);

	/* Fresh ids first, and "a" comes back as a new one. */
	rig_settings(&rig);
	rig_service(&rig, "a", "203.0.113.1", "any");
	three = rig_build(&rig, two, NULL);
	CU_ASSERT_EQUAL(rig_id(three, "a"), 5);
	policy_free(two);
	policy_free(three);
	rig_settings_free(&rig);
}

static void
many_services(const char *prefix, unsigned int count)
{
	char name[32], address[32];

	rig_settings(&rig);
	for (unsigned int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s%u", prefix, i);
		snprintf(address, sizeof(address), "10.0.%u.%u", i / 256, i % 256);
		rig_service(&rig, name, address, "any");
	}
}

static void
freed_ids_are_reused_once_nobody_uses_them(void)
{
	struct policies *one, *two, *three, *refused = NULL;
	struct conf_errors errors = { 0 };

	many_services("a", SERVICE_MAX - 1);
	one = rig_build(&rig, NULL, NULL);
	CU_ASSERT_EQUAL(one->n_services, SERVICE_MAX);
	rig_settings_free(&rig);

	/* All ids are in use by `one`, so no new name finds one. */
	many_services("b", 1);
	CU_ASSERT_EQUAL(policy_build(&rig.s, one, NULL, &refused, &errors), -EINVAL);
	CU_ASSERT_EQUAL(errors.count, 1);
	CU_ASSERT_PTR_NULL(refused);
	conf_errors_free(&errors);
	rig_settings_free(&rig);

	many_services("a", 10);
	two = rig_build(&rig, one, NULL);
	policy_free(one);
	rig_settings_free(&rig);
	many_services("b", SERVICE_MAX - 11);
	three = rig_build(&rig, two, NULL);
	for (unsigned int id = 1; id <= 10; id++)
		CU_ASSERT_STRING_EQUAL(three->service[id].name, "");
	policy_free(two);
	policy_free(three);
	rig_settings_free(&rig);
}

static void
only_the_wires_own_talk_is_judged_where_no_service_is(void)
{
	struct policies *p;
	uint32_t all = (uint32_t)((UINT64_C(1) << stage_count) - 1);
	unsigned int talk = stage_index("wiretalk");

	rig_settings(&rig);
	p = rig_build(&rig, NULL, NULL);
	CU_ASSERT_EQUAL(p->n_policies, 3);
	CU_ASSERT_EQUAL(p->n_configured, 3);
	CU_ASSERT_EQUAL(p->policy[0].stages, UINT32_C(1) << talk);
	CU_ASSERT_EQUAL(p->policy[1].stages, all);
	CU_ASSERT_STRING_EQUAL(p->policy[2].name, "strict");
	for (unsigned int s = 0; s < stage_count; s++) {
		CU_ASSERT_EQUAL(p->view[s].params[0] != NULL, s == talk);
		CU_ASSERT_PTR_NOT_NULL(p->view[s].params[1]);
		CU_ASSERT_PTR_NULL(p->view[s].params[3]);
	}
	CU_ASSERT_STRING_EQUAL(p->service[0].name, "default");
	CU_ASSERT_EQUAL(p->service[0].policy, 0);
	policy_free(p);
	rig_settings_free(&rig);
}

static void
modes_are_overridden_for_all_and_for_one(void)
{
	static const int web_then_strict[] = { POLICY_MONITOR, POLICY_MITIGATE };
	struct policy_overrides over = no_overrides();
	unsigned int sanity = stage_index("sanity");
	struct policies *p;

	rig_settings(&rig);
	rig_service(&rig, "a", "203.0.113.1", "any");
	rig_service(&rig, "b", "203.0.113.2", "any");
	rig_service(&rig, "c", "203.0.113.3", "any");
	free(rig.service[2].policy);
	rig.service[2].policy = strdup("strict");

	p = rig_build(&rig, NULL, &over);
	CU_ASSERT_EQUAL(p->policy[p->service[1].policy].mode, POLICY_MONITOR);
	CU_ASSERT_EQUAL(p->policy[p->service[3].policy].mode, POLICY_MITIGATE);
	policy_free(p);

	over.mode_all = POLICY_LEARN;
	p = rig_build(&rig, NULL, &over);
	for (unsigned int id = 0; id <= 3; id++)
		CU_ASSERT_EQUAL(p->policy[p->service[id].policy].mode, POLICY_LEARN);
	policy_free(p);

	/* One service of two under "web", and back to what is configured by its own mode. */
	over = no_overrides();
	over.mode[2] = POLICY_MITIGATE;
	over.mode[1] = POLICY_MITIGATE;
	over.mode[0] = POLICY_MITIGATE;
	p = rig_build(&rig, NULL, &over);
	CU_ASSERT_EQUAL(p->n_configured, 3);
	CU_ASSERT_EQUAL(p->n_policies, 4);
	CU_ASSERT_EQUAL(p->policy[0].mode, POLICY_MITIGATE);
	CU_ASSERT_EQUAL(p->service[2].policy, 3);
	CU_ASSERT_EQUAL(p->service[1].policy, 3);
	CU_ASSERT_STRING_EQUAL(p->policy[3].name, "web");
	CU_ASSERT_EQUAL(p->policy[3].mode, POLICY_MITIGATE);
	CU_ASSERT_PTR_EQUAL(p->view[sanity].params[3], p->view[sanity].params[1]);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL((int)p->policy[1 + i].mode, web_then_strict[i]);
	policy_free(p);

	/* The mode of one goes before the mode of all. */
	over = no_overrides();
	over.mode_all = POLICY_MITIGATE;
	over.mode[1] = POLICY_MONITOR;
	p = rig_build(&rig, NULL, &over);
	CU_ASSERT_EQUAL(p->policy[p->service[1].policy].mode, POLICY_MONITOR);
	CU_ASSERT_EQUAL(p->policy[p->service[2].policy].mode, POLICY_MITIGATE);
	policy_free(p);
	rig_settings_free(&rig);
}

static struct policy_block
block(const char *prefix, bool is_allow, uint64_t until_ns, const char *reason)
{
	struct policy_block b = { .is_allow = is_allow, .until_ns = until_ns };

	CU_ASSERT_EQUAL_FATAL(prefix_parse(prefix, &b.prefix), 0);
	snprintf(b.reason, sizeof(b.reason), "%s", reason);
	return b;
}

static void
list(const char *name, enum list_action action, const char *prefix)
{
	struct settings_list *l = &rig.list[rig.s.lists.count++];

	l->name = strdup(name);
	l->action = (int)action;
	rig_prefix(&l->prefixes, prefix);
}

static struct burst burst;

/* Push one packet from an address through classification and stage `lists`. */
static const char *
fate(const struct policies *p, const char *src, uint64_t now_ns)
{
	static uint64_t hits[STAGE_HITS];
	const struct stage_env env = { .workers = 1, .hits = hits };
	const unsigned int s = stage_index("lists");
	struct prefix from, to;
	void *state;

	CU_ASSERT_EQUAL_FATAL(prefix_parse(src, &from), 0);
	CU_ASSERT_EQUAL_FATAL(
		prefix_parse(strchr(src, ':') ? "2001:db8:a::1" : "203.0.113.1", &to), 0);
	memset(&burst, 0, sizeof(burst));
	burst_start(&burst, now_ns, 0, SIDE_EXTERNAL);
	burst.count = 1;
	burst.live = 1;
	memcpy(burst.facts[0].src, from.address, 16);
	memcpy(burst.facts[0].dst, to.address, 16);
	burst.facts[0].flags =
		FACT_IP | FACT_NO_PORTS | (strchr(src, ':') ? FACT_IPV6 : 0);
	burst.facts[0].proto = PROTO_GRE;
	burst_describe(&burst);
	policy_classify(p, &burst);
	CU_ASSERT_NOT_EQUAL_FATAL(burst.service[0], 0);
	CU_ASSERT_EQUAL_FATAL(stage_list[s]->open(&state, &env), 0);
	stage_list[s]->decide(state, &p->view[s], &burst, 1);
	stage_list[s]->close(state);
	if (burst.verdict[0] == VERDICT_DROP)
		return "denied";
	return burst.exempt != 0 ? "allowed" : "free";
}

/* What becomes of a source, second by second. */
static const struct {
	const char *src;
	const char *at[10]; /* at second 1, 2, …; NULL: as before */
} cases[] = {
	/* An allowing block over a denying list. */
	{ "198.51.100.1", { "allowed", 0, 0, 0, "denied" } },
	{ "198.51.100.99", { "denied" } },
	/* Deny and allow of one prefix, a block under it, a list under that. */
	{ "192.0.2.7", { "allowed", "denied", 0, 0, 0, "allowed" } },
	{ "192.0.2.8", { "denied", 0, 0, 0, 0, "allowed" } },
	{ "192.0.2.9", { "denied", 0, 0, 0, 0, 0, 0, 0, "allowed" } },
	{ "192.0.2.200", { "allowed" } },
	{ "203.0.113.77", { "denied" } },
	{ "203.0.113.78", { "free" } },
	{ "2001:db8:66::1", { "denied", 0, 0, "free" } },
	{ "2001:db8:65::1", { "denied" } },
};

static void
lists_and_blocks_are_joined_and_blocks_end(void)
{
	struct policy_block blocks[] = {
		block("198.51.100.0/24", true, 5 * SECOND, "audit"),
		block("192.0.2.0/25", false, 6 * SECOND, "half"),
		block("192.0.2.7/32", false, 3 * SECOND, "one"),
		block("192.0.2.7/32", true, 2 * SECOND, "pardon"),
		block("192.0.2.9/32", false, 3 * SECOND, "short"),
		block("192.0.2.9/32", false, 9 * SECOND, "long"),
		block("203.0.113.77/32", false, 0, "for good"),
		block("2001:db8:66::/48", false, 4 * SECOND, "six"),
	};
	struct policy_overrides over = no_overrides();
	const struct stage_lists *in_force;
	struct policies *p;

	rig_settings(&rig);
	rig_service(&rig, "v4", "203.0.113.1", "any");
	rig_service(&rig, "v6", "2001:db8:a::1", "any");
	list("bad", LIST_DENY, "198.51.100.0/24");
	rig_prefix(&rig.list[0].prefixes, "198.51.100.99/32");
	rig_prefix(&rig.list[0].prefixes, "2001:db8:65::/48");
	list("good", LIST_ALLOW, "192.0.2.0/24");
	over.block = blocks;
	over.blocks = sizeof(blocks) / sizeof(*blocks);
	p = rig_build(&rig, NULL, &over);
	in_force = list_set_lists(p->blocks);
	CU_ASSERT_EQUAL(list_set_lists(p->lists)->entries, 2);
	CU_ASSERT_EQUAL(in_force->entries, over.blocks);
	/* Of two blocks that deny, the one that ends last is told. */
	CU_ASSERT_STRING_EQUAL(
		in_force->entry[in_force->node[prefix_find(in_force->table,
	                                                   blocks[4].prefix.address) -
	                                       1]
	                                .entry]
			.name,
		"long");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *want = NULL;

		for (unsigned int t = 0; t < 10; t++) {
			want = cases[i].at[t] != NULL ? cases[i].at[t] : want;
			CU_ASSERT_STRING_EQUAL(fate(p, cases[i].src, (t + 1) * SECOND),
			                       want);
		}
	}
	policy_free(p);
	rig_settings_free(&rig);
}

static void
of_equal_prefixes_allow_wins_in_any_order(void)
{
	struct policies *p;

	for (int swap = 0; swap <= 1; swap++) {
		rig_settings(&rig);
		rig_service(&rig, "v4", "203.0.113.1", "any");
		list("one", swap ? LIST_ALLOW : LIST_DENY, "198.51.100.0/24");
		list("two", swap ? LIST_DENY : LIST_ALLOW, "198.51.100.0/24");
		p = rig_build(&rig, NULL, NULL);
		CU_ASSERT_STRING_EQUAL(fate(p, "198.51.100.1", SECOND), "allowed");
		policy_free(p);
		rig_settings_free(&rig);
	}
}

static void
routers_are_there_when_configured(void)
{
	struct prefix one;
	struct policies *p;

	CU_ASSERT_EQUAL_FATAL(prefix_parse("198.51.100.1", &one), 0);
	rig_settings(&rig);
	p = rig_build(&rig, NULL, NULL);
	CU_ASSERT_PTR_NULL(p->routers);
	CU_ASSERT_PTR_NULL(p->lists);
	CU_ASSERT_PTR_NULL(p->blocks);
	policy_free(p);
	rig_prefix(&rig.s.routers, "198.51.100.1");
	p = rig_build(&rig, NULL, NULL);
	CU_ASSERT_NOT_EQUAL(prefix_find(p->routers, one.address), PREFIX_NONE);
	policy_free(p);
	rig_settings_free(&rig);
}

static void
what_cannot_be_is_refused_with_every_error_and_nothing_built(void)
{
	struct conf_errors errors = { 0 };
	struct policies *p = NULL;

	rig_settings(&rig);
	rig_service(&rig, "a", "203.0.113.1", "carrier-pigeon");
	rig_service(&rig, "b", "203.0.113.2", "300");
	rig_service(&rig, "c", "203.0.113.3", "any");
	rig_service(&rig, "c", "203.0.113.4", "any");
	rig_service(&rig, "d", "203.0.113.5", "any");
	free(rig.service[4].policy);
	rig.service[4].policy = strdup("nobody");
	CU_ASSERT_EQUAL(policy_build(&rig.s, NULL, NULL, &p, &errors), -EINVAL);
	CU_ASSERT_EQUAL(errors.count, 4);
	CU_ASSERT_PTR_NULL(p);
	conf_errors_free(&errors);
	rig_settings_free(&rig);

	rig_settings(&rig);
	rig.policy[1].vector[0] =
		(struct settings_vector){ .written = true,
		                          .activate = { UINT64_MAX, false } };
	rig.policy[2].vector[0] =
		(struct settings_vector){ .written = true, .max = { UINT64_MAX, true } };
	CU_ASSERT_EQUAL(policy_build(&rig.s, NULL, NULL, &p, &errors), -EINVAL);
	CU_ASSERT_EQUAL(errors.count, 2);
	CU_ASSERT_PTR_NULL(p);
	conf_errors_free(&errors);
	rig_settings_free(&rig);
}

SUITE_MAIN("policy", TEST(services_keep_their_ids_across_reloads),
           TEST(freed_ids_are_reused_once_nobody_uses_them),
           TEST(only_the_wires_own_talk_is_judged_where_no_service_is),
           TEST(modes_are_overridden_for_all_and_for_one),

           TEST(lists_and_blocks_are_joined_and_blocks_end),
           TEST(of_equal_prefixes_allow_wins_in_any_order),
           TEST(routers_are_there_when_configured),
           TEST(what_cannot_be_is_refused_with_every_error_and_nothing_built))
