/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secret - the file from which all cookies come.
 *
 * 32 bytes as 64 hexadecimal digits in a file of mode 0600. Boxes that share the
 * file accept each other's cookies; a box that keeps it accepts its own after a
 * restart.
 *
 * Threads control side, at start.
 */
#ifndef CHALLENGE_SECRET_H
#define CHALLENGE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "challenge/cookie.h"

/*
 * Read the secret of `path`; where there is no such file, draw one and, with `may_make`,
 * write it there (mode 0600, all or nothing). Returns 0; -ENOENT with a drawn secret
 * that could not be kept, and why[]; -EINVAL (unsound or readable for others) or another
 * -errno with a sentence in why[].
 */
int secret_open(const char *path, bool may_make, uint8_t out[COOKIE_SECRET], char *why,
                size_t size);

#endif
