/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/rss.h"

#include <string.h>

#include <rte_ethdev.h>
#include <rte_thash.h>

#include "io/port.h"

#define RETA_MAX RTE_ETH_RSS_RETA_SIZE_512

/* The API of ethdev wants a key that it could write to; nobody does. */
#define PERIOD  0x6d, 0x5a
#define PERIODS PERIOD, PERIOD, PERIOD, PERIOD, PERIOD, PERIOD, PERIOD, PERIOD

static uint8_t key[RSS_KEY_MAX] = { PERIODS, PERIODS, PERIODS, PERIODS };

const uint8_t *
rss_key(void)
{
	return key;
}

uint32_t
rss_hash(const uint8_t *with, const void *input, unsigned int len)
{
	uint32_t word[RSS_INPUT_MAX / 4];

	memcpy(word, input, len);
	for (unsigned int i = 0; i < len / 4; i++)
		word[i] = rte_be_to_cpu_32(word[i]);
	return rte_softrss(word, len / 4, with);
}

static uint64_t
hash_functions(bool by_ports)
{
	const uint64_t addresses = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 |
	                           RTE_ETH_RSS_NONFRAG_IPV4_OTHER | RTE_ETH_RSS_IPV6 |
	                           RTE_ETH_RSS_FRAG_IPV6 |
	                           RTE_ETH_RSS_NONFRAG_IPV6_OTHER | RTE_ETH_RSS_IPV6_EX;

	return by_ports ? addresses | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP : addresses;
}

/* Whether key and table of the device can be made those of every other one. */
static bool
is_symmetric(uint64_t functions, const struct rte_eth_dev_info *info)
{
	return (functions & (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER)) != 0 &&
	       info->hash_key_size <= RSS_KEY_MAX && info->reta_size != 0 &&
	       info->reta_size <= RETA_MAX &&
	       (info->reta_size & (info->reta_size - 1)) == 0;
}

void
rss_choose(struct port *p, const struct rte_eth_dev_info *info,
           const struct port_ask *ask, struct rte_eth_conf *conf)
{
	uint64_t functions =
		hash_functions(ask->rss_ports) & info->flow_type_rss_offloads;

	p->reta_size = 0;
	p->rss_functions = 0;
	p->spread = PORT_SPREAD_NONE;
	if (p->rx_queues == 1)
		return;
	/* Virtual devices have ways of their own, and what they are is nobody's promise. */
	p->spread = PORT_SPREAD_DEVICE;
	if (p->kind != END_PCI)
		return;
	if (functions == 0) {
		p->rx_queues = 1;
		p->spread = PORT_SPREAD_NONE;
		return;
	}
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = functions;
	if (!is_symmetric(functions, info))
		return; /* With the driver's own key: any spread is better than none. */
	p->reta_size = info->reta_size;
	p->rss_functions = functions;
	p->spread = PORT_SPREAD_SYMMETRIC;
	conf->rx_adv_conf.rss_conf.rss_key = info->hash_key_size == 0 ? NULL : key;
	conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
}

void
rss_spread(const struct port *p)
{
	struct rte_eth_rss_reta_entry64 table[RETA_MAX / RTE_ETH_RETA_GROUP_SIZE];

	if (p->reta_size == 0)
		return;
	for (uint16_t i = 0; i < p->reta_size; i++) {
		struct rte_eth_rss_reta_entry64 *group =
			&table[i / RTE_ETH_RETA_GROUP_SIZE];

		group->mask = UINT64_MAX;
		group->reta[i % RTE_ETH_RETA_GROUP_SIZE] =
			(uint16_t)rss_queue(i, p->reta_size, p->rx_queues);
	}
	/* A driver without this call fills its table in just this way by itself. */
	rte_eth_dev_rss_reta_update(p->id, table, p->reta_size);
}

bool
rss_agree(const struct port *a, const struct port *b)
{
	bool is_power = (a->rx_queues & (a->rx_queues - 1)) == 0;

	/* Tables of two sizes say the same only when the queues divide both. */
	return a->spread == PORT_SPREAD_SYMMETRIC && b->spread == PORT_SPREAD_SYMMETRIC &&
	       a->rx_queues == b->rx_queues && a->rss_functions == b->rss_functions &&
	       (a->reta_size == b->reta_size ||
	        (is_power && a->rx_queues <= a->reta_size &&
	         a->rx_queues <= b->reta_size));
}

const char *
rss_sentence(const struct port *p)
{
	switch (p->spread) {
	case PORT_SPREAD_NONE:
		return "one worker receives";
	case PORT_SPREAD_SYMMETRIC:
		return "both directions of a flow meet the same queue";
	case PORT_SPREAD_DEVICE:
		break;
	}
	return "spread over its queues as the device likes";
}
