/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "clock.h"
#include "flow/flow.h"
#include "io/capture.h"
#include "io/eal.h"
#include "io/look.h"

static uint64_t
now_ns(const struct rig *r)
{
	return r->offset_ns +
	       (uint64_t)((double)(rte_rdtsc() - r->start_tsc) * r->ns_per_tick);
}

static uint16_t
stamp(uint16_t port, uint16_t queue, struct rte_mbuf *pkts[], uint16_t n, uint16_t most,
      void *argument)
{
	struct rig *r = argument;
	const size_t mask = r->traffic.frames - 1;
	const size_t bytes = r->traffic.is_ipv6 ? FRAME_HEAD : 64;
	uint64_t start = rte_rdtsc();

	(void)port;
	(void)queue;
	(void)most;
	for (uint16_t i = 0; i < n; i++) {
		size_t k = r->next++ & mask;
		uint8_t *to = rte_pktmbuf_mtod(pkts[i], uint8_t *);

		__builtin_prefetch(&r->traffic.frame[(k + 16) & mask]);
		memcpy(to, r->traffic.frame[k].head, bytes);
		pkts[i]->data_len = r->traffic.len[k];
		pkts[i]->pkt_len = r->traffic.len[k];
		if (r->is_cold) {
			_mm_clflushopt(to);
			_mm_clflushopt(to + 64);
		}
	}
	if (r->is_cold)
		_mm_sfence();
	r->stamp_ticks += rte_rdtsc() - start;
	return n;
}

static int
open_engine(struct rig *r, const struct scenario *s)
{
	struct conf_errors errors = { 0 };
	struct settings *settings = NULL;
	char *text = s->configure(s);
	int rc = -ENOMEM;

	if (text != NULL)
		rc = settings_read_text(text, strlen(text), s->name, &settings, &errors);
	if (rc == 0)
		rc = engine_open(&r->engine, settings, 1, &(uint64_t){ 1 }, &errors);
	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	free(text);
	return rc;
}

/* The frames as a file for the pcap device, whole: their tails are zeros. */
static int
write_capture(struct rig *r, const char *path)
{
	static uint8_t bytes[2048];
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
	for (size_t i = 0; i < r->traffic.frames; i++) {
		const struct capture_frame frame = { .bytes = bytes,
			                             .len = r->traffic.len[i],
			                             .wire_len = r->traffic.len[i],
			                             .time_ns = i };

		memcpy(bytes, r->traffic.frame[i].head, FRAME_HEAD);
		capture_put(w, 0, &frame, NULL);
	}
	return capture_finish(w);
}

static int
open_wire(struct rig *r, const struct rig_plan *of)
{
	const bool is_pcap = of->scenario->is_pcap;
	char outside[320] = "net_null0,copy=0", why[IO_WHY];
	struct io_plan plan = { .n_links = 1,
		                .workers = 1,
		                .io_stage = stage_count,
		                .link = {
					{ "bench", { outside, "net_null1,copy=0" } } } };
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
	if (!is_pcap && rte_eth_add_rx_callback(r->queue.rx_port, 0, stamp, r) == NULL) {
		fputs("benchmark: this DPDK was built without receive callbacks\n",
		      stderr);
		return -ENOTSUP;
	}
	return 0;
}

int
rig_open(struct rig *r, const struct rig_plan *plan)
{
	const struct scenario *s = plan->scenario;
	int rc;

	memset(r, 0, sizeof(*r));
	r->is_cold = plan->is_cold;
	rc = scenario_traffic(s, plan->is_ipv6, &r->traffic);
	if (rc == 0)
		rc = open_engine(r, s);
	if (rc == 0)
		rc = open_wire(r, plan);
	if (rc < 0)
		return rc;
	r->offset_ns = 1000000;
	scenario_prime(s, plan->is_ipv6, &r->engine.worker[0],
	               engine_policies(&r->engine), &r->offset_ns);
	if (r->engine.worker[0].pipeline.env.flows->table.used[TABLE_EARNED] !=
	    s->flows) {
		fputs("benchmark: not every connection was proven, so the figure would "
		      "mean "
		      "nothing\n",
		      stderr);
		return -EPROTO;
	}
	r->ns_per_tick = 1e9 / (double)rte_get_tsc_hz();
	r->start_tsc = rte_rdtsc();
	return 0;
}

void
rig_close(struct rig *r)
{
	if (r->capture[0] != '\0' && !r->keeps_capture)
		unlink(r->capture);
	wire_queue_close(&r->queue);
	wire_close(&r->wire);
	engine_close(&r->engine);
	scenario_release(&r->traffic);
}

/* One burst: the daemon's own journey. */
static void
turn(struct rig *r, struct worker *w)
{
	const struct policies *policies = engine_policies(&r->engine);
	struct burst *b = &w->burst;
	uint64_t now = now_ns(r);

	if (io_receive(&r->queue, b, now)) {
		worker_judge(w, policies, b);
		io_settle(&r->queue, b);
		worker_account(w, b);
	}
	worker_upkeep(w, policies, now);
	engine_quiescent(&r->engine, 0);
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
	struct worker *w = &r->engine.worker[0];
	double before = clock_ratio(), ratio;
	uint64_t packets = books->received_packets, forwarded = books->forwarded_packets;
	uint64_t length = rte_get_tsc_hz() / 1000 * ms, start, ticks, cpu = cpu_ns();
	double ours;

	r->stamp_ticks = 0;
	start = rte_rdtsc();
	do {
		for (int i = 0; i < 64; i++)
			turn(r, w);
		ticks = rte_rdtsc() - start;
	} while (ticks < length);

	/* Of the ticks that went by, and of those in the callback, the share that was ours. */
	ours = (double)(cpu_ns() - cpu) / r->ns_per_tick / (double)ticks;
	if (ours > 1)
		ours = 1;
	packets = books->received_packets - packets;
	ratio = (before + clock_ratio()) / 2;
	*result = (struct rig_result){
		.packets = packets,
		.forwarded = books->forwarded_packets - forwarded,
		.cycles_per_packet =
			(double)(ticks - r->stamp_ticks) * ours * ratio / (double)packets,
		.stamp_cycles = (double)r->stamp_ticks * ours * ratio / (double)packets,
		.ghz = clock_ghz(ratio, rte_get_tsc_hz()),
	};
}
