/* SPDX-License-Identifier: BSD-3-Clause */
/* replay - the verb: what was asked, opening and closing, exit codes. */
#include "replay.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/log.h"
#include "base/memory.h"
#include "conf/conf.h"
#include "verbs.h"

static const char usage[] =
	"usage: tidegated replay -c CONF [options] CAPTURE...\n"
	"  -c, --config FILE   the configuration; its links are not used\n"
	"      --direction D   services (default): what a service protects lies inside;\n"
	"                      initiator-external, initiator-internal: who opens a flow\n"
	"                      is outside, is inside\n"
	"      --speed X       divide the time between packets by X (0.001 to 1000000)\n"
	"      --mode M        learn, monitor or mitigate instead of every policy's "
	"mode\n"
	"      --workers N     1 to 64 workers, by turns in one thread (default 1)\n"
	"      --seed N        fixes every key (default 0)\n"
	"      --loop-for T    repeat the captures until T has passed, for example 30s\n"
	"      --clean FILE    write what was forwarded (pcapng, or .pcap)\n"
	"      --dropped FILE  write what was dropped; in pcapng the reason is a "
	"comment\n"
	"      --json          one JSON object instead of text\n"
	"Several captures are merged by time. Exit code: 0 done, 1 failed, 2 wrong\n"
	"usage, 65 a capture cannot be read, 78 the configuration is wrong.\n";

enum {
	OPT_DIRECTION = 256,
	OPT_SPEED,
	OPT_MODE,
	OPT_WORKERS,
	OPT_SEED,
	OPT_LOOP,
	OPT_CLEAN,
	OPT_DROPPED,
	OPT_JSON
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "direction", required_argument, NULL, OPT_DIRECTION },
	{ "speed", required_argument, NULL, OPT_SPEED },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "loop-for", required_argument, NULL, OPT_LOOP },
	{ "clean", required_argument, NULL, OPT_CLEAN },
	{ "dropped", required_argument, NULL, OPT_DROPPED },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int
wrong(const char *option, const char *text, const char *allowed)
{
	fprintf(stderr, "tidegated replay: %s '%s': allowed is %s\n", option, text,
	        allowed);
	return -EINVAL;
}

/* Index of the word in a NULL-ended list, or -1. */
static int
word(const char *text, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return -1;
}

static int
read_number(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ? -EINVAL : 0;
}

static int
read_speed(const char *text, uint64_t *speed)
{
	char *end;
	double x = strtod(text, &end);

	/* Written so that "nan" fails too. */
	if (end == text || *end != '\0' || !(x >= 0.001 && x <= 1e6))
		return wrong("--speed", text, "0.001 to 1000000");
	*speed = (uint64_t)(x * REPLAY_SPEED_ONE + 0.5);
	return 0;
}

static int
read_option(struct replay_ask *ask, int option, const char *text)
{
	char why[160];
	uint64_t n;

	switch (option) {
	case 'c':
		ask->config = text;
		return 0;
	case OPT_CLEAN:
		ask->clean = text;
		return 0;
	case OPT_DROPPED:
		ask->dropped = text;
		return 0;
	case OPT_JSON:
		ask->is_json = true;
		return 0;
	case OPT_SPEED:
		return read_speed(text, &ask->speed);
	case OPT_DIRECTION:
		ask->direction = word(text, replay_direction_names);
		return ask->direction >= 0 ? 0
		                           : wrong("--direction", text,
		                                   "services, initiator-external or "
		                                   "initiator-internal");
	case OPT_MODE:
		ask->mode = word(text, policy_mode_names);
		return ask->mode >= 0
		               ? 0
		               : wrong("--mode", text, "learn, monitor or mitigate");
	case OPT_SEED:
		return read_number(text, &ask->seed) == 0
		               ? 0
		               : wrong("--seed", text, "a whole number");
	case OPT_WORKERS:
		if (read_number(text, &n) < 0 || n < 1 || n > BOX_WORKERS_MAX)
			return wrong("--workers", text, "1 to 64");
		ask->workers = (unsigned int)n;
		return 0;
	case OPT_LOOP:
		if (conf_parse_time(text, &ask->loop_ns, why, sizeof(why)) < 0 ||
		    ask->loop_ns == 0)
			return wrong("--loop-for", text, "a time such as 30s or 5m");
		return 0;
	default:
		return -EINVAL;
	}
}

