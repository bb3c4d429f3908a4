/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dnsauth - who asks a DNS server during a flood proves that he is there.
 *
 * Below activate_rate of `udp_flood` no query is touched. Above it a query of a stranger
 * is turned round by the worker itself into an answer that asks for TCP, and nothing is
 * remembered of it. Who comes back by TCP is a verified source, and asks by UDP from then
 * on. What is no query at all is dropped.
 */
#include "stage/dnsauth/dnsauth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "conf/conf.h"
#include "stage/dnsauth/parts.h"

#define SECOND_NS    UINT64_C(1000000000)
#define BURST_NS     (200 * UINT64_C(1000000))
#define ANSWER_BYTES (DNSAUTH_NETWORKS * sizeof(struct meter))
#define SERVER_PORT  53

static const struct stage_reason reasons[] = {
	[REASON_MALFORMED] = { "malformed", REASON_DROP,
	                       "A datagram to a DNS server that holds no DNS question, "
	                       "or "
	                       "more than one." },
	[REASON_WRONG_DIRECTION] = { "wrong_direction", REASON_DROP,
	                             "A DNS answer came to a server that has asked for "
	                             "none." },
	[REASON_NOT_ALLOWED] = { "not_allowed", REASON_DROP,
	                         "A DNS operation, class or type that `opcodes`, `types` "
	                         "and `any` do not allow, or a zone transfer by UDP." },
	[REASON_OUTSIDE_ZONE] = { "outside_zone", REASON_DROP,
	                          "A DNS query for a name in none of the zones that "
	                          "`zones` lists." },
	[REASON_TRUNCATED] = { "truncated", REASON_CHALLENGE,
	                       "A DNS query was answered in the server's place with the "
	                       "request to ask by TCP." },
	[REASON_UNPROVEN] = { "unproven", REASON_CHALLENGE,
	                      "A notification or update of a source that has not proven "
	                      "itself, and that cannot be asked to come by TCP." },
	[REASON_ANSWERS] = { "answers", REASON_DROP,
	                     "More DNS queries came from one network than `answers` "
	                     "allows "
	                     "to be answered." },
	[REASON_QUERIES] = { "queries", REASON_DROP,
	                     "A source that has proven itself asks more than `queries` "
	                     "allows." },
	[REASON_RANDOM_NAMES] = { "random_names", REASON_DROP,
	                          "A DNS query for a name that the server never spoke "
	                          "of, "
	                          "while more of them come under one suffix than "
	                          "`new_names` allows." },
	[REASONS] = { NULL, REASON_DROP, NULL },
};

/* The same with the stage's name, as explain tells it later. */
static const char *const full_name[REASONS] = {
	[REASON_MALFORMED] = "dnsauth.malformed",
	[REASON_WRONG_DIRECTION] = "dnsauth.wrong_direction",
	[REASON_NOT_ALLOWED] = "dnsauth.not_allowed",
	[REASON_OUTSIDE_ZONE] = "dnsauth.outside_zone",
	[REASON_UNPROVEN] = "dnsauth.unproven",
	[REASON_ANSWERS] = "dnsauth.answers",
	[REASON_QUERIES] = "dnsauth.queries",
	[REASON_RANDOM_NAMES] = "dnsauth.random_names",
};

static const char *const method_words[] = { "tcp", "off", NULL };
static const char *const any_words[] = { "tcp", "pass", "drop", NULL };

#define AT(field) offsetof(struct dnsauth_params, field)

