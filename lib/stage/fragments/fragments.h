/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_FRAGMENTS_H
#define STAGE_FRAGMENTS_H

#include "stage/stage.h"

extern const struct stage stage_fragments;

#endif
