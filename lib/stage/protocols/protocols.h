/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_PROTOCOLS_H
#define STAGE_PROTOCOLS_H

#include "stage/stage.h"

extern const struct stage stage_protocols;

#endif
