/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists from files: at the start, by time, by call, with a reload; good ones and broken ones. */
#include "lists_rig.h"

#define FEED                                                                             \
	"{ name = \"feed\"; action = \"deny\"; file = \"feed.txt\"; refresh = \"1m\"; }"

static void
files_are_read_before_the_start(void)
{
	write_file("feed.txt", "192.0.2.0/24\n2001:db8::/32\n");
	write_file("bots.csv", "prefix,until\n198.51.100.7,+1h\n198.51.100.8,1\n");
	write_conf(FEED ", { name = \"bots\"; action = \"deny\"; file = \"bots.csv\"; "
	                "prefixes = [ \"198.51.100.200/32\" ]; }");
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	CU_ASSERT(is_listed("192.0.2.77"));
	CU_ASSERT(is_listed("2001:db8::1"));
	CU_ASSERT(is_listed("198.51.100.7"));
	CU_ASSERT(is_listed("198.51.100.200"));
	CU_ASSERT_FALSE(is_listed("198.51.100.8"));
	CU_ASSERT_FALSE(is_listed("203.0.113.9"));
	CU_ASSERT_EQUAL(shown("feed").state, BOX_LIST_OK);
	CU_ASSERT_EQUAL(shown("feed").prefixes, 2);
	CU_ASSERT_EQUAL(shown("feed").total, 2);
	CU_ASSERT_EQUAL(shown("bots").ended, 1);
	CU_ASSERT_EQUAL(shown("bots").total, 2);
	CU_ASSERT_STRING_EQUAL(shown("bots").format, "csv");
	CU_ASSERT_EQUAL(strlen(shown("feed").loaded_sha256), 64);
	close_engine();
}

static void
a_broken_file_at_the_start_does_as_it_says(void)
{
	write_file("feed.txt", "192.0.2.0/24\n192.0.2.1/24\n");
	write_file("more.txt", "nonsense\n");
	write_conf(FEED ", { name = \"more\"; action = \"deny\"; file = \"more.txt\"; }, "
	                "{ name = \"gone\"; action = \"deny\"; file = \"gone.txt\"; }");
	/* All of them are told in one go. */
	CU_ASSERT_EQUAL(open_engine(), -EINVAL);
	CU_ASSERT_EQUAL(errors.count, 3);
	CU_ASSERT(is_told(2, "write \"192.0.2.0/24\""));
	CU_ASSERT(is_told(1, "is not a prefix"));
	CU_ASSERT(is_told(0, "cannot be opened"));

	write_conf(
		"{ name = \"feed\"; action = \"deny\"; file = \"feed.txt\"; on_error = "
		"\"skip\"; }, { name = \"gone\"; action = \"deny\"; file = \"gone.txt\"; "
		"on_error = \"skip\"; refresh = \"1m\"; }");
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	CU_ASSERT_EQUAL(errors.count, 0);
	CU_ASSERT(is_told(2, "left out"));
	CU_ASSERT(is_told(0, "cannot be opened"));
	CU_ASSERT(is_listed("192.0.2.77"));
	CU_ASSERT_EQUAL(shown("feed").skipped, 1);
	CU_ASSERT_EQUAL(shown("gone").state, BOX_LIST_FAILED);
	CU_ASSERT_EQUAL(shown("gone").loaded_unix_ns, 0);

	/* And once it is there it is taken, sooner than after a minute. */
	write_file("gone.txt", "198.51.100.0/24\n");
	now_ns += 11 * SECOND_NS;
	lists_turn(e.lists, now_ns);
	CU_ASSERT(is_listed("198.51.100.1"));
	CU_ASSERT_EQUAL(shown("gone").state, BOX_LIST_OK);
	CU_ASSERT_EQUAL(shown("gone").failed_in_a_row, 0);
	CU_ASSERT_EQUAL(shown("gone").failures, 1);
	close_engine();
}

static void
a_changed_file_is_taken_when_its_time_comes(void)
{
	const struct policies *before;

	write_file("feed.txt", "192.0.2.0/24\n");
	write_conf(FEED);
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	lists_start(e.lists, &(struct lists_ear){ .tell = tell });
	lists_stop(e.lists);
	before = engine_policies(&e);
	write_file("feed.txt", "198.51.100.0/24\n");
	now_ns += 30 * SECOND_NS;
	lists_turn(e.lists, now_ns);
	CU_ASSERT_PTR_EQUAL(engine_policies(&e), before);
	now_ns += 31 * SECOND_NS;
	lists_turn(e.lists, now_ns);
	CU_ASSERT_PTR_NOT_EQUAL(engine_policies(&e), before);
	CU_ASSERT_FALSE(is_listed("192.0.2.1"));
	CU_ASSERT(is_listed("198.51.100.1"));
	CU_ASSERT_EQUAL(shown("feed").loads, 2);

	/* A file with a new time and the same bytes changes nothing for the workers. */
	before = engine_policies(&e);
	write_file("feed.txt", "198.51.100.0/24\n");
	now_ns += 61 * SECOND_NS;
	lists_turn(e.lists, now_ns);
	CU_ASSERT_PTR_EQUAL(engine_policies(&e), before);
	CU_ASSERT_EQUAL(shown("feed").loads, 3);
	/* And one that nobody touched is not even read. */
	now_ns += 61 * SECOND_NS;
	lists_turn(e.lists, now_ns);
	CU_ASSERT_EQUAL(shown("feed").loads, 3);
	close_engine();
}

