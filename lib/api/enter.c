/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/enter.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "api/session.h"

/* The token that a request shows, or NULL. */
static const char *
bearer(const struct api_request *rq)
{
	const char *token = rq->authorization;

	if (token == NULL || strncasecmp(token, "Bearer ", 7) != 0)
		return NULL;
	return token + 7 + strspn(token + 7, " ");
}

void
api_put_too_often(struct api_answer *out, const char *what)
{
	api_put_problem(out, 429, NULL, "%s; wait a second", what);
	out->header = "Retry-After";
	strcpy(out->header_value, "1");
}

int
api_enter(const struct api_context *c, const struct api_request *rq, char *name,
          struct api_answer *out)
{
	const size_t sessions = __atomic_load_n(&c->n_sessions, __ATOMIC_ACQUIRE);
	const char *token = bearer(rq);
	unsigned int line;
	int role;

	for (size_t i = 0; token != NULL && i < sessions; i++) {
		if (api_session_is(&c->session[i], token)) {
			strcpy(name, API_SESSION_NAME);
			return API_ROLE_ADMIN;
		}
	}
	if (c->tokens_file == NULL || c->tokens_file[0] == '\0') {
		api_put_problem(out, 403, NULL,
		                "no tokens file is configured, so nothing can be changed "
		                "here but by root: name one in api.tokens_file and make "
		                "a token with `tidegate token new NAME`");
		return API_ROLE_NONE;
	}
	if (token == NULL) {
		api_put_problem(out, 401, NULL,
		                "this needs a token: send 'Authorization: Bearer TOKEN'");
		out->header = "WWW-Authenticate";
		strcpy(out->header_value, "Bearer realm=\"tidegate\"");
		return API_ROLE_NONE;
	}
	role = api_tokens_find(c->tokens_file, token, name, &line);
	if (role == -EINVAL)
		api_put_problem(out, 500, NULL,
		                "%s:%u: not NAME:SHA256[:ROLE]; nobody is let in",
		                c->tokens_file, line);
	else if (role == -EPERM)
		api_put_problem(
			out, 500, NULL,
			"%s may be written by everybody; nobody is let in: chmod o-w",
			c->tokens_file);
	else if (role < 0)
		api_put_problem(out, 500, NULL, "cannot read %s: %s", c->tokens_file,
		                strerror(-role));
	else if (role == API_ROLE_NONE && c->guard != NULL && rq->peer != NULL &&
	         !api_guard_failure(c->guard, rq->peer, rq->now_ns)) {
		api_put_too_often(out, "too many tokens that are not known");
	} else if (role == API_ROLE_NONE) {
		api_put_problem(out, 401, NULL, "the token is not known");
		out->header = "WWW-Authenticate";
		strcpy(out->header_value,
		       "Bearer realm=\"tidegate\", error=\"invalid_token\"");
	}
	return role < 0 ? API_ROLE_NONE : role;
}
