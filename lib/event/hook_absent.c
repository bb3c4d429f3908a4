/* SPDX-License-Identifier: BSD-3-Clause */
/* hook_absent - what stands in the place of hook_post.c when there is no libcurl. */
#include <errno.h>
#include <stdio.h>

#include "event/hook_parts.h"

struct hook_post *
event_hook_post_open(const struct settings_webhook *s, bool (*is_over)(void *arg),
                     void *arg)
{
	(void)s;
	(void)is_over;
	(void)arg;
	errno = ENOSYS;
	return NULL;
}

void
event_hook_post_close(struct hook_post *p)
{
	(void)p;
}

void
event_hook_post(struct hook_post *p, const char *body, struct hook_result *out)
{
	(void)p;
	(void)body;
	*out = (struct hook_result){ .is_refused = true };
	snprintf(out->why, sizeof(out->why), "built without libcurl");
}