static void
a_broken_refresh_keeps_the_old_content(void)
{
	static const struct {
		const char *text, *words;
		unsigned int line;
	} broken[] = {
		{ "192.0.2.0/24\nevil\n", "is not a prefix", 2 },
		{ "", "allow_empty = true", 0 },
		{ "# all gone\n", "there is no prefix in it", 0 },
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		struct box_list l;
		const struct policies *before;

		write_file("feed.txt", "192.0.2.0/24\n198.51.100.0/24\n");
		write_conf(FEED);
		CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
		before = engine_policies(&e);
		write_file("feed.txt", broken[i].text);
		now_ns += 61 * SECOND_NS;
		lists_turn(e.lists, now_ns);
		CU_ASSERT_PTR_EQUAL(engine_policies(&e), before);
		CU_ASSERT(is_listed("198.51.100.1"));
		l = shown("feed");
		CU_ASSERT_EQUAL(l.state, BOX_LIST_FAILED);
		CU_ASSERT_EQUAL(l.failures, 1);
		CU_ASSERT_EQUAL(l.prefixes, 2);
		CU_ASSERT(l.errors > 0);
		CU_ASSERT_EQUAL(l.error[0].line, broken[i].line);
		CU_ASSERT_PTR_NOT_NULL(strstr(l.error[0].text, broken[i].words));
		CU_ASSERT(l.wanted_time_s > l.loaded_time_s);

		/* By call the same, and a sentence for who called. */
		CU_ASSERT_EQUAL(reload_list("feed"), -EINVAL);
		CU_ASSERT(is_told(broken[i].line, broken[i].words));
		CU_ASSERT(is_listed("198.51.100.1"));

		write_file("feed.txt", "203.0.113.0/24\n");
		now_ns += 61 * SECOND_NS;
		lists_turn(e.lists, now_ns);
		CU_ASSERT(is_listed("203.0.113.200"));
		CU_ASSERT_FALSE(is_listed("198.51.100.1"));
		CU_ASSERT_EQUAL(shown("feed").state, BOX_LIST_OK);
		close_engine();
	}
}

static void
a_list_is_read_by_call(void)
{
	write_file("feed.txt", "192.0.2.0/24\n");
	write_conf("{ name = \"feed\"; action = \"deny\"; file = \"feed.txt\"; }, "
	           "{ name = \"plain\"; action = \"deny\"; prefixes = [ \"10.0.0.0/8\" "
	           "]; }");
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	write_file("feed.txt", "198.51.100.0/24\n");
	now_ns += 3600 * SECOND_NS;
	lists_turn(e.lists, now_ns);
	CU_ASSERT(is_listed("192.0.2.1"));
	CU_ASSERT_EQUAL(reload_list("feed"), 0);
	CU_ASSERT_FALSE(is_listed("192.0.2.1"));
	CU_ASSERT(is_listed("198.51.100.1"));
	CU_ASSERT(is_listed("10.1.2.3"));
	CU_ASSERT_EQUAL(reload_list("fed"), -ENOENT);
	CU_ASSERT_EQUAL(reload_list("plain"), -ENODATA);
	close_engine();
}

