/* SPDX-License-Identifier: BSD-3-Clause */
/* What was, compared with what the test made happen, second by second. */
#include "telemetry/history.h"

#include "suite.h"
#include "telemetry/by_hand.h"
#include "telemetry/frames.h"
#include "telemetry/when.h"

#define SECOND UINT64_C(1000000000)

static struct box *box;
static struct telemetry *t;
static struct telemetry_history *h;
static struct telemetry_ask ask;

static void
begin(uint64_t memory)
{
	struct telemetry_history_from from = { .memory = memory };

	box = hand_open();
	hand.now_ns = SECOND;
	t = telemetry_open(box);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	from.telemetry = t;
	h = telemetry_history_open(&from);
	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	telemetry_ask_init(&ask);
}

static void
end(void)
{
	telemetry_history_close(h);
	telemetry_close(t);
	hand_close(box);
}

/* In one second `n` packets of 100 bytes come for the shop, of which a tenth is dropped. */
static void
second(uint64_t n)
{
	for (unsigned int w = 0; w < 2; w++) {
		struct watch_cell *c =
			watch_cell(&box->worker[w].pipeline->watch, 1, VECTOR_UDP_FLOOD);
		struct books *b = box->worker[w].books[0];

		counter_add(&c->packets, n / 2);
		counter_add(&c->bytes, n / 2 * 100);
		counter_add(&c->passed_packets, n / 2 - n / 20);
		counter_add(&c->dropped_packets, n / 20);
		counter_add(&c->would_packets, n / 100);
		b[0].received_packets += n / 2;
		b[0].received_bytes += n / 2 * 100;
		b[0].dropped_packets += n / 20;
		b[1].received_packets += 5;
	}
	hand.now_ns += SECOND;
	telemetry_history_turn(h);
}

static json_t *
asked(const char *service, const char *from, const char *step)
{
	char why[160];

	telemetry_ask_init(&ask);
	if (service != NULL)
		CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "service", service, why), 0);
	CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "from", from, why), 0);
	if (step != NULL)
		CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "step", step, why), 0);
	return telemetry_history(t, &ask);
}

/* The i-th value of a series from its end; -1 for null. */
static json_int_t
from_end(json_t *d, const char *name, size_t i)
{
	json_t *a = json_object_get(json_object_get(d, "series"), name);
	const size_t n = json_array_size(a);
	json_t *v = i < n ? json_array_get(a, n - 1 - i) : NULL;

	return json_is_integer(v) ? json_integer_value(v) : -1;
}

static void
each_second_is_told_as_it_was(void)
{
	json_t *d;

	begin(1 << 20);
	second(1000);
	second(2000);
	second(0);
	d = asked("shop", "5s", "1s");
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "times")), 5);
	CU_ASSERT_EQUAL(
		json_integer_value(json_array_get(json_object_get(d, "times"), 4)),
		UNIX_NS / 1000000000 + 3);
	CU_ASSERT_EQUAL(from_end(d, "received", 0), 0);
	CU_ASSERT_EQUAL(from_end(d, "received", 1), 2000);
	CU_ASSERT_EQUAL(from_end(d, "received", 2), 1000);
	CU_ASSERT_EQUAL(from_end(d, "received", 3), -1);
	CU_ASSERT_EQUAL(from_end(d, "dropped", 1), 200);
	CU_ASSERT_EQUAL(from_end(d, "would", 1), 40);
	json_decref(d);

	ask.by_bits = true;
	d = telemetry_history(t, &ask);
	CU_ASSERT_EQUAL(from_end(d, "received", 1), 2000 * 800);
	CU_ASSERT_PTR_NULL(json_object_get(json_object_get(d, "series"), "would"));
	json_decref(d);

	d = asked(NULL, "5s", "1s");
	CU_ASSERT(json_is_null(json_object_get(d, "service")));
	CU_ASSERT_EQUAL(from_end(d, "received", 1), 2000);
	CU_ASSERT_EQUAL(from_end(d, "outbound", 0), 10);
	CU_ASSERT_EQUAL(from_end(d, "would", 1), 40);
	json_decref(d);

	CU_ASSERT_PTR_NULL(asked("nobody", "5s", NULL));
	CU_ASSERT_EQUAL(errno, ENOENT);
	end();
}

