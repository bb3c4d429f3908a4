/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions as they are on the wire, those that are none, and names as they are hashed. */
#include "inspect/dns.h"

#include <stdlib.h>

#include "inspect/dns_wire.h"
#include "suite.h"

static struct hash_key key;

static const uint8_t *
message_of(const struct wire *w)
{
	return w->bytes + w->udp + 8;
}

static size_t
length_of(const struct wire *w)
{
	return w->len - w->udp - 8;
}

static void
ask(struct wire *w, const char *name, unsigned int type)
{
	dns_begin(w, (struct dns_way){ 0 });
	dns_header(w, DNS_RD, 1, 0);
	dns_question(w, name, type);
}

/* Read a copy of its very length, so that a sanitizer sees every byte too many. */
static bool
read_tightly(const uint8_t *message, size_t len, struct dns *q)
{
	uint8_t *copy = malloc(len != 0 ? len : 1);
	bool is_read;

	CU_ASSERT_FATAL(copy != NULL);
	memcpy(copy, message, len);
	is_read = dns_read(copy, len, q);
	free(copy);
	return is_read;
}

static void
a_question_is_read(void)
{
	struct wire w;
	struct dns q;

	ask(&w, "www.example.com", 28);
	CU_ASSERT_TRUE_FATAL(read_tightly(message_of(&w), length_of(&w), &q));
	CU_ASSERT_EQUAL(q.id, 0xbeef);
	CU_ASSERT_EQUAL(q.flags, DNS_RD);
	CU_ASSERT_EQUAL(q.questions, 1);
	CU_ASSERT_EQUAL(q.answers + q.authorities + q.additionals, 0);
	CU_ASSERT_EQUAL(q.type, 28);
	CU_ASSERT_EQUAL(q.class, 1);
	CU_ASSERT_EQUAL(q.labels, 3);
	CU_ASSERT_EQUAL(q.name_len, 17);
	CU_ASSERT_EQUAL(q.end, 12 + 17 + 4);
	CU_ASSERT_EQUAL(q.at[0], 0);
	CU_ASSERT_EQUAL(q.at[1], 4);
	CU_ASSERT_EQUAL(q.at[2], 12);
	CU_ASSERT_FALSE(q.has_edns);
}

/* Every length but the whole one is refused. */
static void
what_is_cut_is_refused(void)
{
	struct wire w;
	struct dns q;

	ask(&w, "a.bc", 1);
	for (size_t len = 0; len < length_of(&w); len++)
		CU_ASSERT_FALSE(read_tightly(message_of(&w), len, &q));
	CU_ASSERT_TRUE(read_tightly(message_of(&w), length_of(&w), &q));
}

static void
names_that_are_none_are_refused(void)
{
	static const struct {
		unsigned int at, value;
	} spoilt[] = {
		{ 12, 0xc0 }, { 14, 0xc0 }, { 12, 0x40 }, { 12, 0x80 }, { 14, 200 }
	};
	struct wire w;
	struct dns q;

	for (size_t i = 0; i < sizeof(spoilt) / sizeof(*spoilt); i++) {
		ask(&w, "a.bc", 1);
		w.bytes[w.udp + 8 + spoilt[i].at] = (uint8_t)spoilt[i].value;
		CU_ASSERT_FALSE(read_tightly(message_of(&w), length_of(&w), &q));
	}
	ask(&w, "a.bc", 1);
	w.bytes[w.udp + 8 + 5] = 0; /* no question is counted */
	CU_ASSERT_FALSE(read_tightly(message_of(&w), length_of(&w), &q));
}

/* 127 labels of one letter make 255 bytes; one byte more is no name. */
static void
the_longest_names_are_read(void)
{
	struct wire w;
	struct dns q;

	for (unsigned int more = 0; more < 2; more++) {
		dns_begin(&w, (struct dns_way){ 0 });
		dns_header(&w, 0, 1, 0);
		for (unsigned int i = 0; i < 127; i++) {
			const unsigned int len = i == 126 ? 1 + more : 1;

			wire_8(&w, len);
			wire_fill(&w, 'a', len);
		}
		wire_8(&w, 0);
		wire_32(&w, 0x00010001);
		CU_ASSERT_EQUAL(read_tightly(message_of(&w), length_of(&w), &q), !more);
		if (!more) {
			CU_ASSERT_EQUAL(q.labels, 127);
			CU_ASSERT_EQUAL(q.name_len, 255);
		}
	}
	ask(&w, "", 2);
	CU_ASSERT_TRUE(read_tightly(message_of(&w), length_of(&w), &q));
	CU_ASSERT_EQUAL(q.labels, 0);
	CU_ASSERT_EQUAL(q.name_len, 1);
}

