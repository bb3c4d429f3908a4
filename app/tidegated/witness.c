/* SPDX-License-Identifier: BSD-3-Clause */
#include "witness.h"

#include <string.h>

#include "base/log.h"
#include "engine.h"
#include "evidence/evidence.h"
#include "telemetry/witness.h"

void
witness_start(struct engine *e)
{
	struct evidence_from from = { .tell = telemetry_witness_tell,
		                      .now_ns = telemetry_witness_now,
		                      .wall_offset_ns = e->box.wall_offset_ns,
		                      .links = e->box.n_links,
		                      .has_thread = true };
	int failed;

	e->witness = telemetry_witness_open(&e->box);
	failed = e->witness == NULL ? -1 : 0;
	if (failed == 0) {
		from.arg = e->witness;
		from.link = telemetry_witness_links(e->witness);
		failed = evidence_start(e->evidence, &from);
	}
	if (failed == 0)
		return;
	log_error("no memory or thread is left to keep packets: samples and captures "
	          "stay empty");
	telemetry_witness_close(e->witness);
	e->witness = NULL;
}

void
witness_stop(struct engine *e)
{
	if (e->witness == NULL)
		return;
	evidence_stop(e->evidence);
	telemetry_witness_close(e->witness);
	e->witness = NULL;
}

void
witness_follow(struct engine *e)
{
	struct evidence_settings settings;

	pthread_mutex_lock(&e->box.lock);
	settings = engine_evidence(e->settings);
	pthread_mutex_unlock(&e->box.lock);
	evidence_configure(e->evidence, &settings);
}
