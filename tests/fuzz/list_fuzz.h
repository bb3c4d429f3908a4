/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * list_fuzz - what holds for a list of any format, whatever its bytes are: it is read or
 * refused with an error; what was read is sorted, without duplicates, masked, and not more
 * than allowed; and what is skipped is told.
 */
#ifndef TESTS_FUZZ_LIST_FUZZ_H
#define TESTS_FUZZ_LIST_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "list/list.h"

#define MOST 1000

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
is_masked(const struct prefix *p)
{
	for (unsigned int bit = p->len; bit < 128; bit++)
		if (p->address[bit / 8] & 0x80u >> bit % 8)
			return false;
	return true;
}

static void
check(const struct list_content *c)
{
	must(c->count <= MOST && strlen(c->sha256) == 64);
	for (size_t i = 0; i < c->count; i++) {
		must(c->prefix[i].prefix.len <= 128 && is_masked(&c->prefix[i].prefix));
		must(i == 0 || memcmp(&c->prefix[i - 1].prefix, &c->prefix[i].prefix,
		                      sizeof(struct prefix)) < 0);
	}
}

static void
fuzz_list(enum list_format format, const uint8_t *data, size_t size)
{
	static const char *const select[] = { "NL", "AS64496", NULL };
	/* The last byte chooses how strict the reading is. */
	const uint8_t choice = size > 0 ? data[size - 1] : 0;
	struct list_spec spec = { .name = "fuzz",
		                  .format = format,
		                  .on_error = choice & 1 ? LIST_SKIP : LIST_REFUSE,
		                  .most = MOST,
		                  .allow_empty = (choice & 2) != 0,
		                  .select = choice & 4 ? select : NULL };
	struct conf_errors errors = { 0 };
	struct list_content *content = NULL;
	/* Of its own, so that a byte read behind it is found. */
	char *text = malloc(size == 0 ? 1 : size);
	int rc;

	must(text != NULL);
	memcpy(text, data, size);
	rc = list_read_text(&spec, text, size, 1790000000, &content, &errors);
	must((rc == 0) == (content != NULL) && (rc < 0) == (errors.count > 0));
	if (rc == 0) {
		must(content->skipped == 0 || errors.warnings > 0);
		check(content);
	}
	list_free(content);
	conf_errors_free(&errors);
	free(text);
}

#endif