static const struct conf_field fields[] = {
	{ .key = "ports",
	  .kind = CONF_PORTS,
	  .offset = AT(ports),
	  .absent = "",
	  .help = "UDP and TCP ports of the service that speak DNS; none written is "
	          "53." },
	{ .key = "method",
	  .kind = CONF_WORD,
	  .offset = AT(method),
	  .absent = "tcp",
	  .words = method_words,
	  .help = "How a query has to prove itself while udp_flood is active: by coming "
	          "again over TCP, or not at all." },
	{ .key = "strict",
	  .kind = CONF_BOOL,
	  .offset = AT(is_strict),
	  .absent = "false",
	  .help = "Whether what is no proper query is dropped in quiet time too." },
	{ .key = "opcodes",
	  .kind = CONF_TEXTS,
	  .offset = AT(opcodes),
	  .absent = "query, notify, update",
	  .min = 1,
	  .max = 16,
	  .help = "Operations that are let through: query, iquery, status, notify, "
	          "update." },
	{ .key = "types",
	  .kind = CONF_TEXTS,
	  .offset = AT(types),
	  .absent = "",
	  .min = 1,
	  .max = 16,
	  .help = "Types that may be asked for, such as AAAA or TYPE65; none written is "
	          "every type but zone transfers." },
	{ .key = "any",
	  .kind = CONF_WORD,
	  .offset = AT(any),
	  .absent = "tcp",
	  .words = any_words,
	  .help = "What a query of type ANY gets while udp_flood is active: the request "
	          "to come by TCP whoever asks, no special treatment, or nothing." },
	{ .key = "zones",
	  .kind = CONF_TEXTS,
	  .offset = AT(zone_names),
	  .absent = "",
	  .min = 1,
	  .max = 255,
	  .help = "Zones that the servers answer for; queries for other names are "
	          "dropped. None written is every name." },
	{ .key = "answers",
	  .kind = CONF_PACKETS,
	  .offset = AT(answers),
	  .absent = "1kpps",
	  .min = 1,
	  .max = METER_MAX_PPS,
	  .help = "Answers that one network, a /24 or IPv6 /48, gets: its addresses may "
	          "be forged." },
	{ .key = "queries",
	  .kind = CONF_PACKETS,
	  .offset = AT(queries),
	  .absent = "2kpps",
	  .max = METER_MAX_PPS,
	  .help = "Queries by UDP of one source that has proven itself, while udp_flood "
	          "is active." },
	{ .key = "remember",
	  .kind = CONF_TIME,
	  .offset = AT(remember_ns),
	  .absent = "30m",
	  .min = SECOND_NS,
	  .max = SOURCE_MAX_NS,
	  .help = "How long a source that came by TCP may ask by UDP; flows.verified_for "
	          "holds where it is longer." },
	{ .key = "new_names",
	  .kind = CONF_PACKETS,
	  .offset = AT(new_names),
	  .absent = "200pps",
	  .max = METER_MAX_PPS,
	  .help = "Names under one suffix, asked for while udp_flood is active, that the "
	          "server never gave an answer to; more are dropped, where most of what "
	          "it answers is NXDOMAIN." },
	{ .key = "suffix_labels",
	  .kind = CONF_INT,
	  .offset = AT(suffix_labels),
	  .absent = "2",
	  .min = 1,
	  .max = 8,
	  .help = "Labels that names share which are counted together, where zones does "
	          "not say it: 2 puts all of example.com together." },
	{ .key = "nxdomain_share",
	  .kind = CONF_RATIO,
	  .offset = AT(missing_share),
	  .absent = "50%",
	  .max = 1000000,
	  .help = "Share of NXDOMAIN among the answers under a suffix above which "
	          "new_names is held; 0% is always, and so it is where answers are not "
	          "seen." },
	{ 0 },
};

void
dnsauth_drop(struct dnsauth *s, struct burst *b, uint64_t lanes,
             enum dnsauth_reason reason)
{
	if (lanes == 0)
		return;
	source_note_drops(s->sources, b, lanes & source_noted(s->sources),
	                  full_name[reason]);
	burst_drop_lanes(b, lanes, (uint8_t)reason);
}

/* RFC 6895 2.2. */
static int
read_opcodes(struct dnsauth_params *p, struct conf_errors *errors)
{
	static const char *const name[] = { "query", "iquery", "status",
		                            "",      "notify", "update" };

	for (size_t i = 0; i < p->opcodes.count; i++) {
		unsigned int k = 0;

		while (k < sizeof(name) / sizeof(*name) &&
		       strcmp(name[k], p->opcodes.text[i]) != 0)
			k++;
		if (k == sizeof(name) / sizeof(*name)) {
			conf_fail(
				errors, NULL,
				"dnsauth.opcodes: '%s' is no operation; there are query, "
				"iquery, status, notify and update",
				p->opcodes.text[i]);
			return -EINVAL;
		}
		p->opcode_set |= 1u << k;
	}
	return 0;
}

static int
read_types(struct dnsauth_params *p, struct conf_errors *errors)
{
	p->has_types = p->types.count > 0;
	for (size_t i = 0; i < p->types.count; i++) {
		const int type = dns_type_by_name(p->types.text[i]);

		if (type < 0 || type >= DNSAUTH_TYPES) {
			conf_fail(errors, NULL,
			          "dnsauth.types: '%s' is no type below %d; write for "
			          "example \"AAAA\" or \"TYPE65\"",
			          p->types.text[i], DNSAUTH_TYPES);
			return -EINVAL;
		}
		p->type_set[type / 64] |= UINT64_C(1) << type % 64;
	}
	return 0;
}

