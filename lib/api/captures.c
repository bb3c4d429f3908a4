/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * captures - packets of now: begun, taken back and fetched by API.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "evidence/capture.h"
#include "evidence/see.h"
#include "pipeline/pipeline.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/telemetry.h"

/* What holds where nothing is said. */
#define PACKETS 1000
#define SECONDS 60
#define BYTES   (UINT64_C(4) << 20)

/* A file without a packet is a few hundred bytes, and one packet may have 64 KiB. */
#define BYTES_LEAST (UINT64_C(128) << 10)
#define SECOND_NS   UINT64_C(1000000000)

static struct box *
box_of(const struct api_call *call)
{
	return telemetry_box(call->context->telemetry);
}

static const char *
text_of(const struct api_call *call, const char *name)
{
	const char *text = json_string_value(json_object_get(call->body, name));

	return text != NULL ? text : "";
}

/* --- what is wanted; each returns false when the answer is a refusal ---------- */

static bool
read_verdict(const struct api_call *call, struct evidence_wanted *w,
             struct api_answer *out)
{
	static const struct {
		const char *name;
		uint8_t verdicts;
	} names[] = {
		{ "", 0 },
		{ "any", 0 },
		{ "passed", 1 << EVIDENCE_PASSED | 1 << EVIDENCE_WOULD },
		{ "dropped", 1 << EVIDENCE_DROPPED },
		{ "answered", 1 << EVIDENCE_ANSWERED },
		{ "consumed", 1 << EVIDENCE_CONSUMED },
		{ "would", 1 << EVIDENCE_WOULD },
	};
	const char *name = text_of(call, "verdict");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i].name) == 0) {
			w->verdicts = names[i].verdicts;
			if (w->verdicts != 0)
				snprintf(w->verdict_name, sizeof(w->verdict_name), "%s",
				         name);
			return true;
		}
	api_put_problem(out, 400, "verdict",
	                "'%.40s' is none of passed, dropped, answered, consumed, would, "
	                "any",
	                name);
	return false;
}

static bool
read_service(const struct api_call *call, struct evidence_wanted *w,
             struct api_answer *out)
{
	const char *name = text_of(call, "service");
	struct box *box = box_of(call);
	const struct policies *p;

	if (name[0] == '\0')
		return true;
	pthread_mutex_lock(&box->lock);
	p = box->policies;
	for (unsigned int i = 0; p != NULL && i < p->n_services && !w->has_service; i++) {
		if (strcmp(p->service[i].name, name) != 0)
			continue;
		w->has_service = true;
		w->service = (uint16_t)i;
	}
	pthread_mutex_unlock(&box->lock);
	snprintf(w->service_name, sizeof(w->service_name), "%s", name);
	if (!w->has_service)
		api_put_problem(out, 400, "service", "there is no service '%.64s'", name);
	return w->has_service;
}

/* "shape.udp_flood", or "shape" for all of a stage. */
static bool
read_reason(const struct api_call *call, struct evidence_wanted *w,
            struct api_answer *out)
{
	const char *name = text_of(call, "reason");
	const size_t stage_len = strcspn(name, ".");

	if (name[0] == '\0')
		return true;
	for (unsigned int i = 0; i < pipeline_reasons(); i++) {
		char full[TELEMETRY_REASON_NAME];
		unsigned int stage;

		telemetry_reason_name(i, full);
		pipeline_reason_info(i, &stage);
		if (name[stage_len] != '\0' ? strcmp(full, name) != 0
		                            : strncmp(full, name, stage_len) != 0 ||
		                                      full[stage_len] != '.')
			continue;
		w->has_stage = true;
		w->stage = (uint8_t)stage;
		w->has_reason = name[stage_len] != '\0';
		w->reason = (uint8_t)(i - pipeline_reason(stage, 0));
		snprintf(w->reason_name, sizeof(w->reason_name), "%.63s", name);
		return true;
	}
	api_put_problem(out, 400, "reason",
	                "there is no reason '%.60s'; " API_ROOT "reasons has them all",
	                name);
	return false;
}

static bool
read_number(const struct api_call *call, const char *key, const uint64_t range[2],
            uint64_t *value, struct api_answer *out)
{
	const json_t *given = json_object_get(call->body, key);
	const json_int_t n = json_integer_value(given);

	if (given == NULL)
		return true;
	if (n < (json_int_t)range[0] || n > (json_int_t)range[1]) {
		api_put_problem(out, 400, key, "'%s' may be %llu to %llu", key,
		                (unsigned long long)range[0],
		                (unsigned long long)range[1]);
		return false;
	}
	*value = (uint64_t)n;
	return true;
}

static bool
read_limits(const struct api_call *call, struct evidence_wanted *w,
            struct api_answer *out)
{
	static const uint64_t packets[2] = { 1, EVIDENCE_CAPTURE_PACKETS };
	static const uint64_t seconds[2] = { 1, EVIDENCE_CAPTURE_NS / SECOND_NS };
	static const uint64_t bytes[2] = { BYTES_LEAST, EVIDENCE_CAPTURE_BYTES };
	uint64_t n = SECONDS;

	w->packets = PACKETS;
	w->bytes = BYTES;
	if (!read_number(call, "packets", packets, &w->packets, out) ||
	    !read_number(call, "seconds", seconds, &n, out) ||
	    !read_number(call, "bytes", bytes, &w->bytes, out))
		return false;
	w->for_ns = n * SECOND_NS;
	return true;
}

static bool
read_expression(const struct api_call *call, struct evidence_wanted *w,
                struct api_answer *out)
{
	const char *text = text_of(call, "expression");

