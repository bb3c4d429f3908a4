/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/parts.h"

#define WAIT_MS 1000 /* for another program that has the file in hand */

/* --- results --- */

int
store_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

int
store_fail(sqlite3 *db, int rc, char why[STORE_WHY])
{
	if (store_errno(rc) != 0)
		snprintf(why, STORE_WHY, "%s", sqlite3_errmsg(db));
	return store_errno(rc);
}

int
store_run(sqlite3 *db, const char *sql, char why[STORE_WHY])
{
	return store_fail(db, sqlite3_exec(db, sql, NULL, NULL, NULL), why);
}

int64_t
store_number(sqlite3 *db, const char *sql, int64_t absent)
{
	sqlite3_stmt *st;
	int64_t value = absent;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		return absent;
	if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
		value = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return value;
}

sqlite3_stmt *
store_statement(sqlite3 *db, sqlite3_stmt **kept, const char *sql)
{
	if (*kept == NULL && sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT,
	                                        kept, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_reset(*kept);
	sqlite3_clear_bindings(*kept);
	return *kept;
}

void
store_bind_text(sqlite3_stmt *st, int at, const char *text)
{
	sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

/* --- connections --- */

static void
disconnect(struct store *s)
{
	for (unsigned int i = 0; i < WRITES; i++)
		sqlite3_finalize(s->write[i]);
	for (unsigned int i = 0; i < READS; i++)
		sqlite3_finalize(s->read[i]);
	memset(s->write, 0, sizeof(s->write));
	memset(s->read, 0, sizeof(s->read));
	sqlite3_close(s->reader);
	sqlite3_close(s->writer);
	s->reader = s->writer = NULL;
}

static int
bound_size(struct store *s, char why[STORE_WHY])
{
	const int64_t page = store_number(s->writer, "PRAGMA page_size", 4096);
	char sql[80];

	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld",
	         (long long)s->most_bytes / page);
	return store_run(s->writer, sql, why);
}

/* Only we may read it: it tells who was attacked by whom. */
static int
make_file(const char *path, char why[STORE_WHY])
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	const int error = errno;

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	snprintf(why, STORE_WHY, "%.120s: %s", path, strerror(error));
	return -error;
}

static int
connect_writer(struct store *s, char why[STORE_WHY])
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	int rc = make_file(s->path, why);

	if (rc < 0)
		return rc;
	rc = sqlite3_open_v2(s->path, &s->writer, flags, NULL);
	if (rc != SQLITE_OK)
		return store_fail(s->writer, rc, why);
	sqlite3_busy_timeout(s->writer, WAIT_MS);
	/* A commit needs no fsync then: a power cut takes the last minute, no more. */
	rc = store_run(s->writer,
	               "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; "
	               "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304",
	               why);
	if (rc == 0)
		rc = store_migrate(s->writer, why);
	return rc < 0 ? rc : bound_size(s, why);
}

static int
connect_both(struct store *s, char why[STORE_WHY])
{
	const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
	int rc = connect_writer(s, why);

	if (rc == 0) {
		const int opened = sqlite3_open_v2(s->path, &s->reader, flags, NULL);

		rc = store_fail(s->reader, opened, why);
	}
	if (rc < 0)
		disconnect(s);
	else
		sqlite3_busy_timeout(s->reader, WAIT_MS);
	return rc;
}

/* The journal goes along, so that what can be saved by hand is all there. */
static int
rename_aside(const struct store *s, char why[STORE_WHY])
{
	static const char *const ends[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		char from[PATH_MAX + 8], to[PATH_MAX + 32];

		snprintf(from, sizeof(from), "%s%s", s->path, ends[i]);
		snprintf(to, sizeof(to), "%.*s%s%s",
		         (int)(strlen(s->path) - strlen(STORE_FILE)), s->path,
		         STORE_DAMAGED, ends[i]);
		unlink(to);
		if (rename(from, to) < 0 && errno != ENOENT) {
			const int error = errno;

			snprintf(why, STORE_WHY, "%.80s cannot be set aside: %s", from,
			         strerror(error));
			return -error;
		}
	}
	return 0;
}

int
store_set_aside(struct store *s, char why[STORE_WHY])
{
	int rc;

	pthread_mutex_lock(&s->write_lock);
	pthread_mutex_lock(&s->read_lock);
	disconnect(s);
	rc = rename_aside(s, why);
	if (rc == 0)
		rc = connect_both(s, why);
	pthread_mutex_unlock(&s->read_lock);
	pthread_mutex_unlock(&s->write_lock);
	return rc;
}

/* --- open, check, close --- */

int
store_open(const struct store_settings *settings, struct store **out, bool *is_new_begun,
           char why[STORE_WHY])
{
	struct store *s = calloc(1, sizeof(*s));
	char sentence[STORE_WHY];
	int rc;

	*is_new_begun = false;
	if (s == NULL) {
		snprintf(why, STORE_WHY, "there is no memory");
		return -ENOMEM;
	}
	pthread_mutex_init(&s->write_lock, NULL);
	pthread_mutex_init(&s->read_lock, NULL);
	s->most_bytes = settings->most_bytes;
	s->keep_s = settings->keep_s;
	snprintf(s->path, sizeof(s->path), "%.4000s/" STORE_FILE, settings->folder);
	/* Where it exists or cannot be made, opening the file tells. */
	mkdir(settings->folder, 0700);
	rc = connect_both(s, sentence);
	if (rc == -EUCLEAN) {
		rc = store_set_aside(s, sentence);
		*is_new_begun = rc == 0;
	}
	if (rc < 0 || *is_new_begun)
		snprintf(why, STORE_WHY, "%s", sentence);
	if (rc < 0) {
		store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	disconnect(s);
	pthread_mutex_destroy(&s->write_lock);
	pthread_mutex_destroy(&s->read_lock);
	free(s);
}

int
store_check(struct store *s, char why[STORE_WHY])
{
	sqlite3_stmt *st = NULL;
	int rc, failed;

	pthread_mutex_lock(&s->write_lock);
	rc = sqlite3_prepare_v2(s->writer, "PRAGMA quick_check(1)", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	failed = store_fail(s->writer, rc, why);
	if (rc == SQLITE_ROW &&
	    strcmp((const char *)sqlite3_column_text(st, 0), "ok") != 0) {
		snprintf(why, STORE_WHY, "%.200s",
		         (const char *)sqlite3_column_text(st, 0));
		failed = -EUCLEAN;
	}
	sqlite3_finalize(st);
	pthread_mutex_unlock(&s->write_lock);
	return failed;
}

uint64_t
store_last_number(struct store *s)
{
	int64_t number;

	pthread_mutex_lock(&s->read_lock);
	number = store_number(s->reader, "SELECT max(number) FROM attacks", 0);
	pthread_mutex_unlock(&s->read_lock);
	return number > 0 ? (uint64_t)number : 0;
}
