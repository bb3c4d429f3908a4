/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tokens - who may change something.
 *
 * The file has one line a token, `name:sha256[:role]`, where sha256 is that of
 * the token in 64 hexadecimal digits and role is read, operate (modes, bypass,
 * blocks) or admin (also the configuration; the default). Lines that begin with
 * '#' and empty ones are skipped. The file is read at every use, so a line that
 * was taken out is out. All lines are compared, each in constant time.
 *
 * Threads any.
 */
#ifndef API_TOKENS_H
#define API_TOKENS_H

#include <stddef.h>

enum api_role { API_ROLE_NONE, API_ROLE_READ, API_ROLE_OPERATE, API_ROLE_ADMIN };

#define API_TOKEN_NAME 64

/*
 * The role of `token` and the name it goes by. Returns a role, API_ROLE_NONE
 * when no line has it; -errno when the file cannot be read; -EPERM when others
 * may write it; -EINVAL, and the line's number in *line, when a line is wrong.
 */
int api_tokens_find(const char *file, const char *token, char name[API_TOKEN_NAME],
                    unsigned int *line);

/* The same in text that is already read. */
int api_tokens_find_in(const char *text, size_t len, const char *token,
                       char name[API_TOKEN_NAME], unsigned int *line);

#endif
