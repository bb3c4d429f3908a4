/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dpdk - the documents as commands of DPDK's telemetry socket.
 *
 *     /tidegate/status, /tidegate/services,shop, /tidegate/top,by=destinations
 *     /tidegate/json,PATH[,OFFSET]     the whole document as JSON text, in pieces
 *
 * The socket's own data types are poor: 256 entries a dictionary, 127 bytes a
 * string, names of letters, digits, '_' and '/', no objects inside arrays, and
 * 16 KiB an answer. So a list of objects becomes a dictionary numbered from 0,
 * a name's other letters become '_', and what exceeds a bound is counted in
 * "left_out" instead of being lost in silence. Whoever needs every byte asks
 * /tidegate/json: pieces of at most 6,000 bytes, until one is empty. The text is
 * made at offset 0 and kept for the pieces that follow.
 *
 * Threads the socket's own; one question at a time (a lock here).
 */
#include <errno.h>
#include <pthread.h>
#include <rte_telemetry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/telemetry.h"

#define DEPTH_MAX   6
#define ENTRIES_MAX 200   /* of a dictionary, leaving room for left_out */
#define PIECE       6000  /* quotes double when they are escaped, 8 KiB is the end */
#define ROOM        15000 /* of the 16 KiB an answer may have */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct telemetry *shown;
static char *kept; /* text of the last /tidegate/json */
static char kept_path[128];

/* How much of the answer is used up, roughly as the socket will print it. */
struct budget {
	size_t used;
	unsigned int left_out;
};

static struct rte_tel_data *object(const json_t *o, struct budget *b, unsigned int depth);

static void
name_of(const char *key, char name[64])
{
	size_t i;

	for (i = 0; key[i] != '\0' && i < 63; i++) {
		const char c = key[i];
		const bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		                     (c >= '0' && c <= '9') || c == '_' || c == '/';

		name[i] = c;
		if (!is_fine)
			name[i] = '_';
	}
	name[i] = '\0';
}

/* Write a plain value as text. Returns its length; 127 bytes at most are kept. */
static size_t
text_of(const json_t *v, char text[RTE_TEL_MAX_STRING_LEN])
{
	if (json_is_string(v))
		snprintf(text, RTE_TEL_MAX_STRING_LEN, "%s", json_string_value(v));
	else if (json_is_real(v))
		snprintf(text, RTE_TEL_MAX_STRING_LEN, "%.12g", json_real_value(v));
	else if (json_is_integer(v))
		snprintf(text, RTE_TEL_MAX_STRING_LEN, "%lld",
		         (long long)json_integer_value(v));
	else
		snprintf(text, RTE_TEL_MAX_STRING_LEN, "%s",
		         json_is_true(v)    ? "true"
		         : json_is_false(v) ? "false"
		                            : "null");
	return strlen(text);
}

/* An array of plain values as strings. */
static struct rte_tel_data *
plain_array(const json_t *a, struct budget *b)
{
	struct rte_tel_data *d = rte_tel_data_alloc();
	char text[RTE_TEL_MAX_STRING_LEN];
	const json_t *v;
	size_t i;

	if (d == NULL)
		return NULL;
	rte_tel_data_start_array(d, RTE_TEL_STRING_VAL);
	json_array_foreach((json_t *)(uintptr_t)a, i, v)
	{
		const size_t len = text_of(v, text);

		if (i >= ENTRIES_MAX || b->used + len + 4 > ROOM ||
		    rte_tel_data_add_array_string(d, text) < 0)
			b->left_out++;
		else
			b->used += len + 4;
	}
	return d;
}

static void
add(struct rte_tel_data *d, const char *key, const json_t *v, struct budget *b,
    unsigned int depth)
{
	char name[64], text[RTE_TEL_MAX_STRING_LEN];
	struct rte_tel_data *inner = NULL;
	const bool is_deep = json_is_object(v) ||
	                     (json_is_array(v) && json_is_object(json_array_get(v, 0)));
	const size_t len = is_deep || json_is_array(v) ? 0 : text_of(v, text);
	int rc;

	name_of(key, name);
	if (b->used + strlen(name) + len + 8 > ROOM || depth > DEPTH_MAX) {
		b->left_out++;
		return;
	}
	b->used += strlen(name) + len + 8;
	if (is_deep)
		inner = object(v, b, depth + 1);
	else if (json_is_array(v))
		inner = plain_array(v, b);
	if (inner != NULL)
		rc = rte_tel_data_add_dict_container(d, name, inner, 0);
	else if (json_is_integer(v) && json_integer_value(v) >= 0)
		rc = rte_tel_data_add_dict_u64(d, name, (uint64_t)json_integer_value(v));
	else
		rc = rte_tel_data_add_dict_string(d, name, text);
	if (rc < 0) {
		b->left_out++;
		if (inner != NULL)
			rte_tel_data_free(inner);
	}
}

/* Fill a started dictionary from an object, or from an array of objects by number. */
static void
fill(struct rte_tel_data *d, const json_t *o, struct budget *b, unsigned int depth)
{
	json_t *v;
	const char *key;
	char number[24];
	size_t i = 0;

	if (json_is_array(o)) {
		json_array_foreach((json_t *)(uintptr_t)o, i, v)
		{
			snprintf(number, sizeof(number), "%zu", i);
			if (i < ENTRIES_MAX)
				add(d, number, v, b, depth);
			else
				b->left_out++;
		}
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)o, key, v)
	{
		if (i++ < ENTRIES_MAX)
			add(d, key, v, b, depth);
		else
			b->left_out++;
	}
}

