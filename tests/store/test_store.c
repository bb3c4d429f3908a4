/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows that were put in come out again, whatever happens to the file in between. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

#define DAY INT64_C(86400)
#define T0  INT64_C(1795300200) /* a whole minute */

static char folder[64], why[STORE_WHY];
static struct store *s;

static const char *
path(const char *name)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", folder, name);
	return text;
}

static int
open_with(uint64_t bytes, uint64_t keep_s, bool *is_new)
{
	return store_open(&(struct store_settings){ .folder = folder,
	                                            .most_bytes = bytes,
	                                            .keep_s = keep_s },
	                  &s, is_new, why);
}

static void
reopen(bool expect_new)
{
	bool is_new;

	CU_ASSERT_EQUAL_FATAL(open_with(16 << 20, 0, &is_new), 0);
	CU_ASSERT_EQUAL(is_new, expect_new);
}

static void
begin(void)
{
	strcpy(folder, "/tmp/tidegate-store-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
}

static void
end(void)
{
	static const char *const files[] = {
		"history.db",         "history.db-wal",         "history.db-shm",
		"history.db.damaged", "history.db.damaged-wal", "history.db.damaged-shm",
	};

	store_close(s);
	s = NULL;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlink(path(files[i]));
	CU_ASSERT_EQUAL(rmdir(folder), 0);
}

static int
put_minute(int64_t at_s, const char *service, const char *vector, uint64_t value)
{
	struct store_minute m = { .service = service, .vector = vector };

	for (unsigned int i = 0; i < STORE_VALUES; i++)
		m.value[i] = value + i;
	m.is_attack = value % 2 == 1;
	return store_put_minute(s, at_s, &m);
}

static void
put_attack(uint64_t number, int64_t started_s, int64_t ended_s)
{
	char id[40];

	snprintf(id, sizeof(id), "a-%llu", (unsigned long long)number);
	CU_ASSERT_EQUAL(
		store_put_attack(s, &(struct store_attack){ .number = number,
	                                                    .id = id,
	                                                    .service = "shop",
	                                                    .vector = "udp_flood",
	                                                    .started_s = started_s,
	                                                    .updated_s = started_s + 5,
	                                                    .ended_s = ended_s,
	                                                    .attack = "{\"a\":1}",
	                                                    .details = "{\"d\":2}" }),
		0);
}

struct seen {
	unsigned int n, known;
	int64_t first, last;
	uint64_t sum;
	char ids[256];
};

static void
see_minute(void *arg, int64_t at_s, const struct store_minute *m)
{
	struct seen *seen = arg;

	seen->first = seen->n == 0 ? at_s : seen->first;
	seen->last = at_s;
	seen->n++;
	if (m == NULL)
		return;
	seen->known++;
	seen->sum += m->value[0];
	CU_ASSERT_EQUAL(m->value[STORE_VALUES - 1], m->value[0] + STORE_VALUES - 1);
	CU_ASSERT_EQUAL(m->is_attack, m->value[0] % 2 == 1);
}

static bool
see_attack(void *arg, const struct store_attack *a)
{
	struct seen *seen = arg;

	seen->n++;
	snprintf(seen->ids + strlen(seen->ids), sizeof(seen->ids) - strlen(seen->ids),
	         "%s ", a->id);
	CU_ASSERT_STRING_EQUAL(a->attack, "{\"a\":1}");
	if (a->details != NULL)
		CU_ASSERT_STRING_EQUAL(a->details, "{\"d\":2}");
	return true;
}

static bool
see_event(void *arg, const struct store_event *e)
{
	struct seen *seen = arg;

	seen->n++;
	snprintf(seen->ids + strlen(seen->ids), sizeof(seen->ids) - strlen(seen->ids),
	         "%s ", e->line);
	return seen->n < 2;
}

static struct seen
minutes(const char *service, const char *vector, int64_t from_s, int64_t to_s, int want)
{
	struct seen seen = { 0 };

	CU_ASSERT_EQUAL(
		store_read_minutes(s, service, vector, from_s, to_s, see_minute, &seen),
		want);
	return seen;
}

static void
commit(void)
{
	CU_ASSERT_EQUAL(store_commit(s, why), 0);
}

static void
rows_outlive_the_process(void)
{
	struct seen seen;

	begin();
	reopen(false);
	CU_ASSERT_EQUAL(store_last_number(s), 0);
	CU_ASSERT_EQUAL(store_begin(s, why), 0);
	for (int i = 0; i < 10; i++) {
		put_minute(T0 + 60 * i, "", "", 1000);
		if (i % 2 == 0)
			put_minute(T0 + 60 * i, "shop", "", (uint64_t)i);
	}
	put_attack(7, T0, T0 + 50);
	put_attack(8, T0 + 60, 0);
	commit();
	store_close(s);

	reopen(false);
	CU_ASSERT_EQUAL(store_last_number(s), 8);
	seen = minutes("shop", "", 0, INT64_MAX, 0);
	CU_ASSERT(seen.n == 10 && seen.known == 5 && seen.sum == 0 + 2 + 4 + 6 + 8);
	CU_ASSERT(seen.first == T0 && seen.last == T0 + 540);
	seen = minutes("shop", "", T0 + 61, T0 + 240, 0);
	CU_ASSERT(seen.n == 2 && seen.first == T0 + 120 && seen.sum == 2);
	/* Known by its service, and nothing of it ever came. */
	seen = minutes("shop", "udp_flood", 0, INT64_MAX, 0);
	CU_ASSERT(seen.n == 10 && seen.known == 0);
	minutes("nobody", "", 0, INT64_MAX, -ENOENT);

	seen = (struct seen){ 0 };
	CU_ASSERT_EQUAL(store_read_attacks(s, T0, false, see_attack, &seen), 2);
	CU_ASSERT_STRING_EQUAL(seen.ids, "a-8 a-7 ");
	seen = (struct seen){ 0 };
	CU_ASSERT_EQUAL(store_read_attacks(s, T0 + 51, false, see_attack, &seen), 1);
	seen = (struct seen){ 0 };
	CU_ASSERT_EQUAL(store_read_attacks(s, 0, true, see_attack, &seen), 1);
	CU_ASSERT_STRING_EQUAL(seen.ids, "a-8 ");
	seen = (struct seen){ 0 };
	CU_ASSERT_EQUAL(store_read_attack(s, "a-7", see_attack, &seen), 0);
	CU_ASSERT_EQUAL(store_read_attack(s, "a-9", see_attack, &seen), -ENOENT);
	/* Put again under its id it is the same attack. */
	CU_ASSERT_EQUAL(store_begin(s, why), 0);
	put_attack(8, T0 + 60, T0 + 99);
	commit();
	seen = (struct seen){ 0 };
	CU_ASSERT_EQUAL(store_read_attacks(s, 0, true, see_attack, &seen), 0);
	end();
}

static void
events_come_newest_first_and_by_type(void)
{
	struct seen seen = { 0 };

	begin();
	reopen(false);
	CU_ASSERT_EQUAL(store_begin(s, why), 0);
	for (int i = 0; i < 5; i++) {
		char line[8];

		snprintf(line, sizeof(line), "l%d", i);
		CU_ASSERT_EQUAL(
			store_put_event(s,
		                        &(struct store_event){ .at_s = T0 + i,
		                                               .type = i == 3 ? "block"
		                                                              : "attack",
		                                               .service = "shop",
		                                               .attack = "",
		                                               .line = line }),
			0);
	}
	commit();
	/* The reader says when it has enough. */
	CU_ASSERT_EQUAL(store_read_events(s, T0 + 1, NULL, see_event, &seen), 2);
	CU_ASSERT_STRING_EQUAL(seen.ids, "l4 l3 ");
	seen = (struct seen){ 0 };
	CU_ASSERT_EQUAL(store_read_events(s, T0, "block", see_event, &seen), 1);
	CU_ASSERT_STRING_EQUAL(seen.ids, "l3 ");
	end();
}

static void
what_is_undone_was_never_there(void)
{
	begin();
	reopen(false);
	CU_ASSERT_EQUAL(store_begin(s, why), 0);
	put_minute(T0, "", "", 1);
	commit();
	CU_ASSERT_EQUAL(store_begin(s, why), 0);
	put_minute(T0 + 60, "", "", 1);
	store_undo(s);
	CU_ASSERT_EQUAL(minutes("", "", 0, INT64_MAX, 0).n, 1);
	end();
}

/* Break the file that lies there: all of it, its end, or a page in its middle. */
static void
damage(int how)
{
	const int fd = open(path("history.db"), O_RDWR);
	struct stat st;
	char junk[4096];

	memset(junk, 'x', sizeof(junk));
	CU_ASSERT_FATAL(fd >= 0 && fstat(fd, &st) == 0);
	if (how == 0)
		CU_ASSERT_EQUAL(pwrite(fd, junk, sizeof(junk), 0), (ssize_t)sizeof(junk));
	if (how == 1)
		CU_ASSERT_EQUAL(ftruncate(fd, st.st_size / 2 / 4096 * 4096 + 100), 0);
	if (how == 2)
		for (off_t at = 8 * 4096; at < st.st_size - 4096; at += 3 * 4096)
			CU_ASSERT_EQUAL(pwrite(fd, junk, sizeof(junk), at),
			                (ssize_t)sizeof(junk));
	close(fd);
}

static void
a_damaged_file_is_set_aside(void)
{
	for (int how = 0; how < 3; how++) {
		struct stat st;
		bool is_new = false;

		begin();
		reopen(false);
		CU_ASSERT_EQUAL(store_begin(s, why), 0);
		for (int i = 0; i < 3000; i++)
			put_minute(T0 + 60 * i, "shop", "", 5);
		commit();
		CU_ASSERT_EQUAL(store_check(s, why), 0);
		store_close(s);
		damage(how);

		CU_ASSERT_EQUAL_FATAL(open_with(16 << 20, 0, &is_new), 0);
		if (!is_new) {
			CU_ASSERT_EQUAL(store_check(s, why), -EUCLEAN);
			CU_ASSERT(why[0] != '\0');
			CU_ASSERT_EQUAL(store_set_aside(s, why), 0);
		}
		CU_ASSERT_EQUAL(stat(path("history.db.damaged"), &st), 0);
		CU_ASSERT_EQUAL(store_check(s, why), 0);
		/* The new one takes rows, and the old ones are not in it. */
		CU_ASSERT_EQUAL(store_begin(s, why), 0);
		CU_ASSERT_EQUAL(put_minute(T0, "", "", 1), 0);
		commit();
		CU_ASSERT_EQUAL(minutes("", "", 0, INT64_MAX, 0).n, 1);
		end();
	}
}

static void
the_size_is_kept_and_the_oldest_goes_first(void)
{
	bool is_new;
	struct seen seen;
	struct stat st;
	int rc = 0, full = 0;

	begin();
	CU_ASSERT_EQUAL_FATAL(open_with(STORE_LEAST, 0, &is_new), 0);
	for (int i = 0; i < 300; i++) {
		rc = store_begin(s, why);
		for (int k = 0; rc == 0 && k < 60; k++)
			rc = put_minute(T0 + 60 * (60 * i + k), "", "", 1000000);
		rc = rc == 0 ? store_commit(s, why) : rc;
		if (rc < 0) {
			store_undo(s);
			full++;
		}
		CU_ASSERT(store_trim(s, T0 + 3600 * (i + 1), why) >= 0);
	}
	CU_ASSERT_EQUAL(full, 0);
	CU_ASSERT(store_bytes(s) <= STORE_LEAST && store_bytes(s) > STORE_LEAST / 2);
	seen = minutes("", "", 0, INT64_MAX, 0);
	CU_ASSERT_EQUAL(seen.last, T0 + 60 * (300 * 60 - 1));
	CU_ASSERT(seen.first > T0 + 3600 && seen.n > 1000);
	/* What is left has no holes. */
	CU_ASSERT_EQUAL(seen.n, (unsigned int)((seen.last - seen.first) / 60 + 1));
	CU_ASSERT_EQUAL(seen.known, seen.n);
	store_close(s);
	CU_ASSERT_EQUAL(stat(path("history.db"), &st), 0);
	CU_ASSERT((uint64_t)st.st_size <= STORE_LEAST);

	/* Age alone. */
	CU_ASSERT_EQUAL_FATAL(open_with(16 << 20, 3600, &is_new), 0);
	CU_ASSERT(store_trim(s, seen.last, why) > 0);
	CU_ASSERT_EQUAL(minutes("", "", 0, INT64_MAX, 0).first, seen.last - 3600);
	end();
}

/* In a process of its own: a limit on files stands for a full disk. */
static void
a_full_disk_is_told_and_passes(void)
{
	int status;
	pid_t child;

	begin();
	reopen(false);
	CU_ASSERT_EQUAL(store_begin(s, why), 0);
	put_minute(T0, "", "", 1);
	commit();
	store_close(s);
	s = NULL;
	child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		struct rlimit limit = { 200000, 4000000 };
		bool is_new;
		int rc = 0, bad = 0;

		signal(SIGXFSZ, SIG_IGN);
		if (open_with(16 << 20, 0, &is_new) < 0)
			_exit(1);
		setrlimit(RLIMIT_FSIZE, &limit);
		rc = store_begin(s, why);
		for (int i = 1; rc == 0 && i < 20000; i++)
			rc = put_minute(T0 + 60 * i, "", "", 1000000);
		if (rc == 0)
			rc = store_commit(s, why);
		if (rc == 0)
			_exit(2);
		bad = rc;
		store_undo(s);
		limit.rlim_cur = 4000000;
		setrlimit(RLIMIT_FSIZE, &limit);
		rc = store_begin(s, why);
		rc = rc == 0 ? put_minute(T0 + 60, "", "", 1) : rc;
		rc = rc == 0 ? store_commit(s, why) : rc;
		_exit(rc == 0 && (bad == -ENOSPC || bad == -EIO) ? 0 : 3);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	reopen(false);
	CU_ASSERT_EQUAL(store_check(s, why), 0);
	CU_ASSERT_EQUAL(minutes("", "", 0, INT64_MAX, 0).n, 2);
	end();
}

static void
an_older_file_becomes_ours_and_a_newer_one_is_left_alone(void)
{
	sqlite3 *db;
	bool is_new;
	struct seen seen = { 0 };

	begin();
	reopen(false);
	CU_ASSERT_EQUAL(store_begin(s, why), 0);
	put_minute(T0, "", "", 4);
	put_attack(3, T0, T0 + 1);
	commit();
	store_close(s);
	s = NULL;
	/* As the first version was: without events. */
	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path("history.db"), &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, "DROP TABLE events; PRAGMA user_version = 1",
	                             NULL, NULL, NULL),
	                SQLITE_OK);
	sqlite3_close(db);
	reopen(false);
	CU_ASSERT_EQUAL(minutes("", "", 0, INT64_MAX, 0).sum, 4);
	CU_ASSERT_EQUAL(store_last_number(s), 3);
	CU_ASSERT_EQUAL(store_read_events(s, 0, NULL, see_event, &seen), 0);
	store_close(s);
	s = NULL;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path("history.db"), &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL);
	sqlite3_close(db);
	CU_ASSERT_EQUAL(open_with(16 << 20, 0, &is_new), -EPROTO);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "version 99"));
	CU_ASSERT_EQUAL(access(path("history.db.damaged"), F_OK), -1);
	end();
}

static void
what_cannot_be_opened_says_why(void)
{
	bool is_new;

	strcpy(folder, "/proc/nowhere");
	CU_ASSERT(open_with(16 << 20, 0, &is_new) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "/proc/nowhere/history.db"));
	begin();
	CU_ASSERT_EQUAL(symlink("/tmp", path("history.db")), 0);
	CU_ASSERT(open_with(16 << 20, 0, &is_new) < 0);
	end();
}

static void
only_its_owner_may_read_it(void)
{
	struct stat st;

	begin();
	reopen(false);
	CU_ASSERT_EQUAL(stat(path("history.db"), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	end();
}

SUITE_MAIN("store/store", TEST(rows_outlive_the_process),
           TEST(events_come_newest_first_and_by_type),
           TEST(what_is_undone_was_never_there), TEST(a_damaged_file_is_set_aside),
           TEST(the_size_is_kept_and_the_oldest_goes_first),
           TEST(a_full_disk_is_told_and_passes),
           TEST(an_older_file_becomes_ours_and_a_newer_one_is_left_alone),
           TEST(what_cannot_be_opened_says_why), TEST(only_its_owner_may_read_it))
