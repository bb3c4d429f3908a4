/* SPDX-License-Identifier: BSD-3-Clause */
#include "spec_keys.h"

#include <errno.h>
#include <string.h>

#include "tcp_options.h"

#define BIT(kind) (1u << (kind))
#define ALL       (BIT(KIND_COUNT) - 1)
#define CUSTOMERS (BIT(KIND_SYN) - 1)
#define FLOODS    (ALL & ~CUSTOMERS)
#define HAS_PORTS                                                                        \
	(ALL & ~(BIT(KIND_ICMP) | BIT(KIND_OTHER) | BIT(KIND_ESP) | BIT(KIND_PING)))
#define HAS_SIZE (BIT(KIND_WEB) | BIT(KIND_BOTS) | (FLOODS & ~BIT(KIND_ANSWERED_SYN)))

static int
read_rate(struct spec *s, const char *value)
{
	return args_rate(&s->rate, value);
}

static int
read_clients(struct spec *s, const char *value)
{
	uint64_t n;

	if (args_rate(&n, value) != 0)
		return -EINVAL;
	s->style = SOURCES_HOSTS;
	s->hosts = n;
	return 0;
}

static int
read_start(struct spec *s, const char *value)
{
	return args_duration(&s->start_ns, value);
}

static int
read_duration(struct spec *s, const char *value)
{
	uint64_t ns;

	if (args_duration(&ns, value) != 0 || ns == 0)
		return -EINVAL;
	s->duration_ns = ns;
	return 0;
}

static int
read_family(struct spec *s, const char *value)
{
	if (strcmp(value, "4") != 0 && strcmp(value, "6") != 0 &&
	    strcmp(value, "both") != 0)
		return -EINVAL;
	s->use4 = value[0] != '6';
	s->use6 = value[0] != '4';
	return 0;
}

static int
read_vlan(struct spec *s, const char *value)
{
	s->wire.tag_count = 1;
	return args_vlan(&s->wire.tags[0], value);
}

static int
read_qinq(struct spec *s, const char *value)
{
	s->wire.tag_count = 2;
	return args_qinq(s->wire.tags, value);
}

/* A prefix goes to the slot of its family, so a key may come once for each. */
static int
by_family(struct prefix *v4, struct prefix *v6, const char *value)
{
	struct prefix p;

	if (prefix_parse(&p, value) != 0)
		return -EINVAL;
	*(p.base.family == 4 ? v4 : v6) = p;
	return 0;
}

static int
read_dst(struct spec *s, const char *value)
{
	return by_family(&s->dst4, &s->dst6, value);
}

static int
read_from(struct spec *s, const char *value)
{
	return by_family(&s->from4, &s->from6, value);
}

static int
read_sources(struct spec *s, const char *value)
{
	if (strcmp(value, "random") == 0) {
		s->style = SOURCES_RANDOM;
		return 0;
	}
	if (strncmp(value, "net:", 4) == 0) {
		s->style = SOURCES_NET;
		return read_from(s, value + 4);
	}
	if (strncmp(value, "hosts:", 6) == 0)
		return read_clients(s, value + 6);
	if (strncmp(value, "spread:", 7) != 0 || read_clients(s, value + 7) != 0)
		return -EINVAL;
	s->style = SOURCES_SPREAD;
	return 0;
}

static int
read_limited(struct range *out, const char *value, uint64_t min, uint64_t max)
{
	struct range r;

	if (args_range(&r, value) != 0 || r.min < min || r.max > max)
		return -EINVAL;
	*out = r;
	return 0;
}

static int
read_dport(struct spec *s, const char *value)
{
	return read_limited(&s->dport, value, 1, 65535);
}

static int
read_sport(struct spec *s, const char *value)
{
	return read_limited(&s->sport, value, 1, 65535);
}

static int
read_ttl(struct spec *s, const char *value)
{
	return read_limited(&s->ttl, value, 1, 255);
}

static int
read_size(struct spec *s, const char *value)
{
	return read_limited(&s->size, value, 1,
	                    spec_is_flood(s) ? FRAME_MAX_PAYLOAD : 100000000);
}

static int
read_ramp(struct spec *s, const char *value)
{
	uint64_t ns;

	/* Longer ones would overflow the arithmetic of the clock. */
	if (args_duration(&ns, value) != 0 || ns > 3600 * NS_PER_S)
		return -EINVAL;
	s->ramp_ns = ns;
	return 0;
}

static int
read_pulse(struct spec *s, const char *value)
{
	char on[32];
	const char *slash = strchr(value, '/');

	if (slash == NULL || (size_t)(slash - value) >= sizeof(on))
		return -EINVAL;
	memcpy(on, value, (size_t)(slash - value));
	on[slash - value] = '\0';
	if (args_duration(&s->pulse_on_ns, on) != 0 || s->pulse_on_ns == 0)
		return -EINVAL;
	return args_duration(&s->pulse_off_ns, slash + 1);
}

