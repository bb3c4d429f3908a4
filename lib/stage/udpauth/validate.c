/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A validator says what a datagram to some ports looks like when it is of the protocol
 * that is served there: an expression in tcpdump's syntax over ports, length and payload.
 * A port may have several; a datagram is valid when one of them knows it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/counter.h"
#include "challenge/admitted.h"
#include "challenge/repeat.h"
#include "filter/expression.h"
#include "stage/udpauth/parts.h"

#define AT(field)      offsetof(struct udpauth_params, field)
#define IN(field)      offsetof(struct udpauth_validate, field)
#define MS             UINT64_C(1000000)
#define VALIDATORS_MAX 64

static const char *const method_words[] = {
	[METHOD_RETRANSMIT] = "retransmit", [METHOD_OFF] = "off", NULL
};

static const struct conf_field validate_fields[] = {
	{ .key = "name",
	  .kind = CONF_TEXT,
	  .offset = IN(name),
	  .example = "\"ntp\"",
	  .min = 1,
	  .max = 40,
	  .help = "What the protocol is called, in counters and messages." },
	{ .key = "ports",
	  .kind = CONF_PORTS,
	  .offset = IN(ports),
	  .absent = "",
	  .help = "Ports of the service that speak it." },
	{ .key = "expression",
	  .kind = CONF_TEXT,
	  .offset = IN(expression),
	  .example = "\"udp[8] & 7 = 3\"",
	  .min = 1,
	  .max = FILTER_TEXT_MAX,
	  .help = "What a valid datagram looks like, in tcpdump's syntax; udp[8] is the "
	          "first byte of its payload." },
	{ .key = "always",
	  .kind = CONF_BOOL,
	  .offset = IN(is_always),
	  .absent = "false",
	  .help = "Whether it holds at any time and for everybody; else while udp_flood "
	          "is "
	          "active, and for senders the inside has not answered." },
	{ 0 },
};

const struct conf_field udpauth_fields[] = {
	{ .key = "method",
	  .kind = CONF_WORD,
	  .offset = AT(method),
	  .absent = "retransmit",
	  .words = method_words,
	  .help = "How a stranger proves that he is real while udp_flood is active: by "
	          "sending again what was dropped, as every client does that hears "
	          "nothing." },
	{ .key = "ports",
	  .kind = CONF_PORTS,
	  .offset = AT(ports),
	  .absent = "",
	  .help = "Ports whose strangers have to; left out: all but 53 and 443, which "
	          "have "
	          "stages of their own." },
	{ .key = "earliest",
	  .kind = CONF_TIME,
	  .offset = AT(earliest_ns),
	  .absent = "200ms",
	  .min = REPEAT_LEAST_NS,
	  .max = 4000 * MS,
	  .help = "A repetition that comes sooner proves nothing: tools repeat at "
	          "once." },
	{ .key = "latest",
	  .kind = CONF_TIME,
	  .offset = AT(latest_ns),
	  .absent = "8s",
	  .min = 1000 * MS,
	  .max = REPEAT_MOST_NS,
	  .help = "One that comes later counts as the first of another pair." },
	{ .key = "admit_for",
	  .kind = CONF_TIME,
	  .offset = AT(admit_ns),
	  .absent = "30s",
	  .min = 1000 * MS,
	  .max = ADMITTED_MAX_NS,
	  .help = "How long a sender who has proven himself may be silent and need not "
	          "again." },
	{ .key = "validate",
	  .kind = CONF_LIST,
	  .offset = AT(validate),
	  .absent = "",
	  .fields = validate_fields,
	  .size = sizeof(struct udpauth_validate),
	  .help = "What datagrams to some ports look like; others are dropped there." },
	{ 0 },
};

static int
make(struct udpauth_params *p, size_t i, const struct stage_compile *from,
     struct conf_errors *errors)
{
	const struct udpauth_validate *v =
		(struct udpauth_validate *)p->validate.element + i;
	struct udpauth_validator *to = &p->validator[i];
	const struct conf_place *place = &p->validate.place[i];
	char error[256] = "";
	int rc;

	if (v->ports.count == 0) {
		conf_fail(errors, place,
		          "udpauth: validator '%s' needs ports, for example [ \"123\" ]",
		          v->name);
		return -EINVAL;
	}
	rc = filter_expression_make(v->expression, &to->expression, error, sizeof(error));
	if (rc < 0) {
		conf_fail(errors, place, "udpauth: the expression of '%s': %s", v->name,
		          error[0] != '\0' ? error : "no memory for it");
		return rc;
	}
	to->ports = &v->ports;
	to->is_always = v->is_always;
	to->hit = from->hit != NULL ? from->hit(from->hits, "udpauth", v->name) : 0;
	p->has_always |= v->is_always;
	p->validators = i + 1;
	return 0;
}

int
udpauth_compile(void *params, const struct stage_compile *from,
                struct conf_errors *errors)
{
	struct udpauth_params *p = params;
	const size_t n = p->validate.count;
	int rc = 0;

	p->rules = from->rules;
	p->is_ingress = from->is_ingress;
	p->validators = 0;
	p->has_always = false;
	if (p->earliest_ns >= p->latest_ns) {
		conf_fail(errors, NULL,
		          "udpauth.earliest must be less than udpauth.latest");
		return -EINVAL;
	}
	if (n > VALIDATORS_MAX) {
		conf_fail(errors, NULL,
		          "udpauth: %zu validators are too many, allowed are %d", n,
		          VALIDATORS_MAX);
		return -EINVAL;
	}
	if (n == 0)
		return 0;
	p->validator = calloc(n, sizeof(*p->validator));
	if (p->validator == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = make(p, i, from, errors);
	if (rc != 0)
		udpauth_release(p);
	return rc;
}

void
udpauth_release(void *params)
{
	struct udpauth_params *p = params;

	for (size_t i = 0; i < p->validators; i++)
		filter_expression_free(p->validator[i].expression);
	free(p->validator);
	p->validator = NULL;
	p->validators = 0;
}

uint64_t
udpauth_to_ports(const struct conf_ports *ports, const struct burst *b, uint64_t lanes)
{
	uint64_t to = 0;
	unsigned int i;

	for (size_t k = 0; k < ports->count; k++) {
		const uint16_t first = ports->range[k].first;
		const uint16_t width = (uint16_t)(ports->range[k].last - first);

		LANES_FOREACH (i, lanes)
			to |= (uint64_t)((uint16_t)(b->facts[i].dst_port - first) <=
			                 width)
			      << i;
	}
	return to;
}

uint64_t
udpauth_invalid(const struct udpauth_params *p, const struct burst *b, uint64_t lanes,
                uint64_t strangers, uint64_t *hits)
{
	uint64_t judged = 0, valid = 0;

	for (size_t k = 0; k < p->validators; k++) {
		const struct udpauth_validator *v = &p->validator[k];
		const uint64_t here = udpauth_to_ports(v->ports, b, lanes);
		uint64_t own;

		if (here == 0)
			continue;
		judged |= v->is_always ? here : here & strangers;
		if ((here & ~valid) == 0)
			continue;
		own = filter_expression_match(v->expression, b, here & ~valid);
		if (hits != NULL && own != 0)
			counter_add(&hits[v->hit], lanes_count(own));
		valid |= own;
	}
	return judged & ~valid;
}
