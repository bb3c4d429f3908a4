/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * schema - the form of each document, written short and told as OpenAPI has it.
 *
 *     {time:time window_seconds:number services:[@Service]}
 *     {name:text file:text~ until?:time}
 *
 * A member is a name and a type: text, time, flag, count (a whole number, not
 * negative), int, number, object (of any members), any; {..} and [..] of such; or
 * @Name, one of the forms that several documents share. `?` after a name: the member
 * may be missing. `~` after a type: it may be null.
 *
 * Members may be added to a document at any time, so the description forbids none; our
 * own tests do.
 *
 * Threads any; what is made belongs to the caller.
 * Source  OpenAPI Specification 3.0.3, "Schema Object".
 */
#ifndef API_SCHEMA_H
#define API_SCHEMA_H

#include <jansson.h>

struct api_form {
	const char
		*name; /* of a document as in telemetry_documents[], or a shared form */
	const char *text;
};

/* Both ended by name == NULL. */
extern const struct api_form api_documents_forms[], api_shared_forms[];

/* The schema of such a text; NULL where it is wrong, or when out of memory. */
json_t *api_schema(const char *text);

/* The schema of a document; any object where the table has none. */
json_t *api_schema_of_document(const char *path);

#endif
