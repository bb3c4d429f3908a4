/* SPDX-License-Identifier: BSD-3-Clause */
/* report - what an attack was and what was done about it, to read or to hand on. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "print.h"
#include "table.h"
#include "verbs.h"

/* Returns 0, or EXIT_FAILED after a sentence: a disk may be full. */
static int
finish(FILE *to, const char *file)
{
	const bool failed = ferror(to) != 0;

	if ((to != stdout && fclose(to) != 0) || failed) {
		fprintf(stderr, "tidegate: cannot write %s: %s\n", file, strerror(errno));
		return EXIT_FAILED;
	}
	return 0;
}

static int
write_report(const struct cli *c, const struct cli_answer *a, const char *file, bool html)
{
	FILE *to = file == NULL ? stdout : fopen(file, "we");

	if (to == NULL) {
		fprintf(stderr, "tidegate: cannot write %s: %s\n", file, strerror(errno));
		return EXIT_FAILED;
	}
	if (html)
		fputs(a->text, to);
	else if (c->json || file != NULL)
		json_dumpf(a->document, to,
		           JSON_INDENT(2) | JSON_REAL_PRECISION(12) | JSON_ENSURE_ASCII);
	else
		print_document(a->document);
	if (!html && (c->json || file != NULL))
		fputc('\n', to);
	return finish(to, file == NULL ? "standard output" : file);
}

/* A page as a member of a document, for who asked for JSON. */
static void
wrap(struct cli_answer *a)
{
	a->document = json_pack("{s:s}", "html", a->text);
	if (a->document == NULL)
		a->document = json_object();
}

int
verb_report(struct cli *c)
{
	const bool html = cli_flag(c, "--html");
	const char *file = cli_option(c, "-o");
	char path[512] = "/api/v1/attacks/";
	struct cli_answer a;
	bool is_page;
	int rc;

	cli_want(c, 1, 1);
	cli_encode(c->argv[0], path + strlen(path), sizeof(path) - strlen(path) - 20);
	strcat(path, html ? "/report.html" : "/report");
	rc = cli_call(c, "GET", path, NULL, &a);
	if (rc != 0)
		return rc;
	is_page = html && a.status == 200 && a.document == NULL;
	if (is_page && !c->json && file == NULL && table_is_terminal()) {
		fputs("tidegate: a page of HTML is nothing for a terminal: write -o "
		      "FILE\n",
		      stderr);
		rc = EXIT_USAGE;
	} else if (is_page || (!html && a.status == 200 && a.document != NULL)) {
		if (is_page && c->json)
			wrap(&a);
		rc = write_report(c, &a, file, is_page && !c->json);
	} else {
		cli_problem(c, &a);
		rc = EXIT_FAILED;
	}
	cli_answer_free(&a);
	return rc;
}
