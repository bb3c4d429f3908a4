/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_hits - packets that stages count by name: lists, operators' rules, reflecting services.
 */
#include <string.h>

#include "base/counter.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

uint64_t
telemetry_hits_of(const struct box *box, unsigned int id)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < box->n_workers; i++)
		if (box->worker[i].pipeline != NULL &&
		    box->worker[i].pipeline->hits != NULL)
			sum += counter_read(&box->worker[i].pipeline->hits[id]);
	return sum;
}

/* Call under box->lock, which keeps the names. */
json_t *
telemetry_hits_array(const struct box *box, const char *stage)
{
	const struct policy_hits *h = box->policies != NULL ? box->policies->hits : NULL;
	json_t *a = json_array();

	for (unsigned int id = 1; h != NULL && id < h->count; id++) {
		json_t *o;

		if (!policy_hit_is_used(h, id) ||
		    (stage != NULL && strcmp(stage, h->hit[id].stage) != 0))
			continue;
		o = json_object();
		telemetry_put_text(o, "stage", h->hit[id].stage);
		telemetry_put_text(o, "name", h->hit[id].name);
		telemetry_put_count(o, "packets", telemetry_hits_of(box, id));
		json_array_append_new(a, o);
	}
	return a;
}

json_t *
telemetry_hits(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	json_t *o = telemetry_document_new(box, NULL);

	(void)ask;
	pthread_mutex_lock(&box->lock);
	json_object_set_new(o, "hits", telemetry_hits_array(box, NULL));
	pthread_mutex_unlock(&box->lock);
	return o;
}
