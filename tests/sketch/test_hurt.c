/* SPDX-License-Identifier: BSD-3-Clause */
/* Customers that lost packets: each once, this span and the one before, and no longer. */
#include "sketch/hurt.h"

#include <string.h>

#include "suite.h"

static struct hash_key key;
static struct hurt one, other;

static void
begin(void)
{
	hash_key_seeded(&key, 1);
	memset(&one, 0, sizeof(one));
	memset(&other, 0, sizeof(other));
}

/* Customers first..first + n - 1 lose `times` packets each. */
static void
hurt_some(struct hurt *h, unsigned int first, unsigned int n, unsigned int times,
          uint64_t now_ns)
{
	uint8_t address[16] = { [10] = 0xff, [11] = 0xff };

	for (unsigned int i = first; i < first + n; i++) {
		memcpy(address + 12, &i, sizeof(i));
		for (unsigned int k = 0; k < times; k++)
			hurt_add(h, &key, address, now_ns);
	}
}

static uint64_t
told(uint64_t now_ns)
{
	static struct distinct all;

	distinct_clear(&all);
	hurt_merge(&all, &one, now_ns);
	hurt_merge(&all, &other, now_ns);
	return distinct_estimate(&all);
}

static void
a_customer_counts_once_however_much_is_lost(void)
{
	begin();
	CU_ASSERT_EQUAL(told(5 * HURT_SPAN_NS), 0);
	hurt_some(&one, 1, 3, 1000, 5 * HURT_SPAN_NS);
	CU_ASSERT_EQUAL(told(5 * HURT_SPAN_NS), 3);
	/* The same customers at another worker are the same. */
	hurt_some(&other, 2, 3, 10, 5 * HURT_SPAN_NS);
	CU_ASSERT_EQUAL(told(5 * HURT_SPAN_NS), 4);
}

static void
what_is_two_spans_old_is_forgotten(void)
{
	begin();
	hurt_some(&one, 1, 5, 1, 7 * HURT_SPAN_NS);
	CU_ASSERT_EQUAL(told(7 * HURT_SPAN_NS), 5);
	CU_ASSERT_EQUAL(told(8 * HURT_SPAN_NS), 5);
	CU_ASSERT_EQUAL(told(9 * HURT_SPAN_NS), 0);
	hurt_some(&one, 100, 2, 1, 8 * HURT_SPAN_NS);
	CU_ASSERT_EQUAL(told(8 * HURT_SPAN_NS), 7);
	CU_ASSERT_EQUAL(told(9 * HURT_SPAN_NS), 2);
	/* After a long rest nothing of old is left in either half. */
	hurt_some(&one, 200, 1, 1, 31 * HURT_SPAN_NS);
	CU_ASSERT_EQUAL(told(31 * HURT_SPAN_NS), 1);
	hurt_some(&one, 300, 1, 1, 32 * HURT_SPAN_NS);
	CU_ASSERT_EQUAL(told(32 * HURT_SPAN_NS), 2);
}

static void
many_are_estimated(void)
{
	uint64_t n;

	begin();
	hurt_some(&one, 1, 100000, 1, 3 * HURT_SPAN_NS);
	n = told(3 * HURT_SPAN_NS);
	CU_ASSERT(n > 90000 && n < 110000);
}

SUITE_MAIN("sketch/hurt", TEST(a_customer_counts_once_however_much_is_lost),
           TEST(what_is_two_spans_old_is_forgotten), TEST(many_are_estimated))
