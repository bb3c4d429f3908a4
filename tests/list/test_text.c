/* SPDX-License-Identifier: BSD-3-Clause */
/* Plain lists and CSV: what is taken, and what is said about what is not. */
#include "base/sha256.h"
#include "list_rig.h"

static void
prefixes_come_sorted_and_once(void)
{
	start(LIST_PLAIN);
	CU_ASSERT_EQUAL_FATAL(read_text("# a feed\n"
	                                "198.51.100.0/24 ; SBL1\n"
	                                "2001:db8::/32\n"
	                                "\n"
	                                "  192.0.2.7\t# one host\n"
	                                "198.51.100.0/25#near\n"
	                                "192.0.2.7/32\r\n"
	                                "; done\n"
	                                "::1"),
	                      0);
	CU_ASSERT_STRING_EQUAL(shown(), "::1/128 192.0.2.7/32 198.51.100.0/24 "
	                                "198.51.100.0/25 2001:db8::/32");
	CU_ASSERT_EQUAL(content->lines, 9);
	CU_ASSERT_EQUAL(content->skipped, 0);
	CU_ASSERT_EQUAL(content->ended, 0);
	CU_ASSERT_EQUAL(errors.count + errors.warnings, 0);
	CU_ASSERT(content->read_unix_ns > 0);
}

static void
the_digest_is_the_files(void)
{
	static const char text[] = "192.0.2.0/24\n";
	char digest[SHA256_TEXT];

	start(LIST_PLAIN);
	CU_ASSERT_EQUAL_FATAL(read_text(text), 0);
	sha256_text(text, strlen(text), digest);
	CU_ASSERT_STRING_EQUAL(content->sha256, digest);
}

static void
a_mark_in_front_means_nothing_and_utf16_is_refused(void)
{
	start(LIST_PLAIN);
	CU_ASSERT_EQUAL(read_text("\xef\xbb\xbf"
	                          "192.0.2.0/24\n"),
	                0);
	CU_ASSERT_STRING_EQUAL(shown(), "192.0.2.0/24");
	CU_ASSERT_EQUAL(read_bytes("\xff\xfe\x31\x00", 4), -EINVAL);
	CU_ASSERT(is_told(0, "UTF-16"));
	CU_ASSERT_PTR_NULL(content);
	CU_ASSERT_EQUAL(read_text("\x1f\x8b\x08"), -EINVAL);
	CU_ASSERT(is_told(0, "gunzip"));
}

static const struct {
	const char *line, *words;
} broken[] = {
	{ "192.0.2.1/24", "write \"192.0.2.0/24\" for the network, or \"192.0.2.1\"" },
	{ "2001:db8::1/32", "write \"2001:db8::/32\"" },
	{ "192.0.2.0/33", "0 to 32" },
	{ "2001:db8::/129", "0 to 128" },
	{ "::ffff:192.0.2.1", "IPv6 clothes" },
	{ "0.0.0.0/0", "every address" },
	{ "::/0", "every address" },
	{ "example.org", "is not a prefix" },
	{ "192.0.2.1-192.0.2.9", "is not a prefix" },
	{ "\x1b[2J", "\"?[2J\" is not a prefix" },
};

