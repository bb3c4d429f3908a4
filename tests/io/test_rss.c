/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_rss - the Toeplitz hash against published values, and what our key makes of it.
 *
 * Source  Microsoft: Verifying the RSS Hash Calculation (key, flows, values).
 */
#include <arpa/inet.h>
#include <string.h>

#include "io/port.h"
#include "io/rss.h"
#include "suite.h"

#define PAIRS 20000

static const uint8_t microsoft_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
	0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct flow {
	const char *src, *dst;
	uint16_t src_port, dst_port;
	uint32_t by_ports, by_addresses;
} flows[] = {
	{ "66.9.149.187", "161.142.100.80", 2794, 1766, 0x51ccc178, 0x323e8fc2 },
	{ "199.92.111.2", "65.69.140.83", 14230, 4739, 0xc626b0ea, 0xd718262a },
	{ "24.19.198.95", "12.22.207.184", 12898, 38024, 0x5c2b394a, 0xd2d0a5de },
	{ "38.27.205.30", "209.142.163.6", 48228, 2217, 0xafc7327f, 0x82989176 },
	{ "153.39.163.191", "202.188.127.2", 44251, 1303, 0x10e828a2, 0x5d1809c5 },
	{ "3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x40207d3d,
	  0x2cc18cd5 },
	{ "3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739, 0xdde51bbf,
	  0x0f0c461c },
	{ "3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf", 44251, 38024,
	  0x02d1feef, 0x4b61e985 },
};

/* What a device hashes. Returns its length. */
static unsigned int
input_of(const struct flow *f, bool has_ports, bool is_reversed, uint8_t *out)
{
	int family = strchr(f->src, ':') != NULL ? AF_INET6 : AF_INET;
	unsigned int size = family == AF_INET6 ? 16 : 4;
	uint16_t ports[2] = { htons(f->src_port), htons(f->dst_port) };

	CU_ASSERT_EQUAL_FATAL(inet_pton(family, is_reversed ? f->dst : f->src, out), 1);
	CU_ASSERT_EQUAL_FATAL(
		inet_pton(family, is_reversed ? f->src : f->dst, out + size), 1);
	memcpy(out + 2 * size, &ports[is_reversed], 2);
	memcpy(out + 2 * size + 2, &ports[!is_reversed], 2);
	return 2 * size + (has_ports ? 4 : 0);
}

static void
the_published_values_come_out(void)
{
	uint8_t input[RSS_INPUT_MAX];
	unsigned int len;

	for (size_t i = 0; i < sizeof(flows) / sizeof(*flows); i++) {
		len = input_of(&flows[i], true, false, input);
		CU_ASSERT_EQUAL(rss_hash(microsoft_key, input, len), flows[i].by_ports);
		len = input_of(&flows[i], false, false, input);
		CU_ASSERT_EQUAL(rss_hash(microsoft_key, input, len),
		                flows[i].by_addresses);
	}
}

static void
our_key_gives_both_directions_one_hash(void)
{
	uint8_t there[RSS_INPUT_MAX], back[RSS_INPUT_MAX];

	for (size_t i = 0; i < sizeof(flows) / sizeof(*flows); i++)
		for (unsigned int ports = 0; ports < 2; ports++) {
			unsigned int len = input_of(&flows[i], ports, false, there);

			input_of(&flows[i], ports, true, back);
			CU_ASSERT_EQUAL(rss_hash(rss_key(), there, len),
			                rss_hash(rss_key(), back, len));
			/* And it is the key that does it. */
			CU_ASSERT_NOT_EQUAL(rss_hash(microsoft_key, there, len),
			                    rss_hash(microsoft_key, back, len));
		}
}

static uint64_t seed = 88172645463325252;

static uint8_t
random_byte(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint8_t)(seed >> 32);
}

/* Halves of every size that a device hashes: addresses, and addresses with ports. */
static void
any_two_ends_meet_one_queue_both_ways(void)
{
	static const struct {
		unsigned int address, ports;
	} shapes[] = { { 4, 0 }, { 4, 2 }, { 16, 0 }, { 16, 2 } };
	unsigned int met[4][5] = { 0 }, a, b;

	for (unsigned int i = 0; i < PAIRS; i++) {
		const unsigned int shape = i % 4, size = shapes[shape].address,
				   more = shapes[shape].ports, len = 2 * (size + more);
		uint8_t there[RSS_INPUT_MAX], back[RSS_INPUT_MAX];

		for (unsigned int k = 0; k < len; k++)
			there[k] = random_byte();
		memcpy(back, there + size, size);
		memcpy(back + size, there, size);
		memcpy(back + 2 * size, there + 2 * size + more, more);
		memcpy(back + 2 * size + more, there + 2 * size, more);
		a = rss_queue(rss_hash(rss_key(), there, len), 128, 5);
		b = rss_queue(rss_hash(rss_key(), back, len), 128, 5);
		CU_ASSERT_EQUAL(a, b);
		met[shape][a]++;
	}
	/* A fifth each, give or take: the table has 26 entries for some and 25 for others. */
	for (unsigned int shape = 0; shape < 4; shape++)
		for (unsigned int q = 0; q < 5; q++)
			CU_ASSERT(met[shape][q] > PAIRS / 4 * 17 / 100 &&
			          met[shape][q] < PAIRS / 4 * 23 / 100);
}

static struct port
port_with(uint16_t reta_size, uint16_t queues, uint64_t functions)
{
	struct port p = { .reta_size = reta_size,
		          .rx_queues = queues,
		          .rss_functions = functions,
		          .spread = PORT_SPREAD_SYMMETRIC };

	return p;
}

static void
ports_agree_only_when_every_hash_meets_one_queue(void)
{
	const struct port a = port_with(128, 4, 1), b = port_with(512, 4, 1),
			  c = port_with(128, 3, 1), d = port_with(512, 3, 1),
			  other = port_with(128, 4, 3), fewer = port_with(128, 2, 1);
	struct port loose = a;

	loose.spread = PORT_SPREAD_DEVICE;
	CU_ASSERT_TRUE(rss_agree(&a, &a));
	CU_ASSERT_TRUE(rss_agree(&c, &c));
	CU_ASSERT_TRUE(rss_agree(&a, &b));
	CU_ASSERT_FALSE(rss_agree(&c, &d));
	CU_ASSERT_FALSE(rss_agree(&a, &other));
	CU_ASSERT_FALSE(rss_agree(&a, &fewer));
	CU_ASSERT_FALSE(rss_agree(&a, &loose));
	/* The reason: tables of 128 and 512 entries, four queues and three. */
	for (uint32_t hash = 0; hash < 100000; hash += 7)
		CU_ASSERT_EQUAL(rss_queue(hash, 128, 4), rss_queue(hash, 512, 4));
	CU_ASSERT_NOT_EQUAL(rss_queue(130, 128, 3), rss_queue(130, 512, 3));
}

SUITE_MAIN("rss", TEST(the_published_values_come_out),
           TEST(our_key_gives_both_directions_one_hash),
           TEST(any_two_ends_meet_one_queue_both_ways),
           TEST(ports_agree_only_when_every_hash_meets_one_queue))
