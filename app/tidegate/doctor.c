/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doctor - what is wrong, and what to do: asked of the daemon while it answers, and
 * looked for on this machine when it does not.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "table.h"
#include "verbs.h"

/* "external_packets 12, internal_packets 0" */
static void
add_counts(struct table *t, const json_t *counts)
{
	char text[400] = "";
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)counts, key, value)
	{
		const size_t n = strlen(text);
		char label[64];
		size_t i;

		snprintf(label, sizeof(label), "%s", table_safe(key));
		for (i = 0; label[i] != '\0'; i++)
			if (label[i] == '_')
				label[i] = ' ';
		if (json_is_number(value))
			snprintf(text + n, sizeof(text) - n, "%s%s %.0f",
			         n > 0 ? ", " : "", label, json_number_value(value));
		else if (json_is_boolean(value))
			snprintf(text + n, sizeof(text) - n, "%s%s%s", n > 0 ? ", " : "",
			         json_is_true(value) ? "" : "not ", label);
	}
	table_add(t, "%s", text);
}

static void
print_steps(const json_t *document)
{
	const json_t *s;
	struct table t;
	size_t i;

	if (json_array_size(get(document, "steps")) == 0)
		return;
	table_begin(&t, "lll", (const char *[]){ "STEP", "STATE", "COUNTED", NULL });
	json_array_foreach((json_t *)get(document, "steps"), i, s)
	{
		table_add(&t, "%s", get_text(s, "step"));
		table_add(&t, "%s", get_text(s, "state"));
		add_counts(&t, get(s, "counts"));
	}
	table_end(&t, "");
	printf("Packets are those of the last %s.\n\n",
	       table_time(get_number(document, "window_seconds")));
}

static void
print_finding(const json_t *f)
{
	const char *level = get_text(f, "level");
	const bool is_fault = strcmp(level, "fault") == 0;
	const bool is_warning = strcmp(level, "warning") == 0;

	printf("%s%s%s  %s%s%s%s\n",
	       is_fault     ? colour_bad()
	       : is_warning ? colour_warn()
	                    : "",
	       is_fault     ? "FAULT  "
	       : is_warning ? "WARNING"
	                    : "note   ",
	       is_fault || is_warning ? colour_off() : "", get_text(f, "name"),
	       get_text(f, "subject")[0] != '\0' ? " (" : "", get_text(f, "subject"),
	       get_text(f, "subject")[0] != '\0' ? ")" : "");
	printf("         %s\n", get_text(f, "sentence"));
	if (get_text(f, "remedy")[0] != '\0')
		printf("         -> %s\n", get_text(f, "remedy"));
}

static size_t
count(const json_t *findings, const char *level)
{
	const json_t *f;
	size_t i, n = 0;

	json_array_foreach((json_t *)findings, i, f) n +=
		strcmp(get_text(f, "level"), level) == 0;
	return n;
}

/* The worst comes first. */
static void
print_findings(const json_t *findings)
{
	static const char *const levels[] = { "fault", "warning", "note" };
	const size_t faults = count(findings, "fault");
	const size_t warnings = count(findings, "warning");
	const json_t *f;
	size_t i;

	for (size_t k = 0; k < sizeof(levels) / sizeof(*levels); k++) {
		json_array_foreach((json_t *)findings, i, f)
		{
			if (strcmp(get_text(f, "level"), levels[k]) == 0)
				print_finding(f);
		}
	}
	if (faults + warnings == 0)
		printf("%snothing is wrong%s\n", colour_good(), colour_off());
	else
		printf("%s%zu fault%s, %zu warning%s\n",
		       json_array_size(findings) > 0 ? "\n" : "", faults,
		       faults == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}

/* Whoever asks as himself may not change anything; that is no fault of the box. */
static void
look_at_own_token(struct doctor *d)
{
	const char *file = d->c->token_file;

	if (file != NULL && access(file, R_OK) < 0)
		doctor_add(d, "warning", "own_token_unreadable", file,
		           "Name another file with --token-file, or ask as its owner.",
		           "You have no token: %s cannot be read: %s.", file,
		           strerror(errno));
}

static void
look(struct doctor *d, json_t *document)
{
	struct cli_answer a;
	const char *where;
	const int rc = cli_ask(d->c, "GET", "/api/v1/health", NULL, &a, &where);
	const json_t *f;
	size_t i;

	if (rc < 0) {
		doctor_look_at_daemon(d, where, rc);
		return;
	}
	if (a.status == 200 && json_is_array(get(a.document, "findings"))) {
		json_array_foreach((json_t *)get(a.document, "findings"), i, f)
			json_array_append(d->findings, (json_t *)f);
		json_object_update(document, a.document);
	} else if (a.document != NULL && a.status != 404) {
		doctor_add(d, "fault", "api_refuses", where,
		           "Ask on the machine itself, by its Unix socket.",
		           "%s answers with %d: %s", where, a.status,
		           get_text(a.document, "detail"));
	} else {
		doctor_add(d, "fault", "not_a_tidegated", where,
		           "Say with --api where tidegated listens.",
		           "What answers at %s is no tidegated of this version.", where);
	}
	cli_answer_free(&a);
}

int
verb_doctor(struct cli *c)
{
	struct doctor d = { .c = c, .findings = json_array() };
	json_t *document = json_object();
	size_t faults, warnings;

	d.config = cli_option(c, "--config");
	d.program = cli_option(c, "--daemon");
	c->timeout_ms = (unsigned int)cli_number(c, "--timeout", 1, 60, 3) * 1000;
	cli_want(c, 0, 0);
	if (d.config == NULL)
		d.config = DOCTOR_CONFIG;
	look(&d, document);
	look_at_own_token(&d);
	faults = count(d.findings, "fault");
	warnings = count(d.findings, "warning");
	json_object_set(document, "findings", d.findings);
	json_object_set_new(document, "state",
	                    json_string(faults > 0     ? "faults"
	                                : warnings > 0 ? "warnings"
	                                               : "ok"));
	if (c->json) {
		cli_print_json(document);
	} else {
		print_steps(document);
		print_findings(d.findings);
	}
	json_decref(document);
	json_decref(d.findings);
	return faults > 0 ? 2 : warnings > 0 ? 1 : 0;
}
