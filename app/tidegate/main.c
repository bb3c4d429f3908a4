/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tidegate - the operator's command: asks and changes a running tidegated.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "verbs.h"

static const struct verb {
	const char *name, *usage, *help, *details;
	int (*run)(struct cli *c);
} verbs[] = {
	{ "status", "", "who the box is, how it is, and its books", "", verb_status },
	{ "services", "[show NAME]",
	  "services with mode and rates; one with every vector",
	  "With `show NAME`: thresholds, measured values and headroom of each vector.\n",
	  verb_services },
	{ "attacks", "[ID] [--active] [--limit N]", "attacks in memory, newest first",
	  "  ID         everything about one attack\n"
	  "  --active   only those that still run\n"
	  "  --limit N  at most N, 1 to 256 (20)\n",
	  verb_attacks },
	{ "top", "[--destinations] [--bits] [--limit N]", "who sends or receives most",
	  "  --destinations  by destination, else by source\n"
	  "  --bits          largest bit rate first, else packet rate\n"
	  "  --limit N       at most N, 1 to 256 (20)\n",
	  verb_top },
	{ "reasons", "[--all] [--help-texts]", "why packets were dropped, and how many",
	  "  --all         also reasons that were never used\n"
	  "  --help-texts  what each means and what to look at\n",
	  verb_reasons },
	{ "hits", "[STAGE] [--all]",
	  "what single lists, filter rules and reflecting services met",
	  "  STAGE  of one stage alone: lists, filters, reflection\n"
	  "  --all  also those that met nothing\n",
	  verb_hits },
	{ "sample",
	  "[--reason NAME] [--service NAME] [--attack ID] [--limit N] [--follow]",
	  "packets that were stopped, as they came",
	  "  --reason NAME   of one reason, as shape.over_limit, or stage, as shape\n"
	  "  --service NAME  of one service\n"
	  "  --attack ID     of one attack\n"
	  "  --limit N       the last N, 1 to 256 (20)\n"
	  "  --follow        and go on with new ones until interrupted\n"
	  "Of each reason a few packets a second are kept: the keys of `samples`.\n",
	  verb_sample },
	{ "ports", "", "both ends of every link: books, rates, losses", "", verb_ports },
	{ "workers", "", "what each worker does and how busy it is", "", verb_workers },
	{ "reload", "", "read the configuration again, all or nothing",
	  "Exits 78 when the file was refused; the old configuration stays then.\n",
	  verb_reload },
	{ "mode", "NAME|all learn|monitor|mitigate|configured [--for TIME]",
	  "set the mode of one or all services",
	  "  --for TIME  as in 30m; then the file's mode is back\n"
	  "  configured  go back to the file's mode now\n",
	  verb_mode },
	{ "bypass", "on|off [--for TIME]", "forward everything without judging",
	  "  --for TIME  as in 5m; then packets are judged again\n", verb_bypass },
	{ "explain", "ADDRESS", "all the box knows of one address, and why", "",
	  verb_explain },
	{ "block", "add|del PREFIX [--for TIME] [--reason TEXT] | ls",
	  "timed entries of the deny list",
	  "  --for TIME     as in 10m; without it, until taken back\n"
	  "  --reason TEXT  why, for those who find it later\n",
	  verb_block },
	{ "allow", "add|del PREFIX [--for TIME] [--reason TEXT] | ls",
	  "timed entries of the allow list",
	  "  --for TIME     as in 10m; without it, until taken back\n"
	  "  --reason TEXT  why, for those who find it later\n",
	  verb_allow },
	{ "filters", "list | add FILE | check FILE | del NAME",
	  "the operator's filter rules, with what each has met",
	  "  FILE  one rule as JSON, - for standard input\n", verb_filters },
	{ "lists", "[show NAME | reload NAME | add|del NAME PREFIX [--for TIME]]",
	  "lists: what is wanted and what is loaded; entries by hand",
	  "  show NAME    one list, its file's errors, its entries made by hand\n"
	  "  reload NAME  read its file now\n"
	  "  --for TIME   as in 10m; without it, until taken back\n",
	  verb_lists },
	{ "check", "", "health in one line, for Nagios and its kin",
	  "Exits 0 when all is well, 1 for a warning (attack, bypass), 2 when packets "
	  "or\n"
	  "control are in danger or nobody answers, 3 when that cannot be told.\n",
	  verb_check },
	{ "config", "[check [FILE]]",
	  "the configuration in force; what a reload would find",
	  "With `check`: look through the file in use, or FILE, and change nothing.\n"
	  "Exits 78 when it would be refused.\n",
	  verb_config },
	{ "token", "new|del NAME | ls [--role ROLE] [--tokens-file FILE]",
	  "who may change something: lines of the tokens file",
	  "  new NAME            make a token, print it once, keep its hash\n"
	  "  --role ROLE         read, operate (modes, blocks, bypass; the default) or\n"
	  "                      admin (also the configuration)\n"
	  "  --tokens-file FILE  as api.tokens_file names it; else "
	  "/etc/tidegate/tokens\n"
	  "Asks no daemon, and what is written is in force at once.\n",
	  verb_token },
	{ "version", "", "versions of this command and of the daemon", "", verb_version },
};
#define VERBS (sizeof(verbs) / sizeof(*verbs))

static void
print_help(void)
{
	puts("usage: tidegate [--api URL|unix:PATH] [--token-file FILE] [--json] VERB "
	     "...\n");
	for (size_t i = 0; i < VERBS; i++)
		printf("  %-9s %s\n", verbs[i].name, verbs[i].help);
	puts("\n  --api WHERE        http://HOST:PORT or unix:PATH; else the usual two "
	     "places,\n"
	     "                     unix:/run/tidegate/api.sock and "
	     "http://127.0.0.1:9686\n"
	     "  --token-file FILE  token for changes; else $TIDEGATE_TOKEN, "
	     "/etc/tidegate/token,\n"
	     "                     and for root the one beside the daemon's socket\n"
	     "  --json             print the server's document\n"
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
	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	}
	return NULL;
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
		cli_usage(&c, "there is no verb '%s'", c.argv[0]);
	if (help)
		return print_verb(v);
	c.verb = v->name;
	c.usage = v->usage;
	c.argc--;
	c.argv++;
	return v->run(&c);
}
