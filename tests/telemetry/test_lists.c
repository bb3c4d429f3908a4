/* SPDX-License-Identifier: BSD-3-Clause */
/* What is told of lists: wanted beside loaded, in documents and in metrics. */
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
	telemetry_ask_init(&ask);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
}

static void
end(void)
{
	telemetry_close(t);
	hand_close(box);
}

static json_t *
in(json_t *o, const char *part)
{
	return json_object_get(o, part);
}

static void
wanted_and_loaded_are_told_apart(void)
{
	json_t *d, *feed, *plain, *error;

	begin();
	d = telemetry_lists(t, &ask);
	CU_ASSERT_EQUAL_FATAL(json_array_size(in(d, "lists")), 2);
	plain = json_array_get(in(d, "lists"), 0);
	feed = json_array_get(in(d, "lists"), 1);
	CU_ASSERT(json_is_null(in(plain, "file")));
	CU_ASSERT_PTR_NULL(in(plain, "wanted"));
	CU_ASSERT_EQUAL(json_integer_value(in(plain, "in_configuration")), 1);
	CU_ASSERT_STRING_EQUAL(json_string_value(in(feed, "action")), "deny");
	CU_ASSERT_STRING_EQUAL(json_string_value(in(in(feed, "wanted"), "state")),
	                       "failed");
	CU_ASSERT(json_is_null(in(in(feed, "wanted"), "sha256")));
	CU_ASSERT_STRING_EQUAL(json_string_value(in(in(feed, "wanted"), "file_time")),
	                       "2026-11-21T22:31:00.000Z");
	CU_ASSERT_STRING_EQUAL(json_string_value(in(in(feed, "loaded"), "file_time")),
	                       "2026-11-21T22:30:00.000Z");
	CU_ASSERT_EQUAL(json_integer_value(in(in(feed, "loaded"), "skipped")), 9);
	CU_ASSERT_EQUAL(json_integer_value(in(feed, "prefixes")), 4001);
	CU_ASSERT_EQUAL(json_array_size(in(in(feed, "wanted"), "errors")),
	                BOX_LIST_ERRORS);
	CU_ASSERT_EQUAL(json_integer_value(in(in(feed, "wanted"), "messages")), 12);
	error = json_array_get(in(in(feed, "wanted"), "errors"), 0);
	CU_ASSERT_EQUAL(json_integer_value(in(error, "line")), 7);
	json_decref(d);
	end();
}

static void
one_list_has_its_entries_by_hand(void)
{
	json_t *d, *list;

	begin();
	hand.has_entry = true;
	CU_ASSERT_EQUAL_FATAL(prefix_parse("198.51.100.7", &hand.entry.prefix), 0);
	hand.entry.until_s = (uint32_t)(UNIX_NS / 1000000000);
	strcpy(ask.name, "feed");
	d = telemetry_list(t, &ask);
	list = in(d, "list");
	CU_ASSERT_EQUAL_FATAL(json_array_size(in(list, "entries")), 1);
	CU_ASSERT_STRING_EQUAL(
		json_string_value(in(json_array_get(in(list, "entries"), 0), "prefix")),
		"198.51.100.7/32");
	CU_ASSERT_STRING_EQUAL(
		json_string_value(in(json_array_get(in(list, "entries"), 0), "until")),
		"2026-11-21T22:30:00.000Z");
	json_decref(d);
	hand.has_entry = false;
	strcpy(ask.name, "fed");
	CU_ASSERT_PTR_NULL(telemetry_list(t, &ask));
	CU_ASSERT_EQUAL(errno, ENOENT);
	box->lists_read = NULL;
	CU_ASSERT_PTR_NULL(telemetry_lists(t, &ask));
	CU_ASSERT_EQUAL(errno, ENOSYS);
	end();
}

static void
metrics_tell_what_a_dashboard_warns_by(void)
{
	static const char *const lines[] = {
		"tidegate_list_prefixes{list=\"bad\",action=\"deny\"} 1\n",
		"tidegate_list_prefixes{list=\"feed\",action=\"deny\"} 4001\n",
		"tidegate_list_skipped_lines{list=\"feed\",action=\"deny\"} 9\n",
		"tidegate_list_failed{list=\"feed\",action=\"deny\"} 1\n",
		"tidegate_list_failures_total{list=\"feed\",action=\"deny\"} 2\n",
		("tidegate_list_last_success_timestamp_seconds{list=\"feed\",action="
		 "\"deny\"} "
		 "1795300200\n"),
		"tidegate_list_wanted_timestamp_seconds{list=\"feed\",action=\"deny\"} "
		"1795300260\n",
		"tidegate_list_loaded_timestamp_seconds{list=\"feed\",action=\"deny\"} "
		"1795300200\n",
	};
	char *text;

	begin();
	text = telemetry_metrics(t);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, lines[i]));
	CU_ASSERT_PTR_NULL(
		strstr(text, "tidegate_list_failed{list=\"bad\",action=\"deny\"}"));
	free(text);
	end();
}

SUITE_MAIN("telemetry lists", TEST(wanted_and_loaded_are_told_apart),
           TEST(one_list_has_its_entries_by_hand),
           TEST(metrics_tell_what_a_dashboard_warns_by))
