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

#include "evidence/capture.h"
#include "evidence/evidence.h"
#include "evidence/files.h"
#include "evidence/see.h"
#include "evidence/shelf.h"

enum held_state {
	HELD_EMPTY,
	HELD_RUNNING, /* workers note for it */
	HELD_LEAVING, /* taken from the workers, but one may still be looking at it */
	HELD_OVER,    /* what it has is kept to be read */
};

/* One capture. Memory of the stream grows to the bytes it wanted, and no further. */
struct held {
	enum held_state state;
	bool is_unwanted; /* to be forgotten as soon as no worker looks at it */
	unsigned int slot;
	struct evidence_aim aim;
	struct filter_expression *expression;
	struct evidence_capture shown;
	uint64_t lost_before, unasked_before; /* of the slot when it began */
	uint64_t looks[64];                   /* of each worker when it was taken away */
	struct capture_writer *w;             /* NULL: it is over */
	char *bytes;                          /* of the stream, whole after a flush */
	size_t len;
};

struct evidence {
	struct evidence_orders orders;
	unsigned int workers;
	struct evidence_eye *eye;
	struct evidence_from from; /* of evidence_start(); tell NULL before */
	struct files files;        /* the writer's, and: */
	uint64_t retold_ns;        /* when samples were last asked about again */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	bool is_over;
	struct evidence_settings settings;
	struct shelf shelf;
	struct held held[EVIDENCE_HELD];
	uint32_t last_capture;
	char error[sizeof(((struct files *)0)->error)]; /* as of files, for others */
	uint64_t written, unwritten;

	pthread_t thread;
	bool has_thread;
};

/* A note as a frame of a file. */
struct capture_frame evidence_frame(const struct evidence *e,
                                    const struct evidence_note *n);

/* Two interfaces a link: "uplink external", "uplink internal". */
void evidence_name_interfaces(struct capture_writer *w, unsigned int links,
                              const char *const *link);

/* One pass over all captures. The writer. Returns whether any runs or leaves. */
bool evidence_captures_turn(struct evidence *e);
/* No worker runs any more. */
void evidence_captures_close(struct evidence *e);

#endif
