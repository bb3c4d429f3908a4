/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/lines.h"

#include <stdio.h>
#include <string.h>

#include "prefix/prefix.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

json_t *
event_line_new(const struct box *box, const char *type, uint64_t unix_ns)
{
	char text[TELEMETRY_TIME_TEXT];
	json_t *o = json_object();

	telemetry_time_eve(unix_ns, text);
	telemetry_put_text(o, "timestamp", text);
	telemetry_put_count(o, "schema", 1);
	telemetry_put_text(o, "event_type", type);
	telemetry_put_text(o, "node", box->node);
	return o;
}

/* By how many times the threshold was passed, and whether customers were hurt. */
static const char *
severity(const struct detect_attack *a)
{
	static const char *const names[] = { "low", "medium", "high", "critical" };
	const uint64_t peak = a->unit == METER_BITS ? a->peak_bits : a->peak_pps;
	const uint64_t most = peak > a->value ? peak : a->value;
	unsigned int level = 0;

	if (a->threshold > 0) {
		const double times = (double)most / (double)a->threshold;

		level = times >= 20 ? 3 : times >= 5 ? 2 : times >= 2 ? 1 : 0;
	}
	if (a->verified_dropped > 0 && level < 3)
		level++;
	return names[level];
}

/* What the attacked service protects; it may be gone since. */
static void
put_service(json_t *attack, struct box *box, const struct detect_attack *a)
{
	json_t *target = json_object();

	pthread_mutex_lock(&box->lock);
	if (box->policies != NULL && a->service < box->policies->n_services &&
	    strcmp(box->policies->service[a->service].name, a->service_name) == 0)
		telemetry_put_target(target, &box->policies->service[a->service]);
	pthread_mutex_unlock(&box->lock);
	json_object_set_new(attack, "target", target);
}

json_t *
event_line_attack(struct box *box, const struct detect_event *event)
{
	static const char *const status[] = { "alarm", "start", "update", "end", "step" };
	const struct detect_attack *a = &event->attack;
	const bool is_alarm = event->kind == DETECT_EVENT_ALARM;
	json_t *o = event_line_new(box, "attack",
	                           event->time_ns + (uint64_t)box->wall_offset_ns);
	json_t *attack = telemetry_attack_object(box, a);
	json_t *trigger = json_object_get(attack, "trigger");

	telemetry_put_text(o, "service", a->service_name);
	telemetry_put_text(attack, "status",
	                   status[event->kind <= DETECT_EVENT_STEP ? event->kind : 0]);
	if (is_alarm) {
		json_object_set_new(attack, "attack_id", json_null());
		telemetry_put_text(trigger, "level", "alarm");
	}
	telemetry_put_seconds(trigger, "window_seconds", (double)DETECT_WINDOW_NS / 1e9);
	telemetry_put_text(attack, "severity", severity(a));
	put_service(attack, box, a);
	json_object_set_new(o, "attack", attack);
	return o;
}

static void
put_reason(json_t *o, const struct notice *n)
{
	const struct stage *stage = telemetry_stage(n->stage);
	char name[TELEMETRY_REASON_NAME];

	if (stage == NULL || stage->reasons == NULL || n->reason >= STAGE_MAX_REASONS)
		return;
	for (unsigned int r = 0; r <= n->reason; r++) {
		if (stage->reasons[r].name == NULL)
			return;
	}
	snprintf(name, sizeof(name), "%s.%s", stage->name,
	         stage->reasons[n->reason].name);
	telemetry_put_text(o, "reason", name);
}

/* What a block by a worker is, whether it begins or ends. */
static json_t *
notice_line(struct box *box, const struct notice *n, const char *type, uint64_t time_ns,
            json_t *inner)
{
	json_t *o = event_line_new(box, type, time_ns + (uint64_t)box->wall_offset_ns);
	struct prefix prefix = { .len = n->prefix_len };
	char text[PREFIX_TEXT];

	memcpy(prefix.address, n->address, sizeof(prefix.address));
	prefix_format(&prefix, text);
	telemetry_put_address(o, "src_ip", n->address);
	pthread_mutex_lock(&box->lock);
	if (box->policies != NULL && n->service < box->policies->n_services &&
	    box->policies->service[n->service].name[0] != '\0')
		telemetry_put_text(o, "service", box->policies->service[n->service].name);
	pthread_mutex_unlock(&box->lock);
	telemetry_put_text(inner, "prefix", text);
	telemetry_put_text(inner, "action", "deny");
	telemetry_put_text(inner, "made_by", "rule");
	put_reason(inner, n);
	json_object_set_new(o, type, inner);
	return o;
}

