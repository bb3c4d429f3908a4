/* SPDX-License-Identifier: BSD-3-Clause */
/* lists_one - one list: when its file is read, what came of it, and what is shown. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lists_parts.h"

#define RETRY_NS UINT64_C(10000000000) /* a file that failed is looked at again */

static uint64_t
unix_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* --- contents that states share --- */

struct lists_held *
lists_hold(struct lists_held *h)
{
	if (h != NULL)
		h->holds++;
	return h;
}

void
lists_let_go(struct lists_held *h)
{
	if (h == NULL || --h->holds > 0)
		return;
	list_free(h->content);
	free(h);
}

static struct lists_held *
new_held(struct list_content *content)
{
	struct lists_held *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		list_free(content);
		return NULL;
	}
	h->holds = 1;
	h->content = content;
	return h;
}

/* --- what is shown of a list --- */

static void
show_settings(struct box_list *b, const struct settings_list *list,
              const struct lists_spec *spec)
{
	static const char *const formats[] = { "plain", "csv", "mmdb" };

	snprintf(b->name, sizeof(b->name), "%s", list->name);
	b->action = list->action;
	b->written = list->prefixes.count;
	b->refresh_ns = list->refresh_ns;
	b->file[0] = '\0';
	b->format = "";
	if (spec == NULL)
		return;
	snprintf(b->file, sizeof(b->file), "%s", spec->path);
	b->format = formats[spec->spec.format];
	b->skips = spec->spec.on_error == LIST_SKIP;
}

static void
show_errors(struct box_list *b, const struct conf_errors *errors)
{
	b->errors = errors->count + errors->warnings;
	for (size_t i = 0; i < b->errors && i < BOX_LIST_ERRORS; i++) {
		const struct conf_error *e = &errors->error[i];

		b->error[i].line = e->line;
		snprintf(b->error[i].text, sizeof(b->error[i].text), "%s", e->message);
	}
}

static void
show_content(struct box_list *b, const struct list_content *c)
{
	b->state = BOX_LIST_OK;
	b->failed_in_a_row = 0;
	b->loads++;
	b->loaded_unix_ns = c->read_unix_ns;
	b->loaded_time_s = c->file_time_s;
	b->prefixes = c->count;
	b->lines = c->lines;
	b->skipped = c->skipped;
	b->ended = c->ended;
	memcpy(b->loaded_sha256, c->sha256, sizeof(b->loaded_sha256));
	memcpy(b->wanted_sha256, c->sha256, sizeof(b->wanted_sha256));
}

/* --- reading one --- */

/* Whether the old content says what this list would read, apart from the file's changes. */
static void
take_over(struct lists_one *one, const struct lists_all *before, const char *name,
          uint64_t spec)
{
	const size_t at = lists_find(before, name);

	one->spec = spec;
	if (at == before->count || before->one[at].spec != spec)
		return;
	one->shown = before->one[at].shown;
	one->file = lists_hold(before->one[at].file);
	one->mark = before->one[at].mark;
	one->has_mark = before->one[at].has_mark;
	one->is_broken = before->one[at].is_broken;
	one->due_ns = before->one[at].due_ns;
}

static bool
is_wanted(const struct lists_one *one, const struct lists_ask *ask)
{
	struct list_mark mark;

	if (ask->name != NULL)
		return strcmp(ask->name, one->shown.name) == 0;
	if (ask->now_ns != UINT64_MAX && (one->due_ns == 0 || ask->now_ns < one->due_ns))
		return false;
	if (!one->has_mark || (one->file == NULL && ask->now_ns == UINT64_MAX))
		return true;
	/* A file that was broken stays so until somebody writes to it. */
	if (one->shown.state == BOX_LIST_FAILED &&
	    (ask->now_ns == UINT64_MAX || !one->is_broken))
		return true;
	memset(&mark, 0, sizeof(mark));
	return list_look(one->shown.file, &mark) < 0 ||
	       memcmp(&mark, &one->mark, sizeof(mark)) != 0;
}

static bool
is_same(const struct lists_held *h, const struct list_content *c)
{
	if (h == NULL || h->content->count != c->count ||
	    strcmp(h->content->sha256, c->sha256) != 0)
		return false;
	/* Ends that count from the moment of reading make equal files differ. */
	for (size_t i = 0; i < c->count; i++)
		if (h->content->prefix[i].until_s != c->prefix[i].until_s)
			return false;
	return true;
}

