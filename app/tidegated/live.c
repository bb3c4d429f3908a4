/* SPDX-License-Identifier: BSD-3-Clause */
#include "live.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "base/counter.h"
#include "base/log.h"

/*
 * Back-off of an idle worker. A sleep of 50 us fills at most 1,024 descriptors
 * at 14 million packets/s with room left, and it is never taken while packets
 * come: only after this many empty turns in a row.
 */
#define IDLE_PAUSE 512
#define IDLE_SLEEP 4096
#define SLEEP_NS   50000

/*
 * A stopping worker goes on until nothing came for a while, because the kernel
 * may still be carrying what was sent before; under a flood it ends all the same.
 */
#define DRAIN_NS       UINT64_C(300000000)
#define DRAIN_QUIET_NS UINT64_C(30000000)
#define DRAIN_RING_NS  UINT64_C(500000000)

static uint64_t clock_base, clock_scale; /* ns per cycle in 2^-32 */

void
live_clock_start(void)
{
	clock_scale = (UINT64_C(1000000000) << 32) / rte_get_tsc_hz();
	clock_base = rte_rdtsc();
}

uint64_t
live_clock(void)
{
	uint64_t cycles = rte_rdtsc() - clock_base;

	return (uint64_t)(((unsigned __int128)cycles * clock_scale) >> 32);
}

static bool
is_stopping(const struct live *l)
{
	return __atomic_load_n(&l->is_stopping, __ATOMIC_RELAXED);
}

void
live_stop(struct live *l)
{
	__atomic_store_n(&l->is_stopping, true, __ATOMIC_RELAXED);
}

static void
sleep_a_little(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = SLEEP_NS }, NULL);
}

/* In bypass nothing is classified, so only the reasons of io are counted, for the whole box. */
static void
account_bypassed(struct worker *w, const struct burst *b)
{
	for (unsigned int i = 0; i < b->count; i++)
		if (b->verdict[i] == VERDICT_DROP)
			counter_add(&w->pipeline.books.decided[b->stage[i]][b->reason[i]],
			            1);
}

/* One burst from wire to wire. Returns whether there was one. */
static bool
carry(struct live *l, struct worker *w, struct io_queue *q,
      const struct policies *policies)
{
	struct burst *b = &w->burst;

	if (!io_receive(q, b, live_clock()))
		return false;
	if (box_is_bypassed(&l->engine.box)) {
		io_settle(q, b);
		account_bypassed(w, b);
	} else {
		worker_judge(w, policies, b);
		io_settle(q, b);
		worker_account(w, b);
	}
	counter_add(&w->shown->bursts, 1);
	return true;
}

static bool
turn(struct live *l, struct worker *w)
{
	unsigned int n = l->wire.n_links * 2;
	struct io_queue *mine = &l->queue[w->id * n];
	const struct policies *policies = engine_policies(&l->engine);
	bool is_busy = false;

	for (unsigned int i = 0; i < n; i++)
		is_busy |= carry(l, w, &mine[i], policies);
	worker_upkeep(w, policies, w->burst.now_ns);
	engine_quiescent(&l->engine, w->id);
	return is_busy;
}

static void
idle(struct live *l, struct worker *w, unsigned int empty_turns)
{
	bool is_alone = w->id != 0 || !l->shares_core;

	if (empty_turns < IDLE_PAUSE && is_alone)
		return;
	if (empty_turns < IDLE_SLEEP && is_alone) {
		rte_pause();
		return;
	}
	engine_offline(&l->engine, w->id);
	sleep_a_little();
	engine_online(&l->engine, w->id);
}

/* Two readings of the counter a turn tell how busy the core is. */
static void
count_turn(struct box_worker *shown, bool is_busy, uint64_t cycles, uint64_t now_ns)
{
	counter_add(&shown->turns, 1);
	counter_add(&shown->busy_turns, is_busy);
	counter_add(is_busy ? &shown->busy_cycles : &shown->idle_cycles, cycles);
	counter_set(&shown->last_turn_ns, now_ns);
}

