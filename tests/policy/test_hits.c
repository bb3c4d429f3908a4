/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy/hits.h"

#include <stdio.h>

#include "suite.h"

static void
a_name_keeps_its_id_from_snapshot_to_snapshot(void)
{
	struct policy_hits *a = policy_hits_new(NULL, 1), *b;
	const uint16_t dns = policy_hit(a, "reflection", "dns");
	const uint16_t list = policy_hit(a, "lists", "dns");

	CU_ASSERT_NOT_EQUAL(dns, 0);
	CU_ASSERT_NOT_EQUAL(dns, list);
	CU_ASSERT_EQUAL(policy_hit(a, "reflection", "dns"), dns);
	b = policy_hits_new(a, 2);
	CU_ASSERT_FALSE(policy_hit_is_used(b, dns));
	CU_ASSERT_EQUAL(policy_hit(b, "reflection", "dns"), dns);
	CU_ASSERT_TRUE(policy_hit_is_used(b, dns));
	CU_ASSERT_FALSE(policy_hit_is_used(b, list));
	CU_ASSERT_EQUAL(policy_hit(b, "lists", "dns"), list);
	policy_hits_free(a);
	policy_hits_free(b);
}

static void
ids_of_forgotten_names_are_used_again_and_no_others(void)
{
	struct policy_hits *first = policy_hits_new(NULL, 1), *second, *third;
	char name[16];
	uint16_t kept;

	for (unsigned int i = 1; i < STAGE_HITS; i++) {
		snprintf(name, sizeof(name), "rule %u", i);
		CU_ASSERT_EQUAL_FATAL(policy_hit(first, "filters", name), i);
	}
	CU_ASSERT_EQUAL(policy_hit(first, "filters", "one more"), 0);

	/* A worker may still count by the snapshot before: nothing is free yet. */
	second = policy_hits_new(first, 2);
	kept = policy_hit(second, "filters", "rule 7");
	CU_ASSERT_EQUAL(kept, 7);
	CU_ASSERT_EQUAL(policy_hit(second, "filters", "one more"), 0);

	third = policy_hits_new(second, 3);
	CU_ASSERT_EQUAL(policy_hit(third, "filters", "rule 7"), 7);
	for (unsigned int i = 1; i < STAGE_HITS - 1; i++) {
		snprintf(name, sizeof(name), "later %u", i);
		CU_ASSERT_NOT_EQUAL_FATAL(policy_hit(third, "filters", name), 0);
		CU_ASSERT_NOT_EQUAL_FATAL(policy_hit(third, "filters", name), 7);
	}
	CU_ASSERT_EQUAL(policy_hit(third, "filters", "one more"), 0);
	CU_ASSERT_EQUAL(policy_hit(third, "filters", "rule 7"), 7);
	policy_hits_free(first);
	policy_hits_free(second);
	policy_hits_free(third);
}

SUITE_MAIN("hits", TEST(a_name_keeps_its_id_from_snapshot_to_snapshot),
           TEST(ids_of_forgotten_names_are_used_again_and_no_others))
