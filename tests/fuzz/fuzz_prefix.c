/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any text: prefix_parse() refuses it or gives a prefix that can be written and
 * read back. The prefixes of one input, a line each, then make a table; every
 * one of them is found in it, or a longer one that holds its first address.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "prefix/prefix.h"

#define MOST 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool is_true)
{
	if (!is_true)
		abort();
}

static bool
read_line(const char *line, struct prefix *p)
{
	char text[PREFIX_TEXT];
	struct prefix again;
	int status;

	status = prefix_parse(line, p);
	if (status != 0 && p->len == UINT8_MAX)
		return false;
	prefix_format(p, text);
	check(prefix_parse(text, &again) == 0);
	check(memcmp(p, &again, sizeof(again)) == 0);
	check(prefix_holds(p, p->address));
	return true;
}

/* The longest and of those the last prefix that holds the address. */
static uint32_t
twin(const struct prefix_entry *entry, size_t n, const uint8_t address[16])
{
	const struct prefix_entry *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (prefix_holds(&entry[i].prefix, address) &&
		    (best == NULL || entry[i].prefix.len >= best->prefix.len))
			best = &entry[i];
	return best == NULL ? PREFIX_NONE : best->value;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prefix_entry entry[MOST];
	struct prefix_table *t;
	char *text = malloc(size + 1), *rest = NULL;
	size_t n = 0;

	check(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	for (char *line = strtok_r(text, "\n", &rest); line != NULL && n < MOST;
	     line = strtok_r(NULL, "\n", &rest)) {
		struct prefix p = { .len = UINT8_MAX };

		if (read_line(line, &p)) {
			entry[n] = (struct prefix_entry){ p, (uint32_t)n + 1 };
			n++;
		}
	}
	check(prefix_build(entry, n, &t) == 0);
	for (size_t i = 0; i < n; i++)
		check(prefix_find(t, entry[i].prefix.address) ==
		      twin(entry, n, entry[i].prefix.address));
	prefix_free(t);
	free(text);
	return 0;
}
