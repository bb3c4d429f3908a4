/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "base/counter.h"
#include "clock.h"
#include "counters.h"
#include "flow/flow.h"
#include "io/capture.h"
#include "io/eal.h"
#include "packet/vector.h"
#include "prime.h"
#include "stamp.h"

#define CAPTURE_FRAMES 4096
#define PIECE_TURNS    64
#define PATIENCE       20

/* Of all flows, so many must be proven with a place of their own; a hash leaves a few out. */
#define EARNED_SHARE 0.999

/* What went by in pieces of a run that nobody interrupted. */
struct piece {
	uint64_t ticks, stamp_ticks, packets;
};

uint64_t
rig_now(const struct rig *r)
{
	return r->offset_ns +
	       (uint64_t)((double)(rte_rdtsc() - r->start_tsc) * r->ns_per_tick);
}

static int
open_engine(struct rig *r, const struct rig_plan *plan)
{
	struct settings *settings = scenario_settings(plan->scenario, plan->is_ipv6);
	struct conf_errors errors = { 0 };
	int rc;

	if (settings == NULL)
		return -EINVAL;
	rc = engine_open(&r->engine, settings, 1, &(uint64_t){ 1 }, &errors);
	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	return rc;
}

uint64_t
rig_memory(const struct scenario *s)
{
	struct settings *settings = scenario_settings(s, false);
	uint64_t bytes = 0;

	if (settings != NULL) {
		struct pipeline_sizes sizes = engine_sizes(settings);

		bytes = pipeline_memory(&sizes);
		settings_free(settings);
	}
	return bytes;
}

/* Frames as a file for the pcap device, whole: their tails are zeros. */
static int
write_capture(struct rig *r, const char *path)
{
	static uint8_t bytes[10240];
	struct capture_writer *w;
	char why[CAPTURE_WHY];
	int rc;

	r->keeps_capture = path != NULL;
	if (path != NULL)
		snprintf(r->capture, sizeof(r->capture), "%s", path);
	else
		snprintf(r->capture, sizeof(r->capture), "/tmp/tidegate-bench-%d.pcap",
		         (int)getpid());
	rc = capture_create(r->capture, &w, why);
	if (rc < 0) {
		fprintf(stderr, "benchmark: %s\n", why);
		return rc;
	}
	for (uint64_t i = 0; i < CAPTURE_FRAMES; i++) {
		uint16_t len = traffic_frame(&r->traffic, i, bytes);
		const struct capture_frame frame = {
			.bytes = bytes, .len = len, .wire_len = len, .time_ns = i
		};

		capture_put(w, 0, &frame, NULL);
	}
	return capture_finish(w);
}

static int
open_wire(struct rig *r, const struct rig_plan *of)
{
	char outside[320] = "net_null0,copy=0", why[IO_WHY];
	struct io_plan plan = { .n_links = 1,
		                .workers = 1,
		                .io_stage = stage_count,
		                .link = {
					{ "bench", { outside, "net_null1,copy=0" } } } };
	const bool is_pcap = of->scenario->is_pcap;
	int rc = is_pcap ? write_capture(r, of->capture) : 0;

	if (is_pcap)
		snprintf(outside, sizeof(outside), "net_pcap0,rx_pcap=%s,infinite_rx=1",
		         r->capture);
	if (rc < 0)
		return rc;
	rc = wire_open(&r->wire, &plan, why);
	if (rc == 0)
		rc = wire_queue(&r->wire, 0, 0, SIDE_EXTERNAL,
		                r->engine.box.worker[0].books[0], &r->queue);
	if (rc < 0) {
		fprintf(stderr, "benchmark: %s\n", why);
		return rc;
	}
	return is_pcap ? 0 : stamp_open(r);
}

static int
check_flows(const struct rig *r, const struct rig_plan *plan)
{
	uint64_t earned =
		r->engine.worker[0].pipeline.env.flows->table.used[TABLE_EARNED];

	if ((double)earned >= EARNED_SHARE * plan->scenario->flows)
		return 0;
	fprintf(stderr,
	        "benchmark: of %" PRIu32 " connections only %" PRIu64
	        " were proven, so the figure would mean nothing\n",
	        plan->scenario->flows, earned);
	return -EPROTO;
}

