/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slow - real connections that keep a server waiting.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "options.h"
#include "pace.h"
#include "slow_crowd.h"
#include "verbs.h"

struct slow_args {
	struct slow_plan plan;
	uint64_t duration_ns;
	bool reports;
};

enum {
	OPT_TARGET = 256,
	OPT_FROM,
	OPT_SOURCES,
	OPT_CONNECTIONS,
	OPT_KIND,
	OPT_INTERVAL,
	OPT_RATE,
	OPT_DURATION,
	OPT_REOPEN,
	OPT_PROGRESS,
	OPT_HELP
};

static const struct option options[] = {
	{ "target", required_argument, NULL, OPT_TARGET },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "sources", required_argument, NULL, OPT_SOURCES },
	{ "connections", required_argument, NULL, OPT_CONNECTIONS },
	{ "kind", required_argument, NULL, OPT_KIND },
	{ "interval", required_argument, NULL, OPT_INTERVAL },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "reopen", no_argument, NULL, OPT_REOPEN },
	{ "progress", no_argument, NULL, OPT_PROGRESS },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* "192.0.2.1:80" or "[2001:db8::1]:80". */
static int
read_end(struct slow_end *out, const char *text)
{
	const bool is_bracketed = text[0] == '[';
	const char *colon = strrchr(text, ':');
	struct prefix host;
	char buf[64];
	size_t len;
	uint64_t port;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(buf) ||
	    args_number(&port, colon + 1) != 0 || port < 1 || port > 65535)
		return -EINVAL;
	len = (size_t)(colon - text);
	if (is_bracketed && (len < 2 || text[len - 1] != ']'))
		return -EINVAL;
	memcpy(buf, text + is_bracketed, len);
	buf[len - 2 * is_bracketed] = '\0';
	if (strchr(buf, '/') != NULL || prefix_parse(&host, buf) != 0 ||
	    (host.base.family == 6) != is_bracketed)
		return -EINVAL;
	*out = (struct slow_end){ host.base, (uint16_t)port };
	return 0;
}

static int
take_target(struct slow_plan *p)
{
	if (p->targets == SLOW_TARGETS_MAX)
		return -EINVAL;
	return read_end(&p->target[p->targets++], optarg);
}

static int
take_from(struct slow_plan *p)
{
	struct prefix net;

	if (prefix_parse(&net, optarg) != 0)
		return -EINVAL;
	*(net.base.family == 4 ? &p->from4 : &p->from6) = net;
	return 0;
}

