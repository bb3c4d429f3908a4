/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_handoff - packets that one worker receives and another judges: each once,
 * in order, in full bursts, and in the books of both.
 *
 * Devices of one queue feed three workers, so the first receives everything;
 * the test plays the workers one after the other.
 */
#include <string.h>

#include <rte_eth_ring.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/log.h"
#include "io/eal.h"
#include "io/wire.h"
#include "packet/parse.h"
#include "suite.h"

#define IO_STAGE 7
#define WORKERS  3
#define FLOWS    40
#define FRAME    60

static struct io_wire wire;
static struct books books[WORKERS][2];
static struct io_queue queue[WORKERS][2];
static struct burst burst;
static unsigned int buffers, number;
static struct rte_ring *ring[2]; /* of the devices, by side: what is sent comes back */

/* An UDP packet: Ethernet, IPv4, UDP. Addresses and a number are filled in. */
static const uint8_t udp[FRAME] = {
	2,           0,    0, 0,  0, 1,  2, 0, 0,  0,  0, 2, 8, 0, /* Ethernet */
	0x45,        0,    0, 46, 0, 0,  0, 0, 64, 17,             /* IPv4 */
	[34] = 0x30, 0x39, 0, 53, 0, 26,
};

static void
make_device(enum side side, char name[48])
{
	char ring_name[16];

	snprintf(ring_name, sizeof(ring_name), "hand%u", number++);
	ring[side] = rte_ring_create(ring_name, 8192, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ring[side]);
	CU_ASSERT_TRUE_FATAL(rte_eth_from_ring(ring[side]) >= 0);
	snprintf(name, 48, "net_ring_%s", ring_name);
}

static void
open_wire(void)
{
	char name[2][48], why[IO_WHY] = "";
	struct io_plan plan = { .n_links = 1,
		                .workers = WORKERS,
		                .transmit_auto = true,
		                .io_stage = IO_STAGE,
		                .link[0] = { "test", { name[0], name[1] } } };

	make_device(SIDE_EXTERNAL, name[0]);
	make_device(SIDE_INTERNAL, name[1]);
	memset(books, 0, sizeof(books));
	CU_ASSERT_EQUAL_FATAL(wire_open(&wire, &plan, why), 0);
	/* The key is a secret; here it is the same each time, and so is who gets what. */
	hash_key_seeded(&wire.link[0].spread.key, 3);
	for (unsigned int w = 0; w < WORKERS; w++)
		for (unsigned int side = 0; side < 2; side++)
			CU_ASSERT_EQUAL_FATAL(wire_queue(&wire, w, 0, (enum side)side,
			                                 books[w], &queue[w][side]),
			                      0);
	buffers = wire.link[0].pool->size;
}

/* By worker, and over all of them without what crossed from one to another. */
static void
books_balance(void)
{
	for (unsigned int side = 0; side < 2; side++) {
		uint64_t received = 0, gone = 0, handed = 0, taken = 0;

		for (unsigned int w = 0; w < WORKERS; w++) {
			const struct books *b = &books[w][side];

			CU_ASSERT_EQUAL(b->received_packets + b->taken_packets,
			                b->forwarded_packets + b->dropped_packets +
			                        b->handed_packets);
			CU_ASSERT_EQUAL(b->received_bytes + b->taken_bytes,
			                b->forwarded_bytes + b->dropped_bytes +
			                        b->handed_bytes);
			received += b->received_packets;
			gone += b->forwarded_packets + b->dropped_packets;
			handed += b->handed_packets;
			taken += b->taken_packets;
		}
		CU_ASSERT_EQUAL(received - gone, handed - taken);
	}
}

static void
close_wire(void)
{
	void *m;

	books_balance();
	io_drain(&wire, 10000000);
	for (unsigned int side = 0; side < 2; side++)
		while (rte_ring_dequeue(ring[side], &m) == 0)
			rte_pktmbuf_free(m);
	for (unsigned int w = 0; w < WORKERS; w++)
		for (unsigned int side = 0; side < 2; side++)
			wire_queue_close(&queue[w][side]);
	handoff_close(&wire.handoff);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(wire.link[0].pool), buffers);
	wire_close(&wire);
}

/* Packet `serial` of a flow, from either side: the two ends change places. */
static void
arrive(enum side side, unsigned int flow, uint16_t serial)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(wire.link[0].pool);
	const uint8_t end[2][4] = { { 192, 0, 2, (uint8_t)flow }, { 203, 0, 113, 5 } };
	uint8_t *at;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	at = (uint8_t *)rte_pktmbuf_append(m, FRAME);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	memcpy(at, udp, FRAME);
	memcpy(at + 26, end[side], 4);
	memcpy(at + 30, end[!side], 4);
	at[58] = (uint8_t)(serial >> 8);
	at[59] = (uint8_t)serial;
	CU_ASSERT_EQUAL_FATAL(rte_ring_enqueue(ring[side], m), 0);
}