/* Cut value at every separator and read each piece into the mix. */
static int
read_mix(struct spec *s, const char *value, int (*piece)(uint8_t *, char *))
{
	char buf[128], *save = NULL;
	uint8_t byte;

	if (strlen(value) >= sizeof(buf))
		return -EINVAL;
	strcpy(buf, value);
	s->mix_count = 0;
	for (char *p = strtok_r(buf, "/", &save); p != NULL;
	     p = strtok_r(NULL, "/", &save)) {
		if (s->mix_count == SPEC_MIX_MAX || piece(&byte, p) != 0)
			return -EINVAL;
		s->mix[s->mix_count++] = byte;
	}
	return s->mix_count > 0 ? 0 : -EINVAL;
}

static int
flag_set(uint8_t *out, char *text)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} flags[] = {
		{ "fin", TCP_FIN }, { "syn", TCP_SYN }, { "rst", TCP_RST },
		{ "psh", TCP_PSH }, { "ack", TCP_ACK }, { "urg", TCP_URG },
		{ "none", 0 },
	};
	const size_t count = sizeof(flags) / sizeof(*flags);
	char *save = NULL;

	*out = 0;
	for (char *p = strtok_r(text, "+", &save); p != NULL;
	     p = strtok_r(NULL, "+", &save)) {
		size_t i = 0;

		while (i < count && strcmp(flags[i].name, p) != 0)
			i++;
		if (i == count)
			return -EINVAL;
		*out |= flags[i].bit;
	}
	return 0;
}

static int
protocol(uint8_t *out, char *text)
{
	uint64_t n;

	if (args_number(&n, text) != 0 || n > 255)
		return -EINVAL;
	*out = (uint8_t)n;
	return 0;
}

static int
read_flags(struct spec *s, const char *value)
{
	return read_mix(s, value, flag_set);
}

static int
read_proto(struct spec *s, const char *value)
{
	return read_mix(s, value, protocol);
}

static int
stack(uint8_t *out, char *text)
{
	static const char *const names[] = { [STACK_LINUX] = "linux",
		                             [STACK_WINDOWS] = "windows",
		                             [STACK_MACOS] = "macos",
		                             [STACK_NONE] = "none" };

	for (uint8_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i], text) == 0) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
read_stack(struct spec *s, const char *value)
{
	const bool is_mixed = strcmp(value, "mixed") == 0;

	return read_mix(s, is_mixed ? "linux/windows/macos" : value, stack);
}

static int
read_repeat(struct spec *s, const char *value)
{
	uint64_t n;

	if (args_number(&n, value) != 0 || n < 1 || n > SPEC_REPEAT_MAX)
		return -EINVAL;
	s->repeat = (unsigned int)n;
	return 0;
}

static int
read_gap(struct spec *s, const char *value)
{
	return args_duration(&s->gap_ns, value) != 0 || s->gap_ns == 0 ? -EINVAL : 0;
}

static int
read_seq(struct spec *s, const char *value)
{
	s->has_seq = true;
	return read_limited(&s->seq, value, 0, LIVE_NUMBER_MAX);
}

static int
read_ack(struct spec *s, const char *value)
{
	s->has_ack = true;
	return read_limited(&s->ack, value, 0, LIVE_NUMBER_MAX);
}

static int
read_flows(struct spec *s, const char *value)
{
	live_free(&s->live);
	return live_read(&s->live, value);
}

static int
read_type(struct spec *s, const char *value)
{
	s->has_icmp_type = true;
	return read_limited(&s->icmp_type, value, 0, 255);
}

static int
read_code(struct spec *s, const char *value)
{
	return read_limited(&s->icmp_code, value, 0, 255);
}

