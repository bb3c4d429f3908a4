/* SPDX-License-Identifier: BSD-3-Clause */
/* Attacks and minutes that outlive the process, reports and thresholds made of them. */
#include "telemetry/history.h"

#include <fcntl.h>
#include <unistd.h>

#include "store/store.h"
#include "suite.h"
#include "telemetry/by_hand.h"
#include "telemetry/report.h"

#define SECOND UINT64_C(1000000000)

static struct box *box;
static struct telemetry *t;
static struct telemetry_history *h;
static struct telemetry_ask ask;
static char folder[64], told[512];
static unsigned int tellings;

static void
tell(void *arg, bool is_over, const char *message)
{
	(void)arg;
	tellings++;
	snprintf(told, sizeof(told), "%s%s", is_over ? "over: " : "", message);
}

/* One life of the daemon; its clock goes on where the last one's ended. */
static void
live(uint64_t now_ns)
{
	box = hand_open();
	hand.now_ns = now_ns;
	t = telemetry_open(box);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	h = telemetry_history_open(&(struct telemetry_history_from){ .telemetry = t,
	                                                             .memory = 4 << 20,
	                                                             .folder = folder,
	                                                             .size = 64 << 20,
	                                                             .keep_s = 30 * 86400,
	                                                             .tell = tell });
	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	telemetry_ask_init(&ask);
}

static uint64_t
die(void)
{
	const uint64_t now_ns = hand.now_ns;

	telemetry_history_close(h);
	telemetry_close(t);
	hand_close(box);
	return now_ns;
}

/* As kill -9 does it: what was written until now is all there is. */
static uint64_t
crash(void)
{
	const uint64_t now_ns = hand.now_ns;
	char command[256];

	snprintf(command, sizeof(command), "cp -r %s %s.kept", folder, folder);
	CU_ASSERT_EQUAL(system(command), 0);
	die();
	snprintf(command, sizeof(command), "rm -r %s && mv %s.kept %s", folder, folder,
	         folder);
	CU_ASSERT_EQUAL(system(command), 0);
	return now_ns;
}

static void
begin(void)
{
	strcpy(folder, "/tmp/tidegate-remember-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	tellings = 0;
	live(SECOND);
}

static void
clean(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	CU_ASSERT_EQUAL(system(command), 0);
}

static void
second(uint64_t n)
{
	struct watch_cell *c =
		watch_cell(&box->worker[0].pipeline->watch, 1, VECTOR_UDP_FLOOD);

	counter_add(&c->packets, n);
	counter_add(&c->bytes, 100 * n);
	counter_add(&c->passed_packets, n);
	hand.now_ns += SECOND;
	telemetry_history_turn(h);
	telemetry_history_write(h);
}

/* A flood of so many seconds, looked at once a second. */
static void
flood(unsigned int pps, unsigned int seconds)
{
	for (unsigned int i = 0; i < seconds; i++) {
		struct pipeline *pl = box->worker[0].pipeline;

		hand_flood(box, pps, 1000);
		/* Some reason of the shop, so that the report has one. */
		counter_add(&pl->service_reasons[1 * pipeline_reasons() + 2], 10);
		telemetry_history_turn(h);
		telemetry_history_write(h);
	}
}

static void
calm(unsigned int seconds)
{
	for (unsigned int i = 0; i < seconds; i++) {
		hand_flood(box, 0, 1000);
		telemetry_history_turn(h);
		telemetry_history_write(h);
	}
}

static json_t *
attacks_since(const char *since)
{
	char why[160];

	telemetry_ask_init(&ask);
	CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "since", since, why), 0);
	return telemetry_attacks(t, &ask);
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "(none)";
}

static json_int_t
number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static json_t *
entry(const json_t *d, size_t i)
{
	return json_array_get(json_object_get(d, "attacks"), i);
}

