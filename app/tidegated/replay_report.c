/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/counter.h"
#include "replay.h"
#include "telemetry/parts.h"
#include "telemetry/telemetry.h"

const char *const replay_direction_names[] = { "services", "initiator-external",
	                                       "initiator-internal", NULL };

static void
put(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

static void
add_books(struct books *to, const struct books *from)
{
	to->received_packets += counter_read(&from->received_packets);
	to->received_bytes += counter_read(&from->received_bytes);
	to->forwarded_packets += counter_read(&from->forwarded_packets);
	to->forwarded_bytes += counter_read(&from->forwarded_bytes);
	to->dropped_packets += counter_read(&from->dropped_packets);
	to->dropped_bytes += counter_read(&from->dropped_bytes);
	to->replied_packets += counter_read(&from->replied_packets);
	to->consumed_packets += counter_read(&from->consumed_packets);
	to->emitted_packets += counter_read(&from->emitted_packets);
	to->sent_packets += counter_read(&from->sent_packets);
}

static struct books
books_of(const struct replay *r, enum side side)
{
	struct books sum = { 0 };

	for (unsigned int w = 0; w < r->engine.n_workers; w++)
		add_books(&sum, &r->engine.box.worker[w].books[0][side]);
	return sum;
}

/* --- books ---------------------------------------------------------------- */

static bool
sides_balance(const struct books *here, const struct books *there)
{
	return here->received_packets == here->forwarded_packets + here->dropped_packets +
	                                         here->replied_packets +
	                                         here->consumed_packets &&
	       here->sent_packets == there->forwarded_packets + here->replied_packets +
	                                     here->emitted_packets;
}

/* What the pipeline's own books say: packets by service and vector, and by reason. */
static void
count_pipelines(const struct replay *r, uint64_t *arrived, uint64_t *settled,
                uint64_t *decided)
{
	*arrived = *settled = *decided = 0;
	for (unsigned int w = 0; w < r->engine.n_workers; w++) {
		const struct pipeline *pl = &r->engine.worker[w].pipeline;

		for (unsigned int k = 0; k < pl->watch.services * VECTOR_SLOTS; k++) {
			*arrived += pl->watch.cell[k].packets;
			*settled += pl->watch.cell[k].passed_packets +
			            pl->watch.cell[k].dropped_packets;
		}
		for (unsigned int s = 0; s <= stage_count; s++)
			for (unsigned int i = 0; i < STAGE_MAX_REASONS; i++)
				*decided += pl->books.decided[s][i];
	}
}

/* Lost at the door: these never arrived at a service. */
static uint64_t
refused(const struct replay *r)
{
	uint64_t n = 0;

	for (unsigned int w = 0; w < r->engine.n_workers; w++)
		n += r->engine.worker[w]
		             .pipeline.books.decided[stage_count][STAGE_IO_TOO_LONG];
	return n;
}

bool
replay_is_balanced(const struct replay *r)
{
	struct books out = books_of(r, SIDE_EXTERNAL), in = books_of(r, SIDE_INTERNAL);
	uint64_t received = out.received_packets + in.received_packets;
	uint64_t stopped = received - out.forwarded_packets - in.forwarded_packets;
	uint64_t arrived, settled, decided;

	count_pipelines(r, &arrived, &settled, &decided);
	return received == r->source.packets && sides_balance(&out, &in) &&
	       sides_balance(&in, &out) && settled == received &&
	       arrived + refused(r) == received && decided == stopped;
}

/* --- pieces of the object -------------------------------------------------- */

static uint64_t
would(const struct replay *r, enum reason_class class)
{
	uint64_t n = 0;

	for (unsigned int w = 0; w < r->engine.n_workers; w++)
		for (unsigned int s = 0; s < stage_count; s++)
			for (unsigned int i = 0; stage_list[s]->reasons[i].name != NULL;
			     i++)
				if (stage_list[s]->reasons[i].class == class)
					n += r->engine.worker[w]
					             .pipeline.books.would[s][i];
	return n;
}

static json_t *
packets(const struct replay *r)
{
	struct books sum = books_of(r, SIDE_EXTERNAL), in = books_of(r, SIDE_INTERNAL);
	json_t *o = json_object();

	add_books(&sum, &in);
	put(o, "received", sum.received_packets);
	put(o, "forwarded", sum.forwarded_packets);
	put(o, "dropped", sum.dropped_packets);
	put(o, "replied", sum.replied_packets);
	put(o, "consumed", sum.consumed_packets);
	put(o, "emitted", sum.emitted_packets);
	put(o, "sent", sum.sent_packets);
	put(o, "would_drop", would(r, REASON_DROP));
	put(o, "would_challenge", would(r, REASON_CHALLENGE));
	return o;
}

static json_t *
side(const struct replay *r, enum side which)
{
	struct books sum = books_of(r, which);
	json_t *o = json_object();

	put(o, "received", sum.received_packets);
	put(o, "received_bytes", sum.received_bytes);
	put(o, "forwarded", sum.forwarded_packets);
	put(o, "forwarded_bytes", sum.forwarded_bytes);
	put(o, "dropped", sum.dropped_packets);
	put(o, "dropped_bytes", sum.dropped_bytes);
	put(o, "replied", sum.replied_packets);
	put(o, "consumed", sum.consumed_packets);
	put(o, "emitted", sum.emitted_packets);
	put(o, "sent", sum.sent_packets);
	return o;
}

/* "<stage>.<reason>" and how often, of all services or of one; never used ones are left out. */
static json_t *
reasons(const struct replay *r, int service, bool is_would)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < pipeline_reasons(); i++) {
		char name[TELEMETRY_REASON_NAME];
		uint64_t n = 0;

		for (unsigned int id = 0;
		     id < engine_policies((struct engine *)&r->engine)->n_services; id++)
			if (service < 0 || (unsigned int)service == id)
				n += telemetry_service_reason(&r->engine.box, id, i,
				                              is_would);
		if (n == 0)
			continue;
		telemetry_reason_name(i, name);
		put(o, name, n);
	}
	return o;
}

