/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * count - who comes through the gate, in steps of ten milliseconds.
 *
 * Listens on the interface that the gate sends into, before the bounded link, so that the
 * link takes no credit for what it cannot carry. Time comes from the kernel's stamp of each
 * packet: this program may be late, the measurement is not.
 *
 * Memory  an 8 MiB ring and 600 KiB of buckets, both of final size.
 * Threads one, which sleeps until the kernel hands over a block (at the latest every 10 ms).
 * Source  packet_mmap in the kernel's documentation (TPACKET_V3).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "exchange.h"
#include "sight.h"
#include "verbs.h"

#define RING_BLOCK  (1U << 17) /* bytes */
#define RING_BLOCKS 64U
#define RING_FRAME  256U /* bytes kept of a frame with its ring header */
#define SNAP_MS     10
#define BUCKETS     12000 /* two minutes of 10 ms */

struct book {
	char name[32];
	uint64_t began_ns; /* CLOCK_REALTIME, as the kernel's stamps */
	uint64_t packets[SIGHT_KINDS];
	uint64_t bytes[SIGHT_KINDS];
	uint64_t first_ns[SIGHT_KINDS]; /* stamp of the first packet, 0 without one */
	uint32_t used;                  /* buckets up to the last packet */
	uint32_t line[BUCKETS][SIGHT_KINDS];
};

struct counter {
	const struct options *options;
	int fd;
	uint8_t *ring;
	unsigned int block;
	uint64_t lost; /* packets the ring had no room for, since start */
	struct book book;
	uint64_t told[SIGHT_KINDS],
		told_bytes[SIGHT_KINDS]; /* at the last interval line */
	uint64_t told_ns;
};

static uint64_t
realtime_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static int
fail(const char *what, const char *which)
{
	fprintf(stderr, "crowd: %s %s: %s\n", what, which, strerror(errno));
	return 1;
}

static int
open_ring(struct counter *c)
{
	const struct tpacket_req3 wish = {
		.tp_block_size = RING_BLOCK,
		.tp_block_nr = RING_BLOCKS,
		.tp_frame_size = RING_FRAME,
		.tp_frame_nr = RING_BLOCK / RING_FRAME * RING_BLOCKS,
		.tp_retire_blk_tov = SNAP_MS,
	};
	const char *interface = c->options->interface;
	struct sockaddr_ll door = { .sll_family = AF_PACKET };
	const int version = TPACKET_V3;
	const int on = 1;

	door.sll_protocol = htons(ETH_P_ALL);
	door.sll_ifindex = interface == NULL ? 0 : (int)if_nametoindex(interface);
	if (door.sll_ifindex == 0) {
		fprintf(stderr,
		        "crowd: count needs --interface with an existing interface\n");
		return 2;
	}
	c->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return fail("no packet socket on", interface);
	setsockopt(c->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	if (setsockopt(c->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) !=
	            0 ||
	    setsockopt(c->fd, SOL_PACKET, PACKET_RX_RING, &wish, sizeof(wish)) != 0)
		return fail("no packet ring on", interface);
	c->ring = mmap(NULL, (size_t)RING_BLOCK * RING_BLOCKS, PROT_READ | PROT_WRITE,
	               MAP_SHARED, c->fd, 0);
	if (c->ring == MAP_FAILED)
		return fail("cannot map the packet ring of", interface);
	if (bind(c->fd, (struct sockaddr *)&door, sizeof(door)) != 0)
		return fail("cannot listen on", interface);
	return 0;
}

static void
note(struct counter *c, enum sight kind, uint64_t at_ns, uint32_t bytes)
{
	struct book *b = &c->book;
	uint64_t bucket;

	/* A packet stamped before the phase began was still in the ring: it counts as the
	 * first of this phase, since nothing may be lost between two phases. */
	if (at_ns < b->began_ns)
		at_ns = b->began_ns;
	b->packets[kind]++;
	b->bytes[kind] += bytes;
	if (b->first_ns[kind] == 0)
		b->first_ns[kind] = at_ns;
	bucket = (at_ns - b->began_ns) / c->options->bucket_ns;
	if (bucket >= BUCKETS)
		return;
	b->line[bucket][kind]++;
	if (bucket >= b->used)
		b->used = (uint32_t)bucket + 1;
}

static void
read_block(struct counter *c, struct tpacket_block_desc *block)
{
	const uint8_t *at = (uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;

	for (uint32_t i = 0; i < block->hdr.bh1.num_pkts; i++) {
		const struct tpacket3_hdr *h = (const void *)at;
		const uint64_t at_ns = (uint64_t)h->tp_sec * 1000000000U + h->tp_nsec;

		note(c, sight_of(c->options, at + h->tp_mac, h->tp_snaplen), at_ns,
		     h->tp_len);
		at += h->tp_next_offset;
	}
}

static void
read_ring(struct counter *c)
{
	for (;;) {
		struct tpacket_block_desc *block =
			(void *)(c->ring + (size_t)c->block * RING_BLOCK);
		const uint32_t status =
			__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE);

		if ((status & TP_STATUS_USER) == 0)
			return;
		read_block(c, block);
		__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL,
		                 __ATOMIC_RELEASE);
		c->block = (c->block + 1) % RING_BLOCKS;
	}
}