/* Worker 0 receives one burst and gives away what belongs to others. */
static bool
receive_and_give(enum side side)
{
	if (!io_receive(&queue[0][side], &burst, 1000))
		return false;
	parse_burst(&burst);
	handoff_give(&wire.handoff, &queue[0][side], &burst);
	return true;
}

static bool
take(unsigned int w, enum side side)
{
	handoff_collect(&wire.handoff, w);
	if (!handoff_take(&wire.handoff, &queue[w][side], &burst, 1000))
		return false;
	parse_burst(&burst);
	return true;
}

/* All lanes belong to the worker, are live, and are what they say. */
static void
all_are_mine(unsigned int w)
{
	CU_ASSERT_EQUAL(burst.live, lanes_first(burst.count));
	for (unsigned int i = 0; i < burst.count; i++) {
		CU_ASSERT_EQUAL(spread_worker(&wire.link[0].spread, &burst.facts[i],
		                              burst.bytes[i], burst.bytes_len[i], 99),
		                w);
		CU_ASSERT_PTR_EQUAL(burst.bytes[i],
		                    rte_pktmbuf_mtod(burst.mbuf[i], uint8_t *));
		CU_ASSERT_EQUAL(burst.bytes_len[i], FRAME);
		CU_ASSERT_EQUAL(burst.facts[i].frame_len, FRAME);
		CU_ASSERT_EQUAL(burst.verdict[i], VERDICT_PASS);
	}
}

/* What left by a side: each flow's packets in order. Returns how many. */
static unsigned int
leaves_in_order(enum side side)
{
	uint16_t next[256] = { 0 };
	unsigned int n = 0;
	struct rte_mbuf *m;

	io_drain(&wire, 10000000);
	for (; rte_ring_dequeue(ring[side], (void **)&m) == 0; n++) {
		const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);
		unsigned int flow = at[side == SIDE_INTERNAL ? 29 : 33];

		CU_ASSERT_EQUAL(at[58] << 8 | at[59], next[flow]);
		next[flow]++;
		rte_pktmbuf_free(m);
	}
	return n;
}

static void
one_queue_feeds_all_workers(void)
{
	unsigned int judged[WORKERS] = { 0 };

	open_wire();
	CU_ASSERT_TRUE(wire.control_transmits);
	CU_ASSERT_EQUAL(wire.link[0].port[0].rx_queues, 1);
	CU_ASSERT_FALSE(queue[1][0].receives);
	for (unsigned int side = 0; side < 2; side++) {
		for (unsigned int i = 0; i < 30 * FLOWS; i++)
			arrive((enum side)side, i % FLOWS, (uint16_t)(i / FLOWS));
		while (receive_and_give((enum side)side)) {
			all_are_mine(0);
			judged[0] += burst.count;
			io_settle(&queue[0][side], &burst);
			for (unsigned int w = 1; w < WORKERS; w++) {
				if (!take(w, (enum side)side))
					continue;
				all_are_mine(w);
				judged[w] += burst.count;
				io_settle(&queue[w][side], &burst);
			}
		}
		CU_ASSERT_EQUAL(leaves_in_order(side == SIDE_EXTERNAL ? SIDE_INTERNAL
		                                                      : SIDE_EXTERNAL),
		                30 * FLOWS);
	}
	CU_ASSERT_EQUAL(judged[0] + judged[1] + judged[2], 2 * 30 * FLOWS);
	for (unsigned int w = 0; w < WORKERS; w++) {
		CU_ASSERT(judged[w] > 0);
		CU_ASSERT_EQUAL(books[w][0].forwarded_packets +
		                        books[w][1].forwarded_packets,
		                judged[w]);
		/* Both directions of each flow met the same worker. */
		CU_ASSERT_EQUAL(books[w][0].forwarded_packets,
		                books[w][1].forwarded_packets);
	}
	CU_ASSERT_EQUAL(books[0][0].taken_packets + books[1][0].received_packets, 0);
	close_wire();
}

