/* SPDX-License-Identifier: BSD-3-Clause */
/* Filter rules through the API's calls: in force, kept in a file, and taken back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "change.h"
#include "engine.h"
#include "filter/set.h"
#include "suite.h"

static char folder[] = "/tmp/tidegate-filters-XXXXXX";
static char config[64], kept[64];
static struct engine e;

static uint64_t
clock_of_test(void)
{
	return UINT64_C(1000000000);
}

static void
remove_all(void)
{
	unlink(config);
	unlink(kept);
	rmdir(folder);
}

static void
write_config(const char *more)
{
	FILE *f = fopen(config, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f,
	        "version = 1;\n"
	        "dataplane = { flow_entries = \"1k\"; source_entries = \"1k\"; };\n"
	        "state = { folder = \"%s\"; };\n"
	        "filters = ( { name = \"of-file\"; action = \"count\"; match = { dscp = "
	        "[ "
	        "\"0\" ]; }; } );\n"
	        "policies = ( { name = \"web\"; mode = \"mitigate\"; } );\n"
	        "services = ( { name = \"shop\"; prefixes = [ \"203.0.113.1\" ]; policy "
	        "= "
	        "\"web\"; } );\n%s",
	        folder, more);
	fclose(f);
}

static void
open_all(void)
{
	struct conf_errors errors = { 0 };
	const uint64_t seed = 1;
	struct settings *s;

	if (config[0] == '\0') {
		CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
		snprintf(config, sizeof(config), "%s/tidegate.conf", folder);
		snprintf(kept, sizeof(kept), "%s/filters.json", folder);
		atexit(remove_all);
	}
	write_config("");
	CU_ASSERT_EQUAL_FATAL(settings_read(config, &s, &errors), 0);
	CU_ASSERT_EQUAL_FATAL(engine_open(&e, s, 1, &seed, &errors), 0);
	e.clock = clock_of_test;
	change_load_filters(&e);
	conf_errors_free(&errors);
}

/* The call, and the first thing that is wrong, or "". */
static int
put(const char *text, bool is_check, char why[256])
{
	struct conf_errors errors = { 0 };
	json_t *rule = json_loads(text, 0, NULL);
	int rc;

	CU_ASSERT_PTR_NOT_NULL_FATAL(rule);
	rc = e.box.filter_put(e.box.daemon, rule, is_check, &errors);
	snprintf(why, 256, "%s", errors.count > 0 ? errors.error[0].message : "");
	conf_errors_free(&errors);
	json_decref(rule);
	return rc;
}

static int
del(const char *name)
{
	struct conf_errors errors = { 0 };
	int rc = e.box.filter_del(e.box.daemon, name, &errors);

	conf_errors_free(&errors);
	return rc;
}

/* Names of the rules in force, one after the other. */
static const char *
in_force(void)
{
	static char names[512];
	const struct policies *p = engine_policies(&e);

	names[0] = '\0';
	for (unsigned int k = 0; p->filters != NULL && k < FILTER_PARTS; k++) {
		const struct filter_rules_part *part =
			filter_set_part(p->filters->set, (enum filter_part)k);

		for (unsigned int i = 0; i < part->count; i++) {
			strcat(names, part->rule[i].name);
			strcat(names, part->rule[i].action == FILTER_DROP ? "! " : " ");
		}
	}
	return names;
}

static void
a_rule_lives_until_it_is_taken_back(void)
{
	char why[256];

	open_all();
	CU_ASSERT_STRING_EQUAL(in_force(), "of-file ");
	CU_ASSERT_EQUAL(
		put("{\"name\":\"a\",\"action\":\"drop\",\"for\":\"1h\",\"match\":{"
	            "\"ports\":[\"19\"]}}",
	            false, why),
		0);
	CU_ASSERT_EQUAL(
		put("{\"name\":\"b\",\"action\":\"count\",\"services\":[\"shop\"],"
	            "\"match\":{\"protocols\":[\"udp\"]}}",
	            false, why),
		0);
	CU_ASSERT_STRING_EQUAL(in_force(), "of-file a! b ");
	/* A reload keeps them, and another one of that name takes its place. */
	{
		struct conf_errors errors = { 0 };

		CU_ASSERT_EQUAL(change_reload(&e, &errors), 0);
		conf_errors_free(&errors);
	}
	CU_ASSERT_STRING_EQUAL(in_force(), "of-file a! b ");
	CU_ASSERT_EQUAL(put("{\"name\":\"a\",\"action\":\"count\",\"match\":{\"ports\":["
	                    "\"19\"]}}",
	                    false, why),
	                0);
	CU_ASSERT_STRING_EQUAL(in_force(), "of-file a b ");
	engine_close(&e);

	/* So does a restart. */
	open_all();
	CU_ASSERT_STRING_EQUAL(in_force(), "of-file a b ");
	CU_ASSERT_EQUAL(del("a"), 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "of-file b ");
	CU_ASSERT_EQUAL(del("a"), -ENOENT);
	CU_ASSERT_EQUAL(del("of-file"), -ENOENT);
	CU_ASSERT_EQUAL(del("b"), 0);
	engine_close(&e);
	open_all();
	CU_ASSERT_STRING_EQUAL(in_force(), "of-file ");
	engine_close(&e);
}

static void
what_is_wrong_changes_nothing(void)
{
	char why[256];
	struct stat st;

	unlink(kept);
	open_all();
	CU_ASSERT_EQUAL(
		put("{\"name\":\"of-file\",\"action\":\"drop\",\"match\":{\"ports\":["
	            "\"19\"]}}",
	            false, why),
		-EEXIST);
	CU_ASSERT_EQUAL(put("{\"name\":\"a\",\"action\":\"drop\",\"services\":[\"shp\"],"
	                    "\"match\":{\"ports\":[\"19\"]}}",
	                    false, why),
	                -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "'shp'"));
	CU_ASSERT_EQUAL(put("{\"name\":\"a\",\"action\":\"drop\",\"match\":{\"ports\":["
	                    "\"x\"]}}",
	                    false, why),
	                -EINVAL);
	CU_ASSERT_EQUAL(put("{\"name\":\"a\",\"action\":\"drop\",\"match\":{\"ports\":["
	                    "\"19\"]}}",
	                    true, why),
	                0);
	CU_ASSERT_EQUAL(put("{\"name\":\"a\",\"action\":\"drop\"}", true, why), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "needs an expression"));
	CU_ASSERT_STRING_EQUAL(in_force(), "of-file ");
	CU_ASSERT_NOT_EQUAL(stat(kept, &st), 0);
	engine_close(&e);
}

/* A broken file is told and left alone; the box runs without it. */
static void
a_broken_file_stops_nobody(void)
{
	FILE *f;

	unlink(kept);
	open_all();
	engine_close(&e);
	f = fopen(kept, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs("[ { \"name\": \"a\" ", f);
	fclose(f);
	open_all();
	CU_ASSERT_STRING_EQUAL(in_force(), "of-file ");
	engine_close(&e);
	CU_ASSERT_EQUAL(access(kept, F_OK), 0);
}

SUITE_MAIN("filters of the API", TEST(a_rule_lives_until_it_is_taken_back),
           TEST(what_is_wrong_changes_nothing), TEST(a_broken_file_stops_nobody))
