/* SPDX-License-Identifier: BSD-3-Clause */
/* The sketch against a twin that counts every packet of every address exactly. */
#include "sketch/talkers.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/lanes.h"
#include "packet/burst.h"
#include "suite.h"

#define ADDRESSES 20000

struct exact {
	uint64_t packets, bytes;
};

static struct exact exact[ADDRESSES];
static uint64_t rng;

static double
uniform(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (double)(rng >> 11) / 9007199254740992.0;
}

static void
address_of(unsigned int i, uint8_t out[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(out, prefix, 12);
	out[12] = 10;
	out[13] = (uint8_t)(i >> 16);
	out[14] = (uint8_t)(i >> 8);
	out[15] = (uint8_t)i;
}

static unsigned int
index_of(const uint8_t address[16])
{
	return (unsigned int)address[13] << 16 | (unsigned int)address[14] << 8 |
	       address[15];
}

static void
send(struct talkers *t, unsigned int src, unsigned int dst, uint32_t bytes)
{
	uint8_t s[16], d[16];

	address_of(src, s);
	address_of(dst, d);
	talkers_add(t, s, d, bytes);
	exact[src].packets++;
	exact[src].bytes += bytes;
}

static void
start(struct talkers *t, uint64_t seed)
{
	struct hash_key key;

	rng = seed * 7919 + 1;
	memset(exact, 0, sizeof(exact));
	hash_key_seeded(&key, seed);
	CU_ASSERT_EQUAL_FATAL(talkers_open(t, &key), 0);
}

/* Five standard errors of sampling: what one run in two million would miss by chance. */
static double
tolerance(uint64_t packets)
{
	return 5 * sqrt(TALKERS_SAMPLE * (double)(packets + TALKERS_SAMPLE));
}

/* Zipf-like: address i comes with weight 1 / (i + 1). */
static void
the_loudest_of_a_skewed_stream_are_found_with_their_counts(void)
{
	struct talkers t;
	struct talker top[64];
	uint64_t length;
	size_t n;

	start(&t, 1);
	for (unsigned int i = 0; i < 2000000; i++) {
		unsigned int src = (unsigned int)(exp(uniform() * log(ADDRESSES)) - 1);

		send(&t, src, src & 3, 100 + src % 7);
	}
	talkers_turn(&t, TALKERS_EPOCH_NS);
	n = talkers_read(&t, TALKERS_SOURCES, false, top, 64, &length);
	CU_ASSERT_EQUAL_FATAL(n, 64);
	CU_ASSERT_EQUAL(length, TALKERS_EPOCH_NS);
	for (size_t i = 0; i < n; i++) {
		const struct exact *e = &exact[index_of(top[i].address)];
		double off = (double)top[i].packets - (double)e->packets;

		CU_ASSERT(off > -tolerance(e->packets));
		CU_ASSERT(off < (double)top[i].error + tolerance(e->packets));
		CU_ASSERT(i == 0 || top[i].packets <= top[i - 1].packets);
	}
	/* Each of the 16 loudest is at least 1 % of the stream; none may be missing. */
	for (unsigned int want = 0; want < 16; want++) {
		bool found = false;

		for (size_t i = 0; i < n; i++)
			found |= index_of(top[i].address) == want;
		CU_ASSERT(found);
	}
	talkers_close(&t);
}

/* Nobody stands out: errors are large then, and say so. */
static void
a_uniform_flood_is_not_blamed_on_anybody(void)
{
	struct talkers t;
	struct talker top[256];
	uint64_t length;
	size_t n;

	start(&t, 2);
	for (unsigned int i = 0; i < 1000000; i++)
		send(&t, (unsigned int)(uniform() * ADDRESSES), 1, 60);
	talkers_turn(&t, TALKERS_EPOCH_NS);
	n = talkers_read(&t, TALKERS_SOURCES, false, top, 256, &length);
	CU_ASSERT_EQUAL_FATAL(n, 256);
	for (size_t i = 0; i < n; i++) {
		uint64_t truth = exact[index_of(top[i].address)].packets;
		double sure = (double)top[i].packets - (double)top[i].error;

		CU_ASSERT(sure < (double)truth + tolerance(truth));
		CU_ASSERT((double)top[i].packets > (double)truth - tolerance(truth));
	}
	n = talkers_read(&t, TALKERS_DESTINATIONS, false, top, 256, &length);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT(fabs((double)top[0].packets - 1000000) < tolerance(1000000));
	CU_ASSERT_EQUAL(top[0].error, 0);
	talkers_close(&t);
}

/*
 * Forty sources of half a percent each, in a flood of a million packets from as many
 * sources: over many keys none of the forty is washed out, and what is told of any
 * source by the estimate is never below the truth, and above it by as little as said.
 */
static void
a_random_flood_does_not_wash_the_loud_ones_out(void)
{
	unsigned int found = 0;
	double excess = 0;

	for (unsigned int seed = 1; seed <= 20; seed++) {
		struct talkers t;
		struct talker top[64];
		uint64_t length;
		size_t n;

		start(&t, 100 + seed);
		for (unsigned int i = 0; i < 1000000; i++) {
			bool is_loud = i % 5 == 0;
			uint8_t s[16], d[16];

			if (is_loud) {
				send(&t, (unsigned int)(uniform() * 40), 1, 60);
				continue;
			}
			address_of(100000 + i, s);
			address_of(1, d);
			talkers_add(&t, s, d, 60);
		}
		talkers_turn(&t, TALKERS_EPOCH_NS);
		n = talkers_read(&t, TALKERS_SOURCES, false, top, 64, &length);
		for (size_t i = 0; i < n; i++) {
			unsigned int src = index_of(top[i].address);

			if (src >= 40)
				continue;
			found++;
			CU_ASSERT((double)top[i].packets >
			          (double)exact[src].packets -
			                  tolerance(exact[src].packets));
			CU_ASSERT((double)(top[i].packets - top[i].error) <
			          (double)exact[src].packets +
			                  tolerance(exact[src].packets));
		}
		for (unsigned int i = 0; i < 2000; i++) {
			struct talkers_estimate e;
			uint8_t s[16];

			address_of(2000000 + i, s); /* never came */
			e = talkers_estimate(&t, s);
			CU_ASSERT_EQUAL(e.length_ns, TALKERS_EPOCH_NS);
			excess += (double)e.packets / (double)e.error / 2000 / 20;
		}
	}
	CU_ASSERT_EQUAL(found, 20 * 40);
	CU_ASSERT(excess <= 1.1);
}

/* One sender of big packets, one of many small ones. */
static void
bytes_and_packets_are_two_orders(void)
{
	struct talkers t;
	struct talker top[2];
	uint64_t length;

	start(&t, 3);
	for (unsigned int i = 0; i < 100000; i++)
		send(&t, i % 10 == 0 ? 7 : 8, 1, i % 10 == 0 ? 1500 : 60);
	talkers_turn(&t, TALKERS_EPOCH_NS);
	CU_ASSERT_EQUAL(talkers_read(&t, TALKERS_SOURCES, false, top, 2, &length), 2);
	CU_ASSERT_EQUAL(index_of(top[0].address), 8);
	CU_ASSERT_EQUAL(talkers_read(&t, TALKERS_SOURCES, true, top, 1, &length), 1);
	CU_ASSERT_EQUAL(index_of(top[0].address), 7);
	CU_ASSERT(fabs((double)top[0].bytes - (double)exact[7].bytes) <
	          1500 * tolerance(exact[7].packets));
	talkers_close(&t);
}

/* Eight senders in turn would fool a sampler that takes every eighth packet. */
static void
senders_in_step_are_all_seen(void)
{
	struct talkers t;
	struct talker top[16];
	uint64_t length;
	size_t n;

	start(&t, 4);
	for (unsigned int i = 0; i < 80000; i++)
		send(&t, i % 8, 1, 60);
	talkers_turn(&t, TALKERS_EPOCH_NS);
	n = talkers_read(&t, TALKERS_SOURCES, false, top, 16, &length);
	CU_ASSERT_EQUAL(n, 8);
	for (size_t i = 0; i < n; i++)
		CU_ASSERT(fabs((double)top[i].packets - 10000) < tolerance(10000));
	talkers_close(&t);
}

static void
each_epoch_starts_from_nothing(void)
{
	struct talkers t;
	struct talker top[8];
	uint64_t length;

	start(&t, 5);
	CU_ASSERT_EQUAL(talkers_read(&t, TALKERS_SOURCES, false, top, 8, &length), 0);
	CU_ASSERT_EQUAL(length, 0);
	for (unsigned int epoch = 1; epoch <= 5; epoch++) {
		for (unsigned int i = 0; i < 4000; i++)
			send(&t, epoch, 1, 60);
		talkers_turn(&t, epoch * TALKERS_EPOCH_NS - 1);
		CU_ASSERT_EQUAL(t.turn, epoch - 1);
		talkers_turn(&t, epoch * TALKERS_EPOCH_NS);
		CU_ASSERT_EQUAL(talkers_read(&t, TALKERS_SOURCES, false, top, 8, &length),
		                1);
		CU_ASSERT_EQUAL(index_of(top[0].address), epoch);
		CU_ASSERT(fabs((double)top[0].packets - 4000) < tolerance(4000));
		CU_ASSERT_EQUAL(length, TALKERS_EPOCH_NS);
	}
	talkers_turn(&t, 6 * TALKERS_EPOCH_NS);
	CU_ASSERT_EQUAL(talkers_read(&t, TALKERS_SOURCES, false, top, 8, &length), 0);
	talkers_close(&t);
}

struct reader {
	const struct talkers *t;
	unsigned int torn, read;
	bool stop;
};

/* In epoch e every source sends packets of e bytes, so a mix of two shows. */
static void *
read_on(void *arg)
{
	struct reader *r = arg;
	struct talker top[32];
	uint64_t length;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		size_t n = talkers_read(r->t, TALKERS_SOURCES, false, top, 32, &length);

		for (size_t i = 0; i < n; i++)
			r->torn += top[i].bytes * top[0].packets !=
			           top[0].bytes * top[i].packets;
		r->read += n > 0;
	}
	return NULL;
}

