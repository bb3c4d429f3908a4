/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

int
verb_version(struct cli *c)
{
	struct cli_answer a = { 0 };
	const bool answers =
		cli_try(c, "GET", "/api/v1/status", &a) == 0 && a.document != NULL;

	cli_want(c, 0, 0);
	if (c->json) {
		json_t *o = json_pack("{s:s}", "tidegate", TIDEGATE_VERSION);

		if (answers) {
			json_object_set(o, "tidegated",
			                (json_t *)get(a.document, "version"));
			json_object_set(o, "dpdk",
			                (json_t *)get(a.document, "dpdk_version"));
		}
		cli_print_json(o);
		json_decref(o);
	} else {
		printf("tidegate  %s\n", TIDEGATE_VERSION);
		if (answers)
			printf("tidegated %s, DPDK %s\n",
			       table_safe(get_text(a.document, "version")),
			       table_safe(get_text(a.document, "dpdk_version")));
		else
			puts("tidegated does not answer");
	}
	cli_answer_free(&a);
	return 0;
}
