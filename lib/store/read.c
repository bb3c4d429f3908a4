/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "store/parts.h"

static const char *
text(sqlite3_stmt *st, int column)
{
	const char *t = (const char *)sqlite3_column_text(st, column);

	return t != NULL ? t : "";
}

/* --- attacks and events --- */

#define ATTACK "SELECT number, id, service, vector, started, updated, ended, attack"

static void
read_attack(sqlite3_stmt *st, struct store_attack *a)
{
	*a = (struct store_attack){ .number = (uint64_t)sqlite3_column_int64(st, 0),
		                    .id = text(st, 1),
		                    .service = text(st, 2),
		                    .vector = text(st, 3),
		                    .started_s = sqlite3_column_int64(st, 4),
		                    .updated_s = sqlite3_column_int64(st, 5),
		                    .ended_s = sqlite3_column_int64(st, 6),
		                    .attack = text(st, 7) };
}

int
store_read_attacks(struct store *s, int64_t since_s, bool unfinished_only,
                   store_attack_function *give, void *arg)
{
	const char *sql = unfinished_only ? ATTACK " FROM attacks WHERE ended IS NULL "
	                                           "ORDER BY started DESC, number DESC"
	                                  : ATTACK
	                          " FROM attacks WHERE ended IS NULL OR ended >= ? "
	                          "ORDER BY started DESC, number DESC";
	sqlite3_stmt *st = NULL;
	int rc, n = 0;

	pthread_mutex_lock(&s->read_lock);
	rc = s->reader == NULL ? SQLITE_CANTOPEN
	                       : sqlite3_prepare_v2(s->reader, sql, -1, &st, NULL);
	if (rc == SQLITE_OK && !unfinished_only)
		sqlite3_bind_int64(st, 1, since_s);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_attack a;

		read_attack(st, &a);
		n++;
		rc = give(arg, &a) ? SQLITE_OK : SQLITE_DONE;
	}
	sqlite3_finalize(st);
	pthread_mutex_unlock(&s->read_lock);
	return store_errno(rc) < 0 ? store_errno(rc) : n;
}

int
store_read_attack(struct store *s, const char *id, store_attack_function *give, void *arg)
{
	sqlite3_stmt *st = NULL;
	struct store_attack a;
	int rc, found = -ENOENT;

	pthread_mutex_lock(&s->read_lock);
	rc = s->reader == NULL
	             ? SQLITE_CANTOPEN
	             : sqlite3_prepare_v2(s->reader,
	                                  ATTACK ", details FROM attacks WHERE id = ?",
	                                  -1, &st, NULL);
	if (rc == SQLITE_OK) {
		store_bind_text(st, 1, id);
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		read_attack(st, &a);
		a.details = text(st, 8);
		give(arg, &a);
		found = 0;
	}
	sqlite3_finalize(st);
	pthread_mutex_unlock(&s->read_lock);
	return store_errno(rc) < 0 ? store_errno(rc) : found;
}

int
store_read_events(struct store *s, int64_t since_s, const char *type,
                  store_event_function *give, void *arg)
{
	const bool has_type = type != NULL && type[0] != '\0';
	sqlite3_stmt *st = NULL;
	int rc, n = 0;

	pthread_mutex_lock(&s->read_lock);
	rc = s->reader == NULL
	             ? SQLITE_CANTOPEN
	             : sqlite3_prepare_v2(
			       s->reader,
			       has_type
				       ? "SELECT at, type, service, attack, line FROM "
					 "events WHERE at >= ? AND type = ? ORDER BY seq "
					 "DESC"
				       : "SELECT at, type, service, attack, line FROM "
					 "events WHERE at >= ? ORDER BY seq DESC",
			       -1, &st, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, since_s);
		if (has_type)
			store_bind_text(st, 2, type);
	}
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		const struct store_event e = { .at_s = sqlite3_column_int64(st, 0),
			                       .type = text(st, 1),
			                       .service = text(st, 2),
			                       .attack = text(st, 3),
			                       .line = text(st, 4) };

		n++;
		rc = give(arg, &e) ? SQLITE_OK : SQLITE_DONE;
	}
	sqlite3_finalize(st);
	pthread_mutex_unlock(&s->read_lock);
	return store_errno(rc) < 0 ? store_errno(rc) : n;
}

/* --- minutes --- */

/* The number of a service and vector, or 0. Under read_lock. */
static int64_t
series(struct store *s, const char *service, const char *vector)
{
	sqlite3_stmt *st =
		store_statement(s->reader, &s->read[GET_SERIES],
	                        "SELECT id FROM series WHERE service = ? AND vector = ?");
	int64_t id = 0;

	if (st == NULL)
		return 0;
	store_bind_text(st, 1, service);
	store_bind_text(st, 2, vector);
	if (sqlite3_step(st) == SQLITE_ROW)
		id = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return id;
}

/* One row of a minute; false when there is none, or with an error in *rc. */
static bool
look_up(struct store *s, int64_t at_s, int64_t id, struct store_minute *m, int *rc)
{
	sqlite3_stmt *st =
		store_statement(s->reader, &s->read[GET_MINUTE],
	                        "SELECT * FROM minutes WHERE at = ? AND series = ?");

	if (st == NULL) {
		*rc = sqlite3_errcode(s->reader);
		return false;
	}
	sqlite3_bind_int64(st, 1, at_s);
	sqlite3_bind_int64(st, 2, id);
	*rc = sqlite3_step(st);
	if (*rc == SQLITE_ROW) {
		m->is_attack = sqlite3_column_int(st, 2) != 0;
		for (int i = 0; i < STORE_VALUES; i++)
			m->value[i] = (uint64_t)sqlite3_column_int64(st, 3 + i);
	}
	sqlite3_reset(st);
	return *rc == SQLITE_ROW;
}

/*
 * Row by row by their key: a range would read the rows of all services. The box has a row
 * of each minute that was watched.
 */
static int
read_minutes(struct store *s, int64_t id, int64_t from_s, int64_t to_s,
             store_minute_function *give, void *arg)
{
	const int64_t box = series(s, "", "");
	const int64_t first =
		store_number(s->reader, "SELECT min(at) FROM minutes", INT64_MAX);
	const int64_t last =
		store_number(s->reader, "SELECT max(at) FROM minutes", INT64_MIN);
	int rc = SQLITE_OK;

	from_s = from_s > first ? from_s + (60 - from_s % 60) % 60 : first;
	to_s = last < to_s - 1 ? last + 1 : to_s;
	for (int64_t at = from_s; at < to_s; at += 60) {
		struct store_minute m = { 0 };

		if (id != 0 && look_up(s, at, id, &m, &rc))
			give(arg, at, &m);
		else if (store_errno(rc) == 0 && look_up(s, at, box, &m, &rc))
			give(arg, at, NULL);
		if (store_errno(rc) < 0)
			return store_errno(rc);
	}
	return 0;
}

int
store_read_minutes(struct store *s, const char *service, const char *vector,
                   int64_t from_s, int64_t to_s, store_minute_function *give, void *arg)
{
	int64_t id, whole;
	int rc = -EIO;

	pthread_mutex_lock(&s->read_lock);
	if (s->reader != NULL) {
		id = series(s, service, vector);
		whole = id != 0 ? id : series(s, service, "");
		/* A vector of a known service may never have come. */
		rc = whole == 0 ? -ENOENT : read_minutes(s, id, from_s, to_s, give, arg);
	}
	pthread_mutex_unlock(&s->read_lock);
	return rc;
}
