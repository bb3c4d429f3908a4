/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server - libmicrohttpd around api_answer().
 *
 * One daemon a socket and one thread a connection. The target is taken as the
 * client wrote it (the library would decode it), and a body beyond the bound
 * is read to its end but not kept, so that the refusal reaches the client.
 */
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/listen.h"
#include "api/request.h"
#include "base/log.h"
#include "telemetry/own.h"

struct server {
	struct api *api;
	struct api_listen listen;
	struct MHD_Daemon *daemon;
};

struct api {
	struct api_context context;
	char *tokens_file;
	const char *host[API_LISTEN_MAX];
	size_t servers;
	struct server server[API_LISTEN_MAX];
	struct api_session session[API_LISTEN_MAX];
};

/* One request while it arrives. */
struct arrival {
	char *target;
	bool is_begun, is_too_big;
	char *body;
	size_t len;
};

/* The first the library tells of a request; its result is handed to access(). */
static void *
begin(void *arg, const char *uri, struct MHD_Connection *connection)
{
	struct arrival *a = calloc(1, sizeof(*a));

	(void)arg;
	(void)connection;
	if (a != NULL)
		a->target = strdup(uri);
	return a;
}

static void
done(void *arg, struct MHD_Connection *connection, void **state,
     enum MHD_RequestTerminationCode how)
{
	struct arrival *a = *state;

	(void)arg;
	(void)connection;
	(void)how;
	if (a == NULL)
		return;
	free(a->target);
	free(a->body);
	free(a);
	*state = NULL;
}

/* Constants, so nothing is copied; a 304 has their headers and no bytes. */
static enum MHD_Result
send_asset(struct MHD_Connection *connection, const struct api_answer *answer)
{
	const struct api_asset *a = answer->asset;
	struct MHD_Response *response = MHD_create_response_from_buffer(
		answer->status == 200 ? a->len : 0, (void *)(uintptr_t)a->data,
		MHD_RESPMEM_PERSISTENT);
	enum MHD_Result rc;

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, "ETag", a->etag);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (answer->status == 200)
		MHD_add_response_header(response, "Content-Type", answer->type);
	for (const struct api_header *h = api_asset_headers; h->name != NULL; h++)
		MHD_add_response_header(response, h->name, h->value);
	rc = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result
