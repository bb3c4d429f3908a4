/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_QUICAUTH_H
#define STAGE_QUICAUTH_H

#include "stage/stage.h"

extern const struct stage stage_quicauth;

#endif
