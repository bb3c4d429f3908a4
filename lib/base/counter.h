/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * counter - a number that one thread adds to and every thread may read.
 *
 * The writer is alone, so adding needs no locked instruction: a relaxed load
 * and a relaxed store compile to a plain add, and yet no reader sees half a
 * number and no sanitizer sees a race (C11 5.1.2.4).
 *
 * Units   whatever the owner counts; 64 bits of packets last for centuries.
 * Threads one writer per counter; readers anywhere.
 */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <stdint.h>

static inline uint64_t
counter_read(const uint64_t *c)
{
	return __atomic_load_n(c, __ATOMIC_RELAXED);
}

static inline void
counter_set(uint64_t *c, uint64_t value)
{
	__atomic_store_n(c, value, __ATOMIC_RELAXED);
}

static inline void
counter_add(uint64_t *c, uint64_t n)
{
	counter_set(c, counter_read(c) + n);
}

#endif
