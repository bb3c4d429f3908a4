/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A change of configuration with readers that come round, and with one that hangs.
 * Readers are played here: online and silent is what a stuck worker looks like.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "engine.h"
#include "prefix/prefix.h"
#include "suite.h"

#define WORKERS   2
#define SECOND_NS UINT64_C(1000000000)

static char file[] = "/tmp/tidegate-change-XXXXXX";
static uint64_t now_ns = SECOND_NS;
static struct engine e;

static uint64_t
clock_of_test(void)
{
	return now_ns;
}

/* The file, with one service or as `text` says. */
static void
write_file(const char *text)
{
	FILE *f = fopen(file, "w");

	CU_ASSERT_FATAL(f != NULL);
	fputs("version = 1;\n"
	      "dataplane = { flow_entries = \"1k\"; source_entries = \"1k\"; };\n"
	      "links = ( { name = \"a\"; external = \"x0\"; internal = \"x1\"; } );\n",
	      f);
	fputs(text, f);
	fclose(f);
}

static void
write_service(const char *name)
{
	char text[200];

	snprintf(text, sizeof(text),
	         "services = ( { name = \"%s\"; prefixes = [ \"192.0.2.1/32\" ]; "
	         "policy = \"default\"; } );\n",
	         name);
	write_file(text);
}

static void
remove_file(void)
{
	unlink(file);
}

static void
open_all(void)
{
	struct conf_errors errors = { 0 };
	const uint64_t seed = 1;
	struct settings *s;
	static bool is_made;

	if (!is_made) {
		close(mkstemp(file));
		atexit(remove_file);
		is_made = true;
	}

	write_service("first");
	CU_ASSERT_EQUAL_FATAL(settings_read(file, &s, &errors), 0);
	CU_ASSERT_EQUAL_FATAL(engine_open(&e, s, WORKERS, &seed, &errors), 0);
	e.clock = clock_of_test;
	conf_errors_free(&errors);
}

/* Reload; with `said` not NULL the first error must hold that. Returns what change_reload did. */
static int
reload(const char *said)
{
	struct conf_errors errors = { 0 };
	int rc = change_reload(&e, &errors);

	if (said == NULL)
		CU_ASSERT_EQUAL(errors.count, 0)
	else if (errors.count > 0)
		CU_ASSERT_PTR_NOT_NULL(strstr(errors.error[0].message, said))
	else
		CU_FAIL("nothing was said");
	conf_errors_free(&errors);
	return rc;
}

/* Whether the snapshot in force, for workers and for telemetry, has the service. */
static bool
in_force(const char *service)
{
	const struct policies *p = engine_policies(&e);

	CU_ASSERT_PTR_EQUAL(p, e.box.policies);
	for (unsigned int i = 0; i < p->n_services; i++)
		if (strcmp(p->service[i].name, service) == 0)
			return true;
	return false;
}

static void
a_change_is_in_force_when_it_returns(void)
{
	uint64_t before;

	open_all();
	before = engine_policies(&e)->generation;
	write_service("second");
	CU_ASSERT_EQUAL(reload(NULL), 0);
	CU_ASSERT_TRUE(in_force("second"));
	CU_ASSERT_EQUAL(engine_policies(&e)->generation, before + 1);
	/* Nobody was online, so nobody could hold the old one. */
	CU_ASSERT_PTR_NULL(e.retired);
	CU_ASSERT_EQUAL(e.box.reloads_ok, 1);
	engine_close(&e);
}

