/* SPDX-License-Identifier: BSD-3-Clause */
/* lists_rig - lists and timed blocks as a policy builds them, and who is met by them. */
#ifndef TESTS_STAGE_LISTS_RIG_H
#define TESTS_STAGE_LISTS_RIG_H

#include "prefix/prefix.h"
#include "rig.h"
#include "stage/lists/lists.h"

static struct rig rig;

#define UNTIL (RIG_SECOND + 2500 * RIG_MS)

/* --- lists as the policy builds them --- */

enum { BAD, MONITORS, FAR, NEAR, PROXIES, GUESTS, LISTS };

static const struct stage_listed entry[] = {
	[BAD] = { .list = BAD, .action = LIST_DENY, .name = "bad" },
	[MONITORS] = { .list = MONITORS, .action = LIST_ALLOW, .name = "monitors" },
	[FAR] = { .list = FAR, .action = LIST_TAG, .name = "far" },
	[NEAR] = { .list = NEAR, .action = LIST_TAG, .name = "near" },
	[PROXIES] = { .list = PROXIES,
	              .action = LIST_NEVER_BLOCK,
	              .scale = 1,
	              .name = "proxies" },
	[GUESTS] = { .list = GUESTS, .action = LIST_TAG, .name = "guests" },
	/* The same lists again, as far as they end. */
	{ .list = BAD, .action = LIST_DENY, .until_ns = UNTIL, .name = "bad" },
	{ .list = FAR, .action = LIST_TAG, .until_ns = UNTIL, .name = "far" },
};

/* Value v is node v - 1: entry, list, under, len, is_timed. */
static const struct stage_list_node node[] = {
	{ BAD, BAD, 0, 120, false }, /* 1 */
	{ MONITORS, MONITORS, 0, 128, false },
	{ FAR, FAR, 0, 0, false }, /* 3 */
	{ NEAR, NEAR, 0, 0, false },
	{ NEAR, NEAR, 3, 0, false }, /* 5: near and far */
	{ PROXIES, PROXIES, 0, 0, false },
	{ PROXIES, PROXIES, 3, 0, false }, /* 7: a proxy that is far */
	{ BAD, BAD, 6, 120, false },       /* 8: a proxy on the deny list */
	{ 6, BAD, 0, 128, true },          /* 9: bad for a while */
	{ 7, FAR, 0, 0, true },            /* 10: far for a while */
	{ BAD, BAD, 3, 120, false },       /* 11: bad and far */
	{ GUESTS, GUESTS, 0, 0, false },   /* 12 */
	{ 6, BAD, 2, 128, true },          /* 13: bad for a while, else a monitor */
};

static const struct {
	const char *prefix;
	uint32_t value;
} listed[] = {
	{ "198.51.100.0/24", 1 },   { "198.51.100.7/32", 2 },
	{ "203.0.0.0/24", 3 },      { "203.0.1.0/24", 4 },
	{ "203.0.2.0/24", 5 },      { "192.0.2.0/28", 6 },
	{ "192.0.2.16/28", 7 },     { "192.0.2.32/28", 8 },
	{ "198.51.100.9/32", 9 },   { "203.0.3.0/24", 10 },
	{ "203.0.4.0/24", 11 },     { "203.0.5.0/24", 12 },
	{ "198.51.100.13/32", 13 }, { "2001:db8:bad::/48", 1 },
	{ "2001:db8:bad::7", 2 },   { "2001:db8:fa::/48", 3 },
	{ "2001:db8:cd::/48", 6 },  { "2001:db8:ab::/48", 12 },
};

static struct stage_lists lists = { .node = node,
	                            .entry = entry,
	                            .nodes = sizeof(node) / sizeof(*node),
	                            .entries = sizeof(entry) / sizeof(*entry),
	                            .lists = LISTS,
	                            .scale = { 1, 20 } };

/* --- blocks made at run time --- */

static const struct stage_listed block_entry[] = {
	{ .list = 0,
	  .action = LIST_DENY,
	  .until_ns = UNTIL,
	  .is_block = true,
	  .name = "scanner" },
	{ .list = 1,
	  .action = LIST_ALLOW,
	  .until_ns = UNTIL,
	  .is_block = true,
	  .name = "audit" },
	{ .list = 2, .action = LIST_DENY, .is_block = true, .name = "for good" },
};