static void
attacks_outlive_the_process_once_each(void)
{
	uint64_t now_ns;
	json_t *d;

	begin();
	flood(5000, 4);
	calm(15);
	d = attacks_since("1h");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "attacks")), 1);
	CU_ASSERT_STRING_EQUAL(text(entry(d, 0), "attack_id"), "a-20261121-0001");
	CU_ASSERT_STRING_EQUAL(text(entry(d, 0), "status"), "ended");
	json_decref(d);
	now_ns = die();

	live(now_ns);
	d = attacks_since("1h");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "attacks")), 1);
	CU_ASSERT_STRING_EQUAL(text(entry(d, 0), "attack_id"), "a-20261121-0001");
	CU_ASSERT_PTR_NULL(json_object_get(entry(d, 0), "interrupted"));
	json_decref(d);
	/* Numbers go on, and both are told, newest first. */
	flood(5000, 4);
	d = attacks_since("1h");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "attacks")), 2);
	CU_ASSERT_STRING_EQUAL(text(entry(d, 0), "attack_id"), "a-20261121-0002");
	CU_ASSERT_STRING_EQUAL(text(entry(d, 0), "status"), "ongoing");
	json_decref(d);
	/* What ended before is not asked for; memory alone is asked without a time. */
	d = attacks_since("10s");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "attacks")), 1);
	json_decref(d);
	telemetry_ask_init(&ask);
	d = telemetry_attacks(t, &ask);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "attacks")), 1);
	json_decref(d);
	strcpy(ask.name, "a-20261121-0001");
	d = telemetry_attack(t, &ask);
	CU_ASSERT_STRING_EQUAL(text(json_object_get(d, "attack"), "status"), "ended");
	json_decref(d);
	die();
	clean();
}

static void
an_attack_that_nobody_ended_is_ended_at_the_next_start(void)
{
	uint64_t now_ns;
	json_t *d;

	begin();
	flood(5000, 3);
	now_ns = crash();
	live(now_ns + 60 * SECOND);
	d = attacks_since("1h");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "attacks")), 1);
	CU_ASSERT_STRING_EQUAL(text(entry(d, 0), "status"), "ended");
	CU_ASSERT(json_is_true(json_object_get(entry(d, 0), "interrupted")));
	CU_ASSERT_STRING_NOT_EQUAL(text(entry(d, 0), "end"), "(none)");
	json_decref(d);
	flood(5000, 3);
	telemetry_ask_init(&ask);
	d = telemetry_attacks(t, &ask);
	CU_ASSERT_STRING_EQUAL(text(entry(d, 0), "attack_id"), "a-20261121-0002");
	json_decref(d);
	/* An orderly end in the middle of an attack says so as well. */
	now_ns = die();
	live(now_ns);
	d = attacks_since("1h");
	CU_ASSERT(json_is_true(json_object_get(entry(d, 0), "interrupted")));
	json_decref(d);
	die();
	clean();
}

