/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/words.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What tcpdump knows and an IP packet can answer. */
static const char *const known[] = {
	"ip",  "ip6", "tcp",  "udp",       "icmp", "icmp6",   "igmp",  "sctp",
	"ah",  "esp", "pim",  "vrrp",      "host", "net",     "port",  "portrange",
	"src", "dst", "mask", "multicast", "less", "greater", "proto", NULL,
};

/* Names of offsets and values; libpcap reads them as numbers. */
static const char *const numbers[] = {
	"len",
	"icmptype",
	"icmpcode",
	"icmp6type",
	"icmp6code",
	"tcpflags",
	"icmp-echoreply",
	"icmp-unreach",
	"icmp-sourcequench",
	"icmp-redirect",
	"icmp-echo",
	"icmp-routeradvert",
	"icmp-routersolicit",
	"icmp-timxceed",
	"icmp-paramprob",
	"icmp-tstamp",
	"icmp-tstampreply",
	"icmp-ireq",
	"icmp-ireqreply",
	"icmp-maskreq",
	"icmp-maskreply",
	"icmp6-destinationunreach",
	"icmp6-destinationrunreach",
	"icmp6-packettoobig",
	"icmp6-timeexceeded",
	"icmp6-parameterproblem",
	"icmp6-echo",
	"icmp6-echoreply",
	"tcp-fin",
	"tcp-syn",
	"tcp-rst",
	"tcp-push",
	"tcp-ack",
	"tcp-urg",
	"tcp-ece",
	"tcp-cwr",
	NULL,
};

/* tcpdump's words about what lies around or below IP, or that need more than the packet. */
static const char *const elsewhere[] = {
	"ether",   "link",   "vlan",      "mpls",    "pppoed",  "pppoes",   "arp",
	"rarp",    "llc",    "broadcast", "gateway", "inbound", "outbound", "ifindex",
	"ifname",  "on",     "fddi",      "tr",      "wlan",    "ppp",      "slip",
	"radio",   "decnet", "atalk",     "aarp",    "iso",     "stp",      "ipx",
	"netbeui", "lat",    "geneve",    "type",    "subtype", "dir",      NULL,
};

struct cutting {
	const char *text, *at;
	struct filter_words *out;
	char *error;
	size_t room;
};

static bool
is_among(const char *const *list, const char *word, size_t n)
{
	for (; *list != NULL; list++)
		if (strlen(*list) == n && memcmp(*list, word, n) == 0)
			return true;
	return false;
}

static int
refuse(struct cutting *c, const char *word, size_t n, const char *why)
{
	snprintf(c->error, c->room, "'%.*s' %s", (int)(n > 64 ? 64 : n), word, why);
	return -EINVAL;
}

/* Take `n` bytes of the text as one word that is written as `as`. */
static int
take(struct cutting *c, enum filter_kind kind, size_t n, const char *as)
{
	struct filter_words *o = c->out;
	const size_t size = strlen(as);

	if (o->count == FILTER_WORDS_MAX || o->written + size + 2 > sizeof(o->text)) {
		snprintf(c->error, c->room,
		         "the expression has more than %d words; write several, or rules",
		         FILTER_WORDS_MAX);
		return -EINVAL;
	}
	if (o->written > 0)
		o->text[o->written++] = ' ';
	o->word[o->count++] = (struct filter_word){
		.kind = (uint8_t)kind,
		.from = (uint16_t)(c->at - c->text),
		.len = (uint16_t)n,
		.at = (uint16_t)o->written,
		.size = (uint16_t)size,
	};
	memcpy(o->text + o->written, as, size + 1);
	o->written += size;
	c->at += n;
	return 0;
}

/* --- numbers and addresses ------------------------------------------------- */

