/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_wire - bursts through a link of two ring devices, and the books after it.
 *
 * A ring device hands back what was sent to it, so the test puts packets into
 * the ring of one port and finds them in the ring of the other.
 */
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/log.h"
#include "io/eal.h"
#include "io/wire.h"
#include "packet/build.h"
#include "suite.h"

#define IO_STAGE 7
#define WORKERS  2

static struct io_wire wire;
static struct books books[WORKERS][2];
static struct io_queue queue[WORKERS][2];
static struct burst burst;
static unsigned int buffers;
static unsigned int number; /* each wire gets ring devices of its own */

/* A TCP packet without options: Ethernet, IPv4, TCP; the rest is payload. */
static const uint8_t tcp_syn[54] = {
	2,    0,    0, 0,  0,   1, 2,   0, 0,  0, 0,    2,    8,    0, /* Ethernet */
	0x45, 0,    0, 40, 0,   1, 0,   0, 64, 6, 0x7c, 0xc8,          /* IPv4 */
	192,  0,    2, 1,  203, 0, 113, 5,                             /* addresses */
	0x30, 0x39, 0, 80, 0,   0, 0,   1, 0,  0, 0,    0,    0x50, 2,
	0xff, 0xff, 0, 0,  0,   0,
};

static struct rte_ring *
ring_of(enum side side, unsigned int q)
{
	char name[96];
	struct rte_ring *r;

	snprintf(name, sizeof(name), "ETH_RXTX%u_%s", q, wire.link[0].port[side].device);
	r = rte_ring_lookup(name);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	return r;
}

static void
open_wire(bool control_transmits)
{
	char external[32], internal[32], why[IO_WHY] = "";
	struct io_plan plan = { .n_links = 1,
		                .workers = WORKERS,
		                .control_transmits = control_transmits,
		                .io_stage = IO_STAGE,
		                .link[0] = { "test", { external, internal } } };

	snprintf(external, sizeof(external), "net_ring%u", number++);
	snprintf(internal, sizeof(internal), "net_ring%u", number++);
	memset(books, 0, sizeof(books));
	CU_ASSERT_EQUAL_FATAL(wire_open(&wire, &plan, why), 0);
	for (unsigned int w = 0; w < WORKERS; w++)
		for (unsigned int side = 0; side < 2; side++)
			CU_ASSERT_EQUAL_FATAL(wire_queue(&wire, w, 0, (enum side)side,
			                                 books[w], &queue[w][side]),
			                      0);
	buffers = wire.link[0].pool->size;
}

static void
books_balance(void)
{
	uint64_t forwarded[2] = { 0 }, sent[2] = { 0 }, own[2] = { 0 };

	for (unsigned int w = 0; w < WORKERS; w++)
		for (unsigned int s = 0; s < 2; s++) {
			const struct books *b = &books[w][s];

			CU_ASSERT_EQUAL(b->received_packets,
			                b->forwarded_packets + b->dropped_packets +
			                        b->replied_packets + b->consumed_packets);
			CU_ASSERT_EQUAL(b->sent_packets, books[w][!s].forwarded_packets +
			                                         b->replied_packets +
			                                         b->emitted_packets);
			CU_ASSERT_EQUAL(b->sent_bytes, books[w][!s].forwarded_bytes +
			                                       b->replied_bytes +
			                                       b->emitted_bytes);
			forwarded[s] += b->forwarded_packets;
			sent[s] += b->sent_packets;
			own[s] += b->replied_packets + b->emitted_packets;
		}
	CU_ASSERT_EQUAL(sent[0] + sent[1], forwarded[0] + forwarded[1] + own[0] + own[1]);
}

/* Whatever is left in the rings, freed; returns how many packets that were. */
static unsigned int
take_all(enum side side, unsigned int q)
{
	struct rte_ring *r = ring_of(side, q);
	unsigned int n = 0;
	void *m;

	for (; rte_ring_dequeue(r, &m) == 0; n++)
		rte_pktmbuf_free(m);
	return n;
}

static void
close_wire(void)
{
	books_balance();
	for (unsigned int w = 0; w < WORKERS; w++)
		for (unsigned int side = 0; side < 2; side++) {
			take_all((enum side)side, w);
			wire_queue_close(&queue[w][side]);
		}
	/* No packet was lost without being freed, none freed twice. */
	CU_ASSERT_EQUAL(rte_mempool_avail_count(wire.link[0].pool), buffers);
	wire_close(&wire);
}