static void
a_report_tells_the_course(void)
{
	json_t *d, *course, *in;
	char *page;
	uint64_t now_ns;

	begin();
	calm(2);
	flood(5000, 6);
	telemetry_history_event(
		h, &(struct telemetry_history_event){ .unix_ns = UNIX_NS + hand.now_ns,
	                                              .type = "attack",
	                                              .service = "shop",
	                                              .line = "{}",
	                                              .attack = "a-20261121-0001",
	                                              .step = "challenge" });
	flood(5000, 1);
	calm(15);
	now_ns = die();
	live(now_ns);

	telemetry_ask_init(&ask);
	strcpy(ask.name, "a-20261121-0001");
	d = telemetry_report(t, &ask);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	course = json_object_get(d, "course");
	in = json_object_get(course, "received_packets_per_second");
	CU_ASSERT(json_array_size(in) >= 6);
	CU_ASSERT_EQUAL(json_integer_value(json_array_get(in, 2)), 5000);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "steps")), 1);
	CU_ASSERT_STRING_EQUAL(
		text(json_array_get(json_object_get(d, "steps"), 0), "step"),
		"challenge");
	/* Seven times ten packets, the first second's among them. */
	CU_ASSERT_EQUAL(
		number(json_array_get(json_object_get(d, "reasons"), 0), "packets"), 70);
	CU_ASSERT_STRING_EQUAL(
		json_string_value(json_array_get(
			json_object_get(json_object_get(d, "target"), "prefixes"), 0)),
		"203.0.113.10/32");
	CU_ASSERT(json_is_array(json_object_get(d, "sources")));

	json_object_set_new(json_object_get(d, "attack"), "service",
	                    json_string("<script>alert('x')</script>\"&"));
	page = telemetry_report_html(d);
	CU_ASSERT_PTR_NOT_NULL_FATAL(page);
	CU_ASSERT_PTR_NULL(strstr(page, "<script"));
	CU_ASSERT_PTR_NOT_NULL(strstr(
		page, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
	CU_ASSERT_PTR_NOT_NULL(strstr(page, "<svg"));
	CU_ASSERT_PTR_NULL(strstr(page, "http"));
	free(page);
	json_decref(d);
	strcpy(ask.name, "a-20261121-0009");
	CU_ASSERT_PTR_NULL(telemetry_report(t, &ask));
	CU_ASSERT_EQUAL(errno, ENOENT);
	die();
	clean();
}

static json_int_t
mean_of(const char *from, size_t from_end)
{
	char why[160];
	json_t *d, *a;
	json_int_t value;

	telemetry_ask_init(&ask);
	CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "service", "shop", why), 0);
	CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "from", from, why), 0);
	CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "step", "60", why), 0);
	d = telemetry_history(t, &ask);
	a = json_object_get(json_object_get(d, "series"), "received");
	value = json_is_integer(json_array_get(a, json_array_size(a) - 1 - from_end))
	                ? json_integer_value(
				  json_array_get(a, json_array_size(a) - 1 - from_end))
	                : -1;
	json_decref(d);
	return value;
}

static void
minutes_outlive_the_process(void)
{
	uint64_t now_ns;

	begin();
	for (int i = 0; i < 200; i++)
		second(300);
	now_ns = crash();
	live(now_ns + 120 * SECOND);
	/* Minutes 1 and 2 were whole; the gate was away after that. */
	CU_ASSERT_EQUAL(mean_of("10m", 4), 300);
	CU_ASSERT_EQUAL(mean_of("10m", 3), 300);
	CU_ASSERT_EQUAL(mean_of("10m", 1), -1);
	for (int i = 0; i < 120; i++)
		second(100);
	CU_ASSERT_EQUAL(mean_of("10m", 1), 100);
	CU_ASSERT_EQUAL(mean_of("10m", 5), 300);
	CU_ASSERT_EQUAL(tellings, 0);
	die();
	clean();
}

static void
trouble_is_told_once_and_nothing_is_lost(void)
{
	json_t *warnings = json_array(), *status;
	char path[96];
	int fd;

	/* A folder that is none. */
	strcpy(folder, "/tmp/tidegate-remember-XXXXXX");
	fd = mkstemp(folder);
	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	tellings = 0;
	live(SECOND);
	for (int i = 0; i < 130; i++)
		second(300);
	CU_ASSERT_EQUAL(tellings, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "kept in memory alone"));
	telemetry_history_warn(h, warnings);
	CU_ASSERT_EQUAL(json_array_size(warnings), 1);
	status = telemetry_status(t, &ask);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(json_string_value(json_array_get(
			       json_object_get(status, "warnings"),
			       json_array_size(json_object_get(status, "warnings")) - 1)),
	               "kept in memory alone"));
	json_decref(status);
	CU_ASSERT_EQUAL(mean_of("10m", 1), 300);

	/* The folder can be made: everything since the start is written. */
	CU_ASSERT_EQUAL(unlink(folder), 0);
	for (int i = 0; i < 30; i++)
		second(300);
	CU_ASSERT_EQUAL(tellings, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "over: "));
	json_array_clear(warnings);
	telemetry_history_warn(h, warnings);
	CU_ASSERT_EQUAL(json_array_size(warnings), 0);
	live(die());
	CU_ASSERT_EQUAL(mean_of("10m", 2), 300);
	die();

	/* What is no database is set aside, and that is told. */
	snprintf(path, sizeof(path), "%s/" STORE_FILE, folder);
	fd = open(path, O_WRONLY | O_TRUNC);
	CU_ASSERT_EQUAL(write(fd, folder, sizeof(folder)), (ssize_t)sizeof(folder));
	close(fd);
	tellings = 0;
	live(SECOND);
	CU_ASSERT_EQUAL(tellings, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(told, STORE_DAMAGED));
	telemetry_history_warn(h, warnings);
	CU_ASSERT_EQUAL(json_array_size(warnings), 1);
	json_decref(warnings);
	die();
	clean();
}

