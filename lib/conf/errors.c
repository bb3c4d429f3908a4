/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/parts.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
no_memory(void)
{
	fputs("out of memory while the configuration was read\n", stderr);
	exit(EXIT_FAILURE);
}

void *
conf_take(size_t count, size_t size)
{
	void *block;

	if (count == 0)
		return NULL;
	block = calloc(count, size);
	if (block == NULL)
		no_memory();
	return block;
}

void *
conf_grow(void *block, size_t count, size_t size)
{
	void *grown = reallocarray(block, count, size);

	if (grown == NULL)
		no_memory();
	return grown;
}

char *
conf_text_copy(const char *text, size_t len)
{
	char *copy = conf_take(len + 1, 1);

	memcpy(copy, text, len);
	return copy;
}

/* --- places --- */

/* The element's own word, which tells a reader more than its index does. */
static const char *
name_of(const config_setting_t *setting)
{
	const char *name = NULL;

	if (!config_setting_is_group(setting) ||
	    !config_setting_lookup_string(setting, "name", &name))
		return NULL;
	return name;
}

static void
write_path(FILE *to, const config_setting_t *setting)
{
	const config_setting_t *parent = setting->parent;
	const char *name;

	if (parent == NULL)
		return;
	write_path(to, parent);
	if (setting->name != NULL) {
		fprintf(to, "%s%s", parent->parent == NULL ? "" : ".", setting->name);
		return;
	}
	fprintf(to, "[%d]", config_setting_index(setting));
	name = name_of(setting);
	if (name != NULL)
		fprintf(to, "(%s)", name);
}

void
conf_place_of(const config_setting_t *setting, struct conf_place *place)
{
	const struct conf_doc *doc = conf_doc_of(setting);
	const char *file = "";
	size_t len;
	FILE *to;

	memset(place, 0, sizeof(*place));
	if (doc != NULL)
		conf_doc_locate(doc, setting->line, &file, &place->line);
	place->file = conf_text_copy(file, strlen(file));
	to = open_memstream(&place->path, &len);
	if (to == NULL)
		no_memory();
	write_path(to, setting);
	if (fclose(to) != 0)
		no_memory();
	/* libconfig gives its root the line 0: what is wrong there concerns the whole file. */
	if (setting->parent == NULL)
		place->line = 0;
}

void
conf_place_free(struct conf_place *place)
{
	free(place->file);
	free(place->path);
	memset(place, 0, sizeof(*place));
}

/* --- errors --- */

/*
 * What a policy inherits is checked again, and would be told again. Only the latest
 * are looked through, or a list of a hundred thousand bad lines would take for ever.
 */
#define LATEST 256

static bool
is_told(const struct conf_errors *e, const struct conf_error *fresh)
{
	const size_t n = e->count + e->warnings;

	for (size_t i = n > LATEST ? n - LATEST : 0; i < n; i++) {
		const struct conf_error *old = &e->error[i];

		if (old->is_warning == fresh->is_warning && old->line == fresh->line &&
		    strcmp(old->message, fresh->message) == 0 &&
		    strcmp(old->file, fresh->file) == 0 &&
		    strcmp(old->path, fresh->path) == 0)
			return true;
	}
	return false;
}

static void
add(struct conf_errors *e, const struct conf_place *place, bool is_warning, char *message)
{
	static char nothing[] = "";
	const size_t n = e->count + e->warnings;
	struct conf_error fresh = { .is_warning = is_warning,
		                    .file = nothing,
		                    .path = nothing,
		                    .message = message };

	if (place != NULL) {
		fresh.line = place->line;
		fresh.file = place->file != NULL ? place->file : nothing;
		fresh.path = place->path != NULL ? place->path : nothing;
	}
	/* Without a place two alike may speak of two things. */
	if (fresh.path[0] != '\0' && is_told(e, &fresh)) {
		free(message);
		return;
	}
	/* The array holds the next power of two, so it grows only when n is one. */
	if ((n & (n - 1)) == 0)
		e->error = conf_grow(e->error, n == 0 ? 1 : n * 2, sizeof(*e->error));
	fresh.file = conf_text_copy(fresh.file, strlen(fresh.file));
	fresh.path = conf_text_copy(fresh.path, strlen(fresh.path));
	e->error[n] = fresh;
	if (is_warning)
		e->warnings++;
	else
		e->count++;
}

static void add_format(struct conf_errors *e, const struct conf_place *place,
                       bool is_warning, const char *format, va_list args)
	__attribute__((format(printf, 4, 0)));

static void
add_format(struct conf_errors *e, const struct conf_place *place, bool is_warning,
           const char *format, va_list args)
{
	char *message;

	if (vasprintf(&message, format, args) < 0)
		no_memory();
	add(e, place, is_warning, message);
}

void
conf_fail(struct conf_errors *e, const struct conf_place *place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_format(e, place, false, format, args);
	va_end(args);
}

void
conf_warn(struct conf_errors *e, const struct conf_place *place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_format(e, place, true, format, args);
	va_end(args);
}

void
conf_fail_at(struct conf_errors *e, const config_setting_t *setting, const char *format,
             ...)
{
	struct conf_place place;
	va_list args;

	conf_place_of(setting, &place);
	va_start(args, format);
	add_format(e, &place, false, format, args);
	va_end(args);
	conf_place_free(&place);
}

void
conf_errors_free(struct conf_errors *e)
{
	for (size_t i = 0; i < e->count + e->warnings; i++) {
		free(e->error[i].file);
		free(e->error[i].path);
		free(e->error[i].message);
	}
	free(e->error);
	memset(e, 0, sizeof(*e));
}

/* Names and values come from the file: a terminal must not obey them. */
static void
print_plain(const char *text, FILE *to)
{
	for (; *text != '\0'; text++)
		putc(iscntrl((unsigned char)*text) ? '?' : *text, to);
}

void
conf_errors_print(const struct conf_errors *e, FILE *to)
{
	for (size_t i = 0; i < e->count + e->warnings; i++) {
		const struct conf_error *entry = &e->error[i];

		if (entry->file[0] != '\0') {
			print_plain(entry->file, to);
			if (entry->line > 0)
				fprintf(to, ":%u", entry->line);
			fputs(": ", to);
		}
		if (entry->path[0] != '\0') {
			print_plain(entry->path, to);
			fputs(": ", to);
		}
		if (entry->is_warning)
			fputs("warning: ", to);
		print_plain(entry->message, to);
		putc('\n', to);
	}
}
