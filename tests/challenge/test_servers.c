/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/servers.h"

#include <string.h>

#include "suite.h"

static struct servers s;
static const struct tcp_options everything = {
	.mss = 1460, .wscale = 8, .has_sack_permitted = true, .has_ts = true
};
static const struct tcp_options nothing = { .wscale = OPTIONS_NO_WSCALE };

static void
open_it(void)
{
	struct hash_key key;

	hash_key_seeded(&key, 3);
	CU_ASSERT_EQUAL_FATAL(servers_open(&s, &key), 0);
}

/* 203.0.113.n, or 2001:db8::n. */
static const uint8_t *
address_of(unsigned int n, bool is_ipv6)
{
	static uint8_t a[16];

	memset(a, 0, sizeof(a));
	if (is_ipv6)
		memcpy(a, "\x20\x01\x0d\xb8", 4);
	else
		memcpy(a + 10, "\xff\xff\xcb\x00\x71", 5);
	a[15] = (uint8_t)n;
	if (is_ipv6)
		a[14] = (uint8_t)(n >> 8);
	return a;
}

static void
a_stranger_is_taken_for_what_most_are(void)
{
	struct server out;

	open_it();
	CU_ASSERT(!servers_find(&s, address_of(1, false), 443, false, &out));
	CU_ASSERT_EQUAL(out.mss, 1460);
	CU_ASSERT_EQUAL(out.wscale, 7);
	CU_ASSERT(out.has_sack && out.has_ts && !out.has_ecn);
	CU_ASSERT(!servers_find(&s, address_of(1, true), 443, true, &out));
	CU_ASSERT_EQUAL(out.mss, 1440);
	servers_close(&s);
}

static void
what_it_said_is_known_of_this_port_only(void)
{
	const struct tcp_options said = { .mss = 1412, .wscale = 9, .has_ts = true };
	struct server out;

	open_it();
	servers_learn(&s, address_of(1, false), 443, &said, true, &everything);
	CU_ASSERT(servers_find(&s, address_of(1, false), 443, false, &out));
	CU_ASSERT_EQUAL(out.mss, 1412);
	CU_ASSERT_EQUAL(out.wscale, 9);
	CU_ASSERT(!out.has_sack && out.has_ts && out.has_ecn);
	CU_ASSERT(!servers_find(&s, address_of(1, false), 80, false, &out));
	CU_ASSERT(!servers_find(&s, address_of(2, false), 443, false, &out));
	CU_ASSERT(!servers_find(&s, address_of(1, true), 443, true, &out));
	servers_close(&s);
}

/* A client without options teaches the MSS and nothing else. */
static void
what_nobody_asked_for_is_not_missing(void)
{
	const struct tcp_options said = { .mss = 1380, .wscale = OPTIONS_NO_WSCALE };
	const struct tcp_options *offers[] = { &nothing, NULL };
	struct server out;

	open_it();
	for (unsigned int i = 0; i < 2; i++) {
		servers_learn(&s, address_of(i, false), 443, &said, false, offers[i]);
		CU_ASSERT(servers_find(&s, address_of(i, false), 443, false, &out));
		CU_ASSERT_EQUAL(out.mss, 1380);
		CU_ASSERT_EQUAL(out.wscale, 7);
		CU_ASSERT(out.has_sack && out.has_ts);

		/* Nor does it make forget what was said to another. */
		servers_learn(&s, address_of(i, false), 443, &everything, true,
		              &everything);
		servers_learn(&s, address_of(i, false), 443, &said, false, offers[i]);
		servers_find(&s, address_of(i, false), 443, false, &out);
		CU_ASSERT_EQUAL(out.wscale, 8);
		CU_ASSERT(out.has_sack && out.has_ts && out.has_ecn);
	}
	servers_close(&s);
}

static void
what_was_asked_for_and_is_missing_is_not_there(void)
{
	struct server out;

	open_it();
	servers_learn(&s, address_of(7, true), 25, &everything, false, &everything);
	servers_learn(&s, address_of(7, true), 25, &nothing, false, &everything);
	CU_ASSERT(servers_find(&s, address_of(7, true), 25, true, &out));
	CU_ASSERT_EQUAL(out.wscale, OPTIONS_NO_WSCALE);
	CU_ASSERT(!out.has_sack && !out.has_ts);
	/* RFC 9293 3.7.1: no MSS means the least that everybody takes. */
	CU_ASSERT_EQUAL(out.mss, 1220);
	servers_learn(&s, address_of(7, false), 25, &nothing, false, NULL);
	servers_find(&s, address_of(7, false), 25, false, &out);
	CU_ASSERT_EQUAL(out.mss, 536);
	servers_close(&s);
}

/* Each server by itself, however many there are; nobody gets what another said. */
static void
a_full_cache_forgets_and_never_mixes_up(void)
{
	struct tcp_options said = everything;
	struct server out;
	unsigned int known = 0, wrong = 0;

	open_it();
	for (unsigned int n = 0; n < 2 * SERVERS_ENTRIES; n++) {
		said.mss = (uint16_t)(1 + n);
		servers_learn(&s, address_of(n, true), 443, &said, false, &everything);
		servers_find(&s, address_of(n, true), 443, true, &out);
		wrong += out.mss != n + 1;
	}
	for (unsigned int n = 0; n < 2 * SERVERS_ENTRIES; n++)
		if (servers_find(&s, address_of(n, true), 443, true, &out)) {
			known++;
			wrong += out.mss != n + 1;
		}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(known > SERVERS_ENTRIES * 8 / 10);
	CU_ASSERT(known <= SERVERS_ENTRIES);
	servers_close(&s);
}

SUITE_MAIN("challenge/servers", TEST(a_stranger_is_taken_for_what_most_are),
           TEST(what_it_said_is_known_of_this_port_only),
           TEST(what_nobody_asked_for_is_not_missing),
           TEST(what_was_asked_for_and_is_missing_is_not_there),
           TEST(a_full_cache_forgets_and_never_mixes_up))