static void
ask_losses(struct counter *c)
{
	struct tpacket_stats_v3 stats;
	socklen_t len = sizeof(stats);

	if (getsockopt(c->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		c->lost += stats.tp_drops;
}

static void
print_line(const struct book *b, enum sight kind)
{
	for (uint32_t i = 0; i < b->used; i++)
		printf("%s%u", i == 0 ? "" : ",", b->line[i][kind]);
}

/* The whole phase: totals, and the time line of every kind that was seen. */
static void
tell_phase(struct counter *c)
{
	const struct book *b = &c->book;

	ask_losses(c);
	printf("{\"type\":\"phase\",\"name\":\"%s\",\"began_ns\":%llu,\"bucket_ms\":%llu,"
	       "\"lost\":%llu,\"kinds\":{",
	       b->name, (unsigned long long)b->began_ns,
	       (unsigned long long)c->options->bucket_ns / 1000000,
	       (unsigned long long)c->lost);
	for (unsigned int kind = 0; kind < SIGHT_KINDS; kind++) {
		printf("%s\"%s\":{\"packets\":%llu,\"bytes\":%llu,\"first_ns\":%llu,"
		       "\"line\":[",
		       kind == 0 ? "" : ",", sight_names[kind],
		       (unsigned long long)b->packets[kind],
		       (unsigned long long)b->bytes[kind],
		       (unsigned long long)b->first_ns[kind]);
		if (b->packets[kind] != 0)
			print_line(b, kind);
		printf("]}");
	}
	printf("}}\n");
	fflush(stdout);
}

static void
next_phase(struct counter *c, const char *name)
{
	memset(&c->book, 0, sizeof(c->book));
	memset(c->told, 0, sizeof(c->told));
	memset(c->told_bytes, 0, sizeof(c->told_bytes));
	snprintf(c->book.name, sizeof(c->book.name), "%s", name);
	c->book.began_ns = realtime_ns();
}

static void
news(struct counter *c)
{
	const uint64_t now_ns = exchange_now_ns();
	const double seconds = (double)(now_ns - c->told_ns) / 1e9;

	if (c->options->interval_ns == 0 || now_ns - c->told_ns < c->options->interval_ns)
		return;
	printf("{\"type\":\"interval\",\"name\":\"%s\"", c->book.name);
	for (unsigned int kind = 0; kind < SIGHT_KINDS; kind++) {
		const uint64_t packets = c->book.packets[kind] - c->told[kind];
		const uint64_t bytes = c->book.bytes[kind] - c->told_bytes[kind];

		printf(",\"%s\":{\"packets_per_second\":%.0f,\"bits_per_second\":%.0f}",
		       sight_names[kind], (double)packets / seconds,
		       (double)bytes * 8 / seconds);
		c->told[kind] = c->book.packets[kind];
		c->told_bytes[kind] = c->book.bytes[kind];
	}
	printf("}\n");
	fflush(stdout);
	c->told_ns = now_ns;
}

static struct counter *
counter_open(const struct options *o, int *rc)
{
	struct counter *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		*rc = 1;
		return NULL;
	}
	c->options = o;
	*rc = open_ring(c);
	next_phase(c, "start");
	c->told_ns = exchange_now_ns();
	return c;
}

int
count_run(const struct options *o)
{
	struct command command;
	int rc;
	struct counter *c = counter_open(o, &rc);

	if (rc == 0 && command_open(&command) != 0)
		rc = 1;
	while (rc == 0) {
		struct pollfd ready = { .fd = c->fd, .events = POLLIN };
		enum command_word word;

		poll(&ready, 1, SNAP_MS);
		read_ring(c);
		word = command_read(&command);
		if (word != COMMAND_NONE)
			tell_phase(c);
		if (word == COMMAND_PHASE)
			next_phase(c, command.name);
		if (word == COMMAND_QUIT)
			break;
		news(c);
	}
	/* The kernel takes ring and socket back with the process. */
	free(c);
	return rc;
}
