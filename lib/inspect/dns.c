/* SPDX-License-Identifier: BSD-3-Clause */
#include "inspect/dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLOCK 16

static inline uint16_t
get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap16(v);
}

/*
 * Labels of a name that begins at `name` with `room` bytes behind. Returns the name's
 * length with the root, or 0 when it is no name, or not all of it is there.
 */
static inline unsigned int
walk(const uint8_t *name, size_t room, struct dns *out)
{
	const unsigned int most = room < DNS_MAX_NAME ? (unsigned int)room : DNS_MAX_NAME;
	unsigned int at = 0, labels = 0;

	while (at < most) {
		const unsigned int len = name[at];

		if (len == 0) {
			out->labels = (uint8_t)labels;
			return at + 1;
		}
		/* A label takes two bytes at least, so no more than DNS_MAX_LABELS fit. */
		if (len > DNS_MAX_LABEL || at + len + 1 >= most)
			return 0;
		out->at[labels++] = (uint8_t)at;
		at += len + 1;
	}
	return 0;
}

/* RFC 6891 6.1.2: the root's name, type OPT, size, four bytes of flags, its length. */
static inline void
read_edns(const uint8_t *opt, size_t room, struct dns *out)
{
	out->has_edns = false;
	if (out->additionals == 0 || out->questions != 1 ||
	    (out->answers | out->authorities) != 0 || room < DNS_OPT)
		return;
	if (opt[0] != 0 || get16(opt + 1) != DNS_TYPE_OPT)
		return;
	out->edns_data = get16(opt + 9);
	out->has_edns = room - DNS_OPT >= out->edns_data;
}

bool
dns_read(const uint8_t *message, size_t len, struct dns *out)
{
	const uint8_t *tail;
	unsigned int name_len;

	if (len < DNS_HEADER + 1 + DNS_TAIL)
		return false;
	out->id = get16(message);
	out->flags = get16(message + 2);
	out->questions = get16(message + 4);
	out->answers = get16(message + 6);
	out->authorities = get16(message + 8);
	out->additionals = get16(message + 10);
	name_len = walk(message + DNS_HEADER, len - DNS_HEADER - DNS_TAIL, out);
	if (name_len == 0 || out->questions == 0)
		return false;
	out->name_len = (uint8_t)name_len;
	tail = message + DNS_HEADER + name_len;
	out->type = get16(tail);
	out->class = get16(tail + 2);
	out->end = (uint16_t)(DNS_HEADER + name_len + DNS_TAIL);
	read_edns(tail + DNS_TAIL, len - out->end, out);
	return true;
}

/* --- hashing --- */

/* A name with room to load a block from wherever it ends. */
struct lowered {
	uint8_t bytes[DNS_MAX_NAME + 1 + BLOCK];
};

/* Lengths are below 64, so no letter (RFC 4343). */
static inline void
lower(struct lowered *out, const uint8_t *name, unsigned int len)
{
	const __m128i before_a = _mm_set1_epi8('A' - 1), after_z = _mm_set1_epi8('Z' + 1);
	const __m128i bit = _mm_set1_epi8('a' - 'A');

	memcpy(out->bytes, name, len);
	memset(out->bytes + len, 0, BLOCK);
	for (unsigned int i = 0; i < len; i += BLOCK) {
		__m128i *at = (__m128i *)(void *)(out->bytes + i);
		const __m128i v = _mm_loadu_si128(at);
		const __m128i is_capital = _mm_and_si128(_mm_cmpgt_epi8(v, before_a),
		                                         _mm_cmpgt_epi8(after_z, v));

		_mm_storeu_si128(at, _mm_or_si128(v, _mm_and_si128(is_capital, bit)));
	}
}

/* The first n bytes of a block, 1..16; the others are what follows. */
static inline __m128i
first_bytes(__m128i block, unsigned int n)
{
	const __m128i place =
		_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

	return _mm_and_si128(block, _mm_cmplt_epi8(place, _mm_set1_epi8((char)n)));
}

/*
 * A label with its length, which keeps "ab.c" and "a.bc" apart. Two rounds a block, because
 * after one a byte of the next block could undo what a byte of this one changed.
 */
static inline __m128i
add_label(const struct hash_key *key, __m128i state, const uint8_t *label)
{
	unsigned int left = label[0] + 1u;

	while (left > 0) {
		const unsigned int n = left < BLOCK ? left : BLOCK;
		const __m128i block = first_bytes(
			_mm_loadu_si128((const __m128i *)(const void *)label), n);

		state = hash_round(_mm_xor_si128(state, block), hash_round_key(key, 1));
		state = hash_round(state, hash_round_key(key, 2));
		label += n;
		left -= n;
	}
	return state;
}

