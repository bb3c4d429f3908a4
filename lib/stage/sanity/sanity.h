/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_SANITY_H
#define STAGE_SANITY_H

#include "stage/stage.h"

extern const struct stage stage_sanity;

#endif
