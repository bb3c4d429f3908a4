/* SPDX-License-Identifier: BSD-3-Clause */
/* tell - what threads beside the writer have to tell. */
#include <string.h>
#include <unistd.h>

#include "event/lines.h"
#include "event/parts.h"
#include "prefix/prefix.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

/* A longer request is told by its size: events stay in memory, and on disks of others. */
#define REQUEST_MAX 2048

static const char *const causes[] = { [EVENTS_SET] = "set",
	                              [EVENTS_TAKEN_BACK] = "taken_back",
	                              [EVENTS_EXPIRED] = "expired" };

static json_t *
line_now(const struct events *e, const char *type)
{
	const struct box *box = events_box(e);

	return event_line_new(box, type, telemetry_unix_now(box));
}

void
events_tell_config(struct events *e, const struct conf_errors *errors)
{
	if (e != NULL)
		events_put(e, event_line_config(events_box(e), errors), true);
}

void
events_tell_list(struct events *e, const char *list, bool is_loaded,
                 const struct conf_errors *errors)
{
	json_t *line, *o;

	if (e == NULL)
		return;
	line = line_now(e, "list");
	o = json_object();
	telemetry_put_text(o, "name", list);
	telemetry_put_text(o, "result", is_loaded ? "loaded" : "failed");
	telemetry_put_count(o, "messages", errors->count + errors->warnings);
	if (errors->count + errors->warnings > 0) {
		telemetry_put_count(o, "first_line", errors->error[0].line);
		telemetry_put_text(o, "first_message", errors->error[0].message);
	}
	json_object_set_new(line, "list", o);
	events_put(e, line, true);
}

void
events_tell_audit(struct events *e, const char *who, const char *what,
                  const json_t *request, unsigned int status)
{
	json_t *line, *audit;
	size_t len;

	if (e == NULL)
		return;
	line = line_now(e, "audit");
	audit = json_object();
	telemetry_put_text(audit, "who", who);
	telemetry_put_text(audit, "what", what);
	telemetry_put_count(audit, "status", status);
	len = request != NULL ? json_dumpb(request, NULL, 0, JSON_COMPACT) : 0;
	if (len > REQUEST_MAX)
		telemetry_put_count(audit, "request_bytes", len);
	else if (request != NULL)
		json_object_set_new(audit, "request", json_deep_copy(request));
	json_object_set_new(line, "audit", audit);
	/* Who was not let in could fill everything with that. */
	events_put(e, line, who[0] != '\0');
}

void
events_tell_block(struct events *e, const struct policy_block *block,
                  enum events_cause cause)
{
	const char *type = cause == EVENTS_SET ? "block" : "unblock";
	char text[PREFIX_TEXT];
	json_t *line, *o;

	if (e == NULL)
		return;
	line = line_now(e, type);
	o = json_object();
	prefix_format(&block->prefix, text);
	if (cause == EVENTS_SET) {
		telemetry_put_text(o, "status", "start");
		telemetry_put_time(o, "until",
		                   telemetry_unix(events_box(e), block->until_ns));
	} else {
		telemetry_put_text(o, "cause", causes[cause]);
	}
	telemetry_put_text(o, "prefix", text);
	telemetry_put_text(o, "action", block->is_allow ? "allow" : "deny");
	telemetry_put_text(o, "made_by", "operator");
	telemetry_put_text(o, "reason", block->reason);
	json_object_set_new(line, type, o);
	events_put(e, line, cause != EVENTS_EXPIRED);
}

void
events_tell_mode(struct events *e, const char *service, const char *mode,
                 uint64_t until_ns, enum events_cause cause)
{
	json_t *line, *o;

	if (e == NULL)
		return;
	line = line_now(e, "mode");
	o = json_object();
	if (service != NULL)
		telemetry_put_text(line, "service", service);
	telemetry_put_text(o, "scope", service != NULL ? "service" : "all");
	telemetry_put_text(o, "mode", mode);
	telemetry_put_text(o, "cause", causes[cause]);
	telemetry_put_time(o, "until", telemetry_unix(events_box(e), until_ns));
	json_object_set_new(line, "mode", o);
	events_put(e, line, true);
}

void
events_tell_bypass(struct events *e, bool is_on, uint64_t until_ns,
                   enum events_cause cause)
{
	json_t *line, *o;

	if (e == NULL)
		return;
	line = line_now(e, "bypass");
	o = json_object();
	telemetry_put_bool(o, "enabled", is_on);
	telemetry_put_text(o, "cause", causes[cause]);
	telemetry_put_time(o, "until", telemetry_unix(events_box(e), until_ns));
	json_object_set_new(line, "bypass", o);
	events_put(e, line, true);
}

void
events_tell_daemon(struct events *e, const char *status)
{
	struct box *box;
	json_t *line, *o;

	if (e == NULL)
		return;
	box = events_box(e);
	line = line_now(e, "daemon");
	o = json_object();
	telemetry_put_text(o, "status", status);
	telemetry_put_text(o, "version", box->version);
	telemetry_put_count(o, "pid", (uint64_t)getpid());
	telemetry_put_count(o, "workers", box->n_workers);
	telemetry_put_count(o, "links", box->n_links);
	pthread_mutex_lock(&box->lock);
	if (box->policies != NULL)
		telemetry_put_text(o, "sha256", box->policies->sha256);
	pthread_mutex_unlock(&box->lock);
	json_object_set_new(line, "daemon", o);
	events_put(e, line, true);
}

void
events_tell_trouble(struct events *e, const char *what, bool is_over, const char *message)
{
	if (e != NULL)
		events_put(e, event_line_trouble(events_box(e), what, is_over, message),
		           true);
}
