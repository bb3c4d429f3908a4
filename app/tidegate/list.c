/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * list - the lists: what is wanted, what is loaded, read one now, entries by hand.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

#define PATH 512

static const char *
state_of(const json_t *l)
{
	if (json_is_null(get(l, "file")))
		return "no file";
	return get_text(l, "wanted.state");
}

static void
print_all(const json_t *d)
{
	struct table t;
	const json_t *l;
	size_t i;

	table_begin(&t, "lllrrrrll",
	            (const char *[]){ "LIST", "ACTION", "STATE", "PREFIXES", "SKIPPED",
	                              "BY HAND", "PACKETS", "LOADED", "FILE", NULL });
	json_array_foreach((json_t *)get(d, "lists"), i, l)
	{
		table_add(&t, "%s", get_text(l, "name"));
		table_add(&t, "%s", get_text(l, "action"));
		table_add(&t, "%s", state_of(l));
		table_add(&t, "%.0f", get_number(l, "prefixes"));
		table_add(&t, "%.0f", get_number(l, "loaded.skipped"));
		table_add(&t, "%.0f", get_number(l, "by_hand"));
		table_add(&t, "%.0f", get_number(l, "hits"));
		table_add(&t, "%.19s", get_text(l, "loaded.loaded"));
		table_add(&t, "%s", get_text(l, "file"));
	}
	table_end(&t, "no lists");
}

/* One side of a list that has a file: "2026-11-22T09:00:00.000Z 3a7bd3e2360a". */
static void
print_side(const char *label, const json_t *side, const char *when)
{
	printf("%-9s file of %.19s, sha256 %.12s", label, get_text(side, "file_time"),
	       get_text(side, "sha256"));
	printf(", %s %.19s\n", when, get_text(side, when));
}

static void
print_messages(const json_t *l)
{
	const json_t *errors = get(l, "wanted.errors"), *e;
	const double all = get_number(l, "wanted.messages");
	size_t i;

	json_array_foreach((json_t *)errors, i, e)
	{
		printf("%s", table_safe(get_text(l, "file")));
		if (get_number(e, "line") > 0)
			printf(":%.0f", get_number(e, "line"));
		printf(": %s\n", table_safe(get_text(e, "message")));
	}
	if (all > (double)json_array_size(errors))
		printf("and %.0f more\n", all - (double)json_array_size(errors));
}

static void
print_file(const json_t *l)
{
	printf("file      %s, %s, on_error %s, ", table_safe(get_text(l, "file")),
	       get_text(l, "format"), get_text(l, "on_error"));
	if (get_number(l, "refresh_seconds") > 0)
		printf("looked at every %s\n",
		       table_time(get_number(l, "refresh_seconds")));
	else
		printf("read by call only\n");
	print_side("wanted", get(l, "wanted"), "checked");
	if (get_text(l, "loaded.loaded")[0] != '\0')
		print_side("loaded", get(l, "loaded"), "loaded");
	else
		puts("loaded    never");
	printf("content   %.0f prefixes of %.0f lines, %.0f skipped, %.0f over\n",
	       get_number(l, "loaded.prefixes"), get_number(l, "loaded.lines"),
	       get_number(l, "loaded.skipped"), get_number(l, "loaded.ended"));
	print_messages(l);
}

static void
print_one(const json_t *d)
{
	const json_t *l = get(d, "list"), *e;
	struct table t;
	size_t i;

	printf("%s%s%s, %s, %s: %.0f prefixes in force, %.0f packets\n", colour_bold(),
	       table_safe(get_text(l, "name")), colour_off(), get_text(l, "action"),
	       state_of(l), get_number(l, "prefixes"), get_number(l, "hits"));
	if (!json_is_null(get(l, "file")))
		print_file(l);
	putchar('\n');
	table_begin(&t, "ll", (const char *[]){ "BY HAND", "UNTIL", NULL });
	json_array_foreach((json_t *)get(l, "entries"), i, e)
	{
		table_add(&t, "%s", get_text(e, "prefix"));
		table_add(&t, "%s",
		          json_is_string(get(e, "until")) ? get_text(e, "until")
		                                          : "no end");
	}
	table_end(&t, "nothing was put into it by hand");
}

static void
print_warnings(const json_t *d)
{
	const json_t *w;
	size_t i;

	json_array_foreach((json_t *)get(d, "warnings"), i, w) fprintf(
		stderr, "tidegate: warning: %s\n", table_safe(get_text(w, "message")));
}

static void
print_reloaded(const json_t *d)
{
	const json_t *l = get(d, "list");

	printf("%s: %.0f prefixes loaded, %.0f lines skipped\n",
	       table_safe(get_text(l, "name")), get_number(l, "loaded.prefixes"),
	       get_number(l, "loaded.skipped"));
	print_warnings(d);
}

static void
print_added(const json_t *d)
{
	printf("%s is in %s", get_text(d, "prefix"), table_safe(get_text(d, "list")));
	if (json_is_string(get(d, "until")))
		printf(" until %.19s", get_text(d, "until"));
	putchar('\n');
	print_warnings(d);
}

static void
print_gone(const json_t *d)
{
	printf("%s is no longer in %s by hand\n", get_text(d, "prefix"),
	       table_safe(get_text(d, "list")));
	print_warnings(d);
}

/* Of `lists add|del NAME PREFIX`. */
static int
change(struct cli *c, const char *path, const char *time)
{
	const bool is_add = strcmp(c->argv[0], "add") == 0;
	json_t *body = json_pack("{s:s}", "prefix", c->argv[2]);

	if (!is_add && time != NULL)
		cli_usage(c, "del takes no --for");
	if (time != NULL)
		json_object_set_new(body, "for", json_string(time));
	return cli_change(c, is_add ? "PUT" : "DELETE", path, body,
	                  is_add ? print_added : print_gone);
}

int
verb_lists(struct cli *c)
{
	const char *time = cli_option(c, "--for"), *what;
	char name[3 * 80], path[PATH];

	cli_want(c, 0, 3);
	if (c->argc == 0 && time == NULL)
		return cli_show(c, "/api/v1/lists", print_all);
	what = c->argc == 0 ? "" : c->argv[0];
	if (c->argc < 2)
		cli_usage(c, "say which list");
	cli_encode(c->argv[1], name, sizeof(name));
	if (c->argc == 3 && (strcmp(what, "add") == 0 || strcmp(what, "del") == 0)) {
		snprintf(path, sizeof(path), "/api/v1/lists/%s/entries", name);
		return change(c, path, time);
	}
	if (time != NULL)
		cli_usage(c, "only add takes --for");
	snprintf(path, sizeof(path), "/api/v1/lists/%s", name);
	if (c->argc == 2 && strcmp(what, "show") == 0)
		return cli_show(c, path, print_one);
	if (c->argc != 2 || strcmp(what, "reload") != 0)
		cli_usage(c, "'%s' is not understood", what);
	snprintf(path, sizeof(path), "/api/v1/lists/%s/reload", name);
	return cli_change(c, "POST", path, json_object(), print_reloaded);
}