static int
open_files(struct replay *r, char why[CAPTURE_WHY])
{
	int rc = 0;

	if (r->ask->clean != NULL)
		rc = capture_create(r->ask->clean, &r->clean, why);
	if (rc == 0 && r->ask->dropped != NULL)
		rc = capture_create(r->ask->dropped, &r->dropped, why);
	if (r->clean != NULL) {
		capture_add_interface(r->clean, "external");
		capture_add_interface(r->clean, "internal");
	}
	if (r->dropped != NULL) {
		capture_add_interface(r->dropped, "external");
		capture_add_interface(r->dropped, "internal");
	}
	return rc;
}

static int
finish_file(struct capture_writer **w, const char *path)
{
	int rc = *w == NULL ? 0 : capture_finish(*w);

	*w = NULL;
	if (rc < 0)
		log_error("cannot write '%s': %s", path, strerror(-rc));
	return rc;
}

/* Everything is open; returns the exit code. */
static int
run(struct replay *r)
{
	int rc = replay_carry(r), clean, dropped;

	if (rc < 0) {
		log_error("%s", r->source.why);
		return EXIT_BAD_DATA;
	}
	clean = finish_file(&r->clean, r->ask->clean);
	dropped = finish_file(&r->dropped, r->ask->dropped);
	replay_report(r);
	if (!replay_is_balanced(r)) {
		log_error(
			"the books do not balance: this is a fault of tidegated, please "
			"report it");
		return EXIT_FAILURE;
	}
	return clean < 0 || dropped < 0 ? EXIT_FAILURE : 0;
}

/* Tables, files and lanes; returns the exit code. */
static int
open_and_run(struct replay *r, struct settings *settings)
{
	const struct replay_ask *ask = r->ask;
	struct conf_errors errors = { 0 };
	char why[CAPTURE_WHY];
	int rc;

	memory_be_lazy();
	rc = engine_open(&r->engine, settings, ask->workers, &ask->seed, &errors);
	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	if (rc < 0)
		return rc == -EINVAL ? EXIT_BAD_CONF : EXIT_FAILURE;
	r->engine.box.n_links = 1;

	rc = open_files(r, why);
	if (rc < 0)
		log_error("%s", why);
	if (rc == 0 && (replay_sides_open(&r->sides, ask->direction, ask->seed) < 0 ||
	                replay_carry_open(r) < 0)) {
		rc = -ENOMEM;
		log_error("there is no memory for %u workers' frames", ask->workers);
	}
	rc = rc < 0 ? EXIT_FAILURE : run(r);

	finish_file(&r->clean, ask->clean);
	finish_file(&r->dropped, ask->dropped);
	json_decref(r->events);
	r->events = NULL;
	replay_carry_close(r);
	replay_sides_close(&r->sides);
	engine_close(&r->engine);
	return rc;
}

static int
replay(const struct replay_ask *ask)
{
	static struct replay r; /* Too large for a stack. */
	struct conf_errors errors = { 0 };
	struct settings *settings = NULL;
	int rc = settings_read(ask->config, &settings, &errors);

	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	if (rc < 0)
		return EXIT_BAD_CONF;
	for (size_t i = 0; ask->mode >= 0 && i < settings->n_policies; i++)
		settings->policy[i].mode = ask->mode;

	r.ask = ask;
	rc = replay_source_open(&r.source, ask);
	if (rc < 0) {
		log_error("%s", r.source.why);
		settings_free(settings);
		return rc == -ENOMEM ? EXIT_FAILURE : EXIT_BAD_DATA;
	}
	rc = open_and_run(&r, settings);
	replay_source_close(&r.source);
	return rc;
}

int
verb_replay(int argc, char **argv)
{
	struct replay_ask ask = { .speed = REPLAY_SPEED_ONE, .mode = -1, .workers = 1 };
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option == 'h')
			return fputs(usage, stdout), 0;
		if (option == '?')
			return fputs(usage, stderr), EXIT_USAGE;
		if (read_option(&ask, option, optarg) < 0)
			return EXIT_USAGE;
	}
	if (ask.config == NULL || optind == argc)
		return fputs(usage, stderr), EXIT_USAGE;
	ask.capture = argv + optind;
	ask.captures = (unsigned int)(argc - optind);
	return replay(&ask);
}
