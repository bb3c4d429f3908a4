/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trim - the store keeps within its age and its size.
 *
 * Over nine tenths of the size the oldest twentieth of the time that is stored goes, in
 * all tables alike, until it is below again. Freed pages are used for what comes; when the
 * file is larger than allowed, because the size was lowered, they are given back.
 */
#include <errno.h>
#include <stdio.h>

#include "store/parts.h"

#define ROUNDS 40

static int64_t
delete_before(struct store *s, int64_t at_s, char why[STORE_WHY])
{
	static const char *const tables[] = {
		"DELETE FROM minutes WHERE at < %lld",
		"DELETE FROM attacks WHERE ended < %lld",
		"DELETE FROM events WHERE at < %lld",
	};
	int64_t gone = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		char sql[80];
		int rc;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(sql, sizeof(sql), tables[i], (long long)at_s);
#pragma GCC diagnostic pop
		rc = store_run(s->writer, sql, why);
		if (rc < 0)
			return rc;
		gone += sqlite3_changes64(s->writer);
	}
	return gone;
}

static uint64_t
used_bytes(sqlite3 *db)
{
	const int64_t pages = store_number(db, "PRAGMA page_count", 0) -
	                      store_number(db, "PRAGMA freelist_count", 0);

	return (uint64_t)pages * (uint64_t)store_number(db, "PRAGMA page_size", 4096);
}

/* Where the oldest twentieth of what is stored ends; INT64_MIN when nothing is. */
static int64_t
oldest_part(sqlite3 *db, int64_t now_s)
{
	const int64_t first = store_number(
		db,
		"SELECT min(at) FROM (SELECT min(at) AS at FROM minutes UNION ALL "
		"SELECT min(ended) FROM attacks UNION ALL SELECT min(at) FROM events)",
		INT64_MIN);

	if (first == INT64_MIN)
		return INT64_MIN;
	return first + (now_s > first ? (now_s - first) / 20 : 0) + 60;
}

static int64_t
trim(struct store *s, int64_t now_s, char why[STORE_WHY])
{
	const uint64_t most = s->most_bytes / 10 * 9;
	int64_t gone = 0, part, n;

	if (s->keep_s > 0 && now_s > (int64_t)s->keep_s) {
		gone = delete_before(s, now_s - (int64_t)s->keep_s, why);
		if (gone < 0)
			return gone;
	}
	for (int i = 0; i < ROUNDS && used_bytes(s->writer) > most; i++) {
		part = oldest_part(s->writer, now_s);
		if (part == INT64_MIN)
			break;
		n = delete_before(s, part, why);
		if (n < 0)
			return n;
		gone += n;
	}
	return gone;
}

int64_t
store_trim(struct store *s, int64_t now_s, char why[STORE_WHY])
{
	int64_t gone;

	pthread_mutex_lock(&s->write_lock);
	if (s->writer == NULL) {
		pthread_mutex_unlock(&s->write_lock);
		return 0;
	}
	gone = trim(s, now_s, why);
	if (gone >= 0 &&
	    (uint64_t)store_number(s->writer, "PRAGMA page_count", 0) * 4096 >
	            s->most_bytes) {
		const int rc = store_run(s->writer, "PRAGMA incremental_vacuum", why);

		gone = rc < 0 ? rc : gone;
	}
	pthread_mutex_unlock(&s->write_lock);
	return gone;
}

uint64_t
store_bytes(struct store *s)
{
	uint64_t bytes;

	pthread_mutex_lock(&s->read_lock);
	bytes = s->reader == NULL ? 0 : used_bytes(s->reader);
	pthread_mutex_unlock(&s->read_lock);
	return bytes;
}
