/* SPDX-License-Identifier: BSD-3-Clause */
#include "spec.h"

#include <errno.h>
#include <string.h>

#include "spec_keys.h"
#include "vector.h"

static const struct {
	const char *name;
	uint64_t rate, hosts; /* what holds without rate=, cps= and clients= */
	const char *help;
} kinds[KIND_COUNT] = {
	[KIND_WEB] = { "web", 50, 200,
	               "customers: complete TCP conversations, HTTP or (443) TLS" },
	[KIND_DNS] = { "dns", 50, 200, "customers: DNS query and answer" },
	[KIND_QUIC] = { "quic", 10, 100,
	                "customers: QUIC-like conversations longer than 1 s" },
	[KIND_BOTS] = { "bots", 500, 200,
	                "real hosts: many short complete TCP conversations" },
	[KIND_NTP] = { "ntp", 20, 200, "customers: question and answer about the time" },
	[KIND_DNS_LARGE] = { "dns_large", 10, 100,
	                     "customers: DNS query, answered in fragments" },
	[KIND_ESP] = { "esp", 2, 20,
	               "customers: IPsec tunnels, some packets in fragments" },
	[KIND_PING] = { "ping", 5, 100, "customers: four pings, one a second" },
	[KIND_SYN] = { "syn", 10000, 100, "flood of TCP SYN" },
	[KIND_TCP_OTHER] = { "tcp_other", 10000, 100, "flood of other TCP flags" },
	[KIND_UDP] = { "udp", 10000, 100, "flood of UDP" },
	[KIND_ICMP] = { "icmp", 10000, 100, "flood of ICMP or ICMPv6" },
	[KIND_FRAGMENT] = { "fragment", 10000, 100, "flood of fragments" },
	[KIND_OTHER] = { "other", 10000, 100,
	                 "flood of other protocols (GRE, ESP, ...)" },
	[KIND_ANSWERED_SYN] = { "answered_syn", 10000, 100,
	                        "SYN flood that the server answers with SYN-ACKs" },
};

const char *
spec_name(const struct spec *s)
{
	return s->vector != NULL ? s->vector->name : kinds[s->kind].name;
}

void
spec_defaults_init(struct spec_defaults *d)
{
	static const struct spec_defaults usual = {
		.duration_ns = 10 * NS_PER_S,
		.outside = { 0x02, 0, 0, 0x01, 0, 0 },
		.inside = { 0x02, 0, 0, 0x02, 0, 0 },
	};

	*d = usual;
}

static void
set_kind(struct spec *s, enum kind kind)
{
	s->kind = kind;
	s->rate = kinds[kind].rate;
	s->hosts = kinds[kind].hosts;
	s->style = spec_is_flood(s) ? SOURCES_RANDOM : SOURCES_HOSTS;
}

static int
find_kind(struct spec *s, const char *name, unsigned int number)
{
	char known[256] = "";

	for (unsigned int k = 0; k < KIND_COUNT; k++) {
		if (strcmp(kinds[k].name, name) == 0) {
			set_kind(s, (enum kind)k);
			return 0;
		}
		strcat(known, k == 0 ? "" : ", ");
		strcat(known, kinds[k].name);
	}
	s->vector = vector_find(name);
	if (s->vector != NULL) {
		set_kind(s, s->vector->kind);
		return 0;
	}
	complain("part %u: unknown kind '%s'; known are %s and the vectors of "
	         "--list-vectors",
	         number, name, known);
	return -EINVAL;
}

/* A payload that follows a protocol has the size that it has. */
static bool
is_known(const struct spec_key *k, const struct spec *s)
{
	return (k->kinds & 1u << s->kind) != 0 &&
	       (strcmp(k->name, "size") != 0 || s->vector == NULL ||
	        s->vector->write == NULL);
}

static int
complain_key(const struct spec *s, const char *name, unsigned int number)
{
	char known[512] = "";
	bool exists = false;

	for (const struct spec_key *k = spec_keys; k->name != NULL; k++) {
		exists = exists || strcmp(k->name, name) == 0;
		if (!is_known(k, s))
			continue;
		strcat(known, known[0] == '\0' ? "" : ", ");
		strcat(known, k->name);
	}
	complain("part %u: %s '%s'; %s knows %s", number,
	         exists ? "this kind has no key" : "unknown key", name, spec_name(s),
	         known);
	return -EINVAL;
}

