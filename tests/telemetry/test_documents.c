/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/telemetry.h"

#include "suite.h"
#include "telemetry/by_hand.h"
#include "telemetry/sample.h"

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

/* A member by path: "total.rates.received" or "ports.0.link". */
static json_t *
at(json_t *o, const char *path)
{
	char part[64];

	while (o != NULL && *path != '\0') {
		const size_t n = strcspn(path, ".");

		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		o = json_is_array(o) ? json_array_get(o, strtoul(part, NULL, 10))
		                     : json_object_get(o, part);
		path += n + (path[n] == '.');
	}
	return o;
}

static json_int_t
number(json_t *o, const char *path)
{
	json_t *v = at(o, path);

	return json_is_integer(v) ? json_integer_value(v) : -1;
}

static const char *
text(json_t *o, const char *path)
{
	const char *s = json_string_value(at(o, path));

	return s != NULL ? s : "(none)";
}

/* Both workers take in n packets of 100 bytes; one in ten is dropped. */
static void
traffic(uint64_t n)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct books *b = box->worker[i].books[0];

		b[0].received_packets += n;
		b[0].received_bytes += 100 * n;
		b[0].forwarded_packets += n - n / 10;
		b[0].forwarded_bytes += 100 * (n - n / 10);
		b[0].dropped_packets += n / 10;
		b[1].sent_packets += n - n / 10;
	}
}

static void
status_tells_whether_the_books_balance(void)
{
	json_t *d;

	begin();
	traffic(1000);
	d = telemetry_status(t, &ask);
	CU_ASSERT_EQUAL(number(d, "total.received_packets"), 2000);
	CU_ASSERT_EQUAL(number(d, "total.forwarded_packets"), 1800);
	CU_ASSERT_EQUAL(number(d, "total.dropped_packets"), 200);
	CU_ASSERT(json_is_true(at(d, "total.books.balanced")));
	CU_ASSERT(json_is_true(at(d, "ports.0.books.balanced")));
	CU_ASSERT_STRING_EQUAL(text(d, "ports.1.side"), "internal");
	CU_ASSERT_EQUAL(number(d, "ports.0.missed_packets"), 7);
	json_decref(d);

	box->worker[1].books[0][0].received_packets += 5;
	d = telemetry_status(t, &ask);
	CU_ASSERT(json_is_false(at(d, "total.books.balanced")));
	CU_ASSERT(json_is_true(at(d, "total.books.plausible")));
	CU_ASSERT_EQUAL(number(d, "total.books.in_flight_packets"), 5);
	CU_ASSERT(json_is_false(at(d, "ports.0.books.balanced")));
	CU_ASSERT(json_is_true(at(d, "ports.1.books.balanced")));
	json_decref(d);

	box->worker[0].books[0][1].sent_packets += 3;
	box->worker[1].books[0][0].received_packets += 100000;
	d = telemetry_status(t, &ask);
	CU_ASSERT(json_is_false(at(d, "total.books.plausible")));
	CU_ASSERT_EQUAL(number(d, "total.books.unsent_packets"), 3);
	json_decref(d);
	end();
}

