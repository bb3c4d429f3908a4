/* SPDX-License-Identifier: BSD-3-Clause */
/* absent - what stands in the place of server.c when there is no libmicrohttpd. */
#include <errno.h>
#include <stdio.h>

#include "api/api.h"

int
api_open(const struct api_settings *settings, struct api **out, char why[API_WHY])
{
	(void)settings;
	(void)out;
	snprintf(why, API_WHY,
	         "built without libmicrohttpd, so there is no HTTP; "
	         "dpdk-telemetry.py reads the same documents");
	return -ENOSYS;
}

void
api_close(struct api *api)
{
	(void)api;
}