static int
open_flows(struct rig *r, const struct rig_plan *plan)
{
	const struct scenario *s = plan->scenario;
	const struct prime prime = { .worker = &r->engine.worker[0],
		                     .policies = engine_policies(&r->engine),
		                     .is_ipv6 = plan->is_ipv6,
		                     .flows = s->flows,
		                     .now_ns = &r->offset_ns };

	switch (s->opening) {
	case OPENING_CHALLENGED:
		return prime_challenge(&prime);
	case OPENING_SPLICED:
		r->ack = calloc(s->flows, sizeof(*r->ack));
		if (r->ack == NULL)
			return -ENOMEM;
		r->traffic.ack = r->ack;
		return prime_spliced(&prime, r->ack);
	case OPENING_PLAIN:
	default:
		prime_flows(&prime);
		return 0;
	}
}

/* The scenario's only service is number 1. */
static const struct watch_cell *
established(const struct rig *r)
{
	return watch_cell(&r->engine.worker[0].pipeline.watch, 1, VECTOR_TCP_OTHER_FLOOD);
}

int
rig_open(struct rig *r, const struct rig_plan *plan)
{
	const struct scenario *s = plan->scenario;
	int rc;

	memset(r, 0, sizeof(*r));
	r->scenario = s;
	r->instructions = -1;
	r->ns_per_tick = 1e9 / (double)rte_get_tsc_hz();
	scenario_traffic(s, plan->is_ipv6, &r->traffic);
	rc = open_engine(r, plan);
	if (rc == 0)
		rc = open_wire(r, plan);
	if (rc < 0)
		return rc;
	r->offset_ns = 1000000;
	rc = open_flows(r, plan);
	if (rc == 0)
		rc = check_flows(r, plan);
	if (s->flows > 0) {
		r->primed = established(r)->packets;
		r->primed_stopped = established(r)->dropped_packets;
	}
	r->start_tsc = rte_rdtsc();
	return rc;
}

void
rig_close(struct rig *r)
{
	if (r->capture[0] != '\0' && !r->keeps_capture)
		unlink(r->capture);
	free(r->ack);
	wire_queue_close(&r->queue);
	wire_close(&r->wire);
	engine_close(&r->engine);
}

/* One turn as the daemon's worker has it, its own books of how busy it is among it. */
static void
turn(struct rig *r, struct worker *w)
{
	const struct policies *policies = engine_policies(&r->engine);
	struct burst *b = &w->burst;
	uint64_t now = rig_now(r), end;

	if (io_receive(&r->queue, b, now)) {
		worker_judge(w, policies, b);
		io_settle(&r->queue, b);
		if (worker_is_delay_due(w, now))
			worker_note_delay(w, now, rig_now(r));
		worker_account(w, b);
		counter_add(&w->shown->bursts, 1);
		counter_add(&w->shown->busy_turns, 1);
	}
	worker_upkeep(w, policies, now);
	engine_quiescent(&r->engine, 0);

	end = rte_rdtsc();
	counter_add(&w->shown->turns, 1);
	counter_add(&w->shown->busy_cycles, end - r->turn_tsc);
	counter_set(&w->shown->last_turn_ns, now);
	r->turn_tsc = end;
}

/* Whether the kernel took the core away from this thread since it was last asked. */
static bool
is_interrupted(struct rig *r)
{
	struct rusage use = { 0 };
	long before = r->switches;

	getrusage(RUSAGE_THREAD, &use);
	r->switches = use.ru_nivcsw + use.ru_nvcsw;
	return r->switches != before;
}

/*
 * A piece of a run: half a millisecond or so. What the neighbours on a shared
 * machine take is left out with the pieces they interrupt.
 */
