/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port - one end of a link as a started DPDK device.
 *
 * A kernel interface becomes a net_af_xdp device, or net_af_packet where
 * AF_XDP cannot work; a PCI device is taken as DPDK found it; a virtual device
 * is made as it is written. Life of a port:
 *
 *     port_find     what is it, how long are its frames   (device not started)
 *     port_start    queues, buffers, spread, promiscuous  (frames flow)
 *     port_close    everything back as it was
 *
 * Units   lengths are bytes of the frame without FCS.
 * Threads control side.
 */
#ifndef IO_PORT_H
#define IO_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "io/end.h"

struct rte_mempool;

/* net_af_xdp of DPDK 22.11 keeps a frame inside one page. */
#define PORT_XDP_MTU     3000
#define PORT_JUMBO_MTU   9000
#define PORT_ETHER       14 /* Ethernet header */
#define PORT_TAGS        8  /* two VLAN tags */
#define PORT_LONGEST     65535
#define PORT_DESCRIPTORS 1024

/* How the port's packets find their worker. */
enum port_spread {
	PORT_SPREAD_NONE,      /* one queue receives */
	PORT_SPREAD_SYMMETRIC, /* both directions meet the same worker */
	PORT_SPREAD_DEVICE,    /* as the device likes */
};

struct port {
	char name[END_NAME_MAX]; /* as configured */
	char interface[64];      /* kernel interface behind it, or "" */
	char device[64];         /* DPDK's name of it */
	char driver[32];
	enum end_kind kind;
	uint16_t id;  /* DPDK's number */
	bool is_made; /* a virtual device of ours, to be removed */
	bool is_started;
	bool use_packet; /* kernel interface by AF_PACKET, not AF_XDP */
	uint16_t rx_queues, tx_queues;
	uint16_t rx_descriptors, tx_descriptors; /* buffers one queue can hold */
	uint16_t channels;      /* of an interface taken by AF_XDP: as many as are used */
	uint16_t reta_size;     /* 0 unless the spread is symmetric */
	uint64_t rss_functions; /* what it hashes, as DPDK's bits; likewise */
	uint64_t speed_bits;    /* the most it can, bits/s; 0: unknown */
	unsigned int mtu;       /* 0: the device knows no limit */
	uint32_t longest;       /* longest frame that it sends */
	uint32_t cut_at; /* a received frame this long was cut by the device; 0: never */
	bool takes_segments;
	enum port_spread spread;
	uint64_t dropped_before; /* kernel_dropped() when it was started */
	int ipv6_before;         /* for kernel_restore_ipv6() */
	int claim;               /* descriptor of kernel_claim(), -1 when there is none */
};

struct port_ask {
	unsigned int workers;
	unsigned int tx_queues; /* workers, or 1 */
	bool rss_ports;         /* else spread by addresses alone */
	struct rte_mempool *pool;
	int socket;
};

/*
 * Find the device, or the interface and how it will be taken. Returns 0, or
 * -errno with a sentence in why[IO_WHY].
 */
int port_find(struct port *p, const char *end, unsigned int workers, char *why);

/* The most TX queues and RX queues it can have. */
void port_queues(const struct port *p, unsigned int workers, unsigned int *rx,
                 unsigned int *tx);

/* Bytes of one packet buffer's data room that this port needs. */
uint32_t port_data_room(const struct port *p);

/*
 * Start the device. -EAGAIN: AF_XDP did not work, `use_packet` is set now, and
 * the caller starts over with a pool that fits; `why` says what failed.
 */
int port_start(struct port *p, const struct port_ask *ask, char *why);

void port_close(struct port *p);

/* NUMA node of the device's memory, 0 when it has none. */
int port_socket(const struct port *p);

#endif