static int
read_pair(struct spec *s, char *pair, unsigned int number)
{
	char *value = strchr(pair, '=');

	if (value == NULL) {
		complain("part %u: '%s' is no key=value pair", number, pair);
		return -EINVAL;
	}
	*value++ = '\0';
	for (const struct spec_key *k = spec_keys; k->name != NULL; k++) {
		if (strcmp(k->name, pair) != 0 || !is_known(k, s))
			continue;
		if (k->read(s, value) == 0)
			return 0;
		complain("part %u: '%s' does not fit %s=; write %s", number, value,
		         k->name, k->form);
		return -EINVAL;
	}
	return complain_key(s, pair, number);
}

/* What the row of a vector says comes first, so that the user's words win. */
static int
preset(struct spec *s, unsigned int number)
{
	char buf[256], *save = NULL;

	if (s->vector == NULL || s->vector->keys == NULL)
		return 0;
	strncpy(buf, s->vector->keys, sizeof(buf) - 1);
	buf[sizeof(buf) - 1] = '\0';
	for (char *word = strtok_r(buf, ",", &save); word != NULL;
	     word = strtok_r(NULL, ",", &save)) {
		if (read_pair(s, word, number) != 0)
			return -EINVAL;
	}
	return 0;
}

static void
set_prefix(struct prefix *p, const char *text)
{
	/* The texts are ours and parse. */
	if (p->base.family == 0 && prefix_parse(p, text) != 0)
		p->base.family = 0;
}

static bool
says_ends(const struct spec *s)
{
	return s->use4 || s->use6 || s->style != SOURCES_RANDOM || s->sport.max != 0 ||
	       s->dport.max != 0 || s->dst4.base.family != 0 ||
	       s->dst6.base.family != 0 || s->from4.base.family != 0 ||
	       s->from6.base.family != 0;
}

/* Of a vector that one family has. */
static bool
take_only(struct spec *s, unsigned int family, unsigned int number)
{
	if (family == 4 ? s->use6 && !s->use4 : s->use4 && !s->use6) {
		complain("part %u: %s is of IPv%u alone; drop family=", number,
		         spec_name(s), family);
		return false;
	}
	s->use4 = family == 4;
	s->use6 = family == 6;
	return true;
}

/* Fill in what was not said; returns -EINVAL if what was said contradicts itself. */
static int
complete(struct spec *s, unsigned int number)
{
	const bool is_bots = s->kind == KIND_BOTS;
	const struct vector *v = s->vector;

	if (s->live.count > 0 && says_ends(s)) {
		complain("part %u: flows= says who speaks to whom; drop family=, "
		         "sources=, "
		         "from=, dst=, sport= and dport=",
		         number);
		return -EINVAL;
	}
	if (!s->use4 && !s->use6 && (v == NULL || v->only == 0)) {
		s->use6 = s->dst6.base.family != 0 || s->from6.base.family != 0;
		s->use4 =
			!s->use6 || s->dst4.base.family != 0 || s->from4.base.family != 0;
	}
	if (v != NULL && v->only != 0 && !take_only(s, v->only, number))
		return -EINVAL;
	if ((!s->use4 && (s->dst4.base.family != 0 || s->from4.base.family != 0)) ||
	    (!s->use6 && (s->dst6.base.family != 0 || s->from6.base.family != 0))) {
		complain("part %u: an address is of the family that family= leaves out; "
		         "write family=both or drop the address",
		         number);
		return -EINVAL;
	}
	if (s->style == SOURCES_NET && ((s->use4 && s->from4.base.family == 0) ||
	                                (s->use6 && s->from6.base.family == 0))) {
		complain("part %u: sources=net: needs a prefix of each family; "
		         "add from=PREFIX for the other",
		         number);
		return -EINVAL;
	}
	if (v != NULL && v->dst4 != NULL) {
		set_prefix(&s->dst4, v->dst4);
		set_prefix(&s->dst6, v->dst6);
	}
	set_prefix(&s->dst4, "203.0.113.10");
	set_prefix(&s->dst6, "2001:db8:a::10");
	set_prefix(&s->from4, is_bots ? "198.51.100.0/24" : "198.18.0.0/15");
	set_prefix(&s->from6, is_bots ? "2001:db8:b::/48" : "2001:db8:c::/48");
	return 0;
}

