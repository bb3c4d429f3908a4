/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * web - the dashboard's files as the build made them (bundle.py).
 *
 * Threads any; constants.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "api/assets.h"

/* "/", its script, style and icon; "/uplot.js" too where uPlot was there to be built in. */
extern const struct api_asset web_assets[];

#endif
