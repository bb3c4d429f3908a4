/* SPDX-License-Identifier: BSD-3-Clause */
/* check - read a configuration as `run` would, tell every error, change nothing. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "check_here.h"
#include "keys.h"
#include "lists.h"
#include "policy/list_set.h"
#include "policy/policy.h"
#include "verbs.h"

static const char usage[] =
	"usage: tidegated check -c FILE [--json] [--strict] [--here]\n"
	"  -c, --config FILE  the configuration to check\n"
	"      --json         errors as a JSON array on standard output\n"
	"      --strict       warnings count as errors\n"
	"      --here         also what this machine would answer to a start\n";

static void
print_json(const struct conf_errors *errors)
{
	json_t *all = json_array();

	for (size_t i = 0; i < errors->count + errors->warnings; i++) {
		const struct conf_error *e = &errors->error[i];

		json_array_append_new(all,
		                      json_pack("{s:s, s:s?, s:i, s:s?, s:s}", "severity",
		                                e->is_warning ? "warning" : "error",
		                                "file", e->file, "line", (int)e->line,
		                                "path", e->path, "message", e->message));
	}
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
}

static int
check(const char *path, int is_json, int is_strict, int is_here)
{
	struct conf_errors errors = { 0 };
	struct settings *settings = NULL;
	struct policies *policies = NULL;
	static struct policy_overrides over; /* Too large for a stack. */
	int rc = settings_read(path, &settings, &errors);

	over.mode_all = -1;
	memset(over.mode, 0xff, sizeof(over.mode));
	if (rc == 0)
		rc = lists_try(settings, path, &over.lists, &errors);
	if (rc == 0)
		rc = policy_build(settings, NULL, &over, &policies, &errors);
	if (rc == 0)
		rc = keys_check(settings, &errors);
	if (rc == 0 && is_here) {
		check_here(settings, &errors);
		rc = errors.count > 0 ? -1 : 0;
	}
	if (is_json)
		print_json(&errors);
	else
		conf_errors_print(&errors, stderr);
	if (rc == 0 && is_strict && errors.warnings > 0)
		rc = -1;
	if (rc == 0 && !is_json)
		printf("%s: good; services: %zu, policies: %zu\n", path,
		       settings->services.count, settings->n_policies);
	if (policies != NULL)
		policy_free(policies);
	list_set_release(over.lists);
	if (settings != NULL)
		settings_free(settings);
	conf_errors_free(&errors);
	return rc == 0 ? 0 : EXIT_BAD_CONF;
}

int
verb_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "strict", no_argument, NULL, 's' },
		{ "here", no_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	const char *path = NULL;
	int is_json = 0, is_strict = 0, is_here = 0, c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (c == 'c')
			path = optarg;
		else if (c == 'j')
			is_json = 1;
		else if (c == 's')
			is_strict = 1;
		else if (c == 'H')
			is_here = 1;
		else
			return fputs(usage, c == 'h' ? stdout : stderr),
			       c == 'h' ? 0 : EXIT_USAGE;
	}
	if (path == NULL || optind != argc)
		return fputs(usage, stderr), EXIT_USAGE;
	return check(path, is_json, is_strict, is_here);
}
