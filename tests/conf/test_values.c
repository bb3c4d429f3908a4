/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of every kind: read, defaulted, copied, inherited, written back. */
#include "check.h"
#include "schema.h"
#include "suite.h"

#define SECOND UINT64_C(1000000000)

static void
read_good(const char *text, struct everything *out)
{
	struct conf_errors errors = { 0 };

	CU_ASSERT_EQUAL(conf_read_text(text, strlen(text), "t.conf", everything_fields,
	                               out, &errors),
	                0);
	CU_ASSERT_TRUE(is_told(&errors, ""));
	conf_errors_free(&errors);
}

static void
expect_defaults(const struct everything *e)
{
	CU_ASSERT_EQUAL(e->version, 1);
	CU_ASSERT_TRUE(e->on);
	CU_ASSERT_EQUAL(e->count, 256000);
	CU_ASSERT_EQUAL(e->time_ns, SECOND * 3 / 10);
	CU_ASSERT_EQUAL(e->bytes, 4 << 20);
	CU_ASSERT_EQUAL(e->ppm, 1000);
	CU_ASSERT_EQUAL(e->packets, 50000);
	CU_ASSERT_EQUAL(e->bits, UINT64_C(1500000000));
	CU_ASSERT_EQUAL(e->cps, 0);
	CU_ASSERT_EQUAL(e->rate.per_second, 0);
	CU_ASSERT_EQUAL(e->word, 1);
	CU_ASSERT_STRING_EQUAL(e->text, "say \"hi\"\\");
	CU_ASSERT_EQUAL_FATAL(e->texts.count, 2);
	CU_ASSERT_STRING_EQUAL(e->texts.text[0], "a:1");
	CU_ASSERT_STRING_EQUAL(e->texts.text[1], "unix:/b");
	CU_ASSERT_EQUAL(e->prefixes.count + e->ports.count + e->items.count, 0);
	CU_ASSERT_EQUAL(e->group.hold_ns, 10 * SECOND);
	CU_ASSERT_STRING_EQUAL(e->group.title, "");
}

static void
what_is_not_written_has_its_default(void)
{
	struct everything e;

	read_good("version = 1;", &e);
	expect_defaults(&e);
	conf_release(everything_fields, &e);
}

static void
printed_defaults_load_again_as_the_same(void)
{
	struct everything e;
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	conf_print_defaults(everything_fields, to);
	fclose(to);
	read_good(text, &e);
	expect_defaults(&e);
	conf_release(everything_fields, &e);
	/* Every key stands there, also those of list elements. */
	for (const struct conf_field *f = everything_fields; f->key != NULL; f++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, f->key));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "# name = \"one\";  # must be written"));
	free(text);
}

static const char full[] =
	"version = 1; on = false; count = \"4M\"; time = \"1m\"; bytes = \"16KiB\";\n"
	"ratio = \"50%\"; packets = \"1.25kpps\"; bits = \"10Gbps\"; cps = \"200cps\";\n"
	"rate = \"80kbit/s\"; word = \"challenge\"; text = \"a \\\"b\\\"\"; texts = ( "
	"\"x\" );\n"
	"prefixes = [ \"192.0.2.0/24\", \"10.1.2.3\", \"2001:db8::/32\", \"0.0.0.0/0\", "
	"\"::/0\" ];\n"
	"ports = [ \"80\", \"8000-8099\", \"65535\" ];\n"
	"group = { hold = \"1h\"; };\n"
	"items = ( { name = \"a\"; tags = [ \"t\" ]; }, { name = \"b\"; rate = "
	"\"1kpps\";\n"
	"  nest: { title: \"n\" } } );";

