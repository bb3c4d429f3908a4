/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * no_alloc - the allocator of the whole test program, shared libraries included,
 * and a trap in it: what a thread asks of it between no_alloc_begin() and
 * no_alloc_end() is served, counted and held against that thread.
 *
 * Threads each has a trap of its own.
 */
#ifndef TESTS_TIDEGATED_NO_ALLOC_H
#define TESTS_TIDEGATED_NO_ALLOC_H

#include <stdint.h>

void no_alloc_begin(void);
void no_alloc_end(void);

/* How often this thread went to the allocator or the kernel for memory in the trap. */
uint64_t no_alloc_count(void);

/* Who did so last: a code address for addr2line, or NULL. */
const void *no_alloc_by(void);

#endif
