/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/log.h"
#include "io/kernel.h"
#include "io/rss.h"
#include "io/wire.h"

#define POOL_CACHE 256
#define POOL_STEP  4096

/*
 * AF_XDP keeps 2,048 buffers to receive into and up to 4,096 of frames being
 * sent, whatever number of descriptors is asked for.
 */
#define XDP_BUFFERS 6144

/* Buffers of one link: what its devices and rings can hold, caches, bursts on their way. */
static unsigned int
buffers_of(bool is_xdp, unsigned int workers, bool control_transmits)
{
	unsigned int device = is_xdp ? XDP_BUFFERS : 2 * PORT_DESCRIPTORS;
	unsigned int rings = control_transmits ? IO_RING + IO_BURST : 0;
	unsigned int need = 2 * workers * (device + rings);

	/* Each thread may keep 1.5 caches and hold two bursts and their outboxes. */
	need += (workers + 1) * (POOL_CACHE * 3 / 2 + 4 * IO_BURST);
	need += handoff_buffers(workers);
	/* Powers of two would waste least of a mempool's ring, and up to half of the buffers. */
	return (need / POOL_STEP + 1) * POOL_STEP - 1;
}

static bool
may_be_xdp(const char *end)
{
	return end_kind_of(end) == END_KERNEL || strncmp(end, "net_af_xdp", 10) == 0;
}

unsigned int
wire_memory_mib(const struct io_plan *plan, unsigned int workers)
{
	uint64_t bytes = 0;

	for (unsigned int l = 0; l < plan->n_links; l++) {
		uint64_t size =
			4096; /* A buffer of usual size fills a page without hugepages. */
		bool is_xdp = false;

		for (unsigned int side = 0; side < 2; side++) {
			const char *end = plan->link[l].end[side];
			char interface[64];
			unsigned int mtu;

			is_xdp |= may_be_xdp(end);
			if (end_interface(end, interface, sizeof(interface)) &&
			    kernel_mtu(interface, &mtu) == 0 && mtu > 1900)
				size = mtu > PORT_XDP_MTU ? 20480 : 8192;
		}
		bytes += size * buffers_of(is_xdp, workers, true);
	}
	/* Rings, device structures and the heap's own rounding. */
	return (unsigned int)(bytes >> 20) + 64;
}

static int
make_pool(struct io_wire *w, struct io_link *link, unsigned int number, char *why)
{
	uint32_t room = port_data_room(&link->port[0]),
		 other = port_data_room(&link->port[1]);
	bool is_xdp = false;
	unsigned int n;
	char name[32];

	for (unsigned int side = 0; side < 2; side++)
		is_xdp |=
			may_be_xdp(link->port[side].name) && !link->port[side].use_packet;
	n = buffers_of(is_xdp, w->workers, w->control_transmits);
	room = room > other ? room : other;
	room = room > RTE_MBUF_DEFAULT_BUF_SIZE ? room : RTE_MBUF_DEFAULT_BUF_SIZE;
	snprintf(name, sizeof(name), "link%u", number);
	link->pool = rte_pktmbuf_pool_create(name, n, POOL_CACHE, 0, (uint16_t)room,
	                                     port_socket(&link->port[0]));
	if (link->pool == NULL)
		return io_fail(
			why, -ENOMEM,
			"there is no memory for the %u packet buffers of %u bytes of "
			"link "
			"%s: reserve %u more hugepages, or lower dataplane.workers",
			n, room, link->name,
			(unsigned int)(((uint64_t)n * (room + 256)) >> 21) + 1);
	if (is_xdp && link->pool->nb_mem_chunks != 1)
		return io_fail(why, -ENOMEM,
		               "memory for the packet buffers of link %s is in %u pieces "
		               "and AF_XDP "
		               "needs one: reserve more hugepages",
		               link->name, link->pool->nb_mem_chunks);
	log_info("%s: %u buffers of %u bytes, %u MiB", link->name, n, room,
	         (unsigned int)(((uint64_t)n * (room + 256)) >> 20));
	return 0;
}