/* Put n packets of `len` bytes where worker w receives from `side`. */
static void
arrive(enum side side, unsigned int w, unsigned int n, uint16_t len)
{
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(wire.link[0].pool);
		char *at;

		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		at = rte_pktmbuf_append(m, len);
		CU_ASSERT_PTR_NOT_NULL_FATAL(at);
		memset(at, (int)i, len);
		memcpy(at, tcp_syn, len < sizeof(tcp_syn) ? len : sizeof(tcp_syn));
		CU_ASSERT_EQUAL_FATAL(rte_ring_enqueue(ring_of(side, w), m), 0);
	}
}

static bool
receive(enum side side, unsigned int w)
{
	return io_receive(&queue[w][side], &burst, 1000);
}

static void
settle(enum side side, unsigned int w)
{
	io_settle(&queue[w][side], &burst);
}

static void
cross(bool control_transmits)
{
	open_wire(control_transmits);
	CU_ASSERT_FALSE(receive(SIDE_EXTERNAL, 0));
	for (unsigned int w = 0; w < WORKERS; w++) {
		arrive(SIDE_EXTERNAL, w, 100, 60);
		CU_ASSERT_TRUE(receive(SIDE_EXTERNAL, w));
		CU_ASSERT_EQUAL(burst.count, 64);
		CU_ASSERT_EQUAL(burst.live, UINT64_MAX);
		CU_ASSERT_EQUAL(burst.frame_len[63], 60);
		CU_ASSERT_EQUAL(burst.bytes_len[63], 60);
		CU_ASSERT_EQUAL(burst.bytes[63][54], 63);
		settle(SIDE_EXTERNAL, w);
		CU_ASSERT_TRUE(receive(SIDE_EXTERNAL, w));
		CU_ASSERT_EQUAL(burst.count, 36);
		settle(SIDE_EXTERNAL, w);
		if (control_transmits) {
			CU_ASSERT_EQUAL(books[w][SIDE_INTERNAL].sent_packets, 0);
			while (io_forward(&wire) > 0)
				;
		}
		CU_ASSERT_EQUAL(books[w][SIDE_EXTERNAL].received_packets, 100);
		CU_ASSERT_EQUAL(books[w][SIDE_EXTERNAL].received_bytes, 6000);
		CU_ASSERT_EQUAL(books[w][SIDE_EXTERNAL].forwarded_bytes, 6000);
		CU_ASSERT_EQUAL(books[w][SIDE_INTERNAL].sent_packets, 100);
		/* Control sends everything on the port's first queue. */
		CU_ASSERT_EQUAL(take_all(SIDE_INTERNAL, control_transmits ? 0 : w), 100);
		arrive(SIDE_INTERNAL, w, 3, 1000);
		CU_ASSERT_TRUE(receive(SIDE_INTERNAL, w));
		CU_ASSERT_EQUAL(burst.side, SIDE_INTERNAL);
		settle(SIDE_INTERNAL, w);
	}
	io_drain(&wire, 1000000);
	CU_ASSERT_EQUAL(books[1][SIDE_EXTERNAL].sent_bytes, 3000);
	close_wire();
}

static void
workers_carry_packets_both_ways(void)
{
	cross(false);
}

static void
control_carries_packets_both_ways(void)
{
	cross(true);
}

static void
every_verdict_is_booked(void)
{
	open_wire(false);
	arrive(SIDE_EXTERNAL, 0, 10, 80);
	CU_ASSERT_TRUE(receive(SIDE_EXTERNAL, 0));
	burst_drop(&burst, 0, 1);
	burst_drop(&burst, 9, 1);
	burst_consume(&burst, 4, 2);
	settle(SIDE_EXTERNAL, 0);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].dropped_packets, 2);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].dropped_bytes, 160);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].consumed_packets, 1);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].forwarded_packets, 7);
	CU_ASSERT_EQUAL(take_all(SIDE_INTERNAL, 0), 7);
	close_wire();
}

