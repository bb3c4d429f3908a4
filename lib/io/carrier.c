/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/carrier.h"

#include <errno.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "base/log.h"
#include "io/kernel.h"

/* Copper needs two or three seconds to negotiate after it was switched on. */
#define SETTLE_NS UINT64_C(4000000000)

static bool
has_carrier(const struct port *p)
{
	struct rte_eth_link link;

	/* Drivers that sit on an interface call their link up for good. */
	if (p->interface[0] != '\0')
		return kernel_is_running(p->interface);
	if (p->kind == END_VDEV)
		return true; /* Files, rings and null devices have no link to lose. */
	return rte_eth_link_get_nowait(p->id, &link) == 0 &&
	       link.link_status == RTE_ETH_LINK_UP;
}

static int
switch_port(const struct port *p, bool on)
{
	if (p->interface[0] != '\0')
		return kernel_set_up(p->interface, on);
	return on ? rte_eth_dev_set_link_up(p->id) : rte_eth_dev_set_link_down(p->id);
}

static bool
is_up(const struct io_link *link, unsigned int side)
{
	return __atomic_load_n(&link->is_up[side], __ATOMIC_RELAXED);
}

static void
set_up(struct io_link *link, unsigned int side, bool up)
{
	if (is_up(link, side) == up)
		return;
	__atomic_store_n(&link->is_up[side], up, __ATOMIC_RELAXED);
	if (up)
		log_info("%s: %s has its link back", link->name, link->port[side].name);
	else if (link->is_held[side])
		log_warning("%s: %s is taken down with the other end", link->name,
		            link->port[side].name);
	else
		log_warning("%s: %s lost its link", link->name, link->port[side].name);
}

static void
hold(struct io_link *link, unsigned int side)
{
	int failed = switch_port(&link->port[side], false);

	if (failed != 0) {
		/* Said once, because is_held stays: the other side cannot be told. */
		log_warning("%s: %s cannot be taken down with the other end: %s",
		            link->name, link->port[side].name, strerror(-failed));
		link->is_held[side] = true;
		return;
	}
	link->is_held[side] = true;
	set_up(link, side, false);
}

static void
release(struct io_link *link, unsigned int side, uint64_t now_ns)
{
	switch_port(&link->port[side], true);
	link->is_held[side] = false;
	link->settle_until_ns[side] = now_ns + SETTLE_NS;
}

static void
watch_link(struct io_link *link, bool ignore, uint64_t now_ns)
{
	for (unsigned int side = 0; side < 2; side++)
		if (!link->is_held[side])
			set_up(link, side, has_carrier(&link->port[side]));
	for (unsigned int side = 0; side < 2 && !ignore; side++) {
		unsigned int other = side ^ 1u;
		bool is_lost = !link->is_held[side] && !is_up(link, side) &&
		               now_ns >= link->settle_until_ns[side];

		if (link->is_held[other] && is_up(link, side))
			release(link, other, now_ns);
		else if (is_lost && !link->is_held[other] && is_up(link, other))
			hold(link, other);
	}
}

void
carrier_watch(struct io_wire *w, uint64_t now_ns)
{
	for (unsigned int l = 0; l < w->n_links; l++)
		watch_link(&w->link[l], w->link_down_ignore, now_ns);
}

void
carrier_release(struct io_wire *w)
{
	for (unsigned int l = 0; l < w->n_links; l++)
		for (unsigned int side = 0; side < 2; side++)
			if (w->link[l].is_held[side])
				release(&w->link[l], side, 0);
}

/*
 * DPDK's driver for AF_XDP does not count what a full ring of its lost; for the
 * kernel those are packets that it received and could not hand on.
 */
static uint64_t
lost_by_rings(const struct port *p)
{
	uint64_t now;

	if (p->interface[0] == '\0' || strcmp(p->driver, "net_af_xdp") != 0)
		return 0;
	now = kernel_dropped(p->interface);
	return now > p->dropped_before ? now - p->dropped_before : 0;
}

void
carrier_read(const struct io_wire *w, unsigned int link, enum side side,
             struct carrier_counts *out)
{
	const struct port *p = &w->link[link].port[side];
	struct rte_eth_stats stats;
	struct rte_eth_link state;
	const uint64_t lost = lost_by_rings(p);

	memset(out, 0, sizeof(*out));
	out->is_up = is_up(&w->link[link], side);
	if (rte_eth_stats_get(p->id, &stats) == 0) {
		out->missed = stats.imissed;
		out->no_buffers = stats.rx_nombuf;
		out->errors = stats.ierrors + stats.oerrors;
	}
	if (lost > out->missed)
		out->missed = lost;
	if (p->interface[0] != '\0')
		out->speed_bits = kernel_speed(p->interface);
	else if (rte_eth_link_get_nowait(p->id, &state) == 0 &&
	         state.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
		out->speed_bits = (uint64_t)state.link_speed * 1000000;
}

unsigned int
carrier_mtu(const struct io_wire *w, unsigned int link, enum side side)
{
	const struct port *p = &w->link[link].port[side];
	unsigned int mtu;

	if (p->interface[0] == '\0' || kernel_mtu(p->interface, &mtu) != 0)
		return p->mtu;
	return mtu;
}

void
carrier_buffers(const struct io_wire *w, unsigned int link, uint64_t *all,
                uint64_t *in_use)
{
	const struct rte_mempool *pool = w->link[link].pool;

	*all = *in_use = 0;
	if (pool == NULL)
		return;
	*all = pool->size;
	*in_use = rte_mempool_in_use_count(pool);
}
