/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

#define TEXT_MAX 60000 /* the interface takes 64 KiB a body */

static void
print_config(const json_t *d)
{
	printf("# %s, sha256 %s\n", table_safe(get_text(d, "file")),
	       get_text(d, "sha256"));
	cli_print_json(get(d, "config"));
}

/* {"text": the file}, or NULL after a complaint. */
static json_t *
read_file(const char *file)
{
	static char text[TEXT_MAX + 1];
	FILE *f = fopen(file, "re");
	size_t n;
	json_t *body;

	if (f == NULL) {
		fprintf(stderr, "tidegate: cannot read %s: %s\n", file, strerror(errno));
		return NULL;
	}
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (n > TEXT_MAX) {
		fprintf(stderr,
		        "tidegate: %s is too long to send; run tidegated check -c %s\n",
		        file, file);
		return NULL;
	}
	body = json_pack("{s:s%}", "text", text, n);
	if (body == NULL)
		fprintf(stderr, "tidegate: %s is no text in UTF-8\n", file);
	return body;
}

static int
check(struct cli *c, json_t *body)
{
	struct cli_answer a;
	const json_t *w;
	size_t i;
	int rc = cli_call(c, "POST", "/api/v1/config/check", body, &a);

	if (rc != 0)
		return rc;
	if (a.status != 200 || a.document == NULL) {
		cli_problem(c, &a);
		rc = a.status == 422 ? EXIT_BAD_CONF : EXIT_FAILED;
	} else if (c->json) {
		cli_print_json(a.document);
	} else {
		json_array_foreach((json_t *)get(a.document, "warnings"), i, w) printf(
			"%s:%.0f: %s: warning: %s\n", table_safe(get_text(w, "file")),
			get_number(w, "line"), table_safe(get_text(w, "path")),
			table_safe(get_text(w, "message")));
		puts("a reload would take this over");
	}
	cli_answer_free(&a);
	return rc;
}

int
verb_config(struct cli *c)
{
	json_t *body;

	cli_want(c, 0, 2);
	if (c->argc == 0)
		return cli_show(c, "/api/v1/config", print_config);
	if (strcmp(c->argv[0], "check") != 0)
		cli_usage(c, "'%s' is not understood", c->argv[0]);
	body = c->argc == 2 ? read_file(c->argv[1]) : json_object();
	return body == NULL ? EXIT_FAILED : check(c, body);
}
