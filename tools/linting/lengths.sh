#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lengths - no file past 500 lines, no function past 60.
# usage: lengths.sh FILE...    prints offenders, exits 1 if there are any
set -eu
bad=0
for file in "$@"; do
	lines=$(wc -l <"$file")
	if [ "$lines" -gt 500 ]; then
		echo "$file: $lines lines"
		bad=1
	fi
done
# Our style puts the brace that opens a function, and the one that ends it, in column one.
awk '
	FNR == 1 { start = 0 }
	/^\{/ { start = FNR }
	/^\}/ {
		if (start && FNR - start - 1 > 60) {
			print FILENAME ":" start ": a function of " FNR - start - 1 " lines"
			bad = 1
		}
		start = 0
	}
	END { exit bad }' "$@" || bad=1
exit $bad
