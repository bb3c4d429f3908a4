/* SPDX-License-Identifier: BSD-3-Clause */
/* events - what happened, the newest last; and what happens, as it does. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

#define PATH_ROOM 512
#define FOLLOW_US 500000

/* Members that stand in the line already, or that only programs read. */
static bool
is_told(const char *key)
{
	static const char *const told[] = { "timestamp", "event_type", "seq",
		                            "node",      "host",       "flow_id" };

	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
		if (strcmp(key, told[i]) == 0)
			return true;
	return false;
}

/* " key=value", and what is below it; two deep is enough for a line. */
static void
print_members(const json_t *o, unsigned int depth)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)o, key, v)
	{
		if (depth == 0 && is_told(key))
			continue;
		if (json_is_object(v) && depth < 2)
			print_members(v, depth + 1);
		else if (json_is_string(v) && json_string_length(v) > 0)
			printf(" %s=%s", table_safe(key), json_string_value(v));
		else if (json_is_number(v))
			printf(" %s=%.6g", table_safe(key), json_number_value(v));
		else if (json_is_boolean(v))
			printf(" %s=%s", table_safe(key), json_is_true(v) ? "yes" : "no");
	}
}

static void
print_all(const json_t *d)
{
	const json_t *e;
	size_t i;

	json_array_foreach((json_t *)get(d, "events"), i, e)
	{
		printf("%.19s  %s%s%s ", get_text(e, "timestamp"), colour_bold(),
		       get_text(e, "event_type"), colour_off());
		print_members(e, 0);
		putchar('\n');
	}
	if (get_number(d, "missed") > 0)
		printf("%.0f events before these are no longer in memory\n",
		       get_number(d, "missed"));
}

static void
human(const json_t *d)
{
	print_all(d);
	if (json_array_size(get(d, "events")) == 0)
		puts("nothing happened");
}

static void
print_lines(const json_t *d)
{
	const json_t *e;
	size_t i;

	json_array_foreach((json_t *)get(d, "events"), i, e) cli_print_json_line(e);
}

/* Until it is interrupted or nobody reads any more. A daemon started anew counts anew. */
static int
follow(struct cli *c, const char *from)
{
	double last = -1;

	for (;;) {
		char path[PATH_ROOM];
		struct cli_answer a;
		double now;
		int rc;

		snprintf(path, sizeof(path), "%s", from);
		if (last >= 0)
			snprintf(path + strlen(path), sizeof(path) - strlen(path),
			         "&since=%.0f", last);
		rc = cli_call(c, "GET", path, NULL, &a);
		if (rc != 0)
			return rc;
		if (a.status != 200 || a.document == NULL) {
			cli_problem(c, &a);
			cli_answer_free(&a);
			return EXIT_FAILED;
		}
		now = get_number(a.document, "last_seq");
		if (now >= last)
			(c->json ? print_lines : print_all)(a.document);
		last = now >= last ? now : -1;
		cli_answer_free(&a);
		if (fflush(stdout) != 0)
			return EXIT_FAILED;
		usleep(FOLLOW_US);
	}
}

int
verb_events(struct cli *c)
{
	const bool follows = cli_flag(c, "--follow");
	const char *type = cli_option(c, "--type"), *since = cli_option(c, "--since");
	const long limit = cli_number(c, "--limit", 1, 256, follows ? 256 : 50);
	char path[PATH_ROOM], encoded[128];

	cli_want(c, 0, 0);
	snprintf(path, sizeof(path), "/api/v1/events?limit=%ld", limit);
	if (type != NULL) {
		cli_encode(type, encoded, sizeof(encoded));
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "&type=%s",
		         encoded);
	}
	if (since != NULL && follows)
		cli_usage(c, "--since looks back and --follow forward: one of them");
	if (since != NULL) {
		cli_encode(since, encoded, sizeof(encoded));
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "&since=%s",
		         encoded);
	}
	return follows ? follow(c, path) : cli_show(c, path, human);
}
