/* SPDX-License-Identifier: BSD-3-Clause */
/* How many time series a box exports at most, and that nothing is lost or goes back for it. */
#define CELLS 1024 /* as many as there may be */

#include "telemetry/series.h"

#include <time.h>

#include "suite.h"
#include "telemetry/by_hand.h"

#define ALL     CELLS
#define WORKERS 2 /* of the box by hand */

static struct box *box;
static struct telemetry *t;

static void
begin(unsigned int services)
{
	struct policies *p;

	box = hand_open();
	p = box->policies;
	for (unsigned int i = 1; i < services; i++) {
		snprintf(p->service[i].name, sizeof(p->service[i].name), "customer-%04u",
		         i);
		p->service[i].policy = 1;
	}
	p->n_services = services;
	for (unsigned int k = 0; k < VECTOR_COUNT; k++)
		hand_rule(&p->policy[1].rule[k], 1000);
	t = telemetry_open(box);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
}

static void
end(void)
{
	telemetry_close(t);
	hand_close(box);
}

/* `n` packets of a vector, of which each reason stops one. */
static void
meet(unsigned int service, unsigned int slot, unsigned int reasons, uint64_t n)
{
	struct pipeline *pl = box->worker[service % WORKERS].pipeline;
	struct watch_cell *c = watch_cell(&pl->watch, service, slot);

	counter_add(&c->packets, n);
	counter_add(&c->dropped_packets, reasons);
	for (unsigned int r = 0; r < reasons; r++) {
		counter_add(&pl->service_reasons[service * pipeline_reasons() + r], 1);
		counter_add(&pl->service_would[service * pipeline_reasons() + r], 1);
	}
}

/* Every service is flooded with everything at once: more attacks than are remembered. */
static void
attack_all(void)
{
	for (unsigned int i = 1; i < ALL; i++)
		for (unsigned int k = 0; k < VECTOR_COUNT; k++) {
			struct watch *w = &box->worker[0].pipeline->watch;

			counter_set(&watch_cell(w, i, k)->armed_ns, hand.now_ns);
			w->hot_ns = hand.now_ns;
			meet(i, k, pipeline_reasons(), 1000);
		}
	for (unsigned int i = 0; i < 20; i++) {
		hand.now_ns += DETECT_TICK_NS;
		detect_tick(box->detect, box->policies, hand.now_ns);
	}
}

/* Samples of the page whose line has that text; NULL: all. The search is told where the line
 * ends: what a sanitizer puts in the place of strstr() measures the whole page each time. */
static unsigned int
samples(const char *text, const char *what)
{
	unsigned int n = 0;
	const char *end;

	for (const char *line = text; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		n += *line != '#' && (what == NULL || memmem(line, (size_t)(end - line),
		                                             what, strlen(what)) != NULL);
	}
	return n;
}

/* The value of the one line that begins so, or UINT64_MAX. */
static uint64_t
value(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line == NULL ? UINT64_MAX : strtoull(line + strlen(name), NULL, 10);
}