static void
fail(struct lists_one *one, const struct conf_errors *own)
{
	one->shown.state = BOX_LIST_FAILED;
	one->shown.failures++;
	one->shown.failed_in_a_row++;
	one->shown.wanted_sha256[0] = '\0';
	show_errors(&one->shown, own);
}

/* Read the file; the content stays where it says the same. Returns 0 or -errno. */
static int
read_one(struct lists *l, struct lists_one *one, struct lists_spec *spec,
         struct conf_errors *own)
{
	struct list_content *content;
	struct list_mark mark = { 0 };
	int rc;

	/* A list that was never full may begin empty. */
	spec->spec.allow_empty |= one->file == NULL || one->file->content->count == 0;
	list_look(spec->path, &mark);
	rc = list_read(&spec->spec, lists_now_s(l->engine), &content, own);
	one->mark = mark;
	one->has_mark = true;
	one->shown.checked_unix_ns = unix_now();
	one->shown.wanted_time_s = mark.time_s;
	one->shown.wanted_bytes = mark.size;
	one->is_broken = rc == -EINVAL || rc == -E2BIG;
	if (rc < 0) {
		fail(one, own);
		return rc;
	}
	show_errors(&one->shown, own);
	show_content(&one->shown, content);
	if (is_same(one->file, content)) {
		list_free(content);
		return 0;
	}
	lists_let_go(one->file);
	one->file = new_held(content);
	return one->file == NULL ? -ENOMEM : 0;
}

static void
plan_next(struct lists_one *one, const struct lists_ask *ask, const struct engine *e)
{
	const uint64_t now = ask->now_ns == UINT64_MAX || ask->now_ns == 0
	                             ? (e->clock == NULL ? 0 : e->clock())
	                             : ask->now_ns;
	uint64_t wait = one->shown.refresh_ns;

	one->due_ns = 0;
	if (wait == 0)
		return;
	if (one->shown.state == BOX_LIST_FAILED && wait > RETRY_NS)
		wait = RETRY_NS;
	one->due_ns = now + wait;
}

int
lists_make_one(struct lists *l, const struct lists_ask *ask, struct lists_one *one,
               size_t i, struct conf_errors *errors)
{
	const struct settings *s = ask->settings;
	const struct settings_list *list =
		(const struct settings_list *)s->lists.element + i;
	const char *base = l->engine->settings->file;
	struct conf_errors own = { 0 };
	struct lists_spec spec;
	const int has_file = lists_spec_open(s, base, i, &spec);
	int rc = 0;

	if (has_file < 0) {
		conf_fail(errors, &s->lists.place[i], "the path of its file is too long");
		return has_file;
	}
	take_over(one, &l->now, list->name, has_file > 0 ? spec.mark : 0);
	show_settings(&one->shown, list, has_file > 0 ? &spec : NULL);
	if (has_file > 0 && is_wanted(one, ask)) {
		const bool is_refused =
			ask->is_first && spec.spec.on_error == LIST_REFUSE;
		/* Where the configuration is new and nothing was ever read, all or nothing. */
		const bool is_new = one->file == NULL && s != l->engine->settings &&
		                    spec.spec.on_error == LIST_REFUSE;

		rc = read_one(l, one, &spec, &own);
		/* Who called is told errors; for all others the old content stays. */
		lists_pass_on(&own, !is_refused && !is_new && ask->name == NULL, errors);
		if (l->ear.tell != NULL)
			l->ear.tell(l->ear.arg, list->name, rc >= 0, &own);
		if (rc < 0 && rc != -ENOMEM)
			rc = is_refused || is_new ? -EINVAL : 0;
		plan_next(one, ask, l->engine);
	} else if (has_file > 0 && ask->name == NULL &&
	           (ask->now_ns == UINT64_MAX || ask->now_ns >= one->due_ns)) {
		one->shown.checked_unix_ns = unix_now();
		plan_next(one, ask, l->engine);
	}
	conf_errors_free(&own);
	if (has_file > 0)
		lists_spec_close(&spec);
	return rc;
}
