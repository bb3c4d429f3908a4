/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seq - one writer publishes a record; readers copy it without stopping him.
 *
 * A sequence lock: the number is odd while the record is being written, and a
 * reader whose copy saw it change copies again. Words are copied one by one
 * with relaxed atomics, so a torn copy is thrown away but never undefined
 * (Boehm, "Can seqlocks get along with programming language memory models?").
 *
 * Records are multiples of 8 bytes. Threads: one writer, any number of readers.
 */
#ifndef BASE_SEQ_H
#define BASE_SEQ_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

static inline void
seq_copy_words(uint64_t *to, const uint64_t *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
		__atomic_store_n(&to[i], __atomic_load_n(&from[i], __ATOMIC_RELAXED),
		                 __ATOMIC_RELAXED);
}

/* Publish `bytes` of `from` in `to`. */
static inline void
seq_write(uint64_t *seq, void *to, const void *from, size_t bytes)
{
	uint64_t s = __atomic_load_n(seq, __ATOMIC_RELAXED);

	assert(bytes % sizeof(uint64_t) == 0);
	__atomic_store_n(seq, s + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	seq_copy_words(to, from, bytes);
	__atomic_store_n(seq, s + 2, __ATOMIC_RELEASE);
}

/* Copy what is published in `from`; waits out a writer in the middle of it. */
static inline void
seq_read(const uint64_t *seq, void *to, const void *from, size_t bytes)
{
	uint64_t before, after;

	do {
		before = __atomic_load_n(seq, __ATOMIC_ACQUIRE);
		seq_copy_words(to, from, bytes);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(seq, __ATOMIC_RELAXED);
	} while (before != after || (before & 1) != 0);
}

#endif
