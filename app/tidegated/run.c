/* SPDX-License-Identifier: BSD-3-Clause */
#include "run.h"

#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_version.h>

#include "base/log.h"
#include "beside.h"
#include "change.h"
#include "io/carrier.h"
#include "io/eal.h"
#include "io/preflight.h"
#include "keys.h"
#include "live.h"
#include "verbs.h"
#include "version.h"

/* io stands below the stages and names its reasons itself; the two lists are one. */
static_assert((int)IO_TX_FULL == (int)STAGE_IO_TX_FULL &&
                      (int)IO_SHORTENED == (int)STAGE_IO_SHORTENED &&
                      (int)IO_LINK_DOWN == (int)STAGE_IO_LINK_DOWN &&
                      (int)IO_TOO_LONG == (int)STAGE_IO_TOO_LONG &&
                      (int)IO_HANDOFF_FULL == (int)STAGE_IO_HANDOFF_FULL,
              "reasons of io differ between io/wire.h and stage/stage.h");
static_assert(IO_LINKS_MAX == BOX_LINKS_MAX && IO_WORKERS_MAX == BOX_WORKERS_MAX,
              "io and telemetry must count as far");

static const char usage[] =
	"usage: tidegated run -c FILE [--debug]\n"
	"  -c, --config FILE  the configuration\n"
	"      --debug        also tell what DPDK says\n"
	"Ends on SIGTERM or SIGINT, reads the configuration again on SIGHUP.\n";

static void
plan_of(const struct settings *s, struct io_plan *plan)
{
	const struct settings_link *link = s->links.element;

	memset(plan, 0, sizeof(*plan));
	plan->n_links = (unsigned int)(s->links.count < IO_LINKS_MAX ? s->links.count
	                                                             : IO_LINKS_MAX);
	for (unsigned int i = 0; i < plan->n_links; i++)
		plan->link[i] =
			(struct io_link_names){ link[i].name,
			                        { [SIDE_EXTERNAL] = link[i].external,
			                          [SIDE_INTERNAL] = link[i].internal } };
	plan->control_transmits = s->transmit == TRANSMIT_CONTROL;
	plan->transmit_auto = s->transmit == TRANSMIT_AUTO;
	plan->rss_ports = s->rss_ports != 0;
	plan->link_down_ignore = s->link_down_ignore != 0;
	plan->io_stage = stage_count;
}

/*
 * Where the kernel brings the frames it is slower than one worker, and the other
 * cores are better left to it. Elsewhere as many as the cores give: a port with
 * too few queues is no obstacle, because workers hand over.
 */
static unsigned int
workers_auto(const struct io_plan *plan)
{
	for (unsigned int i = 0; i < plan->n_links; i++)
		for (unsigned int side = 0; side < 2; side++)
			if (end_is_by_kernel(plan->link[i].end[side]))
				return 1;
	return IO_WORKERS_MAX;
}

void
run_preflight(const struct settings *s, struct preflight *found)
{
	static const struct preflight_world world = { .sys = "/sys", .proc = "/proc" };
	const char *end[IO_LINKS_MAX * 2];
	struct io_plan plan;
	struct preflight_ask ask = { .cores = s->cores,
		                     .workers = s->workers,
		                     .ends = end };
	unsigned int workers = (unsigned int)strtoul(s->workers, NULL, 10);

	plan_of(s, &plan);
	ask.workers_auto = workers_auto(&plan);
	for (unsigned int i = 0; i < plan.n_links; i++)
		for (unsigned int side = 0; side < 2; side++)
			end[ask.n_ends++] = plan.link[i].end[side];
	ask.memory_mib = wire_memory_mib(&plan, workers == 0 ? 1 : workers);
	preflight_check(&world, &ask, found);
}

static int
preflight(const struct settings *s, struct preflight *found)
{
	run_preflight(s, found);
	for (unsigned int i = 0; i < found->n_notes; i++)
		log_write(found->note[i].is_error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
		          "%s", found->note[i].text);
	return found->errors == 0 ? 0 : -1;
}

static int
start_eal(const struct io_plan *plan, const struct preflight *found)
{
	const char *end[IO_LINKS_MAX * 2];
	struct eal_plan eal = { .prefix = "tidegate",
		                .n_cores = found->n_cores,
		                .core = found->core,
		                .has_hugepages = found->has_hugepages,
		                .has_telemetry = true,
		                .memory_mib = wire_memory_mib(plan, found->workers),
		                .ends = end };
	char why[IO_WHY];

	for (unsigned int i = 0; i < plan->n_links; i++)
		for (unsigned int side = 0; side < 2; side++)
			end[eal.n_ends++] = plan->link[i].end[side];
	if (eal_start(&eal, why) == 0)
		return 0;
	log_error("%s", why);
	return -1;
}

/* Ordinary threads keep off the workers' cores where there is any other. */
static void
leave_worker_cores(const cpu_set_t *allowed, const struct preflight *found)
{
	cpu_set_t rest = *allowed;

	for (unsigned int i = 1; i < found->n_cores; i++)
		CPU_CLR(found->core[i], &rest);
	if (CPU_COUNT(&rest) == 0)
		rest = *allowed;
	pthread_setaffinity_np(pthread_self(), sizeof(rest), &rest);
}

static void
return_to_core(unsigned int core)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(core, &one);
	pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

