/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

int
verb_reload(struct cli *c)
{
	struct cli_answer a;
	int rc;

	cli_want(c, 0, 0);
	rc = cli_call(c, "POST", "/api/v1/config/reload", json_object(), &a);
	if (rc != 0)
		return rc;
	if (a.status != 200 || a.document == NULL) {
		cli_problem(c, &a);
		rc = a.status == 422 ? EXIT_BAD_CONF : EXIT_FAILED;
	} else if (c->json) {
		cli_print_json(a.document);
	} else {
		printf("in force: generation %.0f, sha256 %.12s\n",
		       get_number(a.document, "generation"),
		       get_text(a.document, "sha256"));
	}
	cli_answer_free(&a);
	return rc;
}
