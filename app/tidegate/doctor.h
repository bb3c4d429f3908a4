/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doctor - findings of this machine, for when the daemon tells none.
 *
 * A finding looks like those of /api/v1/health: level, step, name, subject, sentence,
 * remedy.
 *
 * Threads one.
 */
#ifndef TIDEGATE_DOCTOR_H
#define TIDEGATE_DOCTOR_H

#include <jansson.h>

#include "cli.h"

#define DOCTOR_CONFIG "/etc/tidegate/tidegate.conf"

struct doctor {
	struct cli *c;
	const char *config;  /* file that the daemon would read */
	const char *program; /* tidegated; NULL: found by itself */
	json_t *findings;
	bool is_stopped_by_us; /* what was started took too long */
};

/* Texts may come from anywhere; they are made harmless. */
void doctor_add(struct doctor *d, const char *level, const char *name,
                const char *subject, const char *remedy, const char *sentence, ...)
	__attribute__((format(printf, 6, 7)));

/* Why nobody answered at `where`; rc is -errno of cli_ask(). */
void doctor_look_at_daemon(struct doctor *d, const char *where, int rc);

/* What a start would meet: the configuration and this machine, as tidegated sees them. */
void doctor_look_at_start(struct doctor *d);

/* The last lines of the service's journal, where there is one. */
void doctor_look_at_journal(struct doctor *d);

/*
 * Run a program without a shell and wait, at most some seconds. Returns its exit code
 * and the first `size` bytes of what it printed, or -1 when it could not be run or ended.
 */
int doctor_run(const char *const *argv, char *out, size_t size);

#endif
