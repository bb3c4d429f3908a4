/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server - libmicrohttpd around api_answer().
 *
 * One daemon a socket and one thread a connection. The target is taken as the
 * client wrote it (the library would decode it), and a body beyond the bound
 * is read on for a while but not kept, so that the refusal reaches the client.
 * Connections that take too long are ended (patience.h), peers that ask too often
 * are refused (guard.h).
 */
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/listen.h"
#include "api/patience.h"
#include "api/request.h"
#include "base/log.h"
#include "telemetry/own.h"

/* A body that did not say how long it is, is read so far before the connection ends. */
#define READ_ON 1048576

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
	char *name[API_NAMES_MAX];
	struct api_guard guard;
	struct api_patience patience;
};

/* One connection, from its beginning to its end. */
struct visit {
	struct api_peer peer;
	struct api_wait *wait;
};

/* One request while it arrives. */
struct arrival {
	char *target;
	bool is_begun, is_too_big;
	char *body;
	size_t len;
	uint64_t seen; /* bytes of the body, kept or not */
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

static struct visit *
visit_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static void
find_peer(const struct server *s, struct MHD_Connection *connection, int fd,
          struct api_peer *peer)
{
	const union MHD_ConnectionInfo *info;
	struct ucred user = { .uid = UINT32_MAX };
	socklen_t len = sizeof(user);

	if (s->listen.is_unix) {
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &len);
		api_peer_of_user(peer, user.uid);
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info != NULL)
		api_peer_of_address(peer, info->client_addr);
}

/* The library tells of a connection's beginning, and of its end before it closes it. */
static void
come_or_go(void *arg, struct MHD_Connection *connection, void **context,
           enum MHD_ConnectionNotificationCode what)
{
	struct server *s = arg;
	struct visit *v = *context;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (v != NULL)
			api_patience_remove(&s->api->patience, v->wait);
		free(v);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	v = info != NULL ? calloc(1, sizeof(*v)) : NULL;
	if (v == NULL)
		return;
	find_peer(s, connection, info->connect_fd, &v->peer);
	v->wait = api_patience_add(&s->api->patience, info->connect_fd,
	                           (unsigned int)(s - s->api->server),
	                           api_patience_clock());
	*context = v;
}

static void
done(void *arg, struct MHD_Connection *connection, void **state,
     enum MHD_RequestTerminationCode how)
{
	struct server *s = arg;
	const struct visit *v = visit_of(connection);
	struct arrival *a = *state;

	(void)how;
	if (v != NULL)
		api_patience_idle(&s->api->patience, v->wait, api_patience_clock());
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

/* The answer is on its way from here on, and has its time. */
static enum MHD_Result
begin_answer(struct server *s, struct MHD_Connection *connection,
             struct api_answer *answer)
{
	const struct visit *v = visit_of(connection);
	const size_t len = answer->asset != NULL ? answer->asset->len : answer->len;

	if (v != NULL)
		api_patience_answer(&s->api->patience, v->wait, len,
		                    api_patience_clock());
	return send_answer(connection, answer);
}

static enum MHD_Result
refuse(struct server *s, struct MHD_Connection *connection, const char *method,
       unsigned int status, const char *why)
{
	struct api_answer answer = { 0 };

	api_put_problem(&answer, status, NULL, "%s", why);
	telemetry_count_request(s->api->context.telemetry, method, answer.status);
	return begin_answer(s, connection, &answer);
}

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)
#define TOO_BIG         "a body has at most " TEXT(API_BODY_MAX) " bytes"

/* The head is here. MHD_YES goes on with the body. */
static enum MHD_Result
take_head(struct server *s, struct MHD_Connection *connection, const char *method)
{
	const struct visit *v = visit_of(connection);
	const char *length = header(connection, "Content-Length");

	if (v != NULL)
		api_patience_body(&s->api->patience, v->wait, api_patience_clock());
	/* Two ways to say where it ends are one too many: another may take the other. */
	if (length != NULL && header(connection, "Transfer-Encoding") != NULL)
		return refuse(s, connection, method, 400,
		              "Content-Length and Transfer-Encoding exclude each other");
	/* What announces too much need not be read at all. */
	if (length != NULL && strtoull(length, NULL, 10) > API_BODY_MAX)
		return refuse(s, connection, method, 413, TOO_BIG);
	return MHD_YES;
}

static enum MHD_Result
access_request(void *arg, struct MHD_Connection *connection, const char *url,
               const char *method, const char *version, const char *data, size_t *len,
               void **state)
{
	struct server *s = arg;
	const struct visit *v = visit_of(connection);
	struct arrival *a = *state;
	struct api_answer answer;

	(void)url;
	(void)version;
	if (a == NULL || a->target == NULL)
		return MHD_NO;
	if (!a->is_begun) {
		a->is_begun = true;
		return take_head(s, connection, method);
	}
	if (*len > 0) {
		take(a, data, *len);
		a->seen += *len;
		*len = 0;
		return a->seen <= READ_ON ? MHD_YES : MHD_NO;
	}
	if (a->is_too_big)
		return refuse(s, connection, method, 413, TOO_BIG);
	api_answer(&s->api->context,
	           &(struct api_request){
			   .method = method,
			   .target = a->target,
			   .host = header(connection, "Host"),
			   .content_type = header(connection, "Content-Type"),
			   .authorization = header(connection, "Authorization"),
			   .accept_encoding = header(connection, "Accept-Encoding"),
			   .if_none_match = header(connection, "If-None-Match"),
			   .origin = header(connection, "Origin"),
			   .fetch_site = header(connection, "Sec-Fetch-Site"),
			   .fetch_mode = header(connection, "Sec-Fetch-Mode"),
			   .peer = v != NULL ? &v->peer : NULL,
			   .now_ns = api_patience_clock(),
			   .body = a->body,
			   .body_len = a->len,
			   .is_unix = s->listen.is_unix,
			   .is_local = s->listen.is_local },
	           &answer);
	return begin_answer(s, connection, &answer);
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
		done, s, MHD_OPTION_NOTIFY_CONNECTION, come_or_go, s,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		s->listen.is_local ? 0u : (unsigned int)API_PER_ADDRESS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)API_TIMEOUT_S,
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

static size_t
listens_of(const struct api_settings *settings)
{
	return settings->listens > 0 ? settings->listens : 1;
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
		                             .guard = &api->guard,
		                             .names = (const char *const *)api->name,
		                             .hosts = api->host };
	for (size_t i = 0; i < settings->n_names && i < API_NAMES_MAX; i++) {
		api->name[i] = strdup(settings->names[i]);
		api->context.n_names += api->name[i] != NULL;
	}
	api_guard_open(&api->guard);
	rc = api_patience_open(&api->patience,
	                       (unsigned int)(API_CONNECTIONS / listens_of(settings)));
	if (rc < 0)
		snprintf(why, API_WHY, "api: no thread can be started: %s",
		         strerror(-rc));
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
		rc = start(s, (unsigned int)(API_CONNECTIONS / listens_of(settings)));
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
	api_patience_close(&api->patience);
	api_guard_close(&api->guard);
	for (size_t i = 0; i < api->context.n_names; i++)
		free(api->name[i]);
	for (size_t i = 0; i < api->context.n_sessions; i++)
		api_session_close(&api->session[i]);
	free(api->tokens_file);
	free(api);
}
