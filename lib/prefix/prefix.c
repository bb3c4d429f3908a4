/* SPDX-License-Identifier: BSD-3-Clause */
#include "prefix/prefix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lanes.h"
#include "prefix/parts.h"

struct prefix_table {
	struct hash_key key;
	struct prefix_ipv4 ipv4;
	struct prefix_ipv6 ipv6;
};

int
prefix_build(const struct prefix_entry *entries, size_t count, struct prefix_table **out)
{
	struct prefix_table *t;
	int status;

	for (size_t i = 0; i < count; i++)
		if (entries[i].value == PREFIX_NONE ||
		    entries[i].value > PREFIX_MAX_VALUE || entries[i].prefix.len > 128)
			return -ERANGE;
	t = aligned_alloc(64, (sizeof(*t) + 63) & ~(size_t)63);
	if (t == NULL)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));

	status = hash_key_random(&t->key);
	if (status == 0)
		status = prefix_ipv4_build(&t->ipv4, &t->key, entries, count);
	if (status == 0)
		status = prefix_ipv6_build(&t->ipv6, &t->key, entries, count);
	if (status != 0) {
		prefix_free(t);
		return status;
	}
	*out = t;
	return 0;
}

void
prefix_free(struct prefix_table *t)
{
	if (t == NULL)
		return;
	prefix_ipv4_free(&t->ipv4);
	prefix_ipv6_free(&t->ipv6);
	free(t);
}

size_t
prefix_bytes(const struct prefix_table *t)
{
	return sizeof(*t) + t->ipv4.bytes + t->ipv6.bytes;
}

uint64_t
prefix_find_lanes(const struct prefix_table *t, const struct prefix_ask *ask,
                  uint32_t value[64])
{
	uint64_t found = 0;

	if (ask->ipv4 != 0)
		found = prefix_ipv4_find(&t->ipv4, &t->key, ask, value);
	if (ask->ipv6 != 0)
		found |= prefix_ipv6_find(&t->ipv6, &t->key, ask, value);
	return found;
}

static inline bool
is_mapped(const uint8_t *address)
{
	uint64_t high, low;

	memcpy(&high, address, 8);
	memcpy(&low, address + 8, 8);
	return high == 0 && (uint32_t)low == 0xffff0000;
}

uint32_t
prefix_find(const struct prefix_table *t, const uint8_t address[16])
{
	const struct prefix_ask ask = { address, 0, is_mapped(address),
		                        !is_mapped(address) };
	uint32_t value[LANES_MAX] = { PREFIX_NONE };

	prefix_find_lanes(t, &ask, value);
	return value[0];
}
