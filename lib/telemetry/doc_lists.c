/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_lists - lists: what is wanted, what is loaded, and how often they decided.
 *
 * Wanted is the file as it was last looked at, loaded is what the workers judge by.
 * They differ while a new file is refused.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "telemetry/prometheus.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

#define ENTRIES_SHOWN 4096
#define SECOND_NS     UINT64_C(1000000000)

static const char *const actions[] = { "allow", "deny", "tag", "never_block" };
static const char *const states[] = { "none", "ok", "failed" };

/* All lists; NULL with errno when there are none to tell of. */
static struct box_list *
copy(const struct box *box, size_t *n)
{
	struct box_list *l;
	size_t room;

	if (box->lists_read == NULL) {
		errno = ENOSYS;
		return NULL;
	}
	room = box->lists_read(box->daemon, NULL, 0);
	l = calloc(room + 1, sizeof(*l));
	if (l == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	*n = box->lists_read(box->daemon, l, room);
	/* A reload in between may have brought more. */
	*n = *n < room ? *n : room;
	return l;
}

/* Packets that a list decided about, over all workers. Call under box->lock. */
static uint64_t
hits_of(const struct box *box, const char *name)
{
	const struct policy_hits *h = box->policies == NULL ? NULL : box->policies->hits;
	uint64_t sum = 0;

	for (unsigned int id = 1; h != NULL && id < h->count; id++) {
		if (!policy_hit_is_used(h, id) ||
		    strcmp(h->hit[id].stage, "lists") != 0 ||
		    strcmp(h->hit[id].name, name) != 0)
			continue;
		for (unsigned int i = 0; i < box->n_workers; i++)
			if (box->worker[i].pipeline != NULL)
				sum += counter_read(&box->worker[i].pipeline->hits[id]);
	}
	return sum;
}

void
telemetry_lists_warn(const struct box *box, json_t *warnings)
{
	size_t n = 0;
	struct box_list *l = copy(box, &n);

	for (size_t i = 0; l != NULL && i < n; i++) {
		const char *remains = l[i].loaded_unix_ns > 0
		                              ? "what was read before stays in force"
		                              : "nothing of it is in force";
		json_t *text;

		if (l[i].state != BOX_LIST_FAILED)
			continue;
		/* The line that was refused may be anything, but no JSON. */
		text = json_sprintf(
			"the file of the list '%s' was refused: %s; %s", l[i].name,
			l[i].errors > 0 ? l[i].error[0].text : "no reason", remains);
		if (text == NULL)
			text = json_sprintf("the file of a list was refused; %s",
			                    remains);
		json_array_append_new(warnings, text);
	}
	free(l);
}

static void
put_sha(json_t *o, const char *sha256)
{
	json_object_set_new(o, "sha256",
	                    sha256[0] == '\0' ? json_null() : json_string(sha256));
}

static void
put_file_time(json_t *o, int64_t time_s)
{
	telemetry_put_time(o, "file_time", time_s > 0 ? (uint64_t)time_s * SECOND_NS : 0);
}

static json_t *
wanted(const struct box_list *l)
{
	json_t *o = json_object(), *errors = json_array();

	telemetry_put_text(o, "state", states[l->state]);
	telemetry_put_time(o, "checked", l->checked_unix_ns);
	put_file_time(o, l->wanted_time_s);
	telemetry_put_count(o, "file_bytes", l->wanted_bytes);
	put_sha(o, l->wanted_sha256);
	telemetry_put_count(o, "failed_in_a_row", l->failed_in_a_row);
	telemetry_put_count(o, "messages", l->errors);
	for (size_t i = 0; i < l->errors && i < BOX_LIST_ERRORS; i++) {
		json_t *e = json_object();

		telemetry_put_count(e, "line", l->error[i].line);
		telemetry_put_text(e, "message", l->error[i].text);
		json_array_append_new(errors, e);
	}
	json_object_set_new(o, "errors", errors);
	return o;
}

static json_t *
loaded(const struct box_list *l)
{
	json_t *o = json_object();

	telemetry_put_time(o, "loaded", l->loaded_unix_ns);
	put_file_time(o, l->loaded_time_s);
	put_sha(o, l->loaded_sha256);
	telemetry_put_count(o, "lines", l->lines);
	telemetry_put_count(o, "prefixes", l->prefixes);
	telemetry_put_count(o, "skipped", l->skipped);
	telemetry_put_count(o, "ended", l->ended);
	return o;
}

/* Call under box->lock. */
static json_t *
list_object(const struct box *box, const struct box_list *l)
{
	json_t *o = json_object();
	const bool has_file = l->file[0] != '\0';

	telemetry_put_text(o, "name", l->name);
	telemetry_put_text(o, "action", actions[l->action]);
	telemetry_put_count(o, "prefixes", l->total);
	telemetry_put_count(o, "in_configuration", l->written);
	telemetry_put_count(o, "by_hand", l->made);
	telemetry_put_count(o, "hits", hits_of(box, l->name));
	if (!has_file) {
		json_object_set_new(o, "file", json_null());
		return o;
	}
	telemetry_put_text(o, "file", l->file);
	telemetry_put_text(o, "format", l->format);
	telemetry_put_text(o, "on_error", l->skips ? "skip" : "refuse");
	telemetry_put_seconds(o, "refresh_seconds", (double)l->refresh_ns / 1e9);
	telemetry_put_count(o, "loads", l->loads);
	telemetry_put_count(o, "failures", l->failures);
	json_object_set_new(o, "wanted", wanted(l));
	json_object_set_new(o, "loaded", loaded(l));
	return o;
}

json_t *
telemetry_lists(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	json_t *o, *list = json_array();
	struct box_list *l;
	size_t n;

	(void)ask;
	l = copy(box, &n);
	if (l == NULL) {
		json_decref(list);
		return NULL;
	}
	o = telemetry_document_new(box, NULL);
	pthread_mutex_lock(&box->lock);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, list_object(box, &l[i]));
	pthread_mutex_unlock(&box->lock);
	json_object_set_new(o, "lists", list);
	free(l);
	return o;
}