/* Worker 0 receives three quarters and hands half of what it has to worker 1; some still wait. */
static void
what_crosses_between_workers_is_told(void)
{
	struct books *b[2];
	json_t *d;

	begin();
	for (unsigned int i = 0; i < 2; i++) {
		b[i] = &box->worker[i].books[0][0];
		b[i]->received_packets = i == 0 ? 3000 : 1000;
	}
	box->handoff_room = 1024;
	box->worker[1].waiting = 100;
	box->worker[1].waiting_most = 700;
	b[0]->handed_packets = 1500;
	b[0]->forwarded_packets = box->worker[0].books[0][1].sent_packets = 1500;
	b[1]->taken_packets = 1400;
	b[1]->forwarded_packets = box->worker[1].books[0][1].sent_packets = 2400;
	hand.now_ns += 2000000000;

	d = telemetry_status(t, &ask);
	/* Each worker's books are right, and what waits is on its way. */
	CU_ASSERT_EQUAL(number(d, "total.books.in_flight_packets"), 100);
	CU_ASSERT(json_is_true(at(d, "total.books.plausible")));
	CU_ASSERT_EQUAL(number(d, "queues.handed_over_packets"), 1500);
	CU_ASSERT_EQUAL(number(d, "queues.waiting_packets"), 100);
	CU_ASSERT_EQUAL(json_real_value(at(d, "queues.received_imbalance")), 1.5);
	CU_ASSERT_EQUAL(json_real_value(at(d, "queues.judged_imbalance")), 1.2308);
	json_decref(d);

	d = telemetry_workers(t, &ask);
	CU_ASSERT_EQUAL(number(d, "workers.0.handed_over_packets"), 1500);
	CU_ASSERT_EQUAL(number(d, "workers.0.judged_packets"), 1500);
	CU_ASSERT_EQUAL(number(d, "workers.1.judged_packets"), 2400);
	CU_ASSERT_EQUAL(number(d, "workers.1.taken_over_packets"), 1400);
	CU_ASSERT_EQUAL(number(d, "workers.1.waiting_packets"), 100);
	CU_ASSERT_EQUAL(number(d, "workers.1.waiting_most_packets"), 700);
	CU_ASSERT_EQUAL(number(d, "workers.1.waiting_room_packets"), 1024);
	CU_ASSERT_EQUAL(json_real_value(at(d, "workers.0.received_share")), 0.75);
	json_decref(d);

	b[1]->taken_packets += 100;
	b[1]->dropped_packets += 100;
	d = telemetry_status(t, &ask);
	CU_ASSERT(json_is_true(at(d, "total.books.balanced")));
	json_decref(d);
	end();
}

static void
rates_come_from_a_stated_window_of_a_second_and_more(void)
{
	json_t *d;

	begin();
	d = telemetry_status(t, &ask);
	CU_ASSERT_EQUAL(number(d, "total.rates.received.packets_per_second"), 0);
	json_decref(d);

	traffic(1000);
	hand.now_ns += 2000000000;
	d = telemetry_status(t, &ask);
	CU_ASSERT_EQUAL(json_real_value(at(d, "window_seconds")), 2.0);
	CU_ASSERT_EQUAL(number(d, "total.rates.received.packets_per_second"), 1000);
	CU_ASSERT_EQUAL(number(d, "total.rates.received.bits_per_second"), 800000);
	CU_ASSERT_EQUAL(number(d, "total.rates.dropped.packets_per_second"), 100);
	json_decref(d);

	/* A question shortly after reaches back to the sample before the stored one. */
	hand.now_ns += 500000000;
	d = telemetry_live(t, &ask);
	CU_ASSERT_EQUAL(json_real_value(at(d, "window_seconds")), 2.5);
	CU_ASSERT_EQUAL(number(d, "total.received.packets_per_second"), 800);
	CU_ASSERT_EQUAL(number(d, "inbound.received.packets_per_second"), 800);
	CU_ASSERT_EQUAL(number(d, "inbound.dropped.packets_per_second"), 80);
	CU_ASSERT_EQUAL(number(d, "outbound.received.packets_per_second"), 0);
	json_decref(d);

	hand.now_ns += 1000000000;
	d = telemetry_live(t, &ask);
	CU_ASSERT_EQUAL(json_real_value(at(d, "window_seconds")), 1.5);
	CU_ASSERT_EQUAL(number(d, "total.received.packets_per_second"), 0);
	json_decref(d);
	end();
}

