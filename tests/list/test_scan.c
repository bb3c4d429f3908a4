/* SPDX-License-Identifier: BSD-3-Clause */
/* What is a prefix is what inet_pton() takes; what is a time is RFC 3339's. */
#include <arpa/inet.h>

#include "list_rig.h"

/* splitmix64: the same numbers in every run. */
static uint64_t seed = 7;

static uint64_t
draw(uint64_t below)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % below;
}

/* What the library says about an address without a length. */
static int
twin(const char *text, uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(address, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, text, address + 12) == 1)
		return 0;
	if (inet_pton(AF_INET6, text, address) != 1)
		return -EINVAL;
	return memcmp(address, mapped, sizeof(mapped)) == 0 ? -EXDEV : 0;
}

static bool
agrees(const char *text)
{
	const size_t len = strlen(text);
	/* Of its own, without an ending NUL: a byte read too far is found. */
	char *alone = malloc(len + 1);
	struct prefix p = { .len = 0 };
	uint8_t address[16];
	int slow = twin(text, address), fast;

	memcpy(alone, text, len);
	alone[len] = '1';
	fast = list_scan_prefix(alone, len, &p);
	free(alone);
	if (slow != fast)
		fprintf(stderr, "\"%s\": %d, inet_pton says %d\n", text, fast, slow);
	return slow == fast && (slow != 0 || memcmp(p.address, address, 16) == 0);
}

