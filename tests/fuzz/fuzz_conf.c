/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a configuration file, read by a table with a field of every kind. */
#include <stdlib.h>

#include "conf/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read without a fault must print, copy and read again. */
static void
use(struct everything *out)
{
	struct everything copy = { 0 };

	if (out->text == NULL || out->count == 0)
		abort();
	conf_copy(everything_fields, out, &copy);
	conf_release(everything_fields, &copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_errors errors = { 0 };
	struct everything out;
	FILE *to = fopen("/dev/null", "w");
	int rc;

	rc = conf_read_text((const char *)data, size, "fuzz", everything_fields, &out,
	                    &errors);
	if ((rc == 0) != (errors.count == 0) || to == NULL)
		abort();
	if (rc == 0)
		use(&out);
	conf_errors_print(&errors, to);
	fclose(to);
	conf_release(everything_fields, &out);
	conf_errors_free(&errors);
	return 0;
}
