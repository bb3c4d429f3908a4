/* SPDX-License-Identifier: BSD-3-Clause */
/* What is said of a rule and an address must hold for every packet of that address. */
#include "filter/reach.h"

#include <arpa/inet.h>
#include <string.h>

#include "suite.h"

static void
address_of(const char *text, uint8_t out[16])
{
	memset(out, 0, 16);
	if (inet_pton(AF_INET6, text, out) == 1)
		return;
	out[10] = out[11] = 0xff;
	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET, text, out + 12), 1);
}

static void
an_expression_is_decided_as_far_as_the_address_goes(void)
{
	static const struct {
		const char *text, *address;
		enum filter_end end;
		enum filter_reach wanted;
	} rows[] = {
		{ "src net 198.51.100.0/24", "198.51.100.7", FILTER_SRC, FILTER_ALWAYS },
		{ "src net 198.51.100.0/24", "198.51.101.7", FILTER_SRC, FILTER_NEVER },
		{ "src net 198.51.100.0/24", "198.51.100.7", FILTER_DST, FILTER_MAYBE },
		{ "dst host 203.0.113.10", "203.0.113.10", FILTER_DST, FILTER_ALWAYS },
		{ "net 198.51.100.0/24", "198.51.100.7", FILTER_SRC, FILTER_ALWAYS },
		{ "not src net 198.51.100.0/24", "198.51.100.7", FILTER_SRC,
		  FILTER_NEVER },
		{ "not src net 198.51.100.0/24", "192.0.2.1", FILTER_SRC, FILTER_ALWAYS },
		{ "src host 198.51.100.7 and udp", "198.51.100.7", FILTER_SRC,
		  FILTER_MAYBE },
		{ "src host 198.51.100.7 and udp", "198.51.100.8", FILTER_SRC,
		  FILTER_NEVER },
		{ "src host 198.51.100.7 or udp", "198.51.100.7", FILTER_SRC,
		  FILTER_ALWAYS },
		{ "udp src port 53", "198.51.100.7", FILTER_SRC, FILTER_MAYBE },
		{ "ip", "198.51.100.7", FILTER_SRC, FILTER_ALWAYS },
		{ "ip6", "198.51.100.7", FILTER_SRC, FILTER_NEVER },
		{ "ip or ip6", "2001:db8::7", FILTER_SRC, FILTER_ALWAYS },
		{ "src net 2001:db8::/32", "2001:db8::7", FILTER_SRC, FILTER_ALWAYS },
		{ "src net 2001:db8::/32", "2001:db9::7", FILTER_SRC, FILTER_NEVER },
		{ "src net 2001:db8::/32 and tcp dst port 443", "2001:db8::7", FILTER_SRC,
		  FILTER_MAYBE },
		{ "src net 198.51.100.0/24", "2001:db8::7", FILTER_SRC, FILTER_NEVER },
		{ "udp[8:4] = 0x12345678", "2001:db8::7", FILTER_SRC, FILTER_MAYBE },
		{ "udp[8:4] = 0x12345678 and src host 198.51.100.7", "198.51.100.8",
		  FILTER_SRC, FILTER_NEVER },
		{ "ip[15] & 1 = 1", "198.51.100.7", FILTER_SRC, FILTER_ALWAYS },
		{ "ip[15] & 1 = 1", "198.51.100.8", FILTER_SRC, FILTER_NEVER },
		{ "ip[12:4] > 0xc0000000", "198.51.100.8", FILTER_SRC, FILTER_ALWAYS },
		{ "ip[12:4] > 0xd0000000", "198.51.100.8", FILTER_SRC, FILTER_NEVER },
		{ "len > 500", "198.51.100.8", FILTER_SRC, FILTER_MAYBE },
		{ "no expression at all", "198.51.100.8", FILTER_SRC, FILTER_MAYBE },
	};
	uint8_t address[16];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum filter_reach found;

		address_of(rows[i].address, address);
		found = filter_reach_expression(rows[i].text, address, rows[i].end);
		CU_ASSERT_EQUAL(found, rows[i].wanted);
		if (found != rows[i].wanted)
			printf("\n'%s' and %s: %d\n", rows[i].text, rows[i].address,
			       (int)found);
	}
}

static void
components_are_decided_by_their_prefixes(void)
{
	static struct filter_match m; /* too large for a stack */
	uint8_t inside[16], outside[16];

	address_of("198.51.100.7", inside);
	address_of("198.51.104.7", outside);
	CU_ASSERT_EQUAL(filter_reach_match(&m, inside, FILTER_SRC), FILTER_ALWAYS);
	m.has_end[FILTER_SRC] = true;
	m.end[FILTER_SRC].count = 1;
	address_of("198.51.100.0", m.end[FILTER_SRC].prefix[0].address);
	m.end[FILTER_SRC].prefix[0].len = 96 + 22;
	CU_ASSERT_EQUAL(filter_reach_match(&m, inside, FILTER_SRC), FILTER_ALWAYS);
	CU_ASSERT_EQUAL(filter_reach_match(&m, outside, FILTER_SRC), FILTER_NEVER);
	CU_ASSERT_EQUAL(filter_reach_match(&m, outside, FILTER_DST), FILTER_MAYBE);
	m.has_wide[FILTER_DST_PORT] = true;
	CU_ASSERT_EQUAL(filter_reach_match(&m, inside, FILTER_SRC), FILTER_MAYBE);
	CU_ASSERT_EQUAL(filter_reach_match(&m, outside, FILTER_SRC), FILTER_NEVER);
}

SUITE_MAIN("filter/reach", TEST(an_expression_is_decided_as_far_as_the_address_goes),
           TEST(components_are_decided_by_their_prefixes))
