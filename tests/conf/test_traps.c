/* SPDX-License-Identifier: BSD-3-Clause */
/* What libconfig 1.5 misreads, and every slip of a writer: told with file, line and remedy. */
#include "check.h"
#include "schema.h"
#include "suite.h"

/* clang-format off */
static const struct trap {
	const char *text;
	const char *expected; /* what is printed; "" is a file without a fault */
} traps[] = {
	{ "version = 10000000000;",
	  "t.conf:1: version: 10000000000 does not fit libconfig's 32-bit integer and would be read as 1410065408; write it in quotes with its unit, such as \"10Gbit/s\" or \"4M\"\n" },
	{ "version = 4000000000; on=3;",
	  "t.conf:1: version: 4000000000 does not fit libconfig's 32-bit integer and would be read as -294967296; write it in quotes with its unit, such as \"10Gbit/s\" or \"4M\"\n" },
	{ "version = 0x80000000;",
	  "t.conf:1: version: 0x80000000 does not fit libconfig's 32-bit integer and would be read as -2147483648; write it in quotes with its unit, such as \"10Gbit/s\" or \"4M\"\n" },
	{ "version = -2147483649;",
	  "t.conf:1: version: -2147483649 does not fit libconfig's 32-bit integer and would be read as 2147483647; write it in quotes with its unit, such as \"10Gbit/s\" or \"4M\"\n" },
	{ "version = 10000000000L;",
	  "t.conf:1: version: 10000000000 is not possible; it must be 1\n" },
	{ "version = 99999999999999999999L;",
	  "t.conf:1: version: 99999999999999999999 does not fit libconfig's 64-bit integer\n" },
	{ "version = 10G;",
	  "t.conf:1: version: write 10G in quotes: \"10G\"\n" },
	{ "version = 1e6;",
	  "t.conf:1: version: must be a whole number without quotes\n" },
	{ "version = true;",
	  "t.conf:1: version: must be a whole number without quotes\n" },
	{ "version = 1; on = 1;",
	  "t.conf:1: on: must be true or false, without quotes\n" },
	{ "version = 1; version = 1;",
	  "t.conf:1: this key stands twice in its group\n" },
	{ "version = 1;\n/* note\non=2;\n",
	  "t.conf:2: the comment that begins here is never closed; the rest of the file would be ignored\n" },
	{ "text = \"x;\nb = 1;\nc = 2;\nd = \"y\";",
	  "t.conf:1: text: the string that begins here does not end on this line\n" },
	{ "group = { hold = \"1s\";\nversion = 1;\n",
	  "t.conf:1: the '{' that stands here is never closed\n" },
	{ "texts = [ \"1\", \"2\", ];",
	  "t.conf:1: texts: remove the comma before ']'\n" },
	{ "version = 1\non = true", "" },
	{ "version=1; prefixes = [ \"192.0.2.0/24\" \"198.51.100.0/24\" ];",
	  "t.conf:1: prefixes: a comma is missing before this string; it would be joined to the one before it\n" },
	{ "version=1; prefixes = [ 1, \"x\" ];",
	  "t.conf:1: the values of an array [ ] must all be of one kind\n" },
	{ "@include \"missing.cfg\"\nversion = 1;",
	  "t.conf:1: cannot open include file \"missing.cfg\": No such file or directory\n" },
	{ "@include \"conf.d/*.cfg\"",
	  "t.conf:1: cannot open include file \"conf.d/*.cfg\": No such file or directory (patterns are not supported)\n" },
	{ "version=1; packets = \"50kps\"; bits = \"50kps\"; rate = \"50kps\"; cps = \"5pps\"; time = \"5M\"; bytes=\"4MB\"; ratio=\"5\"; count=\"5m\";",
	  "t.conf:1: count: \"5m\" is not a count; did you mean \"5M\"?\n"
	  "t.conf:1: time: \"5M\" is not a time; did you mean \"5m\"?\n"
	  "t.conf:1: bytes: \"4MB\" is not a size; did you mean \"4MiB\"?\n"
	  "t.conf:1: ratio: \"5\" has no unit; write for example \"5%\"\n"
	  "t.conf:1: packets: \"50kps\" is not a packet rate; did you mean \"50kpps\"?\n"
	  "t.conf:1: bits: \"50kps\" is not a bit rate; did you mean \"50kbps\"?\n"
	  "t.conf:1: cps: \"5pps\" is a packet rate, not a connection rate; write for example \"200cps\"\n"
	  "t.conf:1: rate: \"50kps\" is not a packet or bit rate; did you mean \"50kpps\"?\n" },
	{ "version=1; packets = \"50\"; bits = \"10MB/s\"; rate = \"1.5 GB/s\"; cps = \"0cps\"; time = \"90\"; bytes=\"4\"; ratio=\"200%\"; count=\"0\";",
	  "t.conf:1: count: \"0\" is out of range; allowed is 1 to 64M\n"
	  "t.conf:1: time: \"90\" has no unit; write for example \"30s\"\n"
	  "t.conf:1: bytes: \"4\" has no unit; write for example \"4MiB\"\n"
	  "t.conf:1: ratio: \"200%\" is out of range; allowed is 0% to 100%\n"
	  "t.conf:1: packets: \"50\" has no unit; write for example \"50kpps\"\n"
	  "t.conf:1: bits: \"10MB/s\" counts bytes, but rates count bits; write \"80Mbit/s\"\n"
	  "t.conf:1: cps: \"0cps\" would let nothing pass; write \"off\" for no limit\n"
	  "t.conf:1: rate: \"1.5 GB/s\" counts bytes, but rates count bits; write \"10Mbit/s\"\n" },
	{ "version=1; packets = 50; bits = 1.5; rate = true; cps = \"-5cps\"; time = \"\"; bytes=\"1KiB \"; ratio=\"0.00001%\"; count=\"1.0005k\";",
	  "t.conf:1: count: \"1.0005k\" has too many decimals\n"
	  "t.conf:1: time: \"\" is not a time; write for example \"30s\"\n"
	  "t.conf:1: bytes: \"1KiB \" is not a size; did you mean \"1KiB\"?\n"
	  "t.conf:1: ratio: \"0.00001%\" has too many decimals\n"
	  "t.conf:1: packets: 50 has no unit; write it in quotes, for example \"50kpps\"\n"
	  "t.conf:1: bits: must be a bit rate in quotes, for example \"10Gbit/s\"\n"
	  "t.conf:1: cps: \"-5cps\" is not a connection rate; write for example \"200cps\" or \"off\"\n"
	  "t.conf:1: rate: must be a packet or bit rate in quotes, for example \"50kpps\"\n" },
	{ "version=1; packets = \"50MBPS\"; bits = \"10mbit/s\"; rate = \"0pps\"; time = \"300s\"; bytes=\"4kib\"; packets2=\"1\";",
	  "t.conf:1: unknown key \"packets2\"; did you mean \"packets\"?\n"
	  "t.conf:1: time: \"300s\" is out of range; allowed is 1ms to 1m\n"
	  "t.conf:1: bytes: \"4kib\" is not a size; did you mean \"4KiB\"?\n"
	  "t.conf:1: packets: \"50MBPS\" is not a packet rate; write for example \"50kpps\"\n"
	  "t.conf:1: bits: \"10mbit/s\" is not a bit rate; did you mean \"10Mbit/s\"?\n"
	  "t.conf:1: rate: \"0pps\" would let nothing pass; write \"off\" for no limit\n" },
	{ "version=1; word = \"alow\"; text = \"\"; texts = [ \"\" ]; pefixes = [];\n ports = [ \"0\", \"70000\", \"80-70\", \"80\", \"8-90\", \"http\" ]; group = { hol = \"1s\"; hold = \"0ms\"; title = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"; };",
	  "t.conf:1: unknown key \"pefixes\"; did you mean \"prefixes\"?\n"
	  "t.conf:1: word: \"alow\" is unknown; did you mean \"allow\"?\n"
	  "t.conf:1: text: must not be empty\n"
	  "t.conf:1: texts[0]: must not be empty\n"
	  "t.conf:2: ports[0]: \"0\": ports begin with 1\n"
	  "t.conf:2: ports[1]: \"70000\" is not a port; write for example \"443\" or \"8000-8099\"\n"
	  "t.conf:2: ports[2]: \"80-70\" runs backwards; did you mean \"70-80\"?\n"
	  "t.conf:2: ports[4]: \"8-90\" overlaps 80 to 80 above\n"
	  "t.conf:2: ports[5]: \"http\" is not a port; write for example \"443\" or \"8000-8099\"\n"
	  "t.conf:2: group: unknown key \"hol\"; did you mean \"hold\"?\n"
	  "t.conf:2: group.hold: \"0ms\" is out of range; allowed is 1ms to 1h\n"
	  "t.conf:2: group.title: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" has 34 characters; allowed are 0 to 20\n" },
	{ "version=1; prefixes = [\"192.0.2.5/24\", \"10.0.0.0/33\", \"::ffff:1.2.3.4\", \"x\", \"2001:db8::1/64\", \"1.2.3.4\", \"01.2.3.4\"];",
	  "t.conf:1: prefixes[0]: \"192.0.2.5/24\" has bits set behind its length; did you mean \"192.0.2.0/24\" or \"192.0.2.5/32\"?\n"
	  "t.conf:1: prefixes[1]: \"10.0.0.0/33\": the length of this prefix is 0 to 32\n"
	  "t.conf:1: prefixes[2]: \"::ffff:1.2.3.4\" is an IPv4 address in IPv6 clothes; write it as IPv4\n"
	  "t.conf:1: prefixes[3]: \"x\" is not a prefix; write for example \"192.0.2.0/24\" or \"2001:db8::/32\"\n"
	  "t.conf:1: prefixes[4]: \"2001:db8::1/64\" has bits set behind its length; did you mean \"2001:db8::/64\" or \"2001:db8::1/128\"?\n"
	  "t.conf:1: prefixes[6]: \"01.2.3.4\" is not a prefix; write for example \"192.0.2.0/24\" or \"2001:db8::/32\"\n" },
	{ "version=1; prefixes = [\"192.0.2.0/24\", \"::/0\", \"0.0.0.0/0\", \"192.0.2.0/24\"];",
	  "t.conf:1: prefixes[3]: \"192.0.2.0/24\" stands here twice\n" },
	{ "version=1; items = ( { name=\"a\"; rate = \"5pps\"; }, { nam = \"b\"; }, 3, { name=\"c\"; nest = { hold = 3; }; tags = \"x\"; } );",
	  "t.conf:1: items[0](a).rate: \"5pps\" is out of range; allowed is 10pps to 1Mpps\n"
	  "t.conf:1: items[1]: unknown key \"nam\"; did you mean \"name\"?\n"
	  "t.conf:1: items[1]: the key \"name\" is missing; it has no default\n"
	  "t.conf:1: items[2]: must be a group { }\n"
	  "t.conf:1: items[3](c).nest.hold: 3 has no unit; write it in quotes, for example \"30s\"\n"
	  "t.conf:1: items[3](c).tags: must be an array [ ] of texts in quotes\n" },
	{ "version=1; items = [ ]; section = (); sections = {};",
	  "t.conf:1: items: must be a list ( ) of groups { }\n"
	  "t.conf:1: section: must be a group { }\n"
	  "t.conf:1: sections: must be a list ( ) of groups { }\n" },
	{ "version=1; word = deny; ports = [ 80, 443 ];",
	  "t.conf:1: word: write deny in quotes: \"deny\"\n" },
	{ "version=1; prefixes = [ 192.0.2.0/24 ];",
	  "t.conf:1: prefixes: write 192.0.2.0/24 in quotes: \"192.0.2.0/24\"\n" },
	{ "on = ture; group = { hold = 30s; };",
	  "t.conf:1: on: ture is unknown; did you mean true?\n"
	  "t.conf:1: hold: write 30s in quotes: \"30s\"\n" },
	{ "version=1; }; ",
	  "t.conf:1: '}' closes nothing\n" },
	{ "version=1; group = ( ];",
	  "t.conf:1: ']' does not close the '(' of line 1\n" },
	{ "version=1 on == true;",
	  "t.conf:1: unexpected '='\n" },
	{ "on=true;",
	  "t.conf: the key \"version\" is missing; it has no default\n" },
	{ "version = 1; on = ture;",
	  "t.conf:1: on: ture is unknown; did you mean true?\n" },
	{ "version = 1; on = True; word = \"\";",
	  "t.conf:1: word: \"\" is unknown; allowed are \"allow\", \"deny\", \"challenge\"\n" },
	{ "version = 1; rate = \"18446744073709551616pps\"; bits = \"99999999999Tbit/s\";",
	  "t.conf:1: bits: \"99999999999Tbit/s\" is too large\n"
	  "t.conf:1: rate: \"18446744073709551616pps\" is too large\n" },
	{ "version = 1; cps = \"5rps\"; bits = \"5B/s\"; packets = \"5 kpps\"; time = \"1.5m\"; text = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\";",
	  "t.conf:1: time: \"1.5m\" is out of range; allowed is 1ms to 1m\n"
	  "t.conf:1: packets: \"5 kpps\" is not a packet rate; did you mean \"5kpps\"?\n"
	  "t.conf:1: bits: \"5B/s\" counts bytes, but rates count bits; write \"40bit/s\"\n"
	  "t.conf:1: cps: \"5rps\" is not a connection rate; did you mean \"5cps\"?\n"
	  "t.conf:1: text: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" has 53 characters; allowed are 1 to 40\n" },
	{ "version = 1;\non = $x;\n",
	  "t.conf:2: unexpected '$'; values other than numbers, true and false stand in quotes\n" },
	{ "version = 1; group = \"x\"; texts = \"a\"; prefixes = (1);",
	  "t.conf:1: texts: must be an array [ ] of texts in quotes\n"
	  "t.conf:1: prefixes[0]: must be text in quotes, for example 192.0.2.0/24\n"
	  "t.conf:1: group: must be a group { }\n" },
	{ "version = 1; include \"x\"",
	  "t.conf:1: include: '=' is missing before this value\n" },
	{ "version = 1; on = true; @include \"x\"",
	  "t.conf:1: write @include \"FILE\" at the beginning of a line of its own\n" },
	{ "version = 1;\n # \"unclosed in a comment /* \n // { \"\n /* \" { */ on = 2;",
	  "t.conf:4: on: must be true or false, without quotes\n" },
	{ "version = 1; count = -1; time = 0x10; text = 5; word = 1.5;",
	  "t.conf:1: count: -1 has no unit; write it in quotes, for example \"256k\"\n"
	  "t.conf:1: time: 16 has no unit; write it in quotes, for example \"30s\"\n"
	  "t.conf:1: word: must be text in quotes\n"
	  "t.conf:1: text: must be text in quotes\n" },
	{ "texts = ( \"a\", \"b\" ); version = 2;",
	  "t.conf:1: version: 2 is not possible; it must be 1\n" },
	{ "version 1;",
	  "t.conf:1: version: '=' is missing before this value\n" },
	{ "version = ;",
	  "t.conf:1: version: the value is missing before ';'\n" },
	{ "version =",
	  "t.conf: version: the value is missing at the end of the file\n" },
	{ "version = 1;; on = true;",
	  "t.conf:1: remove this ';'; nothing stands before it\n" },
	{ "version = 1; items = ( { name = \"a\" } { name = \"b\" } );",
	  "t.conf:1: name: a comma is missing before this value\n" },
	{ "version = 1; texts = [ \"a\"; \"b\" ];",
	  "t.conf:1: texts: values are separated by ',' here, not by ';'\n" },
	{ "version = 1; texts = [ \"a\",, \"b\" ];",
	  "t.conf:1: remove this ','; nothing stands before it\n" },
	{ "version = 1; prefixes = [ ( ) ];",
	  "t.conf:1: prefixes: an array [ ] holds plain values only; '(' needs a list ( )\n" },
	{ "version = 1; \"x\"; on = 2;",
	  "t.conf:1: a value stands here without a key\n" },
	{ "version = 1; on\ncount = \"1\";",
	  "t.conf:2: on: '=' is missing before \"count\"\n" },
	{ "version = 1; group = { hold };",
	  "t.conf:1: hold: the value is missing before '}'\n" },
	{ "version = 1; texts = [ 1 2 ];",
	  "t.conf:1: texts: a comma is missing before this value\n" },
	{ "version = 1; text = \"a\" \"b\";",
	  "t.conf:1: text: a comma is missing before this string; it would be joined to the one before it\n" },
	{ "version = 1; ( = 2;",
	  "t.conf:1: a value stands here without a key\n" },
};
/* clang-format on */

static void
every_trap_is_told_at_its_line_with_its_remedy(void)
{
	for (size_t i = 0; i < sizeof(traps) / sizeof(*traps); i++) {
		struct everything out;
		struct conf_errors errors = { 0 };
		int rc = conf_read_text(traps[i].text, strlen(traps[i].text), "t.conf",
		                        everything_fields, &out, &errors);

		CU_ASSERT_TRUE(is_told(&errors, traps[i].expected));
		CU_ASSERT_EQUAL(rc == 0, errors.count == 0);
		CU_ASSERT_EQUAL(errors.warnings, 0);
		conf_release(everything_fields, &out);
		conf_errors_free(&errors);
	}
}

static void
expect_bytes(const char *text, size_t len, const char *expected)
{
	struct everything out;
	struct conf_errors errors = { 0 };

	CU_ASSERT_EQUAL(conf_read_text(text, len, "t.conf", everything_fields, &out,
	                               &errors) == 0,
	                expected[0] == '\0');
	CU_ASSERT_TRUE(is_told(&errors, expected));
	conf_release(everything_fields, &out);
	conf_errors_free(&errors);
}

static void
nul_bytes_and_byte_order_marks_are_refused_and_the_rest_is_judged(void)
{
	static const char nul[] = "version = 1;\ntext = \"x\0y\";\non = 2;\n";
	static const char mark[] = "\xef\xbb\xbfversion = 1;\non = 2;\n";
	static const char wide[] = "\xff\xfev\0e\0r\0";

	expect_bytes(nul, sizeof(nul) - 1,
	             "t.conf:2: a NUL byte stands here; the text would be cut off\n"
	             "t.conf:3: on: must be true or false, without quotes\n");
	expect_bytes(mark, sizeof(mark) - 1,
	             "t.conf:1: the file begins with a byte-order mark; save it as UTF-8 "
	             "without "
	             "one\n"
	             "t.conf:2: on: must be true or false, without quotes\n");
	expect_bytes(wide, sizeof(wide) - 1,
	             "t.conf:1: the file is UTF-16; save it as UTF-8\n");
	expect_bytes("", 0,
	             "t.conf: the key \"version\" is missing; it has no default\n");
}

static void
brackets_without_end_do_not_exhaust_the_parser(void)
{
	size_t n = 100000;
	char *text = malloc(n + 16);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	strcpy(text, "items =\n");
	memset(text + 8, '(', n);
	expect_bytes(text, n + 8,
	             "t.conf:2: items: brackets are nested more than 64 deep\n");
	free(text);
}

/* The largest and smallest that libconfig reads rightly, and the first that it does not. */
static void
integers_are_refused_exactly_where_libconfig_wraps(void)
{
	static const struct {
		const char *text;
		bool fits;
	} edges[] = {
		{ "a = 2147483647;", true },
		{ "a = 2147483648;", false },
		{ "a = -2147483648;", true },
		{ "a = -2147483649;", false },
		{ "a = 0x7fffffff;", true },
		{ "a = 0x80000000;", false },
		{ "a = 2147483648L;", true },
		{ "a = 0x80000000L;", true },
		{ "a = 9223372036854775807LL;", true },
		{ "a = 9223372036854775808L;", false },
		{ "a = -9223372036854775808L;", true },
		{ "a = +2147483648;", false },
		{ "a = 2147483648.0;", true },
		{ "# 9999999999\na = 1; // 9999999999\n/* 9999999999 */", true },
		{ "a = \"9999999999\";", true },
	};

	for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
		struct conf_errors errors = { 0 };
		int rc =
			conf_lex(edges[i].text, strlen(edges[i].text), "t.conf", &errors);

		CU_ASSERT_EQUAL(rc == 0, edges[i].fits);
		CU_ASSERT_EQUAL(errors.count, edges[i].fits ? 0 : 1);
		conf_errors_free(&errors);
	}
}

static void
control_characters_do_not_reach_the_terminal(void)
{
	static const char text[] = "version = 1; word = \"\x1b[2J\";";

	expect_bytes(
		text, sizeof(text) - 1,
		"t.conf:1: word: \"?[2J\" is unknown; allowed are \"allow\", \"deny\", "
		"\"challenge\"\n");
}

SUITE_MAIN("traps", TEST(every_trap_is_told_at_its_line_with_its_remedy),
           TEST(nul_bytes_and_byte_order_marks_are_refused_and_the_rest_is_judged),
           TEST(brackets_without_end_do_not_exhaust_the_parser),
           TEST(integers_are_refused_exactly_where_libconfig_wraps),
           TEST(control_characters_do_not_reach_the_terminal))
