/* SPDX-License-Identifier: BSD-3-Clause */
/* mmdb_absent - what stands in for mmdb.c in a build without libmaxminddb. */
#include <errno.h>

#include "list/parts.h"

int
list_mmdb(struct list_reading *r, int fd)
{
	(void)fd;
	return list_refuse(r, -ENOSYS,
	                   "this Tidegate was built without libmaxminddb and "
	                   "cannot read databases; install the library and "
	                   "build with -Dmmdb=enabled, or give a text file");
}
