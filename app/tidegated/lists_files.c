/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/sha256.h"
#include "lists_parts.h"
#include "policy/list_set.h"

/* Relative to the folder of the configuration, which the daemon's own folder is not. */
static int
path_of(const char *base, const char *file, char path[PATH_MAX])
{
	const char *slash = strrchr(base, '/');
	int n;

	if (file[0] == '/' || slash == NULL)
		n = snprintf(path, PATH_MAX, "%s", file);
	else
		n = snprintf(path, PATH_MAX, "%.*s/%s", (int)(slash - base), base, file);
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static uint64_t
mark_of(const struct lists_spec *s)
{
	struct sha256 hash;
	uint8_t digest[SHA256_BYTES];
	uint64_t mark;

	sha256_begin(&hash);
	sha256_add(&hash, s->path, strlen(s->path) + 1);
	sha256_add(&hash, &s->spec.format, sizeof(s->spec.format));
	sha256_add(&hash, &s->spec.on_error, sizeof(s->spec.on_error));
	sha256_add(&hash, &s->spec.most, sizeof(s->spec.most));
	for (size_t i = 0; s->spec.select[i] != NULL; i++)
		sha256_add(&hash, s->spec.select[i], strlen(s->spec.select[i]) + 1);
	sha256_end(&hash, digest);
	memcpy(&mark, digest, sizeof(mark));
	return mark;
}

int
lists_spec_open(const struct settings *s, const char *base, size_t i,
                struct lists_spec *spec)
{
	const struct settings_list *list =
		(const struct settings_list *)s->lists.element + i;
	const char **select;

	memset(spec, 0, sizeof(*spec));
	if (list->file == NULL || list->file[0] == '\0')
		return 0;
	select = calloc(list->select.count + 1, sizeof(*select));
	if (select == NULL || path_of(base, list->file, spec->path) < 0) {
		free(select);
		return -ENOMEM;
	}
	for (size_t k = 0; k < list->select.count; k++)
		select[k] = list->select.text[k];
	spec->spec = (struct list_spec){
		.name = list->name,
		.path = spec->path,
		.format = list->format == SETTINGS_FORMAT_AUTO
		                  ? list_format_of(spec->path)
		                  : (enum list_format)(list->format - 1),
		.on_error = list->on_error == 0 ? LIST_REFUSE : LIST_SKIP,
		.most = list->max_prefixes,
		.allow_empty = list->allow_empty,
		.select = select,
	};
	spec->mark = mark_of(spec);
	/* An empty selection selects nothing less than all. */
	if (list->select.count == 0) {
		free(select);
		spec->spec.select = NULL;
	}
	return 1;
}

void
lists_spec_close(struct lists_spec *spec)
{
	free((void *)(uintptr_t)spec->spec.select);
	spec->spec.select = NULL;
}

void
lists_pass_on(const struct conf_errors *from, bool as_warnings, struct conf_errors *to)
{
	for (size_t i = 0; i < from->count + from->warnings; i++) {
		const struct conf_error *e = &from->error[i];
		const struct conf_place place = { e->file, e->line, e->path };

		if (e->is_warning || as_warnings)
			conf_warn(to, &place, "%s", e->message);
		else
			conf_fail(to, &place, "%s", e->message);
	}
}

int64_t
lists_now_s(const struct engine *e)
{
	struct timespec now;

	if (__atomic_load_n(&e->common.wall_ns, __ATOMIC_RELAXED) == 0)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* --- a dry run --- */

static void
free_all(struct list_content **content, size_t count)
{
	for (size_t i = 0; content != NULL && i < count; i++)
		list_free(content[i]);
	free(content);
}

/* One list; errors of one that says skip are warnings, as they are at a start. */
static int
try_one(const struct settings *s, const char *base, size_t i, int64_t now_s,
        struct list_content **out, struct conf_errors *errors)
{
	struct conf_errors own = { 0 };
	struct lists_spec spec;
	int rc = lists_spec_open(s, base, i, &spec);
	bool is_spared;

	if (rc == 0)
		return 0;
	if (rc < 0) {
		conf_fail(errors, &s->lists.place[i], "the path of its file is too long");
		return -EINVAL;
	}
	is_spared = spec.spec.on_error == LIST_SKIP;
	/* At a start there was nothing before, so nothing is no loss. */
	spec.spec.allow_empty = true;
	rc = list_read(&spec.spec, now_s, out, &own);
	lists_pass_on(&own, is_spared, errors);
	conf_errors_free(&own);
	lists_spec_close(&spec);
	return rc < 0 && !is_spared ? -EINVAL : rc == 0;
}

int
lists_try(const struct settings *s, const char *base, struct list_set **set,
          struct conf_errors *errors)
{
	struct list_content **content = calloc(s->lists.count + 1, sizeof(*content));
	struct list_set_input input = { .settings = s };
	bool has_any = false;
	int rc = 0;

	*set = NULL;
	if (content == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->lists.count; i++) {
		const int one = try_one(s, base, i, time(NULL), &content[i], errors);

		rc = one < 0 ? one : rc;
		has_any |= one > 0;
	}
	input.content = (const struct list_content *const *)content;
	if (rc == 0 && has_any)
		rc = list_set_build(&input, set, errors);
	free_all(content, s->lists.count);
	return rc;
}