static const struct stage_list_node block_node[] = {
	{ 0, 0, 0, 128, true },  /* 1: deny one address */
	{ 1, 1, 0, 120, true },  /* 2: allow a /24 */
	{ 1, 1, 0, 128, true },  /* 3: allow one address */
	{ 2, 2, 0, 120, false }, /* 4: deny a /24 */
	{ 1, 1, 4, 128, true },  /* 5: allow one address of it for a while */
};

static const struct {
	const char *prefix;
	uint32_t value;
} blocked[] = {
	{ "192.0.2.66/32", 1 },   { "198.51.100.7/32", 1 }, { "198.51.100.8/32", 3 },
	{ "203.0.113.0/24", 4 },  { "203.0.113.7/32", 5 },  { "192.0.2.3/32", 1 },
	{ "198.51.100.0/24", 2 }, { "203.0.0.9/32", 1 },
};

static struct stage_lists blocks = { .node = block_node,
	                             .entry = block_entry,
	                             .nodes = 5,
	                             .entries = 3,
	                             .lists = 0,
	                             .scale = { 1 } };

static uint64_t hits[STAGE_HITS];
static char names[16][64];

static uint16_t
hit(void *owner, const char *stage, const char *name)
{
	(void)owner;
	CU_ASSERT_STRING_EQUAL(stage, "lists");
	for (uint16_t i = 1; i < 16; i++) {
		if (names[i][0] == '\0')
			snprintf(names[i], sizeof(names[i]), "%s", name);
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return 0;
}

static uint64_t
hits_of(const char *name)
{
	return hits[hit(NULL, "lists", name)];
}

#define TABLE(of, count, out)                                                            \
	do {                                                                             \
		struct prefix_entry entry_[32];                                          \
		for (size_t i_ = 0; i_ < (count); i_++) {                                \
			CU_ASSERT_EQUAL_FATAL(                                           \
				prefix_parse((of)[i_].prefix, &entry_[i_].prefix), 0);   \
			entry_[i_].value = (of)[i_].value;                               \
		}                                                                        \
		CU_ASSERT_EQUAL_FATAL(                                                   \
			prefix_build(entry_, count, (struct prefix_table **)(out)), 0);  \
	} while (0)

static inline void
open_lists(const char *config)
{
	TABLE(listed, sizeof(listed) / sizeof(*listed), &lists.table);
	TABLE(blocked, sizeof(blocked) / sizeof(*blocked), &blocks.table);
	memset(hits, 0, sizeof(hits));
	memset(names, 0, sizeof(names));
	rig.env.hits = hits;
	rig.env.workers = 1;
	rig.from.policy = "shop";
	rig.from.hit = hit;
	rig.from.lists = &lists;
	rig_open(&rig, &stage_lists, config);
}

static inline void
open_both(const char *config)
{
	rig.from.blocks = &blocks;
	open_lists(config);
}

static inline void
close_lists(void)
{
	rig_close(&rig);
	prefix_free((struct prefix_table *)lists.table);
	prefix_free((struct prefix_table *)blocks.table);
	rig.from.lists = rig.from.blocks = NULL;
}

enum fate { FREE, DENIED, ALLOWED, REFUSED, METERED };

static inline void
deliver(const char *src)
{
	struct rig_ends ends = { src,
		                 strchr(src, ':') ? "2001:db8:a::10" : "203.0.113.10", 1,
		                 2 };

	rig_fill(rig_packets(&rig, 1), PROTO_UDP, ends);
	rig_decide(&rig, 1);
}

static inline void
expect(const char *src, enum fate fate)
{
	static const char *const reason[] = { "passed", "denied", "passed", "tag_denied",
		                              "metered" };

	deliver(src);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), reason[fate]);
	CU_ASSERT_EQUAL(rig_is_exempt(&rig, 0), fate == ALLOWED);
}

static inline unsigned int
passed_of(const char *src, unsigned int packets)
{
	unsigned int passed = 0;

	for (unsigned int i = 0; i < packets; i++) {
		deliver(src);
		passed += rig.burst.verdict[0] == VERDICT_PASS;
	}
	return passed;
}

#endif
