/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which messages are of which class: RFC 792 and 1191 for IPv4; for IPv6 what RFC 4890
 * 4.3 says of messages that cross a firewall. What must never be lost there (types 1 to
 * 4) has quotas of its own; what should not cross one is denied.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "meter/quota.h"
#include "meter/watch.h"
#include "stage/icmp/parts.h"

#define AT(field) offsetof(struct icmp_params, field)

static const char *const when_words[] = {
	[ICMP_ATTACK] = "attack", [ICMP_ALWAYS] = "always", NULL
};

#define QUOTA(name, class, rate, what)                                                   \
	{                                                                                \
		.key = name, .kind = CONF_PACKETS, .offset = AT(pps[class]),             \
		.absent = rate, .max = METER_MAX_PPS, .help = what                       \
	}

const struct conf_field icmp_fields[] = {
	QUOTA("path_mtu", ICMP_PATH_MTU, "5kpps",
	      "Messages a service gets while icmp_flood is active that say a packet was "
	      "too big (ICMP 3 code 4, ICMPv6 2); without them large transfers hang."),
	QUOTA("unreachable", ICMP_UNREACHABLE, "500pps",
	      "The same of other unreachables and parameter problems (ICMP 3 and 12, "
	      "ICMPv6 1 and 4)."),
	QUOTA("time_exceeded", ICMP_TIME_EXCEEDED, "500pps",
	      "The same of messages that a packet has crossed too many routers (ICMP 11, "
	      "ICMPv6 3), by which traceroute works."),
	QUOTA("echo_request", ICMP_ECHO_REQUEST, "1kpps",
	      "The same of echo requests, the ping of customers and monitors."),
	QUOTA("echo_reply", ICMP_ECHO_REPLY, "1kpps",
	      "The same of echo replies, which the service's own pings bring."),
	QUOTA("other", ICMP_OTHER, "200pps", "The same of all other types together."),
	{ .key = "max_echo",
	  .kind = CONF_INT,
	  .offset = AT(max_echo),
	  .absent = "1472",
	  .min = 8,
	  .max = 65535,
	  .help = "Bytes of data that an echo may carry while icmp_flood is active; "
	          "fragmented ICMP is dropped then, too." },
	{ .key = "deny_types",
	  .kind = CONF_TEXTS,
	  .offset = AT(deny[0]),
	  .absent = "4-6, 13-18, 30-39",
	  .help = "ICMP types that nobody needs any more, or that only a neighbour may "
	          "send: source quench, redirect, timestamps, masks (RFC 6633, 6918)." },
	{ .key = "deny_types_ipv6",
	  .kind = CONF_TEXTS,
	  .offset = AT(deny[1]),
	  .absent = "100-101, 133-140, 150, 200-201",
	  .help = "ICMPv6 types that should not cross a firewall (RFC 4890): "
	          "experiments, "
	          "renumbering, node information, and neighbour discovery from beyond "
	          "the "
	          "link." },
	{ .key = "deny_when",
	  .kind = CONF_WORD,
	  .offset = AT(deny_when),
	  .absent = "attack",
	  .words = when_words,
	  .help = "When denied types are dropped: while icmp_flood is active, or at any "
	          "time." },
	{ 0 },
};

/* "13" or "13-18". */
static bool
read_range(const char *text, unsigned int *first, unsigned int *last)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*first = *last = (unsigned int)strtoul(text, &end, 10);
	if (end - text > 3)
		return false;
	if (*end == '-') {
		text = end + 1;
		if (*text < '0' || *text > '9')
			return false;
		*last = (unsigned int)strtoul(text, &end, 10);
		if (end - text > 3)
			return false;
	}
	return *end == '\0' && *first <= *last && *last <= UINT8_MAX;
}

static const char *const deny_key[2] = { "deny_types", "deny_types_ipv6" };

/* Without these a service cannot be reached over every path (RFC 1191, RFC 4890 4.3.1). */
static bool
is_needed(unsigned int family, unsigned int type)
{
	return family == 0 ? type == 3 : type >= 1 && type <= 4;
}

static void
deny(struct icmp_params *p, unsigned int family, struct conf_errors *errors)
{
	const struct conf_texts *texts = &p->deny[family];

	for (size_t i = 0; i < texts->count; i++) {
		unsigned int first, last;

		if (!read_range(texts->text[i], &first, &last)) {
			conf_fail(errors, NULL,
			          "icmp.%s: '%s' is no type: write a number of 0 to 255, "
			          "\"13\", or a range, \"13-18\"",
			          deny_key[family], texts->text[i]);
			continue;
		}
		for (unsigned int type = first; type <= last; type++) {
			if (is_needed(family, type))
				conf_fail(
					errors, NULL,
					"icmp.%s: type %u tells of paths that cannot be "
					"used and is limited by its quota, never denied",
					deny_key[family], type);
			p->kind[family][type] = ICMP_DENIED;
		}
	}
}

/*
 * No class of strangers may fill more than a quarter of the ceiling that all of them share
 * in `shape`, or a flood of one would cost those of the others.
 */
static uint64_t
strangers_of(const struct watch_rule *rule, uint64_t quota)
{
	const uint64_t quarter = (rule->max.per_second + 3) / 4;

	if (quota == 0 || quarter == 0 || rule->max.unit != METER_PACKETS)
		return quota;
	return quota < quarter ? quota : quarter;
}

int
icmp_compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	static const struct {
		uint8_t family, type, class;
	} known[] = {
		{ 0, 3, ICMP_UNREACHABLE },    { 0, 12, ICMP_UNREACHABLE },
		{ 0, 11, ICMP_TIME_EXCEEDED }, { 0, 8, ICMP_ECHO_REQUEST },
		{ 0, 0, ICMP_ECHO_REPLY },     { 1, 1, ICMP_UNREACHABLE },
		{ 1, 2, ICMP_PATH_MTU },       { 1, 3, ICMP_TIME_EXCEEDED },
		{ 1, 4, ICMP_UNREACHABLE },    { 1, 128, ICMP_ECHO_REQUEST },
		{ 1, 129, ICMP_ECHO_REPLY },
	};
	struct icmp_params *p = params;
	const size_t before = errors->count;

	p->is_ingress = from->is_ingress;
	memset(p->kind, ICMP_OTHER, sizeof(p->kind));
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		p->kind[known[i].family][known[i].type] = known[i].class;
	deny(p, 0, errors);
	deny(p, 1, errors);
	for (unsigned int class = 0; class < ICMP_CLASSES; class ++) {
		const uint64_t strangers =
			strangers_of(&from->rules[VECTOR_ICMP_FLOOD], p->pps[class]);

		if (quota_rate_init(&p->rate[class], p->pps[class]) < 0 ||
		    quota_rate_init(&p->strangers[class], strangers) < 0)
			conf_fail(errors, NULL, "icmp: a quota is out of range");
	}
	return errors->count > before ? -EINVAL : 0;
}
