/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_explain - why the packets of one address pass or not.
 *
 * Lists and services are looked up here; meters, flows and drops come from the
 * stages of every worker. `sentence` says it in words that fit on a telephone.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy/list_set.h"
#include "prefix/prefix.h"
#include "stage/explain.h"
#include "telemetry/explain_answer.h"
#include "telemetry/explain_words.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

#define BLOCKS_ASKED 4096
#define SECOND_NS    UINT64_C(1000000000)

/* What was found out so far, and the words for it. */
struct finding {
	const struct telemetry_ask *ask;
	char address[PREFIX_TEXT];
	json_t *lists, *services, *meters, *flows, *drops, *facts;
	unsigned int verified;
	const char *over, *over_unit; /* the meter furthest above its threshold */
	uint64_t over_value, over_threshold;
	double over_ratio;
	const char *last_drop;
	uint64_t last_drop_age_ns;
	uint64_t left_out;
	struct explain_words words;
	char guarded[200];
};

static void
add_list(struct finding *f, const struct explain_entry *e)
{
	json_t *o = json_object();

	telemetry_put_text(o, "list", e->name);
	telemetry_put_text(o, "action", e->action);
	if (e->prefix != NULL)
		telemetry_put_text(o, "prefix", e->prefix);
	if (e->remaining_s != 0)
		telemetry_put_count(o, "remaining_seconds", e->remaining_s);
	if (e->until_unix_ns != 0)
		telemetry_put_time(o, "until", e->until_unix_ns);
	if (e->since_unix_ns != 0)
		telemetry_put_time(o, "since", e->since_unix_ns);
	if (e->reason != NULL && e->reason[0] != '\0')
		telemetry_put_text(o, "reason", e->reason);
	if (e->scale != 0)
		telemetry_put_count(o, "scale", e->scale);
	json_array_append_new(f->lists, o);
	telemetry_explain_words_list(&f->words, e);
}

/* Until then, in seconds begun; 0: no end. */
static uint64_t
seconds_to(uint64_t until_ns, uint64_t now_ns)
{
	return until_ns == 0 ? 0 : (until_ns - now_ns + SECOND_NS - 1) / SECOND_NS;
}

static void
look_in_blocks(struct finding *f, const struct box *box)
{
	uint64_t now_ns;
	struct policy_block *b;
	size_t n;

	if (box->block_list == NULL)
		return;
	now_ns = box->now_ns(box->daemon);
	b = calloc(BLOCKS_ASKED, sizeof(*b));
	if (b == NULL)
		return;
	n = box->block_list(box->daemon, b, BLOCKS_ASKED);
	for (size_t i = 0; i < n && i < BLOCKS_ASKED; i++) {
		char text[PREFIX_TEXT];

		if (!prefix_holds(&b[i].prefix, f->ask->address) ||
		    (b[i].until_ns != 0 && b[i].until_ns <= now_ns))
			continue;
		prefix_format(&b[i].prefix, text);
		add_list(f, &(struct explain_entry){
				    .name = "timed entries",
				    .action = b[i].is_allow ? "allow" : "deny",
				    .prefix = text,
				    .reason = b[i].reason,
				    .since_unix_ns = telemetry_unix(box, b[i].since_ns),
				    .until_unix_ns = telemetry_unix(box, b[i].until_ns),
				    .remaining_s = seconds_to(b[i].until_ns, now_ns) });
	}
	free(b);
}

/* Whether one of the prefixes holds the address; *out is that one. */
static bool
held(const struct conf_prefixes *list, const uint8_t address[16], struct prefix *out)
{
	for (size_t i = 0; i < list->count; i++) {
		memcpy(out->address, list->prefix[i].address, sizeof(out->address));
		out->len = list->prefix[i].len;
		if (prefix_holds(out, address))
			return true;
	}
	return false;
}

static const char *const action_words[] = { [LIST_ALLOW] = "allow",
	                                    [LIST_DENY] = "deny",
	                                    [LIST_TAG] = "tag",
	                                    [LIST_NEVER_BLOCK] = "never_block" };

/* Under box->lock: what is written in the configuration. */
static void
look_in_settings(struct finding *f, const struct box *box)
{
	const struct settings_list *list;
	struct prefix p;

	if (box->settings == NULL)
		return;
	list = box->settings->lists.element;
	for (size_t i = 0; i < box->settings->lists.count; i++) {
		struct explain_entry e = { .name = list[i].name,
			                   .action = action_words[list[i].action] };
		char text[PREFIX_TEXT];

		if (!held(&list[i].prefixes, f->ask->address, &p))
			continue;
		prefix_format(&p, text);
		e.prefix = text;
		if (list[i].action == LIST_NEVER_BLOCK)
			e.scale = list[i].scale;
		add_list(f, &e);
	}
}

