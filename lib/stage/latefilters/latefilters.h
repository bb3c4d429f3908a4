/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_LATEFILTERS_H
#define STAGE_LATEFILTERS_H

#include "stage/stage.h"

extern const struct stage stage_latefilters;

#endif