static int
read_zones(struct dnsauth_params *p, struct conf_errors *errors)
{
	const char *wrong;
	int rc = zones_open(&p->zones, p->zone_names.count, p->zone_names.text, &wrong);

	if (rc < 0 && wrong != NULL)
		conf_fail(errors, NULL,
		          "dnsauth.zones: '%s' is no domain name of at most %d labels",
		          wrong, DNS_DEPTH);
	return rc;
}

static int
compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	struct dnsauth_params *p = params;
	const struct meter_limit answers = { p->answers, METER_PACKETS };
	const struct meter_limit queries = { p->queries, METER_PACKETS };
	const struct meter_limit names = { p->new_names, METER_PACKETS };

	p->names.share = from->is_ingress ? 0 : p->missing_share;
	p->first_ports = p->ports.count > 0
	                         ? p->ports.range[0]
	                         : (struct conf_port_range){ SERVER_PORT, SERVER_PORT };
	if (meter_rate_init(&p->answer_rate, &answers, BURST_NS, 64) != 0 ||
	    meter_rate_init(&p->query_rate, &queries, BURST_NS, 64) != 0 ||
	    meter_rate_init(&p->names.rate, &names, SECOND_NS, 64) != 0) {
		conf_fail(errors, NULL, "a limit of dnsauth is out of range");
		return -EINVAL;
	}
	if (read_opcodes(p, errors) < 0 || read_types(p, errors) < 0)
		return -EINVAL;
	return read_zones(p, errors);
}

static void
release(void *params)
{
	struct dnsauth_params *p = params;

	zones_close(&p->zones);
}

static uint64_t
memory(uint64_t flow_entries)
{
	(void)flow_entries;
	return ANSWER_BYTES + CROWD_BYTES + names_bytes();
}

static void
close_state(void *state)
{
	struct dnsauth *s = state;

	names_close(&s->names);
	memory_give(s->queries.line, CROWD_BYTES);
	memory_give(s->answers, ANSWER_BYTES);
	free(s);
}

static int
open_state(void **state, const struct stage_env *env)
{
	struct dnsauth *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->flows = env->flows;
	s->sources = env->sources;
	s->common = env->common;
	s->answers = memory_take(ANSWER_BYTES);
	s->queries.line = memory_take(CROWD_BYTES);
	s->workers = env->workers != 0 ? env->workers : 1;
	if (s->answers == NULL || s->queries.line == NULL ||
	    names_open(&s->names, &env->common->key) < 0) {
		close_state(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

/* Who has just completed a handshake with the server is real, and asks by UDP from now on. */
static void
observe(void *state, const struct stage_view *view, struct burst *b, uint64_t lanes)
{
	struct dnsauth *s = state;
	unsigned int i;

	if (b->side == SIDE_INTERNAL) {
		dnsauth_learn(s, view, b,
		              lanes & lanes_where8(b->vector, VECTOR_UDP_FLOOD));
		return;
	}
	LANES_FOREACH (i, lanes & s->sources->proven) {
		const struct dnsauth_params *p = view->params[b->policy[i]];

		if (s->sources->lane[i] != SOURCE_NONE &&
		    dnsauth_is_served(p, b->facts[i].dst_port))
			source_verify(s->sources, s->sources->lane[i], b->now_ns,
			              p->remember_ns);
	}
}

/* Names are forgotten in their time, a little with every call. */
static void
tick(void *state, uint64_t now_ns, unsigned int budget)
{
	struct dnsauth *s = state;

	(void)budget;
	names_tick(&s->names, now_ns);
}

const struct stage stage_dnsauth = {
	.name = "dnsauth",
	.help = "Lets clients of DNS servers prove by TCP that they are real while UDP "
		"floods, and drops what is no query.",
	.reasons = reasons,
	.fields = fields,
	.params_size = sizeof(struct dnsauth_params),
	.compile = compile,
	.release = release,
	.open = open_state,
	.memory = memory,
	.close = close_state,
	.observe = observe,
	.decide = dnsauth_decide,
	.reply = dnsauth_reply,
	.tick = tick,
};