static void
written_addresses_are_taken_as_inet_pton_does(void)
{
	static const char *const texts[] = {
		"",
		"0.0.0.0",
		"255.255.255.255",
		"256.1.1.1",
		"1.2.3",
		"1.2.3.4.5",
		"01.2.3.4",
		"1.2.3.04",
		"1..2.3",
		"1.2.3.",
		".1.2.3",
		"1.2.3.4 ",
		"::",
		"::1",
		"1::",
		":::",
		"::1::",
		"1:2:3:4:5:6:7:8",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7::",
		"::2:3:4:5:6:7:8",
		"1::3:4:5:6:7:8",
		"1:2:3:4:5:6:7:8::",
		"::1:2:3:4:5:6:7:8",
		"1:2:3:4::5:6:7:8",
		"12345::",
		"g::",
		"::1.2.3.4",
		"::ffff:1.2.3.4",
		"::ffff:102:304",
		"64:ff9b::192.0.2.1",
		"1:2:3:4:5:6:1.2.3.4",
		"1:2:3:4:5:6:7:1.2.3.4",
		"1.2.3.4::",
		"::1.2.3",
		"::1.2.3.4:5",
		"2001:DB8::AbCd",
		":1",
		"1:",
		":1:2",
		"fe80::1%eth0",
		"0x1.2.3.4",
		"1",
		"::00001",
		"::0001",
		"::256.1.1.1",
		"::01.2.3.4",
		"-1.2.3.4",
		"+1.2.3.4",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		CU_ASSERT(agrees(texts[i]));
}

static void
drawn_texts_are_taken_as_inet_pton_does(void)
{
	static const char letters[] = "0123456789abcfF.:.::";
	unsigned int good = 0, bad = 0;

	for (unsigned int i = 0; i < 400000; i++) {
		char text[48];
		size_t len = 1 + draw(14);
		uint8_t address[16];

		for (size_t k = 0; k < len; k++)
			text[k] = letters[draw(sizeof(letters) - 1)];
		text[len] = '\0';
		if (!agrees(text)) {
			bad++;
			break;
		}
		good += twin(text, address) == 0;
	}
	CU_ASSERT_EQUAL(bad, 0);
	/* A draw that never made an address would prove nothing. */
	CU_ASSERT(good > 1000);
}

/* Sound addresses, with one character changed in half of them. */
static void
changed_addresses_are_taken_as_inet_pton_does(void)
{
	unsigned int good = 0;

	for (unsigned int i = 0; i < 400000; i++) {
		uint8_t address[16];
		char text[INET6_ADDRSTRLEN];
		const bool is_four = draw(2) == 0;

		for (unsigned int k = 0; k < 16; k++)
			address[k] = (uint8_t)(draw(3) == 0 ? 0 : draw(256));
		inet_ntop(is_four ? AF_INET : AF_INET6, address, text, sizeof(text));
		if (draw(2) == 0)
			text[draw(strlen(text))] = "0:.f9g"[draw(6)];
		if (!agrees(text)) {
			CU_FAIL("the scanner differs");
			return;
		}
		good += twin(text, address) == 0;
	}
	CU_ASSERT(good > 200000);
}

static void
lengths_and_bits_behind_them_are_judged(void)
{
	static const struct {
		const char *text;
		int rc;
		const char *prefix;
	} cases[] = {
		{ "192.0.2.0/24", 0, "192.0.2.0/24" },
		{ "192.0.2.1", 0, "192.0.2.1/32" },
		{ "192.0.2.1/24", -EDOM, "192.0.2.0/24" },
		{ "255.255.255.255/31", -EDOM, "255.255.255.254/31" },
		{ "0.0.0.0/0", 0, "0.0.0.0/0" },
		{ "10.0.0.0/33", -ERANGE, NULL },
		{ "10.0.0.0/999", -ERANGE, NULL },
		{ "10.0.0.0/08", -EINVAL, NULL },
		{ "10.0.0.0/", -EINVAL, NULL },
		{ "10.0.0.0/8/8", -EINVAL, NULL },
		{ "10.0.0.0/-1", -EINVAL, NULL },
		{ "/8", -EINVAL, NULL },
		{ "2001:db8::/32", 0, "2001:db8::/32" },
		{ "2001:db8::/128", 0, "2001:db8::/128" },
		{ "2001:db8::/129", -ERANGE, NULL },
		{ "2001:db8::1/32", -EDOM, "2001:db8::/32" },
		{ "2001:db8:80::/41", 0, "2001:db8:80::/41" },
		{ "2001:db8:c0::/41", -EDOM, "2001:db8:80::/41" },
		{ "::ffff:192.0.2.0/120", -EXDEV, NULL },
		{ "::ffff:0:0/96", -EXDEV, NULL },
		{ "::/0", 0, "::/0" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct prefix p;
		char text[PREFIX_TEXT];
		int rc = list_scan_prefix(cases[i].text, strlen(cases[i].text), &p);

		CU_ASSERT_EQUAL(rc, cases[i].rc);
		if (cases[i].prefix == NULL || rc != cases[i].rc)
			continue;
		prefix_format(&p, text);
		CU_ASSERT_STRING_EQUAL(text, cases[i].prefix);
	}
}

static void
times_are_read_in_every_way(void)
{
	static const struct {
		const char *text;
		int rc;
		uint32_t until;
	} cases[] = {
		{ "", 0, 0 },
		{ "2026-12-24T12:00:00Z", 0, 1798113600 },
		{ "2026-12-24t12:00:00z", 0, 1798113600 },
		{ "2026-12-24T12:00:00+02:00", 0, 1798113600 - 7200 },
		{ "2026-12-24T12:00:00-05:30", 0, 1798113600 + 19800 },
		{ "2028-02-29T00:00:00Z", 0, 1835395200 },
		{ "2027-02-29T00:00:00Z", -EINVAL, 0 },
		{ "2026-13-01T00:00:00Z", -EINVAL, 0 },
		{ "2026-12-24T24:00:00Z", -EINVAL, 0 },
		{ "2026-12-24T12:00:00", -EINVAL, 0 },
		{ "2026-12-24T12:00:00Zx", -EINVAL, 0 },
		{ "2026-12-24T12:00:00+99:00", -EINVAL, 0 },
		{ "2026-12-24", -EINVAL, 0 },
		{ "1969-12-31T23:59:59Z", -EINVAL, 0 },
		{ "2106-02-07T06:28:16Z", -ERANGE, 0 },
		{ "1790003600", 0, 1790003600 },
		{ "0", 0, 1 },
		{ "4294967295", 0, UINT32_MAX },
		{ "4294967296", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "17900x", -EINVAL, 0 },
		{ "+3600s", 0, 1790003600 },
		{ "+1h", 0, 1790003600 },
		{ "+1ms", 0, 1790000001 },
		{ "+", -EINVAL, 0 },
		{ "+3600", -EINVAL, 0 },
		{ "+999999999999999d", -EINVAL, 0 },
		{ "soon", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t until = 0;
		int rc = list_scan_until(cases[i].text, strlen(cases[i].text), NOW,
		                         &until);

		if (rc != cases[i].rc || until != cases[i].until)
			fprintf(stderr, "\"%s\": %d, %u\n", cases[i].text, rc, until);
		CU_ASSERT_EQUAL(rc, cases[i].rc);
		CU_ASSERT_EQUAL(until, cases[i].until);
	}
}

static void
countries_and_systems_are_told_from_slips(void)
{
	CU_ASSERT(list_is_selectable("CN"));
	CU_ASSERT(list_is_selectable("nl"));
	CU_ASSERT(list_is_selectable("AS64496"));
	CU_ASSERT(list_is_selectable("as4294967295"));
	CU_ASSERT_FALSE(list_is_selectable("AS4294967296"));
	CU_ASSERT_FALSE(list_is_selectable("AS0"));
	CU_ASSERT_FALSE(list_is_selectable("AS064496"));
	CU_ASSERT_FALSE(list_is_selectable("CHN"));
	CU_ASSERT_FALSE(list_is_selectable("C"));
	CU_ASSERT_FALSE(list_is_selectable(""));
	CU_ASSERT_FALSE(list_is_selectable("AS64496 "));
	CU_ASSERT_FALSE(list_is_selectable("64496"));
	CU_ASSERT_EQUAL(list_format_of("/a.b/feed"), LIST_PLAIN);
	CU_ASSERT_EQUAL(list_format_of("feed.CSV"), LIST_CSV);
	CU_ASSERT_EQUAL(list_format_of("GeoLite2-ASN.mmdb"), LIST_MMDB);
	CU_ASSERT_EQUAL(list_format_of("feed.txt"), LIST_PLAIN);
}

SUITE_MAIN("list scan", TEST(written_addresses_are_taken_as_inet_pton_does),
           TEST(drawn_texts_are_taken_as_inet_pton_does),
           TEST(changed_addresses_are_taken_as_inet_pton_does),
           TEST(lengths_and_bits_behind_them_are_judged),
           TEST(times_are_read_in_every_way),
           TEST(countries_and_systems_are_told_from_slips))
