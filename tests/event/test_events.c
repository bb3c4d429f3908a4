/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/events.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"
#include "telemetry/by_hand.h"

static struct box *box;
static struct telemetry *t;
static struct events *e;
static char folder[] = "/tmp/tidegate-events-XXXXXX", file[64], moved[64];
static unsigned int notices; /* still to come */

static bool
next_notice(void *arg, struct notice *out)
{
	(void)arg;
	if (notices == 0)
		return false;
	notices--;
	memset(out, 0, sizeof(*out));
	out->time_ns = hand.now_ns;
	out->until_ns = hand.now_ns + 60000000000;
	out->kind = NOTICE_SOURCE_BLOCKED;
	out->prefix_len = 128;
	out->service = 1;
	out->unit = "packets_per_second";
	out->value = 9000;
	out->threshold = 5000;
	out->stage = (uint8_t)stage_count;
	hand_address("192.0.2.66", out->address);
	return true;
}

static void
begin(const char *to)
{
	box = hand_open();
	t = telemetry_open(box);
	e = events_open(&(struct events_from){
		.telemetry = t,
		.settings = &(struct settings_events){ .file = (char *)(uintptr_t)to },
		.next_notice = next_notice });
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	notices = 0;
}

static void
begin_in_folder(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/events.json", folder);
	snprintf(moved, sizeof(moved), "%s/events.json.1", folder);
	begin(file);
}

static void
end(void)
{
	events_close(e);
	telemetry_close(t);
	hand_close(box);
	unlink(file);
	unlink(moved);
	rmdir(folder);
}

/* All lines of a file as an array; each must be one JSON object. */
static json_t *
lines_of(const char *path)
{
	FILE *f = fopen(path, "r");
	json_t *all = json_array();
	char *line = NULL;
	size_t size = 0;

	while (f != NULL && getline(&line, &size, f) > 0) {
		json_t *o = json_loads(line, 0, NULL);

		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		json_array_append_new(all, o);
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return all;
}

/* The n-th event of a type and, for attacks, a status; borrowed. */
static json_t *
find(json_t *all, const char *type, const char *status)
{
	json_t *o;
	size_t i;

	json_array_foreach(all, i, o)
	{
		const char *has = json_string_value(json_object_get(o, "event_type"));
		json_t *inner = json_object_get(o, type);

		if (has != NULL && strcmp(has, type) == 0 &&
		    (status == NULL ||
		     strcmp(json_string_value(json_object_get(inner, "status")),
		            status) == 0))
			return o;
	}
	return NULL;
}

static const char *
text(json_t *o, const char *type, const char *key)
{
	const char *s = json_string_value(json_object_get(json_object_get(o, type), key));

	return s != NULL ? s : "(none)";
}

static void
an_attack_is_told_from_start_to_end(void)
{
	json_t *all, *o;

	begin_in_folder();
	hand_flood(box, 10000, 500);
	events_turn(e);
	hand_flood(box, 0, 3000);
	events_turn(e);
	all = lines_of(file);
	o = find(all, "attack", "start");
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(o, "service")), "shop");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(o, "node")), "gate-1");
	CU_ASSERT_STRING_EQUAL(text(o, "attack", "attack_id"), "a-20261121-0001");
	CU_ASSERT_EQUAL(strncmp(json_string_value(json_object_get(o, "timestamp")),
	                        "2026-11-21T22:30:01.", 20),
	                0);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(json_string_value(json_object_get(o, "timestamp")), "+0000"));
	o = find(all, "attack", "end");
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_STRING_EQUAL(text(o, "attack", "status"), "end");
	json_decref(all);
	end();
}

static void
blocks_audits_and_reloads_are_told(void)
{
	struct conf_errors errors = { 0 };
	json_t *all, *o, *request = json_pack("{s:s}", "mode", "learn");

	begin_in_folder();
	notices = 1;
	events_tell_audit(e, "alice", "PUT /api/v1/mode", request, 200);
	conf_fail(&errors, NULL, "no such thing");
	events_tell_config(e, &errors);
	events_turn(e);
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 3);
	o = find(all, "block", NULL);
	CU_ASSERT_STRING_EQUAL(text(o, "block", "prefix"), "192.0.2.66/32");
	CU_ASSERT_STRING_EQUAL(text(o, "block", "reason"), "io.tx_full");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(o, "src_ip")),
	                       "192.0.2.66");
	o = find(all, "audit", NULL);
	CU_ASSERT_STRING_EQUAL(text(o, "audit", "who"), "alice");
	o = find(all, "config", NULL);
	CU_ASSERT_STRING_EQUAL(text(o, "config", "result"), "refused");
	CU_ASSERT_STRING_EQUAL(text(o, "config", "first_error"), "no such thing");
	json_decref(all);
	json_decref(request);
	conf_errors_free(&errors);
	end();
}

