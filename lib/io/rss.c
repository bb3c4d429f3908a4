/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/rss.h"

#include <errno.h>
#include <string.h>

#include <rte_ethdev.h>

#include "io/port.h"

#define KEY_MAX  64
#define RETA_MAX RTE_ETH_RSS_RETA_SIZE_512

static uint8_t key[KEY_MAX];

static uint64_t
hash_functions(bool by_ports)
{
	const uint64_t addresses = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 |
	                           RTE_ETH_RSS_NONFRAG_IPV4_OTHER | RTE_ETH_RSS_IPV6 |
	                           RTE_ETH_RSS_FRAG_IPV6 |
	                           RTE_ETH_RSS_NONFRAG_IPV6_OTHER | RTE_ETH_RSS_IPV6_EX;

	return by_ports ? addresses | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP : addresses;
}

int
rss_choose(struct port *p, const struct rte_eth_dev_info *info,
           const struct port_ask *ask, struct rte_eth_conf *conf, char *why)
{
	uint64_t functions =
		hash_functions(ask->rss_ports) & info->flow_type_rss_offloads;

	p->spread = PORT_SPREAD_NONE;
	if (ask->workers == 1)
		return 0;
	if (p->kind != END_PCI) {
		/* The kernel's fanout hash is symmetric; other virtual devices have their ways. */
		p->spread = strncmp(p->device, "net_af_packet", 13) == 0
		                    ? PORT_SPREAD_SYMMETRIC
		                    : PORT_SPREAD_DEVICE;
		return 0;
	}
	if ((functions & (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER)) == 0 ||
	    info->hash_key_size > KEY_MAX || info->reta_size == 0 ||
	    info->reta_size > RETA_MAX)
		return io_fail(why, -ENOTSUP,
		               "%s (%s) cannot spread packets by their addresses, so it "
		               "feeds one "
		               "worker only: set dataplane.workers = \"1\"",
		               p->name, info->driver_name);
	for (unsigned int i = 0; i < KEY_MAX; i += 2) {
		key[i] = 0x6d;
		key[i + 1] = 0x5a;
	}
	p->reta_size = info->reta_size;
	p->spread = PORT_SPREAD_SYMMETRIC;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = functions;
	conf->rx_adv_conf.rss_conf.rss_key = info->hash_key_size == 0 ? NULL : key;
	conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
	return 0;
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
		group->reta[i % RTE_ETH_RETA_GROUP_SIZE] = i % p->rx_queues;
	}
	/* A driver without this call fills its table in just this way by itself. */
	rte_eth_dev_rss_reta_update(p->id, table, p->reta_size);
}

const char *
rss_sentence(const struct port *p)
{
	switch (p->spread) {
	case PORT_SPREAD_NONE:
		return "all packets to one worker";
	case PORT_SPREAD_SYMMETRIC:
		return "both directions of a flow meet the same worker";
	case PORT_SPREAD_DEVICE:
		break;
	}
	return "spread by the device: the directions of a flow may meet different "
	       "workers, "
	       "which then cannot verify it; one worker is the safe choice";
}
