/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/notices.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "suite.h"

static struct notices ring;

static void
notices_come_out_as_they_went_in(void)
{
	struct notice in = { .kind = NOTICE_SOURCE_BLOCKED,
		             .unit = "packets_per_second" },
		      out;

	memset(&ring, 0, sizeof(ring));
	CU_ASSERT_FALSE(notices_take(&ring, &out));
	for (unsigned int turn = 0; turn < 3 * NOTICES_MAX; turn += 2) {
		in.value = turn;
		CU_ASSERT(notices_put(&ring, &in));
		in.value = turn + 1;
		CU_ASSERT(notices_put(&ring, &in));
		CU_ASSERT(notices_take(&ring, &out));
		CU_ASSERT_EQUAL(out.value, turn);
		CU_ASSERT(notices_take(&ring, &out));
		CU_ASSERT_EQUAL(out.value, turn + 1);
		CU_ASSERT_EQUAL(out.kind, NOTICE_SOURCE_BLOCKED);
	}
	CU_ASSERT_FALSE(notices_take(&ring, &out));
	CU_ASSERT_EQUAL(ring.lost, 0);
}

static void
a_full_ring_loses_the_newest_and_counts_them(void)
{
	struct notice in = { 0 }, out;

	memset(&ring, 0, sizeof(ring));
	for (unsigned int i = 0; i < NOTICES_MAX; i++) {
		in.value = i;
		CU_ASSERT(notices_put(&ring, &in));
	}
	CU_ASSERT_FALSE(notices_put(&ring, &in));
	CU_ASSERT_FALSE(notices_put(&ring, &in));
	CU_ASSERT_EQUAL(ring.lost, 2);
	CU_ASSERT(notices_take(&ring, &out));
	CU_ASSERT_EQUAL(out.value, 0);
	CU_ASSERT(notices_put(&ring, &in));
}

#define SENT 200000

static void *
worker(void *arg)
{
	struct notice n = { 0 };

	for (unsigned int i = 1; i <= SENT; i++) {
		n.value = n.threshold = i;
		while (!notices_put(arg, &n))
			sched_yield();
	}
	return NULL;
}

static void
two_threads_pass_every_notice_whole_and_in_order(void)
{
	struct notice out;
	pthread_t thread;
	uint64_t last = 0;

	memset(&ring, 0, sizeof(ring));
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, worker, &ring), 0);
	while (last < SENT) {
		if (!notices_take(&ring, &out)) {
			sched_yield();
			continue;
		}
		if (out.value != last + 1 || out.threshold != out.value)
			break;
		last = out.value;
	}
	CU_ASSERT_EQUAL(last, SENT);
	pthread_join(thread, NULL);
}

SUITE_MAIN("base/notices", TEST(notices_come_out_as_they_went_in),
           TEST(a_full_ring_loses_the_newest_and_counts_them),
           TEST(two_threads_pass_every_notice_whole_and_in_order))
