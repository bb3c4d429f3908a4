/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists as a set: nested, timed, shared between snapshots, millions of prefixes. */
#include "base/sanitizer.h"
#include "lists_rig.h"

/* --- the same as a slow exact twin --- */

#define LISTS 7

/* An address of a small world, either family. */
static void
address(uint8_t out[16], bool is_ipv6)
{
	memset(out, 0, 16);
	if (is_ipv6)
		memcpy(out, "\x20\x01\x0d\xb8", 4);
	else
		out[10] = out[11] = 0xff, out[12] = 203, out[13] = 0;
	out[is_ipv6 ? 5 : 14] = (uint8_t)(draw() % 4);
	out[is_ipv6 ? 7 : 15] = (uint8_t)(draw() % 256);
}

static void
give_random(size_t l, size_t count, bool has_ends)
{
	struct list_prefix *p = calloc(count, sizeof(*p));

	CU_ASSERT_FATAL(p != NULL);
	for (size_t i = 0; i < count; i++) {
		const bool is_ipv6 = draw() % 2;
		uint8_t a[16];

		address(a, is_ipv6);
		p[i].prefix.len =
			(uint8_t)(is_ipv6 ? 32 + draw() % 33 : 96 + draw() % 33);
		if (is_ipv6 && draw() % 20 == 0)
			p[i].prefix.len = 0;
		prefix_mask(&p[i].prefix, a);
		if (has_ends && draw() % 2)
			p[i].until_s = 1000 + (uint32_t)(draw() % 5);
	}
	give(l, p, count);
}

struct said {
	int action;     /* enum list_action, or -1 */
	unsigned int l; /* lists that are told beside, by number */
};

static struct said
said_by_twin(const uint8_t a[16], uint64_t now_s)
{
	struct said said = { -1, 0 };
	int longest = -1;

	for (size_t l = 0; l < rig.s.lists.count; l++)
		for (size_t i = 0; i < content[l].count; i++) {
			const struct list_prefix *p = &content[l].prefix[i];

			if (!prefix_holds(&p->prefix, a) ||
			    (p->until_s != 0 && p->until_s <= now_s))
				continue;
			if (rig.list[l].action > LIST_DENY) {
				said.l |= 1u << l;
			} else if (p->prefix.len > longest ||
			           (p->prefix.len == longest &&
			            rig.list[l].action == LIST_ALLOW)) {
				longest = p->prefix.len;
				said.action = rig.list[l].action;
			}
		}
	return said;
}

static struct said
said_by_set(const struct stage_lists *lists, const uint8_t a[16], uint64_t now_ns)
{
	struct said said = { -1, 0 };
	uint32_t v = prefix_find(lists->table, a);

	for (; v != PREFIX_NONE; v = lists->node[v - 1].under) {
		const struct stage_list_node *node = &lists->node[v - 1];
		const struct stage_listed *e = &lists->entry[node->entry];

		CU_ASSERT_EQUAL(e->list, node->list);
		if (e->until_ns != 0)
			CU_ASSERT(node->is_timed);
		if (node->under != PREFIX_NONE)
			CU_ASSERT(node->under < v);
		if (e->until_ns != 0 && e->until_ns <= now_ns)
			continue;
		if (e->action > LIST_DENY)
			said.l |= 1u << node->list;
		else if (said.action == -1)
			said.action = e->action;
	}
	return said;
}

static void
nested_lists_say_what_a_slow_twin_says(void)
{
	const uint64_t wall_ns = 990 * SECOND;
	struct conf_errors errors = { 0 };
	struct list_set *set;

	for (unsigned int round = 0; round < 20; round++) {
		begin();
		for (size_t l = 0; l < LISTS; l++) {
			char name[] = { 'l', (char)('0' + l), 0 };

			list(name, l < 2   ? LIST_DENY
			           : l < 4 ? LIST_ALLOW
			           : l < 6 ? LIST_TAG
			                   : LIST_NEVER_BLOCK);
			give_random(l, 1 + draw() % 60, round % 2);
		}
		CU_ASSERT_EQUAL_FATAL(build(wall_ns, &set, &errors), 0);
		for (unsigned int n = 0; n < 4000; n++) {
			const uint64_t now_s = 999 + draw() % 8;
			struct said twin, told;
			uint8_t a[16];

			address(a, n % 2);
			twin = said_by_twin(a, now_s);
			told = said_by_set(list_set_lists(set), a,
			                   now_s * SECOND - wall_ns);
			CU_ASSERT_EQUAL_FATAL(told.action, twin.action);
			CU_ASSERT_EQUAL_FATAL(told.l, twin.l);
		}
		end(set);
	}
}

