/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * micro_acl - rte_acl with a thousand rules over five fields: the figure that
 * filters of our own will be measured against.
 */
#include <stdio.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_memory.h>

#include "frames.h"
#include "micro.h"

#define BATCHES 20000

enum { PROTO, SOURCE, DESTINATION, SOURCE_PORT, PORT, FIELDS };

/* As rte_acl reads it: wire order. */
struct tuple {
	uint8_t proto;
	uint8_t zero[3];
	uint32_t source, destination;
	uint16_t source_port, port;
};

RTE_ACL_RULE_DEF(rule, FIELDS);

struct filter {
	struct rte_acl_ctx *context;
	uint32_t rules;
	struct tuple tuple[MICRO_BATCH];
	uint32_t result[MICRO_BATCH];
};

#define FIELD(i, kind, bytes, input, member)                                             \
	{                                                                                \
		.type = RTE_ACL_FIELD_TYPE_##kind, .size = bytes, .field_index = i,      \
		.input_index = input, .offset = offsetof(struct tuple, member)           \
	}

static const struct rte_acl_field_def fields[FIELDS] = {
	FIELD(PROTO, BITMASK, 1, 0, proto),
	FIELD(SOURCE, MASK, 4, 1, source),
	FIELD(DESTINATION, MASK, 4, 2, destination),
	FIELD(SOURCE_PORT, RANGE, 2, 3, source_port),
	FIELD(PORT, RANGE, 2, 3, port),
};

/* Rule i: UDP from a /24 to a /28, from one port, to any above 1023. */
static struct rule
rule_of(uint32_t i)
{
	struct rule r = { .data = { .category_mask = 1,
		                    .priority = (int32_t)i + 1,
		                    .userdata = i + 1 } };

	r.field[PROTO].value.u8 = 17;
	r.field[PROTO].mask_range.u8 = 0xff;
	r.field[SOURCE].value.u32 = frame_address(i) & 0xffffff00;
	r.field[SOURCE].mask_range.u32 = 24;
	r.field[DESTINATION].value.u32 = 0xcb007100 + (i % 16) * 16;
	r.field[DESTINATION].mask_range.u32 = 28;
	r.field[SOURCE_PORT].value.u16 = r.field[SOURCE_PORT].mask_range.u16 =
		(uint16_t)(53 + i % 8);
	r.field[PORT].value.u16 = 1024;
	r.field[PORT].mask_range.u16 = UINT16_MAX;
	return r;
}

/* Packets that some rule matches. */
static void
make_tuples(void *state, uint64_t n)
{
	struct filter *f = state;

	for (unsigned int k = 0; k < MICRO_BATCH; k++) {
		uint64_t r = frame_random(n * MICRO_BATCH + k);
		uint32_t i = (uint32_t)((r & UINT32_MAX) * f->rules >> 32);

		f->tuple[k] = (struct tuple){
			.proto = 17,
			.source = __builtin_bswap32((frame_address(i) & 0xffffff00) |
			                            (uint32_t)(r >> 56)),
			.destination = __builtin_bswap32(0xcb007100 + (i % 16) * 16),
			.source_port = __builtin_bswap16((uint16_t)(53 + i % 8)),
			.port = __builtin_bswap16((uint16_t)(1024 + (r >> 40 & 0xfff))),
		};
	}
}

static unsigned int
classify(void *state)
{
	struct filter *f = state;
	const uint8_t *data[MICRO_BATCH];
	unsigned int matched = 0;

	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		data[i] = (const uint8_t *)&f->tuple[i];
	rte_acl_classify(f->context, data, f->result, MICRO_BATCH, 1);
	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		matched += f->result[i] != 0;
	return matched;
}

static bool
build(struct filter *f)
{
	const struct rte_acl_param want = { .name = "filter",
		                            .socket_id = SOCKET_ID_ANY,
		                            .rule_size = RTE_ACL_RULE_SZ(FIELDS),
		                            .max_rule_num = f->rules };
	struct rte_acl_config config = { .num_categories = 1, .num_fields = FIELDS };

	memcpy(config.defs, fields, sizeof(fields));
	f->context = rte_acl_create(&want);
	for (uint32_t i = 0; f->context != NULL && i < f->rules; i++) {
		struct rule r = rule_of(i);

		if (rte_acl_add_rules(f->context, (struct rte_acl_rule *)&r, 1) != 0)
			return false;
	}
	return f->context != NULL && rte_acl_build(f->context, &config) == 0;
}

int
micro_acl(const struct job *job, const struct micro *m)
{
	static struct filter f;
	const struct micro_row row = { .micro = m->name,
		                       .item = "classify",
		                       .good = 1,
		                       .batches = BATCHES,
		                       .ours = { "rte_acl_classify", &f, make_tuples,
		                                 classify } };
	bool is_good;

	f.rules = (uint32_t)m->size;
	if (!job_start_eal(job))
		return 1;
	is_good = build(&f);
	if (!is_good)
		fputs("benchmark: rte_acl does not take the rules\n", stderr);
	is_good = is_good && micro_tell(job, &row);
	rte_acl_free(f.context);
	return is_good ? 0 : 1;
}
