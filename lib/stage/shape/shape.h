/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_SHAPE_H
#define STAGE_SHAPE_H

#include "stage/stage.h"

extern const struct stage stage_shape;

#endif