/* Readers 0 and 1 are workers, reader 2 is the control core; each may be the one that hangs. */
static void
a_reader_that_hangs_is_named_and_delays_nobody(void)
{
	static const char *const name[WORKERS + 1] = { "worker 0", "worker 1",
		                                       "control core" };

	for (unsigned int id = 0; id <= WORKERS; id++) {
		const struct policies *held, *kept;

		open_all();
		engine_online(&e, id);
		held = engine_policies(&e);

		write_service("second");
		CU_ASSERT_EQUAL(reload(NULL), 0);
		CU_ASSERT_TRUE(in_force("second"));
		CU_ASSERT_PTR_EQUAL(e.retired, held);

		kept = engine_policies(&e);
		write_service("third");
		CU_ASSERT_EQUAL(reload(name[id]), -EBUSY);
		CU_ASSERT_PTR_EQUAL(engine_policies(&e), kept);
		CU_ASSERT_FALSE(in_force("third"));
		CU_ASSERT_EQUAL(e.box.reloads_failed, 1);
		/* What it holds is still whole: a late reader may look at it. */
		CU_ASSERT_STRING_EQUAL(held->service[1].name, "first");

		engine_quiescent(&e, id);
		CU_ASSERT_EQUAL(reload(NULL), 0);
		CU_ASSERT_TRUE(in_force("third"));
		engine_offline(&e, id);
		engine_close(&e);
	}
}

static void
a_refused_file_changes_nothing(void)
{
	const struct policies *before;
	struct settings *settings;

	open_all();
	before = engine_policies(&e);
	settings = e.settings;
	write_file("servces = ( );\n");
	CU_ASSERT_EQUAL(reload("servces"), -EINVAL);
	CU_ASSERT_PTR_EQUAL(engine_policies(&e), before);
	CU_ASSERT_PTR_EQUAL(e.settings, settings);
	CU_ASSERT_EQUAL(e.box.reloads_failed, 1);
	engine_close(&e);
}

/* Whether the snapshot in force was built with the entry. */
static size_t
entries(void)
{
	struct policy_block b[4];

	return e.box.block_list(e.box.daemon, b, 4);
}

/* An entry that ends while a worker hangs must end as soon as that comes round. */
static void
what_ends_while_a_worker_hangs_ends_later(void)
{
	struct policy_block b = { .until_ns = now_ns + SECOND_NS };
	const struct policies *with;

	open_all();
	CU_ASSERT_EQUAL_FATAL(prefix_parse("198.51.100.7", &b.prefix), 0);
	CU_ASSERT_EQUAL(e.box.block_add(e.box.daemon, &b), 0);
	CU_ASSERT_EQUAL(entries(), 1);

	engine_online(&e, 0);
	write_service("second");
	CU_ASSERT_EQUAL(reload(NULL), 0);
	with = engine_policies(&e);
	now_ns += 2 * SECOND_NS;
	change_expire(&e, now_ns);
	CU_ASSERT_PTR_EQUAL(engine_policies(&e), with);

	engine_quiescent(&e, 0);
	change_expire(&e, now_ns);
	CU_ASSERT_PTR_NOT_EQUAL(engine_policies(&e), with);
	CU_ASSERT_EQUAL(entries(), 0);

	/* And once it is done it is done. */
	engine_offline(&e, 0);
	with = engine_policies(&e);
	change_expire(&e, now_ns);
	CU_ASSERT_PTR_EQUAL(engine_policies(&e), with);
	engine_close(&e);
}

/* What the ear heard, a word each. */
static char heard[256];

static void
hear(const char *what, const char *name, uint64_t until_ns, enum change_cause cause)
{
	static const char *const causes[] = { "set", "back", "expired" };
	const size_t at = strlen(heard);

	snprintf(heard + at, sizeof(heard) - at, "%s:%s:%llu:%s ", what, name,
	         (unsigned long long)(until_ns / SECOND_NS), causes[cause]);
}

static void
hear_block(void *arg, const struct policy_block *b, enum change_cause cause)
{
	CU_ASSERT_PTR_EQUAL(arg, &e);
	hear("block", b->reason, b->until_ns, cause);
}

static void
hear_mode(void *arg, const char *service, int mode, uint64_t until_ns,
          enum change_cause cause)
{
	CU_ASSERT_PTR_EQUAL(arg, &e);
	hear(mode < 0 ? "mode" : policy_mode_names[mode],
	     service != NULL ? service : "all", until_ns, cause);
}

static void
hear_bypass(void *arg, bool is_on, uint64_t until_ns, enum change_cause cause)
{
	CU_ASSERT_PTR_EQUAL(arg, &e);
	hear("bypass", is_on ? "on" : "off", until_ns, cause);
}

static void
expect_heard(const char *expected)
{
	CU_ASSERT_STRING_EQUAL(heard, expected);
	heard[0] = '\0';
}

