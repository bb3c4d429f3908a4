/* SPDX-License-Identifier: BSD-3-Clause */
/* Files and what they include: found beside the asking file, named in every message. */
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "schema.h"
#include "suite.h"

static char folder[] = "/tmp/tidegate-conf-XXXXXX";

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *to;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	to = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	fputs(text, to);
	fclose(to);
}

/* `expected` with each @ standing for the folder. */
static void
expect_file(const char *name, const char *expected, struct everything *out)
{
	struct conf_errors errors = { 0 };
	char path[128], wanted[2048];
	size_t n = 0;

	for (const char *s = expected; *s != '\0' && n < sizeof(wanted) - 64; s++) {
		if (*s == '@')
			n += (size_t)sprintf(wanted + n, "%s", folder);
		else
			wanted[n++] = *s;
	}
	wanted[n] = '\0';
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	CU_ASSERT_EQUAL(conf_read_file(path, everything_fields, out, &errors) == 0,
	                expected[0] == '\0');
	CU_ASSERT_TRUE(is_told(&errors, wanted));
	conf_errors_free(&errors);
}

static void
expect_told(const char *name, const char *expected)
{
	struct everything out;

	expect_file(name, expected, &out);
	conf_release(everything_fields, &out);
}

static void
includes_are_found_beside_the_file_that_asks(void)
{
	struct everything e;

	write_file("main.conf",
	           "version = 1;\n@include \"sub/one.conf\"\nword = \"allow\";\n");
	write_file("sub/one.conf", "count = \"5\";\n@include \"two.conf\"");
	write_file("sub/two.conf", "text = \"two\";");
	expect_file("main.conf", "", &e);
	CU_ASSERT_EQUAL(e.count, 5);
	CU_ASSERT_EQUAL(e.word, 0);
	CU_ASSERT_STRING_EQUAL_FATAL(e.text, "two");
	conf_release(everything_fields, &e);
}

static void
errors_name_the_included_file_and_the_lines_after_it(void)
{
	write_file("main.conf",
	           "version = 1;\non = 1;\n  @include \"sub/one.conf\" count = 5;\n"
	           "word = \"x\";\n");
	write_file("sub/one.conf",
	           "\n\ntime = \"5\";\n@include \"two.conf\"\nbits = \"1\";\n");
	write_file("sub/two.conf", "\n\n\n\ntxt = 1;");
	expect_told(
		"main.conf",
		"@/sub/two.conf:5: unknown key \"txt\"; did you mean \"text\"?\n"
		"@/main.conf:2: on: must be true or false, without quotes\n"
		"@/main.conf:3: count: 5 has no unit; write it in quotes, for example "
		"\"256k\"\n"
		"@/sub/one.conf:3: time: \"5\" has no unit; write for example \"30s\"\n"
		"@/sub/one.conf:5: bits: \"1\" has no unit; write for example "
		"\"10Gbit/s\"\n"
		"@/main.conf:4: word: \"x\" is unknown; allowed are \"allow\", \"deny\", "
		"\"challenge\"\n");
}

static void
pieces_of_lists_may_be_included(void)
{
	struct everything e;

	write_file("main.conf",
	           "version = 1; prefixes = [\n@include \"sub/one.conf\"\n];\n");
	write_file("sub/one.conf", "\"192.0.2.0/24\",\n\"198.51.100.0/24\"\n");
	expect_file("main.conf", "", &e);
	CU_ASSERT_EQUAL(e.prefixes.count, 2);
	conf_release(everything_fields, &e);
	write_file("sub/one.conf", "\"192.0.2.0/24\"\n\"198.51.100.0/33\"\n");
	expect_told("main.conf", "@/sub/one.conf:2: prefixes: a comma is missing before "
	                         "this string; it would "
	                         "be joined to the one before it\n");
}

static void
what_cannot_be_included_is_named(void)
{
	write_file("main.conf",
	           "version = 1;\n@include \"gone.conf\"\n@include \"sub\"\n");
	expect_told(
		"main.conf",
		"@/main.conf:2: cannot open include file \"@/gone.conf\": No such file "
		"or "
		"directory\n"
		"@/main.conf:3: cannot open include file \"@/sub\": Is a directory\n");
}

static void
files_that_include_each_other_are_stopped(void)
{
	write_file("main.conf", "version = 1;\n@include \"a.conf\"\n");
	write_file("a.conf", "\n@include \"b.conf\"\n");
	write_file("b.conf", "@include \"a.conf\"\n");
	expect_told("main.conf",
	            "@/b.conf:1: include file \"@/a.conf\" includes itself\n");
	/* By ever new names: one in another at most ten. */
	write_file("a.conf", "@include \"sub/../a.conf\"\n");
	expect_told("main.conf",
	            "@/sub/../sub/../sub/../sub/../sub/../sub/../sub/../sub/../sub/"
	            "../a.conf:1: includes go too far; allowed are 10 one in another "
	            "and 1000 in all\n");
}

static void
a_missing_file_is_named(void)
{
	expect_told("none.conf", "@/none.conf: cannot read the configuration file: No "
	                         "such file or directory\n");
}

static void
the_folder_is_cleared(void)
{
	static const char *const names[] = {
		"main.conf", "a.conf", "b.conf", "sub/one.conf", "sub/two.conf", "sub", ""
	};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		CU_ASSERT_EQUAL(remove(path), 0);
	}
}

static void
the_folder_is_made(void)
{
	char path[128];

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sub", folder);
	CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
}

SUITE_MAIN("files", TEST(the_folder_is_made),
           TEST(includes_are_found_beside_the_file_that_asks),
           TEST(errors_name_the_included_file_and_the_lines_after_it),
           TEST(pieces_of_lists_may_be_included), TEST(what_cannot_be_included_is_named),
           TEST(files_that_include_each_other_are_stopped), TEST(a_missing_file_is_named),
           TEST(the_folder_is_cleared))
