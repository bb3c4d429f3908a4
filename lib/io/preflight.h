/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * preflight - find what would make DPDK fail, before DPDK is asked, and say it
 * in the operator's words.
 *
 * Everything is read from files below two folders, so a test can make up any
 * machine it likes. All findings are collected and told at once.
 *
 * Source  proc(5), Linux Documentation/admin-guide/mm/hugetlbpage.rst.
 * Threads before the first other thread.
 */
#ifndef IO_PREFLIGHT_H
#define IO_PREFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "io/end.h"

#define PREFLIGHT_NOTES 48
#define PREFLIGHT_CORES 65 /* control and 64 workers */

/* Where the machine is described. */
struct preflight_world {
	const char *sys;  /* "/sys" */
	const char *proc; /* "/proc" */
};

/* What the configuration wants of the machine. */
struct preflight_ask {
	const char *cores;   /* "auto", or a list as in "0-3,6": the first is control's */
	const char *workers; /* "auto" or a whole number */
	unsigned int
		workers_auto; /* what "auto" stands for: the most that the links can feed */
	unsigned int n_ends;
	const char *const *ends; /* both ends of every link */
	unsigned int memory_mib; /* for packet buffers */
};

struct preflight_note {
	bool is_error;     /* else a warning */
	const char *about; /* one word: cores, hugepages, interface, device, ... */
	char text[IO_WHY];
};

/* What to start with, and what to tell. */
struct preflight {
	unsigned int workers;
	unsigned int
		n_cores; /* workers + 1; [0] is control's, and may be a worker's too */
	unsigned int core[PREFLIGHT_CORES];
	bool has_hugepages;
	unsigned int errors, n_notes;
	const char *about; /* of the notes that are being made */
	struct preflight_note note[PREFLIGHT_NOTES];
};

/*
 * Look at everything. Returns the number of errors; `out` then holds them all,
 * and what to start with only when there are none.
 */
unsigned int preflight_check(const struct preflight_world *world,
                             const struct preflight_ask *ask, struct preflight *out);

/* Only the processor: enough for replay. Returns the number of errors. */
unsigned int preflight_processor(const struct preflight_world *world,
                                 struct preflight *out);

#endif