/* Whether a stopping worker has received what there was to receive. */
static bool
has_drained(uint64_t stopped_ns, uint64_t last_busy_ns, uint64_t now_ns)
{
	uint64_t since = last_busy_ns > stopped_ns ? last_busy_ns : stopped_ns;

	return now_ns >= since + DRAIN_QUIET_NS || now_ns >= stopped_ns + DRAIN_NS;
}

int
live_worker(void *live)
{
	struct live *l = live;
	struct worker *w = &l->engine.worker[rte_lcore_id() - 1];
	uint64_t before = rte_rdtsc(), stopped = 0, last_busy = 0;
	unsigned int empty = 0;

	/* Or the kernel adds 50 us to each sleep. */
	prctl(PR_SET_TIMERSLACK, 1000);
	w->shown->lcore = (int)rte_lcore_id();
	engine_online(&l->engine, w->id);
	for (;;) {
		bool is_busy = turn(l, w);
		uint64_t now = rte_rdtsc(), now_ns = w->burst.now_ns;

		count_turn(w->shown, is_busy, now - before, now_ns);
		before = now;
		empty = is_busy ? 0 : empty + 1;
		if (is_busy)
			last_busy = now_ns;
		if (is_stopping(l)) {
			stopped = stopped == 0 ? now_ns : stopped;
			if (has_drained(stopped, last_busy, now_ns))
				break;
		}
		if (empty > 0)
			idle(l, w, empty);
	}
	engine_offline(&l->engine, w->id);
	return 0;
}

static bool
any_worker_runs(const struct live *l)
{
	for (unsigned int id = 1; id <= l->engine.n_workers; id++)
		if (rte_eal_get_lcore_state(id) == RUNNING)
			return true;
	return false;
}

static void
control_turn(struct live *l, uint64_t *next_tick, unsigned int *empty)
{
	const unsigned int id = l->engine.n_workers;
	unsigned int moved = l->wire.control_transmits ? io_forward(&l->wire) : 0;
	uint64_t now = live_clock();

	if (now >= *next_tick) {
		engine_tick(&l->engine, now);
		*next_tick = now + DETECT_TICK_NS;
	}
	engine_quiescent(&l->engine, id);
	*empty = moved > 0 ? 0 : *empty + 1;
	/* Packets come in trains: it stays awake for a while after each. */
	if (l->wire.control_transmits && *empty < IDLE_SLEEP) {
		rte_pause();
		return;
	}
	engine_offline(&l->engine, id);
	if (l->wire.control_transmits)
		sleep_a_little(); /* The rings hold more than comes in that time. */
	else
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	engine_online(&l->engine, id);
}

void
live_control(struct live *l)
{
	uint64_t next_tick = 0;
	unsigned int empty = 0, lost;

	prctl(PR_SET_TIMERSLACK, 1000);
	engine_online(&l->engine, l->engine.n_workers);
	rte_eal_mp_remote_launch(live_worker, l, SKIP_MAIN);
	while (!is_stopping(l) || any_worker_runs(l))
		control_turn(l, &next_tick, &empty);
	rte_eal_mp_wait_lcore();
	engine_offline(&l->engine, l->engine.n_workers);
	lost = io_drain(&l->wire, DRAIN_RING_NS);
	if (lost > 0)
		log_warning(
			"%u packets could not be sent before the end and were dropped",
			lost);
}

int
live_open(struct live *l)
{
	unsigned int n_links = l->wire.n_links;
	struct io_queue *q;

	l->queue = calloc((size_t)l->engine.n_workers * n_links * 2, sizeof(*l->queue));
	if (l->queue == NULL)
		return -ENOMEM;
	q = l->queue;
	for (unsigned int w = 0; w < l->engine.n_workers; w++)
		for (unsigned int link = 0; link < n_links; link++)
			for (unsigned int side = 0; side < 2; side++) {
				struct books *books = l->engine.box.worker[w].books[link];

				if (wire_queue(&l->wire, w, link, (enum side)side, books,
				               q++) != 0)
					return -ENOMEM;
			}
	return 0;
}

void
live_close(struct live *l)
{
	size_t n = (size_t)l->engine.n_workers * l->wire.n_links * 2;

	for (size_t i = 0; l->queue != NULL && i < n; i++)
		wire_queue_close(&l->queue[i]);
	free(l->queue);
	l->queue = NULL;
}
