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
#include "io/patience.h"
#include "packet/parse.h"

/*
 * Back-off of an idle worker: it polls on, then pauses between polls, then sleeps
 * as long as its rings allow (io/patience.h). Never while packets come: a turn
 * takes 50 ns at least, so only after 0.2 ms and more without one.
 */
#define IDLE_PAUSE 512
#define IDLE_SLEEP 4096

/* Who shares a core must let the other run, whatever the rings say. */
#define SLEEP_SHARED_NS UINT64_C(50000)

/*
 * A stopping worker goes on until nothing came for a while, because the kernel
 * may still be carrying what was sent before; under a flood it ends all the same.
 */
#define DRAIN_NS       UINT64_C(300000000)
#define DRAIN_QUIET_NS UINT64_C(30000000)
#define DRAIN_RING_NS  UINT64_C(500000000)

static uint64_t clock_base, clock_scale; /* ns per cycle in 2^-32 */
static uint64_t stall_cycles;            /* BOX_STALL_NS */

void
live_clock_start(void)
{
	clock_scale = (UINT64_C(1000000000) << 32) / rte_get_tsc_hz();
	stall_cycles = rte_get_tsc_hz() / (UINT64_C(1000000000) / BOX_STALL_NS);
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
sleep_for(uint64_t ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = (long)ns }, NULL);
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

/* Judge and settle what the worker has in hand, already parsed. */
static void
judge(struct worker *w, struct io_queue *q, const struct policies *policies)
{
	struct burst *b = &w->burst;

	if (b->count == 0)
		return;
	worker_decide(w, policies, b);
	io_settle(q, b);
	if (worker_is_delay_due(w, b->now_ns))
		worker_note_delay(w, b->now_ns, live_clock());
	worker_account(w, b);
	counter_add(&w->shown->bursts, 1);
}

/*
 * In bypass nothing is judged. Connections that were spliced before still need their
 * translation, at the worker that knows it.
 */
static bool
has_splices(const struct live *l, uint64_t now_ns)
{
	for (unsigned int i = 0; i < l->engine.n_workers; i++)
		if (worker_has_splices(&l->engine.worker[i], now_ns))
			return true;
	return false;
}

static void
pass_by(struct live *l, struct worker *w, struct io_queue *q, bool is_taken)
{
	struct burst *b = &w->burst;

	worker_overlook(w, b->now_ns);
	if (has_splices(l, b->now_ns)) {
		parse_burst(b);
		if (!is_taken && handoff_is_on(&l->wire.handoff))
			handoff_give(&l->wire.handoff, q, b);
		worker_carry(w, b);
	}
	if (b->count == 0)
		return;
	io_settle(q, b);
	account_bypassed(w, b);
	counter_add(&w->shown->bursts, 1);
}

/* One burst from wire to wire, or to the workers it belongs to. Returns whether there was one. */
static bool
carry(struct live *l, struct worker *w, struct io_queue *q,
      const struct policies *policies)
{
	struct burst *b = &w->burst;

	if (!io_receive(q, b, live_clock()))
		return false;
	if (box_is_bypassed(&l->engine.box)) {
		pass_by(l, w, q, false);
		return true;
	}
	parse_burst(b);
	if (handoff_is_on(&l->wire.handoff))
		handoff_give(&l->wire.handoff, q, b);
	judge(w, q, policies);
	return true;
}

/* The same with what other workers received. */
static bool
carry_taken(struct live *l, struct worker *w, struct io_queue *q,
            const struct policies *policies)
{
	struct burst *b = &w->burst;

	if (!handoff_has(&l->wire.handoff, q))
		return false;
	handoff_take(&l->wire.handoff, q, b, live_clock());
	if (box_is_bypassed(&l->engine.box)) {
		pass_by(l, w, q, true);
		return true;
	}
	parse_burst(b);
	judge(w, q, policies);
	return true;
}