static void
links_and_workers_are_told_when_they_change(void)
{
	json_t *all;

	begin_in_folder();
	events_turn(e);
	hand.is_link_down = true;
	hand.now_ns += 5000000000;
	box->worker[0].last_turn_ns = hand.now_ns;
	events_turn(e);
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 2);
	CU_ASSERT_STRING_EQUAL(text(find(all, "port", "down"), "port", "name"), "veth0");
	CU_ASSERT_PTR_NOT_NULL(find(all, "worker", "stuck"));
	json_decref(all);
	end();
}

static void
too_many_are_suppressed_and_counted_but_an_end_is_written(void)
{
	json_t *all, *last;
	size_t n;

	begin_in_folder();
	hand_flood(box, 10000, 500);
	notices = 5000;
	events_turn(e);
	all = lines_of(file);
	n = json_array_size(all);
	CU_ASSERT(n >= 200 && n <= 210);
	json_decref(all);

	hand.now_ns -= 1; /* not a nanosecond for new tokens */
	events_tell_audit(e, "alice", "PUT /api/v1/bypass", NULL, 200);
	events_turn(e);
	all = lines_of(file);
	last = json_array_get(all, json_array_size(all) - 1);
	CU_ASSERT_STRING_EQUAL(text(last, "audit", "who"), "alice");
	CU_ASSERT(json_integer_value(json_object_get(last, "suppressed")) >= 4790);
	json_decref(all);

	notices = 5000;
	hand_flood(box, 0, 3000);
	events_turn(e);
	all = lines_of(file);
	CU_ASSERT_PTR_NOT_NULL(find(all, "attack", "end"));
	json_decref(all);
	end();
}

static void
a_file_that_was_renamed_is_opened_anew(void)
{
	json_t *all;

	begin_in_folder();
	events_tell_audit(e, "a", "x", NULL, 200);
	events_turn(e);
	CU_ASSERT_EQUAL_FATAL(rename(file, moved), 0);
	hand.now_ns += 1500000000;
	events_turn(e);
	events_tell_audit(e, "b", "x", NULL, 200);
	events_turn(e);
	all = lines_of(moved);
	CU_ASSERT_EQUAL(json_array_size(all), 1);
	json_decref(all);
	all = lines_of(file);
	CU_ASSERT_PTR_NOT_NULL(find(all, "audit", NULL));
	CU_ASSERT_STRING_EQUAL(text(find(all, "audit", NULL), "audit", "who"), "b");
	json_decref(all);
	end();
}

/* Standard error of what follows goes into a file until stop_listening(). */
static int
listen_to_log(char *path)
{
	const int before = dup(STDERR_FILENO);

	if (freopen(path, "w", stderr) == NULL)
		abort();
	return before;
}

static size_t
stop_listening(int before, const char *path, const char *needle)
{
	char *line = NULL;
	size_t size = 0, found = 0;
	FILE *f;

	fflush(stderr);
	dup2(before, STDERR_FILENO);
	close(before);
	f = fopen(path, "r");
	while (f != NULL && getline(&line, &size, f) > 0)
		found += strstr(line, needle) != NULL;
	free(line);
	if (f != NULL)
		fclose(f);
	return found;
}

static void
a_full_disk_stops_nothing_and_is_told_once(void)
{
	char log[] = "/tmp/tidegate-log-XXXXXX";
	int before;

	close(mkstemp(log));
	begin("/dev/full");
	before = listen_to_log(log);
	for (unsigned int i = 0; i < 20; i++) {
		events_tell_audit(e, "a", "x", NULL, 200);
		events_turn(e);
		hand.now_ns += 2000000000;
	}
	CU_ASSERT_EQUAL(stop_listening(before, log, "No space left"), 1);
	unlink(log);
	end();
}