static void
expect_full(const struct everything *e)
{
	const struct item *items = e->items.element;
	static const uint8_t host[16] = {
		[10] = 255, [11] = 255, [12] = 10, [13] = 1, [14] = 2, [15] = 3
	};

	CU_ASSERT_FALSE(e->on);
	CU_ASSERT_EQUAL(e->count, 4000000);
	CU_ASSERT_EQUAL(e->time_ns, 60 * SECOND);
	CU_ASSERT_EQUAL(e->bytes, 16384);
	CU_ASSERT_EQUAL(e->ppm, 500000);
	CU_ASSERT_EQUAL(e->packets, 1250);
	CU_ASSERT_EQUAL(e->bits, UINT64_C(10000000000));
	CU_ASSERT_EQUAL(e->cps, 200);
	CU_ASSERT_EQUAL(e->rate.per_second, 80000);
	CU_ASSERT_TRUE(e->rate.is_bits);
	CU_ASSERT_EQUAL(e->word, 2);
	CU_ASSERT_STRING_EQUAL(e->text, "a \"b\"");
	CU_ASSERT_EQUAL_FATAL(e->prefixes.count, 5);
	CU_ASSERT_EQUAL(e->prefixes.prefix[0].len, 120);
	CU_ASSERT_EQUAL(e->prefixes.prefix[1].len, 128);
	CU_ASSERT_EQUAL(memcmp(e->prefixes.prefix[1].address, host, 16), 0);
	CU_ASSERT_EQUAL(e->prefixes.prefix[2].len, 32);
	CU_ASSERT_EQUAL(e->prefixes.prefix[3].len, 96);
	CU_ASSERT_EQUAL(e->prefixes.prefix[4].len, 0);
	CU_ASSERT_EQUAL_FATAL(e->ports.count, 3);
	CU_ASSERT_EQUAL(e->ports.range[1].first, 8000);
	CU_ASSERT_EQUAL(e->ports.range[1].last, 8099);
	CU_ASSERT_EQUAL(e->group.hold_ns, 3600 * SECOND);
	CU_ASSERT_EQUAL_FATAL(e->items.count, 2);
	CU_ASSERT_STRING_EQUAL(items[0].name, "a");
	CU_ASSERT_EQUAL_FATAL(items[0].tags.count, 1);
	CU_ASSERT_STRING_EQUAL(items[0].tags.text[0], "t");
	CU_ASSERT_EQUAL(items[0].cps, 50);
	CU_ASSERT_EQUAL(items[1].rate.per_second, 1000);
	CU_ASSERT_STRING_EQUAL(items[1].nest.title, "n");
	CU_ASSERT_EQUAL(items[1].nest.hold_ns, 10 * SECOND);
	CU_ASSERT_STRING_EQUAL(e->items.place[1].path, "items[1](b)");
	CU_ASSERT_STRING_EQUAL(e->items.place[1].file, "t.conf");
	CU_ASSERT_EQUAL(e->items.place[1].line, 7);
	CU_ASSERT_EQUAL(e->items.written[0], 1 | 1 << 4);
	CU_ASSERT_EQUAL(e->items.written[1], 1 | 1 << 1 | 1 << 3);
}

static void
every_kind_is_read(void)
{
	struct everything e;

	read_good(full, &e);
	expect_full(&e);
	conf_release(everything_fields, &e);
	CU_ASSERT_PTR_NULL(e.text);
	CU_ASSERT_EQUAL(e.items.count, 0);
}

static void
a_copy_outlives_its_original(void)
{
	struct everything e, copy = { 0 };

	read_good(full, &e);
	conf_copy(everything_fields, &e, &copy);
	conf_release(everything_fields, &e);
	expect_full(&copy);
	conf_release(everything_fields, &copy);
}

static void
reading_over_keeps_what_is_not_written(void)
{
	static const char over[] = "text = \"new\"; prefixes = [ ]; items = ( ); group = "
				   "{ title = \"t\"; };";
	struct conf_errors errors = { 0 };
	struct conf_doc *doc;
	struct everything e;

	read_good(full, &e);
	CU_ASSERT_EQUAL_FATAL(conf_open_text(over, strlen(over), "o.conf", &doc, &errors),
	                      0);
	CU_ASSERT_EQUAL(conf_read_over(conf_root(doc), everything_fields, &e, &errors),
	                0);
	CU_ASSERT_EQUAL(conf_written(conf_root(doc), everything_fields),
	                1u << 11 | 1u << 13 | 1u << 15 | 1u << 16);
	conf_close(doc);
	CU_ASSERT_STRING_EQUAL(e.text, "new");
	CU_ASSERT_EQUAL(e.prefixes.count, 0);
	CU_ASSERT_EQUAL(e.items.count, 0);
	CU_ASSERT_STRING_EQUAL(e.group.title, "t");
	CU_ASSERT_EQUAL(e.group.hold_ns, 3600 * SECOND);
	CU_ASSERT_EQUAL(e.packets, 1250);
	CU_ASSERT_EQUAL(e.ports.count, 3);
	conf_release(everything_fields, &e);
	conf_errors_free(&errors);
}

static void
amounts_are_written_as_an_operator_would(void)
{
	static const struct {
		enum conf_kind kind;
		uint64_t value;
		const char *text;
	} rows[] = {
		{ CONF_PACKETS, 0, "off" },
		{ CONF_PACKETS, 999, "999pps" },
		{ CONF_PACKETS, 1000, "1kpps" },
		{ CONF_PACKETS, 1250, "1.25kpps" },
		{ CONF_PACKETS, 1234567, "1234.567kpps" },
		{ CONF_PACKETS, 50000000, "50Mpps" },
		{ CONF_BITS, UINT64_C(1500000000), "1.5Gbit/s" },
		{ CONF_BITS, UINT64_MAX, "18446744073709551.615kbit/s" },
		{ CONF_TIME, 300000000, "300ms" },
		{ CONF_TIME, 90 * SECOND, "90s" },
		{ CONF_TIME, 3600 * SECOND, "1h" },
		{ CONF_TIME, 0, "0s" },
		{ CONF_TIME, 1, "1 ns" },
		{ CONF_SIZE, 1536, "1536 bytes" },
		{ CONF_SIZE, 4096, "4KiB" },
		{ CONF_COUNT, 4000000, "4M" },
		{ CONF_COUNT, 0, "0" },
		{ CONF_RATIO, 1000, "0.1%" },
		{ CONF_RATIO, 0, "0%" },
		{ CONF_CPS, 5000, "5000cps" },
	};
	char text[CONF_AMOUNT_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		conf_format_amount(rows[i].kind, rows[i].value, text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].text);
	}
}