static void
a_broken_line_is_named_with_the_remedy(void)
{
	char text[256];

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		start(LIST_PLAIN);
		snprintf(text, sizeof(text), "192.0.2.0/24\n\n%s\n198.51.100.1\n",
		         broken[i].line);
		CU_ASSERT_EQUAL(read_text(text), -EINVAL);
		CU_ASSERT_PTR_NULL(content);
		CU_ASSERT_EQUAL(errors.count, 1);
		CU_ASSERT(is_told(3, broken[i].words));
		CU_ASSERT_STRING_EQUAL(errors.error[0].file, "feed");
		CU_ASSERT_STRING_EQUAL(errors.error[0].path, "lists(feed)");

		spec.on_error = LIST_SKIP;
		CU_ASSERT_EQUAL_FATAL(read_text(text), 0);
		CU_ASSERT_STRING_EQUAL(shown(), "192.0.2.0/24 198.51.100.1/32");
		CU_ASSERT_EQUAL(content->skipped, 1);
		CU_ASSERT_EQUAL(errors.count, 0);
		CU_ASSERT_EQUAL(errors.warnings, 1);
		CU_ASSERT(is_told(3, broken[i].words));
		CU_ASSERT(is_told(3, "left out"));
	}
	start(LIST_PLAIN);
	CU_ASSERT_EQUAL(read_text("192.0.2.0/24 evil\n"), -EINVAL);
	CU_ASSERT(is_told(1, "\"evil\" stands behind the prefix"));
}

static void
nul_bytes_and_endless_lines_end_in_words(void)
{
	static char text[3 * LIST_LINE_MAX];

	start(LIST_PLAIN);
	CU_ASSERT_EQUAL(read_bytes("192.0.2.0/24\n192.0\0.2.1\n", 24), -EINVAL);
	CU_ASSERT(is_told(2, "NUL byte"));

	memset(text, '1', sizeof(text));
	memcpy(text, "192.0.2.1\n", 10);
	memcpy(text + sizeof(text) - 12, "\n192.0.2.2\n", 11);
	text[sizeof(text) - 1] = '\n';
	CU_ASSERT_EQUAL(read_bytes(text, sizeof(text)), -EINVAL);
	CU_ASSERT_EQUAL(errors.count, 1);
	CU_ASSERT(is_told(2, "longer than 4096"));
	spec.on_error = LIST_SKIP;
	CU_ASSERT_EQUAL_FATAL(read_bytes(text, sizeof(text)), 0);
	CU_ASSERT_STRING_EQUAL(shown(), "192.0.2.1/32 192.0.2.2/32");
}

static void
of_many_broken_lines_the_first_are_named(void)
{
	char *text = malloc(4 * 500 + 32);
	size_t n = 0;

	for (unsigned int i = 0; i < 500; i++)
		n += (size_t)sprintf(text + n, "x\n");
	strcpy(text + n, "192.0.2.1\n");
	start(LIST_PLAIN);
	CU_ASSERT_EQUAL(read_text(text), -EINVAL);
	CU_ASSERT_EQUAL(errors.count, 101);
	CU_ASSERT(is_told(100, "is not a prefix"));
	CU_ASSERT(is_told(0, "400 more lines are broken"));
	spec.on_error = LIST_SKIP;
	CU_ASSERT_EQUAL_FATAL(read_text(text), 0);
	CU_ASSERT_EQUAL(errors.count, 0);
	CU_ASSERT_EQUAL(errors.warnings, 11);
	CU_ASSERT(is_told(0, "490 more lines are broken"));
	CU_ASSERT_EQUAL(content->skipped, 500);
	CU_ASSERT_EQUAL(content->count, 1);
	free(text);
}

static void
too_many_and_none_refuse_the_whole(void)
{
	start(LIST_PLAIN);
	spec.most = 2;
	spec.on_error = LIST_SKIP;
	CU_ASSERT_EQUAL(read_text("192.0.2.1\n192.0.2.2\n"), 0);
	CU_ASSERT_EQUAL(read_text("192.0.2.1\n192.0.2.2\n192.0.2.3\n"), -E2BIG);
	CU_ASSERT(is_told(0, "more than 2 prefixes"));
	CU_ASSERT(is_told(0, "raise max_prefixes"));
	CU_ASSERT_EQUAL(read_text(""), -EINVAL);
	CU_ASSERT(is_told(0, "allow_empty = true"));
	CU_ASSERT_EQUAL(read_text("# nothing\n"), -EINVAL);
	/* All of it is broken: that is no empty list, whatever is skipped. */
	CU_ASSERT_EQUAL(read_text("<html>\n"), -EINVAL);
	spec.allow_empty = true;
	CU_ASSERT_EQUAL_FATAL(read_text("# nothing\n"), 0);
	CU_ASSERT_EQUAL(content->count, 0);
}