static void
poll_piece(struct rig *r, struct piece *sum)
{
	const struct books *books = &r->engine.box.worker[0].books[0][SIDE_EXTERNAL];
	uint64_t packets = books->received_packets, stamp = r->stamp_ticks;
	uint64_t start = rte_rdtsc(), ticks;

	for (int i = 0; i < PIECE_TURNS; i++)
		turn(r, &r->engine.worker[0]);
	ticks = rte_rdtsc() - start;
	if (is_interrupted(r))
		return;
	sum->ticks += ticks;
	sum->stamp_ticks += r->stamp_ticks - stamp;
	sum->packets += books->received_packets - packets;
}

static struct piece
poll_for(struct rig *r, unsigned int ms)
{
	uint64_t length = rte_get_tsc_hz() / 1000 * ms, start = rte_rdtsc();
	struct piece sum = { 0 };

	is_interrupted(r);
	/* A machine so busy that no piece is whole makes the run longer, but not for ever. */
	while (rte_rdtsc() - start < length ||
	       (sum.packets == 0 && rte_rdtsc() - start < PATIENCE * length))
		poll_piece(r, &sum);
	return sum;
}

void
rig_run(struct rig *r, unsigned int ms, struct rig_result *result)
{
	const struct books *books = &r->engine.box.worker[0].books[0][SIDE_EXTERNAL];
	double before = clock_ratio(), ratio;
	uint64_t packets = books->received_packets, forwarded = books->forwarded_packets;
	uint64_t replied = books->replied_packets;
	uint64_t instructions = r->instructions < 0 ? 0 : counters_read(r->instructions);
	uint64_t start = rte_rdtsc();
	struct piece whole = poll_for(r, ms);

	if (r->instructions >= 0)
		instructions = counters_read(r->instructions) - instructions;
	packets = books->received_packets - packets;
	ratio = (before + clock_ratio()) / 2;
	*result = (struct rig_result){
		.packets = packets,
		.forwarded = books->forwarded_packets - forwarded,
		.replied = books->replied_packets - replied,
		.seconds = (double)(rte_rdtsc() - start) * r->ns_per_tick / 1e9,
		.cycles_per_packet = (double)(whole.ticks - whole.stamp_ticks) * ratio /
		                     (double)whole.packets,
		.stamp_cycles = (double)whole.stamp_ticks * ratio / (double)whole.packets,
		.instructions = (double)instructions / (double)packets,
		.ghz = clock_ghz(ratio, rte_get_tsc_hz()),
		.all_pps = (double)whole.packets /
		           ((double)whole.ticks * r->ns_per_tick / 1e9),
		.whole = (double)whole.packets / (double)packets,
	};
}

/* Half a millisecond at most, as long as what leaves has room in the piece. */
static void
poll_paced_piece(struct rig *r, uint64_t most)
{
	struct latency *l = &r->latency;
	uint64_t start = rte_rdtsc(), now;

	do {
		turn(r, &r->engine.worker[0]);
		now = rte_rdtsc();
	} while (now - start < most && l->in_piece + LANES_MAX <= LATENCY_PIECE);
	if (is_interrupted(r)) {
		r->interruptions++;
		latency_forget(l);
		return;
	}
	latency_keep(l);
	latency_stand_still(l, rte_rdtsc() - now);
}

double
rig_run_paced(struct rig *r, unsigned int ms, double pps)
{
	const uint64_t length = rte_get_tsc_hz() / 1000 * ms, start = rte_rdtsc();
	struct latency *l = &r->latency;

	is_interrupted(r);
	latency_start(l, pps);
	while (rte_rdtsc() - start < length ||
	       (l->seen == 0 && rte_rdtsc() - start < PATIENCE * length))
		poll_paced_piece(r, rte_get_tsc_hz() / 2000);
	latency_stop(l);
	return (double)l->missed / (double)(l->seen + l->missed + 1);
}

double
rig_kept(const struct rig *r)
{
	const struct watch_cell *c;
	uint64_t packets;

	if (r->scenario->flows == 0)
		return 1;
	c = established(r);
	packets = c->packets - r->primed;
	if (packets == 0)
		return 1;
	return 1 - (double)(c->dropped_packets - r->primed_stopped) / (double)packets;
}
