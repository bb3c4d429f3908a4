/* SPDX-License-Identifier: BSD-3-Clause */
/* change_hand - what operators set beside the file, mostly for a time: modes, bypass, blocks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "change.h"
#include "engine.h"
#include "policy/list_set.h"

/* Rebuild after a change by hand; errors can only be memory or a worker that hangs. */
static int
rebuild(struct engine *e)
{
	struct conf_errors errors = { 0 };
	int rc = change_apply(e, e->settings, &errors);

	for (size_t i = 0; i < errors.count; i++)
		log_error("%s", errors.error[i].message);
	conf_errors_free(&errors);
	return rc;
}

static void
tell_block(struct engine *e, const struct policy_block *block, enum change_cause cause)
{
	if (e->ear.block != NULL)
		e->ear.block(e->ear.arg, block, cause);
}

/* service -1: all; the name is that of the snapshot in force. */
static void
tell_mode(struct engine *e, int service, int mode, uint64_t until_ns,
          enum change_cause cause)
{
	const struct policies *p = atomic_load(&e->policies);
	const char *name = NULL;

	if (e->ear.mode == NULL || service >= (int)p->n_services)
		return;
	if (service >= 0)
		name = p->service[service].name;
	e->ear.mode(e->ear.arg, name, mode, until_ns, cause);
}

static void
tell_bypass(struct engine *e, bool is_on, uint64_t until_ns, enum change_cause cause)
{
	if (e->ear.bypass != NULL)
		e->ear.bypass(e->ear.arg, is_on, until_ns, cause);
}

static uint64_t
end_of(struct engine *e, uint64_t for_ns)
{
	return for_ns == 0 ? 0 : e->clock() + for_ns;
}

static int
set_mode(void *daemon, int service, int mode, uint64_t for_ns)
{
	struct engine *e = daemon;
	int *slot = service < 0 ? &e->mode_all : &e->mode[service];
	uint64_t *until =
		service < 0 ? &e->mode_all_until_ns : &e->mode_until_ns[service];
	int before, rc;

	pthread_mutex_lock(&e->change_lock);
	before = *slot;
	*slot = mode;
	rc = rebuild(e);
	if (rc == 0) {
		*until = mode < 0 ? 0 : end_of(e, for_ns);
		tell_mode(e, service, mode, *until,
		          mode < 0 ? CHANGE_TAKEN_BACK : CHANGE_SET);
	} else {
		*slot = before;
	}
	pthread_mutex_unlock(&e->change_lock);
	return rc;
}

static int
set_bypass(void *daemon, bool on, uint64_t for_ns)
{
	struct engine *e = daemon;

	pthread_mutex_lock(&e->change_lock);
	__atomic_store_n(&e->box.is_bypassed, on, __ATOMIC_RELAXED);
	e->bypass_until_ns = on ? end_of(e, for_ns) : 0;
	tell_bypass(e, on, e->bypass_until_ns, on ? CHANGE_SET : CHANGE_TAKEN_BACK);
	pthread_mutex_unlock(&e->change_lock);
	return 0;
}

static size_t
find_block(const struct engine *e, const struct prefix *p, bool is_allow)
{
	size_t i = 0;

	while (i < e->blocks && (e->block[i].is_allow != is_allow ||
	                         memcmp(&e->block[i].prefix, p, sizeof(*p)) != 0))
		i++;
	return i;
}

