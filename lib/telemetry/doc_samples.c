/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_samples - packets that were kept to show why they were stopped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/words.h"
#include "packet/vector.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"

static void
put_bytes(json_t *o, const struct evidence_sample *s)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * EVIDENCE_KEPT_BYTES + 1];

	for (unsigned int i = 0; i < s->bytes_len; i++) {
		hex[2 * i] = digits[s->bytes[i] >> 4];
		hex[2 * i + 1] = digits[s->bytes[i] & 15];
	}
	hex[2 * s->bytes_len] = '\0';
	telemetry_put_count(o, "bytes_shown", s->bytes_len);
	telemetry_put_text(o, "bytes", hex);
}

static void
put_ends(json_t *o, const struct facts *f)
{
	const bool has_ports = (f->flags & FACT_NO_PORTS) == 0 &&
	                       (f->proto == PROTO_TCP || f->proto == PROTO_UDP);

	if ((f->flags & FACT_IP) == 0)
		return;
	telemetry_put_address(o, "src_ip", f->src);
	telemetry_put_address(o, "dest_ip", f->dst);
	telemetry_put_count(o, "protocol", f->proto);
	if (!has_ports)
		return;
	telemetry_put_count(o, "src_port", f->src_port);
	telemetry_put_count(o, "dest_port", f->dst_port);
}

static void
put_attack(json_t *o, const struct evidence_story *story)
{
	json_t *attack;

	if (story->attack == 0) {
		json_object_set_new(o, "attack", json_null());
		return;
	}
	attack = json_object();
	telemetry_put_text(attack, "attack_id", story->attack_id);
	telemetry_put_text(attack, "metric", story->unit);
	telemetry_put_count(attack, "value", story->measured);
	telemetry_put_count(attack, "threshold", story->threshold);
	json_object_set_new(o, "attack", attack);
}

static json_t *
sample_object(const struct box *box, const struct evidence_sample *s)
{
	const struct evidence_note *n = &s->note;
	char summary[WORDS_SUMMARY];
	json_t *o = json_object();

	words_summary(n, summary);
	telemetry_put_count(o, "number", s->number);
	telemetry_put_time(o, "time", telemetry_unix(box, n->time_ns));
	telemetry_put_count(o, "worker", n->worker);
	telemetry_put_text(o, "link", s->story.link);
	telemetry_put_text(o, "side", n->side == 0 ? "external" : "internal");
	telemetry_put_text(o, "verdict",
	                   evidence_verdict_name(n->verdict, s->story.class));
	telemetry_put_text(o, "reason", s->story.reason);
	telemetry_put_text(o, "service", s->story.service);
	telemetry_put_text(o, "policy", s->story.policy);
	telemetry_put_text(o, "mode", s->story.mode != NULL ? s->story.mode : "");
	telemetry_put_text(o, "vector",
	                   n->vector < VECTOR_COUNT ? vector_info[n->vector].name : "");
	put_attack(o, &s->story);
	put_ends(o, &n->facts);
	if ((n->facts.flags & FACT_VLAN) != 0)
		telemetry_put_count(o, "vlan", n->facts.vlan);
	telemetry_put_count(o, "length", n->frame_len);
	put_bytes(o, s);
	telemetry_put_text(o, "summary", summary);
	return o;
}

json_t *
telemetry_samples_array(const struct box *box, const struct evidence_which *which,
                        size_t n)
{
	struct evidence_sample *s = calloc(n > 0 ? n : 1, sizeof(*s));
	json_t *list = json_array();

	if (s != NULL && box->evidence != NULL)
		n = evidence_read(box->evidence, which, s, n);
	else
		n = 0;
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, sample_object(box, &s[i]));
	free(s);
	return list;
}

static json_t *
files_object(const struct evidence_state *state)
{
	json_t *o = json_object();

	if (state->folder[0] == '\0') {
		json_decref(o);
		return json_null();
	}
	telemetry_put_text(o, "folder", state->folder);
	telemetry_put_count(o, "files", state->files);
	telemetry_put_count(o, "file_bytes", state->file_size);
	telemetry_put_count(o, "written", state->written);
	telemetry_put_count(o, "not_written", state->unwritten);
	telemetry_put_text(o, "error", state->error);
	return o;
}

/* The number of the attack that is called so; 0 when none in memory is. */
static uint64_t
attack_number(const struct box *box, const char *id)
{
	size_t n;
	struct detect_attack *a = telemetry_attacks_copy(box, &n);
	uint64_t found = 0;

	for (size_t i = 0; a != NULL && i < n && found == 0; i++) {
		char name[TELEMETRY_ATTACK_ID];

		telemetry_attack_id(box, &a[i], name);
		if (strcmp(name, id) == 0)
			found = a[i].number;
	}
	free(a);
	return found;
}

json_t *
telemetry_samples(struct telemetry *t, const struct telemetry_ask *ask)
{
	const struct box *box = telemetry_box(t);
	struct evidence_which which = { .after = ask->after };
	struct evidence_state *state;
	json_t *o;

	if (box->evidence == NULL) {
		errno = ENOSYS;
		return NULL;
	}
	state = malloc(sizeof(*state));
	if (state == NULL)
		return NULL;
	which.address = ask->has_address ? ask->address : NULL;
	which.service = ask->service[0] != '\0' ? ask->service : NULL;
	which.reason = ask->reason[0] != '\0' ? ask->reason : NULL;
	if (ask->attack[0] != '\0') {
		which.attack = attack_number(box, ask->attack);
		/* No sample has this number: an attack that is not known has none. */
		if (which.attack == 0)
			which.attack = UINT64_MAX;
	}
	o = telemetry_document_new(box, NULL);
	evidence_state(box->evidence, state);
	telemetry_put_count(o, "packets_per_second", state->rate);
	telemetry_put_bool(o, "whole", state->snap == UINT16_MAX);
	telemetry_put_count(o, "taken", state->taken);
	telemetry_put_count(o, "lost", state->lost);
	telemetry_put_count(o, "remembered", state->kept);
	telemetry_put_count(o, "last", state->last);
	json_object_set_new(o, "files", files_object(state));
	json_object_set_new(o, "samples",
	                    telemetry_samples_array(box, &which, ask->limit));
	free(state);
	return o;
}
