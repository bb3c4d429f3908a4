/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage/dnsauth/zones.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static void
put(struct zones *z, uint64_t hash)
{
	size_t at = hash & z->mask;

	while (z->slot[at] != 0 && z->slot[at] != hash)
		at = (at + 1) & z->mask;
	z->slot[at] = hash;
}

int
zones_open(struct zones *z, size_t count, char *const *text, const char **wrong)
{
	size_t slots = 4;
	int rc;

	static_assert(DNS_DEPTH < 32, "a bit for each depth");
	*wrong = NULL;
	*z = (struct zones){ 0 };
	if (count == 0)
		return 0;
	rc = hash_key_random(&z->key);
	if (rc < 0)
		return rc;
	while (slots < 2 * count)
		slots *= 2;
	z->mask = slots - 1;
	z->slot = calloc(slots, sizeof(*z->slot));
	if (z->slot == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		uint64_t hash;
		int labels = dns_hash_text(&z->key, text[i], &hash);

		if (labels < 0) {
			*wrong = text[i];
			zones_close(z);
			return -EINVAL;
		}
		z->depths |= UINT32_C(1) << labels;
		put(z, hash);
	}
	return 0;
}

void
zones_close(struct zones *z)
{
	free(z->slot);
	*z = (struct zones){ 0 };
}
