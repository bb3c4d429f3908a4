/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * desk - what the answers for dashboards cost the threads of control.
 *
 * An engine with as many services as asked for, of which every tenth had packets
 * stopped and some are under attack, tells its metrics and its documents as text.
 * No port and no server: what a request costs besides is the library's.
 *
 * Units   processor time of the thread, ms; bytes of the answer.
 * Threads the main thread.
 */
#ifndef BENCHMARK_DESK_H
#define BENCHMARK_DESK_H

#include "job.h"

#define DESK_SERVICES_MAX 1000

/* A line for each answer. Returns the status to exit with. */
int job_desk(const struct job *job);

#endif