static void
hash_name(const struct hash_key *key, const struct lowered *name, const struct dns *q,
          struct dns_hashes *out)
{
	__m128i state = hash_round_key(key, 0);

	out->depth = q->labels < DNS_DEPTH ? q->labels : DNS_DEPTH;
	out->state[0] = state;
	for (unsigned int k = 1; k <= q->labels; k++) {
		state = add_label(key, state, name->bytes + q->at[q->labels - k]);
		if (k <= DNS_DEPTH)
			out->state[k] = state;
	}
	out->name = hash_of_state(hash_finish_state_by(hash_is_aes, key, state)).lo;
}

void
dns_hash(const struct hash_key *key, const uint8_t *message, const struct dns *q,
         struct dns_hashes *out)
{
	struct lowered name;

	lower(&name, message + DNS_HEADER, q->name_len);
	hash_name(key, &name, q, out);
}

/* --- text --- */

/* Labels of "a.b" with their lengths; returns the length with the root, or 0. */
static unsigned int
to_wire(const char *text, uint8_t wire[DNS_MAX_NAME])
{
	unsigned int at = 0;

	if (strcmp(text, ".") == 0)
		text = "";
	while (*text != '\0') {
		const size_t len = strcspn(text, ".");

		if (len == 0 || len > DNS_MAX_LABEL || at + len + 2 > DNS_MAX_NAME)
			return 0;
		wire[at] = (uint8_t)len;
		memcpy(wire + at + 1, text, len);
		at += (unsigned int)len + 1;
		text += len;
		text += *text == '.';
	}
	wire[at] = 0;
	return at + 1;
}

int
dns_hash_text(const struct hash_key *key, const char *text, uint64_t *hash)
{
	uint8_t wire[DNS_MAX_NAME];
	struct dns_hashes hashes;
	struct lowered name;
	struct dns q;
	unsigned int len;

	if (text[0] == '\0' || strpbrk(text, "\\ \t\"") != NULL)
		return -EINVAL;
	len = to_wire(text, wire);
	if (len == 0 || walk(wire, len + 1, &q) != len || q.labels > DNS_DEPTH)
		return -EINVAL;
	lower(&name, wire, len);
	hash_name(key, &name, &q, &hashes);
	*hash = hashes.name;
	return q.labels;
}

/* IANA's table of resource record types, those that a server is asked for. */
static const struct {
	const char *name;
	uint16_t number;
} types[] = {
	{ "A", 1 },           { "NS", 2 },     { "CNAME", 5 },       { "SOA", 6 },
	{ "PTR", 12 },        { "HINFO", 13 }, { "MX", 15 },         { "TXT", 16 },
	{ "RP", 17 },         { "AFSDB", 18 }, { "AAAA", 28 },       { "LOC", 29 },
	{ "SRV", 33 },        { "NAPTR", 35 }, { "KX", 36 },         { "CERT", 37 },
	{ "DNAME", 39 },      { "APL", 42 },   { "DS", 43 },         { "SSHFP", 44 },
	{ "IPSECKEY", 45 },   { "RRSIG", 46 }, { "NSEC", 47 },       { "DNSKEY", 48 },
	{ "DHCID", 49 },      { "NSEC3", 50 }, { "NSEC3PARAM", 51 }, { "TLSA", 52 },
	{ "SMIMEA", 53 },     { "HIP", 55 },   { "CDS", 59 },        { "CDNSKEY", 60 },
	{ "OPENPGPKEY", 61 }, { "CSYNC", 62 }, { "ZONEMD", 63 },     { "SVCB", 64 },
	{ "HTTPS", 65 },      { "SPF", 99 },   { "EUI48", 108 },     { "EUI64", 109 },
	{ "TKEY", 249 },      { "IXFR", 251 }, { "AXFR", 252 },      { "ANY", 255 },
	{ "URI", 256 },       { "CAA", 257 },
};

int
dns_type_by_name(const char *name)
{
	unsigned long number;
	char *end;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcasecmp(types[i].name, name) == 0)
			return types[i].number;
	if (strncasecmp(name, "TYPE", 4) != 0 || name[4] < '0' || name[4] > '9')
		return -EINVAL;
	number = strtoul(name + 4, &end, 10);
	return *end == '\0' && number <= UINT16_MAX ? (int)number : -EINVAL;
}
