/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * completion - a script for bash, made from the table of verbs.
 *
 * Names of services and the like are asked from the daemon while the key is pressed,
 * by `tidegate completion names KIND`: one word a line, nothing when nobody answers
 * within half a second.
 *
 * Threads one.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"
#include "words.h"

#define ASK_MS 500

static const struct source {
	const char *kind, *path, *list, *name;
	const char *action; /* only those of this action; NULL: all */
} sources[] = {
	{ "services", "/api/v1/services", "services", "name", NULL },
	{ "attacks", "/api/v1/attacks?limit=50", "attacks", "attack_id", NULL },
	{ "lists", "/api/v1/lists", "lists", "name", NULL },
	{ "filters", "/api/v1/filters", "filters", "name", NULL },
	{ "blocks", "/api/v1/blocks", "blocks", "prefix", "deny" },
	{ "allows", "/api/v1/blocks", "blocks", "prefix", "allow" },
};

/* A word the shell takes as it is. */
static bool
is_plain(const char *word)
{
	for (const char *p = word; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-_.:/", *p) == NULL)
			return false;
	return word[0] != '\0' && word[0] != '-';
}

static int
print_names(struct cli *c, const char *kind)
{
	struct cli_answer a;
	const json_t *e;
	size_t i;

	c->timeout_ms = ASK_MS;
	for (size_t k = 0; k < sizeof(sources) / sizeof(*sources); k++) {
		const struct source *s = &sources[k];

		if (strcmp(kind, s->kind) != 0 || cli_try(c, "GET", s->path, &a) != 0)
			continue;
		json_array_foreach((json_t *)get(a.document, s->list), i, e)
		{
			const char *name = get_text(e, s->name);

			if (is_plain(name) &&
			    (s->action == NULL ||
			     strcmp(get_text(e, "action"), s->action) == 0))
				puts(name);
		}
		cli_answer_free(&a);
	}
	return 0;
}

/* The options that stand in a usage, one after the other. */
static void
write_options(FILE *to, const char *usage)
{
	for (const char *p = strstr(usage, "--"); p != NULL; p = strstr(p + 2, "--"))
		fprintf(to, " %.*s", (int)strspn(p, "-abcdefghijklmnopqrstuvwxyz"), p);
}

static void
write_words(FILE *to, const char *words)
{
	for (const char *p = words; *p != '\0';) {
		const size_t n = strcspn(p, " ");

		if (strncmp(p, "@files", n) == 0)
			fputs(" $(compgen -f -- \"$cur\")", to);
		else if (strncmp(p, "@verbs", n) == 0)
			fputs(" $verbs", to);
		else if (p[0] == '@')
			fprintf(to, " $(_tidegate_names %.*s)", (int)(n - 1), p + 1);
		else
			fprintf(to, " %.*s", (int)n, p);
		p += n + (p[n] == ' ');
	}
}

static void
write_script(FILE *to)
{
	fputs("# bash completion for tidegate; made by `tidegate completion bash`\n"
	      "_tidegate_names()\n{\n"
	      "\tlocal i api=()\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\t[ \"${COMP_WORDS[i]}\" != --api ] || api=(--api \"${where}\")\n"
	      "\tdone\n"
	      "\t\"${COMP_WORDS[0]}\" \"${api[@]}\" completion names \"$1\" "
	      "2>/dev/null\n}\n\n"
	      "_tidegate()\n{\n"
	      "\tlocal cur prev verb= i where= line words= verbs=\"",
	      to);
	for (const struct verb *v = verbs; v->name != NULL; v++)
		fprintf(to, "%s%s", v == verbs ? "" : " ", v->name);
	/* A colon parts words for readline, so unix:PATH is read from the line itself. */
	fputs("\"\n"
	      "\tlocal all=\"--api --token-file --json --help --version\"\n"
	      "\tcur=${COMP_WORDS[COMP_CWORD]}\n"
	      "\tprev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	      "\tline=${COMP_LINE:0:COMP_POINT}\n"
	      "\tif [[ $line =~ [[:space:]]--api[=[:space:]]+([^[:space:]]+)[[:space:]] "
	      "]]; then\n"
	      "\t\twhere=${BASH_REMATCH[1]}\n"
	      "\t\tline=${line/--api?\"$where\"/}\n"
	      "\tfi\n"
	      "\tfor i in ${line#*[[:space:]]}; do\n"
	      "\t\t[[ \" $verbs \" == *\" $i \"* ]] && verb=$i && break\n"
	      "\tdone\n"
	      "\t[ \"$verb\" != \"$cur\" ] || [[ $line == *[[:space:]] ]] || verb=\n"
	      "\tif [ \"$prev\" = --token-file ]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tcase $verb in\n"
	      "\t'') words=\"$verbs help\" ;;\n",
	      to);
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		fprintf(to, "\t%s) all=\"$all", v->name);
		write_options(to, v->usage);
		fputs("\"; words=\"", to);
		write_words(to, v->words);
		fputs("\" ;;\n", to);
	}
	fputs("\tesac\n"
	      "\t[[ $cur != -* ]] || words=$all\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "}\n"
	      "complete -F _tidegate tidegate\n",
	      to);
}

int
verb_completion(struct cli *c)
{
	char *text = NULL;
	size_t len;
	FILE *to;

	cli_want(c, 1, 2);
	if (c->argc == 2 && strcmp(c->argv[0], "names") == 0)
		return print_names(c, c->argv[1]);
	if (c->argc != 1 || strcmp(c->argv[0], "bash") != 0)
		cli_usage(c, "'%s' is no shell that is known here", c->argv[0]);
	if (!c->json) {
		write_script(stdout);
		return 0;
	}
	to = open_memstream(&text, &len);
	if (to == NULL)
		return EXIT_FAILED;
	write_script(to);
	fclose(to);
	json_t *o = json_pack("{s:s, s:s}", "shell", "bash", "script", text);

	cli_print_json(o);
	json_decref(o);
	free(text);
	return 0;
}