static void
a_reply_leaves_as_long_as_it_was_made(void)
{
	static const bool both[] = { false, true };

	for (unsigned int k = 0; k < 2; k++) {
		struct rte_mbuf *m;

		open_wire(both[k]);
		arrive(SIDE_EXTERNAL, 0, 1, 200);
		CU_ASSERT_TRUE(receive(SIDE_EXTERNAL, 0));
		((uint8_t *)(uintptr_t)burst.bytes[0])[0] = 0x77;
		burst.bytes_len[0] = 54;
		burst_reply(&burst, 0, 0);
		settle(SIDE_EXTERNAL, 0);
		io_drain(&wire, 1000000);
		CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].replied_packets, 1);
		CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].replied_bytes, 54);
		CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].sent_bytes, 54);
		CU_ASSERT_EQUAL_FATAL(
			rte_ring_dequeue(ring_of(SIDE_EXTERNAL, 0), (void **)&m), 0);
		CU_ASSERT_EQUAL(m->pkt_len, 54);
		CU_ASSERT_EQUAL(*rte_pktmbuf_mtod(m, uint8_t *), 0x77);
		rte_pktmbuf_free(m);
		close_wire();
	}
}

static void
outbox_frames_are_emitted(void)
{
	struct burst_request *want;

	open_wire(false);
	arrive(SIDE_EXTERNAL, 0, 1, 60);
	CU_ASSERT_TRUE(receive(SIDE_EXTERNAL, 0));
	parse_frame(burst.bytes[0], burst.bytes_len[0], 60, &burst.facts[0]);
	want = burst_emit(&burst);
	CU_ASSERT_TRUE(build_ends(&want->ends, &burst.facts[0], burst.bytes[0], false));
	want->side = SIDE_INTERNAL;
	want->tcp_flags = TCP_SYN;
	burst_consume(&burst, 0, 0);
	settle(SIDE_EXTERNAL, 0);
	CU_ASSERT_EQUAL(books[0][SIDE_INTERNAL].emitted_packets, 1);
	CU_ASSERT_EQUAL(books[0][SIDE_INTERNAL].sent_packets, 1);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].consumed_packets, 1);
	CU_ASSERT_EQUAL(take_all(SIDE_INTERNAL, 0), 1);
	close_wire();
}

/* Nobody takes packets away: the ring of the device, or towards control, fills. */
static void
fill_up(bool control_transmits)
{
	uint64_t full = 0, received;

	open_wire(control_transmits);
	for (unsigned int k = 0; k < 20; k++) {
		arrive(SIDE_EXTERNAL, 0, 64, 60);
		CU_ASSERT_TRUE(receive(SIDE_EXTERNAL, 0));
		settle(SIDE_EXTERNAL, 0);
		for (unsigned int i = 0; i < 64; i++) {
			if (burst.verdict[i] == VERDICT_PASS)
				continue;
			CU_ASSERT_EQUAL(burst.verdict[i], VERDICT_DROP);
			CU_ASSERT_EQUAL(burst.stage[i], IO_STAGE);
			CU_ASSERT_EQUAL(burst.reason[i], IO_TX_FULL);
			full++;
		}
	}
	received = books[0][SIDE_EXTERNAL].received_packets;
	CU_ASSERT_EQUAL(received, 20 * 64);
	CU_ASSERT_EQUAL(full, received - 1023);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].dropped_packets, full);
	if (control_transmits)
		CU_ASSERT_EQUAL(io_drain(&wire, 10000000), 0);
	close_wire();
}

static void
a_full_device_is_tx_full(void)
{
	fill_up(false);
}

static void
a_full_ring_to_control_is_tx_full(void)
{
	fill_up(true);
}

/* The device is full and stays full: what the ring holds was not forwarded after all. */
static void
what_cannot_be_drained_is_dropped_in_the_books(void)
{
	unsigned int left;

	open_wire(true);
	for (unsigned int k = 0; k < 18; k++) {
		arrive(SIDE_EXTERNAL, 0, 64, 60);
		CU_ASSERT_TRUE(receive(SIDE_EXTERNAL, 0));
		settle(SIDE_EXTERNAL, 0);
		io_forward(&wire);
	}
	left = io_drain(&wire, 1000000);
	CU_ASSERT_EQUAL(left, 18 * 64 - 1023);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].dropped_packets, left);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].forwarded_packets, 1023);
	close_wire();
}