/* What was put into it by hand. */
static json_t *
entries(const struct box *box, const char *name, size_t *total)
{
	struct box_list_entry *e = calloc(ENTRIES_SHOWN, sizeof(*e));
	json_t *a = json_array();

	*total = 0;
	if (e != NULL && box->list_entries != NULL)
		*total = box->list_entries(box->daemon, name, e, ENTRIES_SHOWN);
	for (size_t i = 0; i < *total && i < ENTRIES_SHOWN; i++) {
		json_t *o = json_object();
		char text[PREFIX_TEXT];

		prefix_format(&e[i].prefix, text);
		telemetry_put_text(o, "prefix", text);
		telemetry_put_time(o, "until", (uint64_t)e[i].until_s * SECOND_NS);
		json_array_append_new(a, o);
	}
	free(e);
	return a;
}

json_t *
telemetry_list(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	struct box_list *l;
	json_t *o, *one;
	size_t n, i = 0, total;

	l = copy(box, &n);
	if (l == NULL)
		return NULL;
	while (i < n && strcmp(l[i].name, ask->name) != 0)
		i++;
	if (i == n) {
		free(l);
		errno = ENOENT;
		return NULL;
	}
	o = telemetry_document_new(box, NULL);
	pthread_mutex_lock(&box->lock);
	one = list_object(box, &l[i]);
	pthread_mutex_unlock(&box->lock);
	json_object_set_new(one, "entries", entries(box, l[i].name, &total));
	telemetry_put_count(one, "entries_total", total);
	json_object_set_new(o, "list", one);
	free(l);
	return o;
}

/* --- metrics --- */

struct family {
	const char *name, *type, *help;
	uint64_t (*read)(const struct box_list *l);
	bool of_files; /* lists without a file have no sample */
};

static uint64_t
prefixes(const struct box_list *l)
{
	return l->total;
}

static uint64_t
skipped(const struct box_list *l)
{
	return l->skipped;
}

static uint64_t
ended(const struct box_list *l)
{
	return l->ended;
}

static uint64_t
failed(const struct box_list *l)
{
	return l->state == BOX_LIST_FAILED;
}

static uint64_t
loads(const struct box_list *l)
{
	return l->loads;
}

static uint64_t
failures(const struct box_list *l)
{
	return l->failures;
}

static uint64_t
last_success(const struct box_list *l)
{
	return l->loaded_unix_ns / SECOND_NS;
}

static uint64_t
wanted_time(const struct box_list *l)
{
	return l->wanted_time_s > 0 ? (uint64_t)l->wanted_time_s : 0;
}

static uint64_t
loaded_time(const struct box_list *l)
{
	return l->loaded_time_s > 0 ? (uint64_t)l->loaded_time_s : 0;
}

static const struct family families[] = {
	{ "list_prefixes", "gauge", "Prefixes in force, of file, configuration and hand.",
	  prefixes, false },
	{ "list_skipped_lines", "gauge", "Broken lines of the file that were left out.",
	  skipped, true },
	{ "list_ended_lines", "gauge",
	  "Lines of the file left out because their time was over.", ended, true },
	{ "list_failed", "gauge",
	  "1 while the file as it is now could not be loaded and older content is in "
	  "force.",
	  failed, true },
	{ "list_loads_total", "counter", "Times the file was read and taken.", loads,
	  true },
	{ "list_failures_total", "counter", "Times the file was refused.", failures,
	  true },
	{ "list_last_success_timestamp_seconds", "gauge",
	  "When the file was last read and taken, Unix time; 0 is never.", last_success,
	  true },
	{ "list_wanted_timestamp_seconds", "gauge",
	  "Modification of the file as it was last looked at, Unix time.", wanted_time,
	  true },
	{ "list_loaded_timestamp_seconds", "gauge",
	  "Modification of the file that is loaded, Unix time; less than wanted: it "
	  "failed.",
	  loaded_time, true },
};

void
telemetry_list_metrics(struct telemetry_out *o, const struct box *box)
{
	size_t n = 0;
	struct box_list *l = copy(box, &n);

	n = n < SERIES_LISTS ? n : SERIES_LISTS;
	for (size_t f = 0; f < sizeof(families) / sizeof(*families); f++) {
		telemetry_family(o, families[f].name, families[f].type, families[f].help);
		for (size_t i = 0; l != NULL && i < n; i++)
			if (!families[f].of_files || l[i].file[0] != '\0')
				telemetry_count(o, families[f].read(&l[i]), "list",
				                l[i].name, "action", actions[l[i].action],
				                NULL);
	}
	free(l);
}
