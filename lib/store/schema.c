/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>

#include "store/parts.h"

const char *const store_columns[STORE_VALUES] = {
	"received_packets", "received_bits",    "forwarded_packets", "forwarded_bits",
	"dropped_packets",  "dropped_bits",     "answered_packets",  "would_packets",
	"verified_dropped", "outbound_packets", "outbound_bits",     "peak_packets",
	"peak_bits",
};

/* What makes version i + 1 of version i; a step that was ever shipped never changes. */
static const char *const steps[STORE_VERSION] = {
	"CREATE TABLE series("
	"  id INTEGER PRIMARY KEY, service TEXT NOT NULL, vector TEXT NOT NULL,"
	"  UNIQUE(service, vector));"
	/* In the order of time, so that a minute is written in one place, and the oldest
	 * rows stand together. */
	"CREATE TABLE minutes("
	"  at INTEGER NOT NULL, series INTEGER NOT NULL, attack INTEGER NOT NULL,"
	"  received_packets INTEGER NOT NULL, received_bits INTEGER NOT NULL,"
	"  forwarded_packets INTEGER NOT NULL, forwarded_bits INTEGER NOT NULL,"
	"  dropped_packets INTEGER NOT NULL, dropped_bits INTEGER NOT NULL,"
	"  answered_packets INTEGER NOT NULL, would_packets INTEGER NOT NULL,"
	"  verified_dropped INTEGER NOT NULL,"
	"  outbound_packets INTEGER NOT NULL, outbound_bits INTEGER NOT NULL,"
	"  peak_packets INTEGER NOT NULL, peak_bits INTEGER NOT NULL,"
	"  PRIMARY KEY(at, series)) WITHOUT ROWID;"
	"CREATE TABLE attacks("
	"  id TEXT PRIMARY KEY, number INTEGER NOT NULL, service TEXT NOT NULL,"
	"  vector TEXT NOT NULL, started INTEGER NOT NULL, updated INTEGER NOT NULL,"
	"  ended INTEGER, attack TEXT NOT NULL, details TEXT NOT NULL);"
	"CREATE INDEX attacks_by_number ON attacks(number);"
	"CREATE INDEX attacks_by_end ON attacks(ended);"
	/* For who asks with sqlite3. */
	"CREATE VIEW rates AS SELECT datetime(at, 'unixepoch') AS time, service, vector,"
	"  minutes.* FROM minutes JOIN series ON series.id = minutes.series;",

	"CREATE TABLE events("
	"  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL,"
	"  service TEXT NOT NULL, attack TEXT NOT NULL, line TEXT NOT NULL);"
	"CREATE INDEX events_by_time ON events(at);"
	"CREATE INDEX events_by_type ON events(type, at);",
};

int
store_migrate(sqlite3 *db, char why[STORE_WHY])
{
	const int64_t version = store_number(db, "PRAGMA user_version", -1);
	char sql[64];
	int rc = 0;

	if (version < 0)
		return store_fail(db, sqlite3_errcode(db), why);
	if (version > STORE_VERSION) {
		snprintf(why, STORE_WHY,
		         "the file is of version %lld, and this program knows %d at most",
		         (long long)version, STORE_VERSION);
		return -EPROTO;
	}
	if (version == STORE_VERSION)
		return 0;
	rc = store_run(db, "BEGIN IMMEDIATE", why);
	for (int64_t v = version; rc == 0 && v < STORE_VERSION; v++)
		rc = store_run(db, steps[v], why);
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", STORE_VERSION);
	if (rc == 0)
		rc = store_run(db, sql, why);
	if (rc == 0)
		rc = store_run(db, "COMMIT", why);
	if (rc < 0 && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
