/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/rule.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "packet/facts.h"

const char *const filter_action_names[] = {
	"drop", "pass", "meter", "count", "tag", NULL
};

#define ASKED(member) .offset = offsetof(struct filter_asked, member), .absent = ""
#define SPEC(member)  .offset = offsetof(struct filter_spec, member)

static const struct conf_field match_fields[] = {
	{ .key = "destination",
	  .kind = CONF_PREFIXES,
	  ASKED(destination),
	  .help = "Prefixes of the destination, IPv4 and IPv6." },
	{ .key = "source",
	  .kind = CONF_PREFIXES,
	  ASKED(source),
	  .help = "Prefixes of the source, IPv4 and IPv6." },
	{ .key = "protocols",
	  .kind = CONF_TEXTS,
	  ASKED(protocols),
	  .max = 31,
	  .help = "IP protocols behind IPv6 extension headers: numbers, ranges such as "
	          "50-51, or tcp, udp, icmp, icmp6, gre, esp, ah, sctp." },
	{ .key = "ports",
	  .kind = CONF_PORTS,
	  ASKED(ports),
	  .help = "Ports of source or destination, alone or as ranges." },
	{ .key = "source_ports",
	  .kind = CONF_PORTS,
	  ASKED(source_ports),
	  .help = "Ports of the source." },
	{ .key = "destination_ports",
	  .kind = CONF_PORTS,
	  ASKED(destination_ports),
	  .help = "Ports of the destination." },
	{ .key = "icmp_types",
	  .kind = CONF_TEXTS,
	  ASKED(icmp_types),
	  .max = 31,
	  .help = "Types of ICMP and ICMPv6 messages, 0 to 255, or ranges." },
	{ .key = "icmp_codes",
	  .kind = CONF_TEXTS,
	  ASKED(icmp_codes),
	  .max = 31,
	  .help = "Codes of ICMP and ICMPv6 messages, 0 to 255, or ranges." },
	{ .key = "tcp_flags",
	  .kind = CONF_TEXTS,
	  ASKED(tcp_flags),
	  .max = 63,
	  .help = "Flags that are set, joined by +, then / and those that are looked "
	          "at: syn/syn+ack is a SYN without ACK; rst is RST whatever else." },
	{ .key = "lengths",
	  .kind = CONF_TEXTS,
	  ASKED(lengths),
	  .max = 31,
	  .help = "Bytes of the datagram with its IP header, 0 to 65535, or ranges." },
	{ .key = "dscp",
	  .kind = CONF_TEXTS,
	  ASKED(dscp),
	  .max = 31,
	  .help = "Differentiated services code points, 0 to 63, or ranges." },
	{ .key = "fragments",
	  .kind = CONF_TEXTS,
	  ASKED(fragments),
	  .max = 31,
	  .help = "Any of first, later, last (a later one, and the last), none (no "
	          "fragment) and dont (may not be fragmented)." },
	{ .key = "flow_labels",
	  .kind = CONF_TEXTS,
	  ASKED(flow_labels),
	  .max = 31,
	  .help = "Flow labels of IPv6, 0 to 1048575, or ranges; no IPv4 packet has "
	          "one." },
	{ .key = NULL },
};

const struct conf_field filter_fields[] = {
	{ .key = "name",
	  .kind = CONF_TEXT,
	  SPEC(name),
	  .min = 1,
	  .max = FILTER_NAME_MAX,
	  .example = "no-chargen",
	  .help = "What the rule is called where its packets are counted." },
	{ .key = "expression",
	  .kind = CONF_TEXT,
	  SPEC(expression),
	  .absent = "",
	  .max = 1023,
	  .help = "What it matches, in tcpdump's syntax without names; or else match "
	          "says it." },
	{ .key = "match",
	  .kind = CONF_GROUP,
	  SPEC(match),
	  .absent = "",
	  .fields = match_fields,
	  .help = "What it matches, by components: all that are named must hold, and of "
	          "each one value." },
	{ .key = "action",
	  .kind = CONF_WORD,
	  SPEC(action),
	  .words = filter_action_names,
	  .example = "drop",
	  .help = "Drop it, pass it for good, meter it, or count it and go on; tag "
	          "counts "
	          "too." },
	{ .key = "limit",
	  .kind = CONF_RATE,
	  SPEC(limit),
	  .absent = "off",
	  .help = "What meter lets through of all that match, for the whole box." },
	{ .key = "services",
	  .kind = CONF_TEXTS,
	  SPEC(services),
	  .absent = "",
	  .min = 1,
	  .max = 63,
	  .help = "Services whose packets are looked at; empty is all." },
	{ .key = "until",
	  .kind = CONF_TEXT,
	  SPEC(until),
	  .absent = "",
	  .max = 31,
	  .help = "When it ends, such as 2026-12-24T12:00:00Z, in UTC; empty is never." },
	{ .key = "dry_run",
	  .kind = CONF_BOOL,
	  SPEC(dry_run),
	  .absent = "false",
	  .help = "Count what it would have met, and do nothing." },
	{ .key = "verified",
	  .kind = CONF_BOOL,
	  SPEC(verified),
	  .absent = "true",
	  .help = "Whether packets of verified flows are looked at too; without them the "
	          "rule comes after all those with them." },
	{ .key = NULL },
};

