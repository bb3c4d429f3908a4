/* SPDX-License-Identifier: BSD-3-Clause */
/* How busy the box is: the same figures in documents and metrics, from counters by hand. */
#include "telemetry/own.h"

#include "base/counter.h"
#include "event/events.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "suite.h"
#include "telemetry/by_hand.h"

static struct box *box;
static struct telemetry *t;
static struct telemetry_ask ask;

static void
begin(void)
{
	box = hand_open();
	t = telemetry_open(box);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	telemetry_ask_init(&ask);
}

static void
end(void)
{
	telemetry_close(t);
	hand_close(box);
}

/* A second in which worker 0 judges 3,000 packets of its own and takes over 1,000. */
static void
busy_second(void)
{
	struct box_worker *w = &box->worker[0];
	struct books *b = &w->books[0][0];

	b->received_packets += 3500;
	b->handed_packets += 500;
	b->taken_packets += 1000;
	b->forwarded_packets += 4000;
	w->books[0][1].sent_packets += 4000;
	w->turns += 400;
	w->busy_turns += 100;
	w->bursts += 160;
	w->busy_cycles += 600000;
	w->idle_cycles += 1800000;
	hand.now_ns += 1500000000;
}

static double
real(const json_t *d, const char *list, const char *key)
{
	const json_t *o = json_array_get(json_object_get(d, list), 0);

	return json_number_value(json_object_get(o, key));
}

static void
check_load(const json_t *d, const char *list)
{
	CU_ASSERT_DOUBLE_EQUAL(real(d, list, "busy_ratio"), 0.25, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(real(d, list, "cycles_per_packet"), 150, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(real(d, list, "packets_per_burst"), 25, 1e-9);
}

static void
documents_tell_the_load_of_the_last_second(void)
{
	json_t *d;

	begin();
	/* What was before the window counts no more. */
	box->worker[0].busy_cycles = 1000000000;
	box->worker[0].bursts = 1;
	hand.now_ns += 2000000000;
	telemetry_beat(t);
	busy_second();
	d = telemetry_workers(t, &ask);
	check_load(d, "workers");
	CU_ASSERT_DOUBLE_EQUAL(real(d, "workers", "busy_turns_ratio"), 0.25, 1e-9);
	json_decref(d);
	d = telemetry_status(t, &ask);
	check_load(d, "load");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "load")), 2);
	json_decref(d);
	end();
}

/* An idle worker has no cycles a packet and no fill; neither may become "not a number". */
static void
a_worker_without_packets_has_zeros(void)
{
	json_t *d;

	begin();
	hand.now_ns += 2000000000;
	d = telemetry_status(t, &ask);
	CU_ASSERT_EQUAL(real(d, "load", "busy_ratio"), 0);
	CU_ASSERT_EQUAL(real(d, "load", "cycles_per_packet"), 0);
	CU_ASSERT_EQUAL(real(d, "load", "packets_per_burst"), 0);
	json_decref(d);
	end();
}

/* A burst that came between the two readings. */
static void
no_burst_is_fuller_than_full(void)
{
	json_t *d;

	begin();
	busy_second();
	box->worker[0].bursts = 60;
	d = telemetry_status(t, &ask);
	CU_ASSERT_EQUAL(real(d, "load", "packets_per_burst"), 64);
	json_decref(d);
	end();
}

/* Whether the metrics have that very line. */
static bool
has(const char *line)
{
	char *text = telemetry_metrics(t);
	bool found;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	found = strstr(text, line) != NULL;
	free(text);
	return found;
}

static void
metrics_tell_the_same(void)
{
	static const char *const lines[] = {
		"tidegate_worker_received_packets_total{worker=\"0\"} 3500\n",
		"tidegate_worker_bursts_total{worker=\"0\"} 160\n",
		"tidegate_worker_busy_cycles_total{worker=\"0\"} 600000\n",
		"tidegate_worker_idle_cycles_total{worker=\"0\"} 1800000\n",
		"tidegate_worker_busy_ratio{worker=\"0\"} 0.25\n",
		"tidegate_worker_cycles_per_packet{worker=\"0\"} 150\n",
		"tidegate_worker_packets_per_burst{worker=\"0\"} 25\n",
		"tidegate_worker_cycles_per_packet{worker=\"1\"} 0\n",
	};

	begin();
	busy_second();
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		CU_ASSERT_TRUE(has(lines[i]));
	end();
}