static bool
is_told(const struct finding *f, const char *name)
{
	const json_t *e;
	size_t i;

	json_array_foreach(f->lists, i,
	                   e) if (strcmp(json_string_value(json_object_get(e, "list")),
	                                 name) == 0) return true;
	return false;
}

/* Under box->lock: what came from files. Of who only tags, the prefix is not known any more. */
static void
look_in_lists(struct finding *f, const struct box *box)
{
	const struct stage_lists *lists;
	const uint64_t now_ns = box->now_ns(box->daemon);
	uint32_t value;

	if (box->policies == NULL || box->policies->lists == NULL)
		return;
	lists = list_set_lists(box->policies->lists);
	value = prefix_find(lists->table, f->ask->address);
	for (; value != PREFIX_NONE; value = lists->node[value - 1].under) {
		const struct stage_list_node *node = &lists->node[value - 1];
		const struct stage_listed *entry = &lists->entry[node->entry];
		struct explain_entry e = { .name = entry->name,
			                   .action = action_words[entry->action] };
		struct prefix p = { .len = node->len };
		char text[PREFIX_TEXT];

		if (is_told(f, entry->name) ||
		    (entry->until_ns != 0 && entry->until_ns <= now_ns))
			continue;
		e.remaining_s = seconds_to(entry->until_ns, now_ns);
		if (entry->action == LIST_NEVER_BLOCK)
			e.scale = lists->scale[entry->scale];
		if (entry->action == LIST_ALLOW || entry->action == LIST_DENY) {
			prefix_mask(&p, f->ask->address);
			prefix_format(&p, text);
			e.prefix = text;
		}
		add_list(f, &e);
	}
}

/* Under box->lock: services that protect the address. */
static void
look_in_services(struct finding *f, const struct box *box)
{
	struct prefix held_by;

	for (unsigned int i = 0; box->policies != NULL && i < box->policies->n_services;
	     i++) {
		const struct service *s = &box->policies->service[i];
		const struct policy *p = &box->policies->policy[s->policy];
		json_t *o;

		if (s->name[0] == '\0' || !held(&s->prefixes, f->ask->address, &held_by))
			continue;
		o = json_object();
		telemetry_put_text(o, "service", s->name);
		telemetry_put_text(o, "policy", p->name);
		telemetry_put_text(o, "mode", policy_mode_names[p->mode]);
		json_array_append_new(f->services, o);
		if (f->guarded[0] == '\0')
			snprintf(f->guarded, sizeof(f->guarded),
			         " It is protected as service \"%s\" by policy \"%s\" in "
			         "mode %s.",
			         s->name, p->name, policy_mode_names[p->mode]);
	}
}

static json_t *
line_object(const struct box *box, const struct explain_line *l, unsigned int worker)
{
	static const uint8_t nobody[16];
	const struct stage *stage = telemetry_stage(l->stage);
	json_t *o = json_object();

	telemetry_put_text(o, "what", l->what);
	telemetry_put_text(o, "stage", stage != NULL ? stage->name : "");
	if (box->policies != NULL && l->service > 0 &&
	    l->service < box->policies->n_services)
		telemetry_put_text(o, "service", box->policies->service[l->service].name);
	if (l->name[0] != '\0')
		telemetry_put_text(o, "name", l->name);
	if (box->policies != NULL && l->policy > 0 &&
	    l->policy < box->policies->n_policies)
		telemetry_put_text(o, "policy", box->policies->policy[l->policy].name);
	telemetry_put_text(o, "verdict", l->verdict);
	telemetry_put_text(o, "unit", l->unit);
	telemetry_put_count(o, "value", l->value);
	if (l->threshold != 0)
		telemetry_put_count(o, "threshold", l->threshold);
	telemetry_put_seconds(o, "age_seconds", (double)l->age_ns / 1e9);
	telemetry_put_count(o, "worker", worker);
	if (memcmp(l->peer, nobody, sizeof(nobody)) != 0) {
		telemetry_put_address(o, "peer", l->peer);
		telemetry_put_count(o, "peer_port", l->peer_port);
		telemetry_put_count(o, "port", l->port);
		telemetry_put_count(o, "protocol", l->proto);
	}
	return o;
}

static void
note_meter(struct finding *f, const struct explain_line *l)
{
	const double ratio = (double)l->value / (double)l->threshold;

	if (strcmp(l->verdict, "over") != 0 || ratio < f->over_ratio)
		return;
	f->over = l->what;
	f->over_unit = l->unit;
	f->over_value = l->value;
	f->over_threshold = l->threshold;
	f->over_ratio = ratio;
}

static void
add_line(struct finding *f, const struct box *box, const struct explain_line *l,
         unsigned int worker)
{
	json_t *o = line_object(box, l, worker), *to = f->facts;

	telemetry_explain_words_line(&f->words, box->policies, l);
	if (strcmp(l->what, "flow") == 0) {
		to = f->flows;
		f->verified += strcmp(l->verdict, "verified") == 0;
	} else if (strcmp(l->what, "last drop") == 0) {
		to = f->drops;
		if (f->last_drop == NULL || l->age_ns < f->last_drop_age_ns) {
			f->last_drop = l->verdict;
			f->last_drop_age_ns = l->age_ns;
		}
	} else if (l->threshold != 0) {
		to = f->meters;
		note_meter(f, l);
	}
	json_array_append_new(to, o);
}

