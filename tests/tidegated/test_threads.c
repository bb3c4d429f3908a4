/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two workers judge a flood and hand packets to each other, while control ticks,
 * telemetry reads everything, and modes and blocks change: five threads, and no
 * state that two of them write.
 *
 * Built with -Db_sanitize=thread (tools/test does) ThreadSanitizer is the judge;
 * without it the program still proves that customers stay verified in the middle
 * of it all. With TIDEGATE_TEST_SHARED=1 both workers get one flow table, which
 * the sanitizer must not let pass: the proof that this test can fail.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "flood_rig.h"
#include "io/pipe.h"
#include "telemetry/telemetry.h"

#define WORKERS   2
#define ROUNDS    400
#define CUSTOMERS 20 /* in each burst */
#define ROOM      256
#define INSIDE    (UINT64_C(1) << 63) /* of a word: it came from inside */
#define PROOF     (UINT64_C(1) << 62) /* the customer's last step */

static const char text[] =
	"version = 1;\n"
	"dataplane = { flow_entries = \"32k\"; source_entries = \"16k\"; };\n"
	"links = ( { name = \"a\"; external = \"x0\"; internal = \"x1\"; } );\n"
	"lists = ( { name = \"bad\"; action = \"deny\"; prefixes = [ \"65.0.0.0/12\" ]; "
	"} );\n"
	"policies = ( { name = \"shop\"; mode = \"mitigate\";\n"
	"  flows = { }; sources = { packets = \"500pps\"; block_after = \"100ms\"; };\n"
	"  vectors = (\n"
	"  { vector = \"tcp_syn_flood\"; activate_rate = \"1kpps\"; max_rate = "
	"\"1kpps\"; },\n"
	"  { vector = \"udp_flood\"; activate_rate = \"1kpps\"; max_rate = \"1kpps\"; } "
	"); } );\n"
	"services = ( { name = \"shop\"; policy = \"shop\";\n"
	"  prefixes = [ \"203.0.113.10/32\", \"2001:db8:a::10/128\" ]; } );\n";

static struct engine e;
static struct telemetry *telemetry;
static struct pipe *pipe_to[WORKERS];
static uint64_t began_ns;
static unsigned int working = WORKERS; /* __atomic */

/* What a thread did, for the test to judge when it ended. */
struct player {
	unsigned int id;
	struct frame frame[LANES_MAX];
	uintptr_t word[LANES_MAX];
	uint64_t judged, taken, verified, proofs, forged;
};

static struct player player[WORKERS];

static uint64_t
clock_of_test(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec - began_ns + SECOND;
}

static bool
is_over(void)
{
	return __atomic_load_n(&working, __ATOMIC_ACQUIRE) == 0;
}

static unsigned int
owner_of(uintptr_t word)
{
	return (unsigned int)(rig_mixed(word & 0xffffffff) % WORKERS);
}

/* A word says which packet it stands for, as an mbuf would hold it. */
static void
make_frame(struct frame *f, uintptr_t word)
{
	const enum side side = (word & INSIDE) != 0 ? SIDE_INTERNAL : SIDE_EXTERNAL;
	const uint64_t who = word & 0x1ffffffff;
	struct packet p;

	if (who >= FORGER)
		p = rig_segment(side, rig_mixed(who) | FORGER, TCP_SYN, who % 2);
	else if ((word & PROOF) != 0)
		p = rig_segment(side, who, TCP_ACK, who % 2);
	else
		p = rig_segment(side, who,
		                side == SIDE_EXTERNAL ? TCP_SYN : TCP_SYN | TCP_ACK,
		                who % 2);
	if (who >= FORGER && who % 4 == 3)
		p.proto = PROTO_UDP;
	rig_frame(f, &p);
}

static void
judge(struct player *me, unsigned int n, enum side side)
{
	struct worker *w = &e.worker[me->id];
	struct burst *b = &w->burst;
	const struct policies *policies = engine_policies(&e);

	burst_start(b, clock_of_test(), 0, side);
	for (unsigned int i = 0; i < n; i++) {
		make_frame(&me->frame[i], me->word[i]);
		b->bytes[i] = me->frame[i].bytes;
		b->bytes_len[i] = me->frame[i].len;
		b->frame_len[i] = me->frame[i].len;
	}
	b->count = (uint16_t)n;
	b->live = lanes_first(n);
	worker_judge(w, policies, b);
	worker_account(w, b);
	for (unsigned int i = 0; i < n; i++)
		if ((me->word[i] & PROOF) != 0) {
			me->proofs++;
			me->verified += b->standing[i] == STANDING_VERIFIED_FLOW;
		}
	me->judged += n;
}

