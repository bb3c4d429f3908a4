/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files of the store share; for this room only.
 *
 *     store.c    open, close, check, set aside
 *     schema.c   tables, and how older files become ours
 *     write.c    rows in
 *     trim.c     size and age
 *     read.c     rows out
 *     absent.c   in the place of all of them without SQLite
 */
#ifndef STORE_PARTS_H
#define STORE_PARTS_H

#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>

#include "store/store.h"

/* Statements of the writer, prepared when they are first needed. */
enum { PUT_MINUTE, PUT_ATTACK, PUT_EVENT, PUT_SERIES, FIND_SERIES, WRITES };
/* And of the reader. */
enum { GET_MINUTE, GET_SERIES, READS };

struct store {
	char path[PATH_MAX];
	uint64_t most_bytes, keep_s;
	pthread_mutex_t write_lock, read_lock; /* in this order */
	sqlite3 *writer, *reader;
	sqlite3_stmt *write[WRITES], *read[READS];
	bool is_full; /* the size was met since the last trimming */
};

#define STORE_VERSION 2
extern const char *const store_columns[STORE_VALUES];

/* Bring an open file up to STORE_VERSION. 0; -EPROTO for a newer one; else -errno. */
int store_migrate(sqlite3 *db, char why[STORE_WHY]);

/* The -errno of a result of SQLite; 0 for its three good ones. */
int store_errno(int rc);
/* The same with the sentence of the connection. */
int store_fail(sqlite3 *db, int rc, char why[STORE_WHY]);
int store_run(sqlite3 *db, const char *sql, char why[STORE_WHY]);
/* The first column of the first row, or `absent`. */
int64_t store_number(sqlite3 *db, const char *sql, int64_t absent);
/* A statement ready to be bound, prepared where it was not yet; NULL when that failed. */
sqlite3_stmt *store_statement(sqlite3 *db, sqlite3_stmt **kept, const char *sql);
void store_bind_text(sqlite3_stmt *st, int at, const char *text);

#endif
