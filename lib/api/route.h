/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * route - the table of what can be changed; reads come from telemetry's table.
 *
 * One table says for each write its method, path, role, body and meaning; the
 * router, the check for unknown fields and openapi.json all read it.
 *
 * Threads any.
 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/request.h"
#include "api/tokens.h"

#define API_ROOT "/api/v1/"

struct api_field {
	const char *name; /* NULL ends the list */
	const char *type; /* of JSON: string, boolean, integer, object or array */
	bool is_required;
	const char *help;
};

/* A write, already allowed; `name` is what stands in the place of {name}. */
struct api_call {
	const struct api_context *context;
	const char *name;
	const json_t *body;
};

struct api_write {
	const char *method;
	const char *path; /* below API_ROOT; "{name}" stands for one part */
	enum api_role role;
	const struct api_field *fields;
	const char *help;
	void (*act)(const struct api_call *call, struct api_answer *out);
};

extern const struct api_write api_writes[]; /* ended by method == NULL */

/* Filter rules (filters.c). */
void api_post_filter(const struct api_call *call, struct api_answer *out);
void api_put_filter(const struct api_call *call, struct api_answer *out);
void api_delete_filter(const struct api_call *call, struct api_answer *out);
void api_check_filter(const struct api_call *call, struct api_answer *out);

/*
 * "for" of the body in ns, 0 when it is absent. Returns false when the answer is a refusal.
 */
bool api_read_for(const struct api_call *call, uint64_t *ns, struct api_answer *out);

/* Captures (captures.c). */
void api_post_capture(const struct api_call *call, struct api_answer *out);
void api_delete_capture(const struct api_call *call, struct api_answer *out);
/* The file of capture `name`, for who may have it. */
void api_get_capture_file(const struct api_context *c, const struct api_target *t,
                          const char *name, struct api_answer *out);

/* Of write_lists.c. */
void api_post_list_reload(const struct api_call *call, struct api_answer *out);
void api_put_list_entry(const struct api_call *call, struct api_answer *out);
void api_delete_list_entry(const struct api_call *call, struct api_answer *out);

/* Whether `path` (below API_ROOT) fits the pattern; name gets {name}. */
bool api_path_fits(const char *pattern, const char *path, char name[API_PATH_MAX]);

/* The description of everything above, in OpenAPI 3.0.3. */
json_t *api_openapi(const struct api_context *context);
/* The same without a daemon that runs. */
json_t *api_openapi_of(const char *version);

#endif
