/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/histogram.h"

#include "suite.h"

static const struct histogram_bounds bounds = { 3, { 10, 20, 1000 } };

static void
a_bound_belongs_to_its_own_bucket(void)
{
	static const uint64_t ns[] = { 0, 10, 11, 20, 21, 1000, 1001, UINT32_MAX };
	static const uint64_t wanted[] = { 2, 2, 2, 2 };
	struct histogram h = { 0 };

	for (size_t i = 0; i < sizeof(ns) / sizeof(*ns); i++)
		histogram_add(&h, &bounds, ns[i]);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		CU_ASSERT_EQUAL(h.bucket[i], wanted[i]);
	CU_ASSERT_EQUAL(h.sum_ns, 10 + 11 + 20 + 21 + 1000 + 1001 + (uint64_t)UINT32_MAX);
}

static void
merging_adds_every_bucket(void)
{
	struct histogram a = { 0 }, b = { 0 };

	histogram_add(&a, &bounds, 5);
	histogram_add(&b, &bounds, 5);
	histogram_add(&b, &bounds, 5000);
	histogram_merge(&a, &b);
	CU_ASSERT_EQUAL(a.bucket[0], 2);
	CU_ASSERT_EQUAL(a.bucket[3], 1);
	CU_ASSERT_EQUAL(a.sum_ns, 5010);
}

SUITE_MAIN("base/histogram", TEST(a_bound_belongs_to_its_own_bucket),
           TEST(merging_adds_every_bucket))
