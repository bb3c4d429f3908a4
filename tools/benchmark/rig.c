/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "clock.h"
#include "counters.h"
#include "flow/flow.h"
#include "io/capture.h"
#include "io/eal.h"
#include "packet/vector.h"
#include "prime.h"
#include "stamp.h"

#define CAPTURE_FRAMES 4096

/* Of all flows, so many must be proven with a place of their own; a hash leaves a few out. */
#define EARNED_SHARE 0.999

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
	prime_flows(&r->engine.worker[0], engine_policies(&r->engine), plan->is_ipv6,
	            s->flows, &r->offset_ns);
	rc = check_flows(r, plan);
	r->start_tsc = rte_rdtsc();
	return rc;
}

void
rig_close(struct rig *r)
{
	if (r->capture[0] != '\0' && !r->keeps_capture)
		unlink(r->capture);
	wire_queue_close(&r->queue);
	wire_close(&r->wire);
	engine_close(&r->engine);
}

/* One burst: the daemon's own journey. */
static void
turn(struct rig *r, struct worker *w)
{
	const struct policies *policies = engine_policies(&r->engine);
	struct burst *b = &w->burst;
	uint64_t now = rig_now(r);

	if (io_receive(&r->queue, b, now)) {
		worker_judge(w, policies, b);
		io_settle(&r->queue, b);
		worker_account(w, b);
	}
	worker_upkeep(w, policies, now);
	engine_quiescent(&r->engine, 0);
}

/* Turns for so many ms; returns ticks that went by. */
static uint64_t
poll_for(struct rig *r, unsigned int ms)
{
	uint64_t length = rte_get_tsc_hz() / 1000 * ms, start = rte_rdtsc(), ticks;

	do {
		for (int i = 0; i < 64; i++)
			turn(r, &r->engine.worker[0]);
		ticks = rte_rdtsc() - start;
	} while (ticks < length);
	return ticks;
}

/* CPU time of this thread: what neighbours on a shared machine take does not count. */
static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

void
rig_run(struct rig *r, unsigned int ms, struct rig_result *result)
{
	const struct books *books = &r->engine.box.worker[0].books[0][SIDE_EXTERNAL];
	double before = clock_ratio(), ratio, ours;
	uint64_t packets = books->received_packets, forwarded = books->forwarded_packets;
	uint64_t instructions = r->instructions < 0 ? 0 : counters_read(r->instructions);
	uint64_t ticks, cpu = cpu_ns();

	r->stamp_ticks = 0;
	ticks = poll_for(r, ms);

	/* Of the ticks that went by, and of those in the callback, the share that was ours. */
	ours = (double)(cpu_ns() - cpu) / r->ns_per_tick / (double)ticks;
	if (ours > 1)
		ours = 1;
	if (r->instructions >= 0)
		instructions = counters_read(r->instructions) - instructions;
	packets = books->received_packets - packets;
	ratio = (before + clock_ratio()) / 2;
	*result = (struct rig_result){
		.packets = packets,
		.seconds = (double)ticks * r->ns_per_tick / 1e9,
		.forwarded = books->forwarded_packets - forwarded,
		.cycles_per_packet =
			(double)(ticks - r->stamp_ticks) * ours * ratio / (double)packets,
		.stamp_cycles = (double)r->stamp_ticks * ours * ratio / (double)packets,
		.instructions = (double)instructions / (double)packets,
		.ghz = clock_ghz(ratio, rte_get_tsc_hz()),
		.all_pps =
			(double)packets / ((double)ticks * ours * r->ns_per_tick / 1e9),
	};
}

double
rig_run_paced(struct rig *r, unsigned int ms, double pps)
{
	latency_start(&r->latency, pps);
	poll_for(r, ms);
	latency_stop(&r->latency);
	return (double)r->latency.missed / (double)r->latency.due;
}

double
rig_kept(const struct rig *r)
{
	const struct watch *watch = &r->engine.worker[0].pipeline.watch;
	const struct watch_cell *c;

	if (r->scenario->flows == 0)
		return 1;
	/* The scenario's only service is number 1. */
	c = watch_cell(watch, 1, VECTOR_TCP_OTHER_FLOOD);
	if (c->packets == 0)
		return 1;
	return 1 - (double)c->dropped_packets / (double)c->packets;
}
