/* SPDX-License-Identifier: BSD-3-Clause */
#include "sketch/hurt.h"

#include "base/counter.h"

void
hurt_add(struct hurt *h, const struct hash_key *key, const uint8_t address[16],
         uint64_t now_ns)
{
	const uint64_t span = hurt_span(now_ns);

	if (span != h->span) {
		/* What is older than the span before is forgotten. */
		if (span != h->span + 1)
			distinct_clear(&h->of[(span & 1) ^ 1]);
		distinct_clear(&h->of[span & 1]);
		counter_set(&h->span, span);
	}
	distinct_add(&h->of[span & 1], hash_16(key, address).hi);
}

void
hurt_merge(struct distinct *to, const struct hurt *h, uint64_t now_ns)
{
	const uint64_t span = hurt_span(now_ns), newest = counter_read(&h->span);

	if (newest + 1 < span)
		return;
	distinct_merge(to, &h->of[newest & 1]);
	/* Nobody was hurt in this span: then the other one is two spans old. */
	if (newest == span)
		distinct_merge(to, &h->of[(newest & 1) ^ 1]);
}
