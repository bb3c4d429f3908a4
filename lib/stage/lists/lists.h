/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_LISTS_H
#define STAGE_LISTS_H

#include "stage/stage.h"

extern const struct stage stage_lists;

#endif
