/* SPDX-License-Identifier: BSD-3-Clause */
/* Databases of our own make: countries, systems, IPv4 inside IPv6, and torn ones. */
#include "list_rig.h"
#include "mmdb_writer.h"

static struct mmdb_writer w;

static const char *const *
wanted(const char *a, const char *b)
{
	static const char *select[3];

	select[0] = a;
	select[1] = b;
	select[2] = NULL;
	return select;
}

static void
finish(const char *type)
{
	mmdb_finish(&w, type);
	start(LIST_MMDB);
}

static void
countries_of_ipv4_are_expanded(void)
{
	static const unsigned int bits[] = { 24, 28, 32 };

	for (unsigned int i = 0; i < 3; i++) {
		uint32_t nl, de;

		mmdb_begin(&w, 4, bits[i]);
		nl = mmdb_country(&w, "NL");
		de = mmdb_country(&w, "DE");
		mmdb_add(&w, "192.0.2.0/24", nl);
		mmdb_add(&w, "198.51.100.0/24", de);
		mmdb_add(&w, "198.51.100.128/25", nl);
		mmdb_add(&w, "203.0.113.7/32", nl);
		finish("GeoLite2-Country");
		spec.select = wanted("nl", NULL);
		CU_ASSERT_EQUAL_FATAL(read_bytes(w.out, w.len), 0);
		CU_ASSERT_STRING_EQUAL(shown(),
		                       "192.0.2.0/24 198.51.100.128/25 203.0.113.7/32");
		CU_ASSERT_EQUAL(content->lines, 4);
		spec.select = wanted("DE", "NL");
		CU_ASSERT_EQUAL_FATAL(read_bytes(w.out, w.len), 0);
		CU_ASSERT_EQUAL(content->count, 4);
		spec.select = NULL;
		CU_ASSERT_EQUAL_FATAL(read_bytes(w.out, w.len), 0);
		CU_ASSERT_EQUAL(content->count, 4);
		mmdb_end(&w);
	}
}

/* As MaxMind writes it: three more ways lead to the same IPv4 networks. */
static void
ipv4_inside_ipv6_comes_once(void)
{
	uint32_t nl, root;

	mmdb_begin(&w, 6, 28);
	nl = mmdb_country(&w, "NL");
	mmdb_add(&w, "192.0.2.0/24", nl);
	mmdb_add(&w, "2001:db8::/32", nl);
	root = mmdb_ipv4_root(&w);
	mmdb_put(&w, (const uint8_t[16]){ [10] = 0xff, [11] = 0xff }, 96, root);
	mmdb_alias(&w, "2001::/32", root);
	mmdb_alias(&w, "2002::/16", root);
	finish("GeoLite2-Country");
	spec.select = wanted("NL", NULL);
	CU_ASSERT_EQUAL_FATAL(read_bytes(w.out, w.len), 0);
	CU_ASSERT_STRING_EQUAL(shown(), "192.0.2.0/24 2001:db8::/32");
	CU_ASSERT_EQUAL(content->lines, 2);
	mmdb_end(&w);
}

/* Others write the networks a second time below ::ffff:0:0/96. */
static void
ipv4_that_is_written_twice_comes_once(void)
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2 };
	uint32_t nl;

	mmdb_begin(&w, 6, 24);
	nl = mmdb_country(&w, "NL");
	mmdb_add(&w, "192.0.2.0/24", nl);
	mmdb_put(&w, mapped, 120, MMDB_DATA | nl);
	mmdb_add(&w, "2002:c000:200::/40", nl);
	finish("GeoLite2-Country");
	spec.select = wanted("NL", NULL);
	CU_ASSERT_EQUAL_FATAL(read_bytes(w.out, w.len), 0);
	CU_ASSERT_STRING_EQUAL(shown(), "192.0.2.0/24 2002:c000:200::/40");
	mmdb_end(&w);
}

static void
a_network_above_all_of_ipv4_holds_it_too(void)
{
	uint32_t nl;

	mmdb_begin(&w, 6, 24);
	nl = mmdb_country(&w, "NL");
	mmdb_add(&w, "::/64", nl);
	finish("Test");
	spec.select = wanted("NL", NULL);
	CU_ASSERT_EQUAL_FATAL(read_bytes(w.out, w.len), 0);
	CU_ASSERT_STRING_EQUAL(shown(), "::/64 0.0.0.0/0");
	mmdb_end(&w);
}

static void
systems_are_found_by_number(void)
{
	uint32_t one, two;

	mmdb_begin(&w, 6, 32);
	one = mmdb_system(&w, 64496);
	two = mmdb_system(&w, 4200000001);
	mmdb_add(&w, "192.0.2.0/24", one);
	mmdb_add(&w, "198.51.100.0/24", two);
	mmdb_add(&w, "2001:db8::/33", two);
	finish("GeoLite2-ASN");
	spec.select = wanted("AS4200000001", NULL);
	CU_ASSERT_EQUAL_FATAL(read_bytes(w.out, w.len), 0);
	CU_ASSERT_STRING_EQUAL(shown(), "198.51.100.0/24 2001:db8::/33");
	mmdb_end(&w);
}

