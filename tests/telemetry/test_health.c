/* SPDX-License-Identifier: BSD-3-Clause */
/* What is wrong with a box, from counters and clocks by hand; and the file against it. */
#include <unistd.h>

#include "suite.h"
#include "telemetry/by_hand.h"

#define SECOND UINT64_C(1000000000)

static struct box *box;
static struct telemetry *t;
static struct telemetry_ask ask;
static int64_t clock_set_ns;

static uint64_t
wall(void *daemon)
{
	(void)daemon;
	return hand.now_ns + (uint64_t)(UNIX_NS + clock_set_ns);
}

static void
begin(void)
{
	box = hand_open();
	clock_set_ns = 0;
	box->wall_ns = wall;
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

/* A second with so many packets from outside, for the shop or for nobody, and from inside. */
static void
second(uint64_t to_shop, uint64_t to_nobody, uint64_t from_inside)
{
	struct watch *watch = &box->worker[0].pipeline->watch;
	struct books *out = &box->worker[0].books[0][0],
		     *in = &box->worker[0].books[0][1];

	out->received_packets += to_shop + to_nobody;
	out->forwarded_packets += to_shop + to_nobody;
	in->sent_packets += to_shop + to_nobody;
	in->received_packets += from_inside;
	in->forwarded_packets += from_inside;
	out->sent_packets += from_inside;
	watch_cell(watch, 1, VECTOR_UDP_FLOOD)->packets += to_shop;
	watch_cell(watch, 0, VECTOR_UDP_FLOOD)->packets += to_nobody;
	hand.now_ns += SECOND;
	for (unsigned int i = 0; i < box->n_workers; i++)
		box->worker[i].last_turn_ns = hand.now_ns;
	telemetry_beat(t);
}

static void
seconds(unsigned int n, uint64_t to_shop, uint64_t to_nobody, uint64_t from_inside)
{
	while (n-- > 0)
		second(to_shop, to_nobody, from_inside);
}

/* The level of the finding, "" when there is none of that name. */
static const char *
level_of(const char *name)
{
	static char level[16];
	json_t *d = telemetry_health(t, &ask);
	const json_t *f;
	size_t i;

	level[0] = '\0';
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	json_array_foreach(json_object_get(d, "findings"), i, f)
	{
		if (strcmp(json_string_value(json_object_get(f, "name")), name) == 0)
			snprintf(level, sizeof(level), "%s",
			         json_string_value(json_object_get(f, "level")));
	}
	json_decref(d);
	return level;
}

static void
silence_and_half_a_wire_are_told(void)
{
	begin();
	seconds(8, 0, 0, 0);
	CU_ASSERT_STRING_EQUAL(level_of("no_traffic"), "fault");
	seconds(8, 100, 0, 100);
	CU_ASSERT_STRING_EQUAL(level_of("no_traffic"), "");
	CU_ASSERT_STRING_EQUAL(level_of("one_direction"), "");
	seconds(8, 0, 0, 0);
	CU_ASSERT_STRING_EQUAL(level_of("no_traffic"), "warning");
	seconds(8, 100, 0, 0);
	CU_ASSERT_STRING_EQUAL(level_of("one_direction"), "fault");
	seconds(8, 0, 0, 100);
	CU_ASSERT_STRING_EQUAL(level_of("one_direction"), "fault");
	/* That is how it is meant where answers take another way. */
	box->settings->ingress = 1;
	seconds(8, 100, 0, 0);
	CU_ASSERT_STRING_EQUAL(level_of("one_direction"), "");
	end();
}

static void
packets_that_no_service_claims_are_told(void)
{
	begin();
	seconds(8, 0, 100, 100);
	CU_ASSERT_STRING_EQUAL(level_of("no_service_matches"), "fault");
	seconds(8, 1, 100, 100);
	CU_ASSERT_STRING_EQUAL(level_of("no_service_matches"), "");
	end();
}

static void
links_losses_and_lengths_are_told(void)
{
	begin();
	seconds(8, 100, 0, 100);
	CU_ASSERT_STRING_EQUAL(level_of("link_down"), "");
	CU_ASSERT_STRING_EQUAL(level_of("rx_missed"), "");
	hand.is_link_down = true;
	CU_ASSERT_STRING_EQUAL(level_of("link_down"), "fault");
	hand.is_link_down = false;
	counter_add(
		&box->worker[0].pipeline->books.decided[stage_count][STAGE_IO_TX_FULL],
		3);
	counter_add(
		&box->worker[0].pipeline->books.decided[stage_count][STAGE_IO_TOO_LONG],
		3);
	CU_ASSERT_STRING_EQUAL(level_of("tx_full"), "fault");
	CU_ASSERT_STRING_EQUAL(level_of("too_long"), "fault");
	seconds(8, 100, 0, 100);
	CU_ASSERT_STRING_EQUAL(level_of("tx_full"), "");
	end();
}

static void
workers_that_hang_starve_or_have_too_much_are_told(void)
{
	struct box_worker *w;

	begin();
	w = &box->worker[1];
	seconds(3, 100, 0, 100);
	CU_ASSERT_STRING_EQUAL(level_of("worker_hangs"), "");
	w->busy_cycles += 96;
	w->idle_cycles += 4;
	CU_ASSERT_STRING_EQUAL(level_of("worker_overloaded"), "warning");
	w->stalled_cycles += 30;
	CU_ASSERT_STRING_EQUAL(level_of("worker_starved"), "warning");
	w->stalled_cycles += 30;
	CU_ASSERT_STRING_EQUAL(level_of("worker_starved"), "fault");
	w->last_turn_ns = hand.now_ns - 2 * SECOND;
	CU_ASSERT_STRING_EQUAL(level_of("worker_hangs"), "fault");
	end();
}

static void
a_clock_that_is_set_is_told_and_one_that_is_slewed_is_not(void)
{
	begin();
	seconds(2, 100, 0, 100);
	clock_set_ns += (int64_t)SECOND / 2;
	seconds(2, 100, 0, 100);
	CU_ASSERT_STRING_EQUAL(level_of("clock_jumped"), "");
	clock_set_ns -= 3600 * (int64_t)SECOND;
	second(100, 0, 100);
	CU_ASSERT_STRING_EQUAL(level_of("clock_jumped"), "warning");
	clock_set_ns += 3600 * (int64_t)SECOND;
	second(100, 0, 100);
	CU_ASSERT_STRING_EQUAL(level_of("clock_jumped"), "");
	end();
}

static void
bypass_and_an_attack_in_monitor_are_told(void)
{
	begin();
	seconds(2, 100, 0, 100);
	CU_ASSERT_STRING_EQUAL(level_of("bypass"), "");
	box->is_bypassed = true;
	CU_ASSERT_STRING_EQUAL(level_of("bypass"), "warning");
	hand_flood(box, 5000, 1000);
	CU_ASSERT_STRING_EQUAL(level_of("bypass"), "fault");
	box->is_bypassed = false;
	CU_ASSERT_STRING_EQUAL(level_of("attack_not_mitigated"), "");
	box->policies->policy[1].mode = POLICY_MONITOR;
	CU_ASSERT_STRING_EQUAL(level_of("attack_not_mitigated"), "fault");
	end();
}

/* --- the file against what is in force ------------------------------------------- */

static char path[] = "/tmp/tidegate-health-XXXXXX";

static void
write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

/* The configuration by hand with one text in place of another. */
static void
write_changed(const char *old, const char *new)
{
	static char text[4096];
	const char *at = strstr(hand_config, old);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - hand_config), hand_config,
	         new, at + strlen(old));
	write_file(text);
}

