/* SPDX-License-Identifier: BSD-3-Clause */
/* How much room a table has, and how much of it a flood can take. */
#include "flow/table.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static struct table table;
static struct hash_key secret;

static uint32_t
insert(uint64_t n, enum table_class class)
{
	uint8_t key[TABLE_KEY] = { 0 };

	memcpy(key, &n, sizeof(n));
	return table_insert(&table, hash_48(&secret, key), key, class, 1);
}

/* A quarter, in a number: the promise to newcomers who prove themselves while it rages. */
static void
a_flood_holds_a_quarter_of_the_table(void)
{
	hash_key_seeded(&secret, 11);
	CU_ASSERT_EQUAL_FATAL(table_open(&table, 1024, 64), 0);
	for (uint64_t n = 0; n < 100000; n++)
		insert(n, TABLE_UNEARNED);
	CU_ASSERT_EQUAL(table.used[TABLE_UNEARNED], 1024 / 4);
	for (uint64_t n = 0; n < 600; n++)
		CU_ASSERT_NOT_EQUAL(insert((UINT64_C(1) << 40) + n, TABLE_EARNED),
		                    TABLE_NONE);
	table_close(&table);
}

static void
sizes_are_told_and_bounded(void)
{
	struct table t = { .buckets = 77 };

	CU_ASSERT_EQUAL(table_slots(8), 64);
	CU_ASSERT_EQUAL(table_slots(64), 64);
	CU_ASSERT_EQUAL(table_slots(65), 128);
	CU_ASSERT_EQUAL(table_slots(1000000), 1048576);
	CU_ASSERT_EQUAL(table_bytes(1000, 128), 1024 * 128 + 128 * 64);
	CU_ASSERT_EQUAL(table_open(&t, 7, 64), -ERANGE);
	CU_ASSERT_EQUAL(table_open(&t, (UINT64_C(1) << 31) + 1, 64), -ERANGE);
	CU_ASSERT_EQUAL(table_open(&t, 64, 0), -ERANGE);
	CU_ASSERT_EQUAL(table_open(&t, 64, 72), -ERANGE);
	CU_ASSERT_EQUAL(t.buckets, 77);
}

SUITE_MAIN("table_room", TEST(a_flood_holds_a_quarter_of_the_table),
           TEST(sizes_are_told_and_bounded))
