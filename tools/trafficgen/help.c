/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "spec.h"
#include "verbs.h"

static const char page[] =
	"Usage:\n"
	"  trafficgen write -o FILE.pcap --part 'KIND,key=value,...' [--part ...] "
	"[options]\n"
	"  trafficgen send --interface IF (--part ... | CAPTURE) [options]\n"
	"  trafficgen relay A B [options]\n"
	"\n"
	"write makes a capture; the same seed and parts give the same bytes.\n"
	"  -o, --output FILE    classic capture; - is the standard output\n"
	"  --part SPEC          one part of the traffic; parts are merged by time\n"
	"  --seed N             another number, another traffic (1)\n"
	"  --truth FILE         JSON: packets, bytes, first and last time of each part\n"
	"  --duration D         of parts that do not say (10s)\n"
	"  --epoch SECONDS      when the capture begins (1700000000)\n"
	"  --micro              timestamps in microseconds (nanoseconds)\n"
	"  --outside-mac MAC    router outside (02:00:00:01:00:00)\n"
	"  --inside-mac MAC     router inside (02:00:00:02:00:00)\n"
	"  --mark-parts         the outside MAC ends in the number of the part\n"
	"\n"
	"send puts traffic on an interface, paced, and ends with a line of JSON.\n"
	"Needs root or CAP_NET_RAW.\n"
	"  --interface IF       where to send\n"
	"  --rate PPS           this pace instead of the times of the traffic\n"
	"  --duration D         stop after this time\n"
	"  --loop               start over at the end\n"
	"  --side SIDE          send only what comes from outside or inside, or all\n"
	"                       (parts: outside; captures: all; known by the MACs "
	"above)\n"
	"  --dst-mac MAC, --src-mac MAC   write these into all frames\n"
	"  --method M           ring, calls or auto: how to hand over to the kernel "
	"(auto)\n"
	"  --progress           a line of JSON every second\n"
	"  --part, --seed, --mark-parts, --outside-mac, --inside-mac   as for write\n"
	"\n"
	"relay joins two interfaces until SIGTERM and ends with a line of JSON.\n"
	"Needs root or CAP_NET_RAW.\n"
	"  --vlan ID            push this tag from A to B, pop it from B to A\n"
	"  --qinq OUTER.INNER   the same with two tags\n"
	"  --loss PERCENT       lose some packets (0%)\n"
	"  --delay D            hold all packets this long, each way (0)\n"
	"  --jitter D           and some of them up to this much longer (0)\n"
	"  --reorder PERCENT    let some packets be overtaken (0%)\n"
	"  --reorder-by D|N     for this time longer, or by so many packets (2ms)\n"
	"  --duplicate PERCENT  send some packets twice (0%)\n"
	"  --seed N             another number, another fate (1)\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n"
	"Rates: 300, 50k, 1M. Times: 7ns, 20us, 500ms, 10s, 2m, 1h.\n";

void
help_print(void)
{
	fputs(page, stdout);
	spec_print_help(stdout);
}
