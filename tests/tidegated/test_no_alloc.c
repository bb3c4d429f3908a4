/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * After the start a worker asks nobody for memory, whatever comes: attack, customers,
 * broken frames, a policy that only monitors, while the configuration is loaded
 * again and again and somebody has addresses explained.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "change.h"
#include "flood_rig.h"
#include "no_alloc.h"

#define RELOADS 20
#define ASKS    20

/* Services that mitigate and that monitor, lists, and limits that are soon reached. */
static const char text[] =
	"version = 1;\n"
	"dataplane = { flow_entries = \"4k\"; source_entries = \"4k\"; };\n"
	"links = ( { name = \"a\"; external = \"x0\"; internal = \"x1\"; } );\n"
	"routers = [ \"198.51.100.1\" ];\n"
	"lists = (\n"
	"  { name = \"good\"; action = \"allow\"; prefixes = [ \"80.0.0.0/16\" ]; },\n"
	"  { name = \"bad\"; action = \"deny\";\n"
	"    prefixes = [ \"81.0.0.0/9\", \"2001:db8:8000::/34\" ]; } );\n"
	"policies = (\n"
	"  { name = \"shop\"; mode = \"mitigate\"; vectors = (\n"
	"    { vector = \"tcp_syn_flood\"; activate_rate = \"1kpps\"; },\n"
	"    { vector = \"tcp_other_flood\"; activate_rate = \"1kpps\"; },\n"
	"    { vector = \"udp_flood\"; activate_rate = \"1kpps\"; } );\n"
	"    sources = { packets = \"100pps\"; new_connections = \"1cps\";\n"
	"                block_for = \"10s\"; }; },\n"
	"  { name = \"look\"; extends = \"shop\"; mode = \"monitor\"; } );\n"
	"services = (\n"
	"  { name = \"shop\"; policy = \"shop\"; protocol = \"tcp\";\n"
	"    prefixes = [ \"203.0.113.10/32\", \"2001:db8:a::10/128\" ]; },\n"
	"  { name = \"look\"; policy = \"look\";\n"
	"    prefixes = [ \"203.0.113.0/24\", \"2001:db8:a::/48\" ]; } );\n";

static char file[] = "/tmp/tidegate-alloc-XXXXXX";
static struct flood_rig r;
static atomic_uint reloads, asks;
static atomic_bool is_over;

static uint64_t
rig_clock(void)
{
	return __atomic_load_n(&r.now_ns, __ATOMIC_RELAXED);
}

/* --- traffic ---------------------------------------------------------------- */

static void
add_attack(uint64_t n)
{
	const uint64_t random = rig_mixed(n);
	struct packet p =
		rig_segment(SIDE_EXTERNAL, random | FORGER, TCP_SYN, random % 2 == 0);

	if (random % 8 < 3)
		p.flags = (uint8_t)(random >> 8);
	if (random % 8 == 4)
		p.proto = PROTO_UDP;
	rig_add(&r, &p);
}

/* The same few customers again and again, too often for their limits. */
static void
add_customer(uint64_t n)
{
	const uint64_t who = 1 + n % 32;
	struct packet p = rig_segment(SIDE_EXTERNAL, who, TCP_ACK, who > 16);

	if (n % 5 == 0)
		p.proto = PROTO_UDP;
	rig_add(&r, &p);
}

/* A sound frame with some bytes turned and its end cut off. */
static void
add_broken(uint64_t n)
{
	struct frame *f = &r.frame[r.count];
	uint64_t random = rig_mixed(n);

	add_attack(n);
	for (unsigned int i = 0; i < 1 + n % 4; i++) {
		f->bytes[12 + random % 60] = (uint8_t)(random >> 8);
		random = rig_mixed(random);
	}
	f->len = (uint16_t)(14 + random % (f->len - 13u));
}

static void
add_any(uint64_t n)
{
	switch (rig_mixed(n) >> 61) {
	case 0:
		add_broken(n);
		return;
	case 1:
	case 2:
		add_customer(n);
		return;
	default:
		add_attack(n);
	}
}

/* --- the threads of control -------------------------------------------------- */

