/* SPDX-License-Identifier: BSD-3-Clause */
/* own - what a struct holds by its table: defaults, release, copies. */
#include "conf/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t
conf_kind_size(enum conf_kind kind)
{
	switch (kind) {
	case CONF_BOOL:
		return sizeof(bool);
	case CONF_RATE:
		return sizeof(struct conf_rate);
	case CONF_WORD:
		return sizeof(int);
	case CONF_TEXT:
		return sizeof(char *);
	case CONF_TEXTS:
		return sizeof(struct conf_texts);
	case CONF_PREFIXES:
		return sizeof(struct conf_prefixes);
	case CONF_PORTS:
		return sizeof(struct conf_ports);
	case CONF_LIST:
		return sizeof(struct conf_list);
	case CONF_SECTION:
	case CONF_SECTIONS:
		return sizeof(struct config_setting_t *);
	case CONF_END:
	case CONF_GROUP:
		return 0;
	default:
		return sizeof(uint64_t);
	}
}

/* --- defaults --- */

/* "a, b": the elements of a default list. */
static void
default_texts(const char *absent, struct conf_texts *to)
{
	while (absent != NULL && *absent != '\0') {
		size_t n = strcspn(absent, ",");

		to->text = conf_grow(to->text, to->count + 1, sizeof(*to->text));
		to->text[to->count++] = conf_text_copy(absent, n);
		absent += n;
		absent += strspn(absent, ", ");
	}
}

void
conf_default(const struct conf_field *f, void *out)
{
	char why[CONF_WHY] = "";

	memset(conf_at(out, f), 0, conf_kind_size(f->kind));
	switch (f->kind) {
	case CONF_TEXTS:
		default_texts(f->absent, conf_at(out, f));
		return;
	case CONF_GROUP:
		conf_defaults(f->fields, conf_at(out, f));
		return;
	case CONF_PREFIXES:
	case CONF_PORTS:
	case CONF_LIST:
	case CONF_SECTION:
	case CONF_SECTIONS:
	case CONF_END:
		return;
	default:
		if (f->absent != NULL && f->absent[0] == '\0' && conf_is_amount(f->kind))
			return;
		/* "" may be the empty default of a text that, written, must not be empty. */
		if (f->absent != NULL && f->kind == CONF_TEXT)
			*(char **)conf_at(out, f) =
				conf_text_copy(f->absent, strlen(f->absent));
		else if (f->absent != NULL &&
		         conf_value(f, f->absent, conf_at(out, f), why) < 0) {
			/* Our own table is wrong, which no operator can mend. */
			fprintf(stderr, "default of \"%s\": %s\n", f->key, why);
			abort();
		}
	}
}

void
conf_defaults(const struct conf_field *fields, void *out)
{
	for (const struct conf_field *f = fields; f->key != NULL; f++)
		conf_default(f, out);
}

/* --- release --- */

static void
release_texts(struct conf_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->text[i]);
	free(texts->text);
}

static void
release_list(const struct conf_field *f, struct conf_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		conf_release(f->fields, (char *)list->element + i * f->size);
		conf_place_free(&list->place[i]);
	}
	free(list->element);
	free(list->place);
	free(list->written);
}

void
conf_release_field(const struct conf_field *f, void *out)
{
	void *at = conf_at(out, f);

	if (f->kind == CONF_TEXT)
		free(*(char **)at);
	else if (f->kind == CONF_TEXTS)
		release_texts(at);
	else if (f->kind == CONF_PREFIXES)
		free(((struct conf_prefixes *)at)->prefix);
	else if (f->kind == CONF_PORTS)
		free(((struct conf_ports *)at)->range);
	else if (f->kind == CONF_LIST)
		release_list(f, at);
	else if (f->kind == CONF_GROUP)
		conf_release(f->fields, at);
	memset(at, 0, conf_kind_size(f->kind));
}

void
conf_release(const struct conf_field *fields, void *out)
{
	for (const struct conf_field *f = fields; f->key != NULL; f++)
		conf_release_field(f, out);
}

/* --- copies --- */

static void *
copy_block(const void *from, size_t count, size_t size)
{
	void *block = conf_take(count, size);

	if (count > 0)
		memcpy(block, from, count * size);
	return block;
}

static char *
copy_text(const char *text)
{
	return text != NULL ? conf_text_copy(text, strlen(text)) : NULL;
}

static void
copy_list(const struct conf_field *f, const struct conf_list *from, struct conf_list *to)
{
	to->count = from->count;
	to->element = conf_take(from->count, f->size);
	to->place = conf_take(from->count, sizeof(*to->place));
	to->written = copy_block(from->written, from->count, sizeof(*to->written));
	for (size_t i = 0; i < from->count; i++) {
		conf_copy(f->fields, (const char *)from->element + i * f->size,
		          (char *)to->element + i * f->size);
		to->place[i] = (struct conf_place){ copy_text(from->place[i].file),
			                            from->place[i].line,
			                            copy_text(from->place[i].path) };
	}
}

static void
copy_field(const struct conf_field *f, const void *from, void *to)
{
	const struct conf_texts *texts = from;

	switch (f->kind) {
	case CONF_TEXT:
		*(char **)to = copy_text(*(char *const *)from);
		return;
	case CONF_TEXTS:
		((struct conf_texts *)to)->count = texts->count;
		((struct conf_texts *)to)->text = conf_take(texts->count, sizeof(char *));
		for (size_t i = 0; i < texts->count; i++)
			((struct conf_texts *)to)->text[i] = copy_text(texts->text[i]);
		return;
	case CONF_PREFIXES: {
		const struct conf_prefixes *p = from;

		*(struct conf_prefixes *)to = (struct conf_prefixes){
			p->count, copy_block(p->prefix, p->count, sizeof(*p->prefix))
		};
		return;
	}
	case CONF_PORTS: {
		const struct conf_ports *p = from;

		*(struct conf_ports *)to =
			(struct conf_ports){ p->count, copy_block(p->range, p->count,
			                                          sizeof(*p->range)) };
		return;
	}
	case CONF_GROUP:
		conf_copy(f->fields, from, to);
		return;
	case CONF_LIST:
		copy_list(f, from, to);
		return;
	default:
		memcpy(to, from, conf_kind_size(f->kind));
	}
}

void
conf_copy(const struct conf_field *fields, const void *src, void *dst)
{
	for (const struct conf_field *f = fields; f->key != NULL; f++)
		copy_field(f, conf_const_at(src, f), conf_at(dst, f));
}
