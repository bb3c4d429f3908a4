/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zones - the zones a server answers for, found by a name's suffixes.
 *
 * Threads built by control, then read-only.
 */
#ifndef STAGE_DNSAUTH_ZONES_H
#define STAGE_DNSAUTH_ZONES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/dns.h"

struct zones {
	struct hash_key key; /* of the hashes that are asked for */
	uint64_t *slot;      /* a power of two of them; 0 is free. NULL: no zones */
	size_t mask;
	uint32_t depths; /* bit n: there is a zone of n labels */
};

/*
 * Take `count` zones in text. Returns 0; -EINVAL with *wrong, the one that is no name;
 * -ENOMEM or another -errno with *wrong NULL. Nothing is kept of a failure.
 */
int zones_open(struct zones *z, size_t count, char *const *text, const char **wrong);
void zones_close(struct zones *z);

static inline bool
zones_has(const struct zones *z, uint64_t hash)
{
	for (size_t at = hash & z->mask; z->slot[at] != 0; at = (at + 1) & z->mask)
		if (z->slot[at] == hash)
			return true;
	return false;
}

/* Labels of the longest zone that the name lies in, or -1; `h` is of z->key. */
static inline int
zones_find(const struct zones *z, const struct dns_hashes *h)
{
	uint32_t depths = z->depths & (uint32_t)((UINT64_C(2) << h->depth) - 1);

	while (depths != 0) {
		const unsigned int labels = 31u - (unsigned int)__builtin_clz(depths);

		if (zones_has(z, dns_suffix(&z->key, h, labels)))
			return (int)labels;
		depths &= ~(UINT32_C(1) << labels);
	}
	return -1;
}

#endif
