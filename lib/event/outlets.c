/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/outlets.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/counter.h"
#include "base/log.h"

#define MESSAGE 256

static const char *const names[TELEMETRY_SINKS] = { "events.file", "events.journal",
	                                            EVENT_HOOK_NAME };

/* --- settings ----------------------------------------------------------------- */

static bool
is_same_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool
are_same_texts(const struct conf_texts *a, const struct conf_texts *b)
{
	bool is_same = a->count == b->count;

	for (size_t i = 0; is_same && i < a->count; i++)
		is_same = strcmp(a->text[i], b->text[i]) == 0;
	return is_same;
}

static bool
is_same_file(const struct settings_events *a, const struct settings_events *b)
{
	return is_same_text(a->file, b->file) && a->rotate_size == b->rotate_size &&
	       a->keep == b->keep;
}

static bool
is_same_hook(const struct settings_webhook *a, const struct settings_webhook *b)
{
	return is_same_text(a->url, b->url) && are_same_texts(&a->types, &b->types) &&
	       a->is_text == b->is_text && are_same_texts(&a->fields, &b->fields) &&
	       is_same_text(a->header_file, b->header_file) &&
	       is_same_text(a->ca_file, b->ca_file) && a->timeout_ns == b->timeout_ns &&
	       a->retry_ns == b->retry_ns;
}

static void
apply_journal(struct event_outlets *o, bool is_wanted)
{
	int rc;

	event_journal_close(&o->journal);
	if (!is_wanted)
		return;
	rc = event_journal_open(&o->journal, o->journal_socket);
	if (rc < 0)
		log_warning("events: no socket for the journal: %s", strerror(-rc));
}

static void
apply_hook(struct event_outlets *o, const struct settings_webhook *set, const char *node)
{
	/* What the old one still has, it tries to deliver while it goes. */
	event_hook_close(o->hook, false);
	o->hook = NULL;
	if (set->url == NULL || set->url[0] == '\0')
		return;
	o->hook = event_hook_open(set, node);
	if (o->hook == NULL)
		log_warning("events: there is no webhook: %s",
		            errno == ENOSYS ? "built without libcurl" : strerror(errno));
}

void
event_outlets_open(struct event_outlets *o, struct telemetry_sink *counts,
                   const char *journal_socket)
{
	memset(o, 0, sizeof(*o));
	o->counts = counts;
	o->journal_socket = journal_socket;
	o->journal.fd = -1;
	event_sink_open(&o->sink, "", 0, 1);
}

void
event_outlets_close(struct event_outlets *o)
{
	event_hook_close(o->hook, true);
	event_journal_close(&o->journal);
	event_sink_close(&o->sink);
	conf_release(settings_event_fields, &o->set);
}

void
event_outlets_apply(struct event_outlets *o, const struct settings_events *set,
                    const char *node)
{
	struct settings_events copy = { 0 };

	conf_copy(settings_event_fields, set, &copy);
	if (!is_same_file(&o->set, &copy)) {
		event_sink_close(&o->sink);
		event_sink_open(&o->sink, copy.file != NULL ? copy.file : "",
		                copy.rotate_size, (unsigned int)copy.keep);
		o->is_told[TELEMETRY_SINK_FILE] = false;
	}
	if (o->set.journal != copy.journal) {
		apply_journal(o, copy.journal);
		o->is_told[TELEMETRY_SINK_JOURNAL] = false;
	}
	if (!is_same_hook(&o->set.webhook, &copy.webhook)) {
		apply_hook(o, &copy.webhook, node);
		o->is_told[TELEMETRY_SINK_WEBHOOK] = false;
	}
	conf_release(settings_event_fields, &o->set);
	o->set = copy;
	counter_set(&o->counts[TELEMETRY_SINK_FILE].is_on, o->sink.path[0] != '\0');
	counter_set(&o->counts[TELEMETRY_SINK_JOURNAL].is_on, o->journal.fd >= 0);
	counter_set(&o->counts[TELEMETRY_SINK_WEBHOOK].is_on, o->hook != NULL);
}

