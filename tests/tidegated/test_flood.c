/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flood of tests/flow/test_flood.c once more, as frames through a whole worker:
 * ten million new sources and flows a second for twenty seconds, half a million
 * proven customers in a million slots; a 64th of each, or with TIDEGATE_SOAK=1 all.
 * The server answers every forged SYN, so the flood reaches both tables.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/sanitizer.h"
#include "flood_rig.h"
#include "flow/source.h"

#define SECONDS  20u
#define SPEAK_MS 5000u /* between two packets of a customer */
#define A_MS     10000u
#define MOST     500000u

static const char text[] =
	"version = 1;\n"
	"dataplane = { flow_entries = \"%u\"; source_entries = \"%u\"; };\n"
	"links = ( { name = \"a\"; external = \"x0\"; internal = \"x1\"; } );\n"
	"policies = ( { name = \"shop\"; mode = \"mitigate\"; vectors = (\n"
	"  { vector = \"tcp_syn_flood\"; activate_rate = \"10kpps\"; },\n"
	"  { vector = \"tcp_other_flood\"; activate_rate = \"10kpps\"; },\n"
	"  { vector = \"udp_flood\"; activate_rate = \"10kpps\"; } ); } );\n"
	"services = ( { name = \"shop\"; policy = \"shop\";\n"
	"  prefixes = [ \"203.0.113.10/32\", \"2001:db8:a::10/128\" ]; } );\n";

static struct flood_rig r;
static uint64_t scale, customer[MOST + 64], customers;

static uint64_t
rig_clock(void)
{
	return r.now_ns;
}

static void
open_all(void)
{
	const bool is_soak = suite_is_soak();
	char conf[sizeof(text) + 32];

	scale = is_soak ? 1 : 64;
	snprintf(conf, sizeof(conf), text, (1u << 20) / (unsigned int)scale,
	         (1u << 20) / (unsigned int)scale);
	rig_open(&r, conf, rig_clock);
}

/* Half of them IPv6, so that each family defends its own. */
static bool
is_ipv6(uint64_t who)
{
	return ((who - 1) / 64) % 2 != 0;
}

/* Slowly, below every threshold. Who finds both buckets full stays unproven and is no customer. */
static void
connect_all(void)
{
	uint64_t first = 1;

	for (customers = 0; customers < MOST / scale; first += 64) {
		rig_connect(&r, first, 64, is_ipv6(first));
		for (unsigned int i = 0; i < 64; i++)
			if (r.worker->burst.standing[i] == STANDING_VERIFIED_FLOW)
				customer[customers++] = first + i;
		r.now_ns += 10 * MS;
		CU_ASSERT_FATAL(first < 2 * MOST);
	}
	CU_ASSERT(first < customers + customers / 500 + 128);
}

/* A packet of customer n into the burst; its lane is among `lanes` then. */
static void
add_customer(uint64_t n, uint64_t *lanes)
{
	const uint64_t who = customer[n % customers];
	const struct packet p = rig_segment(SIDE_EXTERNAL, who, TCP_ACK, is_ipv6(who));

	*lanes |= lane_bit(rig_add(&r, &p));
}

/* Of these lanes, those that were stopped or no longer belong to a proven flow. */
static unsigned int
suffering(const struct burst *b, uint64_t lanes)
{
	unsigned int n = 0, i;

	LANES_FOREACH (i, lanes)
		n += b->verdict[i] != VERDICT_PASS ||
		     b->standing[i] != STANDING_VERIFIED_FLOW;
	return n;
}

/* Forged number n: SYNs, stray segments and UDP, from both families. */
static struct packet
forged(uint64_t n)
{
	const uint64_t random = rig_mixed(n) | FORGER;
	struct packet p = rig_segment(SIDE_EXTERNAL, random, TCP_SYN, n % 2 == 0);

	if (n % 8 == 1)
		p.flags = TCP_ACK;
	if (n % 8 == 2)
		p.proto = PROTO_UDP;
	return p;
}

struct run {
	uint64_t sent, turn; /* forged packets, packets of customers */
	uint64_t stopped;    /* of the forged ones: dropped or answered */
	unsigned int suffered;
};

