/* SPDX-License-Identifier: BSD-3-Clause */
#include "filters.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OWN_FILE "filters.json"

void
filters_drop(struct filters *f)
{
	free(f->spec);
	free(f->rule);
	*f = (struct filters){ 0 };
}

void
filters_free(struct filters *f)
{
	for (size_t i = 0; i < f->count; i++) {
		filter_spec_free(&f->spec[i]);
		json_decref(f->rule[i]);
	}
	filters_drop(f);
}

size_t
filters_find(const struct filters *f, const char *name)
{
	size_t i = 0;

	while (i < f->count && strcmp(f->spec[i].name, name) != 0)
		i++;
	return i;
}

static int
copy(const struct filters *f, struct filters *out)
{
	out->count = f->count;
	out->spec = calloc(f->count + 1, sizeof(*out->spec));
	out->rule = calloc(f->count + 1, sizeof(*out->rule));
	if (out->spec == NULL || out->rule == NULL) {
		filters_drop(out);
		return -ENOMEM;
	}
	if (f->count > 0) {
		memcpy(out->spec, f->spec, f->count * sizeof(*out->spec));
		memcpy(out->rule, f->rule, f->count * sizeof(*out->rule));
	}
	return 0;
}

int
filters_with(const struct filters *f, const struct filter_spec *spec, json_t *rule,
             struct filters *out)
{
	const size_t at = filters_find(f, spec->name);
	int status = copy(f, out);

	if (status != 0)
		return status;
	out->spec[at] = *spec;
	out->rule[at] = rule;
	if (at == f->count)
		out->count++;
	return 0;
}

int
filters_without(const struct filters *f, size_t at, struct filters *out)
{
	int status = copy(f, out);

	if (status != 0)
		return status;
	out->count--;
	memmove(&out->spec[at], &out->spec[at + 1],
	        (out->count - at) * sizeof(*out->spec));
	memmove(&out->rule[at], &out->rule[at + 1],
	        (out->count - at) * sizeof(*out->rule));
	return 0;
}

/* --- the file ------------------------------------------------------------------ */

static int
read_all(struct filters *f, const json_t *rules, struct conf_errors *errors)
{
	const json_t *rule;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)rules, i, rule)
	{
		struct filter_spec spec;
		struct filters next;
		int status;

		if (!json_is_object(rule))
			return -EINVAL;
		status = filter_spec_read(rule, (int64_t)time(NULL), &spec, errors);
		if (status == 0)
			status = filters_with(
				f, &spec, json_incref((json_t *)(uintptr_t)rule), &next);
		if (status != 0)
			return status;
		filters_drop(f);
		*f = next;
	}
	return 0;
}

int
filters_load(struct filters *f, const char *folder, struct conf_errors *errors)
{
	char path[PATH_MAX];
	json_error_t error;
	json_t *rules;
	int status = -EINVAL;

	*f = (struct filters){ 0 };
	snprintf(path, sizeof(path), "%s/" OWN_FILE, folder);
	if (access(path, F_OK) != 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	rules = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (json_is_array(rules))
		status = read_all(f, rules, errors);
	json_decref(rules);
	if (status != 0) {
		filters_free(f);
		conf_fail(
			errors, NULL,
			"%s: the filter rules made through the API cannot be read; mend "
			"the file, or move it away",
			path);
	}
	return status;
}

/* All of it, on the disk. */
static int
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

int
filters_save(const struct filters *f, const char *folder)
{
	char path[PATH_MAX], beside[PATH_MAX];
	json_t *rules = json_array();
	char *text;
	int fd, status = -ENOMEM;

	for (size_t i = 0; i < f->count; i++)
		json_array_append(rules, f->rule[i]);
	text = json_dumps(rules, JSON_INDENT(1));
	json_decref(rules);
	if (text == NULL)
		return -ENOMEM;
	mkdir(folder, 0700);
	snprintf(path, sizeof(path), "%s/" OWN_FILE, folder);
	snprintf(beside, sizeof(beside), "%s/" OWN_FILE ".new", folder);
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		status = -errno;
	} else {
		status = write_all(fd, text, strlen(text));
		if (close(fd) != 0 && status == 0)
			status = -errno;
		if (status == 0 && rename(beside, path) != 0)
			status = -errno;
	}
	free(text);
	return status;
}
