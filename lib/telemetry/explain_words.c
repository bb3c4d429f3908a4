/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/explain_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/policy.h"
#include "stage/explain.h"

/* Whole sentences only, and each once. */
static void
add(char *text, size_t size, const char *sentence)
{
	const size_t n = strlen(text);

	if (strstr(text, sentence) == NULL && n + strlen(sentence) < size)
		memcpy(text + n, sentence, strlen(sentence) + 1);
}

void
telemetry_explain_words_list(struct explain_words *w, const struct explain_entry *e)
{
	char as[80] = "", rest[64] = "", sentence[320];

	if (e->prefix != NULL)
		snprintf(as, sizeof(as), " as %.60s", e->prefix);
	if (e->remaining_s != 0)
		snprintf(rest, sizeof(rest), " for another %" PRIu64 " s",
		         e->remaining_s);
	if (strcmp(e->action, "tag") == 0)
		snprintf(sentence, sizeof(sentence), " It has the tag \"%.63s\"%s%s.",
		         e->name, as, rest);
	else if (strcmp(e->action, "never_block") == 0 && e->scale > 1)
		snprintf(sentence, sizeof(sentence),
		         " It is never blocked and counts as %" PRIu64
		         " customers: it is on the list \"%.63s\"%s%s.",
		         e->scale, e->name, as, rest);
	else if (strcmp(e->action, "never_block") == 0)
		snprintf(sentence, sizeof(sentence),
		         " It is never blocked: it is on the list \"%.63s\"%s%s.",
		         e->name, as, rest);
	else
		snprintf(sentence, sizeof(sentence),
		         " It is on the %s list \"%.63s\"%s%s.", e->action, e->name, as,
		         rest);
	add(w->listed, sizeof(w->listed), sentence);
}

static void
say_tag(struct explain_words *w, const struct policies *p, const struct explain_line *l)
{
	const char *policy =
		p != NULL && l->policy < p->n_policies ? p->policy[l->policy].name : "";
	char sentence[320] = "";

	if (strcmp(l->what, "meter limit") == 0)
		snprintf(sentence, sizeof(sentence),
		         " Policy \"%.63s\" meters all with the tag \"%.63s\" to %" PRIu64
		         " %s together.",
		         policy, l->name, l->value, l->unit);
	else if (strcmp(l->what, "metered") == 0 && strcmp(l->verdict, "over") == 0)
		snprintf(
			sentence, sizeof(sentence),
			" The tag \"%.63s\" has used up what policy \"%.63s\" grants it.",
			l->name, policy);
	else if (strcmp(l->what, "tag") == 0 && strcmp(l->verdict, "denied") == 0)
		snprintf(sentence, sizeof(sentence),
		         " Policy \"%.63s\" denies all with the tag \"%.63s\".", policy,
		         l->name);
	else if (strcmp(l->what, "tag") == 0 && strcmp(l->verdict, "allowed") == 0)
		snprintf(sentence, sizeof(sentence),
		         " Policy \"%.63s\" allows all with the tag \"%.63s\".", policy,
		         l->name);
	add(w->tagged, sizeof(w->tagged), sentence);
}

void
telemetry_explain_words_line(struct explain_words *w, const struct policies *p,
                             const struct explain_line *line)
{
	if (strcmp(line->what, "blocked") == 0) {
		/* The last second is one, too. */
		const uint64_t left = line->value > 0 ? line->value : 1;

		w->blocked_s = left > w->blocked_s ? left : w->blocked_s;
	} else if (strcmp(line->what, "block number") == 0) {
		w->blocks = line->value > w->blocks ? line->value : w->blocks;
	} else if (line->name[0] != '\0') {
		say_tag(w, p, line);
	}
}
