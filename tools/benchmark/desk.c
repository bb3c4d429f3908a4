/* SPDX-License-Identifier: BSD-3-Clause */
#include "desk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/counter.h"
#include "engine.h"
#include "telemetry/put.h"
#include "telemetry/telemetry.h"

#define WORKERS  4
#define ATTACKED 20 /* services */
#define BEATS    5  /* seconds of traffic that the books have seen */
#define SECOND   UINT64_C(1000000000)

static uint64_t now_ns = SECOND;

static uint64_t
clock_of_ours(void)
{
	return now_ns;
}

/* --- a box as a hoster has it ------------------------------------------------- */

static char *
configuration(unsigned int services)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	fputs("version = 1;\nnode = { name = \"bench\"; };\n"
	      "dataplane = { flow_entries = \"16k\"; source_entries = \"16k\"; };\n"
	      "links = ( { name = \"uplink\"; external = \"net_null0\"; internal = "
	      "\"net_null1\"; } );\n"
	      "policies = ( { name = \"web\"; mode = \"mitigate\"; vectors = (\n"
	      "  { vector = \"tcp_syn_flood\"; activate_rate = \"50kpps\"; },\n"
	      "  { vector = \"udp_flood\"; activate_rate = \"1kpps\"; } ); } );\n"
	      "services = (\n",
	      f);
	for (unsigned int i = 0; i < services; i++)
		fprintf(f,
		        "%s{ name = \"customer-%04u-web\"; prefixes = [ "
		        "\"203.%u.%u.0/26\", \"2001:db8:%x::/64\" ]; protocol = "
		        "\"tcp\"; ports = [ \"80\", \"443\" ]; policy = \"web\"; }\n",
		        i == 0 ? "" : ",", i, 100 + i / 256, i % 256, i);
	fputs(");\n", f);
	return fclose(f) == 0 ? text : NULL;
}

static int
open_engine(struct engine *e, unsigned int services)
{
	struct conf_errors errors = { 0 };
	struct settings *settings = NULL;
	char *text = configuration(services);
	int rc = text == NULL ? -1
	                      : settings_read_text(text, strlen(text), "bench", &settings,
	                                           &errors);

	if (rc == 0)
		rc = engine_open(e, settings, WORKERS, &(uint64_t){ 1 }, &errors);
	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	free(text);
	if (rc < 0)
		return rc;
	e->clock = clock_of_ours;
	e->box.n_links = 1;
	return 0;
}

/* Packets of three vectors came, nearly all passed; some found a limit. */
static void
serve(struct pipeline *pl, unsigned int service)
{
	static const enum vector usual[] = { VECTOR_TCP_SYN_FLOOD, VECTOR_TCP_OTHER_FLOOD,
		                             VECTOR_ICMP_FLOOD };
	const unsigned int reasons = pipeline_reasons();

	for (unsigned int i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		struct watch_cell *c = watch_cell(&pl->watch, service, usual[i]);

		counter_add(&c->packets, 1000 + service);
		counter_add(&c->bytes, 900000);
		counter_add(&c->passed_packets, 1000);
		counter_add(&c->passed_bytes, 890000);
	}
	counter_add(&watch_cell(&pl->watch, service, VECTOR_OUTBOUND)->packets, 2000);
	if (service % 10 != 0)
		return;
	for (unsigned int r = 0; r < 5; r++) {
		counter_add(
			&watch_cell(&pl->watch, service, usual[r % 3])->dropped_packets,
			3);
		counter_add(&pl->service_reasons[service * reasons + 7 * r + 1], 3);
	}
}

/* A full burst of one service and vector in this millisecond. */
static void
flood(struct engine *e, unsigned int service)
{
	const struct policies *p = engine_policies(e);
	const struct watch_rule *rule =
		&p->policy[p->service[service].policy].rule[VECTOR_UDP_FLOOD];
	struct watch *watch = &e->worker[service % WORKERS].pipeline.watch;
	struct watch_cell *c = watch_cell(watch, service, VECTOR_UDP_FLOOD);
	uint16_t len[LANES_MAX];

	for (unsigned int i = 0; i < LANES_MAX; i++)
		len[i] = 100;
	if (watch_arrive(c, rule, UINT64_MAX, len, now_ns) != 0) {
		watch->hot_ns = now_ns;
		counter_add(&c->dropped_packets, LANES_MAX);
	}
}

static void
live_a_while(struct engine *e, struct telemetry *t)
{
	const unsigned int services = engine_policies(e)->n_services;

	for (unsigned int ms = 0; ms < BEATS * 1000; ms++) {
		now_ns += 1000000;
		for (unsigned int i = 1; i <= ATTACKED && i < services; i++)
			flood(e, i);
		if (ms % 10 == 0)
			engine_tick(e, now_ns);
		if (ms % 1000 != 0)
			continue;
		for (unsigned int w = 0; w < WORKERS; w++) {
			counter_set(&e->box.worker[w].last_turn_ns, now_ns);
			for (unsigned int i = 0; i < services; i++)
				serve(&e->worker[w].pipeline, i);
		}
		telemetry_beat(t);
	}
}

/* --- what it tells ------------------------------------------------------------ */

static char *
text_of(struct telemetry *t, const char *path)
{
	struct telemetry_ask ask;
	const struct telemetry_document *d;
	json_t *document;
	char *text;

	if (strcmp(path, "metrics") == 0)
		return telemetry_metrics(t);
	telemetry_ask_init(&ask);
	d = telemetry_find(path, &ask);
	document = d == NULL ? NULL : d->make(t, &ask);
	text = document == NULL ? NULL : telemetry_text(document);
	json_decref(document);
	return text;
}

static double
used_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

static bool
tell(const struct job *job, struct telemetry *t, const char *path)
{
	double ms[JOB_RUNS_MAX];
	struct job_spread spread;
	size_t bytes = 0;

	for (unsigned int i = 0; i < job->runs; i++) {
		const double before = used_ms();
		char *text;

		/* Polled once a second: nothing is kept from the answer before. */
		now_ns += SECOND;
		text = text_of(t, path);
		ms[i] = used_ms() - before;
		if (text == NULL) {
			fprintf(stderr, "benchmark: there is no answer %s\n", path);
			return false;
		}
		bytes = strlen(text);
		free(text);
	}
	spread = job_spread(ms, job->runs);
	printf("{\"kind\": \"answer\", \"answer\": \"%s\", \"services\": %u, "
	       "\"workers\": %u, \"ms\": %.3f, \"lowest\": %.3f, \"highest\": %.3f, "
	       "\"bytes\": %zu}\n",
	       path, job->services, WORKERS, spread.median, spread.lowest, spread.highest,
	       bytes);
	fflush(stdout);
	return true;
}

int
job_desk(const struct job *job)
{
	static const char *const paths[] = {
		"metrics", "status",  "services", "live",
		"attacks", "reasons", "ports",    "workers"
	};
	static struct engine e;
	struct telemetry *t;
	bool is_good = true;

	if (!job_start_eal(job))
		return JOB_CANNOT;
	if (open_engine(&e, job->services) < 0)
		return 1;
	t = telemetry_open(&e.box);
	if (t == NULL) {
		engine_close(&e);
		return 1;
	}
	live_a_while(&e, t);
	for (size_t i = 0; is_good && i < sizeof(paths) / sizeof(*paths); i++)
		is_good = tell(job, t, paths[i]);
	telemetry_close(t);
	engine_close(&e);
	return is_good ? 0 : 1;
}