/* 130 s: the first second of the clock is second 1 of its minute. */
static void
minutes_have_their_mean_and_their_highest_second(void)
{
	json_t *d;

	begin(1 << 20);
	for (unsigned int i = 0; i < 130; i++)
		second(i % 10 == 0 ? 5000 : 100);
	d = asked("shop", "3m", "60");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(d, "step_seconds")), 60);
	CU_ASSERT_EQUAL(from_end(d, "received", 1), (6 * 5000 + 54 * 100) / 60);
	CU_ASSERT_EQUAL(from_end(d, "received_peak", 1), 5000);
	/* Of the minute that runs the seconds are known. */
	CU_ASSERT(from_end(d, "received", 0) >= 100 &&
	          from_end(d, "received", 0) <= 5000);
	CU_ASSERT_EQUAL(from_end(d, "received", 3), -1);
	json_decref(d);

	ask.vector = VECTOR_UDP_FLOOD;
	d = telemetry_history(t, &ask);
	CU_ASSERT_EQUAL(from_end(d, "received", 1), (6 * 5000 + 54 * 100) / 60);
	CU_ASSERT_EQUAL(from_end(d, "received", 0), -1);
	CU_ASSERT_PTR_NULL(json_object_get(json_object_get(d, "series"), "answered"));
	json_decref(d);
	end();
}

static void
an_attack_is_marked_where_it_ran(void)
{
	json_t *d, *a;

	begin(1 << 20);
	second(100);
	hand_flood(box, 5000, 1500);
	telemetry_history_turn(h);
	d = asked("shop", "10s", "1s");
	a = json_object_get(d, "attack");
	CU_ASSERT_EQUAL(json_integer_value(json_array_get(a, json_array_size(a) - 1)), 1);
	CU_ASSERT(json_is_null(json_array_get(a, 0)));
	json_decref(d);
	end();
}

static void
a_service_that_goes_leaves_its_past_and_no_wrong_sum(void)
{
	json_t *d;

	begin(1 << 20);
	second(1000);
	box->policies->service[1].name[0] = '\0';
	second(1000);
	strcpy(box->policies->service[1].name, "store");
	second(1000);
	second(3000);
	d = asked("shop", "5s", "1s");
	CU_ASSERT_EQUAL(from_end(d, "received", 3), 1000);
	CU_ASSERT_EQUAL(from_end(d, "received", 0), 0);
	json_decref(d);
	d = asked("store", "5s", "1s");
	CU_ASSERT_EQUAL(from_end(d, "received", 0), 3000);
	CU_ASSERT_EQUAL(from_end(d, "received", 1), 0);
	json_decref(d);
	d = asked(NULL, "5s", "1s");
	CU_ASSERT_EQUAL(from_end(d, "would", 0), 60);
	CU_ASSERT_EQUAL(from_end(d, "would", 2), 0);
	json_decref(d);
	end();
}

static void
steps_fit_what_is_asked(void)
{
	static const struct {
		const char *from, *step;
		json_int_t want;
	} rows[] = {
		{ "5m", NULL, 1 },   { "10m", NULL, 1 },        { "11m", NULL, 60 },
		{ "24h", NULL, 60 }, { "7d", NULL, 600 },       { "2h", "1s", 60 },
		{ "24h", "90", 60 }, { "24h", "5m", 300 },      { "365d", "60", 7200 },
		{ "5m", "10s", 10 }, { "0", NULL, 14 * 86400 },
	};

	begin(1 << 20);
	second(1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *d = asked(NULL, rows[i].from, rows[i].step);
		json_t *times = json_object_get(d, "times");

		CU_ASSERT_EQUAL(json_integer_value(json_object_get(d, "step_seconds")),
		                rows[i].want);
		CU_ASSERT(json_array_size(times) <= 5000);
		CU_ASSERT_EQUAL(json_array_size(times),
		                json_array_size(json_object_get(
					json_object_get(d, "series"), "received")));
		json_decref(d);
	}
	end();
}