/* --- shared --- */

static void
snapshots_share_their_lists(void)
{
	struct policy_overrides over = { .mode_all = -1 };
	struct policies *first, *second, *third;
	struct conf_errors errors = { 0 };
	struct list_set *set;

	for (unsigned int id = 0; id < SERVICE_MAX; id++)
		over.mode[id] = -1;
	begin();
	list("bad", LIST_DENY);
	rig_prefix(&rig.list[0].prefixes, "198.51.100.0/24");
	/* Written ones are the same until somebody writes others. */
	first = rig_build(&rig, NULL, NULL);
	second = rig_build(&rig, first, NULL);
	CU_ASSERT_PTR_EQUAL(first->lists, second->lists);
	policy_free(first);
	CU_ASSERT_EQUAL(list_set_prefixes(second->lists, "bad"), 1);
	rig_prefix(&rig.list[0].prefixes, "192.0.2.0/24");
	third = rig_build(&rig, second, NULL);
	CU_ASSERT_PTR_NOT_EQUAL(third->lists, second->lists);
	CU_ASSERT_EQUAL(list_set_prefixes(third->lists, "bad"), 2);
	CU_ASSERT_EQUAL(list_set_prefixes(third->lists, "good"), 0);
	policy_free(second);

	/* Who gives a set keeps his own hold. */
	give_random(0, 50, false);
	CU_ASSERT_EQUAL_FATAL(build(0, &set, &errors), 0);
	over.lists = set;
	first = rig_build(&rig, third, &over);
	CU_ASSERT_PTR_EQUAL(first->lists, set);
	policy_free(third);
	list_set_release(set);
	CU_ASSERT(list_set_prefixes(first->lists, "bad") > 2);
	CU_ASSERT(list_set_bytes(first->lists) > 0);

	/* A set of other lists is refused. */
	list("more", LIST_ALLOW);
	over.lists = first->lists;
	second = NULL;
	CU_ASSERT_EQUAL(policy_build(&rig.s, first, &over, &second, &errors), -EINVAL);
	CU_ASSERT_PTR_NULL(second);
	CU_ASSERT_EQUAL(errors.count, 1);
	conf_errors_free(&errors);
	policy_free(first);
	end(NULL);
}

/* --- never blocked --- */

static void
who_is_never_blocked_is_known_by_prefix(void)
{
	static const struct {
		const char *prefix, *name;
	} cases[] = {
		{ "192.0.2.0/24", "net" },   { "192.0.2.77/32", "net" },
		{ "192.0.0.0/16", NULL },    { "198.51.100.7/32", "host" },
		{ "198.51.100.6/32", NULL }, { "2001:db8:1::/64", "net" },
		{ "2001:db8::/32", NULL },   { "203.0.113.5/32", "host" },
	};
	struct list_prefix *timed = calloc(1, sizeof(*timed));
	struct conf_errors errors = { 0 };
	struct list_set *set;
	struct prefix p;

	begin();
	list("net", LIST_NEVER_BLOCK);
	rig_prefix(&rig.list[0].prefixes, "192.0.2.0/24");
	rig_prefix(&rig.list[0].prefixes, "2001:db8:1::/48");
	rig.list[0].scale = 50;
	list("host", LIST_NEVER_BLOCK);
	rig_prefix(&rig.list[1].prefixes, "198.51.100.7/32");
	rig.list[1].scale = 20;
	CU_ASSERT_EQUAL(prefix_parse("203.0.113.5/32", &timed->prefix), 0);
	timed->until_s = 1000;
	give(1, timed, 1);
	CU_ASSERT_EQUAL_FATAL(build(900 * SECOND, &set, &errors), 0);
	/* The highest scale has the highest index. */
	CU_ASSERT_EQUAL(list_set_lists(set)->scale[0], 1);
	CU_ASSERT_EQUAL(list_set_lists(set)->scale[1], 20);
	CU_ASSERT_EQUAL(list_set_lists(set)->scale[2], 50);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *name;

		CU_ASSERT_EQUAL_FATAL(prefix_parse(cases[i].prefix, &p), 0);
		name = list_set_never_blocks(set, &p, 99 * SECOND);
		CU_ASSERT_EQUAL(name != NULL, cases[i].name != NULL);
		if (name != NULL && cases[i].name != NULL)
			CU_ASSERT_STRING_EQUAL(name, cases[i].name);
	}
	CU_ASSERT_EQUAL(prefix_parse("203.0.113.5/32", &p), 0);
	CU_ASSERT_PTR_NULL(list_set_never_blocks(set, &p, 100 * SECOND));
	end(set);
}