/* Both ends must carry the same frames, or large ones vanish in one direction. */
static int
agree_on_mtu(struct io_link *link, char *why)
{
	struct port *a = &link->port[0], *b = &link->port[1];
	unsigned int least;

	if (a->mtu == 0 || b->mtu == 0 || a->mtu == b->mtu)
		return 0;
	least = a->mtu < b->mtu ? a->mtu : b->mtu;
	/* PCI devices were asked for the most they can and take what the other end has. */
	if (a->kind == END_PCI)
		a->mtu = least;
	if (b->kind == END_PCI)
		b->mtu = least;
	a->longest = a->mtu + PORT_ETHER + PORT_TAGS;
	b->longest = b->mtu + PORT_ETHER + PORT_TAGS;
	if (a->mtu == b->mtu)
		return 0;
	return io_fail(
		why, -EINVAL,
		"link %s: %s has MTU %u and %s has MTU %u; both ends must carry the same "
		"frames: `ip link set %s mtu %u`",
		link->name, a->name, a->mtu, b->name, b->mtu,
		a->mtu > b->mtu ? a->name : b->name, least);
}

/* Who gets which packet: the devices see to it, where they can, else the workers do. */
static int
choose_spread(const struct io_wire *w, struct io_link *link, bool rss_ports, char *why)
{
	struct spread *s = &link->spread;
	int failed = 0;

	memset(s, 0, sizeof(*s));
	s->workers = w->workers;
	s->has_ports = rss_ports;
	if (w->workers == 1)
		return 0;
	s->is_by_device = rss_agree(&link->port[0], &link->port[1]) &&
	                  link->port[0].rx_queues == w->workers;
	s->reta_size = link->port[0].reta_size;
	if (!s->is_by_device)
		failed = hash_key_random(&s->key);
	if (failed != 0)
		return io_fail(why, failed, "the kernel gives no random key: %s",
		               strerror(-failed));
	log_info("%s: %s", link->name,
	         s->is_by_device
	                 ? "its ports spread packets over the workers"
	                 : "workers hand over what belongs to another, by software");
	return 0;
}

static int
start_ports(struct io_wire *w, struct io_link *link, bool rss_ports, char *why)
{
	struct port_ask ask = {
		.workers = w->workers,
		.tx_queues = w->control_transmits ? 1 : w->workers,
		.rss_ports = rss_ports,
		.pool = link->pool,
		.socket = port_socket(&link->port[0]),
	};
	int failed = 0;

	for (unsigned int side = 0; side < 2 && failed == 0; side++)
		failed = port_start(&link->port[side], &ask, why);
	return failed == 0 ? choose_spread(w, link, rss_ports, why) : failed;
}

/* A port that falls back to AF_PACKET may need larger buffers, and so both start again. */
static int
start_link(struct io_wire *w, unsigned int number, bool rss_ports, char *why)
{
	struct io_link *link = &w->link[number];
	int failed;

	do {
		failed = make_pool(w, link, number, why);
		if (failed != 0)
			return failed;
		failed = start_ports(w, link, rss_ports, why);
		if (failed == -EAGAIN) {
			for (unsigned int side = 0; side < 2; side++)
				if (link->port[side].kind == END_KERNEL)
					port_close(&link->port[side]);
				else if (link->port[side].is_started) {
					rte_eth_dev_stop(link->port[side].id);
					link->port[side].is_started = false;
				}
			rte_mempool_free(link->pool);
			link->pool = NULL;
		}
	} while (failed == -EAGAIN);
	return failed;
}

static int
make_rings(struct io_wire *w, unsigned int number)
{
	struct io_link *link = &w->link[number];

	for (unsigned int side = 0; side < 2; side++) {
		link->ring[side] = calloc(w->workers, sizeof(*link->ring[side]));
		if (link->ring[side] == NULL)
			return -ENOMEM;
		for (unsigned int i = 0; i < w->workers; i++) {
			char name[32];

			snprintf(name, sizeof(name), "tx%u_%u_%u", number, side, i);
			link->ring[side][i].ring = rte_ring_create(
				name, IO_RING, port_socket(&link->port[side]),
				RING_F_SP_ENQ | RING_F_SC_DEQ);
			if (link->ring[side][i].ring == NULL)
				return -ENOMEM;
		}
	}
	return 0;
}

