/* SPDX-License-Identifier: BSD-3-Clause */
#include "news.h"

#include <stddef.h>

#include "change.h"
#include "engine.h"
#include "event/events.h"

static bool
next_notice(void *engine, struct notice *out)
{
	return engine_next_notice(engine, out);
}

static enum events_cause
cause_of(enum change_cause cause)
{
	switch (cause) {
	case CHANGE_EXPIRED:
		return EVENTS_EXPIRED;
	case CHANGE_TAKEN_BACK:
		return EVENTS_TAKEN_BACK;
	default:
		return EVENTS_SET;
	}
}

static void
tell_block(void *events, const struct policy_block *block, enum change_cause cause)
{
	events_tell_block(events, block, cause_of(cause));
}

static void
tell_mode(void *events, const char *service, int mode, uint64_t until_ns,
          enum change_cause cause)
{
	events_tell_mode(events, service,
	                 mode < 0 ? "configured" : policy_mode_names[mode], until_ns,
	                 cause_of(cause));
}

static void
tell_bypass(void *events, bool is_on, uint64_t until_ns, enum change_cause cause)
{
	events_tell_bypass(events, is_on, until_ns, cause_of(cause));
}

static void
take_settings(void *events, const struct settings *settings)
{
	events_configure(events, &settings->events);
}

struct events *
news_open(struct engine *e, struct telemetry *t)
{
	struct events *events =
		events_open(&(struct events_from){ .telemetry = t,
	                                           .settings = &e->settings->events,
	                                           .next_notice = next_notice,
	                                           .arg = e,
	                                           .has_thread = true });

	if (events == NULL)
		return NULL;
	e->ear = (struct change_ear){ .arg = events,
		                      .block = tell_block,
		                      .mode = tell_mode,
		                      .bypass = tell_bypass,
		                      .settings = take_settings };
	events_tell_daemon(events, "start");
	return events;
}

void
news_close(struct engine *e, struct events *events)
{
	e->ear = (struct change_ear){ 0 };
	events_tell_daemon(events, "stop");
	events_close(events);
}
