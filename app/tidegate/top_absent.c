/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "top.h"

int
top_screen(struct cli *c, struct top_view *view)
{
	(void)c;
	(void)view;
	fputs("tidegate: built without ncurses, so there is no whole screen: write "
	      "--batch\n",
	      stderr);
	return EXIT_FAILED;
}