/* What others handed over, in runs of one side. */
static void
take(struct player *me)
{
	struct pipe *p = pipe_to[me->id];
	unsigned int waiting = pipe_waiting(p), n = 0;
	uintptr_t inside;

	if (waiting == 0)
		return;
	inside = pipe_at(p, 0) & INSIDE;
	while (n < waiting && n < LANES_MAX && (pipe_at(p, n) & INSIDE) == inside) {
		me->word[n] = pipe_at(p, n);
		n++;
	}
	pipe_pass(p, n);
	me->taken += n;
	judge(me, n, inside != 0 ? SIDE_INTERNAL : SIDE_EXTERNAL);
}

/* Judge what is one's own of `all`, hand over the rest; wait while the other is behind. */
static void
receive(struct player *me, const uintptr_t *all, unsigned int n, enum side side)
{
	uintptr_t others[LANES_MAX];
	unsigned int mine = 0, given = 0, other = 0;

	for (unsigned int i = 0; i < n; i++)
		if (owner_of(all[i]) != me->id)
			others[other++] = all[i];
	while (given < other) {
		given += pipe_put(pipe_to[!me->id], others + given, other - given);
		if (given < other) {
			take(me);
			sched_yield();
		}
	}
	for (unsigned int i = 0; i < n; i++)
		if (owner_of(all[i]) == me->id)
			me->word[mine++] = all[i];
	judge(me, mine, side);
}

/* Customers connect, in three bursts, among forgers who do not. */
static void
play_round(struct player *me, uint64_t round)
{
	const uint64_t first = 1 + (round * WORKERS + me->id) * CUSTOMERS;
	static const uintptr_t step[] = { 0, INSIDE, PROOF };
	uintptr_t all[LANES_MAX];

	for (unsigned int k = 0; k < 3; k++) {
		unsigned int n = 0;

		for (; n < CUSTOMERS; n++)
			all[n] = (first + n) | step[k];
		while (k != 1 && n < LANES_MAX)
			all[n++] = FORGER | (me->forged++ * WORKERS + me->id);
		receive(me, all, n, k == 1 ? SIDE_INTERNAL : SIDE_EXTERNAL);
	}
	take(me);
	worker_upkeep(&e.worker[me->id], engine_policies(&e), clock_of_test());
	engine_quiescent(&e, me->id);
}

static void *
work(void *arg)
{
	struct player *me = arg;

	engine_online(&e, me->id);
	for (uint64_t round = 0; round < ROUNDS; round++)
		play_round(me, round);
	__atomic_fetch_sub(&working, 1, __ATOMIC_ACQ_REL);
	/* Who is done first still takes what the other hands over, and answers. */
	while (!is_over() || pipe_depth(pipe_to[me->id]) > 0) {
		take(me);
		worker_upkeep(&e.worker[me->id], engine_policies(&e), clock_of_test());
		engine_quiescent(&e, me->id);
		sched_yield();
	}
	engine_offline(&e, me->id);
	return NULL;
}

static void *
control(void *ticks)
{
	const struct timespec period = { .tv_nsec = 10000000 };

	while (!is_over()) {
		engine_online(&e, WORKERS);
		engine_tick(&e, clock_of_test());
		++*(unsigned int *)ticks;
		engine_offline(&e, WORKERS);
		nanosleep(&period, NULL);
	}
	return NULL;
}