/* Ask the workers. Returns 0 or -errno. */
static int
ask_workers(struct finding *f, struct box *box)
{
	struct explain *e;
	int rc;

	if (box->ask == NULL || box->n_workers == 0)
		return 0;
	e = calloc(box->n_workers, sizeof(*e));
	if (e == NULL)
		return -ENOMEM;
	for (unsigned int w = 0; w < box->n_workers; w++)
		memcpy(e[w].address, f->ask->address, sizeof(e[w].address));
	rc = box->ask(box->daemon, f->ask->address, e);
	if (rc == 0) {
		pthread_mutex_lock(&box->lock);
		for (unsigned int w = 0; w < box->n_workers; w++) {
			f->left_out += e[w].left_out;
			for (unsigned int i = 0; i < e[w].lines; i++)
				add_line(f, box, &e[w].line[i], w);
		}
		pthread_mutex_unlock(&box->lock);
	}
	free(e);
	return rc;
}

/* Append to text of `size` bytes; what does not fit is cut. */
static void
say(char *text, size_t size, const char *format, ...)
{
	const size_t n = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + n, size - n, format, args);
	va_end(args);
}

static void
put_sentence(json_t *o, const struct finding *f, const struct box *box)
{
	const size_t flows = json_array_size(f->flows);
	char text[2400] = "";

	say(text, sizeof(text), "%s:", f->address);
	if (box_is_bypassed(box))
		say(text, sizeof(text), " Bypass is on, so nothing is judged.");
	say(text, sizeof(text), "%s",
	    f->guarded[0] != '\0' ? f->guarded
	                          : " No service protects it; it is a client here.");
	say(text, sizeof(text), "%s",
	    f->words.listed[0] != '\0' ? f->words.listed : " It is on no list.");
	say(text, sizeof(text), "%s", f->words.tagged);
	if (f->words.blocked_s != 0)
		say(text, sizeof(text),
		    " It is blocked for another %llu s, because it stayed over a limit; "
		    "block number %llu in a row.",
		    (unsigned long long)f->words.blocked_s,
		    (unsigned long long)f->words.blocks);
	if (f->over != NULL)
		say(text, sizeof(text),
		    " Its %s are over the limit: %llu against %llu %s.", f->over,
		    (unsigned long long)f->over_value,
		    (unsigned long long)f->over_threshold, f->over_unit);
	else if (json_array_size(f->meters) > 0)
		say(text, sizeof(text), " It is within every limit.");
	if (flows > 0)
		say(text, sizeof(text), " It has %zu flow%s here, %u of them verified.",
		    flows, flows == 1 ? "" : "s", f->verified);
	else
		say(text, sizeof(text), " It has no flow here.");
	if (f->last_drop != NULL)
		say(text, sizeof(text), " Its last drop was %.1f s ago, for %s.",
		    (double)f->last_drop_age_ns / 1e9, f->last_drop);
	else
		say(text, sizeof(text), " No recent packet of it was dropped.");
	telemetry_put_text(o, "sentence", text);
}

json_t *
telemetry_explain(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	struct finding f = { .ask = ask };
	json_t *o;
	int rc;

	if (!ask->has_address) {
		errno = EINVAL;
		return NULL;
	}
	prefix_format_address(ask->address, f.address);
	o = telemetry_document_new(box, NULL);
	telemetry_put_text(o, "address", f.address);
	json_object_set_new(o, "lists", f.lists = json_array());
	json_object_set_new(o, "services", f.services = json_array());
	json_object_set_new(o, "meters", f.meters = json_array());
	json_object_set_new(o, "flows", f.flows = json_array());
	json_object_set_new(o, "drops", f.drops = json_array());
	json_object_set_new(o, "facts", f.facts = json_array());
	look_in_blocks(&f, box);
	pthread_mutex_lock(&box->lock);
	look_in_settings(&f, box);
	look_in_lists(&f, box);
	look_in_services(&f, box);
	json_object_set_new(
		o, "filters",
		telemetry_explain_filters(box, ask->address, f.guarded[0] != '\0'));
	json_object_set_new(o, "received", telemetry_received_object(box, ask->address));
	pthread_mutex_unlock(&box->lock);
	json_object_set_new(o, "sent", telemetry_sent_object(box, ask->address));

	rc = ask_workers(&f, box);
	if (rc < 0) {
		json_decref(o);
		errno = -rc;
		return NULL;
	}
	telemetry_put_count(o, "left_out", f.left_out);
	put_sentence(o, &f, box);
	telemetry_explain_answer(o, t, ask->address);
	return o;
}
