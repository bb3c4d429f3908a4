/* SPDX-License-Identifier: BSD-3-Clause */
/* Journal and file side by side, what one tells of the other's trouble, and sentences. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "event/events.h"
#include "event/folder.h"
#include "event/sentence.h"
#include "suite.h"
#include "telemetry/by_hand.h"
#include "telemetry/own.h"

static struct box *box;
static struct telemetry *t;
static struct events *e;
static int journal = -1;

/* A socket where the journal would be. */
static void
open_journal(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, in_folder("journal"));
	unlink(address.sun_path);
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CU_ASSERT_EQUAL_FATAL(bind(journal, (struct sockaddr *)&address, sizeof(address)),
	                      0);
}

static void
begin(const struct settings_events *settings)
{
	static char path[384];

	strcpy(path, in_folder("journal"));
	box = hand_open();
	t = telemetry_open(box);
	e = events_open(&(struct events_from){
		.telemetry = t, .settings = settings, .journal_socket = path });
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
}

static void
end(void)
{
	events_close(e);
	telemetry_close(t);
	hand_close(box);
	if (journal >= 0)
		close(journal);
	journal = -1;
	folder_close();
}

/* The next datagram; its fields as "NAME=value" lines, or "" when there is none. */
static const char *
next_entry(void)
{
	static char text[65536];
	ssize_t n = recv(journal, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
second(void)
{
	hand.now_ns += 1000000000;
	for (unsigned int i = 0; i < 2; i++)
		box->worker[i].last_turn_ns = hand.now_ns;
	events_turn(e);
}

static void
the_journal_gets_a_sentence_and_fields(void)
{
	const char *entry;

	folder_open();
	open_journal();
	begin(&(struct settings_events){ .journal = true });
	hand_flood(box, 10000, 500);
	events_turn(e);
	entry = next_entry();
	CU_ASSERT_PTR_NOT_NULL(
		strstr(entry, "MESSAGE=gate-1: Attack: udp_flood on shop, "));
	CU_ASSERT_PTR_NOT_NULL(strstr(entry, " above 1.0 kpps (severity "));
	CU_ASSERT_PTR_NOT_NULL(strstr(entry, "\nTIDEGATE_TYPE=attack\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(entry, "\nTIDEGATE_STATUS=start\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(entry, "\nTIDEGATE_SERVICE=shop\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(entry, "\nTIDEGATE_SEQ=1\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(entry, "\nTIDEGATE_ATTACK_ID=a-20261121-0001\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(entry, "\nTIDEGATE_EVENT={\"timestamp\":"));
	/* By its severity, which goes by how strong it seems at first. */
	CU_ASSERT(strstr(entry, "\nPRIORITY=4\n") != NULL ||
	          strstr(entry, "\nPRIORITY=2\n") != NULL);
	CU_ASSERT_EQUAL(entry[strlen(entry) - 1], '\n');
	end();
}

static void
a_journal_that_hangs_or_is_gone_delays_nothing(void)
{
	const struct telemetry_sink *sink;
	unsigned int in_file = 0;
	char line[16384];
	FILE *f;

	folder_open();
	open_journal();
	begin(&(struct settings_events){
		.file = (char *)(uintptr_t)in_folder("e"), .keep = 1, .journal = true });
	sink = &telemetry_own(t)->sink[TELEMETRY_SINK_JOURNAL];
	for (unsigned int i = 0; i < 2000; i++) {
		events_tell_bypass(e, true, 0, EVENTS_SET);
		if (i % 100 == 99)
			second();
	}
	CU_ASSERT(sink->written > 0);
	CU_ASSERT(sink->lost > 100);
	CU_ASSERT_EQUAL(sink->is_broken, 1);
	close(journal);
	unlink(in_folder("journal"));
	events_tell_bypass(e, false, 0, EVENTS_TAKEN_BACK);
	second();
	CU_ASSERT_EQUAL(sink->is_broken, 1);
	open_journal();
	events_tell_bypass(e, true, 0, EVENTS_SET);
	second();
	CU_ASSERT_EQUAL(sink->is_broken, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(next_entry(), "MESSAGE=gate-1: BYPASS is on"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(next_entry(), "No more trouble with events.journal"));
	/* All of them, and one of trouble at its start and its end. */
	f = fopen(in_folder("e"), "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		in_file++;
	if (f != NULL)
		fclose(f);
	CU_ASSERT_EQUAL(in_file, 2004);
	end();
}

/* The status as it is shown. */
static json_t *
sink_of_status(const char *name)
{
	struct telemetry_ask ask;
	json_t *o, *sink, *found = NULL;
	size_t i;

	telemetry_ask_init(&ask);
	o = telemetry_status(t, &ask);
	json_array_foreach(json_object_get(json_object_get(o, "events"), "sinks"), i,
	                   sink)
	{
		if (strcmp(json_string_value(json_object_get(sink, "sink")), name) == 0)
			found = json_incref(sink);
	}
	json_decref(o);
	return found;
}

/* Files of this process may have so many bytes: a disk that is full, and has room again. */
static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void
a_full_disk_is_told_to_the_others_and_its_end_to_all(void)
{
	json_t *sink;
	const char *entry;

	folder_open();
	open_journal();
	signal(SIGXFSZ, SIG_IGN);
	begin(&(struct settings_events){
		.file = (char *)(uintptr_t)in_folder("e"), .keep = 1, .journal = true });
	second();
	events_tell_bypass(e, true, 0, EVENTS_SET);
	second();
	CU_ASSERT(size_of("e") > 0);
	limit_files((rlim_t)size_of("e") + 50);
	events_tell_bypass(e, false, 0, EVENTS_TAKEN_BACK);
	second();
	second();
	limit_files(RLIM_INFINITY);
	next_entry();
	next_entry();
	entry = next_entry();
	CU_ASSERT_PTR_NOT_NULL(
		strstr(entry, "Trouble with events.file: cannot write to it"));
	CU_ASSERT_STRING_EQUAL(next_entry(), "");
	sink = sink_of_status("file");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(sink, "state")),
	                       "broken");
	/* The event of bypass, and that there is trouble. */
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(sink, "lost")), 2);
	json_decref(sink);
	/* Nothing happens, and still it is found out that there is room. */
	second();
	CU_ASSERT_PTR_NOT_NULL(strstr(next_entry(), "No more trouble with events.file: 2 "
	                                            "events were lost to it"));
	CU_ASSERT_STRING_EQUAL(next_entry(), "");
	sink = sink_of_status("file");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(sink, "state")), "well");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(sink, "written")), 2);
	json_decref(sink);
	CU_ASSERT_PTR_NULL(sink_of_status("webhook"));
	end();
}

