/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/manual.h"

#include <string.h>

#include "api/route.h"
#include "telemetry/telemetry.h"

static const char *const roles[] = { NULL, "read", "operate", "admin" };

/* scdoc takes * and _ for emphasis. */
static void
put_escaped(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("*_\\#<>[]|", *text) != NULL)
			putc('\\', to);
		putc(*text, to);
	}
}

/* A path that ends in '/' is followed by a name. */
static const char *
name_of(const char *path)
{
	return path[strlen(path) - 1] == '/' ? "{name}" : "";
}

static void
put_field(FILE *to, const char *name, const char *type, const char *help)
{
	fputc('*', to);
	put_escaped(to, name);
	fprintf(to, "*%s\n\t", type);
	put_escaped(to, help != NULL ? help : "");
	fputs("\n\n", to);
}

static void
put_read(FILE *to, const struct telemetry_document *d)
{
	fprintf(to, "## GET " API_ROOT "%s%s\n\n", d->path, name_of(d->path));
	put_escaped(to, d->help);
	fputs("\n\n", to);
	for (const char *const *k = d->keys; k != NULL && *k != NULL; k++)
		put_field(to, *k, "=", telemetry_key_help(*k));
}

static void
put_write(FILE *to, const struct api_write *w)
{
	char type[64];

	fprintf(to, "## %s " API_ROOT "%s\n\n", w->method, w->path);
	put_escaped(to, w->help);
	fprintf(to, " For a token of the role *%s*.\n\n", roles[w->role]);
	for (const struct api_field *f = w->fields; f->name != NULL; f++) {
		snprintf(type, sizeof(type), ": %s%s", f->type,
		         f->is_required ? "" : ", may be left out");
		put_field(to, f->name, type, f->help);
	}
}

void
api_manual_list(FILE *to)
{
	for (const struct telemetry_document *d = telemetry_documents; d->path != NULL;
	     d++)
		fprintf(to, "%-6s " API_ROOT "%s%s\n\t%s\n", "GET", d->path,
		        name_of(d->path), d->help);
	for (const struct api_write *w = api_writes; w->method != NULL; w++)
		fprintf(to, "%-6s " API_ROOT "%s\n\t%s (%s)\n", w->method, w->path,
		        w->help, roles[w->role]);
}

void
api_manual_page(FILE *to)
{
	fputs("# READING\n\n", to);
	for (const struct telemetry_document *d = telemetry_documents; d->path != NULL;
	     d++)
		put_read(to, d);
	fputs("# CHANGING\n\n", to);
	for (const struct api_write *w = api_writes; w->method != NULL; w++)
		put_write(to, w);
}
