/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_BEHAVIOUR_H
#define STAGE_BEHAVIOUR_H

#include "stage/stage.h"

extern const struct stage stage_behaviour;

#endif
