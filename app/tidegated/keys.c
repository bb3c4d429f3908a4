/* SPDX-License-Identifier: BSD-3-Clause */
#include "keys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"
#include "challenge/secret.h"

#define OWN_FILE "cookie-secret"
#define WHY      (PATH_MAX + 256)

static_assert(sizeof(((struct stage_common *)NULL)->secret) == COOKIE_SECRET &&
                      COOKIE_SECRET == SHA256_BYTES,
              "the secret of cookies is one hash long");

/* One seed, one secret: a replay prints the same bytes twice. */
static void
derive(uint64_t seed, uint8_t out[COOKIE_SECRET])
{
	char text[64];
	struct sha256 hash;
	int len = snprintf(text, sizeof(text), "tidegate cookies of seed %016llx",
	                   (unsigned long long)seed);

	sha256_begin(&hash);
	sha256_add(&hash, text, (size_t)len);
	sha256_end(&hash, out);
}

/* What others have must be there: a secret made here would be known to no other box. */
static int
open_named(const struct settings *s, uint8_t out[COOKIE_SECRET],
           struct conf_errors *errors)
{
	char why[WHY];
	const struct conf_place place = { s->file, 0, (char[]){ "state.cookie_secret" } };
	int rc = secret_open(s->cookie_secret, false, out, why, sizeof(why));

	if (rc == -ENOENT)
		conf_fail(errors, &place,
		          "there is no %s; copy it from the box that shares it, or make "
		          "one: (umask 077; openssl rand -hex %d > %s)",
		          s->cookie_secret, COOKIE_SECRET, s->cookie_secret);
	else if (rc < 0)
		conf_fail(errors, &place, "%s", why);
	return rc < 0 ? -EINVAL : 0;
}

/*
 * Our own: whatever is wrong with the folder, customers behind the box need it up. A
 * file that others may have read or that holds something else is left for the operator.
 */
static int
open_own(const struct settings *s, uint8_t out[COOKIE_SECRET], struct conf_errors *errors)
{
	char path[PATH_MAX], why[WHY];
	const struct conf_place place = { s->file, 0, (char[]){ "state.folder" } };
	int rc;

	snprintf(path, sizeof(path), "%s/" OWN_FILE, s->state_folder);
	/* Where it exists or cannot be made, opening the file tells. */
	mkdir(s->state_folder, 0700);
	rc = secret_open(path, true, out, why, sizeof(why));
	if (rc == 0)
		return 0;
	if (rc != -ENOENT && getentropy(out, COOKIE_SECRET) < 0)
		return -errno;
	if (rc == -ENOENT)
		conf_warn(errors, &place, "%s", why);
	else
		conf_warn(errors, &place,
		          "%s; until this process ends a secret is used that no file "
		          "holds",
		          why);
	return 0;
}

int
keys_open(struct stage_common *common, const struct settings *s, const uint64_t *seed,
          struct conf_errors *errors)
{
	int rc;

	if (seed != NULL) {
		hash_key_seeded(&common->key, *seed);
		derive(*seed, common->secret);
		return 0;
	}
	rc = hash_key_random(&common->key);
	if (rc < 0)
		return rc;
	if (s->cookie_secret[0] != '\0')
		return open_named(s, common->secret, errors);
	return open_own(s, common->secret, errors);
}

int
keys_check(const struct settings *s, struct conf_errors *errors)
{
	uint8_t secret[COOKIE_SECRET];
	int rc = 0;

	if (s->cookie_secret[0] != '\0')
		rc = open_named(s, secret, errors);
	explicit_bzero(secret, sizeof(secret));
	return rc;
}
