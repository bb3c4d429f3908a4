/* SPDX-License-Identifier: BSD-3-Clause */
/* top - the verb: a whole terminal, or with --batch pages for pipes and cron. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "table.h"
#include "top.h"
#include "verbs.h"

#define ASK_MS 2000

const char *const top_sorts[] = {
	"packets", "bits", "dropped", "headroom", "name", NULL
};

static void
print_page(const struct top_page *page)
{
	for (unsigned int i = 0; i < page->count; i++) {
		const char *on = page->line[i].style == TOP_BAD     ? colour_bad()
		                 : page->line[i].style == TOP_WARN  ? colour_warn()
		                 : page->line[i].style == TOP_GOOD  ? colour_good()
		                 : page->line[i].style != TOP_PLAIN ? colour_bold()
		                                                    : "";

		printf("%s%s%s\n", on, page->line[i].text,
		       on[0] != '\0' ? colour_off() : "");
	}
	putchar('\n');
	fflush(stdout);
}

static void
print_facts(const struct top_facts *facts)
{
	json_t *o = json_pack("{s:O?, s:O?, s:O?}", "live", facts->live, "talkers",
	                      facts->talkers, "workers", facts->workers);

	cli_print_json_line(o);
	json_decref(o);
}

/* A page a second, `pages` of them, 0 for ever. */
static int
batch(struct cli *c, const struct top_view *view, long pages)
{
	static struct top_page page;
	struct top_facts facts = { 0 };
	int rc = 0;

	for (long i = 0; pages == 0 || i < pages; i++) {
		if (i > 0)
			sleep(1);
		top_ask(c, view, &facts);
		if (facts.why[0] != '\0') {
			fprintf(stderr, "tidegate: %s\n", facts.why);
			rc = EXIT_UNREACHABLE;
			break;
		}
		if (c->json) {
			print_facts(&facts);
		} else {
			top_write(&facts, view, &page);
			print_page(&page);
		}
		if (ferror(stdout))
			break;
	}
	top_forget(&facts);
	return rc;
}

static enum top_sort
sort_of(struct cli *c, const char *name)
{
	for (int i = 0; name != NULL && top_sorts[i] != NULL; i++)
		if (strcmp(name, top_sorts[i]) == 0)
			return (enum top_sort)i;
	if (name != NULL)
		cli_usage(c, "--sort is packets, bits, dropped, headroom or name");
	return TOP_BY_PACKETS;
}

int
verb_top(struct cli *c)
{
	struct top_view view = { .services = 20, .others = 10 };
	const bool is_batch = cli_flag(c, "--batch");
	const char *filter = cli_option(c, "--filter");
	const long pages = cli_number(c, "-n", 0, 1000000, is_batch ? 1 : -1);

	view.sort = sort_of(c, cli_option(c, "--sort"));
	view.of_destinations = cli_flag(c, "--destinations");
	if (filter != NULL)
		snprintf(view.filter, sizeof(view.filter), "%s", filter);
	cli_want(c, 0, 0);
	if (!is_batch && pages >= 0)
		cli_usage(c, "-n goes with --batch");
	c->timeout_ms = ASK_MS;
	if (is_batch || c->json)
		return batch(c, &view, pages < 0 ? 1 : pages);
	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		cli_usage(c, "this is no terminal: write --batch for a page of text");
	return top_screen(c, &view);
}
