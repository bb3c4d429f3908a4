/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crowd - the people and the bots of the story, and the one who counts at the shop's door.
 *
 * Three verbs share one command line and one protocol: JSON lines on stdout, phase names
 * on stdin (command.h). Everything is measured from outside of the gate, so that the
 * story never takes the gate's word for what customers lived through.
 */
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "verbs.h"

static const char help[] =
	"usage: crowd customers --group COUNT@PREFIX... --shop ADDRESS...\n"
	"               [--paths /,/a.html] [--think-ms N] [--timeout-ms N]\n"
	"               [--keep-alive N] [--seed N]\n"
	"       crowd bots --group COUNT@PREFIX... --shop ADDRESS...\n"
	"               [--cps N] [--slots N] [--paths /heavy.html] [--timeout-ms N]\n"
	"       crowd count --interface NAME --customers PREFIX... --bots PREFIX...\n"
	"               [--bucket-ms N]\n"
	"Common: --port N, --host NAME, --interval-ms N.\n"
	"Reads 'phase NAME' and 'quit' on stdin, prints JSON lines.\n";

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct options *o);
	} verbs[] = {
		{ "customers", customers_run },
		{ "bots", bots_run },
		{ "count", count_run },
	};
	struct options options;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		if (options_parse(&options, argc - 2, argv + 2) != 0)
			return 2;
		return verbs[i].run(&options);
	}
	fputs(help, stderr);
	return 2;
}
