/* SPDX-License-Identifier: BSD-3-Clause */
/* The filter against a twin that remembers every key exactly. */
#include "sketch/member.h"

#include <string.h>

#include "suite.h"

#define LINES  1024u
#define MOST   (LINES * MEMBER_LINE_BITS / 16) /* 16 bits a key */
#define SECOND UINT64_C(1000000000)

static struct member m;

/* Keys of one set are mixed numbers, as hashes are. */
static uint64_t
hash_of(uint64_t n)
{
	n += UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
	return n ^ (n >> 31);
}

static void
open_filter(uint64_t every_ns)
{
	/* Some of MOST keys are taken for others and not counted. */
	CU_ASSERT_EQUAL_FATAL(member_open(&m, LINES, MOST - MOST / 64, every_ns), 0);
}

/* Enough turns to wipe a generation. */
static void
wipe(uint64_t now_ns)
{
	for (uint32_t i = 0; i <= LINES / 256; i++)
		member_turn(&m, now_ns);
}

static void
nothing_is_missed_and_strangers_are_rarely_known(void)
{
	unsigned int wrong = 0;

	open_filter(100 * SECOND);
	for (uint64_t n = 0; n < 2 * MOST; n++) {
		if (n == MOST)
			wipe(SECOND);
		member_add(&m, hash_of(n));
	}
	for (uint64_t n = 0; n < 2 * MOST; n++)
		CU_ASSERT_FATAL(member_has(&m, hash_of(n)));
	for (uint64_t n = 0; n < 1000000; n++)
		wrong += member_has(&m, hash_of((UINT64_C(1) << 40) + n));
	CU_ASSERT(wrong < 3000);
	CU_ASSERT(wrong > 0);
	member_close(&m);
}

/* One to two generations, by number and by time. */
static void
what_is_old_is_forgotten(void)
{
	open_filter(10 * SECOND);
	member_add(&m, hash_of(1));
	member_turn(&m, 9 * SECOND);
	CU_ASSERT_TRUE(member_has(&m, hash_of(1)));
	member_turn(&m, 11 * SECOND);
	CU_ASSERT_TRUE(member_has(&m, hash_of(1)));
	member_add(&m, hash_of(2));
	wipe(20 * SECOND);
	CU_ASSERT_TRUE(member_has(&m, hash_of(1)));
	wipe(22 * SECOND);
	CU_ASSERT_FALSE(member_has(&m, hash_of(1)));
	CU_ASSERT_TRUE(member_has(&m, hash_of(2)));
	member_close(&m);

	open_filter(1000 * SECOND);
	member_add(&m, hash_of(UINT64_C(1) << 50));
	for (uint64_t n = 0; n < 3 * MOST; n++) {
		member_add(&m, hash_of(n));
		if (n % MOST == MOST - 1)
			wipe(SECOND);
	}
	CU_ASSERT_FALSE(member_has(&m, hash_of(UINT64_C(1) << 50)));
	member_close(&m);
}

/* Who is seen again and again is never forgotten. */
static void
what_comes_again_stays(void)
{
	open_filter(SECOND);
	for (unsigned int s = 1; s < 50; s++) {
		CU_ASSERT(s == 1 || member_has(&m, hash_of(7)));
		member_add(&m, hash_of(7));
		wipe(s * SECOND);
	}
	member_close(&m);
}

SUITE_MAIN("sketch/member", TEST(nothing_is_missed_and_strangers_are_rarely_known),
           TEST(what_is_old_is_forgotten), TEST(what_comes_again_stays))
