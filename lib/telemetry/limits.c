/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * limits - every rate that a policy's countermeasures hold packets to, with its meaning.
 *
 * Walked by the tables that read the configuration, so that a new key of a stage is
 * here by itself. What is off is left out.
 *
 * Threads any; under box->lock.
 */
#include <stdio.h>
#include <string.h>

#include "telemetry/parts.h"
#include "telemetry/put.h"

#define KEY_MAX 128

/* A rate as it is written, or "" where the field is none or is off. */
static void
written(const struct conf_field *f, const void *at, char text[CONF_AMOUNT_TEXT])
{
	const struct conf_rate *rate = at;

	text[0] = '\0';
	if (f->kind == CONF_RATE && rate->per_second != 0)
		conf_format_rate(rate, text);
	else if ((f->kind == CONF_PACKETS || f->kind == CONF_BITS ||
	          f->kind == CONF_CPS) &&
	         *(const uint64_t *)at != 0)
		conf_format_amount(f->kind, *(const uint64_t *)at, text);
}

static void
walk(json_t *all, const char *before, const struct conf_field *fields, const void *in)
{
	char key[KEY_MAX], text[CONF_AMOUNT_TEXT];

	for (const struct conf_field *f = fields; f->key != NULL; f++) {
		const void *at = (const char *)in + f->offset;
		json_t *o;

		snprintf(key, sizeof(key), "%s.%s", before, f->key);
		if (f->kind == CONF_GROUP) {
			walk(all, key, f->fields, at);
			continue;
		}
		written(f, at, text);
		if (text[0] == '\0')
			continue;
		o = json_object();
		telemetry_put_text(o, "key", key);
		telemetry_put_text(o, "limit", text);
		telemetry_put_text(o, "help", f->help);
		json_array_append_new(all, o);
	}
}

json_t *
telemetry_limits_array(const struct box *box, const char *policy)
{
	json_t *all = json_array();

	for (size_t i = 0; box->settings != NULL && i < box->settings->n_policies; i++) {
		const struct settings_policy *p = &box->settings->policy[i];

		if (strcmp(p->name, policy) != 0)
			continue;
		for (unsigned int k = 0; k < stage_count; k++) {
			if (stage_list[k]->fields != NULL && p->params[k] != NULL)
				walk(all, stage_list[k]->name, stage_list[k]->fields,
				     p->params[k]);
		}
	}
	return all;
}