static void
other_makers_databases_are_read(void)
{
	uint32_t country, system;

	mmdb_begin(&w, 4, 24);
	country = mmdb_flat(&w, "country", "nl");
	system = mmdb_flat(&w, "asn", "AS64497");
	mmdb_add(&w, "192.0.2.0/24", country);
	mmdb_add(&w, "198.51.100.0/24", system);
	finish("ipinfo");
	spec.select = wanted("NL", "AS64497");
	CU_ASSERT_EQUAL_FATAL(read_bytes(w.out, w.len), 0);
	CU_ASSERT_EQUAL(content->count, 2);
	CU_ASSERT_EQUAL(errors.warnings, 0);
	mmdb_end(&w);
}

static void
slips_in_select_are_told(void)
{
	mmdb_begin(&w, 4, 24);
	mmdb_add(&w, "192.0.2.0/24", mmdb_country(&w, "GB"));
	finish("GeoLite2-Country");
	spec.select = wanted("GB", "UK");
	CU_ASSERT_EQUAL(read_bytes(w.out, w.len), 0);
	CU_ASSERT(is_told(0, "no network of \"UK\""));
	spec.select = wanted("UK", NULL);
	CU_ASSERT_EQUAL(read_bytes(w.out, w.len), -EINVAL);
	CU_ASSERT(is_told(0, "there is no prefix in it"));
	spec.select = wanted("GB", "AS64496");
	CU_ASSERT_EQUAL(read_bytes(w.out, w.len), -EINVAL);
	CU_ASSERT(is_told(0, "(GeoLite2-Country) tells no autonomous systems"));
	spec.select = wanted("Great Britain", NULL);
	CU_ASSERT_EQUAL(read_bytes(w.out, w.len), -EINVAL);
	CU_ASSERT(is_told(0, "neither a country"));
	mmdb_end(&w);
	mmdb_begin(&w, 4, 24);
	mmdb_add(&w, "192.0.2.0/24", mmdb_system(&w, 64496));
	finish("GeoLite2-ASN");
	spec.select = wanted("GB", NULL);
	CU_ASSERT_EQUAL(read_bytes(w.out, w.len), -EINVAL);
	CU_ASSERT(is_told(0, "tells no countries"));
	mmdb_end(&w);
}

static void
a_tree_without_an_end_is_refused(void)
{
	mmdb_begin(&w, 6, 24);
	mmdb_add(&w, "2001:db8::/32", mmdb_country(&w, "NL"));
	/* Two ways lead back to near the root. */
	w.node[5][1] = 1;
	w.node[9][1] = 1;
	finish("Test");
	CU_ASSERT_EQUAL(read_bytes(w.out, w.len), -EINVAL);
	CU_ASSERT(is_told(0, "its tree has no end"));
	mmdb_end(&w);
}

/* Cut anywhere, or with any byte changed: an answer, and where it is an error, a sentence. */
static void
torn_databases_end_in_words(void)
{
	unsigned int refused = 0;

	mmdb_begin(&w, 6, 24);
	mmdb_add(&w, "192.0.2.0/24", mmdb_country(&w, "NL"));
	mmdb_add(&w, "2001:db8::/32", mmdb_system(&w, 64496));
	finish("Test");
	spec.select = wanted("NL", "AS64496");
	for (size_t len = 0; len < w.len; len += 3) {
		uint8_t *cut = malloc(len + 1);

		memcpy(cut, w.out, len);
		read_bytes(cut, len);
		refused += status < 0;
		CU_ASSERT_EQUAL(status<0, errors.count> 0);
		free(cut);
	}
	CU_ASSERT(refused > w.len / 3 - 40);
	for (size_t i = 0; i < w.len; i++) {
		w.out[i] ^= 0xff;
		read_bytes(w.out, w.len);
		CU_ASSERT_EQUAL(status<0, errors.count> 0);
		w.out[i] ^= 0xff;
	}
	CU_ASSERT_EQUAL(read_text("192.0.2.0/24\n"), -EINVAL);
	CU_ASSERT(is_told(0, "no MaxMind database"));
	CU_ASSERT_EQUAL(read_text(""), -EINVAL);
	mmdb_end(&w);
}

static void
a_database_is_read_from_its_file(void)
{
	const char *path = temporary(".mmdb");

	mmdb_begin(&w, 4, 24);
	mmdb_add(&w, "192.0.2.0/24", mmdb_country(&w, "NL"));
	finish("GeoLite2-Country");
	write_file(path, w.out, w.len);
	spec.select = wanted("NL", NULL);
	CU_ASSERT_EQUAL_FATAL(read_file(path), 0);
	CU_ASSERT_STRING_EQUAL(shown(), "192.0.2.0/24");
	CU_ASSERT_EQUAL(strlen(content->sha256), 64);
	spec.most = 0;
	CU_ASSERT_EQUAL(read_file(path), -E2BIG);
	mmdb_end(&w);
	unlink(path);
	forget();
}

SUITE_MAIN("list mmdb", TEST(countries_of_ipv4_are_expanded),
           TEST(ipv4_inside_ipv6_comes_once), TEST(ipv4_that_is_written_twice_comes_once),
           TEST(a_network_above_all_of_ipv4_holds_it_too),
           TEST(systems_are_found_by_number), TEST(other_makers_databases_are_read),
           TEST(slips_in_select_are_told), TEST(a_tree_without_an_end_is_refused),
           TEST(torn_databases_end_in_words), TEST(a_database_is_read_from_its_file))
