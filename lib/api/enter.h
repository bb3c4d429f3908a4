/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enter - who is let in, and who has to wait.
 *
 * Threads any.
 * Source  RFC 6750 (bearer tokens), RFC 6585 (too many requests).
 */
#ifndef API_ENTER_H
#define API_ENTER_H

#include "api/request.h"
#include "api/tokens.h"

/* The answer to a peer that does `what` too often. */
void api_put_too_often(struct api_answer *out, const char *what);

/*
 * Who asks: the role of the bearer token, with its name. Returns API_ROLE_NONE when the
 * answer is already a refusal.
 */
int api_enter(const struct api_context *c, const struct api_request *rq, char *name,
              struct api_answer *out);

#endif
