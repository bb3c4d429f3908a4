/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/parts.h"

int
store_begin(struct store *s, char why[STORE_WHY])
{
	int rc;

	pthread_mutex_lock(&s->write_lock);
	if (s->writer == NULL) {
		snprintf(why, STORE_WHY, "there is no file");
		rc = -EIO;
	} else {
		rc = store_run(s->writer, "BEGIN IMMEDIATE", why);
	}
	if (rc < 0)
		pthread_mutex_unlock(&s->write_lock);
	return rc;
}

int
store_commit(struct store *s, char why[STORE_WHY])
{
	const int rc = store_run(s->writer, "COMMIT", why);

	if (rc == 0)
		pthread_mutex_unlock(&s->write_lock);
	return rc;
}

void
store_undo(struct store *s)
{
	for (unsigned int i = 0; i < WRITES; i++)
		sqlite3_reset(s->write[i]);
	/* SQLite has given up by itself after some errors. */
	if (!sqlite3_get_autocommit(s->writer))
		sqlite3_exec(s->writer, "ROLLBACK", NULL, NULL, NULL);
	pthread_mutex_unlock(&s->write_lock);
}

void
store_why(struct store *s, char why[STORE_WHY])
{
	snprintf(why, STORE_WHY, "%s", sqlite3_errmsg(s->writer));
}

/* Step once and give the statement back. */
static int
finish(sqlite3_stmt *st)
{
	const int rc = sqlite3_step(st);

	sqlite3_reset(st);
	return store_errno(rc);
}

static int64_t
whole(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* The number of a service and vector, made when it is new; 0 with an error. */
static int64_t
series(struct store *s, const struct store_minute *m)
{
	sqlite3_stmt *st =
		store_statement(s->writer, &s->write[FIND_SERIES],
	                        "SELECT id FROM series WHERE service = ? AND vector = ?");
	int64_t id = 0;

	if (st == NULL)
		return 0;
	store_bind_text(st, 1, m->service);
	store_bind_text(st, 2, m->vector);
	if (sqlite3_step(st) == SQLITE_ROW)
		id = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	if (id != 0)
		return id;
	st = store_statement(s->writer, &s->write[PUT_SERIES],
	                     "INSERT INTO series(service, vector) VALUES(?, ?)");
	if (st == NULL)
		return 0;
	store_bind_text(st, 1, m->service);
	store_bind_text(st, 2, m->vector);
	return finish(st) == 0 ? sqlite3_last_insert_rowid(s->writer) : 0;
}

int
store_put_minute(struct store *s, int64_t at_s, const struct store_minute *m)
{
	const int64_t id = series(s, m);
	sqlite3_stmt *st;

	if (id == 0)
		return store_errno(sqlite3_errcode(s->writer)) < 0
		               ? store_errno(sqlite3_errcode(s->writer))
		               : -EIO;
	/* As many marks as columns: at, series, attack and the values. */
	st = store_statement(s->writer, &s->write[PUT_MINUTE],
	                     "INSERT OR REPLACE INTO minutes VALUES(?, ?, ?, ?, ?, ?, ?, "
	                     "?, ?, ?, ?, ?, ?, ?, ?, ?)");
	if (st == NULL)
		return store_errno(sqlite3_errcode(s->writer));
	sqlite3_bind_int64(st, 1, at_s);
	sqlite3_bind_int64(st, 2, id);
	sqlite3_bind_int(st, 3, m->is_attack);
	for (int i = 0; i < STORE_VALUES; i++)
		sqlite3_bind_int64(st, 4 + i, whole(m->value[i]));
	return finish(st);
}

int
store_put_attack(struct store *s, const struct store_attack *a)
{
	sqlite3_stmt *st =
		store_statement(s->writer, &s->write[PUT_ATTACK],
	                        "INSERT OR REPLACE INTO attacks(number, id, service, "
	                        "vector, started, updated, ended, attack, details) "
	                        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");

	if (st == NULL)
		return store_errno(sqlite3_errcode(s->writer));
	sqlite3_bind_int64(st, 1, whole(a->number));
	store_bind_text(st, 2, a->id);
	store_bind_text(st, 3, a->service);
	store_bind_text(st, 4, a->vector);
	sqlite3_bind_int64(st, 5, a->started_s);
	sqlite3_bind_int64(st, 6, a->updated_s);
	if (a->ended_s != 0)
		sqlite3_bind_int64(st, 7, a->ended_s);
	store_bind_text(st, 8, a->attack);
	store_bind_text(st, 9, a->details != NULL ? a->details : "");
	return finish(st);
}

int
store_put_event(struct store *s, const struct store_event *e)
{
	sqlite3_stmt *st =
		store_statement(s->writer, &s->write[PUT_EVENT],
	                        "INSERT INTO events(at, type, service, attack, line) "
	                        "VALUES(?, ?, ?, ?, ?)");

	if (st == NULL)
		return store_errno(sqlite3_errcode(s->writer));
	sqlite3_bind_int64(st, 1, e->at_s);
	store_bind_text(st, 2, e->type);
	store_bind_text(st, 3, e->service);
	store_bind_text(st, 4, e->attack);
	store_bind_text(st, 5, e->line);
	return finish(st);
}
