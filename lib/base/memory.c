/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#ifndef MAP_HUGE_1GB
#define MAP_HUGE_1GB (30 << 26) /* Its logarithm, where mmap(2) wants it. */
#endif

#define LARGE_PAGE ((size_t)2 << 20)
#define GIANT_PAGE ((size_t)1 << 30)
#define LAZY_SMALL                                                                       \
	((size_t)32 << 20) /* To clear a large page for one entry costs more. */

static bool is_lazy;

/* A block of a giant page or more fills whole ones, so that it can lie on them. */
static size_t
page_of(size_t bytes)
{
	return bytes < GIANT_PAGE ? LARGE_PAGE : GIANT_PAGE;
}

static size_t
rounded(size_t bytes)
{
	const size_t page = page_of(bytes);

	return (bytes + page - 1) & ~(page - 1);
}

/* Giant pages that the operator reserved; the kernel never makes any by itself. */
static void *
take_giant(size_t want)
{
	void *block =
		mmap(NULL, want, PROT_READ | PROT_WRITE,
	             MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_1GB, -1, 0);

	return block == MAP_FAILED ? NULL : block;
}

/* A range that begins at a large page's border; what is cut off goes back at once. */
static void *
take_large(size_t want)
{
	const size_t map = want + LARGE_PAGE;
	char *block = mmap(NULL, map, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	                   -1, 0);
	char *aligned;

	if (block == MAP_FAILED)
		return NULL;
	aligned = (char *)(((uintptr_t)block + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1));
	if (aligned > block)
		munmap(block, (size_t)(aligned - block));
	if (block + map > aligned + want)
		munmap(aligned + want, (size_t)(block + map - (aligned + want)));
	if (!is_lazy || want >= LAZY_SMALL)
		madvise(aligned, want, MADV_HUGEPAGE);
	return aligned;
}

void
memory_be_lazy(void)
{
	is_lazy = true;
}

void *
memory_take(size_t bytes)
{
	const size_t want = rounded(bytes);
	char *block = NULL;

	if (bytes == 0 || want < bytes || want + LARGE_PAGE < want)
		return NULL;
	if (bytes >= GIANT_PAGE && !is_lazy)
		block = take_giant(want);
	if (block == NULL)
		block = take_large(want);
	if (block == NULL || is_lazy)
		return block;
	/* What only rounds the block up is never touched, and takes no memory. */
	for (size_t at = 0; at < bytes; at += 4096)
		((volatile char *)block)[at] = 0;
	return block;
}

void
memory_give(void *block, size_t bytes)
{
	if (block != NULL)
		munmap(block, rounded(bytes));
}
