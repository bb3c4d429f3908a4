/* SPDX-License-Identifier: BSD-3-Clause */
/* absent - what stands in the place of the store when there is no SQLite. */
#include <errno.h>
#include <stdio.h>

#include "store/store.h"

int
store_open(const struct store_settings *settings, struct store **out, bool *is_new_begun,
           char why[STORE_WHY])
{
	(void)settings;
	(void)out;
	*is_new_begun = false;
	snprintf(
		why, STORE_WHY,
		"built without SQLite, so the past is kept in memory alone and ends with "
		"the process");
	return -ENOSYS;
}

/* Nobody has a store to call the others with; the linker wants them all the same. */

void
store_close(struct store *s)
{
	(void)s;
}

int
store_check(struct store *s, char why[STORE_WHY])
{
	(void)s;
	(void)why;
	return -ENOSYS;
}

int
store_set_aside(struct store *s, char why[STORE_WHY])
{
	return store_check(s, why);
}

int
store_begin(struct store *s, char why[STORE_WHY])
{
	return store_check(s, why);
}

int
store_put_minute(struct store *s, int64_t at_s, const struct store_minute *m)
{
	(void)s;
	(void)at_s;
	(void)m;
	return -ENOSYS;
}

int
store_put_attack(struct store *s, const struct store_attack *a)
{
	(void)s;
	(void)a;
	return -ENOSYS;
}

int
store_put_event(struct store *s, const struct store_event *e)
{
	(void)s;
	(void)e;
	return -ENOSYS;
}

int
store_commit(struct store *s, char why[STORE_WHY])
{
	return store_check(s, why);
}

void
store_undo(struct store *s)
{
	(void)s;
}

void
store_why(struct store *s, char why[STORE_WHY])
{
	(void)s;
	why[0] = '\0';
}

int64_t
store_trim(struct store *s, int64_t now_s, char why[STORE_WHY])
{
	(void)now_s;
	return store_check(s, why);
}

uint64_t
store_bytes(struct store *s)
{
	(void)s;
	return 0;
}

uint64_t
store_last_number(struct store *s)
{
	(void)s;
	return 0;
}

int
store_read_attacks(struct store *s, int64_t since_s, bool unfinished_only,
                   store_attack_function *give, void *arg)
{
	(void)s;
	(void)since_s;
	(void)unfinished_only;
	(void)give;
	(void)arg;
	return -ENOSYS;
}

int
store_read_attack(struct store *s, const char *id, store_attack_function *give, void *arg)
{
	(void)s;
	(void)id;
	(void)give;
	(void)arg;
	return -ENOSYS;
}

int
store_read_events(struct store *s, int64_t since_s, const char *type,
                  store_event_function *give, void *arg)
{
	(void)s;
	(void)since_s;
	(void)type;
	(void)give;
	(void)arg;
	return -ENOSYS;
}

int
store_read_minutes(struct store *s, const char *service, const char *vector,
                   int64_t from_s, int64_t to_s, store_minute_function *give, void *arg)
{
	(void)s;
	(void)service;
	(void)vector;
	(void)from_s;
	(void)to_s;
	(void)give;
	(void)arg;
	return -ENOSYS;
}
