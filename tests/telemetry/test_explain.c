/* SPDX-License-Identifier: BSD-3-Clause */
/* What explain says of an address that is listed, tagged, metered, blocked or never blocked. */
#include "list/list.h"
#include "policy/list_set.h"
#include "suite.h"
#include "telemetry/by_hand.h"
#include "telemetry/telemetry.h"

static const char config[] =
	"version = 1;\n"
	"lists = (\n"
	"  { name = \"bad\"; action = \"deny\"; prefixes = [ \"198.51.100.0/24\" ]; },\n"
	"  { name = \"feed\"; action = \"deny\"; prefixes = [ \"192.0.2.250/32\" ]; },\n"
	"  { name = \"far\"; action = \"tag\"; prefixes = [ \"203.0.0.0/24\", "
	"\"2001:db8:fa::/48\" ]; },\n"
	"  { name = \"cdn\"; action = \"never_block\"; scale = \"20\"; prefixes = [ "
	"\"192.0.2.0/28\" ]; },\n"
	"  { name = \"office\"; action = \"never_block\"; prefixes = [ "
	"\"2001:db8:0ff::/48\" ]; } );\n";

static struct box *box;
static struct telemetry *t;

/* One file's content beside what is written: a /24 for another 90.5 s. */
static void
give_lists(struct box *b)
{
	struct list_prefix timed = { .until_s = 1100 };
	struct list_content feed = { .count = 1, .prefix = &timed };
	const struct list_content *content[5] = { NULL, &feed };
	const struct list_set_input from = { b->settings, content, 0 };
	struct conf_errors errors = { 0 };

	CU_ASSERT_EQUAL(prefix_parse("192.0.2.128/25", &timed.prefix), 0);
	CU_ASSERT_EQUAL_FATAL(list_set_build(&from, &b->policies->lists, &errors), 0);
}

static void
begin(void)
{
	struct conf_errors errors = { 0 };

	box = hand_open();
	settings_free(box->settings);
	CU_ASSERT_EQUAL_FATAL(settings_read_text(config, strlen(config), "test",
	                                         &box->settings, &errors),
	                      0);
	hand.now_ns = UINT64_C(1009500000000);
	give_lists(box);
	t = telemetry_open(box);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
}

static void
end(void)
{
	telemetry_close(t);
	list_set_release(box->policies->lists);
	hand_close(box);
}

/* Whether the sentence about an address has these words. */
static bool
is_said(const char *address, const char *words)
{
	struct telemetry_ask ask;
	const char *sentence;
	struct prefix host;
	bool is_there;
	json_t *d;

	telemetry_ask_init(&ask);
	CU_ASSERT_EQUAL_FATAL(prefix_parse(address, &host), 0);
	memcpy(ask.address, host.address, sizeof(ask.address));
	ask.has_address = true;
	d = telemetry_explain(t, &ask);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	sentence = json_string_value(json_object_get(d, "sentence"));
	is_there = strstr(sentence, words) != NULL;
	if (!is_there)
		printf("\n    %s", sentence);
	json_decref(d);
	return is_there;
}

static void
listed_addresses_are_told_with_list_and_prefix(void)
{
	begin();
	CU_ASSERT(is_said("198.51.100.7",
	                  "It is on the deny list \"bad\" as 198.51.100.0/24."));
	CU_ASSERT(is_said("192.0.2.200",
	                  "It is on the deny list \"feed\" as 192.0.2.128/25 for "
	                  "another 91 s."));
	CU_ASSERT(is_said("192.0.2.250",
	                  "It is on the deny list \"feed\" as 192.0.2.250/32."));
	CU_ASSERT(is_said("203.0.113.99", "It is on no list."));
	hand.now_ns = UINT64_C(1100000000000);
	CU_ASSERT(is_said("192.0.2.200", "It is on no list."));
	end();
}

static void
tags_and_meters_are_told_with_policy_and_limit(void)
{
	begin();
	CU_ASSERT(is_said("203.0.0.9", "It has the tag \"far\" as 203.0.0.0/24."));
	CU_ASSERT(
		is_said("2001:db8:fa::1", "It has the tag \"far\" as 2001:db8:fa::/48."));
	hand.line[0] = (struct explain_line){ .what = "metered",
		                              .unit = "percent_of_burst",
		                              .verdict = "over",
		                              .value = 101,
		                              .threshold = 100,
		                              .policy = 1,
		                              .name = "far" };
	hand.line[1] = (struct explain_line){ .what = "meter limit",
		                              .unit = "packets_per_second",
		                              .verdict = "",
		                              .value = 1000,
		                              .policy = 1,
		                              .name = "far" };
	CU_ASSERT(is_said("203.0.0.9",
	                  "Policy \"web\" meters all with the tag \"far\" to 1000 "
	                  "packets_per_second together."));
	CU_ASSERT(is_said("203.0.0.9", "The tag \"far\" has used up what policy \"web\" "
	                               "grants it."));
	memset(hand.line, 0, sizeof(hand.line));
	hand.line[0] = (struct explain_line){
		.what = "tag", .unit = "", .verdict = "denied", .policy = 1, .name = "far"
	};
	CU_ASSERT(
		is_said("203.0.0.9", "Policy \"web\" denies all with the tag \"far\"."));
	end();
}

static void
blocks_are_told_with_their_time_and_number(void)
{
	begin();
	hand.blocks = 1;
	CU_ASSERT_EQUAL(prefix_parse("198.18.0.0/24", &hand.block[0].prefix), 0);
	hand.block[0].until_ns = hand.now_ns + UINT64_C(41100000000);
	CU_ASSERT(is_said("198.18.0.7", "It is on the deny list \"timed entries\" as "
	                                "198.18.0.0/24 for another 42 s."));
	hand.line[0] = (struct explain_line){
		.what = "blocked", .unit = "seconds", .verdict = "yes", .value = 250
	};
	hand.line[1] = (struct explain_line){
		.what = "block number", .unit = "", .verdict = "", .value = 2
	};
	CU_ASSERT(is_said("198.18.1.7", "It is blocked for another 250 s, because it "
	                                "stayed over a limit; block number 2 in a row."));
	end();
}

static void
who_is_never_blocked_is_told_with_its_scale(void)
{
	begin();
	CU_ASSERT(is_said("192.0.2.3",
	                  "It is never blocked and counts as 20 customers: it is on the "
	                  "list \"cdn\" as 192.0.2.0/28."));
	CU_ASSERT(is_said("2001:db8:ff::1", "It is never blocked: it is on the list "
	                                    "\"office\" as 2001:db8:ff::/48."));
	end();
}

SUITE_MAIN("telemetry/explain", TEST(listed_addresses_are_told_with_list_and_prefix),
           TEST(tags_and_meters_are_told_with_policy_and_limit),
           TEST(blocks_are_told_with_their_time_and_number),
           TEST(who_is_never_blocked_is_told_with_its_scale))
