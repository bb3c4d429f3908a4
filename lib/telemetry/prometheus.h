/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prometheus - write families and samples in the text format 0.0.4.
 *
 * Every name gets the prefix tidegate_; label values are escaped here. Labels
 * are pairs of name and value, ended by NULL. The text grows in memory; when there
 * is none left everything further is ignored and nothing comes out at the end.
 *
 * Threads a writer belongs to one call.
 * Source  Prometheus documentation, "Exposition formats".
 */
#ifndef TELEMETRY_PROMETHEUS_H
#define TELEMETRY_PROMETHEUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "telemetry/series.h"
#include "telemetry/view.h"

struct telemetry_out {
	char *text;
	size_t len, room;
	bool is_broken; /* out of memory */
	char name[96];  /* of the family being written, with its prefix */
	size_t name_len;
	unsigned int series;           /* written so far */
	struct telemetry_split *split; /* held by the caller, with its lock */
};

/* Returns 0 or -ENOMEM. */
int telemetry_out_open(struct telemetry_out *o);
/* The text, which the caller frees; NULL when memory was short. */
char *telemetry_out_close(struct telemetry_out *o);

/* Begin a family; type is "counter", "gauge" or "histogram"; help is a sentence. */
void telemetry_family(struct telemetry_out *o, const char *name, const char *type,
                      const char *help);

/* One sample of it, whole or with a fraction. */
void telemetry_count(struct telemetry_out *o, uint64_t value, ...)
	__attribute__((sentinel));
void telemetry_value(struct telemetry_out *o, double value, ...)
	__attribute__((sentinel));
/* Unix time in ns, as seconds to the ms. */
void telemetry_moment(struct telemetry_out *o, uint64_t unix_ns, ...)
	__attribute__((sentinel));

/* All samples of a histogram family, in seconds and without labels of its own. */
void telemetry_histogram(struct telemetry_out *o, const struct histogram *h,
                         const struct histogram_bounds *bounds);

/* All families about services and vectors; and about attacks. */
void telemetry_service_metrics(struct telemetry_out *o, const struct telemetry_view *v);
void telemetry_attack_metrics(struct telemetry_out *o, struct box *box);

/* All families about workers and their tables. */
void telemetry_load_metrics(struct telemetry_out *o, const struct telemetry_view *v);

/* All families about the threads of control; history: of telemetry_history_trouble(). */
struct telemetry_own;
void telemetry_desk_metrics(struct telemetry_out *o, const struct box *box,
                            const struct telemetry_own *own, int history);

/* All families about lists. */
void telemetry_list_metrics(struct telemetry_out *o, const struct box *box);

/* All families about what crosses between workers. */
void telemetry_queue_metrics(struct telemetry_out *o, const struct telemetry_view *v);

#endif
