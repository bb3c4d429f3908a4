/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who pings goes on pinging: one echo a second, of the same identifier and length. So of
 * strangers' echo requests that find no room in the quota a hash is kept, and who asks again
 * in time is known from then on, as far as CLAIM of him goes. A flood from random sources
 * does not ask again; when one does, repetitions count for nothing for a while.
 *
 * Where answers go another way nobody has a conversation; there, who pings in calm is known.
 */
#include <errno.h>

#include "stage/icmp/parts.h"

#define SECOND_NS UINT64_C(1000000000)
#define KNOWN_NS  (120 * SECOND_NS) /* since the last ping */

/* One echo in eight repeated is more than customers do, unless there are few of both. */
#define REPEATS_SHARE 8
#define REPEATS_FREE  64
#define DISTRUST_NS   (10 * SECOND_NS)

uint64_t
icmp_echoes_bytes(void)
{
	return repeat_bytes() + admitted_bytes();
}

int
icmp_echoes_open(struct icmp_echoes *e, const struct hash_key *key)
{
	if (repeat_open(&e->repeat, key) < 0)
		return -ENOMEM;
	if (admitted_open(&e->admitted, key) == 0)
		return 0;
	repeat_close(&e->repeat);
	return -ENOMEM;
}

void
icmp_echoes_close(struct icmp_echoes *e)
{
	repeat_close(&e->repeat);
	admitted_close(&e->admitted);
}

void
icmp_echoes_see(struct icmp_echoes *e, const struct burst *b, uint64_t lanes)
{
	uint64_t echoes = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct facts *f = &b->facts[i];
		const uint8_t type = (f->flags & FACT_IPV6) != 0 ? 128 : 8;

		echoes |= (uint64_t)(f->fault == PACKET_SOUND && f->icmp_type == type &&
		                     (f->flags & FACT_NO_PORTS) == 0)
		          << i;
	}
	if (echoes != 0)
		admitted_add(&e->admitted, b, echoes);
}

uint64_t
icmp_echoes_known(struct icmp_echoes *e, const struct burst *b, uint64_t lanes)
{
	return lanes == 0 ? 0 : admitted_find(&e->admitted, b, lanes, KNOWN_NS);
}

uint64_t
icmp_echoes_again(struct icmp_echoes *e, const struct burst *b, uint64_t lanes,
                  uint64_t *first)
{
	uint64_t again;

	*first = 0;
	if (lanes == 0)
		return 0;
	again = repeat_see(&e->repeat, b, lanes);
	if (b->now_ns >= e->until_ns) {
		e->until_ns = b->now_ns + SECOND_NS;
		e->asked = e->repeated = 0;
	}
	e->asked += lanes_count(lanes);
	e->repeated += lanes_count(again);
	if (e->repeated > REPEATS_FREE && e->repeated > e->asked / REPEATS_SHARE)
		e->distrusted_ns = b->now_ns + DISTRUST_NS;
	if (b->now_ns < e->distrusted_ns)
		return 0;
	*first = lanes & ~again & ~e->repeat.early;
	admitted_add(&e->admitted, b, again);
	return again;
}