static void
frames_are_bounded_and_found(void)
{
	struct telemetry_row row[3] = { { .name = 0, .vector = 6 },
		                        { .name = 1, .vector = 2 },
		                        { .name = 1, .vector = 6 } };
	struct telemetry_frames f;

	CU_ASSERT_EQUAL_FATAL(telemetry_frames_open(&f, 4, 10 * sizeof(row)), 0);
	for (int i = 0; i < 7; i++) {
		row[2].value[0] = (uint64_t)i;
		CU_ASSERT_EQUAL(telemetry_frames_add(&f, 60 * i, row, 3), 0);
	}
	CU_ASSERT_EQUAL(f.count, 4);
	CU_ASSERT_EQUAL(f.dropped, 3);
	CU_ASSERT_EQUAL(telemetry_frames_at(&f, 0)->at_s, 180);
	CU_ASSERT_EQUAL(telemetry_frames_from(&f, 181), 1);
	CU_ASSERT_EQUAL(telemetry_frames_from(&f, 0), 0);
	CU_ASSERT_EQUAL(telemetry_frames_from(&f, 361), 4);
	CU_ASSERT_EQUAL(telemetry_frame_row(telemetry_frames_at(&f, 3), 1, 6)->value[0],
	                6);
	CU_ASSERT_PTR_NULL(telemetry_frame_row(telemetry_frames_at(&f, 3), 2, 6));
	/* A clock that goes back overwrites, and order stays. */
	CU_ASSERT_EQUAL(telemetry_frames_add(&f, 60, row, 1), 0);
	CU_ASSERT_EQUAL(f.count, 4);
	CU_ASSERT_EQUAL(telemetry_frames_at(&f, 3)->at_s, 360);
	CU_ASSERT_EQUAL(telemetry_frames_at(&f, 3)->rows, 1);
	telemetry_frames_close(&f);

	CU_ASSERT_EQUAL_FATAL(telemetry_frames_open(&f, 100, 2 * sizeof(row)), 0);
	for (int i = 0; i < 7; i++)
		CU_ASSERT_EQUAL(telemetry_frames_add(&f, i, row, 3), 0);
	CU_ASSERT_EQUAL(f.count, 2);
	CU_ASSERT_EQUAL(f.bytes, 2 * sizeof(row));
	telemetry_frames_close(&f);
}

static void
moments_are_read_or_refused(void)
{
	static const struct {
		const char *text;
		int64_t want; /* Unix time at 1,000,000; -1: refused */
	} rows[] = {
		{ "10s", 999990 },
		{ "-10s", 999990 },
		{ "1d", 913600 },
		{ "1700000000", 1700000000 },
		{ "2026-11-21T22:30:00Z", 1795300200 },
		{ "2026-11-21T22:30:00.123456Z", 1795300200 },
		{ "2026-11-21t22:30:00z", 1795300200 },
		{ "2026-11-21 23:30:00+01:00", 1795300200 },
		{ "2026-11-21T17:00:00-05:30", 1795300200 },
		{ "2026-11-21", 1795219200 },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T00:00:00+01:00", -1 },
		{ "2026-11-31", -1 },
		{ "2026-02-29", -1 },
		{ "2024-02-29", 1709164800 },
		{ "2026-13-01", -1 },
		{ "2026-11-21T24:00:00Z", -1 },
		{ "2026-11-21T22:30Z", -1 },
		{ "2026-11-21T22:30:00", -1 },
		{ "2026-11-21T22:30:00.Z", -1 },
		{ "2026-11-21T22:30:00Zx", -1 },
		{ "1969-12-31T23:59:59Z", -1 },
		{ "99999999999999999999", -1 },
		{ "7", 7 },
		{ "--7d", -1 },
		{ "7x", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct telemetry_when w = { TELEMETRY_NEVER, 5 };
		const int rc = telemetry_when_parse(rows[i].text, &w);

		CU_ASSERT_EQUAL(rc, rows[i].want < 0 ? -EINVAL : 0);
		if (rc == 0) {
			CU_ASSERT_EQUAL(telemetry_when_of(&w, 1000000, 0), rows[i].want);
		} else {
			CU_ASSERT_EQUAL(w.kind, TELEMETRY_NEVER);
		}
	}
}

SUITE_MAIN("telemetry/history", TEST(each_second_is_told_as_it_was),
           TEST(minutes_have_their_mean_and_their_highest_second),
           TEST(an_attack_is_marked_where_it_ran),
           TEST(a_service_that_goes_leaves_its_past_and_no_wrong_sum),
           TEST(steps_fit_what_is_asked), TEST(frames_are_bounded_and_found),
           TEST(moments_are_read_or_refused))