void
event_outlets_reopen(struct event_outlets *o)
{
	event_sink_reopen(&o->sink);
}

/* --- writing -------------------------------------------------------------------- */

static void
count(struct telemetry_sink *s, bool is_taken)
{
	counter_add(is_taken ? &s->written : &s->lost, 1);
}

void
event_outlets_write_rest(struct event_outlets *o, const struct events_told *told)
{
	if (o->journal.fd >= 0)
		count(&o->counts[TELEMETRY_SINK_JOURNAL],
		      event_journal_write(&o->journal, told));
	event_hook_add(o->hook, told);
}

void
event_outlets_write(struct event_outlets *o, const struct events_told *told)
{
	if (o->sink.path[0] != '\0')
		count(&o->counts[TELEMETRY_SINK_FILE],
		      event_sink_write(&o->sink, told->line, told->len));
	event_outlets_write_rest(o, told);
}

void
event_outlets_check(struct event_outlets *o)
{
	event_sink_check(&o->sink);
}

/* --- trouble ---------------------------------------------------------------------- */

static void
take_change(struct event_outlets *o, unsigned int i, bool is_broken, const char *message,
            const struct box *box, struct event_line_to *to)
{
	counter_set(&o->counts[i].is_broken, is_broken);
	if (is_broken == o->is_told[i])
		return;
	o->is_told[i] = is_broken;
	to->put(to->arg, event_line_trouble(box, names[i], !is_broken, message));
}

static void
say_lost(char message[MESSAGE], uint64_t lost)
{
	snprintf(message, MESSAGE, "%" PRIu64 " event%s lost to it", lost,
	         lost == 1 ? " was" : "s were");
}

void
event_outlets_troubles(struct event_outlets *o, const struct box *box,
                       struct event_line_to *to)
{
	struct event_hook_counts hook = { 0 };
	char message[MESSAGE];

	if (o->sink.is_broken)
		snprintf(message, sizeof(message), "cannot %s it: %s", o->sink.trouble,
		         strerror(o->sink.error));
	else
		say_lost(message, o->sink.lost);
	take_change(o, TELEMETRY_SINK_FILE, o->sink.is_broken, message, box, to);
	if (o->journal.is_broken)
		snprintf(message, sizeof(message), "%s", strerror(o->journal.error));
	else
		say_lost(message, o->journal.lost);
	take_change(o, TELEMETRY_SINK_JOURNAL, o->journal.is_broken, message, box, to);
	if (o->hook == NULL)
		return;
	event_hook_read(o->hook, &hook);
	counter_set(&o->counts[TELEMETRY_SINK_WEBHOOK].written, hook.sent);
	counter_set(&o->counts[TELEMETRY_SINK_WEBHOOK].lost, hook.lost);
	counter_set(&o->counts[TELEMETRY_SINK_WEBHOOK].waiting, hook.waiting);
	if (hook.is_broken)
		snprintf(message, sizeof(message), "%s", hook.why);
	else
		say_lost(message, hook.lost_since);
	take_change(o, TELEMETRY_SINK_WEBHOOK, hook.is_broken, message, box, to);
}

json_t *
event_outlets_hope(const struct event_outlets *o, const struct box *box)
{
	char message[MESSAGE];

	if (!o->sink.is_broken || !o->is_told[TELEMETRY_SINK_FILE])
		return NULL;
	say_lost(message, o->sink.lost);
	return event_line_trouble(box, names[TELEMETRY_SINK_FILE], true, message);
}

void
event_outlets_hope_came_true(struct event_outlets *o)
{
	o->is_told[TELEMETRY_SINK_FILE] = false;
	counter_set(&o->counts[TELEMETRY_SINK_FILE].is_broken, 0);
	count(&o->counts[TELEMETRY_SINK_FILE], true);
}