static json_t *
vector(const struct replay *r, unsigned int service, unsigned int slot)
{
	uint64_t n[6] = { 0 };
	json_t *o;

	for (unsigned int w = 0; w < r->engine.n_workers; w++) {
		const struct watch_cell *c =
			watch_cell(&r->engine.worker[w].pipeline.watch, service, slot);

		n[0] += c->packets;
		n[1] += c->bytes;
		n[2] += c->passed_packets;
		n[3] += c->dropped_packets;
		n[4] += c->would_packets;
		n[5] += c->verified_dropped;
	}
	if (n[2] + n[3] == 0)
		return NULL;
	o = json_object();
	put(o, "received", n[0]);
	put(o, "received_bytes", n[1]);
	put(o, "forwarded", n[2]);
	put(o, "dropped", n[3]);
	put(o, "would_drop", n[4]);
	put(o, "verified_dropped", n[5]);
	return o;
}

static json_t *
service(const struct replay *r, const struct policies *p, unsigned int id)
{
	const struct policy *policy = &p->policy[p->service[id].policy];
	json_t *o = json_object(), *vectors = json_object();

	json_object_set_new(o, "name", json_string(p->service[id].name));
	json_object_set_new(o, "policy", json_string(policy->name));
	json_object_set_new(o, "mode", json_string(policy_mode_names[policy->mode]));
	for (unsigned int slot = 0; slot < VECTOR_SLOTS; slot++) {
		json_t *v = vector(r, id, slot);

		if (v != NULL)
			json_object_set_new(vectors,
			                    slot == VECTOR_OUTBOUND
			                            ? "outbound"
			                            : vector_info[slot].name,
			                    v);
	}
	json_object_set_new(o, "vectors", vectors);
	json_object_set_new(o, "reasons", reasons(r, (int)id, false));
	json_object_set_new(o, "would_reasons", reasons(r, (int)id, true));
	return o;
}

static json_t *
services(const struct replay *r, const struct policies *p)
{
	json_t *all = json_array();

	for (unsigned int id = 0; id < p->n_services; id++)
		if (p->service[id].name[0] != '\0')
			json_array_append_new(all, service(r, p, id));
	return all;
}

/* In the order in which they began. */
static json_t *
attacks(const struct replay *r)
{
	static struct detect_attack attack[DETECT_ATTACKS];
	size_t n = detect_read_attacks(r->engine.detect, attack, DETECT_ATTACKS);
	json_t *all = json_array();

	while (n-- > 0)
		json_array_append_new(
			all, telemetry_attack_object(&r->engine.box, &attack[n]));
	return all;
}

