/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

#define PATH_ROOM 1024

/* What is left of the time: "12:00:01.234". */
static const char *
clock_of(const char *time)
{
	static char text[16];
	const char *t = strchr(time, 'T');

	snprintf(text, sizeof(text), "%.12s", t != NULL ? t + 1 : time);
	return text;
}

/* The attack it is part of, with what was measured against what. */
static void
print_attack(const json_t *s)
{
	const json_t *a = get(s, "attack");

	if (!json_is_object(a))
		return;
	printf("    attack %s: %.0f %s, threshold %.0f\n",
	       table_safe(get_text(a, "attack_id")), get_number(a, "value"),
	       get_text(a, "metric"), get_number(a, "threshold"));
}

static void
print_sample(const json_t *s)
{
	const char *verdict = get_text(s, "verdict");
	const bool is_bad = strcmp(verdict, "dropped") == 0;

	printf("%s  %s%s%s %s", clock_of(get_text(s, "time")),
	       is_bad ? colour_bad() : colour_warn(), verdict, colour_off(),
	       get_text(s, "reason"));
	if (get_text(s, "service")[0] != '\0')
		printf("  %s", table_safe(get_text(s, "service")));
	printf("\n    %s\n", table_safe(get_text(s, "summary")));
	print_attack(s);
}

/* Oldest first, as they happened. */
static void
print_all(const json_t *d)
{
	const json_t *list = get(d, "samples");

	for (size_t i = json_array_size(list); i-- > 0;)
		print_sample(json_array_get(list, i));
}

static void
human(const json_t *d)
{
	print_all(d);
	if (json_array_size(get(d, "samples")) == 0)
		puts("nothing of that was stopped, or it is not remembered any more");
}

static void
add_option(char path[PATH_ROOM], const char *key, const char *value)
{
	size_t n = strlen(path);

	if (value == NULL)
		return;
	n += (size_t)snprintf(path + n, PATH_ROOM - n,
	                      "%s%s=", strchr(path, '?') == NULL ? "?" : "&", key);
	if (n < PATH_ROOM)
		cli_encode(value, path + n, PATH_ROOM - n);
}

/* One JSON object a line, oldest first: what follows can be read while it comes. */
static void
print_lines(const json_t *d)
{
	const json_t *list = get(d, "samples");

	for (size_t i = json_array_size(list); i-- > 0;) {
		json_dumpf(json_array_get(list, i), stdout, JSON_COMPACT);
		putchar('\n');
	}
}

/* Until it is interrupted or nobody reads any more. */
static int
follow(struct cli *c, const char *from)
{
	double last = 0;
	bool is_begun = false;

	for (;;) {
		char path[PATH_ROOM], number[32];
		struct cli_answer a;
		int rc;

		snprintf(path, sizeof(path), "%s", from);
		snprintf(number, sizeof(number), "%.0f", last);
		if (is_begun)
			add_option(path, "after", number);
		rc = cli_call(c, "GET", path, NULL, &a);
		if (rc != 0)
			return rc;
		if (a.status != 200 || a.document == NULL) {
			cli_problem(c, &a);
			cli_answer_free(&a);
			return EXIT_FAILED;
		}
		(c->json ? print_lines : print_all)(a.document);
		/* A daemon that was started anew counts anew. */
		last = get_number(a.document, "last");
		is_begun = true;
		cli_answer_free(&a);
		if (fflush(stdout) != 0)
			return EXIT_FAILED;
		usleep(500000);
	}
}

int
verb_sample(struct cli *c)
{
	char path[PATH_ROOM] = "/api/v1/samples";
	const bool follows = cli_flag(c, "--follow");
	const char *limit = cli_option(c, "--limit");

	add_option(path, "ip", cli_option(c, "--address"));
	add_option(path, "reason", cli_option(c, "--reason"));
	add_option(path, "service", cli_option(c, "--service"));
	add_option(path, "attack", cli_option(c, "--attack"));
	cli_want(c, 0, 0);
	if (follows)
		add_option(path, "limit", limit != NULL ? limit : "256");
	else
		add_option(path, "limit", limit);
	return follows ? follow(c, path) : cli_show(c, path, human);
}
