/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/notices.h"

#include "base/counter.h"

bool
notices_put(struct notices *n, const struct notice *what)
{
	uint64_t head = counter_read(&n->head);

	if (head - __atomic_load_n(&n->tail, __ATOMIC_ACQUIRE) == NOTICES_MAX) {
		counter_add(&n->lost, 1);
		return false;
	}
	n->slot[head % NOTICES_MAX] = *what;
	__atomic_store_n(&n->head, head + 1, __ATOMIC_RELEASE);
	return true;
}

bool
notices_take(struct notices *n, struct notice *out)
{
	uint64_t tail = counter_read(&n->tail);

	if (tail == __atomic_load_n(&n->head, __ATOMIC_ACQUIRE))
		return false;
	*out = n->slot[tail % NOTICES_MAX];
	__atomic_store_n(&n->tail, tail + 1, __ATOMIC_RELEASE);
	return true;
}
