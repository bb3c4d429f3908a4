/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"

#include <stdint.h>

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

static void
impossible_sizes_are_refused(void)
{
	CU_ASSERT_PTR_NULL(memory_take(0));
	CU_ASSERT_PTR_NULL(memory_take(SIZE_MAX));
	CU_ASSERT_PTR_NULL(memory_take(SIZE_MAX / 2));
}

SUITE_MAIN("base/memory", TEST(blocks_are_aligned_zeroed_and_writable_to_the_end),
           TEST(impossible_sizes_are_refused))
