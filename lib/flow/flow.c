/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow/flow.h"

#include <errno.h>
#include <string.h>

#include "base/counter.h"
#include "base/memory.h"
#include "flow/parts.h"

size_t
flow_table_bytes(uint64_t entries)
{
	return table_bytes(entries, sizeof(struct flow)) +
	       table_slots(entries) * sizeof(struct splice) +
	       recorded_bytes(table_slots(entries));
}

void
flow_uncount(struct flow_table *t, struct flow *flow)
{
	struct source *s;

	if ((flow->state & FLOW_COUNTED) == 0)
		return;
	flow->state &= (uint8_t)~FLOW_COUNTED;
	s = source_at(t->sources, flow->source);
	if (s->birth == flow->source_birth && s->flows > 0) {
		s->flows--;
		source_settle(s, &flow->key.credit);
	}
	flow->key.credit = (struct credit){ 0 };
}

static void
forget(void *owner, uint32_t slot)
{
	struct flow_table *t = owner;

	flow_uncount(t, flow_at(t, slot));
}

int
flow_table_open(struct flow_table *t, uint64_t entries, const struct hash_key *key)
{
	int rc;

	memset(t, 0, sizeof(*t));
	rc = table_open(&t->table, entries, sizeof(struct flow));
	if (rc < 0)
		return rc;
	t->splice = memory_take(table_slots(entries) * sizeof(struct splice));
	if (t->splice == NULL || recorded_open(&t->recorded, table_slots(entries)) != 0) {
		flow_table_close(t);
		return -ENOMEM;
	}
	table_set_key_bytes(&t->table, FLOW_KEY_BYTES);
	t->key = *key;
	t->table.expired = forget;
	t->table.owner = t;
	table_set_idle(&t->table, TABLE_UNEARNED, FLOW_IDLE_NEW_NS);
	table_set_idle(&t->table, TABLE_EARNING, FLOW_IDLE_TALK_NS);
	table_set_idle(&t->table, TABLE_EARNED, FLOW_IDLE_TCP_NS);
	return 0;
}

void
flow_table_close(struct flow_table *t)
{
	if (t->splice != NULL)
		memory_give(t->splice, (size_t)t->table.buckets * TABLE_WAYS *
		                               sizeof(struct splice));
	recorded_close(&t->recorded);
	table_close(&t->table);
}

void
flow_count_sources(struct flow_table *t, struct source_table *sources)
{
	t->sources = sources;
}

void
flow_unsplice(struct flow_table *t, uint32_t slot)
{
	flow_unprove(t, slot);
	flow_at(t, slot)->state &= (uint8_t)~FLOW_SPLICED;
}

bool
flow_earn(struct flow_table *t, uint32_t slot, uint32_t source, uint64_t most)
{
	struct flow *flow = flow_at(t, slot);
	struct source *s;

	/* The packet that proves a flow may also be the one that closes it. */
	if ((flow->state & FLOW_CLOSING) != 0)
		return false;
	if (source != SOURCE_NONE && t->sources != NULL) {
		s = source_at(t->sources, source);
		flow_uncount(t, flow);
		if (s->flows >= most) {
			table_set_class(&t->table, slot, TABLE_UNEARNED);
			return false;
		}
		s->flows++;
		flow->source = source;
		flow->source_birth = s->birth;
		flow->state |= FLOW_COUNTED;
	}
	table_set_class(&t->table, slot, TABLE_EARNED);
	return true;
}

void
flow_unprove(struct flow_table *t, uint32_t slot)
{
	struct flow *flow = flow_at(t, slot);

	if ((flow->state & FLOW_VERIFIED) == 0)
		return;
	flow_uncount(t, flow);
	flow->state &= (uint8_t)~FLOW_VERIFIED;
	table_set_class(&t->table, slot, TABLE_UNEARNED);
}

void
flow_sweep(struct flow_table *t, unsigned int buckets, uint64_t now_ns)
{
	recorded_turn(&t->recorded, &t->table, &t->key, FLOW_KEY_BYTES, buckets == 1);
	table_sweep(&t->table, buckets, table_tick(now_ns));
}
