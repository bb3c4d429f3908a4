/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include "suite.h"

static void
blocks_are_aligned_zeroed_and_writable_to_the_end(void)
{
	static const size_t sizes[] = { 1,       4096,          (2 << 20) - 1,
		                        2 << 20, (2 << 20) + 1, 9 << 20 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint8_t *block = memory_take(sizes[i]);
		uint8_t sum = 0;

		CU_ASSERT_PTR_NOT_NULL_FATAL(block);
		CU_ASSERT_EQUAL((uintptr_t)block % (2 << 20), 0);
		for (size_t k = 0; k < sizes[i]; k++)
			sum |= block[k];
		CU_ASSERT_EQUAL(sum, 0);
		block[0] = block[sizes[i] - 1] = 1;
		memory_give(block, sizes[i]);
	}
	memory_give(NULL, 1);
}

static unsigned long
giant_pages(void)
{
	FILE *f =
		fopen("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "r");
	unsigned long pages = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages;
}

/* Runs where somebody has reserved giant pages: without them to clear a block takes seconds. */
static void
a_giant_block_lies_on_giant_pages_and_is_given_back(void)
{
	const size_t size = ((size_t)1 << 30) + 4097;
	const unsigned long before = giant_pages();
	uint8_t *block;

	if (before < 2)
		return;
	block = memory_take(size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(block);
	CU_ASSERT_EQUAL(giant_pages(), before - 2);
	CU_ASSERT(block[0] == 0 && block[size / 2] == 0 && block[size - 1] == 0);
	block[0] = block[size - 1] = 1;
	memory_give(block, size);
	CU_ASSERT_EQUAL(giant_pages(), before);
}

static void
impossible_sizes_are_refused(void)
{
	CU_ASSERT_PTR_NULL(memory_take(0));
	CU_ASSERT_PTR_NULL(memory_take(SIZE_MAX));
	CU_ASSERT_PTR_NULL(memory_take(SIZE_MAX / 2));
}

/* Pages of a block that have memory behind them. */
static unsigned int
resident(const uint8_t *block, size_t bytes)
{
	static unsigned char page[(40 << 20) / 4096];
	unsigned int n = 0;

	CU_ASSERT_EQUAL_FATAL(mincore((void *)(uintptr_t)block, bytes, page), 0);
	for (size_t i = 0; i < bytes / 4096; i++)
		n += page[i] & 1;
	return n;
}

/* The last of all: there is no way back. */
static void
who_is_lazy_has_no_page_before_it_is_touched(void)
{
	static const size_t sizes[] = { 4 << 20, 40 << 20 };
	uint8_t *block = memory_take(sizes[0]);

	CU_ASSERT_EQUAL(resident(block, sizes[0]), sizes[0] / 4096);
	memory_give(block, sizes[0]);
	memory_be_lazy();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		block = memory_take(sizes[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(block);
		CU_ASSERT_EQUAL((uintptr_t)block % (2 << 20), 0);
		CU_ASSERT_EQUAL(resident(block, sizes[i]), 0);
		block[sizes[i] - 1] = 1;
		/* A page, or a large one where the kernel has them. */
		CU_ASSERT(resident(block, sizes[i]) >= 1 &&
		          resident(block, sizes[i]) <= (i == 0 ? 1 : 512));
		memory_give(block, sizes[i]);
	}
}

SUITE_MAIN("base/memory", TEST(blocks_are_aligned_zeroed_and_writable_to_the_end),
           TEST(a_giant_block_lies_on_giant_pages_and_is_given_back),
           TEST(impossible_sizes_are_refused),
           TEST(who_is_lazy_has_no_page_before_it_is_touched))