static void
a_reload_reads_what_is_new_and_leaves_the_rest(void)
{
	const struct list_set *set;

	write_file("feed.txt", "192.0.2.0/24\n");
	write_conf(FEED);
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	set = e.list_set;
	CU_ASSERT_EQUAL(reload(), 0);
	CU_ASSERT_PTR_EQUAL(e.list_set, set);
	CU_ASSERT_EQUAL(shown("feed").loads, 1);

	/* A new list with a broken file: all or nothing. */
	write_file("more.txt", "198.51.100.0/24\nevil\n");
	write_conf(FEED ", { name = \"more\"; action = \"deny\"; file = \"more.txt\"; }");
	CU_ASSERT_EQUAL(reload(), -EINVAL);
	CU_ASSERT(is_told(2, "\"evil\""));
	CU_ASSERT_PTR_EQUAL(e.list_set, set);
	write_file("more.txt", "198.51.100.0/24\n");
	CU_ASSERT_EQUAL(reload(), 0);
	CU_ASSERT(is_listed("198.51.100.1"));
	CU_ASSERT_EQUAL(shown("feed").loads, 1);
	CU_ASSERT_EQUAL(shown("more").loads, 1);

	/* One that was loaded and broke since: the old content, and a warning. */
	write_file("more.txt", "evil\n");
	CU_ASSERT_EQUAL(reload(), 0);
	CU_ASSERT(is_told(1, "\"evil\""));
	CU_ASSERT(is_listed("198.51.100.1"));

	/* Read in another way it is another list. */
	write_conf(
		"{ name = \"more\"; action = \"deny\"; file = \"more.txt\"; on_error = "
		"\"skip\"; }");
	CU_ASSERT_EQUAL(reload(), 0);
	CU_ASSERT_FALSE(is_listed("198.51.100.1"));
	CU_ASSERT_FALSE(is_listed("192.0.2.1"));
	write_conf("");
	CU_ASSERT_EQUAL(reload(), 0);
	CU_ASSERT_EQUAL(e.box.lists_read(e.box.daemon, NULL, 0), 0);
	close_engine();
}

static void
a_dry_run_reads_the_files_and_changes_nothing(void)
{
	const struct policies *before;

	write_file("feed.txt", "192.0.2.0/24\n");
	write_conf(FEED);
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	before = engine_policies(&e);
	CU_ASSERT_EQUAL(e.box.check(e.box.daemon, NULL, 0, &errors), 0);
	write_file("feed.txt", "192.0.2.0/24\nevil\n");
	CU_ASSERT_EQUAL(e.box.check(e.box.daemon, NULL, 0, &errors), -EINVAL);
	CU_ASSERT(is_told(2, "\"evil\""));
	CU_ASSERT_PTR_EQUAL(engine_policies(&e), before);
	close_engine();
}

/* The thread does it by itself; the file is written while it runs. */
static void
the_thread_looks_after_the_files(void)
{
	unsigned int waited = 0;

	write_file("feed.txt", "192.0.2.0/24\n");
	write_conf(FEED);
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	told_loaded = told_failed = 0;
	CU_ASSERT_EQUAL_FATAL(lists_start(e.lists, &(struct lists_ear){ .tell = tell }),
	                      0);
	write_file("feed.txt", "198.51.100.0/24\nevil\n");
	__atomic_fetch_add(&now_ns, 61 * SECOND_NS, __ATOMIC_RELAXED);
	while (shown("feed").failures == 0 && waited++ < 5000)
		usleep(1000);
	write_file("feed.txt", "198.51.100.0/24\n");
	__atomic_fetch_add(&now_ns, 61 * SECOND_NS, __ATOMIC_RELAXED);
	while (shown("feed").loads == 1 && waited++ < 5000)
		usleep(1000);
	lists_stop(e.lists);
	CU_ASSERT(is_listed("198.51.100.1"));
	CU_ASSERT_EQUAL(told_failed, 1);
	CU_ASSERT_EQUAL(told_loaded, 1);
	close_engine();
}

/* --- by hand --- */

static void
entries_by_hand_stand_beside_the_file(void)
{
	struct box_list_entry entry[4];

	remove_folder();
	mkdir(folder, 0700);
	write_file("feed.txt", "192.0.2.0/24\n");
	write_conf(FEED);
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	CU_ASSERT_EQUAL(by_hand("feed", "198.51.100.7", 3600, true), 0);
	CU_ASSERT_EQUAL(by_hand("feed", "2001:db8::/32", 0, true), 0);
	CU_ASSERT_EQUAL(errors.warnings, 0);
	/* Again is no mistake, and gives it another end. */
	CU_ASSERT_EQUAL(by_hand("feed", "198.51.100.7", 7200, true), 0);
	CU_ASSERT(is_listed("198.51.100.7"));
	CU_ASSERT(is_listed("2001:db8::1"));
	CU_ASSERT(is_listed("192.0.2.1"));
	CU_ASSERT_EQUAL(shown("feed").made, 2);
	CU_ASSERT_EQUAL(shown("feed").total, 3);
	CU_ASSERT_EQUAL(e.box.list_entries(e.box.daemon, "feed", entry, 4), 2);

	CU_ASSERT_EQUAL(by_hand("fed", "198.51.100.7", 0, true), -ENOENT);
	CU_ASSERT(is_told(0, "there is no list \"fed\""));
	CU_ASSERT_EQUAL(by_hand("feed", "0.0.0.0/0", 0, true), -EDOM);
	CU_ASSERT_EQUAL(by_hand("feed", "::/0", 0, true), -EDOM);
	CU_ASSERT_EQUAL(by_hand("feed", "192.0.2.0/24", 0, false), -ENOENT);
	CU_ASSERT(is_told(0, "was not put into the list"));

	/* A new file leaves them alone. */
	write_file("feed.txt", "203.0.113.0/24\n");
	CU_ASSERT_EQUAL(reload_list("feed"), 0);
	CU_ASSERT(is_listed("198.51.100.7"));
	CU_ASSERT_EQUAL(reload(), 0);
	CU_ASSERT(is_listed("198.51.100.7"));
	close_engine();

	/* So does a restart. */
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	CU_ASSERT(is_listed("198.51.100.7"));
	CU_ASSERT(is_listed("2001:db8::1"));
	CU_ASSERT_EQUAL(by_hand("feed", "2001:db8::/32", 0, false), 0);
	CU_ASSERT_FALSE(is_listed("2001:db8::1"));
	close_engine();
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	CU_ASSERT_FALSE(is_listed("2001:db8::1"));
	CU_ASSERT(is_listed("198.51.100.7"));
	close_engine();
}