	if (strlen(text) > FILTER_TEXT_MAX) {
		api_put_problem(out, 400, "expression",
		                "an expression has at most %d characters",
		                FILTER_TEXT_MAX);
		return false;
	}
	strcpy(w->expression, text);
	return true;
}

/* --- begin and forget --------------------------------------------------------- */

/* Where the first word in quotes of `why` stands in the expression, from 1; 0: nowhere. */
static size_t
position_of(const char *expression, const char *why)
{
	const char *quote = strchr(why, '\''), *at;
	char word[80];
	size_t n;

	if (quote == NULL)
		return 0;
	n = strcspn(quote + 1, "'");
	if (n == 0 || n >= sizeof(word))
		return 0;
	memcpy(word, quote + 1, n);
	word[n] = '\0';
	at = strstr(expression, word);
	return at == NULL ? 0 : (size_t)(at - expression) + 1;
}

static void
put_bad_expression(struct api_answer *out, const char *expression, const char *why)
{
	const size_t position = position_of(expression, why);

	if (position > 0)
		api_put_problem(out, 400, "expression", "at character %zu: %s", position,
		                why);
	else
		api_put_problem(out, 400, "expression", "%s", why);
}

static void
put_capture(const struct api_call *call, uint32_t id, struct api_answer *out)
{
	struct telemetry_ask ask;
	json_t *o;

	telemetry_ask_init(&ask);
	snprintf(ask.name, sizeof(ask.name), "%u", id);
	o = telemetry_capture(call->context->telemetry, &ask);
	if (o == NULL)
		api_put_problem(out, 404, NULL, "there is no capture %u", id);
	else
		api_put_json(out, 200, o);
}

void
api_post_capture(const struct api_call *call, struct api_answer *out)
{
	struct box *box = box_of(call);
	struct evidence_wanted w = { 0 };
	char why[EVIDENCE_WHY];
	uint32_t id;
	int rc;

	if (!read_verdict(call, &w, out) || !read_service(call, &w, out) ||
	    !read_reason(call, &w, out) || !read_limits(call, &w, out) ||
	    !read_expression(call, &w, out))
		return;
	rc = box->evidence == NULL ? -ENOSYS
	                           : evidence_capture_start(box->evidence, &w, &id, why);
	if (rc == 0)
		put_capture(call, id, out);
	else if (rc == -EINVAL)
		put_bad_expression(out, w.expression, why);
	else if (rc == -ENOTSUP)
		api_put_problem(out, 501, "expression",
		                "this build has no libpcap, which reads expressions: "
		                "capture by verdict, reason and service, or build with "
		                "libpcap-dev installed");
	else if (rc == -EBUSY)
		api_put_problem(out, 409, NULL,
		                "%d captures run already: wait, or take one back",
		                EVIDENCE_ARMED);
	else if (rc == -ENOSYS)
		api_put_problem(out, 501, NULL, "this process does not offer that");
	else
		api_put_problem(out, 503, NULL, "could not begin: %s", strerror(-rc));
}

/* The number of a capture as it stands in a path; 0 when it is none. */
static uint32_t
id_of(const char *name)
{
	char *end;
	unsigned long n = strtoul(name, &end, 10);

	return name[0] >= '1' && name[0] <= '9' && *end == '\0' && n < UINT32_MAX
	               ? (uint32_t)n
	               : 0;
}

void
api_delete_capture(const struct api_call *call, struct api_answer *out)
{
	struct box *box = box_of(call);
	const uint32_t id = id_of(call->name);
	json_t *o;

	if (box->evidence == NULL || evidence_capture_forget(box->evidence, id) < 0) {
		api_put_problem(out, 404, NULL, "there is no capture '%.20s'",
		                call->name);
		return;
	}
	o = json_object();
	telemetry_put_count(o, "id", id);
	telemetry_put_text(o, "result", "taken back");
	api_put_json(out, 200, o);
}

/* --- its file ----------------------------------------------------------------- */

void
api_get_capture_file(const struct api_context *c, const struct api_target *t,
                     const char *name, struct api_answer *out)
{
	struct box *box = telemetry_box(c->telemetry);
	uint64_t from = 0;
	char *bytes, *end;
	size_t len;
	int rc;

	for (unsigned int i = 0; i < t->pairs; i++) {
		const char *value = t->pair[i].value;

		from = strtoull(value, &end, 10);
		if (strcmp(t->pair[i].key, "from") == 0 && value[0] >= '0' &&
		    value[0] <= '9' && *end == '\0')
			continue;
		api_put_problem(out, 400, t->pair[i].key,
		                "only from=BYTES may be said here: the first byte that "
		                "is wanted");
		return;
	}
	rc = box->evidence == NULL ? -ENOENT
	                           : evidence_capture_read(box->evidence, id_of(name),
	                                                   from, &bytes, &len);
	if (rc == -ENOENT) {
		api_put_problem(out, 404, NULL, "there is no capture '%.20s'", name);
	} else if (rc == -ERANGE) {
		api_put_problem(out, 400, "from", "the file has not so many bytes");
	} else if (rc < 0) {
		api_put_problem(out, 503, NULL, "out of memory");
	} else {
		free(out->body);
		out->status = 200;
		out->type = "application/x-pcapng";
		out->header = "Content-Disposition";
		snprintf(out->header_value, sizeof(out->header_value),
		         "attachment; filename=\"capture-%u.pcapng\"", id_of(name));
		out->body = bytes;
		out->len = len;
	}
}
