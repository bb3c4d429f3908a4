#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# layers - a room includes itself and rooms of lower floors; DPDK only where it may be known.
# usage: layers.sh [LIB]    prints offenders, exits 1 if there are any
# The compiler holds the floors too (it sees no other include folders); this holds what the
# compiler cannot: the list of rooms that may know DPDK, and stages among themselves.
set -eu
lib=${1:-lib}

grep -rnE '^[[:space:]]*#[[:space:]]*include' "$lib" --include='*.[ch]' --include='*.in' |
	awk -v lib="$lib/" '
	BEGIN {
		n = split("base|conf hash store|packet|io prefix flow meter sketch challenge inspect filter" \
		          "|list stage|policy|pipeline detect evidence|telemetry|event|api", floors, "|")
		for (i = 1; i <= n; i++) {
			m = split(floors[i], names, " ")
			for (j = 1; j <= m; j++) floor[names[j]] = i
		}
		m = split("io packet prefix flow filter telemetry", names, " ")
		for (j = 1; j <= m; j++) knows_dpdk[names[j]] = 1
	}
	function offend(why) { print $0 ": " why; bad = 1 }
	{
		path = $0; sub(":.*", "", path); sub(lib, "", path)
		room = path; sub("/.*", "", room)
		if (!match($0, /["<][^">]*[">]/)) next
		name = substr($0, RSTART + 1, RLENGTH - 2)
		target = name; sub("/.*", "", target)

		if (!(room in floor)) offend("room " room " has no floor")
		if (name ~ /^rte_/ && !(room in knows_dpdk)) offend("room " room " must not know DPDK")
		if (room == "stage" && split(path, own, "/") == 3 && split(name, other, "/") == 3 &&
		    other[1] == "stage" && other[2] != own[2])
			offend("a stage must not know another stage")
		if (target in floor && target != room && floor[target] >= floor[room])
			offend(room " must not look at " target ", which is not below it")
	}
	END { exit bad }'