static struct rte_tel_data *
object(const json_t *o, struct budget *b, unsigned int depth)
{
	struct rte_tel_data *d = rte_tel_data_alloc();

	if (d == NULL)
		return NULL;
	rte_tel_data_start_dict(d);
	fill(d, o, b, depth);
	return d;
}

/* Under lock: the document at "path" with "key=value" parts after commas. NULL: none. */
static json_t *
make(const char *path, const char *params)
{
	const struct telemetry_document *doc;
	struct telemetry_ask ask;
	char copy[512], why[160], *save = NULL;

	telemetry_ask_init(&ask);
	doc = shown == NULL ? NULL : telemetry_find(path, &ask);
	if (doc == NULL)
		return NULL;
	snprintf(copy, sizeof(copy), "%s", params != NULL ? params : "");
	for (char *p = strtok_r(copy, ",&", &save); p != NULL;
	     p = strtok_r(NULL, ",&", &save)) {
		char *eq = strchr(p, '=');

		if (eq == NULL)
			return NULL;
		*eq = '\0';
		if (telemetry_ask_set(&ask, p, eq + 1, why) < 0)
			return NULL;
	}
	return doc->make(shown, &ask);
}

/*
 * "/tidegate/services" with params "shop" is the document services/shop; with
 * params "a=b" it is asked a=b.
 */
static int
command(const char *cmd, const char *params, struct rte_tel_data *d)
{
	const char *path = cmd + strlen("/tidegate/");
	struct budget b = { 0 };
	char named[160];
	json_t *doc;

	if (params != NULL && params[0] != '\0' && strchr(params, '=') == NULL) {
		snprintf(named, sizeof(named), "%s/%s", path, params);
		path = named;
		params = NULL;
	}
	pthread_mutex_lock(&lock);
	doc = make(path, params);
	pthread_mutex_unlock(&lock);
	if (doc == NULL)
		return -ENOENT;
	rte_tel_data_start_dict(d);
	fill(d, doc, &b, 1);
	if (b.left_out > 0)
		rte_tel_data_add_dict_u64(d, "left_out", b.left_out);
	json_decref(doc);
	return 0;
}

/* Under lock: make the text of "path" or "path?a=b&c=d" and keep it. */
static int
keep(const char *path)
{
	char copy[sizeof(kept_path)];
	char *query;
	json_t *doc;

	snprintf(copy, sizeof(copy), "%s", path);
	query = strchr(copy, '?');
	if (query != NULL)
		*query++ = '\0';
	doc = make(copy, query);
	if (doc == NULL)
		return -ENOENT;
	free(kept);
	kept = json_dumps(doc,
	                  JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12));
	snprintf(kept_path, sizeof(kept_path), "%s", path);
	json_decref(doc);
	return kept == NULL ? -ENOMEM : 0;
}

static int
json(const char *cmd, const char *params, struct rte_tel_data *d)
{
	char path[sizeof(kept_path)], piece[PIECE + 1] = "";
	const char *comma = params != NULL ? strchr(params, ',') : NULL;
	const size_t len = comma != NULL    ? (size_t)(comma - params)
	                   : params != NULL ? strlen(params)
	                                    : 0;
	const size_t offset = comma != NULL ? strtoul(comma + 1, NULL, 10) : 0;
	int rc = 0;

	(void)cmd;
	while (params != NULL && *params == '/')
		params++;
	if (params == NULL || len == 0 || len >= sizeof(path))
		return -EINVAL;
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(params, ","), params);
	pthread_mutex_lock(&lock);
	if (offset == 0 || kept == NULL || strcmp(path, kept_path) != 0)
		rc = keep(path);
	if (rc == 0 && offset < strlen(kept))
		snprintf(piece, sizeof(piece), "%s", kept + offset);
	pthread_mutex_unlock(&lock);
	return rc < 0 ? rc : rte_tel_data_string(d, piece);
}

int
telemetry_dpdk_register(struct telemetry *t)
{
	int rc;

	pthread_mutex_lock(&lock);
	shown = t;
	pthread_mutex_unlock(&lock);
	for (const struct telemetry_document *doc = telemetry_documents;
	     doc->path != NULL; doc++) {
		char name[64];

		if (telemetry_is_named(doc))
			continue;
		snprintf(name, sizeof(name), "/tidegate/%s", doc->path);
		rc = rte_telemetry_register_cmd(name, command, doc->help);
		if (rc < 0 && rc != -EEXIST)
			return rc;
	}
	rc = rte_telemetry_register_cmd("/tidegate/json", json,
	                                "A document as JSON text in pieces. "
	                                "Parameters: path[,offset]");
	return rc == -EEXIST ? 0 : rc;
}

void
telemetry_dpdk_forget(void)
{
	pthread_mutex_lock(&lock);
	shown = NULL;
	free(kept);
	kept = NULL;
	kept_path[0] = '\0';
	pthread_mutex_unlock(&lock);
}