static void
metrics_tell_how_full_the_tables_are(void)
{
	static struct flow_table flows;
	static struct source_table sources;
	uint8_t key[TABLE_KEY] = { 0 };
	struct hash_key secret;

	begin();
	/* A box by hand has no tables, and then there is nothing to tell. */
	CU_ASSERT_FALSE(has("tidegate_flow_table_entries{"));
	hash_key_seeded(&secret, 1);
	CU_ASSERT_EQUAL_FATAL(flow_table_open(&flows, 64, &secret), 0);
	CU_ASSERT_EQUAL_FATAL(source_table_open(&sources, 128, &secret), 0);
	box->worker[1].pipeline->env.flows = &flows;
	box->worker[1].pipeline->env.sources = &sources;
	for (uint8_t n = 0; n < 80; n++) {
		key[0] = n;
		table_insert(&flows.table, hash_48(&secret, key), key, TABLE_EARNED, 1);
	}
	table_insert(&sources.table, hash_48(&secret, key), key, TABLE_UNEARNED, 1);
	CU_ASSERT_TRUE(has("tidegate_flow_table_capacity_entries{worker=\"1\"} 64\n"));
	CU_ASSERT_TRUE(
		has("tidegate_flow_table_entries{worker=\"1\",class=\"unearned\"} 0\n"));
	CU_ASSERT_EQUAL(flows.table.refused + flows.table.used[TABLE_EARNED], 80);
	CU_ASSERT(flows.table.refused >= 16);
	CU_ASSERT_FALSE(
		has("tidegate_flow_table_insert_failures_total{worker=\"1\"} 0\n"));
	CU_ASSERT_FALSE(
		has("tidegate_flow_table_entries{worker=\"1\",class=\"earned\"} 0\n"));
	CU_ASSERT_TRUE(has("tidegate_source_table_capacity_entries{worker=\"1\"} 128\n"));
	CU_ASSERT_TRUE(has(
		"tidegate_source_table_entries{worker=\"1\",class=\"unearned\"} 1\n"));
	CU_ASSERT_TRUE(
		has("tidegate_source_table_insert_failures_total{worker=\"1\"} 0\n"));
	CU_ASSERT_FALSE(has("flow_table_entries{worker=\"0\""));
	box->worker[1].pipeline->env.flows = NULL;
	box->worker[1].pipeline->env.sources = NULL;
	flow_table_close(&flows);
	source_table_close(&sources);
	end();
}

static void
requests_are_counted_by_method_and_status(void)
{
	begin();
	telemetry_count_request(t, "GET", 200);
	telemetry_count_request(t, "GET", 200);
	telemetry_count_request(t, "DELETE", 404);
	/* The client chooses this word, and no label may come from him. */
	telemetry_count_request(t, "BREW\"} 9\n", 405);
	telemetry_count_request(t, "GET", 100000);
	CU_ASSERT_TRUE(
		has("tidegate_api_requests_total{method=\"GET\",code=\"200\"} 2\n"));
	CU_ASSERT_TRUE(
		has("tidegate_api_requests_total{method=\"DELETE\",code=\"404\"} 1\n"));
	CU_ASSERT_TRUE(
		has("tidegate_api_requests_total{method=\"other\",code=\"405\"} 1\n"));
	CU_ASSERT_TRUE(has("tidegate_api_requests_total{method=\"GET\",code=\"0\"} 1\n"));
	CU_ASSERT_FALSE(has("BREW"));
	end();
}

/* Of ways that events do not go nothing is told. */
static void
what_events_are_stuck_in_is_told(void)
{
	struct telemetry_sink *hook;

	begin();
	hook = &telemetry_own(t)->sink[TELEMETRY_SINK_WEBHOOK];
	CU_ASSERT_FALSE(has("tidegate_trouble{part=\"webhook\"}"));
	CU_ASSERT_FALSE(has("tidegate_events_written_total{sink=\"webhook\"}"));
	hook->is_on = hook->is_broken = 1;
	hook->written = 8;
	hook->lost = 3;
	hook->waiting = 2;
	CU_ASSERT_TRUE(has("tidegate_trouble{part=\"webhook\"} 1\n"));
	CU_ASSERT_TRUE(has("tidegate_events_written_total{sink=\"webhook\"} 8\n"));
	CU_ASSERT_TRUE(has("tidegate_events_dropped_total{sink=\"webhook\"} 3\n"));
	CU_ASSERT_TRUE(has("tidegate_events_waiting{sink=\"webhook\"} 2\n"));
	hook->is_broken = 0;
	CU_ASSERT_TRUE(has("tidegate_trouble{part=\"webhook\"} 0\n"));
	end();
}

static bool
no_notice(void *arg, struct notice *out)
{
	(void)arg;
	(void)out;
	return false;
}

/* More than the queue holds before the writer comes round: the rest is lost, and told. */
static void
events_that_nobody_will_read_are_counted(void)
{
	struct events *e;

	begin();
	e = events_open(&(struct events_from){
		.telemetry = t,
		.settings =
			&(struct settings_events){
				.file = (char *)(uintptr_t) "/dev/null" },
		.next_notice = no_notice });
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	CU_ASSERT_TRUE(has("tidegate_events_dropped_total{sink=\"file\"} 0\n"));
	for (unsigned int i = 0; i < 300; i++)
		events_tell_audit(e, "alice", "PUT /api/v1/bypass", NULL, 200);
	events_turn(e);
	CU_ASSERT_TRUE(has("tidegate_events_dropped_total{sink=\"file\"} 44\n"));
	/* The next line tells of them, and the counter stays. */
	events_turn(e);
	CU_ASSERT_TRUE(has("tidegate_events_dropped_total{sink=\"file\"} 44\n"));
	events_close(e);
	end();
}

SUITE_MAIN("telemetry/load", TEST(documents_tell_the_load_of_the_last_second),
           TEST(a_worker_without_packets_has_zeros), TEST(no_burst_is_fuller_than_full),
           TEST(metrics_tell_the_same), TEST(metrics_tell_how_full_the_tables_are),
           TEST(requests_are_counted_by_method_and_status),
           TEST(what_events_are_stuck_in_is_told),
           TEST(events_that_nobody_will_read_are_counted))