static void
who_listens_hears_what_is_set_and_what_ends(void)
{
	struct policy_block b = { .reason = "bad" };

	open_all();
	now_ns = 10 * SECOND_NS;
	e.ear = (struct change_ear){
		.arg = &e, .block = hear_block, .mode = hear_mode, .bypass = hear_bypass
	};
	b.until_ns = 12 * SECOND_NS;
	CU_ASSERT_EQUAL_FATAL(prefix_parse("198.51.100.7", &b.prefix), 0);
	CU_ASSERT_EQUAL(e.box.block_add(&e, &b), 0);
	CU_ASSERT_EQUAL(e.box.set_mode(&e, 1, POLICY_MITIGATE, 2 * SECOND_NS), 0);
	CU_ASSERT_EQUAL(e.box.set_mode(&e, -1, POLICY_LEARN, 2 * SECOND_NS), 0);
	CU_ASSERT_EQUAL(e.box.set_bypass(&e, true, 2 * SECOND_NS), 0);
	expect_heard("block:bad:12:set mitigate:first:12:set learn:all:12:set "
	             "bypass:on:12:set ");
	change_expire(&e, 11 * SECOND_NS);
	expect_heard("");
	change_expire(&e, 12 * SECOND_NS);
	expect_heard("bypass:off:0:expired mode:all:0:expired mode:first:0:expired "
	             "block:bad:12:expired ");
	CU_ASSERT_EQUAL(e.box.block_add(&e, &b), 0);
	CU_ASSERT_EQUAL(e.box.block_del(&e, &b.prefix, false), 0);
	CU_ASSERT_EQUAL(e.box.block_del(&e, &b.prefix, false), -ENOENT);
	CU_ASSERT_EQUAL(e.box.set_mode(&e, 1, -1, 0), 0);
	CU_ASSERT_EQUAL(e.box.set_bypass(&e, false, 0), 0);
	expect_heard("block:bad:12:set block:bad:12:back mode:first:0:back "
	             "bypass:off:0:back ");
	now_ns = SECOND_NS;
	engine_close(&e);
}

/* A snapshot is whole: of all services that ever were it has exactly one. */
static bool
is_whole(const struct policies *p)
{
	unsigned int named = 0;

	for (unsigned int i = 1; i < p->n_services; i++)
		named += strncmp(p->service[i].name, "service-", 8) == 0;
	return named == 1;
}

static bool is_over;
static unsigned int went_back, torn;

/* A worker as it should be: loads the snapshot, uses it, says that it is done. */
static void *
come_round(void *arg)
{
	unsigned int id = *(unsigned int *)arg;
	uint64_t last = 0;

	engine_online(&e, id);
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		const struct policies *p = engine_policies(&e);
		uint64_t generation = p->generation;

		went_back += generation < last;
		torn += !is_whole(p);
		torn += p->generation != generation;
		last = generation;
		engine_quiescent(&e, id);
		usleep(100);
	}
	engine_offline(&e, id);
	return NULL;
}

static void
a_hundred_changes_under_readers(void)
{
	unsigned int id = 0;
	uint64_t before;
	pthread_t thread;
	char name[32];

	open_all();
	write_service("service-x");
	CU_ASSERT_EQUAL(reload(NULL), 0);
	before = engine_policies(&e)->generation;
	pthread_create(&thread, NULL, come_round, &id);
	for (unsigned int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "service-%u", i);
		write_service(name);
		CU_ASSERT_EQUAL(reload(NULL), 0);
		CU_ASSERT_PTR_NULL(e.retired);
	}
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(engine_policies(&e)->generation, before + 100);
	CU_ASSERT_EQUAL(went_back, 0);
	CU_ASSERT_EQUAL(torn, 0);
	engine_close(&e);
}

SUITE_MAIN("change", TEST(a_change_is_in_force_when_it_returns),
           TEST(a_reader_that_hangs_is_named_and_delays_nobody),
           TEST(a_refused_file_changes_nothing),
           TEST(what_ends_while_a_worker_hangs_ends_later),
           TEST(who_listens_hears_what_is_set_and_what_ends),
           TEST(a_hundred_changes_under_readers))