/* --- values ------------------------------------------------------------------- */

/* A number or a range up to `most`, decimal or 0x. */
static bool
read_range(const char *text, uint32_t most, struct filter_range *out)
{
	unsigned long value[2];
	unsigned int n = 0;
	char *end;

	for (;; text = end + 1) {
		if (!isdigit((unsigned char)*text))
			return false;
		value[n] = strtoul(text, &end, 0);
		if (value[n] > most)
			return false;
		if (n++ == 1 || *end != '-')
			break;
	}
	*out = (struct filter_range){ (uint32_t)value[0], (uint32_t)value[n - 1] };
	return *end == '\0' && out->first <= out->last;
}

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = { { "tcp", PROTO_TCP },      { "udp", PROTO_UDP }, { "icmp", PROTO_ICMP },
	          { "icmp6", PROTO_ICMPV6 }, { "gre", PROTO_GRE }, { "esp", PROTO_ESP },
	          { "ah", PROTO_AH },        { "sctp", 132 } },
  flags[] = { { "fin", TCP_FIN }, { "syn", TCP_SYN }, { "rst", TCP_RST },
	      { "psh", TCP_PSH }, { "ack", TCP_ACK }, { "urg", TCP_URG },
	      { "ece", TCP_ECE }, { "cwr", TCP_CWR } };

static bool
read_protocol(const char *text, struct filter_range *out)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcasecmp(text, protocols[i].name) == 0) {
			out->first = out->last = protocols[i].number;
			return true;
		}
	return read_range(text, 255, out);
}

/* "syn+ack" up to `end`. */
static bool
read_flags(const char *text, const char *end, unsigned int *out)
{
	*out = 0;
	while (text < end) {
		const size_t n = strcspn(text, "+/");
		size_t i = 0;

		while (i < 8 && (strlen(flags[i].name) != n ||
		                 strncasecmp(text, flags[i].name, n) != 0))
			i++;
		if (i == 8)
			return false;
		*out |= flags[i].number;
		text += n;
		if (text < end && *text++ == '+' && text == end)
			return false;
	}
	return true;
}

static bool
read_tcp_flags(const char *text, uint64_t set[4])
{
	const char *slash = strchr(text, '/'), *end = text + strlen(text);
	unsigned int value, mask;

	if (!read_flags(text, slash != NULL ? slash : end, &value))
		return false;
	mask = value;
	if (slash != NULL && (!read_flags(slash + 1, end, &mask) || mask == 0))
		return false;
	/* Nothing is asked, or what is asked is not looked at. */
	if (mask == 0 || (value & ~mask) != 0)
		return false;
	for (unsigned int v = 0; v < 256; v++)
		if ((v & mask) == value)
			set[v / 64] |= UINT64_C(1) << v % 64;
	return true;
}

static bool
read_fragment(const char *text, uint64_t set[4])
{
	static const struct {
		const char *name;
		unsigned int mask, value;
	} words[] = {
		{ "first", FILTER_FIRST, FILTER_FIRST },
		{ "later", FILTER_IS, FILTER_IS },
		{ "last", FILTER_LAST, FILTER_LAST },
		{ "dont", FILTER_DONT, FILTER_DONT },
		{ "none", FILTER_FIRST | FILTER_IS, 0 },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(text, words[i].name) != 0)
			continue;
		for (unsigned int v = 0; v < 16; v++)
			if ((v & words[i].mask) == words[i].value)
				set[0] |= UINT64_C(1) << v;
		return true;
	}
	return false;
}

/* --- components ------------------------------------------------------------------ */

struct reading {
	const struct conf_place *place;
	struct conf_errors *errors;
	int status;
};

static void
refuse(struct reading *r, const char *key, const char *value, const char *allowed)
{
	conf_fail(r->errors, r->place, "match.%s: \"%s\" is not possible; write %s", key,
	          value, allowed);
	r->status = -EINVAL;
}

static bool
is_few(struct reading *r, const char *key, size_t count)
{
	if (count <= FILTER_VALUES)
		return true;
	conf_fail(r->errors, r->place,
	          "match.%s: %zu values; one rule has at most %d, so write several rules",
	          key, count, FILTER_VALUES);
	r->status = -EINVAL;
	return false;
}

