#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# symbols - what a room shows the linker begins with the room's name or that of one of its headers.
# usage: symbols.sh BUILD    looks at BUILD/libtg_*.a, prints offenders, exits 1 if there are any
set -eu
build=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
bad=0

for archive in "$build"/libtg_*.a; do
	room=$(basename "$archive" .a)
	room=${room#libtg_}
	case $room in
	stage_*) prefixes='stage_' ;;
	*)
		prefixes=$(cd "$root/lib/$room" && ls ./*.h 2>/dev/null | sed 's|^\./||; s|\.h$|_|' | tr '\n' ' ')
		prefixes="$prefixes ${room}_"
		;;
	esac
	offenders=$(nm -g --defined-only "$archive" 2>/dev/null | awk -v prefixes="$prefixes" '
		BEGIN { n = split(prefixes, p, " ") }
		NF == 3 && $3 !~ /^(_|\.)/ {
			for (i = 1; i <= n; i++) if (index($3, p[i]) == 1) next
			print "  " $3
		}' | sort -u)
	if [ -n "$offenders" ]; then
		printf 'room %s shows names that are not its own:\n%s\n' "$room" "$offenders"
		bad=1
	fi
done
exit $bad
