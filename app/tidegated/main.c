/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tidegated - the daemon: runs on live ports, checks a configuration, or replays
 * captures through the same pipeline.
 */
#include <rte_version.h>
#include <stdio.h>
#include <string.h>

#include "api/manual.h"
#include "base/log.h"
#include "policy/settings.h"
#include "verbs.h"
#include "version.h"

static int
print_defaults(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--manual") == 0)
		settings_print_manual(stdout);
	else
		settings_print_defaults(stdout);
	return 0;
}

static int
print_api(int argc, char **argv)
{
	json_t *openapi = api_manual_source(TIDEGATE_VERSION);

	if (argc == 2 && strcmp(argv[1], "--manual") == 0)
		api_manual_page(openapi, stdout);
	else if (argc == 2 && strcmp(argv[1], "--json") == 0)
		json_dumpf(openapi, stdout, JSON_INDENT(2));
	else
		api_manual_list(openapi, stdout);
	json_decref(openapi);
	return 0;
}

static const struct {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "run", "scrub live ports in the foreground", verb_run },
	{ "check", "tell every error of a configuration", verb_check },
	{ "replay", "judge captures under virtual time", verb_replay },
	{ "print-defaults", "print a commented file of all keys", print_defaults },
	{ "print-api", "print what the API answers to", print_api },
};

static void
print_usage(FILE *to)
{
	fputs("usage: tidegated VERB [options]      tidegated --version | --help\n", to);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		fprintf(to, "  %-15s %s\n", verbs[i].name, verbs[i].help);
	fputs("`tidegated VERB --help` tells the options of one verb.\n", to);
}

static int
print_version(void)
{
	printf("tidegated %s (%s)\nDPDK built with %d.%02d.%d, running %s\n",
	       TIDEGATE_VERSION, TIDEGATE_REVISION, RTE_VER_YEAR, RTE_VER_MONTH,
	       RTE_VER_MINOR, rte_version());
	return 0;
}

int
main(int argc, char **argv)
{
	log_open("tidegated", LOG_LEVEL_INFO);
	if (argc < 2)
		return print_usage(stderr), EXIT_USAGE;
	if (strcmp(argv[1], "--version") == 0)
		return print_version();
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_usage(stdout), 0;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	fprintf(stderr, "tidegated: there is no verb '%s'\n", argv[1]);
	print_usage(stderr);
	return EXIT_USAGE;
}
