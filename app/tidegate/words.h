/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words - texts that came from elsewhere: made harmless, and compared.
 *
 * A name in a document may hold whatever somebody put there. Control characters,
 * bytes that are no UTF-8, and characters that turn the direction of writing or
 * hide are replaced by '?' before anything is printed.
 *
 * Threads one.
 */
#ifndef TIDEGATE_WORDS_H
#define TIDEGATE_WORDS_H

#include <jansson.h>
#include <stddef.h>

/* Copy text of any origin into out of `size` bytes, cut between characters. */
void words_clean(const char *text, char *out, size_t size);

/* Do that to every string of a document, in place. */
void words_clean_document(json_t *document);

/*
 * The one of NULL-ended `words` that was probably meant: at most two slips of the
 * keyboard away, and fewer than the word has letters. NULL when none is near.
 */
const char *words_closest(const char *typed, const char *const *words);

#endif