static json_t *
captures(const struct replay *r, bool *is_truncated)
{
	json_t *all = json_array();

	*is_truncated = false;
	for (unsigned int i = 0; i < r->source.n; i++) {
		const struct replay_capture *c = &r->source.from[i];
		json_t *o = json_object();

		json_object_set_new(o, "file", json_string(c->path));
		put(o, "packets", c->packets);
		put(o, "skipped_packets", capture_skipped(c->capture));
		json_object_set_new(o, "truncated", json_boolean(c->is_truncated));
		json_array_append_new(all, o);
		*is_truncated |= c->is_truncated;
	}
	return all;
}

static json_t *
timing(const struct replay *r)
{
	const struct replay_source *s = &r->source;
	json_t *o = json_object();

	json_object_set_new(o, "speed", json_real((double)s->speed / REPLAY_SPEED_ONE));
	json_object_set_new(o, "virtual_seconds",
	                    json_real((double)(r->now_ns - REPLAY_START_NS) / 1e9));
	put(o, "whole_passes", s->passes);
	put(o, "clamped_timestamps", s->clamped);
	put(o, "skipped_gaps", s->gaps);
	json_object_set_new(o, "skipped_seconds", json_real((double)s->gap_ns / 1e9));
	return o;
}

static json_t *
whole(const struct replay *r)
{
	const struct policies *p = engine_policies((struct engine *)&r->engine);
	json_t *o = json_object(), *list, *sides = json_object();
	bool is_truncated;

	list = captures(r, &is_truncated);
	json_object_set_new(o, "packets", packets(r));
	json_object_set_new(o, "balanced", json_boolean(replay_is_balanced(r)));
	json_object_set_new(o, "truncated", json_boolean(is_truncated));
	json_object_set_new(o, "reasons", reasons(r, -1, false));
	json_object_set_new(o, "would_reasons", reasons(r, -1, true));
	json_object_set_new(o, "services", services(r, p));
	json_object_set_new(o, "attacks", attacks(r));
	json_object_set_new(o, "events",
	                    r->events != NULL ? json_incref(r->events) : json_array());
	json_object_set_new(sides, "external", side(r, SIDE_EXTERNAL));
	json_object_set_new(sides, "internal", side(r, SIDE_INTERNAL));
	json_object_set_new(o, "sides", sides);
	json_object_set_new(o, "captures", list);
	json_object_set_new(o, "time", timing(r));
	json_object_set_new(o, "direction",
	                    json_string(replay_direction_names[r->ask->direction]));
	put(o, "workers", r->ask->workers);
	put(o, "seed", r->ask->seed);
	json_object_set_new(o, "config_sha256", json_string(p->sha256));
	return o;
}

/* --- for people ------------------------------------------------------------ */

static void
print_counts(const json_t *counts, const char *title)
{
	const char *name;
	json_t *value;

	if (json_object_size(counts) > 0)
		printf("%s\n", title);
	json_object_foreach((json_t *)counts, name, value) printf(
		"  %-36s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(value));
}

static void
print_attack(const json_t *a)
{
	const json_t *after = json_object_get(a, "mitigated_after_ms");

	printf("  %s on %s: %" JSON_INTEGER_FORMAT " packets, %" JSON_INTEGER_FORMAT
	       " dropped, detected after %.1f ms",
	       json_string_value(json_object_get(a, "vector")),
	       json_string_value(json_object_get(a, "service")),
	       json_integer_value(json_object_get(a, "packets")),
	       json_integer_value(json_object_get(a, "dropped_packets")),
	       json_number_value(json_object_get(a, "detected_after_ms")));
	if (json_is_number(after))
		printf(", mitigated after %.1f ms\n", json_number_value(after));
	else
		printf(", not mitigated\n");
}

static void
print_text(const json_t *o)
{
	const json_t *list = json_object_get(o, "attacks");

	print_counts(json_object_get(o, "packets"), "packets");
	print_counts(json_object_get(o, "reasons"), "stopped");
	print_counts(json_object_get(o, "would_reasons"), "would have been stopped");
	printf(json_array_size(list) > 0 ? "attacks\n" : "no attacks\n");
	for (size_t i = 0; i < json_array_size(list); i++)
		print_attack(json_array_get(list, i));
	if (json_is_true(json_object_get(o, "truncated")))
		printf("a capture ends inside a packet and was read as far as it goes\n");
}

void
replay_report(struct replay *r)
{
	json_t *o;

	r->engine.box.wall_offset_ns = (int64_t)(r->source.first_ns - REPLAY_START_NS);
	o = whole(r);
	if (r->ask->is_json) {
		json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
		putchar('\n');
	} else {
		print_text(o);
	}
	json_decref(o);
}
