/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/seq.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include "base/counter.h"
#include "suite.h"

static struct shared {
	uint64_t seq;
	uint64_t record[32];
	bool stop;
	uint64_t torn, copies;
} shared;

static void *
reader(void *arg)
{
	struct shared *s = arg;
	uint64_t copy[32];

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		seq_read(&s->seq, copy, s->record, sizeof(copy));
		for (unsigned int i = 1; i < 32; i++)
			s->torn += copy[i] != copy[0] + i;
		counter_add(&s->copies, 1);
	}
	return NULL;
}

/* Every record is a run of numbers, so half an old one and half a new one show. */
static void
no_reader_gets_a_torn_record(void)
{
	uint64_t record[32];
	pthread_t thread;

	for (unsigned int i = 0; i < 32; i++)
		shared.record[i] = i;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, reader, &shared), 0);
	for (uint64_t turn = 1; turn < 200000 || counter_read(&shared.copies) < 100;
	     turn++) {
		for (unsigned int i = 0; i < 32; i++)
			record[i] = turn + i;
		seq_write(&shared.seq, shared.record, record, sizeof(record));
		if (turn % 4096 == 0)
			sched_yield();
	}
	__atomic_store_n(&shared.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(shared.torn, 0);
	CU_ASSERT(shared.copies > 0);
}

static void
what_was_written_is_read(void)
{
	uint64_t seq = 0, to[2] = { 0 }, from[2] = { 7, 8 }, out[2];

	seq_write(&seq, to, from, sizeof(to));
	seq_read(&seq, out, to, sizeof(out));
	CU_ASSERT(out[0] == 7 && out[1] == 8);
	CU_ASSERT_EQUAL(seq, 2);
}

static void
a_counter_adds_up(void)
{
	uint64_t c = UINT64_C(0xffffffff);

	counter_add(&c, 2);
	CU_ASSERT_EQUAL(counter_read(&c), UINT64_C(0x100000001));
	counter_set(&c, 3);
	CU_ASSERT_EQUAL(counter_read(&c), 3);
}

SUITE_MAIN("base/seq", TEST(no_reader_gets_a_torn_record), TEST(what_was_written_is_read),
           TEST(a_counter_adds_up))
