/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/hook_parts.h"
#include "event/sentence.h"
#include "telemetry/put.h"

/* Chats give a meaning to angle brackets; they stand for themselves here. */
static void
put_plain(FILE *f, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '<')
			fputs("\u2039", f);
		else if (*text == '>')
			fputs("\u203a", f);
		else
			fputc(*text, f);
	}
}

/* A line for each event. */
static json_t *
sentences(const struct hook_batch *batch)
{
	char sentence[EVENT_SENTENCE], *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	json_t *o;

	if (f == NULL)
		return NULL;
	for (unsigned int i = 0; i < batch->count; i++) {
		event_sentence(batch->event[i], sentence);
		if (i > 0)
			fputc('\n', f);
		put_plain(f, sentence);
	}
	if (batch->lost > 0)
		fprintf(f, "\n%llu events before these were lost",
		        (unsigned long long)batch->lost);
	fclose(f);
	o = json_string(text);
	free(text);
	return o;
}

static void
put_field(json_t *o, const char *field)
{
	const char *eq = strchr(field, '=');
	char name[512];
	const size_t len = eq != NULL ? (size_t)(eq - field) : 0;

	if (len == 0 || len >= sizeof(name))
		return;
	memcpy(name, field, len);
	name[len] = '\0';
	json_object_set_new(o, name, json_string(eq + 1));
}

char *
event_hook_body(const struct settings_webhook *s, const char *node,
                const struct hook_batch *batch)
{
	json_t *o = json_object(), *events;
	char *text;

	json_object_set_new(o, "text", sentences(batch));
	if (!s->is_text) {
		telemetry_put_text(o, "node", node);
		telemetry_put_count(o, "lost", batch->lost);
		events = json_array();
		for (unsigned int i = 0; i < batch->count; i++)
			json_array_append(events, batch->event[i]);
		json_object_set_new(o, "events", events);
	}
	for (size_t i = 0; i < s->fields.count; i++)
		put_field(o, s->fields.text[i]);
	text = telemetry_text(o);
	json_decref(o);
	return text;
}
