/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys - what nobody outside may know: the key of every table, the secret of cookies.
 *
 * The table's key is drawn anew at each start. The secret lasts: it stands in the
 * file named by state.cookie_secret, which several boxes may share, or else in a
 * file of our own in state.folder. Without our own file the box runs all the same, on
 * a secret that ends with it; a named file that is unsound is a wrong configuration.
 * A seed replaces all of it, and no file is touched.
 *
 * Threads control side, at start.
 */
#ifndef TIDEGATED_KEYS_H
#define TIDEGATED_KEYS_H

#include <stdint.h>

#include "policy/settings.h"
#include "stage/stage.h"

/*
 * Fill common->key and common->secret. `seed` NULL draws or reads them. Returns 0, perhaps
 * with a warning; -EINVAL with an error when the named file is unsound; another -errno
 * when the machine has no randomness.
 */
int keys_open(struct stage_common *common, const struct settings *s, const uint64_t *seed,
              struct conf_errors *errors);

/* Whether the named file, if there is one, could be taken now. Makes nothing. 0 or -EINVAL. */
int keys_check(const struct settings *s, struct conf_errors *errors);

#endif