/* --- CSV --- */

static void
csv_has_times_and_remarks(void)
{
	start(LIST_CSV);
	CU_ASSERT_EQUAL_FATAL(
		read_text("\xef\xbb\xbfPrefix,Until,Remark\r\n"
	                  "192.0.2.1,2026-12-24T12:00:00Z,a bot\r\n"
	                  "\"192.0.2.2\" , \"1790003600\" ,\"says \"\"hi\"\", twice\"\r\n"
	                  "192.0.2.3,+1h\r\n"
	                  "192.0.2.4,,no, end, at \"all\r\n"
	                  "# a remark\r\n"
	                  "2001:db8::/32\r\n"),
		0);
	CU_ASSERT_STRING_EQUAL(shown(),
	                       "192.0.2.1/32@1798113600 192.0.2.2/32@1790003600 "
	                       "192.0.2.3/32@1790003600 192.0.2.4/32 2001:db8::/32");
}

static void
what_is_over_is_left_out_and_the_latest_end_wins(void)
{
	start(LIST_CSV);
	CU_ASSERT_EQUAL_FATAL(read_text("192.0.2.1,1789999999\n"
	                                "192.0.2.2,1790000000\n"
	                                "192.0.2.3,1790000001\n"
	                                "192.0.2.4,1790000005\n"
	                                "192.0.2.4,1790000009\n"
	                                "192.0.2.4,1790000007\n"
	                                "192.0.2.5,1790000005\n"
	                                "192.0.2.5,\n"
	                                "192.0.2.5,1790000006\n"),
	                      0);
	CU_ASSERT_STRING_EQUAL(shown(), "192.0.2.3/32@1790000001 192.0.2.4/32@1790000009 "
	                                "192.0.2.5/32");
	CU_ASSERT_EQUAL(content->ended, 2);
}

static void
broken_csv_is_named(void)
{
	static const struct {
		const char *text;
		unsigned int line;
		const char *words;
	} cases[] = {
		{ "192.0.2.1,tomorrow\n", 1, "\"tomorrow\" is no time" },
		{ "192.0.2.1,2027-02-29T00:00:00Z\n", 1, "is no time" },
		{ "192.0.2.1,9999999999\n", 1, "behind the year 2105" },
		{ "192.0.2.1\n\"192.0.2.2,5\n", 2, "quote is not closed" },
		{ "192.0.2.1\n\"192.0.2.2\"x,5\n", 2, "between a closed quote" },
		{ "prefix,comment\n192.0.2.1\n", 1,
		  "second column is \"comment\" and must be until" },
		{ "192.0.2.1\nprefix,until\n", 2, "\"until\" is no time" },
		{ "192.0.2.1\n192.0.2.9/24,\n", 2, "192.0.2.0/24" },
		{ ",1790003600\n", 1, "\"\" is not a prefix" },
		{ "192.0.2.1\n192.0.2.1;5\n", 2, "is not a prefix" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		start(LIST_CSV);
		CU_ASSERT_EQUAL(read_text(cases[i].text), -EINVAL);
		CU_ASSERT(is_told(cases[i].line, cases[i].words));
	}
	forget();
}

SUITE_MAIN("list text", TEST(prefixes_come_sorted_and_once),
           TEST(the_digest_is_the_files),
           TEST(a_mark_in_front_means_nothing_and_utf16_is_refused),
           TEST(a_broken_line_is_named_with_the_remedy),
           TEST(nul_bytes_and_endless_lines_end_in_words),
           TEST(of_many_broken_lines_the_first_are_named),
           TEST(too_many_and_none_refuse_the_whole), TEST(csv_has_times_and_remarks),
           TEST(what_is_over_is_left_out_and_the_latest_end_wins),
           TEST(broken_csv_is_named))