static int
block_add(void *daemon, const struct policy_block *block)
{
	struct engine *e = daemon;
	struct policy_block before = { 0 };
	struct policy_block *grown;
	size_t at, count;
	int rc = 0;

	pthread_mutex_lock(&e->change_lock);
	count = e->blocks;
	at = find_block(e, &block->prefix, block->is_allow);
	if (!block->is_allow &&
	    list_set_never_blocks(atomic_load(&e->policies)->lists, &block->prefix,
	                          e->clock()) != NULL) {
		rc = -EPERM;
	} else if (at == ENGINE_BLOCKS_MAX) {
		rc = -ENOSPC;
	} else if (at == count) {
		grown = realloc(e->block, (count + 1) * sizeof(*grown));
		if (grown == NULL)
			rc = -ENOMEM;
		else
			e->block = grown;
	} else {
		before = e->block[at];
	}
	if (rc == 0) {
		e->block[at] = *block;
		e->block[at].since_ns = e->clock();
		e->blocks = at == count ? count + 1 : count;
		rc = rebuild(e);
		if (rc < 0) {
			e->blocks = count;
			e->block[at] = before;
		} else {
			tell_block(e, block, CHANGE_SET);
		}
	}
	pthread_mutex_unlock(&e->change_lock);
	return rc;
}

static int
block_del(void *daemon, const struct prefix *prefix, bool is_allow)
{
	struct engine *e = daemon;
	struct policy_block gone;
	size_t at;
	int rc = -ENOENT;

	pthread_mutex_lock(&e->change_lock);
	at = find_block(e, prefix, is_allow);
	if (at < e->blocks) {
		gone = e->block[at];
		e->block[at] = e->block[--e->blocks];
		rc = rebuild(e);
		if (rc < 0) {
			e->block[e->blocks++] = e->block[at];
			e->block[at] = gone;
		} else {
			tell_block(e, &gone, CHANGE_TAKEN_BACK);
		}
	}
	pthread_mutex_unlock(&e->change_lock);
	return rc;
}

static size_t
block_list(void *daemon, struct policy_block *out, size_t n)
{
	struct engine *e = daemon;
	size_t count;

	pthread_mutex_lock(&e->change_lock);
	count = e->blocks;
	if (count > 0)
		memcpy(out, e->block, (n < count ? n : count) * sizeof(*out));
	pthread_mutex_unlock(&e->change_lock);
	return count;
}

/* Modes and bypass whose time is up. Returns whether a snapshot must be built. */
static bool
expire_modes(struct engine *e, uint64_t now_ns)
{
	bool is_changed = false;

	if (e->bypass_until_ns != 0 && e->bypass_until_ns <= now_ns) {
		__atomic_store_n(&e->box.is_bypassed, false, __ATOMIC_RELAXED);
		e->bypass_until_ns = 0;
		log_info("bypass is over, packets are judged again");
		tell_bypass(e, false, 0, CHANGE_EXPIRED);
	}
	if (e->mode_all_until_ns != 0 && e->mode_all_until_ns <= now_ns) {
		e->mode_all = -1;
		e->mode_all_until_ns = 0;
		tell_mode(e, -1, -1, 0, CHANGE_EXPIRED);
		is_changed = true;
	}
	for (unsigned int i = 0; i < SERVICE_MAX; i++) {
		if (e->mode_until_ns[i] == 0 || e->mode_until_ns[i] > now_ns)
			continue;
		e->mode[i] = -1;
		e->mode_until_ns[i] = 0;
		tell_mode(e, (int)i, -1, 0, CHANGE_EXPIRED);
		is_changed = true;
	}
	return is_changed;
}

/* What ends while a worker hangs is tried again every time, or it would never end. */
void
change_expire(struct engine *e, uint64_t now_ns)
{
	pthread_mutex_lock(&e->change_lock);
	e->is_stale |= expire_modes(e, now_ns);
	for (size_t i = 0; i < e->blocks;) {
		if (e->block[i].until_ns == 0 || e->block[i].until_ns > now_ns) {
			i++;
			continue;
		}
		tell_block(e, &e->block[i], CHANGE_EXPIRED);
		e->block[i] = e->block[--e->blocks];
		e->is_stale = true;
	}
	if (e->is_stale && change_is_free(e))
		rebuild(e);
	pthread_mutex_unlock(&e->change_lock);
}

void
change_attach_hand(struct box *box)
{
	box->set_mode = set_mode;
	box->set_bypass = set_bypass;
	box->block_add = block_add;
	box->block_del = block_del;
	box->block_list = block_list;
}