static void *
read_all(void *documents)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	struct telemetry_ask ask;
	struct notice notice;

	telemetry_ask_init(&ask);
	memcpy(ask.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x42\0\0\1", 16);
	ask.has_address = true;
	while (!is_over()) {
		json_t *d[] = { telemetry_status(telemetry, &ask),
			        telemetry_workers(telemetry, &ask),
			        telemetry_services(telemetry, &ask),
			        telemetry_top(telemetry, &ask),
			        telemetry_attacks(telemetry, &ask),
			        telemetry_reasons(telemetry, &ask),
			        telemetry_explain(telemetry, &ask) };
		char *metrics = telemetry_metrics(telemetry);

		for (size_t i = 0; i < sizeof(d) / sizeof(*d); i++) {
			*(unsigned int *)documents += d[i] != NULL;
			json_decref(d[i]);
		}
		*(unsigned int *)documents += metrics != NULL;
		free(metrics);
		telemetry_beat(telemetry);
		while (engine_next_notice(&e, &notice))
			continue;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* Each change is a snapshot of its own, put in force while the workers judge by the last. */
static void *
change(void *changes)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct policy_block block = { .is_allow = false };

	memcpy(block.prefix.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x51\1\0\0", 16);
	block.prefix.len = 112;
	while (!is_over()) {
		struct box *box = &e.box;
		unsigned int *n = changes;

		*n += box->block_add(box->daemon, &block) == 0;
		nanosleep(&pause, NULL);
		*n += box->set_mode(box->daemon, 1, POLICY_MONITOR, 0) == 0;
		*n += box->set_mode(box->daemon, 1, -1, 0) == 0;
		*n += box->block_del(box->daemon, &block.prefix, false) == 0;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void
open_all(void)
{
	struct conf_errors errors = { 0 };
	const uint64_t seed = 7;
	struct settings *s = NULL;
	int rc = settings_read_text(text, strlen(text), "threads.conf", &s, &errors);

	began_ns = 0;
	began_ns = clock_of_test() - SECOND;
	if (rc == 0)
		rc = engine_open(&e, s, WORKERS, &seed, &errors);
	conf_errors_print(&errors, stderr);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	conf_errors_free(&errors);
	e.clock = clock_of_test;
	e.box.n_links = 1;
	telemetry = telemetry_open(&e.box);
	CU_ASSERT_PTR_NOT_NULL_FATAL(telemetry);
	for (unsigned int w = 0; w < WORKERS; w++) {
		player[w].id = w;
		pipe_to[w] = pipe_new(ROOM);
		CU_ASSERT_PTR_NOT_NULL_FATAL(pipe_to[w]);
	}
}

/* The stage that owns the flow table, for the worker who is to have somebody else's. */
static void **
flows_of(unsigned int worker)
{
	for (unsigned int s = 0; s < stage_count; s++)
		if (strcmp(stage_list[s]->name, "flows") == 0)
			return &e.worker[worker].pipeline.state[s];
	abort();
}

static void
workers_share_nothing(void)
{
	static void *(*const part[])(void *) = { control, read_all, change };
	unsigned int count[3] = { 0 };
	pthread_t thread[WORKERS + 3];
	void *own;

	open_all();
	own = *flows_of(1);
	if (getenv("TIDEGATE_TEST_SHARED") != NULL)
		*flows_of(1) = *flows_of(0);
	for (unsigned int i = 0; i < WORKERS + 3; i++)
		CU_ASSERT_EQUAL_FATAL(
			i < WORKERS ? pthread_create(&thread[i], NULL, work, &player[i])
				    : pthread_create(&thread[i], NULL, part[i - WORKERS],
		                                     &count[i - WORKERS]),
			0);
	for (unsigned int i = 0; i < WORKERS + 3; i++)
		pthread_join(thread[i], NULL);
	*flows_of(1) = own;

	CU_ASSERT_EQUAL(player[0].judged + player[1].judged,
	                WORKERS * ROUNDS * (2 * LANES_MAX + CUSTOMERS));
	CU_ASSERT_EQUAL(player[0].proofs + player[1].proofs,
	                WORKERS * ROUNDS * CUSTOMERS);
	printf("%u ticks, %u documents, %u changes; %lu of %lu customers verified\n",
	       count[0], count[1], count[2], player[0].verified + player[1].verified,
	       player[0].proofs + player[1].proofs);
	for (unsigned int w = 0; w < WORKERS; w++) {
		CU_ASSERT(player[w].taken > ROUNDS * CUSTOMERS);
		/* A handshake may wait in the pipe until the flood took its place, but few do. */
		CU_ASSERT(player[w].verified > player[w].proofs * 9 / 10);
	}
	CU_ASSERT(count[0] >= 1 && count[1] >= 1 && count[2] >= 1);
	telemetry_close(telemetry);
	for (unsigned int w = 0; w < WORKERS; w++)
		pipe_free(pipe_to[w]);
	engine_close(&e);
}

SUITE_MAIN("threads", TEST(workers_share_nothing))
