/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two texts of an operator in one: as a rule in JSON, compiled when it can be read, and
 * as words of an expression. libpcap's own parser is left out: it is not ours to fuzz.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter/json.h"
#include "filter/set.h"
#include "filter/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_rule(const char *text, size_t len)
{
	json_t *rule = json_loadb(text, len, 0, NULL);
	struct conf_errors errors = { 0 };
	struct filter_set *set = NULL;
	struct filter_spec spec;

	if (json_is_object(rule) && filter_spec_read(rule, 1, &spec, &errors) == 0) {
		const struct filter_given given = { &spec, NULL };

		if (spec.expression[0] == '\0' &&
		    filter_set_make(&given, 1, NULL, &set, &errors) == 0)
			filter_set_release(set);
		filter_spec_free(&spec);
	}
	conf_errors_free(&errors);
	json_decref(rule);
}

static void
read_words(const char *text)
{
	static struct filter_words words;
	static char ipv6[FILTER_WRITTEN];
	char why[300];

	if (filter_words(text, &words, why, sizeof(why)) != 0)
		return;
	/* Nothing but words that were understood is handed on, with blanks between. */
	if (strspn(words.text, "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFXx-.:/ "
	                       "+*%&|^!<>=()[]") != strlen(words.text))
		abort();
	filter_words_ipv6(&words, ipv6, sizeof(ipv6));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	read_rule(text, size);
	if (size <= 1023)
		read_words(text);
	free(text);
	return 0;
}