static void
a_reader_never_sees_two_epochs_mixed(void)
{
	struct talkers t;
	struct reader r = { .t = &t };
	pthread_t thread;

	start(&t, 6);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, read_on, &r), 0);
	for (unsigned int epoch = 1; epoch <= 600; epoch++) {
		for (unsigned int i = 0; i < 1000; i++)
			send(&t, i % 20, 1, epoch);
		talkers_turn(&t, epoch * TALKERS_EPOCH_NS);
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(r.torn, 0);
	talkers_close(&t);
}

/*
 * Full bursts are sampled more seldom than others, and both together still say who sent
 * how much: the same senders come in bursts of 64 and in bursts of 9, some lanes dead.
 */
static void
full_bursts_and_others_are_weighed_alike(void)
{
	static struct burst b;
	struct talkers_estimate e;
	struct talkers t;
	uint8_t address[16];

	start(&t, 5);
	for (unsigned int n = 0; n < 40000; n++) {
		burst_start(&b, 1, 0, SIDE_EXTERNAL);
		b.count = n % 2 == 0 ? LANES_MAX : 9;
		b.live = lanes_first(b.count) & ~UINT64_C(0x10);
		for (unsigned int i = 0; i < b.count; i++) {
			const unsigned int src = (unsigned int)(uniform() * 8);

			b.facts[i].flags = FACT_IP;
			b.facts[i].frame_len = 100;
			address_of(src, b.facts[i].src);
			address_of(9, b.facts[i].dst);
			exact[src].packets += i != 4;
		}
		talkers_see(&t, &b);
	}
	talkers_turn(&t, TALKERS_EPOCH_NS);
	for (unsigned int src = 0; src < 8; src++) {
		const double truth = (double)exact[src].packets;

		address_of(src, address);
		e = talkers_estimate(&t, address);
		CU_ASSERT(fabs((double)e.packets - truth) <
		          5 * sqrt(TALKERS_SAMPLE_FULL * truth));
	}
	/* Nine packets in ten came in full bursts, and a quarter as many of them counted. */
	CU_ASSERT(talkers_one_in(&t) > 80 && talkers_one_in(&t) < TALKERS_SAMPLE_FULL);
	talkers_close(&t);
}

SUITE_MAIN("sketch/talkers",
           TEST(the_loudest_of_a_skewed_stream_are_found_with_their_counts),
           TEST(a_uniform_flood_is_not_blamed_on_anybody),
           TEST(a_random_flood_does_not_wash_the_loud_ones_out),
           TEST(bytes_and_packets_are_two_orders), TEST(senders_in_step_are_all_seen),
           TEST(each_epoch_starts_from_nothing),
           TEST(a_reader_never_sees_two_epochs_mixed),
           TEST(full_bursts_and_others_are_weighed_alike))
