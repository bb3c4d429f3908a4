/* SPDX-License-Identifier: BSD-3-Clause */
/* The document of each second: which services it keeps, and what the modes spare. */
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
}

static void
end(void)
{
	telemetry_close(t);
	hand_close(box);
}

/* The services that the document has. */
static json_t *
service(const json_t *d, size_t i)
{
	return json_array_get(json_object_get(d, "services"), i);
}

static json_int_t
number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static const char *
text(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

/* Packets a second that came for a service. */
static json_int_t
received(const json_t *of)
{
	const json_t *rates = json_object_get(of, "rates");

	return number(json_object_get(rates, "received"), "packets_per_second");
}

/* Trouble stays, then the busiest; how many there are is told all the same. */
static void
live_keeps_the_services_that_matter(void)
{
	struct telemetry_ask few = ask;
	struct watch_cell *busy;
	char why[160];
	json_t *d;

	begin();
	busy = watch_cell(&box->worker[1].pipeline->watch, 2, VECTOR_TCP_OTHER_FLOOD);
	counter_add(&busy->packets, 1000);
	hand.now_ns += 2000000000;
	CU_ASSERT_EQUAL(telemetry_ask_set(&few, "limit", "1", why), 0);
	d = telemetry_live(t, &few);
	CU_ASSERT_EQUAL(number(d, "services_total"), 3);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "services")), 1);
	CU_ASSERT_EQUAL(received(service(d, 0)), 500);
	json_decref(d);

	hand_flood(box, 5000, 500);
	d = telemetry_live(t, &few);
	CU_ASSERT_STRING_EQUAL(text(service(d, 0), "name"), "shop");
	CU_ASSERT_STRING_EQUAL(text(service(d, 0), "state"), "active");
	json_decref(d);
	d = telemetry_live(t, &ask);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "services")), 3);
	json_decref(d);
	end();
}

/* Each reason of each stage counts, whatever the unit of the threshold was. */
static void
live_tells_what_the_modes_spare(void)
{
	json_t *d;

	begin();
	box->worker[0].pipeline->books.would[0][0] += 600;
	box->worker[1].pipeline->books.would[stage_count][1] += 400;
	hand.now_ns += 2000000000;
	d = telemetry_live(t, &ask);
	CU_ASSERT_EQUAL(number(json_object_get(d, "total"), "would_packets_per_second"),
	                500);
	json_decref(d);
	end();
}

SUITE_MAIN("telemetry/live", TEST(live_keeps_the_services_that_matter),
           TEST(live_tells_what_the_modes_spare))
