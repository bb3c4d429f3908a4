/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_FLOWS_H
#define STAGE_FLOWS_H

#include "stage/stage.h"

extern const struct stage stage_flows;

#endif
