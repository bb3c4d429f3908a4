/* SPDX-License-Identifier: BSD-3-Clause */
/* Events as lines of a file: what each says, what is left out, and where they go. */
#include "events_rig.h"

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

SUITE_MAIN("event/events", TEST(an_attack_is_told_from_start_to_end),
           TEST(blocks_audits_and_reloads_are_told),
           TEST(links_and_workers_are_told_when_they_change),
           TEST(too_many_are_suppressed_and_counted_but_an_end_is_written),
           TEST(a_file_that_was_renamed_is_opened_anew),
           TEST(a_full_disk_stops_nothing_and_is_told_once),
           TEST(the_writer_thread_writes_by_itself_and_ends))