static json_t *
thresholds(const char *since, bool is_forced)
{
	char why[160];

	telemetry_ask_init(&ask);
	CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "service", "shop", why), 0);
	CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "since", since, why), 0);
	ask.is_forced = is_forced;
	return telemetry_thresholds(t, &ask);
}

/* Minutes with a highest second of 1 to 1,000 are put straight into the store. */
static void
put_quiet_day(void)
{
	char why[STORE_WHY];
	struct store *s = telemetry_history_store(h);

	CU_ASSERT_EQUAL_FATAL(store_begin(s, why), 0);
	for (int64_t i = 0; i < 2000; i++) {
		const int64_t at = UNIX_NS / 1000000000 - 60 * (i + 1);
		struct store_minute m = { .service = "", .vector = "" };

		store_put_minute(s, at, &m);
		m.service = "shop";
		m.is_attack = i >= 1000 && i < 1010;
		m.value[TELEMETRY_PEAK_PACKETS] = (uint64_t)(i % 1000 + 1);
		store_put_minute(s, at, &m);
		m.vector = "udp_flood";
		/* What came in an attack must not count. */
		if (m.is_attack)
			m.value[TELEMETRY_PEAK_PACKETS] = 1000000;
		store_put_minute(s, at, &m);
	}
	CU_ASSERT_EQUAL(store_commit(s, why), 0);
}

static void
thresholds_come_from_quiet_minutes(void)
{
	json_t *d, *v;

	begin();
	second(1);
	d = thresholds("7d", false);
	CU_ASSERT(json_is_false(json_object_get(d, "enough")));
	CU_ASSERT_PTR_NOT_NULL(strstr(text(d, "why"), "24 h are needed"));
	json_decref(d);

	put_quiet_day();
	d = thresholds("7d", false);
	CU_ASSERT(json_is_true(json_object_get(d, "enough")));
	CU_ASSERT_EQUAL(number(d, "minutes"), 1990);
	CU_ASSERT_EQUAL(number(d, "minutes_attacked"), 10);
	v = json_array_get(json_object_get(d, "vectors"), VECTOR_UDP_FLOOD);
	CU_ASSERT_EQUAL(number(json_object_get(v, "packets"), "max"), 1000);
	CU_ASSERT(number(json_object_get(v, "packets"), "p50") >= 500 &&
	          number(json_object_get(v, "packets"), "p50") <= 510);
	CU_ASSERT_EQUAL(number(json_object_get(v, "suggested"), "activate_rate"), 2000);
	CU_ASSERT_STRING_EQUAL(
		text(json_object_get(json_object_get(v, "suggested"), "written"),
	             "activate_rate"),
		"2kpps");
	/* Nothing came of the others. */
	v = json_array_get(json_object_get(d, "vectors"), VECTOR_ICMP_FLOOD);
	CU_ASSERT(json_is_null(json_object_get(v, "suggested")));
	json_decref(d);

	d = thresholds("3h", false);
	CU_ASSERT(json_is_false(json_object_get(d, "enough")));
	json_decref(d);
	d = thresholds("3h", true);
	CU_ASSERT(json_is_true(json_object_get(d, "enough")));
	json_decref(d);
	strcpy(ask.service, "nobody");
	CU_ASSERT_PTR_NULL(telemetry_thresholds(t, &ask));
	die();
	clean();
}

SUITE_MAIN("telemetry/remember", TEST(attacks_outlive_the_process_once_each),
           TEST(an_attack_that_nobody_ended_is_ended_at_the_next_start),
           TEST(a_report_tells_the_course), TEST(minutes_outlive_the_process),
           TEST(trouble_is_told_once_and_nothing_is_lost),
           TEST(thresholds_come_from_quiet_minutes))
