/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/parts.h"

#define FRESH_NS UINT64_C(50000000)

struct telemetry_witness {
	struct box *box;
	struct box_link link[BOX_LINKS_MAX];
	const char *name[BOX_LINKS_MAX];
	uint64_t looked_ns;
	size_t n;
	struct detect_attack attack[DETECT_ATTACKS];
};

struct telemetry_witness *
telemetry_witness_open(struct box *box)
{
	struct telemetry_witness *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->box = box;
	if (box->read_links != NULL)
		box->read_links(box->daemon, w->link, box->n_links);
	for (unsigned int i = 0; i < BOX_LINKS_MAX; i++)
		w->name[i] = w->link[i].name;
	return w;
}

const char *const *
telemetry_witness_links(const struct telemetry_witness *w)
{
	return w->name;
}

void
telemetry_witness_close(struct telemetry_witness *w)
{
	free(w);
}

uint64_t
telemetry_witness_now(void *arg)
{
	const struct telemetry_witness *w = arg;

	return w->box->now_ns(w->box->daemon);
}

/* Whether the attack's network, if it has one, holds the address. */
static bool
covers(const struct detect_attack *a, const uint8_t address[16])
{
	const unsigned int bytes = a->prefix_len / 8, bits = a->prefix_len % 8;

	if (memcmp(a->prefix, address, bytes) != 0)
		return false;
	return bits == 0 || ((a->prefix[bytes] ^ address[bytes]) >> (8 - bits)) == 0;
}

/* The running attack that the packet is part of: the one of its own network first. */
static const struct detect_attack *
attack_of(struct telemetry_witness *w, const struct evidence_note *n)
{
	const uint64_t now = telemetry_witness_now(w);
	const struct detect_attack *found = NULL;

	if (w->box->detect == NULL || !n->is_armed)
		return NULL;
	if (w->looked_ns == 0 || now >= w->looked_ns + FRESH_NS) {
		w->n = detect_read_attacks(w->box->detect, w->attack, DETECT_ATTACKS);
		w->looked_ns = now;
	}
	for (size_t i = 0; i < w->n; i++) {
		const struct detect_attack *a = &w->attack[i];

		if (a->service != n->service || a->vector != n->vector ||
		    n->time_ns < a->first_ns ||
		    (a->state != DETECT_ACTIVE && n->time_ns > a->end_ns))
			continue;
		if (covers(a, n->facts.dst) &&
		    (found == NULL || a->prefix_len > found->prefix_len))
			found = a;
	}
	return found;
}

static void
name_policy(struct telemetry_witness *w, const struct evidence_note *n,
            struct evidence_story *story)
{
	const struct policies *p;
	const struct policy *policy;

	pthread_mutex_lock(&w->box->lock);
	p = w->box->policies;
	if (p != NULL && n->service < p->n_services) {
		policy = &p->policy[p->service[n->service].policy];
		snprintf(story->service, sizeof(story->service), "%s",
		         p->service[n->service].name);
		snprintf(story->policy, sizeof(story->policy), "%s", policy->name);
		story->mode = policy_mode_names[policy->mode];
	}
	pthread_mutex_unlock(&w->box->lock);
	/* The mode may have been changed since; what became of the packet tells which it was. */
	if (n->verdict == EVIDENCE_WOULD)
		story->mode = policy_mode_names[POLICY_MONITOR];
	else if (n->verdict != EVIDENCE_PASSED)
		story->mode = policy_mode_names[POLICY_MITIGATE];
}

/* Sets the reason's name and class. Its numbers are a worker's and trusted to be in range. */
static void
name_reason(const struct evidence_note *n, struct evidence_story *story)
{
	char name[TELEMETRY_REASON_NAME];
	unsigned int stage;
	const unsigned int index = pipeline_reason(n->stage, n->reason);

	if (n->verdict == EVIDENCE_PASSED)
		return;
	telemetry_reason_name(index, name);
	snprintf(story->reason, sizeof(story->reason), "%.63s", name);
	story->class = pipeline_reason_info(index, &stage)->class;
}

void
telemetry_witness_tell(void *arg, const struct evidence_note *n,
                       struct evidence_story *story)
{
	struct telemetry_witness *w = arg;
	const struct detect_attack *a = attack_of(w, n);

	if (n->link < BOX_LINKS_MAX)
		snprintf(story->link, sizeof(story->link), "%s", w->link[n->link].name);
	name_policy(w, n, story);
	name_reason(n, story);
	if (a == NULL)
		return;
	story->attack = a->number;
	telemetry_attack_id(w->box, a, story->attack_id);
	story->measured = a->value;
	story->threshold = a->threshold;
	story->unit = telemetry_unit(a->unit);
}
