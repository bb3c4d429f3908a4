/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * store - rows that outlive the process: attacks, minutes and events in one SQLite file.
 *
 *     folder/history.db            the store, readable with sqlite3 while we run
 *     folder/history.db.damaged    one that was found damaged, set aside
 *
 * Plain rows go in and come out; what they mean is told by who writes them. The file
 * has a version, and older ones are brought up to ours. It stays within its size and its
 * age: the oldest rows go first. Nothing here is needed to judge a packet: whatever the
 * disk does, a call returns an error with a sentence, and can be tried again.
 *
 * One connection writes and one reads, so that no reader waits for a slow disk, except
 * that both wait while a damaged file is set aside.
 *
 * Units   seconds of Unix time; texts are UTF-8.
 * Threads writing: one at a time, store_begin() to its end by the same thread; reading:
 *         any number. Built without SQLite, store_open() says so.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_WHY    256
#define STORE_VALUES 13 /* of a minute; their columns' names stand in schema.c */

#define STORE_FILE    "history.db"
#define STORE_DAMAGED "history.db.damaged"

/* Bytes of a store that holds nothing yet, and the least it may be allowed. */
#define STORE_LEAST (UINT64_C(1) << 20)

struct store;

struct store_settings {
	const char *folder;  /* made with mode 0700 when it is not there */
	uint64_t most_bytes; /* of the file; STORE_LEAST and more */
	uint64_t keep_s;     /* what is older goes; 0: only the size counts */
};

struct store_minute {
	const char *service; /* "": the whole box */
	const char *vector;  /* "": all of them */
	bool is_attack;
	uint64_t value[STORE_VALUES]; /* more than 2^63 - 1 is cut */
};

struct store_attack {
	uint64_t number; /* unique, rising */
	const char *id, *service, *vector;
	int64_t started_s, updated_s;
	int64_t ended_s;     /* 0: it has not ended */
	const char *attack;  /* a document of the writer's, such as JSON */
	const char *details; /* another; reading lists leaves it out: NULL */
};

struct store_event {
	int64_t at_s;
	const char *type, *service, *attack; /* "" where there is none */
	const char *line;
};

/*
 * Open or make the store. A damaged file is set aside and a new one begun: *is_new_begun
 * tells of it. Returns 0 and *out; -ENOSYS without SQLite, -EPROTO for a file of a newer
 * version, or another -errno, each with a sentence.
 */
int store_open(const struct store_settings *settings, struct store **out,
               bool *is_new_begun, char why[STORE_WHY]);
void store_close(struct store *s); /* NULL is allowed */

/*
 * Read all of the file once and look whether it is whole; takes a second for some hundred
 * MiB. Writer. Returns 0; -EUCLEAN when it is damaged; else what reading said.
 */
int store_check(struct store *s, char why[STORE_WHY]);

/* Put the file aside under its other name and begin a new one. Writer. 0 or -errno. */
int store_set_aside(struct store *s, char why[STORE_WHY]);

/*
 * One transaction. After any error of it the whole of it is to be given up with
 * store_undo(). -ENOSPC: disk or size; -EROFS; -EUCLEAN: damaged; -EBUSY; -EIO; -ENOMEM.
 */
int store_begin(struct store *s, char why[STORE_WHY]);
int store_put_minute(struct store *s, int64_t at_s, const struct store_minute *m);
int store_put_attack(struct store *s, const struct store_attack *a);
int store_put_event(struct store *s, const struct store_event *e);
int store_commit(struct store *s, char why[STORE_WHY]);
void store_undo(struct store *s);
/* What the last put complained of. */
void store_why(struct store *s, char why[STORE_WHY]);

/*
 * Let go of what is too old, and of the oldest until the size is kept with a little to
 * spare. Writer, outside of transactions. Returns how many rows went, or -errno.
 */
int64_t store_trim(struct store *s, int64_t now_s, char why[STORE_WHY]);
/* Bytes of the file that hold something. */
uint64_t store_bytes(struct store *s);

/* The highest number of an attack, 0 when there is none. */
uint64_t store_last_number(struct store *s);

/* Rows are lent for the length of the call; false ends the reading. */
typedef bool store_attack_function(void *arg, const struct store_attack *a);
typedef bool store_event_function(void *arg, const struct store_event *e);
/* `m` NULL: the minute was watched, and nothing was told of this service and vector. */
typedef void store_minute_function(void *arg, int64_t at_s, const struct store_minute *m);

/*
 * Attacks that had not ended before since_s, newest first, without details. Returns how
 * many were given, or -errno.
 */
int store_read_attacks(struct store *s, int64_t since_s, bool unfinished_only,
                       store_attack_function *give, void *arg);
/* One attack with its details. Returns 0, -ENOENT or another -errno. */
int store_read_attack(struct store *s, const char *id, store_attack_function *give,
                      void *arg);
/* Newest first; type NULL or "": all. */
int store_read_events(struct store *s, int64_t since_s, const char *type,
                      store_event_function *give, void *arg);
/*
 * Minutes of one service and vector from from_s on and before to_s, in order. Returns 0,
 * -ENOENT when there was never one of these names, or another -errno.
 */
int store_read_minutes(struct store *s, const char *service, const char *vector,
                       int64_t from_s, int64_t to_s, store_minute_function *give,
                       void *arg);

#endif