static int
read_fragments(struct spec *s, const char *value)
{
	static const char *const names[] = { [FRAGMENT_PAIRS] = "pairs",
		                             [FRAGMENT_RESTS] = "rests",
		                             [FRAGMENT_TINY] = "tiny",
		                             [FRAGMENT_OVERLAP] = "overlap",
		                             [FRAGMENT_ENDLESS] = "endless" };

	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i], value) == 0) {
			s->fragments = (enum fragment_style)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
read_rtt(struct spec *s, const char *value)
{
	struct range r;

	if (args_duration_range(&r, value) != 0 || r.min == 0 || r.max > 10 * NS_PER_S)
		return -EINVAL;
	s->rtt_ns = r;
	return 0;
}

static int
read_initiator(struct spec *s, const char *value)
{
	s->inside_starts = strcmp(value, "inside") == 0;
	return s->inside_starts || strcmp(value, "outside") == 0 ? 0 : -EINVAL;
}

static int
read_quirk(struct spec *s, const char *value)
{
	if (strcmp(value, "options") == 0)
		s->wire.options = true;
	else if (strcmp(value, "badsum") == 0)
		s->wire.spoil = true;
	else
		return -EINVAL;
	return 0;
}

const struct spec_key spec_keys[] = {
	{ "rate", FLOODS, read_rate, "a number like 300, 50k or 1M",
	  "packets per second" },
	{ "cps", CUSTOMERS, read_rate, "a number like 20 or 2k",
	  "new conversations per second" },
	{ "clients", CUSTOMERS, read_clients, "a number of hosts",
	  "how many different customers" },
	{ "start", ALL, read_start, "a time like 500ms or 2s", "when it begins" },
	{ "duration", ALL, read_duration, "a time like 500ms or 10s",
	  "how long it begins new packets or conversations" },
	{ "family", ALL, read_family, "4, 6 or both", "address family" },
	{ "vlan", ALL, read_vlan, "1 to 4094", "one 802.1Q tag" },
	{ "qinq", ALL, read_qinq, "OUTER.INNER, each 1 to 4094",
	  "802.1ad and 802.1Q tag" },
	{ "dst", ALL, read_dst, "ADDR or ADDR/BITS",
	  "inside host or hosts; once per family" },
	{ "from", ALL, read_from, "ADDR/BITS",
	  "where outside hosts live; once per family" },
	{ "sources", FLOODS, read_sources, "random, net:PREFIX, hosts:N or spread:N",
	  "forged sources, N hosts of from=, or N hosts anywhere" },
	{ "dport", HAS_PORTS, read_dport, "1 to 65535, or MIN-MAX", "server's port" },
	{ "sport", FLOODS &HAS_PORTS, read_sport, "1 to 65535, or MIN-MAX",
	  "source port" },
	{ "size", HAS_SIZE, read_size, "bytes, or MIN-MAX (floods at most 8900)",
	  "payload of a packet; of web and bots: of an answer" },
	{ "ttl", FLOODS, read_ttl, "1 to 255, or MIN-MAX",
	  "TTL or hop limit on arrival" },
	{ "ramp", FLOODS, read_ramp, "a time like 5s",
	  "grow from nothing to rate= in this time" },
	{ "pulse", FLOODS, read_pulse, "ON/OFF like 2s/3s", "send for ON, rest for OFF" },
	{ "flags", BIT(KIND_TCP_OTHER), read_flags,
	  "sets like ack/psh+ack/rst, at most 8", "flag sets to mix" },
	{ "seq", BIT(KIND_TCP_OTHER), read_seq, "a number, or MIN-MAX",
	  "sequence number, modulo 2^32; else any" },
	{ "ack", BIT(KIND_TCP_OTHER), read_ack, "a number, or MIN-MAX",
	  "acknowledgement number; else any" },
	{ "flows", BIT(KIND_TCP_OTHER), read_flows,
	  "a file of lines CLIENT PORT SERVER PORT [SEQ [ACK]]",
	  "live connections to send into; - is any number" },
	{ "stack", BIT(KIND_SYN), read_stack,
	  "linux, windows, macos and none, like linux/none, or mixed",
	  "whose SYN to copy: options, window, TTL; mixed is all but none" },
	{ "repeat", BIT(KIND_SYN) | BIT(KIND_TCP_OTHER), read_repeat, "1 to 10",
	  "send each packet so often; rate= counts the first of each" },
	{ "gap", BIT(KIND_SYN) | BIT(KIND_TCP_OTHER), read_gap, "a time like 1s",
	  "from one sending of a packet to the next (1s)" },
	{ "proto", BIT(KIND_OTHER), read_proto, "numbers like 47/50/253, at most 8",
	  "IP protocols to mix" },
	{ "type", BIT(KIND_ICMP), read_type, "0 to 255, or MIN-MAX",
	  "ICMP type; else echo request" },
	{ "code", BIT(KIND_ICMP), read_code, "0 to 255, or MIN-MAX",
	  "ICMP code; else 0" },
	{ "fragments", BIT(KIND_FRAGMENT), read_fragments,
	  "pairs, rests, tiny, overlap or endless",
	  "first and rest, rests alone, or what no host sends" },
	{ "rtt", CUSTOMERS, read_rtt, "a time like 20ms, or MIN-MAX like 20ms-80ms",
	  "round trip to the outside host" },
	{ "initiator", CUSTOMERS, read_initiator, "outside or inside",
	  "who opens conversations" },
	{ "quirk", ALL, read_quirk, "options or badsum",
	  "IP options (IPv6: destination options), or wrong transport checksums" },
	{ NULL, 0, NULL, NULL, NULL },
};