send_answer(struct MHD_Connection *connection, struct api_answer *answer)
{
	struct MHD_Response *response;
	enum MHD_Result rc;

	if (answer->asset != NULL)
		return send_asset(connection, answer);
	response = MHD_create_response_from_buffer(answer->len, answer->body,
	                                           MHD_RESPMEM_MUST_FREE);

	if (response == NULL) {
		free(answer->body);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", answer->type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (answer->header != NULL)
		MHD_add_response_header(response, answer->header, answer->header_value);
	rc = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return rc;
}

static const char *
header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Keep a piece of the body while it is within the bound. */
static void
take(struct arrival *a, const char *data, size_t len)
{
	char *grown;

	if (a->is_too_big || a->len + len > API_BODY_MAX) {
		a->is_too_big = true;
		return;
	}
	grown = realloc(a->body, a->len + len);
	if (grown == NULL) {
		a->is_too_big = true;
		return;
	}
	memcpy(grown + a->len, data, len);
	a->body = grown;
	a->len += len;
}

static enum MHD_Result
refuse_size(const struct server *s, struct MHD_Connection *connection, const char *method)
{
	struct api_answer answer = { 0 };

	api_put_problem(&answer, 413, NULL, "a body has at most %d bytes", API_BODY_MAX);
	telemetry_count_request(s->api->context.telemetry, method, answer.status);
	return send_answer(connection, &answer);
}

static enum MHD_Result
access_request(void *arg, struct MHD_Connection *connection, const char *url,
               const char *method, const char *version, const char *data, size_t *len,
               void **state)
{
	const struct server *s = arg;
	struct arrival *a = *state;
	struct api_answer answer;

	(void)url;
	(void)version;
	if (a == NULL || a->target == NULL)
		return MHD_NO;
	if (!a->is_begun) {
		const char *length = header(connection, "Content-Length");

		a->is_begun = true;
		/* What announces too much need not be read at all. */
		if (length != NULL && strtoull(length, NULL, 10) > API_BODY_MAX)
			return refuse_size(s, connection, method);
		return MHD_YES;
	}
	if (*len > 0) {
		take(a, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (a->is_too_big)
		return refuse_size(s, connection, method);
	api_answer(&s->api->context,
	           &(struct api_request){
			   .method = method,
			   .target = a->target,
			   .host = header(connection, "Host"),
			   .content_type = header(connection, "Content-Type"),
			   .authorization = header(connection, "Authorization"),
			   .accept_encoding = header(connection, "Accept-Encoding"),
			   .if_none_match = header(connection, "If-None-Match"),
			   .body = a->body,
			   .body_len = a->len,
			   .is_unix = s->listen.is_unix,
			   .is_local = s->listen.is_local },
	           &answer);
	return send_answer(connection, &answer);
}

static void
complain(void *arg, const char *format, va_list args)
{
	char text[256];

	(void)arg;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("api: %s", text);
}

static int
start(struct server *s, unsigned int connections)
{
	const unsigned int flags = MHD_USE_INTERNAL_POLLING_THREAD |
	                           MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
	                           MHD_USE_ERROR_LOG | MHD_USE_ITC;
	sigset_t all, before;

	/* Signals are the main thread's; what the library starts inherits the mask. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, access_request, s, MHD_OPTION_EXTERNAL_LOGGER,
		complain, NULL, MHD_OPTION_LISTEN_SOCKET, s->listen.fd,
		MHD_OPTION_URI_LOG_CALLBACK, begin, NULL, MHD_OPTION_NOTIFY_COMPLETED,
		done, NULL, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)API_TIMEOUT_S,
		MHD_OPTION_CONNECTION_LIMIT, connections,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (s->daemon != NULL)
		return 0;
	close(s->listen.fd);
	return -EIO;
}

/* Without the file root needs a token like everybody else; that is no reason not to start. */
static void
open_session(struct api *api, const char *path)
{
	const size_t n = api->context.n_sessions;
	struct api_session *session = &api->session[n];
	const int rc = api_session_open(session, path);

	if (rc < 0)
		log_warning("api: root has no token of its own in %s.token: %s", path,
		            strerror(-rc));
	else
		/* Servers of earlier sockets may be answering already. */
		__atomic_store_n(&api->context.n_sessions, n + 1, __ATOMIC_RELEASE);
}

int
api_open(const struct api_settings *settings, struct api **out, char why[API_WHY])
{
	struct api *api = calloc(1, sizeof(*api));
	int rc = 0;

	why[0] = '\0';
	if (api == NULL)
		return -ENOMEM;
	api->tokens_file =
		strdup(settings->tokens_file != NULL ? settings->tokens_file : "");
	api->context = (struct api_context){ .telemetry = settings->telemetry,
		                             .events = settings->events,
		                             .tokens_file = api->tokens_file,
		                             .session = api->session,
		                             .assets = settings->assets,
		                             .hosts = api->host };
	for (size_t i = 0; rc == 0 && i < settings->listens && i < API_LISTEN_MAX; i++) {
		struct server *s = &api->server[api->servers];

		s->api = api;
		rc = api_listen_open(settings->listen[i], settings->allow_remote,
		                     &s->listen, why);
		if (rc < 0)
			break;
		if (s->listen.is_unix)
			open_session(api, s->listen.path);
		else
			api->host[api->context.n_hosts++] = s->listen.host;
		rc = start(s, (unsigned int)(API_CONNECTIONS / settings->listens));
		if (rc < 0)
			snprintf(why, API_WHY,
			         "api.listen \"%s\": the server does not start",
			         settings->listen[i]);
		else
			api->servers++;
	}
	if (rc < 0) {
		api_close(api);
		return rc;
	}
	*out = api;
	return 0;
}

void
api_close(struct api *api)
{
	if (api == NULL)
		return;
	for (size_t i = 0; i < api->servers; i++) {
		MHD_stop_daemon(api->server[i].daemon);
		api_listen_remove(&api->server[i].listen);
	}
	for (size_t i = 0; i < api->context.n_sessions; i++)
		api_session_close(&api->session[i]);
	free(api->tokens_file);
	free(api);
}
