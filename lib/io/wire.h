/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire - links: pairs of ports, and how bursts come from one end and go to the
 * other.
 *
 *     io_receive   device  -> burst       (worker)
 *     io_settle    burst   -> device, by verdict; or -> ring, when the control
 *                  core transmits          (worker)
 *     io_forward   rings   -> device       (control core, transmit = control)
 *
 * Each worker owns one RX queue of every port and, when workers transmit, one
 * TX queue of every port. When control transmits there is one ring per worker
 * and port; what a ring took is sent for sure, sooner or later: a device that
 * refuses makes the ring fill, and a full ring is the worker's drop `tx_full`.
 * So `forwarded`, `replied` and `emitted` are the worker's to count, at the
 * device or at the ring, and `sent` is counted by whoever called the device:
 * each number has one writer, and once the rings are empty the books balance.
 *
 * A reply is the packet turned round: the stage rewrote bytes[i] and set
 * bytes_len[i] to the length of the answer.
 *
 * Threads as marked.
 */
#ifndef IO_WIRE_H
#define IO_WIRE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/handoff.h"
#include "io/port.h"
#include "io/spread.h"
#include "packet/books.h"
#include "packet/burst.h"
#include "packet/parse.h"

struct rte_mempool;
struct rte_ring;

#define IO_LINKS_MAX   16
#define IO_WORKERS_MAX 64
#define IO_RING        1024 /* packets that wait for control, by worker and port */
#define IO_BURST       64

/* Reasons of the pseudo stage `io`; the daemon asserts that they are stage.h's. */
enum io_reason { IO_TX_FULL, IO_SHORTENED, IO_LINK_DOWN, IO_TOO_LONG, IO_HANDOFF_FULL };

/* How a packet that leaves came about. */
enum io_kind { IO_FORWARDED, IO_REPLIED, IO_EMITTED };

struct io_link_names {
	const char *name, *end[2]; /* by enum side */
};

/* What the configuration says. The names need not outlive wire_open(). */
struct io_plan {
	unsigned int n_links, workers;
	struct io_link_names link[IO_LINKS_MAX];
	bool control_transmits,
		transmit_auto; /* auto: control where TX queues are missing */
	bool rss_ports;
	bool link_down_ignore;
	unsigned int io_stage; /* index of the pseudo stage */
};

/* A ring from one worker to one port, and what control took out but could not send yet. */
struct io_ring {
	struct rte_ring *ring;
	struct books *books; /* of that worker and the port's side */
	unsigned int waiting, next;
	struct rte_mbuf *held[IO_BURST];
};

struct io_link {
	char name[64];
	struct port port[2]; /* by enum side */
	struct rte_mempool *pool;
	struct spread spread; /* which worker a packet of this link belongs to */
	struct io_ring *ring
		[2]; /* by side they leave by; workers of them; NULL: workers transmit */
	bool is_up[2];   /* written by control, read by workers, relaxed */
	bool is_held[2]; /* taken down because the other end is down */
	uint64_t settle_until_ns
		[2]; /* a port just brought up needs time to find its carrier */
};

struct io_wire {
	unsigned int n_links, workers;
	unsigned int io_stage;
	bool control_transmits, link_down_ignore;
	struct handoff handoff; /* off with one worker */
	struct io_link link[IO_LINKS_MAX];
};

/* One worker's view of one side of one link. */
struct io_queue {
	const struct io_link *on;
	uint16_t rx_port, tx_port[2]; /* tx_port by side they leave by */
	uint16_t queue, tx_queue;
	uint16_t worker;
	bool receives; /* the port has a queue for this worker */
	uint8_t link, side, io_stage;
	uint32_t cut_at;
	bool takes_segments[2];
	uint32_t longest[2];
	struct rte_mempool *pool;
	struct rte_ring *ring[2];
	struct books *books; /* [2], by side: this worker's of this link */
	/* Headers of packets whose first segment is too short to hold them. */
	uint8_t (*scratch)[PARSE_WINDOW];
};

/*
 * Buffer memory in MiB that these links need, told from names alone, before
 * DPDK runs.
 */
unsigned int wire_memory_mib(const struct io_plan *plan, unsigned int workers);

/* Open all links, after eal_start(). 0, or -errno with a sentence in why[IO_WHY]. */
int wire_open(struct io_wire *w, const struct io_plan *plan, char *why);

/* Stop and give back everything. No worker may run. */
void wire_close(struct io_wire *w);

/* `books` is [2], by side, this worker's of this link. 0 or -ENOMEM. */
int wire_queue(struct io_wire *w, unsigned int worker, unsigned int link, enum side side,
               struct books *books, struct io_queue *q);
void wire_queue_close(struct io_queue *q);

/* Fill a burst, up to 64 lanes. False when there is none; the burst is started all the same. Worker. */
bool io_receive(struct io_queue *q, struct burst *b, uint64_t now_ns);

/*
 * Send, answer and free by verdict, and write the books. A packet that cannot
 * be sent becomes a drop of stage `io`, to be accounted like any other. Worker.
 */
void io_settle(struct io_queue *q, struct burst *b);

/* Send what workers handed over. Returns how many packets moved. Control core. */
unsigned int io_forward(struct io_wire *w);

/*
 * After the last worker ended: send what waits, for at most `patience_ns`; what
 * is left then was forwarded in no sense and is moved to the drops. Returns
 * how many those are.
 */
unsigned int io_drain(struct io_wire *w, uint64_t patience_ns);

#endif
