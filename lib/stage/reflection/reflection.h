/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_REFLECTION_H
#define STAGE_REFLECTION_H

#include "stage/stage.h"

extern const struct stage stage_reflection;

#endif