/* How one worker's life goes; on its own stack. */
struct life {
	struct live *live;
	struct worker *w;
	bool is_receiving; /* until it is asked to end and its ports are quiet */
	uint64_t stopped_ns, last_busy_ns;
};

static void
collect(struct live *l, struct worker *w)
{
	uint64_t waiting = handoff_collect(&l->wire.handoff, w->id);

	counter_set(&w->shown->waiting, waiting);
	if (waiting > counter_read(&w->shown->waiting_most))
		counter_set(&w->shown->waiting_most, waiting);
}

/* Timers of what stages have begun, whether packets come or not. */
static void
wait_on(struct live *l, struct worker *w, struct io_queue *mine)
{
	struct burst *b = &w->burst;

	for (unsigned int link = 0; link < l->wire.n_links; link++) {
		burst_start(b, live_clock(), (uint8_t)link, SIDE_EXTERNAL);
		worker_carry(w, b);
		if (b->requests > 0)
			io_settle(&mine[2 * link], b);
	}
}

static bool
turn(struct life *life)
{
	struct live *l = life->live;
	struct worker *w = life->w;
	unsigned int n = l->wire.n_links * 2;
	struct io_queue *mine = &l->queue[w->id * n];
	const struct policies *policies = engine_policies(&l->engine);
	bool is_handing = handoff_is_on(&l->wire.handoff), is_busy = false;

	if (is_handing) {
		/* Who receives from no port reads the clock here. */
		w->burst.now_ns = live_clock();
		collect(l, w);
	}
	for (unsigned int i = 0; i < n; i++) {
		if (life->is_receiving && mine[i].receives)
			is_busy |= carry(l, w, &mine[i], policies);
		if (is_handing)
			is_busy |= carry_taken(l, w, &mine[i], policies);
	}
	if (worker_is_waiting(w))
		wait_on(l, w, mine);
	worker_upkeep(w, policies, w->burst.now_ns);
	engine_quiescent(&l->engine, w->id);
	return is_busy;
}

static void
idle(struct live *l, struct worker *w, unsigned int empty_turns)
{
	bool is_alone = w->id != 0 || !l->shares_core;
	uint64_t sleep_ns = l->sleep_ns;

	if (is_alone && (empty_turns < IDLE_SLEEP || sleep_ns == 0)) {
		if (empty_turns >= IDLE_PAUSE)
			rte_pause();
		return;
	}
	engine_offline(&l->engine, w->id);
	sleep_for(sleep_ns == 0 ? SLEEP_SHARED_NS : sleep_ns);
	engine_online(&l->engine, w->id);
}

/* Two readings of the counter a turn tell how busy the core is. */
static void
count_turn(struct box_worker *shown, bool is_busy, uint64_t cycles, uint64_t now_ns)
{
	counter_add(&shown->turns, 1);
	counter_add(&shown->busy_turns, is_busy);
	counter_add(is_busy ? &shown->busy_cycles : &shown->idle_cycles, cycles);
	if (cycles >= stall_cycles) {
		counter_add(&shown->stalls, 1);
		counter_add(&shown->stalled_cycles, cycles);
	}
	counter_set(&shown->last_turn_ns, now_ns);
}

/* Whether a stopping worker has received what there was to receive. */
static bool
has_drained(uint64_t stopped_ns, uint64_t last_busy_ns, uint64_t now_ns)
{
	uint64_t since = last_busy_ns > stopped_ns ? last_busy_ns : stopped_ns;

	return now_ns >= since + DRAIN_QUIET_NS || now_ns >= stopped_ns + DRAIN_NS;
}

/*
 * The end comes in two steps: no more from the ports, and then no more from the
 * others. Whoever stopped receiving hands nothing over any more, so a pipe that
 * is found empty after all of them did stays empty.
 */
