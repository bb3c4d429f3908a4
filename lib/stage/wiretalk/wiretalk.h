/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_WIRETALK_H
#define STAGE_WIRETALK_H

#include "stage/stage.h"

extern const struct stage stage_wiretalk;

#endif
