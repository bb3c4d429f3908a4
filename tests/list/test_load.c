/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Four million IPv4 and one million IPv6 lines, or outside of a soak an eighth of them, mixed
 * and in no order: how long they take, that all of them arrive, and that one broken line
 * among them is named.
 */
#include <arpa/inet.h>
#include <time.h>

#include "list_rig.h"

#define EVERY  (suite_is_soak() ? 5000000u : 625000u)
#define BROKEN (EVERY / 8 * 5)

/* An odd factor visits every value of 32 bits once: no two lines are the same. */
static uint32_t
nth(uint32_t i)
{
	return i * UINT32_C(2654435761);
}

static char *
put_four(char *at, uint32_t address)
{
	return at + sprintf(at, "%u.%u.%u.%u\n", address >> 24, address >> 16 & 255,
	                    address >> 8 & 255, address & 255);
}

static char *
put_six(char *at, uint32_t i)
{
	return at + sprintf(at, "2001:db8:%x:%x::/%u\n", nth(i) >> 16, nth(i) & 0xffff,
	                    i % 4 == 0 ? 64 : 128);
}

/* Writes the file; line `broken` (from 1, 0 for none) has bits behind its length. */
static void
write_feed(const char *path, uint32_t broken)
{
	const uint32_t lines = EVERY;
	char *text = malloc((size_t)lines * 32), *at = text;
	uint32_t four = 0, six = 0;

	for (uint32_t line = 1; line <= lines; line++) {
		if (line == broken)
			at += sprintf(at, "192.0.2.77/24\n");
		else if (line % 5 == 0)
			at = put_six(at, six++);
		else
			at = put_four(at, nth(four++));
	}
	write_file(path, text, (size_t)(at - text));
	free(text);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool
is_strictly_sorted(void)
{
	for (size_t i = 1; i < content->count; i++)
		if (memcmp(&content->prefix[i - 1].prefix, &content->prefix[i].prefix,
		           sizeof(struct prefix)) >= 0)
			return false;
	return true;
}

static void
every_line_is_read_in_little_time(void)
{
	const char *path = temporary(".txt");
	double begin, took;

	write_feed(path, 0);
	start(LIST_PLAIN);
	spec.most = EVERY;
	begin = seconds();
	CU_ASSERT_EQUAL_FATAL(read_file(path), 0);
	took = seconds() - begin;
	printf("\n    %u lines, a fifth of them IPv6: %.2f s of one core, %.0f ns a "
	       "line\n",
	       EVERY, took, took * 1e9 / EVERY);
	CU_ASSERT_EQUAL(content->count, EVERY);
	CU_ASSERT(is_strictly_sorted());
	/* Far above what it takes anywhere: it only says that nothing is quadratic. */
	CU_ASSERT(took < 30);
	unlink(path);
}

static void
one_broken_line_among_them_is_named(void)
{
	const char *path = temporary(".txt");

	write_feed(path, BROKEN);
	start(LIST_PLAIN);
	spec.most = EVERY;
	CU_ASSERT_EQUAL(read_file(path), -EINVAL);
	CU_ASSERT_EQUAL(errors.count, 1);
	CU_ASSERT(is_told(BROKEN, "\"192.0.2.77/24\""));
	CU_ASSERT(is_told(BROKEN, "write \"192.0.2.0/24\""));
	spec.on_error = LIST_SKIP;
	CU_ASSERT_EQUAL_FATAL(read_file(path), 0);
	CU_ASSERT_EQUAL(content->count, EVERY - 1);
	CU_ASSERT_EQUAL(content->skipped, 1);
	unlink(path);
	forget();
}

/* What takes the scanner is compared with what a copy and the library take. */
static void
the_scanner_says_what_it_saves(void)
{
	enum { TEXTS = 100000 };
	static char text[TEXTS][32];
	uint64_t sum = 0;
	double begin, fast, slow;

	for (uint32_t i = 0; i < TEXTS; i++) {
		char *end = i % 5 == 0 ? put_six(text[i], i) : put_four(text[i], nth(i));

		end[-1] = '\0';
	}
	begin = seconds();
	for (unsigned int i = 0; i < TEXTS; i++) {
		struct prefix p;

		if (list_scan_prefix(text[i], strlen(text[i]), &p) == 0)
			sum += p.address[15];
	}
	fast = seconds() - begin;
	begin = seconds();
	for (unsigned int i = 0; i < TEXTS; i++) {
		struct prefix p;

		if (prefix_parse(text[i], &p) == 0)
			sum -= p.address[15];
	}
	slow = seconds() - begin;
	printf("\n    an address: %.0f ns, %.0f ns by inet_pton\n", fast * 1e9 / TEXTS,
	       slow * 1e9 / TEXTS);
	CU_ASSERT_EQUAL(sum, 0);
}

SUITE_MAIN("list load", TEST(every_line_is_read_in_little_time),
           TEST(one_broken_line_among_them_is_named),
           TEST(the_scanner_says_what_it_saves))