static void
words_are_suggested_within_two_slips(void)
{
	static const char *const words[] = { "policy", "prefixes", "ports", "udp_flood",
		                             "tcp",    "kpps",     "pps",   NULL };
	static const struct {
		const char *word, *meant;
	} rows[] = {
		{ "polcy", "policy" },  { "pollicy", "policy" },
		{ "poilcy", "policy" }, { "udp_flod", "udp_flood" },
		{ "prt", "ports" },     { "tpc", "tcp" },
		{ "kps", "kpps" },      { "zzz", NULL },
		{ "", NULL },           { "x", NULL },
		{ "policies", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *meant = conf_closest(rows[i].word, words);

		if (rows[i].meant == NULL)
			CU_ASSERT_PTR_NULL(meant);
		if (rows[i].meant != NULL && meant != NULL)
			CU_ASSERT_STRING_EQUAL(meant, rows[i].meant);
		CU_ASSERT_EQUAL(meant == NULL, rows[i].meant == NULL);
	}
}

static void
times_rates_and_prefixes_are_read_for_the_command_line(void)
{
	struct conf_prefix prefix;
	struct conf_rate rate;
	char why[128] = "", text[CONF_PREFIX_TEXT];
	uint64_t ns = 0;

	CU_ASSERT_EQUAL(conf_parse_time("10m", &ns, why, sizeof(why)), 0);
	CU_ASSERT_EQUAL(ns, 600 * SECOND);
	CU_ASSERT_NOT_EQUAL(conf_parse_time("10", &ns, why, sizeof(why)), 0);
	CU_ASSERT_STRING_EQUAL(why, "\"10\" has no unit; write for example \"30s\"");
	CU_ASSERT_EQUAL(ns, 600 * SECOND);
	CU_ASSERT_EQUAL(conf_parse_rate("5Mbps", &rate, why, sizeof(why)), 0);
	CU_ASSERT_TRUE(rate.is_bits);
	CU_ASSERT_EQUAL(conf_parse_prefix("2001:db8:0:0::/48", &prefix, why, sizeof(why)),
	                0);
	conf_format_prefix(&prefix, text);
	CU_ASSERT_STRING_EQUAL(text, "2001:db8::/48");
	CU_ASSERT_EQUAL(conf_parse_prefix("198.51.100.7", &prefix, why, sizeof(why)), 0);
	conf_format_prefix(&prefix, text);
	CU_ASSERT_STRING_EQUAL(text, "198.51.100.7/32");
}

static void
the_manual_names_every_key(void)
{
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	conf_print_manual(everything_fields, to);
	fclose(to);
	for (const struct conf_field *f = everything_fields; f->key != NULL; f++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, f->key));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "## items[].nest"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text, "|  *name*\n:  text\n:  must be written\n:  Its name."));
	free(text);
}

static void
the_same_error_of_a_place_is_told_once(void)
{
	char file[] = "a.conf", path[] = "policies[0](web)";
	const struct conf_place place = { file, 7, path };
	struct conf_errors e = { 0 };

	for (int i = 0; i < 3; i++) {
		conf_fail(&e, &place, "number %d", i / 2);
		conf_warn(&e, &place, "number %d", 0);
	}
	CU_ASSERT_EQUAL(e.count, 2);
	CU_ASSERT_EQUAL(e.warnings, 1);
	/* Without a place two alike may speak of two things. */
	conf_fail(&e, NULL, "no memory");
	conf_fail(&e, NULL, "no memory");
	CU_ASSERT_EQUAL(e.count, 4);
	conf_errors_free(&e);
}

SUITE_MAIN("values", TEST(the_same_error_of_a_place_is_told_once),
           TEST(what_is_not_written_has_its_default),
           TEST(printed_defaults_load_again_as_the_same), TEST(every_kind_is_read),
           TEST(a_copy_outlives_its_original),
           TEST(reading_over_keeps_what_is_not_written),
           TEST(amounts_are_written_as_an_operator_would),
           TEST(words_are_suggested_within_two_slips),
           TEST(times_rates_and_prefixes_are_read_for_the_command_line),
           TEST(the_manual_names_every_key))