/* One burst of forged packets with a customer or two among them, and the server's answers. */
static void
storm(struct run *run, unsigned int speakers)
{
	uint64_t lanes = 0;
	const uint64_t first = run->sent;
	const struct burst *b;

	rig_start(&r, SIDE_EXTERNAL);
	while (r.count < 64) {
		if (speakers > 0 && r.count % 20 == 7) {
			add_customer(run->turn++, &lanes);
			speakers--;
		} else {
			const struct packet p = forged(run->sent++);

			rig_add(&r, &p);
		}
	}
	b = rig_judge(&r);
	run->suffered += suffering(b, lanes);
	for (unsigned int i = 0; i < 64; i++)
		run->stopped += b->verdict[i] != VERDICT_PASS;
	rig_start(&r, SIDE_INTERNAL);
	for (uint64_t n = first; n < run->sent; n++) {
		struct packet p = forged(n);

		p.side = SIDE_INTERNAL;
		p.flags = TCP_SYN | TCP_ACK;
		p.ack = CLIENT_ISN + 1;
		rig_add(&r, &p);
	}
	rig_judge(&r);
}

struct memory {
	uint64_t heap;     /* bytes in use */
	uint64_t resident; /* bytes of the process; 0 where the kernel does not tell */
};

static struct memory
memory_now(void)
{
	const struct mallinfo2 heap = mallinfo2();
	unsigned long kilobytes = 0;
	char line[128];
	FILE *f = fopen("/proc/self/smaps_rollup", "r");

	while (f != NULL && kilobytes == 0 && fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "Rss: %lu", &kilobytes);
	if (f != NULL)
		fclose(f);
	return (struct memory){ heap.uordblks + heap.hblkhd, (uint64_t)kilobytes * 1024 };
}

static void
check_tables(const struct run *run, uint32_t flow_buckets, uint32_t source_buckets)
{
	const struct table *flows = &r.worker->pipeline.env.flows->table;
	const struct table *sources = &r.worker->pipeline.env.sources->table;

	CU_ASSERT_EQUAL(flows->buckets, flow_buckets);
	CU_ASSERT_EQUAL(sources->buckets, source_buckets);
	CU_ASSERT_EQUAL(flows->used[TABLE_EARNED], customers);
	/* The flood did arrive in the table, and took its quarter and no more. */
	CU_ASSERT(flows->used[TABLE_UNEARNED] > flow_buckets);
	CU_ASSERT(flows->used[TABLE_UNEARNED] <= 2 * (uint64_t)flow_buckets);
	/* ... and the defence was up. */
	CU_ASSERT(run->stopped > run->sent * 8 / 10);
}

static void
customers_pass_and_memory_stays_while_the_flood_rages(void)
{
	struct run run = { 0 };
	uint64_t owed = 0, due = 0;
	struct memory before, after;
	uint32_t flow_buckets, source_buckets;

	open_all();
	connect_all();
	flow_buckets = r.worker->pipeline.env.flows->table.buckets;
	source_buckets = r.worker->pipeline.env.sources->table.buckets;
	storm(&run, 2);
	engine_tick(&r.engine, r.now_ns);
	before = memory_now();
	for (uint64_t ms = 0; ms < SECONDS * 1000; ms++) {
		r.now_ns += MS;
		due += customers;
		for (owed += A_MS / scale; owed >= 62; owed -= 62) {
			storm(&run, due >= 2 * SPEAK_MS ? 2 : 0);
			due -= due >= 2 * SPEAK_MS ? 2 * SPEAK_MS : 0;
		}
		if (ms % 10 == 0)
			engine_tick(&r.engine, r.now_ns);
	}
	after = memory_now();
	CU_ASSERT(run.sent > SECONDS * 1000 * (A_MS / scale) * 99 / 100);
	CU_ASSERT(run.turn > customers * SECONDS * 1000 / SPEAK_MS * 99 / 100);
	CU_ASSERT_EQUAL(run.suffered, 0);
	check_tables(&run, flow_buckets, source_buckets);
	CU_ASSERT_EQUAL(after.heap, before.heap);
#if !IS_ADDRESS_SANITIZED /* whose own memory grows with what is touched */
	/* Counters of control may touch a page for the first time; 64 bytes a burst are 6 MB. */
	CU_ASSERT(before.resident > 0 && after.resident <= before.resident + 256 * 1024);
#endif
	for (uint64_t n = 0; n < customers; n++) {
		uint64_t lanes = 0;

		rig_start(&r, SIDE_EXTERNAL);
		add_customer(n, &lanes);
		CU_ASSERT_EQUAL(suffering(rig_judge(&r), lanes), 0);
	}
	rig_close(&r);
}

SUITE_MAIN("flood", TEST(customers_pass_and_memory_stays_while_the_flood_rages))
