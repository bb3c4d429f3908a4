/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_rss - the Toeplitz hash against published values, and what our key makes of it.
 *
 * Source  Microsoft: Verifying the RSS Hash Calculation (key, flows, values).
 */
#include <arpa/inet.h>
#include <string.h>

#include <rte_ethdev.h>

#include "base/log.h"
#include "io/eal.h"
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

/* Two cards of one link: key, functions and the hash of every flow come out the same. */
static void
both_ports_of_a_link_get_the_same(void)
{
	static const struct {
		uint8_t key;
		uint16_t reta;
		uint64_t offloads;
		enum port_spread spread;
		uint16_t queues;
	} cards[] = {
		{ 40, 128, UINT64_MAX, PORT_SPREAD_SYMMETRIC, 4 },
		{ 52, 512, UINT64_MAX, PORT_SPREAD_SYMMETRIC, 4 },
		/* No table to write, a table that is no power of two, a key too long. */
		{ 40, 0, UINT64_MAX, PORT_SPREAD_DEVICE, 4 },
		{ 40, 96, UINT64_MAX, PORT_SPREAD_DEVICE, 4 },
		{ 128, 128, UINT64_MAX, PORT_SPREAD_DEVICE, 4 },
		/* Nothing that it could hash: one queue, or three would never see a packet. */
		{ 40, 128, 0, PORT_SPREAD_NONE, 1 },
	};

	for (unsigned int i = 0; i < 2 * sizeof(cards) / sizeof(*cards); i++) {
		const struct port_ask ask = { .workers = 4, .rss_ports = i % 2 };
		struct port p = { .kind = END_PCI, .rx_queues = 4 };
		struct rte_eth_conf conf = { 0 };
		struct rte_eth_dev_info info = {
			.hash_key_size = cards[i / 2].key,
			.reta_size = cards[i / 2].reta,
			.flow_type_rss_offloads = cards[i / 2].offloads,
		};
		const struct rte_eth_rss_conf *rss = &conf.rx_adv_conf.rss_conf;

		rss_choose(&p, &info, &ask, &conf);
		CU_ASSERT_EQUAL(p.spread, cards[i / 2].spread);
		CU_ASSERT_EQUAL(p.rx_queues, cards[i / 2].queues);
		CU_ASSERT_EQUAL((rss->rss_hf & RTE_ETH_RSS_TCP) != 0,
		                i % 2 == 1 && cards[i / 2].offloads != 0);
		if (p.spread != PORT_SPREAD_SYMMETRIC) {
			CU_ASSERT_PTR_NULL(rss->rss_key);
			continue;
		}
		CU_ASSERT_EQUAL(conf.rxmode.mq_mode, RTE_ETH_MQ_RX_RSS);
		CU_ASSERT_EQUAL(rss->rss_key_len, cards[i / 2].key);
		CU_ASSERT_EQUAL(memcmp(rss->rss_key, rss_key(), cards[i / 2].key), 0);
		CU_ASSERT_EQUAL(p.rss_functions, rss->rss_hf);
	}
}

/* A device with a table (net_null keeps one) is given what rss_queue() computes. */
static void
the_table_of_a_device_is_what_we_compute_with(void)
{
	static const unsigned int core[] = { 0 };
	const struct eal_plan plan = {
		.prefix = "tidegate-rss", .n_cores = 1, .core = core, .memory_mib = 64
	};
	struct rte_eth_rss_reta_entry64 table[8];
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	struct port p = { .rx_queues = 3 };
	char why[IO_WHY] = "";

	log_open("test_rss", LOG_LEVEL_ERROR);
	CU_ASSERT_EQUAL_FATAL(eal_start(&plan, why), 0);
	CU_ASSERT_EQUAL_FATAL(rte_dev_probe("net_null0"), 0);
	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_get_port_by_name("net_null0", &p.id), 0);
	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_info_get(p.id, &info), 0);
	p.reta_size = info.reta_size;
	CU_ASSERT_FATAL(p.reta_size >= 64 && p.reta_size <= 512);
	conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_configure(p.id, 3, 1, &conf), 0);
	rss_spread(&p);
	memset(table, 0, sizeof(table));
	for (unsigned int i = 0; i < 8; i++)
		table[i].mask = UINT64_MAX;
	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_rss_reta_query(p.id, table, p.reta_size), 0);
	for (unsigned int i = 0; i < p.reta_size; i++)
		CU_ASSERT_EQUAL(table[i / 64].reta[i % 64], rss_queue(i, p.reta_size, 3));
	rte_eth_dev_close(p.id);
}

SUITE_MAIN("rss", TEST(both_ports_of_a_link_get_the_same),
           TEST(the_table_of_a_device_is_what_we_compute_with),
           TEST(the_published_values_come_out),
           TEST(our_key_gives_both_directions_one_hash),
           TEST(any_two_ends_meet_one_queue_both_ways),
           TEST(ports_agree_only_when_every_hash_meets_one_queue))
