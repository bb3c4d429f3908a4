/* SPDX-License-Identifier: BSD-3-Clause */
/* lists_made - entries of lists that somebody made by hand. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "lists_parts.h"
#include "policy/list_set.h"

#define FILE_VERSION 1

/* --- the file that keeps them --- */

static void
warn(const struct lists *l, struct conf_errors *errors, const char *what)
{
	const struct conf_place place = { (char *)(uintptr_t)l->made_file, 0, NULL };

	conf_warn(errors, &place, "%s", what);
}

/* One entry of the file. Returns false when it is none. */
static bool
read_entry(const json_t *o, struct lists_made *m)
{
	const char *list = json_string_value(json_object_get(o, "list"));
	const char *prefix = json_string_value(json_object_get(o, "prefix"));
	const json_t *until = json_object_get(o, "until_unix");

	if (list == NULL || prefix == NULL || strlen(list) >= sizeof(m->list) ||
	    list_scan_prefix(prefix, strlen(prefix), &m->prefix) < 0)
		return false;
	if (until != NULL && !json_is_null(until) &&
	    (!json_is_integer(until) || json_integer_value(until) <= 0 ||
	     json_integer_value(until) > UINT32_MAX))
		return false;
	snprintf(m->list, sizeof(m->list), "%s", list);
	m->until_s = (uint32_t)json_integer_value(until);
	return true;
}

/* Returns false when any of it cannot be understood; nothing is taken then. */
static bool
read_all(struct lists *l, const json_t *root)
{
	const json_t *entries = json_object_get(root, "entries");
	const size_t n = json_array_size(entries);
	const json_t *o;
	size_t i;

	if (json_integer_value(json_object_get(root, "version")) != FILE_VERSION ||
	    !json_is_array(entries) || n > LISTS_MADE_MAX)
		return false;
	l->made = calloc(n + 1, sizeof(*l->made));
	if (l->made == NULL)
		return false;
	json_array_foreach(entries, i, o)
	{
		if (!read_entry(o, &l->made[i])) {
			free(l->made);
			l->made = NULL;
			return false;
		}
	}
	l->made_count = n;
	return true;
}

/* Under a name of its own, so that whoever wants to know finds what it was. */
static void
set_aside(const struct lists *l, const char *why, struct conf_errors *errors)
{
	char aside[PATH_MAX + 8], text[PATH_MAX + 400];
	bool is_moved;

	snprintf(aside, sizeof(aside), "%s.broken", l->made_file);
	is_moved = rename(l->made_file, aside) == 0;
	snprintf(text, sizeof(text),
	         "the entries made by hand cannot be read (%.160s) and are forgotten; "
	         "the file %s %s",
	         why, is_moved ? "is now" : "could not be moved to", aside);
	warn(l, errors, text);
}