static void
headers_of_split_packets_are_shown_in_one_piece(void)
{
	struct rte_mbuf *first, *rest;

	open_wire(false);
	first = rte_pktmbuf_alloc(wire.link[0].pool);
	rest = rte_pktmbuf_alloc(wire.link[0].pool);
	CU_ASSERT_TRUE_FATAL(first != NULL && rest != NULL);
	memcpy(rte_pktmbuf_append(first, 20), tcp_syn, 20);
	memcpy(rte_pktmbuf_append(rest, 1500), tcp_syn + 20, sizeof(tcp_syn) - 20);
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(first, rest), 0);
	CU_ASSERT_EQUAL_FATAL(rte_ring_enqueue(ring_of(SIDE_EXTERNAL, 0), first), 0);
	CU_ASSERT_TRUE(receive(SIDE_EXTERNAL, 0));
	CU_ASSERT_EQUAL(burst.frame_len[0], 1520);
	CU_ASSERT_EQUAL(burst.bytes_len[0], PARSE_WINDOW);
	CU_ASSERT_EQUAL(memcmp(burst.bytes[0], tcp_syn, sizeof(tcp_syn)), 0);

	/* A device that cannot send segments gets the packet in one piece. */
	queue[0][SIDE_EXTERNAL].takes_segments[SIDE_INTERNAL] = false;
	settle(SIDE_EXTERNAL, 0);
	CU_ASSERT_EQUAL_FATAL(
		rte_ring_dequeue(ring_of(SIDE_INTERNAL, 0), (void **)&first), 0);
	CU_ASSERT_EQUAL(first->nb_segs, 1);
	CU_ASSERT_EQUAL(first->pkt_len, 1520);
	rte_pktmbuf_free(first);
	close_wire();
}

static void
what_the_other_end_cannot_carry_is_dropped_with_its_reason(void)
{
	struct io_queue *q;

	open_wire(false);
	q = &queue[0][SIDE_EXTERNAL];
	q->cut_at = 1000;
	q->longest[SIDE_INTERNAL] = 500;
	arrive(SIDE_EXTERNAL, 0, 1, 999);
	arrive(SIDE_EXTERNAL, 0, 1, 1000);
	arrive(SIDE_EXTERNAL, 0, 1, 500);
	CU_ASSERT_TRUE(receive(SIDE_EXTERNAL, 0));
	CU_ASSERT_EQUAL(burst.live, 5); /* lane 1 was cut */
	settle(SIDE_EXTERNAL, 0);
	CU_ASSERT_EQUAL(burst.reason[0], IO_TOO_LONG);
	CU_ASSERT_EQUAL(burst.reason[1], IO_SHORTENED);
	CU_ASSERT_EQUAL(burst.stage[1], IO_STAGE);
	CU_ASSERT_EQUAL(burst.verdict[2], VERDICT_PASS);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].dropped_packets, 2);

	wire.link[0].is_up[SIDE_INTERNAL] = false;
	arrive(SIDE_EXTERNAL, 0, 2, 60);
	CU_ASSERT_TRUE(receive(SIDE_EXTERNAL, 0));
	settle(SIDE_EXTERNAL, 0);
	CU_ASSERT_EQUAL(burst.reason[1], IO_LINK_DOWN);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].dropped_packets, 4);
	CU_ASSERT_EQUAL(take_all(SIDE_INTERNAL, 0), 1);
	close_wire();
}

static void
a_bad_device_gives_a_sentence(void)
{
	char why[IO_WHY] = "";
	struct io_plan plan = { .n_links = 1,
		                .workers = 1,
		                .link[0] = { "test", { "net_null0", "nosuch0" } } };

	CU_ASSERT_NOT_EQUAL(wire_open(&wire, &plan, why), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no network interface \"nosuch0\""));
	plan.link[0].end[1] = "net_pcap0,rx_pcap=/nonexistent/file";
	CU_ASSERT_NOT_EQUAL(wire_open(&wire, &plan, why), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "net_pcap0"));
}

static void
start_dpdk(void)
{
	static const unsigned int core[] = { 0 };
	const struct eal_plan plan = {
		.prefix = "tidegate-test", .n_cores = 1, .core = core, .memory_mib = 128
	};
	char why[IO_WHY] = "";

	log_open("test_wire", LOG_LEVEL_ERROR);
	CU_ASSERT_EQUAL_FATAL(eal_start(&plan, why), 0);
}

SUITE_MAIN("wire", TEST(start_dpdk), TEST(workers_carry_packets_both_ways),
           TEST(control_carries_packets_both_ways), TEST(every_verdict_is_booked),
           TEST(a_reply_leaves_as_long_as_it_was_made), TEST(outbox_frames_are_emitted),
           TEST(a_full_device_is_tx_full), TEST(a_full_ring_to_control_is_tx_full),
           TEST(what_cannot_be_drained_is_dropped_in_the_books),
           TEST(headers_of_split_packets_are_shown_in_one_piece),
           TEST(what_the_other_end_cannot_carry_is_dropped_with_its_reason),
           TEST(a_bad_device_gives_a_sentence))