static int
take_kind(struct slow_plan *p)
{
	for (unsigned int i = 0; i < SLOW_KINDS; i++) {
		if (strcmp(slow_kind_names[i], optarg) == 0) {
			p->kind = (enum slow_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
take_count(uint64_t *out)
{
	uint64_t n;

	if (args_number(&n, optarg) != 0 || n < 1 || n > SLOW_TALKS_MAX)
		return -EINVAL;
	*out = n;
	return 0;
}

/* A time that is not nothing. */
static int
take_time(uint64_t *out_ns)
{
	uint64_t ns;

	if (args_duration(&ns, optarg) != 0 || ns == 0)
		return -EINVAL;
	*out_ns = ns;
	return 0;
}

/* Returns 0, or not 0 when the value does not fit the option. */
static int
take_option(void *args, int option)
{
	struct slow_args *a = args;

	switch (option) {
	case OPT_TARGET:
		return take_target(&a->plan);
	case OPT_FROM:
		return take_from(&a->plan);
	case OPT_SOURCES:
		return take_count(&a->plan.sources);
	case OPT_CONNECTIONS:
		return take_count(&a->plan.connections);
	case OPT_KIND:
		return take_kind(&a->plan);
	case OPT_INTERVAL:
		return take_time(&a->plan.interval_ns);
	case OPT_RATE:
		return args_rate(&a->plan.rate, optarg);
	case OPT_DURATION:
		return take_time(&a->duration_ns);
	case OPT_REOPEN:
		a->plan.reopens = true;
		return 0;
	default:
		a->reports = true;
		return 0;
	}
}

/* Each source needs an address of the family of each target. */
static int
check_sources(const struct slow_plan *p)
{
	for (unsigned int i = 0; i < p->targets; i++) {
		const struct prefix *net =
			p->target[i].address.family == 4 ? &p->from4 : &p->from6;
		const uint64_t room = net->base.family == 0 ? 1 : prefix_hosts(net);

		if (p->sources > room) {
			complain("slow: %" PRIu64
			         " sources do not fit into --from of the "
			         "target's family",
			         p->sources);
			return STATUS_USAGE;
		}
	}
	return STATUS_OK;
}

/* Returns STATUS_OK to go on, -1 when help was given, or STATUS_USAGE. */
static int
read_args(struct slow_args *a, int argc, char **argv)
{
	static const struct options known = { "slow", "", options, OPT_HELP,
		                              take_option };
	int status = options_read(&known, a, argc, argv);

	if (status != STATUS_OK)
		return status;
	if (optind < argc)
		return options_usage("slow", "a word too many");
	if (a->plan.targets == 0)
		return options_usage("slow", "--target ADDRESS:PORT is missing");
	if (a->plan.targets * a->plan.sources * a->plan.connections > SLOW_TALKS_MAX)
		return options_usage("slow", "more than a million connections");
	return check_sources(&a->plan);
}

static void
report(const struct slow_crowd *c, uint64_t began_ns, bool is_last)
{
	const struct slow_books *b = &c->books;
	const uint64_t ended =
		b->ended[SLOW_RESET] + b->ended[SLOW_CLOSED] + b->ended[SLOW_SILENT];

	printf("{\"%s\":true,\"kind\":\"%s\",\"tried\":%" PRIu64 ",\"opened\":%" PRIu64
	       ",\"refused\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"connecting\":%" PRIu64
	       ",\"reset\":%" PRIu64 ",\"closed\":%" PRIu64 ",\"silent\":%" PRIu64
	       ",\"open\":%" PRIu64 ",\"sent_bytes\":%" PRIu64
	       ",\"received_bytes\":%" PRIu64
	       ",\"shortest_ms\":%.3f,\"longest_ms\":%.3f,\"seconds\":%.3f}\n",
	       is_last ? "done" : "progress", slow_kind_names[c->plan->kind], b->tried,
	       b->opened, b->ended[SLOW_REFUSED], b->ended[SLOW_FAILED], b->connecting,
	       b->ended[SLOW_RESET], b->ended[SLOW_CLOSED], b->ended[SLOW_SILENT],
	       b->open, b->bytes.sent, b->bytes.received,
	       ended == 0 ? 0.0 : (double)b->shortest_ns / (double)NS_PER_MS,
	       (double)b->longest_ns / (double)NS_PER_MS,
	       (double)(pace_now() - began_ns) / (double)NS_PER_S);
	fflush(stdout);
}

/* Keep them until the end. */
static void
keep(struct slow_crowd *c, const struct slow_args *a)
{
	const uint64_t began_ns = pace_now(), end_ns = began_ns + a->duration_ns;
	uint64_t report_ns = began_ns + NS_PER_S, now = began_ns;

	while (!pace_is_stopped() && now < end_ns) {
		slow_crowd_turn(c, a->reports && report_ns < end_ns ? report_ns : end_ns);
		now = pace_now();
		if (a->reports && now >= report_ns) {
			report(c, began_ns, false);
			report_ns += NS_PER_S;
		}
	}
	/* What came by now still counts. */
	slow_crowd_turn(c, 0);
	report(c, began_ns, true);
}

int
slow_main(int argc, char **argv)
{
	struct slow_args a = { .plan = { .sources = 1,
		                         .connections = 1,
		                         .kind = SLOW_HEADERS,
		                         .interval_ns = 10 * NS_PER_S,
		                         .rate = 1000 },
		               .duration_ns = 60 * NS_PER_S };
	struct slow_crowd crowd;
	int status = read_args(&a, argc, argv);

	if (status != STATUS_OK)
		return status < 0 ? STATUS_OK : status;
	pace_catch_signals();
	if (slow_crowd_open(&crowd, &a.plan) != 0)
		return STATUS_FAILED;
	keep(&crowd, &a);
	/* To be refused is a result; to come to nothing by our own doing is none. */
	status = crowd.books.ended[SLOW_FAILED] < crowd.books.tried ? STATUS_OK
	                                                            : STATUS_FAILED;
	slow_crowd_close(&crowd);
	return status;
}
