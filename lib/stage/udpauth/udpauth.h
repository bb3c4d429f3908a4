/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_UDPAUTH_H
#define STAGE_UDPAUTH_H

#include "stage/stage.h"

extern const struct stage stage_udpauth;

#endif