/* --- what does not fit --- */

static bool
is_told(const struct conf_errors *errors, const char *words)
{
	for (size_t i = 0; i < errors->count + errors->warnings; i++)
		if (strstr(errors->error[i].message, words) != NULL)
			return true;
	return false;
}

static struct list_prefix *
hosts(size_t count)
{
	struct list_prefix *p = calloc(count, sizeof(*p));

	CU_ASSERT_FATAL(p != NULL);
	for (size_t i = 0; i < count; i++) {
		p[i].prefix.address[10] = p[i].prefix.address[11] = 0xff;
		p[i].prefix.address[12] = 10;
		p[i].prefix.address[13] = (uint8_t)(i >> 16);
		p[i].prefix.address[14] = (uint8_t)(i >> 8);
		p[i].prefix.address[15] = (uint8_t)i;
		p[i].prefix.len = 128;
	}
	return p;
}

/* 17 tags in every combination are twice as many as there are values. */
static void
too_many_combinations_are_an_error(void)
{
	struct conf_errors errors = { 0 };
	struct list_set *set = NULL;

	begin();
	for (size_t l = 0; l < 17; l++) {
		struct list_prefix *p = hosts(1 << 17);
		char name[] = { 't', (char)('a' + l), 0 };
		size_t n = 0;

		list(name, LIST_TAG);
		for (size_t i = 0; i < 1 << 17; i++)
			if ((i >> l & 1) != 0)
				p[n++] = p[i];
		content[l] = (struct list_content){ .count = n, .prefix = p };
		contents[l] = &content[l];
	}
	CU_ASSERT_EQUAL(build(0, &set, &errors), -EINVAL);
	CU_ASSERT(is_told(&errors, "65535 ways"));
	CU_ASSERT_PTR_NULL(set);
	conf_errors_free(&errors);
	end(NULL);
}

static void
too_many_scales_are_an_error(void)
{
	struct conf_errors errors = { 0 };
	struct list_set *set = NULL;

	begin();
	for (uint64_t k = 0; k < 16; k++) {
		char name[] = { 's', (char)('a' + k), 0 };

		rig.list[list(name, LIST_NEVER_BLOCK)].scale = 2 + k;
	}
	CU_ASSERT_EQUAL(build(0, &set, &errors), -EINVAL);
	CU_ASSERT(is_told(&errors, "15 different scales"));
	conf_errors_free(&errors);
	end(NULL);
}

/* A day has more seconds than there are values; hours are told then. */
static void
very_many_ends_are_rounded_up(void)
{
	const size_t count = 86400 * 2;
	struct list_prefix *p = hosts(count);
	struct conf_errors errors = { 0 };
	const struct stage_lists *lists;
	struct list_set *set;

	begin();
	list("bad", LIST_DENY);
	for (size_t i = 0; i < count; i++)
		p[i].until_s = (uint32_t)(1000000 + i);
	give(0, p, count);
	CU_ASSERT_EQUAL_FATAL(build(0, &set, &errors), 0);
	CU_ASSERT(is_told(&errors, "multiple of 60 s"));
	conf_errors_free(&errors);
	lists = list_set_lists(set);
	for (size_t i = 0; i < count; i += 997) {
		const uint64_t ends = (1000000 + i) * SECOND;
		const uint8_t *a = content[0].prefix[i].prefix.address;

		CU_ASSERT_EQUAL(said_by_set(lists, a, ends - 1).action, LIST_DENY);
		CU_ASSERT_EQUAL(said_by_set(lists, a, ends + 60 * SECOND).action, -1);
	}
	end(set);
}