/* No half line stays in a file that was full for a while. */
static void
every_line_of_a_file_that_was_full_is_whole(void)
{
	char line[16384];
	unsigned int n = 0;
	FILE *f;

	folder_open();
	signal(SIGXFSZ, SIG_IGN);
	begin(&(struct settings_events){ .file = (char *)(uintptr_t)in_folder("e"),
	                                 .keep = 1 });
	for (unsigned int i = 0; i < 40; i++) {
		limit_files(i % 8 < 4 ? RLIM_INFINITY : (rlim_t)size_of("e") + 7 * i);
		events_tell_bypass(e, true, 0, EVENTS_SET);
		second();
	}
	limit_files(RLIM_INFINITY);
	f = fopen(in_folder("e"), "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		json_t *o = json_loads(line, 0, NULL);

		CU_ASSERT_PTR_NOT_NULL(o);
		json_decref(o);
		n++;
	}
	if (f != NULL)
		fclose(f);
	CU_ASSERT(n > 20 && n < 50);
	end();
}

static void
where_events_go_can_change_while_running(void)
{
	struct settings_events set = { .keep = 1 };

	folder_open();
	open_journal();
	set.file = (char *)(uintptr_t)in_folder("one");
	begin(&set);
	events_tell_bypass(e, true, 0, EVENTS_SET);
	events_turn(e);
	set.file = (char *)(uintptr_t)in_folder("two");
	set.journal = true;
	events_configure(e, &(struct settings_events){ .keep = 1 });
	events_configure(e, &set);
	events_tell_bypass(e, false, 0, EVENTS_TAKEN_BACK);
	events_turn(e);
	CU_ASSERT(size_of("one") > 0);
	CU_ASSERT(size_of("two") > 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(next_entry(), "Bypass is off"));
	events_configure(e, &(struct settings_events){ .keep = 1 });
	events_tell_bypass(e, true, 0, EVENTS_SET);
	events_turn(e);
	CU_ASSERT_STRING_EQUAL(next_entry(), "");
	CU_ASSERT_PTR_NULL(sink_of_status("file"));
	/* One that nobody applies any more. */
	events_configure(e, &set);
	end();
}

