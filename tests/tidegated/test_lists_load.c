/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prefixes from files, five million in a soak and else an eighth of them, loaded and changed
 * while workers come round: how long each takes, and that no worker waits for any of it.
 */
#include <pthread.h>

#include "lists_rig.h"

#define FOUR (suite_is_soak() ? 4000000u : 500000u)
#define SIX  (FOUR / 4)

static uint32_t
nth(uint32_t i)
{
	return i * UINT32_C(2654435761);
}

/* Addresses with 10 in front are left out: they are what the test adds. */
static void
write_feed(void)
{
	FILE *f;

	make_folder();
	f = fopen(path_of("feed.txt"), "w");
	for (uint32_t i = 0, n = 0, all = FOUR; n < all; i++) {
		const uint32_t a = nth(i);

		if (a >> 24 == 10 || (a >> 24 == 203 && (a >> 16 & 255) == 0))
			continue;
		n++;
		fprintf(f, "%u.%u.%u.%u\n", a >> 24, a >> 16 & 255, a >> 8 & 255,
		        a & 255);
		if (n % 4 == 0)
			fprintf(f, "2001:db8:%x:%x::/64\n", a >> 16, a & 0xffff);
	}
	if (fclose(f) != 0)
		abort();
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int is_over;
static uint64_t rounds, torn;

/* A worker as it should be: takes the snapshot, looks into it, says that it is done. */
static void *
come_round(void *arg)
{
	struct prefix listed;

	prefix_parse("10.9.9.9", &listed);
	engine_online(&e, 0);
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		const struct policies *p = engine_policies(&e);
		const uint64_t generation = p->generation;
		const struct stage_lists *l = list_set_lists(p->lists);

		if (l != NULL && prefix_find(l->table, listed.address) == PREFIX_NONE)
			torn++;
		torn += p->generation != generation;
		rounds++;
		engine_quiescent(&e, 0);
		usleep(200);
	}
	engine_offline(&e, 0);
	return arg;
}

static double
by_hand_takes(const char *prefix)
{
	const double begin = seconds();

	CU_ASSERT_EQUAL(by_hand("feed", prefix, 0, true), 0);
	return seconds() - begin;
}

static double
block_takes(const char *prefix)
{
	struct policy_block b = { .until_ns = now_ns + 100 * SECOND_NS };
	const double begin = seconds();

	CU_ASSERT_EQUAL_FATAL(prefix_parse(prefix, &b.prefix), 0);
	CU_ASSERT_EQUAL(e.box.block_add(e.box.daemon, &b), 0);
	return seconds() - begin;
}

static void
lists_are_loaded_and_changed_beside_the_workers(void)
{
	double began, took, most = 0;
	pthread_t worker;
	uint64_t before;

	write_feed();
	write_file("few.txt", "10.9.9.9\n");
	write_conf("{ name = \"feed\"; action = \"deny\"; file = \"feed.txt\"; }, "
	           "{ name = \"few\"; action = \"deny\"; file = \"few.txt\"; }");
	began = seconds();
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	took = seconds() - began;
	printf("\n    %u IPv4 and %u IPv6 prefixes from a file to a snapshot: %.2f s\n",
	       FOUR, SIX, took);
	CU_ASSERT_EQUAL(shown("feed").total, FOUR + SIX);
	CU_ASSERT(took < 60);

	pthread_create(&worker, NULL, come_round, NULL);
	began = seconds();
	before = __atomic_load_n(&rounds, __ATOMIC_RELAXED);
	CU_ASSERT_EQUAL(reload_list("feed"), 0);
	printf("    read again, nothing changed: %.2f s\n", seconds() - began);
	for (unsigned int i = 0; i < 10; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.1.1.%u", i);
		took = block_takes(text);
		most = took > most ? took : most;
	}
	printf("    a timed block: %.1f ms at most of ten\n", most * 1e3);
	CU_ASSERT(most < 2);
	took = by_hand_takes("10.1.2.3");
	printf("    an entry of the list by hand: %.2f s\n", took);
	CU_ASSERT(took < 60);
	CU_ASSERT(is_listed("10.1.2.3"));
	CU_ASSERT_EQUAL(shown("feed").total, FOUR + SIX + 1);
	took = seconds() - began;
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	pthread_join(worker, NULL);
	printf("    a worker came round %.0f times a second meanwhile\n",
	       (double)(rounds - before) / took);
	CU_ASSERT(rounds - before > 100);
	CU_ASSERT_EQUAL(torn, 0);
	close_engine();
}

SUITE_MAIN("lists load", TEST(lists_are_loaded_and_changed_beside_the_workers))