/* Decimal, 0x and octal, at most 32 bits. */
static bool
is_number(const char *word)
{
	const bool is_hex = word[0] == '0' && (word[1] | 0x20) == 'x';
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)*word) || strlen(word) > 12 ||
	    (is_hex && !isxdigit((unsigned char)word[2])))
		return false;
	value = strtoull(word, &end, 0);
	return *end == '\0' && value <= UINT32_MAX;
}

/* One to four numbers up to 255 with dots between, and at least one dot. */
static bool
is_dotted(const char *word)
{
	unsigned int parts = 0;

	for (;; word++) {
		unsigned int value = 0, digits = 0;

		for (; isdigit((unsigned char)*word) && digits < 4; word++, digits++)
			value = value * 10 + (unsigned int)(*word - '0');
		if (digits == 0 || digits > 3 || value > 255 || ++parts > 4)
			return false;
		if (*word == '\0')
			return parts > 1;
		if (*word != '.')
			return false;
	}
}

static bool
is_port(const char *digits, size_t n)
{
	unsigned int value = 0;

	if (n == 0 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)digits[i]))
			return false;
		value = value * 10 + (unsigned int)(digits[i] - '0');
	}
	return value <= 65535;
}

static bool
is_range(const char *word)
{
	const char *dash = strchr(word, '-');

	return dash != NULL && is_port(word, (size_t)(dash - word)) &&
	       is_port(dash + 1, strlen(dash + 1));
}

/* Whether an IPv6 address begins here: how many bytes it has, and written in full. */
static size_t
ipv6_at(const char *at, char full[40])
{
	const size_t n = strspn(at, "0123456789abcdefABCDEF:.");
	struct in6_addr a;
	char word[INET6_ADDRSTRLEN];
	char *to = full;

	if (n < 2 || n >= sizeof(word) || memchr(at, ':', n) == NULL)
		return 0;
	memcpy(word, at, n);
	word[n] = '\0';
	if (inet_pton(AF_INET6, word, &a) != 1)
		return 0;
	for (unsigned int i = 0; i < 16; i += 2)
		to += sprintf(to, i == 0 ? "%x" : ":%x",
		              a.s6_addr[i] << 8 | a.s6_addr[i + 1]);
	return n;
}

/* --- words ----------------------------------------------------------------- */

static int
name(struct cutting *c, const char *word, size_t n)
{
	const struct filter_words *o = c->out;
	const struct filter_word *last = o->count == 0 ? NULL : &o->word[o->count - 1];
	const char *before = last == NULL ? "" : o->text + last->at;

	if (strcmp(word, "protochain") == 0)
		return refuse(c, word, n,
		              "would loop; write 'proto' and a number: IPv6 extension "
		              "headers are looked through anyway");
	if (is_among(elsewhere, word, n))
		return refuse(
			c, word, n,
			"is not about the IP packet, which is all that an expression "
			"sees, with or without tags; leave it out");
	if (strcmp(before, "proto") == 0)
		return refuse(c, word, n, "is the name of a protocol; write its number");
	if (strcmp(before, "port") == 0 || strcmp(before, "portrange") == 0)
		return refuse(c, word, n, "is the name of a service; write its port");
	return refuse(
		c, word, n,
		"is none of tcpdump's words for IP packets; names are not looked up: "
		"write addresses, networks and ports as numbers");
}

static int
word_at(struct cutting *c)
{
	char word[64];
	size_t n = 1;

	while (isalnum((unsigned char)c->at[n]) || c->at[n] == '.' || c->at[n] == '_' ||
	       c->at[n] == '-')
		n++;
	/* A word that ends in '-' is one without, and a minus. */
	while (n > 1 && c->at[n - 1] == '-')
		n--;
	if (n >= sizeof(word))
		return refuse(c, c->at, n, "is too long for a word");
	memcpy(word, c->at, n);
	word[n] = '\0';
	if (is_number(word))
		return take(c, FILTER_NUMBER, n, word);
	if (is_dotted(word))
		return take(c, FILTER_ADDRESS, n, word);
	if (is_range(word)) {
		const struct filter_words *o = c->out;

		if (o->count == 0 ||
		    strcmp(o->text + o->word[o->count - 1].at, "portrange") != 0)
			return refuse(c, word, n,
			              "stands for ports after 'portrange' alone; to "
			              "subtract, put blanks around '-'");
		return take(c, FILTER_RANGE, n, word);
	}
	if (strcmp(word, "and") == 0 || strcmp(word, "or") == 0 ||
	    strcmp(word, "not") == 0)
		return take(c, FILTER_LOGIC, n, word);
	if (is_among(numbers, word, n))
		return take(c, FILTER_NUMBER, n, word);
	if (is_among(known, word, n))
		return take(c, FILTER_WORD, n, word);
	return name(c, word, n);
}

