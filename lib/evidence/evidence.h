/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * evidence - packets kept to show why: samples of what was stopped, and captures.
 *
 *     worker: evidence_see() --> rings --> writer thread --+--> the last in memory
 *                                                          +--> files (pcapng)
 *                                                          '--> captures in memory
 *
 * A worker copies and goes on; when its ring is full it counts what is lost. The
 * writer thread asks `tell` what a packet's numbers are called, which is somebody
 * else's to know, and does everything that may be slow.
 *
 * Of samples the last EVIDENCE_KEPT stay in memory. When that is full the oldest of the
 * most frequent kind goes (attack, service, reason and verdict make a kind), so a
 * flood's never push out the one packet that somebody will ask for.
 *
 * Units   time_ns is the worker clock; lengths are bytes.
 * Threads evidence_see*: workers (see.h). evidence_turn: the writer alone. All
 *         else: any but workers and the control lcore.
 */
#ifndef EVIDENCE_EVIDENCE_H
#define EVIDENCE_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/note.h"
#include "stage/stage.h"

struct evidence;
struct evidence_eye;

#define EVIDENCE_KEPT       1024 /* samples in memory */
#define EVIDENCE_KEPT_BYTES 256  /* of each packet; files have all that was taken */
#define EVIDENCE_NAME       64
#define EVIDENCE_PATH       4096

/* What the numbers of a note are called. */
struct evidence_story {
	char link[EVIDENCE_NAME], service[EVIDENCE_NAME], policy[EVIDENCE_NAME];
	char reason[EVIDENCE_NAME]; /* "shape.udp_flood"; "" for what passed */
	enum reason_class class;    /* of that reason */
	const char *mode;           /* of the policy, a literal */
	/* The attack that ran in this service and vector; number 0: none is known. */
	uint64_t attack;
	char attack_id[EVIDENCE_NAME];
	uint64_t measured, threshold; /* of that attack */
	const char *unit;             /* of both, a literal */
};

struct evidence_sample {
	uint64_t number; /* 1, 2, 3 … of this process */
	struct evidence_note note;
	struct evidence_story story;
	uint16_t bytes_len;
	uint8_t bytes[EVIDENCE_KEPT_BYTES];
};

/* As configured; may change while running. */
struct evidence_settings {
	uint64_t rate; /* samples a second of each reason and worker; 0: none */
	uint32_t snap; /* bytes of each; UINT16_MAX: all */
	char folder[EVIDENCE_PATH]; /* of the ring of files; "": none */
	uint64_t files, file_size;  /* at least 1, at least 64 KiB */
};

/* Fills `story`, which is zeroed. Called by the writer thread alone, without a lock. */
typedef void evidence_tell(void *arg, const struct evidence_note *n,
                           struct evidence_story *story);

/*
 * For 1..64 workers, with samples as `settings` say and nobody who tells yet.
 * Returns NULL when out of memory.
 */
struct evidence *evidence_open(unsigned int workers,
                               const struct evidence_settings *settings);
/* After the last worker and evidence_stop(). NULL is allowed. */
void evidence_close(struct evidence *e);

/* A worker's, as long as `e` is open. */
struct evidence_eye *evidence_eye(struct evidence *e, unsigned int worker);

/* Other settings from now on. */
void evidence_configure(struct evidence *e, const struct evidence_settings *settings);

struct evidence_from {
	evidence_tell *tell;
	void *arg;
	int64_t wall_offset_ns;        /* added to the worker clock gives Unix time */
	uint64_t (*now_ns)(void *arg); /* worker clock */
	unsigned int links;            /* two interfaces of a file each */
	const char *const
		*link;   /* their names; stay the caller's until evidence_stop() */
	bool has_thread; /* else evidence_turn() is the caller's to call */
};

/* Begin to write; once. Returns 0 or -errno when no thread can be started. */
int evidence_start(struct evidence *e, const struct evidence_from *from);
/* Write what is left, end the thread; `from` is not asked any more. */
void evidence_stop(struct evidence *e);

/* One pass of the writer. */
void evidence_turn(struct evidence *e);

/* Which samples; zero is all of them. */
struct evidence_which {
	uint64_t after;            /* number: only later ones */
	uint64_t attack;           /* its number; 0: any */
	uint64_t from_ns, till_ns; /* both 0: any time */
	const uint8_t *address;    /* 16 bytes, of either end; NULL: any */
	const char *service;       /* NULL: any */
	const char
		*reason; /* "shape.udp_flood", or "shape" for all of a stage; NULL: any */
};

/* Copy up to n that fit, newest first. Returns how many. */
size_t evidence_read(struct evidence *e, const struct evidence_which *which,
                     struct evidence_sample *out, size_t n);

/* How it goes. */
struct evidence_state {
	uint64_t rate;
	uint32_t snap;
	uint64_t taken; /* noted by workers */
	uint64_t lost;  /* that found the ring full */
	uint64_t kept;  /* in memory */
	uint64_t last;  /* number of the newest */
	/* Of the ring of files. */
	char folder[EVIDENCE_PATH];
	char error[256]; /* why nothing is written now; "": it is */
	uint64_t files, file_size;
	uint64_t written, unwritten; /* samples */
};

void evidence_state(struct evidence *e, struct evidence_state *out);

/* "dropped", "would_challenge" … of a note; `class` is its reason's. */
const char *evidence_verdict_name(uint8_t verdict, enum reason_class class);

#endif
