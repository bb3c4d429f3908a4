/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STAGE_DNSAUTH_H
#define STAGE_DNSAUTH_H

#include "stage/stage.h"

extern const struct stage stage_dnsauth;

#endif