static void
the_writer_thread_writes_by_itself_and_ends(void)
{
	json_t *all = NULL;

	begin_in_folder();
	events_close(e);
	e = events_open(&(struct events_from){
		.telemetry = t,
		.settings = &(struct settings_events){ .file = (char *)(uintptr_t)file },
		.has_thread = true });
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	events_tell_audit(e, "a", "x", NULL, 200);
	events_close(e);
	e = NULL;
	all = lines_of(file);
	CU_ASSERT_PTR_NOT_NULL(find(all, "audit", NULL));
	json_decref(all);
	end();
}

/* A second goes by, and everybody moves. */
static void
second(void)
{
	hand.now_ns += 1000000000;
	for (unsigned int i = 0; i < 2; i++)
		box->worker[i].last_turn_ns = hand.now_ns;
	events_turn(e);
}

static void
a_worker_that_moves_again_is_told(void)
{
	json_t *all;

	begin_in_folder();
	events_turn(e);
	hand.now_ns += 4000000000;
	events_turn(e);
	second();
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 4);
	CU_ASSERT_PTR_NOT_NULL(find(all, "worker", "stuck"));
	CU_ASSERT_PTR_NOT_NULL(find(all, "worker", "moving"));
	json_decref(all);
	end();
}

static void
a_port_that_loses_packets_is_told_once_until_it_is_calm(void)
{
	json_t *all, *o;

	begin_in_folder();
	second();
	for (unsigned int i = 0; i < 5; i++) {
		hand.lost += 100;
		second();
	}
	for (unsigned int i = 0; i < 9; i++)
		second();
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 1);
	o = json_object_get(find(all, "port", "overload"), "port");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "lost_packets")), 100);
	json_decref(all);
	second();
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 2);
	o = json_object_get(find(all, "port", "calm"), "port");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "lost_packets")), 500);
	json_decref(all);
	end();
}

/* The first worker has so much to do that only a hundredth is left; or nothing at all. */
static void
work(unsigned int seconds, bool is_busy)
{
	for (unsigned int i = 0; i < seconds; i++) {
		box->worker[0].turns += 100;
		box->worker[0].busy_turns += is_busy ? 99 : 0;
		box->worker[0].busy_cycles += is_busy ? 99000000 : 0;
		box->worker[0].idle_cycles += is_busy ? 1000000 : 100000000;
		second();
	}
}

static void
a_worker_at_its_end_is_told_until_it_is_calm(void)
{
	json_t *all, *o;

	begin_in_folder();
	work(3, false);
	work(2, true);
	work(1, false);
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 0);
	json_decref(all);
	work(5, true);
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 1);
	o = json_object_get(find(all, "worker", "overload"), "worker");
	CU_ASSERT(json_real_value(json_object_get(o, "busy_ratio")) > 0.95);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "worker")), 0);
	json_decref(all);
	work(12, false);
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 2);
	CU_ASSERT_PTR_NOT_NULL(find(all, "worker", "calm"));
	json_decref(all);
	end();
}

static void
a_full_ring_of_a_worker_is_overload(void)
{
	json_t *all;

	begin_in_folder();
	box->handoff_room = 1000;
	box->worker[1].waiting = 750;
	for (unsigned int i = 0; i < 5; i++)
		second();
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 1);
	CU_ASSERT_PTR_NOT_NULL(find(all, "worker", "overload"));
	json_decref(all);
	end();
}

static void
a_block_by_a_rule_is_told_when_it_is_over(void)
{
	json_t *all, *o;

	begin_in_folder();
	notices = 1;
	events_turn(e);
	hand.now_ns += 30000000000;
	notices = 1; /* again, for another minute */
	second();
	for (unsigned int i = 0; i < 59; i++)
		second();
	all = lines_of(file);
	CU_ASSERT_PTR_NULL(find(all, "unblock", NULL));
	json_decref(all);
	second();
	second();
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 3);
	o = find(all, "unblock", NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_STRING_EQUAL(text(o, "unblock", "prefix"), "192.0.2.66/32");
	CU_ASSERT_STRING_EQUAL(text(o, "unblock", "cause"), "expired");
	CU_ASSERT_STRING_EQUAL(text(o, "unblock", "made_by"), "rule");
	CU_ASSERT_STRING_EQUAL(text(o, "unblock", "reason"), "io.tx_full");
	json_decref(all);
	end();
}

