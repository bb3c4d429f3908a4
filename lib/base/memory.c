/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"

#include <stdint.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 << 20)

static size_t
rounded(size_t bytes)
{
	return (bytes + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
}

void *
memory_take(size_t bytes)
{
	size_t want = rounded(bytes), map = want + LARGE_PAGE;
	char *block, *aligned;

	if (bytes == 0 || map < bytes)
		return NULL;
	block = mmap(NULL, map, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	             0);
	if (block == MAP_FAILED)
		return NULL;

	/* Cut the block to a large-page border; both ends go back at once. */
	aligned = (char *)(((uintptr_t)block + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1));
	if (aligned > block)
		munmap(block, (size_t)(aligned - block));
	if (block + map > aligned + want)
		munmap(aligned + want, (size_t)(block + map - (aligned + want)));

	madvise(aligned, want, MADV_HUGEPAGE);
	for (size_t at = 0; at < want; at += 4096)
		((volatile char *)aligned)[at] = 0;
	return aligned;
}

void
memory_give(void *block, size_t bytes)
{
	if (block != NULL)
		munmap(block, rounded(bytes));
}