/* --- millions --- */

/* The sanitizer makes it several times slower, and then no time is judged. */
#if IS_ADDRESS_SANITIZED
#define V4 400000
#define V6 100000
#else
#define V4 4000000
#define V6 1000000
#endif

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
give_millions(void)
{
	struct list_prefix *p[2] = { calloc(V4 + V6, sizeof(**p)),
		                     calloc(1000, sizeof(**p)) };
	const size_t count[] = { V4 + V6, 1000 };

	for (size_t l = 0; l < 2; l++) {
		CU_ASSERT_FATAL(p[l] != NULL);
		for (size_t i = 0; i < count[l]; i++) {
			const bool is_ipv6 = l == 0 ? i >= V4 : i % 2;
			uint8_t a[16] = { [10] = 0xff, [11] = 0xff };
			uint64_t r[2] = { draw(), draw() };

			memcpy(a + (is_ipv6 ? 0 : 12), r, is_ipv6 ? 16 : 4);
			a[0] = is_ipv6 ? 0x20 : 0;
			p[l][i].prefix.len = (uint8_t)(is_ipv6 ? 24 + draw() % 41
			                                       : 96 + 12 + draw() % 21);
			prefix_mask(&p[l][i].prefix, a);
		}
		give(l, p[l], count[l]);
	}
}

/* Joined within 5 s, and one block more is in force within 100 ms. */
static void
millions_are_joined_once_and_a_block_is_live_at_once(void)
{
	struct policy_overrides over = { .mode_all = -1 };
	struct policy_block block[2] = { 0 };
	struct conf_errors errors = { 0 };
	struct policies *before, *after;
	struct list_set *set;
	double joined, blocked;

	for (unsigned int id = 0; id < SERVICE_MAX; id++)
		over.mode[id] = -1;
	begin();
	list("feed", LIST_DENY);
	list("far", LIST_TAG);
	give_millions();
	joined = seconds();
	CU_ASSERT_EQUAL_FATAL(build(0, &set, &errors), 0);
	joined = seconds() - joined;
	over.lists = set;
	before = rig_build(&rig, NULL, &over);
	CU_ASSERT_EQUAL(prefix_parse("192.0.2.1/32", &block[0].prefix), 0);
	over.block = block;
	over.blocks = 1;
	blocked = seconds();
	after = rig_build(&rig, before, &over);
	blocked = seconds() - blocked;
	CU_ASSERT_PTR_EQUAL(after->lists, before->lists);
	CU_ASSERT_NOT_EQUAL(prefix_find(list_set_lists(after->blocks)->table,
	                                block[0].prefix.address),
	                    PREFIX_NONE);
	printf("\n    %d + %d prefixes: joined in %.2f s, %u values, %zu MiB; one block "
	       "more "
	       "%.1f ms\n",
	       V4, V6, joined, list_set_lists(set)->nodes, list_set_bytes(set) >> 20,
	       blocked * 1e3);
#if !IS_ADDRESS_SANITIZED
	CU_ASSERT(joined < 5);
	CU_ASSERT(blocked < 0.1);
#endif
	policy_free(before);
	policy_free(after);
	end(set);
}

SUITE_MAIN("lists", TEST(nested_lists_say_what_a_slow_twin_says),
           TEST(snapshots_share_their_lists),
           TEST(who_is_never_blocked_is_known_by_prefix),
           TEST(too_many_combinations_are_an_error), TEST(too_many_scales_are_an_error),
           TEST(very_many_ends_are_rounded_up),
           TEST(millions_are_joined_once_and_a_block_is_live_at_once))