static void
what_operators_set_is_told_and_why_it_ends(void)
{
	static const struct policy_block block = {
		.prefix = { { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2 },
		            120 },
		.until_ns = 61000000000,
		.reason = "<script>",
	};
	json_t *all, *o;

	begin_in_folder();
	events_tell_block(e, &block, EVENTS_SET);
	events_tell_block(e, &block, EVENTS_EXPIRED);
	events_tell_mode(e, "shop", "monitor", 61000000000, EVENTS_SET);
	events_tell_mode(e, NULL, "configured", 0, EVENTS_TAKEN_BACK);
	events_tell_bypass(e, true, 0, EVENTS_SET);
	events_tell_daemon(e, "start");
	events_tell_trouble(e, "history", false, "the disk is full");
	events_tell_trouble(e, "history", true, "12 minutes were not kept");
	events_turn(e);
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 8);
	o = find(all, "block", NULL);
	CU_ASSERT_STRING_EQUAL(text(o, "block", "prefix"), "192.0.2.0/24");
	CU_ASSERT_STRING_EQUAL(text(o, "block", "made_by"), "operator");
	CU_ASSERT_STRING_EQUAL(text(o, "block", "until"), "2026-11-21T22:31:01.000Z");
	CU_ASSERT_STRING_EQUAL(text(o, "block", "reason"), "<script>");
	o = find(all, "unblock", NULL);
	CU_ASSERT_STRING_EQUAL(text(o, "unblock", "cause"), "expired");
	o = find(all, "mode", NULL);
	CU_ASSERT_STRING_EQUAL(text(o, "mode", "mode"), "monitor");
	CU_ASSERT_STRING_EQUAL(text(o, "mode", "scope"), "service");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(o, "service")), "shop");
	o = json_array_get(all, 3);
	CU_ASSERT_STRING_EQUAL(text(o, "mode", "scope"), "all");
	CU_ASSERT_STRING_EQUAL(text(o, "mode", "cause"), "taken_back");
	o = json_object_get(find(all, "bypass", NULL), "bypass");
	CU_ASSERT(json_is_true(json_object_get(o, "enabled")));
	CU_ASSERT(json_is_null(json_object_get(o, "until")));
	CU_ASSERT_PTR_NOT_NULL(find(all, "daemon", "start"));
	CU_ASSERT_PTR_NOT_NULL(find(all, "trouble", "start"));
	CU_ASSERT_PTR_NOT_NULL(find(all, "trouble", "end"));
	json_decref(all);
	end();
}

static void
a_long_request_is_told_by_its_size(void)
{
	static char long_text[5000];
	json_t *all, *o, *request;

	memset(long_text, 'x', sizeof(long_text) - 1);
	request = json_pack("{s:s}", "text", long_text);
	begin_in_folder();
	events_tell_audit(e, "alice", "POST /api/v1/config/check", request, 200);
	events_turn(e);
	all = lines_of(file);
	o = json_object_get(find(all, "audit", NULL), "audit");
	CU_ASSERT_PTR_NULL(json_object_get(o, "request"));
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "request_bytes")), 5010);
	json_decref(all);
	json_decref(request);
	end();
}

/* What nobody was let in for leaves half of the queue, and of the rate, to the others. */
static void
strangers_cannot_crowd_out_what_counts(void)
{
	json_t *all;

	begin_in_folder();
	for (unsigned int i = 0; i < 1000; i++)
		events_tell_audit(e, "", "PUT /api/v1/mode", NULL, 401);
	for (unsigned int i = 0; i < 100; i++)
		events_tell_audit(e, "alice", "PUT /api/v1/mode", NULL, 200);
	events_turn(e);
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 228);
	CU_ASSERT_STRING_EQUAL(text(json_array_get(all, 227), "audit", "who"), "alice");
	json_decref(all);
	end();
}

static json_t *
ask_tail(const char *since, const char *type, const char *limit)
{
	struct telemetry_ask ask;
	char why[160];

	telemetry_ask_init(&ask);
	if (since != NULL)
		CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "since", since, why), 0);
	if (type != NULL)
		CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "type", type, why), 0);
	if (limit != NULL)
		CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "limit", limit, why), 0);
	return telemetry_events(t, &ask);
}

/* first_seq, last_seq, missed, how many, number of the first of them. */
static void
expect_tail(const char *since, const char *type, const char *limit,
            const json_int_t expected[5])
{
	json_t *d = ask_tail(since, type, limit), *a = json_object_get(d, "events");

	CU_ASSERT_EQUAL(json_integer_value(json_object_get(d, "first_seq")), expected[0]);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(d, "last_seq")), expected[1]);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(d, "missed")), expected[2]);
	CU_ASSERT_EQUAL(json_array_size(a), (size_t)expected[3]);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_array_get(a, 0), "seq")),
	                expected[4]);
	json_decref(d);
}

