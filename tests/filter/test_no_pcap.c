/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "filter/expression.h"
#include "suite.h"

static void
an_expression_names_the_missing_library(void)
{
	struct filter_expression *e = NULL;
	char error[200] = "";

	CU_ASSERT_EQUAL(filter_expression_make("udp port 53", &e, error, sizeof(error)),
	                -ENOTSUP);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "libpcap"));
	CU_ASSERT_PTR_NULL(e);
}

SUITE_MAIN("filter/no_pcap", TEST(an_expression_names_the_missing_library))
