/* SPDX-License-Identifier: BSD-3-Clause */
/* lists_rig - an engine with a folder of its own: its configuration, its lists, its state. */
#ifndef TESTS_LISTS_RIG_H
#define TESTS_LISTS_RIG_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "change.h"
#include "engine.h"
#include "lists.h"
#include "policy/list_set.h"
#include "prefix/prefix.h"
#include "stage/stage.h"
#include "suite.h"

#define WORKERS   2
#define SECOND_NS UINT64_C(1000000000)

static char folder[] = "/tmp/tidegate-lists-XXXXXX";
static uint64_t now_ns = SECOND_NS;
static struct engine e;
static struct conf_errors errors;
static unsigned int told_loaded, told_failed;

static uint64_t
clock_of_test(void)
{
	return now_ns;
}

static const char *
path_of(const char *name)
{
	static char path[2][128];
	static unsigned int turn;

	turn ^= 1;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static void
remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command) != 0)
		abort();
}

static void
make_folder(void)
{
	static bool is_made;

	if (is_made)
		return;
	if (mkdtemp(folder) == NULL)
		abort();
	atexit(remove_folder);
	is_made = true;
}

/* Write beside and rename, as one should; the time of the file moves on each time. */
static void
write_file(const char *name, const char *text)
{
	static time_t time_s = 1780000000;
	struct timespec times[2] = { { .tv_sec = time_s }, { .tv_sec = time_s } };
	FILE *f;

	make_folder();
	f = fopen(path_of("beside"), "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
	utimensat(-1, path_of("beside"), times, 0);
	time_s++;
	if (rename(path_of("beside"), path_of(name)) != 0)
		abort();
}

static void
write_conf(const char *lists)
{
	char text[4096];

	make_folder();
	snprintf(
		text, sizeof(text),
		"version = 1;\n"
		"dataplane = { flow_entries = \"1k\"; source_entries = \"1k\"; };\n"
		"state = { folder = \"%s/state\"; };\n"
		"services = ( { name = \"web\"; prefixes = [ \"203.0.113.1/32\" ]; } );\n"
		"lists = ( %s );\n",
		folder, lists);
	write_file("tidegate.conf", text);
}

__attribute__((unused)) static void
tell(void *arg, const char *list, bool is_loaded, const struct conf_errors *why)
{
	(void)arg;
	(void)list;
	(void)why;
	told_loaded += is_loaded;
	told_failed += !is_loaded;
}

/* Open with the configuration as written. Without a seed the box keeps what is made by hand. */
static int
open_engine(void)
{
	struct settings *s;
	int rc;

	conf_errors_free(&errors);
	CU_ASSERT_EQUAL_FATAL(settings_read(path_of("tidegate.conf"), &s, &errors), 0);
	memory_be_lazy();
	rc = engine_open(&e, s, WORKERS, NULL, &errors);
	if (rc == 0)
		e.clock = clock_of_test;
	return rc;
}

static void
close_engine(void)
{
	engine_close(&e);
	conf_errors_free(&errors);
}

/* Whether an error or a warning has these words, at that line. */
__attribute__((unused)) static bool
is_told(unsigned int line, const char *words)
{
	for (size_t i = 0; i < errors.count + errors.warnings; i++)
		if (errors.error[i].line == line &&
		    strstr(errors.error[i].message, words) != NULL)
			return true;
	conf_errors_print(&errors, stderr);
	return false;
}

/* Whether the snapshot in force lists the address. */
static bool
is_listed(const char *address)
{
	const struct policies *p = engine_policies(&e);
	const struct stage_lists *lists = list_set_lists(p->lists);
	struct prefix host;

	if (e.list_set != NULL)
		CU_ASSERT_PTR_EQUAL(p->lists, e.list_set);
	CU_ASSERT_EQUAL_FATAL(prefix_parse(address, &host), 0);
	return lists != NULL && lists->table != NULL &&
	       prefix_find(lists->table, host.address) != PREFIX_NONE;
}

static struct box_list
shown(const char *name)
{
	static struct box_list l[8];
	const size_t n = e.box.lists_read(e.box.daemon, l, 8);

	for (size_t i = 0; i < n && i < 8; i++)
		if (strcmp(l[i].name, name) == 0)
			return l[i];
	CU_FAIL_FATAL("no such list");
	return l[0];
}

__attribute__((unused)) static int
reload(void)
{
	conf_errors_free(&errors);
	return change_reload(&e, &errors);
}

__attribute__((unused)) static int
reload_list(const char *name)
{
	conf_errors_free(&errors);
	return e.box.list_reload(e.box.daemon, name, &errors);
}

__attribute__((unused)) static int
by_hand(const char *list, const char *prefix, uint32_t for_s, bool is_add)
{
	struct box_list_entry entry = {
		.until_s = for_s == 0 ? 0 : (uint32_t)time(NULL) + for_s
	};

	snprintf(entry.list, sizeof(entry.list), "%s", list);
	CU_ASSERT_EQUAL_FATAL(prefix_parse(prefix, &entry.prefix), 0);
	conf_errors_free(&errors);
	return e.box.list_entry(e.box.daemon, &entry, is_add, &errors);
}

#endif