/* What came in by two sides is sorted, and what was given in pieces comes as one burst. */
static void
bursts_of_the_taker_are_full_and_of_one_side(void)
{
	open_wire();
	for (unsigned int i = 0; i < 5 * 64; i++) {
		arrive(SIDE_EXTERNAL, i % FLOWS, (uint16_t)(i / FLOWS));
		arrive(SIDE_INTERNAL, i % FLOWS, (uint16_t)(i / FLOWS));
	}
	for (unsigned int i = 0; i < 5; i++)
		for (unsigned int side = 0; side < 2; side++) {
			CU_ASSERT_TRUE(receive_and_give((enum side)side));
			CU_ASSERT(burst.count < 50);
			io_settle(&queue[0][side], &burst);
		}
	CU_ASSERT(handoff_depth(&wire.handoff, 1) > 128);
	handoff_collect(&wire.handoff, 1);
	for (unsigned int side = 0; side < 2; side++) {
		CU_ASSERT_TRUE(handoff_has(&wire.handoff, &queue[1][side]));
		CU_ASSERT_TRUE(handoff_take(&wire.handoff, &queue[1][side], &burst, 5));
		/* No giver's burst had so many; the second is cut where the first was full. */
		CU_ASSERT(burst.count >= (side == 0 ? 64 : 40));
		CU_ASSERT_EQUAL(burst.side, side);
		CU_ASSERT_EQUAL(burst.now_ns, 5);
		parse_burst(&burst);
		all_are_mine(1);
		for (unsigned int i = 0; i < burst.count; i++)
			CU_ASSERT_EQUAL(burst.bytes[i][26], side == 0 ? 192 : 203);
		io_settle(&queue[1][side], &burst);
		CU_ASSERT_FALSE(handoff_has(&wire.handoff, &queue[1][side]));
	}
	/* The rest waits, and is freed at the end. */
	close_wire();
}

static void
a_full_pipe_drops_with_a_reason(void)
{
	uint64_t full = 0, given;

	open_wire();
	for (unsigned int i = 0; i < 4096; i++)
		arrive(SIDE_EXTERNAL, i % FLOWS, (uint16_t)(i / FLOWS));
	while (receive_and_give(SIDE_EXTERNAL)) {
		for (unsigned int i = 0; i < burst.count; i++) {
			if (burst.verdict[i] == VERDICT_PASS)
				continue;
			CU_ASSERT_EQUAL(burst.verdict[i], VERDICT_DROP);
			CU_ASSERT_EQUAL(burst.stage[i], IO_STAGE);
			CU_ASSERT_EQUAL(burst.reason[i], IO_HANDOFF_FULL);
			CU_ASSERT_EQUAL(burst.live & lane_bit(i), 0);
			full++;
		}
		io_settle(&queue[0][SIDE_EXTERNAL], &burst);
		io_drain(&wire, 10000000);
	}
	given = books[0][SIDE_EXTERNAL].handed_packets;
	CU_ASSERT_EQUAL(given, 2 * handoff_room(WORKERS));
	CU_ASSERT_EQUAL(handoff_depth(&wire.handoff, 2), handoff_room(WORKERS));
	CU_ASSERT(full > 100);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].dropped_packets, full);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].forwarded_packets + full + given, 4096);
	close_wire();
}

/* A lane that was dropped at the door is its receiver's, whoever the flow belongs to. */
static void
what_was_dropped_at_the_door_stays(void)
{
	open_wire();
	for (unsigned int i = 0; i < 64; i++)
		arrive(SIDE_EXTERNAL, i % FLOWS, (uint16_t)(i / FLOWS));
	for (unsigned int w = 0; w < WORKERS; w++)
		queue[w][SIDE_EXTERNAL].cut_at = FRAME;
	CU_ASSERT_TRUE(receive_and_give(SIDE_EXTERNAL));
	CU_ASSERT_EQUAL(burst.count, 64);
	CU_ASSERT_EQUAL(burst.live, 0);
	io_settle(&queue[0][SIDE_EXTERNAL], &burst);
	CU_ASSERT_EQUAL(books[0][SIDE_EXTERNAL].dropped_packets, 64);
	CU_ASSERT_FALSE(take(1, SIDE_EXTERNAL));
	close_wire();
}

/* Rooms are powers of two, and their sum stays within bounds. */
static void
memory_is_bounded(void)
{
	CU_ASSERT_EQUAL(handoff_buffers(1), 0);
	for (unsigned int n = 2; n <= IO_WORKERS_MAX; n++) {
		unsigned int room = handoff_room(n);

		CU_ASSERT_EQUAL(room & (room - 1), 0);
		CU_ASSERT(room >= 2 * LANES_MAX && room <= 1024);
		CU_ASSERT(handoff_buffers(n) <= n * 10000);
		CU_ASSERT(handoff_buffers(n) >= n * (n - 1) * room);
	}
}

static void
start_dpdk(void)
{
	static const unsigned int core[] = { 0 };
	const struct eal_plan plan = {
		.prefix = "tidegate-hand", .n_cores = 1, .core = core, .memory_mib = 192
	};
	char why[IO_WHY] = "";

	log_open("test_handoff", LOG_LEVEL_ERROR);
	CU_ASSERT_EQUAL_FATAL(eal_start(&plan, why), 0);
}

SUITE_MAIN("handoff", TEST(start_dpdk), TEST(memory_is_bounded),
           TEST(one_queue_feeds_all_workers),
           TEST(bursts_of_the_taker_are_full_and_of_one_side),
           TEST(a_full_pipe_drops_with_a_reason),
           TEST(what_was_dropped_at_the_door_stays))