static void
fill_box(struct live *l, const struct preflight *found)
{
	struct box *box = &l->engine.box;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	box->started_unix_ns =
		(uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
	box->wall_offset_ns = (int64_t)(box->started_unix_ns - live_clock());
	box->n_links = l->wire.n_links;
	if (handoff_is_on(&l->wire.handoff))
		box->handoff_room = (found->workers - 1) * handoff_room(found->workers);
	snprintf(box->version, sizeof(box->version), "%s", TIDEGATE_VERSION);
	snprintf(box->revision, sizeof(box->revision), "%s", TIDEGATE_REVISION);
	/* rte_version() begins with the name; what shows it says that itself. */
	snprintf(box->dpdk_version, sizeof(box->dpdk_version), "%s",
	         rte_version() + strcspn(rte_version(), "0123456789"));
	snprintf(box->node, sizeof(box->node), "%s",
	         l->engine.settings->node_name == NULL ? ""
	                                               : l->engine.settings->node_name);
	for (unsigned int i = 0; i < found->n_notes && box->n_warnings < 8; i++)
		snprintf(box->warnings[box->n_warnings++], sizeof(box->warnings[0]),
		         "%.159s", found->note[i].text);
}

static int
open_engine(struct live *l, struct settings *settings, unsigned int workers)
{
	struct conf_errors errors = { 0 };
	int rc;

	live_clock_start();
	rc = engine_open(&l->engine, settings, workers, NULL, &errors);
	conf_errors_print(&errors, stderr);
	if (rc != 0 && errors.count == 0)
		log_error("the tables cannot be opened: %s", strerror(-rc));
	conf_errors_free(&errors);
	if (rc != 0)
		return -1;
	l->engine.clock = live_clock;
	change_load_filters(&l->engine);
	if (live_open(l) == 0)
		return 0;
	log_error("there is no memory for the workers' queues");
	live_close(l);
	engine_close(&l->engine);
	return -1;
}

/* From here on packets flow. */
static int
scrub(struct live *l, const cpu_set_t *allowed, const struct preflight *found)
{
	struct beside beside;
	char why[IO_WHY];

	leave_worker_cores(allowed, found);
	if (beside_open(&beside, l, why) != 0) {
		log_error("%s", why);
		return -1;
	}
	return_to_core(found->core[0]);
	log_info("scrubbing %u link%s with %u worker%s, %s transmits", l->wire.n_links,
	         l->wire.n_links == 1 ? "" : "s", l->engine.n_workers,
	         l->engine.n_workers == 1 ? "" : "s",
	         l->wire.control_transmits ? "control" : "each worker");
	live_control(l);
	beside_close(&beside);
	carrier_release(&l->wire);
	return 0;
}

/* EAL runs; open what lives on it, and close it again. */
static int
run_on_eal(struct live *l, struct settings *settings, struct io_plan *plan,
           const struct preflight *found, const cpu_set_t *allowed)
{
	char why[IO_WHY];
	int rc = -1;

	plan->workers = found->workers;
	if (wire_open(&l->wire, plan, why) != 0) {
		log_error("%s", why);
		settings_free(settings);
		return -1;
	}
	if (open_engine(l, settings, found->workers) == 0) {
		l->shares_core = found->core[0] == found->core[1];
		fill_box(l, found);
		rc = scrub(l, allowed, found);
		live_close(l);
		wire_close(&l->wire);
		engine_close(&l->engine);
	} else {
		wire_close(&l->wire);
	}
	return rc;
}

int
run_live(struct settings *settings)
{
	static struct live live; /* Too large for a stack, and one is enough. */
	struct preflight *found = calloc(1, sizeof(*found));
	struct io_plan plan;
	cpu_set_t allowed;
	int rc = -1;

	plan_of(settings, &plan);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	beside_block_signals();
	if (found != NULL && preflight(settings, found) == 0 &&
	    start_eal(&plan, found) == 0) {
		rc = run_on_eal(&live, settings, &plan, found, &allowed);
		eal_stop();
	} else {
		settings_free(settings);
	}
	free(found);
	return rc == 0 ? 0 : EXIT_FAILURE;
}

static int
check_links(const struct settings *s, const char *path)
{
	if (s->links.count == 0) {
		log_error("%s: links: no link is configured, so there is nothing to "
		          "scrub; write "
		          "links = ( { name = \"uplink\"; external = \"…\"; internal = "
		          "\"…\"; } );",
		          path);
		return -1;
	}
	if (s->links.count > IO_LINKS_MAX) {
		log_error("%s: links: %zu links are configured, and %d are the most",
		          path, s->links.count, IO_LINKS_MAX);
		return -1;
	}
	return 0;
}

int
verb_run(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL,
		                                   'c' },
		                                 { "debug", no_argument, NULL, 'd' },
		                                 { "help", no_argument, NULL, 'h' },
		                                 { NULL, 0, NULL, 0 } };
	struct conf_errors errors = { 0 };
	struct settings *settings = NULL;
	const char *path = NULL;
	int c, rc;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (c == 'c')
			path = optarg;
		else if (c == 'd')
			log_open("tidegated", LOG_LEVEL_DEBUG);
		else
			return fputs(usage, c == 'h' ? stdout : stderr),
			       c == 'h' ? 0 : EXIT_USAGE;
	}
	if (path == NULL || optind != argc)
		return fputs(usage, stderr), EXIT_USAGE;
	rc = settings_read(path, &settings, &errors);
	/* Before anything is opened, so that it counts as what it is: a wrong configuration. */
	if (rc == 0 && keys_check(settings, &errors) < 0) {
		settings_free(settings);
		rc = -1;
	}
	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	if (rc == 0 && check_links(settings, path) != 0) {
		settings_free(settings);
		rc = -1;
	}
	return rc == 0 ? run_live(settings) : EXIT_BAD_CONF;
}