static void
the_largest_box_under_the_worst_attack_stays_within_the_budget(void)
{
	unsigned int all, by_worker, by_link;
	char *text;

	begin(ALL);
	attack_all();
	text = telemetry_metrics(t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	all = samples(text, NULL);
	by_worker =
		samples(text, "{worker=\"0\"") + 10; /* tables, which this box has not */
	by_link = samples(text, "{link=\"uplink\"") + samples(text, "{pool=");
	CU_ASSERT(by_worker >= 22 && by_link >= 38);
	printf("(%u series, with every worker and link %u) ", all,
	       all + by_worker * (BOX_WORKERS_MAX - WORKERS) +
	               by_link * (BOX_LINKS_MAX - 1));
	CU_ASSERT(all > 15000);
	CU_ASSERT(all + by_worker * (BOX_WORKERS_MAX - WORKERS) +
	                  by_link * (BOX_LINKS_MAX - 1) <=
	          SERIES_BUDGET);
	/* The page says so itself, but for the lines about that. */
	CU_ASSERT_EQUAL(value(text, "\ntidegate_metrics_series ") + 5, all);
	CU_ASSERT_EQUAL(value(text, "tidegate_metrics_is_full{of=\"reasons\"} "), 1);
	CU_ASSERT_EQUAL(samples(text, "tidegate_attacks_active{service=\"customer"),
	                SERIES_ATTACKS);
	free(text);
	end();
}

static void
services_beyond_the_number_are_one(void)
{
	char *text;

	begin(ALL);
	for (unsigned int i = 1; i < ALL; i++)
		meet(i, VECTOR_UDP_FLOOD, 0, i);
	text = telemetry_metrics(t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_EQUAL(
		value(text,
	              "tidegate_received_packets_total{service=\"customer-1000\"} "),
		1000);
	CU_ASSERT_PTR_NULL(strstr(text, "customer-1001"));
	/* 1,001 to 1,023. */
	CU_ASSERT_EQUAL(
		value(text, "tidegate_received_packets_total{service=\"other\"} "),
		23276);
	CU_ASSERT_EQUAL(samples(text, "tidegate_mode{"), SERIES_SERVICES + 1);
	free(text);
	end();
}

static void
a_service_may_be_called_other(void)
{
	char *text;

	begin(ALL);
	strcpy(box->policies->service[7].name, "other");
	meet(7, VECTOR_UDP_FLOOD, 0, 77);
	meet(1010, VECTOR_UDP_FLOOD, 0, 3);
	text = telemetry_metrics(t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_EQUAL(
		value(text, "tidegate_received_packets_total{service=\"other\"} "), 77);
	CU_ASSERT_EQUAL(
		value(text, "tidegate_received_packets_total{service=\"(other)\"} "), 3);
	free(text);
	end();
}

/* The sum of one family, however it is split. */
static uint64_t
sum_of(const char *text, const char *family)
{
	uint64_t sum = 0;

	for (const char *at = strstr(text, family); at != NULL;
	     at = strstr(at + 1, family))
		sum += strtoull(strchr(at, '}') + 1, NULL, 10);
	return sum;
}

/* What got no series of its own counts all the same, and nobody changes sides. */
static void
nothing_is_lost_and_no_counter_goes_back(void)
{
	uint64_t others = 0, first = 0, expected = 0;

	begin(ALL);
	for (unsigned int round = 0; round < 4; round++) {
		char *text;
		uint64_t now;

		/* A third of them in each round, so that some find the budget used up. */
		for (unsigned int i = 1 + round; i < ALL; i += 3) {
			meet(i, VECTOR_TCP_SYN_FLOOD, pipeline_reasons(), 10);
			expected += pipeline_reasons();
		}
		text = telemetry_metrics(t);
		CU_ASSERT_PTR_NOT_NULL_FATAL(text);
		CU_ASSERT_EQUAL(sum_of(text, "tidegate_dropped_packets_total{"),
		                expected);
		CU_ASSERT_EQUAL(sum_of(text, "tidegate_would_drop_packets_total{"),
		                expected);
		now = sum_of(text, "tidegate_dropped_packets_total{service=\"other\"");
		CU_ASSERT(now > others);
		others = now;
		now = sum_of(text, "tidegate_dropped_packets_total{service=\"customer-"
		                   "0001\"");
		CU_ASSERT(now >= first && now > 0);
		first = now;
		free(text);
	}
	end();
}

/* A reload that takes services away takes their series, and nothing from the others'. */
static void
a_reload_resets_no_counter(void)
{
	static const char others[] =
		"tidegate_received_packets_total{service=\"other\"} ";
	static const char shop[] =
		"tidegate_received_packets_total{service=\"customer-0001\"} ";
	char *text;

	begin(ALL);
	meet(1, VECTOR_UDP_FLOOD, 0, 50);
	meet(1020, VECTOR_UDP_FLOOD, 0, 5);
	text = telemetry_metrics(t);
	CU_ASSERT(value(text, others) == 5 && value(text, shop) == 50);
	free(text);
	box->policies->n_services = 2;
	text = telemetry_metrics(t);
	CU_ASSERT(value(text, others) == 5 && value(text, shop) == 50);
	CU_ASSERT_PTR_NULL(strstr(text, "customer-0002"));
	free(text);
	end();
}

static double
used_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

/* Processor time of one answer; -1 when there is none. */
static double
cost_ms(const char *path)
{
	const double before = used_ms();
	struct telemetry_ask ask;
	char *text;

	hand.now_ns += 1000000000;
	telemetry_ask_init(&ask);
	if (path == NULL) {
		text = telemetry_metrics(t);
	} else {
		json_t *document = telemetry_find(path, &ask)->make(t, &ask);

		text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
		json_decref(document);
	}
	if (text == NULL)
		return -1;
	free(text);
	return used_ms() - before;
}

/*
 * The bounds are twenty times what is wanted (5 ms, and 20 ms for documents; tools/bench
 * --scenario api measures that): sanitizers and neighbours take their share.
 */
static void
a_thousand_services_are_told_in_no_time(void)
{
	static const char *const paths[] = { "status", "services", "live" };
	double ms;

	begin(ALL);
	for (unsigned int i = 1; i < ALL; i++)
		meet(i, VECTOR_TCP_SYN_FLOOD, i % 10 == 0 ? 5 : 0, 1000);
	ms = cost_ms(NULL);
	CU_ASSERT(ms >= 0 && ms <= 100);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		ms = cost_ms(paths[i]);
		CU_ASSERT(ms >= 0 && ms <= 400);
	}
	end();
}

SUITE_MAIN("telemetry/series", TEST(a_thousand_services_are_told_in_no_time),
           TEST(the_largest_box_under_the_worst_attack_stays_within_the_budget),
           TEST(services_beyond_the_number_are_one), TEST(a_service_may_be_called_other),
           TEST(nothing_is_lost_and_no_counter_goes_back),
           TEST(a_reload_resets_no_counter))