static const char *const sentences[][2] = {
	{ "{\"event_type\":\"attack\",\"service\":\"shop\",\"attack\":{"
	  "\"status\":"
	  "\"end\",\"vector\":\"udp_flood\",\"peak_packets_per_second\":61200,"
	  "\"dropped_packets\":7,\"duration_seconds\":61.2,\"severity\":\"high\","
	  "\"mode\":\"mitigate\",\"attack_id\":\"a-1\",\"trigger\":{\"metric\":"
	  "\"packets_per_second\"}}}",
	  "Attack over: udp_flood on shop, peak 61.2 kpps, 7 packets dropped in "
	  "61 s "
	  "(severity high, mode mitigate, a-1)" },
	{ "{\"event_type\":\"attack\",\"service\":\"shop\",\"attack\":{"
	  "\"status\":"
	  "\"alarm\",\"vector\":\"udp_flood\",\"network\":\"192.0.2.0/24\","
	  "\"severity\":\"low\",\"mode\":\"monitor\",\"attack_id\":null,"
	  "\"trigger\":"
	  "{\"metric\":\"bits_per_second\",\"value\":2500000000,\"threshold\":"
	  "999}}}",
	  "Alarm: udp_flood on shop, 192.0.2.0/24, 2.5 Gbit/s above 999 bit/s "
	  "(severity low, mode monitor)" },
	{ "{\"event_type\":\"block\",\"service\":\"shop\",\"block\":{\"prefix\":"
	  "\"192.0.2.6/32\",\"action\":\"deny\",\"until\":\"2026\",\"reason\":"
	  "\"sources.packets\"}}",
	  "192.0.2.6/32 is blocked for shop until 2026 (sources.packets)" },
	{ "{\"event_type\":\"unblock\",\"unblock\":{\"prefix\":\"192.0.2.6/32\","
	  "\"action\":\"allow\",\"cause\":\"taken_back\",\"reason\":\"\"}}",
	  "192.0.2.6/32 is no longer allowed: an operator took it back" },
	{ "{\"event_type\":\"mode\",\"mode\":{\"scope\":\"all\",\"mode\":"
	  "\"configured\",\"cause\":\"expired\",\"until\":null}}",
	  "Mode of all services is configured: its time is up" },
	{ "{\"event_type\":\"port\",\"port\":{\"name\":\"ext0\",\"link\":\"up\","
	  "\"side\":\"external\",\"status\":\"down\"}}",
	  "Port ext0 of link up (external) is down" },
	{ "{\"event_type\":\"worker\",\"worker\":{\"worker\":3,\"status\":"
	  "\"overload\",\"busy_ratio\":0.97}}",
	  "Worker 3 is at its end: 97 % busy" },
	{ "{\"event_type\":\"config\",\"config\":{\"result\":\"refused\","
	  "\"first_error\":\"line\\none\"}}",
	  "The configuration was refused: line one" },
	{ "{\"event_type\":\"list\",\"list\":{\"name\":\"feed\",\"result\":"
	  "\"failed\","
	  "\"first_message\":\"no\"}}",
	  "List feed: failed no" },
	{ "{\"event_type\":\"audit\",\"audit\":{\"who\":\"\",\"what\":\"PUT /x\","
	  "\"status\":401}}",
	  "a stranger: PUT /x, status 401" },
	{ "{\"event_type\":\"daemon\",\"daemon\":{\"version\":\"0.1\",\"status\":"
	  "\"start\"}}",
	  "Tidegate 0.1: start" },
	{ "{\"event_type\":\"other\"}", "other" },
	{ "{}", "" },
};

static void
every_kind_is_a_sentence(void)
{
	char out[EVENT_SENTENCE];

	for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++) {
		json_t *o = json_loads(sentences[i][0], 0, NULL);

		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		event_sentence(o, out);
		CU_ASSERT_STRING_EQUAL(out + 2, sentences[i][1]);
		json_decref(o);
	}
}

static void
a_sentence_too_long_ends_at_a_whole_character(void)
{
	char text[2000] = "", out[EVENT_SENTENCE];
	json_t *o, *valid;

	for (unsigned int i = 0; i < 400; i++)
		strcat(text, i == 0 ? "x" : "\xe2\x82\xac");
	o = json_pack("{s:s, s:{s:s, s:s}}", "event_type", "trouble", "trouble", "what",
	              "a", "message", text);
	event_sentence(o, out);
	CU_ASSERT(strlen(out) > EVENT_SENTENCE - 8);
	valid = json_string(out); /* NULL when it is no UTF-8 */
	CU_ASSERT_PTR_NOT_NULL(valid);
	json_decref(valid);
	json_decref(o);
}

SUITE_MAIN("event/outlets", TEST(the_journal_gets_a_sentence_and_fields),
           TEST(a_journal_that_hangs_or_is_gone_delays_nothing),
           TEST(a_full_disk_is_told_to_the_others_and_its_end_to_all),
           TEST(every_line_of_a_file_that_was_full_is_whole),
           TEST(where_events_go_can_change_while_running), TEST(every_kind_is_a_sentence),
           TEST(a_sentence_too_long_ends_at_a_whole_character))