static void
what_has_ended_does_not_survive_a_restart(void)
{
	char text[256];

	remove_folder();
	mkdir(folder, 0700);
	mkdir(path_of("state"), 0700);
	snprintf(text, sizeof(text),
	         "{\"version\": 1, \"entries\": [{\"list\": \"feed\", \"prefix\": "
	         "\"198.51.100.7/32\", \"until_unix\": %lld}, {\"list\": \"feed\", "
	         "\"prefix\": \"198.51.100.8/32\", \"until_unix\": %lld}]}",
	         (long long)time(NULL) - 10, (long long)time(NULL) + 1000);
	write_file("state/lists.json", text);
	write_conf("{ name = \"feed\"; action = \"deny\"; }");
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	CU_ASSERT_FALSE(is_listed("198.51.100.7"));
	CU_ASSERT(is_listed("198.51.100.8"));
	CU_ASSERT_EQUAL(shown("feed").made, 1);
	close_engine();
}

static void
a_broken_state_is_set_aside_and_not_fatal(void)
{
	static const char *const broken[] = {
		"{",
		"",
		"[]",
		"{\"version\": 2, \"entries\": []}",
		"{\"version\": 1, \"entries\": [{\"list\": \"feed\"}]}",
		"{\"version\": 1, \"entries\": [{\"list\": \"feed\", \"prefix\": "
		"\"198.51.100.7/32\", \"until_unix\": \"never\"}]}",
		"{\"version\": 1, \"entries\": [{\"list\": \"feed\", \"prefix\": "
		"\"198.51.100.7/24\", \"until_unix\": null}]}",
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		remove_folder();
		mkdir(folder, 0700);
		mkdir(path_of("state"), 0700);
		write_file("state/lists.json", broken[i]);
		write_conf("{ name = \"feed\"; action = \"deny\"; }");
		CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
		CU_ASSERT_EQUAL(errors.count, 0);
		CU_ASSERT(is_told(0, "entries made by hand cannot be read"));
		CU_ASSERT_EQUAL(access(path_of("state/lists.json.broken"), F_OK), 0);
		CU_ASSERT_NOT_EQUAL(access(path_of("state/lists.json"), F_OK), 0);
		CU_ASSERT_FALSE(is_listed("198.51.100.7"));
		close_engine();
	}
	/* Where nothing can be kept it is said, and holds all the same. */
	remove_folder();
	mkdir(folder, 0700);
	write_conf("{ name = \"feed\"; action = \"deny\"; }");
	CU_ASSERT_EQUAL_FATAL(open_engine(), 0);
	remove_folder();
	mkdir(folder, 0700);
	write_file("state", "in the way");
	CU_ASSERT_EQUAL(by_hand("feed", "198.51.100.7", 0, true), 0);
	CU_ASSERT(is_told(0, "does not survive a restart"));
	CU_ASSERT(is_listed("198.51.100.7"));
	close_engine();
}

SUITE_MAIN("lists", TEST(files_are_read_before_the_start),
           TEST(a_broken_file_at_the_start_does_as_it_says),
           TEST(a_changed_file_is_taken_when_its_time_comes),
           TEST(a_broken_refresh_keeps_the_old_content), TEST(a_list_is_read_by_call),
           TEST(a_reload_reads_what_is_new_and_leaves_the_rest),
           TEST(a_dry_run_reads_the_files_and_changes_nothing),
           TEST(the_thread_looks_after_the_files),
           TEST(entries_by_hand_stand_beside_the_file),
           TEST(what_has_ended_does_not_survive_a_restart),
           TEST(a_broken_state_is_set_aside_and_not_fatal))
