/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_TCPAUTH_H
#define STAGE_TCPAUTH_H

#include "stage/stage.h"

extern const struct stage stage_tcpauth;

#endif
