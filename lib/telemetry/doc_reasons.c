/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_reasons - every reason to stop a packet, with its meaning and its count.
 */
#include <stdio.h>
#include <string.h>

#include "base/counter.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

static const char *const class_names[] = {
	[REASON_DROP] = "drop", [REASON_CHALLENGE] = "challenge"
};

void
telemetry_reason_name(unsigned int index, char name[TELEMETRY_REASON_NAME])
{
	unsigned int stage;
	const struct stage_reason *r = pipeline_reason_info(index, &stage);

	snprintf(name, TELEMETRY_REASON_NAME, "%s.%s", telemetry_stage(stage)->name,
	         r->name);
}

void
telemetry_service_reasons(const struct box *box, unsigned int service, bool is_would,
                          uint64_t sum[STAGE_MAX * STAGE_MAX_REASONS])
{
	const unsigned int reasons = pipeline_reasons();

	memset(sum, 0, reasons * sizeof(*sum));
	for (unsigned int i = 0; i < box->n_workers; i++) {
		const struct pipeline *pl = box->worker[i].pipeline;
		const uint64_t *row;

		if (pl == NULL || service >= pl->watch.services)
			continue;
		row = is_would ? pl->service_would : pl->service_reasons;
		for (unsigned int r = 0; row != NULL && r < reasons; r++)
			sum[r] += counter_read(&row[service * reasons + r]);
	}
}

uint64_t
telemetry_service_reason(const struct box *box, unsigned int service, unsigned int index,
                         bool is_would)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < box->n_workers; i++) {
		const struct pipeline *pl = box->worker[i].pipeline;
		const uint64_t *rows;

		if (pl == NULL || service >= pl->watch.services)
			continue;
		rows = is_would ? pl->service_would : pl->service_reasons;
		if (rows != NULL)
			sum += counter_read(&rows[service * pipeline_reasons() + index]);
	}
	return sum;
}

static json_t *
reason(const struct telemetry_view *v, unsigned int stage, unsigned int r)
{
	const struct stage *s = telemetry_stage(stage);
	const uint64_t decided = v->now->decided[stage][r],
		       would = v->now->would[stage][r];
	json_t *o = json_object();
	char name[TELEMETRY_REASON_NAME];

	snprintf(name, sizeof(name), "%s.%s", s->name, s->reasons[r].name);
	telemetry_put_text(o, "reason", name);
	telemetry_put_text(o, "stage", s->name);
	telemetry_put_text(o, "class", class_names[s->reasons[r].class]);
	telemetry_put_count(o, "packets", decided);
	telemetry_put_count(
		o, "packets_per_second",
		telemetry_per_second(decided - v->base->decided[stage][r], v->window_ns));
	telemetry_put_count(o, "would_packets", would);
	telemetry_put_count(
		o, "would_packets_per_second",
		telemetry_per_second(would - v->base->would[stage][r], v->window_ns));
	telemetry_put_text(o, "help", s->reasons[r].help);
	return o;
}

json_t *
telemetry_reasons_array(const struct telemetry_view *v, bool used_only)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i <= stage_count; i++) {
		const struct stage_reason *list = telemetry_stage(i)->reasons;

		for (unsigned int r = 0; list != NULL && list[r].name != NULL; r++) {
			if (used_only && v->now->decided[i][r] == 0 &&
			    v->now->would[i][r] == 0)
				continue;
			json_array_append_new(a, reason(v, i, r));
		}
	}
	return a;
}

static json_t *
all_reasons(const struct telemetry_view *v)
{
	return telemetry_reasons_array(v, false);
}

json_t *
telemetry_reasons(struct telemetry *t, const struct telemetry_ask *ask)
{
	(void)ask;
	return telemetry_document_of(t, "reasons", all_reasons);
}
