/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pipe - words between two threads: each once, in order, never more than fit.
 */
#include <pthread.h>
#include <sched.h>

#include "io/pipe.h"
#include "suite.h"

#define ROOM  64
#define WORDS 2000000

/* Take up to n words. Returns how many came and were `first`, `first` + 1 and so on. */
static unsigned int
take(struct pipe *p, unsigned int n, uintptr_t first)
{
	unsigned int waiting = pipe_waiting(p), right = 0;

	if (waiting < n)
		n = waiting;
	for (unsigned int i = 0; i < n; i++)
		right += pipe_at(p, i) == first + i;
	pipe_pass(p, n);
	return right;
}

static void
words_come_out_as_they_went_in(void)
{
	struct pipe *p = pipe_new(ROOM);
	uintptr_t word[ROOM], next = 0, wanted = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(pipe_waiting(p), 0);
	/* Sizes that do not divide the room, so that every slot is met at every place. */
	for (unsigned int round = 0; round < 1000; round++) {
		unsigned int n = 1 + round % 29;

		for (unsigned int i = 0; i < n; i++)
			word[i] = next++;
		CU_ASSERT_EQUAL_FATAL(pipe_put(p, word, n), n);
		CU_ASSERT_EQUAL(pipe_depth(p), n);
		CU_ASSERT_EQUAL_FATAL(take(p, n, wanted), n);
		wanted += n;
	}
	CU_ASSERT_EQUAL(pipe_depth(p), 0);
	pipe_free(p);
}

static void
a_full_pipe_takes_no_more_and_loses_nothing(void)
{
	struct pipe *p = pipe_new(ROOM);
	uintptr_t word[ROOM + 36];

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	for (unsigned int i = 0; i < ROOM + 36; i++)
		word[i] = i;
	CU_ASSERT_EQUAL(pipe_put(p, word, ROOM - 4), ROOM - 4);
	CU_ASSERT_EQUAL(pipe_put(p, word + ROOM - 4, 40), 4);
	CU_ASSERT_EQUAL(pipe_put(p, word, 1), 0);
	CU_ASSERT_EQUAL(take(p, 10, 0), 10);
	CU_ASSERT_EQUAL(pipe_put(p, word + ROOM, 36), 10);
	/* What was known to wait comes first; then the taker looks again. */
	CU_ASSERT_EQUAL(take(p, ROOM, 10), ROOM - 10);
	CU_ASSERT_EQUAL(take(p, ROOM, ROOM), 10);
	CU_ASSERT_EQUAL(pipe_waiting(p), 0);
	pipe_free(p);
}

static void *
give(void *pipe)
{
	uintptr_t word[48], next = 0;

	while (next < WORDS) {
		unsigned int n = 1 + (unsigned int)(next % 48), put;

		if (n > WORDS - next)
			n = (unsigned int)(WORDS - next);
		for (unsigned int i = 0; i < n; i++)
			word[i] = next + i;
		put = pipe_put(pipe, word, n);
		next += put;
		if (put == 0)
			sched_yield();
	}
	return NULL;
}

static void
two_threads_see_every_word_once_and_in_order(void)
{
	struct pipe *p = pipe_new(ROOM);
	uintptr_t wanted = 0;
	pthread_t giver;

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&giver, NULL, give, p), 0);
	while (wanted < WORDS) {
		unsigned int waiting = pipe_waiting(p);

		if (waiting == 0)
			sched_yield();
		CU_ASSERT_TRUE_FATAL(waiting <= ROOM);
		CU_ASSERT_EQUAL_FATAL(take(p, waiting, wanted), waiting);
		wanted += waiting;
	}
	pthread_join(giver, NULL);
	CU_ASSERT_EQUAL(pipe_depth(p), 0);
	pipe_free(p);
}

SUITE_MAIN("pipe", TEST(words_come_out_as_they_went_in),
           TEST(a_full_pipe_takes_no_more_and_loses_nothing),
           TEST(two_threads_see_every_word_once_and_in_order))