void
lists_made_load(struct lists *l, struct conf_errors *errors)
{
	const int fd = l->made_file[0] == '\0'
	                       ? -1
	                       : open(l->made_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	json_error_t error;
	struct stat st;
	json_t *root;

	if (fd < 0) {
		if (l->made_file[0] != '\0' && errno != ENOENT)
			set_aside(l, strerror(errno), errors);
		return;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		set_aside(l, "it is no file", errors);
		return;
	}
	root = json_loadfd(fd, JSON_REJECT_DUPLICATES, &error);
	close(fd);
	if (root == NULL)
		set_aside(l, error.text, errors);
	else if (!read_all(l, root))
		set_aside(l, "it is not what this program writes", errors);
	json_decref(root);
	lists_made_expire(l);
}

static int
write_file(const char *path, json_t *root)
{
	const int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 ? -errno : 0;

	if (rc == 0 && (json_dumpfd(root, fd, JSON_INDENT(1)) < 0 || fsync(fd) < 0))
		rc = errno != 0 ? -errno : -EIO;
	if (fd >= 0)
		close(fd);
	return rc;
}

int
lists_made_save(const struct lists *l)
{
	json_t *root, *entries;
	char beside[PATH_MAX + 8];
	int rc;

	if (l->made_file[0] == '\0')
		return 0;
	entries = json_array();
	for (size_t i = 0; i < l->made_count; i++) {
		const struct lists_made *m = &l->made[i];
		char prefix[PREFIX_TEXT];

		prefix_format(&m->prefix, prefix);
		json_array_append_new(
			entries, json_pack("{s:s, s:s, s:o}", "list", m->list, "prefix",
		                           prefix, "until_unix",
		                           m->until_s == 0 ? json_null()
		                                           : json_integer(m->until_s)));
	}
	root = json_pack("{s:i, s:o}", "version", FILE_VERSION, "entries", entries);
	snprintf(beside, sizeof(beside), "%s.new", l->made_file);
	mkdir(l->engine->settings->state_folder, 0700);
	rc = root == NULL ? -ENOMEM : write_file(beside, root);
	json_decref(root);
	if (rc == 0 && rename(beside, l->made_file) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(beside);
	return rc;
}

/* --- with the files --- */

int
lists_made_join(const struct lists *l, const char *name, const struct list_content *file,
                struct list_content **out)
{
	struct list_prefix *more = calloc(l->made_count + 1, sizeof(*more));
	size_t n = 0;
	int rc = 0;

	*out = NULL;
	if (more == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < l->made_count; i++)
		if (strcmp(l->made[i].list, name) == 0)
			more[n++] = (struct list_prefix){ l->made[i].prefix,
				                          l->made[i].until_s };
	if (n > 0)
		rc = list_merge(file, more, n, out);
	free(more);
	return rc;
}

void
lists_made_expire(struct lists *l)
{
	const int64_t now_s = lists_now_s(l->engine);
	size_t n = 0;

	if (now_s == 0)
		return;
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < l->made_count; i++)
		if (l->made[i].until_s == 0 || (int64_t)l->made[i].until_s > now_s)
			l->made[n++] = l->made[i];
	l->made_count = n;
	pthread_mutex_unlock(&l->lock);
}

/* --- by call --- */

static size_t
find(const struct lists *l, const struct box_list_entry *e)
{
	size_t i = 0;

	while (i < l->made_count &&
	       (strcmp(l->made[i].list, e->list) != 0 ||
	        memcmp(&l->made[i].prefix, &e->prefix, sizeof(e->prefix)) != 0))
		i++;
	return i;
}

/* The entries as they shall be, in memory of their own. Returns 0 or -errno. */
static int
change_copy(struct lists *l, const struct box_list_entry *e, bool is_add)
{
	struct lists_made *copy = calloc(l->made_count + 2, sizeof(*copy));
	size_t n = l->made_count, at = find(l, e);

	if (copy == NULL)
		return -ENOMEM;
	if (n > 0)
		memcpy(copy, l->made, n * sizeof(*copy));
	if (is_add) {
		snprintf(copy[at].list, sizeof(copy[at].list), "%s", e->list);
		copy[at].prefix = e->prefix;
		copy[at].until_s = e->until_s;
		n += at == n;
	} else {
		copy[at] = copy[--n];
	}
	pthread_mutex_lock(&l->lock);
	free(l->made);
	l->made = copy;
	l->made_count = n;
	pthread_mutex_unlock(&l->lock);
	return 0;
}

/* Why the entry cannot be, with an error; 0 when it can. */
static int
check_entry(struct lists *l, const struct box_list_entry *e, bool is_add,
            struct conf_errors *errors)
{
	char text[PREFIX_TEXT];

	prefix_format(&e->prefix, text);
	if (lists_find(&l->now, e->list) == l->now.count) {
		conf_fail(errors, NULL, "there is no list \"%s\"", e->list);
		return -ENOENT;
	}
	if (!is_add && find(l, e) == l->made_count) {
		conf_fail(errors, NULL,
		          "%s was not put into the list \"%s\" by hand; what stands in "
		          "its file or in the configuration is taken out there",
		          text, e->list);
		return -ENOENT;
	}
	if (is_add && e->prefix.len == (prefix_is_ipv4(&e->prefix) ? 96 : 0)) {
		conf_fail(errors, NULL,
		          "%s is every address there is; write it into the configuration "
		          "if that is meant",
		          text);
		return -EDOM;
	}
	if (is_add && find(l, e) == l->made_count && l->made_count >= LISTS_MADE_MAX)
		return -ENOSPC;
	return 0;
}

/* Under `load`. */
static int
change(struct lists *l, const struct box_list_entry *e, bool is_add,
       struct conf_errors *errors)
{
	const struct lists_ask ask = { .settings = l->engine->settings,
		                       .name = "",
		                       .is_made_changed = true };
	struct lists_made *before = NULL;
	size_t count;
	struct lists_next *next;
	int rc;

	lists_made_expire(l);
	rc = check_entry(l, e, is_add, errors);
	if (rc < 0)
		return rc;
	count = l->made_count;
	before = calloc(count + 1, sizeof(*before));
	if (before == NULL)
		return -ENOMEM;
	if (count > 0)
		memcpy(before, l->made, count * sizeof(*before));
	rc = change_copy(l, e, is_add);
	if (rc == 0)
		rc = lists_make_next(l, &ask, &next, errors);
	if (rc == 0)
		rc = lists_put_in_force(l, next, errors);
	if (rc == 0) {
		free(before);
		return 0;
	}
	pthread_mutex_lock(&l->lock);
	free(l->made);
	l->made = before;
	l->made_count = count;
	pthread_mutex_unlock(&l->lock);
	return rc;
}

int
lists_made_change(void *daemon, const struct box_list_entry *entry, bool is_add,
                  struct conf_errors *errors)
{
	struct lists *l = ((struct engine *)daemon)->lists;
	int rc, saved;

	pthread_mutex_lock(&l->load);
	rc = change(l, entry, is_add, errors);
	if (rc == 0) {
		saved = lists_made_save(l);
		if (saved < 0) {
			log_warning("%s cannot be written (%s): entries made by hand do "
			            "not survive a restart",
			            l->made_file, strerror(-saved));
			conf_warn(errors, NULL,
			          "%s cannot be written: %s; this change does not "
			          "survive a restart",
			          l->made_file, strerror(-saved));
		}
	}
	pthread_mutex_unlock(&l->load);
	return rc;
}

size_t
lists_made_read(void *daemon, const char *list, struct box_list_entry *out, size_t n)
{
	struct lists *l = ((struct engine *)daemon)->lists;
	size_t count = 0;

	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < l->made_count; i++) {
		const struct lists_made *m = &l->made[i];

		if (strcmp(m->list, list) != 0)
			continue;
		if (count < n) {
			out[count] = (struct box_list_entry){ .prefix = m->prefix,
				                              .until_s = m->until_s };
			snprintf(out[count].list, sizeof(out[count].list), "%s", m->list);
		}
		count++;
	}
	pthread_mutex_unlock(&l->lock);
	return count;
}
