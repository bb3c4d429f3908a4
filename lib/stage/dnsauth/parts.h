/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files of this stage share: one worker's state and its parts.
 *
 *     dnsauth.c    keys of the configuration, reasons, what is kept
 *     judge.c      what a query is, who has to prove himself, who asks too much
 *     zones.c      the zones that a server answers for
 *     names.c      the names that it has, and how many others are asked for
 */
#ifndef STAGE_DNSAUTH_PARTS_H
#define STAGE_DNSAUTH_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "challenge/truncated.h"
#include "conf/conf.h"
#include "flow/crowd.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "inspect/dns.h"
#include "meter/meter.h"
#include "packet/burst.h"
#include "packet/vector.h"
#include "stage/dnsauth/names.h"
#include "stage/dnsauth/zones.h"
#include "stage/stage.h"

enum dnsauth_method { METHOD_TCP, METHOD_OFF };

/* What a query of type ANY gets. */
enum dnsauth_any { ANY_TCP, ANY_PASS, ANY_DROP };

enum dnsauth_reason {
	REASON_MALFORMED,
	REASON_WRONG_DIRECTION,
	REASON_NOT_ALLOWED,
	REASON_OUTSIDE_ZONE,
	REASON_TRUNCATED,
	REASON_UNPROVEN,
	REASON_ANSWERS,
	REASON_QUERIES,
	REASON_RANDOM_NAMES,
	REASONS
};

/* Types with a bit of their own; of higher numbers none is allowed where some are named. */
#define DNSAUTH_TYPES 512

struct dnsauth_params {
	struct conf_ports ports; /* none: 53 */
	int method;              /* enum dnsauth_method */
	bool is_strict;
	int any; /* enum dnsauth_any */
	struct conf_texts opcodes, types, zone_names;
	uint64_t answers; /* packets/s to one network */
	uint64_t queries; /* packets/s of one proven source; 0: no limit */
	uint64_t remember_ns;
	uint64_t new_names;     /* a second under one suffix; 0: no limit */
	uint64_t suffix_labels; /* of a suffix that is no zone */
	uint64_t missing_share; /* of answers, parts per million */
	/* Derived: */
	struct conf_port_range first_ports; /* the only ports, or the first of them */
	struct meter_rate answer_rate, query_rate;
	struct names_limit names; /* of one worker of one */
	uint32_t opcode_set;      /* a bit each */
	bool has_types;
	uint64_t type_set[DNSAUTH_TYPES / 64];
	struct zones zones;
};

/* Cells for answers, by hash of the network: 64 M answers/s at 1 kpps each. */
#define DNSAUTH_NETWORKS (1u << 16)

struct dnsauth {
	struct flow_table *flows;
	struct source_table *sources;
	const struct stage_common *common;
	struct meter *answers; /* DNSAUTH_NETWORKS */
	struct crowd queries;  /* of proven sources, by their hash */
	struct names names;
	unsigned int workers;
	struct truncated cut[LANES_MAX]; /* of the burst in work: what goes back */
};

static inline bool
dnsauth_is_served(const struct dnsauth_params *p, uint16_t port)
{
	const struct conf_port_range *first = &p->first_ports;

	if (port >= first->first && port <= first->last)
		return true;
	for (size_t i = 1; i < p->ports.count; i++)
		if (port >= p->ports.range[i].first && port <= p->ports.range[i].last)
			return true;
	return false;
}

/* Of a lane's payload, what is there to be read. */
static inline unsigned int
dnsauth_readable(const struct burst *b, unsigned int i)
{
	const struct facts *f = &b->facts[i];
	const unsigned int shown = b->bytes_len[i], at = f->payload_off;
	const unsigned int there = shown > at ? shown - at : 0;

	return there < f->payload_len ? there : f->payload_len;
}

/* dnsauth.c: drop lanes, and remember of their sources why, for explain. */
void dnsauth_drop(struct dnsauth *s, struct burst *b, uint64_t lanes,
                  enum dnsauth_reason reason);

/* judge.c */
/* What answers of the inside tell: lanes of UDP that came from it. */
void dnsauth_learn(struct dnsauth *s, const struct stage_view *view,
                   const struct burst *b, uint64_t lanes);
void dnsauth_decide(void *state, const struct stage_view *view, struct burst *b,
                    uint64_t todo);
void dnsauth_reply(void *state, struct burst *b, uint64_t lanes);

#endif