json_t *
event_line_notice(struct box *box, const struct notice *n)
{
	const uint64_t offset = (uint64_t)box->wall_offset_ns;
	json_t *block = json_object();

	telemetry_put_text(block, "status", "start");
	telemetry_put_time(block, "until", n->until_ns == 0 ? 0 : n->until_ns + offset);
	telemetry_put_text(block, "metric", n->unit != NULL ? n->unit : "");
	telemetry_put_count(block, "value", n->value);
	telemetry_put_count(block, "threshold", n->threshold);
	if (n->times != 0)
		telemetry_put_count(block, "times", n->times);
	return notice_line(box, n, "block", n->time_ns, block);
}

json_t *
event_line_notice_over(struct box *box, const struct notice *n)
{
	json_t *unblock = json_object();

	telemetry_put_text(unblock, "cause", "expired");
	return notice_line(box, n, "unblock", n->until_ns, unblock);
}

/* With the object inside, borrowed, to be filled. */
static json_t *
port_line(const struct box *box, const struct box_link *link, unsigned int side,
          const char *status, json_t **port)
{
	json_t *o = event_line_new(box, "port", telemetry_unix_now(box));

	*port = json_object();
	telemetry_put_text(*port, "link", link->name);
	telemetry_put_text(*port, "side", side == 0 ? "external" : "internal");
	telemetry_put_text(*port, "name", link->port[side].name);
	telemetry_put_text(*port, "status", status);
	json_object_set_new(o, "port", *port);
	return o;
}

json_t *
event_line_port(const struct box *box, const struct box_link *link, unsigned int side,
                const char *status)
{
	json_t *port;

	return port_line(box, link, side, status, &port);
}

json_t *
event_line_port_loss(const struct box *box, const struct box_link *link,
                     unsigned int side, bool is_losing, uint64_t lost)
{
	json_t *port, *o;

	o = port_line(box, link, side, is_losing ? "overload" : "calm", &port);
	telemetry_put_count(port, "lost_packets", lost);
	return o;
}

static json_t *
worker_line(const struct box *box, unsigned int worker, const char *status, json_t **w)
{
	json_t *o = event_line_new(box, "worker", telemetry_unix_now(box));

	*w = json_object();
	telemetry_put_count(*w, "worker", worker);
	telemetry_put_text(*w, "status", status);
	json_object_set_new(o, "worker", *w);
	return o;
}

json_t *
event_line_worker(const struct box *box, unsigned int worker, const char *status)
{
	json_t *w;

	return worker_line(box, worker, status, &w);
}

json_t *
event_line_worker_load(const struct box *box, unsigned int worker, bool is_overloaded,
                       double busy_ratio, double waiting_ratio)
{
	json_t *w, *o;

	o = worker_line(box, worker, is_overloaded ? "overload" : "calm", &w);
	telemetry_put_ratio(w, "busy_ratio", busy_ratio);
	telemetry_put_ratio(w, "waiting_ratio", waiting_ratio);
	return o;
}

json_t *
event_line_config(struct box *box, const struct conf_errors *errors)
{
	const size_t n = errors != NULL ? errors->count : 0;
	json_t *o = event_line_new(box, "config", telemetry_unix_now(box));
	json_t *config = json_object();

	telemetry_put_text(config, "action", "reload");
	telemetry_put_text(config, "result", n == 0 ? "ok" : "refused");
	telemetry_put_count(config, "errors", n);
	for (size_t i = 0; n > 0 && i < errors->count + errors->warnings; i++) {
		if (errors->error[i].is_warning)
			continue;
		telemetry_put_text(config, "first_error", errors->error[i].message);
		break;
	}
	pthread_mutex_lock(&box->lock);
	if (box->policies != NULL) {
		telemetry_put_text(config, "sha256", box->policies->sha256);
		telemetry_put_count(config, "generation", box->policies->generation);
	}
	pthread_mutex_unlock(&box->lock);
	json_object_set_new(o, "config", config);
	return o;
}

json_t *
event_line_trouble(const struct box *box, const char *what, bool is_over,
                   const char *message)
{
	json_t *o = event_line_new(box, "trouble", telemetry_unix_now(box));
	json_t *trouble = json_object();

	telemetry_put_text(trouble, "what", what);
	telemetry_put_text(trouble, "status", is_over ? "end" : "start");
	telemetry_put_text(trouble, "message", message);
	json_object_set_new(o, "trouble", trouble);
	return o;
}
