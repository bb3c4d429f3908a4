/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what evidence is made of; for the files of this room.
 *
 * Locks   `lock` is for everything that the writer and others share; it is never
 *         held over `tell` or while a file on disk is written.
 */
#ifndef EVIDENCE_PARTS_H
#define EVIDENCE_PARTS_H

#include <pthread.h>

#include "evidence/evidence.h"
#include "evidence/see.h"
#include "evidence/shelf.h"

struct evidence {
	struct evidence_orders orders;
	unsigned int workers;
	struct evidence_eye *eye;
	struct evidence_from from; /* of evidence_start(); tell NULL before */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	bool is_over;
	struct evidence_settings settings;
	struct shelf shelf;

	pthread_t thread;
	bool has_thread;
};

#endif
