/* SPDX-License-Identifier: BSD-3-Clause */
/* thresholds - what the history of a service suggests to write; a person applies it. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "print.h"
#include "table.h"
#include "verbs.h"

int
verb_thresholds(struct cli *c)
{
	char path[512] = "/api/v1/thresholds?service=";

	cli_want(c, 2, 2);
	if (strcmp(c->argv[0], "suggest") != 0)
		cli_usage(c, "'%s' is not understood", c->argv[0]);
	cli_encode(c->argv[1], path + strlen(path), sizeof(path) - strlen(path));
	return cli_show(c, path, print_document);
}