static int
sign_at(struct cutting *c)
{
	static const struct {
		char sign[3];
		uint8_t kind;
	} signs[] = {
		/* Those of two characters first. */
		{ "&&", FILTER_LOGIC },    { "||", FILTER_LOGIC },
		{ "<<", FILTER_SUM },      { ">>", FILTER_SUM },
		{ "<=", FILTER_RELATION }, { ">=", FILTER_RELATION },
		{ "==", FILTER_RELATION }, { "!=", FILTER_RELATION },
		{ "<", FILTER_RELATION },  { ">", FILTER_RELATION },
		{ "=", FILTER_RELATION },  { "!", FILTER_LOGIC },
		{ "+", FILTER_SUM },       { "-", FILTER_SUM },
		{ "*", FILTER_SUM },       { "/", FILTER_SUM },
		{ "%", FILTER_SUM },       { "&", FILTER_SUM },
		{ "|", FILTER_SUM },       { "^", FILTER_SUM },
		{ ":", FILTER_SUM },       { "(", FILTER_BRACKET },
		{ ")", FILTER_BRACKET },   { "[", FILTER_BRACKET },
		{ "]", FILTER_BRACKET },
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		const size_t n = strlen(signs[i].sign);

		if (strncmp(c->at, signs[i].sign, n) != 0)
			continue;
		if (*c->at == '[' && c->out->count > 0) {
			struct filter_word *w = &c->out->word[c->out->count - 1];
			const char *proto = c->out->text + w->at;

			if (strcmp(proto, "tcp") == 0 || strcmp(proto, "udp") == 0 ||
			    strcmp(proto, "sctp") == 0) {
				w->kind = FILTER_READ;
				c->out->has_read = true;
			}
		}
		return take(c, (enum filter_kind)signs[i].kind, n, signs[i].sign);
	}
	if (*c->at == '\\')
		return refuse(c, c->at, 1,
		              "escapes a name, and names are not looked up: write the "
		              "protocol's number");
	if (!isprint((unsigned char)*c->at)) {
		snprintf(c->error, c->room, "byte 0x%02x cannot stand in an expression",
		         (unsigned char)*c->at);
		return -EINVAL;
	}
	return refuse(c, c->at, 1, "cannot stand in an expression");
}

int
filter_words(const char *text, struct filter_words *out, char *error, size_t room)
{
	struct cutting c = {
		.text = text, .at = text, .out = out, .error = error, .room = room
	};
	char full[40];
	int status = 0;

	out->count = 0;
	out->written = 0;
	out->has_read = false;
	out->text[0] = '\0';
	while (status == 0) {
		size_t n;

		c.at += strspn(c.at, " \t\r\n");
		if (*c.at == '\0')
			break;
		n = ipv6_at(c.at, full);
		if (n > 0)
			status = take(&c, FILTER_ADDRESS, n, full);
		else if (isalnum((unsigned char)*c.at) || *c.at == '_')
			status = word_at(&c);
		else
			status = sign_at(&c);
	}
	if (status == 0 && out->count == 0) {
		snprintf(error, room,
		         "an empty expression would match everything; write 'ip or ip6' "
		         "if "
		         "that is meant");
		return -EINVAL;
	}
	return status;
}
