/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "base/log.h"
#include "io/kernel.h"
#include "io/port_make.h"
#include "io/quiet.h"
#include "io/rss.h"

static bool
is_driver(const struct port *p, const char *driver)
{
	char mine[64];

	end_vdev_driver(p->name, mine, sizeof(mine));
	return strcmp(mine, driver) == 0;
}

static int
find_interface(struct port *p, unsigned int workers, char *why)
{
	int failed = kernel_mtu(p->interface, &p->mtu);

	if (failed != 0)
		return io_fail(
			why, failed,
			"there is no network interface \"%s\" in this network namespace",
			p->interface);
	if (p->mtu + PORT_ETHER + PORT_TAGS > PORT_LONGEST)
		return io_fail(
			why, -ERANGE,
			"%s has an MTU of %u, and Tidegate carries at most %d: `ip link "
			"set %s mtu %d`",
			p->interface, p->mtu, PORT_JUMBO_MTU, p->interface,
			PORT_JUMBO_MTU);
	p->longest = p->mtu + PORT_ETHER + PORT_TAGS;
	p->channels = (uint16_t)port_channels(p, workers);
	if (p->kind == END_KERNEL && p->mtu > PORT_XDP_MTU) {
		p->use_packet = true;
		log_info("%s: MTU %u is more than AF_XDP carries (%d), so AF_PACKET is "
		         "used",
		         p->name, p->mtu, PORT_XDP_MTU);
	} else if (p->kind == END_KERNEL && workers > 1 &&
	           !kernel_has_combined_channels(p->interface) &&
	           kernel_channels(p->interface) > 1) {
		p->use_packet = true;
		log_info("%s: it has no combined channels, which DPDK needs for AF_XDP "
		         "with %u "
		         "workers, so AF_PACKET is used",
		         p->name, workers);
	}
	return 0;
}

static int
find_pci(struct port *p, char *why)
{
	struct rte_eth_dev_info info;

	end_pci_address(p->name, p->device);
	if (rte_eth_dev_get_port_by_name(p->device, &p->id) != 0 ||
	    rte_eth_dev_info_get(p->id, &info) != 0)
		return io_fail(
			why, -ENODEV,
			"DPDK has no driver that takes PCI device %s: `dpdk-devbind.py "
			"--status` shows what it is bound to",
			p->device);
	p->mtu = info.max_mtu < PORT_JUMBO_MTU ? info.max_mtu : PORT_JUMBO_MTU;
	p->longest = p->mtu + PORT_ETHER + PORT_TAGS;
	return 0;
}

static int
find_vdev(struct port *p, unsigned int workers, char *why)
{
	int failed;

	if (p->interface[0] != '\0') {
		failed = find_interface(p, workers, why);
		if (failed == 0)
			failed = port_prepare_interface(p, why);
		if (failed != 0)
			return failed;
	} else {
		p->longest = PORT_LONGEST;
	}
	end_vdev_name(p->name, p->device, sizeof(p->device));
	/* A device that the program itself made (a ring, in tests) is there already. */
	if (rte_eth_dev_get_port_by_name(p->device, &p->id) == 0)
		return 0;
	return port_make(p, p->device, end_vdev_args(p->name), why);
}

int
port_find(struct port *p, const char *end, unsigned int workers, char *why)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", end);
	p->kind = end_kind_of(end);
	p->ipv6_before = p->claim = -1;
	end_interface(end, p->interface, sizeof(p->interface));
	switch (p->kind) {
	case END_KERNEL:
		return find_interface(p, workers, why);
	case END_PCI:
		return find_pci(p, why);
	case END_VDEV:
		break;
	}
	return find_vdev(p, workers, why);
}

void
port_queues(const struct port *p, unsigned int workers, unsigned int *rx,
            unsigned int *tx)
{
	struct rte_eth_dev_info info;

	*rx = *tx = p->kind == END_KERNEL && !p->use_packet ? p->channels : workers;
	/* AF_PACKET has as many as are wanted. */
	if (p->kind == END_KERNEL || rte_eth_dev_info_get(p->id, &info) != 0)
		return;
	*rx = info.max_rx_queues;
	*tx = info.max_tx_queues;
}

