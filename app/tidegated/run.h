/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run - how a live gate starts and ends, step by step, each undone in reverse.
 *
 *     settings   the whole file is right
 *     preflight  the machine can do it
 *     EAL        DPDK has its cores and memory
 *     wire       both ends of every link are open
 *     engine     tables, snapshot, detection
 *     beside     telemetry, events, signals
 *     workers    packets flow until SIGTERM or SIGINT
 *
 * Threads the main thread, which is the control core once EAL runs.
 */
#ifndef TIDEGATED_RUN_H
#define TIDEGATED_RUN_H

#include "policy/settings.h"

struct preflight;

/* Look at the machine as a start would; `found` has errors and notes. */
void run_preflight(const struct settings *settings, struct preflight *found);

/* Takes over the settings. Returns the exit code of the process. */
int run_live(struct settings *settings);

#endif
