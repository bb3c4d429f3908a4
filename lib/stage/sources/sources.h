/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_SOURCES_H
#define STAGE_SOURCES_H

#include "stage/stage.h"

extern const struct stage stage_sources;

#endif