int
port_socket(const struct port *p)
{
	int socket = p->kind == END_PCI ? rte_eth_dev_socket_id(p->id) : 0;

	return socket < 0 ? 0 : socket;
}

uint32_t
port_data_room(const struct port *p)
{
	/* The kernel keeps 256 bytes free in each frame of AF_XDP for programs. */
	const uint32_t xdp_room = 256;
	uint32_t longest = p->longest;

	if (p->kind == END_PCI || p->mtu == 0)
		return RTE_MBUF_DEFAULT_BUF_SIZE; /* Longer frames take several segments. */
	if (p->use_packet || is_driver(p, "net_af_packet"))
		longest = port_packet_frame(p);
	return RTE_ALIGN(longest + xdp_room + 2 * RTE_PKTMBUF_HEADROOM, 64);
}

/* Offloads that this wire can use: none changes a frame. */
static void
choose_offloads(struct port *p, const struct rte_eth_dev_info *info,
                const struct port_ask *ask, struct rte_eth_conf *conf)
{
	uint32_t room =
		(uint32_t)rte_pktmbuf_data_room_size(ask->pool) - RTE_PKTMBUF_HEADROOM;
	bool is_split = p->longest > room;

	if (is_split && (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0)
		conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	p->takes_segments = (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
	if (p->takes_segments)
		conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	else if ((info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE) != 0)
		conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	if (p->kind == END_PCI)
		conf->rxmode.mtu = p->mtu;
}

static int
setup_queues(struct port *p, const struct port_ask *ask)
{
	uint16_t rx = PORT_DESCRIPTORS, tx = PORT_DESCRIPTORS;
	int failed = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx);

	if (failed != 0)
		return failed;
	p->rx_descriptors = rx;
	p->tx_descriptors = tx;
	for (uint16_t q = 0; q < p->rx_queues; q++) {
		failed = rte_eth_rx_queue_setup(p->id, q, rx, (unsigned int)ask->socket,
		                                NULL, ask->pool);
		if (failed != 0)
			return failed;
	}
	for (uint16_t q = 0; q < p->tx_queues; q++) {
		failed = rte_eth_tx_queue_setup(p->id, q, tx, (unsigned int)ask->socket,
		                                NULL);
		if (failed != 0)
			return failed;
	}
	return 0;
}

/* The greatest speed that the device can have, bits/s; virtual ones tell none. */
static uint64_t
most_speed(const struct rte_eth_dev_info *info)
{
	static const struct {
		uint32_t capability, mbit;
	} speeds[] = {
		{ RTE_ETH_LINK_SPEED_200G, 200000 }, { RTE_ETH_LINK_SPEED_100G, 100000 },
		{ RTE_ETH_LINK_SPEED_56G, 56000 },   { RTE_ETH_LINK_SPEED_50G, 50000 },
		{ RTE_ETH_LINK_SPEED_40G, 40000 },   { RTE_ETH_LINK_SPEED_25G, 25000 },
		{ RTE_ETH_LINK_SPEED_20G, 20000 },   { RTE_ETH_LINK_SPEED_10G, 10000 },
		{ RTE_ETH_LINK_SPEED_5G, 5000 },     { RTE_ETH_LINK_SPEED_2_5G, 2500 },
		{ RTE_ETH_LINK_SPEED_1G, 1000 },
	};

	for (size_t i = 0; i < sizeof(speeds) / sizeof(*speeds); i++)
		if ((info->speed_capa & speeds[i].capability) != 0)
			return (uint64_t)speeds[i].mbit * 1000000;
	return 0;
}

/* Where a device has fewer RX queues than there are workers, those that receive hand over. */
static int
choose_queues(struct port *p, const struct rte_eth_dev_info *info,
              const struct port_ask *ask, char *why)
{
	bool has_pairs = strcmp(info->driver_name, "net_af_xdp") == 0 ||
	                 strcmp(info->driver_name, "net_tap") == 0;

	p->rx_queues = (uint16_t)(info->max_rx_queues < ask->workers ? info->max_rx_queues
	                                                             : ask->workers);
	p->tx_queues = (uint16_t)ask->tx_queues;
	if (info->max_tx_queues < p->tx_queues)
		return io_fail(why, -ERANGE,
		               "%s has %u TX queue%s, and %u workers want one each: set "
		               "dataplane.transmit = \"control\", or lower "
		               "dataplane.workers",
		               p->name, info->max_tx_queues,
		               info->max_tx_queues == 1 ? "" : "s", p->tx_queues);
	/* These drivers refuse to have more of the one than of the other. */
	if (has_pairs && p->tx_queues < p->rx_queues)
		p->tx_queues = p->rx_queues;
	else if (has_pairs)
		p->rx_queues = p->tx_queues;
	return 0;
}

static int
configure(struct port *p, const struct port_ask *ask, char *why)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	int failed = rte_eth_dev_info_get(p->id, &info);

	if (failed != 0)
		return io_fail(why, failed, "%s does not tell what it can", p->name);
	snprintf(p->driver, sizeof(p->driver), "%s", info.driver_name);
	p->speed_bits = most_speed(&info);
	failed = choose_queues(p, &info, ask, why);
	if (failed != 0)
		return failed;
	choose_offloads(p, &info, ask, &conf);
	rss_choose(p, &info, ask, &conf);
	failed = rte_eth_dev_configure(p->id, p->rx_queues, p->tx_queues, &conf);
	if (failed == 0)
		failed = setup_queues(p, ask);
	if (failed == 0)
		failed = rte_eth_dev_start(p->id);
	if (failed != 0)
		return io_fail(why, failed, "%s does not start: %s", p->name,
		               rte_strerror(-failed));
	p->is_started = true;
	if (p->interface[0] != '\0')
		p->dropped_before = kernel_dropped(p->interface);
	rss_spread(p);
	return 0;
}

