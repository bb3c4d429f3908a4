/* SPDX-License-Identifier: BSD-3-Clause */
/* Every file under config/ loads with the stages there are, and without a warning. */
#include <dirent.h>

#include "conf/check.h"
#include "policy/policy.h"
#include "policy/settings.h"
#include "suite.h"

/* Read and build: what only the snapshot refuses is found as well. */
static void
expect_good(const char *path)
{
	struct conf_errors errors = { 0 };
	struct policies *policies = NULL;
	struct settings *s;

	CU_ASSERT_EQUAL(settings_read(path, &s, &errors), 0);
	if (s != NULL)
		CU_ASSERT_EQUAL(policy_build(s, NULL, NULL, &policies, &errors), 0);
	CU_ASSERT_TRUE(is_told(&errors, ""));
	policy_free(policies);
	settings_free(s);
	conf_errors_free(&errors);
}

static bool
has_expressions(void)
{
#ifdef HAVE_PCAP
	return true;
#else
	return false;
#endif
}

/* Returns how many files were read. */
static unsigned int
expect_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned int n = 0;
	char path[1024];

	CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
	while ((entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (len < 5 || strcmp(entry->d_name + len - 5, ".conf") != 0)
			continue;
		if (!has_expressions() && strcmp(entry->d_name, "udp-services.conf") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		expect_good(path);
		n++;
	}
	closedir(dir);
	return n;
}

static void
the_commented_file_loads(void)
{
	CU_ASSERT_EQUAL(expect_folder(CONFIG_DIR), 1);
}

static void
every_example_loads(void)
{
	CU_ASSERT(expect_folder(CONFIG_DIR "/examples") >= 5);
}

/* Nothing is dropped by a first installation. */
static void
the_commented_file_only_monitors(void)
{
	struct conf_errors errors = { 0 };
	struct settings *s;

	CU_ASSERT_EQUAL_FATAL(settings_read(CONFIG_DIR "/tidegate.conf", &s, &errors), 0);
	for (size_t i = 0; i < s->n_policies; i++)
		CU_ASSERT_EQUAL(s->policy[i].mode, POLICY_MONITOR);
	settings_free(s);
	conf_errors_free(&errors);
}

/* To replay any capture: every address, every vector, every key of every stage. */
static void
everything_has_every_vector_and_every_key(void)
{
	static const uint8_t v4[16] = { [10] = 255, [11] = 255, [12] = 8 },
			     v6[16] = { 32, 1 };
	const char *path = CONFIG_DIR "/examples/everything.conf";
	struct conf_errors errors = { 0 };
	struct policies *p = NULL;
	struct settings *s;
	struct conf_doc *doc;
	struct config_setting_t *policy;
	uint16_t service;

	CU_ASSERT_EQUAL_FATAL(settings_read(path, &s, &errors), 0);
	CU_ASSERT_EQUAL_FATAL(policy_build(s, NULL, NULL, &p, &errors), 0);
	service = policy_service_of(p, v4, 6, 80);
	CU_ASSERT_STRING_EQUAL(p->service[service].name, "everything");
	CU_ASSERT_EQUAL(policy_service_of(p, v6, 47, 0), service);
	CU_ASSERT_EQUAL(p->policy[p->service[service].policy].mode, POLICY_MITIGATE);
	for (int v = 0; v < VECTOR_COUNT; v++)
		CU_ASSERT(p->policy[p->service[service].policy]
		                  .rule[v]
		                  .activate.per_second > 0);

	CU_ASSERT_EQUAL_FATAL(conf_open_file(path, &doc, &errors), 0);
	policy = conf_section(conf_member(conf_root(doc), "policies"), 0);
	for (unsigned int i = 0; i < stage_count; i++)
		for (const struct conf_field *f = stage_list[i]->fields;
		     f != NULL && f->key != NULL; f++) {
			struct config_setting_t *group =
				conf_member(policy, stage_list[i]->name);

			CU_ASSERT_PTR_NOT_NULL_FATAL(group);
			CU_ASSERT_PTR_NOT_NULL(conf_member(group, f->key));
		}
	conf_close(doc);
	policy_free(p);
	settings_free(s);
	conf_errors_free(&errors);
}

static void
the_printed_defaults_load(void)
{
	struct conf_errors errors = { 0 };
	struct settings *s;
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	settings_print_defaults(to);
	fclose(to);
	CU_ASSERT_EQUAL(settings_read_text(text, len, "defaults", &s, &errors), 0);
	CU_ASSERT_TRUE(is_told(&errors, ""));
	settings_free(s);
	conf_errors_free(&errors);
	free(text);
}

SUITE_MAIN("examples", TEST(the_commented_file_loads), TEST(every_example_loads),
           TEST(the_commented_file_only_monitors),
           TEST(everything_has_every_vector_and_every_key),
           TEST(the_printed_defaults_load))