static void
edns_is_seen_when_it_is_whole(void)
{
	static const uint8_t cookie[12] = { 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct wire w;
	struct dns q;

	dns_begin(&w, (struct dns_way){ 0 });
	dns_header(&w, 0, 1, 1);
	dns_question(&w, "example.com", 1);
	dns_opt(&w, cookie, sizeof(cookie));
	CU_ASSERT_TRUE(read_tightly(message_of(&w), length_of(&w), &q));
	CU_ASSERT_TRUE(q.has_edns);
	CU_ASSERT_EQUAL(q.edns_data, 12);
	CU_ASSERT_TRUE(read_tightly(message_of(&w), length_of(&w) - 1, &q));
	CU_ASSERT_FALSE(q.has_edns);
	CU_ASSERT_TRUE(read_tightly(message_of(&w), q.end + 10u, &q));
	CU_ASSERT_FALSE(q.has_edns);
	/* Another type, and one that nobody counts. */
	w.bytes[w.udp + 8 + q.end + 2] = 42;
	CU_ASSERT_TRUE(read_tightly(message_of(&w), length_of(&w), &q));
	CU_ASSERT_FALSE(q.has_edns);
	w.bytes[w.udp + 8 + q.end + 2] = 41;
	w.bytes[w.udp + 8 + 11] = 0;
	CU_ASSERT_TRUE(read_tightly(message_of(&w), length_of(&w), &q));
	CU_ASSERT_FALSE(q.has_edns);
}

/* The hash of the last labels of a name. */
static uint64_t
suffix_of(const char *name, unsigned int labels)
{
	struct dns_hashes h;
	struct wire w;
	struct dns q;

	ask(&w, name, 1);
	CU_ASSERT_TRUE_FATAL(dns_read(message_of(&w), length_of(&w), &q));
	dns_hash(&key, message_of(&w), &q, &h);
	CU_ASSERT_EQUAL(h.depth, q.labels < DNS_DEPTH ? q.labels : DNS_DEPTH);
	if (h.depth == q.labels)
		CU_ASSERT_EQUAL(h.name, dns_suffix(&key, &h, q.labels));
	return dns_suffix(&key, &h, labels);
}

static void
suffixes_are_hashed_by_labels_and_without_case(void)
{
	static const char deep[] = "a-label-of-more-than-sixteen-bytes.WwW.Example.CoM";
	uint64_t hash;

	CU_ASSERT_EQUAL(suffix_of("www.example.com", 2), suffix_of("example.com", 2));
	CU_ASSERT_EQUAL(suffix_of(deep, 3), suffix_of("www.example.com", 3));
	CU_ASSERT_EQUAL(
		suffix_of(deep, 4),
		suffix_of("A-LABEL-of-more-than-sixteen-bytes.www.example.com", 4));
	CU_ASSERT_NOT_EQUAL(suffix_of("ab.c", 2), suffix_of("a.bc", 2));
	CU_ASSERT_NOT_EQUAL(suffix_of("abc", 1), suffix_of("ab.c", 2));
	CU_ASSERT_NOT_EQUAL(suffix_of("example.com", 1), suffix_of("example.com", 2));
	CU_ASSERT_EQUAL(suffix_of("example.com", 0), suffix_of("", 0));
	CU_ASSERT_EQUAL(dns_hash_text(&key, "Example.COM.", &hash), 2);
	CU_ASSERT_EQUAL(hash, suffix_of("www.example.com", 2));
	CU_ASSERT_EQUAL(dns_hash_text(&key, ".", &hash), 0);
	CU_ASSERT_EQUAL(hash, suffix_of("example.com", 0));
	/* Not only its first or last bytes count. */
	for (unsigned int i = 0; i < 34; i++) {
		char other[] = "a-label-of-more-than-sixteen-bytes.example.com";

		other[i] = (char)(other[i] == 'z' ? 'y' : 'z');
		CU_ASSERT_NOT_EQUAL(
			suffix_of(other, 3),
			suffix_of("a-label-of-more-than-sixteen-bytes.example.com", 3));
	}
}

static void
texts_that_are_no_names_are_refused(void)
{
	static const char *const wrong[] = {
		"",
		"..",
		"a..b",
		".a",
		"a b",
		"a\\.b",
		"1.2.3.4.5.6.7.8.9.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p",
	};
	char label[66];
	uint64_t hash = 7;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CU_ASSERT(dns_hash_text(&key, wrong[i], &hash) < 0);
	memset(label, 'a', 65);
	label[64] = '\0';
	CU_ASSERT(dns_hash_text(&key, label, &hash) < 0);
	CU_ASSERT_EQUAL(hash, 7);
	label[63] = '\0';
	CU_ASSERT_EQUAL(dns_hash_text(&key, label, &hash), 1);
}

static void
types_have_names_and_numbers(void)
{
	CU_ASSERT_EQUAL(dns_type_by_name("AAAA"), 28);
	CU_ASSERT_EQUAL(dns_type_by_name("https"), 65);
	CU_ASSERT_EQUAL(dns_type_by_name("TYPE65"), 65);
	CU_ASSERT_EQUAL(dns_type_by_name("TYPE65535"), 65535);
	CU_ASSERT(dns_type_by_name("TYPE65536") < 0);
	CU_ASSERT(dns_type_by_name("TYPE") < 0);
	CU_ASSERT(dns_type_by_name("TYPE1x") < 0);
	CU_ASSERT(dns_type_by_name("AAAAA") < 0);
	CU_ASSERT(dns_type_by_name("") < 0);
}

static int
seed(void)
{
	hash_key_seeded(&key, 5);
	return 0;
}

SUITE_MAIN_WITH("inspect/dns", seed, NULL, TEST(a_question_is_read),
                TEST(what_is_cut_is_refused), TEST(names_that_are_none_are_refused),
                TEST(the_longest_names_are_read), TEST(edns_is_seen_when_it_is_whole),
                TEST(suffixes_are_hashed_by_labels_and_without_case),
                TEST(texts_that_are_no_names_are_refused),
                TEST(types_have_names_and_numbers))