/* Find all ports first: who transmits depends on what each of them has. */
static int
find_ports(struct io_wire *w, const struct io_plan *plan, char *why)
{
	unsigned int rx, tx;
	int failed;

	w->control_transmits = plan->control_transmits;
	for (unsigned int l = 0; l < plan->n_links; l++) {
		struct io_link *link = &w->link[l];

		snprintf(link->name, sizeof(link->name), "%s", plan->link[l].name);
		for (unsigned int side = 0; side < 2; side++) {
			failed = port_find(&link->port[side], plan->link[l].end[side],
			                   w->workers, why);
			w->n_links = l + 1;
			if (failed != 0)
				return failed;
			port_queues(&link->port[side], w->workers, &rx, &tx);
			if (tx < w->workers && plan->transmit_auto &&
			    !w->control_transmits) {
				w->control_transmits = true;
				log_info("%s has %u TX queue%s for %u workers, so the "
				         "control core "
				         "transmits",
				         link->port[side].name, tx, tx == 1 ? "" : "s",
				         w->workers);
			}
		}
		failed = agree_on_mtu(link, why);
		if (failed != 0)
			return failed;
	}
	return 0;
}

int
wire_open(struct io_wire *w, const struct io_plan *plan, char *why)
{
	int failed;

	memset(w, 0, sizeof(*w));
	w->workers = plan->workers;
	w->io_stage = plan->io_stage;
	w->link_down_ignore = plan->link_down_ignore;
	failed = find_ports(w, plan, why);
	for (unsigned int l = 0; l < w->n_links && failed == 0; l++) {
		failed = start_link(w, l, plan->rss_ports, why);
		if (failed == 0 && w->control_transmits && make_rings(w, l) != 0)
			failed = io_fail(why, -ENOMEM,
			                 "there is no memory for the rings of link %s",
			                 w->link[l].name);
		w->link[l].is_up[0] = w->link[l].is_up[1] = true;
	}
	if (failed == 0 && w->workers > 1 &&
	    handoff_open(&w->handoff, w->workers, w->n_links) != 0)
		failed = io_fail(why, -ENOMEM,
		                 "there is no memory for the rings between %u workers",
		                 w->workers);
	if (failed != 0)
		wire_close(w);
	return failed;
}

static void
close_rings(struct io_wire *w, struct io_link *link, unsigned int side)
{
	for (unsigned int i = 0; i < w->workers; i++) {
		struct io_ring *r = &link->ring[side][i];
		void *one;

		for (; r->waiting > 0; r->waiting--)
			rte_pktmbuf_free(r->held[r->next++]);
		while (r->ring != NULL && rte_ring_sc_dequeue(r->ring, &one) == 0)
			rte_pktmbuf_free(one);
		rte_ring_free(r->ring);
	}
	free(link->ring[side]);
	link->ring[side] = NULL;
}

void
wire_close(struct io_wire *w)
{
	handoff_close(&w->handoff);
	for (unsigned int l = 0; l < w->n_links; l++) {
		struct io_link *link = &w->link[l];

		for (unsigned int side = 0; side < 2; side++) {
			if (link->ring[side] != NULL)
				close_rings(w, link, side);
			port_close(&link->port[side]);
		}
		rte_mempool_free(link->pool);
		link->pool = NULL;
	}
	w->n_links = 0;
}

int
wire_queue(struct io_wire *w, unsigned int worker, unsigned int link, enum side side,
           struct books *books, struct io_queue *q)
{
	struct io_link *on = &w->link[link];

	memset(q, 0, sizeof(*q));
	q->scratch = calloc(LANES_MAX, sizeof(*q->scratch));
	if (q->scratch == NULL)
		return -ENOMEM;
	q->on = on;
	q->rx_port = on->port[side].id;
	q->worker = q->queue = (uint16_t)worker;
	q->receives = worker < on->port[side].rx_queues;
	q->tx_queue = w->control_transmits ? 0 : (uint16_t)worker;
	q->link = (uint8_t)link;
	q->side = (uint8_t)side;
	q->io_stage = (uint8_t)w->io_stage;
	q->cut_at = on->port[side].cut_at;
	q->pool = on->pool;
	q->books = books;
	for (unsigned int s = 0; s < 2; s++) {
		q->tx_port[s] = on->port[s].id;
		q->longest[s] = on->port[s].longest;
		q->takes_segments[s] = on->port[s].takes_segments;
		if (on->ring[s] == NULL)
			continue;
		q->ring[s] = on->ring[s][worker].ring;
		on->ring[s][worker].books = &books[s];
	}
	return 0;
}

void
wire_queue_close(struct io_queue *q)
{
	free(q->scratch);
	q->scratch = NULL;
}