static void
status_says_who_and_what(void)
{
	json_t *d;

	begin();
	hand.now_ns += 60000000000;
	strcpy(box->warnings[box->n_warnings++], "no hugepages");
	d = telemetry_status(t, &ask);
	CU_ASSERT_STRING_EQUAL(text(d, "time"), "2026-11-21T22:31:01.000Z");
	CU_ASSERT_STRING_EQUAL(text(d, "started"), "2026-11-21T22:30:00.000Z");
	CU_ASSERT_EQUAL(json_real_value(at(d, "uptime_seconds")), 61.0);
	CU_ASSERT_STRING_EQUAL(text(d, "mode"), "mitigate");
	CU_ASSERT_EQUAL(number(d, "services"), 2);
	CU_ASSERT_EQUAL(number(d, "config.generation"), 3);
	CU_ASSERT_STRING_EQUAL(text(d, "config.file"), "test");
	CU_ASSERT_STRING_EQUAL(text(d, "warnings.0"), "no hugepages");
	CU_ASSERT_STRING_EQUAL(text(d, "warnings.1"),
	                       "the file of the list 'feed' was refused: \"evil\" is not "
	                       "a prefix; what was read before stays in force");
	json_decref(d);

	box->policies->service[2].policy = 0;
	box->policies->policy[0].mode = POLICY_MONITOR;
	d = telemetry_status(t, &ask);
	CU_ASSERT_STRING_EQUAL(text(d, "mode"), "mixed");
	json_decref(d);
	end();
}

static void
every_reason_is_told_with_class_and_help(void)
{
	json_t *d, *list, *r;
	size_t i;

	begin();
	box->worker[0].pipeline->books.decided[stage_count][STAGE_IO_TX_FULL] = 4;
	box->worker[1].pipeline->books.decided[stage_count][STAGE_IO_TX_FULL] = 5;
	d = telemetry_reasons(t, &ask);
	list = at(d, "reasons");
	CU_ASSERT_EQUAL(json_array_size(list), pipeline_reasons());
	json_array_foreach(list, i, r)
	{
		unsigned int stage;
		const struct stage_reason *info =
			pipeline_reason_info((unsigned int)i, &stage);
		char name[128];

		snprintf(name, sizeof(name), "%s.%s", telemetry_stage(stage)->name,
		         info->name);
		CU_ASSERT_STRING_EQUAL(text(r, "reason"), name);
		CU_ASSERT_STRING_EQUAL(text(r, "help"), info->help);
		CU_ASSERT_STRING_EQUAL(text(r, "class"),
		                       info->class == REASON_DROP ? "drop" : "challenge");
		CU_ASSERT_EQUAL(number(r, "packets"),
		                strcmp(name, "io.tx_full") == 0 ? 9 : 0);
	}
	json_decref(d);
	end();
}

static void
an_attack_has_an_id_a_trigger_and_an_end(void)
{
	json_t *d;

	begin();
	hand_flood(box, 10000, 500);
	d = telemetry_attacks(t, &ask);
	CU_ASSERT_EQUAL(number(d, "active"), 1);
	CU_ASSERT_STRING_EQUAL(text(d, "attacks.0.attack_id"), "a-20261121-0001");
	CU_ASSERT_STRING_EQUAL(text(d, "attacks.0.vector"), "udp_flood");
	CU_ASSERT_STRING_EQUAL(text(d, "attacks.0.service"), "shop");
	CU_ASSERT_STRING_EQUAL(text(d, "attacks.0.status"), "ongoing");
	CU_ASSERT_EQUAL(number(d, "attacks.0.trigger.threshold"), 1000);
	CU_ASSERT(json_is_null(at(d, "attacks.0.end")));
	CU_ASSERT(number(d, "attacks.0.peak_packets_per_second") >= 9000);
	json_decref(d);

	d = telemetry_status(t, &ask);
	CU_ASSERT_EQUAL(number(d, "attacks_active"), 1);
	json_decref(d);
	hand_flood(box, 0, 3000);
	ask.active_only = true;
	d = telemetry_attacks(t, &ask);
	CU_ASSERT_EQUAL(json_array_size(at(d, "attacks")), 0);
	CU_ASSERT_EQUAL(number(d, "remembered"), 1);
	json_decref(d);

	strcpy(ask.name, "a-20261121-0001");
	d = telemetry_attack(t, &ask);
	CU_ASSERT_STRING_EQUAL(text(d, "attack.status"), "ended");
	CU_ASSERT(json_is_string(at(d, "attack.end")));
	json_decref(d);
	strcpy(ask.name, "a-20261121-0002");
	errno = 0;
	CU_ASSERT_PTR_NULL(telemetry_attack(t, &ask));
	CU_ASSERT_EQUAL(errno, ENOENT);
	end();
}