static int
check(const struct spec *s, unsigned int number)
{
	const uint64_t room4 = s->use4 ? prefix_hosts(&s->from4) : UINT64_MAX;
	const uint64_t room6 = s->use6 ? prefix_hosts(&s->from6) : UINT64_MAX;

	if (s->style == SOURCES_HOSTS && (s->hosts > room4 || s->hosts > room6)) {
		complain("part %u: %llu hosts do not fit into from=; give a shorter "
		         "prefix",
		         number, (unsigned long long)s->hosts);
		return -EINVAL;
	}
	/* Each of the two carries at least eight bytes, and at most what fits 1500. */
	if (s->kind == KIND_FRAGMENT && s->fragments != FRAGMENT_RESTS &&
	    s->size.max != 0 && (s->size.min < 16 || s->size.max > 2872)) {
		complain("part %u: size= of a fragmented pair must be 16 to 2872",
		         number);
		return -EINVAL;
	}
	if (s->gap_ns != 0 && s->repeat < 2) {
		complain("part %u: gap= is between repetitions; add repeat=2 or more",
		         number);
		return -EINVAL;
	}
	if (s->kind == KIND_FRAGMENT && s->fragments == FRAGMENT_RESTS &&
	    s->size.max > 1440) {
		complain("part %u: size= of a fragment must be at most 1440", number);
		return -EINVAL;
	}
	return 0;
}

static int
fail(struct spec *s)
{
	spec_free(s);
	return -EINVAL;
}

int
spec_parse(struct spec *s, const char *text, unsigned int number,
           const struct spec_defaults *d)
{
	char buf[512], *save = NULL, *word;

	if (strlen(text) >= sizeof(buf)) {
		complain("part %u: longer than %zu characters", number, sizeof(buf) - 1);
		return -EINVAL;
	}
	strcpy(buf, text);
	memset(s, 0, sizeof(*s));
	s->duration_ns = d->duration_ns;
	memcpy(s->wire.outside, d->outside, 6);
	memcpy(s->wire.inside, d->inside, 6);
	word = strtok_r(buf, ",", &save);
	if (find_kind(s, word != NULL ? word : "", number) != 0)
		return -EINVAL;
	if (preset(s, number) != 0)
		return fail(s);
	for (word = strtok_r(NULL, ",", &save); word != NULL;
	     word = strtok_r(NULL, ",", &save)) {
		if (read_pair(s, word, number) != 0)
			return fail(s);
	}
	if (complete(s, number) != 0 || check(s, number) != 0)
		return fail(s);
	if (s->gap_ns == 0)
		s->gap_ns = NS_PER_S;
	return 0;
}

void
spec_free(struct spec *s)
{
	live_free(&s->live);
}

void
spec_print_vectors(FILE *to)
{
	const struct vector *v;

	for (unsigned int k = 0; k < KIND_COUNT; k++)
		fprintf(to, "%s\t%s\n", kinds[k].name, kinds[k].help);
	for (size_t i = 0; (v = vector_at(i)) != NULL; i++)
		fprintf(to, "%s\t%s\n", v->name, v->help);
}

void
spec_print_help(FILE *to)
{
	fprintf(to, "\nKinds:\n");
	for (unsigned int k = 0; k < KIND_COUNT; k++)
		fprintf(to, "  %-13s %s\n", kinds[k].name, kinds[k].help);
	fprintf(to, "\nKeys (value; kinds that know it, if not all):\n");
	for (const struct spec_key *k = spec_keys; k->name != NULL; k++) {
		fprintf(to, "  %-10s %s\n%14s%s", k->name, k->help, "", k->form);
		if (k->kinds != (1u << KIND_COUNT) - 1) {
			fprintf(to, ";");
			for (unsigned int i = 0; i < KIND_COUNT; i++) {
				if ((k->kinds & 1u << i) != 0)
					fprintf(to, " %s", kinds[i].name);
			}
		}
		fputc('\n', to);
	}
}
