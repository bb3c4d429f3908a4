/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory - big tables, taken once, zeroed, on large pages where the kernel has them.
 *
 * Tables have their final size before the first packet; nothing here is called
 * on the hot path. A block of 1 GiB or more lies on giant pages when enough of
 * them are reserved (vm.nr_hugepages of 1048576kB, hugepagesz=1G on the kernel's
 * command line); all others lie on transparent pages of 2 MiB. Every page is
 * touched at once, so that no packet ever pays for a page fault. Where no packet waits for
 * that, as in a replay, a program says so, and most of its start is saved: a short capture
 * meets few of the pages.
 *
 * Threads any; each block belongs to who took it.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Zeroed memory aligned to 2 MiB, bytes > 0. Returns NULL when the machine has not enough. */
void *memory_take(size_t bytes);

/*
 * Blocks of this process from now on: pages come when they are touched, small ones for a
 * block of less than 32 MiB. Before other threads begin.
 */
void memory_be_lazy(void);

/* Give back what memory_take() returned, with the same size. NULL is allowed. */
void memory_give(void *block, size_t bytes);

#endif
