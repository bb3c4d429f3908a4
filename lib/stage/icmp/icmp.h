/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_ICMP_H
#define STAGE_ICMP_H

#include "stage/stage.h"

extern const struct stage stage_icmp;

#endif