static void
a_service_shows_thresholds_values_and_reasons(void)
{
	json_t *d;

	begin();
	hand_flood(box, 500 * 2, 300);
	box->worker[1].pipeline->service_would[1 * pipeline_reasons()] = 6;
	strcpy(ask.name, "shop");
	d = telemetry_service(t, &ask);
	CU_ASSERT_STRING_EQUAL(text(d, "service.policy"), "web");
	CU_ASSERT_STRING_EQUAL(text(d, "service.prefixes.0"), "203.0.113.10/32");
	CU_ASSERT_STRING_EQUAL(text(d, "service.protocol"), "tcp");
	CU_ASSERT_STRING_EQUAL(text(d, "service.vectors.2.vector"), "udp_flood");
	CU_ASSERT_EQUAL(number(d, "service.vectors.2.activate_rate.packets_per_second"),
	                1000);
	CU_ASSERT_EQUAL(number(d, "service.vectors.2.packets_per_second"), 1000);
	CU_ASSERT(json_is_null(at(d, "service.vectors.0.activate_rate")));
	CU_ASSERT_EQUAL(json_real_value(at(d, "service.headroom_ratio")), 0);
	CU_ASSERT_EQUAL(number(d, "service.reasons.0.would_packets"), 6);
	CU_ASSERT_EQUAL(number(d, "service.received_packets"), 300);
	json_decref(d);
	strcpy(ask.name, "shops");
	CU_ASSERT_PTR_NULL(telemetry_service(t, &ask));
	d = telemetry_services(t, &ask);
	CU_ASSERT_EQUAL(json_array_size(at(d, "services")), 3);
	json_decref(d);
	end();
}

static void
top_adds_up_what_several_workers_saw(void)
{
	uint8_t a[16], b[16], to[16];
	json_t *d;

	begin();
	hand_address("192.0.2.1", a);
	hand_address("192.0.2.2", b);
	hand_address("203.0.113.10", to);
	for (unsigned int w = 0; w < 2; w++) {
		struct talkers *k = &box->worker[w].pipeline->talkers;

		talkers_turn(k, 1000000000);
		for (unsigned int i = 0; i < 4000; i++)
			talkers_add(k, a, to, 100);
		for (unsigned int i = 0; i < 4000 * w; i++)
			talkers_add(k, b, to, 1000);
		talkers_turn(k, 2000000001);
	}
	d = telemetry_top(t, &ask);
	CU_ASSERT(json_is_true(at(d, "estimated")));
	CU_ASSERT_STRING_EQUAL(text(d, "top.0.address"), "192.0.2.1");
	/* One packet in 32 is looked at, so what is told is near, not exact. */
	CU_ASSERT(labs((long)number(d, "top.0.packets_per_second") - 8000) < 1200);
	CU_ASSERT(labs((long)number(d, "top.1.packets_per_second") - 4000) < 800);
	json_decref(d);
	ask.by_bits = true;
	ask.limit = 1;
	d = telemetry_top(t, &ask);
	CU_ASSERT_EQUAL(json_array_size(at(d, "top")), 1);
	CU_ASSERT_STRING_EQUAL(text(d, "top.0.address"), "192.0.2.2");
	json_decref(d);
	end();
}

