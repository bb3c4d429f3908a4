/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TIDEGATED_CHECK_HERE_H
#define TIDEGATED_CHECK_HERE_H

#include "policy/settings.h"

/* Add what this machine would answer to a start, at paths "here.WHAT". */
void check_here(const struct settings *s, struct conf_errors *errors);

#endif