static void
put_small(struct reading *r, const char *key, const struct conf_texts *from,
          struct filter_match *to, enum filter_small which)
{
	static const char *const allowed[FILTER_SMALL] = {
		[FILTER_PROTOCOL] = "0 to 255, a range, or a name such as \"udp\"",
		[FILTER_ICMP_TYPE] = "0 to 255 or a range such as \"0-3\"",
		[FILTER_ICMP_CODE] = "0 to 255 or a range such as \"0-3\"",
		[FILTER_TCP_FLAGS] = "flags such as \"syn/syn+ack\" or \"rst\"",
		[FILTER_DSCP] = "0 to 63 or a range such as \"8-14\"",
		[FILTER_FRAGMENT] =
			"\"first\", \"later\", \"last\", \"none\" or \"dont\"",
	};

	to->has_small[which] = from->count > 0;
	for (size_t i = 0; i < from->count; i++) {
		const char *text = from->text[i];
		struct filter_range range = { 1, 0 };
		bool is_read;

		if (which == FILTER_TCP_FLAGS)
			is_read = read_tcp_flags(text, to->small[which]);
		else if (which == FILTER_FRAGMENT)
			is_read = read_fragment(text, to->small[which]);
		else if (which == FILTER_PROTOCOL)
			is_read = read_protocol(text, &range);
		else
			is_read =
				read_range(text, which == FILTER_DSCP ? 63 : 255, &range);
		if (!is_read)
			refuse(r, key, text, allowed[which]);
		for (uint32_t v = range.first; is_read && v <= range.last; v++)
			to->small[which][v / 64] |= UINT64_C(1) << v % 64;
	}
}

static void
put_texts(struct reading *r, const char *key, const struct conf_texts *from,
          struct filter_match *to, enum filter_wide which)
{
	const uint32_t most = which == FILTER_LABEL ? 0xfffff : 65535;

	to->has_wide[which] = from->count > 0;
	if (!is_few(r, key, from->count))
		return;
	for (size_t i = 0; i < from->count; i++)
		if (!read_range(from->text[i], most, &to->wide[which].range[i]))
			refuse(r, key, from->text[i],
			       which == FILTER_LABEL
			               ? "0 to 1048575 or a range such as \"1-99\""
			               : "0 to 65535 or a range such as \"0-99\"");
	to->wide[which].count = (unsigned int)from->count;
}

static void
put_ports(struct reading *r, const char *key, const struct conf_ports *from,
          struct filter_match *to, enum filter_wide which)
{
	to->has_wide[which] = from->count > 0;
	if (!is_few(r, key, from->count))
		return;
	for (size_t i = 0; i < from->count; i++)
		to->wide[which].range[i] = (struct filter_range){ from->range[i].first,
			                                          from->range[i].last };
	to->wide[which].count = (unsigned int)from->count;
}

static void
put_end(struct reading *r, const char *key, const struct conf_prefixes *from,
        struct filter_match *to, enum filter_end which)
{
	to->has_end[which] = from->count > 0;
	if (!is_few(r, key, from->count))
		return;
	for (size_t i = 0; i < from->count; i++)
		to->end[which].prefix[i] = from->prefix[i];
	to->end[which].count = (unsigned int)from->count;
}

int
filter_match_read(const struct filter_asked *a, struct filter_match *to,
                  const struct conf_place *place, struct conf_errors *errors)
{
	struct reading r = { place, errors, 0 };

	memset(to, 0, sizeof(*to));
	put_end(&r, "destination", &a->destination, to, FILTER_DST);
	put_end(&r, "source", &a->source, to, FILTER_SRC);
	put_small(&r, "protocols", &a->protocols, to, FILTER_PROTOCOL);
	put_ports(&r, "ports", &a->ports, to, FILTER_PORT);
	put_ports(&r, "source_ports", &a->source_ports, to, FILTER_SRC_PORT);
	put_ports(&r, "destination_ports", &a->destination_ports, to, FILTER_DST_PORT);
	put_small(&r, "icmp_types", &a->icmp_types, to, FILTER_ICMP_TYPE);
	put_small(&r, "icmp_codes", &a->icmp_codes, to, FILTER_ICMP_CODE);
	put_small(&r, "tcp_flags", &a->tcp_flags, to, FILTER_TCP_FLAGS);
	put_texts(&r, "lengths", &a->lengths, to, FILTER_LENGTH);
	put_small(&r, "dscp", &a->dscp, to, FILTER_DSCP);
	put_small(&r, "fragments", &a->fragments, to, FILTER_FRAGMENT);
	put_texts(&r, "flow_labels", &a->flow_labels, to, FILTER_LABEL);
	return r.status;
}

int64_t
filter_until(const char *text)
{
	struct tm tm = { 0 };
	const char *end;
	time_t t;

	if (text == NULL || *text == '\0')
		return 0;
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (end == NULL || *end != '\0')
		return -1;
	t = timegm(&tm);
	return t > 0 ? (int64_t)t : -1;
}
