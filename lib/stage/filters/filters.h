/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_FILTERS_H
#define STAGE_FILTERS_H

#include "stage/stage.h"

extern const struct stage stage_filters;

#endif