/* "changed policies[web].mode", of the first entry; "" when there is none. */
static const char *
first_change(size_t *n)
{
	static char text[256];
	json_t *d = telemetry_diff(t, &ask), *all, *one;
	char *whole;

	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	/* What is a secret in the file stays one. */
	whole = json_dumps(d, 0);
	CU_ASSERT_PTR_NULL(strstr(whole, "T0P-SECRET"));
	free(whole);
	all = json_object_get(d, "changes");
	one = json_array_get(all, 0);
	*n = json_array_size(all);
	text[0] = '\0';
	if (one != NULL)
		snprintf(text, sizeof(text), "%s %s",
		         json_string_value(json_object_get(one, "change")),
		         json_string_value(json_object_get(one, "path")));
	json_decref(d);
	return text;
}

static void
every_change_of_the_file_is_named_by_its_path(void)
{
	static const struct {
		const char *old, *new, *wanted;
		size_t n;
	} rows[] = {
		{ "1kpps", "2kpps", "changed policies[web].vectors[udp_flood].alarm_rate",
		  3 },
		{ "\"mitigate\"", "\"monitor\"", "changed policies[web].mode", 1 },
		{ "203.0.113.10/32", "203.0.113.11/32", "changed services[shop].prefixes",
		  1 },
		{ "gate-1", "gate-2", "changed node.name", 1 },
		{ "name = \"bad\"", "name = \"worse\"", "removed lists[bad]", 2 },
		{ "version = 1;", "version = 1;\nrouters = [ \"192.0.2.1/32\" ];",
		  "changed routers", 1 },
		{ "version = 1;",
		  "version = 1;\nevents = { webhook = { url = "
		  "\"https://hooks.example.net/T0P-SECRET\"; }; };",
		  "changed events.webhook.url", 1 },
		{ "version = 1;", "version = 1; # a word", "", 0 },
	};
	size_t n;

	begin();
	close(mkstemp(path));
	free(box->settings->file);
	box->settings->file = strdup(path);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		write_changed(rows[i].old, rows[i].new);
		CU_ASSERT_STRING_EQUAL(first_change(&n), rows[i].wanted);
		CU_ASSERT(n >= rows[i].n && (rows[i].n > 0 || n == 0));
	}
	CU_ASSERT_STRING_EQUAL(level_of("config_differs"), "warning");
	write_file(hand_config);
	CU_ASSERT_STRING_EQUAL(level_of("config_differs"), "");
	write_changed("1kpps", "fast");
	CU_ASSERT_STRING_EQUAL(level_of("config_broken"), "fault");
	unlink(path);
	end();
}