static bool
is_over(struct life *life, bool is_busy)
{
	struct live *l = life->live;
	uint64_t now_ns = life->w->burst.now_ns;

	if (life->stopped_ns == 0)
		life->stopped_ns = now_ns;
	if (life->is_receiving) {
		if (!has_drained(life->stopped_ns, life->last_busy_ns, now_ns))
			return false;
		life->is_receiving = false;
		__atomic_fetch_sub(&l->receiving, 1, __ATOMIC_ACQ_REL);
	}
	if (!handoff_is_on(&l->wire.handoff))
		return true;
	return !is_busy && __atomic_load_n(&l->receiving, __ATOMIC_ACQUIRE) == 0 &&
	       handoff_depth(&l->wire.handoff, life->w->id) == 0;
}

int
live_worker(void *live)
{
	struct live *l = live;
	struct worker *w = &l->engine.worker[rte_lcore_id() - 1];
	struct life life = { .live = l, .w = w, .is_receiving = true };
	uint64_t before = rte_rdtsc();
	unsigned int empty = 0;

	/* Or the kernel adds 50 us to each sleep. */
	prctl(PR_SET_TIMERSLACK, 1000);
	__atomic_store_n(&w->shown->lcore, (int)rte_lcore_id(), __ATOMIC_RELAXED);
	engine_online(&l->engine, w->id);
	for (;;) {
		bool is_busy = turn(&life);
		uint64_t now = rte_rdtsc();

		count_turn(w->shown, is_busy, now - before, w->burst.now_ns);
		before = now;
		empty = is_busy ? 0 : empty + 1;
		if (is_busy)
			life.last_busy_ns = w->burst.now_ns;
		if (is_stopping(l) && is_over(&life, is_busy))
			break;
		if (empty > 0)
			idle(l, w, empty);
	}
	engine_offline(&l->engine, w->id);
	/* Whoever sees it may take away all that this worker has used. */
	__atomic_fetch_sub(&l->working, 1, __ATOMIC_RELEASE);
	return 0;
}

static bool
any_worker_runs(const struct live *l)
{
	return __atomic_load_n(&l->working, __ATOMIC_ACQUIRE) > 0;
}

/* The wall clock may be set while we run; cookies follow it. */
static void
tell_wall_clock(struct live *l, uint64_t now_ns)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	__atomic_store_n(&l->engine.common.wall_ns,
	                 (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec -
	                         now_ns,
	                 __ATOMIC_RELAXED);
}

static void
control_turn(struct live *l, uint64_t *next_tick, unsigned int *empty)
{
	const unsigned int id = l->engine.n_workers;
	unsigned int moved = l->wire.control_transmits ? io_forward(&l->wire) : 0;
	uint64_t now = live_clock();

	if (now >= *next_tick) {
		tell_wall_clock(l, now);
		engine_tick(&l->engine, now);
		*next_tick = now + DETECT_TICK_NS;
	}
	counter_add(&l->control_turns, 1);
	engine_quiescent(&l->engine, id);
	*empty = moved > 0 ? 0 : *empty + 1;
	/* Packets come in trains: it stays awake for a while after each. */
	if (l->wire.control_transmits && (*empty < IDLE_SLEEP || l->sleep_ns == 0)) {
		rte_pause();
		return;
	}
	engine_offline(&l->engine, id);
	/* Its rings were counted when sleep_ns was chosen. */
	sleep_for(l->wire.control_transmits ? l->sleep_ns : 1000000);
	engine_online(&l->engine, id);
}

void
live_control(struct live *l)
{
	uint64_t next_tick = 0;
	unsigned int empty = 0, lost;

	prctl(PR_SET_TIMERSLACK, 1000);
	engine_online(&l->engine, l->engine.n_workers);
	tell_wall_clock(l, live_clock());
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
	l->working = l->receiving = l->engine.n_workers;
	l->sleep_ns = patience_of_wire(&l->wire);
	if (l->sleep_ns == 0)
		log_info("idle workers poll on: their rings are full sooner than a sleep "
		         "ends");
	else
		log_info("idle workers sleep %u us at a time, half of what their rings "
		         "allow or less",
		         (unsigned int)(l->sleep_ns / 1000));
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
