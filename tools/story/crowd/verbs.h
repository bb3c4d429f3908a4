/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs - what crowd can be; each runs until told to quit and returns an exit code. */
#ifndef CROWD_VERBS_H
#define CROWD_VERBS_H

#include "options.h"

int customers_run(const struct options *o);
int bots_run(const struct options *o);
int count_run(const struct options *o);

#endif