static void
what_needs_a_restart_or_was_set_by_hand_is_told(void)
{
	json_t *d;

	begin();
	strcpy(path + strlen(path) - 6, "XXXXXX");
	close(mkstemp(path));
	free(box->settings->file);
	box->settings->file = strdup(path);
	write_changed("net_null0", "net_null2");
	box->policies->policy[1].mode = POLICY_LEARN;
	d = telemetry_diff(t, &ask);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "needs_restart")), 1);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "by_hand")), 1);
	json_decref(d);
	write_file("version = 1; nonsense");
	d = telemetry_diff(t, &ask);
	CU_ASSERT(json_is_false(json_object_get(d, "readable")));
	CU_ASSERT(json_array_size(json_object_get(d, "errors")) > 0);
	json_decref(d);
	unlink(path);
	end();
}

/* --- the sentence for the telephone ------------------------------------------------- */

/* Whether explain's answer for the address has all of the parts, ended by NULL. */
static void
answers(const char *address, const char *verdict, const char *const *parts)
{
	json_t *d;
	const char *answer;

	ask.has_address = true;
	hand_address(address, ask.address);
	d = telemetry_explain(t, &ask);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	answer = json_string_value(json_object_get(d, "answer"));
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(d, "verdict")), verdict);
	for (; *parts != NULL; parts++) {
		CU_ASSERT_PTR_NOT_NULL(strstr(answer, *parts));
		if (strstr(answer, *parts) == NULL)
			printf("\n%s\n", answer);
	}
	json_decref(d);
}

static void
why_a_customer_is_blocked_is_one_sentence(void)
{
	struct policy_block *b = &hand.block[0];

	begin();
	answers("192.0.2.7", "passes", (const char *[]){ "192.0.2.7 passes", NULL });
	answers("198.51.100.7", "blocked",
	        (const char *[]){ "is blocked", "deny list \"bad\"",
	                          "tidegate allow add 198.51.100.7", NULL });
	hand_address("192.0.2.7", b->prefix.address);
	b->prefix.len = 128;
	b->since_ns = hand.now_ns;
	b->until_ns = hand.now_ns + 600 * SECOND;
	strcpy(b->reason, "looks bad");
	hand.blocks = 1;
	answers("192.0.2.7", "blocked",
	        (const char *[]){ "blocked by hand", "looks bad",
	                          "since 2026-11-21T22:30:01",
	                          "until 2026-11-21T22:40:01", "600 s",
	                          "tidegate block del 192.0.2.7", NULL });
	box->policies->policy[0].mode = box->policies->policy[1].mode = POLICY_MONITOR;
	answers("192.0.2.7", "would_be_blocked",
	        (const char *[]){ "would be blocked", "drops nothing", NULL });
	box->is_bypassed = true;
	answers("192.0.2.7", "passes", (const char *[]){ "bypass is on", NULL });
	hand.blocks = 0;
	box->is_bypassed = false;
	box->policies->policy[0].mode = box->policies->policy[1].mode = POLICY_MITIGATE;
	hand.line[0] = (struct explain_line){ .what = "packets",
		                              .unit = "percent",
		                              .value = 100,
		                              .threshold = 100,
		                              .verdict = "over" };
	answers("192.0.2.7", "limited",
	        (const char *[]){ "is limited", "over its limit of packets", NULL });
	hand.line[0] = (struct explain_line){
		.what = "blocked", .unit = "seconds", .value = 42, .verdict = ""
	};
	answers("192.0.2.7", "blocked",
	        (const char *[]){ "limits of `sources`", "42 s from now", NULL });
	end();
}

SUITE_MAIN("telemetry/health", TEST(silence_and_half_a_wire_are_told),
           TEST(packets_that_no_service_claims_are_told),
           TEST(links_losses_and_lengths_are_told),
           TEST(workers_that_hang_starve_or_have_too_much_are_told),
           TEST(a_clock_that_is_set_is_told_and_one_that_is_slewed_is_not),
           TEST(bypass_and_an_attack_in_monitor_are_told),
           TEST(every_change_of_the_file_is_named_by_its_path),
           TEST(what_needs_a_restart_or_was_set_by_hand_is_told),
           TEST(why_a_customer_is_blocked_is_one_sentence))
