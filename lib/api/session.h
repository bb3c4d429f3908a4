/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session - a token that lives as long as the daemon, for who may read its file.
 *
 * Beside each Unix socket PATH stands PATH.token, mode 0600: whoever may read it is the
 * daemon's own user, that is root, who could write the tokens file anyway. So the command
 * works for root without any preparation, and `systemctl reload` does. It has to be shown
 * like every token: being root is not enough, or a proxy that runs as root and passes on
 * what strangers ask would lend them its powers.
 *
 * Threads made and removed by who opens the API; any thread may ask.
 */
#ifndef API_SESSION_H
#define API_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sha256.h"

#define API_SESSION_NAME "root" /* whom an audit names */

struct api_session {
	bool is_open;
	char path[128];
	uint8_t digest[SHA256_BYTES];
};

/*
 * Draw a token and write it beside the socket at `path`, in place of a leftover. Returns 0,
 * or -errno; there is no such token then.
 */
int api_session_open(struct api_session *s, const char *path);

/* Whether `token` is it; takes as long whatever the token. */
bool api_session_is(const struct api_session *s, const char *token);

/* Remove the file. */
void api_session_close(struct api_session *s);

#endif