static void *
reload_again_and_again(void *unused)
{
	while (!atomic_load(&is_over)) {
		struct conf_errors errors = { 0 };

		if (change_reload(&r.engine, &errors) == 0)
			atomic_fetch_add(&reloads, 1);
		conf_errors_free(&errors);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return unused;
}

static void *
ask_again_and_again(void *unused)
{
	static struct explain answer;
	const uint8_t address[16] = { [10] = 0xff, [11] = 0xff, 0x42, 0, 0, 5 };

	while (!atomic_load(&is_over))
		if (r.engine.box.ask(&r.engine, address, &answer) == 0)
			atomic_fetch_add(&asks, 1);
	return unused;
}

/* --- tests ------------------------------------------------------------------- */

static void
open_all(void)
{
	int fd = mkstemp(file);
	struct conf_errors errors = { 0 };
	struct settings *s = NULL;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(fd);
	rig_open(&r, text, rig_clock);
	/* Reload reads the file that the settings came from. */
	CU_ASSERT_EQUAL_FATAL(settings_read(file, &s, &errors), 0);
	settings_free(r.engine.settings);
	r.engine.settings = s;
	r.engine.box.settings = s;
	conf_errors_free(&errors);
}

/* Judge one burst in the trap, and let time pass. */
static void
judge_trapped(uint64_t pass_ns)
{
	no_alloc_begin();
	rig_judge(&r);
	no_alloc_end();
	__atomic_store_n(&r.now_ns, r.now_ns + pass_ns, __ATOMIC_RELAXED);
}

/* A trap that catches nothing would let everything pass. */
static void
the_trap_catches(void)
{
	static void *volatile block;
	const uint64_t before = no_alloc_count();

	no_alloc_begin();
	block = malloc(10);
	block = realloc(block, 20);
	free(block);
	block = calloc(3, 4);
	free(block);
	block = aligned_alloc(64, 64);
	free(block);
	/* From within a shared library as well. */
	block = strdup("no");
	free(block);
	no_alloc_end();
	CU_ASSERT_EQUAL(no_alloc_count() - before, 9);
	block = malloc(10);
	free(block);
	CU_ASSERT_EQUAL(no_alloc_count() - before, 9);
}

static void
judge_everything(uint64_t *n)
{
	rig_start(&r, *n % 3 == 0 ? SIDE_INTERNAL : SIDE_EXTERNAL);
	for (unsigned int i = 0; i < 1 + *n % 64; i++)
		add_any(*n * 64 + i);
	judge_trapped(MS / 4);
	if (++*n % 40 == 0)
		engine_tick(&r.engine, r.now_ns);
}

static void
a_worker_asks_nobody_for_memory(void)
{
	const uint64_t before = no_alloc_count();
	struct timespec start, now;
	pthread_t reloader, asker;
	uint64_t n = 0;

	open_all();
	rig_connect(&r, 1, 16, false);
	rig_connect(&r, 17, 16, true);
	CU_ASSERT_EQUAL_FATAL(
		pthread_create(&reloader, NULL, reload_again_and_again, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&asker, NULL, ask_again_and_again, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	/* 20,000 bursts, and until everybody had his turn, or a minute if they never do. */
	do {
		judge_everything(&n);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((n < 20000 || atomic_load(&reloads) < RELOADS ||
	          atomic_load(&asks) < ASKS) &&
	         now.tv_sec - start.tv_sec < 60);
	atomic_store(&is_over, true);
	/* Both wait for the worker to come round. */
	while (pthread_tryjoin_np(reloader, NULL) != 0)
		judge_everything(&n);
	while (pthread_tryjoin_np(asker, NULL) != 0)
		judge_everything(&n);

	CU_ASSERT(n >= 20000);
	CU_ASSERT(atomic_load(&reloads) >= RELOADS);
	CU_ASSERT(atomic_load(&asks) >= ASKS);
	CU_ASSERT_EQUAL(no_alloc_count(), before);
	if (no_alloc_count() != before)
		fprintf(stderr, "memory was asked for by %p\n", no_alloc_by());
	rig_close(&r);
	unlink(file);
}

/* All of it was worth judging: each way to go was taken, in both modes. */
static void
everything_did_happen(void)
{
	const struct pipeline_books *books;
	uint64_t decided = 0, would = 0, n = 0;
	unsigned int reasons = 0;

	atomic_store(&reloads, 0);
	strcpy(file + sizeof(file) - 7, "XXXXXX");
	open_all();
	rig_connect(&r, 1, 16, false);
	while (n < 4000)
		judge_everything(&n);
	books = &r.worker->pipeline.books;
	for (unsigned int s = 0; s < STAGE_MAX; s++)
		for (unsigned int i = 0; i < STAGE_MAX_REASONS; i++) {
			decided += books->decided[s][i];
			would += books->would[s][i];
			reasons += books->decided[s][i] != 0;
		}
	CU_ASSERT(decided > 10000);
	CU_ASSERT(would > 1000);
	CU_ASSERT(reasons >= 10);
	rig_close(&r);
	unlink(file);
}

SUITE_MAIN("no_alloc", TEST(the_trap_catches), TEST(a_worker_asks_nobody_for_memory),
           TEST(everything_did_happen))
