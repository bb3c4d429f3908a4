/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of the protocols that networks carry beside TCP, UDP and ICMP: IANA's numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "meter/quota.h"
#include "meter/watch.h"
#include "packet/facts.h"
#include "stage/protocols/parts.h"

#define AT(field) offsetof(struct protocols_params, field)

static const char *const others_words[] = {
	[OTHERS_PASS] = "pass", [OTHERS_METER] = "meter", [OTHERS_DROP] = "drop", NULL
};

static const struct conf_field quota_fields[] = {
	{ .key = "protocol",
	  .kind = CONF_TEXT,
	  .offset = offsetof(struct protocols_quota, protocol),
	  .example = "\"gre\"",
	  .min = 1,
	  .max = 16,
	  .help = "The protocol, as in `allow`; it is allowed by this, too." },
	{ .key = "limit",
	  .kind = CONF_PACKETS,
	  .offset = offsetof(struct protocols_quota, pps),
	  .example = "\"5kpps\"",
	  .min = 1,
	  .max = METER_MAX_PPS,
	  .help = "Packets of it that one service gets while other_flood is active, "
	          "those "
	          "of conversations first." },
	{ 0 },
};

const struct conf_field protocols_fields[] = {
	{ .key = "allow",
	  .kind = CONF_TEXTS,
	  .offset = AT(allow),
	  .absent = "gre, esp, ah, ipip, 6in4, sctp",
	  .help = "IP protocols beside TCP, UDP and ICMP that the service speaks, by "
	          "name or "
	          "number; the others are dropped while other_flood is active." },
	{ .key = "quota",
	  .kind = CONF_LIST,
	  .offset = AT(quota),
	  .absent = "",
	  .fields = quota_fields,
	  .size = sizeof(struct protocols_quota),
	  .help = "Limits of single protocols." },
	{ .key = "strangers",
	  .kind = CONF_PACKETS,
	  .offset = AT(strangers),
	  .absent = "1kpps",
	  .max = METER_MAX_PPS,
	  .help = "Packets of each allowed protocol without a quota that the service "
	          "gets "
	          "from addresses it never spoke to while other_flood is active." },
	{ .key = "others",
	  .kind = CONF_WORD,
	  .offset = AT(others),
	  .absent = "pass",
	  .words = others_words,
	  .help = "What happens in quiet time to protocols that are not allowed: they "
	          "pass, share others_limit, or are dropped at any time." },
	{ .key = "others_limit",
	  .kind = CONF_PACKETS,
	  .offset = AT(others_pps),
	  .absent = "1kpps",
	  .max = METER_MAX_PPS,
	  .help = "Packets of all protocols together that are not allowed, where "
	          "`others` "
	          "is \"meter\"; and those of conversations while other_flood is "
	          "active." },
	{ 0 },
};

static const struct {
	const char *name;
	uint8_t proto;
} names[] = {
	{ "igmp", 2 },     { "ipip", 4 },   { "egp", 8 },       { "dccp", 33 },
	{ "6in4", 41 },    { "ipv6", 41 },  { "rsvp", 46 },     { "gre", 47 },
	{ "esp", 50 },     { "ah", 51 },    { "eigrp", 88 },    { "ospf", 89 },
	{ "etherip", 97 }, { "pim", 103 },  { "ipcomp", 108 },  { "vrrp", 112 },
	{ "l2tp", 115 },   { "sctp", 132 }, { "udplite", 136 }, { "mpls", 137 },
	{ "hip", 139 },
};

/* A protocol by name or number; -1 when it is none. */
static int
protocol_of(const char *text)
{
	unsigned long number;
	char *end;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i].name, text) == 0)
			return names[i].proto;
	if (*text < '0' || *text > '9')
		return -1;
	number = strtoul(text, &end, 10);
	return *end == '\0' && end - text <= 3 && number <= UINT8_MAX ? (int)number : -1;
}

/* What is told when a protocol cannot be taken; NULL: it can. */
static const char *
wrong_with(int proto)
{
	if (proto < 0)
		return "is no protocol: write a number of 0 to 255 or a name such as "
		       "\"gre\", \"esp\", \"ah\", \"ipip\", \"6in4\", \"sctp\"";
	if (proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_ICMP ||
	    proto == PROTO_ICMPV6)
		return "has vectors and stages of its own and is not limited here";
	return NULL;
}

/* The slot of a protocol that is allowed from now on, or 0 and a mistake is told. */
static unsigned int
allow(struct protocols_params *p, const char *text, unsigned int *used,
      const struct conf_place *place, struct conf_errors *errors)
{
	const int proto = protocol_of(text);
	const char *wrong = wrong_with(proto);

	if (wrong == NULL && p->slot[proto] != 0)
		return p->slot[proto];
	if (wrong == NULL && *used == PROTOCOLS_SLOTS)
		wrong = "is one too many: 15 protocols can be allowed";
	if (wrong != NULL) {
		conf_fail(errors, place, "protocols: '%s' %s", text, wrong);
		return 0;
	}
	p->slot[proto] = (uint8_t)*used;
	return (*used)++;
}

static void
take_rate(struct meter_rate *rate, uint64_t pps, struct conf_errors *errors)
{
	if (quota_rate_init(rate, pps) < 0)
		conf_fail(errors, NULL, "protocols: a limit is out of range");
}

/*
 * No protocol's strangers may fill more than a quarter of the ceiling that all of them share
 * in `shape`, or a flood of one would cost newcomers of the others.
 */
static uint64_t
strangers_of(const struct watch_rule *rule, uint64_t limit)
{
	const uint64_t quarter = (rule->max.per_second + 3) / 4;

	if (limit == 0 || quarter == 0 || rule->max.unit != METER_PACKETS)
		return limit;
	return limit < quarter ? limit : quarter;
}

int
protocols_compile(void *params, const struct stage_compile *from,
                  struct conf_errors *errors)
{
	struct protocols_params *p = params;
	const struct protocols_quota *quota = p->quota.element;
	const uint64_t strangers =
		strangers_of(&from->rules[VECTOR_OTHER_FLOOD], p->strangers);
	const size_t before = errors->count;
	unsigned int used = 1;

	p->is_ingress = from->is_ingress;
	memset(p->slot, 0, sizeof(p->slot));
	p->whole = 0;
	take_rate(&p->rate[0], p->others_pps, errors);
	for (size_t i = 0; i < p->allow.count; i++) {
		const unsigned int slot = allow(p, p->allow.text[i], &used, NULL, errors);

		take_rate(&p->rate[slot], slot == 0 ? p->others_pps : strangers, errors);
	}
	for (size_t i = 0; i < p->quota.count; i++) {
		const unsigned int slot =
			allow(p, quota[i].protocol, &used, &p->quota.place[i], errors);

		if (slot == 0)
			continue;
		if ((p->whole >> slot & 1) != 0)
			conf_fail(errors, &p->quota.place[i],
			          "protocols: '%s' has a quota already",
			          quota[i].protocol);
		p->whole |= 1u << slot;
		take_rate(&p->rate[slot], quota[i].pps, errors);
	}
	return errors->count > before ? -EINVAL : 0;
}
