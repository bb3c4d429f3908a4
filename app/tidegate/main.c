/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tidegate - the operator's command: asks and changes a running tidegated.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "verbs.h"
#include "words.h"

#define NAMES_MAX 64

static void
print_help(void)
{
	puts("usage: tidegate [--api URL|unix:PATH] [--token-file FILE] [--json] VERB "
	     "...\n");
	for (const struct verb *v = verbs; v->name != NULL; v++)
		printf("  %-10s %s\n", v->name, v->help);
	puts("\n  --api WHERE        http://HOST:PORT or unix:PATH; else the usual two "
	     "places,\n"
	     "                     unix:/run/tidegate/api.sock and "
	     "http://127.0.0.1:9686\n"
	     "  --token-file FILE  token for changes; else $TIDEGATE_TOKEN, "
	     "/etc/tidegate/token,\n"
	     "                     and for root the one beside the daemon's socket\n"
	     "  --json             print the server's document, with every verb\n"
	     "  --help             after a verb: how it is used\n"
	     "  --version          version of this command\n"
	     "\nExit codes: 0 done, 1 failed, 2 wrong usage, 69 no daemon answers,\n"
	     "78 the configuration was refused.");
}

static int
print_verb(const struct verb *v)
{
	printf("usage: tidegate %s %s\n\n%s.\n", v->name, v->usage, v->help);
	if (v->details[0] != '\0')
		printf("\n%s", v->details);
	return 0;
}

static const struct verb *
find(const char *name)
{
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		if (strcmp(name, v->name) == 0)
			return v;
	}
	return NULL;
}

static _Noreturn void
unknown(const struct cli *c, const char *typed)
{
	const char *names[NAMES_MAX] = { NULL }, *meant;
	char clean[64];

	for (size_t i = 0; verbs[i].name != NULL && i + 1 < NAMES_MAX; i++)
		names[i] = verbs[i].name;
	meant = words_closest(typed, names);
	words_clean(typed, clean, sizeof(clean));
	if (meant != NULL)
		cli_usage(c, "there is no verb '%s'; did you mean '%s'?", clean, meant);
	cli_usage(c, "there is no verb '%s'", clean);
}

int
main(int argc, char **argv)
{
	struct cli c = { .argc = argc - 1, .argv = argv + 1 };
	const struct verb *v;
	bool help;

	/* Options of every verb may stand before or after it. */
	c.api = cli_option(&c, "--api");
	c.token_file = cli_option(&c, "--token-file");
	c.json = cli_flag(&c, "--json");
	help = cli_flag(&c, "--help") || cli_flag(&c, "-h");
	if (c.argc > 0 && strcmp(c.argv[0], "help") == 0) {
		help = true;
		c.argc--;
		c.argv++;
	}
	if (c.argc == 0 && help) {
		print_help();
		return 0;
	}
	if (c.argc == 0)
		cli_usage(&c, "say what to do");
	if (strcmp(c.argv[0], "--version") == 0) {
		puts("tidegate " TIDEGATE_VERSION);
		return 0;
	}
	v = find(c.argv[0]);
	if (v == NULL)
		unknown(&c, c.argv[0]);
	if (help)
		return print_verb(v);
	c.verb = v->name;
	c.usage = v->usage;
	c.argc--;
	c.argv++;
	return v->run(&c);
}