static int
start_once(struct port *p, const struct port_ask *ask, char *why)
{
	int failed =
		p->kind == END_KERNEL ? port_make_interface(p, ask->workers, why) : 0;

	if (failed == 0)
		failed = configure(p, ask, why);
	if (failed != 0)
		return failed;
	failed = rte_eth_promiscuous_enable(p->id);
	/* Devices without addresses of their own (rings, files) have nothing to switch. */
	if (failed != 0 && failed != -ENOTSUP)
		return io_fail(
			why, failed,
			"%s refuses promiscuous mode (%s): a wire must take every frame",
			p->name, rte_strerror(-failed));
	rte_eth_allmulticast_enable(
		p->id); /* Promiscuous mode implies it where it is missing. */
	return 0;
}

int
port_start(struct port *p, const struct port_ask *ask, char *why)
{
	struct quiet quiet;
	char last[200];
	int failed;

	if (p->kind == END_KERNEL) {
		failed = port_prepare_interface(p, why);
		if (failed != 0)
			return failed;
	}
	quiet_begin(&quiet);
	failed = start_once(p, ask, why);
	quiet_end(&quiet, last, sizeof(last));
	if (failed == 0) {
		log_info("%s: %s, %u RX and %u TX queue%s, %s", p->name, p->driver,
		         p->rx_queues, p->tx_queues, p->tx_queues == 1 ? "" : "s",
		         rss_sentence(p));
		return 0;
	}
	port_close(p);
	if (p->kind != END_KERNEL || p->use_packet)
		return failed;
	p->use_packet = true;
	log_warning(
		"%s: AF_XDP does not work here (%s%s%s), so AF_PACKET is used: about "
		"half "
		"as fast, IPv4 fragments arrive reassembled, and an outer 802.1ad tag "
		"leaves as 802.1Q",
		p->name, why, last[0] != '\0' ? "; " : "", last);
	return -EAGAIN;
}

void
port_close(struct port *p)
{
	struct quiet quiet;

	quiet_begin(&quiet);
	if (p->is_started)
		rte_eth_dev_stop(p->id);
	if (p->is_made)
		rte_eal_hotplug_remove("vdev", p->device);
	else if (p->kind == END_PCI && p->is_started)
		rte_eth_dev_close(p->id);
	quiet_end(&quiet, NULL, 0);
	p->is_started = p->is_made = false;
	if (p->claim >= 0)
		close(p->claim);
	p->claim = -1;
	if (p->interface[0] != '\0')
		kernel_restore_ipv6(p->interface, p->ipv6_before);
	p->ipv6_before = -1;
}