static void
the_newest_are_read_from_memory(void)
{
	begin("");
	expect_tail(NULL, NULL, NULL, (json_int_t[]){ 0, 0, 0, 0, 0 });
	expect_tail("7", NULL, NULL, (json_int_t[]){ 0, 0, 0, 0, 0 });
	for (unsigned int i = 0; i < 1500; i++) {
		if (i % 500 == 0)
			events_tell_bypass(e, true, 0, EVENTS_SET);
		else
			events_tell_audit(e, "alice", "PUT /api/v1/mode", NULL, 200);
		if (i % 100 == 99) {
			hand.now_ns += 1000000000;
			events_turn(e);
		}
	}
	/* Two of them are the workers, which do not move. */
	expect_tail(NULL, NULL, NULL, (json_int_t[]){ 479, 1502, 0, 20, 1483 });
	expect_tail("0", NULL, "7", (json_int_t[]){ 479, 1502, 478, 7, 479 });
	expect_tail("1500", NULL, NULL, (json_int_t[]){ 479, 1502, 0, 2, 1501 });
	expect_tail("1502", NULL, NULL, (json_int_t[]){ 479, 1502, 0, 0, 0 });
	expect_tail("9223372036854775807", NULL, NULL,
	            (json_int_t[]){ 479, 1502, 0, 0, 0 });
	expect_tail(NULL, "bypass", NULL, (json_int_t[]){ 479, 1502, 0, 2, 503 });
	expect_tail(NULL, "bypass", "1", (json_int_t[]){ 479, 1502, 0, 1, 1003 });
	expect_tail("2s", NULL, "256", (json_int_t[]){ 479, 1502, 0, 200, 1303 });
	expect_tail("1d", NULL, "1", (json_int_t[]){ 479, 1502, 0, 1, 1502 });
	end();
}

static unsigned int heard;
static char heard_last[256];

static void
hear(void *arg, const struct events_told *told)
{
	CU_ASSERT_PTR_EQUAL(arg, &heard);
	CU_ASSERT_EQUAL(told->seq, ++heard);
	CU_ASSERT_EQUAL(told->len, strlen(told->line));
	snprintf(heard_last, sizeof(heard_last), "%s/%s %llu", told->type, told->status,
	         (unsigned long long)told->unix_ns);
}

static void
listeners_hear_every_event_in_order(void)
{
	static const struct events_listener listener = { hear, &heard };

	begin("");
	heard = 0;
	CU_ASSERT_EQUAL(events_listen(e, &listener), 0);
	events_tell_audit(e, "alice", "PUT /api/v1/mode", NULL, 200);
	hand.now_ns += 123456789;
	events_tell_trouble(e, "history", false, "the disk is full");
	events_turn(e);
	CU_ASSERT_EQUAL(heard, 2);
	CU_ASSERT_STRING_EQUAL(heard_last, "trouble/start 1795300201123456000");
	for (unsigned int i = 1; i < EVENTS_LISTENERS; i++)
		CU_ASSERT_EQUAL(events_listen(e, &listener), 0);
	CU_ASSERT_EQUAL(events_listen(e, &listener), -ENOSPC);
	end();
}

SUITE_MAIN("event/events", TEST(an_attack_is_told_from_start_to_end),
           TEST(blocks_audits_and_reloads_are_told),
           TEST(links_and_workers_are_told_when_they_change),
           TEST(too_many_are_suppressed_and_counted_but_an_end_is_written),
           TEST(a_file_that_was_renamed_is_opened_anew),
           TEST(a_full_disk_stops_nothing_and_is_told_once),
           TEST(a_worker_that_moves_again_is_told),
           TEST(a_port_that_loses_packets_is_told_once_until_it_is_calm),
           TEST(a_worker_at_its_end_is_told_until_it_is_calm),
           TEST(a_full_ring_of_a_worker_is_overload),
           TEST(a_block_by_a_rule_is_told_when_it_is_over),
           TEST(what_operators_set_is_told_and_why_it_ends),
           TEST(a_long_request_is_told_by_its_size),
           TEST(strangers_cannot_crowd_out_what_counts),
           TEST(the_newest_are_read_from_memory),
           TEST(listeners_hear_every_event_in_order),
           TEST(the_writer_thread_writes_by_itself_and_ends))