static void
explain_says_it_in_a_sentence(void)
{
	json_t *d;

	begin();
	errno = 0;
	CU_ASSERT_PTR_NULL(telemetry_explain(t, &ask));
	CU_ASSERT_EQUAL(errno, EINVAL);

	hand_address("198.51.100.7", ask.address);
	ask.has_address = true;
	hand.line[0] = (struct explain_line){ .what = "packets",
		                              .unit = "packets_per_second",
		                              .value = 7200,
		                              .threshold = 5000,
		                              .verdict = "over",
		                              .service = 1 };
	hand.line[1] = (struct explain_line){ .what = "flow",
		                              .unit = "",
		                              .verdict = "verified" };
	hand_address("203.0.113.10", hand.line[1].peer);
	hand.line[2] = (struct explain_line){ .what = "last drop",
		                              .unit = "",
		                              .verdict = "sources.packets",
		                              .age_ns = 2500000000 };
	d = telemetry_explain(t, &ask);
	CU_ASSERT_STRING_EQUAL(text(d, "lists.0.list"), "bad");
	CU_ASSERT_STRING_EQUAL(text(d, "meters.0.service"), "shop");
	CU_ASSERT_EQUAL(number(d, "meters.0.threshold"), 5000);
	CU_ASSERT_STRING_EQUAL(text(d, "flows.0.peer"), "203.0.113.10");
	CU_ASSERT_STRING_EQUAL(text(d, "sentence"),
	                       "198.51.100.7: No service protects it; it is a client "
	                       "here. It is on the deny "
	                       "list \"bad\" as 198.51.100.0/24. Its packets are over "
	                       "the limit: 7200 against "
	                       "5000 packets_per_second. It has 1 flow here, 1 of them "
	                       "verified. Its last drop "
	                       "was 2.5 s ago, for sources.packets.");
	json_decref(d);

	hand_address("203.0.113.10", ask.address);
	memset(hand.line, 0, sizeof(hand.line));
	d = telemetry_explain(t, &ask);
	CU_ASSERT_STRING_EQUAL(text(d, "services.0.service"), "shop");
	CU_ASSERT_STRING_EQUAL(text(d, "sentence"),
	                       "203.0.113.10: It is protected as service \"shop\" by "
	                       "policy \"web\" in mode "
	                       "mitigate. It is on no list. It has no flow here. No "
	                       "recent packet of it was "
	                       "dropped.");
	json_decref(d);
	hand.rc = -ETIMEDOUT;
	errno = 0;
	CU_ASSERT_PTR_NULL(telemetry_explain(t, &ask));
	CU_ASSERT_EQUAL(errno, ETIMEDOUT);
	end();
}

static void
config_is_told_as_the_file_would_write_it(void)
{
	json_t *d;

	begin();
	d = telemetry_config(t, &ask);
	CU_ASSERT_STRING_EQUAL(text(d, "config.links.0.internal"), "net_null1");
	CU_ASSERT_STRING_EQUAL(text(d, "config.lists.0.prefixes.0"), "198.51.100.0/24");
	CU_ASSERT_STRING_EQUAL(text(d, "config.lists.0.action"), "deny");
	CU_ASSERT_STRING_EQUAL(text(d, "config.lists.0.on_error"), "refuse");
	CU_ASSERT_STRING_EQUAL(text(d, "config.lists.0.refresh"), "0s");
	CU_ASSERT_STRING_EQUAL(text(d, "config.policies.1.name"), "web");
	CU_ASSERT_STRING_EQUAL(text(d, "config.policies.1.vectors.0.activate_rate"),
	                       "1kpps");
	CU_ASSERT_STRING_EQUAL(text(d, "config.services.0.ports.1"), "8000-8099");
	CU_ASSERT_STRING_EQUAL(text(d, "config.api_tokens_file"), "/etc/tidegate/tokens");
	json_decref(d);
	end();
}

static void
ready_means_workers_move_and_links_are_up(void)
{
	char why[160];

	begin();
	CU_ASSERT(telemetry_ready(t, why));
	hand.is_link_down = true;
	CU_ASSERT(!telemetry_ready(t, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "veth0 is down"));
	hand.is_link_down = false;
	hand.now_ns += 3000000000;
	box->worker[0].last_turn_ns = hand.now_ns;
	CU_ASSERT(!telemetry_ready(t, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "worker 1"));
	end();
}

SUITE_MAIN("telemetry/documents", TEST(status_tells_whether_the_books_balance),
           TEST(what_crosses_between_workers_is_told),
           TEST(rates_come_from_a_stated_window_of_a_second_and_more),
           TEST(status_says_who_and_what), TEST(every_reason_is_told_with_class_and_help),
           TEST(an_attack_has_an_id_a_trigger_and_an_end),
           TEST(a_service_shows_thresholds_values_and_reasons),
           TEST(top_adds_up_what_several_workers_saw),
           TEST(explain_says_it_in_a_sentence),
           TEST(config_is_told_as_the_file_would_write_it),
           TEST(ready_means_workers_move_and_links_are_up))
